# Joins and rescans: a scan reads a list once, whatever the plan.

use strict;
use warnings;

use Test::More;

use KeyapiTest;

my $t = KeyapiTest->new;

test_joins();
test_join_on_region();
test_rescans();

$t->stop;
done_testing();

# Joins in which the lists are known from the start
sub test_joins
{
	$t->scenario('joined', 'plainids');
	$t->sql(<<'END');
CREATE TABLE picks (id text PRIMARY KEY, note text);
INSERT INTO picks VALUES ('US7vv3', 'third'), ('US7vv499', 'last but one'), ('GB7vv1', 'elsewhere');
END
	$t->answers(
		'joined', "
SELECT p.note, t.rank FROM picks p JOIN joined t USING (id)
WHERE t.region = 'US' ORDER BY t.rank",
		"third|3\nlast but one|499", 25, 'join on id');
	$t->answers(
		'joined', "
SELECT p.note, t.rank FROM picks p LEFT JOIN
(SELECT id, rank FROM joined WHERE region = 'US') t USING (id) ORDER BY p.note",
		"elsewhere|\nlast but one|499\nthird|3", 25, 'outer join on id');
	$t->answers(
		'joined', "
SELECT id FROM joined WHERE region = 'US' AND id IN (SELECT id FROM picks)
ORDER BY rank", "US7vv3\nUS7vv499", 25, 'semijoin');
	$t->answers(
		'joined', "
SELECT count(*) FROM joined t WHERE region = 'US'
AND NOT EXISTS (SELECT FROM picks p WHERE p.id = t.id)",
		'498', 25, 'antijoin');
	$t->answers(
		'joined', "
SELECT count(*), bool_and(a.id = 'US7vv' || rank), bool_and(b.id = 'FR30vv' || rank)
FROM joined a JOIN joined b USING (rank)
WHERE a.region = 'US' AND b.region = 'FR' AND b.period = 30",
		'500|t|t', 50, 'two lists side by side');
	return;
}

# A join on the region reads one list per region, whatever the plan.
sub test_join_on_region
{
	my @settings = map { "SET enable_$_ = off;" } qw(nestloop hashjoin mergejoin);
	my $sql = "
SELECT r.name, count(*), bool_and(t.id = r.code || '7vv' || t.rank)
FROM regions r JOIN by_region t ON t.region = r.code GROUP BY r.name ORDER BY r.name";

	$t->scenario('by_region', 'plainids');
	$t->sql(<<'END');
CREATE TABLE regions (code text PRIMARY KEY, name text);
INSERT INTO regions VALUES ('GB', 'United Kingdom'), ('FR', 'France');
END
	foreach my $setting ('', @settings)
	{
		$t->answers(
			'by_region', $setting . $sql,
			"France|500|t\nUnited Kingdom|500|t",
			50, "join on region $setting");
	}
	return;
}

# A scan keeps its pages: reading it again is free.
sub test_rescans
{
	my $settings = $t->nested_loops;

	$t->scenario('rescans');
	$t->answers(
		'rescans', "$settings
SELECT count(*), count(DISTINCT (g, id)) FROM generate_series(1, 3) g
JOIN rescans t ON t.rank + g > 0 WHERE t.region = 'US'",
		'1500|1500', 25, 'inner side of a nested loop');
	$t->answers(
		'rescans', "
SELECT g, (SELECT count(*) FROM rescans WHERE region = 'US' AND duration + g > 0)
FROM generate_series(1, 3) g",
		"1|500\n2|500\n3|500", 25, 'correlated subquery');
	$t->answers(
		'rescans', "$settings
SELECT g, count(*), min(rank), max(rank) FROM generate_series(1, 4) g,
LATERAL (SELECT rank FROM rescans WHERE region = 'US' ORDER BY rank LIMIT g * 10) x
GROUP BY g ORDER BY g",
		"1|10|1|10\n2|20|1|20\n3|30|1|30\n4|40|1|40",
		2, 'a pass may go further than the one before it');
	$t->answers(
		'rescans', "$settings
SELECT count(*) FROM (VALUES ('US'), ('FR'), ('US'), ('FR')) v (code),
LATERAL (SELECT * FROM rescans WHERE region = v.code) x",
		'2000', 50, 'a pass over a list that another pass has read');
	return;
}

# Hash joins and CTEs: what is asked for ahead of the sides of a join and of CTEs, and
# that it is never a page that would not be read.

use strict;
use warnings;

use Test::More;

use KeyapiSession;
use KeyapiTest;

my @REGIONS = qw(US GB FR DE JP BR IN ID);

my $t = KeyapiTest->new;
my $hash = 'SET enable_nestloop = off; SET enable_mergejoin = off;';
my $merge = 'SET enable_nestloop = off; SET enable_hashjoin = off;';

foreach my $scenario ([ 'lists', 'plainids' ], [ 'held', 'plainids;fault=stall' ])
{
	my ($name, $settings) = @$scenario;

	$t->scenario($name, $settings);
	$t->sql("ALTER SERVER $name OPTIONS (ADD max_concurrency '8')");
	$t->sql("CREATE TABLE ${name}_parts (region text, rank int, id text) PARTITION BY LIST (region)");
	$t->sql("CREATE FOREIGN TABLE ${name}_$_ PARTITION OF ${name}_parts FOR VALUES IN ('$_') SERVER $name")
	  foreach @REGIONS;
}
$t->sql(<<'END_SQL');
CREATE TABLE ranks AS SELECT generate_series(1, 500) AS rank;
CREATE TABLE few AS SELECT generate_series(1, 3) AS rank;
CREATE TABLE numbers (rank int PRIMARY KEY);
INSERT INTO numbers SELECT generate_series(1, 25);
CREATE TABLE none (rank int, id text);
CREATE TABLE r (code text);
INSERT INTO r VALUES ('US'), ('GB'), ('FR'), ('DE'), ('JP'), ('BR'), ('IN');
ANALYZE ranks, few, numbers, none, r;
END_SQL

test_together();
test_hash_joins();
test_merge_joins();
test_ctes();
test_price();
test_failures();

$t->stop;
done_testing();

# The first pages of all regions, each in a CTE
sub ctes
{
	my ($name) = @_;

	return 'WITH ' . join(', ',
		map { "c$_ AS MATERIALIZED (SELECT rank, id FROM $name WHERE region = '$_' AND rank <= 20)" } @REGIONS);
}

# The same in one query
sub all_ctes
{
	my ($name) = @_;

	return ctes($name) . ' ' . join(' UNION ALL ', map { "SELECT id FROM c$_" } @REGIONS);
}

# A list's part by region and last rank, as an item of FROM
sub part
{
	my ($name, $region, $rank, $alias, $condition) = @_;

	$condition //= '';
	return "(SELECT rank, id FROM $name WHERE region = '$region' AND rank <= $rank $condition) $alias";
}

# How many requests are in flight together, with a window of eight
sub test_together
{
	my $session = KeyapiSession->new($t);

	$session->run($hash);
	$t->is_together('held', $session, 'the outer side of a hash join', 8, 7,
		'SELECT count(*) FROM held JOIN few USING (rank) WHERE rank <= 160;');
	$t->is_together('held', $session, '... of a left join', 8, 7,
		'SELECT count(*) FROM ' . part('held', 'US', 160, 'a') . ' LEFT JOIN few USING (rank);');
	$t->is_together('held', $session, '... made of partitions', 8, 7,
		'SELECT count(*) FROM held_parts JOIN few USING (rank) WHERE rank <= 20;');
	$t->is_together('held', $session, 'partitions on the hash side', 8, 7,
		'SELECT count(*) FROM ranks LEFT JOIN (SELECT * FROM held_parts WHERE rank <= 20) p USING (rank);');
	$t->is_together('held', $session, 'a hash side, and the outer side behind it', 4, 2,
		'SELECT count(*) FROM ' . part('held', 'US', 40, 'a') . ' FULL JOIN ' . part('held', 'FR', 40, 'b') . ' USING (rank);');
	$t->is_together('held', $session, 'CTEs', 8, 7, all_ctes('held') . ';');
	$t->is_together('held', $session, 'a CTE that two nodes read to its end', 8, 7,
		"WITH c AS MATERIALIZED (SELECT rank FROM held WHERE rank <= 160) SELECT count(*), (SELECT max(rank) FROM c) FROM c;");
	$session->run("RESET ALL; $merge");
	$t->is_together('held', $session, 'the preserved side of a merge join', 8, 7,
		'SELECT a.rank FROM ' . part('held', 'US', 160, 'a') . ' LEFT JOIN few USING (rank) ORDER BY a.rank;');
	$session->run('RESET ALL;');
	$t->is_together('held', $session, 'a set operation, though one row of it is enough', 8, 7,
		'SELECT id FROM ' . part('held', 'US', 160, 'a') . ' EXCEPT SELECT rank::text FROM few LIMIT 1;');
	$session->run('RESET ALL; ' . $t->nested_loops);
	$t->is_together('held', $session, 'UNION ALL on the inner side of a loop', 14, 7,
		'SELECT count(*) FROM r, LATERAL (SELECT id FROM held t WHERE t.region = code AND t.rank <= 20'
		  . ' UNION ALL SELECT id FROM held t WHERE t.region = code AND t.period = 30 AND t.rank <= 20) s;');
	$session->quit;
	return;
}

# A side that is not read, or not to its end
sub test_hash_joins
{
	my $some = part('lists', 'US', 100, 'a');
	my $last = part('lists', 'US', 100, 'a', "AND id = 'US7vv45'");
	my $nothing = part('lists', 'FR', 100, 'b', "AND id = ''");

	foreach my $join ('JOIN', 'LEFT JOIN', 'RIGHT JOIN', 'FULL JOIN')
	{
		asks("$hash SELECT count(*) FROM $_ USING (rank)")
		  foreach map { ("$some $join $_", "$_ $join $some", "$last $join $_") } 'none', 'few', $nothing;
	}
	foreach my $exists ('EXISTS', 'NOT EXISTS')
	{
		asks("$hash SELECT count(*) FROM $some WHERE $exists (SELECT FROM $_ WHERE b.rank = a.rank)")
		  foreach 'none b', 'few b', $nothing;
		asks("$hash SELECT count(*) FROM $_ WHERE $exists (SELECT FROM $some WHERE b.rank = a.rank)")
		  foreach 'none b', 'few b', $nothing;
	}
	asks("$hash SELECT count(*) FROM $some JOIN few USING (rank)", 5);
	asks("$hash SELECT count(*) FROM $some JOIN none USING (rank)", 0);
	asks("$hash SELECT count(*) FROM $some JOIN few USING (rank) JOIN $nothing USING (rank)");
	asks("$hash SELECT a.rank FROM $some JOIN ranks USING (rank) LIMIT 21", 2);
	asks("$hash SELECT EXISTS (SELECT FROM $some JOIN ranks USING (rank) WHERE a.rank + ranks.rank > 60)", 2);
	asks("$hash BEGIN; DECLARE c CURSOR FOR SELECT a.rank FROM $some JOIN ranks USING (rank); MOVE 21 IN c; CLOSE c", 2);
	asks("$hash BEGIN; DECLARE c CURSOR FOR SELECT a.rank FROM $some JOIN ranks USING (rank); MOVE 1 IN c; MOVE ALL IN c", 5);
	asks("$hash SELECT count(*) FROM lists_parts JOIN none USING (rank) WHERE rank <= 20", 0);
	asks("$hash SELECT rank FROM lists_parts JOIN ranks USING (rank) WHERE rank <= 20 LIMIT 21", 2);

	# of the two sides, each hash table is needed; a rescan makes another one
	asks("$hash SELECT count(*) FROM few, LATERAL (SELECT count(*) FROM $some JOIN ranks USING (rank)"
		  . ' WHERE ranks.rank > few.rank * 20 - 20 + random()) s', 5);
	return;
}

# One that may stop reads nothing ahead, unless the side is preserved.
sub test_merge_joins
{
	my $some = part('lists', 'US', 100, 'a');

	asks("$merge SELECT count(*) FROM (SELECT a.rank FROM $some JOIN numbers USING (rank) ORDER BY a.rank OFFSET 0) x", 2);
	foreach my $join ('LEFT JOIN', 'FULL JOIN')
	{
		asks("$merge SELECT a.rank FROM $some $join $_ USING (rank) ORDER BY a.rank", 5) foreach 'none', 'few', 'ranks';
	}
	asks("$merge SELECT a.rank FROM $some WHERE NOT EXISTS (SELECT FROM numbers n WHERE n.rank = a.rank) ORDER BY a.rank", 5);
	return;
}

sub test_ctes
{
	my $whole = 'WITH c AS MATERIALIZED (SELECT rank FROM lists WHERE rank <= 100)';
	my $two = ctes('lists');

	asks(all_ctes('lists'), 8);
	asks("$whole SELECT count(*) FROM c", 5);
	asks("$whole SELECT * FROM c LIMIT 21", 2);
	asks("$whole SELECT EXISTS (SELECT FROM c WHERE rank > 20)", 2);
	asks("$whole SELECT (SELECT rank FROM c WHERE rank > 20 LIMIT 1), (SELECT rank FROM c LIMIT 1)", 2);
	asks("$whole SELECT count(*) FROM (SELECT FROM c LIMIT 21) x JOIN none ON true");
	asks("$hash $whole SELECT count(*) FROM c JOIN none USING (rank)", 0);
	asks("$hash $whole SELECT count(*) FROM c JOIN few USING (rank)", 5);
	asks("$hash $whole, d AS MATERIALIZED (SELECT * FROM c WHERE rank > 20) SELECT count(*) FROM d JOIN few ON d.rank = few.rank", 5);
	asks("$whole SELECT rank FROM few WHERE EXISTS (SELECT FROM c WHERE c.rank > 20 AND random() >= 0) AND few.rank = 1");
	asks("BEGIN; DECLARE c CURSOR FOR $whole SELECT * FROM c; MOVE 21 IN c", 2);

	# CTEs that follow, but for a LIMIT, a condition or another reader
	asks("$two SELECT id FROM cUS UNION ALL (SELECT id FROM cFR LIMIT 0) UNION ALL SELECT id FROM cDE", 2);
	asks("$two SELECT id FROM cUS UNION ALL SELECT id FROM cFR WHERE (SELECT count(*) FROM none) > 0 UNION ALL SELECT id FROM cDE", 2);
	asks("$two SELECT * FROM (SELECT id FROM cUS UNION ALL SELECT id FROM cFR UNION ALL SELECT id FROM cDE) x LIMIT 21", 2);
	asks("$two SELECT id FROM cUS UNION ALL SELECT id FROM cFR UNION ALL SELECT id FROM cUS", 2);
	asks("$two, d AS MATERIALIZED (SELECT * FROM cFR UNION ALL SELECT * FROM cDE) SELECT id FROM cUS UNION ALL SELECT id FROM d", 3);
	asks("$two, d AS MATERIALIZED (SELECT * FROM cFR UNION ALL SELECT * FROM cDE) SELECT id FROM d LIMIT 20", 1);

	# one that writes, and one that calls itself
	$t->sql('CREATE TABLE target (rank int)');
	asks('WITH i AS (INSERT INTO target SELECT rank FROM lists WHERE rank <= 100 RETURNING rank) SELECT count(*) FROM i; TRUNCATE target', 5);
	asks('WITH i AS (INSERT INTO target SELECT rank FROM lists WHERE rank <= 100 RETURNING rank) SELECT rank FROM i LIMIT 1; TRUNCATE target', 5);
	asks('WITH RECURSIVE w AS (SELECT rank FROM lists WHERE rank <= 40 UNION ALL SELECT w.rank + 40 FROM w WHERE w.rank < 60) SELECT rank FROM w LIMIT 21', 2);
	asks("$hash WITH RECURSIVE w(n) AS (SELECT 1 UNION ALL SELECT w.n + 1 FROM w JOIN lists ON rank = w.n WHERE w.n < 25 AND rank <= 60)"
		  . ' SELECT count(*) FROM w');
	return;
}

sub asks
{
	my ($sql, $requests) = @_;

	local $Test::Builder::Level = $Test::Builder::Level + 1;
	$t->asks_as_without_ahead('lists', $sql, $requests, $sql);
	return;
}

# A join whose lists are shorter than typical ones is not refused for their price, once
# its hash table is made.
sub test_price
{
	$t->change('lists', 'plainids;total=15');
	$t->answers('lists', "$hash SET keyapi_fdw.max_credits = 100; SELECT count(*) FROM lists JOIN ranks USING (rank)"
		  . " WHERE region IN ('US', 'GB', 'FR', 'DE', 'JP')", 75, 5, 'short lists on the outer side');
	$t->change('lists', 'plainids');
	return;
}

# A failure on one side is raised when the join comes to it, and not tried more often;
# one of a side that is not read does not matter.
sub test_failures
{
	my $join = part('lists', 'US', 40, 'a') . ' RIGHT JOIN ' . part('lists', 'FR', 40, 'b');
	my $result;

	$t->sql("ALTER SERVER lists OPTIONS (SET max_concurrency '8', ADD max_retries '1')");
	$t->change('lists', 'plainids;fault=status,code=500,region=US');
	$t->emulator->reset('lists');
	$result = $t->run("$hash SELECT count(*) FROM $join USING (rank)");
	like($result->{stderr}, qr/58000.*region=US/s, 'the failure of the outer side');
	is(scalar(grep { $_->{region} eq 'US' } $t->emulator->log('lists')), 2, '... is tried as often as max_retries says');
	$t->resume('lists');
	$t->answers('lists', "$hash SELECT count(*) FROM " . part('lists', 'US', 40, 'a') . ' RIGHT JOIN '
		  . part('lists', 'FR', 40, 'b', "AND id = ''") . ' USING (rank)', 0, 2, '... and none where the hash table is empty');

	$t->change('lists', 'plainids;fault=status,code=400,region=FR,page=2');
	$t->fails('lists', "$hash SELECT count(*) FROM $join USING (rank)", '22023', qr/region=FR/, 'the failure of the hash side');
	$t->fails('lists', "$hash SELECT count(*) FROM " . part('lists', 'US', 100, 'a') . ' JOIN few ON few.rank = 1 / (a.rank - 30)',
		'22012', qr/zero/, 'an error in the middle of the outer side');
	return;
}

# Foreign tables within PostgreSQL: as children and partitions, as the source of
# copies and materialized views, read-only, and altered.

use strict;
use warnings;

use Test::More;

use KeyapiTest;

my $t = KeyapiTest->new;

test_inheritance();
test_partitions();
test_copies();
test_materialized_views();
test_locking();
test_read_only();
test_altered_options();

$t->stop;
done_testing();

sub test_inheritance
{
	$t->server('heirs', 'plainids');
	$t->mapping('heirs');
	$t->sql(<<'END');
CREATE TABLE parent (id text, rank int);
INSERT INTO parent VALUES ('local', 1);
CREATE FOREIGN TABLE us_child (extra text OPTIONS (field 'title')) INHERITS (parent)
SERVER heirs OPTIONS (region 'US');
CREATE FOREIGN TABLE fr_child (rank int, extra text OPTIONS (field 'title'), id text)
SERVER heirs OPTIONS (region 'FR');
ALTER FOREIGN TABLE fr_child INHERIT parent;
END
	$t->answers(
		'heirs',
		'SELECT tableoid::regclass, id FROM parent WHERE rank = 1 ORDER BY id',
		"fr_child|FR7vv1\nus_child|US7vv1\nparent|local",
		2, 'children of a table');
	$t->answers('heirs', 'SELECT id FROM ONLY parent', 'local', 0, 'ONLY the parent');
	$t->answers('heirs', 'SELECT count(*), count(p) FROM parent p',
		'1001|1001', 50, 'whole rows of children with other columns');
	return;
}

sub test_partitions
{
	my $by_region =
	  'SELECT region, count(*), bool_and(id = region || period || order_by || rank)'
	  . ' FROM everywhere WHERE %s GROUP BY region ORDER BY region';

	$t->server('parts', 'plainids');
	$t->mapping('parts');
	$t->sql(<<'END');
CREATE TABLE everywhere (region text, period int, order_by text, rank int, id text)
PARTITION BY LIST (region);
CREATE FOREIGN TABLE part_us PARTITION OF everywhere FOR VALUES IN ('US')
SERVER parts OPTIONS (region 'US');
CREATE FOREIGN TABLE part_fr (id text, rank int, region text, order_by text, period int)
SERVER parts OPTIONS (region 'FR');
ALTER TABLE everywhere ATTACH PARTITION part_fr FOR VALUES IN ('FR');
END
	$t->answers('parts', sprintf($by_region, 'true'),
		"FR|500|t\nUS|500|t", 50, 'all partitions');
	$t->answers('parts', sprintf($by_region, "region = 'FR'"),
		'FR|500|t', 25, 'one of them');
	$t->answers('parts', sprintf($by_region, "region = 'JP'"),
		'', 0, 'none of them');
	$t->answers('parts', sprintf($by_region, "region = 'US' AND period = 30"),
		'US|500|t', 25, 'with a condition on another parameter');
	return;
}

sub test_copies
{
	$t->table('copied', 'plainids', 'rank int, id text');
	$t->answers(
		'copied',
		'COPY (SELECT * FROM copied WHERE rank <= 2 ORDER BY rank) TO STDOUT',
		"1\tUS7vv1\n2\tUS7vv2", 1, 'COPY (SELECT) TO');
	$t->answers(
		'copied', '
CREATE TABLE copy AS SELECT * FROM copied;
INSERT INTO copy SELECT * FROM copied WHERE rank = 1;
SELECT count(*), count(DISTINCT id) FROM copy',
		'501|500', 26, 'CREATE TABLE AS, INSERT SELECT');
	$t->answers(
		'copied', "
CREATE TABLE known (id text PRIMARY KEY, rank int);
INSERT INTO known VALUES ('US7vv2', 0);
UPDATE known k SET rank = c.rank FROM copied c WHERE c.id = k.id;
DELETE FROM known k USING copied c WHERE c.id = k.id AND c.rank = 1;
MERGE INTO known k USING (SELECT * FROM copied WHERE rank <= 3) c ON c.id = k.id
WHEN MATCHED THEN UPDATE SET rank = -1
WHEN NOT MATCHED THEN INSERT VALUES (c.id, c.rank);
SELECT id, rank FROM known ORDER BY id",
		"US7vv1|1\nUS7vv2|-1\nUS7vv3|3",
		27, 'UPDATE, DELETE and MERGE of a local table with it');
	$t->answers(
		'copied', '
CREATE TABLE later AS SELECT * FROM copied WITH NO DATA;
CREATE MATERIALIZED VIEW later_view AS SELECT * FROM copied WITH NO DATA;',
		'', 0, 'WITH NO DATA');
	$t->fails('copied', 'COPY copied TO STDOUT', '42809',
		qr/cannot copy from foreign table.*HINT:  Try the COPY \(SELECT/s,
		'COPY TO', requests => 0);
	return;
}

sub test_materialized_views
{
	my %rows = (
		mv_still => [ '',        500 ],
		mv_shift => [ 'shift=3', 428 ],
		mv_churn => [ 'churn=1', undef ]);

	foreach my $name (sort keys %rows)
	{
		my ($settings, $rows) = @{ $rows{$name} };
		my $result;

		$t->scenario($name, $settings);
		$result = $t->ask(
			$name, "
CREATE MATERIALIZED VIEW $name\_view AS SELECT * FROM $name WHERE region IN ('US', 'GB');
CREATE UNIQUE INDEX ON $name\_view (region, period, order_by, id);
CREATE TABLE $name\_before AS SELECT * FROM $name\_view;
REFRESH MATERIALIZED VIEW CONCURRENTLY $name\_view;");
		is_deeply(
			$result,
			{ rows => '', requests => 100, status => 0, stderr => '' },
			"$name: CREATE and REFRESH");
		is( $t->sql(
				"SELECT region, count(*) > 400, count(*) = count(DISTINCT id),"
				  . " count(*) = count(DISTINCT rank) FROM $name\_view"
				  . ' GROUP BY region ORDER BY region'),
			"GB|t|t|t\nUS|t|t|t",
			'... each video once');
		is($t->sql("SELECT count(*) FROM $name\_view WHERE region = 'US'"),
			$rows, '... all of them')
		  if defined $rows;
		is( $t->sql(
				"SELECT bool_and(v.fetched_at > b.fetched_at)"
				  . " FROM $name\_view v JOIN $name\_before b USING (region, id)"),
			't',
			'... and REFRESH brings new rows');
	}
	return;
}

sub test_locking
{
	$t->table('locked', 'plainids', 'rank int, id text');
	$t->sql("CREATE TABLE local (id text PRIMARY KEY, n int);"
		  . " INSERT INTO local VALUES ('US7vv1', 0)");
	$t->answers('locked', 'SELECT id FROM locked LIMIT 1 FOR UPDATE',
		'US7vv1', 1, 'FOR UPDATE');
	$t->answers(
		'locked',
		'SELECT * FROM local JOIN locked USING (id) WHERE rank <= 5 FOR UPDATE',
		'US7vv1|0|1', 1, 'FOR UPDATE of a join');
	return;
}

# There is nothing to write to.
sub test_read_only
{
	my @writes = (
		[ "INSERT INTO fixed VALUES ('a')",  '0A000', qr/cannot insert into foreign table/ ],
		[ "UPDATE fixed SET id = 'a'",       '0A000', qr/cannot update foreign table/ ],
		[ 'DELETE FROM fixed',               '0A000', qr/cannot delete from foreign table/ ],
		[ 'TRUNCATE fixed',                  '0A000', qr/cannot truncate foreign table/ ],
		[ 'COPY fixed FROM STDIN',           '0A000', qr/cannot insert into foreign table/ ],
		[ 'SELECT * FROM fixed TABLESAMPLE SYSTEM (10)', '0A000', qr/TABLESAMPLE/ ],
		[ 'CREATE INDEX ON fixed (id)',      '42809', qr/foreign table/ ],
		[ 'BEGIN; LOCK TABLE fixed',         '42809', qr/cannot lock relation/ ]);

	$t->table('fixed', '', 'id text');
	foreach my $write (@writes)
	{
		my ($sql, $sqlstate, $message) = @$write;

		$t->fails('fixed', $sql, $sqlstate, $message, $sql, requests => 0);
	}
	return;
}

# A plan that is there already sees new options.
sub test_altered_options
{
	$t->server('before', 'plainids;fault=shape,author');
	$t->server('after',  'plainids');
	my $after = $t->url('after', 'plainids');
	$t->mapping('before');
	$t->sql(<<'END');
CREATE FOREIGN TABLE moved (rank int, id text, region text, x text) SERVER before;
END
	my $result = $t->ask('before', <<"END");
SET plan_cache_mode = force_generic_plan;
PREPARE top(int) AS SELECT id, region, x FROM moved WHERE rank = \$1;
EXECUTE top(1);
ALTER FOREIGN TABLE moved OPTIONS (ADD region 'FR');
EXECUTE top(1);
ALTER FOREIGN TABLE moved ALTER x OPTIONS (ADD field 'author.name');
EXECUTE top(1);
ALTER FOREIGN TABLE moved OPTIONS (ADD page_size '5');
EXECUTE top(6);
ALTER SERVER before OPTIONS (SET base_url '$after');
EXECUTE top(7);
ALTER USER MAPPING FOR PUBLIC SERVER before OPTIONS (SET api_key 'sk_live_other');
EXECUTE top(8);
END
	is( $result->{rows},
		"US7vv1|US|\nFR7vv1|FR|\nFR7vv1|FR|author of 1\n"
		  . "FR7vv6|FR|author of 6\nFR7vv7|FR|",
		'a prepared statement sees options of table and column');
	is_deeply([ map { "$_->{limit},$_->{page}" } $t->emulator->log('before') ],
		[ '20,1', '20,1', '20,1', '5,2' ], '... and page_size');
	is_deeply([ map { "$_->{page},$_->{status}" } $t->emulator->log('after') ],
		[ '2,200', '2,401' ], '... and the server');
	like($result->{stderr}, qr/ERROR:  28000: /, '... and the user mapping');
	return;
}

# Plans that stop before a scan's end: whatever stops them, looking ahead asks for no
# page that would not be read.

use strict;
use warnings;

use Test::More;

use KeyapiSession;
use KeyapiTest;

# A quarter of this is a large table.
my $t = KeyapiTest->new(conf => 'shared_buffers = 1MB');
my $loops = $t->nested_loops;

$t->scenario('lists', 'plainids');
$t->sql("ALTER SERVER lists OPTIONS (ADD max_concurrency '8')");
$t->sql(<<'END_SQL');
CREATE TABLE parts (region text, rank int, id text) PARTITION BY LIST (region);
CREATE FOREIGN TABLE parts_us PARTITION OF parts FOR VALUES IN ('US') SERVER lists;
CREATE FOREIGN TABLE parts_fr PARTITION OF parts FOR VALUES IN ('FR') SERVER lists;
CREATE FOREIGN TABLE parts_de PARTITION OF parts FOR VALUES IN ('DE') SERVER lists;
CREATE TABLE none (id text, rank int);
CREATE TABLE few AS SELECT generate_series(1, 3) AS rank;
CREATE TABLE r (code text, k int);
INSERT INTO r VALUES ('US', 0), ('GB', 1), ('FR', 2), ('DE', 3), ('JP', 4);
CREATE TABLE target (id text PRIMARY KEY, rank int);
ANALYZE none, few, r;
END_SQL

test_aggregates();
test_limits();
test_windows();
test_set_operations();
test_subqueries();
test_ctes();
test_functions();
test_writes();
test_moving_scans();

$t->stop;
done_testing();

sub asks
{
	my ($sql, $requests) = @_;

	local $Test::Builder::Level = $Test::Builder::Level + 1;
	$t->asks_as_without_ahead('lists', $sql, $requests, $sql);
	return;
}

sub test_aggregates
{
	my $two = "lists WHERE region IN ('US', 'FR')";

	# grouping sets that are hashed while sorted ones are returned
	asks("SELECT rank, region, count(*) FROM $two GROUP BY GROUPING SETS ((rank), (region)) LIMIT 1", 2);
	asks("SELECT rank, count(*) FROM $two GROUP BY rank LIMIT 25");
	asks("SET enable_hashagg = off; SELECT rank, count(*) FROM $two GROUP BY rank LIMIT 25", 4);
	asks("SELECT DISTINCT ON (rank) rank, id FROM $two ORDER BY rank LIMIT 25", 4);
	asks("SELECT DISTINCT region FROM lists WHERE region = 'US'");
	asks('SELECT min(rank) FROM lists', 1);
	asks('SELECT min(rank) FROM parts', 3);
	return;
}

sub test_limits
{
	asks('SELECT rank FROM lists ORDER BY rank FETCH FIRST 25 ROWS WITH TIES', 2);
	asks('SELECT rank FROM lists ORDER BY rank, id LIMIT 21', 2);
	asks('SELECT generate_series(1, 10), rank FROM lists LIMIT 210', 2);
	asks('SELECT rank FROM lists LIMIT 0', 0);
	asks("SELECT rank FROM lists WHERE rank <= 40 UNION ALL (SELECT rank FROM lists WHERE region = 'FR' LIMIT 0)", 2);
	asks('SELECT rank FROM lists WHERE rank <= 40 UNION ALL (SELECT rank FROM parts LIMIT 20)', 3);
	asks("SELECT rank FROM lists WHERE rank <= 40 UNION ALL (SELECT rank FROM parts WHERE region = 'FR' LIMIT 20)", 3);
	asks("SELECT rank FROM lists WHERE rank <= 40 UNION ALL (SELECT rank FROM lists WHERE region = 'FR' OFFSET 30 LIMIT 20)", 5);
	asks("SELECT rank FROM lists WHERE rank <= 40 UNION ALL (SELECT generate_series(1, 3) FROM lists WHERE region = 'FR' LIMIT 60)", 3);

	# the planner's guess of a LIMIT, which a prepared statement keeps
	foreach my $limit ("current_setting('my.most')::int", 'least(current_setting(\'my.most\')::int, 1000)')
	{
		asks("SET my.most = '100'; PREPARE p AS SELECT rank FROM lists ORDER BY rank LIMIT $limit; EXECUTE p;"
			  . " SET my.most = '25'; EXECUTE p", 7);
	}
	asks('SET plan_cache_mode = force_generic_plan; PREPARE p(int) AS SELECT rank FROM lists ORDER BY rank LIMIT $1;'
		  . ' EXECUTE p(100); EXECUTE p(25); EXECUTE p(0)', 7);
	return;
}

sub test_windows
{
	my $numbered = '(SELECT rank, row_number() OVER (ORDER BY rank) AS n FROM lists) x';

	asks("SELECT * FROM $numbered WHERE n <= 25", 2);
	asks("SELECT * FROM $numbered WHERE n <= 25 OR n = 30");
	asks('SELECT rank, lag(rank) OVER (ORDER BY rank) FROM lists LIMIT 25', 2);
	asks('SELECT rank, row_number() OVER (PARTITION BY region ORDER BY rank) FROM lists LIMIT 25', 2);
	return;
}

# PostgreSQL 18 does not read the second input if the first is empty.
sub test_set_operations
{
	my $some = "SELECT id FROM lists WHERE region = 'FR' AND rank <= 60";

	foreach my $operation ('EXCEPT', 'INTERSECT', 'EXCEPT ALL', 'INTERSECT ALL')
	{
		asks("SELECT id FROM none $operation $some");
		asks("$some AND id = '' $operation $some");
		asks("$some $operation SELECT id FROM none");
		asks("SET enable_hashagg = off; SELECT rank FROM few $operation SELECT rank FROM lists");
		asks("SET enable_hashagg = off; SELECT rank FROM lists WHERE rank <= 60 $operation SELECT rank FROM few");
	}
	return;
}

sub test_subqueries
{
	asks('SELECT code, (SELECT id FROM lists WHERE region = code AND rank > 20 LIMIT 1) FROM r LIMIT 2', 2);
	asks("SELECT CASE WHEN (SELECT count(*) FROM lists WHERE rank <= 40) > 50 THEN (SELECT count(*) FROM lists WHERE region = 'FR') END", 2);
	asks('SELECT count(*) FROM few WHERE rank NOT IN (SELECT rank FROM lists WHERE rank <= 60)', 3);
	asks('SELECT count(*) FROM few WHERE EXISTS (SELECT FROM lists WHERE lists.rank > few.rank + 20 AND random() >= 0)');
	asks("$loops SELECT code FROM r WHERE EXISTS (SELECT FROM lists t WHERE t.region = r.code AND t.rank > 20)", 5);
	asks("$loops SELECT count(*) FROM r LEFT JOIN lists t ON t.region = r.code AND t.rank <= 20 AND r.k < 3");
	asks("$loops SELECT code, s.id FROM r, LATERAL (SELECT id FROM lists t WHERE t.region = r.code LIMIT 21) s", 10);
	asks('SET enable_hashjoin = off; SET enable_mergejoin = off; SELECT count(*) FROM r JOIN lists t ON t.region = r.code AND t.rank = r.k + 21', 5);
	return;
}

# A CTE that several nodes read: which of them begins is not known.
sub test_ctes
{
	my $c = "WITH c AS MATERIALIZED (SELECT rank, id FROM lists WHERE region = 'FR')";
	my $never = 'SELECT count(*) FROM c';
	my $some = 'SELECT rank FROM c OFFSET 20 LIMIT 1';

	asks("$c SELECT rank FROM c WHERE ($some) > 100", 2);
	asks("$c SELECT rank FROM c WHERE ($some) > 100 AND ($never) > 0", 2);
	asks("$c ($some) UNION ALL SELECT c.rank FROM none, c", 2);
	asks("$c SELECT c.rank FROM none LEFT JOIN c USING (rank) UNION ALL ($some)", 2);
	asks("SET enable_hashjoin = off; SET enable_mergejoin = off; $c SELECT c.rank FROM none JOIN c USING (rank) UNION ALL ($some)", 2);
	asks("$c SELECT CASE WHEN rank > 100 THEN ($never) ELSE ($some) END FROM few", 2);
	asks("$c SELECT rank, (SELECT id FROM c WHERE c.rank = few.rank + 20 LIMIT 1) FROM few WHERE rank < 100 OR rank < ($never)", 2);
	asks("$c SELECT count(*) FROM few WHERE EXISTS (SELECT FROM c WHERE c.rank > few.rank + 20) OR rank IN (SELECT rank FROM c)");
	asks("$c SELECT FROM c a WHERE id = '' UNION ALL ($some)");
	asks("$c (SELECT rank FROM c WHERE rank > 20 LIMIT 1) UNION ALL SELECT rank FROM c WHERE ($some) > 100", 2);
	asks("$c, d AS MATERIALIZED (SELECT rank FROM c) SELECT rank FROM d WHERE (SELECT rank FROM c OFFSET 20 LIMIT 1) > 100", 2);
	asks("$c, d AS MATERIALIZED (SELECT rank FROM c UNION ALL SELECT rank FROM c) SELECT rank FROM d WHERE (SELECT rank FROM d OFFSET 20 LIMIT 1) > 100", 2);
	foreach my $operation ('EXCEPT', 'INTERSECT')
	{
		asks("$c ($some) UNION ALL (SELECT rank FROM none $operation SELECT rank FROM c)");
		asks("SET enable_hashagg = off; $c ($some) UNION ALL (SELECT rank FROM none $operation SELECT rank FROM c)");
	}
	return;
}

# Functions that read a row at a time, and outer sides of a loop that read lists
# themselves
sub test_functions
{
	$t->leave_loops;
	$t->sql(<<'END_SQL');
CREATE FUNCTION lazy() RETURNS SETOF int LANGUAGE sql VOLATILE AS 'SELECT rank FROM lists';
CREATE FUNCTION lazy_parts() RETURNS SETOF int LANGUAGE sql VOLATILE AS 'SELECT rank FROM parts WHERE rank <= 20';
CREATE FUNCTION one() RETURNS int LANGUAGE sql VOLATILE AS 'SELECT rank FROM lists WHERE rank > 20';
CREATE FUNCTION codes() RETURNS SETOF text LANGUAGE plpgsql STABLE ROWS 5 COST 1 AS $$
BEGIN
  RETURN QUERY SELECT region FROM lists WHERE region IN ('US', 'FR') AND rank <= 3;
END $$;
CREATE FUNCTION is_wanted(code text) RETURNS boolean LANGUAGE plpgsql STABLE COST 1 AS $$
BEGIN
  RETURN EXISTS (SELECT FROM lists WHERE region = code AND rank = 21);
END $$;
END_SQL
	asks('SELECT lazy() LIMIT 25', 2);
	asks('SELECT lazy_parts() LIMIT 25', 2);
	asks('SELECT one()', 1);
	asks("SELECT leave_at('SELECT rank FROM parts WHERE rank <= 20', 11)", 3);
	asks("$loops SELECT leave_at('SELECT t.rank FROM r JOIN lists t ON t.region = r.code AND t.rank <= 20', 11)", 3);
	asks("$loops SELECT count(*) FROM codes() c JOIN lists t ON t.region = c AND t.rank BETWEEN 21 AND 22", 4);
	asks("$loops SELECT count(*) FROM (SELECT * FROM r WHERE is_wanted(code) OFFSET 0) r JOIN lists t ON t.region = r.code AND t.rank <= 3", 10);
	return;
}

sub test_writes
{
	asks('MERGE INTO target USING (SELECT * FROM lists WHERE rank <= 60) l ON target.id = l.id'
		  . ' WHEN NOT MATCHED THEN INSERT VALUES (l.id, l.rank); TRUNCATE target', 3);
	asks("$loops BEGIN; UPDATE r SET k = k FROM lists t WHERE t.region = r.code AND t.rank = 1; ROLLBACK", 5);
	asks('INSERT INTO target SELECT id, rank FROM parts WHERE rank <= 20 ON CONFLICT DO NOTHING; TRUNCATE target', 3);
	asks('BEGIN; DECLARE c CURSOR FOR SELECT rank FROM parts WHERE rank <= 20; MOVE 1 IN c; CLOSE c; COMMIT', 1);
	asks("COPY (SELECT id FROM parts WHERE rank <= 20) TO '/dev/null'", 3);
	asks('SELECT rank FROM lists WHERE rank <= 60 FOR UPDATE', 3);
	return;
}

# A scan of a large table begins where the one of another session is, so that a second
# look at the outer side of a loop would see other rows.
sub test_moving_scans
{
	my $reader = KeyapiSession->new($t);
	my $other = KeyapiSession->new($t);

	$t->sql("CREATE TABLE large AS SELECT CASE n WHEN 1 THEN 'US' WHEN 2 THEN 'GB' ELSE 'FR' END AS code,"
		  . " repeat('x', 1000) AS filler FROM generate_series(1, 1200) n; ANALYZE large");
	$t->change('lists', 'plainids;fault=stall,region=US');
	$t->emulator->reset('lists');
	$reader->run($loops);
	$reader->start('SELECT count(*) FROM (SELECT code FROM large LIMIT 2) r JOIN lists t ON t.region = r.code AND t.rank = 1;');
	$t->emulator->await_stalled('lists', 1);
	$other->sql('BEGIN; DECLARE c CURSOR FOR SELECT FROM large; MOVE 700 IN c;');
	$t->change('lists', 'plainids');
	$t->emulator->release('lists');
	is($reader->finish->{rows}, 2, 'a loop over a part of a large table');
	is(join(',', sort map { $_->{region} } $t->emulator->log('lists')), 'GB,US', '... reads the lists of that part');
	$_->quit foreach $reader, $other;
	return;
}

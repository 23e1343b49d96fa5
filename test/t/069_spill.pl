# Pages that memory has no room for come back from a temporary file: rows and requests
# are the same with the smallest work_mem, whichever way a query comes back to them.

use strict;
use warnings;

use Test::More;

use KeyapiSession;
use KeyapiTest;

my $t = KeyapiTest->new(conf => KeyapiTest->preloaded . "work_mem = '64kB'\nmax_parallel_workers_per_gather = 0\n");

# Three lists of five pages; a page takes about 15 kB
my $name = 'spilled';
my $lists = "region IN ('A', 'B', 'C')";
my $loops = KeyapiTest::nested_loops();

$t->scenario($name, 'nogzip;total=100');
$t->one_by_one($name);

test_queries();
test_duplicates();
test_cursors();
test_plpgsql();
test_explain();
test_limit();
test_no_room();
is($t->sql('SELECT count(*) FROM pg_ls_tmpdir()'), 0, 'no temporary file is left');

$t->stop;
done_testing();

# Rows and requests are the same with much memory.
sub is_same
{
	my ($sql, $requests, $test, $scenario) = @_;
	my $result = $t->ask($scenario // $name, "SET work_mem = '1GB'; $sql");

	isnt($result->{rows}, '', "$test: the query has a result");
	$t->answers($scenario // $name, $sql, $result->{rows}, $requests, "$test: with little memory it is the same");
	is($result->{requests}, $requests, '... and the requests are');
	return;
}

sub test_queries
{
	my $titles = 'md5(string_agg(%s, \',\'))';

	is_same("SELECT count(*), md5(string_agg(title, ',')) FROM $name WHERE $lists", 15, 'lists');
	is_same("SELECT count(*), md5(string_agg(title, ',')) FROM (SELECT * FROM $name WHERE $lists ORDER BY rank) x",
		15, 'rank by rank');
	is_same("SELECT count(*), md5(string_agg(a.title || b.cover, ',' ORDER BY a.id)) FROM $name a JOIN $name b ON a.id = b.id"
		  . " WHERE a.$lists AND b.$lists", 15, 'a join with itself');
	is_same("SELECT count(*), md5(string_agg(title, ',')) FROM (SELECT * FROM $name WHERE $lists UNION ALL"
		  . " SELECT * FROM $name WHERE $lists) x", 15, 'UNION ALL');
	is_same("$loops SELECT count(*), md5(string_agg(a.title || x.n, ',')) FROM generate_series(1, 3) x(n)"
		  . " JOIN $name a ON a.rank > x.n * 20 WHERE $lists", 15, 'a loop that rescans');
	is_same("$loops SELECT count(*), md5(string_agg(a.title, ',')) FROM (VALUES ('A'), ('B'), ('A'), ('C'), ('B'), ('A'))"
		  . " x(code) JOIN $name a ON a.region = x.code", 15, 'a loop that comes back to lists');
	is_same("SELECT md5(string_agg((SELECT max(title) FROM $name a WHERE $lists AND a.rank > n * 7), ','))"
		  . ' FROM generate_series(1, 10) n', 15, 'a subquery for each row');
	is_same("WITH w AS MATERIALIZED (SELECT * FROM $name WHERE $lists) SELECT count(*), md5(string_agg(a.title, ',' ORDER BY a.id))"
		  . ' FROM w a JOIN w b USING (id)', 15, 'a CTE that is read twice');
	return;
}

# An id that came before on another page may have to be read back to be compared.
sub test_duplicates
{
	$t->scenario('shifted', 'nogzip;total=200;shift=3');
	is_same("SELECT count(*), count(DISTINCT id), md5(string_agg(id, ',')) FROM shifted", 10, 'duplicates', 'shifted');
	is_same("SELECT count(*), md5(string_agg(id, ',')) FROM (SELECT * FROM shifted ORDER BY rank) a,"
		  . ' generate_series(1, 2)', 10, 'duplicates, twice', 'shifted');
	return;
}

sub test_cursors
{
	my $session = KeyapiSession->new($t);
	my $query = "SELECT region, rank, title FROM $name WHERE $lists";
	my $all = $t->sql("SELECT md5(string_agg(title, ',')) FROM ($query) x");
	my $before = $t->emulator->count($name);
	my @backward = reverse split /\n/, $t->sql($query);

	$before = $t->emulator->count($name);
	my $rows = $session->sql("BEGIN; DECLARE s SCROLL CURSOR FOR $query; MOVE ALL FROM s; FETCH BACKWARD ALL FROM s;");
	is($rows, join("\n", @backward), 'backward');
	is($session->sql('FETCH ABSOLUTE 150 FROM s; FETCH FIRST FROM s;'), "$backward[150]\n$backward[299]", '... and anywhere');
	is($t->emulator->count($name) - $before, 15, '... paid for once');

	# it outlives the message, and subtransactions that other queries ended in
	$session->sql("COMMIT; BEGIN; DECLARE c CURSOR FOR $query;");
	$before = $t->emulator->count($name);
	is($session->sql('FETCH 1 FROM c;'), $backward[299], 'a cursor');
	$session->sql("SAVEPOINT a; SELECT count(*) FROM $name WHERE region IN ('D', 'E');");
	$session->run("SELECT 1 / (SELECT 0 * count(*) FROM $name WHERE region = 'F'); ROLLBACK TO a;");
	$session->sql("DECLARE d CURSOR FOR SELECT rank FROM $name WHERE region = 'D'; FETCH 50 FROM d; ROLLBACK TO a;");
	is($session->sql('FETCH ALL FROM c;'), join("\n", reverse @backward[0 .. 298]), '... beside queries that end and fail');
	is($t->emulator->count($name) - $before, 15 + 10 + 5 + 3, '... paid for once');

	# at the end of its transaction, all of it is read
	$session->sql("COMMIT; BEGIN; DECLARE h CURSOR WITH HOLD FOR $query; FETCH 10 FROM h;");
	$before = $t->emulator->count($name);
	$session->sql('COMMIT;');
	is($session->sql('FETCH ALL FROM h;'), join("\n", reverse @backward[0 .. 289]), 'WITH HOLD');
	is($t->emulator->count($name) - $before, 14, '... paid for once');
	$session->quit;
	return;
}

# All queries of a statement share its pages, in whatever transaction they run.
sub test_plpgsql
{
	my $read = "SELECT md5(string_agg(title, ',')) FROM $name WHERE $lists";
	my $all = $t->sql($read);

	$t->answers($name, <<"END", '', 15, 'queries in subtransactions that fail');
DO \$\$ BEGIN
  FOR i IN 1..3 LOOP
    BEGIN
      ASSERT ($read) = '$all';
      PERFORM 1 / (i - i);
    EXCEPTION WHEN division_by_zero THEN NULL;
    END;
  END LOOP;
  ASSERT ($read) = '$all';
END \$\$;
END
	$t->answers($name, <<"END", '', 15, 'transactions of a procedure');
DO \$\$ BEGIN
  FOR i IN 1..3 LOOP
    ASSERT ($read) = '$all';
    COMMIT;
    ASSERT ($read) = '$all';
    ROLLBACK;
  END LOOP;
END \$\$;
END
	$t->answers($name, "$read\\;$read;", "$all\n$all", 15, 'two commands in one message');
	$t->sql("CREATE FUNCTION again() RETURNS text LANGUAGE plpgsql AS \$f\$ BEGIN RETURN ($read); END \$f\$");
	$t->answers($name, "SELECT count(*), count(DISTINCT again()) FROM $name WHERE $lists AND rank % 50 = 0", '6|1', 15,
		'a function that reads the same lists');
	return;
}

sub test_explain
{
	my $explain = 'EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF)';
	my $query = "SELECT a.rank FROM $name a, $name b WHERE a.id = b.id AND a.$lists AND b.$lists";

	like($t->sql("$explain $query"), qr/Pages Spilled: \d+$/m, 'EXPLAIN shows spilled pages');
	unlike($t->sql("SET work_mem = '1GB'; $explain $query"), qr/Pages Spilled/, '... if there are any');
	return;
}

# A query whose two scans read the same lists
sub twice
{
	my ($table) = @_;

	return "SELECT count(*), count(DISTINCT b.title) FROM $table a JOIN $table b USING (id) WHERE a.$lists AND b.$lists";
}

# What was paid for is in the cache before the file is too large.
sub test_limit
{
	my $query = twice($name);

	$t->cached($name);
	$t->sql("ALTER ROLE CURRENT_USER SET temp_file_limit = '100kB'");
	$t->fails($name, $query, '53400', qr/temporary file size exceeds "?temp_file_limit"? \(100kB\)/, 'temp_file_limit');
	my $cached = $t->sql('SELECT sum(pages) FROM keyapi_fdw_cache');

	cmp_ok($cached, '>', 6, 'what was paid for is cached');
	$t->fails($name, $query, '53400', qr/temp_file_limit/, '... again', requests => 0);
	$t->sql('ALTER ROLE CURRENT_USER RESET temp_file_limit');
	$t->answers($name, $query, '300|300', 15 - $cached, '... and pays for the rest without the limit');
	return;
}

# The disk is full.  A limit on the size of the files that the process writes stands in
# for that.
sub test_no_room
{
	my $session = KeyapiSession->new($t);
	my $pid = $session->pid;

	$t->cached_scenario('crowded', 'nogzip;total=100');
	$t->one_by_one('crowded');
	$t->sql('SELECT keyapi_fdw_cache_clear()');
	$session->sql("SELECT count(*) FROM crowded WHERE region = 'D';");
	system('prlimit', '--pid', $pid, '--fsize=100000:') == 0 or die 'prlimit failed';
	like($session->run(twice('crowded') . ';')->{stderr},
		qr/^ERROR:  \w{5}: could not write to file "base\/pgsql_tmp\/.*": /, 'no room on disk');
	my $cached = $t->sql("SELECT sum(pages) FROM keyapi_fdw_cache WHERE params->>'region' IN ('A', 'B', 'C')");

	cmp_ok($cached, '>', 6, 'what was paid for is cached');
	system('prlimit', '--pid', $pid, '--fsize=unlimited:') == 0 or die 'prlimit failed';
	my $before = $t->emulator->count('crowded');

	is($session->sql(twice('crowded') . ';'), '300|300', '... and the session goes on when there is room');
	is($t->emulator->count('crowded') - $before, 15 - $cached, '... and pays for the rest');
	$session->quit;
	return;
}

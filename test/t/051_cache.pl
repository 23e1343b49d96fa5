
# The cache: which page is served, which one is paid for.

use strict;
use warnings;

use Test::More;

use KeyapiSession;
use KeyapiTest;

my $t = KeyapiTest->new(conf => KeyapiTest->shared);

test_serving();
test_partial_lists();
test_beyond_the_end();
test_age();
test_statement();
test_what_is_lost();
test_accounts();
test_cursor();
test_view();
test_clear();

$t->stop;
done_testing();

# What one session has paid for, all have.
sub test_serving
{
	$t->cached_scenario('served');
	$t->answers('served', 'SELECT count(*), sum(rank) FROM served', '500|125250', 25, 'cold');
	$t->answers('served', 'SELECT count(*), sum(rank) FROM served', '500|125250', 0, 'warm');

	my $plan = $t->sql('EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF) SELECT * FROM served');
	like($plan, qr/Cache: shared\n/,     'EXPLAIN ANALYZE: shared');
	like($plan, qr/Requests: 0\n/,       '... no request');
	like($plan, qr/Cached Pages: 25\n/,  '... 25 cached pages');

	$t->answers('served', "SELECT count(DISTINCT fetched_at < now() - interval '1us') FROM served",
		1, 0, 'fetched_at is that of the request');
	$t->answers('served', "SELECT max(rank) FROM served WHERE region = 'FR'", 500, 25,
		'another list');
	$t->sql('CREATE FOREIGN TABLE served10 (rank int) SERVER served'
		  . " OPTIONS (page_size '10')");
	$t->answers('served', 'SELECT count(*) FROM served10 WHERE rank <= 10', 10, 1,
		'another page size');

	$t->sql("CREATE FOREIGN TABLE served0 (rank int) SERVER served OPTIONS (cache_ttl '0')");
	$t->answers('served', 'SELECT count(*) FROM served0', 500, 25, 'a table that is not cached');
	like($t->sql('EXPLAIN SELECT FROM served0'), qr/Cache: off/, '... EXPLAIN says so');
	return;
}

# Pages are added to a list as they are read.
sub test_partial_lists
{
	$t->cached_scenario('partial');
	$t->answers('partial', 'SELECT count(*) FROM (SELECT FROM partial LIMIT 10) p', 10, 1, 'one page');
	$t->answers('partial', 'SELECT count(*) FROM partial WHERE rank BETWEEN 41 AND 60', 20, 1, 'another');
	$t->answers('partial', 'SELECT count(*) FROM partial', 500, 23, 'the rest');
	return;
}

sub test_age
{
	my $session = KeyapiSession->new($t);

	$t->cached_scenario('aged', 'total=45');
	$t->answers('aged', 'SELECT count(*) FROM aged', 45, 3, 'cold');
	$t->answers('aged', "SET keyapi_fdw.max_age = 0; SELECT count(*) FROM aged", 45, 3, 'max_age = 0');
	$t->answers('aged', 'SELECT count(*) FROM aged', 45, 0, '... which others are served from');
	$t->answers('aged', "SET keyapi_fdw.max_age = '1h'; SELECT count(*) FROM aged", 45, 0,
		'max_age does not raise cache_ttl');
	$t->cached('aged', '1ms');
	$t->answers('aged', 'SELECT count(*) FROM aged', 45, 3, 'a list that is too old');
	$t->answers('aged', 'SELECT count(*) FROM aged', 45, 3, 'again');
	$t->cached('aged', '0');
	$t->answers('aged', 'SELECT count(*) FROM aged', 45, 3, 'cache_ttl 0');
	$t->answers('aged', 'SELECT count(*) FROM aged', 45, 3, 'cache_ttl 0 again');
	$session->quit;
	return;
}

# Within a statement there is one state of a list, whatever the options, though
# the list changes with each request.
sub test_statement
{
	$t->scenario('once', 'total=45;churn=1');
	$t->answers('once', <<'END', 't', 3, 'two scans agree');
SELECT (SELECT array_agg(id ORDER BY rank) FROM once)
     = (SELECT array_agg(id ORDER BY rank) FROM once)
END
	$t->answers('once', 'SELECT count(*) > 0, count(*) = (SELECT count(*) FROM once)'
		  . ' FROM once a JOIN once b USING (id)', 't|t', 3, 'self-join');
	foreach my $method ('hash', 'merge', 'nestloop')
	{
		my $others = join ' ', map { "SET enable_${_}join = off;" }
		  grep { $_ ne $method } ('hash', 'merge');
		my $nestloop = $method eq 'nestloop' ? '' : 'SET enable_nestloop = off;';

		$t->answers('once', "$others $nestloop"
			  . ' SELECT count(*) > 0 FROM once a JOIN once b USING (id)',
			't', 3, "self-join by $method");
	}
	$t->answers('once',
		'SELECT count(DISTINCT id) * 2 = count(*) FROM (SELECT id FROM once UNION ALL SELECT id FROM once) u',
		't', 3, 'UNION ALL');
	$t->answers('once', <<'END', '', 3, 'a loop in a function');
DO $$
DECLARE
  first text[];
BEGIN
  FOR i IN 1..3 LOOP
    IF i = 1 THEN first := (SELECT array_agg(id ORDER BY rank) FROM once); END IF;
    ASSERT first = (SELECT array_agg(id ORDER BY rank) FROM once);
  END LOOP;
END $$
END
	$t->answers('once', <<'END', '', 3, 'a procedure that commits');
DO $$ BEGIN PERFORM count(*) FROM once; COMMIT; PERFORM count(*) FROM once; END $$
END
	$t->answers('once', 'SELECT count(*) > 40 FROM once; SELECT count(*) > 40 FROM once', "t\nt", 6,
		'two statements');
	return;
}

# A page beyond the end of a list does not make it a longer one.
sub test_beyond_the_end
{
	$t->cached_scenario('beyond');
	$t->sql('SELECT keyapi_fdw_cache_clear()');
	$t->answers('beyond', 'SELECT count(*) FROM beyond WHERE rank BETWEEN 601 AND 620', 0, 1, 'a page beyond the end');
	$t->answers('beyond', 'SELECT count(*) FROM beyond', 500, 25, '... leaves the end where it is');
	is($t->sql('SELECT pages, total_pages FROM keyapi_fdw_cache'), '26|25', '... and the list complete');

	# once the end is known, nothing beyond it is asked for
	$t->sql('SELECT keyapi_fdw_cache_clear(); SELECT count(*) FROM beyond');
	$t->answers('beyond', "SET keyapi_fdw.max_credits = 0; SELECT count(*) FROM beyond WHERE rank > 600",
		0, 0, 'a list whose end is known');
	return;
}

# What was paid for is there, whatever became of the statement.
sub test_what_is_lost
{
	$t->cached_scenario('failing', 'fault=status,code=400,page=20,times=1');
	$t->fails('failing', 'SELECT count(*) FROM failing', '22023', qr/page 20/, 'error on page 20');
	$t->answers('failing', 'SELECT count(*) FROM failing', 500,
		26 - $t->emulator->count('failing'), 'the statement again pays for what is missing');

	$t->cached_scenario('short', 'total=80;fault=status,code=500,page=2,try=1;fault=latency,ms=500,page=3-4,try=1');
	$t->fails('short', 'SET keyapi_fdw.max_credits = 8; SELECT count(*) FROM short WHERE rank <= 80', 54000, qr/has spent 8/,
		'no credits are left to try a page again', requests => 4);
	$t->answers('short', 'SELECT count(*) FROM short', 80, 1, '... but what was under way is not lost');

	$t->cached_scenario('rolled', 'total=45');
	$t->answers('rolled', 'BEGIN; SELECT count(*) FROM rolled; ROLLBACK; SELECT count(*) FROM rolled',
		"45\n45", 3, 'rollback');

	$t->cached_scenario('typed', 'total=45');
	$t->sql('CREATE FOREIGN TABLE typed_wrong (title int) SERVER typed');
	$t->fails('typed', 'SELECT title FROM typed_wrong', '22P02', qr/integer/, 'a wrong type');
	$t->answers('typed', 'SELECT count(*) FROM typed WHERE rank <= 20', 20, 0, '... loses no page');
	return;
}

# An account is an API key at a base_url, not a role.
sub test_accounts
{
	$t->cached_scenario('account', 'total=45;key=any');
	$t->sql('CREATE ROLE bob LOGIN; GRANT SELECT ON account TO bob;'
		  . ' GRANT USAGE ON FOREIGN SERVER account TO bob;'
		  . " CREATE USER MAPPING FOR bob SERVER account OPTIONS (api_key 'sk_live_test')");
	$t->answers('account', 'SELECT count(*) FROM account', 45, 3, 'first');
	$t->answers('account', 'SELECT count(*) FROM account', 45, 0, 'another role with the same key', as => 'bob');
	$t->sql("ALTER USER MAPPING FOR bob SERVER account OPTIONS (SET api_key 'sk_live_2')");
	$t->answers('account', 'SELECT count(*) FROM account', 45, 3, 'another key', as => 'bob');
	$t->change('account', 'total=50;key=any');
	$t->answers('account', 'SELECT count(*) FROM account', 50, 3, 'another base_url');
	return;
}

# A cursor reads on in the state that it began with; if the cache has dropped that,
# in the one that others have paid for since.
sub test_cursor
{
	my $session = KeyapiSession->new($t);
	my $rows;

	$t->cached_scenario('cursor', 'total=45');
	$session->sql('BEGIN; DECLARE c CURSOR FOR SELECT rank, id FROM cursor ORDER BY rank;');
	$session->sql('FETCH 20 FROM c;');
	$t->answers('cursor', 'SELECT keyapi_fdw_cache_clear(); SELECT count(*) FROM cursor', "\n45", 3,
		'another session after the cache was cleared');
	$rows = $session->sql('FETCH ALL FROM c;');
	is(scalar(split /\n/, $rows), 25, 'the rest of the cursor');
	is($t->emulator->count('cursor'), 4, '... is what others asked for');
	$session->sql('COMMIT;');

	$t->scenario('uncached', 'total=45');
	$t->one_by_one('uncached');
	$session->sql('BEGIN; DECLARE c CURSOR FOR SELECT id FROM uncached UNION ALL SELECT id FROM uncached;');
	is(scalar(split /\n/, $session->sql('FETCH 30 FROM c;')), 30, 'a cursor over two scans');
	is(scalar(split /\n/, $session->sql('FETCH ALL FROM c;')), 60, '... of which the other begins in another statement');
	is($t->emulator->count('uncached'), 3, '... pays once');
	$session->sql('COMMIT;');
	$session->quit;
	return;
}

sub test_view
{
	$t->sql('SELECT keyapi_fdw_cache_clear()');
	$t->cached_scenario('viewed', 'total=45');
	$t->sql("SELECT FROM viewed WHERE region = 'FR' AND period = 30 LIMIT 1");
	$t->answers('viewed', <<'END', 'tiktok/trending/videos|{"period": 30, "region": "FR", "order_by": "vv"}|20|1|3|20|t|t', 0, 'a page of three');
SELECT endpoint, params, page_size, pages, total_pages, rows,
  bytes > 1000, expires_at = fetched_at + interval '15min' FROM keyapi_fdw_cache
END
	$t->sql("SELECT count(*) FROM viewed WHERE region = 'FR' AND period = 30");
	$t->answers('viewed', 'SELECT pages, total_pages, rows FROM keyapi_fdw_cache', '3|3|45', 0, 'all of it');
	$t->sql("SELECT count(*) FROM viewed WHERE region = 'a&b=''é'");
	$t->answers('viewed', "SELECT params->>'region' FROM keyapi_fdw_cache WHERE params->>'region' <> 'FR'", "a&b='é", 0,
		'an odd region');
	$t->sql('CREATE ROLE carl LOGIN');
	$t->answers('viewed', 'SELECT count(*) FROM keyapi_fdw_cache', 0, 0, "others' lists are hidden", as => 'carl');
	$t->sql('GRANT pg_read_all_stats TO carl');
	$t->answers('viewed', 'SELECT count(*) FROM keyapi_fdw_cache', 2, 0, '... but for pg_read_all_stats', as => 'carl');
	return;
}

sub test_clear
{
	$t->fails('viewed', 'SELECT keyapi_fdw_cache_clear()', 42501, qr/keyapi_fdw_cache_clear/,
		'not everybody clears the cache', as => 'carl');
	$t->answers('viewed', 'SELECT keyapi_fdw_cache_clear(); SELECT count(*) FROM keyapi_fdw_cache', "\n0", 0,
		'the cache is cleared');
	$t->answers('viewed', "SELECT count(*) FROM viewed WHERE region = 'FR' AND period = 30", 45, 3,
		'... and pages are paid for again');
	$t->answers('viewed', "SET keyapi_fdw.max_credits = 0; SELECT count(*) FROM viewed WHERE region = 'FR' AND period = 30",
		45, 0, 'max_credits = 0 reads the cache');
	$t->fails('viewed', "SET keyapi_fdw.max_credits = 0; SELECT count(*) FROM viewed", 54000,
		qr/max_credits/, '... and nothing else', requests => 0);
	return;
}

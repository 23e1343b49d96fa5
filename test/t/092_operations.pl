
# The recipes of doc/operations.md for bad days: what a query gives, what it costs, and
# how things go on afterwards.

use strict;
use warnings;

use Test::More;

use KeyapiSession;
use KeyapiTest;

my @alone = qw(unshare --user --map-current-user --keep-caps --mount);
my $t = KeyapiTest->new(conf => KeyapiTest->preloaded);

test_scheduled_refresh();
test_key();
test_access();
test_no_credits();
test_rate_limit();
test_unreachable();
test_little_shared_memory();
$t->stop;
done_testing();

# An outage, with a materialized view that a job refreshes
sub test_scheduled_refresh
{
	my $refresh = 'SET keyapi_fdw.max_age = 0; REFRESH MATERIALIZED VIEW trending';

	$t->cached_scenario('outage', 'total=45;fault=status,code=503,nth=7');
	$t->fail_at_once('outage');
	$t->sql("ALTER SERVER outage OPTIONS (ADD max_retry_wait '1s')");
	$t->answers('outage', "CREATE MATERIALIZED VIEW trending AS SELECT * FROM outage WHERE region IN ('US', 'GB')",
		'', 6, 'a materialized view');
	$t->fails('outage', $refresh, 58000, qr/HTTP status 503/, 'a refresh fails', requests => 1);
	$t->fails('outage', $refresh, 58000, qr/was not asked again/, '... the next one too, for nothing', requests => 0);
	$t->answers('outage', 'SELECT count(*) FROM trending', 90, 0, '... and the rows are still there');

	$t->sql("ALTER SERVER outage OPTIONS (ADD stale_if_error '1d')");
	my $stale = $t->ask('outage', $refresh);

	is("$stale->{status} $stale->{requests}", '0 0', 'with stale_if_error it works, for nothing');
	is(scalar(() = $stale->{stderr} =~ /^WARNING: .*is served as it was at/mg), 2, '... and warns of each list');
	$t->resume('outage');
	$t->answers('outage', $refresh, '', 6, 'after the outage a refresh costs what it always costs');
	return;
}

# A key that was withdrawn, and the one that follows it
sub test_key
{
	my $session = KeyapiSession->new($t);

	$t->scenario('revoked', 'total=45;key=sk_live_new');
	$t->fails('revoked', 'SELECT FROM revoked', 28000, qr/did not accept the API key/, 'a key that was withdrawn',
		requests => 1)
	  foreach 1, 2;
	KeyapiSession::is_error($session->run('SELECT FROM revoked;'), '28000', '... in a session that stays');
	$t->sql(q{ALTER USER MAPPING FOR PUBLIC SERVER revoked OPTIONS (SET api_key 'sk_live_new')});
	is($session->sql('SELECT count(*) FROM revoked;'), 45, '... which goes on with a new key');
	$session->quit;
	return;
}

sub test_access
{
	$t->scenario('forbidden', 'forbidden');
	$t->fails('forbidden', 'SELECT FROM forbidden', 42501, qr/has no access to the endpoint/, 'no access', requests => 1);
	return;
}

sub test_no_credits
{
	$t->scenario('poor', 'total=45;fault=status,code=402,nth=1');
	$t->fails('poor', 'SELECT FROM poor', 53000, qr/no credits left/, 'no credits', requests => 1);
	$t->fails('poor', 'SELECT FROM poor', 53000, qr/no credits left/, '... and no request for a minute', requests => 0);
	is($t->sql(q{SELECT count(*) FROM keyapi_fdw_accounts WHERE paused_because = 'no credits'}), 1, '... as one can see');
	$t->resume('poor');
	$t->answers('poor', 'SELECT count(*) FROM poor', 45, 3, '... unless one says that there are some');
	return;
}

sub test_rate_limit
{
	$t->scenario('limited', 'total=45;fault=status,code=429,after=1,nth=1');
	$t->answers('limited', 'SELECT count(*) FROM limited', 45, 4, 'a query waits for the rate limit');
	is($t->sql(q{SELECT errors_429 FROM keyapi_fdw_stats WHERE server = 'limited'}), 1, '... as one can see');
	return;
}

# What is not sent costs nothing.
sub test_unreachable
{
	my %urls = (
		certificate => $t->emulator->value('TLS_EXPIRED_URL'),
		name => 'https://no-such-host.invalid');
	my %says = (
		certificate => qr/expired.*operator must renew/s,
		name => qr/resolve/);

	foreach my $cause (sort keys %urls)
	{
		$t->scenario($cause);
		$t->fail_at_once($cause);
		$t->sql("ALTER SERVER $cause OPTIONS (SET base_url '$urls{$cause}', ADD connect_timeout '2s')");
		$t->sql("ALTER SERVER $cause OPTIONS (ADD ca_file '" . $t->emulator->ca . "')");
		$t->fails($cause, "SELECT FROM $cause", '08001', $says{$cause}, "no connection: $cause", requests => 0);
		is($t->sql("SELECT sum(credits) FROM keyapi_fdw_stats WHERE server = '$cause'"), 0, '... costs nothing');
	}
	return;
}

# Start the server again, in a mount namespace of its own, after a command there.
sub restart_alone
{
	my ($node, $command) = @_;

	$node->stop;
	system(@alone, 'sh', '-c',
		"$command && exec pg_ctl start -w -s -D '" . $node->data_dir . "' -l '" . $node->logfile . "'") == 0
	  or die 'the server does not start';
	$node->_update_pid(1);
	return;
}

# /dev/shm as small as Docker makes it: the cache fills it, and queries go on.
sub test_little_shared_memory
{
	my $mount = 'mount -t tmpfs -o size=64m tmpfs /dev/shm';
	my $node  = $t->node;
	my $lists = 'SELECT count(*) FROM tight WHERE region = ANY (ARRAY(SELECT %s || i FROM generate_series(1, 30) i))';
	my $parallel =
	  'SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0; SET enable_mergejoin = off;';
	my $join  = 'SELECT count(*) FROM big a JOIN big b USING (i)';
	my $wrong = 0;

  SKIP:
	{
		skip 'no mount namespace for this user', 5 if system("@alone sh -c '$mount' >/dev/null 2>&1") != 0;
		$t->cached_scenario('tight', 'total=500');
		$t->sql("ALTER SERVER tight OPTIONS (ADD max_concurrency '32')");
		$t->sql('CREATE TABLE big AS SELECT generate_series(1, 200000) AS i; ANALYZE big');
		$t->sql(q{ALTER SYSTEM SET keyapi_fdw.cache_size = '256MB'});
		restart_alone($node, $mount);
		foreach my $prefix ('A' .. 'J')
		{
			my $result = $t->run('SET keyapi_fdw.max_credits = -1; ' . sprintf $lists, "'$prefix'");

			$wrong++ if $result->{status} != 0 || $result->{rows} ne '15000';
		}
		is($wrong, 0, 'queries go on if /dev/shm is full');
		is($t->sql('SELECT count(*) BETWEEN 1 AND 299 FROM keyapi_fdw_cache'), 't', '... and the cache holds what fits');

		$t->cache_size('16MB');
		restart_alone($node, $mount);
		$t->sql('SET keyapi_fdw.max_credits = -1; ' . sprintf $lists, "'$_'") foreach 'K' .. 'L';
		cmp_ok($t->sql('SELECT sum(bytes) FROM keyapi_fdw_cache'), '>', 12 * 1024 * 1024, 'a full cache of the size that is advised');
		is($t->sql("$parallel $join"), 200000, '... and beside it a parallel hash join has room');
		like($t->sql("$parallel EXPLAIN $join"), qr/Parallel Hash Join/, '... which it is');
	}
	return;
}

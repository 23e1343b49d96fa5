
# Statistics and progress: they count what the API counts; roles see their own.

use strict;
use warnings;

use Test::More;

use KeyapiSession;
use KeyapiTest;

my $t = KeyapiTest->new(conf => KeyapiTest->preloaded);

test_bill();
test_unsent();
test_terminated();
test_counters();
test_visibility();
test_progress();
test_pages_of_progress();
test_restart();
test_reset();
test_many_roles();

$t->stop;
done_testing();

sub stats
{
	my ($server, $columns) = @_;

	return $t->sql("SELECT $columns FROM keyapi_fdw_stats WHERE server = '$server' ORDER BY role");
}

# Requests and credits are those that the API has seen, whatever happens.
sub test_bill
{
	my $session = KeyapiSession->new($t);
	my $faults = join ';', map { "fault=$_" }
	  ('stall,nth=2', 'status,code=500,nth=4', 'status,code=429,after=1,nth=6', 'reset,nth=9');

	$t->scenario('billed', $faults);
	$t->sql("ALTER SERVER billed OPTIONS (ADD max_retries '1')");
	$t->run('SELECT FROM billed LIMIT 1');
	$session->start('SELECT FROM billed LIMIT 1;');
	$t->emulator->await_stalled('billed', 1);
	$session->cancel;
	$session->finish;
	$t->emulator->release('billed');
	$t->run('BEGIN; SELECT count(*) FROM billed; ROLLBACK');
	$t->run('SELECT 1 / (count(*) - 500) FROM billed');
	$t->run("SET keyapi_fdw.max_credits = 6; SELECT count(*) FROM billed WHERE rank <= 60");
	$t->run("SET keyapi_fdw.max_credits = 6; SELECT count(*) FROM billed");

	my $count = $t->emulator->count('billed');

	cmp_ok($count, '>', 30, 'there is something to pay');
	is(stats('billed', 'requests, credits'), "$count|" . 2 * $count, 'the bill is right');
	$session->quit;
	return;
}

# What finds no connection is not sent, and nobody has to pay for it.
sub test_unsent
{
	my $session = KeyapiSession->new($t);
	my $columns = 'requests, credits, errors_network, last_error IS NOT NULL';

	$t->scenario('refused');
	$t->sql("ALTER SERVER refused OPTIONS (SET base_url '" . $t->emulator->value('REFUSED_URL')
		  . "', ADD max_retries '2', ADD max_retry_wait '1ms', ADD credits_per_day '2')");
	$t->fails('refused', "SET keyapi_fdw.max_credits = 2; SELECT FROM refused LIMIT 1", '08001',
		qr/attempt 3/, 'three tries within a budget of one request');
	is(stats('refused', $columns), '0|0|3|t', '... cost nothing');

	$t->scenario('silent');
	$t->sql("ALTER SERVER silent OPTIONS (SET base_url '" . $t->emulator->value('TLS_STALL_URL') . "')");
	$session->start('SELECT FROM silent LIMIT 1;');
	$t->emulator->await_stalled('tls-stall', 1);
	$session->cancel;
	KeyapiSession::is_error($session->finish, '57014', 'cancelled in a TLS handshake');
	is(stats('silent', $columns), '0|0|0|f', '... which costs nothing either');
	$session->quit;
	return;
}

# The bill is right even if sessions are ended while they ask or wait.
sub test_terminated
{
	foreach my $end ('pg_cancel_backend', 'pg_terminate_backend')
	{
		my @sessions = map { KeyapiSession->new($t) } 1 .. 4;
		my $name = "crowd_$end";

		$t->cached_scenario($name, 'total=200;latency=10;fault=stall,nth=3;fault=status,code=500,every=7');
		$_->start("SELECT count(*) FROM $name;") foreach @sessions;
		$t->emulator->await_stalled($name, 1);
		$t->sql("SELECT $end(" . $_->pid . ')') foreach @sessions[ 0, 1 ];
		$t->emulator->release($name);
		is($_->finish->{rows}, 200, "$end: the others go on") foreach @sessions[ 2, 3 ];
		$_->finish foreach @sessions[ 0, 1 ];

		my $count = $t->emulator->count($name);

		is(stats($name, 'requests, credits'), "$count|" . 2 * $count, '... and the bill is right');
		$_->quit foreach @sessions[ 2, 3 ];
	}
	return;
}

# Each kind of failure has its counter.
sub test_counters
{
	my %counters = (
		'status,code=400' => 'errors_4xx',
		'status,code=404' => 'errors_4xx',
		'status,code=402' => 'errors_402',
		'status,code=429,after=1' => 'errors_429',
		'status,code=500' => 'errors_5xx',
		'status,code=501' => 'errors_5xx',
		'code,code=500' => 'errors_5xx',
		'reset' => 'errors_network',
		'html' => 'errors_response');
	my @names = qw(errors_4xx errors_402 errors_429 errors_5xx errors_network errors_response);

	foreach my $fault (sort keys %counters)
	{
		my $name = 'counted_' . $fault =~ s/\W+//gr;
		my $expected = join '|', map { $_ eq $counters{$fault} ? 1 : 0 } @names;

		$t->scenario($name, "fault=$fault");
		$t->fail_at_once($name);
		$t->run("SELECT FROM $name LIMIT 1");
		is( stats($name, join(',', 'requests', @names) . ', last_error IS NOT NULL, last_error_at <= now()'),
			"1|$expected|t|t", "$fault counts as $counters{$fault}");
	}

	$t->cached_scenario('counted', 'total=45;fault=status,code=500,nth=1');
	$t->sql('SELECT count(*) FROM counted; SELECT count(*) FROM counted WHERE rank <= 30');
	is( stats('counted', 'requests, retries, errors_5xx, cached_pages, rows, credits,'
			  . ' bytes > 1000, http_time > 0, last_error, stats_reset'),
		'4|1|1|2|75|8|t|t|the API failed to answer a request|', 'retries, rows and cached pages');

	$t->cached_scenario('old', 'total=15;fault=status,code=500,nth=2');
	$t->fail_at_once('old');
	$t->sql("ALTER SERVER old OPTIONS (ADD stale_if_error '1h')");
	$t->sql('SELECT count(*) FROM old; SET keyapi_fdw.max_age = 0; SELECT count(*) FROM old');
	is(stats('old', 'requests, stale_lists, rows'), '2|1|30', 'a list that is served although it is stale');
	return;
}

# Each role sees its own bill.
sub test_visibility
{
	my @roles = ('alice', 'bob');

	$t->scenario('visible', 'total=15');
	foreach my $role (@roles)
	{
		$t->sql("CREATE ROLE $role LOGIN; GRANT SELECT ON visible TO $role");
		$t->sql('SELECT count(*) FROM visible', as => $role);
	}
	is(stats('visible', 'role, requests'), "alice|1\nbob|1", 'a superuser sees all');
	foreach my $role (@roles)
	{
		is($t->sql('SELECT role, requests FROM keyapi_fdw_stats', as => $role), "$role|1",
			"$role sees $role\'s bill");
	}
	$t->sql('GRANT bob TO alice');
	is($t->sql('SELECT count(*) FROM keyapi_fdw_stats', as => 'alice'), 2, '... and that of roles that alice is in');
	$t->sql('REVOKE bob FROM alice; GRANT pg_read_all_stats TO alice');
	cmp_ok($t->sql('SELECT count(*) FROM keyapi_fdw_stats', as => 'alice'), '>', 2,
		'pg_read_all_stats sees all');
	$t->sql('REVOKE pg_read_all_stats FROM alice');

	$t->sql('CREATE VIEW over_visible AS SELECT * FROM visible; GRANT SELECT ON over_visible TO bob');
	$t->sql('SELECT count(*) FROM over_visible', as => 'bob');
	is(stats('visible', 'role, requests'), "alice|1\nbob|2", 'the role that runs the scan is counted, not a view\'s owner');

	$t->sql('CREATE DATABASE other');
	is($t->sql('CREATE EXTENSION keyapi_fdw; SELECT count(*) FROM keyapi_fdw_stats', dbname => 'other'), 0,
		'another database has another bill');
	return;
}

sub test_progress
{
	my $session = KeyapiSession->new($t);
	my $pid = $session->pid;
	my $sql = 'SELECT pid, relid, lists_done, lists_total, pages_done, pages_total, credits, waiting_for'
	  . ' FROM keyapi_fdw_progress';

	$t->scenario('moving', 'total=45;fault=stall,page=2;fault=stall,region=FR');
	$t->one_by_one('moving');
	$session->start("SELECT count(*) FROM moving WHERE region IN ('US', 'FR') AND region >= 'A';");
	$t->emulator->await_stalled('moving', 1);
	my $first = $t->sql($sql);

	like($first, qr/^$pid\|moving\|0\|2\|\d\|\d?\|\d\|request$/, 'a running scan');
	is($t->sql('SELECT count(*) FROM keyapi_fdw_progress', as => 'bob'), 0, '... is not for all to see');
	is( $t->sql("SELECT wait_event_type FROM pg_stat_activity WHERE pid = $pid"),
		'Extension', '... pg_stat_activity knows that it waits');
	$t->emulator->release('moving') while !done($session);
	is($session->finish->{rows}, 90, '... ends');
	is($t->sql($sql), '', '... and is gone');

	$session->start("SELECT count(*) FROM moving WHERE region = 'FR' AND rank < 10;");
	$t->emulator->await_stalled('moving', 1);
	$t->sql("SELECT pg_cancel_backend($pid)");
	$session->finish;
	is($t->sql($sql), '', 'a cancelled scan is gone too');
	$session->quit;
	return;
}

# pages_total is what the scan will read, pages_done what has arrived.
sub test_pages_of_progress
{
	my $session = KeyapiSession->new($t);
	my %progress = (
		'SELECT count(*) FROM stalling WHERE rank <= 140' => '6|7',
		'SELECT count(*) FROM stalling WHERE rank IN (1, 50, 490)' => '2|3',
		'SELECT count(*) FROM (SELECT FROM stalling LIMIT 50) AS s' => '2|3',
		'SELECT count(*) FROM stalling' => undef);

	$t->scenario('stalling', 'fault=stall,page=3,region=US');
	foreach my $sql (sort keys %progress)
	{
		$session->start("$sql;");
		$t->emulator->await_stalled('stalling', 1);
		$t->await(
			'SELECT pages_done' . (defined $progress{$sql} ? " || '|' || pages_total = '$progress{$sql}'" : ' > 2 AND pages_total = 25')
			  . ' FROM keyapi_fdw_progress',
			"wrong progress of $sql: " . $t->sql('SELECT pages_done, pages_total FROM keyapi_fdw_progress'));
		pass("progress of $sql");
		$t->emulator->release('stalling');
		$session->finish;
	}
	$session->quit;
	return;
}

# Whether a session's statement is over
sub done
{
	my ($session) = @_;

	return $t->sql('SELECT state FROM pg_stat_activity WHERE pid = ' . $session->pid) eq 'idle';
}

sub test_restart
{
	my $sql = 'SELECT * FROM keyapi_fdw_stats ORDER BY server, role';
	my $before = $t->sql($sql);
	my $file = $t->node->data_dir . '/pg_stat/keyapi_fdw.stat';

	$t->node->restart;
	is($t->sql($sql), $before, 'the bill is kept over a restart');
	ok(!-e $file, '... in a file that is there only meanwhile');

	$t->node->stop;
	PostgreSQL::Test::Utils::append_to_file($file, 'x');
	$t->node->start;
	is($t->sql('SELECT count(*) > 0 FROM keyapi_fdw_stats'), 't', 'a file with rubbish at its end');
	$t->node->stop;
	open my $handle, '>', $file or die;
	print {$handle} 'rubbish';
	close $handle;
	$t->node->start;
	is($t->sql($sql), '', 'a file of rubbish');
	like($t->server_log, qr/ignoring invalid data in file "pg_stat\/keyapi_fdw\.stat"/, '... is told of');
	return;
}

sub test_reset
{
	$t->scenario('reset', 'total=15');
	$t->sql('SELECT count(*) FROM reset');
	$t->fails('reset', 'SELECT keyapi_fdw_stats_reset()', 42501, qr/keyapi_fdw_stats_reset/,
		'not everybody resets the bill', as => 'bob');
	$t->sql('SELECT keyapi_fdw_stats_reset()');
	is(stats('reset', 'requests, credits, rows, http_time, stats_reset <= now()'), '0|0|0|0|t', 'reset');
	$t->sql('DROP SERVER reset CASCADE');
	is($t->sql('SELECT count(*) FROM keyapi_fdw_stats'), 0, 'a dropped server');
	return;
}

# Let roles of these numbers each read a list of the table.
sub read_as_roles
{
	my ($table, $first, $last) = @_;

	$t->sql(<<"END");
DO \$\$
BEGIN
  SET keyapi_fdw.max_credits = -1;
  FOR i IN $first .. $last LOOP
    EXECUTE format('CREATE ROLE many%s', i);
    EXECUTE format('SET ROLE many%s', i);
    EXECUTE format('SELECT FROM $table WHERE region = %L LIMIT 1', 'R' || i);
    RESET ROLE;
  END LOOP;
END \$\$
END
	return;
}

# More roles than there is room for: sums stay right, and what was dropped goes first.
sub test_many_roles
{
	my $sums = "SELECT server IS NULL, sum(requests), sum(credits), count(*) = 1 FROM keyapi_fdw_stats GROUP BY 1 ORDER BY 1";
	my $total = 'SELECT sum(requests), sum(credits) FROM keyapi_fdw_stats';

	$t->scenario('many');
	$t->sql('GRANT SELECT ON many TO PUBLIC');
	read_as_roles('many', 1, 1100);
	is($t->sql($total), '1100|2200', '1100 roles');
	is($t->sql('SELECT count(*) FROM keyapi_fdw_stats'), 1024, '... have 1024 rows');
	is($t->sql($sums), 'f|1023|2046|f' . "\n" . 't|77|154|t', '... the oldest in one without server and role');
	is($t->sql($total, as => 'bob'), '|', '... which is not for all to see');
	$t->node->restart;
	is($t->sql($total), '1100|2200', '... also after a restart');

	$t->sql('DO $$ BEGIN FOR i IN 1 .. 1100 LOOP EXECUTE format($f$DROP ROLE many%s$f$, i); END LOOP; END $$');
	is($t->sql($sums), 't|77|154|t', 'roles that were dropped');
	read_as_roles('many', 2001, 3000);
	is($t->sql($sums), 'f|1000|2000|f' . "\n" . 't|77|154|t', '... make way first');
	$t->sql('SELECT keyapi_fdw_stats_reset()');
	is($t->sql($sums), 'f|0|0|f', 'a reset begins anew');
	return;
}

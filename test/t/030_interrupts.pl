# A scan that waits for the API can be interrupted at any time, and gets in
# nobody's way.

use strict;
use warnings;

use Test::More;

use KeyapiSession;
use KeyapiTest;

my $t = KeyapiTest->new;
my $emulator = $t->emulator;

# What waits for an hour by itself ends only because it is interrupted.
$t->scenario('slow');
$t->sql(<<'END');
ALTER SERVER slow OPTIONS (ADD connect_timeout '1h', ADD request_timeout '1h',
	ADD max_retry_wait '1h')
END
$t->scenario('good');
my $accounts = 0;

# Where a scan waits: base_url, and how many of its requests are stalled then; 0
# after a request that was answered, undef before one
my @phases = (
	[ 'connecting'             => $emulator->value('DEAD_URL') ],
	[ 'the TLS handshake'      => $emulator->value('TLS_STALL_URL') ],
	[ 'no response'            => slow('fault=stall'),                  1 ],
	[ 'the headers'            => slow('fault=stall,at=headers'),       1 ],
	[ 'headers that drip'      => slow('fault=drip,at=headers,ms=999'), 1 ],
	[ 'the body'               => slow('fault=stall,at=body'),          1 ],
	[ 'a body that drips'      => slow('fault=drip,at=body,ms=5'),      1 ],
	[ 'several responses'      => slow('fault=stall,page=2-5'),         4 ],
	[ 'the pause after a 429'  => slow('fault=status,code=429,after=3000'), 0 ],
	[ 'the pause after a 503'  => slow('fault=status,code=503,after=3000'), 0 ]);

foreach (@phases)
{
	my ($phase, $url, $stalled) = @$_;

	$t->sql("ALTER SERVER slow OPTIONS (SET base_url '$url')");
	foreach my $test (\&test_cancel, \&test_timeout, \&test_terminate)
	{
		use_account('sk_' . ++$accounts);
		$test->($phase, $stalled);
	}
}
use_account('sk_live_test');
test_paid_pages();
test_savepoint();
test_lost_client();
test_drop_database();
unlike($t->server_log, qr/terminated by signal/, 'nothing crashed');
test_postmaster_death();
$t->stop;
done_testing();

sub slow { my ($settings) = @_; return $t->url('slow', "key=any;$settings") }

# Each test has an account of its own: a 429 concerns all sessions of one.
sub use_account
{
	my ($key) = @_;

	$t->sql("ALTER USER MAPPING FOR PUBLIC SERVER slow OPTIONS (SET api_key '$key')");
	return;
}

# A session whose query waits in that phase
sub waiting_session
{
	my ($stalled) = @_;
	my $session = KeyapiSession->new($t);
	my $pid = $session->pid;

	$emulator->reset('slow');
	$session->start('SELECT count(*) FROM slow;');
	if ($stalled)
	{
		$emulator->await_stalled('slow', $stalled);
		return $session;
	}
	if (defined $stalled)
	{
		$emulator->await_requests('slow', 1);
		$emulator->await_inflight('slow', 0);
	}
	$t->await(
		"SELECT wait_event_type = 'Extension' FROM pg_stat_activity WHERE pid = $pid",
		'the query does not wait');
	return $session;
}

# Test that a session that was interrupted goes on, and keeps no request.
sub works
{
	my ($session) = @_;

	$session->goes_on('good');
	$emulator->await_inflight('slow', 0);
	return;
}

sub test_cancel
{
	my ($phase, $stalled) = @_;
	my $session = waiting_session($stalled);

	$session->cancel;
	KeyapiSession::is_error($session->finish, '57014', "cancelled: $phase");
	works($session);
	$session->quit;
	return;
}

sub test_timeout
{
	my ($phase) = @_;
	my $session = KeyapiSession->new($t);

	$session->sql(q{SET statement_timeout = '300ms';});
	KeyapiSession::is_error($session->run('SELECT count(*) FROM slow;'), '57014',
		"timed out: $phase");
	$session->sql('RESET statement_timeout;');
	works($session);
	$session->quit;
	return;
}

sub test_terminate
{
	my ($phase, $stalled) = @_;
	my $session = waiting_session($stalled);

	$session->terminate;
	KeyapiSession::is_error($session->finish, '57P01', "terminated: $phase");
	$emulator->await_inflight('slow', 0);
	$session->quit;
	return;
}

# What has arrived when a query is interrupted is not lost: it is paid for.  A
# backend that is stopped meanwhile finds both at once.
sub test_paid_pages
{
	my $ca_file = $t->file('ca.pem', PostgreSQL::Test::Utils::slurp_file($emulator->ca));

	foreach my $method ('url', 'tls_url')
	{
		foreach my $interrupt ('cancel', 'timeout')
		{
			my $name = "paid_${method}_$interrupt";
			my $url = $emulator->$method("$name;total=140;fault=stall,page=2,times=1;fault=latency,ms=1000,page=3-7");
			my $session = KeyapiSession->new($t);

			$t->cached_scenario($name);
			$t->sql("ALTER SERVER $name OPTIONS (SET base_url '$url', ADD ca_file '$ca_file', ADD max_concurrency '8')");
			$session->sql("SET statement_timeout = '5s';") if $interrupt eq 'timeout';
			# a message that is logged meanwhile serves no interrupt
			$session->sql('SET keyapi_fdw.log_requests = \'all\';');
			$session->start("SELECT count(*) FROM $name;");
			$emulator->await_requests($name, 7);
			kill 'STOP', $session->pid;
			sleep 1 while $emulator->inflight($name) > 1;
			$interrupt eq 'cancel' ? $session->cancel : sleep 5;
			kill 'CONT', $session->pid;
			KeyapiSession::is_error($session->finish, '57014', "$interrupt while pages wait to be decoded: $method");
			$emulator->release($name);
			is($session->sql("SELECT count(*) FROM $name;"), 140, '... and all rows come the next time');
			is($emulator->count($name), 8, '... for one more request');
			$session->quit;
		}
	}
	return;
}

# A transaction survives with what it did before the savepoint.
sub test_savepoint
{
	my $session = KeyapiSession->new($t);

	$t->change('slow', 'fault=stall,at=body,page=2');
	$session->sql(<<'END');
BEGIN;
CREATE TEMP TABLE kept AS SELECT rank FROM slow LIMIT 20;
SAVEPOINT s;
END
	$session->start('INSERT INTO kept SELECT rank FROM slow;');
	$emulator->await_stalled('slow', 1);
	$session->cancel;
	KeyapiSession::is_error($session->finish, '57014', 'cancelled after a savepoint');
	$session->sql('ROLLBACK TO s; INSERT INTO kept SELECT rank FROM good; COMMIT;');
	is($session->sql('SELECT count(*) FROM kept;'), '520',
		'... and the transaction goes on');
	$session->quit;
	return;
}

# A client that goes away is noticed during the wait.
sub test_lost_client
{
	my $session = KeyapiSession->new($t);
	my $pid = $session->pid;

	$t->change('slow', 'fault=stall');
	$session->sql(q{SET client_connection_check_interval = '10ms';});
	$session->start('SELECT count(*) FROM slow;');
	$emulator->await_stalled('slow', 1);
	$session->kill;
	$emulator->await_inflight('slow', 0);
	ok( $t->node->poll_query_until('postgres',
			"SELECT count(*) = 0 FROM pg_stat_activity WHERE pid = $pid"),
		'the backend of a client that is gone goes too');
	return;
}

# DROP DATABASE waits until each backend has closed its files (a barrier).
sub test_drop_database
{
	my $session;

	$t->change('slow', 'total=15;fault=stall,at=headers');
	$t->sql('CREATE DATABASE dropped');
	$session = waiting_session(1);
	$t->sql(q{SET statement_timeout = '60s'; DROP DATABASE dropped});
	is($emulator->stalled('slow'), 1, 'a waiting scan does not keep others waiting');
	$emulator->release('slow');
	is($session->finish->{rows}, '15', '... and goes on');
	$session->quit;
	return;
}

# psql ends when its backend does.
sub test_postmaster_death
{
	my $session;

	$t->change('slow', 'fault=stall');
	$session = waiting_session(1);
	$t->node->kill9;
	like($session->finish->{stderr}, qr/closed the connection unexpectedly/,
		'the backend leaves when the postmaster is gone');
	$emulator->await_inflight('slow', 0);
	return;
}


# A backend that is killed with SIGKILL takes the shared memory with it.
# Wherever that happens, the server comes back and everything works.

use strict;
use warnings;

use Test::More;

use KeyapiSession;
use KeyapiTest;

my $t = KeyapiTest->new(
	conf => KeyapiTest->preloaded . "restart_after_crash = on\n");

test_waiting('in a request', 'fault=stall,page=1');
test_waiting('in the middle of a list', 'fault=stall,page=12');
test_waiting('in a body', 'fault=stall,at=body,page=3');
test_busy($_) foreach 1 .. 5;

$t->stop;
done_testing();

sub kill_backend
{
	my ($pid) = @_;

	kill 'KILL', $pid;
	await_restart($pid);
	return;
}

# Wait until the server has restarted after the end of this backend.  Until then, a
# psql may fail to connect, or lose its connection.
sub await_restart
{
	my ($pid) = @_;
	my $gone = "SELECT count(*) FROM pg_stat_activity WHERE pid = $pid";

	foreach (1 .. 10 * $PostgreSQL::Test::Utils::timeout_default)
	{
		my $count = eval { $t->sql($gone) };

		return if defined $count && $count eq '0';
		select undef, undef, undef, 0.1;
	}
	die 'the server does not come back';
}

# The leader of a flight is killed, with others waiting for it.
sub test_waiting
{
	my ($where, $settings) = @_;
	my @sessions = map { KeyapiSession->new($t) } 1 .. 3;
	my $name = 'killed_' . $where =~ s/ /_/gr;

	$t->cached_scenario($name, $settings);
	$_->start("SELECT count(*) FROM $name;") foreach @sessions;
	$t->emulator->await_stalled($name, 1);
	my ($pid) = split /\n/, $t->sql('SELECT pid FROM keyapi_fdw_progress'
		  . " WHERE waiting_for = 'request' ORDER BY 1");

	kill_backend($pid // $sessions[0]->pid);
	$t->emulator->release($name);
	check_all($name, "killed $where");
	return;
}

# Sessions that read and evict all the time; one is killed somewhere.
sub test_busy
{
	my ($round) = @_;
	my @sessions = map { KeyapiSession->new($t) } 1 .. 4;
	my $name = "busy$round";

	$t->cached_scenario($name, 'total=100');
	$t->sql("ALTER SYSTEM SET keyapi_fdw.cache_size = '1MB'; SELECT pg_reload_conf()");
	foreach my $session (@sessions)
	{
		$session->start(join "\n",
			map { "SELECT count(*) FROM $name WHERE region = 'R"
				  . int(rand 30) . "'; SELECT keyapi_fdw_cache_clear() WHERE $_ % 7 = 0;" } 1 .. 1000);
	}
	$t->emulator->await_requests($name, 100 * $round);
	kill_backend($sessions[ $round % 4 ]->pid);
	check_all($name, 'killed while busy');
	return;
}

# Everything works.
sub check_all
{
	my ($name, $test) = @_;
	my $url = $t->url("after_$name", 'total=45');

	is( $t->sql("ALTER SERVER $name OPTIONS (SET base_url '$url');"
			  . " SELECT count(*) FROM $name; SELECT count(*) FROM $name"),
		"45\n45", "$test: queries work again");
	is($t->emulator->count("after_$name"), 3, '... and so does the cache');
	is($t->sql("SELECT requests FROM keyapi_fdw_stats WHERE server = '$name'"), 3, '... and a new bill');
	is($t->sql('SELECT count(*) FROM keyapi_fdw_progress'), 0, '... and nothing is left running');
	return;
}

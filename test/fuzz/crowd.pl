# Sixty sessions that share a cache which is far too small, while random ones are
# cancelled and one backend is killed with SIGKILL: none hangs, each statement gives
# its rows or one of the errors that tell why not, and the bill is exact.  Of what
# was billed before the kill nothing is known, as shared memory begins anew.
#
#	test/fuzz/run crowd [MINUTES [SEED]]

use strict;
use warnings;

use Test::More;

use KeyapiSession;
use KeyapiTest;

use constant SESSIONS => 60;

# Statements that a session is given at a time, and lists that they choose from: about
# three times what the cache holds
use constant STATEMENTS => 12;
use constant LISTS => 40;

# Errors that a statement may end with: the API's, and that of a cancel
my %expected = map { $_ => 1 } ('08006', '58000', '57014');

my $minutes = shift @ARGV // 3;
my $seed    = shift @ARGV // time;
my $t       = KeyapiTest->new(conf => KeyapiTest->preloaded
	  . "restart_after_crash = on\nmax_connections = 100\nkeyapi_fdw.cache_size = '1MB'\nkeyapi_fdw.log_requests = all\n");
my $began = time;
my %served;
my @wrong;
my @sessions;

srand $seed;
diag("seed $seed");
$t->cached_scenario('crowd', 'total=100;latency=3;fault=status,code=500,every=97;fault=reset,every=61');
connect_all();

work() while time < $began + 30 * $minutes && @wrong < 5;
test_bill(0, 0, 'before the kill');
kill_one();
my ($forgotten, $logged) = ($t->emulator->count('crowd'), logged());
connect_all();
work() while time < $began + 60 * $minutes && @wrong < 5;
test_bill($forgotten, $logged, 'after it');

is(join("\n", @wrong), '', 'each statement gives its rows or says why not');
cmp_ok($served{right} // 0, '>', 0, 'statements: ' . join(', ', map { "$_ $served{$_}" } sort keys %served));
is($t->sql('SELECT count(*) FROM keyapi_fdw_progress'), 0, 'nothing is left running');
unlike($t->server_log, qr/PANIC|TRAP|terminated by signal (?!9\b)/, 'no process has crashed by itself');
unlike($t->server_log, qr/LOG:  keyapi_fdw request: .*sk_live_test/, 'no line of the log shows the key');
$_->quit foreach @sessions;
$t->stop;
done_testing();

sub connect_all
{
	@sessions = map { KeyapiSession->new($t) } 1 .. SESSIONS;
	return;
}

# A statement that reads a list, or its beginning, and says whether that is right
sub statement
{
	my $region = 'R' . int rand LISTS;
	my $rows   = rand() < 0.5 ? 100 : 20;

	return "SELECT count(*) = $rows FROM crowd WHERE region = '$region' AND rank <= $rows;";
}

sub start_all
{
	$_->start(join "\n", map { statement() } 1 .. STATEMENTS) foreach @sessions;
	return;
}

# Let each session run its statements, and cancel some of them.
sub work
{
	start_all();
	$t->sql(join '', map { 'SELECT pg_cancel_backend(' . $sessions[ rand @sessions ]->pid . ');' } 1 .. 3)
	  foreach 1 .. 5;
	judge($_->finish) foreach @sessions;
	return;
}

sub judge
{
	my ($result) = @_;
	my @states = $result->{stderr} =~ /^(?:ERROR|FATAL):\s+(\w{5}):/gm;
	my @rows   = split /\n/, $result->{rows};

	$served{$_}++ foreach @states;
	$served{right} += @rows;
	push @wrong, "$result->{rows}\n$result->{stderr}"
	  if @rows + @states != STATEMENTS || grep({ $_ ne 't' } @rows) || grep { !$expected{$_} } @states;
	return;
}

# Kill a backend in the middle of the work, and wait until the server is there again.
# The sessions end with it.
sub kill_one
{
	my $count = $t->emulator->count('crowd');
	my $pid   = $sessions[ rand @sessions ]->pid;

	start_all();
	$t->emulator->await_requests('crowd', $count + SESSIONS);
	kill 'KILL', $pid;
	foreach my $session (@sessions)
	{
		eval { $session->finish; 1 } or $@ =~ /ended prematurely|no longer running/ or die $@;
		$session->kill;
	}
	$t->node->poll_query_until('postgres', "SELECT count(*) = 0 FROM pg_stat_activity WHERE pid = $pid")
	  or die 'the server does not come back';
	return;
}

# Lines of the log about requests that were sent
sub logged { return scalar(() = $t->server_log =~ /LOG:  keyapi_fdw request: .* credits=2 /g) }

# The bill is what the API has counted since then, and the log has a line for each.
sub test_bill
{
	my ($since, $logged_since, $when) = @_;
	my $made = $t->emulator->count('crowd') - $since;

	is($t->sql('SELECT sum(requests), sum(credits) FROM keyapi_fdw_stats'), "$made|" . 2 * $made,
		"the bill $when: $made requests");
	is(logged() - $logged_since, $made, '... and as many lines in the log');
	return;
}

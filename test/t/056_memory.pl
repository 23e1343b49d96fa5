
# A cache that is too small, or that the system has no memory for, forgets; it
# never fails a query.

use strict;
use warnings;

use Test::More;

use KeyapiSession;
use KeyapiTest;

my $t = KeyapiTest->new(
	conf => KeyapiTest->preloaded . "dynamic_shared_memory_type = mmap\n");

test_eviction();
test_too_small();
test_off();
test_no_memory();
SKIP:
{
	skip 'needs /proc, which tells how large a process is', 6 if !-e "/proc/$$/status";
	test_no_address_space();
}
test_many();

$t->stop;
done_testing();

sub reports
{
	return scalar(() = $t->server_log =~ /LOG:  keyapi_fdw cannot cache a page/g);
}

# The list that was not used for the longest time is dropped, with all its pages.
sub test_eviction
{
	$t->cached_scenario('evicted', 'nogzip');
	$t->cache_size('1MB');
	$t->sql("SELECT count(*) FROM evicted WHERE region = '$_'") foreach qw(A B);
	$t->answers('evicted', "SELECT count(*) FROM evicted WHERE region = 'A'", 500, 0, 'two lists fit');
	$t->sql("SELECT count(*) FROM evicted WHERE region = 'C'");
	$t->answers('evicted', "SELECT count(*) FROM evicted WHERE region = 'A'", 500, 0,
		'the list that was used last is kept');
	$t->answers('evicted', "SELECT count(*) FROM evicted WHERE region = 'B'", 500, 25, 'the oldest is gone');
	cmp_ok($t->sql('SELECT sum(bytes) FROM keyapi_fdw_cache'), '<=', 1024 * 1024, 'the cache keeps to its size');
	is($t->sql('SELECT count(*) FROM keyapi_fdw_cache WHERE pages < total_pages'), 0, 'there are no half lists');
	is(reports(), 0, 'all of that is normal');
	return;
}

# A list that does not fit is not cached, and the log says so once.
sub test_too_small
{
	$t->cache_size('100kB');
	$t->answers('evicted', "SELECT count(*) FROM evicted WHERE region = 'D'", 500, 25, 'a list that does not fit')
	  for 1 .. 3;
	is(reports(), 1, 'one line in the log');
	$t->answers('evicted', "SELECT count(*) FROM evicted WHERE region = 'D' AND rank <= 20", 20, 1, 'a page that fits');
	$t->answers('evicted', "SELECT count(*) FROM evicted WHERE region = 'D' AND rank <= 20", 20, 0, '... is cached');
	$t->cache_size('64MB');
	$t->answers('evicted', "SELECT count(*) FROM evicted WHERE region = 'D'", 500, 24, 'larger again');
	$t->answers('evicted', "SELECT count(*) FROM evicted WHERE region = 'D'", 500, 0, '... and the list fits');
	return;
}

sub test_off
{
	$t->cache_size('0');
	like($t->sql('EXPLAIN SELECT FROM evicted'), qr/Cache: off/, 'cache_size = 0 is off');
	$t->answers('evicted', "SELECT count(*) FROM evicted WHERE region = 'E'", 500, 25, 'off') for 1 .. 2;
	$t->cache_size('64MB');
	return;
}

# The system has no shared memory to give.  A limit on the size of the files that the
# process writes stands in for a full disk.
sub test_no_memory
{
	my $reports = reports();
	my ($session, $pid);

	$t->node->restart;			# what was allocated once would be used again
	$session = KeyapiSession->new($t);
	$pid = $session->pid;
	$t->cached_scenario('starved', 'nogzip');
	system('prlimit', '--pid', $pid, '--fsize=500000') == 0 or die 'prlimit failed';
	foreach my $region ('A' .. 'F')
	{
		my $result = $session->run("SELECT count(*) FROM starved WHERE region = '$region';");

		is("$result->{stderr}$result->{rows}", 500, 'a query without shared memory');
	}
	is(reports(), $reports + 1, 'one line in the log');
	like($t->server_log, qr/cannot cache a page: could not resize shared memory/, '... that says why');
	is($session->sql('SELECT 1;'), 1, 'the session goes on');
	$session->quit;

	$t->answers('starved', "SELECT count(*) FROM starved WHERE region = 'G'", 500, 25, 'another session fills the cache');
	$t->answers('starved', "SELECT count(*) FROM starved WHERE region = 'G'", 500, 0, '... and reads it');
	return;
}

# A session cannot map the memory that others have allocated.
sub test_no_address_space
{
	my $session = KeyapiSession->new($t);
	my $pid = $session->pid;
	my $reports = reports();

	$t->sql('SELECT keyapi_fdw_cache_clear()');
	$t->cached_scenario('cramped', 'nogzip');
	$session->sql('SELECT count(*) FROM cramped WHERE rank <= 20;');
	$t->sql(join ';', map { "SELECT count(*) FROM cramped WHERE region = 'R$_'" } 1 .. 40);
	my ($kb) = PostgreSQL::Test::Utils::slurp_file("/proc/$pid/status") =~ /^VmSize:\s+(\d+)/m;

	system('prlimit', '--pid', $pid, '--as=' . ($kb + 6000) * 1024 . ':') == 0 or die 'prlimit failed';
	foreach my $region ('R1', 'R40', 'new')
	{
		my $result = $session->run("SELECT count(*) FROM cramped WHERE region = '$region' AND rank <= 20;");

		is("$result->{stderr}$result->{rows}", 20, 'a query without room for the cache');
	}
	is(reports(), $reports + 1, 'one line in the log');
	system('prlimit', '--pid', $pid, '--as=unlimited:') == 0 or die 'prlimit failed';

	is($session->sql("SELECT count(*) FROM cramped WHERE region = 'R40';"), 500, 'with room again');
	$t->answers('cramped', "SELECT count(*) FROM cramped WHERE region = 'R40'", 500, 0, 'others have the cache');
	$session->quit;
	return;
}

# Many lists and many sessions in a cache that is always full.
sub test_many
{
	my @sessions = map { KeyapiSession->new($t) } 1 .. 8;

	$t->cache_size('500kB');
	$t->cached_scenario('many', 'total=60');
	foreach my $session (@sessions)
	{
		$session->start(join "\n",
			map { 'SELECT 1 FROM many WHERE region = \'R' . int(rand 40) . '\' HAVING count(*) <> 60;' } 1 .. 100);
	}
	foreach my $session (@sessions)
	{
		my $result = $session->finish;

		is("$result->{stderr}$result->{rows}", '', 'a crowd in a full cache');
	}
	cmp_ok($t->sql('SELECT sum(bytes) FROM keyapi_fdw_cache'), '<=', 500 * 1024, '... which keeps to its size');
	$_->quit foreach @sessions;
	return;
}

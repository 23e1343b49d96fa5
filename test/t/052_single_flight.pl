
# Single flight: sessions that want the same page send one request, and wait only
# for a session that is asking for it.

use strict;
use warnings;

use IPC::Run;
use Test::More;

use KeyapiSession;
use KeyapiTest;

my $t = KeyapiTest->new(conf => KeyapiTest->shared . "max_connections = 120\n");

test_crowd('fifty', 50, 'latency=50');
test_crowd('hundred', 100, 'total=100;latency=20');
test_leader_that_ends();
test_leader_that_fails();
test_page_that_fails();
test_failures_of_the_past();
test_leaders_that_are_gone();
test_leader_that_hangs();
test_waiter_that_is_cancelled();
test_idle_cursor();
test_crossing();
test_cleared();
test_altered();
test_uncached();

$t->stop;
done_testing();

# Many sessions at once, cold: each page is asked for once, and all see the same.
sub test_crowd
{
	my ($name, $n, $settings) = @_;
	my $sql = "SELECT count(*), md5(string_agg(id, ',' ORDER BY rank)) FROM $name";
	my $connection = $t->node->connstr('postgres');
	my (@runs, @out, %seen);

	$t->cached_scenario($name, $settings);
	for my $i (0 .. $n - 1)
	{
		push @runs, IPC::Run::start([ 'psql', '-XAtq', '-d', $connection, '-c', $sql ],
			'<', \undef, '>', \$out[$i], '2>&1');
	}
	$_->finish foreach @runs;
	$seen{$_}++ foreach @out;
	is(scalar(keys %seen), 1, "$n sessions see the same") or diag(%seen);
	like($out[0], qr/^\d+\|[0-9a-f]{32}$/, '... which is a list');
	my %pages = map { $_->{page} => 1 } $t->emulator->log($name);
	is($t->emulator->count($name), scalar(keys %pages), '... that was paid for once');
	return;
}

# A leader that is cancelled or terminated is followed by one of its waiters, long
# before its time is up.
sub test_leader_that_ends
{
	foreach my $end ('pg_cancel_backend', 'pg_terminate_backend')
	{
		my $name    = "by_$end";
		my $leader  = KeyapiSession->new($t);
		my @waiters = map { KeyapiSession->new($t) } 1 .. 3;

		$t->cached_scenario($name, 'total=45;fault=stall,nth=1');
		$t->sql("ALTER SERVER $name OPTIONS (ADD request_timeout '1h')");
		$leader->start("SELECT count(*) FROM $name;");
		$t->emulator->await_stalled($name, 1);
		$_->start("SELECT count(*) FROM $name;") foreach @waiters;
		$t->await_waiting(3, 'other session');
		is($t->emulator->count($name), 1, "$end: waiters ask for nothing");

		$t->sql("SELECT $end(" . $leader->pid . ')');
		KeyapiSession::is_error($leader->finish, $end =~ /cancel/ ? '57014' : '57P01',
			'... the leader ends');
		is($_->finish->{rows}, 45, '... a waiter gets the list') foreach @waiters;
		is($t->emulator->count($name), 4, '... after one more request for the page');
		$t->emulator->release($name);
		$_->quit foreach @waiters;
	}
	return;
}

# If the leader's request fails for good, all that waited have the error.
sub test_leader_that_fails
{
	my $leader  = KeyapiSession->new($t);
	my @waiters = map { KeyapiSession->new($t) } 1 .. 3;

	$t->cached_scenario('refusing', 'total=45;fault=status,code=400,nth=1,delay=2000');
	$leader->start('SELECT count(*) FROM refusing;');
	$t->emulator->await_requests('refusing', 1);
	$_->start('SELECT count(*) FROM refusing;') foreach @waiters;
	$t->await_waiting(3, 'other session');
	KeyapiSession::is_error($leader->finish, '22023', 'the leader fails');
	KeyapiSession::is_error($_->finish, '22023', '... and so does a waiter') foreach @waiters;
	is($t->emulator->count('refusing'), 1, '... without a request');
	$t->answers('refusing', 'SELECT count(*) FROM refusing', 45, 3, '... but later sessions ask');
	$_->quit foreach $leader, @waiters;
	return;
}

# The same with other pages and failures.  Statements that start later try again, as
# soon as the gate lets them.
sub test_page_that_fails
{
	my @sessions = map { KeyapiSession->new($t) } 1 .. 20;
	my %expected = ('404' => 1, '503' => 3);

	foreach my $status (sort keys %expected)
	{
		my $name = "never_$status";
		my (%seen, $count);

		$t->cached_scenario($name, "total=45;fault=status,code=$status,page=2,delay=1000");
		$t->sql("ALTER SERVER $name OPTIONS (ADD max_retries '2', ADD max_retry_wait '1ms')");
		$sessions[0]->start("SELECT count(*) FROM $name;");
		$t->emulator->await_requests($name, 2);
		$_->start("SELECT count(*) FROM $name;") foreach @sessions[ 1 .. 19 ];
		$t->await_waiting(19, 'other session');
		foreach my $session (@sessions)
		{
			my ($message) = $session->finish->{stderr} =~ /^ERROR:\s+(.*page 2.*?)"/ms;

			$seen{ $message // 'nothing' }++;
		}
		is(scalar(keys %seen), 1, "$status: all fail alike") or diag(%seen);
		like((keys %seen)[0], qr/^58000: .*HTTP status $status/s, '... and know why');
		$count = scalar(grep { $_->{page} == 2 } $t->emulator->log($name));
		is($count, $expected{$status}, '... by one session\'s requests for the page');

		$t->resume($name);
		$t->run("SELECT count(*) FROM $name");
		is(scalar(grep { $_->{page} == 2 } $t->emulator->log($name)),
			2 * $expected{$status}, '... another statement tries again');
	}
	$_->quit foreach @sessions;
	return;
}

# Scans that are not waiting ignore failures that others record meanwhile.
sub test_failures_of_the_past
{
	my ($reader, $lock) = map { KeyapiSession->new($t) } 1 .. 2;
	my $settings = 'total=200;fault=status,code=500,page=5,times=2';

	$t->cached_scenario('paced', $settings);
	$t->sql("ALTER SERVER paced OPTIONS (ADD requests_per_second '2')");
	$t->sql("CREATE SERVER hasty FOREIGN DATA WRAPPER keyapi_fdw OPTIONS (base_url '"
		  . $t->url('paced', $settings) . "', max_retries '0')");
	$t->mapping('hasty');
	$t->import_table('hasty');

	# page 5 will be read, but has to wait for the pace
	$lock->sql('SELECT pg_advisory_lock(1);');
	$reader->start('SELECT count(rank), count(CASE rank WHEN 21 THEN'
		  . ' pg_advisory_lock_shared(1)::text END) FROM (SELECT rank FROM paced OFFSET 0) s;');
	$t->await(
		"SELECT count(*) = 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted",
		'the reader does not get to page 2');
	foreach (1, 2)
	{
		$t->run('SELECT count(*) FROM hasty WHERE page = 5');
		$t->resume('hasty');
	}
	is(scalar(grep { $_->{page} == 5 && $_->{status} == 500 } $t->emulator->log('paced')),
		2, 'a page fails twice');
	$lock->sql('SELECT pg_advisory_unlock(1);');
	is($reader->finish->{rows}, '200|1', '... and a session that asks for it later gets it');
	$_->quit foreach $reader, $lock;
	return;
}

# Sessions that are terminated leave flights behind, which are cleaned up.
sub test_leaders_that_are_gone
{
	my @sessions = map { KeyapiSession->new($t) } 1 .. 3;

	$t->cached_scenario('gone', 'total=660;fault=stall,page=2-33');
	$t->sql("ALTER SERVER gone OPTIONS (ADD max_concurrency '32')");
	foreach my $i (1 .. 34)
	{
		my $leader = KeyapiSession->new($t);

		$leader->start("SELECT count(*) FROM gone WHERE region = 'R$i';");
		$t->emulator->await_stalled('gone', 32);
		$leader->terminate;
		$leader->finish;
		$t->emulator->release('gone');
	}

	$t->cached_scenario('after_them', 'total=15;fault=stall,nth=1');
	$sessions[0]->start('SELECT count(*) FROM after_them;');
	$t->emulator->await_stalled('after_them', 1);
	$_->start('SELECT count(*) FROM after_them;') foreach @sessions[ 1, 2 ];
	$t->await_waiting(2, 'other session');
	$t->emulator->release('after_them');
	is($_->finish->{rows}, 15, 'sessions after many that were terminated') foreach @sessions;
	is($t->emulator->count('after_them'), 1, '... still wait for each other');
	$_->quit foreach @sessions;
	return;
}

# Waiters wait for a leader that hangs until some seconds after its request_timeout, if
# they would have tried for so long.
sub test_leader_that_hangs
{
	my $leader = KeyapiSession->new($t);
	my $waiter = KeyapiSession->new($t);

	$t->cached_scenario('hanging', 'total=45;fault=stall,nth=1');
	$t->sql("ALTER SERVER hanging OPTIONS (ADD request_timeout '2s', ADD max_retries '4')");
	$leader->start('SELECT count(*) FROM hanging;');
	$t->emulator->await_stalled('hanging', 1);
	kill 'STOP', $leader->pid;
	$waiter->start('SELECT count(*) FROM hanging;');
	is($waiter->finish->{rows}, 45, 'a waiter takes over from a leader that hangs');
	is($t->emulator->count('hanging'), 4, '... with one more request for the page');
	$t->emulator->release('hanging');
	kill 'CONT', $leader->pid;
	is($leader->finish->{rows}, 45, '... and the leader goes on');
	is($t->emulator->count('hanging'), 4, '... for free');
	$_->quit foreach $leader, $waiter;
	return;
}

sub test_waiter_that_is_cancelled
{
	my $leader = KeyapiSession->new($t);
	my $waiter = KeyapiSession->new($t);

	$t->cached_scenario('cancelled', 'total=45;fault=stall,nth=1');
	$leader->start('SELECT count(*) FROM cancelled;');
	$t->emulator->await_stalled('cancelled', 1);
	$waiter->start('SELECT count(*) FROM cancelled;');
	$t->await_waiting(1, 'other session');
	$waiter->cancel;
	KeyapiSession::is_error($waiter->finish, '57014', 'a waiter is cancelled');
	$t->emulator->release('cancelled');
	is($leader->finish->{rows}, 45, '... its leader is not');
	is($t->emulator->count('cancelled'), 3, '... and asks once');
	$_->quit foreach $leader, $waiter;
	return;
}

# A session that has read some of a list and waits for its client keeps nobody waiting.
sub test_idle_cursor
{
	my $idle = KeyapiSession->new($t);

	$t->cached_scenario('idle', 'total=200');
	$idle->sql('BEGIN; DECLARE c CURSOR FOR SELECT rank FROM idle; FETCH 1 FROM c;');
	$t->answers('idle', 'SELECT count(*) FROM idle', 200, 9, 'an idle cursor holds nobody');
	is(scalar(split /\n/, $idle->sql('FETCH ALL FROM c;')), 199, '... and reads on');
	is($t->emulator->count('idle'), 10, '... for free');
	$idle->sql('COMMIT;');
	$idle->quit;
	return;
}

# Scans that want the same lists in opposite order do not block each other.
sub test_crossing
{
	my @regions  = map { "R$_" } 1 .. 8;
	my @sessions = map { KeyapiSession->new($t) } 1 .. 6;
	my $turn = 0;

	$t->cached_scenario('crossing', 'total=60;latency=5');
	foreach my $session (@sessions)
	{
		my $order = $turn++ % 2 ? 'DESC' : 'ASC';

		$session->start("SELECT count(*), sum(rank) FROM"
			  . " (SELECT * FROM unnest(ARRAY['" . join("','", @regions) . "']) code ORDER BY code $order) r,"
			  . ' LATERAL (SELECT rank FROM crossing WHERE region = r.code OFFSET 0) c;');
	}
	is($_->finish->{rows}, '480|14640', 'crossing scans') foreach @sessions;
	is($t->emulator->count('crossing'), 24, '... pay once');
	$_->quit foreach @sessions;
	return;
}

# Sessions whose list is dropped from the cache go on together.
sub test_cleared
{
	my @sessions = map { KeyapiSession->new($t) } 1 .. 10;

	$t->cached_scenario('cleared', 'total=200;fault=stall,page=2,times=1');
	$_->start('SELECT count(*) FROM cleared;') foreach @sessions;
	$t->emulator->await_stalled('cleared', 1);
	$t->await_waiting(9, 'other session');
	$t->sql('SELECT keyapi_fdw_cache_clear()');
	$t->emulator->release('cleared');
	is($_->finish->{rows}, 200, 'the cache is cleared meanwhile') foreach @sessions;
	cmp_ok($t->emulator->count('cleared'), '<=', 10 + 9, '... no page is asked for by all');
	$_->quit foreach @sessions;
	return;
}

# While the server is altered, each statement sees one API or the other.
sub test_altered
{
	my @sessions = map { KeyapiSession->new($t) } 1 .. 4;
	my @totals = (45, 65);

	$t->cached_scenario('altered', "total=$totals[0]");
	foreach my $session (@sessions)
	{
		$session->start(join "\n",
			('SELECT count(*) FROM altered HAVING count(*) NOT IN (' . join(',', @totals) . ');') x 100);
	}
	$t->change('altered', 'total=' . $totals[ $_ % 2 ]) for 1 .. 20;
	foreach my $session (@sessions)
	{
		my $result = $session->finish;

		is("$result->{stderr}$result->{rows}", '', 'ALTER SERVER meanwhile');
		$session->quit;
	}
	return;
}

# cache_ttl 0 turns single flight off.
sub test_uncached
{
	my $first  = KeyapiSession->new($t);
	my $second = KeyapiSession->new($t);

	$t->scenario('uncached', 'total=15;fault=stall');
	$_->start('SELECT count(*) FROM uncached;') foreach $first, $second;
	$t->emulator->await_stalled('uncached', 2);
	$t->emulator->release('uncached');
	is($_->finish->{rows}, 15, 'cache_ttl 0: each asks for itself') foreach $first, $second;
	$_->quit foreach $first, $second;
	return;
}

# Rate limits: the user's own, and those that the API only tells by refusing.

use strict;
use warnings;

use Test::More;
use Time::HiRes qw(sleep time);

use KeyapiSession;
use KeyapiTest;

# Requests that a limiter may refuse while 100 pages are read
use constant MAX_REFUSED => 20;

my $t = KeyapiTest->new;
my $emulator = $t->emulator;

$t->scenario('rate');
$t->sql("ALTER SERVER rate OPTIONS (ADD max_concurrency '8')");

test_pace();
test_limiters();
test_windows();
test_probe();
test_two_sessions();

$t->stop;
done_testing();

# requests_per_second: each request comes no earlier than that many before it
# allow, but for what the network may have held the first one up.
sub test_pace
{
	my (@ms, $earliest);

	$t->change('rate', 'total=120');
	$t->sql("ALTER SERVER rate OPTIONS (ADD requests_per_second '12.5')");
	$t->answers('rate', 'SELECT count(*) FROM rate', '120', 6, 'at a pace');
	@ms = map { $_->{ms} } $emulator->log('rate');
	$earliest = (sort { $a <=> $b } map { $ms[$_] - $ms[0] - 80 * $_ } 1 .. $#ms)[0];
	cmp_ok($earliest, '>=', -60, '... of 80 ms');
	$t->sql('ALTER SERVER rate OPTIONS (DROP requests_per_second)');
	return;
}

# 100 pages through limiters that let 20 requests pass and then 40 a second
sub test_limiters
{
	foreach my $limiter (
		'retryafter=yes', 'retryafter=no', 'retryafter=date',
		'retryafter=yes;penalise=1000', 'retryafter=yes;latency=20')
	{
		my $refused;

		$t->change('rate', "qps=40;burst=20;$limiter");
		$emulator->reset('rate');
		is( $t->sql("SELECT count(*) FROM rate WHERE region IN ('US', 'GB', 'FR', 'DE')"),
			2000, "all rows come through a limiter with $limiter");
		$refused = $emulator->count('rate') - 100;
		cmp_ok($refused, '<=', MAX_REFUSED, "... which refuses few requests ($refused)");
	}
	return;
}

# Limiters that count the requests of each second of the clock, and do not tell when
# to come back.  Chance decides when in a second the reading begins: half of the times
# must be good.  (unit/gate looks closer, at 200 times.)
sub test_windows
{
	foreach my $case ([ 20, 'US', 'GB', 'FR', 'DE' ], [ 5, 'US' ])
	{
		my ($qps, @regions) = @$case;
		my $regions = join ', ', map { "'$_'" } @regions;
		my (@refused, @seconds);

		$t->change('rate', "qps=$qps;window;retryafter=no");
		foreach (1 .. 5)
		{
			my $began;

			# the window that the reading before has used up goes by
			sleep 1.1 + rand;
			$began = time;
			$emulator->reset('rate');
			is($t->sql("SELECT count(*) FROM rate WHERE region IN ($regions)"),
				500 * @regions, "all rows come through windows of $qps");
			push @seconds, time - $began;
			push @refused, $emulator->count('rate') - 25 * @regions;
		}
		@refused = sort { $a <=> $b } @refused;
		@seconds = sort { $a <=> $b } @seconds;
		cmp_ok($refused[2], '<=', 7, "... with few refusals (@refused)");
		cmp_ok($seconds[2], '<=', 1.3 * 5, '... in time ('
			  . join(' ', map { sprintf '%.1f', $_ } @seconds) . ' s)');
	}
	return;
}

# After a pause one request finds out whether it was long enough: the next one
# starts when that is answered.
sub test_probe
{
	my ($probe, @later);

	$t->change('rate', 'total=800;latency=200;fault=status,code=429,nth=21-31');
	$t->sql("ALTER SERVER rate OPTIONS (ADD max_retries '20', ADD max_retry_wait '500ms')");
	$emulator->reset('rate');
	is($t->sql('SELECT count(*) FROM rate'), 800, 'all rows come after some pauses');
	is($emulator->count('rate'), 51, '... for eleven more requests');

	# no more than seven others are under way when the first refusal arrives
	@later = grep { $_->{sequence} > 28 } $emulator->log('rate');
	do
	{
		$probe = shift(@later);
		cmp_ok($later[0]{ms} - $probe->{ms},
			'>=', 200, "... request $probe->{sequence} is answered before the next one starts");
	} while ($probe->{status} == 429);
	$t->sql('ALTER SERVER rate OPTIONS (DROP max_retries, DROP max_retry_wait)');
	return;
}

# Two sessions that do not know of each other
sub test_two_sessions
{
	my @sessions = map { KeyapiSession->new($t) } 1 .. 2;
	my $refused;

	$t->change('rate', 'qps=40;burst=20');
	$emulator->reset('rate');
	$_->start("SELECT count(*) FROM rate WHERE region IN ('US', 'GB', 'FR', 'DE');")
	  foreach @sessions;
	is($_->finish->{rows}, 2000, 'all rows come to one of two sessions') foreach @sessions;
	$refused = $emulator->count('rate') - 200;
	cmp_ok($refused, '<=', 2 * MAX_REFUSED, "... with few requests refused ($refused)");
	$_->quit foreach @sessions;
	return;
}


# Sessions that want one page and differ in how long they wait for it: nobody asks in
# vain, nobody waits longer than his own options say, and nobody fails with the verdict
# of those who wait less.

use strict;
use warnings;

use Test::More;

use KeyapiSession;
use KeyapiTest;

my $t = KeyapiTest->new(conf => KeyapiTest->shared);

test_hanging();
test_at_the_same_time();
test_patient();
test_impatient();
test_retries();
test_lasting();
test_unreachable();

$t->stop;
done_testing();

# A scenario, with servers NAME_SUFFIX of the same account that have other options
sub servers
{
	my ($name, $settings, $options, %others) = @_;
	my $url = $t->url($name, $settings);

	$t->cached_scenario($name, $settings);
	$t->sql("ALTER SERVER $name OPTIONS ($options)");
	foreach my $suffix (keys %others)
	{
		$t->sql("CREATE SERVER ${name}_$suffix FOREIGN DATA WRAPPER keyapi_fdw"
			  . " OPTIONS (base_url '$url', $others{$suffix})");
		$t->mapping("${name}_$suffix");
		$t->import_table("${name}_$suffix");
	}
	return;
}

# Five sessions and an API that hangs: as many requests as one would have sent.
sub test_hanging
{
	my @sessions = map { KeyapiSession->new($t) } 1 .. 5;

	foreach my $retries (0, 2)
	{
		my $name = "hangs_$retries";

		servers($name, 'fault=stall', "ADD request_timeout '2s', ADD max_retries '$retries'");
		$sessions[0]->start("SELECT count(*) FROM $name;");
		$t->emulator->await_stalled($name, 1);
		$sessions[$_]->start("SELECT count(*) FROM $name;") foreach 1 .. 4;
		KeyapiSession::is_error($_->finish, '08006', "an API that hangs, $retries retries") foreach @sessions;
		is($t->emulator->count($name), 1 + $retries, '... is asked as by one session');
		$t->emulator->release($name);
	}
	$_->quit foreach @sessions;
	return;
}

# ... all of which begin at the same time
sub test_at_the_same_time
{
	my @sessions = map { KeyapiSession->new($t) } 1 .. 5;

	servers('together', 'fault=stall', "ADD request_timeout '3s', ADD max_retries '0'");
	$_->start('SELECT count(*) FROM together;') foreach @sessions;
	KeyapiSession::is_error($_->finish, '08006', 'sessions that begin together') foreach @sessions;
	is($t->emulator->count('together'), 1, '... ask once');
	$_->quit foreach @sessions;
	return;
}

# A patient session among hasty ones gets what it waits for.
sub test_patient
{
	my @hasty   = map { KeyapiSession->new($t) } 1 .. 8;
	my $patient = KeyapiSession->new($t);

	servers('slow', 'total=15;latency=1500', "ADD request_timeout '60s'",
		hasty => "request_timeout '500ms', max_retries '0'");
	$hasty[0]->start('SELECT count(*) FROM slow_hasty;');
	$t->emulator->await_requests('slow', 1);
	$patient->start('SELECT count(*) FROM slow;');
	$_->start('SELECT count(*) FROM slow_hasty;') foreach @hasty[ 1 .. 7 ];
	is($patient->finish->{rows}, 15, 'a patient session gets a slow page');
	KeyapiSession::is_error($hasty[0]->finish, '08006', '... and a hasty one does not');
	foreach my $session (@hasty[ 1 .. 7 ])
	{
		my $result = $session->finish;

		# who comes when the page has arrived has luck
		ok($result->{rows} eq '15' || KeyapiSession::sqlstate($result) eq '08006',
			'... and others neither, or find it');
	}
	cmp_ok($t->emulator->count('slow'), '<=', 3, '... whose requests are few');
	$_->quit foreach @hasty, $patient;
	return;
}

# A hasty session behind a patient one waits for no longer than it would have asked.
sub test_impatient
{
	my ($patient, $hasty) = map { KeyapiSession->new($t) } 1 .. 2;

	servers('behind', 'total=15;fault=stall', "ADD request_timeout '1h'",
		hasty => "request_timeout '1s', max_retries '0'");
	$patient->start('SELECT count(*) FROM behind;');
	$t->emulator->await_stalled('behind', 1);
	$hasty->start('SELECT count(*) FROM behind_hasty;');
	my $result = $hasty->finish;

	KeyapiSession::is_error($result, '08006', 'a hasty session behind a patient one fails');
	like($result->{stderr}, qr/another session has been asking/, '... and says why');
	is($t->emulator->count('behind'), 1, '... without a request');
	$t->emulator->release('behind');
	is($patient->finish->{rows}, 15, '... and the patient one gets the page');
	$_->quit foreach $patient, $hasty;
	return;
}

# Patience is also how often one tries.
sub test_retries
{
	my ($leader, $waiter) = map { KeyapiSession->new($t) } 1 .. 2;

	servers('flaky', 'total=15;fault=status,code=503,delay=1500,nth=1', "ADD max_retries '1'",
		once => "max_retries '0'");
	$leader->start('SELECT count(*) FROM flaky_once;');
	$t->emulator->await_requests('flaky', 1);
	$waiter->start('SELECT count(*) FROM flaky;');
	$t->await_waiting(1, 'other session');
	KeyapiSession::is_error($leader->finish, '58000', 'a session that tries once fails');
	is($waiter->finish->{rows}, 15, '... and one that tries twice gets the page');
	is($t->emulator->count('flaky'), 2, '... by another request');
	$_->quit foreach $leader, $waiter;
	return;
}

# Where patience does not help, all believe the first.
sub test_lasting
{
	my ($leader, $waiter) = map { KeyapiSession->new($t) } 1 .. 2;

	servers('refused', 'total=15;fault=status,code=404,delay=1500,nth=1', "ADD max_retries '1'",
		once => "max_retries '0', request_timeout '5s'");
	$leader->start('SELECT count(*) FROM refused_once;');
	$t->emulator->await_requests('refused', 1);
	$waiter->start('SELECT count(*) FROM refused;');
	$t->await_waiting(1, 'other session');
	KeyapiSession::is_error($_->finish, '58000', 'a refusal is one for the patient, too') foreach $leader, $waiter;
	is($t->emulator->count('refused'), 1, '... without a request');
	$_->quit foreach $leader, $waiter;
	return;
}

# Nobody listens: the same, and nothing is billed.
sub test_unreachable
{
	my @sessions = map { KeyapiSession->new($t) } 1 .. 3;
	my $dead = $t->emulator->value('DEAD_URL');

	servers('dead', '', "ADD connect_timeout '1s', ADD max_retries '0'");
	$t->sql("ALTER SERVER dead OPTIONS (SET base_url '$dead')");
	$_->start('SELECT count(*) FROM dead;') foreach @sessions;
	KeyapiSession::is_error($_->finish, '08001', 'an API that is out of reach') foreach @sessions;
	is($t->sql("SELECT coalesce(sum(credits), 0) FROM keyapi_fdw_stats WHERE server = 'dead'"), 0,
		'... costs nothing');
	$_->quit foreach @sessions;
	return;
}

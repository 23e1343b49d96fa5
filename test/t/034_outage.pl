
# Outages: an API that is down is asked by one request now and then, whatever the
# number of sessions and lists; and what is served meanwhile.

use strict;
use warnings;

use Test::More;

use KeyapiSession;
use KeyapiTest;

my $t = KeyapiTest->new(conf => KeyapiTest->shared);

test_waiting();
test_resume();
test_patience();
test_many_lists();
test_stale_at_once();
test_incomplete();
test_incomplete_and_newer();
test_one_bad_page();
test_hanging();
test_probe_that_ends();
test_private();

$t->stop;
done_testing();

# A scenario whose first failure is final for a server of that name with _hasty
sub outage
{
	my ($name, $settings, $retries) = @_;
	my $url = $t->url($name, $settings);

	$t->cached_scenario($name, $settings);
	$t->sql("ALTER SERVER $name OPTIONS (ADD max_retries '$retries')");
	$t->sql("CREATE SERVER ${name}_hasty FOREIGN DATA WRAPPER keyapi_fdw"
		  . " OPTIONS (base_url '$url', max_retries '0')");
	$t->mapping("${name}_hasty");
	$t->import_table("${name}_hasty");
	return;
}

# Learn that the API is down, by one request.
sub find_out
{
	my ($name, $sqlstate) = @_;

	$t->fails($name, "SELECT FROM ${name}_hasty WHERE region = 'XX'", $sqlstate // '58000',
		qr/region=XX/, "$name: an outage", requests => 1);
	return;
}

# Sessions that want a list of their own each
sub sessions_for
{
	my ($name, $n) = @_;
	my @sessions = map { KeyapiSession->new($t) } 1 .. $n;

	$sessions[$_]->start("SELECT count(*) FROM $name WHERE region = 'R$_';") foreach 0 .. $n - 1;
	$t->await_waiting($n, 'outage');
	return @sessions;
}

# All wait for one probe, and when it fails, for the next one.
sub test_waiting
{
	outage('down', 'total=15;fault=status,code=503,nth=1-2', 5);
	find_out('down');
	my @sessions = sessions_for('down', 5);

	is($t->emulator->count('down'), 1, '... keeps all sessions back');
	is($_->finish->{rows}, 15, '... until it is over') foreach @sessions;
	is($t->emulator->count('down'), 1 + 1 + 5, '... with one request in vain');
	$_->quit foreach @sessions;
	return;
}

# An outage can be ended by hand.
sub test_resume
{
	outage('resumed', 'total=15;fault=status,code=503,nth=1', 0);
	find_out('resumed');
	my @sessions = sessions_for('resumed', 3);

	$t->resume('resumed');
	is($_->finish->{rows}, 15, 'keyapi_fdw_resume ends an outage') foreach @sessions;
	is($t->emulator->count('resumed'), 4, '... and all ask');
	$_->quit foreach @sessions;
	return;
}

# The probe's failure counts as a try of all that wait; who does not want to wait for it
# fails at once.
sub test_patience
{
	outage('lasting', 'fault=status,code=503', 0);
	find_out('lasting');
	my @sessions = sessions_for('lasting', 4);

	foreach my $session (@sessions)
	{
		like($session->finish->{stderr},
			qr/58000: +the API failed to answer a request.*HTTP status 503/s, 'a session without retries fails');
		$session->quit;
	}
	is($t->emulator->count('lasting'), 2, '... after one probe for all');

	$t->sql("ALTER SERVER lasting OPTIONS (ADD max_retry_wait '1s')");
	$t->fails('lasting', 'SELECT count(*) FROM lasting', 58000,
		qr/was not asked again.*HTTP status 503, retry after \d+ s.*HINT: .* again in \d+ s/s,
		'a session that does not wait fails at once', requests => 0);
	return;
}

# Ten sessions with ten lists each: one request a window.
sub test_many_lists
{
	my @sessions = map { KeyapiSession->new($t) } 1 .. 10;
	my ($began, $windows);

	outage('many', 'fault=status,code=503', 0);
	find_out('many');
	$began = time;
	foreach my $i (0 .. 9)
	{
		$sessions[$i]->start(join ' ',
			map { "SELECT count(*) FROM many WHERE region = 'S${i}L$_';" } 1 .. 2);
	}
	foreach my $session (@sessions)
	{
		my $failures = () = $session->finish->{stderr} =~ /58000/g;

		is($failures, 2, 'ten sessions that read list after list');
		$session->quit;
	}
	# windows last 5, 10, 20 s, ..., so there are no more than that
	$windows = 1 + int((time - $began) / 5);
	cmp_ok($t->emulator->count('many'), '<=', 1 + $windows, '... send one request a window');
	return;
}

# Sessions that may serve old lists do not wait and do not ask.
sub test_stale_at_once
{
	my @regions = map { "R$_" } 1 .. 10;
	my $in = "region IN ('" . join("','", @regions) . "')";
	my @sessions;

	outage('stale', 'total=15;fault=status,code=503,nth=11-999', 5);
	$t->sql("ALTER SERVER stale OPTIONS (ADD stale_if_error '1h')");
	$t->answers('stale', "SELECT count(*) FROM stale WHERE $in", 150, 10, 'ten lists');
	find_out('stale');
	@sessions = map { KeyapiSession->new($t) } 1 .. 10;
	$_->sql('SET keyapi_fdw.max_age = 0;') foreach @sessions;
	$t->resume('stale');
	find_out('stale');
	$_->start("SELECT count(*) FROM stale WHERE $in;") foreach @sessions;
	foreach my $session (@sessions)
	{
		my $result   = $session->finish;
		my $warnings = () = $result->{stderr} =~ /^WARNING: .*is served as it was at/mg;

		is("$result->{rows} $warnings", '150 10', 'ten old lists');
		$session->quit;
	}
	# a machine that takes longer than the window asks once
	cmp_ok($t->emulator->count('stale'), '<=', 12 + 1, '... without a request');
	return;
}

# A state of which some pages are there is served too; the others are the API's error.
sub test_incomplete
{
	my $old = 'SET keyapi_fdw.max_age = 0;';

	outage('partly', 'total=100;fault=status,code=500,nth=3-99', 0);
	$t->sql("ALTER SERVER partly OPTIONS (ADD stale_if_error '1h')");
	$t->answers('partly', 'SELECT count(*) FROM partly WHERE rank <= 40', 40, 2, 'two pages');
	find_out('partly');
	$t->answers('partly', "$old SELECT count(*), sum(rank) FROM partly WHERE rank <= 40", '40|820', 0,
		'... are served', warning => qr/is served as it was at .*\nDETAIL: .*was not asked again/);
	$t->answers('partly', "$old SELECT count(*) FROM partly WHERE page = 2", '20', 0,
		'... or one of them', warning => qr/is served as it was at/);
	$t->fails('partly', "$old SELECT count(*) FROM partly", '58000',
		qr/WARNING: .*is served as it was at.*page 3: HTTP status 500/s, '... a page that is not there is an error',
		requests => 0);
	$t->fails('partly', "$old SELECT (SELECT count(*) FROM partly WHERE rank <= 20),"
		  . ' (SELECT count(*) FROM partly WHERE rank = 41)',
		'58000', qr/page 3/, '... for each scan of a statement', requests => 0);
	return;
}

# What is replaced stays, unless there is less of it.
sub test_incomplete_and_newer
{
	my $now = 'SET keyapi_fdw.max_age = 0;';

	# two pages, then the first one again, then the API is down
	outage('newer', 'total=60;fault=status,code=500,nth=4-99', 0);
	$t->sql("ALTER SERVER newer OPTIONS (ADD stale_if_error '1h')");
	$t->sql('SELECT FROM newer WHERE rank <= 40');
	$t->sql("$now SELECT FROM newer WHERE rank <= 20");
	find_out('newer');
	$t->answers('newer', "$now SELECT count(*) FROM newer WHERE page = 2", 20, 0,
		'the last state that has the page', warning => qr/is served/);

	# a whole list, then the first page twice
	outage('whole', 'total=60;fault=status,code=500,nth=6-99', 0);
	$t->sql("ALTER SERVER whole OPTIONS (ADD stale_if_error '1h')");
	$t->sql('SELECT FROM whole');
	$t->sql("$now SELECT FROM whole WHERE rank <= 20") foreach 1, 2;
	find_out('whole');
	$t->answers('whole', "$now SELECT count(*) FROM whole WHERE page = 3", 20, 0,
		'... even if there was a newer part', warning => qr/is served/);
	return;
}

# If others are answered meanwhile, a page that always fails is no outage.
sub test_one_bad_page
{
	my $reader = KeyapiSession->new($t);

	outage('bad', 'total=15;fault=status,code=503,region=YY,try=1;'
		  . 'fault=status,code=503,region=YY,try=2,delay=2000', 1);
	$t->sql("ALTER SERVER bad_hasty OPTIONS (ADD max_retry_wait '1ms')");
	$reader->start("SELECT count(*) FROM bad WHERE region = 'YY';");
	$t->emulator->await_requests('bad', 2);
	$t->answers('bad', "SELECT count(*) FROM bad_hasty WHERE region = 'GB'", 15, 1, 'while a page fails');
	KeyapiSession::is_error($reader->finish, '58000', '... for good');
	$t->answers('bad', "SELECT count(*) FROM bad_hasty WHERE region = 'FR'", 15, 1, '... others go on');
	$reader->quit;
	return;
}

# An API that hangs: one request, and one timeout, for all.
sub test_hanging
{
	outage('hanging', 'fault=stall', 5);
	$t->sql("ALTER SERVER $_ OPTIONS (ADD request_timeout '1s')") foreach 'hanging', 'hanging_hasty';
	find_out('hanging', '08006');
	my @sessions = sessions_for('hanging', 4);

	foreach my $session (@sessions)
	{
		KeyapiSession::is_error($session->finish, '08006', 'a session that waited for an API that hangs');
		$session->quit;
	}
	is($t->emulator->count('hanging'), 2, '... is told by the first probe');
	$t->emulator->release('hanging');

	# the patient ask for themselves
	outage('slow', 'total=15;fault=stall', 0);
	$t->sql("ALTER SERVER slow_hasty OPTIONS (ADD request_timeout '300ms')");
	find_out('slow', '08006');
	my $patient = KeyapiSession->new($t);
	my $second  = KeyapiSession->new($t);

	$patient->start('SELECT count(*) FROM slow;');
	$t->emulator->await_requests('slow', 2);
	$second->start("SELECT count(*) FROM slow WHERE region = 'GB';");
	$t->await_waiting(1, 'outage');
	is($t->emulator->count('slow'), 2, 'of those who wait longer for an answer, one goes first');
	$t->emulator->release('slow');
	is($patient->finish->{rows}, 15, '... and gets it');
	$t->emulator->await_requests('slow', 3);
	$t->emulator->release('slow');
	is($second->finish->{rows}, 15, '... whereupon the others follow');
	$_->quit foreach $patient, $second;
	return;
}

# A probe that is cancelled or terminated is followed by another one, a window later.
sub test_probe_that_ends
{
	foreach my $end ('pg_cancel_backend', 'pg_terminate_backend')
	{
		my $name = "probe_$end";

		outage($name, 'total=15;fault=status,code=503,nth=1;fault=stall,nth=2', 5);
		$t->sql("ALTER SERVER $name OPTIONS (ADD request_timeout '10s')");
		find_out($name);
		my $probe = KeyapiSession->new($t);

		$probe->start("SELECT count(*) FROM $name;");
		$t->emulator->await_stalled($name, 1);
		my ($waiter) = sessions_for($name, 1);

		$t->sql("SELECT $end(" . $probe->pid . ')');
		$probe->finish;
		is($waiter->finish->{rows}, 15, "$end ends a probe, and another one follows");
		is($t->emulator->count($name), 3, '... which is one');
		$t->emulator->release($name);
		$waiter->quit;
	}
	return;
}

# A session of its own knows what it has met itself.
sub test_private
{
	my $session = KeyapiSession->new($t);

	outage('alone', 'total=15;fault=status,code=503,nth=1', 0);
	KeyapiSession::is_error($session->run('SELECT FROM alone;'), '58000', 'the same session');
	is($session->sql('SELECT count(*) FROM alone;'), 15, '... waits for a window, too');
	is($t->emulator->count('alone'), 2, '... and asks once');
	$session->quit;
	return;
}

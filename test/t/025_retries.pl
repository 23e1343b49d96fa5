# Retries: which failures are tried again, how often and when; each is counted.

use strict;
use warnings;

use Test::More;

use KeyapiSession;
use KeyapiTest;

my $t = KeyapiTest->new;
my $emulator = $t->emulator;

# 45 videos a list: 3 pages
$t->scenario('r', 'total=45');
$t->sql("ALTER SERVER r OPTIONS (ADD max_concurrency '1', ADD request_timeout '30s')");

test_transient();
test_lasting();
test_options();
test_retry_after();
test_nonsense();
test_resume();
test_broke();
test_ahead();
test_bill();
test_interrupts();

$t->stop;
done_testing();

# Each of these happens to page 2 once; the next try succeeds.
sub test_transient
{
	my @faults = (
		map({ "status,code=$_" } 408, 425, 429, 500, 502, 503, 504, 520 .. 524),
		map({ "code,code=$_" } 429, 500, 503),
		map({ ("reset,at=$_", "close,at=$_") } qw(before headers body)),
		map({ "truncate,how=$_" } qw(length chunked close gzip)),
		'body', 'status,code=503,html', 'status,code=503,bare,message=', 'status,code=429,html,after=1');

	foreach my $fault (@faults)
	{
		$t->change('r', "total=45;fault=$fault,page=2,try=1");
		$emulator->reset('r');
		$t->answers('r', 'SELECT count(*), max(rank) FROM r', '45|45', 4,
			"once $fault");
	}

	$t->sql("ALTER SERVER r OPTIONS (SET request_timeout '300ms')");
	foreach my $fault ('stall,at=before', 'stall,at=headers', 'stall,at=body')
	{
		$t->change('r', "total=45;fault=$fault,page=2,try=1");
		$emulator->reset('r');
		$t->answers('r', 'SELECT count(*) FROM r', '45', 4, "once $fault");
	}
	$t->sql("ALTER SERVER r OPTIONS (SET request_timeout '30s')");
	return;
}

# These are not tried again.
sub test_lasting
{
	foreach my $status (400, 401, 403, 404, 405, 410, 418, 422, 451, 501, 505, 511)
	{
		$t->change('r', "total=45;fault=status,code=$status,page=2");
		$t->fails('r', 'SELECT count(*) FROM r', qr/22023|28000|42501|58000/,
			qr/page 2: HTTP status $status/, "status $status", requests => 2);
	}

	# a gzip file that cannot be unpacked is the server's doing: it would send it again
	foreach my $fault ('code,code=999', 'html', 'shape,nodata', 'big,mb=9', 'status,code=302',
		'badgzip', 'shape,members', 'status,code=403,html', 'status,code=401,bare,message=')
	{
		$t->change('r', "total=45;fault=$fault,page=2");
		$t->fails('r', 'SELECT count(*) FROM r', qr/08P01|54000|58000/, qr/page 2/,
			$fault, requests => 2);
	}
	return;
}

sub test_options
{
	$t->change('r', 'total=45;fault=status,code=503,page=2');
	$t->sql("ALTER SERVER r OPTIONS (ADD max_retries '2', ADD max_retry_wait '10ms')");
	$t->fails('r', 'SELECT count(*) FROM r', '58000', qr/page 2: .*attempt 3\.$/m,
		'two retries', requests => 4);
	$t->resume('r');
	$t->sql("ALTER SERVER r OPTIONS (SET max_retries '0')");
	$t->fails('r', 'SELECT count(*) FROM r', '58000', qr/page 2/, 'no retries',
		requests => 2);
	$t->resume('r');
	$t->sql("ALTER SERVER r OPTIONS (DROP max_retries)");
	$t->fails('r', 'SELECT count(*) FROM r', '58000', qr/attempt 6\.$/m,
		'five retries by default', requests => 7);

	# each page has its own
	$t->change('r', 'total=45;fault=status,code=503,try=1-5');
	$emulator->reset('r');
	$t->answers('r', 'SELECT count(*) FROM r', '45', 18, 'five retries for each page');

	# without a way to connect there is nothing to count
	$t->sql("ALTER SERVER r OPTIONS (SET base_url '" . $emulator->value('REFUSED_URL') . "')");
	$t->fails('r', 'SELECT count(*) FROM r', '08001', qr/attempt 6\.$/m,
		'nobody listens', requests => 0);
	$t->sql('ALTER SERVER r OPTIONS (DROP max_retry_wait)');
	return;
}

# A Retry-After is obeyed, or is an error if it is longer than max_retry_wait.
sub test_retry_after
{
	foreach my $after (qw(0 1 date:1 past junk))
	{
		foreach my $status (429, 503)
		{
			$t->change('r', "total=45;fault=status,code=$status,after=$after,page=2,try=1");
			$emulator->reset('r');
			$t->answers('r', 'SELECT count(*) FROM r', '45', 4,
				"$status, Retry-After: $after");
		}
	}

	$t->sql("ALTER SERVER r OPTIONS (ADD max_retry_wait '2s')");
	foreach my $case ([ 3, 3 ], [ 'huge', 86400 ], [ 'date:9', qr/[89]/ ])
	{
		my ($after, $seconds) = @$case;

		foreach my $status ([ 429, '53400' ], [ 503, '58000' ])
		{
			$t->change('r', "total=45;fault=status,code=$status->[0],after=$after,page=2");
			$t->fails('r', 'SELECT count(*) FROM r', $status->[1],
				qr/"max_retry_wait".*page 2: HTTP status $status->[0], .*\nHINT: .* again in $seconds s/s,
				"$status->[0], Retry-After: $after", requests => 2);
		}
	}

	# a pause is one for all scans with this key at this server
	my $session = KeyapiSession->new($t);
	my $result;

	$t->change('r', 'total=45;fault=status,code=429,after=100,page=2');
	$result = $session->run('SELECT count(*) FROM r;');
	KeyapiSession::is_error($result, '53400', 'a long pause');
	$emulator->reset('r');
	$result = $session->run('SELECT count(*) FROM r;');
	KeyapiSession::is_error($result, '53400', '... goes on');
	like($result->{stderr}, qr/pause that is not over.*again in (9\d|100) s/s,
		'... as the error says');
	is($emulator->count('r'), 0, '... and nothing is asked for');
	$t->is_shared
	  ? $t->fails('r', 'SELECT rank FROM r LIMIT 1', '53400', qr/pause that is not over/,
		'other sessions know', requests => 0)
	  : $t->answers('r', 'SELECT rank FROM r LIMIT 1', '1', 1, 'other sessions ask');
	$session->quit;
	$t->sql('ALTER SERVER r OPTIONS (DROP max_retry_wait)');
	return;
}

# A Retry-After that means nothing.
sub test_nonsense
{
	my $session;

	# a date counts from the response's own, whichever clock is wrong
	foreach my $clock (7200, 86400)
	{
		foreach my $status (429, 503)
		{
			$t->change('r', "total=45;clock=$clock;fault=status,code=$status,after=date:1,page=2,try=1");
			$emulator->reset('r');
			$t->answers('r', 'SELECT count(*) FROM r', '45', 4,
				"$status and a date, by a clock that is $clock s fast");
		}
	}

	# whatever the API asks for, one request tries after max_retry_wait
	$session = KeyapiSession->new($t);
	$t->sql("ALTER SERVER r OPTIONS (ADD max_retry_wait '2s')");
	foreach my $after (qw(60000 huge date:100000))
	{
		my $result;

		$t->change('r', "total=45;fault=status,code=429,after=$after,nth=2-3");
		$emulator->reset('r');
		$result = $session->run('SELECT count(*) FROM r;');
		KeyapiSession::is_error($result, '53400', "Retry-After: $after");
		$result = $session->run('SELECT count(*) FROM r;');
		KeyapiSession::is_error($result, '53400', '... goes on');
		like($result->{stderr}, qr/HINT: .*keyapi_fdw_resume/, '... and the error says how to end it');
		is($emulator->count('r'), 2, '... without a request');
		$result = $session->run('SELECT pg_sleep(2); SELECT count(*) FROM r;');
		KeyapiSession::is_error($result, '53400', '... two seconds later one request tries');
		$result = $session->run('SELECT count(*) FROM r;');
		KeyapiSession::is_error($result, '53400', '... in vain');
		is($emulator->count('r'), 3, '... and only one');
		is($session->sql('SELECT pg_sleep(2); SELECT count(*) FROM r;'), "\n45",
			'... and two seconds later another one, with success');
	}
	$t->sql('ALTER SERVER r OPTIONS (DROP max_retry_wait)');
	$session->quit;
	return;
}

# keyapi_fdw_resume ends pauses, of the caller's account only.
sub test_resume
{
	my $session = KeyapiSession->new($t);
	my $result;

	foreach my $pause ([ 429, '53400' ], [ 402, '53000' ])
	{
		my ($status, $sqlstate) = @$pause;

		$t->change('r', "total=45;key=any;fault=status,code=$status,after=60000,nth=2");
		$emulator->reset('r');
		$result = $session->run('SELECT count(*) FROM r;');
		KeyapiSession::is_error($result, $sqlstate, "a pause after a $status");
		$session->sql('CREATE USER MAPPING FOR CURRENT_USER SERVER r'
			  . " OPTIONS (api_key 'sk_live_other'); SELECT keyapi_fdw_resume('r');"
			  . ' DROP USER MAPPING FOR CURRENT_USER SERVER r;');
		$result = $session->run('SELECT count(*) FROM r;');
		KeyapiSession::is_error($result, $sqlstate, '... does not end with that of another account');
		$session->sql("SELECT keyapi_fdw_resume('r');");
		is($session->sql('SELECT count(*) FROM r;'), 45, '... but with its own');
	}

	$t->sql('CREATE ROLE nobody LOGIN; CREATE SERVER nothing FOREIGN DATA WRAPPER keyapi_fdw');
	$t->fails('r', "SELECT keyapi_fdw_resume('r')", 42501, qr/keyapi_fdw_resume/, 'not for everybody',
		as => 'nobody');
	$t->sql('GRANT EXECUTE ON FUNCTION keyapi_fdw_resume(name) TO nobody');
	$t->answers('r', "SELECT keyapi_fdw_resume('r')", '', 0, 'but for those who may', as => 'nobody');
	$t->fails('r', "SELECT keyapi_fdw_resume('nothing')", 28000, qr/no user mapping/,
		'no mapping, no account');
	$t->fails('r', "SELECT keyapi_fdw_resume('absent')", 42704, qr/"absent"/, 'no such server');
	$session->quit;
	return;
}

# After a 402 nothing is asked for a minute.
sub test_broke
{
	my $session = KeyapiSession->new($t);
	my $result;

	$t->change('r', 'total=45;quota=1');
	$emulator->reset('r');
	$result = $session->run('SELECT count(*) FROM r;');
	KeyapiSession::is_error($result, '53000', 'no credits left');
	is($emulator->count('r'), 2, '... says the second request');
	$result = $session->run('SELECT rank FROM r LIMIT 1;');
	KeyapiSession::is_error($result, '53000', 'nothing is asked for');
	like($result->{stderr}, qr/not asked again.*retry after [1-6]\d s/s, '... for a while');
	is($emulator->count('r'), 2, '... in fact');

	# another key has another account
	$t->change('r', 'total=45;key=any');
	$session->sql('CREATE USER MAPPING FOR CURRENT_USER SERVER r'
		  . " OPTIONS (api_key 'sk_live_other');");
	$result = $session->run('SELECT rank FROM r LIMIT 1;');
	is($result->{rows}, '1', 'another key works');
	$session->sql('DROP USER MAPPING FOR CURRENT_USER SERVER r;');
	$session->quit;
	return;
}

# The same with several requests under way
sub test_ahead
{
	$t->sql("ALTER SERVER r OPTIONS (SET max_concurrency '8')");
	$t->change('r', 'fault=status,code=500,try=1,every=3');
	$emulator->reset('r');
	$t->answers('r', 'SELECT count(*), max(rank) FROM r', '500|500', 33,
		'every third page fails once');
	$t->change('r', 'fault=reset,at=body,try=1-2,page=7-9');
	$emulator->reset('r');
	$t->answers('r', 'SELECT count(*), max(rank) FROM r', '500|500', 31,
		'three pages fail twice');
	$t->change('r', 'fault=status,code=429,try=1,page=2-5');
	$emulator->reset('r');
	$t->answers('r', 'SELECT count(*), max(rank) FROM r', '500|500', 29,
		'a window of pages meets the rate limit');
	$t->sql("ALTER SERVER r OPTIONS (SET max_concurrency '1')");
	return;
}

sub test_bill
{
	my $bill;

	$t->change('r', 'total=45;fault=status,code=500,try=1');
	$emulator->reset('r');
	$bill = $t->sql('EXPLAIN (ANALYZE, COSTS OFF) SELECT * FROM r');
	like($bill, qr/Requests: 6$/m, 'EXPLAIN ANALYZE counts retries as requests');
	like($bill, qr/Retries: 3$/m, '... and apart');
	like($bill, qr/Credits: 12$/m, '... and what they cost');

	$t->change('r', 'total=45');
	like($t->sql('EXPLAIN (ANALYZE, COSTS OFF) SELECT * FROM r'),
		qr/Requests: 3\n +Retries: 0$/m, 'no retries');

	$t->change('r', 'total=45;fault=status,code=500,page=2');
	$t->fails('r', 'SET keyapi_fdw.max_credits = 8; SELECT count(*) FROM r WHERE rank <= 40',
		'54000', qr/needs at least 10 credits/, 'the budget ends retries', requests => 4);
	return;
}

# Waiting for a retry can be interrupted.
sub test_interrupts
{
	my $timeout = q{SET statement_timeout = '300ms';};

	foreach my $status (429, 503)
	{
		$t->change('r', "total=45;fault=status,code=$status,after=50,page=2");
		$t->fails('r', "$timeout SELECT count(*) FROM r", '57014', qr/timeout/,
			"statement_timeout while waiting after a $status", requests => 2);
	}
	$t->change('r', 'total=46');	# of which nothing was asked
	$t->sql("ALTER SERVER r OPTIONS (ADD requests_per_second '0.02')");
	$t->fails('r', "$timeout SELECT count(*) FROM r", '57014', qr/timeout/,
		'... and for the pace', requests => 1);
	$t->sql('ALTER SERVER r OPTIONS (DROP requests_per_second)');
	return;
}

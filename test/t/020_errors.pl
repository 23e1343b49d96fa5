# What each fault of the API and of the way to it is reported as.  A session
# outlives all of them, and none ends in a part of the rows.

use strict;
use warnings;

use Test::More;

use KeyapiEmulator;
use KeyapiSession;
use KeyapiTest;

my $t = KeyapiTest->new;
my $emulator = $t->emulator;

$t->scenario('good');
$t->scenario('bad');
$t->fail_at_once('bad');

my $session = KeyapiSession->new($t);
my $spent = qr/The statement has spent \d+ credits\.\n/;

# One page of the good table works, in the session that has seen so much.
sub session_works
{
	my $result = $session->run(
		q{SELECT count(*) FROM (SELECT FROM good WHERE region = 'US' LIMIT 5) s;});

	return $result->{rows} eq '5' && $result->{stderr} eq '';
}

# Test that reading the whole list with this fault on this page is this error.
sub fails_with
{
	my ($fault, $page, $sqlstate, $text) = @_;
	my ($kind, $settings) = split /;/, $fault, 2;
	my $test = "$fault on page $page";
	my @problems;

	$t->change('bad', join ';', "fault=$kind,page=$page", $settings // ());
	$emulator->reset('bad');
	my $result =
	  $session->run(q{SELECT rank, title FROM bad WHERE region = 'US';});
	my $stderr = $result->{stderr};

	# a body is looked into when the next request is on its way, save for the first
	my $requests = $emulator->count('bad');
	my $place = "endpoint tiktok/trending/videos, "
	  . "region=US&period=7&order_by=vv&limit=20, page $page";

	push @problems, "no $sqlstate"
	  if KeyapiSession::sqlstate($result) ne $sqlstate;
	push @problems, "no $text" if $stderr !~ $text;
	push @problems, "no $place" if $stderr !~ /^DETAIL: .*\Q$place\E[.:]/m;
	push @problems, 'not what it has spent'
	  if $stderr !~ /^The statement has spent @{[ 2 * $requests ]} credits\.$/m;
	push @problems, 'no hint' if $stderr !~ /^HINT: +\S/m;
	push @problems, 'rows' if $result->{rows} ne '';
	push @problems, 'further messages' if (() = $stderr =~ /^[A-Z]+: +\w{5}:/gm) != 1;
	push @problems, "$requests requests"
	  if $requests != $page && ($page == 1 || $requests > $page + 1);
	push @problems, 'the session is lost' if !session_works();

	ok(!@problems, $test) or diag(join("\n", @problems, $stderr, $result->{rows}));
	return;
}

#
# Refusals, as an HTTP status and as a code under HTTP status 200
#
my @refusals = (

	# status, SQLSTATE, message, hint
	[ 400, '22023', qr/rejected the parameters/,       qr/region, period and order_by/ ],
	[ 401, '28000', qr/did not accept the API key/,    qr/"api_key"/ ],
	[ 402, '53000', qr/has no credits left/,           qr/credits/ ],
	[ 403, '42501', qr/has no access to the endpoint/, qr/Enable the endpoint/ ],
	[ 404, '58000', qr/unexpected status/,             qr/"base_url"/ ],
	[ 418, '58000', qr/unexpected status/,             qr/"base_url"/ ],
	[ 429, '53400', qr/rate limit was exceeded/,       qr/Wait/ ],
	[ 501, '58000', qr/unexpected status/,             qr/"base_url"/ ],
	map { [ $_, '58000', qr/failed to answer/, qr/again/ ] } 408, 425,
	500, 502, 503, 504, 520 .. 524);

foreach (@refusals)
{
	my ($status, $sqlstate, $message, $hint) = @$_;
	my $text =
	  qr/^ERROR: .*$message.*\nDETAIL: .*: HTTP status $status, code $status, message "too bad"\.\n${spent}HINT: .*$hint/;
	my $code_text =
	  qr/^ERROR: .*$message.*\nDETAIL: .*: HTTP status 200, code $status, message "too bad"\.\n${spent}HINT: .*$hint/;

	fails_with("status,code=$status,message=too%20bad", $_, $sqlstate, $text)
	  foreach 1, 3;
	fails_with("code,code=$status,message=too%20bad", $_, $sqlstate, $code_text)
	  foreach 1, 3;
}
fails_with('code,code=200', 1, '08P01', qr/data is missing or null/);
fails_with('code,code=1001', 1, '58000', qr/HTTP status 200, code 1001, message/);
fails_with('status,code=301', 1, '58000', qr/unexpected status.*HTTP status 301/s);

# Refusals that are not the API's: no envelope, no API.
my %bodies = (
	html => '<!DOCTYPE html> <html>',
	'bare,message=' => '',
	'bare,message=Forbidden' => 'Forbidden',
	'bare,message=' . KeyapiEmulator::percent('{"message":"Forbidden"}') => '{"message":"Forbidden"}',
	'bare,message=' . KeyapiEmulator::percent('{"error":{"code":9}}') => '{"error":{"code":9}}');

foreach my $status (400, 401, 402, 403, 404, 407, 418, 501)
{
	foreach my $body (sort keys %bodies)
	{
		my $begins = $bodies{$body} eq '' ? '' : '\nThe response begins: ' . quotemeta $bodies{$body};

		fails_with("status,code=$status,$body", 1, '58000',
			qr/^ERROR: .*something before the API refused.*\nDETAIL: .*: HTTP status $status.*$begins.*\n${spent}HINT: .*[Ff]irewall.*"base_url"/);
	}
}
fails_with('status,code=403,html', 3, '58000', qr/something before the API refused/);

# ... and such a 402 says nothing of the account: session_works() asks with the same key,
# but at another base_url.
$t->change('bad', 'fault=status,code=402,html,nth=1');
$emulator->reset('bad');
KeyapiSession::is_error($session->run('SELECT rank FROM bad LIMIT 1;'), '58000', 'a 402 that is not the API\'s');
is($session->sql('SELECT rank FROM bad LIMIT 1;'), '1', '... does not keep the next query from asking');

# A wrong status with the API's own id is the API's.
fails_with('status,code=403,bare,message='
	  . KeyapiEmulator::percent('{"msg":"no","requestId":"r-1"}'),
	1, '42501', qr/no access.*message "no", request id "r-1"/s);

# Where a redirect points
my $secret = 'location=' . KeyapiEmulator::percent('https://user:pass@www.example.com/a/b?token=secret#part');

foreach my $status (301, 302, 303, 307, 308)
{
	fails_with("status,code=$status,$secret", 1, '58000',
		qr/^ERROR: .*unexpected status: it redirects to https:\/\/www\.example\.com\/a\/b\n.*HTTP status $status.*\nHINT: .*"base_url"/s);
	fails_with("status,code=$status,html,$secret", 1, '58000',
		qr/^ERROR: .*something before the API.*: it redirects to https:\/\/www\.example\.com\/a\/b\n.*\nHINT: .*"base_url"/s);
}
fails_with('status,code=302,location=%2Flogin', 1, '58000', qr{it redirects to http://127\.0\.0\.1:\d+/login\n});
fails_with('status,code=302,location=' . KeyapiEmulator::percent('https://example.com/' . 'x' x 2000),
	1, '58000', qr{it redirects to https://example\.com/x{900,980}\.\.\.\n});
fails_with('status,code=302,location=' . KeyapiEmulator::percent('http://[nonsense'),
	1, '58000', qr/unexpected status\n/);
fails_with('status,code=302,location=' . KeyapiEmulator::percent('mailto:a@example.com?x'),
	1, '58000', qr/unexpected status[^?]*\n.*HTTP status 302/);
fails_with('status,code=503,html', 1, '58000',
	qr/HTTP status 503\.\nThe response begins: <!DOCTYPE html> <html>/);

# When to come back
my @delays = (
	[ '7'         => qr/retry after 7 s\./ ],
	[ 'date:3600' => qr/retry after (?:3600|359\d) s\./ ],
	[ 'huge'      => qr/retry after 86400 s\./ ],
	[ 'junk'      => qr/"qps limit exceeded"\.\n/ ]);

foreach (@delays)
{
	my ($after, $text) = @$_;

	fails_with("status,code=429,after=$after", 1, '53400', $text);
}
fails_with('code,code=429,after=7', 1, '53400', qr/retry after 7 s\./);

# What the API says is quoted on one line, and not at any length.
fails_with('status,code=400,message=two%0Alines%1B', 1, '22023',
	qr/message "two lines "\./);
fails_with('status,code=400,message=' . 'x' x 1500, 1, '22023',
	qr/message "x{1000}\.\.\."/);
fails_with(
	'body,message=' . KeyapiEmulator::percent('{"code":402,"msg":"empty","requestId":"r-1"}'),
	1, '53000', qr/code 402, message "empty", request id "r-1"\./);

#
# Bodies that are not what they should be
#
my $begins = qr/: HTTP status 200\.\nThe response begins: /;
my @bodies = (
	[ 'html' => qr/not JSON\nDETAIL: .*$begins<!DOCTYPE html> <html>.*Just a moment/ ],
	[ 'body' => qr/is incomplete: the body is empty\nDETAIL: .*: HTTP status 200\.\n${spent}HINT/ ],
	[ 'body,message=null'              => qr/not an object\nDETAIL: .*${begins}null\n/ ],
	[ 'body,message=%7B%22code%22%3A0' => qr/is incomplete.*$begins\{"code":0\n/s ],
	[ 'body,message=hello%01%FFworld'  => qr/not JSON.*${begins}hello \?world\n/s ],
	[ 'body,message=' . 'x' x 201      => qr/not JSON.*${begins}x{200}\.\.\.\n/s ],
	[ 'truncate,how=close;nogzip'      => qr/is incomplete.*$begins\{"code":0,/s ],
	[ 'truncate,how=close'             => qr/is incomplete.*$begins\{"code":0,/s ],
	[ 'truncate,how=gzip'              => qr/is incomplete.*$begins\{"code":0,/s ],
	[ 'close,at=headers'               => qr/is incomplete/ ],
	[ 'field,name=title,as=deep'       => qr/nested too deeply.*$begins\{"code":0,/s ],
	[ 'shape,novideos' => qr{data\.videos is missing\nDETAIL: .*request id} ],
	map {
		[ "shape,$_->[0]" => qr/$_->[1] is missing or null\nDETAIL: .*request id "[0-9a-f-]+"\.\nThe response begins: \{"code":0,/ ]
	  } [ 'nodata', 'data' ],
	[ 'nulldata', 'data' ]);

foreach (@bodies)
{
	my ($fault, $text) = @$_;

	fails_with($fault, $_, '08P01', $text) foreach 1, 3;
}

#
# Transfers that break
#
my @breaks = (
	[ 'truncate,how=length'  => '08006', qr/broke/ ],
	[ 'truncate,how=chunked' => '08006', qr/broke/ ],
	[ 'reset'                => '08006', qr/broke/ ],
	[ 'reset,at=headers'     => '08006', qr/broke/ ],
	[ 'reset,at=body'        => '08006', qr/broke/ ],
	[ 'close'                => '08006', qr/broke/ ],
	[ 'close,at=body'        => '08006', qr/broke/ ],

	# the server will not send anything else the next time
	[ 'badgzip'       => '08P01', qr/not be understood: .*\(Content-Encoding: gzip\).*HTTP status 200/s ],
	[ 'shape,members' => '08P01', qr/not be understood: .*\(Content-Encoding: gzip\).*HTTP status 200/s ],
	[ 'bomb,mb=16'           => '54000', qr/too large.*larger than 8 MB.*page_size/s ],
	[ 'big,mb=9'             => '54000', qr/too large.*larger than 8 MB.*page_size/s ]);

foreach (@breaks)
{
	my ($fault, $sqlstate, $text) = @$_;

	fails_with($fault, $_, $sqlstate, $text) foreach 1, 3;
}

# A connection that the server has closed meanwhile does no harm.  Newer
# libcurls look only once a second whether it is still open, hence the retry.
$t->change('bad', 'total=15;fault=close,at=end,ms=0');
$t->sql(q{ALTER SERVER bad OPTIONS (SET max_retries '1')});
$emulator->reset('bad');
for my $time ('first', 'second')
{
	is( $session->sql(q{SELECT count(*) FROM bad WHERE region = 'US';}), '15',
		"the $time time, the connection ends after the response");
	$emulator->await_inflight('bad', 0);
}
is($emulator->count('bad'), 2, '... and each request arrives once');
$t->sql(q{ALTER SERVER bad OPTIONS (SET max_retries '0')});

# What follows a page that failed will not be read, so it is not paid for.
$t->scenario('ahead', 'fault=status,code=400,page=3;fault=latency,ms=300,page=2-5');
$t->fails('ahead', 'SELECT rank FROM ahead', '22023', qr/page 3:/,
	'no page is asked for after a failure', requests => 5);

#
# Never a part
#
$t->change('bad', 'fault=status,code=500,page=3');
$session->run(q{CREATE TABLE copy AS SELECT * FROM bad WHERE region = 'US';});
is($session->sql(q{SELECT to_regclass('copy') IS NULL;}), 't', 'no partial copy');

my $result = $session->run(q{
	BEGIN;
	DECLARE c CURSOR FOR SELECT rank FROM bad WHERE region = 'US';
	MOVE 38 IN c;
	FETCH 2 FROM c;
	FETCH 1 FROM c;
	FETCH 1 FROM c;
	ROLLBACK;
});
is($result->{rows}, "39\n40", 'a cursor returns what came before the error');
like($result->{stderr}, qr/^ERROR:  58000: .*\nDETAIL: .*page 3.*\n$spent.*\nERROR:  25P02: .*\n$/,
	'... and then the error');

is($session->sql('SELECT pg_backend_pid();'), $session->pid, 'one session saw it all');
$session->quit;
unlike($t->server_log, qr/terminated by signal/, 'nothing crashed');
$t->stop;
done_testing();

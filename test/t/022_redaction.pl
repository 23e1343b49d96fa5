# The API key shows up nowhere: in no message, log line or plan, even if the API
# sends it back.

use strict;
use warnings;

use Test::More;

use KeyapiEmulator;
use KeyapiSession;
use KeyapiTest;

# Characters that JSON and URLs escape, and a part that tells it in any form
my $part = 'Zq7wJ4x';
my $key = "sk_live-\"$part\\t\%41/&<$part>'";

my $t = KeyapiTest->new(conf => <<'END');
log_min_messages = debug5
log_error_verbosity = verbose
debug_print_parse = on
debug_print_rewritten = on
debug_print_plan = on
session_preload_libraries = 'auto_explain'
auto_explain.log_min_duration = 0
auto_explain.log_analyze = on
auto_explain.log_verbose = on
END

# Its settings matter little: each case brings its own.
$t->server('spy');
$t->sql(sprintf q{CREATE USER MAPPING FOR PUBLIC SERVER spy OPTIONS (api_key_file '%s')},
	$t->file('key', "$key\n"));
$t->import_table('spy');
$t->fail_at_once('spy');

sub json
{
	my ($text) = @_;

	return $text =~ s/(["\\\/])/\\$1/gr;
}

sub unicode
{
	my ($text) = @_;

	return $text =~ s/(.)/sprintf '\\u%04x', ord $1/ger;
}

# Test that an error of this SQLSTATE says *** where the API says the key.
sub blots_out
{
	my ($fault, $sqlstate, $test) = @_;

	$t->change('spy', "key=any;fault=$fault");
	my $stderr = $t->run('SELECT * FROM spy')->{stderr};

	ok( $stderr =~ /^ERROR:  $sqlstate:.*, page 1: .*\*\*\*/s
		  && $stderr !~ /\Q$part\E/i,
		$test)
	  or diag($stderr);
	return;
}

# This body; so much escaped that the key is not in the scenario's URL
sub body
{
	my ($text) = @_;

	return 'body,message=' . $text =~ s/(.)/sprintf '%%%02X', ord $1/gesr;
}

# A body that is quoted in the message, because it is not JSON
sub quoted { my ($text) = @_; return body("html: $text") }

my $percent = KeyapiEmulator::percent($key);

blots_out('status,code=401,echo',      '28000', 'message under an HTTP status');
blots_out('code,code=402,echo',        '53000', 'message under HTTP status 200');
blots_out('status,code=500,html,echo', '58000', 'HTML');
blots_out('shape,nodata,echo',         '08P01', 'message, request id and body');
blots_out(quoted($key),                '08P01', 'as it is');
blots_out(quoted($percent),            '08P01', 'escaped for a URL');
blots_out(quoted(lc $percent),         '08P01', '... in lower case');
blots_out(quoted(json $key),           '08P01', 'escaped for JSON');
blots_out(quoted(unicode $key),        '08P01', '... all of it');
blots_out(quoted(uc $key),             '08P01', 'in upper case');
blots_out(quoted(('-' x 180) . $key),  '08P01', 'where the quotation ends');
blots_out(quoted('key: ' . substr $key, 0, -1), '08P01', 'cut');
blots_out(
	body('{"code":400,"requestId":"' . json($key) . '"}'),
	'22023', 'request id');

# Where a redirect points, whole and cut
foreach my $before ('', 'x' x 955)
{
	$t->change('spy', 'key=any;fault=status,code=302,location='
		  . "https://example.com/$before$percent" =~ s/(.)/sprintf '%%%02X', ord $1/gesr);
	my $stderr = $t->run('SELECT * FROM spy')->{stderr};

	like($stderr, qr{^ERROR: .*it redirects to https://example\.com/$before(?:\*\*\*|\.\.\.)\n}, 'a redirect');
	unlike($stderr, qr/\Q$part\E/, '... without the key');
}

# What a column's type refuses, and what a warning quotes
my $quoted = json $key;
$t->change('spy', 'key=any;fault=' . body(<<"END"));
{"code": 0, "data": {"pagination": {"total_count": 1, "has_more": false}, "videos": [
{"id": "$quoted", "title": "as it is", "duration": "$quoted", "country_code": "$quoted"}]}}
END
my $stderr = $t->run('SELECT * FROM spy')->{stderr};
like($stderr, qr/type integer: "\*\*\*".*CONTEXT: .*video \*\*\*,/s, 'a value that is refused');
unlike($stderr, qr/\Q$part\E/i, '... in all of its error');
$stderr = $t->run('SELECT title FROM spy')->{stderr};
like($stderr, qr/^WARNING: .*one carries "\*\*\*"/s, 'a country_code');
unlike($stderr, qr/\Q$part\E/i, '... in all of its warning');
is($t->run('SELECT id FROM spy')->{rows}, $key, 'a row is what the API sends');

# Without an error
$t->change('spy', 'key=any;echo;total=15');
my $result = $t->run(<<'END');
EXPLAIN (ANALYZE, VERBOSE) SELECT title FROM spy;
EXPLAIN (VERBOSE, FORMAT JSON) SELECT title FROM spy;
SELECT title FROM spy;
SELECT * FROM pg_stat_activity;
END
is($result->{status}, 0, 'queries work');
unlike($result->{rows} . $result->{stderr}, qr/\Q$part\E/, 'no key in plans');

my $log = $t->server_log;
like($log, qr/DETAIL: .*\*\*\*/, 'the log has the errors');
like($log, qr/Query Text: /, '... and the plans');
unlike($log, qr/\Q$part\E/i, '... without the key');
ok((grep { $_->{key} eq $key } $t->emulator->log('spy')) == $t->emulator->count('spy'),
	'which was sent with each request');

$t->stop;
done_testing();

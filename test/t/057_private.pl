
# Without preloading: from PostgreSQL 17 on, sessions share what they know; before,
# each session has a cache and a bill of its own.

use strict;
use warnings;

use Test::More;

use KeyapiSession;
use KeyapiTest;

my $t = KeyapiTest->new(conf => "shared_preload_libraries = ''\n");
my $shared = $t->is_shared;
my $first = KeyapiSession->new($t);
my $second = KeyapiSession->new($t);

$t->cached_scenario('alone', 'total=45');

asks($first, 3, 'cold');
asks($first, 0, 'warm');
asks($second, $shared ? 0 : 3, 'another session');
is($first->sql('SELECT pages, total_pages, rows FROM keyapi_fdw_cache;'), '3|3|45', 'the cache');
is($first->sql('SELECT requests, rows FROM keyapi_fdw_stats;'), $shared ? '3|135' : '3|90', 'the bill');
like($first->sql('EXPLAIN SELECT FROM alone;'), $shared ? qr/Cache: shared/ : qr/Cache: private/, 'EXPLAIN');

$t->scenario('paged', 'fault=stall,page=1');
$second->start('SELECT count(*) FROM paged WHERE rank < 10;');
$t->emulator->await_stalled('paged', 1);
is($first->sql('SELECT count(*) FROM keyapi_fdw_progress;'), $shared ? 1 : 0, 'progress of another session');
$t->emulator->release('paged');
$second->finish;

$t->sql("ALTER SERVER alone OPTIONS (ADD credits_per_day '1000')");
$shared
  ? asks($first, 0, 'credits_per_day')
  : $t->fails('alone', 'SELECT count(*) FROM alone', 55000, qr/shared_preload_libraries/,
	'credits_per_day needs shared memory', requests => 0);
$t->sql('ALTER SERVER alone OPTIONS (DROP credits_per_day)');

# the memory of a session has a limit too
$t->sql("LOAD 'keyapi_fdw'; ALTER SYSTEM SET keyapi_fdw.cache_size = '300kB'; SELECT pg_reload_conf()");
$t->cached_scenario('large', 'nogzip');
my $third = KeyapiSession->new($t);
is($third->sql("SELECT count(*) FROM large WHERE region = '$_';"), 500, 'a list that does not fit') foreach 'A' .. 'D';
is($third->sql("SELECT count(*) FROM large WHERE region = '$_' AND rank <= 100;"), 100, 'a part that fits') foreach 'E' .. 'J';
cmp_ok($third->sql('SELECT sum(bytes) FROM keyapi_fdw_cache;'), '<=', 300 * 1024, 'the cache keeps to its size');

# a cache may be larger than the memory; with pointers of 32 bits, 2000GB are too many
my $huge = $t->sql(q{SELECT typbyval FROM pg_type WHERE typname = 'int8'}) eq 't' ? '2000GB' : '2047MB';
$t->sql("LOAD 'keyapi_fdw'; ALTER SYSTEM SET keyapi_fdw.cache_size = '$huge'; SELECT pg_reload_conf()");
my $fourth = KeyapiSession->new($t);
is($fourth->sql("SELECT count(*) FROM large WHERE region = 'K';"), 500, 'a larger cache than the system has memory');

$_->quit foreach $first, $second, $third, $fourth;
$t->stop;
done_testing();

# Read the list, and test what that takes.
sub asks
{
	my ($session, $requests, $test) = @_;
	my $before = $t->emulator->count('alone');
	my $result = $session->run('SELECT count(*) FROM alone;');

	is("$result->{stderr}$result->{rows}", 45, $test);
	is($t->emulator->count('alone') - $before, $requests, "... takes $requests requests");
	return;
}

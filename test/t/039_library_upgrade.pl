
# The library is replaced while the server runs: sessions with the new one see that the
# shared memory is another build's, and do not use it.

use strict;
use warnings;

use File::Basename;
use PostgreSQL::Test::Utils;
use Test::More;

use KeyapiSession;
use KeyapiTest;

my $t = KeyapiTest->new(conf => "shared_preload_libraries = ''\n");

if (!$t->is_shared)
{
	$t->stop;
	plan skip_all => 'before PostgreSQL 17 only a preloaded library shares memory';
}

# The same library with another stamp, for another database
my ($directory) = grep { -e "$_/keyapi_fdw.so" } split /:/, $t->sql('SHOW dynamic_library_path');
my $library = slurp_file("$directory/keyapi_fdw.so");
my $replaced = $library =~ s/(keyapi_fdw build \d*)(\d)(-\d+)/$1 . (($2 + 1) % 10) . $3/ge;
my $path = dirname($t->file('keyapi_new.so', $library)) . '/keyapi_new';

is($replaced, 1, 'the library bears one stamp');
$t->cached_scenario('list', 'total=15');
$t->sql('CREATE DATABASE upgraded TEMPLATE postgres');
$t->sql("UPDATE pg_proc SET probin = '$path' WHERE probin LIKE '%keyapi_fdw'", dbname => 'upgraded');

my $old = KeyapiSession->new($t);
my $new = KeyapiSession->new($t, dbname => 'upgraded');

is($old->run('SELECT count(*) FROM list;')->{rows}, 15, 'a session with the old library');
my $first = $new->run('SELECT count(*) FROM list;');

is($first->{rows}, 15, 'a session with the new one works');
like($first->{stderr}, qr/^WARNING: .*another build of the library.*HINT: .*restart PostgreSQL/s, '... warns');
is($t->emulator->count('list'), 2, '... with a cache of its own');
is($new->sql('SELECT count(*) FROM list;'), 15, '... warns once');
like($new->sql('EXPLAIN SELECT FROM list;'), qr/Cache: private/, '... says so in EXPLAIN');
is($old->sql('SELECT count(*) FROM list;'), 15, 'the old one goes on');
is($t->emulator->count('list'), 2, '... with its cache');

$new->sql("ALTER SERVER list OPTIONS (ADD credits_per_day '10');");
KeyapiSession::is_error($new->run("SELECT count(*) FROM list WHERE region = 'FR';"), '55000',
	'a budget of the day needs shared memory');
$_->quit foreach $old, $new;

$t->node->restart;
is($t->sql("SELECT count(*) FROM list WHERE region = 'FR'", dbname => 'upgraded'), 15, 'after a restart');
is(scalar(() = $t->server_log =~ /another build/g), 1, '... all is well');
$t->stop;
done_testing();

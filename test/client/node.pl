
# JavaScript: node-postgres with pg-cursor and pg-query-stream.

use strict;
use warnings;

use Test::More;

use KeyapiClient;

# They run on any Node.js.  apt-get installs them only beside Debian's own, so they
# are downloaded and unpacked.
my @packages = qw(node-pg node-split2 node-xtend);
my $modules  = PostgreSQL::Test::Utils::tempdir();

plan skip_all => "apt-get does not download @packages"
  if system("cd '$modules' && apt-get -q download @packages >apt.log 2>&1") != 0;

system('dpkg-deb', '--extract', $_, $modules) == 0 or die $_ foreach glob "$modules/*.deb";

my $client = KeyapiClient->new('node', 'test/client/node.js');

$client->environment(NODE_PATH => "$modules/usr/share/nodejs");
$client->gives('rows',     90,                     6,  'rows');
$client->gives('prepared', '45 45 45 45 45 45 45', 21, 'a prepared statement');
$client->gives('cursor',   10,                     1,  'ten rows of a cursor');
$client->gives('stream',   45,                     3,  'a stream');
$client->advises('error', 'an error');
$client->advises('cursor_error', 'an error of a cursor');
$client->gives('broken_stream', '20 22023 the API rejected the parameters', 2, 'a stream that breaks', table => 'broken');
$client->cancels('cancel', 'cancel');

$client->t->stop;
done_testing();

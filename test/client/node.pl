
# JavaScript: node-postgres with pg-cursor and pg-query-stream, from npm.

use strict;
use warnings;

use Test::More;

use KeyapiClient;

my $modules = PostgreSQL::Test::Utils::tempdir();
my $npm = "cd '$modules' && npm install --silent --no-audit --no-fund pg pg-cursor pg-query-stream >npm.log 2>&1";

plan skip_all => 'npm cannot install pg' if system('/bin/sh', '-c', $npm) != 0;

my $client = KeyapiClient->new('node', 'test/client/node.js');

$client->environment(NODE_PATH => "$modules/node_modules");
$client->gives('rows',     90,                     6,  'rows');
$client->gives('prepared', '45 45 45 45 45 45 45', 21, 'a prepared statement');
$client->gives('cursor',   10,                     1,  'ten rows of a cursor');
$client->gives('stream',   45,                     3,  'a stream');
$client->gives('error',    '0A000 true',           0,  'an error');

$client->t->stop;
done_testing();


# Java: PostgreSQL's JDBC driver.

use strict;
use warnings;

use Test::More;

use KeyapiClient;

my $client = KeyapiClient->new('java', '-cp', '/usr/share/java/postgresql.jar', 'test/client/Jdbc.java');

$client->gives('rows',       45, 3, 'rows');
$client->gives('fetch_size', 10, 1, 'ten rows with a fetch size');
$client->gives('prepared', join(' ', (45) x 10), 30, 'a prepared statement');
$client->gives('metadata',
	"rank int4\nregion text\nregion_name text\nrequest_id text\n1", 0, 'metadata');
$client->gives('cancel',        57014,        0, 'cancel');
$client->gives('query_timeout', 57014,        0, 'a timeout');
$client->gives('error',         '0A000 true', 0, 'an error');

$client->t->stop;
done_testing();

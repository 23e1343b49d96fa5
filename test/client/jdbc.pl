
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
$client->gives('query_timeout', 57014, 0, 'a timeout');
$client->cancels('cancel', 'cancel');
$client->advises('error', 'an error');
$client->advises('prepared_error', 'an error of a prepared statement');
$client->gives('broken_fetch', '20 22023 the API rejected the parameters', 2, 'an error after some rows', table => 'broken');

$client->t->stop;
done_testing();

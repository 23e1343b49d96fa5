
# psql: \copy, \watch, FETCH_COUNT, \gdesc, \errverbose.  (Completion by Tab needs a
# terminal, and is not tried.)

use strict;
use warnings;

use Test::More;

use KeyapiTest;

my $t = KeyapiTest->new;

$t->scenario('client', 'total=45');
gives('\copy (SELECT rank FROM client) TO STDOUT', join("\n", 1 .. 45), 3, '\copy');
gives("\\set FETCH_COUNT 10\nSELECT rank FROM client", join("\n", 1 .. 45), 3, 'FETCH_COUNT');
gives("\\set FETCH_COUNT 10\nSELECT rank FROM client LIMIT 15", join("\n", 1 .. 15),
	1, 'FETCH_COUNT, of the first page');
gives('SELECT rank, title FROM client \gdesc', "rank|integer\ntitle|text", 0, '\gdesc');
gives("SELECT region FROM client WHERE rank = 1 \\bind \\g", 'US', 1, '\bind') if $t->node->pg_version >= 16;
gives("SELECT 2 AS n, 'GB' AS region \\gset\nSELECT rank FROM client WHERE region = :'region' AND rank <= :n",
	"1\n2", 1, '\gset');
test_watch();
test_error();

$t->stop;
done_testing();

sub gives
{
	my ($sql, $rows, $requests, $test) = @_;
	my $result = $t->ask('client', $sql);

	is("$result->{rows}$result->{stderr}\n$result->{requests}", "$rows\n$requests", $test);
	return;
}

# \watch ends with the error of the third time.
sub test_watch
{
	my $result;

	$t->sql('CREATE SEQUENCE times');
	$result = $t->ask('client', "SELECT count(*) / (3 - nextval('times')) FROM client\n\\watch 0.01");
	is(() = $result->{rows} =~ /^(?:22|45)$/gm, 2, '\watch');
	is($result->{requests}, 9, '... asks each time');
	return;
}

sub test_error
{
	my $result = $t->ask('client',
		"\\set ON_ERROR_STOP off\n\\set VERBOSITY terse\nSELECT * FROM client WHERE region <> 'US';\n\\errverbose");

	like($result->{stderr}, qr/^ERROR:  query restricts "region".*write region = /m, 'an error');
	like("$result->{rows}$result->{stderr}", qr/ERROR:  0A000: .*write region = /, '\errverbose');
	return;
}

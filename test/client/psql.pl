
# psql: \copy, \watch, FETCH_COUNT, \gdesc, \errverbose, completion by Tab.

use strict;
use warnings;

use IO::Pty;
use Test::More;

use KeyapiTest;

my $t = KeyapiTest->new(conf => KeyapiTest->preloaded);

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
test_cursor_error();
test_completion();

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

# The API refuses the third page: FETCH_COUNT shows the rows before it, \copy sends
# them, and both show the error.
sub test_cursor_error
{
	my $refusal = qr/^ERROR:  22023: the API rejected the parameters.*page 3/ms;
	my $result;

	$t->change('client', 'total=45;fault=status,code=400,page=3');
	$t->one_by_one('client');
	$result = $t->ask('client', "\\set FETCH_COUNT 10\nSELECT rank FROM client");
	is("$result->{rows}\n$result->{requests}", join("\n", 1 .. 40, 3), 'FETCH_COUNT, up to an error');
	like($result->{stderr}, $refusal, '... which psql shows');
	$result = $t->ask('client', '\copy (SELECT rank FROM client) TO STDOUT');
	is("$result->{rows}\n$result->{requests}", join("\n", 1 .. 40, 3), '\copy, up to an error');
	like($result->{stderr}, $refusal, '... which psql shows');
	$t->change('client', 'total=45');
	return;
}

# Tab at a terminal
sub test_completion
{
	my $before = $t->emulator->count('client');

  SKIP:
	{
		skip 'this system gives no terminals', 5 if !has_terminals();

		my $psql = terminal();

		completes($psql, "SELECT rank FROM cli\t", qr/FROM client /, 'a foreign table');
		completes($psql, "SELECT rank FROM client WHERE per\t", qr/WHERE period /, 'a column');
		completes($psql, "SET keyapi_fdw.max_c\t", qr/keyapi_fdw\.max_credits /, 'a setting');
		completes($psql, "ALTER SERVER cli\t", qr/SERVER client /, 'a server');
		is($t->emulator->count('client'), $before, '... which asks for nothing');
		$psql->quit;
	}
	return;
}

# A bare chroot has none.
sub has_terminals
{
	local $SIG{__WARN__} = sub { };

	return eval { IO::Pty->new };
}

# A psql that believes to be at a terminal
sub terminal
{
	my $psql;

	$ENV{INPUTRC} = '/dev/null';
	$ENV{TERM} = 'xterm';
	$ENV{PSQL_HISTORY} = '/dev/null';
	$psql = $t->node->interactive_psql('postgres');
	$psql->set_query_timer_restart;
	return $psql;
}

# Test that what is typed becomes that, and forget it.
sub completes
{
	my ($psql, $typed, $text, $test) = @_;

	like($psql->query_until($text, $typed), $text, "completion of $test");
	$psql->query_until(qr/Query buffer reset/, "\\r\n");
	return;
}

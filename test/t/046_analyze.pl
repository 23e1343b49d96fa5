# ANALYZE: what it costs, what it finds, and what it leaves alone.

use strict;
use warnings;

use Test::More;

use KeyapiTest;

my $t = KeyapiTest->new(conf => "autovacuum_naptime = '1s'\nautovacuum_analyze_threshold = 10\n");

$t->scenario('single', 'total=45');
is_analyzed('single', 1, 45, 'one page tells of a list');

$t->server('several', 'total=45');
$t->mapping('several');
$t->sql(<<'END');
CREATE FOREIGN TABLE several (region text, rank int, id text) SERVER several
	OPTIONS (regions 'US,FR', period 'all');
CREATE FOREIGN TABLE unsaid (region text, rank int, id text) SERVER several
	OPTIONS (region 'none');
CREATE TABLE parent (region text, rank int, id text);
END
is_analyzed('several', 4, 180, 'one page of each default list');

test_price();
test_unbound();
test_autovacuum();

$t->stop;
done_testing();

sub is_analyzed
{
	my ($table, $requests, $tuples, $test) = @_;

	$t->answers(
		$table,
		"ANALYZE $table; SELECT reltuples FROM pg_class WHERE relname = '$table'",
		$tuples, $requests, $test);
	return;
}

# If not all of the pages may be read, none is paid for.
sub test_price
{
	$t->fails('several', 'SET keyapi_fdw.max_credits = 7; ANALYZE several',
		54000, qr/up to 8 credits.*spent nothing; the next 4 lists need up to 8\./s, 'too many lists',
		requests => 0);
	$t->answers('several', 'SET keyapi_fdw.max_credits = 8; ANALYZE several', '', 4,
		'... and as many as may be read');
	return;
}

# ANALYZE skips a table that needs conditions, with a warning.
sub test_unbound
{
	$t->answers('several', 'ANALYZE unsaid', '', 0, 'a table without default lists',
		warning => qr/skipping "unsaid" --- cannot analyze this foreign table/);
	$t->sql('ALTER FOREIGN TABLE unsaid INHERIT parent');

	# from PostgreSQL 18 on, that analyzes the table too
	my $result = $t->ask('several', 'ANALYZE parent');
	is("$result->{status} $result->{requests}", '0 0', '... and its parent can be analyzed');
	return;
}

# Nobody asked autovacuum to spend money.
sub test_autovacuum
{
	$t->sql(<<'END');
ALTER FOREIGN TABLE several INHERIT parent;
INSERT INTO parent SELECT 'here', n, n FROM generate_series(1, 1000) n;
END
	$t->await(
		"SELECT last_autoanalyze IS NOT NULL FROM pg_stat_user_tables WHERE relname = 'parent'",
		'autovacuum does not come');
	is($t->emulator->count('several'), 8, 'autovacuum asks for nothing');
	return;
}

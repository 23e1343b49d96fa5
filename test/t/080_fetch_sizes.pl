# FETCH n and row limits of drivers: the pages that hold the rows which will surely
# be read are asked for together, and none behind them.

use strict;
use warnings;

use Test::More;

use KeyapiSession;
use KeyapiTest;

my $t = KeyapiTest->new;
my $emulator = $t->emulator;

# 500 videos a list: 25 pages
$t->scenario('fetched', 'plainids');
$t->sql("ALTER SERVER fetched OPTIONS (ADD max_concurrency '8')");
$t->sql(<<'END');
CREATE TABLE once (code text PRIMARY KEY);
INSERT INTO once VALUES ('US'), ('FR');
END
$t->leave_loops;

test_in_flight();
test_requests();
test_failures();

$t->stop;
done_testing();

# How many requests are in flight together
sub test_in_flight
{
	$t->scenario('held', 'plainids;fault=stall');
	$t->sql("ALTER SERVER held OPTIONS (ADD max_concurrency '8')");
	in_flight('FETCH 100', 5, 4, 'FETCH 100 FROM c;');
	in_flight('a FETCH that ends within a page', 3, 2, 'FETCH 41 FROM c;');
	in_flight('a FETCH that begins within a page', 6, 5, 'FETCH 10 FROM c;', 'FETCH 91 FROM c;');
	in_flight('a FETCH of more than there is', 25, 8, 'FETCH 1000 FROM c;');
	in_flight('MOVE', 5, 4, 'MOVE 100 IN c;');
	$t->sql("ALTER SERVER held OPTIONS (SET max_concurrency '1')");
	in_flight('one at a time', 5, 1, 'FETCH 100 FROM c;');
	return;
}

# Test what is in flight at most while a cursor over a list does that.
sub in_flight
{
	my ($test, $requests, $together, @fetches) = @_;
	my $session = KeyapiSession->new($t);

	$session->run('BEGIN; DECLARE c CURSOR FOR SELECT rank FROM held;');
	$t->is_together('held', $session, $test, $requests, $together, join(' ', @fetches));
	$session->quit;
	return;
}

# As many requests as without looking ahead
sub test_requests
{
	my $declare = 'BEGIN; DECLARE c CURSOR FOR SELECT rank FROM';
	my $two = "(SELECT rank FROM fetched WHERE rank <= 45 UNION ALL SELECT rank FROM fetched WHERE region = 'FR') x";

	requests("$declare fetched; MOVE 1 IN c", 1);
	requests("$declare fetched; MOVE 20 IN c", 1);
	requests("$declare fetched; MOVE 21 IN c", 2);
	requests("$declare fetched; MOVE 100 IN c", 5);
	requests("$declare fetched; MOVE 100 IN c; MOVE 100 IN c", 10);
	requests("$declare fetched; MOVE 30 IN c; MOVE 31 IN c", 4);
	requests("$declare fetched; MOVE 500 IN c", 25);
	requests("$declare fetched WHERE duration >= 0; MOVE 41 IN c", 3);
	requests("$declare fetched WHERE region IN ('US', 'FR') ORDER BY rank; MOVE 100 IN c", 6);
	requests("$declare (SELECT rank FROM fetched LIMIT 70) x; MOVE 100 IN c", 4);
	requests("$declare (SELECT rank FROM fetched WHERE duration >= 0 LIMIT 70) x; MOVE 50 IN c", 3);
	requests("$declare $two; MOVE 60 IN c", 4);
	requests("$declare $two; MOVE 45 IN c", 3);
	requests("$declare (SELECT DISTINCT ON (rank) rank FROM fetched ORDER BY rank) x; MOVE 41 IN c", 3);

	# a node that makes several rows of one, or holds rows back
	requests("$declare (SELECT rank, generate_series(1, 10) FROM fetched) x; MOVE 100 IN c", 1);
	requests("$declare fetched, generate_series(1, 10); MOVE 100 IN c", 1, $t->nested_loops);
	requests('BEGIN; DECLARE c SCROLL CURSOR FOR SELECT rank FROM fetched;'
		  . ' MOVE 100 IN c; MOVE BACKWARD 100 IN c; MOVE 105 IN c; MOVE BACKWARD ALL IN c; MOVE 110 IN c', 6);
	requests('BEGIN; DECLARE c CURSOR FOR WITH w AS MATERIALIZED (SELECT rank FROM fetched)'
		  . ' SELECT a.rank FROM w a, w b; MOVE 400 IN c', 20);
	requests("$declare fetched JOIN once ON code = region AND random() >= 0; MOVE 41 IN c", 3,
		$t->nested_loops);
	requests("$declare fetched FOR UPDATE OF fetched; MOVE 41 IN c", 3);

	# PL/pgSQL fetches 10 rows, then 50 at a time
	requests("SELECT leave_at('SELECT rank FROM fetched', 10)", 1);
	requests("SELECT leave_at('SELECT rank FROM fetched', 11)", 3);
	requests("SELECT leave_at('SELECT rank FROM fetched', 61)", 6);
	return;
}

# Test that the statements ask for so many pages, whether or not some are asked for
# ahead.
sub requests
{
	my ($sql, $requests, $settings) = @_;

	$settings //= '';
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	$t->asks_as_without_ahead('fetched', "$settings$sql", $requests, $sql);
	return;
}

# The failure of a page comes with the row that needs it.
sub test_failures
{
	my $result;

	$t->sql("ALTER SERVER fetched OPTIONS (SET max_concurrency '8')");
	$t->change('fetched', 'plainids;fault=status,code=400,page=3');
	$result = $t->run('BEGIN; DECLARE c CURSOR FOR SELECT rank FROM fetched; FETCH 40 FROM c; FETCH 1 FROM c');
	is($result->{rows}, join("\n", 1 .. 40), 'rows before the failure are returned');
	like($result->{stderr}, qr/22023/, '... then the failure');
	return;
}

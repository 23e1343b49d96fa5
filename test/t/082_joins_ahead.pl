# The scan on the inner side of a nested loop asks for the lists of the loop's later
# rows, and never for a page that the loop would not come to.

use strict;
use warnings;

use Test::More;

use KeyapiSession;
use KeyapiTest;

my $t = KeyapiTest->new;
my $emulator = $t->emulator;
my $loops = $t->nested_loops;
my $memoize = 'SET enable_hashjoin = off; SET enable_mergejoin = off; SET enable_material = off;';

$t->scenario('lists', 'plainids');
$t->scenario('held', 'plainids;fault=stall');
$t->sql("ALTER SERVER $_ OPTIONS (ADD max_concurrency '8')") foreach qw(lists held);
$t->sql(<<'END');
CREATE TABLE r (code text, n int, k int);
INSERT INTO r VALUES ('US', 20, 0), ('GB', 40, 1), ('FR', 20, 2), ('DE', 20, 3),
	('JP', 20, 4), ('US', 20, 5), ('BR', 20, 6), ('IN', 20, 7), (NULL, 20, 8), ('', 20, 9);
CREATE TABLE x (n int);
INSERT INTO x VALUES (20), (40);
CREATE TABLE seen (code text);
CREATE FUNCTION note(code text) RETURNS text LANGUAGE plpgsql VOLATILE AS
	'BEGIN INSERT INTO seen VALUES (code); RETURN code; END';
CREATE FUNCTION add_row() RETURNS trigger LANGUAGE plpgsql AS
	$$ BEGIN INSERT INTO r VALUES ('ID', 20, 10); RETURN NULL; END $$;
ANALYZE r, x;
END

test_together();
test_explain();
test_requests();
test_early_ends();
test_rows_that_vary();
test_rescans();
test_failures();
test_writes();
test_eval_plan_qual();
test_bill();

$t->stop;
done_testing();

# How many requests are in flight together: seven regions, the first goes alone
sub test_together
{
	my $session = KeyapiSession->new($t);
	my $join = 'r JOIN held t ON t.region = r.code AND t.rank <= 20';

	$session->run($loops);
	$t->is_together('held', $session, 'a join', 7, 6, "SELECT count(*) FROM $join;");
	$t->is_together('held', $session, 'its rows', 7, 6, "SELECT t.id FROM $join;");
	$t->is_together('held', $session, 'a left join', 7, 6, 'SELECT count(*) FROM r LEFT JOIN held t ON t.region = r.code AND t.rank <= 20;');
	$t->is_together('held', $session, 'below an aggregate behind a cursor', 7, 6,
		"BEGIN; DECLARE c CURSOR FOR SELECT count(*) FROM $join; FETCH 1 FROM c; COMMIT;");
	$t->is_together('held', $session, 'LATERAL with an aggregate', 7, 6,
		'SELECT code, c FROM r, LATERAL (SELECT count(*) c FROM held t WHERE t.region = r.code AND t.rank <= 20) s;');
	$t->is_together('held', $session, 'an outer side that is a join', 7, 6,
		'SELECT count(*) FROM (SELECT r.* FROM r JOIN x USING (n) OFFSET 0) r JOIN held t ON t.region = r.code AND t.rank <= 20;');
	$session->run('RESET enable_memoize; RESET enable_material;');
	$t->is_together('held', $session, 'below Memoize', 7, 6, "SELECT count(*) FROM $join;");
	$session->run($loops);
	$t->sql("ALTER SERVER held OPTIONS (SET max_concurrency '1')");
	$t->is_together('held', $session, 'one at a time', 7, 1, "SELECT count(*) FROM $join;");
	$t->sql("ALTER SERVER held OPTIONS (SET max_concurrency '8')");
	$session->quit;
	return;
}

sub looks_ahead
{
	my ($query) = @_;

	return $t->sql("$loops EXPLAIN (COSTS OFF) $query") =~ /Lists Ahead: from the outer side of the loop/;
}

# EXPLAIN says where rows are looked at.
sub test_explain
{
	my $join = 'JOIN lists t ON t.region = r.code';

	ok(looks_ahead("SELECT * FROM r $join"), 'EXPLAIN says so');
	ok(looks_ahead("SELECT * FROM (VALUES ('US'), ('FR')) r(code) $join"), '... of VALUES');
	ok(looks_ahead("SELECT * FROM unnest('{US,FR}'::text[]) r(code) $join"), '... of a function');
	ok(looks_ahead("SELECT * FROM (SELECT DISTINCT code FROM r) r $join"), '... of DISTINCT');
	ok(!looks_ahead($_), "not of: $_")
	  foreach "SELECT * FROM r $join LIMIT 1",
	  "SELECT * FROM (SELECT note(code) AS code FROM r OFFSET 0) r $join",
	  "SELECT * FROM (SELECT code FROM r WHERE random() >= 0) r $join",
	  "SELECT * FROM (SELECT code FROM r FOR UPDATE) r $join",
	  "SELECT * FROM (SELECT region AS code FROM lists WHERE rank = 1) r $join",
	  "SELECT * FROM (SELECT code FROM r WHERE n > (SELECT min(n) FROM x)) r $join",
	  "SELECT * FROM r WHERE EXISTS (SELECT FROM lists t WHERE t.region = r.code AND t.rank > random())";
	return;
}

# Exactly the pages that are asked for one by one
sub test_requests
{
	foreach my $setting ($loops, $memoize)
	{
		asks("$setting SELECT count(*), min(t.id) FROM r JOIN lists t ON t.region = r.code AND t.rank <= 3", 7);
		asks("$setting SELECT count(*) FROM r JOIN lists t ON t.region = r.code AND t.rank <= r.n", 8);
		asks("$setting SELECT count(*) FROM r JOIN lists t ON t.region = r.code AND t.rank BETWEEN r.n - 19 AND r.n AND t.rank % 20 = k", 7);
		asks("$setting SELECT count(*) FROM r LEFT JOIN lists t ON t.region = r.code AND t.rank <= 20 AND t.period = 30", 7);
		asks("$setting SELECT count(*) FROM (SELECT * FROM r WHERE k < 3) r JOIN lists t ON t.region = r.code", 75);
		asks("$setting SELECT count(*) FROM r JOIN lists t ON t.region = r.code AND t.rank <= 20 JOIN lists u ON u.region = t.region AND u.rank <= 20", 7);
	}
	return;
}

sub asks
{
	my ($sql, $requests) = @_;

	local $Test::Builder::Level = $Test::Builder::Level + 1;
	$t->asks_as_without_ahead('lists', $sql, $requests, $sql);
	return;
}

# Where the loop may end early, no later row is looked at.
sub test_early_ends
{
	my $join = 'FROM r JOIN lists t ON t.region = r.code AND t.rank <= 20';

	$t->sql(<<'END');
CREATE FUNCTION first_of(query text) RETURNS int LANGUAGE plpgsql AS $$
DECLARE
  r record;
BEGIN
  FOR r IN EXECUTE query LOOP
    EXIT;
  END LOOP;
  RETURN 1;
END $$;
END
	asks("$loops SELECT t.rank $join LIMIT 21", 2);
	asks("$loops SELECT EXISTS (SELECT $join)", 1);
	asks("$loops SELECT first_of('SELECT t.rank $join')", 1);
	asks("$loops BEGIN; DECLARE c CURSOR FOR SELECT t.rank $join; MOVE 21 IN c", 2);
	asks("$loops SELECT code FROM r WHERE EXISTS (SELECT FROM lists t WHERE t.region = r.code)", 7);
	asks("$loops SELECT code, (SELECT id FROM lists t WHERE t.region = r.code ORDER BY rank LIMIT 1) FROM r LIMIT 2", 2);
	asks("$loops SELECT code, s.id FROM r, LATERAL (SELECT id FROM lists t WHERE t.region = r.code ORDER BY rank LIMIT 21) s", 14);
	asks('SET enable_hashjoin = off; SET enable_material = off; SET enable_memoize = off;'
		  . ' SELECT count(*) FROM (SELECT k FROM r WHERE k < 2) a'
		  . ' JOIN (SELECT r.k FROM r JOIN lists t ON t.region = r.code AND t.rank <= 20 ORDER BY k) b USING (k)', 7);
	asks("$loops WITH RECURSIVE w(k) AS (SELECT 0 UNION ALL SELECT w.k + 1 FROM w JOIN r USING (k)"
		  . ' JOIN lists t ON t.region = r.code AND t.rank = 1 WHERE w.k < 3) SELECT count(*) FROM w', 3);
	return;
}

# Volatile functions run once for each row.
sub test_rows_that_vary
{
	foreach my $query (
		'SELECT count(*) FROM (SELECT note(code) AS code FROM r OFFSET 0) r JOIN lists t ON t.region = r.code AND t.rank <= 20',
		'SELECT count(note(r.code)) FROM r JOIN lists t ON t.region = r.code AND t.rank = 1',
		'SELECT count(*) FROM r JOIN lists t ON t.region = r.code AND t.rank = 1 AND note(r.code || t.id) IS NOT NULL')
	{
		my @seen;

		foreach my $concurrency (1, 8)
		{
			$t->sql("ALTER SERVER lists OPTIONS (SET max_concurrency '$concurrency'); TRUNCATE seen");
			push @seen, $t->ask('lists', "$loops $query; SELECT count(*) FROM seen");
		}
		is("$seen[1]{rows} $seen[1]{requests}", "$seen[0]{rows} $seen[0]{requests}", $query);
	}
	return;
}

# Rescans of the loop itself, with and without other parameters
sub test_rescans
{
	asks("$loops SELECT count(*) FROM x, LATERAL (SELECT count(*) FROM r JOIN lists t ON t.region = r.code AND t.rank <= 20"
		  . ' AND x.n > random()) s', 7);
	asks("$loops SELECT x.n, c FROM x, LATERAL (SELECT count(*) c FROM r JOIN lists t ON t.region = r.code AND t.rank <= x.n) s", 14);
	asks("$loops SELECT x.n, c FROM x, LATERAL (SELECT count(*) c FROM r JOIN lists t ON t.region = r.code AND t.rank <= 20"
		  . ' WHERE r.n <= x.n) s', 7);
	asks("$loops SELECT x.n, (SELECT count(*) FROM r JOIN lists t ON t.region = r.code AND t.rank <= x.n) FROM x", 14);
	return;
}

# Failures: of a later list, which is raised when the loop comes to it and not tried
# more often; of a list that is not read; and of the outer side
sub test_failures
{
	my $join = 'FROM r JOIN lists t ON t.region = r.code AND t.rank <= 20';
	my $result;

	$t->sql("ALTER SERVER lists OPTIONS (SET max_concurrency '8', ADD max_retries '1')");
	$t->change('lists', 'plainids;fault=status,code=500,region=DE');
	$emulator->reset('lists');
	$result = $t->run("$loops SELECT count(*) $join");
	like($result->{stderr}, qr/58000.*region=DE/s, 'the failure of a later list');
	is(scalar(grep { $_->{region} eq 'DE' } $emulator->log('lists')), 2, '... is tried as often as max_retries says');
	$t->change('lists', 'plainids;fault=status,code=400,region=DE');
	$t->answers('lists', "$loops SELECT t.rank $join WHERE t.rank = 5 LIMIT 2", "5\n5", 2, '... and none where the loop ends before');
	$t->change('lists', 'plainids');

	$t->fails('lists', "$loops SELECT t.rank FROM (SELECT code, 1 / (k - 4) AS q FROM r OFFSET 0) r"
		  . ' JOIN lists t ON t.region = r.code AND t.rank = 1 + q * 0', '22012', qr/zero/,
		'an error in the middle of the outer side');
	return;
}

# Rows that the statement itself writes to the outer table are not looked at.
sub test_writes
{
	my $insert = 'INSERT INTO seen SELECT t.id FROM r JOIN lists t ON t.region = r.code AND t.rank = 1';

	$t->sql('CREATE TRIGGER add_row AFTER INSERT ON seen FOR EACH ROW EXECUTE FUNCTION add_row()');
	$t->answers('lists', "BEGIN; $loops TRUNCATE seen; $insert; SELECT count(*) FROM seen; ROLLBACK", 8, 7,
		'a trigger that writes the outer table');
	$t->answers('lists', "BEGIN; $loops UPDATE r SET code = 'ID' FROM lists t WHERE t.region = r.code AND t.rank = 1;"
		  . " SELECT count(*) FROM r WHERE code = 'ID'; ROLLBACK", 8, 7, 'an update of the outer table');
	$t->sql('DROP TRIGGER add_row ON seen');
	return;
}

# A row that was updated meanwhile is checked again, without looking ahead.
sub test_eval_plan_qual
{
	my $writer = KeyapiSession->new($t);
	my $reader = KeyapiSession->new($t);
	my $before = $emulator->count('lists');
	my $result;

	$writer->run("BEGIN; UPDATE r SET n = 21 WHERE code = 'FR';");
	$reader->run($loops);
	$reader->start('SELECT r.code, r.n FROM r JOIN lists t ON t.region = r.code AND t.rank = 1 ORDER BY k FOR UPDATE OF r;');
	$t->await("SELECT count(*) > 0 FROM pg_locks WHERE NOT granted", 'nobody waits for the row');
	$writer->run('COMMIT;');
	$result = $reader->finish;
	is($result->{rows}, "US|20\nGB|40\nFR|21\nDE|20\nJP|20\nUS|20\nBR|20\nIN|20", 'FOR UPDATE sees the new row');
	is($emulator->count('lists') - $before, 7, '... at as many requests');
	$writer->run("UPDATE r SET n = 20 WHERE code = 'FR';");
	$_->quit foreach $writer, $reader;
	return;
}

# What was asked for ahead is read, so it is not unread.
sub test_bill
{
	my $explain = $t->sql("$loops EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF)"
		  . ' SELECT count(*) FROM r JOIN lists t ON t.region = r.code AND t.rank <= 20');

	like($explain, qr/Lists: 7\n.*Requests: 7\n.*Unread Pages: 0\n/s, 'the bill');
	return;
}

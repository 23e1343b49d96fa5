# A query has one budget however it is fetched: message by message from a cursor, all
# at once at COMMIT, by a driver, in a loop of PL/pgSQL, by another server; and so
# has all that it calls.

use strict;
use warnings;

use IPC::Run;
use Test::More;

use KeyapiSession;
use KeyapiTest;

my $t = KeyapiTest->new;
my $session;

# 500 videos a list: 25 pages, 50 credits
$t->scenario('b');
$t->one_by_one('b');
$t->sql("ALTER SERVER b OPTIONS (ADD max_credits '100')");
$t->count_titles('b');
$t->sql(<<'END');
CREATE TABLE codes AS SELECT * FROM (VALUES (1, 'US'), (2, 'GB'), (3, 'FR')) x(n, code);
CREATE FUNCTION rows_of(query text) RETURNS SETOF int LANGUAGE plpgsql AS $$
DECLARE
  r record;
BEGIN
  FOR r IN EXECUTE query LOOP
    RETURN NEXT r.rank;
  END LOOP;
END $$;
CREATE FUNCTION opened() RETURNS refcursor LANGUAGE plpgsql AS $$
DECLARE
  c refcursor := 'c';
  r record;
BEGIN
  OPEN c FOR SELECT rank FROM b;
  FETCH c INTO r;
  RETURN c;
END $$;
END

# four lists, of which two can be paid for
my $query = q{SELECT rank FROM b WHERE region IN ('US', 'GB', 'FR', 'DE')};
my $broke = qr/54000: statement needs at least 102 credits, but option "max_credits" of the server allows 100\n/;

test_cursor();
test_with_hold();
test_psycopg();
test_loops();
test_postgres_fdw();

$session = KeyapiSession->new($t);
$session->sql('SET keyapi_fdw.max_credits = 8;');
test_several_cursors();
test_nested_queries();
test_end_of_cursors();
test_subtransactions();
test_prepared();
$session->quit;

$t->stop;
done_testing();

# Number of requests that a piece of code takes
sub requests(&)
{
	my ($code) = @_;
	my $before = $t->emulator->count('b');

	$code->();
	return $t->emulator->count('b') - $before;
}

# FETCH until an error; returns the rows that came before, and the error
sub fetch_all
{
	my ($from, $fetch) = @_;
	my $rows = 0;

	while (1)
	{
		my $result = $from->run($fetch);
		my $fetched = () = $result->{rows} =~ /^\d+$/mg;

		$rows += $fetched;
		return ($rows, $result->{stderr}) if $result->{stderr} ne '' || $fetched == 0;
	}
}

sub test_cursor
{
	my $one = KeyapiSession->new($t);
	my ($rows, $error);

	$one->sql("BEGIN; DECLARE c CURSOR FOR $query;");
	is(requests { ($rows, $error) = fetch_all($one, 'FETCH 90 FROM c;') }, 50, 'a cursor: requests');
	like($error, qr/${broke}DETAIL: +The statement has spent 100 credits; the next request needs 2 more\./, '... error');
	is($rows, 990, '... rows');
	$one->sql('ROLLBACK;');

	# a price that is known is checked before anything is opened, whenever that is
	$one->sql("BEGIN; DECLARE c CURSOR FOR $query ORDER BY title;");
	is(requests { $error = $one->run('FETCH 1 FROM c;')->{stderr} }, 0, 'a sort below the cursor: requests');
	like($error, qr/needs up to 200 credits.*\nDETAIL: +The statement has spent nothing; the next 4 lists need up to 200\./,
		'... error');
	$one->sql("ROLLBACK; BEGIN; DECLARE c CURSOR FOR $query;");
	is(requests { $one->sql('MOVE 30 IN c;') }, 2, 'the beginning of a cursor');
	is(requests { $error = $one->run('FETCH ALL FROM c;')->{stderr} }, 0, 'FETCH ALL of the rest: requests');
	like($error, qr/needs up to 200 credits.*\nDETAIL: +The statement has spent 4 credits; the next 4 lists need up to 196 more\./,
		'... error');
	$one->quit;
	return;
}

# All rows are read at COMMIT.
sub test_with_hold
{
	my $one = KeyapiSession->new($t);
	my $error;

	$one->sql("BEGIN; DECLARE c CURSOR WITH HOLD FOR $query;");
	$one->sql('MOVE 20 IN c;');
	is(requests { $error = $one->run('COMMIT;')->{stderr} }, 0, 'WITH HOLD: requests');
	like($error, qr/needs up to 200 credits, but option/, '... error');

	$one->sql("BEGIN; DECLARE c CURSOR WITH HOLD FOR SELECT rank FROM b WHERE region IN ('US', 'GB');");
	is(requests { $one->sql('MOVE 300 IN c; COMMIT;') }, 50, '... that can be paid for');
	is(requests { is($one->sql('MOVE 1000 IN c; FETCH 1 FROM c;'), '', '... is read') }, 0, '... by COMMIT');

	# what is called at COMMIT counts for the cursor
	$one->sql('BEGIN; DECLARE d CURSOR WITH HOLD FOR SELECT titles(code, 480) FROM codes ORDER BY n;');
	$one->sql('MOVE 1 IN d;');
	is(requests { $error = $one->run('COMMIT;')->{stderr} }, 26, '... of a query that calls others: requests');
	like($error, $broke, '... error');
	$one->quit;
	return;
}

# A named cursor of psycopg is a cursor too.
sub test_psycopg
{
	my $connection = $t->node->connstr('postgres');
	my $program = $t->file('named.py', <<"END");
import psycopg2
rows = 0
try:
    cursor = psycopg2.connect("$connection").cursor('named')
    cursor.itersize = 100
    cursor.execute("""$query""")
    for row in cursor:
        rows += 1
except psycopg2.Error as error:
    print(rows, error.pgcode)
END
  SKIP:
	{
		my ($out, $err);

		skip 'needs python3-psycopg2', 2
		  if system("/usr/bin/python3 -c 'import psycopg2' 2>/dev/null") != 0;
		is( requests { IPC::Run::run([ '/usr/bin/python3', $program ], '>', \$out, '2>', \$err) },
			50, 'psycopg: requests');
		is("$out$err", "1000 54000\n", '... rows and error');
	}
	return;
}

sub test_loops
{
	my $one = KeyapiSession->new($t);
	my $quoted = $query =~ s/'/''/gr;
	my ($rows, $error);

	$t->fails('b', "SELECT count(*) FROM rows_of('$quoted')", '54000', $broke,
		'a loop of PL/pgSQL', requests => 50);
	$t->fails('b', <<"END", '54000', $broke, '... that commits', requests => 50);
DO \$\$
DECLARE r record;
BEGIN
  FOR list IN 1 .. 4 LOOP
    PERFORM titles((ARRAY['US', 'GB', 'FR', 'DE'])[list], 500);
    COMMIT;
  END LOOP;
END \$\$
END
	$one->sql("BEGIN; DECLARE c CURSOR FOR SELECT titles(code, 500) FROM codes ORDER BY n;");
	is(requests { ($rows, $error) = fetch_all($one, 'FETCH 1 FROM c;') }, 50, '... called by a cursor: requests');
	like($error, $broke, '... error');
	is($rows, 2, '... rows');
	$one->quit;
	return;
}

# The server in front reads through a cursor, 100 rows at a time.
sub test_postgres_fdw
{
	my ($host, $port, $user) = ($t->node->host, $t->node->port, $t->superuser);

	$t->sql('CREATE DATABASE front TEMPLATE template0');
	$t->sql(<<"END", dbname => 'front');
CREATE EXTENSION postgres_fdw;
CREATE SERVER back FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '$host', port '$port', dbname 'postgres');
CREATE USER MAPPING FOR PUBLIC SERVER back OPTIONS (user '$user', password_required 'false');
IMPORT FOREIGN SCHEMA public LIMIT TO (b) FROM SERVER back INTO public;
END
	$t->fails('b', "SELECT count(*) FROM ($query OFFSET 0) x", '54000',
		qr/54000: statement needs at least 102 credits.* allows 100\n/, 'postgres_fdw',
		dbname => 'front', requests => 50);
	$t->answers('b', "SELECT count(*) FROM (SELECT rank FROM b WHERE region IN ('US', 'GB') OFFSET 0) x", '1000', 50,
		'... enough', dbname => 'front');
	return;
}

# From here on, 8 credits, by the user's setting

sub spends
{
	my ($sql, $requests, $test) = @_;

	local $Test::Builder::Level = $Test::Builder::Level + 1;
	return is(requests { $session->sql($sql) }, $requests, $test);
}

sub refused
{
	my ($sql, $requests, $test) = @_;
	my $error;

	local $Test::Builder::Level = $Test::Builder::Level + 1;
	is(requests { $error = $session->run($sql)->{stderr} }, $requests, "$test: requests");
	return like($error, qr/54000: statement needs at least 10 credits, but keyapi_fdw\.max_credits allows 8\n/, "$test: error");
}

sub test_several_cursors
{
	$session->sql('BEGIN; DECLARE x CURSOR FOR SELECT rank FROM b;');
	$session->sql("DECLARE y CURSOR FOR SELECT rank FROM b WHERE region = 'GB';");
	spends('MOVE 40 IN x;', 2, 'a cursor');
	spends('MOVE 40 IN x;', 2, '... to the end of its budget');
	spends("SELECT titles('FR', 80);", 4, 'a statement meanwhile');
	spends('DECLARE z CURSOR FOR SELECT rank FROM b; MOVE 80 IN z;', 4, 'a cursor opened meanwhile');
	spends('MOVE 60 IN y;', 3, '... and one from before');
	refused('SAVEPOINT s; MOVE 40 IN y;', 1, 'the second cursor');
	$session->sql('ROLLBACK TO s;');
	refused('MOVE 1 IN x;', 0, 'the first one');
	$session->sql('ROLLBACK;');

	# what one message brings counts together, too
	$session->sql('BEGIN; DECLARE x CURSOR FOR SELECT rank FROM b;');
	$session->sql("DECLARE y CURSOR FOR SELECT rank FROM b WHERE region = 'GB';");
	refused("MOVE 60 IN x\\; MOVE 60 IN y;", 4, 'two cursors in one message');
	$session->sql('ROLLBACK;');
	return;
}

# What a query calls counts for it, whatever message it runs in.
sub test_nested_queries
{
	$session->sql('BEGIN; DECLARE c CURSOR FOR SELECT titles(code, 60) FROM codes ORDER BY n;');
	spends('MOVE 1 IN c;', 3, 'a function called by a cursor');
	refused('MOVE 1 IN c;', 1, '... once more');
	$session->sql('ROLLBACK;');

	# a cursor that a function opens belongs to the statement that calls it
	spends('BEGIN; SELECT opened();', 1, 'a function that opens a cursor');
	spends('MOVE 59 IN c;', 2, 'that cursor');
	refused('MOVE 40 IN c;', 1, '... reads on');
	$session->sql('ROLLBACK;');

	# a function that reads a cursor of before pays with both budgets
	$session->sql(<<'END');
CREATE FUNCTION move_on(c refcursor, n int) RETURNS int LANGUAGE plpgsql AS $$
BEGIN
  MOVE FORWARD n IN c;
  RETURN n;
END $$;
BEGIN;
DECLARE x CURSOR FOR SELECT rank FROM b;
END
	$session->sql("DECLARE y CURSOR FOR SELECT rank FROM b WHERE region = 'GB';");
	refused("SELECT move_on('x', 60), move_on('y', 60);", 4, 'a function that moves two cursors');
	$session->sql('ROLLBACK; BEGIN; DECLARE x CURSOR FOR SELECT rank FROM b;');
	spends("SELECT move_on('x', 60);", 3, '... one');
	refused("SELECT move_on('x', 60);", 1, '... the same again');
	$session->sql('ROLLBACK;');
	return;
}

# A cursor that is gone leaves nothing behind: not in the budget of others, and not in
# memory.
sub test_end_of_cursors
{
	my $memory = q{SELECT sum(total_bytes) FROM pg_backend_memory_contexts
		WHERE name IN ('TopMemoryContext', 'keyapi_fdw budget', 'keyapi_fdw portals');};
	my $before;

	foreach my $i (0 .. 4)
	{
		foreach my $j (0 .. 49)
		{
			$session->sql('BEGIN; DECLARE c CURSOR FOR SELECT rank FROM b; SELECT 1;');
			$session->sql('FETCH 1 FROM c;');
			$session->sql($j % 3 == 0 ? 'CLOSE c; COMMIT;' : $j % 3 == 1 ? 'COMMIT;' : 'ROLLBACK;');
		}
		$before //= $session->sql($memory);
	}
	is($session->sql($memory), $before, '250 cursors leave nothing in memory');

	$session->sql('BEGIN; DECLARE c CURSOR FOR SELECT rank FROM b;');
	spends('MOVE 80 IN c;', 4, 'a cursor');
	spends('CLOSE c; DECLARE c CURSOR FOR SELECT rank FROM b;', 0, '... that is closed');
	spends('MOVE 80 IN c;', 4, '... and another one of that name');
	$session->sql('COMMIT;');
	return;
}

# Rolling back gives no money back.
sub test_subtransactions
{
	$session->sql('BEGIN; DECLARE c CURSOR FOR SELECT rank FROM b;');
	spends('SAVEPOINT s; MOVE 60 IN c; ROLLBACK TO s;', 3, 'a cursor moved in a subtransaction');
	refused('MOVE 40 IN c;', 1, '... that was rolled back');
	$session->sql('ROLLBACK;');

	$session->sql('BEGIN; SAVEPOINT s; DECLARE c CURSOR FOR SELECT rank FROM b; MOVE 60 IN c; ROLLBACK TO s;');
	spends("DECLARE c CURSOR FOR SELECT rank FROM b; MOVE 80 IN c;", 4, 'a cursor of a subtransaction is gone');
	$session->sql('ROLLBACK;');
	return;
}

# Each EXECUTE is a statement, whose plan makes no difference.
sub test_prepared
{
	$session->sql('PREPARE p (int) AS SELECT count(*) FROM b WHERE rank <= $1 * 20;');
	foreach my $mode (qw(force_custom_plan force_generic_plan))
	{
		$session->sql("SET plan_cache_mode = $mode;");
		spends('EXECUTE p (4);', 4, "EXECUTE with $mode") foreach 1 .. 2;
		is(requests { like($session->run('EXECUTE p (5);')->{stderr}, qr/54000.* up to 10 credits/, '... too dear') },
			0, '... without a request');
	}
	return;
}

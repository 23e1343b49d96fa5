# Scans in the ways that sessions run queries: prepared, in loops, through cursors,
# in subtransactions, interleaved.

use strict;
use warnings;

use Test::More;

use KeyapiSession;
use KeyapiTest;

my $t = KeyapiTest->new;
my $emulator = $t->emulator;

# 45 videos a list: pages of 20, 20 and 5
$t->scenario('s', 'plainids;total=45');
$t->one_by_one('s');
$t->scenario('other', 'plainids;total=25;offset=1000');
$t->scenario('bad');
$t->fail_at_once('bad');

my $session = KeyapiSession->new($t);

$session->sql('SET client_min_messages = warning;');

test_prepared();
test_loops();
test_cursor();
test_scroll();
test_hold();
test_interleaved();
test_nested();
is($emulator->connections('s'), 1, 'one connection served all of it');
test_subtransactions();
test_procedures();
test_discard();
test_altered_server();
test_altered_table();
test_connection();
test_two_sessions();

is($session->sql('SELECT pg_backend_pid();'), $session->pid, 'one session saw it all');
$session->quit;
$t->stop;
done_testing();

# Test that SQL gives these rows, silently, and takes so many requests of "s".
sub gives
{
	my ($sql, $rows, $requests, $test) = @_;
	my $before = $emulator->count('s');
	my $result = $session->run($sql);

	is_deeply(
		{ %$result, requests => $emulator->count('s') - $before },
		{ rows => $rows, stderr => '', requests => $requests },
		$test);
	return;
}

# Test that SQL fails so.
sub fails
{
	my ($sql, $sqlstate, $test) = @_;

	KeyapiSession::is_error($session->run($sql), $sqlstate, $test);
	return;
}

sub test_prepared
{
	$session->sql(<<'END');
PREPARE p(text, int) AS
	SELECT region, period, count(*), min(id) FROM s WHERE region = $1 AND period = $2
	GROUP BY region, period;
END
	foreach my $i (1 .. 5)
	{
		gives(q{EXECUTE p('US', 7);},  'US|7|45|US7vv1',   3, "execution $i of a prepared query");
		gives(q{EXECUTE p('FR', 30);}, 'FR|30|45|FR30vv1', 3, '... with other values');
	}
	gives('EXECUTE p(NULL, 7);', '', 0, '... with NULL');
	$session->sql('SET plan_cache_mode = force_generic_plan;');
	gives(q{EXECUTE p('FR', 7);}, 'FR|7|45|FR7vv1', 3, 'generic plan');
	$session->sql('ALTER FOREIGN TABLE s ADD added text; ALTER FOREIGN TABLE s DROP title;');
	gives(q{EXECUTE p('US', 30);}, 'US|30|45|US30vv1', 3, '... of a table that was altered');
	$session->sql('RESET plan_cache_mode; DEALLOCATE p;');
	return;
}

# plpgsql asks its cursors for 10 rows, then for 50 at a time.
sub test_loops
{
	$session->sql(<<'END');
CREATE FUNCTION ids(upto int) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE r record;
BEGIN
	FOR r IN SELECT rank, id FROM s LOOP
		EXIT WHEN r.rank > upto;
		RETURN NEXT r.id;
	END LOOP;
END $$;
CREATE FUNCTION first_id() RETURNS text LANGUAGE plpgsql AS $$
DECLARE result text;
BEGIN
	SELECT id INTO result FROM s WHERE region = 'FR';
	RETURN result;
END $$;
END
	gives('SELECT count(*), max(ids) FROM ids(3);', '3|US7vv3', 1, 'a loop that is left early');
	gives('SELECT count(*) FROM ids(10);', '10', 3, '... after the first rows');
	gives('SELECT count(*) FROM ids(99);', '45', 3, 'a loop over all rows');
	gives('SELECT first_id();', 'FR7vv1', 1, 'SELECT INTO');
	return;
}

sub test_cursor
{
	$session->sql(q{BEGIN; DECLARE c CURSOR FOR SELECT id FROM s;});
	gives('FETCH 2 FROM c;',           "US7vv1\nUS7vv2", 1, 'the first FETCH');
	gives('MOVE 17 IN c; FETCH c;',    'US7vv20',        0, 'to the end of the page');
	gives('FETCH c;',                  'US7vv21',        1, 'the next page');
	gives('MOVE ALL IN c; FETCH c;',   '',               1, 'the rest');
	gives('COMMIT;',                   '',               0, 'the end');

	$session->sql('BEGIN; DECLARE c NO SCROLL CURSOR FOR SELECT id FROM s; MOVE 5 IN c;');
	fails('FETCH PRIOR FROM c;', '55000', 'no way back without SCROLL');
	$session->sql('ROLLBACK;');
	return;
}

sub test_scroll
{
	$session->sql('BEGIN; DECLARE c SCROLL CURSOR FOR SELECT rank FROM s;');
	gives('FETCH ABSOLUTE 25 FROM c;',     '25',           2, 'SCROLL: forward');
	gives('FETCH BACKWARD 3 FROM c;',      "24\n23\n22",   0, '... backward');
	gives('FETCH FIRST FROM c;',           '1',            0, '... to the beginning');
	gives('FETCH PRIOR FROM c; FETCH NEXT FROM c;', '1',   0, '... and before it');
	gives('FETCH LAST FROM c;',            '45',           1, '... to the end');
	gives('FETCH RELATIVE -44 FROM c;',    '1',            0, '... and back');
	gives('MOVE BACKWARD ALL IN c; FETCH 1 FROM c;', '1',  0, '... by MOVE');
	$session->sql('COMMIT;');
	return;
}

sub test_hold
{
	$session->sql('BEGIN; DECLARE h CURSOR WITH HOLD FOR SELECT rank FROM s;');
	gives('FETCH 2 FROM h;',               "1\n2",       1, 'WITH HOLD');
	gives('COMMIT;',                       '',           2, '... reads the rest at COMMIT');
	gives('FETCH h; MOVE 41 IN h; FETCH 2 FROM h;', "3\n45", 0, '... and asks no more');
	$session->sql('CLOSE h;');
	return;
}

sub test_interleaved
{
	$session->sql(<<'END');
CREATE FUNCTION interleave(a text, b text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	ca CURSOR FOR SELECT id FROM s WHERE region = a;
	cb CURSOR FOR SELECT id FROM s WHERE region = b;
	good bigint := 0;
	ia text;
	ib text;
BEGIN
	OPEN ca;
	OPEN cb;
	LOOP
		FETCH ca INTO ia;
		FETCH cb INTO ib;
		EXIT WHEN ia IS NULL AND ib IS NULL;
		good := good + 1;
		IF ia <> a || '7vv' || good OR ib <> b || '7vv' || good THEN
			RAISE 'row %: %, %', good, ia, ib;
		END IF;
	END LOOP;
	RETURN good;
END $$;
END
	gives(q{SELECT interleave('US', 'FR');}, '45', 6, 'two scans in turn');
	gives(q{SELECT interleave('US', 'US');}, '45', 3, '... of one list, paid for once');
	gives(
		q{SELECT count(*), count(DISTINCT a.id), sum(b.rank - a.rank)
		  FROM s a JOIN s b USING (rank) WHERE a.region = 'US' AND b.region = 'FR';},
		'45|45|0', 6, '... in a join');
	return;
}

# Scans that run while another one does
sub test_nested
{
	$session->sql(<<'END');
CREATE FUNCTION id_at(r text, n int) RETURNS text LANGUAGE sql AS
	'SELECT id FROM s WHERE region = r AND rank = n';
CREATE FUNCTION sum_at(r text, n int) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	total bigint := 0;
	row record;
BEGIN
	FOR row IN SELECT rank FROM s WHERE region = r AND rank <= n LOOP
		total := total + row.rank + length(id_at('JP', row.rank)) - length(id_at('JP', row.rank));
	END LOOP;
	RETURN total;
END $$;
END
	gives(
		q{SELECT rank, id, id_at('FR', rank + 20) FROM s WHERE rank <= 3;},
		"1|US7vv1|FR7vv21\n2|US7vv2|FR7vv22\n3|US7vv3|FR7vv23",
		2, 'a function that scans, for each row of a scan');
	gives(q{SELECT rank, sum_at('FR', rank) FROM s WHERE rank BETWEEN 1 AND 3;},
		"1|1\n2|3\n3|6", 3, '... that calls another one');
	return;
}

sub test_subtransactions
{
	# the second request for page 2 is answered
	$t->change('bad', 'plainids;total=45;fault=status,code=500,page=2,times=1');
	$session->sql('BEGIN; CREATE TABLE got AS SELECT id FROM s WHERE rank = 1; SAVEPOINT a;');
	fails('INSERT INTO got SELECT id FROM bad;', '58000', 'an error after a savepoint');
	fails('SELECT 1;', '25P02', '... ends the subtransaction');
	$session->sql('ROLLBACK TO a; INSERT INTO got SELECT id FROM bad; COMMIT;');
	gives('SELECT count(*), count(DISTINCT id) FROM got; DROP TABLE got;', '46|45', 0,
		'... and another try succeeds');

	$session->sql(<<'END');
CREATE FUNCTION stubborn(tries int) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	seen text := '';
	n bigint;
BEGIN
	FOR i IN 1 .. tries LOOP
		BEGIN
			SELECT count(*) INTO n FROM bad;
			RETURN seen || n;
		EXCEPTION WHEN OTHERS THEN
			seen := seen || SQLSTATE || ' ';
		END;
	END LOOP;
	RETURN seen || 'enough';
END $$;
END
	$t->change('bad', 'total=45;fault=status,code=500,page=1,times=1;'
		  . 'fault=reset,page=2,times=1;fault=html,page=3,times=1');
	gives('SELECT stubborn(9);', '58000 08006 08P01 45', 0, 'errors that plpgsql catches');
	$t->change('bad', 'fault=status,code=401');
	gives('SELECT stubborn(2);', '28000 28000 enough', 0, '... again and again');

	# a cursor of the outer transaction goes on after an error in an inner one
	$session->sql('BEGIN; DECLARE c CURSOR FOR SELECT rank FROM s; MOVE 19 IN c; SAVEPOINT a;');
	fails('SELECT * FROM bad;', '28000', 'an error beside an open cursor');
	gives('ROLLBACK TO a; FETCH 2 FROM c; COMMIT;', "20\n21", 1, '... which goes on');
	$session->sql('BEGIN; SAVEPOINT a; DECLARE c CURSOR FOR SELECT rank FROM s; MOVE 3 IN c; ROLLBACK TO a;');
	fails('FETCH c;', '34000', 'a cursor ends with its subtransaction');
	$session->sql('ROLLBACK;');

	# ... and one that has failed ends at once what it has in flight
	$t->scenario('stalled', 'fault=stall,page=2-5');
	$session->sql('BEGIN; DECLARE c CURSOR FOR SELECT rank FROM stalled; SAVEPOINT a;');
	$session->start('FETCH ALL FROM c;');
	$emulator->await_stalled('stalled', 4);
	$session->cancel;
	KeyapiSession::is_error($session->finish, '57014', 'a cursor is cancelled');
	$session->sql('ROLLBACK TO a;');
	$emulator->await_inflight('stalled', 0);
	pass('... and leaves no request behind');
	$session->sql('ROLLBACK;');
	return;
}

# The first COMMIT or ROLLBACK in a loop makes its cursor read all rows.
sub test_procedures
{
	foreach my $end ('COMMIT', 'ROLLBACK')
	{
		my $kept = $end eq 'COMMIT' ? 45 : 0;

		$session->sql(<<"END");
CREATE TABLE log (rank int);
CREATE OR REPLACE PROCEDURE walk(INOUT n bigint) LANGUAGE plpgsql AS \$\$
DECLARE r record;
BEGIN
	FOR r IN SELECT rank FROM s LOOP
		INSERT INTO log VALUES (r.rank);
		n := n + r.rank;
		$end;
	END LOOP;
END \$\$;
END
		gives('CALL walk(0);', 45 * 46 / 2, 3, "$end in a loop over a scan");
		gives('SELECT count(DISTINCT rank) FROM log; DROP TABLE log;', $kept, 0, '... ends it not');
	}
	return;
}

sub test_discard
{
	$session->sql('PREPARE p AS SELECT count(*) FROM s;');
	gives('EXECUTE p;', '45', 3, 'before DISCARD ALL');
	$session->sql('DISCARD ALL;');
	fails('EXECUTE p;', '26000', 'DISCARD ALL');
	gives('SELECT count(*) FROM s;', '45', 3, '... leaves what is needed');
	return;
}

# Changes count from the next scan on.
sub test_altered_server
{
	my ($old, $new) = ($t->url('s', 'plainids;total=45'), $t->url('other', 'plainids;total=25'));

	$session->sql('PREPARE p AS SELECT count(*), max(rank) FROM s;');
	gives('EXECUTE p;', '45|45', 3, 'before ALTER SERVER');
	$session->sql('BEGIN; DECLARE c CURSOR FOR SELECT rank FROM s; MOVE 20 IN c;');
	$session->sql("ALTER SERVER s OPTIONS (SET base_url '$new');");
	gives('EXECUTE p;',                             '25|25',  0, '... and after');
	gives('MOVE 24 IN c; FETCH ALL FROM c;',        '45',     2, 'a scan ends as it began');
	gives('ROLLBACK; EXECUTE p;',                   '45|45',  3, 'ALTER SERVER is undone');
	$session->sql("ALTER USER MAPPING FOR PUBLIC SERVER s OPTIONS (SET api_key 'wrong');");
	fails('EXECUTE p;', '28000', 'ALTER USER MAPPING');
	$session->sql("ALTER USER MAPPING FOR PUBLIC SERVER s OPTIONS (SET api_key 'sk_live_test');");
	gives('EXECUTE p;', '45|45', 3, '... and back');
	fails('BEGIN; DECLARE c CURSOR FOR SELECT rank FROM s; FETCH 0 FROM c; DROP SERVER s CASCADE;',
		'55006', 'what an open cursor uses cannot be dropped');
	$session->sql('ROLLBACK;');
	return;
}

# What a session has learnt of a table's columns ends with the next change of them.
sub test_altered_table
{
	$session->sql('CREATE FOREIGN TABLE columns (rank int, id text, title text, region text) SERVER s;');
	$session->sql('PREPARE same AS SELECT title = id, region FROM columns WHERE rank = 1;');
	gives('EXECUTE same;', 'f|US', 1, 'before ALTER FOREIGN TABLE');
	$session->sql(q{BEGIN; ALTER FOREIGN TABLE columns ALTER title OPTIONS (ADD field 'id');});
	gives('EXECUTE same;',           't|US', 1, '... after it');
	gives('ROLLBACK; EXECUTE same;', 'f|US', 1, '... after its ROLLBACK');
	$session->sql('BEGIN; SAVEPOINT a;'
		  . q{ ALTER FOREIGN TABLE columns DROP title, ADD title text OPTIONS (field 'id');});
	gives('SELECT title = id, region FROM columns WHERE rank = 1;',
		't|US', 1, '... after another column of the name');
	gives('ROLLBACK TO a; EXECUTE same; COMMIT;', 'f|US', 1, '... after ROLLBACK TO SAVEPOINT');
	$t->sql(q{ALTER FOREIGN TABLE columns ALTER title OPTIONS (ADD field 'id')});
	gives('EXECUTE same;', 't|US', 1, '... after another session');
	$t->sql('ALTER FOREIGN TABLE columns ALTER title OPTIONS (DROP field)');
	$t->sql('ALTER FOREIGN TABLE columns RENAME region TO country');
	gives('SELECT title = id, country FROM columns WHERE rank = 1;',
		'f|', 1, 'a column by another name is another field');
	$t->sql('ALTER FOREIGN TABLE columns RENAME country TO region');
	gives('EXECUTE same; DEALLOCATE same;', 'f|US', 1, '... and back');
	return;
}

# A session keeps its connection over statements, also over failed ones.
sub test_connection
{
	$t->scenario('kept', 'fault=status,code=400,region=NO');
	my $result = $t->ask('kept', <<'END');
\set ON_ERROR_STOP off
SELECT count(*) FROM kept WHERE region = 'US' AND rank <= 40;
SELECT count(*) FROM kept WHERE region = 'FR' AND rank <= 40;
SELECT 1 FROM kept WHERE region = 'US' LIMIT 1;
SELECT 1 FROM kept WHERE region = 'NO';
BEGIN;
SELECT 1 FROM kept WHERE region = 'JP' LIMIT 1;
ROLLBACK;
SELECT 1 FROM kept WHERE region = 'GB' LIMIT 1;
END
	is($result->{rows}, "40\n40\n1\n1\n1", 'several statements in a session');
	is($result->{requests}, 8, '... ask');
	is($t->emulator->connections('kept'), 1, '... on one connection');
	return;
}

# Sessions do not disturb each other.
sub test_two_sessions
{
	my @sessions;
	my @rows;

	$t->scenario('shared', 'plainids');
	push @sessions, KeyapiSession->new($t) for 1, 2;
	foreach my $session (@sessions)
	{
		$session->run("BEGIN;"
			  . " DECLARE c CURSOR FOR SELECT id FROM shared WHERE region = 'US';");
	}
	foreach my $n (15, 15, 5)
	{
		push @{ $rows[$_] },
		  split /\n/, $sessions[$_]->run("FETCH $n FROM c;")->{rows}
		  for 0, 1;
	}
	$_->quit foreach @sessions;
	is_deeply($rows[$_], [ map { "US7vv$_" } 1 .. 35 ],
		'interleaved cursors of two sessions')
	  for 0, 1;
	is($t->emulator->count('shared'), 4, '... pay for what each has read');
	is($t->emulator->connections('shared'), 2, '... on a connection each');
	return;
}

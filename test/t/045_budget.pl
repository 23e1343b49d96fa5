# What a statement may spend: by the user's setting and by the server's option,
# over all that runs within it.

use strict;
use warnings;

use Test::More;

use KeyapiSession;
use KeyapiTest;

my $t = KeyapiTest->new;

# 100 videos a list: 5 pages, 10 credits
$t->scenario('b', 'total=100');
$t->one_by_one('b');
$t->scenario('other', 'total=100');
$t->one_by_one('other');
$t->count_titles('b');
$t->sql(<<'END');
CREATE TABLE codes AS SELECT * FROM (VALUES (1, 'US'), (2, 'GB'), (3, 'FR')) x(n, code);
END

test_up_front();
test_each_request();
test_whole_statement();
test_statements();
test_server_option();
test_setting();

$t->stop;
done_testing();

sub may_spend
{
	my ($credits) = @_;
	return "SET keyapi_fdw.max_credits = $credits; ";
}

# Where all that will be read is known, its price is: nothing is spent in vain.  A
# list of unknown length is taken for one of 25 pages.
sub test_up_front
{
	my @too_dear = (
		[ 49, 'SELECT count(*) FROM b', 50 ],
		[ 49, 'SELECT * FROM b ORDER BY title', 50 ],
		[ 99, "SELECT count(*) FROM b WHERE region IN ('US', 'GB')", 100 ],
		[ 3,  'SELECT count(*) FROM b WHERE rank <= 40', 4 ],
		[ 5,  'SELECT count(*) FROM b WHERE rank IN (1, 50, 490)', 6 ],
		[ 9,  'SELECT rank FROM b LIMIT 81', 10 ],
		[ 9,  'SELECT rank FROM b ORDER BY rank LIMIT 81', 10 ],
		[ 1,  'SELECT rank FROM b LIMIT 1', 2 ],
		[ 0,  'SELECT count(*) FROM b', 50 ],
		[ 1000, q{SELECT rank FROM b WHERE region = ANY (}
			  . q{ARRAY(SELECT 'R' || n FROM generate_series(1, 2000) n)) ORDER BY rank}, 100_000 ]);

	foreach my $case (@too_dear)
	{
		my ($credits, $sql, $needed) = @$case;

		$t->fails('b', may_spend($credits) . $sql, '54000',
			qr/needs up to $needed credits, but keyapi_fdw\.max_credits allows $credits\n/,
			"$credits credits are not enough: $sql", requests => 0);
	}
	$t->answers('b', may_spend(50) . 'SELECT count(*) FROM b', '100', 5, 'enough');
	$t->answers('b', may_spend(10) . 'SELECT max(rank) FROM b WHERE rank <= 100',
		'100', 5, 'exactly enough');
	$t->answers('b', may_spend(2) . 'SELECT rank FROM b LIMIT 1', '1', 1,
		'enough for a LIMIT');
	$t->answers('b', may_spend(2) . 'SELECT count(*) FROM b WHERE rank <= 20',
		'20', 1, 'enough for ranks');
	$t->answers('b', may_spend(0) . 'SELECT count(*) FROM b WHERE rank < 1',
		'0', 0, 'nothing costs nothing');
	$t->answers('b', may_spend(0) . 'SELECT count(*) FROM b WHERE false',
		'0', 0, '... whatever the plan');
	$t->answers('b', may_spend(-1) . 'SELECT count(*) FROM b', '100', 5, 'no limit');
	$t->sql(may_spend(0) . 'EXPLAIN SELECT * FROM b');
	return;
}

# Where it is not known how much will be read, each request is checked.
sub test_each_request
{
	my $cursor = 'BEGIN; DECLARE c CURSOR FOR SELECT rank FROM b; ';

	$t->answers('b', may_spend(4) . "$cursor MOVE 39 IN c; FETCH 1 FROM c", '40', 2,
		'a cursor that stops in time');
	$t->fails('b', may_spend(4) . "$cursor MOVE 41 IN c", '54000',
		qr/needs at least 6 credits, but keyapi_fdw\.max_credits allows 4\nDETAIL: +The statement has spent 4 credits; the next request needs 2 more\./,
		'... and one that does not', requests => 2);
	$t->fails('b', may_spend(5) . "$cursor MOVE 41 IN c", '54000', qr/needs at least 6/,
		'half a request cannot be bought', requests => 2);
	return;
}

# Functions, several scans and rescans share the budget of the statement.
sub test_whole_statement
{
	my $nested = 'SET enable_hashjoin = off; SET enable_mergejoin = off;';

	$t->answers('b', may_spend(12) . "SELECT sum(titles(code, 40)) FROM codes",
		'120', 6, 'three calls');
	$t->fails('b', may_spend(11) . "SELECT titles(code, 40) FROM codes ORDER BY n",
		'54000', qr/needs at least 12 credits/, '... that are too dear', requests => 5);
	$t->fails('b', may_spend(11) . 'DO $$ BEGIN PERFORM titles(code, 40) FROM codes; END $$',
		'54000', qr/needs at least 12 credits/, '... in a DO block', requests => 5);
	my $two_scans = 'SELECT count(*) FROM b x JOIN b y USING (rank)'
	  . " WHERE x.region = 'US' AND y.region = 'GB' AND x.rank <= 40 AND y.rank <= 40";

	$t->answers('b', may_spend(8) . $two_scans, '40', 4, 'two scans');
	# a join may stop before it has read all of a side
	$t->fails('b', may_spend(7) . $two_scans, '54000', qr/needs at least 8 credits/,
		'... that are too dear', requests => 3);
	$t->fails('b', may_spend(7) . "$nested SELECT count(*) FROM codes JOIN b ON region = code"
		  . ' WHERE rank <= 40', '54000', qr/needs up to 8 credits/,
		'rescans that are too dear', requests => 2);
	$t->fails('b', may_spend(7) . 'SELECT (SELECT count(*) FROM b WHERE rank <= 40),'
		  . ' (SELECT count(*) FROM other WHERE rank <= 40)', '54000',
		qr/needs up to 8 credits/, 'two servers');

	# an error that is caught gives nothing back
	$t->answers('b', may_spend(5) . <<'END' . 'SELECT 1', '1', 2, 'a caught error');
SET client_min_messages = warning;
DO $$
BEGIN
  FOR i IN 1 .. 3 LOOP
    BEGIN
      PERFORM titles('US', 100);
    EXCEPTION WHEN program_limit_exceeded THEN
      NULL;
    END;
  END LOOP;
END $$;
END
	return;
}

# Each message of the client has a budget of its own.  (Cursors: 036_cursors.)
sub test_statements
{
	my $session = KeyapiSession->new($t);

	$session->sql('SET keyapi_fdw.max_credits = 4;');
	foreach my $i (1 .. 3)
	{
		is($session->run("SELECT titles('US', 40);")->{rows}, '40', "statement $i");
	}
	# what one message brings together is one
	like($session->run(q{SELECT titles('US', 40) \; SELECT titles('GB', 40);})->{stderr},
		qr/54000.*needs at least 6/, 'two statements in one message');

	# the procedure's transactions are one statement
	$session->sql(<<'END');
CREATE PROCEDURE commits() LANGUAGE plpgsql AS $$
BEGIN
  FOR i IN 1 .. 3 LOOP
    PERFORM titles((ARRAY['US', 'GB', 'FR'])[i], 20);
    COMMIT;
  END LOOP;
END $$;
END
	like($session->run('CALL commits();')->{stderr}, qr/54000.*needs at least 6/,
		'a procedure that commits');
	$session->quit;
	return;
}

# The server's option rules where it is smaller, and for its own requests only.
sub test_server_option
{
	$t->sql("ALTER SERVER b OPTIONS (ADD max_credits '4')");
	$t->fails('b', may_spend(-1) . 'SELECT count(*) FROM b WHERE rank <= 60', '54000',
		qr/needs up to 6 credits, but option "max_credits" of the server allows 4\n/,
		"the server's limit", requests => 0);
	$t->fails('b', may_spend(2) . 'SELECT count(*) FROM b WHERE rank <= 60', '54000',
		qr/keyapi_fdw\.max_credits allows 2\n/, "the user's, if smaller", requests => 0);
	$t->answers('b', may_spend(4) . 'SELECT count(*) FROM b WHERE rank <= 40', '40', 2,
		'both kept');
	$t->answers('b', may_spend(10) . 'SELECT (SELECT count(*) FROM other WHERE rank <= 60),'
		  . ' (SELECT count(*) FROM b WHERE rank <= 40)', '60|40', 2,
		"what other servers cost is not the server's business");
	$t->sql("ALTER SERVER b OPTIONS (SET max_credits '0')");
	$t->fails('b', 'SELECT rank FROM b LIMIT 1', '54000', qr/allows 0\n/,
		'a server that may not be asked', requests => 0);
	$t->sql('ALTER SERVER b OPTIONS (DROP max_credits)');
	return;
}

sub test_setting
{
	my $load = 'DO $$ BEGIN PERFORM FROM b WHERE rank < 1; END $$; ';

	is($t->sql("$load SHOW keyapi_fdw.max_credits"), '1000', 'the default');
	$t->fails('b', "$load SET keyapi_fdw.max_credits = -2", '22023', qr/-2/,
		'a negative limit');
	$t->fails('b', "$load SET keyapi_fdw.max_credit = 1", '42602', qr/max_credit/,
		'a misspelt setting');
	$t->fails('b', may_spend(1) . "SELECT count(*) FROM b WHERE rank = 1", '54000',
		qr/allows 1\n/, 'a setting from before the library was loaded');
	return;
}

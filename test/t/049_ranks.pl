# Ranks: which pages a query needs that restricts rank or page.

use strict;
use warnings;

use Test::More;

use KeyapiTest;

my $t = KeyapiTest->new;

$t->scenario('t', 'plainids;total=45');

test_types();
test_wide_and_narrow_columns();
test_hypothetical_ranks();
test_gaps();

$t->stop;
done_testing();

# A column for ranks may have any type of number, or text.
sub test_types
{
	$t->server('w', 'plainids;total=3');
	$t->mapping('w');
	foreach my $type (qw(int2 int8 numeric text))
	{
		my $column = $type eq 'text' ? 'rank::int' : 'rank';

		$t->sql("CREATE FOREIGN TABLE rank_$type (rank $type, id text) SERVER w"
			  . q{ OPTIONS (page_size '1')});
		# a cast of text may fail, so it chooses no pages
		my $all = $type eq 'text' ? 3 : undef;

		$t->answers('w', "SELECT count(*) FROM rank_$type WHERE $column <= 2", 2, $all // 2, "rank as $type: <=");
		$t->answers('w', "SELECT count(*) FROM rank_$type WHERE $column = 3", 1, $all // 1, "rank as $type: =");
		$t->answers('w', "SELECT count(*) FROM rank_$type WHERE $column < 1", 0, $all // 0, "rank as $type: nothing");
		$t->answers('w', "SELECT count(*) FROM rank_$type WHERE $column < 2.5", 2, $all // 2,
			"rank as $type and a fraction");
		$t->answers('w', "SELECT count(*) FROM rank_$type WHERE $column < 2.00000000000000000001", 2, $all // 2,
			"rank as $type and a number a little larger");
		$t->answers('w', "SELECT count(*) FROM rank_$type WHERE $column > 1.99999999999999999999", 2, $all // 2,
			"rank as $type and a number a little smaller");
		$t->answers('w', "SELECT count(*) FROM rank_$type WHERE $column < 3.00", 2, $all // 2,
			"rank as $type and a number with zeros");
	}
	return;
}

# A column may have room for more or for fewer numbers than there are ranks.
sub test_wide_and_narrow_columns
{
	$t->sql(<<'END');
CREATE FOREIGN TABLE wide (region text, rank bigint) SERVER t;
CREATE FOREIGN TABLE narrow (region text, rank smallint) SERVER t;
CREATE FOREIGN TABLE coarse (region text, rank numeric(4, -2)) SERVER t;
END
	$t->answers('t', "SELECT * FROM wide WHERE rank = $_", '', 0,
		"no list has a rank $_")
	  foreach '2147483648', '85899345941', '900000000000001';
	$t->answers('t', 'SELECT * FROM narrow WHERE rank = 40000', '', 1,
		'a rank that the column cannot hold');
	$t->answers('t', 'SELECT count(*) FROM coarse WHERE rank = 0', '45', 3,
		'a column that rounds its ranks');
	return;
}

# Conditions are tried on ranks to learn which pages are needed, but only those
# that cannot fail: the list may have no such rank.
sub test_hypothetical_ranks
{
	$t->sql(<<'END');
CREATE DOMAIN up_to_45 AS int CHECK (value <= 45);
CREATE FOREIGN TABLE bounded (rank up_to_45, id text) SERVER t;
CREATE FOREIGN TABLE lettered (rank varchar(2), id text) SERVER t;
END
	$t->answers('t', "SELECT count(*) FROM t WHERE $_->[0]", $_->[1], $_->[2], $_->[0])
	  foreach [ '100 / (rank - 46) < 0', 45, 3 ],
	  [ '100 / (rank - 60) <> 0 AND rank <= 20', 20, 1 ],
	  [ '1 / (page - 4) = 0', 44 - 4, 3 ],
	  [ 'rank % 40 = 1', 2, 2 ],
	  [ 'page / 3 % 2 = 1', 5, 1 ],
	  [ "CASE WHEN rank > 5 THEN rank = 900 ELSE rank IN (2, 3) END", 2, 2 ];
	$t->fails('t', 'SELECT id FROM t WHERE 100 / (rank - 45) < 0', 22012, qr/division by zero/,
		'a condition that fails for a rank that there is');
	$t->answers('t', 'SELECT count(*) FROM bounded WHERE rank IN (1, 44)', 2, 2,
		'a column whose domain has only the ranks that there are');
	$t->answers('t', q{SELECT count(*) FROM lettered WHERE rank IN ('1', '44')}, 2, 2,
		'a column that has only room for them');
	return;
}

# A gap between the ranks that are wanted costs nothing, however wide.
sub test_gaps
{
	$t->scenario('untold', 'nototal;total=45');
	$t->answers('untold', 'SELECT rank FROM untold WHERE rank IN (1, 2000000000)',
		'1', 1, 'a wide gap in the ranks of a list of unknown length');

	$t->scenario('boasting', 'total=45;lietotal=1000000000');
	# a hang guard, of many times what it takes
	$t->answers(
		'boasting', "SET statement_timeout = '20s';
SELECT count(*) FROM boasting WHERE rank <= 20 OR rank % 7 = 8",
		20, 1, 'ranks that nobody wants, of a list that is said to have very many');
	return;
}

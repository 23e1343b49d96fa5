# Orders, numbers and amounts that few queries have.

use strict;
use warnings;

use Test::More;

use KeyapiTest;

my $t = KeyapiTest->new;

$t->scenario('t', 'plainids;total=45');

test_order();
test_ranks();
test_amounts();

$t->stop;
done_testing();

# The order of the lists is not taken for one that it is not.
sub test_order
{
	$t->answers(
		't', "SELECT rank, generate_series(1, rank) AS g FROM t
WHERE region = 'US' AND rank <= 2 ORDER BY rank, g DESC",
		"1|1\n2|2\n2|1", 1, 'several rows made of one are sorted');

	$t->sql(q{CREATE COLLATION nocase
(PROVIDER = icu, LOCALE = 'und-u-ks-level2', DETERMINISTIC = false)});
	$t->answers(
		't', q{SELECT string_agg(rank::text, ' ') FROM (SELECT rank FROM t
WHERE region IN ('US', 'us') AND rank <= 3 ORDER BY region COLLATE nocase, rank) s},
		'1 1 2 2 3 3', 2, 'regions that are equal for the sort are sorted as one');
	return;
}

# Columns that hold ranks may be wider or narrower than ranks are.
sub test_ranks
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

	test_hypothetical_ranks();

	$t->scenario('untold', 'nototal;total=45');
	$t->answers('untold', 'SELECT rank FROM untold WHERE rank IN (1, 2000000000)',
		'1', 2, 'a wide gap in the ranks of a list of unknown length');

	$t->scenario('boasting', 'total=45;lietotal=1000000000');
	# a hang guard, of many times what it takes
	$t->answers(
		'boasting', "SET statement_timeout = '20s';
SELECT count(*) FROM boasting WHERE rank <= 20 OR rank % 7 = 8",
		20, 2, 'ranks that nobody wants, of a list that is said to have very many',
		warning => qr/ended early/);

	$t->cached_scenario('vast', 'total=45;fault=field,name=total_count,as=int8max');
	$t->answers('vast', 'SELECT rank FROM vast LIMIT 1;
SELECT total_pages, pages FROM keyapi_fdw_cache WHERE endpoint IS NOT NULL', "1\n2147483647|1", 1,
		'a list that is said to have more pages than there are numbers');
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
	  [ "CASE WHEN rank > 5 THEN rank = 900 ELSE rank IN (2, 3) END", 2, 1 ];
	$t->fails('t', 'SELECT id FROM t WHERE 100 / (rank - 45) < 0', 22012, qr/division by zero/,
		'a condition that fails for a rank that there is');
	$t->answers('t', 'SELECT count(*) FROM bounded WHERE rank IN (1, 44)', 2, 2,
		'a column whose domain has only the ranks that there are');
	$t->answers('t', q{SELECT count(*) FROM lettered WHERE rank IN ('1', '44')}, 2, 2,
		'a column that has only room for them');
	return;
}

# A query may ask for more lists than can be thought about for long.
sub test_amounts
{
	my $lists = q{ARRAY(SELECT 'R' || n FROM generate_series(1, %d) n)};

	$t->fails(
		't', "SET statement_timeout = '1s';
SELECT rank FROM t WHERE region = ANY (" . sprintf($lists, 100_000) . ') ORDER BY rank',
		57014, qr/statement timeout/, 'binding many lists can be interrupted',
		requests => 0);
	# a hang guard, of many times what it takes
	$t->answers(
		't', "SET statement_timeout = '20s';
SELECT count(*) FROM t WHERE period = 8 AND (region = ANY (" . sprintf($lists, 200_000) . ')
OR region = ANY (' . sprintf($lists, 300_000) . '))',
		0, 0, 'each of many values is looked at once');
	$t->fails(
		't', 'SELECT rank FROM t WHERE region = ANY (' . sprintf($lists, 2000) . ')
ORDER BY rank', 54000, qr/up to 100000 credits/, 'the price of many lists',
		requests => 0);
	return;
}

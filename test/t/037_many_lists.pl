# A statement that names very many lists is refused by their number alone: before any of
# them is opened, so that the cache stays as it is.  What is paid for counts as such.

use strict;
use warnings;

use Test::More;

use KeyapiTest;

my $t = KeyapiTest->new(conf => KeyapiTest->shared);

# 20 videos a list: 1 page, 2 credits
$t->cached_scenario('b', 'total=20');
$t->scenario('uncached', 'total=20');

# What would take minutes must not hang the test.
my $guard = "SET statement_timeout = '60s'; ";

test_refused();
test_paid_for();
test_statement();

$t->stop;
done_testing();

# "= ANY" with so many regions
sub regions
{
	my ($number) = @_;
	return "region = ANY (ARRAY(SELECT 'R' || n FROM generate_series(1, $number) n))";
}

# The cached lists, and their pages
sub cached
{
	return $t->sql('SELECT count(*), coalesce(sum(pages), 0) FROM keyapi_fdw_cache');
}

sub test_refused
{
	my $many = regions(100_000);

	$t->sql('SELECT count(*) FROM b');
	foreach my $case (
		[ 'SELECT count(*) FROM b WHERE', '', 5_000_000 ],
		[ 'SELECT count(*) FROM b WHERE', 'AND rank <= 20', 200_000 ],
		[ 'SELECT count(*) FROM b WHERE', 'AND rank % 20 = 1', 5_000_000 ],
		[ 'SELECT count(*) FROM b WHERE', "AND region LIKE 'R%' AND period IN (7, 30)", 10_000_000 ],
		[ 'SELECT title FROM b WHERE', 'ORDER BY region, rank LIMIT 1000000', 100_000 ],
		[ 'SELECT title FROM b WHERE', 'ORDER BY rank LIMIT 1000000', 5_000_000 ],
		[ 'DECLARE c CURSOR WITH HOLD FOR SELECT title FROM b WHERE', '', 5_000_000 ])
	{
		my ($select, $condition, $credits) = @$case;

		$t->fails('b', "$guard$select $many $condition", '54000',
			qr/needs up to $credits credits, but keyapi_fdw\.max_credits allows 1000\nDETAIL: .* spent nothing; the next \d+ lists need up to $credits\.\n/,
			"$select ... $condition", requests => 0);
		is(cached(), '1|1', '... and the cache is as it was');
	}

	# where it is not known how many are read, they are read one by one
	$t->answers('b', "$guard BEGIN; DECLARE c CURSOR FOR SELECT 1 FROM b WHERE $many; FETCH 1 FROM c", 1, 1, 'a cursor');
	$t->answers('b', "$guard SELECT count(*) FROM (SELECT FROM b WHERE $many ORDER BY rank LIMIT 3) x", 3, 2, 'a LIMIT, one of its lists being cached');
	return;
}

# Lists that are cached cost nothing, however many they are; and one that is missing
# does not open the others.
sub test_paid_for
{
	my $some = regions(300);

	$t->sql("SET keyapi_fdw.max_credits = -1; SELECT count(*) FROM b WHERE $some AND period = 30");
	foreach my $max (0, 10)
	{
		$t->answers('b', "SET keyapi_fdw.max_credits = $max; SELECT count(*) FROM b WHERE $some AND period = 30",
			6000, 0, "cached lists with $max credits");
	}
	$t->answers('b', "SET keyapi_fdw.max_credits = 20; SELECT count(*) FROM b WHERE "
		  . regions(310) . ' AND rank <= 20 AND period = 30', 6200, 10, '... and others that can be paid for');
	my $before = cached();
	foreach my $number (311, 320, 450)
	{
		$t->fails('b', "SET keyapi_fdw.max_credits = 1; SELECT count(*) FROM b WHERE " . regions($number) . ' AND period = 30',
			'54000', qr/needs up to \d+ credits/, "... and not: $number lists", requests => 0);
	}
	is(cached(), $before, '... which leaves the cache as it was');
	return;
}

# What the statement has read is free, without a cache too.
sub test_statement
{
	my $some = regions(150) . ' AND rank <= 20';
	my $count = "(SELECT count(*) FROM uncached WHERE $some)";

	$t->answers('uncached', "SET keyapi_fdw.max_credits = 300; SELECT $count, $count + 0", '3000|3000', 150,
		'two scans of the same lists');
	$t->fails('uncached', "SET keyapi_fdw.max_credits = 298; SELECT $count", '54000', qr/needs up to 300 credits/,
		'... that are too dear', requests => 0);
	return;
}

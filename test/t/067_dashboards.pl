# A statement that reads more lists than the cache holds pays again for those that do
# not fit, not for all: it drops what others have used before, but never its own.  And
# no session waits for a cache that is made smaller.

use strict;
use warnings;

use Test::More;

use KeyapiSession;
use KeyapiTest;

# Pages of a list
my $pages = 3;

my $t = KeyapiTest->new(conf => KeyapiTest->preloaded . "keyapi_fdw.max_credits = 100000\n");

test_again($_) foreach 70, 130;
test_others();
test_smaller();
test_failed_lists();

$t->stop;
done_testing();

# "= ANY" with so many regions
sub regions
{
	my ($number) = @_;
	return "region = ANY (ARRAY(SELECT 'R' || n FROM generate_series(1, $number) n))";
}

# How many lists are in the cache, and whole
sub whole_lists
{
	return $t->sql('SELECT count(*) FROM keyapi_fdw_cache WHERE pages = total_pages');
}

# Start anew with an empty cache of 4 MB.
sub begin
{
	my ($name) = @_;

	$t->cache_size('4MB');
	$t->sql('SELECT keyapi_fdw_cache_clear()');
	$t->cached_scenario($name, 'nogzip;total=' . 20 * $pages);
	return;
}

# Read so many lists three times, in several ways.
sub test_again
{
	my ($number) = @_;
	my $condition = regions($number);
	my $name = "again$number";
	my %ways = (
		'list after list' => "SELECT count(*) FROM $name WHERE $condition",
		'by rank' => "SELECT count(*) FROM (SELECT rank FROM $name WHERE $condition ORDER BY rank OFFSET 0) x",
		'by rank at any price' => 'SET keyapi_fdw.max_credits = -1;'
		  . " SELECT count(*) FROM (SELECT rank FROM $name WHERE $condition ORDER BY rank OFFSET 0) x",
		'in a loop' => "DO \$\$ BEGIN FOR i IN 1..$number LOOP"
		  . " ASSERT (SELECT count(*) FROM $name WHERE region = 'R' || i) = 60; END LOOP; END \$\$");

	begin($name);
	foreach my $way (sort keys %ways)
	{
		my $rows = $way eq 'in a loop' ? '' : $number * 20 * $pages;

		$t->sql('SELECT keyapi_fdw_cache_clear()');
		$t->answers($name, $ways{$way}, $rows, $number * $pages, "$number lists $way");
		my $missing = $number - whole_lists();

		cmp_ok($t->sql('SELECT sum(bytes) FROM keyapi_fdw_cache'), '>', 2.5 * 1024 * 1024, '... fill the cache');
		foreach my $time ('second', 'third')
		{
			my $result = $t->ask($name, $ways{$way});

			is($result->{rows}, $rows, "... the $time time");
			cmp_ok($result->{requests}, '<=', $pages * ($missing + $number / 10), "... pays for what does not fit ($missing lists)");
		}
	}
	return;
}

# What a statement has not used makes way for what it reads.
sub test_others
{
	begin('others');
	$t->sql('SELECT count(*) FROM others WHERE ' . regions(70));
	$t->answers('others', 'SELECT count(*) FROM others WHERE period = 30 AND ' . regions(20), 1200, 60, 'other lists');
	$t->answers('others', 'SELECT count(*) FROM others WHERE period = 30 AND ' . regions(20), 1200, 0, '... are cached');
	return;
}

# A cache that is made smaller, or empty, frees its memory a little at a time, and
# goes on meanwhile.
sub test_smaller
{
	my @sessions = map { KeyapiSession->new($t) } 1 .. 4;

	begin('smaller');
	$t->cache_size('64MB');
	$t->sql('SELECT count(*) FROM smaller WHERE ' . regions(700));
	is(whole_lists(), 700, 'many lists');
	$t->cache_size('1MB');
	foreach my $session (@sessions)
	{
		$session->start(join "\n", map { "SELECT 1 FROM smaller WHERE region = 'R$_' HAVING count(*) <> 60;" } 691 .. 700);
	}
	foreach my $session (@sessions)
	{
		my $result = $session->finish;

		is("$result->{stderr}$result->{rows}", '', 'sessions beside a cache that shrinks');
	}
	$t->answers('smaller', "SELECT count(*) FROM smaller WHERE region = 'R700'", 60, 0, '... whose last list is cached');
	$t->await('SELECT sum(bytes) < 1024 * 1024 FROM (SELECT count(*) FROM smaller) x, keyapi_fdw_cache', 'too large');
	$t->sql('SELECT keyapi_fdw_cache_clear()');
	is(whole_lists(), 0, 'an empty cache');
	$_->quit foreach @sessions;
	return;
}

# Lists whose requests fail take next to nothing from those that are paid for.
sub test_failed_lists
{
	begin('paid');
	$t->cached_scenario('failed', 'fault=status,code=400');
	$t->sql('SELECT count(*) FROM paid WHERE ' . regions(30));
	$t->sql('DO $$ BEGIN FOR i IN 1..500 LOOP BEGIN PERFORM 1 FROM failed WHERE region = \'F\' || i;'
		  . ' EXCEPTION WHEN OTHERS THEN NULL; END; END LOOP; END $$');
	$t->answers('paid', 'SELECT count(*) FROM paid WHERE ' . regions(30), 1800, 0, 'lists beside others that fail');
	return;
}

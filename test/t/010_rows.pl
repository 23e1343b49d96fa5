# Rows of lists: which there are, in which order, and what they cost.

use strict;
use warnings;

use Test::More;

use KeyapiTest;

my $t = KeyapiTest->new;

$t->read_lazily;

test_whole_list();
test_lazy_reading();
test_limit();
test_nothing_to_read();

$t->stop;
done_testing();

# One list is 25 requests, for 25 different pages of 20.
sub test_whole_list
{
	$t->scenario('whole');
	$t->answers(
		'whole',
		'SELECT count(*), count(DISTINCT id), min(rank), max(rank)'
		  . " FROM whole WHERE region = 'US'",
		'500|500|1|500', 25, 'a list has 500 videos');
	is_deeply([ sort { $a <=> $b } map { $_->{page} } $t->emulator->log('whole') ],
		[ 1 .. 25 ], 'each page is asked for once');
	is_deeply([ $t->asked('whole', qw(region period order_by limit status)) ],
		['US,7,vv,20,200'], '... of the same list');
	is_deeply(
		[ $t->asked('whole', 'query') ],
		[
			sort map { "page=$_&region=US&period=7&order_by=vv&limit=20" }
			  1 .. 25
		],
		'... and nothing else is said');
	cmp_ok($t->emulator->connections('whole'),
		'<=', 4, '... on no more connections than max_concurrency');

	$t->answers(
		'whole',
		"SELECT array_agg(rank) = array(SELECT generate_series(1, 500))"
		  . " FROM whole WHERE region = 'US'",
		't', 25, 'rows come by rank');
	$t->answers(
		'whole',
		'SELECT DISTINCT page = (rank - 1) / 20 + 1, total_count,'
		  . ' id = item_id AND length(id) = 19,'
		  . " item_url LIKE '%/' || id, cover LIKE 'https://%',"
		  . " country_code, region_name, duration > 0, request_id <> '',"
		  . ' fetched_at BETWEEN now() AND clock_timestamp(),'
		  . " attrs->>'title' = title"
		  . " FROM whole WHERE region = 'US'",
		't|500|t|t|t|US|United States|t|t|t|t',
		25, 'every column has what it is for');
	return;
}

# A reader that may stop after any row gets one page at a time.
sub test_lazy_reading
{
	$t->scenario('lazy');
	$t->answers(
		'lazy',
		"SELECT count(*) FROM lazily('SELECT rank FROM lazy') rank",
		'500', 25, 'a list, page by page');
	is_deeply([ map { $_->{page} } $t->emulator->log('lazy') ],
		[ 1 .. 25 ], '... in order');
	is($t->emulator->connections('lazy'), 1, '... on one connection');
	$t->answers(
		'lazy', '
BEGIN;
DECLARE c CURSOR FOR SELECT rank FROM lazy;
MOVE 20 FROM c;
MOVE 1 FROM c;
COMMIT;',
		'', 2, 'a cursor');
	return;
}

# A page is asked for when a row of it is.
sub test_limit
{
	my %requests = (0 => 0, 1 => 1, 10 => 1, 20 => 1, 21 => 2, 25 => 2);

	$t->scenario('limits');
	foreach my $limit (sort { $a <=> $b } keys %requests)
	{
		$t->answers(
			'limits',
			"SELECT count(*) FROM (SELECT * FROM limits"
			  . " WHERE region = 'US' LIMIT $limit) x",
			$limit, $requests{$limit}, "LIMIT $limit");
	}
	$t->answers(
		'limits',
		"SELECT min(rank), max(rank) FROM (SELECT * FROM limits"
		  . " WHERE region = 'US' ORDER BY rank LIMIT 25) x",
		'1|25', 2, 'ORDER BY rank LIMIT 25');
	$t->answers(
		'limits',
		"SELECT rank FROM limits WHERE region = 'US' ORDER BY rank OFFSET 30 LIMIT 1",
		'31', 2, 'OFFSET reads what it skips');
	$t->answers(
		'limits',
		"SELECT min(rank), max(rank) FROM (SELECT rank FROM limits"
		  . " WHERE region = 'US' AND rank > 100 ORDER BY rank LIMIT 10) x",
		'101|110', 1, 'a condition on rank does not');
	$t->answers('limits',
		"SELECT count(*) FROM limits WHERE region = 'US' AND rank <= 40",
		'40', 2, 'the first 40 are two pages');
	return;
}

# Conditions that no row can satisfy cost nothing.
sub test_nothing_to_read
{
	my @impossible = (
		'false',
		'region = NULL',
		"region = ''",
		"region = repeat('x', 65)",
		"region = 'US' AND region = 'FR'",
		"region = ANY ('{}')",
		'period = 8',
		"order_by = 'views'",
		'rank < 1',
		'rank IS NULL',
		'page = 0',
		'rank = 5 AND page = 2');

	$t->scenario('nothing');
	foreach my $where (@impossible)
	{
		$t->answers('nothing', "SELECT * FROM nothing WHERE $where",
			'', 0, "WHERE $where asks for nothing");
	}
	$t->sql('CREATE TABLE nobody (id text, code text)');
	$t->answers('nothing',
		'SELECT count(*) FROM nobody JOIN nothing USING (id)',
		'0', 0, 'a join with an empty table asks for nothing');
	return;
}

# Reading ahead: several pages at a time where all of them will be read, and
# never one that the query cannot read.

use strict;
use warnings;

use Test::More;

use KeyapiSession;
use KeyapiTest;

my $t = KeyapiTest->new;
my $emulator = $t->emulator;

# 500 videos a list: 25 pages
$t->scenario('ahead', 'plainids');
$t->sql("ALTER SERVER ahead OPTIONS (ADD max_concurrency '8')");

test_window();
test_window_over_lists();
test_whole_reads();
test_partial_reads();
test_joins();
test_other_runs();
test_failures_ahead();
test_wrong_totals();
test_rescans();

$t->stop;
done_testing();

# Test what each of the queries gives and asks for.
sub test_queries
{
	my ($setting, @queries) = @_;

	foreach my $query (@queries)
	{
		my ($sql, $rows, $requests, %options) = @$query;

		local $Test::Builder::Level = $Test::Builder::Level + 1;
		$t->answers('ahead', "$setting$sql", $rows, $requests, $sql, %options);
	}
	return;
}

# Where all is read: first a page alone, then as many as max_concurrency says.
sub test_window
{
	my $session = KeyapiSession->new($t);

	$t->scenario('narrow', 'fault=stall,page=1-4');
	$t->sql("ALTER SERVER narrow OPTIONS (ADD max_concurrency '3')");
	$session->start("SELECT count(*), max(rank) FROM narrow WHERE region = 'US';");
	$emulator->await_stalled('narrow', 1);
	is($emulator->count('narrow'), 1, 'the first page goes alone');
	$emulator->release('narrow');
	$emulator->await_stalled('narrow', 3);
	is($emulator->count('narrow'), 4, 'then three are under way');
	$emulator->release('narrow');
	is($session->finish->{rows}, '500|500', 'all rows arrive');
	is($emulator->count('narrow'), 25, '... at 25 requests');
	cmp_ok($emulator->connections('narrow'), '<=', 3, '... on three connections');
	$session->quit;
	return;
}

# Only the first page of a list whose end is not known is asked for ahead, and all
# pages of a list whose end is known.
sub test_window_over_lists
{
	my $session = KeyapiSession->new($t);

	$t->scenario('lists', 'plainids;total=45;fault=stall,page=1');
	$t->sql("ALTER SERVER lists OPTIONS (ADD max_concurrency '8')");
	$session->start(
		"SELECT string_agg(id, ' ' ORDER BY n) FROM (SELECT id, row_number() OVER () n"
		  . " FROM lists WHERE region IN ('US', 'FR', 'GB')) x WHERE n % 20 = 1;");
	$emulator->await_stalled('lists', 1);
	is_deeply(
		[ map { "$_->{region} $_->{page}" } $emulator->log('lists') ],
		['FR 1'], 'the first list goes first');
	$emulator->release('lists');
	$emulator->await_stalled('lists', 2);
	$emulator->await_requests('lists', 5);
	is_deeply(
		[ sort map { "$_->{region} $_->{page}" } $emulator->log('lists') ],
		[ 'FR 1', 'FR 2', 'FR 3', 'GB 1', 'US 1' ],
		'then its other pages, and the first of each other list');
	$emulator->release('lists');
	is( $session->finish->{rows},
		'FR7vv1 FR7vv21 FR7vv41 GB7vv16 GB7vv36 US7vv11 US7vv31',
		'rows come list by list');
	is($emulator->count('lists'), 9, '... at three requests a list');
	$session->quit;
	return;
}

# Queries that read all of their lists
sub test_whole_reads
{
	test_queries(
		'',
		[ 'SELECT count(*) FROM ahead', '500', 25 ],
		[ 'SELECT count(*) FROM (SELECT id FROM ahead LIMIT 500) x', '500', 25 ],
		[ 'SELECT rank FROM ahead ORDER BY title COLLATE "C", rank DESC LIMIT 1 OFFSET 499',
			$t->sql('SELECT rank FROM ahead ORDER BY title COLLATE "C" DESC, rank LIMIT 1'),
			25 ],
		[ "SELECT region, count(*), min(rank), max(rank) FROM ahead"
			  . " WHERE region IN ('US', 'GB', 'ZZ') GROUP BY region ORDER BY region",
			"GB|500|1|500\nUS|500|1|500", 51, warning => qr/is empty/ ],
		[ 'SELECT max(rank) FROM ahead WHERE rank <= 100', '100', 5 ],
		[ 'SELECT count(*) FROM ahead WHERE rank BETWEEN 41 AND 81', '41', 3 ],
		[ "SELECT string_agg(id, ' ') FROM ahead WHERE rank IN (1, 50, 490)",
			'US7vv1 US7vv50 US7vv490', 3 ],
		[ 'SELECT count(*) FROM ahead WHERE page % 5 = 0', '100', 5 ],
		[ 'SELECT count(*) FROM ahead WHERE rank < 1', '0', 0 ],
		[ 'WITH c AS MATERIALIZED (SELECT * FROM ahead) SELECT count(*) FROM c JOIN c d USING (id)',
			'500', 25 ],
		[ 'SELECT count(*) FROM (SELECT id FROM ahead UNION ALL SELECT id FROM ahead) x',
			'1000', 25 ],
		[ 'CREATE TEMPORARY TABLE copy AS SELECT * FROM ahead; SELECT count(*) FROM copy',
			'500', 25 ]);

	# concurrent requests come in any order, each page once
	$emulator->reset('ahead');
	$t->sql('SELECT count(*) FROM ahead');
	is_deeply(
		[ sort { $a <=> $b } map { $_->{page} } $emulator->log('ahead') ],
		[ 1 .. 25 ], 'each page is asked for once');
	return;
}

# Queries that stop early: exactly the pages that they read
sub test_partial_reads
{
	my @ranks = map { join "\n", 1 .. $_ } 0 .. 100;

	test_queries(
		'',
		[ 'SELECT rank FROM ahead LIMIT 1', $ranks[1], 1 ],
		[ 'SELECT rank FROM ahead LIMIT 20', $ranks[20], 1 ],
		[ 'SELECT rank FROM ahead LIMIT 21', $ranks[21], 2 ],
		[ 'SELECT rank FROM ahead LIMIT 100', $ranks[100], 5 ],
		[ 'SELECT rank FROM ahead ORDER BY rank LIMIT 41', $ranks[41], 3 ],
		[ 'SELECT rank FROM ahead OFFSET 90 LIMIT 1', '91', 5 ],
		[ 'SELECT rank FROM ahead WHERE rank > 90 LIMIT 1', '91', 1 ],
		[ 'SELECT rank FROM ahead WHERE duration >= 0 LIMIT 41', $ranks[41], 3 ],
		[ "SELECT count(*) FROM (SELECT id FROM ahead WHERE region IN ('US', 'GB') LIMIT 520) x",
			'520', 26 ],
		[ 'SELECT rank FROM (SELECT rank FROM ahead LIMIT 100) x LIMIT 21', $ranks[21], 2 ],
		[ 'SELECT rank FROM (SELECT rank FROM ahead OFFSET 0) x LIMIT 21', $ranks[21], 2 ],
		[ 'WITH c AS MATERIALIZED (SELECT * FROM ahead) SELECT rank FROM c LIMIT 41',
			$ranks[41], 3 ],
		[ 'SELECT EXISTS (SELECT FROM ahead)', 't', 1 ],
		[ 'SELECT count(*) FROM generate_series(1, 3) WHERE EXISTS (SELECT FROM ahead WHERE rank > 30)',
			'3', 1 ],
		[ 'SELECT (SELECT rank FROM ahead LIMIT 1)', '1', 1 ],
		[ "SELECT rank FROM (SELECT rank, row_number() OVER (ORDER BY rank) n FROM ahead) x WHERE n <= 3",
			$ranks[3], 1 ],
		[ 'SELECT DISTINCT ON (region) rank FROM ahead LIMIT 1', '1', 1 ],
		[ 'SELECT g IN (SELECT rank FROM ahead WHERE rank >= g) FROM generate_series(1, 21, 20) g',
			"t\nt", 2 ],
		[ 'SELECT rank FROM ahead UNION ALL SELECT rank FROM ahead LIMIT 21', $ranks[21], 2 ]);
	return;
}

# Joins that may stop early read nothing ahead
sub test_joins
{
	my $merge = 'SET enable_hashjoin = off; SET enable_nestloop = off;';
	my $hash = 'SET enable_mergejoin = off; SET enable_nestloop = off;';

	test_queries(
		$merge,
		[ 'SELECT count(rank) FROM (SELECT rank FROM ahead'
			  . ' JOIN (SELECT generate_series(1, 45) AS rank OFFSET 0) g USING (rank) ORDER BY ahead.rank OFFSET 0) x',
			'45', 3 ]);
	test_queries(
		$hash,
		[ "SELECT count(*) FROM (SELECT * FROM generate_series(1, 3) n WHERE n > 5) g(rank) JOIN ahead USING (rank)",
			'0', 0 ]);
	test_queries(
		$t->nested_loops,
		[ 'SELECT count(*) FROM generate_series(1, 3) g, ahead', '1500', 25 ],
		[ 'SELECT count(*) FROM generate_series(1, 3) g WHERE EXISTS'
			  . ' (SELECT FROM ahead WHERE ahead.rank > g + random() * 0)',
			'3', 1 ]);
	return;
}

# A client that fetches some rows gets those, and no page behind them is asked for.
sub test_other_runs
{
	my $declare = 'BEGIN; DECLARE c CURSOR FOR SELECT rank FROM ahead;';

	$t->sql(<<'END');
CREATE FUNCTION leave_at(wanted int) RETURNS int LANGUAGE plpgsql AS $$
DECLARE
  r record;
BEGIN
  FOR r IN SELECT rank FROM ahead LOOP
    EXIT WHEN r.rank = wanted;
  END LOOP;
  RETURN r.rank;
END $$;
CREATE FUNCTION all_ranks() RETURNS SETOF int LANGUAGE sql VOLATILE AS 'SELECT rank FROM ahead';
CREATE FUNCTION first_rank() RETURNS int LANGUAGE sql VOLATILE AS 'SELECT rank FROM ahead';
CREATE FUNCTION count_rows() RETURNS bigint LANGUAGE sql VOLATILE AS 'SELECT count(*) FROM ahead';
END
	test_queries(
		'',
		[ "$declare FETCH 1 FROM c", '1', 1 ],
		[ "$declare MOVE 40 IN c; FETCH 1 FROM c", '41', 3 ],
		[ "$declare MOVE ALL IN c", '', 25 ],
		[ 'BEGIN; DECLARE c CURSOR WITH HOLD FOR SELECT rank FROM ahead; COMMIT; FETCH 1 FROM c',
			'1', 25 ],
		[ 'BEGIN; DECLARE c CURSOR FOR SELECT rank FROM ahead ORDER BY title; FETCH 0 FROM c',
			'', 0 ],

		# PL/pgSQL fetches 10 rows, then 50 at a time
		[ 'SELECT leave_at(1)', '1', 1 ],
		[ 'SELECT leave_at(10)', '10', 1 ],
		[ 'SELECT leave_at(11)', '11', 3 ],
		[ 'SELECT all_ranks() LIMIT 1', '1', 1 ],
		[ 'SELECT first_rank()', '1', 1 ],
		[ 'SELECT count_rows()', '500', 25 ],
		[ 'SELECT first_rank() FROM ahead WHERE rank = 50', '1', 2 ],
		[ 'SELECT count(first_rank()) FROM ahead WHERE rank <= 100', '100', 5 ]);
	return;
}

# The failure of a page that was asked for ahead is raised when a row of the page
# is due, and never if none is.
sub test_failures_ahead
{
	$t->scenario('fails', 'fault=status,code=400,page=4');
	$t->sql('CREATE SEQUENCE seen');
	$t->sql("ALTER SERVER fails OPTIONS (ADD max_concurrency '8')");
	$t->fails('fails', q{SELECT nextval('seen') FROM fails},
		'22023', qr/page 4/, 'page 4 fails');
	is($t->sql('SELECT last_value FROM seen'), 60,
		'... after the rows of the pages before');
	foreach my $fault ('status,code=400', 'body,message=oops')
	{
		$emulator->reset('fails');
		$t->change('fails', "fault=$fault,page=5");
		$t->fails('fails', 'SELECT 1 / (rank - 65) FROM fails',
			'22012', qr/division by zero/, "no error for a page that is not read: $fault");
		ok((grep { $_->{page} == 5 } $emulator->log('fails')),
			'... though it was asked for');
	}
	$t->change('fails', 'fault=status,code=400,page=4');
	$t->fails('fails', 'SELECT count(*) FROM fails WHERE rank <= 80',
		'22023', qr/page 4/, '... until it is read');
	return;
}

# Where the API announces more than it has, what was asked for ahead is in vain,
# but rows and warnings are the same.
sub test_wrong_totals
{
	$t->scenario('liar', 'plainids;empty=5');
	$t->sql("ALTER SERVER liar OPTIONS (ADD max_concurrency '8')");
	foreach my $case ([ 'empty=5', 80 ], [ 'samepage', 20 ], [ 'lietotal=900;hasmore=absent', 500 ],
		[ 'hasmore=lie-false', 20 ])
	{
		my ($settings, $rows) = @$case;
		my $result;

		$t->change('liar', "plainids;$settings");
		$result = $t->run('SELECT count(*) FROM liar');
		is($result->{rows}, $rows, "rows with $settings");
		is(scalar(() = $result->{stderr} =~ /WARNING/g), 1, '... and a warning');
	}
	return;
}

# A rescan uses the pages that are there already.
sub test_rescans
{
	test_queries(
		$t->nested_loops,
		[ "SELECT g.n, t.n FROM generate_series(1, 4) g(n) CROSS JOIN LATERAL"
			  . " (SELECT count(*) n FROM ahead WHERE rank <= 20 * g.n + random() * 0) t",
			"1|20\n2|40\n3|60\n4|80", 25 ],
		[ "SELECT c, t.n FROM unnest('{US,GB,US}'::text[]) c CROSS JOIN LATERAL"
			  . " (SELECT count(*) n FROM ahead WHERE region = c) t",
			"US|500\nGB|500\nUS|500", 50 ],
		[ "SELECT c, t.rank FROM unnest('{US,GB,US}'::text[]) c CROSS JOIN LATERAL"
			  . " (SELECT rank FROM ahead WHERE region = c LIMIT 1 OFFSET 60) t",
			"US|61\nGB|61\nUS|61", 8 ]);
	return;
}

# Scans that the executor will surely read share one window: their pages are asked
# for while another one waits, and never a page that would not be read.

use strict;
use warnings;

use Test::More;

use KeyapiSession;
use KeyapiTest;

my @REGIONS = qw(US GB FR DE JP BR IN ID);

my $t = KeyapiTest->new;
my $emulator = $t->emulator;

make_tables('lists', 'plainids');
make_tables('held', 'plainids;fault=stall');
$t->sql('CREATE TABLE one AS SELECT 1 AS n; CREATE TABLE none (code text); ANALYZE one, none');

test_together();
test_first_alone();
test_requests();
test_other_keys();
test_failures();
test_bill();

$t->stop;
done_testing();

# A scenario with a partitioned table NAME_parts, a partition for each region
sub make_tables
{
	my ($name, $settings) = @_;

	$t->scenario($name, $settings);
	$t->sql("ALTER SERVER $name OPTIONS (ADD max_concurrency '8')");
	$t->sql("CREATE TABLE ${name}_parts (region text, rank int, id text) PARTITION BY LIST (region)");
	$t->sql("CREATE FOREIGN TABLE ${name}_$_ PARTITION OF ${name}_parts FOR VALUES IN ('$_') SERVER $name")
	  foreach @REGIONS;
	return;
}

# The first pages of all regions, by UNION ALL
sub union
{
	my ($name, $condition) = @_;

	return join ' UNION ALL ', map { "(SELECT rank, id FROM $name WHERE region = '$_' $condition)" } @REGIONS;
}

# How many requests are in flight together, with a window of eight
sub test_together
{
	my $session = KeyapiSession->new($t);

	$t->is_together('held', $session, 'partitions', 8, 7, 'SELECT count(*) FROM held_parts WHERE rank <= 20;');
	$t->is_together('held', $session, 'partitions that are returned', 8, 7, 'SELECT id FROM held_parts WHERE rank <= 20;');
	$t->is_together('held', $session, 'partitions, two pages each', 16, 8,
		'SELECT count(*) FROM held_parts WHERE rank <= 40;');
	$t->is_together('held', $session, 'UNION ALL', 8, 7, union('held', 'AND rank <= 20') . ';');
	$t->is_together('held', $session, 'UNION ALL of limited lists', 8, 7, union('held', 'ORDER BY rank LIMIT 10') . ';');
	$t->is_together('held', $session, 'UNION ALL of aggregates', 8, 7,
		join(' UNION ALL ', map { "SELECT count(*) FROM held WHERE region = '$_' AND rank <= 20" } @REGIONS) . ';');
	$t->is_together('held', $session, 'MergeAppend', 8, 7,
		'SELECT rank FROM held_parts WHERE rank <= 20 ORDER BY rank;');
	$t->is_together('held', $session, 'INSERT', 8, 7,
		'CREATE TEMPORARY TABLE copy AS SELECT * FROM held_parts WHERE rank <= 20;');
	$t->is_together('held', $session, 'an aggregate behind a cursor', 8, 7,
		'BEGIN; DECLARE c CURSOR FOR SELECT count(*) FROM held_parts WHERE rank <= 20; FETCH 1 FROM c; COMMIT;');
	$t->is_together('held', $session, 'partitions that are pruned at executor start', 3, 2,
		"SET plan_cache_mode = force_generic_plan; PREPARE p(text[]) AS SELECT count(*) FROM held_parts"
		  . " WHERE rank <= 20 AND region = ANY (\$1); EXECUTE p('{US,FR,JP}');");
	$t->sql("ALTER SERVER held OPTIONS (SET max_concurrency '1')");
	$t->is_together('held', $session, 'one at a time', 8, 1, 'SELECT count(*) FROM held_parts WHERE rank <= 20;');
	$t->sql("ALTER SERVER held OPTIONS (SET max_concurrency '8')");
	$session->quit;
	return;
}

# A key that the API refuses costs one request, however many scans there are.
sub test_first_alone
{
	$t->change('lists', 'key=sk_live_other');
	$t->fails('lists', 'SELECT count(*) FROM lists_parts', '28000', qr/401/, 'a wrong key costs one request',
		requests => 1);
	$t->change('lists', 'plainids');
	return;
}

# Exactly the pages that are asked for one by one
sub test_requests
{
	my $nested = $t->nested_loops;
	my $parts = 'SELECT count(*) FROM lists_parts';

	asks("$parts WHERE rank <= 30", 16);
	asks("$parts WHERE region IN ('US', 'FR')", 50);
	asks(union('lists', 'AND rank > 480'), 8);
	asks('SELECT rank FROM lists_parts WHERE rank <= 40 ORDER BY rank', 16);
	asks('SELECT rank FROM lists_parts ORDER BY rank LIMIT 9', 8);

	# a list that two scans read is paid for once
	foreach my $ttl ('0', '15min')
	{
		$t->cached('lists', $ttl);
		asks('SELECT count(*) FROM (' . union('lists', 'AND rank <= 20') . ' UNION ALL ' . union('lists', 'AND rank <= 20') . ') x',
			8)
		  if $ttl eq '0';
		$t->answers('lists', "SELECT count(*) FROM (SELECT id FROM lists WHERE rank <= 60 AND region IN ('US', 'GB')"
			  . " UNION ALL SELECT id FROM lists WHERE rank <= 60 AND region IN ('GB', 'US')) x", 240, 6, "once with cache_ttl $ttl");
	}
	$t->cached('lists', '0');

	# what may stop
	asks('SELECT rank FROM lists_parts LIMIT 25', 2);
	asks('SELECT EXISTS (SELECT FROM lists_parts WHERE rank <= 20)', 1);
	asks('SELECT n FROM one WHERE EXISTS (SELECT FROM lists_parts WHERE rank > n + random() * 0)', 1, $nested);
	asks('BEGIN; DECLARE c CURSOR FOR SELECT rank FROM lists_parts WHERE rank <= 20; MOVE 21 IN c', 2);
	asks('BEGIN; DECLARE c CURSOR FOR ' . union('lists', 'AND rank <= 20') . '; MOVE 40 IN c', 2);
	asks('SELECT * FROM (' . union('lists', 'AND rank <= 20') . ') x LIMIT 20', 1);
	asks('SELECT count(*) FROM (' . union('lists', 'AND rank <= 20') . ' LIMIT 20) x', 1);

	# what may not be read at all: the inner side of a loop, a one-time filter, the
	# other side of a hash join, partitions that are pruned at run time
	asks("SELECT rank FROM lists WHERE rank <= 20 UNION ALL"
		  . ' SELECT l.rank FROM none JOIN lists l ON l.region = code', 1, $nested);
	asks("SELECT rank FROM lists WHERE rank <= 20 UNION ALL"
		  . " SELECT rank FROM lists WHERE region = 'FR' AND (SELECT count(*) FROM one) > 1", 1);
	asks("SELECT rank FROM lists WHERE rank <= 20 UNION ALL"
		  . " SELECT a.rank FROM lists a JOIN (SELECT * FROM lists WHERE region = 'FR' AND rank <= 20 AND id = '') b USING (id)"
		  . " WHERE a.region = 'DE'",
		undef, 'SET enable_nestloop = off; SET enable_mergejoin = off;');
	asks("$parts WHERE rank <= 20 AND region = (SELECT 'FR' FROM one)", 1);

	# the hash side of a join, and what a subquery tells
	asks("SELECT count(*) FROM lists a LEFT JOIN lists b ON a.rank = b.rank AND b.region = 'FR' AND b.rank <= 20"
		  . " WHERE a.region = 'US' AND a.rank <= 20", 2, 'SET enable_nestloop = off; SET enable_mergejoin = off;');
	asks("SELECT rank FROM lists WHERE rank <= 20 UNION ALL"
		  . " SELECT rank FROM lists WHERE region = ANY (ARRAY(SELECT 'FR' FROM one)) AND rank <= 20", 2);
	asks("WITH c AS MATERIALIZED ($parts WHERE rank <= 20) SELECT * FROM c UNION ALL SELECT * FROM c", 8);
	asks("WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL (SELECT n + 1 FROM c, (" . union('lists', 'AND rank <= 20')
		  . ") x WHERE n < 3 LIMIT 1)) SELECT count(*) FROM c", 8, $nested);
	return;
}

sub asks
{
	my ($sql, $requests, $settings) = @_;

	$settings //= '';
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	$t->asks_as_without_ahead('lists', "$settings$sql", $requests, $sql);
	return;
}

# Scans with another key, or at another server, have a window of their own.
sub test_other_keys
{
	$t->scenario('other', 'plainids');
	$t->answers('other', "SELECT count(*) FROM (SELECT id FROM lists WHERE rank <= 40 UNION ALL"
		  . " SELECT id FROM other WHERE rank <= 40 UNION ALL SELECT id FROM lists WHERE region = 'FR' AND rank <= 40) x",
		120, 2, 'two servers');
	return;
}

# A failure of what was asked for ahead is raised when it is due, and its page not
# tried again.
sub test_failures
{
	my $result;

	$t->change('lists', 'plainids;fault=status,code=500,region=FR');
	$t->sql("ALTER SERVER lists OPTIONS (ADD max_retries '1')");
	$result = $t->run(union('lists', 'AND rank <= 20') . ';');
	like($result->{stderr}, qr/58000.*region=FR/s, 'the failure of a later scan');
	$emulator->reset('lists');
	$t->run(union('lists', 'AND rank <= 20') . ';');
	is(scalar(grep { $_->{region} eq 'FR' } $emulator->log('lists')), 2, '... is tried as often as max_retries says');

	$t->change('lists', 'plainids;fault=status,code=400,region=FR');
	$t->answers('lists', 'SELECT count(*) FROM (' . union('lists', 'AND rank <= 20') . ' LIMIT 40) x', 40, 2,
		'... and none where it is not read');
	$t->change('lists', 'plainids');
	return;
}

# Each scan's bill shows what was asked for it.
sub test_bill
{
	my $explain = $t->sql('EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF)'
		  . ' SELECT count(*) FROM lists_parts WHERE rank <= 20');

	is(scalar(() = $explain =~ /Requests: 1$/mg), 8, 'one request in the bill of each scan');
	is(scalar(() = $explain =~ /Unread Pages: 0$/mg), 8, '... no page unread');
	is(scalar(() = $explain =~ /Cached Pages: 0$/mg), 8, '... none from elsewhere');
	return;
}

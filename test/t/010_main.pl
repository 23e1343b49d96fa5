
# The main job: rows of lists, and what they cost.

use strict;
use warnings;

use Test::More;

use KeyapiSession;
use KeyapiTest;

my $t = KeyapiTest->new;

$t->read_lazily;

test_whole_list();
test_lazy_reading();
test_limit();
test_parameters();
test_url_encoding();
test_defaults();
test_nothing_to_read();
test_explain();
test_connection();
test_two_sessions();
test_rescans();
test_joins();
test_join_on_region();
test_materialized_views();

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

# What a query says of the parameters is what is asked for, and what the rows
# say.  The ids of these lists name region, period, order_by and rank.
sub test_parameters
{
	my $check = 'count(*), bool_and(id = region || period || order_by || rank)';
	my @one_list = (
		"region = 'FR' AND period = 30 AND order_by = 'like'",
		"'FR' = region AND 30 = period AND order_by IN ('like')",
		"region = ANY ('{FR}') AND period IN (30) AND order_by = 'like'",
		"region = (SELECT 'FR'::text) AND period = 15 * 2 AND order_by = 'like'");

	$t->scenario('params', 'plainids');
	foreach my $where (@one_list)
	{
		$t->emulator->reset('params');
		$t->answers('params',
			"SELECT $check, min(id) FROM params WHERE $where AND rank <= 500",
			'500|t|FR30like1', 25, $where);
		is_deeply([ $t->asked('params', qw(region period order_by)) ],
			['FR,30,like'], '... asks for that list');
	}

	$t->emulator->reset('params');
	$t->answers(
		'params',
		"SELECT $check FROM params WHERE region IN ('US', 'FR')"
		  . " AND period = ANY (ARRAY[7, 30]) AND order_by IN ('vv', 'comment')",
		'4000|t', 200, 'several values are several lists');
	is_deeply(
		[ $t->asked('params', qw(region period order_by)) ],
		[
			map { my $r = $_; map { ("$r,$_,comment", "$r,$_,vv") } 30, 7 }
			  qw(FR US)
		],
		'... each combination');

	$t->answers(
		'params', <<'END',
PREPARE one(text, int, text) AS SELECT id FROM params
WHERE region = $1 AND period = $2 AND order_by = $3 AND rank = 1;
EXECUTE one('US', 7, 'vv');
EXECUTE one('FR', 7, 'vv');
EXECUTE one('US', 30, 'like');
EXECUTE one('JP', 30, 'comment');
EXECUTE one('US', 7, 'vv');
SET plan_cache_mode = force_generic_plan;
EXECUTE one('JP', 7, 'repost');
EXECUTE one('GB', 30, 'vv');
END
		"US7vv1\nFR7vv1\nUS30like1\nJP30comment1\nUS7vv1\nJP7repost1\nGB30vv1",
		7, 'parameters of a prepared statement');
	$t->answers(
		'params', <<'END',
PREPARE several(text[]) AS SELECT id FROM params WHERE region = ANY ($1) AND rank = 1 ORDER BY id;
EXECUTE several('{US,FR}');
SET plan_cache_mode = force_generic_plan;
EXECUTE several('{JP,FR,JP}');
EXECUTE several('{}');
EXECUTE several(NULL);
END
		"FR7vv1\nUS7vv1\nFR7vv1\nJP7vv1", 4, 'an array as parameter');
	return;
}

# Values are sent as they are, whatever characters they have.
sub test_url_encoding
{
	my @regions = (
		'us', 'New York', 'a+b', 'a&b=c', 'M' . "\xc3\xbc" . 'nchen', '100%',
		'%55%53', '/?#;:@', "it's", '~-._', "\xe6\x97\xa5\xe6\x9c\xac",
		'"\\');
	my $sql = '';

	$t->scenario('encoding', 'fault=field,name=country_code,as=absent,index=0');
	foreach my $region (@regions)
	{
		my $quoted = $region =~ s/'/''/gr;

		$sql .= "SELECT region FROM encoding WHERE region = '$quoted' LIMIT 1;\n";
	}
	$t->answers('encoding', $sql, join("\n", @regions),
		scalar(@regions), 'any text can be a region');
	is_deeply([ map { $_->{region} } $t->emulator->log('encoding') ],
		\@regions, '... and arrives unchanged');
	is_deeply(
		[
			map { $_->{query} =~ /region=([^&]*)/ ? $1 : '' }
			  $t->emulator->log('encoding')
		],
		[
			map { s/([^A-Za-z0-9~._-])/sprintf '%%%02X', ord $1/egr } @regions
		],
		'... percent-encoded as RFC 3986 has it');
	return;
}

# A parameter that the query does not mention has the table's default.
sub test_defaults
{
	$t->scenario('defaults', 'plainids');
	$t->answers(
		'defaults',
		'SELECT count(*), min(region), min(period), min(order_by),'
		  . ' bool_and(id = region || period || order_by || rank) FROM defaults',
		'500|US|7|vv|t', 25, 'without WHERE');
	$t->answers(
		'defaults', "
CREATE TEMP TABLE plain AS SELECT * FROM defaults;
CREATE TEMP TABLE bound AS SELECT * FROM defaults
WHERE region = 'US' AND period = 7 AND order_by = 'vv';
ALTER TABLE plain DROP request_id, DROP fetched_at;
ALTER TABLE bound DROP request_id, DROP fetched_at;
SELECT count(*) FROM (SELECT * FROM plain INTERSECT SELECT * FROM bound) x",
		'500', 50, '... is the same as with these conditions');
	$t->sql("ALTER FOREIGN TABLE defaults"
		  . " OPTIONS (SET region 'FR', SET period '30', SET order_by 'like')");
	$t->answers(
		'defaults',
		"SELECT id FROM defaults WHERE rank = 1;\n"
		  . "SELECT id FROM defaults WHERE rank = 1 AND region = 'GB';\n"
		  . "SELECT id FROM defaults WHERE rank = 1 AND period = 7;\n",
		"FR30like1\nGB30like1\nFR7like1",
		3, 'the defaults are options of the table');
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
		'0', 0, 'nor does a join with an empty table');
	return;
}

# EXPLAIN asks for nothing, not even for a mapping.  EXPLAIN ANALYZE pays.
sub test_explain
{
	my $sql = "SELECT * FROM explained WHERE region = 'US'";

	$t->server('explained');
	$t->import_table('explained');
	foreach my $options ('', 'COSTS OFF', 'VERBOSE', 'FORMAT JSON')
	{
		my $explain = 'EXPLAIN' . ($options && " ($options)");
		my $result  = $t->ask('explained', "$explain $sql");

		is($result->{stderr}, '', "$explain needs no mapping");
		is($result->{requests}, 0, '... and asks for nothing');
		like($result->{rows}, qr/Max Credits\W+50/, '... and tells the price');
	}
	$t->answers(
		'explained',
		"PREPARE p AS SELECT FROM explained WHERE region = \$1;\n"
		  . "SET plan_cache_mode = force_generic_plan;\n"
		  . "EXPLAIN (COSTS OFF) EXECUTE p('US') \\g /dev/null\n",
		'', 0, 'nor does it for a generic plan');

	$t->mapping('explained');
	my $result = $t->ask('explained',
		"EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) $sql LIMIT 30");
	is($result->{requests}, 2, 'EXPLAIN ANALYZE runs the query');
	like($result->{rows}, qr/^\s+Requests: 2$/m, '... and counts requests');
	like($result->{rows}, qr/^\s+Credits: 4$/m, '... and credits');
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

# A scan keeps its pages: reading it again is free.
sub test_rescans
{
	my $settings = <<'END';
SET enable_hashjoin = off;
SET enable_mergejoin = off;
SET enable_material = off;
SET enable_memoize = off;
END

	$t->scenario('rescans');
	$t->answers(
		'rescans', "$settings
SELECT count(*), count(DISTINCT (g, id)) FROM generate_series(1, 3) g
JOIN rescans t ON t.rank + g > 0 WHERE t.region = 'US'",
		'1500|1500', 25, 'inner side of a nested loop');
	$t->answers(
		'rescans', "
SELECT g, (SELECT count(*) FROM rescans WHERE region = 'US' AND duration + g > 0)
FROM generate_series(1, 3) g",
		"1|500\n2|500\n3|500", 25, 'correlated subquery');
	$t->answers(
		'rescans', "$settings
SELECT g, count(*), min(rank), max(rank) FROM generate_series(1, 4) g,
LATERAL (SELECT rank FROM rescans WHERE region = 'US' ORDER BY rank LIMIT g * 10) x
GROUP BY g ORDER BY g",
		"1|10|1|10\n2|20|1|20\n3|30|1|30\n4|40|1|40",
		2, 'a pass may go further than the one before it');
	$t->answers(
		'rescans', "$settings
SELECT count(*) FROM (VALUES ('US'), ('FR'), ('US'), ('FR')) v (code),
LATERAL (SELECT * FROM rescans WHERE region = v.code) x",
		'2000', 50, 'a pass over a list that another pass has read');
	return;
}

# Joins in which the lists are known from the start
sub test_joins
{
	$t->scenario('joined', 'plainids');
	$t->sql(<<'END');
CREATE TABLE picks (id text PRIMARY KEY, note text);
INSERT INTO picks VALUES ('US7vv3', 'third'), ('US7vv499', 'last but one'), ('GB7vv1', 'elsewhere');
END
	$t->answers(
		'joined', "
SELECT p.note, t.rank FROM picks p JOIN joined t USING (id)
WHERE t.region = 'US' ORDER BY t.rank",
		"third|3\nlast but one|499", 25, 'join on id');
	$t->answers(
		'joined', "
SELECT p.note, t.rank FROM picks p LEFT JOIN
(SELECT id, rank FROM joined WHERE region = 'US') t USING (id) ORDER BY p.note",
		"elsewhere|\nlast but one|499\nthird|3", 25, 'outer join on id');
	$t->answers(
		'joined', "
SELECT id FROM joined WHERE region = 'US' AND id IN (SELECT id FROM picks)
ORDER BY rank", "US7vv3\nUS7vv499", 25, 'semijoin');
	$t->answers(
		'joined', "
SELECT count(*) FROM joined t WHERE region = 'US'
AND NOT EXISTS (SELECT FROM picks p WHERE p.id = t.id)",
		'498', 25, 'antijoin');
	$t->answers(
		'joined', "
SELECT count(*), bool_and(a.id = 'US7vv' || rank), bool_and(b.id = 'FR30vv' || rank)
FROM joined a JOIN joined b USING (rank)
WHERE a.region = 'US' AND b.region = 'FR' AND b.period = 30",
		'500|t|t', 50, 'two lists side by side');
	return;
}

# A join on the region reads one list per region, whatever the plan.
sub test_join_on_region
{
	my @settings = map { "SET enable_$_ = off;" } qw(nestloop hashjoin mergejoin);
	my $sql = "
SELECT r.name, count(*), bool_and(t.id = r.code || '7vv' || t.rank)
FROM regions r JOIN by_region t ON t.region = r.code GROUP BY r.name ORDER BY r.name";

	$t->scenario('by_region', 'plainids');
	$t->sql(<<'END');
CREATE TABLE regions (code text PRIMARY KEY, name text);
INSERT INTO regions VALUES ('GB', 'United Kingdom'), ('FR', 'France');
END
	foreach my $setting ('', @settings)
	{
		$t->answers(
			'by_region', $setting . $sql,
			"France|500|t\nUnited Kingdom|500|t",
			50, "join on region $setting");
	}
	return;
}

sub test_materialized_views
{
	my %rows = (
		mv_still => [ '',        500 ],
		mv_shift => [ 'shift=3', 428 ],
		mv_churn => [ 'churn=1', undef ]);

	foreach my $name (sort keys %rows)
	{
		my ($settings, $rows) = @{ $rows{$name} };
		my $result;

		$t->scenario($name, $settings);
		$result = $t->ask(
			$name, "
CREATE MATERIALIZED VIEW $name\_view AS SELECT * FROM $name WHERE region IN ('US', 'GB');
CREATE UNIQUE INDEX ON $name\_view (region, period, order_by, id);
CREATE TABLE $name\_before AS SELECT * FROM $name\_view;
REFRESH MATERIALIZED VIEW CONCURRENTLY $name\_view;");
		is_deeply(
			$result,
			{ rows => '', requests => 100, status => 0, stderr => '' },
			"$name: CREATE and REFRESH");
		is( $t->sql(
				"SELECT region, count(*) > 400, count(*) = count(DISTINCT id),"
				  . " count(*) = count(DISTINCT rank) FROM $name\_view"
				  . ' GROUP BY region ORDER BY region'),
			"GB|t|t|t\nUS|t|t|t",
			'... each video once');
		is($t->sql("SELECT count(*) FROM $name\_view WHERE region = 'US'"),
			$rows, '... all of them')
		  if defined $rows;
		is( $t->sql(
				"SELECT bool_and(v.fetched_at > b.fetched_at)"
				  . " FROM $name\_view v JOIN $name\_before b USING (region, id)"),
			't',
			'... and REFRESH brings new rows');
	}
	return;
}

# The parameters of a list: what the query says of them, what the table's options
# say, and how they are sent.

use strict;
use warnings;

use Test::More;

use KeyapiTest;

my $t = KeyapiTest->new;

test_parameters();
test_url_encoding();
test_defaults();
test_parameter_defaults();
test_page_size();
test_lookalikes();

$t->stop;
done_testing();

# The query's parameters are those of the requests and of the rows.  The ids of these lists name region, period, order_by and rank.
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

# A parameter that the query does not restrict has the table's default.
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

# Defaults of several lists, and no default at all
sub test_parameter_defaults
{
	my $lists = 'SELECT DISTINCT region, period, order_by FROM %s ORDER BY 1, 2, 3';

	$t->table('listed', 'plainids', 'region text, period int, order_by text, id text',
		"regions 'US,FR', page_size '20'");
	$t->answers('listed', sprintf($lists, 'listed'), "FR|7|vv\nUS|7|vv",
		50, 'regions: region defaults to all of them');
	$t->answers('listed', "SELECT count(*) FROM listed WHERE region = 'JP'",
		'0', 0, '... and no other exists');
	$t->answers('listed', "SELECT min(id) FROM listed WHERE region <> 'US'",
		'FR7vv1', 25, '... so that any condition will do');
	$t->sql("ALTER FOREIGN TABLE listed OPTIONS (ADD region 'FR', ADD period 'all')");
	$t->answers('listed', sprintf($lists, 'listed'), "FR|7|vv\nFR|30|vv",
		50, 'region of regions, and all periods');

	$t->table('unbound', '', 'region text, order_by text, id text',
		"region 'none', order_by 'none'");
	$t->fails('unbound', 'SELECT * FROM unbound', '0A000',
		qr/region|order_by/, 'none: the query must say', requests => 0);
	$t->fails('unbound', "SELECT * FROM unbound WHERE region = 'US'",
		'0A000', qr/order_by/, '... all of it', requests => 0);
	$t->answers('unbound',
		"SELECT count(*) FROM unbound WHERE region = 'US' AND order_by = 'like'",
		'500', 25, '... or else gets rows');
	return;
}

sub test_page_size
{
	$t->table('paged', 'plainids', 'rank int, page int, id text', "page_size '7'");
	$t->answers(
		'paged', "SELECT count(*), max(rank), max(page),
bool_and(id = 'US7vv' || rank AND page = (rank - 1) / 7 + 1) FROM paged",
		'500|500|72|t', 72, 'page_size 7');
	is_deeply([ $t->asked('paged', 'limit') ], ['7'], '... is asked for');
	$t->answers('paged', 'SELECT id FROM paged WHERE rank = 15',
		'US7vv15', 1, '... and counted with');
	return;
}

# A condition on a column that people take for region filters the default list: if
# nothing is left of it, a warning says so.
sub test_lookalikes
{
	my @warned = (
		q{country_code = 'GB'},
		q{country_code IN ('GB', 'FR') AND title IS NOT NULL},
		q{region_name = 'United Kingdom'},
		q{upper(country_code) = 'GB'},
		q{country_code <> 'US'},
		q{country_code = 'GB' AND rank <= 20},
		q{country_code = 'GB' AND period IN (7, 30)},
		q{code = 'GB'},
		q{country_code = (SELECT 'GB'::text)},
	);
	my @silent = (
		q{country_code = 'US'},
		q{country_code = 'GB' AND region = 'US'},
		q{country_code = 'GB' AND region IN (SELECT 'US'::text)},
		q{country_code = 'US' AND title = 'none'},
		q{country_code = 'GB' OR rank = 45},
		q{country_code = 'GB' AND rank = 46},
		q{country_code = 'GB' AND period = 8},
		q{title = 'none'},
		q{country_code = 'GB' AND false},
	);
	my $prepared = <<'END';
SET plan_cache_mode = force_generic_plan;
PREPARE p (text, text) AS SELECT count(*) FROM alike WHERE country_code = $1 AND (region = $2 OR $2 IS NULL);
END

	$t->scenario('alike', 'total=45');
	$t->sql(q{ALTER FOREIGN TABLE alike ADD code text OPTIONS (field 'country_code')});
	foreach my $where (@warned)
	{
		my $result = $t->run("SELECT count(*) FROM alike WHERE $where");

		is($result->{rows}, 0, $where);
		like($result->{stderr},
			qr/^WARNING: .*no video of the default region "US" satisfies the condition on "(?:country_code|region_name|code)": write region = \.\.\. to choose a list\nDETAIL:  \d+ rows were read\.[^\n]*\n(?!.*WARNING)/,
			'... warns once');
	}
	is($t->run("SELECT count(*) FROM alike WHERE $_")->{stderr}, '', "$_: silent") foreach @silent;
	is($t->run(q{SELECT * FROM alike WHERE country_code = 'GB' LIMIT 0})->{stderr}, '', 'LIMIT 0');
	is($t->run(q{BEGIN; DECLARE c CURSOR FOR SELECT id FROM alike WHERE country_code = 'US' OR rank > 30; FETCH 5 FROM c; COMMIT}
			)->{stderr}, '', 'a cursor that stops early');
	$t->scenario('other', 'total=3');
	$t->answers('other', q{SELECT count(*) FROM alike WHERE title = 'none' AND country_code = (SELECT max(id) FROM other)},
		0, 0, 'a subquery that the executor does not run');
	like($t->run("$prepared EXECUTE p ('GB', NULL)")->{stderr}, qr/WARNING.*default region/,
		'a parameter that restricts nothing');
	is($t->run("$prepared EXECUTE p ('GB', 'US')")->{stderr}, '', '... and one that does');
	is( $t->run(q{SELECT count(*) FROM (VALUES ('GB'), ('US')) v (c), LATERAL (SELECT * FROM alike WHERE country_code = c OFFSET 0) a}
			)->{stderr}, '', 'several passes, one of which finds something');
	$t->sql(q{ALTER FOREIGN TABLE alike OPTIONS (ADD regions 'US,FR', SET region 'all')});
	is($t->run(q{SELECT count(*) FROM alike WHERE country_code = 'GB'})->{stderr}, '', 'all regions');
	return;
}

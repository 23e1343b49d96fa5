# The endpoint table decides: a build whose table has two entries more, which
# differ from the real one as far as the table allows (test/unit/odd_endpoints.c).

use strict;
use warnings;

use PostgreSQL::Test::Utils;
use Test::More;

use KeyapiTest;

die 'KEYAPI_ODD_CONFIG does not name the settings of that build; see test/check'
  unless $ENV{KEYAPI_ODD_CONFIG};

my $t = KeyapiTest->new(
	conf => KeyapiTest->shared
	  . PostgreSQL::Test::Utils::slurp_file($ENV{KEYAPI_ODD_CONFIG}));

# A scenario with both tables of schema odd; lists have 20 things on 3 pages
sub odd_scenario
{
	my ($name, $settings) = @_;

	$t->server($name, $settings // 'total=20');
	$t->mapping($name);
	$t->sql(<<"END");
CREATE SCHEMA $name;
IMPORT FOREIGN SCHEMA odd FROM SERVER $name INTO $name;
END
	return;
}

odd_scenario('odd');

sub answers { my (@arguments) = @_; return $t->answers('odd', @arguments) }

sub fails { my (@arguments) = @_; return $t->fails('odd', @arguments) }

# The queries that a statement sent, without page number and size
sub lists_of
{
	my ($sql) = @_;
	my %seen;

	$t->emulator->reset('odd');
	$t->sql($sql);
	foreach my $row ($t->emulator->log('odd'))
	{
		my $list = $row->{query} =~ s/^pageNo=\d+&(.*)&per=7$/$1/r;
		$list =~ s/\w+=//g;
		$list =~ tr/&/,/;
		$seen{$list} = 1;
	}
	return [ sort keys %seen ];
}

# One line of EXPLAIN
sub explained
{
	my ($sql, $label) = @_;
	my ($line) = $t->sql("EXPLAIN $sql") =~ /^ *(?:-> *)?$label: (.*)$/m;

	return $line;
}

subtest 'IMPORT' => sub {
	is( $t->sql(<<'END'), <<'END' =~ s/\n\z//r, 'columns');
SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute
WHERE attrelid = 'odd.odd_things'::regclass AND attnum > 0 ORDER BY attnum
END
rank|integer
colour|text
shape|text
size|integer
hot|boolean
fresh|text
thing_id|bigint
label|text
chart_rank|integer
is_hot|boolean
maker|text
trend|jsonb
attrs|jsonb
page|integer
total_count|integer
request_id|text
fetched_at|timestamp with time zone
END
	is( $t->sql(
			q{SELECT relname, ftoptions FROM pg_foreign_table JOIN pg_class ON oid = ftrelid ORDER BY 1}),
		"odd_bare|{endpoint=odd/bare}\n"
		  . 'odd_things|{endpoint=odd/things,colour=red,shape=round,size=1,hot=false,fresh=true}',
		'options');
	$t->sql(<<'END');
CREATE SCHEMA other;
IMPORT FOREIGN SCHEMA odd LIMIT TO (odd_bare) FROM SERVER odd INTO other;
IMPORT FOREIGN SCHEMA tiktok EXCEPT (odd_bare) FROM SERVER odd INTO other;
END
	$t->sql(q{IMPORT FOREIGN SCHEMA odd FROM SERVER odd INTO public OPTIONS (defaults 'none')});
	is( $t->sql(
			q{SELECT relname, ftoptions FROM pg_foreign_table JOIN pg_class ON oid = ftrelid WHERE relnamespace = 'public'::regnamespace ORDER BY 1}),
		"odd_bare|{endpoint=odd/bare}\n"
		  . 'odd_things|{endpoint=odd/things,colour=none,shape=none,size=none,hot=none,fresh=none}',
		'defaults none');
	is( $t->sql(
			q{SELECT string_agg(relname, ',' ORDER BY relname) FROM pg_class WHERE relnamespace = 'other'::regnamespace}),
		'odd_bare,tiktok_trending,tiktok_trending_hashtags', 'each schema has its tables');
	fails('IMPORT FOREIGN SCHEMA none FROM SERVER odd INTO other',
		'HV00Q', qr/Remote schemas are: tiktok, odd\./, 'another schema');
};

subtest 'rows' => sub {
	answers('SELECT count(*), count(DISTINCT thing_id), min(rank), max(rank), max(total_count) FROM odd.odd_things',
		'20|20|1|20|20', 3, 'a whole list');
	my ($first, @rest) = $t->emulator->log('odd');
	is($first->{query}, 'pageNo=1&colour=red&shape=round&size=1&hot=false&fresh=true&per=7',
		'names of the parameters');
	answers(
		'SELECT rank, chart_rank, label, is_hot, maker, trend->0->>\'value\', page, request_id FROM odd.odd_things WHERE rank BETWEEN 8 AND 9',
		"8|992|red round 1 false true 8|f||0.5|2|t2\n9|991|red round 1 false true 9|t|US|0.5|2|t2",
		1, 'nested fields, and those that are called like columns');
	answers(
		q{SELECT attrs->>'page', (SELECT count(*) FROM jsonb_object_keys(attrs)) FROM odd.odd_things LIMIT 1},
		'x|7', 1, 'the whole item');
	answers('SELECT colour, shape, size, hot, fresh FROM odd.odd_things LIMIT 1',
		'red|round|1|f|true', 1, 'parameters as columns');
	answers('SELECT count(*), count(DISTINCT label) FROM odd.odd_bare',
		'20|1', 3, 'without an id every item is a row, and a short page is the last');
	odd_scenario('shifted', 'total=20;shift=1');
	$t->answers('shifted', 'SELECT count(*), count(DISTINCT thing_id) FROM shifted.odd_things',
		'18|18', 3, 'a nested id finds duplicates');
	$t->sql('CREATE FOREIGN TABLE odd.mine (label text OPTIONS (field \'names.0.en\'), "key" jsonb, hot text, rank int)'
		  . q{ SERVER odd OPTIONS (endpoint 'odd/things', hot 'all')});
	answers(q{SELECT hot, count(*), max(label), min(key->>'id') IS NULL FROM odd.mine WHERE rank <= 7 GROUP BY 1 ORDER BY 1},
		"false|7|red round 1 false true 7|f\ntrue|7|red round 1 true true 7|f",
		2, 'a table of one\'s own');
	answers('ANALYZE odd.odd_things', '', 1, 'ANALYZE');
};

subtest 'binding' => sub {
	my @cases = (
		[ 'hot', ['red,round,1,true,true'] ],
		[ 'NOT hot', ['red,round,1,false,true'] ],
		[ 'hot = true', ['red,round,1,true,true'] ],
		[ 'hot IS NOT TRUE', ['red,round,1,false,true'] ],
		[ 'hot IS NULL', [] ],
		[ 'hot IN (true, false)', [ 'red,round,1,false,true', 'red,round,1,true,true' ] ],
		[ 'hot = (rank > 0)', ['red,round,1,true,true'] ],
		[ q{fresh = 'false'}, ['red,round,1,false,false'] ],
		[ q{fresh = 'no'}, [] ],
		[ 'hot = fresh::bool', [ 'red,round,1,false,false', 'red,round,1,true,true' ] ],
		[ q{shape > 'round'}, ['red,square,1,false,true'] ],
		[ 'size = 3', ['red,round,3,false,true'] ],
		[ 'size IN (2, 30)', [ 'red,round,2,false,true', 'red,round,30,false,true' ] ],
		[ 'size = -1', [] ],
		[ q{(colour, hot) IN (('blue', true), ('green', false))},
			[ 'blue,round,1,true,true', 'green,round,1,false,true' ] ],
		[ q{colour = 'a&b'}, ['a%26b,round,1,false,true'] ],
	);

	foreach my $case (@cases)
	{
		my ($condition, $lists) = @$case;

		is_deeply(
			lists_of("SELECT count(*) FROM odd.odd_things WHERE $condition"),
			$lists, $condition);
	}
	is_deeply(
		lists_of('SELECT count(*) FROM (VALUES (true, 5), (false, 6)) v (b, n) JOIN odd.odd_things t ON t.hot = v.b AND t.size = v.n'),
		[ 'red,round,5,true,true', 'red,round,6,false,true' ],
		'join on a boolean and an integer');
	is_deeply(
		lists_of('PREPARE p (bool) AS SELECT count(*) FROM odd.odd_things WHERE hot = $1; SET plan_cache_mode = force_generic_plan; EXECUTE p (true)'),
		['red,round,1,true,true'], 'parameter of a generic plan');
	answers('SELECT hot, rank FROM odd.odd_things WHERE hot IN (true, false) ORDER BY hot DESC, rank LIMIT 1',
		't|1', 1, 'order of lists');
	fails('SELECT FROM odd.odd_things WHERE size > 1', '0A000',
		qr/restricts "size" of foreign table "odd_things".*write size = \.\.\., size IN \(\.\.\.\) or size = ANY \(ARRAY\(SELECT \.\.\.\)\)$/m,
		'an open integer', requests => 0);
	fails(q{SELECT FROM odd.odd_things WHERE colour > 'a'}, '0A000',
		qr/or set the table's option "colours"/, 'an open text', requests => 0);
	answers('SELECT count(*) FROM odd.odd_bare WHERE rank <= 10', '10', 1, 'without parameters');
};

subtest 'EXPLAIN' => sub {
	is( explained('SELECT FROM odd.odd_things', 'Binding'),
		q{colour = 'red' (default), shape = 'round' (default), size = 1 (default), hot = false (default), fresh = true (default)},
		'defaults');
	is( explained(q{SELECT FROM odd.odd_things WHERE hot AND size IN (1, 2) AND fresh <> 'x'}, 'Binding'),
		q{colour = 'red' (default), shape = 'round' (default), size IN (1, 2), hot = true, fresh IN (false, true)},
		'constants');
	is( explained('SELECT FROM (VALUES (1, true), (2, false)) v (n, b) JOIN odd.odd_things t ON t.size = v.n AND t.hot = v.b',
			'Binding'),
		q{colour = 'red' (default), shape = 'round' (default), size = "*VALUES*".column1, hot = "*VALUES*".column2, fresh = true (default)},
		'values of another table');
	is(explained('SELECT FROM odd.odd_things', 'Endpoint'), 'odd/things', 'endpoint');
	is(explained('SELECT FROM odd.odd_things', 'Max Credits'), 5 * 3, 'price of 30 rows');
	is(explained('SELECT FROM odd.odd_bare', 'Max Credits'), 1, '... of another endpoint');
	is(explained('SELECT FROM odd.odd_bare', 'Binding'), undef, 'no parameters');
	is( explained('SELECT FROM odd.odd_things WHERE hot IN (true, false) ORDER BY hot DESC, rank',
			'List Order'),
		'hot DESC, rank', 'order');
};

subtest 'options' => sub {
	my $alter = 'ALTER FOREIGN TABLE odd.odd_things OPTIONS';

	fails("$alter (ADD region 'US')", 'HV00D',
		qr/Valid options in this context are: endpoint, page_size, cache_ttl, colour, colours, shape, size, hot, fresh\./,
		'those of another endpoint are unknown');
	fails("$alter (SET hot 'maybe')", '22023', qr/all, none or one of: false, true\./, 'domain');
	fails("$alter (SET size 'all')", '22023', qr/There is no list of all its values\./, 'no domain');
	fails("$alter (ADD page_size '8')", '22023', qr/from 1 to 7/, 'page size');
	$t->sql("$alter (SET hot 'all', ADD colours 'red,blue', SET colour 'all')");
	is(scalar @{ lists_of('SELECT count(*) FROM odd.odd_things') }, 4, 'all of two domains');
	$t->sql("$alter (SET hot 'none', DROP colours, SET colour 'red')");
	fails('SELECT FROM odd.odd_things', '0A000', qr/must say which "hot"/, 'none', requests => 0);
	$t->sql("$alter (SET hot 'false')");
};

subtest 'messages' => sub {
	odd_scenario('bad', 'fault=status,code=400');
	$t->fails('bad', 'SELECT FROM bad.odd_things', '22023',
		qr{endpoint odd/things, colour=red&.*&per=7, page 1: .*HINT:  Check the values that the query gives for colour, shape, size, hot and fresh\.}s,
		'parameters that the API rejects');
	$t->fails('bad', 'SELECT FROM bad.odd_bare', '22023',
		qr/HINT:  Check option "page_size" of the foreign table\./, 'none to check');
	$t->sql(q{CREATE FOREIGN TABLE odd.bad (label int OPTIONS (field 'names.0.en')) SERVER odd OPTIONS (endpoint 'odd/things')});
	fails('SELECT * FROM odd.bad', '22P02',
		qr/CONTEXT:  column "label" of foreign table "bad", thing \d+, page 1 of list colour=red/,
		'a value that a column refuses');
	$t->sql(q{CREATE FOREIGN TABLE odd.bad_bare (label int) SERVER odd OPTIONS (endpoint 'odd/bare')});
	fails('SELECT * FROM odd.bad_bare', '22P02', qr/line without id, page 1 of list s=10/, 'one without an id');
	odd_scenario('early', 'total=10;lietotal=30');
	$t->one_by_one('early');
	$t->answers('early', 'SELECT count(*) FROM early.odd_things', '10', 2,
		'a list that ends early',
		warning => qr/list colour=\S+ ended early: got 10 of 30 announced things/);
};

subtest 'price and cache' => sub {
	fails('SET keyapi_fdw.max_credits = 8; SELECT * FROM odd.odd_things', '54000',
		qr/needs up to 15 credits/, 'price of 30 rows', requests => 0);
	odd_scenario('pair');
	$t->sql('IMPORT FOREIGN SCHEMA tiktok FROM SERVER pair INTO pair');
	$t->answers('pair', <<'END', '20|20', 4, 'two endpoints in one statement');
SET keyapi_fdw.max_credits = 17;
SELECT count(*), count(DISTINCT v.id) FROM pair.odd_things t JOIN pair.tiktok_trending v USING (rank)
END
	$t->fails('pair', <<'END', '54000', qr/needs up to 17 credits/, 'one budget for both');
SET keyapi_fdw.max_credits = 16;
SELECT count(*) FROM pair.odd_things t JOIN pair.tiktok_trending v USING (rank)
END
	$t->cached('pair');
	$t->sql('SELECT count(*) FROM pair.odd_things WHERE hot; SELECT count(*) FROM pair.odd_bare');
	my $params = '{"hot": true, "size": 1, "fresh": true, "shape": "round", "colour": "red"}';
	$t->answers('pair', <<'END', "20\n20\nodd/bare|{}|10|3|20\nodd/things|$params|7|3|20", 0, 'cache');
SELECT count(*) FROM pair.odd_things WHERE hot;
SELECT count(*) FROM pair.odd_bare;
SELECT endpoint, params, page_size, pages, rows FROM keyapi_fdw_cache ORDER BY 1;
END
	is($t->sql(q{SELECT credits FROM keyapi_fdw_stats WHERE server = 'early'}), '6', 'statistics');
};

$t->stop;
done_testing();

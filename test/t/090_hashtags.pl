# The table of trending hashtags: what its endpoint has that the videos have not.

use strict;
use warnings;

use Test::More;

use KeyapiTest;

my $t = KeyapiTest->new(conf => KeyapiTest->shared);

# A scenario with both tables of schema tiktok
sub both_tables
{
	my ($name, $settings) = @_;

	$t->server($name, $settings);
	$t->mapping($name);
	$t->sql("CREATE SCHEMA $name; IMPORT FOREIGN SCHEMA tiktok FROM SERVER $name INTO $name");
	return;
}

both_tables('tt');

sub answers { my (@arguments) = @_; return $t->answers('tt', @arguments) }

# The queries that a statement sent
sub queries_of
{
	my ($sql) = @_;

	$t->emulator->reset('tt');
	$t->sql($sql);
	return join ' ', map { $_->{query} } $t->emulator->log('tt');
}

subtest 'rows' => sub {
	is( queries_of('SELECT hashtag_name FROM tt.tiktok_trending_hashtags LIMIT 1'),
		'page=1&region=all_regions&period=7&industry_id=nothing&new_to_top_100=false&limit=20',
		'the request');
	answers('SELECT count(*), count(DISTINCT hashtag_id), max(rank), max(total_count) FROM tt.tiktok_trending_hashtags',
		'100|100|100|100', 5, 'a list');
	answers(<<'END', "1|US|7|nothing|f|fyp1|9000000000|4000000|1|2|f|GB|United Kingdom|Beauty & Personal Care|1\n10|US|7|nothing|f|clean10|900000000|400000|11|3|t|GB|United Kingdom|Apparel & Accessories|1", 1, 'columns');
SELECT rank, 'US', period, industry_id, new_to_top_100, hashtag_name, video_views, publish_cnt, chart_rank,
	rank_diff_type, is_promoted, country_code, country_name, industry, page
FROM tt.tiktok_trending_hashtags WHERE rank IN (1, 10)
END
	answers(<<'END', "4|t|f\n9|f|t", 1, 'what may be absent is NULL');
SELECT rank, creators IS NULL, industry IS NULL FROM tt.tiktok_trending_hashtags WHERE rank IN (4, 9)
END
	answers(<<'END', '7|2026-01-27 00:00:00+00|creator 1', 1, 'trend and creators are jsonb');
SET timezone = 'UTC';
SELECT jsonb_array_length(trend), to_timestamp((trend->-1->>'time')::bigint), creators->0->>'nick_name'
FROM tt.tiktok_trending_hashtags WHERE rank = 1
END
	answers(q{SELECT attrs->'country_info'->>'label' FROM tt.tiktok_trending_hashtags WHERE region = 'JP' AND rank = 1},
		'Japan', 1, 'the whole item');
	answers('SELECT count(*) FROM tt.tiktok_trending_hashtags WHERE new_to_top_100', '20', 1, 'new ones');
	is( queries_of(q{SELECT FROM tt.tiktok_trending_hashtags WHERE period = 120 AND region = 'FR' AND industry_id = '27000000000' AND new_to_top_100 LIMIT 1}),
		'page=1&region=FR&period=120&industry_id=27000000000&new_to_top_100=true&limit=20',
		'every parameter');
};

subtest 'lists that end' => sub {
	answers(q{SELECT count(*) FROM tt.tiktok_trending_hashtags WHERE region = 'ZZ'},
		'0', 1, 'an empty list', warning => qr/list region=ZZ\S* is empty/);
	both_tables('moving', 'hashtags=50;shift=2');
	$t->answers('moving', 'SELECT count(*), count(DISTINCT hashtag_id) FROM moving.tiktok_trending_hashtags',
		'46|46', 3, 'a hashtag that moved to the next page comes once');
	both_tables('short', 'hashtags=30;lietotal=100');
	$t->one_by_one('short');
	$t->answers('short', 'SELECT count(*) FROM short.tiktok_trending_hashtags', '30', 2,
		'the list ends early', warning => qr/got 30 of 100 announced hashtags/);
};

subtest 'price and budget' => sub {
	my $pair = 'SELECT count(*) FROM tt.tiktok_trending_hashtags h JOIN tt.tiktok_trending v USING (region, rank)'
	  . " WHERE region = 'US'";

	my ($credits) = $t->sql("EXPLAIN SELECT * FROM tt.tiktok_trending_hashtags WHERE region IN ('US', 'JP')") =~
	  /Max Credits: (\d+)/;
	is($credits, 20, 'two lists of five pages');
	answers("SET keyapi_fdw.max_credits = 60; $pair", '100', 30, 'both tables in one query');
	$t->fails('tt', "SET keyapi_fdw.max_credits = 59; $pair", '54000', qr/credits/, 'one budget for both');
	answers('ANALYZE tt.tiktok_trending_hashtags', '', 1, 'ANALYZE');
	is($t->sql('SELECT reltuples FROM pg_class WHERE oid = \'tt.tiktok_trending_hashtags\'::regclass'),
		'100', 'rows of the table');
};

subtest 'options' => sub {
	my $alter = 'ALTER FOREIGN TABLE tt.tiktok_trending_hashtags OPTIONS';

	$t->fails('tt', "$alter (ADD order_by 'vv')", 'HV00D',
		qr/Valid options in this context are: endpoint, page_size, cache_ttl, region, regions, period, .*industry_id, industry_ids, new_to_top_100/,
		'those of videos are unknown');
	$t->fails('tt', "$alter (SET new_to_top_100 'yes')", '22023', qr/one of: false, true\./, 'a boolean');
	$t->sql("$alter (ADD industry_ids '11000000000,14000000000', SET industry_id 'all', ADD regions 'US,JP', SET region 'US')");
	answers('SELECT industry_id, count(*) FROM tt.tiktok_trending_hashtags GROUP BY 1 ORDER BY 1',
		"11000000000|100\n14000000000|100", 10, 'all industries');
	answers(q{SELECT region, industry_id FROM tt.tiktok_trending_hashtags WHERE region <> 'US' AND rank = 1 ORDER BY 2},
		"JP|11000000000\nJP|14000000000", 2, 'declared regions');
	$t->sql("$alter (DROP industry_ids, SET industry_id 'nothing', DROP regions, SET region 'all_regions')");
};

subtest 'cache, statistics and messages' => sub {
	both_tables('warm');
	$t->cached('warm');
	$t->sql("SELECT count(*) FROM warm.tiktok_trending_hashtags WHERE region = 'US'");
	$t->answers('warm', <<'END', "100\ntiktok/trending/hashtags|US|5|100", 0, 'the cache');
SELECT count(*) FROM warm.tiktok_trending_hashtags WHERE region = 'US';
SELECT endpoint, params->>'region', pages, rows FROM keyapi_fdw_cache WHERE endpoint LIKE '%hashtags';
END
	is($t->sql(q{SELECT requests, credits, rows FROM keyapi_fdw_stats WHERE server = 'warm'}),
		'5|10|200', 'statistics');
	both_tables('bad', 'fault=status,code=400,message=unknown%20industry');
	$t->fails('bad', q{SELECT FROM bad.tiktok_trending_hashtags WHERE industry_id = 'x'}, '22023',
		qr{endpoint tiktok/trending/hashtags.*unknown industry.*HINT:  Check the values that the query gives for region, period, industry_id and new_to_top_100\.}s,
		'hints name the parameters');
	$t->sql(q{CREATE FOREIGN TABLE tt.strict (hashtag_name int) SERVER tt OPTIONS (endpoint 'tiktok/trending/hashtags')});
	$t->fails('tt', 'SELECT * FROM tt.strict', '22P02', qr/CONTEXT:  .*hashtag \d+, page 1/, 'the context says hashtag');
};

$t->stop;
done_testing();

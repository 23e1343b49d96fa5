\echo 'Set up: a server, your key, and the table.'
\echo
CREATE EXTENSION keyapi_fdw;
\if :{?key_file}
CREATE SERVER keyapi FOREIGN DATA WRAPPER keyapi_fdw;
CREATE USER MAPPING FOR CURRENT_USER SERVER keyapi OPTIONS (api_key_file :'key_file');
\else
CREATE SERVER keyapi FOREIGN DATA WRAPPER keyapi_fdw OPTIONS (base_url :'base_url');
CREATE USER MAPPING FOR CURRENT_USER SERVER keyapi OPTIONS (api_key 'sk_live_test');
\endif
IMPORT FOREIGN SCHEMA tiktok FROM SERVER keyapi INTO public;

\echo
\echo 'The ten videos at the top in the United States: one request.'
\echo
SELECT rank, left(title, 48) AS title, duration
FROM tiktok_trending WHERE region = 'US' ORDER BY rank LIMIT 10;

\echo 'What a whole list would cost. EXPLAIN asks the API nothing.'
\echo
EXPLAIN (COSTS OFF)
SELECT * FROM tiktok_trending WHERE region = 'US';

\echo 'The same ten again: their page is in the cache, and costs nothing.'
\echo
EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF)
SELECT rank, title
FROM tiktok_trending WHERE region = 'US' ORDER BY rank LIMIT 10;

\echo 'A join reads one list per region.'
\echo
CREATE TABLE regions (code text PRIMARY KEY, name text NOT NULL);
INSERT INTO regions VALUES ('US', 'United States'), ('GB', 'United Kingdom'), ('JP', 'Japan');
SELECT r.name, t.rank, left(t.title, 48) AS title
FROM regions r JOIN tiktok_trending t ON t.region = r.code
WHERE t.rank <= 3 ORDER BY r.name, t.rank;

\echo 'For dashboards: a copy that is refreshed while others read it.'
\echo
CREATE MATERIALIZED VIEW trending AS
SELECT * FROM tiktok_trending WHERE region IN ('US', 'GB', 'JP') AND rank <= 20;
CREATE UNIQUE INDEX ON trending (region, period, order_by, id);
REFRESH MATERIALIZED VIEW CONCURRENTLY trending;
SELECT region, count(*) AS videos, max(total_count) AS of_all
FROM trending GROUP BY region ORDER BY region;

\echo 'The bill.'
\echo
SELECT server, requests, credits, cached_pages FROM keyapi_fdw_stats;

-- The first rows: makes a server, a user mapping with your API key and the table
-- tiktok_trending, and reads the top of a list (1 request, 2 credits).
--
--	psql -f doc/first-query.sql
--
-- Asks for the key, unless the environment variable KEYAPI_KEY has it.  If
-- something fails, nothing is left behind.
\set QUIET on
\set ON_ERROR_STOP on
\pset pager off
\getenv api_key KEYAPI_KEY
\if :{?api_key}
\else
\prompt 'Your API key of KeyAPI: ' api_key
\endif
\getenv base_url KEYAPI_BASE_URL
\if :{?base_url}
\else
\set base_url https://api.keyapi.ai
\endif

BEGIN;
CREATE EXTENSION IF NOT EXISTS keyapi_fdw;
CREATE SERVER keyapi FOREIGN DATA WRAPPER keyapi_fdw OPTIONS (base_url :'base_url');
CREATE USER MAPPING FOR CURRENT_USER SERVER keyapi OPTIONS (api_key :'api_key');
IMPORT FOREIGN SCHEMA tiktok FROM SERVER keyapi INTO public;

SELECT rank, left(title, 48) AS title, duration
FROM tiktok_trending WHERE region = 'US' ORDER BY rank LIMIT 10;
COMMIT;

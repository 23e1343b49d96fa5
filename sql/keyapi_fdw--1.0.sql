/* sql/keyapi_fdw--1.0.sql */

-- complain if script is sourced in psql, rather than via CREATE EXTENSION
\echo Use "CREATE EXTENSION keyapi_fdw" to load this file. \quit

CREATE FUNCTION keyapi_fdw_handler()
RETURNS fdw_handler
AS 'MODULE_PATHNAME'
LANGUAGE C STRICT;

COMMENT ON FUNCTION keyapi_fdw_handler() IS
'foreign data wrapper handler of keyapi_fdw';

CREATE FUNCTION keyapi_fdw_validator(text[], oid)
RETURNS void
AS 'MODULE_PATHNAME'
LANGUAGE C STRICT;

COMMENT ON FUNCTION keyapi_fdw_validator(text[], oid) IS
'checks the options of servers, user mappings, foreign tables and columns of keyapi_fdw';

CREATE FOREIGN DATA WRAPPER keyapi_fdw
  HANDLER keyapi_fdw_handler
  VALIDATOR keyapi_fdw_validator;

COMMENT ON FOREIGN DATA WRAPPER keyapi_fdw IS
'lists of KeyAPI, such as TikTok trending videos, as foreign tables';

/* What was asked of the API, and what it cost */

CREATE FUNCTION keyapi_fdw_stats(
  OUT server text, OUT role text,
  OUT requests bigint, OUT retries bigint,
  OUT errors_4xx bigint, OUT errors_402 bigint, OUT errors_429 bigint,
  OUT errors_5xx bigint, OUT errors_network bigint, OUT errors_response bigint,
  OUT cached_pages bigint, OUT rows bigint, OUT bytes bigint,
  OUT credits bigint, OUT stale_lists bigint, OUT http_time float8,
  OUT last_error text, OUT last_error_at timestamptz,
  OUT stats_reset timestamptz)
RETURNS SETOF record
AS 'MODULE_PATHNAME'
LANGUAGE C STRICT VOLATILE;

COMMENT ON FUNCTION keyapi_fdw_stats() IS
'what view keyapi_fdw_stats shows';

CREATE VIEW keyapi_fdw_stats AS SELECT * FROM keyapi_fdw_stats();

COMMENT ON VIEW keyapi_fdw_stats IS
'requests to the API and their cost, per server and role that ran the scan, in this database';
COMMENT ON COLUMN keyapi_fdw_stats.server IS 'foreign server; NULL in the row of those that had to make way';
COMMENT ON COLUMN keyapi_fdw_stats.role IS 'role that ran the scans; NULL in the row of those that had to make way';
COMMENT ON COLUMN keyapi_fdw_stats.requests IS 'requests sent';
COMMENT ON COLUMN keyapi_fdw_stats.retries IS 'those of them that asked for a page again';
COMMENT ON COLUMN keyapi_fdw_stats.errors_4xx IS 'answers 4xx other than 402 and 429';
COMMENT ON COLUMN keyapi_fdw_stats.errors_402 IS 'answers 402: no credits left';
COMMENT ON COLUMN keyapi_fdw_stats.errors_429 IS 'answers 429: too many requests';
COMMENT ON COLUMN keyapi_fdw_stats.errors_5xx IS 'answers 5xx';
COMMENT ON COLUMN keyapi_fdw_stats.errors_network IS 'failed connections and broken or timed-out transfers';
COMMENT ON COLUMN keyapi_fdw_stats.errors_response IS 'answers that could not be understood';
COMMENT ON COLUMN keyapi_fdw_stats.cached_pages IS 'pages that needed no request because they were paid for before';
COMMENT ON COLUMN keyapi_fdw_stats.rows IS 'rows that scans returned';
COMMENT ON COLUMN keyapi_fdw_stats.bytes IS 'bytes of answers, as received';
COMMENT ON COLUMN keyapi_fdw_stats.credits IS 'credits that the requests cost';
COMMENT ON COLUMN keyapi_fdw_stats.stale_lists IS 'lists that were served although they were stale, because the API failed';
COMMENT ON COLUMN keyapi_fdw_stats.http_time IS 'milliseconds that the requests took, summed up';
COMMENT ON COLUMN keyapi_fdw_stats.last_error IS 'what went wrong last';
COMMENT ON COLUMN keyapi_fdw_stats.last_error_at IS 'when that was';
COMMENT ON COLUMN keyapi_fdw_stats.stats_reset IS 'when the counters began anew';

CREATE FUNCTION keyapi_fdw_stats_reset()
RETURNS void
AS 'MODULE_PATHNAME'
LANGUAGE C STRICT VOLATILE;

COMMENT ON FUNCTION keyapi_fdw_stats_reset() IS
'sets the counters of keyapi_fdw_stats in this database to zero';

/* Pages that have been paid for */

CREATE FUNCTION keyapi_fdw_cache(
  OUT endpoint text, OUT params jsonb, OUT page_size integer,
  OUT pages integer, OUT total_pages integer,
  OUT rows bigint, OUT bytes bigint,
  OUT fetched_at timestamptz, OUT expires_at timestamptz)
RETURNS SETOF record
AS 'MODULE_PATHNAME'
LANGUAGE C STRICT VOLATILE;

COMMENT ON FUNCTION keyapi_fdw_cache() IS
'what view keyapi_fdw_cache shows';

CREATE VIEW keyapi_fdw_cache AS SELECT * FROM keyapi_fdw_cache();

COMMENT ON VIEW keyapi_fdw_cache IS
'lists in the cache; if a list was asked for anew, also its last state before, for stale_if_error';
COMMENT ON COLUMN keyapi_fdw_cache.endpoint IS 'endpoint of the API';
COMMENT ON COLUMN keyapi_fdw_cache.params IS
'parameters of the list: numbers where the column of the same name is an integer, else strings; NULL if a value has characters that are not ASCII and this database is not in UTF8';
COMMENT ON COLUMN keyapi_fdw_cache.page_size IS 'rows asked for per page';
COMMENT ON COLUMN keyapi_fdw_cache.pages IS 'pages in the cache';
COMMENT ON COLUMN keyapi_fdw_cache.total_pages IS 'pages that the list has; NULL if that is not known';
COMMENT ON COLUMN keyapi_fdw_cache.rows IS 'rows on these pages';
COMMENT ON COLUMN keyapi_fdw_cache.bytes IS 'bytes of these pages, decoded';
COMMENT ON COLUMN keyapi_fdw_cache.fetched_at IS 'when the first of them arrived';
COMMENT ON COLUMN keyapi_fdw_cache.expires_at IS 'when the list is asked for anew, by cache_ttl';

CREATE FUNCTION keyapi_fdw_cache_clear()
RETURNS void
AS 'MODULE_PATHNAME'
LANGUAGE C STRICT VOLATILE;

COMMENT ON FUNCTION keyapi_fdw_cache_clear() IS
'drops all lists from the cache';

/* What is going on */

CREATE FUNCTION keyapi_fdw_progress(
  OUT pid integer, OUT relid regclass,
  OUT lists_done bigint, OUT lists_total bigint,
  OUT pages_done bigint, OUT pages_total bigint,
  OUT credits bigint, OUT waiting_for text)
RETURNS SETOF record
AS 'MODULE_PATHNAME'
LANGUAGE C STRICT VOLATILE;

COMMENT ON FUNCTION keyapi_fdw_progress() IS
'what view keyapi_fdw_progress shows';

CREATE VIEW keyapi_fdw_progress AS SELECT * FROM keyapi_fdw_progress();

COMMENT ON VIEW keyapi_fdw_progress IS
'running scans in this database; empty where memory is not shared';
COMMENT ON COLUMN keyapi_fdw_progress.pid IS 'process of the session';
COMMENT ON COLUMN keyapi_fdw_progress.relid IS 'foreign table';
COMMENT ON COLUMN keyapi_fdw_progress.lists_done IS 'lists read to the end';
COMMENT ON COLUMN keyapi_fdw_progress.lists_total IS 'lists to read; NULL if not known';
COMMENT ON COLUMN keyapi_fdw_progress.pages_done IS 'pages that have arrived';
COMMENT ON COLUMN keyapi_fdw_progress.pages_total IS 'pages to read, by conditions, LIMIT and what is known of the lists; NULL if not known';
COMMENT ON COLUMN keyapi_fdw_progress.credits IS 'credits spent so far';
COMMENT ON COLUMN keyapi_fdw_progress.waiting_for IS
'request (the answer to one), retry (the time of the next try), rate limit (the end of a pause that the API demands), outage (the time when an API that is down is asked again), pacing (requests_per_second) or other session (one that is asking for the same page); NULL: for none of these';

CREATE FUNCTION keyapi_fdw_accounts(
  OUT account text, OUT endpoint text,
  OUT paused_until timestamptz, OUT paused_because text,
  OUT requests_per_second float8,
  OUT credits_today bigint, OUT requests_today bigint,
  OUT last_used timestamptz)
RETURNS SETOF record
AS 'MODULE_PATHNAME'
LANGUAGE C STRICT VOLATILE;

COMMENT ON FUNCTION keyapi_fdw_accounts() IS
'what view keyapi_fdw_accounts shows';

CREATE VIEW keyapi_fdw_accounts AS SELECT * FROM keyapi_fdw_accounts();

COMMENT ON VIEW keyapi_fdw_accounts IS
'accounts at the API that this server has used, in any database; for members of pg_read_all_stats';
COMMENT ON COLUMN keyapi_fdw_accounts.account IS
'the beginning of a hash of base_url, endpoint, proxy and API key; another one after each start of the server';
COMMENT ON COLUMN keyapi_fdw_accounts.endpoint IS 'endpoint of the API';
COMMENT ON COLUMN keyapi_fdw_accounts.paused_until IS 'when the next request may start; NULL if there is no pause';
COMMENT ON COLUMN keyapi_fdw_accounts.paused_because IS
'rate limit (429), no credits (402) or outage (the API is down)';
COMMENT ON COLUMN keyapi_fdw_accounts.requests_per_second IS
'what the API seems to bear; NULL if it never complained';
COMMENT ON COLUMN keyapi_fdw_accounts.credits_today IS 'credits spent on this UTC day';
COMMENT ON COLUMN keyapi_fdw_accounts.requests_today IS 'requests sent on this UTC day';
COMMENT ON COLUMN keyapi_fdw_accounts.last_used IS 'when a request started last';

CREATE FUNCTION keyapi_fdw_resume(server name)
RETURNS void
AS 'MODULE_PATHNAME'
LANGUAGE C STRICT VOLATILE;

COMMENT ON FUNCTION keyapi_fdw_resume(name) IS
'ends the pauses after 429 and 402 of the account that the caller''s user mapping of this server stands for';

CREATE FUNCTION keyapi_fdw_version()
RETURNS text
AS 'MODULE_PATHNAME'
LANGUAGE C STRICT STABLE;

COMMENT ON FUNCTION keyapi_fdw_version() IS
'versions of the library of keyapi_fdw, of libcurl with its TLS library, and of jansson, for bug reports';

GRANT SELECT ON keyapi_fdw_stats, keyapi_fdw_cache, keyapi_fdw_progress TO PUBLIC;
REVOKE ALL ON FUNCTION keyapi_fdw_stats_reset(), keyapi_fdw_cache_clear(), keyapi_fdw_resume(name) FROM PUBLIC;

/* Function and view: PostgreSQL checks the privilege on a function that a view uses for the role that reads the view */
GRANT SELECT ON keyapi_fdw_accounts TO pg_read_all_stats;
REVOKE ALL ON FUNCTION keyapi_fdw_accounts() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION keyapi_fdw_accounts() TO pg_read_all_stats;

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
'the KeyAPI TikTok trending videos as foreign tables';

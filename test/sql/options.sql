-- Options of servers, user mappings, foreign tables and columns
CREATE EXTENSION keyapi_fdw;

-- nothing is granted beyond the defaults
SELECT proname, has_function_privilege('pg_monitor', oid, 'execute') AS public
  FROM pg_proc WHERE proname LIKE 'keyapi%' ORDER BY 1;
SELECT fdwname, fdwacl FROM pg_foreign_data_wrapper WHERE fdwname = 'keyapi_fdw';

-- every object has a comment, save for the views' row types
SELECT classid::regclass, objid FROM pg_depend
WHERE refclassid = 'pg_extension'::regclass
  AND refobjid = (SELECT oid FROM pg_extension WHERE extname = 'keyapi_fdw')
  AND classid <> 'pg_type'::regclass
  AND obj_description(objid, classid::regclass::name) IS NULL;

-- every option has a default
CREATE SERVER plain FOREIGN DATA WRAPPER keyapi_fdw;
CREATE SERVER full_house FOREIGN DATA WRAPPER keyapi_fdw OPTIONS (
  base_url 'https://proxy.example.com:8443/keyapi/',
  ca_file '/etc/ssl/certs/ca.pem',
  proxy 'http://user:secret@proxy.example.com:3128',
  connect_timeout '500ms',
  request_timeout '1.5min');

-- unknown names
CREATE SERVER s FOREIGN DATA WRAPPER keyapi_fdw OPTIONS (base_ulr 'https://api.keyapi.ai');
CREATE SERVER s FOREIGN DATA WRAPPER keyapi_fdw OPTIONS (api_key 'sk_live_test');
CREATE SERVER s FOREIGN DATA WRAPPER keyapi_fdw OPTIONS (zzz '1');
CREATE USER MAPPING FOR CURRENT_USER SERVER plain OPTIONS (apikey 'sk_live_test');
CREATE USER MAPPING FOR CURRENT_USER SERVER plain OPTIONS (base_url 'https://api.keyapi.ai');
CREATE FOREIGN TABLE t (rank int) SERVER plain OPTIONS (regoin 'US');
CREATE FOREIGN TABLE t (rank int OPTIONS (fild 'x')) SERVER plain;
CREATE FOREIGN DATA WRAPPER other VALIDATOR keyapi_fdw_validator OPTIONS (anything '1');

-- base_url: scheme, host, port, path; clear text only to this machine
CREATE SERVER s FOREIGN DATA WRAPPER keyapi_fdw OPTIONS (base_url 'ftp://api.keyapi.ai');
CREATE SERVER s FOREIGN DATA WRAPPER keyapi_fdw OPTIONS (base_url 'api.keyapi.ai');
CREATE SERVER s FOREIGN DATA WRAPPER keyapi_fdw OPTIONS (base_url '');
CREATE SERVER s FOREIGN DATA WRAPPER keyapi_fdw OPTIONS (base_url 'https://');
CREATE SERVER s FOREIGN DATA WRAPPER keyapi_fdw OPTIONS (base_url 'https://host:0x50');
CREATE SERVER s FOREIGN DATA WRAPPER keyapi_fdw OPTIONS (base_url 'https://host:65536');
CREATE SERVER s FOREIGN DATA WRAPPER keyapi_fdw OPTIONS (base_url 'https://user:pw@host');
CREATE SERVER s FOREIGN DATA WRAPPER keyapi_fdw OPTIONS (base_url 'https://host/?a=b');
CREATE SERVER s FOREIGN DATA WRAPPER keyapi_fdw OPTIONS (base_url 'https://host/#a');
CREATE SERVER s FOREIGN DATA WRAPPER keyapi_fdw OPTIONS (base_url E'https://host/\r\nX: y');
CREATE SERVER s FOREIGN DATA WRAPPER keyapi_fdw OPTIONS (base_url 'http://api.keyapi.ai');
CREATE SERVER s FOREIGN DATA WRAPPER keyapi_fdw OPTIONS (base_url 'http://127.0.0.1.example.com');
CREATE SERVER s FOREIGN DATA WRAPPER keyapi_fdw OPTIONS (base_url 'http://localhost.example.com');
CREATE SERVER s FOREIGN DATA WRAPPER keyapi_fdw OPTIONS (base_url 'http://localhost@example.com');
CREATE SERVER s1 FOREIGN DATA WRAPPER keyapi_fdw OPTIONS (base_url 'http://localhost:8080/a/b');
CREATE SERVER s2 FOREIGN DATA WRAPPER keyapi_fdw OPTIONS (base_url 'http://127.8.9.10');
CREATE SERVER s3 FOREIGN DATA WRAPPER keyapi_fdw OPTIONS (base_url 'http://[::1]:80');
DROP SERVER s1, s2, s3;

-- files, proxies
CREATE SERVER s FOREIGN DATA WRAPPER keyapi_fdw OPTIONS (ca_file 'ca.pem');
CREATE SERVER s FOREIGN DATA WRAPPER keyapi_fdw OPTIONS (proxy 'gopher://proxy');
CREATE SERVER s FOREIGN DATA WRAPPER keyapi_fdw OPTIONS (proxy 'proxy:3128');

-- a proxy elsewhere must not see clear text either
CREATE SERVER s FOREIGN DATA WRAPPER keyapi_fdw OPTIONS (base_url 'http://127.0.0.1', proxy 'http://user:secret@proxy.example.com:3128');
CREATE SERVER s FOREIGN DATA WRAPPER keyapi_fdw OPTIONS (base_url 'HTTP://localhost', proxy 'https://proxy.example.com');
CREATE SERVER s FOREIGN DATA WRAPPER keyapi_fdw OPTIONS (base_url 'http://[::1]', proxy 'socks5h://127.0.0.1@proxy.example.com');
CREATE SERVER s1 FOREIGN DATA WRAPPER keyapi_fdw OPTIONS (base_url 'http://127.0.0.1', proxy 'http://[::1]:3128');
CREATE SERVER s2 FOREIGN DATA WRAPPER keyapi_fdw OPTIONS (base_url 'http://127.0.0.1', proxy 'socks5://localhost');
ALTER SERVER s1 OPTIONS (SET proxy 'http://proxy.example.com');
ALTER SERVER full_house OPTIONS (SET base_url 'http://127.0.0.1');
DROP SERVER s1, s2;

-- durations need a unit
CREATE SERVER s FOREIGN DATA WRAPPER keyapi_fdw OPTIONS (connect_timeout '30');
CREATE SERVER s FOREIGN DATA WRAPPER keyapi_fdw OPTIONS (connect_timeout '0');
CREATE SERVER s FOREIGN DATA WRAPPER keyapi_fdw OPTIONS (connect_timeout '0s');
CREATE SERVER s FOREIGN DATA WRAPPER keyapi_fdw OPTIONS (request_timeout '-1s');
CREATE SERVER s FOREIGN DATA WRAPPER keyapi_fdw OPTIONS (request_timeout '5 parsecs');
CREATE SERVER s FOREIGN DATA WRAPPER keyapi_fdw OPTIONS (request_timeout 'soon');
CREATE SERVER s FOREIGN DATA WRAPPER keyapi_fdw OPTIONS (request_timeout '010s');
CREATE SERVER s FOREIGN DATA WRAPPER keyapi_fdw OPTIONS (request_timeout '');
CREATE SERVER s FOREIGN DATA WRAPPER keyapi_fdw OPTIONS (request_timeout '99999d');

-- 0 needs none where it means never
CREATE SERVER s FOREIGN DATA WRAPPER keyapi_fdw OPTIONS (max_retry_wait '0', max_retries '0');
ALTER SERVER s OPTIONS (SET max_retry_wait '1');
DROP SERVER s;

-- numbers have bounds
CREATE SERVER s FOREIGN DATA WRAPPER keyapi_fdw OPTIONS (max_retries '-1');
CREATE SERVER s FOREIGN DATA WRAPPER keyapi_fdw OPTIONS (max_retries 'many');
CREATE SERVER s FOREIGN DATA WRAPPER keyapi_fdw OPTIONS (max_retries '1.5s');
CREATE SERVER s FOREIGN DATA WRAPPER keyapi_fdw OPTIONS (max_retries '5.5');
CREATE SERVER s FOREIGN DATA WRAPPER keyapi_fdw OPTIONS (max_retries '010');
CREATE SERVER s FOREIGN DATA WRAPPER keyapi_fdw OPTIONS (max_retries '0x10');
CREATE SERVER s FOREIGN DATA WRAPPER keyapi_fdw OPTIONS (max_retries ' 5');
CREATE SERVER s FOREIGN DATA WRAPPER keyapi_fdw OPTIONS (max_retries '');
CREATE SERVER s FOREIGN DATA WRAPPER keyapi_fdw OPTIONS (max_concurrency '0');
CREATE SERVER s FOREIGN DATA WRAPPER keyapi_fdw OPTIONS (max_concurrency '33');
CREATE SERVER s FOREIGN DATA WRAPPER keyapi_fdw OPTIONS (requests_per_second '-0.5');
CREATE SERVER s FOREIGN DATA WRAPPER keyapi_fdw OPTIONS (requests_per_second 'nan');
CREATE SERVER s FOREIGN DATA WRAPPER keyapi_fdw OPTIONS (requests_per_second 'infinity');
CREATE SERVER s FOREIGN DATA WRAPPER keyapi_fdw OPTIONS (requests_per_second '');
CREATE SERVER s FOREIGN DATA WRAPPER keyapi_fdw OPTIONS (max_credits '-1');
CREATE SERVER s FOREIGN DATA WRAPPER keyapi_fdw OPTIONS (max_credits '99999999999');
CREATE SERVER s FOREIGN DATA WRAPPER keyapi_fdw
  OPTIONS (max_concurrency '32', requests_per_second '0.5', max_credits '0');
DROP SERVER s;

-- keys: never quoted in an error
CREATE USER MAPPING FOR PUBLIC SERVER plain OPTIONS (api_key '');
CREATE USER MAPPING FOR PUBLIC SERVER plain OPTIONS (api_key E'sk_live_1\r\nX-Other: 2');
CREATE USER MAPPING FOR PUBLIC SERVER plain OPTIONS (api_key E'sk_live_\u00e4');
CREATE USER MAPPING FOR PUBLIC SERVER plain OPTIONS (api_key 'sk_live_1', api_key_file '/tmp/key');
CREATE USER MAPPING FOR PUBLIC SERVER plain OPTIONS (api_key_file 'key');
CREATE USER MAPPING FOR PUBLIC SERVER plain OPTIONS (api_key 'sk_live_1');
ALTER USER MAPPING FOR PUBLIC SERVER plain OPTIONS (ADD api_key_file '/tmp/key');
DROP USER MAPPING FOR PUBLIC SERVER plain;

-- tables and columns
CREATE FOREIGN TABLE t (rank int) SERVER plain OPTIONS (endpoint 'tiktok/nothing');
CREATE FOREIGN TABLE t (rank int) SERVER plain OPTIONS (page_size '0');
CREATE FOREIGN TABLE t (rank int) SERVER plain OPTIONS (page_size '21');
CREATE FOREIGN TABLE t (rank int) SERVER plain OPTIONS (page_size 'ten');
CREATE FOREIGN TABLE t (rank int) SERVER plain OPTIONS (period '8');
CREATE FOREIGN TABLE t (rank int) SERVER plain OPTIONS (order_by 'likes');
CREATE FOREIGN TABLE t (rank int) SERVER plain OPTIONS (region '');
CREATE FOREIGN TABLE t (rank int) SERVER plain OPTIONS (region 'all');
CREATE FOREIGN TABLE t (rank int) SERVER plain OPTIONS (region 'IT', regions 'US,FR');
CREATE FOREIGN TABLE t (rank int) SERVER plain OPTIONS (regions 'US,,FR');
CREATE FOREIGN TABLE t (rank int) SERVER plain OPTIONS (regions '');
CREATE FOREIGN TABLE t (rank int OPTIONS (field '')) SERVER plain;
CREATE FOREIGN TABLE t (rank int OPTIONS (field 'a..b')) SERVER plain;
CREATE FOREIGN TABLE t1 (rank int) SERVER plain OPTIONS (region 'none', period 'all', order_by 'like', page_size '5');
CREATE FOREIGN TABLE t2 (x text OPTIONS (field 'author.name')) SERVER plain OPTIONS (regions ' US, FR ,US', region 'FR');
ALTER FOREIGN TABLE t2 OPTIONS (SET region 'DE');
ALTER FOREIGN TABLE t2 OPTIONS (SET regions 'DE');
ALTER FOREIGN TABLE t2 OPTIONS (SET regions 'DE', SET region 'DE');

-- what only a superuser may set; dropping it is free
CREATE ROLE regress_keyapi_owner;
GRANT USAGE ON FOREIGN DATA WRAPPER keyapi_fdw TO regress_keyapi_owner;
GRANT CREATE ON SCHEMA public TO regress_keyapi_owner;
CREATE SERVER owned FOREIGN DATA WRAPPER keyapi_fdw OPTIONS (base_url 'https://example.com');
ALTER SERVER owned OWNER TO regress_keyapi_owner;
SET ROLE regress_keyapi_owner;
CREATE SERVER s FOREIGN DATA WRAPPER keyapi_fdw OPTIONS (base_url 'https://example.com');
CREATE SERVER s FOREIGN DATA WRAPPER keyapi_fdw OPTIONS (ca_file '/tmp/ca.pem');
CREATE SERVER s FOREIGN DATA WRAPPER keyapi_fdw OPTIONS (proxy 'http://localhost');
ALTER SERVER owned OPTIONS (ADD request_timeout '1s');
ALTER SERVER owned OPTIONS (DROP base_url);
ALTER SERVER owned OPTIONS (ADD request_timeout '1s');
CREATE USER MAPPING FOR CURRENT_USER SERVER owned OPTIONS (api_key_file '/etc/passwd');
CREATE USER MAPPING FOR CURRENT_USER SERVER owned OPTIONS (api_key 'sk_live_test');
ALTER USER MAPPING FOR CURRENT_USER SERVER owned OPTIONS (ADD api_key_file '/etc/passwd', DROP api_key);
RESET ROLE;

-- SQLSTATEs
\set VERBOSITY sqlstate
CREATE SERVER s FOREIGN DATA WRAPPER keyapi_fdw OPTIONS (zzz '1');
CREATE SERVER s FOREIGN DATA WRAPPER keyapi_fdw OPTIONS (base_url 'http://api.keyapi.ai');
CREATE USER MAPPING FOR PUBLIC SERVER plain OPTIONS (api_key '');
CREATE USER MAPPING FOR PUBLIC SERVER plain OPTIONS (api_key 'sk_live_1', api_key_file '/tmp/key');
CREATE FOREIGN TABLE t (rank int) SERVER plain OPTIONS (period '8');
SET ROLE regress_keyapi_owner;
CREATE SERVER s FOREIGN DATA WRAPPER keyapi_fdw OPTIONS (proxy 'http://localhost');
RESET ROLE;
\set VERBOSITY default

DROP OWNED BY regress_keyapi_owner;
DROP ROLE regress_keyapi_owner;
SET client_min_messages = warning;
DROP EXTENSION keyapi_fdw CASCADE;

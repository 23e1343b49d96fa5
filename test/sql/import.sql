-- IMPORT FOREIGN SCHEMA
CREATE EXTENSION keyapi_fdw;
CREATE SERVER "My Server" FOREIGN DATA WRAPPER keyapi_fdw;
CREATE SCHEMA a;
CREATE SCHEMA b;
CREATE SCHEMA c;

IMPORT FOREIGN SCHEMA tiktok FROM SERVER "My Server" INTO a;
\d+ a.*

IMPORT FOREIGN SCHEMA tiktok LIMIT TO (tiktok_trending) FROM SERVER "My Server" INTO b;
IMPORT FOREIGN SCHEMA tiktok LIMIT TO (other) FROM SERVER "My Server" INTO c;
IMPORT FOREIGN SCHEMA tiktok EXCEPT (tiktok_trending) FROM SERVER "My Server" INTO c;
\det b.*
\det c.*
DROP FOREIGN TABLE c.tiktok_trending_hashtags;

IMPORT FOREIGN SCHEMA nothing FROM SERVER "My Server" INTO c;
IMPORT FOREIGN SCHEMA tiktok FROM SERVER "My Server" INTO c OPTIONS (import_all 'true');
IMPORT FOREIGN SCHEMA tiktok FROM SERVER "My Server" INTO a;

-- options of IMPORT itself
IMPORT FOREIGN SCHEMA tiktok FROM SERVER "My Server" INTO c OPTIONS (defaults 'all');
IMPORT FOREIGN SCHEMA tiktok FROM SERVER "My Server" INTO c OPTIONS (defaults '');
IMPORT FOREIGN SCHEMA tiktok FROM SERVER "My Server" INTO c OPTIONS ("Defaults" 'none');
IMPORT FOREIGN SCHEMA tiktok FROM SERVER "My Server" INTO c OPTIONS (defaults 'none', region 'none');
IMPORT FOREIGN SCHEMA tiktok FROM SERVER "My Server" INTO c OPTIONS (defaults 'none');
SELECT ftoptions FROM pg_foreign_table WHERE ftrelid = 'c.tiktok_trending'::regclass;
SELECT * FROM c.tiktok_trending;

-- no key is needed to look, only to ask
SELECT * FROM a.tiktok_trending WHERE false;

SET client_min_messages = warning;
DROP SCHEMA a, b, c CASCADE;
SET client_min_messages = warning;
DROP EXTENSION keyapi_fdw CASCADE;

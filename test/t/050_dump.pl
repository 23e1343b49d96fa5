
# pg_dump and restore: everything that a user has defined comes back.

use strict;
use warnings;

use Test::More;

use KeyapiTest;

my $t = KeyapiTest->new;

$t->scenario('dumped', 'total=45');
$t->sql(<<'END');
COMMENT ON SERVER dumped IS 'the API';
ALTER SERVER dumped OPTIONS (ADD request_timeout '5s');
CREATE ROLE alice LOGIN;
CREATE USER MAPPING FOR alice SERVER dumped OPTIONS (api_key 'sk_"''\\');
CREATE FOREIGN TABLE custom (
  rank bigint,
  caption text OPTIONS (field 'title') COLLATE "C" NOT NULL,
  "author's name" text OPTIONS (field 'author.name'),
  region varchar(2) DEFAULT 'US',
  CONSTRAINT positive CHECK (rank > 0)
) SERVER dumped OPTIONS (endpoint 'tiktok/trending/videos', regions 'US, FR', period 'all',
  order_by 'like', page_size '10');
GRANT SELECT ON custom TO alice;
CREATE VIEW top AS SELECT * FROM dumped WHERE region = 'US' AND rank <= 10;
CREATE MATERIALIZED VIEW copy AS SELECT rank, region, period, order_by, id FROM dumped;
CREATE UNIQUE INDEX ON copy (region, period, order_by, id);
CREATE TABLE parted (region text, id text) PARTITION BY LIST (region);
CREATE FOREIGN TABLE parted_fr PARTITION OF parted FOR VALUES IN ('FR')
SERVER dumped OPTIONS (region 'FR');
END

my $before = definitions('postgres');
like($before, qr/author\.name/, 'there is something to compare');

foreach my $format ('plain', 'custom')
{
	my $dump = $t->path($format);

	$t->emulator->reset('dumped');
	$t->node->command_ok(
		[ 'pg_dump', "--format=$format", "--file=$dump", 'postgres' ],
		"$format: pg_dump");
	is($t->emulator->count('dumped'), 0, '... asks the API for nothing');

	$t->sql("CREATE DATABASE $format TEMPLATE template0");
	$t->node->command_ok(
		$format eq 'plain'
		? [ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-f', $dump, '-d', $format ]
		: [ 'pg_restore', '--exit-on-error', '-d', $format, $dump ],
		'... and restore');
	is(definitions($format), $before, '... of all definitions');
	cmp_ok($t->emulator->count('dumped'),
		'==', 3, '... which fills the materialized view');

	$t->answers(
		'dumped',
		'SELECT count(*) FROM copy; SELECT count(*) FROM dumped;'
		  . ' SELECT max(rank) FROM top; SELECT count(id) FROM parted',
		"45\n45\n10\n45", 7, '... and works', dbname => $format);
}

# A dump of a whole cluster leaves rows of foreign tables alone, too.
$t->emulator->reset('dumped');
$t->node->command_ok([ 'pg_dump', '--data-only', '--file=/dev/null', 'postgres' ],
	'pg_dump --data-only');
is($t->emulator->count('dumped'), 0, '... reads no foreign table');
$t->node->command_checks_all(
	[
		'pg_dump', '--data-only', '--include-foreign-data=dumped',
		'--table=dumped', 'postgres'
	],
	0,
	[qr/^1\tUS\t7\tvv\t.*^45\tUS\t7\tvv\t/ms],
	[qr/^$/],
	'--include-foreign-data reads them');
is($t->emulator->count('dumped'), 3, '... a list for each table');

$t->stop;
done_testing();

# All that a database has of us, as psql shows it.  pg_dump sorts options.
sub definitions
{
	my ($dbname) = @_;

	return $t->sql(<<'END', dbname => $dbname);
SELECT extname, extversion, extnamespace::regnamespace FROM pg_extension WHERE extname = 'keyapi_fdw';
SELECT fdwname, fdwhandler::regproc, fdwvalidator::regproc, fdwacl, fdwoptions
FROM pg_foreign_data_wrapper;
SELECT srvname, srvowner::regrole, array(SELECT unnest(srvoptions) ORDER BY 1), obj_description(oid) FROM pg_foreign_server;
SELECT srvname, usename, array(SELECT unnest(umoptions) ORDER BY 1) FROM pg_user_mappings ORDER BY 1, 2;
SELECT ftrelid::regclass, array(SELECT unnest(ftoptions) ORDER BY 1), relacl, relispartition
FROM pg_foreign_table JOIN pg_class c ON c.oid = ftrelid ORDER BY relname;
SELECT attrelid::regclass, attname, format_type(atttypid, atttypmod), attnotnull,
array(SELECT unnest(attfdwoptions) ORDER BY 1), attcollation::regcollation, pg_get_expr(adbin, adrelid), col_description(attrelid, attnum)
FROM pg_attribute LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
WHERE attrelid IN (SELECT ftrelid FROM pg_foreign_table) AND attnum > 0
ORDER BY attrelid::regclass::text, attnum;
SELECT conrelid::regclass, conname, pg_get_constraintdef(oid) FROM pg_constraint
WHERE conrelid IN (SELECT ftrelid FROM pg_foreign_table);
SELECT viewname, definition FROM pg_views WHERE schemaname = 'public';
SELECT matviewname, definition, ispopulated FROM pg_matviews;
SELECT indexdef FROM pg_indexes WHERE schemaname = 'public';
SELECT relid, parentrelid FROM pg_partition_tree('parted');
END
}

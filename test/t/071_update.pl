
# ALTER EXTENSION UPDATE leaves what a fresh installation makes: from each version
# that has a script to the newest one, and, as long as there is only one, to a next
# version that is made up here.

use strict;
use warnings;

use Test::More;

use KeyapiDocuments;
use KeyapiTest;

# An installation of our own beside that of the tests, which may be changed
my $directory = PostgreSQL::Test::Utils::tempdir_short();
my $installed = copy_installation();
my ($default) = KeyapiDocuments::slurp('keyapi_fdw.control') =~ /^default_version = '(.*)'/m;
my $next      = 'next';
my $t         = KeyapiTest->new(conf => $installed->{conf});
my $databases = 0;

test_updates();
test_made_up_update();

$t->stop;
done_testing();

# Make links to what TEMP_CONFIG points to, not copies: servers may preload the library,
# and a copy of it would be another one.  Returns the folder of the scripts and the
# settings that find them.
sub copy_installation
{
	my $conf = $ENV{TEMP_CONFIG} ? PostgreSQL::Test::Utils::slurp_file($ENV{TEMP_CONFIG}) : '';
	my ($destination) = $conf =~ /^extension_(?:destdir|control_path) = '([^:']*)/m;
	my ($shared) = `pg_config --sharedir` =~ /(.*)/;

	plan skip_all => 'the extension is not installed in a place of its own' if !$destination;
	$destination =~ s/\Q$shared\E\z//;
	system('cp', '-Rs', $destination, "$directory/installed") == 0 or die 'cannot copy';
	$conf = join '', map { s/\Q$destination\E/$directory\/installed/gr } grep { /^extension_/ } $conf =~ /^.*\n/gm;
	return { scripts => "$directory/installed$shared/extension", conf => $conf };
}

# From each version that has a script of its own
sub test_updates
{
	my @versions = map { /--([^-]+)\.sql\z/ ? $1 : () } glob "$installed->{scripts}/keyapi_fdw--*.sql";
	my @older = grep { $_ ne $default } @versions;

	ok((grep { $_ eq $default } @versions), "version $default has a script");
	is(updated($_, $default), fresh($default), "update from $_ to $default") foreach @older;
	return;
}

# The comparison sees what an update forgets.
sub test_made_up_update
{
	my $function = "CREATE FUNCTION keyapi_fdw_new() RETURNS int LANGUAGE SQL RETURN 1;\n";
	my $comment  = "COMMENT ON FUNCTION keyapi_fdw_new() IS 'new';\n";
	my $revoke   = "REVOKE ALL ON FUNCTION keyapi_fdw_new() FROM PUBLIC;\n";
	my $column   = "COMMENT ON COLUMN keyapi_fdw_cache.pages IS 'changed';\n";
	my $whole    = $function . $comment . $revoke . $column;
	my $wanted;

	write_script($next, script($default) . $whole);
	$wanted = fresh($next);
	isnt($wanted, fresh($default), 'the next version differs');

	write_script("$default--$next", $whole);
	is(updated($default, $next), $wanted, 'an update that is complete');
	foreach my $forgotten ($comment, $revoke, $column)
	{
		write_script("$default--$next", $whole =~ s/\Q$forgotten\E//r);
		isnt(updated($default, $next), $wanted, "one that lacks $forgotten" =~ s/\n//r);
	}
	write_script("$default--$next", "$function$comment$revoke$column DROP VIEW keyapi_fdw_progress;");
	isnt(updated($default, $next), $wanted, 'one that drops a view');
	return;
}

sub script
{
	my ($version) = @_;

	return PostgreSQL::Test::Utils::slurp_file("$installed->{scripts}/keyapi_fdw--$version.sql");
}

sub write_script
{
	my ($version, $content) = @_;
	my $path = "$installed->{scripts}/keyapi_fdw--$version.sql";

	open my $handle, '>', $path or die "$path: $!";
	print {$handle} $content;
	close $handle or die "$path: $!";
	return;
}

# ---------------------------------------------------------------------
# What is in a database
# ---------------------------------------------------------------------

sub fresh
{
	my ($version) = @_;

	return described("CREATE EXTENSION keyapi_fdw VERSION '$version'");
}

sub updated
{
	my ($from, $to) = @_;

	return described("CREATE EXTENSION keyapi_fdw VERSION '$from';"
		  . " ALTER EXTENSION keyapi_fdw UPDATE TO '$to'");
}

# All objects of the extension after this SQL in a new database, a line each: what it
# is, how it is defined, its privileges and comments
sub described
{
	my ($sql) = @_;
	my $database = 'db' . ++$databases;

	$t->sql("CREATE DATABASE $database TEMPLATE template0");
	$t->sql($sql, dbname => $database);
	return $t->sql(<<'END', dbname => $database);
SELECT pg_describe_object(classid, objid, 0),
  obj_description(objid, classid::regclass::name),
  pg_get_functiondef(p.oid), p.proacl, pg_get_viewdef(c.oid), c.relacl,
  (SELECT string_agg(concat_ws(' ', attname, format_type(atttypid, atttypmod), col_description(c.oid, attnum)), ', ' ORDER BY attnum)
   FROM pg_attribute WHERE attrelid = c.oid AND attnum > 0),
  f.fdwhandler::regproc, f.fdwvalidator::regproc, f.fdwacl, f.fdwoptions,
  i.initprivs
FROM pg_depend d
  LEFT JOIN pg_proc p ON classid = 'pg_proc'::regclass AND p.oid = objid
  LEFT JOIN pg_class c ON classid = 'pg_class'::regclass AND c.oid = objid
  LEFT JOIN pg_foreign_data_wrapper f ON classid = 'pg_foreign_data_wrapper'::regclass AND f.oid = objid
  LEFT JOIN pg_init_privs i ON i.classoid = classid AND i.objoid = objid AND i.objsubid = 0
WHERE refclassid = 'pg_extension'::regclass AND deptype = 'e'
  AND refobjid = (SELECT oid FROM pg_extension WHERE extname = 'keyapi_fdw')
ORDER BY 1
END
}

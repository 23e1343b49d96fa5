
# doc/reference.md is complete: it lists all that there is, and nothing else.

use strict;
use warnings;

use Test::More;

use KeyapiDocuments;
use KeyapiTest;

my $reference = KeyapiDocuments->new('doc/reference.md');
my $t = KeyapiTest->new;

$t->scenario('reference');
test_columns('Columns', 'reference');
$t->sql('IMPORT FOREIGN SCHEMA tiktok LIMIT TO (tiktok_trending_hashtags) FROM SERVER reference INTO public');
test_columns('Columns of tiktok_trending_hashtags', 'tiktok_trending_hashtags');
test_options();
test_hashtag_options();
test_settings();
test_explain();
test_views();
test_functions();
test_version();
test_sqlstates();

$t->stop;
done_testing();

# The names in the first column of a section's tables
sub documented
{
	my ($section) = @_;

	return map { $_->[0] =~ /`([^`]+)`/g }
	  KeyapiDocuments::table_rows($reference->section($section));
}

# "name type" of a relation's columns, sorted
sub columns_of
{
	my ($relation) = @_;

	return join "\n", sort split /\n/, $t->sql(<<"END") =~ tr/|/ /r;
SELECT attname, format_type(atttypid, atttypmod)
FROM pg_attribute WHERE attrelid = '$relation'::regclass AND attnum > 0;
END
}

# The columns are what IMPORT FOREIGN SCHEMA makes.
sub test_columns
{
	my ($section, $table) = @_;
	my @documented;

	foreach my $row (KeyapiDocuments::table_rows($reference->section($section)))
	{
		my @names = $row->[0] =~ /`(\w+)`/g;
		my @types = split /, /, $row->[1];

		push @documented, map { "$names[$_] " . ($types[$_] // $types[0]) } 0 .. $#names;
	}
	is( join("\n", sort @documented),
		columns_of($table) =~ s/timestamp with time zone/timestamptz/r,
		"columns of $table");
	return;
}

# So are the options of the other endpoint's table.
sub test_hashtag_options
{
	my $hint = $t->run('CREATE FOREIGN TABLE x () SERVER reference'
		  . q{ OPTIONS (endpoint 'tiktok/trending/hashtags', nothing '')})->{stderr};
	my ($valid) = $hint =~ /Valid options in this context are: (.*)\.$/m;

	is( join(', ', sort { $a cmp $b } documented('Options of tiktok_trending_hashtags')),
		join(', ', sort { $a cmp $b } split /, /, $valid // ''),
		'options of tiktok_trending_hashtags') or diag $hint;
	return;
}

# The options are what the validator takes, with those marked that only a
# superuser may set.
sub test_options
{
	my %statement = (
		'a server'        => 'CREATE SERVER x FOREIGN DATA WRAPPER keyapi_fdw OPTIONS (%s)',
		'a user mapping'  => 'CREATE USER MAPPING FOR nobody SERVER reference OPTIONS (%s)',
		'a foreign table' => 'CREATE FOREIGN TABLE x () SERVER reference OPTIONS (%s)',
		'a column'        => 'CREATE FOREIGN TABLE x (x text OPTIONS (%s)) SERVER reference');

	$t->sql(<<'END');
CREATE ROLE nobody LOGIN;
GRANT USAGE ON FOREIGN DATA WRAPPER keyapi_fdw TO nobody;
GRANT USAGE ON FOREIGN SERVER reference TO nobody;
GRANT CREATE ON SCHEMA public TO nobody;
END
	foreach my $owner (sort keys %statement)
	{
		my $hint = $t->run(sprintf $statement{$owner}, "nothing ''")->{stderr};
		my ($valid) = $hint =~ /Valid options in this context are: (.*)\.$/m;

		is( join(', ', sort { $a cmp $b } documented("Options of $owner")),
			join(', ', sort { $a cmp $b } split /, /, $valid // ''),
			"options of $owner") or diag $hint;
		foreach my $row (KeyapiDocuments::table_rows($reference->section("Options of $owner")))
		{
			my ($option, $mark) = $row->[0] =~ /^`(\w+)`( \(s\))?$/;
			my $result = $t->run('BEGIN; ' . sprintf($statement{$owner}, "$option '-'"),
				as => 'nobody');

			is( $result->{stderr} =~ /^ERROR:  42501:/ ? 1 : 0,
				defined $mark ? 1 : 0,
				"which roles may set $option");
		}
	}
	return;
}

# The settings, here and in all other documents, are those that exist.
sub test_settings
{
	my $valid = $t->sql("EXPLAIN SELECT FROM reference \\g /dev/null\n"
		  . "SELECT name FROM pg_settings WHERE name LIKE 'keyapi\\_fdw.%' ORDER BY 1");
	my %told = map { $_ => 1 }
	  map { KeyapiDocuments->new($_)->text =~ /`(keyapi_fdw\.(?!control)\w+)`/g }
	  grep { m{^(README|doc/)} } KeyapiDocuments::all();

	is(join("\n", sort(documented('Settings'))), $valid, 'settings');
	is(join("\n", sort keys %told), $valid, 'settings that the documents tell of');
	return;
}

# The properties that EXPLAIN can show
sub test_explain
{
	my @properties = KeyapiDocuments::slurp('src/sql/explain.c') =~
	  /ExplainProperty\w+\("([^"]+)"/g;

	is( join("\n", sort { $a cmp $b } documented('EXPLAIN')),
		join("\n", sort { $a cmp $b } @properties),
		'properties of EXPLAIN');
	return;
}

sub test_views
{
	my $views = $t->sql(<<'END');
SELECT c.relname FROM pg_class c JOIN pg_depend d ON d.objid = c.oid
WHERE d.classid = 'pg_class'::regclass AND d.deptype = 'e' AND c.relkind = 'v'
ORDER BY 1;
END
	my (undef, %tables) = split /^`(keyapi_fdw_\w+)` /m, $reference->section('Views');

	is(join("\n", sort keys %tables), $views, 'views');
	foreach my $view (sort keys %tables)
	{
		my @columns = map { $_->[0] =~ tr/`//dr . " $_->[1]" }
		  KeyapiDocuments::table_rows($tables{$view});

		is(join("\n", sort @columns), columns_of($view), "columns of $view");
	}
	return;
}

# What a bug report must say
sub test_version
{
	my $version = $t->sql("SELECT extversion FROM pg_extension WHERE extname = 'keyapi_fdw'");

	like($t->sql('SELECT keyapi_fdw_version()'), qr/^keyapi_fdw \Q$version\E\.\d+, libcurl \d+\.\d+\.\d+\S* \(\w+.*\), jansson \d+\.\d+\S*$/,
		'keyapi_fdw_version()');
	return;
}

# The functions that users call: neither those behind views, nor those that CREATE
# FOREIGN DATA WRAPPER names
sub test_functions
{
	my $functions = $t->sql(<<'END');
SELECT p.oid::regprocedure FROM pg_proc p JOIN pg_depend d ON d.objid = p.oid
WHERE d.classid = 'pg_proc'::regclass AND d.deptype = 'e'
  AND d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'keyapi_fdw')
  AND p.oid NOT IN (SELECT unnest(ARRAY[fdwhandler, fdwvalidator]) FROM pg_foreign_data_wrapper)
  AND p.proname NOT IN (SELECT viewname FROM pg_views)
ORDER BY 1::text;
END
	is( join("\n", sort(documented('Functions'))),
		join("\n", sort split /\n/, $functions),
		'functions');
	return;
}

# The SQLSTATEs that the source names; those of faults in the extension itself
# are nothing to look up.
sub test_sqlstates
{
	my $root = KeyapiDocuments::root();
	my $source = join '', map { KeyapiDocuments::slurp(substr $_, length("$root/")) }
	  glob "$root/src/*/*.[ch]";
	my %raised = map { $_ => 1 } $source =~ /\b(ERRCODE_\w+)/g;
	my %sqlstate = sqlstates();
	my %documented = map { $_ => 1 } $reference->section('Errors') =~ /\| (\w{5}) \|$/gm;

	delete $raised{ERRCODE_INTERNAL_ERROR};
	delete @documented{qw(53100 57014)};    # PostgreSQL's own
	is( join(' ', sort keys %documented),
		join(' ', sort map { $sqlstate{$_} // $_ } keys %raised),
		'SQLSTATEs');
	return;
}

# ERRCODE_... => SQLSTATE
sub sqlstates
{
	chomp(my $include = `pg_config --includedir-server`);
	my $header = PostgreSQL::Test::Utils::slurp_file("$include/utils/errcodes.h");
	my %sqlstate;

	while ($header =~ /^#define (ERRCODE_\w+)\s+MAKE_SQLSTATE\(([^)]*)\)/gm)
	{
		$sqlstate{$1} = $2 =~ tr/A-Z0-9//cdr;
	}
	return %sqlstate;
}


# README.md keeps its word: its queries run and cost what they say, and its
# tables are complete.

use strict;
use warnings;

use File::Basename;
use Test::More;

use KeyapiSession;
use KeyapiTest;

my $readme = PostgreSQL::Test::Utils::slurp_file(dirname(__FILE__) . '/../../README.md');
my $t = KeyapiTest->new;

$t->sql('DROP EXTENSION keyapi_fdw');    # the README makes it
run_blocks();
test_columns();
test_options();
test_settings();

$t->stop;
done_testing();

# Run the SQL in the order in which a reader would.  What comes before CREATE
# EXTENSION is to whet the appetite.
sub run_blocks
{
	my @blocks  = blocks();
	my @before;
	my $session = KeyapiSession->new($t);
	my $promises = 0;

	push @before, shift @blocks
	  while @blocks && $blocks[0]->{sql} !~ /^CREATE EXTENSION/m;
	splice @blocks, 1, 0, @before;
	cmp_ok(scalar(@blocks), '>', 10, 'README.md has SQL');

	$t->file('keyapi.key', "sk_live_file\n");
	foreach my $block (@blocks)
	{
		foreach my $statement (statements($block->{sql}))
		{
			$promises++ if run_statement($session, $statement, $block->{fails});
		}
	}
	$session->quit;
	cmp_ok($promises, '>', 0, 'README.md tells prices');

	$t->sql('SELECT FROM tiktok_trending LIMIT 1');
	is(($t->emulator->log('readme'))[-1]->{key},
		'sk_live_file', 'the key is at last in a file');
	return;
}

# The README's SQL blocks; those that are marked "sql error" must fail.
sub blocks
{
	my @blocks;

	push @blocks, { fails => $1 ne '', sql => $2 }
	  while $readme =~ /^```sql( error)?\n(.*?)^```$/gms;
	return @blocks;
}

sub statements
{
	my ($sql) = @_;
	my @statements = ('');

	foreach my $line (split /^/, $sql)
	{
		$statements[-1] .= $line;
		push @statements, '' if $line =~ /;\s*(--.*)?$/;
	}
	return grep { /\S/ } @statements;
}

# Run a statement and test how it ends, and its price if it names one: without
# what others paid for.  Returns whether it does.
sub run_statement
{
	my ($session, $statement, $fails) = @_;
	my ($promise) = $statement =~ /-- (\d+) requests?\b/;
	my $clear  = $session->run('SELECT keyapi_fdw_cache_clear();');
	my $before = $t->emulator->count('readme');
	my $path   = $t->path('keyapi.key');
	my $here   = $statement =~ s{/etc/postgresql/keyapi\.key}{$path}r;
	my $test   = $statement =~ s/\s+/ /gr;
	my $stderr = $session->run($here)->{stderr};
	my $url    = $t->url('readme', 'key=any');

	$fails ? like($stderr, qr/^ERROR:/, "fails: $test") : is($stderr, '', $test);
	is($t->emulator->count('readme') - $before, $promise, '... costs what it says')
	  if defined $promise;
	$session->sql("ALTER SERVER keyapi OPTIONS (ADD base_url '$url');")
	  if $statement =~ /^CREATE SERVER keyapi/m;
	return defined $promise;
}

# The rows of the tables in a section, as arrays of cells
sub table_rows
{
	my ($section) = @_;
	my ($text) = $readme =~ /^## \d+ \Q$section\E\n(.*?)^## /ms
	  or die "README.md has no section $section";

	return map { [ split /\s*\|\s*/, s/^\|\s*//r ] } $text =~ /^(\| `.*)$/gm;
}

# The table of columns is what IMPORT FOREIGN SCHEMA makes.
sub test_columns
{
	my (@documented, $imported);

	foreach my $row (table_rows('Columns'))
	{
		my @names = $row->[0] =~ /`(\w+)`/g;
		my @types = split /, /, $row->[1];

		push @documented, map { "$names[$_] " . ($types[$_] // $types[0]) } 0 .. $#names;
	}
	$imported = $t->sql(<<'END');
SELECT attname, CASE atttypid WHEN 'timestamptz'::regtype THEN 'timestamptz'
  ELSE format_type(atttypid, atttypmod) END
FROM pg_attribute WHERE attrelid = 'tiktok_trending'::regclass AND attnum > 0 ORDER BY 1;
END
	is(join("\n", sort @documented), $imported =~ tr/|/ /r, 'table of columns');
	return;
}

# The tables of options are what the validator takes, with the options that are
# only for superusers marked.
sub test_options
{
	my %place = (
		server  => 'CREATE SERVER x FOREIGN DATA WRAPPER keyapi_fdw OPTIONS (%s)',
		mapping => 'CREATE USER MAPPING FOR nobody SERVER keyapi OPTIONS (%s)',
		table   => 'CREATE FOREIGN TABLE x () SERVER keyapi OPTIONS (%s)',
		column  => 'CREATE FOREIGN TABLE x (x text OPTIONS (%s)) SERVER keyapi');
	my (%marked, @documented, @valid);

	$t->sql(<<'END');
CREATE ROLE nobody LOGIN;
GRANT USAGE ON FOREIGN DATA WRAPPER keyapi_fdw TO nobody;
GRANT USAGE ON FOREIGN SERVER keyapi TO nobody;
GRANT CREATE ON SCHEMA public TO nobody;
END
	foreach my $row (table_rows('Options'))
	{
		my ($option, $mark) = $row->[0] =~ /^`(\w+)`( \(s\))?$/
		  or next;

		push @documented, $option;
		$marked{$option} = defined $mark;
	}
	foreach my $name (sort keys %place)
	{
		my $hint = $t->run(sprintf $place{$name}, "nothing ''")->{stderr};
		my ($options) = $hint =~ /Valid options in this context are: (.*)\.$/m;

		isnt($options, undef, "valid options of a $name") or diag $hint;
		foreach my $option (split /, /, $options // '')
		{
			my $result = $t->run("BEGIN; " . sprintf($place{$name}, "$option '-'"),
				as => 'nobody');

			push @valid, $option;
			is( $result->{stderr} =~ /^ERROR:  42501:/ ? 1 : 0,
				$marked{$option} ? 1 : 0,
				"who may set $option")
			  if exists $marked{$option};
		}
	}
	is( join("\n", sort @documented),
		join("\n", sort @valid),
		'tables of options');
	return;
}

# README.md tells of all settings, and of no others.
sub test_settings
{
	my %documented = map { $_ => 1 } $readme =~ /`(keyapi_fdw\.[a-z]\w+)`/g;
	my $valid = $t->sql("EXPLAIN SELECT FROM tiktok_trending \\g /dev/null\n"
		  . "SELECT name FROM pg_settings WHERE name LIKE 'keyapi\\_fdw.%' ORDER BY 1");

	is(join("\n", sort keys %documented), $valid, 'settings');
	return;
}

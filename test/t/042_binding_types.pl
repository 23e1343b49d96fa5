# Binding, whatever the types of columns and values are.

use strict;
use warnings;

use Test::More;

use KeyapiTest;

my $t = KeyapiTest->new;

$t->server('w', 'plainids;total=3');
$t->mapping('w');
test_region_types();
test_narrow_types();
test_values();
test_collations();
test_numbers();
test_missing_columns();
test_long_lists();

$t->stop;
done_testing();

# A table with these columns besides rank and id; its requests are counted in w.
sub table
{
	my ($name, $columns, $options) = @_;

	$t->sql("CREATE FOREIGN TABLE $name ($columns, rank int, id text) SERVER w"
		  . ($options ? " OPTIONS ($options)" : ''));
	return;
}

# Test that a query with this FROM clause has so many rows, for so many requests.
sub counts
{
	my ($from, $rows, $requests, $test) = @_;

	local $Test::Builder::Level = $Test::Builder::Level + 1;
	$t->answers('w', "SELECT count(*) FROM $from", $rows, $requests, $test);
	return;
}

# Test that a query with this FROM clause asks for these regions and gets 3 rows of
# each.
sub sends
{
	my ($from, $regions, $test) = @_;
	my $count = () = $regions =~ /\w+/g;
	my %asked;

	$t->emulator->reset('w');
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	counts($from, 3 * $count, $count, $test);
	$asked{$_} = 1 foreach $t->asked('w', 'region');
	is(join(',', sort keys %asked), $regions, "$test: what was sent");
	return;
}

# Test that a query with this FROM clause is refused.
sub refused
{
	my ($from, $test) = @_;

	local $Test::Builder::Level = $Test::Builder::Level + 1;
	$t->refuses('w', "SELECT * FROM $from", $test);
	return;
}

# A column whose type is like text can be bound; with a domain, any can.
sub test_region_types
{
	$t->sql(<<'END');
CREATE DOMAIN code AS varchar(3) CHECK (value <> 'XX');
CREATE TYPE country AS ENUM ('US', 'FR', 'DE');
CREATE DOMAIN padded AS char(8);
CREATE DOMAIN label AS country CHECK (value IS NOT NULL);
END
	foreach my $type ('text', 'varchar', 'varchar(2)', 'name', 'code')
	{
		(my $name = "region_$type") =~ s/\W//g;
		table($name, "region $type");
		counts("$name WHERE region = 'FR'", 3, 1, "$type = literal");
		counts("$name WHERE region IN ('FR', 'US', 'ZZ')",
			6, 3, "$type IN");
		counts("$name WHERE region = ANY ('{{FR,US},{FR,NULL}}')",
			6, 2, "$type = ANY (two-dimensional array)");
		counts("$name WHERE region IS NOT DISTINCT FROM 'FR'",
			3, 1, "$type IS NOT DISTINCT FROM");
		counts("$name WHERE region = 'France'", 0,
			0, "$type and a longer value")
		  if $type =~ /\(2\)|code/;
	}
	$t->sql(<<'END');
CREATE TABLE codes (c char(3), v varchar, n name, e country);
INSERT INTO codes VALUES ('FR', 'FR', 'FR', 'FR'), ('DE ', 'DE', 'DE', 'DE');
END
	foreach my $type ('char(2)', 'char(5)', 'bpchar', 'country', 'padded')
	{
		(my $name = "region_$type") =~ s/\W//g;
		my $is_enum = $type eq 'country';
		my $narrow = $is_enum || $type eq 'char(2)';

		table($name, "region $type");
		counts($name, 3, 1, "$type: default");
		sends("$name WHERE region = 'FR'", 'FR', "$type = literal");
		sends("$name WHERE region IN ('FR', 'US')", 'FR,US', "$type IN");
		sends("$name WHERE region = ANY ('{FR,DE,FR,NULL}'::$type\[])",
			'DE,FR', "$type = ANY (array)");
		sends("$name WHERE region IS NOT DISTINCT FROM 'FR'", 'FR', "$type IS NOT DISTINCT FROM");
		sends("$name WHERE region::text = 'FR'", 'FR', "$type as text");
		sends("$name WHERE region::text LIKE 'FR'", 'FR', "$type as text, LIKE");
		sends("$name WHERE region::text IN ('FR', 'FR  ', 'Germany')",
			$narrow ? 'FR' : 'FR,Germany', "$type as text, with values that it has not")
		  if $type ne 'char(5)';
		sends("$name JOIN codes ON region = " . ($is_enum ? 'e' : 'c'),
			'DE,FR', "$type: join with its own kind");
		sends("$name JOIN codes ON region::text = $_", 'DE,FR', "$type as text: join with $_")
		  foreach 'v', 'n', 'c::text';
		sends("$name JOIN codes ON region = v", 'DE,FR', "$type: join with varchar")
		  unless $is_enum;
		refused("$name WHERE region <> 'FR'", "$type <>");
		refused("$name WHERE region > 'FR'", "$type >");
		is($t->sql("PREPARE q ($type) AS SELECT count(*) FROM $name WHERE region = \$1;"
				  . " SET plan_cache_mode = force_generic_plan; EXECUTE q ('FR')"),
			3, "$type = parameter of a generic plan");
		table("${name}_d", "region $type", q{regions 'US,FR,DE'});
		counts("${name}_d WHERE region = 'FR'", 3, 1,
			"$type with a domain");
		counts("${name}_d WHERE region <> 'FR'", 6, 2,
			"$type with a domain: <>");
	}
	table('region_label', 'region label');
	sends("region_label WHERE region::country = 'FR'", 'FR', 'domain over an enum');
	sends("region_label WHERE region::text IN ('FR', 'XX')", 'FR', '... as text');
	counts("region_char2 WHERE region = 'FR  '", 3, 1, 'char(n) = padded literal');
	counts("region_char2 WHERE region = 'France'", 0, 0, 'char(n) = a longer value');
	counts("region_char2 WHERE region = ' '", 0, 0, 'char(n) = blanks');
	counts("region_char5 WHERE region::text = 'FR  '", 0, 0, 'char(n) as text = padded');
	refused("region_varchar WHERE region::char(9) = 'FR'", 'a text as char(n)');
	refused("region_varchar WHERE region::bpchar = 'FR'", 'a text as bpchar');
	refused("region_varchar WHERE region::bpchar::text = 'FR'", '... and back');
	refused("region_char5 WHERE region::char(1) = 'F'", 'char(n) cut off');
	return;
}

# No row has a value that the type of its column cannot hold.  That is an error
# only where the query asks for such a value without naming it.
sub test_narrow_types
{
	$t->sql(<<'END');
CREATE TYPE popularity AS ENUM ('vv', 'like');
CREATE DOMAIN popular AS varchar(4) CHECK (value <> 'like');
END
	foreach my $type ('popularity', 'char(4)', 'varchar(4)')
	{
		(my $name = "order_$type") =~ s/\W//g;
		table($name, "order_by $type");
		counts("$name WHERE order_by = 'vv'", 3, 1, "order_by as $type: =");
		counts("$name WHERE order_by IN ('vv', 'like')", 6, 2, "order_by as $type: IN");
		counts("$name WHERE order_by <> 'vv'", 3, 1, "order_by as $type: <>");
		table("all_$name", "order_by $type, period int", q{order_by 'all'});
		counts("all_$name WHERE (order_by, period) IN (('vv', 30), ('like', 7))",
			6, 2, "order_by as $type: combinations");
		$t->fails('w', "SELECT count(*) FROM all_$name", '22P02|22001',
			qr/comment|value too long/, "order_by as $type: all lists", requests => 0);
		$t->answers('w', "EXPLAIN SELECT * FROM $name WHERE order_by $_ \\g /dev/null",
			'', 0, "order_by as $type: EXPLAIN of $_")
		  foreach 'IS NOT NULL', "> 'like'";
	}
	table('order_popular', 'order_by popular');
	counts("order_popular WHERE order_by = 'vv'", 3, 1, 'order_by as domain: =');
	$t->fails('w', "SELECT * FROM order_popular WHERE order_by = 'like'", 23514,
		qr/column "order_by"/, 'order_by as domain: what its constraint forbids');
	table('order_int', 'order_by int');
	counts('order_int WHERE order_by = 1', 0, 0, 'order_by as int');
	table('period_date', 'period date');
	$t->answers('w', q{EXPLAIN SELECT * FROM period_date WHERE period = '2026-01-01' \g /dev/null},
		'', 0, 'period as date: EXPLAIN');
	return;
}

# Values of other types, as far as their equality is that of texts
sub test_values
{
	$t->sql(<<'END');
CREATE EXTENSION citext;
CREATE TABLE v (c char(5), n name, e country, ci citext, v varchar);
INSERT INTO v VALUES ('FR', 'FR', 'FR', 'fr', 'FR');
END
	table('tt', 'region text, period int');
	counts("tt JOIN v ON tt.region = v.$_", 3, 1, "join with $_")
	  foreach qw(c n v e::text);
	refused('tt JOIN v ON tt.region::citext = v.ci', 'citext has another equality');
	counts('tt JOIN v ON tt.region = v.ci', 3, 1,
		'... but compares as text with a text');
	$t->sql('CREATE FOREIGN TABLE ci (region citext) SERVER w');
	refused("ci WHERE region = 'FR'", 'a column of type citext');
	counts("tt WHERE (region = 'FR' OR region = 'DE' AND upper(region) = 'X')"
		  . " AND (region = 'FR' OR period = 7)", 6, 2, 'more than equality');
	refused("tt WHERE region::char(1) = 'F'", 'the column cut off');
	counts("tt WHERE region = ''", 0, 0, 'the empty string');
	counts("tt WHERE region = NULL", 0, 0, 'NULL');
	counts("tt WHERE region IS NULL", 0, 0, 'IS NULL');
	counts("tt WHERE region IS NULL OR region = 'FR'", 3, 1,
		'IS NULL or a value');
	counts("tt WHERE region = repeat('x', 64)", 3, 1, '64 bytes');
	counts("tt WHERE region = repeat('x', 65)", 0, 0, '65 bytes');
	counts("tt WHERE region IN ('us', 'US')", 6, 2,
		'upper and lower case are two lists');
	counts("tt WHERE region LIKE 'FR'", 3, 1, 'LIKE without wildcards');
	refused("tt WHERE region LIKE 'F_'", 'LIKE with a wildcard');
	refused("tt WHERE region LIKE 'F\\R'", 'LIKE with an escape');
	counts("tt WHERE (region = 'FR') IS TRUE", 3, 1, 'IS TRUE');
	counts("tt WHERE NOT region <> 'FR'", 3, 1, 'NOT <>');
	counts("tt WHERE region = concat('F', 'R')", 3, 1, 'stable function');
	refused("tt WHERE region = (CASE WHEN random() < 2 THEN 'FR' END)",
		'volatile function');
	refused("tt WHERE region = id", 'a column of the same row');
	refused("tt WHERE region = ALL ('{}')", 'ALL of nothing is anything');
	return;
}

sub test_collations
{
	SKIP:
	{
		skip 'nondeterministic collations need ICU', 3 if !$t->has_icu;

		$t->sql(<<'END');
CREATE COLLATION blind (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
END
		table('tc', 'region text COLLATE blind');
		refused("tc WHERE region = 'fr'", 'nondeterministic collation of the column');
		counts(q{tc WHERE region = 'FR' COLLATE "C"}, 3, 1,
			'deterministic collation of the comparison');
		refused(q{tt WHERE region = 'fr' COLLATE blind},
			'nondeterministic collation of the comparison');
	}
	refused(q{tt WHERE region > 'FR' COLLATE "C"}, 'other comparisons');
	return;
}

sub test_numbers
{
	foreach my $type (qw(int2 int8 numeric text float8 smallint numeric(2,0) numeric(4,1) varchar(2)))
	{
		my $quote = $type =~ /text|char/ ? q{'} : '';

		(my $name = "period_$type") =~ s/\W/_/g;
		table($name, "period $type");
		counts("$name WHERE period = ${quote}30$quote", 3, 1,
			"period as $type");
		counts("$name WHERE period IS NOT NULL", 3, 1,
			"period as $type: IS NOT NULL");
		counts("$name WHERE period <> ${quote}7$quote", 3, 1,
			"period as $type: <>");
		counts("$name WHERE period = ${quote}8$quote", 0, 0,
			"period as $type: no such list");
	}
	# columns that lack values of the domain
	foreach my $type ('numeric(1,0)', 'numeric(2,1)', 'varchar(1)', 'char')
	{
		(my $name = "narrow_$type") =~ s/\W/_/g;
		table($name, "period $type");
		counts("$name WHERE period = '7'", 3, 1, "period as $type: =");
		counts("$name WHERE period <> '8'", 3, 1, "period as $type: <>");
		counts("$name WHERE period > '7'", 0, 0, "period as $type: >");
	}
	return;
}

# Without a column for a parameter, a query cannot restrict it.
sub test_missing_columns
{
	$t->sql('CREATE FOREIGN TABLE bare (id text) SERVER w OPTIONS (region $$FR$$)');
	$t->answers('w', 'SELECT min(id) FROM bare', 'FR7vv1', 1, 'no parameter columns');
	$t->sql('CREATE FOREIGN TABLE must (region text, id text) SERVER w'
		  . ' OPTIONS (region $$none$$)');
	refused('must', 'the default "none"');
	refused('must WHERE region IS NOT NULL', 'IS NOT NULL names no list');
	counts("must WHERE region = 'DE'", 3, 1, 'a bound region');
	return;
}

# Thousands of values are no problem of their own, and reading them can be interrupted.
sub test_long_lists
{
	my $values = join ',', map { "'X$_'" } 1 .. 5000;

	counts("tt WHERE region IN ($values) AND region IN ('X7', 'FR')",
		3, 1, 'a long IN list, cut down by another');
	$t->answers(
		'w',
		"EXPLAIN (COSTS OFF) SELECT * FROM tt WHERE region IN ($values) \\g /dev/null",
		'', 0, 'EXPLAIN of a long IN list');

	my $lists = q{ARRAY(SELECT 'R' || n FROM generate_series(1, %d) n)};

	my $many = sprintf $lists, 50_000;

	$t->fails(
		'w', "SET statement_timeout = '1s';
SELECT rank FROM tt WHERE region = ANY ($many) AND upper(region) = ANY ($many)",
		57014, qr/statement timeout/, 'binding many lists can be interrupted',
		requests => 0);
	# a hang guard, of many times what it takes
	$t->answers(
		'w', "SET statement_timeout = '20s';
SELECT count(*) FROM tt WHERE period = 8 AND (region = ANY (" . sprintf($lists, 200_000) . ')
OR region = ANY (' . sprintf($lists, 300_000) . '))',
		0, 0, 'each of many values is looked at once');
	return;
}

# What a page's block says of a row is what its JSON says: values that are made from
# cells are those that PostgreSQL itself makes of the text, from the API and from the
# cache.

use strict;
use warnings;

use Test::More;

use KeyapiEmulator;
use KeyapiTest;

my $t = KeyapiTest->new(conf => KeyapiTest->preloaded);

# JSON values that are kept in different ways
my @values = (
	'null', 'true', 'false', '0', '-7', '9.0', '9.5', '1e3', '-1.5e-7', '1e300',
	'9223372036854775807', '-9223372036854775808', '123456789012345678901234567890',
	'""', '"a"', '"a\"b\\\\c"', '"\n\t\u0001"', '"\u00e9 \ud83d\ude00"', '"\ud800"', '"007"', '" 7"',
	'{}', '[]', '{"b":[1,"\"",null],"a":{"c":2.0}}', '[[],{"a":1}]');

test_missing();
test_text();
test_numbers();
test_attrs();
test_names();
test_paths();

$t->stop;
done_testing();

# Settings that make the emulator answer with a list of these objects.
sub page_of
{
	my $body = '{"code":0,"requestId":"r\"1","data":{"pagination":{"has_more":false},"videos":['
	  . join(',', @_) . ']}}';

	return 'fault=body,message=' . KeyapiEmulator::percent($body);
}

# Test that a query gives these rows, from the API and then from the cache.
sub both
{
	my ($name, $query, $rows, $test) = @_;

	$t->sql('SELECT keyapi_fdw_cache_clear()');
	$t->answers($name, $query, $rows, 1, $test);
	$t->answers($name, $query, $rows, 0, '... from the cache');
	return;
}

# What a row lacks, and others have, is NULL in each type.
sub test_missing
{
	cached_table('gaps', 'a text, b jsonb, c int, d text OPTIONS (field \'b.x\')',
		'{"id":"1","a":"x","b":{"x":"y"},"c":1}', '{"id":"2"}', '{"id":"3","a":"","b":null}');
	both('gaps', 'SELECT a IS NULL, b IS NULL, c IS NULL, d IS NULL FROM gaps ORDER BY rank',
		"f|f|f|f\nt|t|t|t\nf|t|t|t", 'members that a row lacks');
	return;
}

# A table of objects with the cache on, and a view of their JSON as text, by rank.
sub cached_table
{
	my ($name, $columns, @objects) = @_;

	$t->table($name, page_of(@objects), "rank int, $columns");
	$t->cached($name, '1h');
	$t->sql("CREATE FOREIGN TABLE ${name}_text (rank int, attrs text) SERVER $name");
	$t->sql("CREATE VIEW ${name}_json AS SELECT rank, attrs AS json FROM ${name}_text");
	return;
}

sub test_text
{
	my @objects = map { "{\"id\":\"$_\",\"v\":$values[$_]}" } 0 .. $#values;
	my $n = @values;

	cached_table('texts', q{id text, v text, w varchar OPTIONS (field 'v'), request_id text}, @objects);
	both('texts', <<'END', "$n|$n|t", 'text is what ->> makes of the JSON');
SELECT count(*), count(*) FILTER (WHERE v IS NOT DISTINCT FROM json::json->>'v'
  AND w IS NOT DISTINCT FROM v AND id = (rank - 1)::text),
  bool_and(request_id = 'r"1') FROM texts JOIN texts_json USING (rank)
END
	return;
}

# Numbers are what the type's input function makes of the text; so are its errors.
sub test_numbers
{
	my @integers = ('0', '-7', '9.0', '"9"', '"-0"', '"007"', '" 7 "', '2147483647', '-2147483648', 'null', '1e3');
	my $n = @integers;

	cached_table('numbers', <<'END', map { "{\"v\":$_}" } @integers);
i int OPTIONS (field 'v'), s smallint OPTIONS (field 'x'), l bigint OPTIONS (field 'v'),
n numeric OPTIONS (field 'v'), f float8 OPTIONS (field 'v'), v text
END
	both('numbers', <<'END', "$n|$n", 'numbers');
SELECT count(*), count(*) FILTER (WHERE i IS NOT DISTINCT FROM v::int AND l IS NOT DISTINCT FROM v::bigint
  AND n IS NOT DISTINCT FROM v::numeric AND f IS NOT DISTINCT FROM v::float8 AND s IS NULL) FROM numbers
END

	foreach my $case (
		[ '2147483648', 'i', '22003', 'value "2147483648" is out of range for type integer' ],
		[ '"9223372036854775808"', 'l', '22003', 'value "9223372036854775808" is out of range for type bigint' ],
		[ '"1a"', 'i', '22P02', 'invalid input syntax for type integer: "1a"' ],
		[ '"-"', 'l', '22P02', 'invalid input syntax for type bigint: "-"' ],
		[ '""', 'i', '22P02', 'invalid input syntax for type integer: ""' ],
		[ '9.5', 'l', '22P02', 'invalid input syntax for type bigint: "9.5"' ],
		[ 'true', 'i', '22P02', 'invalid input syntax for type integer: "true"' ])
	{
		my ($value, $column, $sqlstate, $message) = @$case;

		$t->change('numbers', page_of("{\"id\":\"\\\"x\\\"\",\"v\":$value}"));
		$t->sql('SELECT keyapi_fdw_cache_clear()');
		$t->fails('numbers', "SELECT $column FROM numbers",
			$sqlstate, qr/\Q$message\E.*CONTEXT:  column "$column" of foreign table "numbers", video "x", page 1 of list/s,
			"$value as $column");
	}
	return;
}

# attrs is what jsonb's input function makes of the object.
sub test_attrs
{
	my @objects = map { "{\"id\":$_,\"longer\":1,\"b\":$values[$_],\"a\":\"x\",\"\":0,\"\\\"\":1}" } 0 .. $#values;
	my $n = @objects + 1;

	cached_table('attrs', 'attrs jsonb', @objects, '{}');
	both('attrs', <<'END', "$n|$n", 'attrs');
SELECT count(*), count(*) FILTER (WHERE attrs = json::jsonb AND attrs::text = json::jsonb::text
  AND jsonb_hash(attrs) = jsonb_hash(json::jsonb)) FROM attrs JOIN attrs_json USING (rank)
END
	return;
}

# Rows may have members of their own, and more of them than a block has cells for.
sub test_names
{
	my @apart = map { "{\"id\":$_,\"n$_\":$_}" } 1 .. 60;
	my $many = join ',', map { "\"n$_\":{\"x\":\"\\n$_\"}" } 1 .. 70;

	cached_table('names', 'id int, n1 text, n60 text, n70 text, x text OPTIONS (field \'n70.x\'), attrs jsonb', @apart);
	both('names', 'SELECT count(*), sum(id), min(n1), min(n60), count(n70), bool_and(attrs->>(\'n\' || id) = id::text) FROM names',
		'60|1830|1|60|0|t', 'members that only some rows have');
	$t->change('names', page_of("{\"id\":1,$many}", '{"id":2,"n1":"one","n1":"two"}'));
	both('names', 'SELECT id, n1, n70, x = E\'\n70\', (SELECT count(*) FROM jsonb_object_keys(attrs)) FROM names',
		"1|{\"x\":\"\\u000a1\"}|{\"x\":\"\\u000a70\"}|t|71\n2|two|||2", 'more names than cells');
	return;
}

sub test_paths
{
	cached_table('paths', <<'END', '{"a":{"b":[{"c":"x\"y"},7]},"d.e":1}', '{"a":{"b":null},"d":{"e":2},"d.e":null}', '{"a":3,"d":{"e":4}}');
c text OPTIONS (field 'a.b.0.c'), i int OPTIONS (field 'a.b.1'), e int OPTIONS (field 'd.e'), b json OPTIONS (field 'a.b')
END
	both('paths', 'SELECT c, i, e, b FROM paths', "x\"y|7|1|[{\"c\":\"x\\\"y\"},7]\n|||\n||4|", 'paths below the top level');
	return;
}

# Columns of tables made by hand: which, of what type, of which field, and those
# that PostgreSQL adds.

use strict;
use warnings;

use Test::More;

use KeyapiTest;

my $t = KeyapiTest->new;

test_subset();
test_types();
test_moments();
test_fields();
test_case_of_names();
test_only_needed_columns();
test_alter_columns();
test_generated_column();
test_whole_rows();
test_system_columns();

$t->stop;
done_testing();

sub test_subset
{
	$t->table('subset', 'plainids', 'title text, rank int, id text, region text');
	$t->answers('subset', 'SELECT * FROM subset WHERE rank = 1',
		$t->sql('SELECT title, rank, id, region FROM subset LIMIT 1'),
		1, 'any columns in any order');
	$t->answers('subset',
		"SELECT id, region FROM subset WHERE region = 'FR' LIMIT 1",
		'FR7vv1|FR', 1, '... and the parameters that are there');

	$t->table('one_column', 'plainids', 'id text');
	$t->answers('one_column', 'SELECT * FROM one_column LIMIT 2',
		"US7vv1\nUS7vv2", 1, 'one column');
	$t->table('no_column', '', '');
	$t->answers('no_column', 'SELECT count(*) FROM no_column',
		'500', 25, 'no column');
	return;
}

# A quoted name that is a known one but for upper and lower case reads nothing.
sub test_case_of_names
{
	$t->table('shouting', 'plainids;author', '"REGION" text, "Rank" int, "ID" text, title text, "Author" jsonb');
	$t->fails('shouting', "SELECT $_->[0] FROM shouting", 'HV007',
		qr/column "$_->[1]" of foreign table "shouting" must be called "$_->[2]"/,
		"$_->[1] is not read", requests => 0)
	  foreach (
		[ '"REGION"',                           'REGION', 'region' ],
		[ q{title FROM shouting WHERE "REGION" = 'FR' UNION SELECT title}, 'REGION', 'region' ],
		[ '"Rank"',                             'Rank',   'rank' ],
		[ 'count("ID")',                        'ID',     'id' ],
	  );
	$t->fails('shouting', $_, 'HV007', qr/HINT:  Rename the column/, $_, requests => 0)
	  foreach 'SELECT * FROM shouting', 'ANALYZE shouting';
	$t->answers('shouting', 'SELECT count(title), count("Author") FROM shouting WHERE title IS NOT NULL LIMIT 1',
		$t->sql('SELECT count(title) FROM shouting') . '|0', 25, 'other columns are, whatever they are called');
	$t->sql(q{ALTER FOREIGN TABLE shouting ALTER "ID" OPTIONS (ADD field 'ID')});
	$t->answers('shouting', 'SELECT "ID" FROM shouting LIMIT 1', '', 1, 'a field that is named');
	$t->sql(q{ALTER FOREIGN TABLE shouting RENAME "Rank" TO rank});
	$t->answers('shouting', 'SELECT rank FROM shouting LIMIT 1', 1, 1, 'a column that is renamed');
	return;
}

# A column may have any type that takes the text.
sub test_types
{
	my @columns = (
		'rank bigint',
		'region varchar(2)',
		'period smallint',
		'order_by name',
		'id numeric(19)',
		'item_id bigint',
		'title varchar',
		'cover bytea',
		'country_code char(4)',
		'duration interval',
		'region_name regions_known',
		'attrs json',
		'page numeric',
		'total_count float8',
		'request_id uuid',
		'fetched_at date');
	my $types = 'bigint|character varying|smallint|name|numeric|bigint|'
	  . 'character varying|bytea|character|interval|regions_known|json|numeric|'
	  . 'double precision|uuid|date';

	$t->sql("CREATE TYPE regions_known AS ENUM ('United States', 'France')");
	$t->table('types', '', join(', ', @columns));
	$t->answers(
		'types',
		'SELECT '
		  . join(', ', map { my ($name) = split / /; "pg_typeof($name)" } @columns)
		  . " FROM types WHERE region = 'US' LIMIT 1",
		$types, 1, 'columns of many types');
	$t->answers(
		'types',
		'SELECT rank, region, period, order_by, id = item_id, title <> \'\','
		  . " country_code = 'US', duration BETWEEN '1s' AND '1h', region_name,"
		  . " attrs->>'id' = id::text, page, total_count,"
		  . ' fetched_at BETWEEN current_date - 1 AND current_date'
		  . " FROM types WHERE region = 'US' LIMIT 1",
		'1|US|7|vv|t|t|t|t|United States|t|1|500|t',
		1, '... hold their values');

	return;
}

# The moment is right whatever the session's way of writing it.
sub test_moments
{
	my %types = (
		'timestamptz'    => 't|t',
		'timestamptz(0)' => 't|f',
		'moment'         => 't|t',
		'timestamp'      => 't|t',
		'text'           => 't|t');

	$t->sql('CREATE DOMAIN moment AS timestamptz');
	$t->table('moments', '', 'fetched_at timestamptz, title text');
	foreach my $type (sort keys %types)
	{
		$t->sql("ALTER FOREIGN TABLE moments ALTER fetched_at TYPE $type");
		# IST may also be Israel's or Ireland's
		$t->answers(
			'moments', "
SET timezone = 'Asia/Kolkata'; SET datestyle = 'SQL, DMY';
SELECT bool_and(at BETWEEN now() - interval '1 s' AND clock_timestamp() + interval '1 s'),
bool_or(at <> date_trunc('second', at))
FROM (SELECT fetched_at::timestamptz AS at FROM moments) m",
			$types{$type}, 25, "fetched_at as $type");
	}
	return;
}

# The column option field, and columns with names that we do not know
sub test_fields
{
	$t->table('fields', 'author', <<'END');
rank int,
caption text OPTIONS (field 'title'),
region_code text OPTIONS (field 'country_code'),
region_title text OPTIONS (field 'region'),
author_name text OPTIONS (field 'author.name'),
author_id bigint OPTIONS (field 'author.id'),
verified boolean OPTIONS (field 'author.verified'),
author jsonb,
play_count bigint,
"item_URL" text OPTIONS (field 'item_url'),
everything text OPTIONS (field 'attrs'),
nothing text,
beyond text OPTIONS (field 'author.name.first')
END
	$t->answers(
		'fields', "
SELECT rank, caption <> '', region_code, region_title, author_name, author_id,
verified, author, play_count > 0, \"item_URL\" LIKE 'https://%'
FROM fields WHERE rank = 3",
		'3|t|US|United States|author of 3|3|t|'
		  . '{"id": 3, "name": "author of 3", "verified": true}|t|t',
		1, 'fields by path and by name');
	$t->answers(
		'fields',
		'SELECT count(*), count(everything), count(nothing), count(beyond) FROM fields',
		'500|0|0|0', 25, 'fields that are not there are NULL');

	$t->table('odd_fields', 'fault=field,name=tags,as=array,index=0', <<'END');
tags jsonb,
tag_0 int OPTIONS (field 'tags.0'),
tag_1 text OPTIONS (field 'tags.1'),
tag_2 text OPTIONS (field 'tags.2'),
tag_3 text OPTIONS (field 'tags.3'),
tag_x text OPTIONS (field 'tags.x')
END
	$t->answers('odd_fields',
		q{\pset null NULL
SELECT * FROM odd_fields LIMIT 1},
		'[1, "two", null]|1|two|NULL|NULL|NULL',
		1, 'elements of an array');

	$t->table('overridden', 'plainids',
		"rank text OPTIONS (field 'id'), id text, region text OPTIONS (field 'region')");
	$t->answers('overridden', 'SELECT * FROM overridden LIMIT 1',
		'US7vv1|US7vv1|United States',
		1, 'the option wins over the name');
	return;
}

# A value that is not asked for is not looked at.
sub test_only_needed_columns
{
	$t->scenario('needed', 'fault=field,name=duration,as=text,index=0');
	$t->answers('needed', 'SELECT count(*), count(title) FROM needed',
		'500|500', 25, 'a bad value of a column that the query does not use');
	$t->fails('needed', 'SELECT count(*) FROM needed WHERE duration > 1',
		'22P02', qr/CONTEXT:  column "duration"/,
		'... fails the query that does');
	$t->fails('needed', 'SELECT count(t) FROM needed t',
		'22P02', qr/CONTEXT:  column "duration"/,
		'... as does the whole row');
	return;
}

sub test_alter_columns
{
	my $one = 'SELECT * FROM altered WHERE rank = 1';

	$t->table('altered', 'plainids;author',
		'rank int, title text, id text, country_code text');
	$t->sql('ALTER FOREIGN TABLE altered DROP title');
	$t->answers('altered', $one, '1|US7vv1|US', 1, 'after DROP COLUMN');
	$t->sql("ALTER FOREIGN TABLE altered ADD name text OPTIONS (field 'author.name')");
	$t->answers('altered', $one, '1|US7vv1|US|author of 1',
		1, 'after ADD COLUMN');
	$t->sql('ALTER FOREIGN TABLE altered RENAME country_code TO region_name');
	$t->answers('altered', $one, '1|US7vv1|United States|author of 1',
		1, 'after RENAME COLUMN the new name counts');
	$t->sql("ALTER FOREIGN TABLE altered ALTER name OPTIONS (SET field 'author.id'),"
		  . ' ALTER name TYPE int');
	$t->answers('altered', $one, '1|US7vv1|United States|1',
		1, 'after ALTER COLUMN');
	$t->answers('altered',
		'SELECT altered, row_to_json(altered) FROM altered WHERE rank = 1',
		'(1,US7vv1,"United States",1)|'
		  . '{"rank":1,"id":"US7vv1","region_name":"United States","name":1}',
		1, 'whole rows after all of that');
	return;
}

# The value of a generated column is its owner's to store, and the API stores
# nothing: better an error than NULL.
sub test_generated_column
{
	$t->table('generated', 'plainids',
		"id text, rank int, double int GENERATED ALWAYS AS (rank * 2) STORED");
	$t->answers('generated', 'SELECT id, rank FROM generated LIMIT 1',
		'US7vv1|1', 1, 'a table with a generated column');
	foreach my $what ('double', '*', 'generated')
	{
		$t->fails('generated', "SELECT $what FROM generated LIMIT 1", '0A000',
			qr/generated column "double".*HINT: .*view/s, "... which has no values: $what",
			requests => 0);
	}
	$t->answers('generated', 'ANALYZE generated', '', 1, '... and is no matter for ANALYZE');
	return;
}

sub test_whole_rows
{
	$t->table('whole', 'plainids', 'rank int, id text, region text');
	$t->answers('whole', 'SELECT whole FROM whole LIMIT 1',
		'(1,US7vv1,US)', 1, 'a row as value');
	$t->answers('whole', "SELECT to_jsonb(w) FROM whole w WHERE region = 'FR' LIMIT 1",
		'{"id": "FR7vv1", "rank": 1, "region": "FR"}', 1, 'a row as jsonb');
	$t->answers('whole', 'SELECT (w).id, count(w) OVER () FROM whole w LIMIT 1',
		'US7vv1|500', 25, 'a field of a row');
	$t->answers('whole', 'SELECT count(DISTINCT w) FROM whole w',
		'500', 25, 'rows compared');
	$t->sql(<<'END');
CREATE FUNCTION top(n int) RETURNS SETOF whole LANGUAGE sql
AS 'SELECT * FROM whole ORDER BY rank LIMIT n';
CREATE FUNCTION first_id(w whole) RETURNS text LANGUAGE plpgsql
AS 'BEGIN RETURN w.id; END';
END
	$t->answers('whole', 'SELECT * FROM top(2)', "1|US7vv1|US\n2|US7vv2|US",
		1, 'rows out of a function');
	$t->answers('whole', 'SELECT first_id(w) FROM whole w LIMIT 1', 'US7vv1',
		1, 'a row into a function');
	return;
}

sub test_system_columns
{
	$t->table('system', 'plainids', 'id text');
	$t->answers('system', 'SELECT tableoid::regclass, id FROM system LIMIT 1',
		'system|US7vv1', 1, 'tableoid');
	$t->answers('system',
		"SELECT count(*) FROM system WHERE tableoid = 'system'::regclass",
		'500', 25, 'a condition on tableoid');
	$t->fails('system', 'SELECT xmin FROM system', '0A000',
		qr/system column/, 'there is no xmin');
	return;
}


# Foreign tables made by hand: columns, types, options, and what may be done
# with such a table.

use strict;
use warnings;

use Test::More;

use KeyapiTest;

my $t = KeyapiTest->new;

test_subset();
test_types();
test_moments();
test_ids();
test_fields();
test_missing_values();
test_odd_values();
test_type_errors();
test_domains();
test_only_needed_columns();
test_alter_columns();
test_generated_column();
test_whole_rows();
test_system_columns();
test_inheritance();
test_partitions();
test_page_size();
test_parameter_defaults();
test_copies();
test_locking();
test_read_only();
test_altered_options();

$t->stop;
done_testing();

# Make the table NAME with these columns, on a server of its own.
sub table
{
	my ($name, $settings, $columns, $options) = @_;

	$options = "OPTIONS ($options)" if defined $options;
	$t->server($name, $settings);
	$t->mapping($name);
	$t->sql("CREATE FOREIGN TABLE $name ($columns) SERVER $name "
		  . ($options // ''));
	return;
}

sub test_subset
{
	table('subset', 'plainids', 'title text, rank int, id text, region text');
	$t->answers('subset', 'SELECT * FROM subset WHERE rank = 1',
		$t->sql('SELECT title, rank, id, region FROM subset LIMIT 1'),
		1, 'any columns in any order');
	$t->answers('subset',
		"SELECT id, region FROM subset WHERE region = 'FR' LIMIT 1",
		'FR7vv1|FR', 1, '... and the parameters that are there');

	table('one_column', 'plainids', 'id text');
	$t->answers('one_column', 'SELECT * FROM one_column LIMIT 2',
		"US7vv1\nUS7vv2", 1, 'one column');
	table('no_column', '', '');
	$t->answers('no_column', 'SELECT count(*) FROM no_column',
		'500', 25, 'no column');
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
	table('types', '', join(', ', @columns));
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
	table('moments', '', 'fetched_at timestamptz, title text');
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

# 64-bit ids keep all their digits, quoted by the API or not.
sub test_ids
{
	my @exact;

	table('ids', '', <<'END');
rank int, id text, as_bigint bigint OPTIONS (field 'id'), as_numeric numeric OPTIONS (field 'id'),
item_id bigint, attrs jsonb
END
	foreach my $settings ('', 'numids')
	{
		$t->change('ids', $settings);
		$t->answers(
			'ids', "
SELECT count(DISTINCT id), bool_and(id = as_bigint::text AND id = as_numeric::text
AND id = item_id::text AND attrs->>'id' = id AND length(id) = 19) FROM ids",
			'500|t', 25, 'exact ids: ' . ($settings || 'quoted'));
		push @exact,
		  $t->sql("SELECT string_agg(id, ',' ORDER BY rank) FROM ids");
	}
	is($exact[1], $exact[0], '... the same with quotes and without');

	foreach my $id (qw(int8max 9007199254740993 -9223372036854775808))
	{
		my $text = $id eq 'int8max' ? '9223372036854775807' : $id;

		$t->change('ids', "fault=field,name=id,as=$id,index=1");
		$t->answers(
			'ids',
			'SELECT id, as_bigint, as_numeric FROM ids LIMIT 1',
			"$text|$text|$text", 1, "exact id $id");
	}
	$t->change('ids', 'fault=field,name=id,as=int8over,index=1');
	$t->answers('ids', 'SELECT id, as_numeric FROM ids LIMIT 1',
		'9223372036854775808|9223372036854775808',
		1, 'an id over 64 bits, as text and numeric');
	$t->fails('ids', 'SELECT as_bigint FROM ids LIMIT 1',
		'22003', qr/out of range.*CONTEXT:  column "as_bigint"/s,
		'... is too large for bigint');
	return;
}

# The column option field, and columns with names that we do not know
sub test_fields
{
	table('fields', 'author', <<'END');
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

	table('odd_fields', 'fault=field,name=tags,as=array,index=0', <<'END');
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

	table('overridden', 'plainids',
		"rank text OPTIONS (field 'id'), id text, region text OPTIONS (field 'region')");
	$t->answers('overridden', 'SELECT * FROM overridden LIMIT 1',
		'US7vv1|US7vv1|United States',
		1, 'the option wins over the name');
	return;
}

sub test_missing_values
{
	my $sql = 'SELECT count(*), count(title), count(cover), count(item_url),'
	  . ' count(duration), count(region_name), count(id), count(attrs) FROM missing';

	$t->scenario('missing', 'nulls');
	$t->answers('missing', $sql, '500|0|0|0|0|0|500|500', 25, 'null is NULL');
	$t->change('missing', 'fault=field,name=title,as=absent,index=0');
	$t->answers('missing', $sql, '500|0|500|500|500|500|500|500',
		25, 'absent is NULL');
	$t->change('missing', 'fault=field,name=title,as=empty,index=0');
	$t->answers('missing',
		"SELECT count(*) FROM missing WHERE title = ''",
		'500', 25, 'empty is not NULL');
	$t->change('missing', 'fault=field,name=id,as=absent,index=0');
	$t->answers('missing', 'SELECT count(*), count(id) FROM missing',
		'500|0', 25, 'videos without ids are not duplicates');
	return;
}

# JSON's kinds of values as text and as integer
sub test_odd_values
{
	my %texts = (
		true     => 'true',
		false    => 'false',
		zero     => '0',
		number   => '12345',
		negative => '-7',
		float    => '9',
		fraction => '9.5',
		digits   => '9',
		object   => '{"a":{"b":1}}',
		array    => '[1,"two",null]',
		nul      => "a\xef\xbf\xbdb");
	my %integers = (number => 12345, float => 9, digits => 9, negative => -7);

	$t->scenario('odd');
	foreach my $as (sort keys %texts)
	{
		$t->change('odd', "fault=field,name=title,as=$as");
		$t->answers('odd', 'SELECT title FROM odd LIMIT 1',
			$texts{$as}, 1, "$as as text");
	}
	foreach my $as (sort keys %integers)
	{
		$t->change('odd', "fault=field,name=duration,as=$as");
		$t->answers('odd', 'SELECT duration FROM odd LIMIT 1',
			$integers{$as}, 1, "$as as integer");
	}
	return;
}

# The error of a type's input function says which value it was.
sub test_type_errors
{
	my @values = (
		[ 'text',     '22P02', qr/type integer: "abc"/ ],
		[ 'empty',    '22P02', qr/type integer: ""/ ],
		[ 'fraction', '22P02', qr/type integer: "9\.5"/ ],
		[ 'true',     '22P02', qr/type integer: "true"/ ],
		[ 'object',   '22P02', qr/type integer: "\{/ ],
		[ 'int8max',  '22003', qr/out of range for type integer/ ]);

	$t->scenario('refused', 'plainids');
	$t->one_by_one('refused');
	foreach my $value (@values)
	{
		my ($as, $sqlstate, $message) = @$value;

		$t->change('refused',
			"plainids;fault=field,name=duration,as=$as,index=3,page=2");
		$t->fails(
			'refused',
			'SELECT duration FROM refused LIMIT 40',
			$sqlstate,
			qr/$message.*\nCONTEXT:  column "duration" of foreign table "refused", video US7vv23, page 2 /s,
			"$as is no integer",
			requests => 2);
	}
	$t->answers('refused',
		'SELECT count(duration) FROM (SELECT * FROM refused LIMIT 20) x',
		'20', 1, 'the page before it is good');

	table('short', 'plainids', 'title varchar(3), id text');
	$t->fails('short', 'SELECT * FROM short', '22001',
		qr/too long for type character varying\(3\).*CONTEXT:  column "title"/s,
		'a title that is too long for its column');
	table('small', '', 'id int');
	$t->fails('small', 'SELECT * FROM small', '22003',
		qr/out of range for type integer.*CONTEXT:  column "id"/s,
		'an id that is too large for its column');
	table('region_number', 'plainids', 'region int');
	$t->fails('region_number', 'SELECT * FROM region_number', '22P02',
		qr/type integer: "US".*CONTEXT:  column "region"/s,
		'a parameter that does not fit its column');
	return;
}

sub test_domains
{
	$t->sql(<<'END');
CREATE DOMAIN seconds AS int CHECK (VALUE > 0);
CREATE DOMAIN caption AS text NOT NULL;
CREATE DOMAIN code AS varchar(2) CHECK (VALUE = upper(VALUE));
END
	table('domains', 'plainids',
		'duration seconds, title caption, region code, id text');
	$t->answers('domains',
		'SELECT count(*), min(duration) > 0 FROM domains',
		'500|t', 25, 'columns of domains');
	$t->answers('domains',
		"SELECT id FROM domains WHERE region = 'FR' LIMIT 1",
		'FR7vv1', 1, 'a parameter of a domain');
	$t->change('domains', 'plainids;fault=field,name=duration,as=negative');
	$t->fails('domains', 'SELECT * FROM domains', '23514',
		qr/check constraint "seconds_check".*CONTEXT:  column "duration".*video US7vv1,/s,
		'a value that the CHECK refuses');
	$t->change('domains', 'plainids;fault=field,name=title,as=null');
	$t->fails('domains', 'SELECT * FROM domains', '23502',
		qr/domain caption does not allow null values.*CONTEXT:  column "title"/s,
		'a null in a domain that is NOT NULL');
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

	table('altered', 'plainids;author',
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
	table('generated', 'plainids',
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
	table('whole', 'plainids', 'rank int, id text, region text');
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
	table('system', 'plainids', 'id text');
	$t->answers('system', 'SELECT tableoid::regclass, id FROM system LIMIT 1',
		'system|US7vv1', 1, 'tableoid');
	$t->answers('system',
		"SELECT count(*) FROM system WHERE tableoid = 'system'::regclass",
		'500', 25, 'a condition on tableoid');
	$t->fails('system', 'SELECT xmin FROM system', '0A000',
		qr/system column/, 'there is no xmin');
	return;
}

sub test_inheritance
{
	$t->server('heirs', 'plainids');
	$t->mapping('heirs');
	$t->sql(<<'END');
CREATE TABLE parent (id text, rank int);
INSERT INTO parent VALUES ('local', 1);
CREATE FOREIGN TABLE us_child (extra text OPTIONS (field 'title')) INHERITS (parent)
SERVER heirs OPTIONS (region 'US');
CREATE FOREIGN TABLE fr_child (rank int, extra text OPTIONS (field 'title'), id text)
SERVER heirs OPTIONS (region 'FR');
ALTER FOREIGN TABLE fr_child INHERIT parent;
END
	$t->answers(
		'heirs',
		'SELECT tableoid::regclass, id FROM parent WHERE rank = 1 ORDER BY id',
		"fr_child|FR7vv1\nus_child|US7vv1\nparent|local",
		2, 'children of a table');
	$t->answers('heirs', 'SELECT id FROM ONLY parent', 'local', 0, 'ONLY the parent');
	$t->answers('heirs', 'SELECT count(*), count(p) FROM parent p',
		'1001|1001', 50, 'whole rows of children with other columns');
	return;
}

sub test_partitions
{
	my $by_region =
	  'SELECT region, count(*), bool_and(id = region || period || order_by || rank)'
	  . ' FROM everywhere WHERE %s GROUP BY region ORDER BY region';

	$t->server('parts', 'plainids');
	$t->mapping('parts');
	$t->sql(<<'END');
CREATE TABLE everywhere (region text, period int, order_by text, rank int, id text)
PARTITION BY LIST (region);
CREATE FOREIGN TABLE part_us PARTITION OF everywhere FOR VALUES IN ('US')
SERVER parts OPTIONS (region 'US');
CREATE FOREIGN TABLE part_fr (id text, rank int, region text, order_by text, period int)
SERVER parts OPTIONS (region 'FR');
ALTER TABLE everywhere ATTACH PARTITION part_fr FOR VALUES IN ('FR');
END
	$t->answers('parts', sprintf($by_region, 'true'),
		"FR|500|t\nUS|500|t", 50, 'all partitions');
	$t->answers('parts', sprintf($by_region, "region = 'FR'"),
		'FR|500|t', 25, 'one of them');
	$t->answers('parts', sprintf($by_region, "region = 'JP'"),
		'', 0, 'none of them');
	$t->answers('parts', sprintf($by_region, "region = 'US' AND period = 30"),
		'US|500|t', 25, 'with a condition on another parameter');
	return;
}

sub test_page_size
{
	table('paged', 'plainids', 'rank int, page int, id text', "page_size '7'");
	$t->answers(
		'paged', "SELECT count(*), max(rank), max(page),
bool_and(id = 'US7vv' || rank AND page = (rank - 1) / 7 + 1) FROM paged",
		'500|500|72|t', 72, 'page_size 7');
	is_deeply([ $t->asked('paged', 'limit') ], ['7'], '... is asked for');
	$t->answers('paged', 'SELECT id FROM paged WHERE rank = 15',
		'US7vv15', 1, '... and counted with');
	return;
}

# What a parameter means that the query does not mention
sub test_parameter_defaults
{
	my $lists = 'SELECT DISTINCT region, period, order_by FROM %s ORDER BY 1, 2, 3';

	table('listed', 'plainids', 'region text, period int, order_by text, id text',
		"regions 'US,FR', page_size '20'");
	$t->answers('listed', sprintf($lists, 'listed'), "FR|7|vv\nUS|7|vv",
		50, 'regions: region defaults to all of them');
	$t->answers('listed', "SELECT count(*) FROM listed WHERE region = 'JP'",
		'0', 0, '... and no other exists');
	$t->answers('listed', "SELECT min(id) FROM listed WHERE region <> 'US'",
		'FR7vv1', 25, '... so that any condition will do');
	$t->sql("ALTER FOREIGN TABLE listed OPTIONS (ADD region 'FR', ADD period 'all')");
	$t->answers('listed', sprintf($lists, 'listed'), "FR|7|vv\nFR|30|vv",
		50, 'region of regions, and all periods');

	table('unbound', '', 'region text, order_by text, id text',
		"region 'none', order_by 'none'");
	$t->fails('unbound', 'SELECT * FROM unbound', '0A000',
		qr/region|order_by/, 'none: the query must say', requests => 0);
	$t->fails('unbound', "SELECT * FROM unbound WHERE region = 'US'",
		'0A000', qr/order_by/, '... all of it', requests => 0);
	$t->answers('unbound',
		"SELECT count(*) FROM unbound WHERE region = 'US' AND order_by = 'like'",
		'500', 25, '... or else gets rows');
	return;
}

sub test_copies
{
	table('copied', 'plainids', 'rank int, id text');
	$t->answers(
		'copied',
		'COPY (SELECT * FROM copied WHERE rank <= 2 ORDER BY rank) TO STDOUT',
		"1\tUS7vv1\n2\tUS7vv2", 1, 'COPY (SELECT) TO');
	$t->answers(
		'copied', '
CREATE TABLE copy AS SELECT * FROM copied;
INSERT INTO copy SELECT * FROM copied WHERE rank = 1;
SELECT count(*), count(DISTINCT id) FROM copy',
		'501|500', 26, 'CREATE TABLE AS, INSERT SELECT');
	$t->answers(
		'copied', "
CREATE TABLE known (id text PRIMARY KEY, rank int);
INSERT INTO known VALUES ('US7vv2', 0);
UPDATE known k SET rank = c.rank FROM copied c WHERE c.id = k.id;
DELETE FROM known k USING copied c WHERE c.id = k.id AND c.rank = 1;
MERGE INTO known k USING (SELECT * FROM copied WHERE rank <= 3) c ON c.id = k.id
WHEN MATCHED THEN UPDATE SET rank = -1
WHEN NOT MATCHED THEN INSERT VALUES (c.id, c.rank);
SELECT id, rank FROM known ORDER BY id",
		"US7vv1|1\nUS7vv2|-1\nUS7vv3|3",
		27, 'UPDATE, DELETE and MERGE of a local table with it');
	$t->answers(
		'copied', '
CREATE TABLE later AS SELECT * FROM copied WITH NO DATA;
CREATE MATERIALIZED VIEW later_view AS SELECT * FROM copied WITH NO DATA;',
		'', 0, 'WITH NO DATA');
	$t->fails('copied', 'COPY copied TO STDOUT', '42809',
		qr/cannot copy from foreign table.*HINT:  Try the COPY \(SELECT/s,
		'COPY TO', requests => 0);
	return;
}

sub test_locking
{
	table('locked', 'plainids', 'rank int, id text');
	$t->sql("CREATE TABLE local (id text PRIMARY KEY, n int);"
		  . " INSERT INTO local VALUES ('US7vv1', 0)");
	$t->answers('locked', 'SELECT id FROM locked LIMIT 1 FOR UPDATE',
		'US7vv1', 1, 'FOR UPDATE');
	$t->answers(
		'locked',
		'SELECT * FROM local JOIN locked USING (id) WHERE rank <= 5 FOR UPDATE',
		'US7vv1|0|1', 1, 'FOR UPDATE of a join');
	return;
}

# There is nothing to write to.
sub test_read_only
{
	my @writes = (
		[ "INSERT INTO fixed VALUES ('a')",  '0A000', qr/cannot insert into foreign table/ ],
		[ "UPDATE fixed SET id = 'a'",       '0A000', qr/cannot update foreign table/ ],
		[ 'DELETE FROM fixed',               '0A000', qr/cannot delete from foreign table/ ],
		[ 'TRUNCATE fixed',                  '0A000', qr/cannot truncate foreign table/ ],
		[ 'COPY fixed FROM STDIN',           '0A000', qr/cannot insert into foreign table/ ],
		[ 'SELECT * FROM fixed TABLESAMPLE SYSTEM (10)', '0A000', qr/TABLESAMPLE/ ],
		[ 'CREATE INDEX ON fixed (id)',      '42809', qr/foreign table/ ],
		[ 'BEGIN; LOCK TABLE fixed',         '42809', qr/cannot lock relation/ ]);

	table('fixed', '', 'id text');
	foreach my $write (@writes)
	{
		my ($sql, $sqlstate, $message) = @$write;

		$t->fails('fixed', $sql, $sqlstate, $message, $sql, requests => 0);
	}
	return;
}

# A plan that is there already sees new options.
sub test_altered_options
{
	$t->server('before', 'plainids;fault=shape,author');
	$t->server('after',  'plainids');
	my $after = $t->url('after', 'plainids');
	$t->mapping('before');
	$t->sql(<<'END');
CREATE FOREIGN TABLE moved (rank int, id text, region text, x text) SERVER before;
END
	my $result = $t->ask('before', <<"END");
SET plan_cache_mode = force_generic_plan;
PREPARE top(int) AS SELECT id, region, x FROM moved WHERE rank = \$1;
EXECUTE top(1);
ALTER FOREIGN TABLE moved OPTIONS (ADD region 'FR');
EXECUTE top(1);
ALTER FOREIGN TABLE moved ALTER x OPTIONS (ADD field 'author.name');
EXECUTE top(1);
ALTER FOREIGN TABLE moved OPTIONS (ADD page_size '5');
EXECUTE top(6);
ALTER SERVER before OPTIONS (SET base_url '$after');
EXECUTE top(7);
ALTER USER MAPPING FOR PUBLIC SERVER before OPTIONS (SET api_key 'sk_live_other');
EXECUTE top(8);
END
	is( $result->{rows},
		"US7vv1|US|\nFR7vv1|FR|\nFR7vv1|FR|author of 1\n"
		  . "FR7vv6|FR|author of 6\nFR7vv7|FR|",
		'a prepared statement sees options of table and column');
	is_deeply([ map { "$_->{limit},$_->{page}" } $t->emulator->log('before') ],
		[ '20,1', '20,1', '20,1', '5,2' ], '... and page_size');
	is_deeply([ map { "$_->{page},$_->{status}" } $t->emulator->log('after') ],
		[ '2,200', '2,401' ], '... and the server');
	like($result->{stderr}, qr/ERROR:  28000: /, '... and the user mapping');
	return;
}

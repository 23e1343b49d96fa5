# Values: what JSON's ids, nulls, numbers and texts become in a column, and what
# its type refuses.

use strict;
use warnings;

use Test::More;

use KeyapiTest;

my $t = KeyapiTest->new;

test_ids();
test_missing_values();
test_odd_values();
test_type_errors();
test_domains();

$t->stop;
done_testing();

# 64-bit ids keep all their digits, quoted by the API or not.
sub test_ids
{
	my @exact;

	$t->table('ids', '', <<'END');
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

	$t->table('short', 'plainids', 'title varchar(3), id text');
	$t->fails('short', 'SELECT * FROM short', '22001',
		qr/too long for type character varying\(3\).*CONTEXT:  column "title"/s,
		'a title that is too long for its column');
	$t->table('small', '', 'id int');
	$t->fails('small', 'SELECT * FROM small', '22003',
		qr/out of range for type integer.*CONTEXT:  column "id"/s,
		'an id that is too large for its column');
	$t->table('region_number', 'plainids', 'region int');
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
	$t->table('domains', 'plainids',
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

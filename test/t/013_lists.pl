
# What servers make of a list: where it ends, whether it moves, what it is of.

use strict;
use warnings;

use IO::Socket::INET;
use POSIX ();
use Test::More;

use KeyapiTest;

# Pages that are asked for before they are needed, at most
my $ahead = 8;

my $empty = qr/^WARNING: .*list [^ ]*region=\w+.* is empty[^\n]*\n(?!.*WARNING)/s;

my $t = KeyapiTest->new;

$t->read_lazily;

test_shifting_list();
test_reference_example();
test_end_of_list();
test_empty_list();
test_early_end();
test_endless_list();
test_schema_variants();
test_lower_limit();
test_other_region();
test_page_of_one_video();

$t->stop;
done_testing();

# Between two pages the list moves: the last three videos of a page are the
# first of the next one.  Each comes once.
sub test_shifting_list
{
	my $unique = 500 - 3 * 24;

	$t->scenario('shifting', 'shift=3');
	$t->answers(
		'shifting',
		'SELECT count(*), count(DISTINCT id), count(DISTINCT rank)'
		  . " FROM shifting WHERE region = 'US'",
		"$unique|$unique|$unique", 25, 'no video twice in a list that shifts');
	$t->answers(
		'shifting', "SELECT string_agg(rank::text, ' ' ORDER BY rank)
FROM shifting WHERE region = 'US' AND rank BETWEEN 18 AND 26",
		'18 19 20 24 25 26', 2, 'the lower rank wins');
	return;
}

# Test how many rows a list has, with at most one WARNING, which matches: so
# many requests page by page, and hardly more otherwise.
sub ends_at
{
	my ($name, $rows, $requests, $test, $warning) = @_;
	my $sql = "SELECT rank FROM $name WHERE region = ''US''";
	my $result;

	$t->answers(
		$name,
		"SELECT count(*), max(rank) FROM lazily('$sql') rank",
		$rows ? "$rows|$rows" : '0|', $requests, $test, warning => $warning);

	$result = $t->ask($name, "SELECT count(*) FROM ($sql) x" =~ s/''/'/gr);
	is($result->{rows}, $rows, '... read at once');
	cmp_ok($result->{requests}, '<=', $requests + $ahead, '... hardly dearer');
	like($result->{stderr}, $warning // qr/^$/, '... as silent');
	return;
}

# The response in the API's reference, on every page, has one video and
# announces 500.
sub test_reference_example
{
	$t->scenario('reference', 'example');
	ends_at('reference', 1, 2, 'one video',
		qr/^WARNING: .*region=US.* ended early: got 1 of 500 announced[^\n]*\n(?!.*WARNING)/s);
	$t->answers(
		'reference',
		'SELECT rank, region, region_name, country_code, id, item_id, duration,'
		  . " left(title, 8), right(title, 1), page, total_count, request_id <> ''"
		  . " FROM reference WHERE region = 'US' LIMIT 1",
		'1|US|United States|US|7587114666132868383|7587114666132868383|9|This pup|'
		  . "\xf0\x9f\x90\xb6|1|500|t",
		1, '... and no WARNING when nobody asks for more');
	return;
}

# Where a list ends: has_more decides, else the total, else a short page.
sub test_end_of_list
{
	my @lists = (
		[ 'total=45',                              45,  3 ],
		[ 'total=40',                              40,  2 ],
		[ 'total=1',                               1,   1 ],
		[ 'total=520',                             520, 26 ],
		[ 'lietotal=100',                          500, 25 ],
		[ 'hasmore=absent;total=45',               45,  3 ],
		[ 'hasmore=absent;total=40',               40,  2 ],
		[ 'hasmore=absent;nototal;total=45',       45,  3 ],
		[ 'hasmore=absent;nototal;total=40',       40,  3 ],
		[ 'nopagination;total=45',                 45,  3 ],
		[ 'nopagination;total=40',                 40,  3 ],
		[ 'nototal;total=40',                      40,  2 ],
		[ 'hasmore=lie-true;total=45',             45,  4 ],
		[ 'hasmore=lie-true;nototal;total=45',     45,  4 ],
		[ 'hasmore=lie-false;lietotal=20',         20,  1 ],
		[ 'lietotal=60;total=45',                  45,  3 ]);

	$t->scenario('ends');
	foreach my $list (@lists)
	{
		my ($settings, $rows, $requests) = @$list;

		$t->change('ends', $settings);
		ends_at('ends', $rows, $requests, "end of a list: $settings");
	}
	$t->change('ends', '');
	$t->answers('ends', "SELECT count(*) FROM ends WHERE region = 'ZZ'",
		'0', 1, 'a region without videos', warning => $empty);
	return;
}

# A list is never empty in fact, so one that is says so.
sub test_empty_list
{
	$t->scenario('empty');
	foreach my $settings ('total=0', 'hasmore=absent;total=0', 'nullvideos;total=0', 'empty=1')
	{
		$t->change('empty', $settings);
		ends_at('empty', 0, 1, "empty list: $settings", $empty);
	}
	return;
}

# A list that ends before its announced total says so.
sub test_early_end
{
	my @lists = (
		[ 'empty=5',                       80,  5,  500 ],
		[ 'empty=2-25',                    20,  2,  500 ],
		[ 'samepage',                      20,  2,  500 ],
		[ 'lietotal=900;hasmore=lie-true', 500, 26, 900 ],
		[ 'lietotal=900;hasmore=absent',   500, 26, 900 ],
		[ 'lietotal=900',                  500, 25, 900 ],
		[ 'lietotal=61;total=45',          45,  3,  61 ],
		[ 'hasmore=lie-false',             20,  1,  500 ]);

	$t->scenario('early');
	foreach my $list (@lists)
	{
		my ($settings, $rows, $requests, $announced) = @$list;

		$t->change('early', $settings);
		ends_at('early', $rows, $requests, "early end: $settings",
			qr/^WARNING: .*ended early: got $rows of $announced announced[^\n]*\n(?!.*WARNING)/s);
	}
	return;
}

sub test_endless_list
{
	$t->scenario('forever', 'endless');
	$t->answers(
		'forever',
		"SELECT count(*), max(rank) FROM"
		  . " (SELECT * FROM forever WHERE region = 'US' LIMIT 1000) x",
		'1000|1000', 50, 'LIMIT ends a list without end');

	$t->cached_scenario('vast', 'total=45;fault=field,name=total_count,as=int8max');
	$t->answers('vast', 'SELECT rank FROM vast LIMIT 1;
SELECT total_pages, pages FROM keyapi_fdw_cache WHERE endpoint IS NOT NULL', "1\n2147483647|1", 1,
		'a list that is said to have more pages than there are numbers');
	return;
}

# Fields under other names or in other types
sub test_schema_variants
{
	my $sql = 'SELECT count(*), min(total_count), count(request_id),'
	  . ' count(DISTINCT id), count(title), sum(duration)';

	$t->scenario('variants');
	my $usual = $t->sql("$sql FROM variants WHERE region = 'US'");

	foreach my $settings ('msg;size;total;list', 'strings', 'floats', 'ascii',
		'numids', 'nogzip', 'author', 'nocode', 'nomessage')
	{
		$t->change('variants', $settings);
		$t->answers('variants', "$sql FROM variants WHERE region = 'US'",
			$usual, 25, "schema variant: $settings");
	}
	$t->change('variants', 'norequestid');
	$t->answers(
		'variants',
		'SELECT count(*), count(request_id) FROM variants',
		'500|0', 25, 'request_id is NULL if the API gives none');
	return;
}

# A server that gives less than was asked for: its own page size counts.
sub test_lower_limit
{
	$t->scenario('capped', 'plainids;limitcap=7');
	$t->answers(
		'capped', "
SELECT count(*), min(rank), max(rank), bool_and(id = 'US7vv' || rank),
bool_and(page = (rank - 1) / 7 + 1) FROM capped WHERE region = 'US'",
		'500|1|500|t|t', 72, 'no video is lost');
	$t->answers('capped',
		"SELECT max(rank) FROM (SELECT * FROM capped WHERE region = 'US' LIMIT 10) x",
		'10', 2, 'LIMIT 10');
	$t->answers('capped',
		"SELECT id FROM capped WHERE region = 'US' AND rank = 41",
		'US7vv41', 2, 'one rank: the first page asked for is not its page');
	$t->change('capped', 'plainids;limitcap=1;total=5');
	$t->answers('capped',
		"SELECT count(*), max(id) FROM capped WHERE region = 'US'",
		'5|US7vv5', 5, 'one video a page');

	$t->scenario('boasts', 'plainids;total=45;fault=field,name=limit,as=1000000');
	$t->answers('boasts',
		"SELECT count(*), max(rank), bool_and(id = 'US7vv' || rank) FROM boasts",
		'45|45|t', 3, 'a limit above what was asked for, and not kept');
	return;
}

# If no video is of the region asked for, the scan says so, once.
sub test_other_region
{
	my $warning = qr/may have answered another list/;

	$t->scenario('elsewhere', 'othercountry');
	$t->answers('elsewhere',
		"SELECT count(*) FROM elsewhere WHERE region = 'US'",
		'500', 25, 'WARNING about another region', warning => $warning);
	$t->answers('elsewhere',
		"SELECT count(*) FROM elsewhere WHERE region IN ('US', 'GB', 'FR') AND rank <= 20",
		'60', 3, 'one WARNING for all lists', warning => $warning);
	$t->answers('elsewhere',
		"SELECT rank FROM elsewhere WHERE region = 'US' LIMIT 1",
		'1', 1, 'WARNING under LIMIT', warning => $warning);
	$t->answers(
		'elsewhere', $t->nested_loops . "
SELECT count(*) FROM generate_series(1, 3) g JOIN elsewhere t
ON t.rank + g > 0 WHERE t.region = 'US'",
		'1500', 25, 'one WARNING for all passes', warning => $warning);

	$t->change('elsewhere', 'lowercountry');
	$t->answers('elsewhere',
		"SELECT count(*) FROM elsewhere WHERE region = 'US'",
		'500', 25, 'no WARNING about lower case');
	$t->change('elsewhere', 'fault=shape,othercountry,page=2-25');
	$t->answers('elsewhere',
		"SELECT count(*) FROM elsewhere WHERE region = 'US'",
		'500', 25, 'no WARNING if one video is of the region');
	$t->change('elsewhere', 'fault=field,name=country_code,as=null,index=0');
	$t->answers('elsewhere',
		"SELECT count(*), count(country_code) FROM elsewhere WHERE region = 'US'",
		'500|0', 25, 'no WARNING if no video says where it is from');
	return;
}

# The same video over and over takes no more time than so many others: a hang
# guard, of many times what it takes.
sub test_page_of_one_video
{
	my $videos = join ',', ('{"id":"a"}') x 300_000;
	my $body = qq({"code":0,"data":{"pagination":{"has_more":false},"videos":[$videos]}});
	my $socket = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Proto => 'tcp', Listen => 1)
	  // die "no listener: $@";
	my $server = fork() // die "could not fork: $!";

	if (!$server)
	{
		answer_one($socket, $body);
		POSIX::_exit(0);
	}
	$t->scenario('same');
	$t->sql(q{ALTER SERVER same OPTIONS (SET base_url 'http://127.0.0.1:} . $socket->sockport . q{')});
	$t->answers('same', q{SET statement_timeout = '30s';
SELECT count(*), max(rank) FROM same WHERE region = 'US'}, '1|1', 0, 'a page of one video');
	waitpid $server, 0;
	return;
}

# A server that answers one request so
sub answer_one
{
	my ($socket, $body) = @_;
	my $connection = $socket->accept or return;

	while (my $line = <$connection>)
	{
		last if $line eq "\r\n";
	}
	print $connection "HTTP/1.1 200 OK\r\nContent-Length: ", length $body,
	  "\r\nConnection: close\r\n\r\n", $body;
	close $connection;
	return;
}


# What a page shows beats what any page announces: lists whose total, limit or
# has_more is wrong, and answers that are pages although they look odd.

use strict;
use warnings;

use Test::More;

use KeyapiTest;

# More pages than that are not in flight when has_more says that there is none
my $in_flight = 4;

my $t = KeyapiTest->new(conf => KeyapiTest->shared);

$t->scenario('odd');
test_totals();
test_limits();
test_ends();
test_ids();
test_empty_pages();
test_statuses();
test_ranks_of_no_list();

$t->stop;
done_testing();

# An API like this gives these answers: [ query after WHERE, rows, requests ]
sub is_right
{
	my ($settings, @queries) = @_;

	$t->change('odd', "plainids;$settings");
	foreach my $query (@queries)
	{
		my ($where, $rows, $requests, %options) = @$query;

		local $Test::Builder::Level = $Test::Builder::Level + 1;
		$t->answers('odd', "SELECT count(*), min(rank), max(rank),"
			  . " coalesce(bool_and(id = 'US7vv' || rank), true) FROM odd WHERE $where",
			"$rows|t", $requests, "$settings: $where", %options);
	}
	return;
}

# total_count is no reason to drop rows, or not to ask for them.
sub test_totals
{
	my @whole = ('true', '45|1|45');

	foreach my $lie ('lietotal=0', 'lietotal=7', 'lietotal=20', 'pagetotal', 'nototal')
	{
		is_right("total=45;$lie", [ @whole, 3 ], [ 'rank > 20', '25|21|45', 2 ],
			[ 'page = 2', '20|21|40', 1 ], [ 'page IN (2, 3)', '25|21|45', 2 ],
			[ 'rank IN (1, 41)', '2|1|41', 2 ]);
	}
	is_right('total=45;lietotal=0;hasmore=absent', [ @whole, 3 ]);
	is_right('total=40;lietotal=0;hasmore=absent', [ 'true', '40|1|40', 3 ]);
	return;
}

# limit may be the number of rows, or that of another server.
sub test_limits
{
	is_right('total=45;echorows', [ 'true', '45|1|45', 3 ], [ 'page = 3', '5|41|45', 1 ],
		[ 'rank >= 43', '3|43|45', 1 ], [ 'page >= 2', '25|21|45', 2 ]);
	is_right('total=45;echorows;hasmore=absent', [ 'true', '45|1|45', 3 ],
		[ 'page = 3', '5|41|45', 1 ]);
	is_right('total=45;echolimit=19', [ 'true', '45|1|45', 3 ], [ 'rank > 40', '5|41|45', 1 ],
		[ 'rank = 20', '1|20|20', 1 ]);
	is_right('total=45;echolimit=1', [ 'true', '45|1|45', 3 ]);
	is_right('total=230;pagesize=50;echolimit=20', [ 'true', '230|1|230', 5 ],
		[ 'page = 3', '50|101|150', 1 ], [ 'rank BETWEEN 30 AND 60', '31|30|60', 2 ]);
	is_right('total=230;pagesize=50', [ 'page IN (2, 3)', '100|51|150', 2 ]);
	is_right('total=45;limitcap=10;nolimit', [ 'true', '45|1|45', 5 ],
		[ 'rank BETWEEN 11 AND 20', '10|11|20', 2 ], [ 'rank > 40', '5|41|45', 2 ]);
	return;
}

# has_more ends a list, whatever the total says; what was under way then is said.
sub test_ends
{
	my $result;

	$t->change('odd', 'total=45;lietotal=900');
	$result = $t->ask('odd', 'SELECT count(*) FROM odd');
	is($result->{rows}, '45', 'a total that is far too high');
	cmp_ok($result->{requests}, '<=', 3 + $in_flight - 1, '... costs what was in flight');
	my $beyond = $result->{requests} - 3;
	like($result->{stderr}, $beyond ?
		  qr/got 45 of 900 announced videos.*\n.* $beyond later pages? had been asked for/ :
		  qr/got 45 of 900 announced videos/, '... and says so');
	return;
}

# Ids that are no ids tell nothing about duplicates.
sub test_ids
{
	$t->change('odd', 'total=45;fault=field,name=id,as=empty,index=0');
	$t->answers('odd', 'SELECT count(*), count(DISTINCT rank), min(id) FROM odd', '45|45|', 3,
		'empty ids');
	$t->change('odd', 'total=45;fault=field,name=id,as=%20%20,index=0');
	$t->answers('odd', 'SELECT count(*), count(DISTINCT id) FROM odd', '45|1', 3, 'blank ids');
	$t->change('odd', 'total=45;fault=field,name=id,as=,index=3');
	$t->answers('odd', 'SELECT count(*) FROM odd', '45', 3, 'a few empty ids');
	return;
}

# Go writes an empty list as null.
sub test_empty_pages
{
	$t->change('odd', 'total=40;nullvideos;hasmore=lie-true;nototal');
	$t->answers('odd', 'SELECT count(*) FROM odd', '40', 3, 'null after the last page');
	$t->change('odd', 'total=40;nullvideos;hasmore=absent;nototal');
	$t->answers('odd', 'SELECT count(*) FROM odd', '40', 3, '... without has_more');
	$t->change('odd', 'novideos');
	$t->fails('odd', 'SELECT count(*) FROM odd', '08P01', qr/data\.videos is missing/,
		'a list that is missing is no empty one');

	$t->change('odd', 'total=0');
	$t->cached('odd');
	$t->answers('odd', 'SELECT count(*) FROM odd', '0', 1, 'an empty list',
		warning => qr/list region=US.* is empty/);
	$t->answers('odd', 'SELECT count(*) FROM odd', '0', 0, '... is cached',
		warning => qr/list region=US.* is empty/);
	is($t->sql('SELECT expires_at - fetched_at FROM keyapi_fdw_cache'),
		'00:01:00', '... for a minute');
	$t->sql('SELECT keyapi_fdw_cache_clear()');
	$t->sql("ALTER SERVER odd OPTIONS (SET cache_ttl '0')");
	return;
}

# An answer 2xx that holds a page is one.
sub test_statuses
{
	foreach my $status (201, 202, 203, 206)
	{
		$t->change('odd', "total=45;okstatus=$status");
		$t->answers('odd', 'SELECT count(*) FROM odd', '45', 3, "HTTP status $status");
	}
	$t->change('odd', 'okstatus=202;fault=body,message=accepted');
	$t->fails('odd', 'SELECT count(*) FROM odd', '58000', qr/unexpected status.*HTTP status 202/s,
		'... without a page');
	$t->change('odd', 'okstatus=204;fault=body');
	$t->fails('odd', 'SELECT count(*) FROM odd', '58000', qr/HTTP status 204/, 'no content',
		requests => 1);
	return;
}

# What no list has is not asked for.
sub test_ranks_of_no_list
{
	$t->change('odd', 'total=45');
	$t->answers('odd', 'SELECT count(*) FROM odd WHERE page = 150', '0', 1,
		'a page that may be there is asked for');
	like(($t->emulator->log('odd'))[-1]->{query}, qr/page=150&/, '... and no other one');
	$t->answers('odd', "SELECT count(*) FROM odd WHERE $_", '0', 0, "nothing for $_")
	  foreach 'rank % 7 = 8', 'rank % 3 = 1 AND rank % 3 = 2', 'rank = 2147483648',
	  'page % 40 = 41', 'page = 0';
	return;
}

# postgres_fdw nodes in front: a table partitioned by region, whose partitions are
# the foreign tables of other servers.  With the options of doc/scaling-out.md a
# query gives the rows of a local table or ends in 0A000, whatever postgres_fdw
# sends to the nodes.  Databases of one cluster stand for the servers;
# test/scale/nodes.pl has real ones.

use strict;
use warnings;

use Test::More;

use KeyapiNodes;
use KeyapiTest;

my $t = KeyapiTest->new;

my %regions = (node1 => 'US,GB', node2 => 'FR,DE', node3 => 'JP');
my $list = q{period = 7 AND order_by = 'vv'};

# Settings that let the planner send other conditions to the nodes
my @settings = (
	'',
	'SET enable_partitionwise_join = on; SET enable_partitionwise_aggregate = on;',
	'SET enable_hashjoin = off; SET enable_mergejoin = off; SET plan_cache_mode = force_generic_plan;',
);

my $nodes = KeyapiNodes->new($t, map { $_ => make_node($_) } keys %regions);

is($t->sql('SELECT count(*), count(DISTINCT id) FROM copy'), '200|200', 'all lists of five regions');
$nodes->run_shapes($_) foreach @settings;
test_remote_estimates();
test_cursor();
test_without_a_default();

$t->stop;
done_testing();

sub make_node
{
	my ($name) = @_;

	$t->sql("CREATE DATABASE $name");
	$t->sql('CREATE EXTENSION keyapi_fdw', dbname => $name);
	return { test => $t, dbname => $name, regions => $regions{$name} };
}

# EXPLAIN on the nodes tells what a query costs there, that of a refused one, too.
sub test_remote_estimates
{
	$nodes->for_each(q{ALTER SERVER %s OPTIONS (ADD use_remote_estimate 'true')});
	$nodes->run_shapes(' ');
	$nodes->for_each('ALTER SERVER %s OPTIONS (DROP use_remote_estimate)');
	return;
}

# postgres_fdw reads with a cursor, FETCH by FETCH.
sub test_cursor
{
	$nodes->for_each(q{ALTER SERVER %s OPTIONS (ADD fetch_size '2')});
	$nodes->check('', [ 'a few rows at a time', "SELECT id FROM TABLE WHERE $list", 'right' ]);
	$nodes->for_each('ALTER SERVER %s OPTIONS (DROP fetch_size)');
	return;
}

# With region none, too, each query must name its regions; so must those that
# postgres_fdw does not send.
sub test_without_a_default
{
	$nodes->at($_, q{ALTER FOREIGN TABLE tiktok_trending OPTIONS (SET region 'none')}) foreach $nodes->names;
	foreach my $shape (@KeyapiNodes::SHAPES)
	{
		my $got = $nodes->outcome('', $shape->[1]);
		my $right = $nodes->rows_of_copy('', $shape->[1]);

		ok($got eq '0A000' || $got eq $right, "$shape->[0], region none: right or refused");
	}
	is($nodes->outcome('', "SELECT id FROM TABLE WHERE $list"), '0A000', 'no region, region none');
	return;
}

# postgres_fdw nodes in front: a table partitioned by region, whose partitions are
# the foreign tables of other servers.  With the options of doc/scaling-out.md a
# query gives the rows of a local table or ends in 0A000, whatever postgres_fdw
# sends to the nodes.

use strict;
use warnings;

use Test::More;

use KeyapiTest;

my $t = KeyapiTest->new;

# The databases that stand for servers, with their regions
my %nodes = (node1 => 'US,GB', node2 => 'FR,DE', node3 => 'JP');

my $columns = 'region text, period int, order_by text, rank int, id text, title text';
my $list = q{period = 7 AND order_by = 'vv'};

# Queries on TABLE.  right: the rows of the local copy; refused: 0A000.
my @shapes = (
	[ 'one region',        "SELECT count(*), min(id) FROM TABLE WHERE region = 'US' AND $list", 'right' ],
	[ 'regions of a node', "SELECT id FROM TABLE WHERE region IN ('US', 'GB') AND $list", 'right' ],
	[ 'regions of several nodes', "SELECT id FROM TABLE WHERE region IN ('US', 'FR', 'JP') AND $list", 'right' ],
	[ 'no region',         "SELECT region, count(*) FROM TABLE WHERE $list GROUP BY region", 'right' ],
	[ 'an unknown region', "SELECT id FROM TABLE WHERE region = 'ZZ' AND $list", 'right' ],
	[ 'later regions', "SELECT id FROM TABLE WHERE region > 'G' AND $list", 'right' ],
	[ 'no period',         q{SELECT id FROM TABLE WHERE region = 'US' AND order_by = 'vv'}, 'refused' ],
	[ 'no condition',      'SELECT id FROM TABLE', 'refused' ],
	[ 'a few values', q{SELECT id FROM TABLE WHERE period IN (7, 30) AND order_by <> 'like' AND rank < 3}, 'right' ],
	[ 'pairs', q{SELECT id FROM TABLE WHERE (region, period) IN (('US', 7), ('FR', 30)) AND order_by = 'vv'}, 'right' ],
	[ 'a region that is not sent', "SELECT id FROM TABLE WHERE same(region) = 'US' AND $list", 'right' ],
	[ 'a period that is not sent', q{SELECT id FROM TABLE WHERE region = 'US' AND same(period) = 30 AND order_by = 'vv'}, 'refused' ],
	[ 'OR with what is not sent', q{SELECT id FROM TABLE WHERE (period = 7 OR same(rank) = 1) AND order_by = 'vv'}, 'refused' ],
	[ 'join on region', "SELECT name, id FROM codes JOIN TABLE ON region = code WHERE $list", 'right' ],
	[ 'join on period', q{SELECT name, id FROM codes JOIN TABLE ON region = code AND period = days WHERE order_by = 'vv'}, 'any' ],
	[ 'join on data', "SELECT a.id FROM TABLE a JOIN ids USING (id) WHERE a.period = 7 AND a.order_by = 'vv'", 'right' ],
	[ 'join of the table with itself', "SELECT a.id, b.region FROM TABLE a JOIN TABLE b ON a.rank = b.rank AND a.region < b.region"
		. " WHERE a.period = 7 AND a.order_by = 'vv' AND b.period = 7 AND b.order_by = 'vv' AND a.rank <= 2", 'right' ],
	[ 'outer join', "SELECT name, id FROM codes LEFT JOIN TABLE ON region = code AND $list", 'right' ],
	[ 'outer join that keeps the table', "SELECT id, name FROM TABLE LEFT JOIN codes ON region = code WHERE $list", 'right' ],
	[ 'IN', "SELECT id FROM TABLE WHERE region IN (SELECT code FROM codes) AND $list", 'right' ],
	[ 'NOT IN', "SELECT id FROM TABLE WHERE region NOT IN (SELECT code FROM codes) AND $list", 'right' ],
	[ 'NOT EXISTS', "SELECT id FROM TABLE t WHERE NOT EXISTS (SELECT FROM codes WHERE code = t.region) AND $list", 'right' ],
	[ 'array of a subquery', "SELECT id FROM TABLE WHERE region = ANY (ARRAY(SELECT code FROM codes)) AND $list", 'right' ],
	[ 'a period from a subquery', q{SELECT id FROM TABLE WHERE region = 'US' AND period = (SELECT max(days) FROM codes) AND order_by = 'vv'}, 'right' ],
	[ 'order and limit', "SELECT rank, region, id FROM TABLE WHERE $list ORDER BY rank, region LIMIT 5", 'right' ],
	[ 'a condition outside of a limit', "SELECT * FROM (SELECT * FROM TABLE WHERE $list ORDER BY rank, region LIMIT 7) s WHERE region = 'US'", 'right' ],
	[ 'a period outside of a limit', q{SELECT * FROM (SELECT * FROM TABLE WHERE region = 'US' ORDER BY rank, period LIMIT 7) s WHERE period = 7}, 'refused' ],
	[ 'groups', "SELECT region, max(rank) FROM TABLE WHERE $list GROUP BY region HAVING max(rank) > 3", 'right' ],
	[ 'top of each', "SELECT code, s.id FROM codes, LATERAL (SELECT id FROM TABLE WHERE region = code AND $list ORDER BY rank LIMIT 2) s", 'right' ],
	[ 'UNION ALL', "SELECT id FROM TABLE WHERE region = 'US' AND $list UNION ALL SELECT id FROM TABLE WHERE region = 'FR' AND period = 30 AND order_by = 'like'", 'right' ],
	[ 'CTE', "WITH s AS MATERIALIZED (SELECT * FROM TABLE WHERE $list) SELECT a.id FROM s a JOIN s b USING (id) WHERE a.region = 'US'", 'right' ],
	[ 'parameter', "PREPARE p (text) AS SELECT id FROM TABLE WHERE region = \$1 AND $list; EXECUTE p ('FR')", 'right' ],
	[ 'optional parameter', q{PREPARE p (int) AS SELECT id FROM TABLE WHERE (period = $1 OR $1 IS NULL) AND order_by = 'vv'; EXECUTE p (30)}, 'right' ],
	[ 'optional parameter, not given', q{PREPARE p (int) AS SELECT id FROM TABLE WHERE (period = $1 OR $1 IS NULL) AND order_by = 'vv'; EXECUTE p (NULL)}, 'refused' ],
);

# Settings that let the planner send other conditions to the nodes
my @settings = (
	'',
	'SET enable_partitionwise_join = on; SET enable_partitionwise_aggregate = on;',
	'SET enable_hashjoin = off; SET enable_mergejoin = off; SET plan_cache_mode = force_generic_plan;',
);

make_nodes();
make_coordinator();
run_shapes($_) foreach @settings;
test_remote_estimates();
test_cursor();
test_without_a_default();

$t->stop;
done_testing();

sub make_nodes
{
	my $url = $t->url('api', 'plainids;total=5');

	foreach my $node (sort keys %nodes)
	{
		$t->sql("CREATE DATABASE $node");
		$t->sql(<<"END", dbname => $node);
CREATE EXTENSION keyapi_fdw;
CREATE SERVER api FOREIGN DATA WRAPPER keyapi_fdw OPTIONS (base_url '$url');
CREATE USER MAPPING FOR PUBLIC SERVER api OPTIONS (api_key 'sk_live_test');
IMPORT FOREIGN SCHEMA tiktok FROM SERVER api INTO public OPTIONS (defaults 'none');
ALTER FOREIGN TABLE tiktok_trending OPTIONS (ADD regions '$nodes{$node}', SET region 'all');
END
	}
	return;
}

# The partitioned table, and a copy of what it should hold
sub make_coordinator
{
	my ($host, $port) = ($t->node->host, $t->node->port);
	my $regions = join ',', map { $nodes{$_} } sort keys %nodes;

	$t->sql(<<"END");
CREATE EXTENSION postgres_fdw;
CREATE TABLE trending ($columns) PARTITION BY LIST (region);
CREATE FUNCTION same(text) RETURNS text IMMUTABLE LANGUAGE plpgsql AS 'BEGIN RETURN \$1; END';
CREATE FUNCTION same(int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS 'BEGIN RETURN \$1; END';
END
	foreach my $node (sort keys %nodes)
	{
		my $values = join ', ', map { "'$_'" } split /,/, $nodes{$node};

		$t->sql(<<"END");
CREATE SERVER $node FOREIGN DATA WRAPPER postgres_fdw
  OPTIONS (host '$host', port '$port', dbname '$node', async_capable 'true');
CREATE USER MAPPING FOR CURRENT_USER SERVER $node;
CREATE FOREIGN TABLE trending_$node PARTITION OF trending FOR VALUES IN ($values)
  SERVER $node OPTIONS (table_name 'tiktok_trending');
END
	}
	$t->server('api', 'plainids;total=5');
	$t->mapping('api');
	$t->sql(<<"END");
CREATE FOREIGN TABLE everything ($columns) SERVER api
  OPTIONS (regions '$regions', period 'all', order_by 'all');
SET keyapi_fdw.max_credits = -1;
CREATE TABLE copy AS SELECT * FROM everything;
CREATE TABLE codes (code text NOT NULL, name text, days int);
INSERT INTO codes VALUES ('US', 'United States', 7), ('FR', 'France', 7), ('ZZ', 'Nowhere', 30);
CREATE TABLE ids AS SELECT id FROM copy WHERE rank = 3;
ANALYZE;
END
	is($t->sql('SELECT count(*), count(DISTINCT id) FROM copy'), '200|200', 'all lists of five regions');
	return;
}

# Rows of the local copy, sorted
sub rows_of_copy
{
	my ($settings, $query) = @_;

	return join "\n", sort split /\n/, $t->sql($settings . $query =~ s/\bTABLE\b/copy/gr);
}

# Rows, sorted, or the SQLSTATE
sub outcome
{
	my ($settings, $query) = @_;
	my $result = $t->run($settings . $query =~ s/\bTABLE\b/trending/gr);

	return $1 if $result->{stderr} =~ /^ERROR: +(\w{5}):/m;
	return join "\n", sort split /\n/, $result->{rows};
}

# Test that a shape has the outcome that it must have.
sub check
{
	my ($settings, $shape) = @_;
	my ($name, $query, $must) = @$shape;
	my $got = outcome($settings, $query);
	my $test = $settings eq '' ? $name : "$name; $settings";

	if ($must eq 'refused' || ($must eq 'any' && $got eq '0A000'))
	{
		is($got, '0A000', "$test: refused");
	}
	else
	{
		is($got, rows_of_copy($settings, $query), "$test: right");
	}
	return;
}

sub run_shapes
{
	my ($settings) = @_;

	check($settings, $_) foreach @shapes;
	return;
}

sub each_node
{
	my ($alter) = @_;

	$t->sql(join ' ', map { sprintf "$alter;", $_ } sort keys %nodes);
	return;
}

# EXPLAIN on the nodes tells what a query costs there, that of a refused one, too.
sub test_remote_estimates
{
	each_node(q{ALTER SERVER %s OPTIONS (ADD use_remote_estimate 'true')});
	run_shapes(' ');
	each_node('ALTER SERVER %s OPTIONS (DROP use_remote_estimate)');
	return;
}

# postgres_fdw reads with a cursor, FETCH by FETCH.
sub test_cursor
{
	each_node(q{ALTER SERVER %s OPTIONS (ADD fetch_size '2')});
	check('', [ 'a few rows at a time', "SELECT id FROM TABLE WHERE $list", 'right' ]);
	each_node('ALTER SERVER %s OPTIONS (DROP fetch_size)');
	return;
}

# With region none, too, each query must name its regions; so must those that
# postgres_fdw does not send.
sub test_without_a_default
{
	$t->sql(q{ALTER FOREIGN TABLE tiktok_trending OPTIONS (SET region 'none')}, dbname => $_)
	  foreach sort keys %nodes;
	foreach my $shape (@shapes)
	{
		my $got = outcome('', $shape->[1]);
		my $right = rows_of_copy('', $shape->[1]);

		ok($got eq '0A000' || $got eq $right, "$shape->[0], region none: right or refused");
	}
	is(outcome('', "SELECT id FROM TABLE WHERE $list"), '0A000', 'no region, region none');
	return;
}

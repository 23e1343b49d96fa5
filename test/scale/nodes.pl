# Three servers behind postgres_fdw (doc/scaling-out.md), each with the lists of some
# regions: rows are right or refused, the nodes ask side by side, a node that is down is
# an error, and what LIMIT, ORDER BY and ANALYZE cost.

use strict;
use warnings;

use Test::More;
use Time::HiRes;

use KeyapiNodes;
use KeyapiSession;
use KeyapiTest;

my %regions = (node1 => 'US,GB', node2 => 'FR,DE', node3 => 'JP,BR');
my $list = q{period = 7 AND order_by = 'vv'};

my $t = KeyapiTest->new(conf => KeyapiTest->shared, name => 'coordinator');
my %servers = map { $_ => make_server($_) } sort keys %regions;
my $nodes = KeyapiNodes->new($t,
	map { $_ => { test => $servers{$_}, dbname => 'postgres', regions => $regions{$_} } } keys %servers);

$nodes->run_shapes('');
test_time();
test_limit();
test_order();
test_analyze();
test_node_down();
test_node_that_dies();

$servers{$_}->node->stop foreach sort keys %servers;
$t->stop;
done_testing();

sub make_server
{
	my ($name) = @_;

	return KeyapiTest->new(conf => KeyapiTest->shared, name => $name, emulator => $t->emulator);
}

sub asked { return $t->emulator->count('api') }

# Test that a query on TABLE, of the nodes, gives that, for so many requests.
sub gives
{
	my ($query, $rows, $requests, $test) = @_;
	my $result = $t->ask('api', $query =~ s/\bTABLE\b/trending/gr);

	local $Test::Builder::Level = $Test::Builder::Level + 1;
	return is("$result->{rows}$result->{stderr}\n$result->{requests} requests", "$rows\n$requests requests", $test);
}

# Six whole lists, by one machine and by three nodes
sub test_time
{
	my $query = "SELECT count(*), count(DISTINCT id) FROM TABLE WHERE $list";

	$nodes->change('plainids;latency=300');
	timed($query =~ s/TABLE/everything/r, 'one machine', 4);
	timed($query =~ s/TABLE/trending/r, 'three nodes', 5);
	with_option("fetch_size '500'", sub { timed($query =~ s/TABLE/trending/r, 'three nodes, fetch_size 500', 5) });
	$nodes->change('plainids');
	return;
}

# Test the rows of six lists and their price, and that so many requests at least were in
# flight together; tell the time.
sub timed
{
	my ($query, $test, $together) = @_;
	my $start = Time::HiRes::time();

	$t->emulator->reset('api');
	gives($query, '3000|3000', 150, $test);
	cmp_ok($t->emulator->peak('api'), '>=', $together, '... requests in flight together');
	diag(sprintf '%s: %.1f s, at most %d requests in flight', $test, Time::HiRes::time() - $start, $t->emulator->peak('api'));
	return;
}

# PostgreSQL sends no LIMIT to the nodes of a partitioned table: each node that is read
# fetches fetch_size rows.
sub test_limit
{
	my $all = "SELECT count(*) FROM (SELECT id FROM TABLE WHERE $list LIMIT 5) s";
	my $one = "SELECT region FROM TABLE WHERE region = 'FR' AND $list LIMIT 1";

	gives($all =~ s/TABLE/everything/r, 5, 1, 'LIMIT, one machine');
	gives($all, 5, 15, 'LIMIT, all nodes');
	gives($one, 'FR', 5, 'LIMIT, one node');
	with_option("use_remote_estimate 'true'",
		sub { gives($one =~ s/TABLE/trending_node2/r, 'FR', 1, 'LIMIT, of a partition, use_remote_estimate') });
	with_option("fetch_size '500'", sub { gives($all, 5, 75, 'LIMIT, all nodes, fetch_size 500') });
	with_option("fetch_size '20'", sub {
		gives($all, 5, 3, 'LIMIT, all nodes, fetch_size 20');
		gives($one, 'FR', 1, 'LIMIT, one node, fetch_size 20');
	});
	$nodes->for_each(q{ALTER SERVER %s OPTIONS (SET async_capable 'false')});
	gives($all, 5, 5, 'LIMIT, all nodes one by one');
	$nodes->for_each(q{ALTER SERVER %s OPTIONS (SET async_capable 'true')});
	return;
}

# The coordinator sorts, unless it knows from the nodes what a sort costs there.
sub test_order
{
	my $top = "SELECT region, rank FROM TABLE WHERE rank > 0 AND $list ORDER BY rank, region LIMIT 3";
	my $rows = "BR|1\nDE|1\nFR|1";

	gives($top =~ s/TABLE/everything/r, $rows, 3, 'ORDER BY and LIMIT, one machine');
	gives($top, $rows, 150, 'ORDER BY and LIMIT, all nodes');
	gives($top =~ s/rank > 0/rank <= 3/r, $rows, 6, 'ORDER BY and LIMIT, all nodes, ranks');
	with_option("use_remote_estimate 'true'", sub {
		gives($top, $rows, 18, 'ORDER BY and LIMIT, all nodes, use_remote_estimate');
		with_option("fetch_size '20'",
			sub { gives($top, $rows, 6, 'ORDER BY and LIMIT, all nodes, use_remote_estimate, fetch_size 20') });
	});
	return;
}

# Run tests with this option of the nodes' servers.
sub with_option
{
	my ($option, $tests) = @_;
	my ($name) = $option =~ /^(\w+)/;

	$nodes->for_each("ALTER SERVER %s OPTIONS (ADD $option)");
	$tests->();
	$nodes->for_each("ALTER SERVER %s OPTIONS (DROP $name)");
	return;
}

# A table that must be told what to read cannot be sampled.
sub test_analyze
{
	$t->fails('api', "ANALYZE $_", '0A000', qr/query must say which "period"/, "ANALYZE $_", requests => 0)
	  foreach qw(trending_node1 trending);
	return;
}

sub test_node_down
{
	$servers{node2}->node->stop('immediate');
	$t->fails('api', "SELECT count(*) FROM trending WHERE $list", '08001', qr/could not connect to server "node2"/,
		'a node is down');
	gives("SELECT count(*) FROM TABLE WHERE region IN ('US', 'JP') AND $list", 1000, 50, '... the regions of others can be read');
	$servers{node2}->node->start;
	gives("SELECT count(*) FROM TABLE WHERE $list", 3000, 150, '... it is back');
	return;
}

# In the middle of a query
sub test_node_that_dies
{
	my $session = KeyapiSession->new($t);
	my $result;

	$nodes->change('plainids;fault=stall,region=FR');
	$session->start("SELECT count(*) FROM trending WHERE $list;");
	$t->emulator->await_stalled('api', 1);
	$servers{node2}->node->stop('immediate');
	$result = $session->finish;
	is(KeyapiSession::sqlstate($result), '08006', 'a node that dies while it works');
	like($result->{stderr}, qr/server closed the connection/, '... as the user sees it');
	$session->quit;
	$t->emulator->await_inflight('api', 0);
	$servers{node2}->node->start;
	return;
}

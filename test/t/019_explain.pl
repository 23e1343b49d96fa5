# EXPLAIN: what a plan shows without a request, and what a run has cost.

use strict;
use warnings;

use Test::More;

use KeyapiTest;

my $t = KeyapiTest->new;

# Tables that share one server.
my $columns = 'region text, period int, order_by text, rank int, id text';

$t->server('w', 'plainids;total=40');
$t->mapping('w');
$t->sql(<<"END");
CREATE FOREIGN TABLE t ($columns) SERVER w;
CREATE FOREIGN TABLE td ($columns) SERVER w OPTIONS (regions 'US,FR,DE');
CREATE TABLE r (code text PRIMARY KEY);
INSERT INTO r VALUES ('US'), ('FR'), ('DE'), ('ZZ');
END

test_price();
test_properties();
test_formats();
test_generic_plans();

$t->stop;
done_testing();

# EXPLAIN asks for nothing, not even for a mapping.  EXPLAIN ANALYZE pays.
sub test_price
{
	my $sql = "SELECT * FROM explained WHERE region = 'US'";

	$t->server('explained');
	$t->import_table('explained');
	foreach my $options ('', 'COSTS OFF', 'VERBOSE', 'FORMAT JSON')
	{
		my $explain = 'EXPLAIN' . ($options && " ($options)");
		my $result  = $t->ask('explained', "$explain $sql");

		is($result->{stderr}, '', "$explain needs no mapping");
		is($result->{requests}, 0, '... and asks for nothing');
		like($result->{rows}, qr/Max Credits\W+50/, '... and tells the price');
	}
	$t->answers(
		'explained',
		"PREPARE p AS SELECT FROM explained WHERE region = \$1;\n"
		  . "SET plan_cache_mode = force_generic_plan;\n"
		  . "EXPLAIN (COSTS OFF) EXECUTE p('US') \\g /dev/null\n",
		'', 0, 'EXPLAIN of a generic plan asks for nothing');

	$t->mapping('explained');
	my $result = $t->ask('explained',
		"EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) $sql LIMIT 30");
	is($result->{requests}, 2, 'EXPLAIN ANALYZE runs the query');
	like($result->{rows}, qr/^\s+Requests: 2$/m, '... and counts requests');
	like($result->{rows}, qr/^\s+Credits: 4$/m, '... and credits');
	return;
}

# The properties of a plan
sub test_properties
{
	my @lines = (
		['SELECT * FROM t',
			q{Binding: region = 'US' (default), period = 7 (default), order_by = 'vv' (default)}],
		['SELECT * FROM td', q{Binding: region IN ('US', 'FR', 'DE') (default)}],
		[q{SELECT * FROM t WHERE region IN ('US', 'FR') AND period > 7},
			q{Binding: region IN ('FR', 'US'), period = 30, order_by = 'vv' (default)}],
		['SELECT * FROM r JOIN t ON t.region = r.code', 'Binding: region = r.code, period'],
		['SELECT (SELECT max(id) FROM t WHERE region = r.code) FROM r',
			'Binding: region = r.code, period'],
		['SELECT * FROM r JOIN t ON t.region = upper(r.code)', 'Binding: region = upper(r.code), p'],
		[q{SELECT * FROM t WHERE region <> 'US'}, 'Error: query restricts "region"'],
		[q{SELECT * FROM t WHERE region IN ('US', 'FR') ORDER BY rank, region DESC},
			'List Order: rank, region DESC'],
		['SELECT * FROM t WHERE rank BETWEEN 30 AND 50', 'Rank Range: 30..50'],
		['SELECT * FROM t WHERE rank > 100', 'Rank Range: 101..'],
		[q{SELECT * FROM t WHERE region IN ('US', 'FR')}, 'Max Lists: 2'],
		[q{SELECT * FROM t WHERE region IN ('US', 'FR')}, 'Max Pages: 50'],
		[q{SELECT * FROM t WHERE region IN ('US', 'FR')}, 'Max Credits: 100'],
		['SELECT * FROM t WHERE rank > 100 ORDER BY rank LIMIT 10', 'Max Credits: 2']);

	foreach my $case (@lines)
	{
		my ($sql, $line) = @$case;
		my $result = $t->ask('w', "EXPLAIN (COSTS OFF) $sql");

		like($result->{rows}, qr/^ *\Q$line\E/m, "EXPLAIN $sql");
		is($result->{requests}, 0, '... asks for nothing');
	}
	return;
}

sub test_formats
{
	foreach my $format (qw(JSON XML YAML))
	{
		my $result = $t->ask('w',
			"EXPLAIN (FORMAT $format, ANALYZE, TIMING OFF) SELECT * FROM t LIMIT 1");

		like($result->{rows}, qr/Max.Credits\W+2\b/, "EXPLAIN in $format");
		like($result->{rows}, qr/Requests\W+1\b/, '... with the bill');
	}
	return;
}

# A generic plan shows what its parameters stand in.
sub test_generic_plans
{
	$t->answers('w',
		'SET plan_cache_mode = force_generic_plan;'
		  . ' PREPARE p (int) AS SELECT * FROM t WHERE period = 1 / $1;'
		  . ' EXPLAIN (COSTS OFF) EXECUTE p (0) \g /dev/null',
		'', 0, 'EXPLAIN evaluates no parameter');
	like(
		$t->run('SET plan_cache_mode = force_generic_plan;'
			  . ' PREPARE p (text) AS SELECT * FROM t WHERE region LIKE $1;'
			  . q{ EXPLAIN (COSTS OFF) EXECUTE p ('F%')})->{rows},
		qr/Binding: region LIKE \$1, period/, 'EXPLAIN of a pattern that is not known');
	return;
}

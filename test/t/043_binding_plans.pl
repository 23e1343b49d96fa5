# Rows do not depend on the plan: queries that went wrong on the way to the rule,
# and plan nodes that bind again and again.

use strict;
use warnings;

use Test::More;

use KeyapiSession;
use KeyapiTest;

my $columns = 'region text, period int, order_by text, rank int, id text';

my $t = KeyapiTest->new;

make_world();
test_join_methods();
test_prepared_statements();
test_sublinks();
test_anti_joins();
test_optional_anti_joins();
test_always_true();
test_enclosing_blocks();
test_ctes();
test_set_operations();
test_compared_defaults();
test_aggregates();
test_lateral_and_recursion();
test_partitions();
test_memoize();
test_epq();
test_orders();
test_sorts();

$t->stop;
done_testing();

sub make_world
{
	$t->server('w', 'plainids;total=40');
	$t->mapping('w');
	$t->sql(<<"END");
CREATE FOREIGN TABLE t ($columns) SERVER w;
CREATE FOREIGN TABLE t2 ($columns) SERVER w;
CREATE FOREIGN TABLE tf ($columns) SERVER w OPTIONS (region 'FR');
CREATE FOREIGN TABLE td ($columns) SERVER w OPTIONS (regions 'US,FR,DE');
CREATE TABLE r (code text PRIMARY KEY, active bool, days int);
INSERT INTO r VALUES ('US', true, 7), ('FR', true, 30), ('DE', false, 7),
	('ZZ', false, 15);
CREATE TABLE big (code text, n int);
INSERT INTO big
	SELECT code, n FROM unnest('{US,FR}'::text[]) code, generate_series(1, 20000) n;
ANALYZE r, big;
END
	return;
}

sub test_join_methods
{
	foreach my $method (qw(nestloop hashjoin mergejoin memoize material))
	{
		$t->answers('w',
			"SET enable_$method = off;"
			  . ' SELECT count(*), count(DISTINCT region) FROM r JOIN t ON t.region = r.code WHERE r.active',
			'80|2', 4, "join on region without $method");
	}
	$t->answers('w',
		q{SET jit_above_cost = 0; SELECT count(*) FROM td WHERE region <> 'US' AND rank % 30 = 1},
		4, 4, 'compiled expressions');
	$t->answers('w', 'SET geqo_threshold = 2; SELECT count(*) FROM t'
		  . ' JOIN big ON big.n = t.rank AND big.code = t.region JOIN r ON r.code = big.code'
		  . ' WHERE r.active',
		80, 4, 'genetic optimizer');
	$t->refuses('w', 'SELECT 1 FROM t JOIN r ON t.region > r.code', 'join on an inequality');
	like($t->run('SELECT 1 FROM t JOIN r ON t.region > r.code')->{stderr},
		qr/^HINT: .*Joins count/m, '... with a hint about joins');
	unlike($t->run("SELECT 1 FROM t JOIN r ON t.period = r.days WHERE t.region <> 'US'")->{stderr},
		qr/^HINT/m, '... which a condition on the table alone does not get');
	$t->answers('w', 'SELECT count(*) FROM td JOIN r ON td.region > r.code', 120, 6,
		'... with a domain');
	$t->answers('w', 'SELECT count(*) FROM t RIGHT JOIN r ON t.region = r.code', 121, 7,
		'right join');
	$t->answers('w', 'SELECT count(*) FROM t LEFT JOIN r ON t.region = r.code AND r.active',
		40, 2, 'the preserved side has its default');
	$t->answers('w',
		'SELECT count(*) FROM t LEFT JOIN r ON t.region = r.code WHERE r.active',
		80, 4, 'a left join that is an inner one');
	$t->answers('w',
		'SELECT count(*) FROM r WHERE NOT EXISTS (SELECT 1 FROM t WHERE t.region = r.code)',
		1, 4, 'anti join, inside');
	return;
}

# Parameters are folded in before it is decided what they restrict.
sub test_prepared_statements
{
	my $session = KeyapiSession->new($t);
	my $generic = 'SET plan_cache_mode = force_generic_plan;';
	my @results;

	$session->sql('PREPARE p (text) AS SELECT count(*) FROM t WHERE region <> $1 OR $1 IS NULL;');
	is($session->run('EXECUTE p (NULL);')->{rows}, 40, "execution $_")
	  foreach 1 .. 7;
	KeyapiSession::is_error($session->run("EXECUTE p ('US');"), '0A000',
		'... and the error where the parameter restricts');
	$session->sql($generic);
	is($session->run('EXECUTE p (NULL);')->{rows}, 40, 'generic plan');
	KeyapiSession::is_error($session->run("EXECUTE p ('US');"), '0A000',
		'generic plan, restricted');
	$session->quit;

	foreach my $case (
		[ 'int', 'period = $1 OR $1 IS NULL', 'NULL' => 40, 2 ],
		[ 'int', 'period = $1 OR $1 IS NULL', '30'   => 40, 2 ],
		[ 'text', 'region = $1 OR $1 IS NULL', 'NULL' => 40, 2 ],
		[ 'text', 'region = $1 OR $1 IS NULL', q{'FR'} => 40, 2 ],
		[ 'text', 'region LIKE $1', q{'FR'} => 40, 2 ],
		[ 'text[]', 'region = ANY ($1)', 'NULL' => 0, 0 ],
		[ 'text[]', 'region = ANY ($1)', q{'{FR,DE,FR,NULL}'} => 80, 4 ],
		[ 'text', 'region IN ($1, lower($1))', q{'FR'} => 80, 4 ],
		[ 'int', 'rank BETWEEN $1 AND $1 + 1', '20' => 2, 2 ],
		[ 'int', 'rank < $1', '1' => 0, 0 ])
	{
		my ($type, $where, $value, $rows, $requests) = @$case;

		foreach my $mode (qw(custom generic))
		{
			$t->answers('w',
				"SET plan_cache_mode = force_${mode}_plan;"
				  . " PREPARE q ($type) AS SELECT count(*) FROM t WHERE $where;"
				  . " EXECUTE q ($value)",
				$rows, $requests, "$mode plan: $where, $value");
		}
	}
	return;
}

sub test_sublinks
{
	$t->answers('w',
		'SELECT count(*) FROM big WHERE n <= 50 AND (n < 0 OR EXISTS (SELECT 1 FROM t WHERE t.region = big.code))',
		100, 2, 'EXISTS under OR is not hashed over a default list');
	$t->refuses('w',
		'SELECT count(*) FROM big WHERE n <= 50 AND (n < 0 OR code IN (SELECT region FROM t))',
		'IN under OR');
	$t->refuses('w', 'SELECT count(*) FROM big WHERE code NOT IN (SELECT region FROM t)', 'NOT IN');
	$t->answers('w',
		'SELECT count(*) FROM t WHERE rank < 3 OR NOT EXISTS (SELECT 1 FROM big WHERE big.n = t.period)',
		4, 4, 'NOT EXISTS under OR, hashed');
	$t->answers('w',
		'SELECT count(*) FROM t WHERE rank < 3 OR NOT EXISTS (SELECT 1 FROM big WHERE big.n = t.period'
		  . ' AND big.n = t.rank)',
		39, 2, '... that compares the rank, too');
	$t->refuses('w', 'SELECT code, code IN (SELECT region FROM t) FROM r', 'IN in the select list');
	$t->answers('w', 'SELECT count(*) FROM r WHERE code IN (SELECT region FROM t)',
		3, 4, 'IN that is a join');
	$t->answers('w',
		'SELECT count(*) FROM r WHERE code IN (SELECT region FROM td) OR days = 15',
		4, 6, 'IN under OR, with a domain');
	$t->answers('w',
		'SELECT string_agg(coalesce((SELECT max(rank) FROM t WHERE t.region = r.code), 0)::text, $$ $$ ORDER BY code) FROM r',
		'40 40 40 0', 7, 'correlated subquery in the select list');
	$t->answers('w',
		'SELECT count(*) FROM r WHERE code = ANY (ARRAY(SELECT region FROM t))',
		1, 2, 'what a subquery returns as a value is not restricted');
	return;
}

# What leaves out values of a parameter restricts it; what leaves out rows of a list
# does not, although it compares the parameter, too.
sub test_anti_joins
{
	$t->sql(<<"END");
CREATE TABLE excluded (code text NOT NULL, id text NOT NULL, n int);
INSERT INTO excluded VALUES ('US', 'US7vv1', 1);
CREATE FOREIGN TABLE n (region text NOT NULL, period int, order_by text, rank int, id text NOT NULL)
	SERVER w;
CREATE FOREIGN TABLE nd (region text NOT NULL, period int, order_by text, rank int, id text NOT NULL)
	SERVER w OPTIONS (regions 'US,FR,DE', region 'US');
CREATE TABLE copies ($columns);
END
	foreach my $case (
		[ 'NOT IN', '%s WHERE t.region NOT IN (SELECT code FROM excluded)' ],
		[ 'NOT EXISTS', '%s WHERE NOT EXISTS (SELECT FROM excluded e WHERE e.code = t.region)' ],
		[ 'LEFT JOIN', '%s LEFT JOIN excluded e ON e.code = t.region WHERE e.code IS NULL' ],
		[ 'RIGHT JOIN', 'excluded e RIGHT JOIN %s ON e.code = t.region WHERE e.code IS NULL' ],
		[ 'hashed NOT EXISTS', '%s WHERE NOT EXISTS (SELECT FROM excluded e WHERE e.code = t.region) OR rank < 0' ])
	{
		my ($test, $from) = @$case;
		my $with = $from =~ s/%s/c t/r;

		$with = "WITH c AS MATERIALIZED (SELECT * FROM n) SELECT count(*) FROM $with";
		$t->refuses('w', 'SELECT count(*) FROM ' . sprintf($from, 'n t'), "$test of values");
		$t->answers('w', 'SELECT count(*) FROM ' . sprintf($from, 'nd t'), 80, 6, '... with a domain');
		$t->refuses('w', 'SELECT count(*) FROM ' . sprintf($from, '(SELECT * FROM n LIMIT 100) t'),
			'... around a LIMIT');
		$t->refuses('w',
			'SELECT count(*) FROM '
			  . sprintf($from, '(SELECT * FROM n UNION ALL SELECT * FROM copies) t'),
			'... around UNION ALL');
		$t->refuses('w', $with, '... around a CTE');
	}
	foreach my $case (
		[ 'NOT IN', '%s WHERE (t.id, t.region) NOT IN (SELECT id, code FROM excluded)' ],
		[ 'NOT EXISTS', '%s WHERE NOT EXISTS (SELECT FROM excluded e WHERE e.id = t.id AND e.code = t.region)' ],
		[ 'LEFT JOIN',
			'%s LEFT JOIN excluded e ON e.id = t.id AND e.code = t.region WHERE e.code IS NULL' ],
		[ 'hashed NOT EXISTS',
			'%s WHERE NOT EXISTS (SELECT FROM excluded e WHERE e.code = t.region AND e.n = t.rank) OR rank < 0' ])
	{
		my ($test, $from) = @$case;
		my $with = $from =~ s/%s/c t/r;

		$with = "WITH c AS MATERIALIZED (SELECT * FROM n) SELECT count(*) FROM $with";
		$t->answers('w', 'SELECT count(*) FROM ' . sprintf($from, 'n t'), 39, 2, "$test of rows");
		$t->answers('w', 'SELECT count(*) FROM ' . sprintf($from, 'nd t'), 39, 2, '... with a domain');
		$t->answers('w', 'SELECT count(*) FROM ' . sprintf($from, '(SELECT * FROM n LIMIT 100) t'), 39, 2,
			'... around a LIMIT');
		$t->answers('w', $with, 39, 2, '... around a CTE');
	}
	$t->answers('w',
		q{SELECT count(*) FROM t WHERE region IN ('US', 'FR') AND NOT EXISTS (SELECT FROM excluded e}
		  . ' WHERE e.code = t.region)', 40, 4, 'values that are named, without some of them');
	$t->answers('w',
		'SELECT count(*) FROM t WHERE NOT EXISTS (SELECT FROM r WHERE r.days = t.period AND r.active)',
		0, 4, 'NOT EXISTS on a parameter with a domain');
	$t->answers('w',
		q{SELECT count(*) FROM t WHERE t.id = 'US7vv1' AND NOT EXISTS (SELECT FROM excluded e}
		  . ' WHERE e.id = t.id AND e.code = t.region)',
		0, 2, 'what is compared counts, even if it is known to be a constant');
	$t->answers('w',
		'SELECT count(*) FROM t LEFT JOIN excluded e ON e.code = t.region AND e.n = 7 WHERE e.n IS NULL OR t.rank > 0',
		40, 2, 'a LEFT JOIN that is none');
	$t->refuses('w', 'SELECT count(*) FROM t a WHERE NOT EXISTS (SELECT FROM t2 b WHERE b.region = a.region)',
		'NOT EXISTS, with foreign tables on both sides');
	$t->answers('w',
		'SELECT count(*) FROM t a WHERE NOT EXISTS (SELECT FROM t2 b WHERE b.region = a.region AND b.id = a.id)',
		0, 2, '... that compares data');
	return;
}

# What NOT NULL columns make true of every row restricts nothing.
sub test_always_true
{
	my %true = (
		'an equality' => "region = 'FR' OR region IS NOT NULL",
		'another column' => 'period = 30 OR id IS NOT NULL',
		'a negation' => 'NOT (period = 30 AND region IS NULL)',
		'ORs' => "rank < 5 OR (period = 30 OR (order_by = 'like' OR region IS NOT NULL))");

	foreach my $test (sort keys %true)
	{
		$t->answers('w', "SELECT count(*) FROM n WHERE $true{$test}", 40, 2, "$test that all rows meet");
		$t->answers('w', "SELECT count(*) FROM n FULL JOIN excluded e ON e.id = n.id WHERE ($true{$test}) AND n.id > ''"
			  =~ s/\b(region|period|order_by|rank)\b|(?<![.\w])id\b/n.$&/gr,
			40, 2, '... in a join that is none');
	}
	$t->answers('w', 'SELECT count(*) FROM n WHERE period = 30 OR period IS NOT NULL', 80, 4,
		'a column that may be null');
	$t->answers('w', "SELECT count(*) FROM n WHERE period = 30 AND region IS NOT NULL", 40, 2, 'AND');
	return;
}

# External parameters may take away what makes it a matter of rows.
sub test_optional_anti_joins
{
	my $where = 'NOT EXISTS (SELECT FROM excluded e WHERE e.code = t.region AND (e.id = t.id OR $1 IS NULL))';

	foreach my $mode (qw(custom generic))
	{
		my $plan = "SET plan_cache_mode = force_${mode}_plan;";

		$t->refuses('w', "$plan PREPARE q (int) AS SELECT count(*) FROM t WHERE $where; EXECUTE q (NULL)",
			"$mode plan: the parameter is all that is compared");
		$t->answers('w', "$plan PREPARE q (int) AS SELECT count(*) FROM t WHERE $where; EXECUTE q (1)",
			39, 2, "$mode plan: the id is compared, too");
		$t->answers('w', "$plan PREPARE q (int) AS SELECT region, rank FROM nd t WHERE $where"
			  . ' ORDER BY rank, region LIMIT 2; EXECUTE q (NULL)',
			"DE|1\nFR|1", 2, "$mode plan: order of several lists");
	}
	return;
}

sub test_enclosing_blocks
{
	$t->sql(<<'END');
CREATE VIEW barrier WITH (security_barrier) AS SELECT * FROM t;
CREATE FUNCTION leaky(text) RETURNS bool LANGUAGE plpgsql AS 'BEGIN RETURN $1 = $$FR$$; END';
END
	$t->answers('w', q{SELECT count(*) FROM barrier WHERE region = 'FR'}, 40, 2,
		'security barrier, a condition that may pass');
	$t->refuses('w', 'SELECT count(*) FROM barrier WHERE leaky(region)',
		'security barrier, a condition that may not');
	$t->refuses('w', q{SELECT * FROM (SELECT * FROM t LIMIT 5) s WHERE region = 'FR'}, 'LIMIT');
	$t->answers('w',
		q{SELECT count(*) FROM (SELECT * FROM td LIMIT 5) s WHERE region <> 'XX'},
		5, 1, 'LIMIT, with a domain');
	$t->refuses('w',
		'SELECT * FROM (SELECT region, row_number() OVER (ORDER BY id) n FROM t) s JOIN r ON r.code = s.region',
		'window functions, and a join on the outside');
	$t->answers('w',
		q{SELECT count FROM (SELECT region, count(*) FROM t GROUP BY region) s WHERE region = 'FR'},
		40, 2, 'grouping, a condition that is pushed down');
	$t->refuses('w',
		q{SELECT 1 FROM (SELECT region, count(*) c FROM t GROUP BY region) s WHERE region = 'FR' OR c > 3},
		'grouping, a condition that is not');
	$t->refuses('w', q{SELECT region FROM t GROUP BY region HAVING region = 'FR' OR count(*) > 3}, 'HAVING');
	$t->answers('w', 'SELECT count(*) FROM (SELECT region FROM t GROUP BY region HAVING count(*) > 3) s',
		1, 2, 'HAVING about something else');
	$t->answers('w',
		'SELECT count(*) FROM (SELECT rank FROM t GROUP BY rank HAVING count(DISTINCT period) = 2) s',
		40, 4, 'HAVING about an aggregate of the parameter');
	$t->answers('w', 'SELECT count(*) FROM (SELECT region, rank FROM t LIMIT 5) s WHERE rank < 3',
		2, 1, 'LIMIT, and a filter on another column');
	return;
}

sub test_ctes
{
	my $with = 'WITH c AS MATERIALIZED (SELECT * FROM t)';

	$t->refuses('w', qq{$with SELECT count(*) FROM c WHERE region = 'FR'}, 'CTE and a filter');
	$t->answers('w', "$with SELECT count(*) FROM c WHERE rank <= 20", 20, 2,
		'CTE and a filter on another column');
	$t->answers('w', "$with SELECT count(*) FROM c LEFT JOIN r ON r.code = c.region", 40, 2,
		'CTE on the preserved side');
	$t->refuses('w', "$with SELECT count(*) FROM c LEFT JOIN r ON r.code = c.region WHERE r.active",
		'... of a join that is an inner one');
	$t->refuses('w', "$with SELECT count(*) FROM c WHERE EXISTS (SELECT 1 FROM r WHERE r.code = c.region)",
		'CTE and EXISTS');
	$t->refuses('w', "$with SELECT count(*) FROM r WHERE code IN (SELECT region FROM c)", 'IN (CTE)');
	$t->refuses('w', "$with, d AS MATERIALIZED (SELECT upper(region) u FROM c) SELECT 1 FROM d WHERE u = 'FR'",
		'CTE of a CTE');
	$t->refuses('w', "$with SELECT 1 FROM c a JOIN c b USING (region, rank) WHERE region = 'FR'", 'USING');
	$t->refuses('w', "$with SELECT 1 FROM (SELECT region x FROM c UNION SELECT code FROM r) s WHERE x = 'FR'",
		'CTE in a set operation');
	$t->answers('w',
		'SET plan_cache_mode = force_generic_plan;'
		  . " PREPARE p (text) AS $with SELECT count(*) FROM c WHERE region = \$1 OR \$1 IS NULL;"
		  . ' EXECUTE p (NULL)',
		40, 2, 'CTE and an optional parameter');
	return;
}

sub test_set_operations
{
	$t->answers('w',
		q{SELECT count(*) FROM (SELECT region FROM t UNION ALL SELECT code FROM r) s WHERE region = 'FR'},
		41, 2, 'UNION ALL');
	$t->answers('w',
		q{SELECT count(*) FROM (SELECT region FROM t UNION ALL SELECT code FROM r) s JOIN r USING (code)}
		  =~ s/USING \(code\)/ON r.code = s.region AND r.active/r,
		82, 4, 'UNION ALL under a join');
	$t->answers('w',
		q{SELECT count(*) FROM (SELECT region FROM t UNION SELECT code FROM r) s WHERE region = 'FR'},
		1, 2, 'UNION');
	$t->refuses('w',
		'SELECT count(*) FROM (SELECT region FROM t UNION SELECT code FROM r) s JOIN r ON r.code = s.region',
		'UNION under a join');
	$t->answers('w', 'SELECT region FROM t INTERSECT SELECT code FROM r', 'US', 2, 'INTERSECT');
	return;
}

# Parameters of two tables that are only compared with each other
sub test_compared_defaults
{
	my $join = 'a.region = b.region AND a.rank = b.rank';

	$t->answers('w', "SELECT count(*) FROM t a JOIN t2 b ON $join", 40, 2,
		'each has its default');
	$t->refuses('w', "SELECT count(*) FROM t a JOIN tf b ON $join",
		'... which must be the same');
	$t->answers('w', "SELECT count(*) FROM t a JOIN tf b ON $join WHERE b.region = 'DE'",
		40, 2, 'one constant is for both');
	$t->answers('w', "SELECT count(*) FROM t a JOIN tf b ON $join WHERE b.region IN ('DE', 'US')",
		80, 4, 'one restricted member is the source of the other');
	$t->answers('w',
		'SELECT count(*) FROM t a JOIN t2 b ON a.period = b.period AND a.rank = b.rank WHERE b.period > 7',
		40, 4, 'a domain is read whole');
	foreach my $value (qw(NULL 'FR'))
	{
		$t->answers('w',
			'SET plan_cache_mode = force_generic_plan;'
			  . " PREPARE p (text) AS SELECT count(*) FROM t a JOIN t2 b ON $join"
			  . ' WHERE a.region = $1 OR $1 IS NULL;'
			  . " EXECUTE p ($value)",
			40, 2, "restricted by a parameter: $value");
	}
	return;
}

sub test_aggregates
{
	$t->answers('w', 'SELECT min(rank), max(rank) FROM t', '1|40', 2, 'min and max');
	$t->answers('w', q{SELECT min(rank) FROM t WHERE region = 'FR'}, 1, 1,
		'min needs one page');
	$t->refuses('w', q{SELECT max(region) FROM t HAVING max(region) = 'FR'}, 'HAVING on max');
	return;
}

sub test_lateral_and_recursion
{
	$t->answers('w',
		'SELECT count(*) FROM r, LATERAL (SELECT * FROM t WHERE t.region = r.code ORDER BY rank LIMIT 3) s',
		9, 4, 'LATERAL');
	$t->answers('w',
		'WITH RECURSIVE c AS (SELECT region, 1 n FROM t WHERE rank = 1'
		  . ' UNION ALL SELECT region, n + 1 FROM c WHERE n < 3) SELECT count(*) FROM c',
		3, 1, 'recursion');
	$t->answers('w',
		q{WITH RECURSIVE c AS (SELECT 'FR' region, 1 n UNION ALL SELECT t.region, n + 1 FROM c}
		  . ' JOIN t ON t.region = c.region AND t.rank = 1 WHERE n < 4) SELECT count(*) FROM c',
		4, 1, 'recursion over the table: a page is paid for once');
	return;
}

sub test_partitions
{
	$t->sql(<<"END");
CREATE TABLE cp ($columns) PARTITION BY LIST (region);
CREATE FOREIGN TABLE cp_us PARTITION OF cp FOR VALUES IN ('US') SERVER w;
CREATE FOREIGN TABLE cp_rest PARTITION OF cp FOR VALUES IN ('FR', 'DE') SERVER w;
CREATE TABLE by_rank ($columns) PARTITION BY RANGE (rank);
CREATE FOREIGN TABLE top PARTITION OF by_rank FOR VALUES FROM (1) TO (21) SERVER w;
CREATE FOREIGN TABLE below PARTITION OF by_rank FOR VALUES FROM (21) TO (1000) SERVER w;
END
	foreach my $partitionwise (qw(on off))
	{
		$t->answers('w',
			"SET enable_partitionwise_join = $partitionwise;"
			  . " SET enable_partitionwise_aggregate = $partitionwise;"
			  . ' SELECT region, count(*) FROM cp GROUP BY region ORDER BY region',
			"DE|40\nFR|40\nUS|40", 6, "partitions, partitionwise $partitionwise");
		$t->answers('w',
			"SET enable_partitionwise_join = $partitionwise;"
			  . ' SELECT count(*) FROM cp a JOIN cp b ON a.region = b.region AND a.rank = b.rank',
			120, 6, "join of partitions, partitionwise $partitionwise");
	}
	$t->answers('w', 'SELECT count(*) FROM cp_rest', 80, 4, 'a partition by itself');
	$t->answers('w', 'SELECT count(*) FROM cp JOIN r ON r.code = cp.region WHERE active',
		80, 6, 'partitions in a join');
	$t->answers('w',
		'SELECT count(*) FROM cp FULL JOIN r ON r.code = cp.region AND r.days = cp.rank'
		  . q{ WHERE r.active OR cp.period = 30},
		122, 12, 'partitions below an outer join, and a filter above it');
	$t->answers('w', q{SELECT count(*) FROM cp WHERE region = 'JP'}, 0, 0, 'no such partition');
	test_optional_condition_on_partitions($_) foreach qw(custom generic);
	$t->answers('w', 'SELECT count(*) FROM by_rank', 40, 2, 'partitions by rank');
	$t->sql('CREATE FOREIGN TABLE cp_default PARTITION OF cp DEFAULT SERVER w');
	$t->refuses('w', 'SELECT count(*) FROM cp', 'the default partition');
	return;
}

# "region = $1" bounds a partition to one list, until $1 is NULL: a plan must not
# count on it for the order of the rows.
sub test_optional_condition_on_partitions
{
	my ($mode) = @_;
	my $prepare = "SET plan_cache_mode = force_${mode}_plan; PREPARE q (text) AS"
	  . ' SELECT region, rank FROM cp_rest WHERE (region = $1 OR $1 IS NULL) AND rank <= 2';

	$t->answers('w', "$prepare ORDER BY region, rank; EXECUTE q (NULL)",
		"DE|1\nDE|2\nFR|1\nFR|2", 2, "$mode plan: lists of a partition");
	$t->answers('w', "$prepare ORDER BY region DESC, rank; EXECUTE q (NULL)",
		"FR|1\nFR|2\nDE|1\nDE|2", 2, "$mode plan: lists of a partition, backwards");
	$t->answers('w', "$prepare ORDER BY rank, region; EXECUTE q (NULL)",
		"DE|1\nFR|1\nDE|2\nFR|2", 2, "$mode plan: lists of a partition, by rank");
	$t->answers('w', "$prepare ORDER BY region, rank; EXECUTE q ('FR')",
		"FR|1\nFR|2", 1, "$mode plan: one list of a partition");
	return;
}

sub test_memoize
{
	$t->answers('w', 'SELECT count(*) FROM big JOIN t ON t.region = big.code WHERE t.rank = 1',
		40000, 2, '40000 bindings of two values');
	$t->answers('w',
		'SET enable_memoize = off;'
		  . ' SELECT count(*) FROM big JOIN t ON t.region = big.code WHERE t.rank = 1 AND big.n <= 1000',
		2000, 2, '... without memoize');
	return;
}

# A row that another session changes meanwhile is joined again.
sub test_epq
{
	my $first  = KeyapiSession->new($t);
	my $second = KeyapiSession->new($t);

	$first->sql("BEGIN; UPDATE r SET code = 'XX' WHERE code = 'DE';");
	$second->start(
		q{UPDATE r SET days = days FROM t WHERE t.region = r.code AND t.rank = 1 RETURNING code;});
	$t->await(
		"SELECT wait_event_type = 'Lock' FROM pg_stat_activity WHERE pid = " . $second->pid,
		'nobody waits for the lock');
	$first->sql('COMMIT;');
	is(join(' ', sort split /\n/, $second->finish->{rows}), 'FR US',
		'the changed row does not match its old binding');
	$_->quit foreach $first, $second;
	$t->sql("UPDATE r SET code = 'DE' WHERE code = 'XX'");
	return;
}

sub test_orders
{
	my $in = q{FROM t WHERE region IN ('US', 'FR')};

	$t->answers('w', "SELECT region, rank $in ORDER BY region DESC, rank LIMIT 2",
		"US|1\nUS|2", 1, 'list after list');
	$t->answers('w', "SELECT rank, region $in ORDER BY rank, region LIMIT 3",
		"1|FR\n1|US\n2|FR", 2, 'in rounds');
	$t->answers('w', "SELECT rank, region $in ORDER BY rank, region DESC LIMIT 3",
		"1|US\n1|FR\n2|US", 2, 'in rounds, descending');
	$t->answers('w', "SELECT region, rank $in ORDER BY period, region, order_by, rank LIMIT 1",
		'FR|1', 1, 'parameters with one value stand anywhere');
	$t->answers('w', "SELECT rank $in ORDER BY rank DESC LIMIT 1", 40, 4,
		'downwards: all must be read');
	$t->answers('w',
		q{SELECT rank FROM t WHERE rank IN (1, 30) AND region IN ('US', 'FR') ORDER BY rank LIMIT 3},
		"1\n1\n30", 4, 'in rounds, with gaps');
	is( $t->sql('SELECT a.rank, b.region FROM t a JOIN td b ON a.rank = b.rank'
			  . ' ORDER BY a.rank, b.region LIMIT 4'),
		"1|DE\n1|FR\n1|US\n2|DE",
		'joins on rank');
	return;
}

# Rows are sorted again where the order of the lists is not the one asked for.
sub test_sorts
{
	$t->answers(
		'w', "SELECT rank, generate_series(1, rank) AS g FROM t
WHERE region = 'US' AND rank <= 2 ORDER BY rank, g DESC",
		"1|1\n2|2\n2|1", 1, 'several rows made of one are sorted');

	SKIP:
	{
		skip 'nondeterministic collations need ICU', 1 if !$t->has_icu;

		$t->sql(q{CREATE COLLATION nocase
(PROVIDER = icu, LOCALE = 'und-u-ks-level2', DETERMINISTIC = false)});
		$t->answers(
			'w', q{SELECT string_agg(rank::text, ' ') FROM (SELECT rank FROM t
WHERE region IN ('US', 'us') AND rank <= 3 ORDER BY region COLLATE nocase, rank) s},
			'1 1 2 2 3 3', 2, 'regions that are equal for the sort are sorted as one');
	}
	return;
}

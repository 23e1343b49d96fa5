# What the error of a query that does not name a parameter's values says: the
# message alone, for many clients show nothing else, tells what is wrong and what
# to write.

use strict;
use warnings;

use Test::More;

use KeyapiTest;

my $write = qr/write region = \.\.\., region IN \(\.\.\.\) or region = ANY \(ARRAY\(SELECT \.\.\.\)\)/;
my $domain = qr/, or set the table's option "regions"/;

my $t = KeyapiTest->new;

$t->scenario('t', 'plainids;total=3');
$t->sql(<<'END');
CREATE TABLE r (code text NOT NULL);
INSERT INTO r VALUES ('FR');
CREATE VIEW behind WITH (security_barrier) AS SELECT * FROM t;
END

test_conditions();
test_outside();
test_layers();
test_parameters();
test_partitions();
test_defaults();
test_columns();

$t->stop;
done_testing();

# Test that a query ends in this message, and that EXPLAIN shows the same.
sub says
{
	my ($query, $message, $test) = @_;

	local $Test::Builder::Level = $Test::Builder::Level + 1;
	$t->fails('t', $query, '0A000', qr/^ERROR:  (?:0A000: )?$message$/m, $test, requests => 0);
	like($t->sql("EXPLAIN $query"), qr/^\s*Error: $message$/m, "$test: EXPLAIN");
	return;
}

sub test_conditions
{
	my $plain = qr/query restricts "region" of foreign table "t", but does not say to which values: $write$domain/;

	says('SELECT * FROM t WHERE ' . $_, $plain, $_)
	  foreach q{region <> 'US'}, q{region LIKE 'U%'}, q{upper(region) = 'US'},
	  q{region = 'FR' OR rank = 1};
	says('SELECT * FROM t JOIN r ON t.region > r.code',
		qr/query restricts "region" of foreign table "t" by a join, but the other side does not name its values: $write$domain/,
		'join');
	says("SELECT * FROM t WHERE $_",
		qr/query leaves out values of "region" of foreign table "t" by NOT EXISTS, NOT IN or an outer join, but does not say which remain: $write$domain/,
		$_)
	  foreach 'NOT EXISTS (SELECT FROM r WHERE r.code = t.region)';
	says(q{SELECT count(*) FROM t GROUP BY period HAVING max(region) = 'FR'},
		aggregated(), 'HAVING');
	return;
}

sub outside
{
	my ($of, $remedy) = @_;

	$remedy //= 'move the condition inside';
	return qr/query restricts "region" of foreign table "t" $of: $remedy, and $write$domain/;
}

# PostgreSQL moves a condition to HAVING if it can.
sub aggregated
{
	return outside('in HAVING or outside of a subquery with an aggregate',
		'move the condition to the WHERE inside');
}

# BI tools wrap a query and filter outside of it.
sub test_outside
{
	my $limit = outside('outside of a subquery with LIMIT');

	says("SELECT * FROM (SELECT * FROM t ORDER BY rank $_) s WHERE region = 'FR'", $limit, $_)
	  foreach 'LIMIT 30', 'OFFSET 1', 'FETCH FIRST ROW WITH TIES';
	says("SELECT * FROM (SELECT $_->[0]) s WHERE region = 'FR'",
		outside("outside of a subquery with $_->[1]"), $_->[0])
	  foreach (
		[ 'DISTINCT ON (id) id, region FROM t', 'DISTINCT' ],
		[ 'region, row_number() OVER (ORDER BY rank) FROM t', 'a window function' ],
		[ 'id, min(region) AS region FROM t GROUP BY id LIMIT 3', 'LIMIT' ],
	  );
	says("SELECT * FROM (SELECT max(region) AS region FROM t $_) s WHERE region = 'FR'",
		aggregated(), "aggregate $_")
	  foreach '', 'GROUP BY id', 'GROUP BY ROLLUP (id)';
	says(q{WITH s AS MATERIALIZED (SELECT * FROM t) SELECT * FROM s WHERE region = 'FR'},
		outside('outside of a WITH query'), 'CTE');
	says(q{WITH s AS MATERIALIZED (SELECT * FROM t LIMIT 3) SELECT * FROM s WHERE region = 'FR'},
		$limit, 'CTE with LIMIT');
	says(q{SELECT * FROM behind WHERE upper(region) = 'FR'},
		outside('outside of a subquery or view that PostgreSQL moves no condition into'),
		'security barrier');
	says(q{SELECT * FROM r WHERE code < 'A' OR code IN (SELECT region FROM t)},
		outside('by comparing what a subquery returns',
			'make the subquery a join, or move the condition inside'),
		'IN in an expression');
	return;
}

# The block to move the condition into is the one that the scan is in.
sub test_layers
{
	says(q{SELECT * FROM (SELECT DISTINCT region, title FROM
		(SELECT * FROM t ORDER BY rank LIMIT 3) s) u WHERE region = 'FR'},
		outside('outside of a subquery with LIMIT'), 'LIMIT below DISTINCT');
	says(q{SELECT * FROM (SELECT * FROM (SELECT DISTINCT ON (id) region, title, id FROM t) s
		LIMIT 3) u WHERE region = 'FR'},
		outside('outside of a subquery with DISTINCT'), 'DISTINCT below LIMIT');
	says(q{SELECT * FROM (SELECT * FROM t WHERE region <> 'US' LIMIT 3) s WHERE region = 'FR'},
		qr/query restricts "region" of foreign table "t", but does not say to which values: .*/,
		'a condition inside, too');
	says(q{SELECT * FROM (SELECT * FROM t LIMIT 3) s JOIN r ON r.code = s.region},
		outside('outside of a subquery with LIMIT'), 'a join outside');
	return;
}

# The reason is that of what is left when parameters are folded in.
sub test_parameters
{
	my $prepared = <<'END';
SET plan_cache_mode = force_generic_plan;
PREPARE p (text) AS SELECT * FROM (SELECT * FROM t LIMIT 3) s WHERE region = $1 OR $1 IS NULL;
END

	$t->fails('t', "$prepared EXECUTE p ('FR')", '0A000', outside('outside of a subquery with LIMIT'),
		'generic plan', requests => 0);
	$t->answers('t', "$prepared SELECT 1; EXPLAIN EXECUTE p (NULL) \\g /dev/null", '1', 0, 'EXPLAIN');
	return;
}

sub test_partitions
{
	$t->sql(<<'END');
CREATE TABLE p (region text, period int, rank int, id text) PARTITION BY LIST (region);
CREATE FOREIGN TABLE p_us PARTITION OF p FOR VALUES IN ('US') SERVER t;
CREATE FOREIGN TABLE p_rest PARTITION OF p DEFAULT SERVER t;
CREATE TABLE q (region text, rank int, id text) PARTITION BY RANGE (region);
CREATE FOREIGN TABLE q_low PARTITION OF q FOR VALUES FROM ('A') TO ('M') SERVER t;
END
	says('SELECT * FROM p',
		qr/bound of the partition restricts "region" of foreign table "p_rest", but does not say to which values: $write$domain/,
		'DEFAULT partition');
	says('SELECT * FROM q',
		qr/bound of the partition restricts "region" of foreign table "q_low", but does not say to which values: $write$domain/,
		'a range');
	says(q{SELECT * FROM p WHERE region > 'X'},
		qr/query restricts "region" of foreign table "p_rest", but does not say to which values: $write$domain/,
		'DEFAULT partition, with a condition');
	says(q{SELECT * FROM (SELECT * FROM p_rest LIMIT 1) s WHERE region = 'FR'},
		qr/query restricts "region" of foreign table "p_rest" outside of a subquery with LIMIT: .*/,
		'DEFAULT partition, with a condition outside');
	$t->answers('t', q{SELECT count(*) FROM p WHERE region IN ('US', 'FR')}, 6, 2,
		'named values choose lists of both');
	return;
}

sub test_defaults
{
	$t->sql(<<'END');
CREATE FOREIGN TABLE strict (region text, rank int) SERVER t OPTIONS (region 'none');
CREATE FOREIGN TABLE france (region text, rank int) SERVER t OPTIONS (region 'FR');
END
	says('SELECT * FROM strict',
		qr/query must say which "region" of foreign table "strict" it wants: $write/, 'none');
	says('SELECT * FROM france JOIN t USING (region)',
		qr/query compares "region" of foreign table "\w+" with tables that have another default, but does not say which values it wants: $write$domain/,
		'different defaults');
	return;
}

# A column whose type or collation has an equality of its own
sub test_columns
{
	$t->sql(<<'END');
CREATE EXTENSION citext;
CREATE FOREIGN TABLE ci (region citext, rank int) SERVER t;
CREATE FOREIGN TABLE num (region int, rank int) SERVER t;
END
	says("SELECT * FROM $_->[0] WHERE region = $_->[2]",
		qr/query restricts "region" \($_->[1]\) of foreign table "$_->[0]", whose type compares otherwise than text: declare the column as text, and $write$domain/,
		"type $_->[1]")
	  foreach [ 'ci', 'citext', q{'FR'} ], [ 'num', 'integer', 1 ];
	says(q{SELECT * FROM (SELECT * FROM ci LIMIT 3) s WHERE region = 'FR'},
		qr/query restricts "region" \(citext\) of foreign table "ci", whose type .*/,
		'before all other reasons');
	return unless $t->has_icu;
	$t->sql(<<'END');
CREATE COLLATION lax (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
CREATE FOREIGN TABLE folded (region text COLLATE lax, rank int) SERVER t;
END
	says(q{SELECT * FROM folded WHERE region = 'FR'},
		qr/query restricts "region" of foreign table "folded", whose collation takes different texts for equal: declare the column with a deterministic collation, and $write$domain/,
		'nondeterministic collation');
	return;
}

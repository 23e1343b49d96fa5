
=pod

=head1 NAME

KeyapiNodes - a table whose partitions are foreign tables of other servers

=head1 SYNOPSIS

  my $nodes = KeyapiNodes->new($coordinator,
      node1 => { test => $t1, dbname => 'postgres', regions => 'US,GB' },
      node2 => { test => $t2, dbname => 'postgres', regions => 'FR,DE' });

  $nodes->run_shapes('SET enable_hashjoin = off;');
  $nodes->check('', [ 'all', 'SELECT id FROM TABLE', 'refused' ]);

The coordinator is a KeyapiTest; so is each node, which may be the same one with another
database.  Nodes are set up as doc/scaling-out.md says.  The table is "trending".  The
coordinator also has the table "everything", which asks the API itself, and "copy" with all
rows of that.  All requests are counted in the scenario "api".

=cut

package KeyapiNodes;

use strict;
use warnings;

use Test::More;

use KeyapiDocuments;

my $COLUMNS = 'region text, period int, order_by text, rank int, id text, title text';
my $SETTINGS = 'plainids;total=5';
my $list = q{period = 7 AND order_by = 'vv'};

# Queries on TABLE.  right: the rows of the local copy; refused: 0A000.
our @SHAPES = (
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

sub new
{
	my ($class, $coordinator, %nodes) = @_;
	my $self = bless { coordinator => $coordinator, nodes => \%nodes }, $class;

	foreach my $name ($self->names)
	{
		$self->_make_node($nodes{$name});
	}
	$self->_make_table;
	$self->_make_copy;
	return $self;
}

# Names of the nodes, in order
sub names { my ($self) = @_; return sort keys %{ $self->{nodes} } }

# All regions, in the order of the nodes
sub regions
{
	my ($self) = @_;

	return map { split /,/, $self->{nodes}{$_}{regions} } $self->names;
}

# Run SQL at a node.
sub at
{
	my ($self, $name, $sql) = @_;
	my $node = $self->{nodes}{$name};

	return $node->{test}->sql($sql, dbname => $node->{dbname});
}

# Run SQL at the coordinator for each node, whose name replaces %s.
sub for_each
{
	my ($self, $sql) = @_;

	$self->{coordinator}->sql(join ' ', map { "$sql;" =~ s/%s/$_/gr } $self->names);
	return;
}

# Other settings of the emulator, for all who ask it
sub change
{
	my ($self, $settings) = @_;
	my $url = $self->{coordinator}->url('api', $settings);
	my $alter = "ALTER SERVER keyapi OPTIONS (SET base_url '$url')";

	$self->at($_, $alter) foreach $self->names;
	$self->{coordinator}->sql($alter);
	return;
}

sub _make_server
{
	my ($self, $sql, $node) = @_;
	my $url = $node->{test}->url('api', $SETTINGS);

	$node->{test}->sql(<<"END", dbname => $node->{dbname});
CREATE SERVER keyapi FOREIGN DATA WRAPPER keyapi_fdw OPTIONS (base_url '$url', cache_ttl '0');
CREATE USER MAPPING FOR PUBLIC SERVER keyapi OPTIONS (api_key 'sk_live_test');
$sql
END
	return;
}

# A node, as the recipe makes the first one
sub _make_node
{
	my ($self, $node) = @_;
	my ($recipe) = map { $_->{text} } grep { $_->{mark} eq 'sql (on node 1)' }
	  KeyapiDocuments->new('doc/scaling-out.md')->blocks;

	$recipe =~ s/regions 'US,GB'/regions '$node->{regions}'/ or die 'the recipe has no regions';
	$self->_make_server($recipe, $node);
	return;
}

# The partitioned table
sub _make_table
{
	my ($self) = @_;

	$self->{coordinator}->sql("CREATE EXTENSION postgres_fdw; CREATE TABLE trending ($COLUMNS) PARTITION BY LIST (region)");
	foreach my $name ($self->names)
	{
		my $node = $self->{nodes}{$name};
		my ($host, $port) = ($node->{test}->node->host, $node->{test}->node->port);
		my $values = join ', ', map { "'$_'" } split /,/, $node->{regions};

		$self->{coordinator}->sql(<<"END");
CREATE SERVER $name FOREIGN DATA WRAPPER postgres_fdw
  OPTIONS (host '$host', port '$port', dbname '$node->{dbname}', async_capable 'true');
CREATE USER MAPPING FOR CURRENT_USER SERVER $name;
CREATE FOREIGN TABLE trending_$name PARTITION OF trending FOR VALUES IN ($values)
  SERVER $name OPTIONS (table_name 'tiktok_trending');
END
	}
	return;
}

# What the table should hold, and what the shapes join it with
sub _make_copy
{
	my ($self) = @_;
	my $regions = join ',', $self->regions;
	my $everything = "CREATE FOREIGN TABLE everything ($COLUMNS) SERVER keyapi"
	  . " OPTIONS (regions '$regions', period 'all', order_by 'all');";

	$self->_make_server($everything, { test => $self->{coordinator}, dbname => 'postgres' });
	$self->{coordinator}->sql(<<'END');
CREATE FUNCTION same(text) RETURNS text IMMUTABLE LANGUAGE plpgsql AS 'BEGIN RETURN $1; END';
CREATE FUNCTION same(int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS 'BEGIN RETURN $1; END';
SET keyapi_fdw.max_credits = -1;
CREATE TABLE copy AS SELECT * FROM everything;
CREATE TABLE codes (code text NOT NULL, name text, days int);
INSERT INTO codes VALUES ('US', 'United States', 7), ('FR', 'France', 7), ('ZZ', 'Nowhere', 30);
CREATE TABLE ids AS SELECT id FROM copy WHERE rank = 3;
ANALYZE copy, codes, ids;
END
	return;
}

# Rows of the local copy, sorted
sub rows_of_copy
{
	my ($self, $settings, $query) = @_;

	return join "\n", sort split /\n/, $self->{coordinator}->sql($settings . $query =~ s/\bTABLE\b/copy/gr);
}

# Rows, sorted, or the SQLSTATE
sub outcome
{
	my ($self, $settings, $query) = @_;
	my $result = $self->{coordinator}->run($settings . $query =~ s/\bTABLE\b/trending/gr);

	return $1 if $result->{stderr} =~ /^ERROR: +(\w{5}):/m;
	return join "\n", sort split /\n/, $result->{rows};
}

# Test that a shape has the outcome that it must have.
sub check
{
	my ($self, $settings, $shape) = @_;
	my ($name, $query, $must) = @$shape;
	my $got = $self->outcome($settings, $query);
	my $test = $settings eq '' ? $name : "$name; $settings";

	local $Test::Builder::Level = $Test::Builder::Level + 1;
	return is($got, '0A000', "$test: refused") if $must eq 'refused' || ($must eq 'any' && $got eq '0A000');
	return is($got, $self->rows_of_copy($settings, $query), "$test: right");
}

sub run_shapes
{
	my ($self, $settings) = @_;

	$self->check($settings, $_) foreach @SHAPES;
	return;
}

1;


=pod

=head1 NAME

KeyapiQueries - random queries over foreign tables, with what they mean

=head1 SYNOPSIS

  my $query = KeyapiQueries::random_query();
  $query->{foreign}      # SQL on the foreign tables
  $query->{prepared}     # ditto with $1 ...; $query->{types}, {values}
  $query->{local}        # SQL on local copies of all lists
  $query->{sorted_by}    # number of leading columns that the rows are sorted by
  $query->{conflict}     # the rule leaves no answer but the error

What the rows of a foreign table are depends on which parameters the query
restricts.  The generator knows how it built the query, and computes that by
itself (it is the rule once more, written for another world): in the query on
local copies each parameter that is not restricted is set to its default.

Every reference to a foreign table is a hash in @refs; a column that shows one of
its parameters is a "shown" list of [reference, parameter].

=cut

package KeyapiQueries;

use strict;
use warnings;

my @REGIONS = qw(US FR DE XX ZZ);
my @PARAMS  = qw(region period order_by);
my %DOMAIN  = (
	period   => [ "'7'", "'30'" ],
	order_by => [ map { "'$_'" } qw(vv like comment repost) ],
	region   => [ map { "'$_'" } @REGIONS ],
);

# Foreign tables: what an unmentioned parameter means; undef: all.  Tables of
# one kind have columns of the same types.
our %TABLES = (
	t  => { kind => 'plain', default => { region => "'US'", period => "'7'", order_by => "'vv'" } },
	t2 => { kind => 'plain', default => { region => "'US'", period => "'7'", order_by => "'vv'" } },
	tf => { kind => 'plain', default => { region => "'FR'", period => "'30'", order_by => "'vv'" } },
	td => {
		kind => 'plain',
		domain => q{'US','FR','DE'},
		default => { period => "'7'", order_by => "'vv'" }
	},
	ta => { kind => 'plain', default => { region => "'US'", order_by => "'like'" } },
	tv => { kind => 'odd', default => { region => "'US'", period => "'7'", order_by => "'vv'" } },
	cp => {
		kind   => 'plain',
		bounds => 1,
		domain => q{'US','FR','DE','XX'},
		default => { period => "'7'", order_by => "'vv'" }
	},
);

# Local tables: columns that can be compared with region, period, id, rank
my %LOCAL = (
	r => { region => [qw(code alt)], period => ['days'], rank => ['n'] },
	x => { region => ['code'], id => ['id'], rank => ['v'] },
);

my ($counter, @refs, @edges, @values, @types);

# Whether the query has outer joins: a generic plan does not know whether
# "column = \$1 OR \$1 IS NULL" makes one of them an inner join, so the optional
# conditions have literals there.
my $outer_joins;

sub one_of { return $_[ int rand @_ ] }
sub chance { my ($percent) = @_; return rand(100) < $percent }

# ----------------------------------------------------------------------
# Relations in FROM: { alias, sql => sub (mode), shown => { column => [...] },
# columns => { kind => [names] } }
# ----------------------------------------------------------------------

sub foreign_table
{
	my ($name) = @_;
	my $table = $TABLES{$name};
	my $ref = { name => $name, alias => 'f' . ++$counter, mentioned => {} };

	push @refs, $ref;
	$ref->{mentioned}{region} = 1 if $table->{bounds};
	return {
		alias   => $ref->{alias},
		kind    => $table->{kind},
		direct  => !$table->{bounds},
		shown   => { map { $_ => [ [ $ref, $_ ] ] } @PARAMS },
		columns => {
			region => ['region'], period => ['period'], order_by => ['order_by'],
			rank   => ['rank'],   id     => ['id'],
		},
		sql => sub {
			my ($mode) = @_;

			return "$name $ref->{alias}" if $mode ne 'local';
			return '(SELECT * FROM copy_' . $table->{kind} . ' WHERE '
			  . join(' AND ', 'true', defaults($ref)) . ") $ref->{alias}";
		},
	};
}

# Conditions that stand for what the query leaves out
sub defaults
{
	my ($ref) = @_;
	my $table = $TABLES{ $ref->{name} };
	my @conditions;

	push @conditions, "region IN ($table->{domain})" if $table->{domain};
	foreach my $param (@PARAMS)
	{
		my $value = $table->{default}{$param};

		push @conditions, "$param = $value"
		  if defined $value && !$ref->{mentioned}{$param};
	}
	return @conditions;
}

sub local_table
{
	my ($name) = @_;
	my $alias = $name . ++$counter;

	return {
		alias   => $alias,
		kind    => 'local',
		shown   => {},
		columns => $LOCAL{$name},
		sql     => sub { return "$name $alias" },
	};
}

# A subquery over one foreign table, of a form that the planner can or cannot
# look through.
sub derived_table
{
	my ($inside, %options) = @_;
	my $table = foreign_table(one_of(qw(t t t2 td ta tv)));
	my $form  = one_of(qw(simple simple limit distinct union unionall cte cte group));
	my @conditions = random_conditions([$table], one_of(0, 0, 1, 1, 2), $inside + 1);
	my $alias = 's' . ++$counter;
	my $columns = 'region, period, order_by, rank, id';
	my $where = where_clause(@conditions);
	my $result = {
		alias   => $alias,
		kind    => $table->{kind},
		direct  => $form eq 'simple',
		shown   => { map { $_ => $table->{shown}{$_} } @PARAMS },
		columns => $table->{columns},
	};
	my $other;

	mention_where([$table], \@conditions);
	$other = foreign_table('t2') if $form =~ /union/ && chance(50);
	if ($form =~ /union/)
	{
		$table->{kind} eq 'odd' and $form = 'distinct';
		push @{ $result->{shown}{$_} }, @{ $other->{shown}{$_} }
		  foreach $other && $form =~ /union/ ? @PARAMS : ();
	}
	$result->{shown} = { region => $result->{shown}{region} } if $form eq 'group';
	$result->{columns} = { region => ['region'], rank => ['rank'] } if $form eq 'group';

	my $body = sub {
		my ($mode) = @_;
		my $from = 'FROM ' . $table->{sql}->($mode) . $where->($mode);
		my $second = $other ? "SELECT $columns FROM " . $other->{sql}->($mode) :
		  "SELECT code, days, 'vv', n, alt FROM r";

		return "SELECT region, count(*)::int AS rank $from GROUP BY region"
		  if $form eq 'group';
		return "SELECT DISTINCT $columns $from"      if $form eq 'distinct';
		return "SELECT $columns $from UNION $second" if $form eq 'union';
		return "SELECT $columns $from UNION ALL $second" if $form eq 'unionall';
		return "SELECT $columns $from ORDER BY $columns LIMIT 4"
		  if $form eq 'limit';
		return "SELECT $columns $from";
	};
	if ($form eq 'cte' && $options{ctes})
	{
		my $name = 'c' . $counter;

		push @{ $options{ctes} }, sub { return "$name AS MATERIALIZED (" . $body->(@_) . ')' };
		$result->{sql} = sub { return "$name $alias" };
	}
	else
	{
		$result->{direct} = 1 if $form eq 'cte';
		$result->{sql} = sub { return '(' . $body->(@_) . ") $alias" };
	}
	return $result;
}

# ----------------------------------------------------------------------
# Conditions: { sql => sub (mode), shown => [[ref, param], ...],
# strict => { alias => 1 }, edge => [shown, shown] }
# ----------------------------------------------------------------------

sub condition
{
	my ($sql, $shown, @strict) = @_;
	my $text = ref $sql ? $sql : sub { return $sql };

	return {
		sql    => $text,
		shown  => $shown // [],
		strict => { map { $_ => 1 } @strict },
	};
}

# A literal, or now and then a parameter of a prepared statement
sub value
{
	my ($literal, $type) = @_;
	my $number;

	return sub { return $literal }
	  if !chance(25);
	push @values, $literal;
	push @types,  $type;
	$number = @values;
	return sub { return $_[0] eq 'prepared' ? "\$$number" : "$literal" };
}

sub some_values
{
	my ($param) = @_;

	return join ', ', map { one_of(@{ $DOMAIN{$param} }) } 0 .. int rand 3;
}

# On one parameter of one relation
sub param_condition
{
	my ($rel, $inside) = @_;
	my $param  = one_of(grep { $rel->{shown}{$_} } @PARAMS, 'region', 'region');
	my $column = "$rel->{alias}.$param";
	my $shown  = $rel->{shown}{$param};
	my @strict = ($rel->{alias});
	my $odd    = $rel->{kind} eq 'odd' && $param eq 'period';
	my $type   = $param eq 'period' && $rel->{kind} ne 'odd' ? 'int' : 'text';
	my $one    = one_of(@{ $DOMAIN{$param} });
	my $choice = int rand($odd ? 5 : 15);

	if ($choice == 0 || $choice == 5)
	{
		my $value = value($one, $type);

		return condition(sub { return "$column = " . $value->(@_) }, $shown, @strict);
	}
	return condition("$column IN (" . some_values($param) . ')', $shown, @strict)
	  if $choice == 1 || $choice == 6;
	return condition("$column = ANY (ARRAY[" . some_values($param) . "]::${type}[])",
		$shown, @strict)
	  if $choice == 2;
	return condition("$column <> $one", $shown, @strict) if $choice == 3;
	return condition("$column IS NOT NULL", [], @strict) if $choice == 4;
	return condition("$column IS NOT DISTINCT FROM $one", $shown) if $choice == 7;
	return condition("${column}::text = $one",
		$shown, @strict)
	  if $choice == 8;
	return condition("$column = ANY (ARRAY(SELECT "
		  . ($param eq 'region' ? 'code' : $param eq 'period' ? 'days' : "'like'")
		  . ' FROM r WHERE active))', $shown, @strict)
	  if $choice == 9;
	return condition("$column = (SELECT max("
		  . ($param eq 'region' ? 'code' : $param eq 'period' ? 'days' : "'like'")
		  . ') FROM r)', $shown, @strict)
	  if $choice == 10;
	return optional_condition($column, $shown, $one, $type) if $choice <= 12;
	return condition("$column LIKE $one", $shown, @strict)
	  if $choice == 13 && $type eq 'text';
	return condition("upper(${column}::text) = 'FR'", $shown, @strict);
}

# "column = $1 OR $1 IS NULL", what applications write for optional filters.
sub optional_condition
{
	my ($column, $shown, $one, $type) = @_;
	my $literal = chance(50) ? 'NULL' : $one;
	my $value = $outer_joins ? sub { return "$literal\::$type" } :
	  value("$literal\::$type", $type);
	my $result = condition(
		sub { my $v = $value->(@_); return "($column = $v OR $v IS NULL)" },
		$literal eq 'NULL' ? () : ($shown, $column =~ /^(\w+)/));

	$result->{true} = $literal eq 'NULL';
	return $result;
}

# On rank or id, perhaps together with a parameter
sub data_condition
{
	my ($rel) = @_;
	my $alias = $rel->{alias};
	my ($rank) = @{ $rel->{columns}{rank} // [] };
	my ($id) = @{ $rel->{columns}{id} // [] };

	return condition('true') if !$rank;
	return condition("$alias.$id LIKE '%2'", [], $alias) if $id && chance(20);
	return condition("$alias.$id IN ('US7vv1', 'FR7vv2', 'US30like1')", [], $alias)
	  if $id && chance(20);
	return condition("($alias.region, $alias.period) IN (('US', 7), ('FR', 30))",
		[ map { @{ $rel->{shown}{$_} } } qw(region period) ], $alias)
	  if $rel->{shown}{period} && $rel->{kind} eq 'plain' && chance(25);
	return condition("$alias.$rank " . one_of('<= 2', '= 2', 'IN (1, 3)', '> 1', '< 1',
			'BETWEEN 2 AND 3', '% 2 = 1', '<> 1'), [], $alias);
}

# Between two relations
sub join_condition
{
	my ($left, $right) = @_;
	my @kinds = grep { $left->{columns}{$_} && $right->{columns}{$_} }
	  qw(region region region period rank id order_by);
	my $kind = one_of(@kinds);
	my $operator = chance(88) ? '=' : one_of('<>', '<', 'IS NOT DISTINCT FROM');
	my ($lc, $rc, $condition, @shown);

	return condition("$left->{alias}.tableoid IS NOT NULL", []) if !$kind;
	$lc = one_of(@{ $left->{columns}{$kind} });
	$rc = one_of(@{ $right->{columns}{$kind} });
	@shown = map { @{ $_->{shown}{$kind} // [] } } $left, $right;
	$condition = condition(
		"$left->{alias}.$lc"
		  . (compare_as($left, $right, $kind)) . " $operator $right->{alias}.$rc"
		  . (compare_as($left, $right, $kind)),
		\@shown,
		$operator =~ /IS/ ? () : ($left->{alias}, $right->{alias}));
	$condition->{edge} = [ $left->{shown}{$kind}[0], $right->{shown}{$kind}[0] ]
	  if $operator eq '='
	  && $left->{direct} && $right->{direct}
	  && $left->{shown}{$kind} && $right->{shown}{$kind}
	  && compare_as($left, $right, $kind) eq '';
	return $condition;
}

# Columns of the odd table have other types.
sub compare_as
{
	my ($left, $right, $kind) = @_;

	return '' if $kind ne 'period' || ($left->{kind} eq 'odd') == ($right->{kind} eq 'odd');
	return '::text';
}

# EXISTS, IN and their negations, over local and foreign tables
sub sublink_condition
{
	my ($rel, $inside) = @_;
	my $other = chance(50) ? local_table('r') : foreign_table(one_of(qw(t td ta)));
	my @conditions = random_conditions([$other], one_of(0, 0, 1), $inside + 1);
	my $column = one_of(@{ $rel->{columns}{region} });
	my $outer = "$rel->{alias}.$column";
	my $inner = "$other->{alias}." . one_of(@{ $other->{columns}{region} });
	my $outer_shown = $rel->{shown}{region} // [];
	my $inner_shown = $other->{shown}{region} // [];
	my $form = one_of('IN', 'IN', 'EXISTS', 'EXISTS', 'NOT IN', 'NOT EXISTS');
	my $result;

	if ($form =~ /EXISTS/)
	{
		my $correlation = condition("$inner = $outer", $inner_shown);

		push @conditions, $correlation;
		mention_where([$other], \@conditions);
		$result = condition(
			sub {
				my ($mode) = @_;
				return "$form (SELECT 1 FROM " . $other->{sql}->($mode)
				  . where_clause(@conditions)->($mode) . ')';
			},
			$form eq 'EXISTS' ? ($outer_shown, $rel->{alias}) : []);
		if (@$inner_shown && @$outer_shown && $form eq 'EXISTS' && $rel->{direct})
		{
			# pulled up, it is an equality of two parameters
			pop @conditions;
			delete_mentions($inner_shown) if !mentions(\@conditions, 'region');
			push @conditions, $correlation;
			$result->{edge} = [ $outer_shown->[0], $inner_shown->[0] ];
		}
	}
	else
	{
		mention_where([$other], \@conditions);
		$result = condition(
			sub {
				my ($mode) = @_;
				return "$outer $form (SELECT $inner FROM " . $other->{sql}->($mode)
				  . where_clause(@conditions)->($mode) . ')';
			},
			[ @$outer_shown, @$inner_shown ],
			$form eq 'IN' ? $rel->{alias} : ());
		$result->{edge} = [ $outer_shown->[0], $inner_shown->[0] ]
		  if @$inner_shown && @$outer_shown && $form eq 'IN' && $rel->{direct};
	}
	$result->{sublink} = 1;
	return $result;
}

sub mentions
{
	my ($conditions, $param) = @_;

	return grep { $_->[1] eq $param } map { @{ $_->{shown} } } grep { !$_->{edge} } @$conditions;
}

sub delete_mentions
{
	my ($shown) = @_;

	delete $_->[0]{mentioned}{ $_->[1] } foreach @$shown;
	return;
}

sub any_condition
{
	my ($rels, $inside) = @_;
	my $rel = one_of(@$rels);
	my $dice = rand 100;

	return sublink_condition($rel, $inside)
	  if $dice < 10 && $inside < 2 && $rel->{columns}{region} && !$rel->{no_sublink};
	return data_condition($rel) if $dice < 35 || !%{ $rel->{shown} };
	return param_condition($rel, $inside);
}

# AND at the top, OR below now and then
sub random_conditions
{
	my ($rels, $n, $inside) = @_;
	my @result;

	foreach (1 .. $n)
	{
		my $condition = any_condition($rels, $inside);

		if (chance(15))
		{
			my @arms = ($condition, any_condition($rels, $inside));
			my %strict;

			harden($_) foreach @arms;
			%strict = map { $_ => 1 }
			  grep { $arms[0]{strict}{$_} && $arms[1]{strict}{$_} }
			  keys %{ $arms[0]{strict} };
			$condition = condition(
				sub { my ($mode) = @_; return '(' . join(' OR ', map { $_->{sql}->($mode) } @arms) . ')' },
				[ map { @{ $_->{shown} } } @arms ],
				keys %strict);
			# what is true as a whole restricts nothing
			if ($arms[0]{true} || $arms[1]{true})
			{
				$condition->{shown} = [];
				$condition->{true}  = 1;
			}
		}
		push @result, $condition;
	}
	return @result;
}

# Under OR, an equality of two parameters restricts both, and a sublink is no
# join.
sub harden
{
	my ($condition) = @_;
	my $edge = delete $condition->{edge};

	$condition->{strict} = {} if $condition->{sublink};
	push @{ $condition->{shown} }, @$edge if $edge;
	return;
}

sub where_clause
{
	my (@conditions) = @_;

	return sub {
		my ($mode) = @_;
		return '' if !@conditions;
		return ' WHERE ' . join(' AND ', map { $_->{sql}->($mode) } @conditions);
	};
}

# ----------------------------------------------------------------------
# What is mentioned
# ----------------------------------------------------------------------

# The conditions restrict the parameters that show in these relations.
sub mention
{
	my ($condition, $only) = @_;
	my $edge = $condition->{edge};

	if ($edge && (!$only || $condition->{sublink}))
	{
		push @edges, $edge;
		return;
	}
	foreach my $shown (@{ $condition->{shown} })
	{
		$shown->[0]{mentioned}{ $shown->[1] } = 1
		  if !$only || $only->{ "$shown->[0]" };
	}
	return;
}

sub mention_where
{
	my ($rels, $conditions) = @_;

	mention($_) foreach @$conditions;
	return;
}

sub rels_below
{
	my ($node) = @_;

	return $node->{rel} ? ($node->{rel}) : (rels_below($node->{left}), rels_below($node->{right}));
}

# References that show in the relations below a node
sub refs_below
{
	my ($node) = @_;

	return { map { ("$_->[0]" => 1) } map { @$_ } map { values %{ $_->{shown} } } rels_below($node) };
}

sub overlaps
{
	my ($node, $nonnull) = @_;

	return grep { $nonnull->{ $_->{alias} } } rels_below($node);
}

# Conditions of joins, as far as they filter; outer joins count as what they are
# once conditions above have ruled out the rows that they add.
sub mention_joins
{
	my ($node, $nonnull) = @_;
	my ($type, %strict);

	return if $node->{rel};
	$type = $node->{type};
	$type = overlaps($node->{left}, $nonnull) ? 'LEFT' : $type
	  if $type eq 'FULL' && overlaps($node->{left}, $nonnull);
	if ($node->{type} eq 'FULL')
	{
		my $left  = overlaps($node->{left},  $nonnull);
		my $right = overlaps($node->{right}, $nonnull);

		$type = $left && $right ? 'INNER' : $left ? 'LEFT' : $right ? 'RIGHT' : 'FULL';
	}
	$type = 'INNER' if $type eq 'LEFT'  && overlaps($node->{right}, $nonnull);
	$type = 'INNER' if $type eq 'RIGHT' && overlaps($node->{left},  $nonnull);

	%strict = (%$nonnull, map { %{ $_->{strict} } } @{ $node->{on} });
	if ($type eq 'INNER')
	{
		mention($_) foreach @{ $node->{on} };
		mention_joins($node->{left},  \%strict);
		mention_joins($node->{right}, \%strict);
	}
	elsif ($type eq 'LEFT')
	{
		mention($_, refs_below($node->{right})) foreach @{ $node->{on} };
		mention_joins($node->{left},  $nonnull);
		mention_joins($node->{right}, \%strict);
	}
	elsif ($type eq 'RIGHT')
	{
		mention($_, refs_below($node->{left})) foreach @{ $node->{on} };
		mention_joins($node->{left},  \%strict);
		mention_joins($node->{right}, $nonnull);
	}
	else
	{
		mention_joins($node->{left},  {});
		mention_joins($node->{right}, {});
	}
	return;
}

# Parameters that are only compared with each other keep their defaults, which
# must be the same; if one is restricted, all are.  True if they are not the same.
sub close_edges
{
	my $changed = 1;

	while ($changed)
	{
		$changed = 0;
		foreach my $edge (@edges)
		{
			my ($p, $q) = map { \$_->[0]{mentioned}{ $_->[1] } } @$edge;

			next if !$$p == !$$q;
			$$p = $$q = 1;
			$changed = 1;
		}
	}
	foreach my $edge (@edges)
	{
		my ($p, $q) = map { $TABLES{ $_->[0]{name} }{default}{ $_->[1] }
			  // $TABLES{ $_->[0]{name} }{domain} // 'all' } @$edge;

		return 1 if !$edge->[0][0]{mentioned}{ $edge->[0][1] } && $p ne $q;
	}
	return 0;
}

# ----------------------------------------------------------------------
# Queries
# ----------------------------------------------------------------------

sub random_relation
{
	my ($ctes) = @_;
	my $dice = rand 100;

	return foreign_table(one_of(qw(t t t t2 td ta tf tv cp))) if $dice < 50;
	return local_table(one_of(qw(r r x))) if $dice < 80;
	return derived_table(0, ctes => $ctes);
}

# A subquery that is evaluated for each row of another relation
sub lateral_table
{
	my ($left) = @_;
	my $table = foreign_table(one_of(qw(t t td ta)));
	my @conditions = random_conditions([$table], one_of(0, 0, 1), 2);
	my $alias = 's' . ++$counter;
	my $columns = 'region, period, order_by, rank, id';

	push @conditions, condition(
		"$table->{alias}.region = $left->{alias}." . one_of(@{ $left->{columns}{region} }),
		$table->{shown}{region});
	mention_where([$table], \@conditions);
	return {
		alias   => $alias,
		kind    => $table->{kind},
		direct  => 0,
		shown   => { map { $_ => $table->{shown}{$_} } @PARAMS },
		columns => $table->{columns},
		sql     => sub {
			my ($mode) = @_;
			return "LATERAL (SELECT $columns FROM " . $table->{sql}->($mode)
			  . where_clause(@conditions)->($mode) . " ORDER BY $columns LIMIT 2) $alias";
		},
	};
}

sub random_from
{
	my ($n, $ctes) = @_;
	my $node = { rel => random_relation($ctes) };

	foreach (2 .. $n)
	{
		my $lateral = chance(8);
		my $right = { rel => $lateral ? lateral_table(one_of(rels_below($node))) :
			  random_relation($ctes) };
		my $type = one_of(qw(INNER INNER INNER INNER LEFT LEFT RIGHT FULL));

		$type = one_of('INNER', 'LEFT') if $lateral;
		my @on = (join_condition(one_of(rels_below($node)), $right->{rel}));

		push @on, join_condition(one_of(rels_below($node)), $right->{rel}) if chance(20);
		push @on, random_conditions([ rels_below($node), $right->{rel} ], 1, 2)
		  if chance(15);
		$outer_joins = 1 if $type ne 'INNER';
		# only equalities can be the condition of a full join
		$type = 'LEFT' if $type eq 'FULL' && ($on[0]{sql}->('local') !~ /^\S+ = \S+$/ || @on > 1);
		($node, $right) = ($right, $node) if chance(20) && !$lateral;
		$node = { type => $type, left => $node, right => $right, on => \@on };
	}
	return $node;
}

sub from_sql
{
	my ($node, $mode) = @_;

	return $node->{rel}{sql}->($mode) if $node->{rel};
	return '(' . from_sql($node->{left}, $mode)
	  . " $node->{type} JOIN " . from_sql($node->{right}, $mode)
	  . ' ON ' . join(' AND ', map { $_->{sql}->($mode) } @{ $node->{on} }) . ')';
}

# What is selected: { select => sub, tail => sub, sorted_by => N }
sub random_output
{
	my (@rels) = @_;
	my $rel = one_of(grep { %{ $_->{shown} } } @rels);
	my @columns = map {
		my $alias = $_->{alias};
		map { "$alias.$_" } map { @$_ } @{ $_->{columns} }{ sort keys %{ $_->{columns} } }
	} @rels;
	my $dice = rand 100;

	return { list => 'count(*), count(' . one_of(@columns) . ')', tail => '' }
	  if $dice < 25 || !$rel;
	return group_output($rel) if $dice < 35;
	if ($dice < 60)
	{
		my ($alias, $shown) = @$rel{qw(alias shown)};
		my @key = one_of(
			["$alias.rank"],
			[ "$alias.region", "$alias.rank" ],
			[ "$alias.rank", "$alias.region" ],
			["$alias.region"],
			$shown->{period} ? [ map { "$alias.$_" } qw(period region order_by rank) ] : [],
			["$alias.region DESC"]);
		my @keys = map { @$_ } grep { @$_ } \@{ $key[0] };
		my @rest = @columns;

		@keys = ("$alias.rank") if !@keys;
		return {
			list      => join(', ', map { s/ DESC//r } @keys) . ', ' . join(', ', @rest),
			tail      => ' ORDER BY ' . join(', ', @keys, chance(40) ? (@columns, 'LIMIT') : ()),
			sorted_by => scalar @keys,
		};
	}
	return { list => join(', ', @columns), tail => '' };
}

sub group_output
{
	my ($rel) = @_;
	my $region = "$rel->{alias}.region";

	return { list => "$region, count(*)", tail => " GROUP BY $region" }
	  if chance(50);
	return {
		list => "$region, count(*)",
		tail => " GROUP BY $region HAVING $region = 'FR' OR count(*) > 2",
		mentions => $rel->{shown}{region},
	};
}

# A subquery in the select list
sub select_sublink
{
	my ($rel) = @_;
	my $table = foreign_table(one_of(qw(t t2 td ta)));
	my @conditions = random_conditions([$table], one_of(0, 0, 1), 2);
	my $outer = "$rel->{alias}." . one_of(@{ $rel->{columns}{region} });
	my $inner = "$table->{alias}.region";
	my $compared = chance(40);

	push @conditions, condition("$inner = $outer", $table->{shown}{region})
	  if !$compared;
	mention_where([$table], \@conditions);
	$table->{shown}{region}[0][0]{mentioned}{region} = 1 if $compared;
	return sub {
		my ($mode) = @_;
		my $from = 'FROM ' . $table->{sql}->($mode) . where_clause(@conditions)->($mode);

		return $compared ? "$outer IN (SELECT $inner $from)" :
		  "(SELECT max($table->{alias}.id) $from)";
	};
}

# SELECT without ORDER BY: { sql => sub (mode), sorted_by, relations, plain }.
# With common_columns, the columns are those that all blocks can have.
sub random_block
{
	my ($n, $common_columns) = @_;
	my (@ctes, $from, @rels, @where, $output, $extra);

	$from  = random_from($n, \@ctes);
	@rels  = rels_below($from);
	@where = random_conditions(\@rels, one_of(0, 1, 1, 2, 3), 0);
	$output = random_output(@rels);
	if ($common_columns)
	{
		my $rel = one_of(@rels);

		$output = {
			list => "$rel->{alias}." . one_of(@{ $rel->{columns}{region} })
			  . "::text AS region, $rel->{alias}." . one_of(@{ $rel->{columns}{rank} })
			  . '::int AS rank',
			tail => '',
		};
	}
	elsif ($output->{tail} eq '' && $output->{list} !~ /count/ && chance(20))
	{
		$extra = select_sublink(one_of(@rels));
	}

	mention($_) foreach @where;
	mention_joins($from, { map { %{ $_->{strict} } } @where });
	$_->[0]{mentioned}{ $_->[1] } = 1 foreach @{ $output->{mentions} // [] };

	# LIMIT needs a total order, which all columns are
	$output->{tail} =~ s/, LIMIT$/ LIMIT 3/;
	return {
		relations => scalar @rels,
		plain     => !(@ctes || grep { $_->{alias} =~ /^s/ } @rels),
		sorted_by => $output->{sorted_by} // 0,
		sql       => sub {
			my ($mode) = @_;

			return (@ctes ? 'WITH ' . join(', ', map { $_->($mode) } @ctes) . ' ' : '')
			  . "SELECT $output->{list}" . ($extra ? ', ' . $extra->($mode) : '')
			  . ' FROM ' . from_sql($from, $mode)
			  . where_clause(@where)->($mode) . $output->{tail};
		},
	};
}

sub random_query
{
	my ($block, $other, $operator, %query);

	($counter, @refs, @edges, @values, @types) = (0);
	$outer_joins = 0;
	if (chance(7))
	{
		($block, $other) = map { random_block(one_of(1, 1, 2), 1) } 1 .. 2;
		$operator = one_of('UNION', 'UNION ALL', 'INTERSECT', 'EXCEPT');
	}
	else
	{
		$block = random_block(one_of(1, 1, 2, 2, 2, 3, 3, 4));
	}
	%query = map { ($_ => $block->{$_}) } qw(sorted_by relations plain);
	$query{plain} = 0 if $other;
	$query{conflict} = close_edges();
	foreach my $mode (qw(foreign prepared local))
	{
		$query{$mode} = $block->{sql}->($mode);
		$query{$mode} = "($query{$mode}) $operator (" . $other->{sql}->($mode) . ')'
		  if $other;
	}
	@query{qw(values types)} = ([@values], [@types]);
	return \%query;
}

1;

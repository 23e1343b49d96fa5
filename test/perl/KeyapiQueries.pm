
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
  $query->{plain}        # all its conditions name values or join columns

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

use KeyapiQueries::Conditions;
use KeyapiQueries::Mentions;
use KeyapiQueries::Readers;

our @REGIONS = qw(US FR DE XX ZZ);
our @PARAMS  = qw(region period order_by);
our %DOMAIN  = (
	period   => [ "'7'", "'30'" ],
	order_by => [ map { "'$_'" } qw(vv like comment repost) ],
	region   => [ map { "'$_'" } @REGIONS ],
);

# Foreign tables: what an unmentioned parameter means; undef: all.  Tables of
# one kind have columns of the same types, and one local copy unless they say
# which.  th is a view of the table of hashtags, under the names of columns of videos.
our %TABLES = (
	t  => { kind => 'plain', default => { region => "'US'", period => "'7'", order_by => "'vv'" } },
	t2 => { kind => 'plain', default => { region => "'US'", period => "'7'", order_by => "'vv'" } },
	tn => { kind => 'plain', not_null => 1, default => { region => "'US'", period => "'7'", order_by => "'vv'" } },
	tf => { kind => 'plain', default => { region => "'FR'", period => "'30'", order_by => "'vv'" } },
	td => {
		kind => 'plain',
		domain => q{'US','FR','DE'},
		default => { period => "'7'", order_by => "'vv'" }
	},
	ta => { kind => 'plain', default => { region => "'US'", order_by => "'like'" } },
	th => {
		kind => 'plain',
		copy => 'copy_tags',
		default => { region => "'US'", period => "'7'", order_by => "'vv'" }
	},
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
	e => { region => ['code'], id => ['id'], rank => ['n'] },
);

our ($counter, @refs, @edges, @values, @types);

# Whether the query has outer joins: a generic plan does not know whether
# "column = \$1 OR \$1 IS NULL" makes one of them an inner join, so the optional
# conditions have literals there.
our $outer_joins;

# Whether the planner knows that NULL IN (SELECT ...) is not true: from
# PostgreSQL 16 on
our $strict_in = 0;

# Whether it has a condition that may leave a region unbound
our $unusable;

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
		not_null => $table->{not_null},
		shown   => { map { $_ => [ [ $ref, $_ ] ] } @PARAMS },
		columns => {
			region => ['region'], period => ['period'], order_by => ['order_by'],
			rank   => ['rank'],   id     => ['id'],
		},
		sql => sub {
			my ($mode) = @_;

			return "$name $ref->{alias}" if $mode ne 'local';
			return '(SELECT * FROM ' . ($table->{copy} // "copy_$table->{kind}") . ' WHERE '
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
	my $form  = one_of(qw(simple simple limit distinct union unionall cte cte cte cte group));
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

		push @{ $options{ctes} },
		  { name => $name, sql => sub { return "$name AS MATERIALIZED (" . $body->(@_) . ')' } };
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
# Queries
# ----------------------------------------------------------------------

sub random_relation
{
	my ($ctes) = @_;
	my $dice = rand 100;

	return foreign_table(one_of(qw(t t t t2 td ta tf tv tn cp))) if $dice < 50;
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

# A LEFT JOIN that keeps only what has no match: (the join, the condition that
# says so).  Its other side is a relation of its own.
sub anti_join
{
	my ($node, $ctes) = @_;
	my @left  = grep { $_->{columns}{region} } rels_below($node);
	my $right = chance(60) ? local_table(one_of(qw(r x e e))) : random_relation($ctes);
	my $column = one_of(@{ $right->{columns}{region} });
	my $left  = one_of(@left);
	my @on = condition(
		"$left->{alias}." . one_of(@{ $left->{columns}{region} }) . " = $right->{alias}.$column",
		[ map { @{ $_->{shown}{region} // [] } } $left, $right ],
		$left->{alias}, $right->{alias});

	push @on, join_condition(one_of(rels_below($node)), $right) if chance(50);
	push @on, random_conditions([ rels_below($node), $right ], 1, 2) if chance(20);
	$outer_joins = $unusable = 1;
	return (
		{ type => 'LEFT', anti => 1, left => $node, right => { rel => $right }, on => \@on },
		condition("$right->{alias}.$column IS NULL", $right->{shown}{region}));
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
	$unusable = 1;
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

	$unusable = 1 if $compared;
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

# Whether a column can be added to what is selected
sub takes_column
{
	my ($output) = @_;

	return $output->{tail} eq '' && $output->{list} !~ /count/;
}

# SELECT without ORDER BY: { sql => sub (mode), sorted_by, relations, plain }.
# With common_columns, the columns are those that all blocks can have.
sub random_block
{
	my ($n, $common_columns) = @_;
	my (@ctes, $from, @rels, @where, @no_match, $output, $extra, $more);

	$from = random_from($n, \@ctes);
	($from, @no_match) = anti_join($from, \@ctes) if chance(12);
	@rels = rels_below($from);
	@where = (random_conditions(\@rels, one_of(0, 1, 1, 2, 3), 0), @no_match);
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
		$more = reader_rows($ctes[0]{name}) if @ctes;
	}
	elsif (takes_column($output) && chance(20))
	{
		$extra = select_sublink(one_of(@rels));
	}
	if (@ctes && chance(75))
	{
		my @reader = (one_of(@ctes)->{name}, one_of(@rels));

		if (takes_column($output) && !$extra && !$more && chance(50))
		{
			$extra = reader_column(@reader);
		}
		else
		{
			push @where, reader_condition(@reader);
		}
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

			return (@ctes ? 'WITH ' . join(', ', map { $_->{sql}->($mode) } @ctes) . ' ' : '')
			  . "SELECT $output->{list}" . ($extra ? ', ' . $extra->($mode) : '')
			  . ' FROM ' . from_sql($from, $mode)
			  . where_clause(@where)->($mode) . $output->{tail}
			  . ($more ? " UNION ALL $more" : '');
		},
	};
}

# Count some of the rows, so that the query may stop at any of them: under a LIMIT, or in
# a loop, which asks for ten rows first.
sub stop_early
{
	my ($query) = @_;
	my ($before, $after) =
	  @types || $query->{conflict} || chance(60) ?
	  ('SELECT count(*) FROM (', one_of(' LIMIT 1', ' LIMIT 3', ' OFFSET 2 LIMIT 1', ' LIMIT 20') . ') x') :
	  ('SELECT leave_at($loop$', '$loop$, ' . one_of(1, 3, 11, 20) . ')');

	return if $query->{local} =~ /LIMIT \d+$/;
	$query->{sorted_by} = 0;
	$query->{$_} = "$before$query->{$_}$after" foreach qw(foreign prepared local);
	return;
}

sub random_query
{
	my ($block, $other, $operator, %query);

	($counter, @refs, @edges, @values, @types) = (0);
	$outer_joins = $unusable = 0;
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
	$query{conflict} = close_edges();
	$query{plain} = 0 if $other || $unusable || $query{conflict};
	foreach my $mode (qw(foreign prepared local))
	{
		$query{$mode} = $block->{sql}->($mode);
		$query{$mode} = "($query{$mode}) $operator (" . $other->{sql}->($mode) . ')'
		  if $other;
	}
	stop_early(\%query) if chance(15);
	@query{qw(values types)} = ([@values], [@types]);
	return \%query;
}

1;

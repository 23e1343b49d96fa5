# Part of KeyapiQueries: random conditions.
#
# Each is { sql => sub (mode), shown => [[ref, param], ...],
# strict => { alias => 1 }, edge => [shown, shown] }
package KeyapiQueries;

use strict;
use warnings;

our (@PARAMS, %DOMAIN, @values, @types, $outer_joins, $unusable, $strict_in);

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
	$unusable = 1 if $choice == 3 || $choice == 14;
	return condition("$column <> $one", $shown, @strict) if $choice == 3;
	return not_null($rel, $column) if $choice == 4;
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

# True of all rows if the column is declared so
sub not_null
{
	my ($rel, $column) = @_;
	my $result = condition("$column IS NOT NULL", [], $rel->{alias});

	$result->{not_null} = $rel->{alias} if $rel->{not_null};
	return $result;
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
	$unusable = 1 if $operator =~ /[<>]/ && $kind eq 'region';
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

# EXISTS, IN and their negations, over local and foreign tables.  The negations
# leave out lists if they compare the region alone, and rows if they compare data.
sub sublink_condition
{
	my ($rel, $inside) = @_;
	my $other = chance(50) ? local_table(one_of(qw(r e))) : foreign_table(one_of(qw(t td ta tn)));
	my @conditions = random_conditions([$other], one_of(0, 0, 1), $inside + 1);
	my $outer = "$rel->{alias}." . one_of(@{ $rel->{columns}{region} });
	my $inner = "$other->{alias}." . one_of(@{ $other->{columns}{region} });
	my ($outer_data, $inner_data) = chance(30) ? data_columns($rel, $other) : ();
	my $form = one_of('IN', 'IN', 'EXISTS', 'EXISTS', 'NOT IN', 'NOT IN', 'NOT EXISTS', 'NOT EXISTS');
	my $result;

	$unusable = 1 if $form =~ /NOT/;
	$result = $form =~ /EXISTS/ ?
	  exists_condition($form, $rel, $other, $outer, $inner, \@conditions,
		$outer_data && "$inner_data = $outer_data") :
	  in_condition($form, $rel, $other,
		$outer_data ? ("($outer, $outer_data)", "$inner, $inner_data") : ($outer, $inner),
		\@conditions);
	if ($outer_data && $form =~ /NOT/)
	{
		my %own = map { ("@$_" => 1) } @{ $rel->{shown}{region} // [] };

		$result->{shown} = [ grep { !$own{"@$_"} } @{ $result->{shown} } ];
	}
	$result->{sublink} = $form;
	return $result;
}

# Columns of two relations that can be compared and are no parameters
sub data_columns
{
	my (@rels) = @_;
	my ($kind) = grep { $rels[0]{columns}{$_} && $rels[1]{columns}{$_} } qw(id rank);

	return $kind ? map { "$_->{alias}.$_->{columns}{$kind}[0]" } @rels : ();
}

sub exists_condition
{
	my ($form, $rel, $other, $outer, $inner, $conditions, $comparison) = @_;
	my $outer_shown = $rel->{shown}{region} // [];
	my $inner_shown = $other->{shown}{region} // [];
	my $correlation = condition("$inner = $outer", $inner_shown);
	my @all = (@$conditions, $correlation, $comparison ? condition($comparison) : ());
	my $result = condition(
		sub {
			my ($mode) = @_;
			return "$form (SELECT 1 FROM " . $other->{sql}->($mode)
			  . where_clause(@all)->($mode) . ')';
		},
		$outer_shown, $form eq 'EXISTS' ? $rel->{alias} : ());

	mention_where([$other], \@all);
	if (@$inner_shown && @$outer_shown && $form eq 'EXISTS' && $rel->{direct})
	{
		# pulled up, it is an equality of two parameters
		delete_mentions($inner_shown) if !mentions($conditions, 'region');
		$result->{edge} = [ $outer_shown->[0], $inner_shown->[0] ];
	}
	return $result;
}

sub in_condition
{
	my ($form, $rel, $other, $outer, $inner, $conditions) = @_;
	my $outer_shown = $rel->{shown}{region} // [];
	my $inner_shown = $other->{shown}{region} // [];
	my $result = condition(
		sub {
			my ($mode) = @_;
			return "$outer $form (SELECT $inner FROM " . $other->{sql}->($mode)
			  . where_clause(@$conditions)->($mode) . ')';
		},
		[ @$outer_shown, @$inner_shown ],
		$form eq 'IN' ? $rel->{alias} : ());

	mention_where([$other], $conditions);
	$result->{edge} = [ $outer_shown->[0], $inner_shown->[0] ]
	  if @$inner_shown && @$outer_shown && $form eq 'IN' && $rel->{direct};
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

		my $other = chance(15) ? any_condition($rels, $inside) : undef;

		if ($other && is_same_everywhere($condition, $other))
		{
			my @arms = ($condition, $other);
			my %strict;

			$unusable = 1;
			harden($_) foreach @arms;
			%strict = map { $_ => 1 }
			  grep { $arms[0]{strict}{$_} && $arms[1]{strict}{$_} }
			  keys %{ $arms[0]{strict} };
			$condition = condition(
				sub { my ($mode) = @_; return '(' . join(' OR ', map { $_->{sql}->($mode) } @arms) . ')' },
				[ map { @{ $_->{shown} } } @arms ],
				keys %strict);
			# what is true as a whole restricts nothing
			if (grep { $_->{true} || $_->{not_null} } @arms)
			{
				$condition->{shown} = [];
				$condition->{true}  = 1;
			}
		}
		push @result, $condition;
	}
	return @result;
}

# What is true by a NOT NULL column as a whole is known to all releases if it is about
# one table, whose rows no outer join adds then.
sub is_same_everywhere
{
	my @arms = @_;
	my ($alias) = map { $_->{not_null} // () } @arms;

	return 1 if !$alias;
	return !grep { !$_->{strict}{$alias} || $_->{sublink} || $_->{edge} || keys %{ $_->{strict} } > 1 } @arms;
}

# Under OR, an equality of two parameters restricts both, and a sublink is no
# join, so the planner does not know what makes it true; but see $strict_in.
sub harden
{
	my ($condition) = @_;
	my $edge = delete $condition->{edge};

	$condition->{strict} = {}
	  if $condition->{sublink} && !($strict_in && $condition->{sublink} eq 'IN');
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

1;

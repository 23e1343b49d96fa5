# Part of KeyapiQueries: which parameters the conditions restrict.
package KeyapiQueries;

use strict;
use warnings;

our (%TABLES, @edges);

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

# References that show in these relations, as far as the conditions compare nothing
# but their parameters
sub refs_compared_alone
{
	my ($conditions, @rels) = @_;
	my @texts = map { $_->{sql}->('local') } grep { !$_->{true} } @$conditions;

	return {
		map { ("$_->[0]" => 1) } map { @$_ } map { values %{ $_->{shown} } }
		grep { my $alias = $_->{alias}; !grep { /\b$alias\.(?:rank|id)\b/ } @texts } @rels
	};
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
		if ($node->{anti})
		{
			my $alone = refs_compared_alone($node->{on}, rels_below($node->{left}));

			mention($_, $alone) foreach @{ $node->{on} };
		}
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

1;

# Part of KeyapiQueries: CTEs that several nodes read, some not to the end, some perhaps
# never.
package KeyapiQueries;

use strict;
use warnings;

# A number from a CTE that is read to the end, or until something is found
sub reader
{
	my ($cte) = @_;
	my $limit = one_of(1, 2, 3, 5);

	return "(SELECT count(*) FROM (SELECT FROM $cte LIMIT $limit) x)" if chance(50);
	return '(SELECT count(*) FROM '
	  . one_of(
		$cte, "$cte WHERE rank > 1",
		"r WHERE EXISTS (SELECT FROM $cte WHERE rank = r.n)",
		"r WHERE n IN (SELECT rank FROM $cte)",
		"r LEFT JOIN $cte ON r.n = $cte.rank",
		"r JOIN $cte ON r.code = $cte.id")
	  . ')';
}

# A condition whose value may not need all readers, for rows of a relation
sub reader_condition
{
	my ($cte, $rel) = @_;
	my $first = reader($cte);
	my $rank = "$rel->{alias}.$rel->{columns}{rank}[0]";
	my $n = one_of(0, 2, 100, 100);

	return condition("$first > $n") if chance(50);
	return condition("($rank < $n OR $first > " . one_of(0, 2) . ')') if chance(40);
	return condition("CASE WHEN $rank < $n THEN $first ELSE " . reader($cte) . ' END > ' . one_of(0, 2));
}

# A column whose value may not need all readers
sub reader_column
{
	my ($cte, $rel) = @_;
	my $rank = "$rel->{alias}.$rel->{columns}{rank}[0]";

	my $column = "CASE WHEN $rank < " . one_of(0, 2, 100) . ' THEN ' . reader($cte)
	  . (chance(50) ? ' ELSE ' . reader($cte) : '') . ' END';

	return sub { return $column };
}

# Rows that follow those of a query for columns of a text and a number
sub reader_rows
{
	my ($cte) = @_;

	return 'SELECT NULL, ' . reader($cte) . '::int' if chance(30);
	return "SELECT NULL, 1 FROM $cte" . one_of('', ' LIMIT 3', ' WHERE rank > 1', ", (SELECT FROM r WHERE n > 5) x");
}

1;

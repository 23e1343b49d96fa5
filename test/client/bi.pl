
# SQL as BI tools, GraphQL and REST servers, and dbt write it: test/data/bi-queries.tsv.

use strict;
use warnings;

use Test::More;

use KeyapiDocuments;
use KeyapiTest;

my $t = KeyapiTest->new;

$t->scenario('client', 'total=45');
foreach my $line (grep { /^[^#]/ } split /\n/, KeyapiDocuments::slurp('test/data/bi-queries.tsv'))
{
	my ($tool, $what, $query, $rows, $requests) = split /\t/, $line;

	if ($rows =~ /^ERROR (.*)/)
	{
		$t->fails('client', $query, '0A000', qr/^ERROR: .*(?:$1)/, "$tool: $what", requests => $requests);
	}
	else
	{
		my $result = $t->ask('client', $query);
		my $number = () = $result->{rows} =~ /^./gm;
		my $got = $rows =~ /^\d+ rows\z/ ? "$number rows" : $result->{rows} =~ tr/\n/ /r;

		is("$result->{stderr}$got, $result->{requests} requests",
			"$rows, $requests requests", "$tool: $what");
	}
}

$t->stop;
done_testing();

# Random queries on foreign tables against local copies: see KeyapiFuzz.
#
#	test/fuzz/run binding [QUERIES [SEED]]

use strict;
use warnings;

use Test::More;

use KeyapiFuzz;
use KeyapiTest;

my $queries = shift @ARGV // 10_000;
my $seed    = shift @ARGV // time;
my $t       = KeyapiTest->new;
my $fuzz    = KeyapiFuzz->new($t, seed => $seed);
my $done    = 0;
my $failed  = 0;

diag("seed $seed");
while ($done < $queries && $failed < 20)
{
	my @problems = $fuzz->run_queries(100);

	$failed += @problems;
	$done   += 100;
	diag($_) foreach @problems;
	diag($fuzz->summary) if $done % 1000 == 0;
}
diag($fuzz->summary);
is($failed, 0, 'all rows are right');

$t->stop;
done_testing();

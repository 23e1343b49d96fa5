# A few random queries against local copies; test/fuzz/run binding runs more.

use strict;
use warnings;

use Test::More;

use KeyapiFuzz;
use KeyapiTest;

my $t    = KeyapiTest->new;
my $fuzz = KeyapiFuzz->new($t, seed => 20_000);

is(join('', $fuzz->run_queries(120)), '', 'random queries have the right rows');
note($fuzz->summary);

$t->stop;
done_testing();

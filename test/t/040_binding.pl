# Which lists a query reads: rows and requests of a table of queries.
#
# test/data/binding-cases.tsv has one query a line, with what it comes to; its
# head says in which world.

use strict;
use warnings;

use Cwd            ();
use File::Basename ();
use Test::More;

use KeyapiTest;

my $data = File::Basename::dirname(Cwd::abs_path(__FILE__)) . '/../data';

my $t = KeyapiTest->new;

make_world();
test_case($_) foreach read_cases("$data/binding-cases.tsv");

$t->stop;
done_testing();

sub make_world
{
	my $columns = 'region text, period int, order_by text, rank int, id text,'
	  . ' title text, duration int';
	my $hashtags = 'rank int, region text, period int, industry_id text,'
	  . ' new_to_top_100 boolean, hashtag_id text, video_views bigint';
	my $endpoint = q{endpoint 'tiktok/trending/hashtags'};

	$t->server('w', 'plainids');
	$t->mapping('w');
	$t->sql(<<"END");
CREATE FOREIGN TABLE t ($columns) SERVER w;
CREATE FOREIGN TABLE t2 ($columns) SERVER w;
CREATE FOREIGN TABLE td ($columns) SERVER w OPTIONS (regions 'US,FR,DE');
CREATE FOREIGN TABLE h ($hashtags) SERVER w OPTIONS ($endpoint);
CREATE FOREIGN TABLE hd ($hashtags) SERVER w OPTIONS ($endpoint, regions 'US,JP', industry_ids 'nothing,11000000000',
	region 'all', industry_id 'nothing');
CREATE TABLE cp ($columns) PARTITION BY LIST (region);
CREATE FOREIGN TABLE cp_us PARTITION OF cp FOR VALUES IN ('US') SERVER w;
CREATE FOREIGN TABLE cp_fr PARTITION OF cp FOR VALUES IN ('FR') SERVER w;
CREATE FOREIGN TABLE cp_eu PARTITION OF cp FOR VALUES IN ('DE', 'IT') SERVER w;

CREATE TABLE r (code text PRIMARY KEY, name text, active bool, days int, alt text);
INSERT INTO r VALUES ('US', 'United States', true, 7, 'FR'),
	('FR', 'France', true, 30, 'DE'), ('DE', 'Germany', false, 7, 'US'),
	('ZZ', 'Nowhere', false, 15, NULL);
CREATE TABLE big (code text, n int);
INSERT INTO big
	SELECT code, n FROM unnest('{US,FR}'::text[]) code, generate_series(1, 20000) n;
CREATE TABLE x (id text, v int);
INSERT INTO x SELECT 'US7vv' || v, v FROM generate_series(1, 100) v;
INSERT INTO x SELECT 'FR7vv' || v, v FROM generate_series(1, 50) v;
ANALYZE r, big, x;
END
	return;
}

sub read_cases
{
	my ($file) = @_;
	my @cases;

	open my $handle, '<', $file or die "$file: $!";
	while (my $line = readline $handle)
	{
		my %case;

		next if $line =~ /^(#|$)/;
		chomp $line;
		@case{qw(id name before query rows requests)} = split /\t/, $line;
		push @cases, \%case;
	}
	close $handle or die "$file: $!";
	return @cases;
}

# \gset would need names: the rows are counted by the server that ran the query,
# as it is, because a count around it would be another query.
sub test_case
{
	my ($case) = @_;
	my $before = $case->{before} eq '-' ? '' : "$case->{before};";
	my $result = $t->ask('w', "$before $case->{query} \\g /dev/null\n\\echo :ROW_COUNT");
	my $wanted = "$case->{rows} rows, $case->{requests} requests";
	my $got = $result->{rows};

	if ($result->{status} != 0)
	{
		$got = $result->{stderr} =~ /ERROR:\s+0A000:/ ? 'ERR' : $result->{stderr};
	}
	$got = "$got rows, $result->{requests} requests";
	is($got, $wanted, "$case->{id}: $case->{name}");
	return;
}

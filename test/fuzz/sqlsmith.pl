# Random queries of sqlsmith, which knows nothing of the extension, on foreign
# tables: no process crashes, and no error is an internal one (XX000).
#
#	test/fuzz/run sqlsmith [QUERIES [SEED]]

use strict;
use warnings;

use Test::More;

use KeyapiTest;

# Errors that PostgreSQL's own functions and types give to such arguments, without
# a code of their own
my $of_postgres = qr/invalid memory alloc request size|could not find block containing chunk|failed to find conversion function/;

my $queries = shift @ARGV // 3_000;
my $seed    = shift @ARGV // time;
my $t       = KeyapiTest->new(conf => "log_error_verbosity = verbose\nlog_min_messages = error\n");

diag("seed $seed");
make_tables();
$t->emulator->reset('smith');
is(run_sqlsmith(), 0, "sqlsmith has run $queries queries to the end");
judge($t->server_log);
$t->stop;
done_testing();

# Tables of each kind, for a role that may do nothing but read them
sub make_tables
{
	$t->scenario('smith', 'total=30');
	$t->cached_scenario('kept', 'total=30');
	foreach my $table (qw(many strict))
	{
		$t->sql('IMPORT FOREIGN SCHEMA tiktok LIMIT TO (tiktok_trending) FROM SERVER smith INTO public;'
			  . " ALTER FOREIGN TABLE tiktok_trending RENAME TO $table");
	}
	$t->sql(<<'END');
ALTER FOREIGN TABLE many OPTIONS (DROP region, ADD regions 'US,FR,DE', SET period 'all');
ALTER FOREIGN TABLE strict OPTIONS (SET region 'none', SET order_by 'none');
CREATE FOREIGN TABLE few (region varchar(10), rank bigint, id bigint, page int, attrs jsonb)
	SERVER kept;
CREATE TABLE parts (LIKE smith) PARTITION BY LIST (region);
CREATE FOREIGN TABLE parts_us PARTITION OF parts FOR VALUES IN ('US') SERVER kept;
CREATE FOREIGN TABLE parts_fr PARTITION OF parts FOR VALUES IN ('FR') SERVER smith;
CREATE TABLE regions AS SELECT * FROM (VALUES ('US', 7), ('FR', 30), (NULL, NULL)) v (code, days);
CREATE VIEW best AS SELECT * FROM smith WHERE region IN ('US', 'FR') AND rank <= 10;
CREATE ROLE smith LOGIN;
GRANT SELECT ON ALL TABLES IN SCHEMA public TO smith;
ALTER ROLE smith SET statement_timeout = '2s';
ALTER ROLE smith SET keyapi_fdw.max_credits = -1;
END
	return;
}

# sqlsmith's status
sub run_sqlsmith
{
	my $node = $t->node;
	my $target = join ' ', 'host=' . $node->host, 'port=' . $node->port, 'dbname=postgres', 'user=smith';

	return system 'sqlsmith', "--target=$target", '--exclude-catalog', "--max-queries=$queries",
	  "--seed=$seed";
}

# What the server's log tells
sub judge
{
	my ($log) = @_;
	my %errors;
	my @internal;

	foreach ($log =~ /((?:ERROR|FATAL|PANIC):  .*)/g)
	{
		my ($code, $message) = /:  (\w{5}): (.*)/ or next;

		$errors{$code}++;
		push @internal, $message if $code eq 'XX000' && $message !~ $of_postgres;
	}
	diag('requests: ' . $t->emulator->count('smith') . '; errors: '
		  . join(', ', map { "$_ $errors{$_}" } sort keys %errors));
	cmp_ok($t->emulator->count('smith'), '>', 0, 'queries have asked the API');
	is(join("\n", @internal), '', 'no error is an internal one');
	unlike($log, qr/PANIC|was terminated by signal|TRAP/, 'no process has crashed');
	return;
}

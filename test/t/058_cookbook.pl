
# Recipes of README.md that need more than SQL: a scheduled refresh with
# pg_cron, and a restore that spends nothing.

use strict;
use warnings;

use Test::More;

use KeyapiTest;

chomp(my $libraries = `pg_config --pkglibdir`);
my $has_cron = -e "$libraries/pg_cron.so";
my $t = KeyapiTest->new(
	conf => $has_cron
	? "shared_preload_libraries = 'keyapi_fdw,pg_cron'\n"
	  . "cron.use_background_workers = on\ncron.database_name = 'postgres'\n"
	: KeyapiTest->preloaded);

$t->scenario('scheduled', 'total=45');
$t->cached('scheduled', '1ms');
$t->sql(<<'END');
CREATE MATERIALIZED VIEW trending AS SELECT * FROM scheduled;
CREATE UNIQUE INDEX ON trending (region, period, order_by, id);
END

test_cron();
test_restore();

$t->stop;
done_testing();

# The refresh runs, and what it costs is on the bill of the role that scheduled
# it.
sub test_cron
{
  SKIP:
	{
		skip 'pg_cron is not installed', 3 if !$has_cron;

		$t->sql('CREATE EXTENSION pg_cron');
		$t->sql(q{SELECT cron.schedule('trending', '* * * * *',
			'REFRESH MATERIALIZED VIEW CONCURRENTLY trending')});
		ok( $t->node->poll_query_until('postgres',
				"SELECT count(*) > 0 FROM cron.job_run_details WHERE status IN ('succeeded', 'failed')"),
			'pg_cron has run the job');
		$t->sql("SELECT cron.unschedule('trending')");
		is($t->sql("SELECT DISTINCT status FROM cron.job_run_details WHERE status <> 'running'"),
			'succeeded', 'pg_cron refreshes a materialized view');
		cmp_ok($t->sql('SELECT requests FROM keyapi_fdw_stats'), '>=', 6, '... which is on the bill');
		$t->sql('DROP EXTENSION pg_cron');    # it can be in no other database
	}
	return;
}

# A dump is restored elsewhere without asking the API for anything.
sub test_restore
{
	my $dump = $t->path('dump');
	my $before;

	$t->node->command_ok([ 'pg_dump', '--format=custom', "--file=$dump", 'postgres' ], 'pg_dump');
	$t->sql('CREATE DATABASE staging TEMPLATE template0');
	$before = $t->emulator->count('scheduled');
	{
		local $ENV{PGOPTIONS} = '-c keyapi_fdw.max_credits=0';
		$t->node->command_checks_all([ 'pg_restore', '-d', 'staging', $dump ],
			1, [], [qr/keyapi_fdw\.max_credits allows 0/], 'pg_restore that may spend nothing');
	}
	is($t->emulator->count('scheduled'), $before, '... asks for nothing');
	is( $t->sql("SELECT count(*) FROM pg_class WHERE relname LIKE 'trending%'", dbname => 'staging'),
		2, '... and restores all definitions');
	is( $t->sql('REFRESH MATERIALIZED VIEW trending; SELECT count(*) FROM trending', dbname => 'staging'),
		45, '... the content can follow');
	return;
}

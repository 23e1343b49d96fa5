
# Recipes of the documents that need more than one database and SQL: a scheduled
# refresh with pg_cron, a restore that spends nothing, a standby, and nodes behind
# postgres_fdw.

use strict;
use warnings;

use Test::More;
use Text::ParseWords qw(shellwords);

use KeyapiDocuments;
use KeyapiTest;

chomp(my $libraries = `pg_config --pkglibdir`);
my $has_cron = -e "$libraries/pg_cron.so";
my $t = KeyapiTest->new(
	conf => "wal_level = replica\nmax_wal_senders = 4\n"
	  . ($has_cron
		? "shared_preload_libraries = 'keyapi_fdw,pg_cron'\n"
		  . "cron.use_background_workers = on\ncron.database_name = 'postgres'\n"
		: KeyapiTest->preloaded));

$t->scenario('scheduled', 'total=45');
$t->cached('scheduled', '1ms');
$t->sql(<<'END');
CREATE MATERIALIZED VIEW trending AS SELECT * FROM scheduled;
CREATE UNIQUE INDEX ON trending (region, period, order_by, id);
END

test_cron();
test_restore();
test_standby();
test_nodes();

$t->stop;
done_testing();

# The blocks of a document with this mark
sub recipe
{
	my ($document, $mark) = @_;
	my @blocks = grep { $_->{mark} eq $mark } KeyapiDocuments->new($document)->blocks;

	die "$document has no block $mark" if !@blocks;
	return map { $_->{text} } @blocks;
}

# The refresh runs, and what it costs is on the bill of the role that scheduled
# it.
sub test_cron
{
	my ($schedule) = recipe('doc/cookbook.md', 'sql (needs pg_cron)');

	ok($schedule =~ s/'0 \*\/6 \* \* \*'/'* * * * *'/, 'a recipe for every six hours');
  SKIP:
	{
		skip 'pg_cron is not installed', 5 if !$has_cron;

		$t->sql('CREATE EXTENSION pg_cron');
		$t->sql($schedule);
		$t->sql(q{SELECT cron.schedule('open', '* * * * *', $$SELECT * FROM scheduled WHERE region <> 'US'$$)});
		ok( $t->node->poll_query_until('postgres',
				"SELECT count(DISTINCT jobid) = 2 FROM cron.job_run_details WHERE status IN ('succeeded', 'failed')"),
			'pg_cron has run the jobs');
		$t->sql("SELECT cron.unschedule('trending'), cron.unschedule('open')");
		is(runs('REFRESH', 'status'), 'succeeded', 'pg_cron refreshes a materialized view');
		is(runs('SELECT', 'status'), 'failed', 'a job that does not say what it reads');
		like(runs('SELECT', 'return_message'), qr/write region = /, '... is told what to write');
		cmp_ok($t->sql('SELECT requests FROM keyapi_fdw_stats'), '>=', 6, '... which is on the bill');
		$t->sql('DROP EXTENSION pg_cron');    # it can be in no other database
	}
	return;
}

# What pg_cron has noted of the runs, which are over, of a command
sub runs
{
	my ($command, $column) = @_;

	return $t->sql("SELECT DISTINCT $column FROM cron.job_run_details"
		  . " WHERE command LIKE '$command%' AND status IN ('succeeded', 'failed')");
}

# A dump is restored elsewhere without asking the API for anything.
sub test_restore
{
	my ($line) = grep { /pg_restore/ } recipe('doc/cookbook.md', 'sh');
	my ($setting, @restore) = shellwords($line);
	my ($name, $value) = split /=/, $setting, 2;
	my $dump = $t->path('dump');
	my $before;

	$t->node->command_ok([ 'pg_dump', '--format=custom', "--file=$dump", 'postgres' ], 'pg_dump');
	$t->sql('CREATE DATABASE staging TEMPLATE template0');
	$before = $t->emulator->count('scheduled');
	{
		local $ENV{$name} = $value;
		$t->node->command_checks_all([ map { s/^production\.dump$/$dump/r } @restore ],
			1, [], [qr/keyapi_fdw\.max_credits allows 0/], 'pg_restore that may spend nothing');
	}
	is($t->emulator->count('scheduled'), $before, '... asks for nothing');
	is( $t->sql("SELECT count(*) FROM pg_class WHERE relname LIKE 'trending%'", dbname => 'staging'),
		2, '... and restores all definitions');
	is( $t->sql('REFRESH MATERIALIZED VIEW trending; SELECT count(*) FROM trending', dbname => 'staging'),
		45, '... the content can follow');
	return;
}

# A standby reads a materialized view for nothing, and the foreign table at its
# own expense.
sub test_standby
{
	my $standby = PostgreSQL::Test::Cluster->new('standby');
	my $before;

	$t->node->backup('of_the_primary');
	$standby->init_from_backup($t->node, 'of_the_primary', has_streaming => 1);
	$standby->start;
	$t->node->wait_for_catchup($standby);
	$before = $t->emulator->count('scheduled');
	is($standby->safe_psql('postgres', 'SELECT count(*) FROM trending'), 45, 'a standby has the copy');
	is($t->emulator->count('scheduled'), $before, '... and asks for nothing');
	is($standby->safe_psql('postgres', 'SELECT count(*) FROM scheduled'), 45, '... the table works, too');
	is($t->emulator->count('scheduled'), $before + 3, '... for its price');
	$standby->stop;
	return;
}

# Nodes behind postgres_fdw give the rows of a single table, or an error.
sub test_nodes
{
	my @parameters = "period = 7 AND order_by = 'vv'";
	my %regions = (node1 => [qw(US GB)], node2 => [qw(FR DE)]);
	my @recipe = recipe('doc/scaling-out.md', 'sql (on the coordinator)');

	make_node($_) foreach sort keys %regions;
	$t->sql('CREATE DATABASE coordinator TEMPLATE template0');
	coordinator(as_here(shift @recipe));
	coordinator("CREATE TABLE r (code text); INSERT INTO r VALUES ('GB'), ('DE')");

	is(coordinator($_), "FR|500\nUS|500", 'the recipe: IN, one region a node') foreach @recipe;
	foreach my $case (
		[ 'all',    'TRUE',                           'DE|500 FR|500 GB|500 US|500' ],
		[ '<>',     "region <> 'US'",                 'DE|500 FR|500 GB|500' ],
		[ 'IN',     "region IN ('US', 'GB', 'DE')",   'DE|500 GB|500 US|500' ],
		[ 'a join', 'region IN (SELECT code FROM r)', 'DE|500 GB|500' ],
		[ 'what is not sent', "md5(region || random()) <> '' AND region = 'FR'", 'FR|500' ])
	{
		my ($test, $condition, $rows) = @$case;

		is( coordinator("SELECT region, count(*) FROM trending WHERE $condition"
				  . " AND period = 7 AND order_by = 'vv' GROUP BY 1 ORDER BY 1"),
			$rows =~ tr/ /\n/r, $test);
	}
	foreach my $condition ('period = 7', "order_by = 'vv'", "region = 'US'")
	{
		$t->fails('node1', "SELECT count(*) FROM trending WHERE $condition", '0A000',
			qr/query must say which/, "not enough: $condition",
			dbname => 'coordinator', requests => 0);
	}
	return;
}

sub coordinator
{
	my ($sql) = @_;

	return $t->sql($sql, dbname => 'coordinator');
}

# A node: a database of this cluster, with its part of the recipe
sub make_node
{
	my ($node) = @_;
	my $url = $t->url($node);
	my ($number) = $node =~ /(\d+)/;
	my ($recipe) = recipe('doc/scaling-out.md', "sql (on node $number)");

	$t->sql("CREATE DATABASE $node TEMPLATE template0");
	$t->sql(<<"END", dbname => $node);
CREATE EXTENSION keyapi_fdw;
CREATE SERVER keyapi FOREIGN DATA WRAPPER keyapi_fdw OPTIONS (base_url '$url');
CREATE USER MAPPING FOR PUBLIC SERVER keyapi OPTIONS (api_key 'sk_live_test');
$recipe
END
	return;
}

# The recipe, with the addresses of this cluster
sub as_here
{
	my ($sql) = @_;
	my ($host, $port, $user) = ($t->node->host, $t->node->port, $t->superuser);

	return $sql =~ s/host '(node\d)\.example', dbname 'postgres'/host '$host', port '$port', dbname '$1'/gr
	  =~ s/user 'reader'/user '$user'/gr;
}

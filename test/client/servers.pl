
# What stands between or beside servers: pgbouncer in transaction mode, pg_dump with
# pg_restore, pg_dumpall, and a standby that is promoted.

use strict;
use warnings;

use Test::More;

use KeyapiTest;

my $t = KeyapiTest->new(
	conf => "listen_addresses = '127.0.0.1'\nwal_level = replica\nmax_wal_senders = 4\n" . KeyapiTest->preloaded);
my $directory = PostgreSQL::Test::Utils::tempdir_short();

$t->scenario('client', 'total=45');
test_pgbouncer();
test_dump();
test_dumpall();
test_standby();

$t->stop;
done_testing();

# ---------------------------------------------------------------------
# pgbouncer
# ---------------------------------------------------------------------

# Two clients share one connection; what one sets with SET LOCAL does not reach the
# other.
sub test_pgbouncer
{
	my $port = start_pgbouncer();
	my ($text, $requests);

	is_deeply(pooled($port, 'SELECT count(*) FROM client'), [ 45, 3 ], 'rows through pgbouncer');
	($text, $requests) =
	  @{ pooled($port, 'BEGIN; SET LOCAL keyapi_fdw.max_credits = 2; SELECT count(*) FROM client; COMMIT') };
	like($text, qr/54000: .*keyapi_fdw\.max_credits" allows 2|54000: .*keyapi_fdw\.max_credits allows 2/,
		'a limit of one transaction');
	is($requests, 0, '... asks for nothing');
	is_deeply(pooled($port, 'SELECT count(*) FROM client'), [ 45, 3 ], '... and does not reach the next client');
	($text) = @{ pooled($port, "SELECT * FROM client WHERE region <> 'US'") };
	like($text, qr/ERROR:  0A000: .*write region = /, 'an error');
	system('kill', PostgreSQL::Test::Utils::slurp_file("$directory/pgbouncer.pid") =~ s/\s//gr);
	return;
}

# Returns the port where it listens.
sub start_pgbouncer
{
	my $port  = PostgreSQL::Test::Cluster::get_free_port();
	my $user  = $t->superuser;
	my $node  = $t->node->port;

	$t->file('users', qq("$user" ""\n));
	open my $handle, '>', "$directory/pgbouncer.ini" or die $!;
	print {$handle} <<"END";
[databases]
postgres = host=127.0.0.1 port=$node pool_size=1
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = $port
unix_socket_dir =
auth_type = trust
auth_file = @{[ $t->path('users') ]}
pool_mode = transaction
logfile = $directory/pgbouncer.log
pidfile = $directory/pgbouncer.pid
END
	close $handle or die $!;
	system('/usr/sbin/pgbouncer', '-q', '-d', "$directory/pgbouncer.ini") == 0 or die 'pgbouncer does not start';
	return $port;
}

# What psql prints, through that port, and the number of requests
sub pooled
{
	my ($port, $sql) = @_;
	my $before = $t->emulator->count('client');
	my ($stdout, $stderr);

	IPC::Run::run(
		[ 'psql', '-XAtq', '-h', '127.0.0.1', '-p', $port, '-U', $t->superuser, 'postgres' ],
		'<', \"\\set VERBOSITY verbose\n$sql;\n", '>', \$stdout, '2>', \$stderr);
	chomp(my $text = $stdout . $stderr);
	return [ $text, $t->emulator->count('client') - $before ];
}

# ---------------------------------------------------------------------
# Dumps, standbys
# ---------------------------------------------------------------------

# pg_dump asks for nothing, unless it is told to.  pg_restore fills a materialized view.
sub test_dump
{
	my $before;

	$t->sql('CREATE MATERIALIZED VIEW top AS SELECT rank FROM client WHERE rank <= 20');
	$before = $t->emulator->count('client');
	$t->node->command_ok([ 'pg_dump', '--format=custom', "--file=$directory/one", 'postgres' ], 'pg_dump');
	is($t->emulator->count('client'), $before, '... asks for nothing');
	$t->sql('CREATE DATABASE restored TEMPLATE template0');
	$t->node->command_ok([ 'pg_restore', '--exit-on-error', '-d', 'restored', "$directory/one" ],
		'... which pg_restore restores');
	is($t->sql('SELECT count(*) FROM top', dbname => 'restored'), 20, '... with a materialized view');
	is($t->emulator->count('client'), $before + 1, '... for its price');
	$t->sql('DROP DATABASE restored; DROP MATERIALIZED VIEW top');

	$t->sql(q{ALTER FOREIGN TABLE client OPTIONS (ADD regions 'US,GB', SET region 'none')});
	$t->node->command_checks_all(
		[ 'pg_dump', '--data-only', '--include-foreign-data=client', 'postgres' ],
		1, [], [qr/ERROR: .*write region = /s], 'pg_dump of rows that nothing chooses');
	$t->sql(q{ALTER FOREIGN TABLE client OPTIONS (DROP regions, SET region 'US')});
	return;
}

# pg_dumpall asks for nothing, and psql restores from it.
sub test_dumpall
{
	my $before = $t->emulator->count('client');
	my $other  = PostgreSQL::Test::Cluster->new('other');

	$t->node->command_ok([ 'pg_dumpall', '--no-role-passwords', "--file=$directory/all.sql" ], 'pg_dumpall');
	is($t->emulator->count('client'), $before, '... asks for nothing');
	{
		local $ENV{LC_ALL} = 'C';
		$other->init(extra => [ '--encoding=UTF8', '--no-locale' ]);
	}
	$other->start;
	$other->command_ok([ 'psql', '-Xq', '-f', "$directory/all.sql", 'postgres' ], '... which psql restores');
	is($other->safe_psql('postgres', 'SELECT count(*) FROM client'), 45, '... with all that a query needs');
	$other->stop;
	return;
}

# A standby works before and after it is promoted.
sub test_standby
{
	my $standby = PostgreSQL::Test::Cluster->new('standby');
	my $before;

	$t->node->backup('of_the_primary');
	$standby->init_from_backup($t->node, 'of_the_primary', has_streaming => 1);
	$standby->start;
	$t->node->wait_for_catchup($standby);
	$before = $t->emulator->count('client');
	is($standby->safe_psql('postgres', 'SELECT count(*) FROM client'), 45, 'a standby reads');
	is( ($standby->psql('postgres', "SELECT * FROM client WHERE region <> 'US'"))[0],
		3, '... and fails as the primary does');
	$standby->promote;
	is( $standby->safe_psql('postgres', 'CREATE TABLE copy AS SELECT * FROM client; SELECT count(*) FROM copy'),
		45, 'promoted, it writes, too');
	is($t->emulator->count('client'), $before + 6, '... each for the price of a list');
	$standby->stop;
	return;
}

# Errors, cancels and cursors leave nothing behind in the backend: no descriptor, no
# thread, no memory.

use strict;
use warnings;

use Test::More;

use KeyapiSession;
use KeyapiTest;

plan skip_all => 'needs /proc' if !-d "/proc/$$/fd";

# What a backend may grow by, after a warm-up: it caches connections, TLS sessions
# and catalogs, and malloc keeps what is freed.  A leak of one descriptor, or of 10 kB,
# in each of some hundred statements is far more.
my %allowance = (
	descriptors => 8,
	threads     => 0,
	contexts    => 256,             # kB
	resident    => 4096);           # kB

my $t = KeyapiTest->new;
my $emulator = $t->emulator;

# Tables whose every scan fails
my @bad = map { make_bad(@$_) } (
	[ '400'       => 'fault=status,code=400' ],
	[ '401'       => 'fault=status,code=401,html' ],
	[ '500'       => 'fault=status,code=500' ],
	[ 'code'      => 'fault=code,code=403' ],
	[ 'html'      => 'fault=html' ],
	[ 'nodata'    => 'fault=shape,nodata' ],
	[ 'deep'      => 'fault=field,name=title,as=deep,depth=3000' ],
	[ 'type'      => 'fault=field,name=duration,as=text,page=2' ],
	[ 'length'    => 'fault=truncate,how=length' ],
	[ 'chunked'   => 'fault=truncate,how=chunked,page=2' ],
	[ 'cut'       => 'fault=truncate,how=close' ],
	[ 'gzip'      => 'fault=truncate,how=gzip' ],
	[ 'badgzip'   => 'fault=badgzip' ],
	[ 'bomb'      => 'fault=bomb,mb=9' ],
	[ 'reset'     => 'fault=reset' ],
	[ 'inbody'    => 'fault=reset,at=body,page=2' ],
	[ 'close'     => 'fault=close,at=body' ],
	[ 'timeout'   => 'fault=stall,at=body', request_timeout => '20ms' ],
	[ 'refused'   => undef, base_url => $emulator->value('REFUSED_URL') ],
	[ 'distrust'  => undef, base_url => $emulator->value('TLS_URL') ],
	[ 'handshake' => undef, base_url => $emulator->value('TLS_STALL_URL'), connect_timeout => '20ms' ]);

$t->scenario('good', 'total=100');
$t->scenario('stall', 'fault=stall,page=2-5');

my $admin   = KeyapiSession->new($t);
my $session = KeyapiSession->new($t);
my $pid     = $session->pid;

test_growth('1,000 failing statements', sub { fail_statements(50) }, sub { fail_statements(10) });
test_growth('300 cancels',              sub { cancel(300) },         sub { cancel(30) });
test_growth('200 statement timeouts',   sub { time_out(200) },       sub { time_out(20) });
test_growth('210 errors in subtransactions', sub { catch_errors(10) }, sub { catch_errors(2) });
test_growth('100 cursors, twice',       sub { open_cursors(100) for 1, 2 }, sub { open_cursors(100) });
test_growth('100 complete scans',       sub { scan(100) },           sub { scan(10) });

is($session->sql('SELECT pg_backend_pid();'), $pid, 'one backend did it all');
$_->quit foreach $session, $admin;
$t->stop;
done_testing();

# A table whose scans fail; returns its name.
sub make_bad
{
	my ($name, $settings, %options) = @_;

	$name = "bad_$name";
	$t->scenario($name, $settings);
	$t->fail_at_once($name);
	foreach my $option (sort keys %options)
	{
		my $action = $option eq 'base_url' ? 'SET' : 'ADD';

		$t->sql("ALTER SERVER $name OPTIONS ($action $option '$options{$option}')");
	}
	return $name;
}

# What the backend holds
sub holdings
{
	my $contexts =
	  $session->sql('SELECT sum(total_bytes)::bigint / 1024 FROM pg_backend_memory_contexts;');
	my $status = PostgreSQL::Test::Utils::slurp_file("/proc/$pid/status");
	my ($resident) = $status =~ /^VmRSS:\s+(\d+) kB$/m;
	my @descriptors = glob "/proc/$pid/fd/*";
	my @threads = glob "/proc/$pid/task/*";

	return {
		descriptors => scalar @descriptors,
		threads     => scalar @threads,
		contexts    => $contexts,
		resident    => $resident
	};
}

# Test that doing it costs nothing that lasts.
sub test_growth
{
	my ($test, $do, $warm_up) = @_;

	$warm_up->();
	my $before = holdings();
	$do->();
	my $after = holdings();

	foreach my $kind (sort keys %allowance)
	{
		cmp_ok($after->{$kind} - $before->{$kind}, '<=', $allowance{$kind},
			"$test: $kind: $before->{$kind} before, $after->{$kind} after");
	}
	return;
}

# All kinds of errors, each so often, whatever the errors before may say of the API
sub fail_statements
{
	my ($times) = @_;
	my $result = $session->run(join "\n", map { "SELECT keyapi_fdw_resume('$_') \\gset\nSELECT * FROM $_;" } (@bad) x $times);
	my $errors = () = $result->{stderr} =~ /^ERROR:/gm;

	die "$errors errors; $result->{rows}"
	  if $errors != $times * @bad || $result->{rows} ne '';
	return;
}

# Queries with four requests in flight
sub cancel
{
	my ($times) = @_;

	foreach (1 .. $times)
	{
		$session->start('SELECT count(*) FROM stall;');
		$emulator->await_stalled('stall', 4);
		$admin->sql("SELECT pg_cancel_backend($pid);");
		my $result = $session->finish;

		die $result->{stderr} if KeyapiSession::sqlstate($result) ne '57014';
		$emulator->await_inflight('stall', 0);
	}
	return;
}

sub time_out
{
	my ($times) = @_;

	$session->sql(q{SET statement_timeout = '10ms';});
	foreach (1 .. $times)
	{
		my $result = $session->run('SELECT count(*) FROM stall;');

		die $result->{stderr} if KeyapiSession::sqlstate($result) ne '57014';
	}
	$session->sql('RESET statement_timeout;');
	return;
}

# In one transaction
sub catch_errors
{
	my ($times) = @_;
	my $tables = join ', ', @bad;

	my $caught = $session->sql(<<"END");
BEGIN;
CREATE FUNCTION pg_temp.catch_errors() RETURNS bigint LANGUAGE plpgsql AS \$\$
DECLARE
	name text;
	caught bigint := 0;
BEGIN
	FOREACH name IN ARRAY string_to_array('$tables', ', ') LOOP
		FOR i IN 1 .. $times LOOP
			PERFORM keyapi_fdw_resume(name);
			BEGIN
				EXECUTE 'SELECT count(title), count(duration) FROM ' || name;
			EXCEPTION WHEN OTHERS THEN
				caught := caught + 1;
			END;
		END LOOP;
	END LOOP;
	RETURN caught;
END \$\$;
SELECT pg_temp.catch_errors();
ROLLBACK;
END

	die "$caught errors" if $caught != $times * @bad;
	return;
}

sub open_cursors
{
	my ($n) = @_;
	my $before = $emulator->count('good');

	$session->sql(join "\n", 'BEGIN;', map {
			"DECLARE c$_ CURSOR FOR SELECT title FROM good; MOVE 21 IN c$_;"
	} 1 .. $n);
	die 'requests' if $emulator->count('good') != $before + 2 * $n;
	$session->sql('COMMIT;');
	return;
}

sub scan
{
	my ($times) = @_;

	my $rows = $session->sql('SELECT count(title) FROM good;' x $times);

	die $rows if $rows ne join "\n", (100) x $times;
	return;
}

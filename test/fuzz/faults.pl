# Sessions that ask an API which fails in every way, and that are cancelled,
# timed out and terminated at random: each statement gives the exact rows or one
# of the errors that tell what went wrong, the bill is right, and nothing grows.
#
#	test/fuzz/run faults [MINUTES [SEED]]

use strict;
use warnings;

use Test::More;

use KeyapiSession;
use KeyapiTest;

# Sessions beside the one that lives as long as the test
use constant DISTURBED => 3;

# What a session may grow by while it is used on and on, in kB
use constant ALLOWANCE => 8192;

# Failures that a statement may end with
my %expected = map { $_ => 1 } (
	'08001', '08006', '08P01', '22023', '53400', '58000',   # the API's
	'57014', '57P01');                              # ours

my @faults = (
	'status,code=500,every=13', 'status,code=503,after=1,every=61', 'status,code=429,after=1,every=97',
	'code,code=500,every=29', 'status,code=400,every=211', 'html,every=199',
	'reset,every=17', 'reset,at=body,every=23', 'close,every=37',
	'truncate,how=length,every=41', 'truncate,how=gzip,every=43', 'badgzip,every=47',
	'stall,every=53', 'stall,at=body,every=59', 'drip,ms=2,bytes=500,every=7');

# Queries on a table %s.  What they do not mention is bound to a default.
my @queries = (
	"SELECT * FROM %s WHERE region = 'US' AND period = 7 AND order_by = 'vv'",
	"SELECT * FROM %s WHERE region IN ('US', 'FR') AND period IN (7, 30) AND order_by = 'like'",
	"SELECT * FROM %s WHERE region = 'GB' AND period = 30 AND order_by = 'vv' ORDER BY rank LIMIT 30",
	"SELECT * FROM %s WHERE (region, period) IN (('GB', 7), ('FR', 30)) AND order_by = 'vv' AND rank BETWEEN 41 AND 90",
	"SELECT t.* FROM (VALUES ('US'), ('GB'), ('FR'), (NULL)) v (code) JOIN %s t ON t.region = v.code"
	  . " WHERE t.period = 7 AND t.order_by = 'vv'",
	"SELECT t.* FROM %1\$s t JOIN %1\$s u USING (region, period, order_by, rank)"
	  . " WHERE t.region = 'US' AND t.period = 7 AND t.order_by = 'vv'",
	"SELECT * FROM %1\$s WHERE region = 'FR' AND period = 7 AND order_by = 'vv' AND rank <= 20 UNION ALL"
	  . " SELECT * FROM %1\$s WHERE region = 'FR' AND period = 7 AND order_by = 'vv' AND rank > 90");

my $minutes = shift @ARGV // 30;
my $seed    = shift @ARGV // time;
my $t       = KeyapiTest->new(conf => KeyapiTest->shared);
my @tables  = ('fresh', 'kept');
my %served;       # statements by how they ended
my $terminated = 0;
my @wrong;

srand $seed;
diag("seed $seed");
set_up();
my $lasting  = KeyapiSession->new($t);
my @sessions = ($lasting, map { KeyapiSession->new($t) } 1 .. DISTURBED);
my $end      = time + 60 * $minutes;
my $warm     = time + 6 * $minutes;
my ($before, $after);

while (time < $end && @wrong < 5)
{
	work();
	$before //= resident($lasting) if time > $warm;
}
$after = resident($lasting);
is(join("\n", @wrong), '', 'each statement gives its rows or says why not');
cmp_ok($served{right}, '>', 0, 'statements: '
	  . join(', ', map { "$_ $served{$_}" } sort keys %served));
cmp_ok($after - ($before // $after), '<=', ALLOWANCE,
	'the lasting session does not grow: ' . ($before // '?') . " kB, then $after kB");
test_bill($_) foreach @tables;
test_recovery($_) foreach @tables;
unlike($t->server_log, qr/PANIC|was terminated by signal|TRAP/, 'no process has crashed');
$_->quit foreach @sessions;
$t->stop;
done_testing();

sub set_up
{
	$t->scenario('clean', 'total=110');
	$t->sql('CREATE TABLE truth AS SELECT * FROM clean WHERE region IN '
		  . q{('US', 'GB', 'FR') AND period IN (7, 30) AND order_by IN ('vv', 'like')});
	foreach my $table (@tables)
	{
		$t->scenario($table, settings());
		$t->sql("ALTER SERVER $table OPTIONS (ADD request_timeout '200ms', ADD max_retry_wait '1500ms',"
			  . " ADD ca_file '" . $t->emulator->ca . "')");
	}
	$t->cached('kept', '1s');
	return;
}

sub settings { return join ';', 'total=110', 'latency=2', map { "fault=$_" } @faults }

sub pick { return $_[ int rand @_ ] }

# A query's rows, in one line
sub digest
{
	my ($query, $table) = @_;

	$query = sprintf $query, $table;
	return "SELECT count(*), md5(string_agg(concat_ws(',', region, period, order_by, rank, id, title), E'\\n'"
	  . " ORDER BY region, period, order_by, rank)) FROM ($query) q;";
}

# Let each session do something, and disturb them.
sub work
{
	my @expected = map { begin($_) } @sessions;

	disturb() if rand() < 0.5;
	foreach my $i (0 .. $#sessions)
	{
		my $result = eval { $sessions[$i]->finish } // ended($@);

		judge($result, @{ $expected[$i] });
		$sessions[$i] = KeyapiSession->new($t) if $result->{stderr} =~ /^FATAL:/m;
	}
	return;
}

# The result of a session that was terminated when it had nothing to do
sub ended
{
	my ($error) = @_;

	die $error if $error !~ /process ended prematurely/;
	return { rows => '', stderr => 'FATAL:  57P01: terminated while idle' };
}

# Start something; returns what it has to give, and what it is.
sub begin
{
	my ($session) = @_;
	my $query  = pick(@queries);
	my $sql    = digest($query, pick(@tables));
	my $answer = $t->{answers}{$query} //= $t->sql(digest($query, 'truth'));
	my $way    = int rand 10;

	if ($way == 0)
	{
		# what the cursor has paid for is left
		my $cursor = sprintf $query, pick(@tables);

		$sql = "BEGIN; DECLARE c CURSOR FOR $cursor; MOVE 25 IN c; ROLLBACK;\n$sql";
	}
	elsif ($way == 1)
	{
		$sql = 'SET statement_timeout = ' . int(1 + rand 60) . ";\n$sql\nRESET statement_timeout;";
	}
	elsif ($way == 2)
	{
		$sql = "BEGIN; SAVEPOINT a;\n$sql\nROLLBACK TO a;\n$sql\nCOMMIT;";
		$answer = "$answer\n$answer";
	}
	elsif ($way == 3)
	{
		$sql = "DISCARD ALL;\n$sql";
	}
	eval { $session->start($sql); 1 } or ended($@);
	return [ $answer, $sql ];
}

sub disturb
{
	my $victim = pick(@sessions[ 1 .. $#sessions ]);
	my $server = pick(@tables);
	my $what   = int rand 8;

	if ($what < 3)
	{
		$t->sql('SELECT pg_cancel_backend(' . pick(@sessions)->pid . ')');
	}
	elsif ($what < 5)
	{
		$victim->terminate;
		$terminated++;
	}
	elsif ($what == 5)
	{
		my $url = pick($t->url($server, settings()),
			$t->emulator->tls_url(join ';', $server, settings()));

		$t->sql("ALTER SERVER $server OPTIONS (SET base_url '$url')");
	}
	elsif ($what == 6)
	{
		$t->sql('SELECT keyapi_fdw_cache_clear()');
	}
	else
	{
		$t->emulator->release($server);
	}
	return;
}

sub judge
{
	my ($result, $answer, $sql) = @_;
	my %states = map { $_ => 1 } $result->{stderr} =~ /^(?:ERROR|FATAL):\s+(\w{5}):/gm;
	my @bad = grep { !$expected{$_} && $_ ne '25P02' } keys %states;

	if ($result->{rows} eq $answer && !%states)
	{
		$served{right}++;
		return;
	}
	$served{$_}++ foreach keys %states;

	# those that worked are right
	push @bad, 'wrong rows'
	  if grep { index($answer, $_) < 0 } split /\n/, $result->{rows};
	push @bad, 'no rows' if !%states && $result->{rows} ne $answer;
	push @wrong, join "\n", @bad, $sql, "wanted: $answer", "got: $result->{rows}",
	  $result->{stderr}
	  if @bad;
	return;
}

# Memory of a session's backend, without what it shares, in kB
sub resident
{
	my ($session) = @_;
	my ($kb) = PostgreSQL::Test::Utils::slurp_file('/proc/' . $session->pid . '/status') =~
	  /^RssAnon:\s+(\d+) kB$/m;

	return $kb;
}

# The bill is what the API has counted; but a session that is terminated while it
# connects cannot take back what it has not sent.
sub test_bill
{
	my ($server) = @_;
	my ($billed, $credits) = split /\|/,
	  $t->sql("SELECT sum(requests), sum(credits) FROM keyapi_fdw_stats WHERE server = '$server'");
	my $made = $t->emulator->count($server);

	is($credits, 2 * $billed, "$server: credits");
	cmp_ok($billed, '>=', $made, "$server: nothing is missing on the bill");
	cmp_ok($billed, '<=', $made + $terminated,
		"... of $made requests, and no more, but for $terminated terminations");
	return;
}

# Nothing is left behind that keeps a session from working.
sub test_recovery
{
	my ($server) = @_;

	$t->change($server, 'total=110');
	$t->sql('SELECT keyapi_fdw_cache_clear()');
	foreach my $query (@queries)
	{
		is($t->sql(digest($query, $server)), $t->{answers}{$query} // $t->sql(digest($query, 'truth')),
			"$server: afterwards all is well");
	}
	return;
}

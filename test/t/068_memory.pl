# What a statement keeps of the pages that it reads has a bound, work_mem.  When it is
# over, the session gives the memory back.

use strict;
use warnings;

use Test::More;

use KeyapiSession;
use KeyapiTest;

plan skip_all => 'needs /proc, which tells how large a process is' if !-e "/proc/$$/status";

# Lists of five pages, all of them together about 30 MB
my $lists = 400;
my $pages = 5 * $lists;
my $kept_mb = 30;

my $t = KeyapiTest->new(conf => KeyapiTest->preloaded . <<'END');
keyapi_fdw.max_credits = -1
jit = off
work_mem = '1MB'
END
my $read = 'SELECT id, rank, title FROM %s WHERE region = ANY (ARRAY(SELECT \'R\' || n FROM'
  . " generate_series(1, $lists) n))";

test_bound('cursor', '1GB', $kept_mb - 8, $kept_mb + 24);
test_bound('bounded', '1MB', 0, $kept_mb / 2);
test_read_once('once', '', '');
test_read_once('matview', 'CREATE MATERIALIZED VIEW m AS ', ' ORDER BY id');
test_many_small();

$t->stop;
done_testing();

# Private memory of the session's process, in MB
sub memory
{
	my ($session) = @_;
	my $status = PostgreSQL::Test::Utils::slurp_file('/proc/' . $session->pid . '/status');
	my ($kb) = $status =~ /^RssAnon:\s+(\d+)/m;

	return int($kb / 1024);
}

# A session that has read something, and what it takes then
sub begin
{
	my ($name, $work_mem) = @_;
	my $session = KeyapiSession->new($t);

	$session->sql("SELECT count(*), max(title) FROM $name WHERE region = 'X'; SET work_mem = '$work_mem';");
	return ($session, memory($session));
}

# The query that a cursor reads keeps its pages as long as the cursor is open.
sub test_bound
{
	my ($name, $work_mem, $least, $most) = @_;

	$t->scenario($name, 'nogzip;total=100');
	my ($session, $before) = begin($name, $work_mem);
	my $requests = $t->emulator->count($name);

	$session->sql('BEGIN; DECLARE c CURSOR FOR ' . sprintf($read, $name) . ';');
	$session->sql('MOVE ' . (20 * $pages - 1) . ' FROM c;');
	my $grown = memory($session) - $before;

	cmp_ok($grown, '>=', $least, "work_mem = $work_mem: the session has grown by $grown MB");
	cmp_ok($grown, '<=', $most, '... and not by more');
	like($session->sql('FETCH 2 FROM c;'), qr/^\d+\|100\|.*$/, '... the last row');
	$session->sql('COMMIT;');
	is($t->emulator->count($name) - $requests, $pages, '... each page is paid for once');
	$grown = memory($session) - $before;
	cmp_ok($grown, '<=', 8, "... afterwards by $grown MB");
	$session->quit;
	return;
}

# How many temporary files there are
sub temporary_files
{
	return $t->sql('SELECT count(*) FROM pg_ls_tmpdir()');
}

# A statement that reads its lists once keeps none that it has passed, whatever it may
# keep.
sub test_read_once
{
	my ($name, $command, $order) = @_;

	$t->scenario($name, "nogzip;total=100;fault=stall,page=1,region=R$lists");
	$t->one_by_one($name);
	my ($session, $before) = begin($name, '1GB');

	$session->start($command . 'SELECT count(*), sum(rank) FROM (' . sprintf($read, $name) . ') x;');
	$t->emulator->await_stalled($name, 1);
	my $grown = memory($session) - $before;

	cmp_ok($grown, '<=', $kept_mb / 3, "$name: at the last list the session has grown by $grown MB");
	is(temporary_files(), 0, '... without a temporary file');
	$t->emulator->release($name);
	my $result = $session->finish;

	is("$result->{stderr}$result->{rows}", $command eq '' ? 20 * $pages . '|' . 5050 * $lists : '', '... its result');
	$session->quit;
	return;
}

# Many lists of a page each
sub test_many_small
{
	my $small = 1000;

	$t->cached_scenario('small', 'nogzip;total=20');
	my ($session, $before) = begin('small', '1MB');
	my $sql = "SELECT count(*), sum(rank) FROM small WHERE region = ANY (ARRAY(SELECT 'S' || n FROM"
	  . " generate_series(1, $small) n))";
	my $requests = $t->emulator->count('small');

	$session->sql("BEGIN; DECLARE c CURSOR FOR SELECT rank FROM small WHERE region = ANY (ARRAY(SELECT 'S' || n FROM"
		  . " generate_series(1, $small) n)); MOVE " . (20 * $small - 1) . ' FROM c;');
	cmp_ok(memory($session) - $before, '<=', 12, "$small lists of a page: the session stays small");
	$session->sql('COMMIT;');
	is($t->emulator->count('small') - $requests, $small, '... each page is paid for once');
	cmp_ok(memory($session) - $before, '<=', 6, '... and gives back what it took');
	is($session->sql("$sql;"), 20 * $small . '|' . 210 * $small, '... and the rows are those of the lists');
	is(temporary_files(), 0, '... no file is left');
	$session->quit;
	return;
}


=pod

=head1 NAME

KeyapiClient - tests of programs that use PostgreSQL

=head1 SYNOPSIS

  my $client = KeyapiClient->new('python3', 'test/client/python.py');

  $client->gives('copy', '45', 3, 'COPY');      # python.py copy
  $client->advises('error', 'an error');        # python.py error
  $client->t->stop;

A client is a program whose first argument says what to do.  It finds the server by
PGHOST, PGPORT and PGDATABASE, prints what a user sees, and exits with 0.  It reads the
table "client" (a list has 45 videos, 3 pages; nothing is cached), "broken", whose
second page the API refuses, or "stalled", which never answers.

=cut

package KeyapiClient;

use strict;
use warnings;

use IPC::Run;
use Test::More;

use KeyapiTest;

sub new
{
	my ($class, @command) = @_;
	my $t = KeyapiTest->new(
		conf => "listen_addresses = '127.0.0.1'\n"
		  . "shared_preload_libraries = 'keyapi_fdw'\nmax_wal_senders = 4\nwal_level = replica\n");

	$t->scenario('client', 'total=45');
	$t->scenario('broken', 'total=45;fault=status,code=400,page=2');
	$t->one_by_one('broken');
	$t->scenario('stalled', 'fault=stall');
	return bless { t => $t, command => \@command }, $class;
}

sub t { my ($self) = @_; return $self->{t} }

# Let the program run in this environment, too.
sub environment
{
	my ($self, %environment) = @_;

	$self->{environment} = { %{ $self->{environment} // {} }, %environment };
	return;
}

# Test that the program, told to do this, prints that, and that it takes so many
# requests.  table => NAME: of that table
sub gives
{
	my ($self, $what, $output, $requests, $test, %options) = @_;
	my $table = $options{table} // 'client';
	my $emulator = $self->t->emulator;
	my $before = $emulator->count($table);
	my $printed = _finish($self->_start($what));
	my $told = $emulator->count($table) - $before;

	local $Test::Builder::Level = $Test::Builder::Level + 1;
	return is("$printed\n($told requests)", "$output\n($requests requests)", $test);
}

# Test that the program, which reads "stalled" and cancels that when its standard input
# ends, prints the SQLSTATE of a cancelled statement, and that the request ends, too.
sub cancels
{
	my ($self, $what, $test) = @_;
	my $emulator = $self->t->emulator;
	my $program = $self->_start($what);

	$emulator->await_stalled('stalled', 1);

	local $Test::Builder::Level = $Test::Builder::Level + 1;
	is(_finish($program), '57014', $test);
	$emulator->await_inflight('stalled', 0);
	return;
}

# Test that it prints the same of a query that does not name the regions: 0A000, and
# that the message says what to write.
sub advises
{
	my ($self, $what, $test) = @_;

	local $Test::Builder::Level = $Test::Builder::Level + 1;
	return $self->gives($what, '0A000 write region = ...', 0, $test);
}

# Start the program, with a standard input that ends in _finish.
sub _start
{
	my ($self, $what) = @_;
	my %process = (in => '', out => '', err => '');
	local %ENV = (
		%ENV,
		PGHOST     => '127.0.0.1',
		PGPORT     => $self->t->node->port,
		PGUSER     => $self->t->superuser,
		PGDATABASE => 'postgres',
		%{ $self->{environment} // {} });

	$process{run} = IPC::Run::start([ @{ $self->{command} }, $what ],
		'<', \$process{in}, '>', \$process{out}, '2>', \$process{err},
		IPC::Run::timeout($PostgreSQL::Test::Utils::timeout_default));
	return \%process;
}

# Let the program end; returns what it has printed.
sub _finish
{
	my ($program) = @_;

	$program->{run}->finish;
	chomp $program->{out};
	return $program->{out} . $program->{err};
}

1;

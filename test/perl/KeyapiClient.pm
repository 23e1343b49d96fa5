
=pod

=head1 NAME

KeyapiClient - tests of programs that use PostgreSQL

=head1 SYNOPSIS

  my $client = KeyapiClient->new('python3', 'test/client/python.py');

  $client->gives('copy', '45', 3, 'COPY');      # python.py copy
  $client->t->stop;

A client is a program whose first argument says what to do.  It finds the server by
PGHOST, PGPORT and PGDATABASE, prints what a user sees, and exits with 0.  It reads the
table "client" (a list has 45 videos, 3 pages; nothing is cached) or "stalled", which
never answers.

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
# requests for the table "client".
sub gives
{
	my ($self, $what, $output, $requests, $test) = @_;
	my ($t, $stdout, $stderr) = ($self->t, '', '');
	my $before = $t->emulator->count('client');
	local %ENV = (
		%ENV,
		PGHOST     => '127.0.0.1',
		PGPORT     => $t->node->port,
		PGUSER     => $t->superuser,
		PGDATABASE => 'postgres',
		%{ $self->{environment} // {} });

	IPC::Run::run([ @{ $self->{command} }, $what ], '<', \undef, '>', \$stdout, '2>', \$stderr,
		IPC::Run::timeout($PostgreSQL::Test::Utils::timeout_default));
	chomp $stdout;

	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my $told = $t->emulator->count('client') - $before;
	return is("$stdout$stderr\n($told requests)", "$output\n($requests requests)", $test);
}

1;

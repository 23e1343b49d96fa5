
=pod

=head1 NAME

KeyapiSession - a psql that stays connected

=head1 SYNOPSIS

  my $session = KeyapiSession->new($t);      # $t: a KeyapiTest
  my $result = $session->run('SELECT 1;');   # { rows => '1', stderr => '' }

  $session->start('SELECT * FROM slow;');    # returns at once
  $t->emulator->await_stalled('slow', 1);
  $result = $session->finish;                # waits for its end

Rows and messages look like those of KeyapiTest::run, but a session goes on after an
error.  Statements must end with a semicolon.

=cut

package KeyapiSession;

use strict;
use warnings;

use Carp;
use IPC::Run;
use PostgreSQL::Test::Utils;
use Test::More;

# Connect.  dbname => NAME, env => { NAME => VALUE }: of psql
sub new
{
	my ($class, $t, %options) = @_;
	my $self = bless {
		test    => $t,
		in      => '',
		out     => '',
		err     => '',
		count   => 0,
		timer   => IPC::Run::timer($PostgreSQL::Test::Utils::timeout_default),
	}, $class;
	my @psql = (
		'psql', '-XAtq', '-f', '-', '-d',
		$t->node->connstr($options{dbname} // 'postgres'));

	local %ENV = (%ENV, %{ $options{env} // {} });
	$self->{psql} = IPC::Run::start(\@psql,
		'<', \$self->{in}, '>', \$self->{out}, '2>', \$self->{err},
		$self->{timer});
	$self->{pid} =
	  $self->run('\set VERBOSITY verbose' . "\nSELECT pg_backend_pid();")->{rows};
	croak "no session: $self->{err}" if $self->{pid} !~ /^\d+$/;
	return $self;
}

# Process id of the backend
sub pid { my ($self) = @_; return $self->{pid} }

# Send SQL without waiting for its end
sub start
{
	my ($self, $sql) = @_;
	my $marker = 'finished ' . ++$self->{count};

	$self->{timer}->start;
	$self->{in} .= "$sql\n\\echo '$marker'\n\\warn '$marker'\n";
	$self->{psql}->pump_nb;
	return;
}

# Wait for the end of what was started, or of the connection; returns a hash
# with rows and stderr
sub finish
{
	my ($self) = @_;
	my $marker = qr/^finished \Q$self->{count}\E\n/m;
	my %result;

	while ($self->{out} !~ $marker || $self->{err} !~ $marker)
	{
		croak "timed out; so far: $self->{out}$self->{err}"
		  if $self->{timer}->is_expired;
		last if !$self->{psql}->pumpable;
		$self->{psql}->pump;
	}
	@result{qw(rows stderr)} = @$self{qw(out err)};
	$self->{out} = $self->{err} = '';

	s/$marker// foreach values %result;
	chomp $result{rows};
	$result{stderr} =~ s/^psql:<stdin>:\d+: //gm;
	$result{stderr} =~ s/^LOCATION: .*\n?//gm;
	return \%result;
}

# Run SQL to its end
sub run
{
	my ($self, $sql) = @_;

	$self->start($sql);
	return $self->finish;
}

# Run SQL that must work, silently; returns its rows
sub sql
{
	my ($self, $sql) = @_;
	my $result = $self->run($sql);

	croak "$result->{stderr}\nwhile running: $sql" if $result->{stderr} ne '';
	return $result->{rows};
}

# SQLSTATE of the first error of a result, or ''
sub sqlstate
{
	my ($result) = @_;

	return $result->{stderr} =~ /^(?:ERROR|FATAL):\s+(\w{5}):/m ? $1 : '';
}

# Test that a result is nothing but an error of this SQLSTATE.
sub is_error
{
	my ($result, $sqlstate, $test) = @_;

	local $Test::Builder::Level = $Test::Builder::Level + 1;
	ok(sqlstate($result) eq $sqlstate && $result->{rows} eq '', $test)
	  or diag("wanted $sqlstate, got:\n", $result->{stderr}, $result->{rows});
	return;
}

# Test that the session still works: it can read all of this table, the list of
# a scenario without settings.
sub goes_on
{
	my ($self, $table) = @_;

	local $Test::Builder::Level = $Test::Builder::Level + 1;
	is($self->sql("SELECT count(*) FROM $table;"), '500', '... and the session goes on');
	return;
}

# Let another session cancel what the backend does, or end the backend.
sub cancel    { my ($self) = @_; return $self->{test}->sql("SELECT pg_cancel_backend($self->{pid})") }
sub terminate { my ($self) = @_; return $self->{test}->sql("SELECT pg_terminate_backend($self->{pid})") }

# Let psql die on the spot
sub kill
{
	my ($self) = @_;

	$self->{psql}->signal('KILL');
	$self->{psql}->finish;
	return;
}

# Disconnect
sub quit
{
	my ($self) = @_;

	$self->{in} .= "\\q\n";
	$self->{psql}->finish;
	return;
}

1;


=pod

=head1 NAME

KeyapiEmulator - start and control test/emulator/keyapi_emulator

=head1 SYNOPSIS

  my $emu = KeyapiEmulator->new;
  my $url = $emu->url('mytest;total=45');      # base_url of a server
  # ... queries ...
  is($emu->count('mytest'), 3, 'three requests');
  is($_->{status}, 200) foreach $emu->log('mytest');

The emulator ends with the object, or with this process at the latest.
test/emulator/README.md documents the scenarios.

=cut

package KeyapiEmulator;

use strict;
use warnings;

use Carp;
use Cwd            ();
use Encode         ();
use File::Basename ();
use HTTP::Tiny;
use IPC::Open2;
use POSIX ();

my @LOG_FIELDS = qw(sequence ms connection page region period order_by limit
  status query new_connection user_agent resumed key);

my %TSV_ESCAPES = (t => "\t", n => "\n", r => "\r", '\\' => '\\');

# Start an emulator; arguments of its command line may be given.
sub new
{
	my ($class, @arguments) = @_;
	my $home = File::Basename::dirname(Cwd::abs_path(__FILE__));
	my $program = $ENV{KEYAPI_EMULATOR}
	  // Cwd::abs_path("$home/../emulator") . '/keyapi_emulator';
	my $self = bless {
		owner => $$,
		http => HTTP::Tiny->new(timeout => 70, proxy => undef),
	}, $class;

	croak "$program is not there: make -C test/emulator" unless -x $program;

	# Its standard input ends when this process does, and so does it.
	$self->{pid} = open2($self->{out}, $self->{in}, $program, @arguments);
	while (defined(my $line = readline $self->{out}))
	{
		chomp $line;
		my ($name, $value) = $line =~ /^KEYAPI_EMULATOR_(\w+)=(.*)$/
		  or croak "unexpected line of the emulator: $line";
		return $self if $name eq 'READY';
		$self->{env}->{$name} = $value;
	}
	croak 'the emulator did not start';
}

# What the emulator printed: value('TLS_URL') for KEYAPI_EMULATOR_TLS_URL.
sub value
{
	my ($self, $name) = @_;
	return $self->{env}->{$name} // croak "no KEYAPI_EMULATOR_$name";
}

# base_url of a scenario, over HTTP, or HTTPS with the CA's certificate in ca()
sub url     { my ($self, $scenario) = @_; return $self->value('URL') . "/$scenario" }
sub tls_url { my ($self, $scenario) = @_; return $self->value('TLS_URL') . "/$scenario" }
sub ca      { my ($self) = @_; return $self->value('CA') }
sub pid     { my ($self) = @_; return $self->{pid} }

# A text as a value in a scenario, whatever its characters are: percent-encoded
# UTF-8, as RFC 3986 has it
sub percent
{
	my ($text) = @_;

	return Encode::encode('UTF-8', $text) =~
	  s/([^A-Za-z0-9._~-])/sprintf '%%%02X', ord $1/ger;
}

# Run a control command; returns the answer's text.
sub _control
{
	my ($self, $command) = @_;
	my $response = $self->{http}->get($self->value('URL') . "/_/$command");

	croak "$command: $response->{status} $response->{content}"
	  unless $response->{success};
	return $response->{content};
}

sub _number
{
	my ($self, $command) = @_;
	return $self->_control($command) + 0;
}

# Numbers of the scenario of that name (without its settings)
sub count       { my ($self, $name) = @_; return $self->_number("count/$name") }
sub connections { my ($self, $name) = @_; return $self->_number("connections/$name") }
sub open        { my ($self, $name) = @_; return $self->_number("open/$name") }
sub inflight    { my ($self, $name) = @_; return $self->_number("inflight/$name") }
sub peak        { my ($self, $name) = @_; return $self->_number("peak/$name") }
sub stalled     { my ($self, $name) = @_; return $self->_number("stalled/$name") }

sub reset   { my ($self, $name) = @_; $self->_control("reset/$name");   return }
sub release { my ($self, $name) = @_; $self->_control("release/$name"); return }

# Wait until $n requests have come, or are stalled, or in flight ($n = 0:
# until none is).  Dies after a minute.
sub await_requests
{
	my ($self, $name, $n) = @_;
	$self->_control("await/$name?requests=$n");
	return;
}

sub await_stalled
{
	my ($self, $name, $n) = @_;
	$self->_control("await/$name?stalled=$n");
	return;
}

sub await_inflight
{
	my ($self, $name, $n) = @_;
	$self->_control("await/$name?inflight=$n");
	return;
}

# The requests of a scenario, as hashes with the keys @LOG_FIELDS
sub log
{
	my ($self, $name) = @_;
	my @rows;

	foreach my $line (split /\n/, $self->_control("log/$name"))
	{
		my %row;

		@row{@LOG_FIELDS} = map { s/\\(.)/$TSV_ESCAPES{$1} \/\/ $1/ger }
		  split /\t/, $line, -1;
		push @rows, \%row;
	}
	return @rows;
}

# End the emulator.
sub stop
{
	my ($self) = @_;

	return if !$self->{pid} || $self->{owner} != $$;
	local ($?, $!);
	close $self->{in};
	waitpid $self->{pid}, 0;
	$self->{status} = $?;
	delete $self->{pid};
	return;
}

sub DESTROY { my ($self) = @_; return $self->stop }

1;

# Servers that cannot be reached, cannot be trusted, or take too long

use strict;
use warnings;

use IO::Socket::INET;
use Test::More;

use KeyapiSession;
use KeyapiTest;

# Nobody listens on this port, as long as the socket lives.
my $closed = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Proto => 'tcp')
  or die "no socket: $@";

# The kernel accepts connections on this one, and nobody reads them.
my $silent = listener(16);

# On this one, the kernel accepts no connection any more.
my $full = listener(0);
my @connected = fill($full);

my $t = KeyapiTest->new;
my $emulator = $t->emulator;
my $ca_file = $t->file('ca.pem', PostgreSQL::Test::Utils::slurp_file($emulator->ca));
my $no_ca_file = $t->file('none.pem', "nothing\n");
my $port = sub { $emulator->value($_[0]) =~ /:(\d+)$/ ? $1 : die };

# What the server's environment says of proxies must not matter.
{
	local @ENV{qw(http_proxy https_proxy ALL_PROXY)} = ('http://' . address($closed)) x 3;
	$t->node->restart;
}
$t->scenario('good');

my $session = KeyapiSession->new($t);

# Make server and table "net" anew, with these options.
sub use_server
{
	my (%options) = @_;

	$session->sql(<<'END' =~ s/OPTIONS_HERE/join ', ', map { "$_ '$options{$_}'" } sort keys %options/er);
SET client_min_messages = warning;
DROP SERVER IF EXISTS net CASCADE;
CREATE SERVER net FOREIGN DATA WRAPPER keyapi_fdw OPTIONS (OPTIONS_HERE);
CREATE USER MAPPING FOR PUBLIC SERVER net OPTIONS (api_key 'sk_live_test');
CREATE FOREIGN TABLE net (rank integer) SERVER net OPTIONS (region 'US');
RESET client_min_messages;
END
	$t->fail_at_once('net');
	return;
}

# Test that a query with these options of the server fails so.
sub fails_with
{
	my ($options, $sqlstate, $text, $test, $page) = @_;

	use_server(%$options);
	my $result = $session->run('SELECT * FROM net;');
	my $works = $session->run('SELECT count(*) FROM (SELECT FROM good LIMIT 5) s;');
	my $place = 'page ' . ($page // 1);

	ok( KeyapiSession::sqlstate($result) eq $sqlstate
		  && $result->{stderr} =~ /^ERROR: .*$text.*\nDETAIL: .*, $place\b.*\.\n(?:The statement has spent \d+ credits\.\n)?HINT: /
		  && $result->{rows} eq ''
		  && $works->{rows} eq '5',
		$test)
	  or diag($result->{stderr}, $result->{rows}, $works->{stderr});
	return;
}

sub works_with
{
	my ($options, $test) = @_;

	use_server(%$options);
	is($session->sql('SELECT count(*) FROM net;'), '45', $test);
	return;
}

#
# Unreachable
#
fails_with({ base_url => 'http://' . address($closed) },
	'08001', qr/could not connect to the API: Failed to connect/, 'connection refused');
fails_with(
	{ base_url => $emulator->url('net'), proxy => 'http://' . address($closed) },
	'08001', qr/could not connect to the API: Failed to connect/, 'connection to the proxy refused');
fails_with({ base_url => 'https://no-such-host.invalid', connect_timeout => '2s' },
	'08001', qr/could not connect to the API: .*resolve/, 'no such host');

#
# Not trusted
#
my @certificates = (
	[ 'TLS_URL',            '/dev/null', qr/./,       'empty ca_file' ],
	[ 'TLS_URL',            $no_ca_file, qr/./,       'bad ca_file' ],
	[ 'TLS_EXPIRED_URL',    $ca_file,    qr/expired.* \(on .*20\d\d.* GMT\)/, 'certificate expired' ],
	[ 'TLS_WRONG_HOST_URL', $ca_file,    qr/name|subject|127\.0\.0\.1/, 'other host' ]);
my $tls = qr/could not establish a secure connection to the API: /;

works_with({ base_url => $emulator->tls_url('tls;total=45'), ca_file => $ca_file },
	'certificate of an authority in ca_file');
works_with(
	{
		base_url => $emulator->tls_url('tls;total=45') =~ s/127\.0\.0\.1/localhost/r,
		ca_file => $ca_file
	},
	'... for a name');
fails_with({ base_url => $emulator->tls_url('distrust') },
	'08001', qr/$tls.*certificate/, 'authority is not known');
foreach (@certificates)
{
	my ($url, $ca, $text, $test) = @$_;

	fails_with({ base_url => $emulator->value($url) . '/distrust', ca_file => $ca },
		'08001', qr/$tls.*$text/, $test);
}
fails_with(
	{
		base_url => $emulator->value('TLS_EXPIRED_URL') . '/distrust',
		ca_file  => $ca_file,
		proxy    => $emulator->value('PROXY')
	},
	'08001', qr/$tls.*expired.* \(on .*20\d\d.* GMT\)/, '... behind a proxy');
like($session->run('SELECT * FROM net;')->{stderr}, qr/^HINT: .*operator must renew/m,
	'... which no option helps against');
is($emulator->count('distrust'), 0, 'no request is sent to a server that is not trusted');

fails_with({ base_url => 'https://127.0.0.1:' . $port->('URL') . '/distrust' },
	'08001', $tls, 'TLS with a server that does not know it');

# On a port with which no handshake has come to its end, because libcurl 8.14
# sends clear text requests over TLS, if such a connection is idle.
fails_with({ base_url => 'http://127.0.0.1:' . $port->('TLS_EXPIRED_URL') . '/distrust' },
	'08006', qr/broke/, 'clear text with a server that wants TLS');

#
# Too slow
#
my %short = (connect_timeout => '300ms');

fails_with({ base_url => 'http://' . address($full), %short },
	'08001', qr/Not connected after 0\.3 s/, 'connecting takes too long');
fails_with({ base_url => 'https://' . address($silent), %short },
	'08001', qr/Handshake not complete after 0\.3 s/, 'the handshake takes too long');

%short = (request_timeout => '300ms');
fails_with({ base_url => 'http://' . address($full), %short },
	'08001', qr/Not connected after 0\.3 s/, 'request_timeout includes connecting');
fails_with({ base_url => 'http://' . address($silent), %short },
	'08006', qr/timed out: No response after 0\.3 s/, 'no response');

my @delays = (
	[ 'stall',                   qr/No response/,           'before the response' ],
	[ 'stall,at=headers',        qr/Response not complete/, 'in the headers' ],
	[ 'stall,at=body',           qr/Response not complete/, 'in the body' ],
	[ 'drip,at=headers,ms=99,bytes=20',  qr/Response not complete/, 'headers drip' ],
	[ 'drip,at=body,ms=20',      qr/Response not complete/, 'the body drips' ],
	[ 'latency,ms=60000',        qr/No response/,           'delayed' ],
	[ 'stall,at=body', qr/Response not complete/, 'a later page', 3 ]);

foreach (@delays)
{
	my ($fault, $text, $test, $page) = @$_;

	$page //= 1;
	fails_with(
		{
			base_url => $emulator->url("slow;fault=$fault,page=$page"),
			request_timeout => $page == 1 ? '300ms' : '2s'
		},
		'08006', qr/timed out: $text after/, $test, $page);
}

# What takes long together is not too slow.
works_with(
	{
		base_url => $emulator->url('steady;total=45;latency=400'),
		request_timeout => '1100ms'
	},
	'request_timeout is for one request');

is($session->sql('SELECT pg_backend_pid();'), $session->pid, 'one session saw it all');
$session->quit;
$t->stop;
done_testing();

sub listener
{
	my ($backlog) = @_;

	return IO::Socket::INET->new(
		LocalAddr => '127.0.0.1',
		Proto     => 'tcp',
		Listen    => $backlog) // die "no listener: $@";
}

sub address
{
	my ($socket) = @_;

	return '127.0.0.1:' . $socket->sockport;
}

# Connect until the kernel answers no more; returns the connections.
sub fill
{
	my ($socket) = @_;
	my @connections;

	do
	{
		push @connections,
		  IO::Socket::INET->new(PeerAddr => address($socket), Timeout => 1);
	} while (defined $connections[-1] && @connections < 16);
	return @connections;
}

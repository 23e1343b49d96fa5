# A resolver that does not answer can be interrupted, and times out.  A host may
# have an address that does not answer.

use strict;
use warnings;

use IO::Socket::INET;
use Test::More;

use KeyapiSession;
use KeyapiTest;

# A lookup of a name below .stalled makes a file and never ends, one below .absent
# fails at once, and the hosts below .two have the addresses 127.0.0.2 and 127.0.0.1,
# in this order.  A preloaded library does that, because only root could configure
# another resolver.
my $t = KeyapiTest->new;
my $emulator = $t->emulator;
my $marker = $t->path('looking_up');
my $stub = build_stub($marker);
{
	local $ENV{LD_PRELOAD} = $stub;
	$t->node->restart;
}
$t->scenario('good');
$t->scenario('lost');
$t->sql(<<'END');
ALTER SERVER lost OPTIONS (SET base_url 'https://api.stalled',
	ADD connect_timeout '1h', ADD request_timeout '1h')
END

test_cancel();
test_many_cancels();
test_timeouts();
test_two_addresses();
test_terminate();
$t->stop;
done_testing();

sub build_stub
{
	my ($file) = @_;
	my $source = $t->path('stub.c');
	my $library = $t->path('stub.so');

	PostgreSQL::Test::Utils::append_to_file($source, <<"END");
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <netdb.h>
#include <string.h>
#include <unistd.h>

int
getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
			struct addrinfo **result)
{
	int			(*original) (const char *, const char *, const struct addrinfo *,
							 struct addrinfo **);
	const char *dot = node == NULL ? NULL : strrchr(node, '.');
	int			error;

	*(void **) &original = dlsym(RTLD_NEXT, "getaddrinfo");
	if (dot != NULL && strcmp(dot, ".stalled") == 0)
	{
		close(open("$file", O_CREAT | O_WRONLY, 0600));
		for (;;)
			pause();
	}
	if (dot != NULL && strcmp(dot, ".absent") == 0)
		return EAI_NONAME;
	if (dot != NULL && strcmp(dot, ".two") == 0)
	{
		error = original("127.0.0.2", service, hints, result);
		return error != 0 ? error :
			original("127.0.0.1", service, hints, &(*result)->ai_next);
	}
	return original(node, service, hints, result);
}
END
	PostgreSQL::Test::Utils::system_or_bail($ENV{CC} // 'cc', '-shared', '-fPIC',
		'-o', $library, $source, '-ldl');
	return $library;
}

# A session whose query waits for the resolver
sub waiting_session
{
	my $session = KeyapiSession->new($t);

	unlink $marker;
	$session->start('SELECT count(*) FROM lost;');
	$t->await(
		"SELECT (pg_stat_file('$marker', true)).size IS NOT NULL",
		'no name is looked up');
	return $session;
}

sub test_cancel
{
	my $session = waiting_session();

	$session->cancel;
	KeyapiSession::is_error($session->finish, '57014', 'cancelled while a name is looked up');
	$session->goes_on('good');
	$session->quit;
	return;
}

# Lookups that hang, though nobody waits for them any more, get in nobody's way.
sub test_many_cancels
{
	my $session = KeyapiSession->new($t);
	my $result;

	$t->server('absent');
	$t->mapping('absent');
	$t->import_table('absent');
	$t->fail_at_once('absent');
	$t->sql(q{ALTER SERVER absent OPTIONS (SET base_url 'https://api.absent', ADD connect_timeout '10s')});
	$session->sql(q{SET statement_timeout = '50ms';});
	KeyapiSession::is_error($session->run('SELECT count(*) FROM lost;'), '57014', 'a lookup hangs')
	  foreach 1 .. 25;
	$session->sql('RESET statement_timeout;');
	$result = $session->run('SELECT count(*) FROM absent;');
	KeyapiSession::is_error($result, '08001', '... and another name is looked up nevertheless');
	like($result->{stderr}, qr/resolve host/, '... with an answer');
	$session->quit;
	return;
}

# The second address is tried while there is time, as curl --connect-timeout does.  The
# host is a proxy's: the emulator has a certificate for an address.
sub test_two_addresses
{
	my ($port) = $emulator->value('PROXY') =~ /:(\d+)$/;
	my $ca_file = $t->file('ca.pem', PostgreSQL::Test::Utils::slurp_file($emulator->ca));
	my $silent = IO::Socket::INET->new(LocalAddr => '127.0.0.2', LocalPort => $port, Listen => 0);
	my @connections;

  SKIP:
	{
		skip "no listener on 127.0.0.2: $@", 3 if !defined $silent;

		# the kernel accepts no more connections there
		do
		{
			push @connections,
			  IO::Socket::INET->new(PeerAddr => "127.0.0.2:$port", Timeout => 1);
		} while (defined $connections[-1] && @connections < 16);

		$t->scenario('two', 'total=15');
		$t->fail_at_once('two');
		$t->sql("ALTER SERVER two OPTIONS (SET base_url '" . $emulator->tls_url('two;total=15')
			  . "', ADD proxy 'http://api.two:$port', ADD ca_file '$ca_file', ADD connect_timeout '4s')");
		$t->answers('two', 'SELECT count(*) FROM two', 15, 1, 'a host whose first address is silent');
		$t->sql(q{ALTER SERVER two OPTIONS (SET connect_timeout '1h', ADD request_timeout '4s')});
		$t->answers('two', 'SELECT count(*) FROM two', 15, 1, '... and a request that may take less than connecting');

		# without a second address
		$t->sql("ALTER SERVER two OPTIONS (SET proxy 'http://127.0.0.2:$port', SET connect_timeout '300ms')");
		$t->fails('two', 'SELECT count(*) FROM two', '08001', qr/Not connected after 0\.3 s/,
			'... and one that has no other', requests => 0);
	}
	return;
}

sub test_timeouts
{
	my $session = KeyapiSession->new($t);
	my $result;

	$session->sql(q{SET statement_timeout = '300ms';});
	KeyapiSession::is_error($session->run('SELECT count(*) FROM lost;'), '57014',
		'statement_timeout while a name is looked up');
	$session->sql('RESET statement_timeout;');

	$t->sql(q{ALTER SERVER lost OPTIONS (SET connect_timeout '300ms', ADD max_retries '0')});
	$result = $session->run('SELECT count(*) FROM lost;');
	KeyapiSession::is_error($result, '08001', 'connect_timeout while a name is looked up');
	like($result->{stderr}, qr/Host name not resolved after 0\.3 s/, '... says so');
	$t->sql(q{ALTER SERVER lost OPTIONS (SET connect_timeout '1h')});
	$session->goes_on('good');
	$session->quit;
	return;
}

sub test_terminate
{
	my $session = waiting_session();

	$session->terminate;
	KeyapiSession::is_error($session->finish, '57P01', 'terminated while a name is looked up');
	$session->quit;
	return;
}

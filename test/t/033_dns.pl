# A resolver that does not answer can be interrupted, and times out.

use strict;
use warnings;

use Test::More;

use KeyapiSession;
use KeyapiTest;

# A lookup of a name below .stalled makes a file and never ends.  A preloaded library
# does that, because only root could configure another resolver.
my $t = KeyapiTest->new;
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
test_timeouts();
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

	if (dot != NULL && strcmp(dot, ".stalled") == 0)
	{
		close(open("$file", O_CREAT | O_WRONLY, 0600));
		for (;;)
			pause();
	}
	*(void **) &original = dlsym(RTLD_NEXT, "getaddrinfo");
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

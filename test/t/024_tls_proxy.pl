# TLS as a whole: its floor, sessions that are resumed; and proxies

use strict;
use warnings;

use Test::More;

use KeyapiSession;
use KeyapiTest;

my $t = KeyapiTest->new;
my $emulator = $t->emulator;
my $ca_file = $t->file('ca.pem', PostgreSQL::Test::Utils::slurp_file($emulator->ca));

# TLS 1.1 is refused.
use_url('old', $emulator->value('TLS_OLD_URL') . '/old');
$t->fail_at_once('old');
$t->fails('old', 'SELECT * FROM old', '08001',
	qr/could not establish a secure connection/, 'TLS 1.1 is too old', requests => 0);

# A scan that opens connections resumes the TLS session of an earlier scan's.  The
# emulator gives two tickets with a TLS 1.3 session; newer libcurls use each once.
use_url('resumed', $emulator->tls_url('resumed;total=200;latency=50'));
$t->one_by_one('resumed');
my $session = KeyapiSession->new($t);
is($session->sql('SELECT count(*) FROM resumed WHERE rank <= 20;'), '20', 'a first scan');
$t->sql(q{ALTER SERVER resumed OPTIONS (SET max_concurrency '3')});
is($session->sql('SELECT count(*) FROM resumed;'), '200', '... and one with more connections');
my @new = grep { $_->{new_connection} } $emulator->log('resumed');
like(join(' ', map { $_->{resumed} } @new), qr/^0 .*1/,
	'the first TLS session is resumed (TLS 1.3: once for each ticket)');
$session->quit;

# One connection over several statements
use_url('kept', $emulator->tls_url('kept;total=45'));
$session = KeyapiSession->new($t);
$session->sql('SELECT count(*) FROM kept WHERE rank <= 20;') foreach 1 .. 5;
is(scalar(grep { $_->{new_connection} } $emulator->log('kept')), 1,
	'a TLS connection is kept over statements');
$session->quit;

# A proxy: https:// through CONNECT, so that it sees no key
foreach my $scheme ('url', 'tls_url')
{
	my $name = "by_proxy_$scheme";

	use_url($name, $emulator->$scheme("$name;total=45"));
	$t->sql("ALTER SERVER $name OPTIONS (ADD proxy '" . $emulator->value('PROXY') . q{')});
	$t->answers($name, "SELECT count(*) FROM $name", '45', 3, "a proxy: $scheme");
}

$t->stop;
done_testing();

# A scenario whose server has this base_url and trusts the emulator
sub use_url
{
	my ($name, $url) = @_;

	$t->scenario($name);
	$t->sql("ALTER SERVER $name OPTIONS (SET base_url '$url', ADD ca_file '$ca_file')");
	return;
}

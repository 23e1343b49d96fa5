
# keyapi_fdw.log_requests: one line for each request, which programs can read and which
# shows no key, whatever the API sends.

use strict;
use warnings;

use Test::More;

use KeyapiSession;
use KeyapiTest;

my $quoted = qr/"(?:[^"\\]|\\["\\])*"/;
my @patterns = (
	server => $quoted,
	endpoint => '"tiktok/trending/videos"',
	list => '"[\w.&=%-]*"',
	page => '\d+',
	status => '\d+',
	code => '-?\d+',
	ms => '\d+\.\d',
	bytes => '\d+',
	credits => '[02]',
	attempt => '\d+',
	request_id => $quoted,
	error => $quoted);
my @fields = @patterns[ grep { $_ % 2 == 0 } 0 .. $#patterns ];
my $line = join ' ', map { "$patterns[$_]=($patterns[$_ + 1])" } grep { $_ % 2 == 0 } 0 .. $#patterns;

my $t = KeyapiTest->new(conf => KeyapiTest->preloaded . "keyapi_fdw.log_requests = all\n");

test_page();
test_settings();
test_every_request();
test_hostile();
$t->stop;

unlike($t->server_log, qr/sk_live_test.*keyapi_fdw request|keyapi_fdw request.*sk_live_test/, 'no key in any line');
done_testing();

# The lines of a server, as hashes
sub lines_of
{
	my ($server) = @_;
	my @lines;

	foreach my $text (grep { /^[^"]{1,80} LOG:  keyapi_fdw request:/ } split /\n/, $t->server_log)
	{
		my %fields;

		@fields{@fields} = $text =~ /^[^"]* LOG:  keyapi_fdw request: $line$/ or die "not a line of the log: $text";
		push @lines, \%fields if $fields{server} eq "\"$server\"";
	}
	return @lines;
}

sub test_page
{
	$t->scenario('one');
	$t->one_by_one('one');
	$t->sql('SELECT count(*) FROM one WHERE rank BETWEEN 21 AND 60');
	my @lines = lines_of('one');

	is(join(' ', map { "$_->{page},$_->{status},$_->{credits},$_->{attempt},$_->{error}" } @lines),
		'2,200,2,1,"" 3,200,2,1,""', 'two pages');
	is($lines[0]{list}, '"region=US&period=7&order_by=vv&limit=20"', '... of a list');
	cmp_ok($lines[0]{bytes}, '>', 1000, '... have bytes');
	isnt($lines[0]{request_id}, '""', '... have an id');
	return;
}

# Which requests are logged, and who decides that
sub test_settings
{
	$t->scenario('partly', 'total=45;fault=status,code=500,page=2,try=1');
	$t->one_by_one('partly');
	$t->sql('SET keyapi_fdw.log_requests = failures; SELECT count(*) FROM partly');
	is(join(' ', map { "$_->{page},$_->{status},$_->{error}" } lines_of('partly')),
		'2,500,"the API failed to answer a request"', 'failures');
	$t->sql('SET keyapi_fdw.log_requests = none; SELECT count(*) FROM partly');
	is(scalar(lines_of('partly')), 1, 'none');
	$t->sql('CREATE ROLE curious LOGIN');
	$t->fails('partly', "SET keyapi_fdw.log_requests = 'none'", 42501, qr/log_requests/,
		'only a superuser sets it', as => 'curious');
	return;
}

# As many lines as the API counts, whatever becomes of the requests
sub test_every_request
{
	my $session = KeyapiSession->new($t);
	my $ending = KeyapiSession->new($t);
	my %scenarios = (
		errors => 'fault=status,code=500,nth=2;fault=status,code=429,after=1,nth=4;fault=reset,nth=6;fault=html,nth=9',
		timeouts => 'total=60;fault=stall,nth=2-3',
		refused => 'key=other',
		empty => 'quota=3');

	foreach my $name (sort keys %scenarios)
	{
		$t->scenario($name, $scenarios{$name});
		$t->sql("ALTER SERVER $name OPTIONS (ADD request_timeout '300ms', ADD max_retry_wait '2s')") if $name eq 'timeouts';
		$t->run("SELECT count(*) FROM $name");
		$t->emulator->release($name);
	}

	$t->scenario('cancelled', 'fault=stall,page=3');
	$session->start('SELECT count(*) FROM cancelled;');
	$t->emulator->await_stalled('cancelled', 1);
	$session->cancel;
	$session->finish;
	$scenarios{cancelled} = 1;
	like(join(' ', map { "$_->{status},$_->{error}" } lines_of('cancelled')),
		qr/0,"the query did not wait for the answer"/, 'a request that is cancelled');

	$t->scenario('terminated', 'fault=stall,page=2-5');
	$ending->start('SELECT count(*) FROM terminated;');
	$t->emulator->await_stalled('terminated', 3);
	$ending->terminate;
	$ending->finish;
	$scenarios{terminated} = 1;

	foreach my $name (sort keys %scenarios)
	{
		is(scalar(grep { $_->{credits} } lines_of($name)), $t->emulator->count($name), "all requests of $name");
	}

	$t->scenario('unsent');
	$t->fail_at_once('unsent');
	$t->sql("ALTER SERVER unsent OPTIONS (SET base_url '" . $t->emulator->value('REFUSED_URL') . "')");
	$t->run('SELECT count(*) FROM unsent');
	like(join(' ', map { "$_->{status},$_->{credits},$_->{error}" } lines_of('unsent')),
		qr/^0,0,"could not connect to the API: /, 'one that is not sent costs nothing');
	$_->quit foreach $session, $ending;
	return;
}

# What the API sends breaks no line and shows no key.
sub test_hostile
{
	my $body = '{"code":500,"message":"x\"\nLOG:  keyapi_fdw request: server=\"evil\"","requestId":'
	  . '"sk_live_test\" \\\\ \u2028\u0085\nLOG:  keyapi_fdw request: server=\"evil\""}';
	my $encoded = join '', map { sprintf '%%%02x', ord } split //, $body;
	my $name = "a \"b\\ \n=";

	$t->scenario('hostile', "fault=body,message=$encoded;fault=ok");
	$t->fail_at_once('hostile');
	$t->sql('ALTER SERVER hostile RENAME TO "' . $name =~ s/"/""/gr . '"');
	$t->run('SELECT count(*) FROM hostile');
	my @lines = lines_of('a \"b\\\\  =');

	is(scalar(@lines), 1, 'a server with a strange name');
	is($lines[0]{request_id}, '"***\\" \\\\ ????? LOG:  keyapi_fdw request: server=\\"evil\\""', '... whose API sends a strange id')
	  if @lines;
	is(scalar(lines_of('evil')), 0, '... which is no line of its own');

	$t->scenario('echoing', 'echo;key=sk_live_test');
	$t->sql('SELECT count(*) FROM echoing WHERE rank <= 20');
	like((lines_of('echoing'))[0]{request_id}, qr/\*\*\*/, 'an API that echoes the key');
	return;
}

# Three servers behind one nginx (doc/scaling-out.md): what one of them has paid
# for, the others have for nothing.

use strict;
use warnings;

use IO::Socket::INET;
use IPC::Run;
use PostgreSQL::Test::Utils;
use Test::More;

use KeyapiDocuments;
use KeyapiSession;
use KeyapiTest;

my $SCENARIO = 'shared';

my $port = PostgreSQL::Test::Cluster::get_free_port();
my @servers = KeyapiTest->new(conf => KeyapiTest->shared, name => 'server1');
push @servers, map {
	KeyapiTest->new(conf => KeyapiTest->shared, name => "server$_", emulator => $servers[0]->emulator)
} 2 .. 3;
my $nginx = start_nginx();

make_table($_) foreach @servers;
test_cold_list();
test_warm_list();
test_fresh_list();
test_failures();
test_accounts();

$nginx->signal('QUIT');
$nginx->finish;
$_->node->stop foreach @servers;
$servers[0]->emulator->stop;
done_testing();

# nginx with the configuration of the recipe, between us and the emulator
sub start_nginx
{
	my $directory = PostgreSQL::Test::Utils::tempdir();
	my ($api) = $servers[0]->url($SCENARIO) =~ m{^(http://[^/]+)/};
	my ($recipe) = map { $_->{text} } grep { $_->{mark} eq 'conf (nginx)' }
	  KeyapiDocuments->new('doc/scaling-out.md')->blocks;
	my $temporary = join '', map { "${_}_temp_path $directory/$_;\n" }
	  qw(client_body proxy fastcgi uwsgi scgi);
	my $process;

	$recipe =~ s{/var/cache/nginx/keyapi}{$directory/cache};
	$recipe =~ s{listen 127\.0\.0\.1:8080}{listen 127.0.0.1:$port};
	$recipe =~ s{https://api\.keyapi\.ai}{$api};
	PostgreSQL::Test::Utils::append_to_file("$directory/nginx.conf", <<"END");
daemon off;
master_process off;
pid $directory/pid;
error_log $directory/error.log;
events {}
http {
access_log off;
$temporary
$recipe
}
END
	$process = IPC::Run::start([ nginx_program(), '-e', "$directory/error.log", '-c', "$directory/nginx.conf" ]);
	await_port($process);
	return $process;
}

sub nginx_program
{
	my ($program) = grep { -x } map { "$_/nginx" } qw(/usr/sbin /usr/local/sbin /usr/bin);

	return $program // die 'no nginx';
}

sub await_port
{
	my ($process) = @_;

	foreach (1 .. 10 * $PostgreSQL::Test::Utils::timeout_default)
	{
		die 'nginx has ended' if !$process->pumpable;
		return if IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port);
		select undef, undef, undef, 0.1;
	}
	die 'nginx does not listen';
}

sub make_table
{
	my ($server) = @_;
	my ($recipe) = map { $_->{text} } grep { $_->{mark} eq 'sql (behind the cache)' }
	  KeyapiDocuments->new('doc/scaling-out.md')->blocks;

	$recipe =~ s{127\.0\.0\.1:8080}{127.0.0.1:$port/$SCENARIO;key=any};
	$server->sql(<<"END");
CREATE SERVER keyapi FOREIGN DATA WRAPPER keyapi_fdw;
CREATE USER MAPPING FOR PUBLIC SERVER keyapi OPTIONS (api_key 'sk_live_test');
IMPORT FOREIGN SCHEMA tiktok FROM SERVER keyapi INTO public;
$recipe
END
	return;
}

# What the servers have booked: requests and credits
sub bills
{
	my ($requests, $credits) = (0, 0);

	foreach my $server (@servers)
	{
		my @bill = split /\|/, $server->sql('SELECT sum(requests), sum(credits) FROM keyapi_fdw_stats');

		$requests += $bill[0] || 0;
		$credits += $bill[1] || 0;
	}
	return "$requests requests, $credits credits";
}

# Run a query on all servers at the same time; returns their answers.
sub on_all
{
	my ($query) = @_;
	my @sessions = map { KeyapiSession->new($_) } @servers;
	my @answers;

	$_->start($query) foreach @sessions;
	@answers = map { $_->finish } @sessions;
	$_->quit foreach @sessions;
	return join ',', map { $_->{rows} . $_->{stderr} } @answers;
}

sub asked
{
	return $servers[0]->emulator->count($SCENARIO);
}

sub forget
{
	$_->sql('SELECT keyapi_fdw_stats_reset(), keyapi_fdw_cache_clear()') foreach @servers;
	$servers[0]->emulator->reset($SCENARIO);
	return;
}

sub test_cold_list
{
	is(on_all('SELECT count(*), count(DISTINCT id) FROM tiktok_trending;'),
		'500|500,500|500,500|500', 'a cold list on three servers at once');
	is(asked(), 25, '... is 25 requests at the API');
	is(bills(), '75 requests, 50 credits', '... of which 25 are billed in all');
	return;
}

sub test_warm_list
{
	forget();
	is($servers[1]->sql('SELECT count(*) FROM tiktok_trending'), '500', 'a list that the cache has');
	is(asked(), 0, '... costs no request at the API');
	is(bills(), '25 requests, 0 credits', '... and nothing');
	is($servers[1]->sql('SELECT count(*) FROM tiktok_trending'), '500', 'once more');
	is(bills(), '25 requests, 0 credits', '... it is in the cache of the server, too');
	return;
}

sub test_fresh_list
{
	forget();
	is($servers[2]->sql('SET keyapi_fdw.max_age = 0; SELECT count(*) FROM tiktok_trending WHERE rank <= 20'),
		'20', 'what is wanted anew');
	is(asked(), 1, '... is asked of the API');
	is(bills(), '1 requests, 2 credits', '... and costs');
	is($servers[0]->sql('SELECT count(*) FROM tiktok_trending WHERE rank <= 20'), '20', 'the others have it then');
	is(asked(), 1, '... for nothing');
	return;
}

# The API wraps its failure in a good status: nginx keeps it.
sub test_failures
{
	my $list = q{SELECT count(*) FROM tiktok_trending WHERE region = 'FR' AND rank <= 20};
	my $url = "http://127.0.0.1:$port/$SCENARIO;key=any";

	forget();
	$_->sql("ALTER SERVER keyapi OPTIONS (SET base_url '$url;fault=code,code=400,nth=1', ADD max_retries '0')")
	  foreach @servers;
	like($servers[0]->run($list)->{stderr}, qr/^ERROR:  22023:/, 'the API refuses a page, with status 200');
	is($servers[1]->sql($list), '20', 'the next server is not told so by the cache');
	is(asked(), 2, '... for it asks the API');
	is($servers[2]->sql($list), '20', 'nor the third');
	is(asked(), 2, '... which has the page from the cache');
	$_->sql("ALTER SERVER keyapi OPTIONS (SET base_url '$url', DROP max_retries)") foreach @servers;
	return;
}

sub test_accounts
{
	forget();
	$servers[1]->sql(q{ALTER USER MAPPING FOR PUBLIC SERVER keyapi OPTIONS (SET api_key 'sk_live_other')});
	is($servers[1]->sql('SELECT count(*) FROM tiktok_trending WHERE rank <= 20'), '20', 'another account');
	is(asked(), 1, '... pays for itself');
	return;
}

#!/usr/bin/perl

# The emulator's rules and faults, seen from outside.

use strict;
use warnings;

use HTTP::Tiny;
use IO::Select;
use IO::Socket::INET;
use IO::Uncompress::Gunzip qw(gunzip $GunzipError);
use JSON::PP;
use Socket qw(SOL_SOCKET SO_ERROR);
use Test::More;
use Time::HiRes qw(time);

use KeyapiEmulator;

my $KEY = 'sk_live_test';
my $emu = KeyapiEmulator->new;
my $http = HTTP::Tiny->new(
	timeout => 30,
	default_headers => { Authorization => "Bearer $KEY" });

sub path { my ($scenario, $query) = @_; return "/$scenario/v1/tiktok/trending/videos?" . ($query // '') }

# One answer by an ordinary client, and its document
sub get
{
	my ($scenario, $query, %headers) = @_;
	return $http->get($emu->value('URL') . path($scenario, $query),
		{ headers => \%headers });
}

sub page { my ($scenario, $query) = @_; return decode_json(get($scenario, $query)->{content}) }
sub videos { my ($scenario, $query) = @_; return @{ page($scenario, $query)->{data}{videos} } }
sub ids { my ($scenario, $query) = @_; return map { $_->{id} } videos($scenario, $query) }
sub status { my ($scenario, $query) = @_; return get($scenario, $query)->{status} }

# A connection of our own
sub dial
{
	my ($url) = @_;
	my ($address) = ($url // $emu->value('URL')) =~ m{//(.*)};
	return IO::Socket::INET->new(PeerAddr => $address, Timeout => 10)
	  // die "cannot connect to $address: $!";
}

sub ask
{
	my ($socket, $scenario, $query, $header) = @_;
	print $socket 'GET ' . path($scenario, $query) . " HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer $KEY\r\n" . ($header // '') . "\r\n";
	$socket->flush;
	return $socket;
}

# All that comes until the end, and the error it ends with
sub drain
{
	my ($socket) = @_;
	my ($bytes, $got) = ('');

	while (1)
	{
		IO::Select->new($socket)->can_read(20) or return ($bytes, 'hangs');
		$got = sysread $socket, $bytes, 65536, length $bytes;
		last unless $got;
	}
	return ($bytes, defined $got ? '' : "$!");
}

sub raw { my ($scenario, $query) = @_; return drain(ask(dial(), $scenario, $query)) }

subtest 'lists and pages' => sub {
	my $doc = page('rules');
	my $video = $doc->{data}{videos}[0];

	is($doc->{code}, 0, 'code');
	is_deeply(
		$doc->{data}{pagination},
		{ has_more => JSON::PP::true, limit => 20, page => 1, total_count => 500 },
		'pagination');
	is(scalar @{ $doc->{data}{videos} }, 20, 'videos');
	like($doc->{requestId}, qr/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/, 'request id');
	isnt(page('rules')->{requestId}, $doc->{requestId}, 'another request, another id');
	is_deeply([ sort keys %$video ],
		[qw(country_code cover duration id item_id item_url region title)], 'fields');
	like($video->{id}, qr/^\d{19}$/, 'id');
	is($video->{item_id}, $video->{id}, 'item_id');
	is($video->{region}, 'United States', 'display name');
	is($video->{item_url}, "https://www.tiktok.com/\@mnm_pipi/video/$video->{id}", 'item_url');
	cmp_ok($video->{id} >> 32, '>', 1_700_000_000, 'upload time is in the id');
	my ($expires) = $video->{cover} =~ /x-expires=(\d+)/;
	cmp_ok(abs($expires - time - 6 * 3600), '<=', 700, 'cover expires in six hours');

	is(page('rules', 'limit=50')->{data}{pagination}{limit}, 20, 'limit is clamped');
	is(scalar videos('rules', 'limit=3'), 3, 'a small limit');
	is(page('rules', 'page=25')->{data}{pagination}{has_more}, JSON::PP::false, 'last page');
	is(scalar videos('rules', 'page=26'), 0, 'beyond the end');
	is(scalar videos('rules', 'region=ZZ'), 0, 'the empty list');
	is_deeply([ ids('rules', 'page=2&limit=3') ], [ (ids('rules'))[ 3 .. 5 ] ], 'pages of a list');
	is((videos('rules', 'region=FR'))[0]{country_code}, 'FR', 'country_code');
	is((videos('rules', 'region=f%C3%B6'))[0]{country_code}, 'F??', 'odd regions are answered');

	my %seen;
	foreach my $region (qw(US us GB))
	{
		foreach my $period (7, 30)
		{
			foreach my $order (qw(vv like comment repost))
			{
				$seen{$_}++ foreach ids('rules', "region=$region&period=$period&order_by=$order");
			}
		}
	}
	is(scalar keys %seen, 3 * 8 * 20, 'ids are unique over lists');

	foreach my $query ('period=8', 'order_by=v', 'order_by=', 'page=0', 'page=x', 'limit=0', 'region=')
	{
		is(status('rules', $query), 400, "400 for $query");
	}
	is(get('rules/some/prefix')->{status}, 200, 'a longer prefix');
	is($http->get($emu->url('rules') . '/v1/other')->{status}, 404, 'another endpoint');
};

# test/t/047_endpoints.pl has the rest
subtest 'odd endpoints' => sub {
	my $odd = sub {
		return $http->get($emu->url('odd;total=9') . "/v1/odd/$_[0]");
	};
	my $list = 'colour=red&shape=round&size=1&hot=false&fresh=true';
	my $doc = decode_json($odd->("things?pageNo=2&$list&per=7")->{content});

	is_deeply(
		$doc->{payload}{paging},
		{ more => JSON::PP::false, per => 7, n => 9 },
		'pagination');
	is_deeply([ map { $_->{rank} } @{ $doc->{payload}{things} } ],
		[ 992, 991 ], 'things');
	is($odd->("things?pageNo=1&$list&per=8")->{status}, 400, 'page size');
	is($odd->("things?pageNo=1&per=7")->{status}, 400, 'no list');
	is_deeply(
		decode_json($odd->('bare?p=1&s=2')->{content}),
		{ payload => { lines => [ map { { label => 'same' } } 1 .. 2 ] } },
		'bare');
};

subtest 'hashtags' => sub {
	my $hashtags = sub {
		return $http->get($emu->url('tags;hashtags=45') . "/v1/tiktok/trending/hashtags$_[0]");
	};
	my $data = decode_json($hashtags->('?page=3')->{content})->{data};

	is_deeply($data->{pagination},
		{ has_more => JSON::PP::false, page => 3, size => 20, total => 45 }, 'pagination');
	is(scalar @{ $data->{list} }, 5, 'the last page');
	is_deeply(
		[ map { exists $_->{industry_info} ? 1 : 0 } @{ $data->{list} } ],
		[ 1, 0, 1, 1, 0 ],
		'industry_info may be absent');
	$data = decode_json($hashtags->('?region=JP&new_to_top_100=true')->{content})->{data};
	is(scalar @{ $data->{list} }, 9, 'new ones');
	is($data->{list}[0]{country_info}{value}, 'Japan', 'country');
	isnt($data->{list}[0]{hashtag_id},
		decode_json($hashtags->('')->{content})->{data}{list}[0]{hashtag_id}, 'ids of lists differ');
	is($hashtags->("?$_")->{status}, 400, "400 for $_")
	  foreach qw(period=8 new_to_top_100=1 limit=21 page=0 region=);
};

subtest 'keys and refusals' => sub {
	my $with = sub { $emu->{http}->get($emu->value('URL') . path($_[0]), { headers => $_[1] // {} }) };

	is($with->('auth')->{content}, '{"code":401,"data":null,"message":"apiKey is null"}', 'no key');
	is($with->('auth', { Authorization => 'Bearer wrong' })->{status}, 401, 'wrong key');
	is($with->('auth;key=other', { Authorization => 'Bearer other' })->{status}, 200, 'key=');
	is($with->('auth;key=any', { Authorization => 'Bearer what' })->{status}, 200, 'key=any');
	is(status('auth;forbidden'), 403, 'forbidden');
	is_deeply([ map { status('quota;quota=2') } 1 .. 3 ], [ 200, 200, 402 ], 'quota');
	is(status('auth;nonsense'), 400, 'unknown setting');
	like(get('auth;total=x')->{content}, qr/bad setting/, 'bad value');
	is(status('auth;fault=nonsense'), 400, 'unknown fault');
	is($emu->count('nobody'), 0, 'a name never heard of');
};

subtest 'settings' => sub {
	is(page('s;total=45', 'page=3')->{data}{pagination}{total_count}, 45, 'total');
	is(scalar videos('s;total=45', 'page=3'), 5, 'last page of total');
	is(page('s;lietotal=900')->{data}{pagination}{total_count}, 900, 'lietotal');
	is(page('s;limitcap=10')->{data}{pagination}{limit}, 10, 'limitcap is echoed');
	is(scalar videos('s;limitcap=10'), 10, 'limitcap is kept');
	ok(!exists page('s;hasmore=absent')->{data}{pagination}{has_more}, 'hasmore=absent');
	ok(page('s;hasmore=lie-true', 'page=25')->{data}{pagination}{has_more}, 'hasmore=lie-true');
	ok(!page('s;hasmore=lie-false')->{data}{pagination}{has_more}, 'hasmore=lie-false');
	is_deeply([ map { scalar videos('s;empty=2-3', "page=$_") } 1 .. 4 ], [ 20, 0, 0, 20 ], 'empty');
	is(scalar videos('s;endless', 'page=1000'), 20, 'endless');
	is_deeply([ ids('s;samepage', 'page=2') ], [ ids('s') ], 'samepage');
	is((ids('s;plainids', 'region=FR&period=30&order_by=like&page=2'))[1], 'FR30like22', 'plainids');
	is_deeply([ (ids('s;shift=2', 'page=2'))[ 0, 1 ] ], [ (ids('s;shift=2'))[ 18, 19 ] ], 'shift');
	my @first = ids('s;churn=1');
	is_deeply([ (ids('s;churn=1'))[ 1 .. 19 ] ], [ @first[ 0 .. 18 ] ], 'churn');
	is((ids('s;offset=3'))[0], (ids('s'))[3], 'offset');
	like((videos('s;now=1000000200'))[0]{cover}, qr/x-expires=1000021800&/, 'now');
	is((videos('s;country=BR'))[0]{country_code}, 'BR', 'country');

	my $doc = page('s;example', 'page=7&region=FR');
	is($doc->{data}{videos}[0]{id}, '7587114666132868383', 'example: id');
	is_deeply($doc->{data}{pagination}, { has_more => JSON::PP::true, limit => 1, page => 1, total_count => 500 }, 'example: pagination');
	like($doc->{data}{videos}[0]{title}, qr/it\x{2019}s about to get even better\. \x{1F436}$/, 'example: title');
};

subtest 'shapes' => sub {
	my $doc = page('shape;msg;size;total;list;norequestid;author');
	is($doc->{msg}, 'success', 'msg');
	is($doc->{data}{pagination}{size}, 20, 'size');
	is($doc->{data}{pagination}{total}, 500, 'total');
	is(scalar @{ $doc->{data}{list} }, 20, 'list');
	ok(!exists $doc->{requestId}, 'norequestid');
	like($doc->{data}{list}[0]{author}{name}, qr/author/, 'author');

	ok(!exists page('shape;nodata')->{data}, 'nodata');
	is(page('shape;nulldata')->{data}, undef, 'nulldata');
	ok(!exists page('shape;novideos')->{data}{videos}, 'novideos');
	ok(!exists page('shape;nopagination')->{data}{pagination}, 'nopagination');
	ok(!exists page('shape;nototal')->{data}{pagination}{total_count}, 'nototal');
	ok(!exists page('shape;nomessage')->{message}, 'nomessage');
	ok(!exists page('shape;nocode')->{code}, 'nocode');
	is(ref page('shape;nocode;nodata;nomessage'), 'HASH', 'nearly nothing');
	is((videos('shape;nulls'))[0]{title}, undef, 'nulls');
	isnt((videos('shape;othercountry'))[0]{country_code}, 'US', 'othercountry');
	is((videos('shape;lowercountry'))[0]{country_code}, 'us', 'lowercountry');
	like(get('shape;numids')->{content}, qr/"id":\d{19},/, 'numids');
	like(get('shape;strings')->{content}, qr/"duration":"\d+"/, 'strings');
	like(get('shape;floats')->{content}, qr/"duration":\d+\.0,/, 'floats');
	unlike(get('shape;ascii')->{content}, qr/[^\x00-\x7f]/, 'ascii');
	is_deeply([ map { $_->{title} } videos('shape;ascii') ], [ map { $_->{title} } videos('shape') ], 'ascii is the same text');

	$doc = page('shape;echo');
	like($doc->{message}, qr/$KEY/, 'echo: message');
	like($doc->{requestId}, qr/$KEY/, 'echo: request id');
	like(get('shape;fault=status,echo')->{content}, qr/$KEY/, 'echo: error');
	ok(exists page('shape;fault=shape,msg,page=2', 'page=2')->{msg}, 'as a fault');
	ok(!exists page('shape;fault=shape,msg,page=2')->{msg}, 'on its page only');
};

subtest 'gzip' => sub {
	my $response = get('zip', '', 'Accept-Encoding' => 'gzip');
	my $text;

	is($response->{headers}{'content-encoding'}, 'gzip', 'on demand');
	ok(gunzip(\$response->{content} => \$text, TrailingData => \my $rest), 'is a gzip file');
	is($rest // '', '', 'without a remainder');
	is_deeply(decode_json($text)->{data}, page('zip')->{data}, 'the same document');
	is(get('zip')->{headers}{'content-encoding'}, undef, 'on demand only');
	is(get('zip;nogzip', '', 'Accept-Encoding' => 'gzip')->{headers}{'content-encoding'}, undef, 'nogzip');
};

subtest 'selectors' => sub {
	is_deeply([ map { status('sel1;fault=status,nth=2-3') } 1 .. 4 ], [ 200, 500, 500, 200 ], 'nth');
	is_deeply([ map { status('sel2;fault=status,try=1', "page=$_") } 1, 2, 1, 2 ], [ 500, 500, 200, 200 ], 'try');
	is_deeply([ map { status('sel3;fault=status,every=3') } 1 .. 6 ], [ 200, 200, 500, 200, 200, 500 ], 'every');
	is_deeply([ map { status('sel4;fault=status,times=2') } 1 .. 3 ], [ 500, 500, 200 ], 'times');
	is_deeply([ map { status('sel5;fault=status,page=2', "page=$_") } 1 .. 3 ], [ 200, 500, 200 ], 'page');
	is_deeply([ map { status('sel5;fault=status,region=FR,period=30,order_by=like', $_) } 'region=FR', 'region=FR&period=30&order_by=like' ], [ 200, 500 ], 'list');
	is(status('sel6;fault=ok,page=1;fault=status'), 200, 'the first match');
	is(status('sel6;fault=ok,page=1;fault=status', 'page=2'), 500, 'the next one');
	$emu->reset('sel4');
	is(status('sel4;fault=status,times=2'), 500, 'reset starts again');
};

subtest 'answers that are errors' => sub {
	my %after = (
		7 => qr/^7$/,
		'date:60' => qr/^\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT$/,
		past => qr/GMT$/,
		huge => qr/^99999999999$/,
		junk => qr/^soon/,
	);

	is(get('err;fault=status,code=503,message=a%20b')->{content}, '{"code":503,"data":null,"message":"a b"}', 'status and message');
	is(get('err;fault=status,code=502,html')->{headers}{'content-type'}, 'text/html', 'html');
	foreach my $after (sort keys %after)
	{
		like(get("err;fault=status,code=429,after=$after")->{headers}{'retry-after'}, $after{$after}, "after=$after");
	}
	is(get('err;fault=code,code=402')->{content}, '{"code":402,"data":null,"message":"apiKey quota is not enough"}', 'code');
	is(status('err;fault=code,code=402'), 200, 'code under 200');
	like(get('err;fault=html')->{content}, qr/^<!DOCTYPE html>/, 'html under 200');
	is(get('err;fault=body')->{content}, '', 'empty body');
	is(get('err;fault=body,message=%5B%5D')->{content}, '[]', 'any body');
	is(length get('err;fault=big,mb=3')->{content}, 3 * 1024 * 1024 + 22, 'big');

	my $bomb = get('err;fault=bomb,mb=5')->{content};
	cmp_ok(length $bomb, '<', 100_000, 'bomb is small');
	ok(gunzip(\$bomb => \my $text), 'bomb unpacks');
	is(length $text, 5 * 1024 * 1024 + 22, 'to so many MB');
	my $junk = get('err;fault=badgzip');
	ok(!gunzip(\$junk->{content} => \$text), 'badgzip');
};

subtest 'odd fields' => sub {
	my $field = sub { my ($arguments) = @_; return get("odd;fault=field,name=$arguments")->{content} };

	like($field->('duration,as=text'), qr/"duration":"abc"/, 'text for a number');
	like($field->('duration,as=fraction'), qr/"duration":9\.5/, 'fraction');
	like($field->('id,as=int8over'), qr/"id":9223372036854775808,/, 'too large');
	like($field->('title,as=nul'), qr/"title":"a\\u0000b"/, 'nul');
	like($field->('title,as=surrogate'), qr/"title":"a\\ud83db"/, 'lone surrogate');
	like($field->('title,as=utf8'), qr/"title":"a\xff\xc3z"/, 'invalid UTF-8');
	like($field->('title,as=control'), qr/"title":"a\x01z"/, 'control character');
	like($field->('title,as=object'), qr/"title":\{"a":\{"b":1\}\}/, 'object');
	unlike($field->('cover,as=absent,index=0'), qr/"cover"/, 'absent, everywhere');
	like($field->('total_count,as=null'), qr/"total_count":null/, 'in pagination');
	like($field->('nest,as=deep,depth=500'), qr/"nest":\[{500}\]{500}/, 'deep');
	like($field->('brand.new,as=hello'), qr/"brand\.new":"hello"/, 'additional');
	my @bad = grep { $_->{duration} eq 'abc' } videos('odd;fault=field,name=duration,as=text,index=3');
	is(scalar @bad, 1, 'one video only');
};

subtest 'rate limits' => sub {
	my $scenario = 'rate;qps=0.01;burst=2';
	is_deeply([ map { status($scenario) } 1 .. 3 ], [ 200, 200, 429 ], 'token bucket');
	is(get($scenario)->{headers}{'retry-after'} > 50, 1, 'says when');
	is(get("$scenario;retryafter=no")->{headers}{'retry-after'}, undef, 'or not');
	like(get("$scenario;retryafter=date")->{headers}{'retry-after'}, qr/GMT$/, 'or as a date');
	is(status('pen;qps=1000;burst=1;penalise=60000') + status('pen;qps=0.001;burst=1;penalise=60000'), 200 + 429, 'over the rate');
	is(get('pen;qps=1000;burst=1;penalise=60000')->{headers}{'retry-after'}, 60, 'a ban');
};

subtest 'on the wire' => sub {
	my ($whole) = raw('wire;fault=truncate,how=close,bytes=999999');
	my ($bytes, $error);
	my $head = qr/^HTTP\/1\.1 200 OK\r\n.*?\r\n\r\n/s;

	foreach my $at (qw(before headers body))
	{
		($bytes, $error) = raw("wire;fault=reset,at=$at");
		like($error, qr/reset/, "reset at $at");
		is($bytes =~ $head ? 'body' : length $bytes ? 'headers' : 'before', $at, 'after what should have come');
	}
	($bytes, $error) = raw('wire;fault=close');
	is("$bytes$error", '', 'close');
	($bytes, $error) = raw('wire;fault=close,at=end');
	like($bytes, qr/"requestId":"[^"]+"}$/, 'close after the end');
	unlike($bytes, qr/Connection: close/i, 'that promised more');
	is($error, '', 'is no reset');

	($bytes) = raw('wire;fault=truncate,bytes=100');
	like($bytes, qr/Content-Length: \d{5}\r\n.*\r\n\r\n.{100}$/s, 'truncate: length');
	($bytes) = raw('wire;fault=truncate,how=chunked');
	like($bytes, qr/Transfer-Encoding: chunked\r\n.*\r\n\r\n[0-9a-f]+\r\n\{/s, 'truncate: chunked');
	unlike($bytes, qr/\r\n0\r\n\r\n$/, 'without an end');
	($bytes) = raw('wire;fault=truncate,how=close');
	unlike($bytes, qr/Content-Length|"requestId"/, 'truncate: close');
	my $response = get('wire;fault=truncate,how=gzip');
	ok(!gunzip(\$response->{content} => \my $text), 'truncate: gzip');
	is($response->{headers}{'content-length'}, length $response->{content}, 'of the length it says');

	foreach my $at (qw(headers body))
	{
		my $socket = ask(dial(), "drip$at;fault=drip,at=$at,ms=1,bytes=100");
		($bytes) = drain($socket);
		like($bytes, qr/$head.*\}$/s, "drip at $at");
	}
};

subtest 'stalls' => sub {
	foreach my $at (qw(before headers body end))
	{
		my $socket = ask(dial(), "stall$at;fault=stall,at=$at", '', "Connection: close\r\n");

		$emu->await_stalled("stall$at", 1);
		is($emu->inflight("stall$at"), 1, "stalls at $at");
		$emu->release("stall$at");
		my ($bytes) = drain($socket);
		like($bytes, qr/"requestId":"[^"]+"}$/, 'and goes on');
		close $socket;
		$emu->await_inflight("stall$at", 0);
		is($emu->stalled("stall$at"), 0, 'and is forgotten');
	}

	foreach my $at (qw(before body))
	{
		my $socket = ask(dial(), "gone$at;fault=stall,at=$at");

		$emu->await_stalled("gone$at", 1);
		close $socket;
		$emu->await_inflight("gone$at", 0);
		is(($emu->log("gone$at"))[0]{status}, $at eq 'before' ? 499 : 200, 'a client that goes away');
		is($emu->stalled("gone$at"), 0, 'is not waited for');
	}
};

subtest 'many at once' => sub {
	my @sockets = map { ask(dial(), 'crowd;latency=100') } 1 .. 200;

	$emu->await_requests('crowd', 200);
	is($emu->connections('crowd'), 200, 'connections');
	is(scalar(grep { my $answer; sysread($_, $answer, 15); $answer eq 'HTTP/1.1 200 OK' } @sockets), 200, 'all are answered');
	$emu->await_inflight('crowd', 0);
	is($emu->open('crowd'), 200, 'and stay open');

	my @stalled = map { ask(dial(), 'jam;fault=stall,at=headers') } 1 .. 200;
	$emu->await_stalled('jam', 200);
	is($emu->peak('jam'), 200, 'all are in flight together');
	$emu->release('jam');
	is(scalar(grep { (drain($_))[0] =~ /\}$/ } @stalled), 200, 'so are stalled ones');
	$emu->await_inflight('jam', 0);
	is($emu->peak('jam'), 200, 'the peak is remembered');
	$emu->reset('jam');
	is($emu->peak('jam'), 0, '... until a reset');
};

subtest 'counters and log' => sub {
	my $socket = dial();
	foreach my $query ('page=3&region=F%09R&period=30&order_by=like&limit=5', 'page=9')
	{
		ask($socket, 'log;fault=status,page=9', $query);
		sysread $socket, my $answer, 65536;
	}
	$emu->await_inflight('log', 0);
	my @log = $emu->log('log');

	is($emu->count('log'), 2, 'count');
	is($emu->connections('log'), 1, 'connections');
	is(join('|', @{ $log[0] }{qw(sequence page region period order_by limit status query new_connection resumed key)}),
		"1|3|F\tR|30|like|5|200|page=3&region=F%09R&period=30&order_by=like&limit=5|1|-|$KEY", 'first row');
	is(join('|', @{ $log[1] }{qw(sequence page status new_connection)}), '2|9|500|0', 'second row');
	is($log[0]{connection}, $log[1]{connection}, 'one connection');
	$emu->reset('log');
	is($emu->count('log') . scalar($emu->log('log')), '00', 'reset');
	is($emu->{http}->get($emu->value('URL') . '/_/nonsense/x')->{status}, 404, 'unknown command');
	is($emu->{http}->get($emu->value('URL') . '/_/await/x')->{status}, 400, 'await what?');
};

subtest 'hostile requests' => sub {
	my @urls = (
		'/', '//', '/;', '/;;;', '/_/', '/_/log', '/_/log/', '/%', '/%00', '/a;fault=', '/a;fault=,,,', '/a;=', '/a;total=', '/a;total=-1',
		'/a;total=99999999999999999999', '/a;qps=1e999', '/a;fault=status,nth=-', '/a;fault=status,code=99999',
		'/a;' . 'fault=ok;' x 100 . path(''), '/' . 'a' x 5000, '/a' . '/b' x 1000, path('a', 'region=' . 'x' x 5000),
		path('a', 'region=%ff%00%0a%22'), path('a;ascii;plainids', 'region=%ff%f0'), path('a', '&&&==&page'), path('a', 'page=999999999&limit=999999999'),
		path('a;fault=field'), path('a;fault=truncate,bytes=2000000000'), path('a;fault=reset,at=headers,bytes=2000000000'));

	foreach my $url (@urls)
	{
		my $socket = dial();
		print $socket "GET $url HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer $KEY\r\nConnection: close\r\n\r\n";
		$socket->flush;
		my (undef, $error) = drain($socket);
		isnt($error, 'hangs', 'survives ' . substr $url, 0, 60);
	}
	is(status('a', ''), 200, 'still there');
};

subtest 'listeners' => sub {
	my $socket = dial($emu->value('TLS_STALL_URL'));
	print $socket "hello\n";
	$emu->await_stalled('tls-stall', 1);
	ok(!IO::Select->new($socket)->can_read(0), 'mute');
	close $socket;
	$emu->await_inflight('tls-stall', 0);

	my ($refused) = $emu->value('REFUSED_URL') =~ m{//(.*)};
	ok(!IO::Socket::INET->new(PeerAddr => $refused), 'refused');
	like("$!", qr/refused/, 'by a RST');

	my ($dead) = $emu->value('DEAD_URL') =~ m{//(.*)};
	$socket = IO::Socket::INET->new(PeerAddr => $dead, Blocking => 0);
	ok(!IO::Select->new($socket)->can_write(0.3), 'dead');

	my $proxied = HTTP::Tiny->new(http_proxy => $emu->value('PROXY'), no_proxy => [], default_headers => { Authorization => "Bearer $KEY" });
	local $ENV{no_proxy} = '';
	is($proxied->get($emu->url('viaproxy') . path(''))->{status}, 200, 'proxy');
	is($emu->count('viaproxy') . $emu->count('proxy'), '11', 'is counted');
	$socket = dial($emu->value('PROXY'));
	my ($server) = $emu->value('URL') =~ m{//(.*)};
	print $socket "CONNECT $server HTTP/1.1\r\nHost: $server\r\n\r\n";
	$socket->flush;
	sysread $socket, my $answer, 1000;
	like($answer, qr/^HTTP\/1\.1 200 /, 'tunnel');
	ask($socket, 'tunnelled');
	sysread $socket, $answer, 65536;
	like($answer, qr/^HTTP\/1\.1 200 /, 'works');
};

subtest 'TLS' => sub {
	plan skip_all => 'no openssl to try it with' if system('openssl version >/dev/null 2>&1') != 0;
	my $ca = $emu->ca;
	my $try = sub {
		my ($listener, @arguments) = @_;
		my ($address) = $emu->value($listener) =~ m{//(.*)};
		my $request = 'GET ' . path('tls') . " HTTP/1.1\nHost: x\nAuthorization: Bearer $KEY\nConnection: close\n\n";
		return scalar `printf '$request' | openssl s_client -crlf -ign_eof -connect $address -CAfile $ca -verify_return_error @arguments 2>&1`;
	};
	my $session = "$ca.session";

	like($try->('TLS_URL', '-verify_ip 127.0.0.1', "-sess_out $session"), qr/"requestId"/, 'serves');
	like($try->('TLS_URL', '-verify_hostname localhost', "-sess_in $session"), qr/"requestId"/, 'and again');
	unlink $session;
	is(join(',', map { $_->{resumed} } $emu->log('tls')), '0,1', 'sessions are resumed');
	like($try->('TLS_EXPIRED_URL', '-verify_ip 127.0.0.1'), qr/certificate has expired/, 'expired');
	like($try->('TLS_WRONG_HOST_URL', '-verify_ip 127.0.0.1'), qr/mismatch/i, 'wrong host');
	unlike($try->('TLS_OLD_URL', '-tls1_2'), qr/"requestId"/, 'old');
};

subtest 'its end' => sub {
	my $other = KeyapiEmulator->new;
	my $ca = $other->ca;
	my $pid = $other->pid;

	ok(-e $ca, 'has files');
	undef $other;
	ok(!kill(0, $pid), 'ends with its standard input');
	ok(!-e $ca, 'and takes them along');
};

done_testing();

# Text in databases of any encoding: exact, or a clear error; and bytes that are
# not valid in any encoding.

use strict;
use warnings;
use utf8;

use Encode qw(encode);
use Test::More;

use KeyapiEmulator;
use KeyapiSession;
use KeyapiTest;

my $t = KeyapiTest->new;
my $session;

# A value that the emulator puts into a field of each video
sub in_all
{
	my ($field, $text) = @_;

	return "fault=field,index=0,name=$field,as=" . KeyapiEmulator::percent($text);
}

# What psql, which speaks UTF-8 here, reads and writes
sub utf8 { my ($text) = @_; return encode('UTF-8', $text) }

sub utf8_qr { my ($text) = @_; return qr/${\ utf8($text)}/ }

# Open the session in a new database of this encoding, with table "e".
sub use_database
{
	my ($encoding) = @_;
	my $url = $t->url('e');

	$t->sql("CREATE DATABASE $encoding TEMPLATE template0 ENCODING '$encoding'");
	$session = KeyapiSession->new($t, dbname => $encoding,
		env => { PGCLIENTENCODING => 'UTF8' });
	$session->sql(<<"END");
CREATE EXTENSION keyapi_fdw;
CREATE SERVER e FOREIGN DATA WRAPPER keyapi_fdw
	OPTIONS (base_url '$url', cache_ttl '0');
CREATE USER MAPPING FOR PUBLIC SERVER e OPTIONS (api_key 'sk_live_test');
IMPORT FOREIGN SCHEMA tiktok LIMIT TO (tiktok_trending) FROM SERVER e INTO public;
ALTER FOREIGN TABLE tiktok_trending RENAME TO e;
END
	return;
}

# Say what the emulator does.
sub change
{
	my ($settings) = @_;
	my $url = $t->url('e', $settings);

	$session->sql("ALTER SERVER e OPTIONS (SET base_url '$url');");
	$t->emulator->reset('e');
	return;
}

# Test that SQL gives these rows and is silent.
sub answers
{
	my ($sql, $rows, $test) = @_;

	is_deeply($session->run(utf8("$sql;")), { rows => utf8($rows), stderr => '' }, $test);
	return;
}

sub fails
{
	my ($sql, $sqlstate, $text, $test) = @_;
	my $result = $session->run(utf8("$sql;"));

	ok( KeyapiSession::sqlstate($result) eq $sqlstate
		  && $result->{stderr} =~ $text
		  && $result->{rows} eq '',
		$test)
	  or diag($result->{stderr}, $result->{rows});
	return;
}

# Values to convert: how many bytes they take in a database, or undef if that
# cannot hold them
my %bytes = (
	utf8      => { 'Zürich' => 7, '日本' => 6, 'Grüße 🐶' => 12 },
	sql_ascii => { 'Zürich' => 7, '日本' => 6, 'Grüße 🐶' => 12 },
	latin1    => { 'Zürich' => 6, '日本' => undef, 'Grüße 🐶' => undef },
	euc_jp    => { 'Zürich' => 8, '日本' => 4, 'Grüße 🐶' => undef },
	win1251   => { 'Zürich' => undef, '日本' => undef, 'Москва' => 6 });

foreach my $encoding (sort keys %bytes)
{
	use_database($encoding);

	# These 500 rows need no conversion, and they are exact in any case.
	change('plainids');
	answers(
		q{SELECT count(*), count(DISTINCT id), min(id), max(rank), max(duration) > 0, }
		  . q{bool_and(item_url = 'https://www.tiktok.com/@mnm_pipi/video/' || id) FROM e},
		'500|500|US7vv1|500|t|t',
		"$encoding: what is ASCII");

	foreach my $text (sort keys %{ $bytes{$encoding} })
	{
		my $length = $bytes{$encoding}->{$text};

		test_value($encoding, $text, $length);
		test_parameter($encoding, $text) if defined $length;
	}
	test_messages($encoding);
	$session->quit;
}
test_bad_parameter();
test_cache_view();
test_rescans();
test_mending();

unlike($t->server_log, qr/terminated by signal|PANIC|ERRORDATA_STACK_SIZE/,
	'nothing crashed');
$t->stop;
done_testing();

# Text that the API sends, which takes $length bytes here
sub test_value
{
	my ($encoding, $text, $length) = @_;
	my $name = utf8("$encoding: $text");

	foreach my $escaped ('nogzip', 'ascii')
	{
		change("plainids;$escaped;" . in_all('title', $text));
		if (defined $length)
		{
			answers('SELECT DISTINCT title, octet_length(title) FROM e',
				"$text|$length", "$name ($escaped)");
			answers(q{SELECT DISTINCT attrs ->> 'title' FROM e}, $text, '... in jsonb');
			next;
		}
		fails('SELECT title FROM e', '22P05',
			qr/has no equivalent in encoding "\U$encoding\E".*\nCONTEXT:  column "title" of foreign table "e", video US7vv1, page 1 of list region=US/s,
			"$name ($escaped)");
		fails('SELECT attrs FROM e', '22P05', qr/CONTEXT:  column "attrs"/, '... in jsonb');
		answers('SELECT count(id) FROM e', '500', '... without the column');
		answers('SELECT count(*) FROM e',  '500', '... without any column');
	}
	return;
}

# Text that a query asks for, which a literal can hold
sub test_parameter
{
	my ($encoding, $text) = @_;
	my $name = utf8("$encoding: region = '$text'");

	# the emulator's country_code is ASCII
	change('total=20;' . in_all('country_code', $text));
	answers("SELECT DISTINCT region, country_code FROM e WHERE region = '$text'",
		"$text|$text", $name);
	is(($t->emulator->log('e'))[0]->{region}, utf8($text), '... is sent as UTF-8');
	return;
}

# Messages can quote such text.
sub test_messages
{
	my ($encoding) = @_;

	change('total=20;' . in_all('id', '🐶日本'));
	$session->sql(q{CREATE FOREIGN TABLE m (region_name integer) SERVER e;});
	fails('SELECT * FROM m', '22P02', qr/integer: ".*CONTEXT:  column "region_name".*, video \S+, page 1/s,
		"$encoding: an odd id in the context");
	change('fault=status,code=400,message=' . KeyapiEmulator::percent('Nein, 🐶!'));
	fails('SELECT * FROM e', '22023', utf8_qr('message "Nein, (?:\?{4}|🐶)!"'), '... in a message');
	change('total=20;' . in_all('country_code', '🐶日本'));
	like($session->run('SELECT count(*) FROM e;')->{stderr},
		qr/^WARNING:  01000: the API may have answered another list.*\nDETAIL: .*carries "[^"]+"\.$/m,
		'... in a warning');
	return;
}

# Bytes that are not valid in the database's encoding cannot become UTF-8.
sub test_bad_parameter
{
	$session = KeyapiSession->new($t, dbname => 'sql_ascii');
	change('total=20');
	fails(q{SELECT rank FROM e WHERE region = E'Z\374rich'}, '22021',
		qr/invalid byte sequence for encoding "UTF8": 0xfc/, 'bytes that are no text');
	is($t->emulator->count('e'), 0, '... are not sent');
	$session->quit;
	return;
}

# The cache may hold lists of other databases, so it keeps its keys in UTF-8.
sub test_cache_view
{
	my %params = (
		utf8   => q({"period": 7, "region": "Zürich", "order_by": "vv"}|20),
		latin1 => '|20');

	foreach my $encoding (sort keys %params)
	{
		$session = KeyapiSession->new($t, dbname => $encoding,
			env => { PGCLIENTENCODING => 'UTF8' });
		change('total=20;' . in_all('country_code', 'Zürich'));
		$session->sql(q{ALTER SERVER e OPTIONS (SET cache_ttl '1h');});
		answers(q{SELECT count(*) FROM e WHERE region = 'Zürich'}, 20, "a list to cache, of $encoding");
		answers("SELECT params, page_size FROM keyapi_fdw_cache",
			$params{$encoding}, "the parameters of a list, as $encoding shows them");
		$session->sql(q{SELECT keyapi_fdw_cache_clear(); ALTER SERVER e OPTIONS (SET cache_ttl '0');});
		$session->quit;
	}
	return;
}

# Each rescan converts what it looks for, and keeps nothing of that.
sub test_rescans
{
	my $size = 'SELECT sum(total_bytes) FROM pg_backend_memory_contexts;';
	my $before;

	$session = KeyapiSession->new($t, dbname => 'latin1');
	change('');
	$session->sql(q{BEGIN; DECLARE c CURSOR FOR SELECT rank FROM generate_series(1, 30000) g,
LATERAL (SELECT rank FROM e WHERE region = 'US' AND rank = 1 + 0 * g OFFSET 0) x;
MOVE 1000 IN c;});
	$before = $session->sql($size);
	$session->sql('MOVE 20000 IN c;');
	cmp_ok($session->sql($size) - $before, '<', 1_000_000, 'rescans need no more memory');
	is($t->emulator->count('e'), 1, '... and one request');
	$session->quit;
	return;
}

# Bytes that are not valid text are replaced; the rest of the page is unharmed.
sub test_mending
{
	my %titles = (
		utf8      => "a\x{FFFD}\x{FFFD}z",
		surrogate => "a\x{FFFD}b",
		nul       => "a\x{FFFD}b",
		control   => "a\x01z");

	$session = KeyapiSession->new($t, dbname => 'utf8');
	foreach my $kind (sort keys %titles)
	{
		change("plainids;fault=field,name=title,as=$kind,page=3,index=7");
		answers("SELECT title FROM e WHERE rank = 47", $titles{$kind}, "title with bad $kind");
		answers(
			"SELECT count(*), count(DISTINCT id), count(*) FILTER (WHERE title = '$titles{$kind}') FROM e",
			'500|500|1', '... all rows are there');
		answers(q{SELECT attrs ->> 'title' FROM e WHERE rank = 47}, $titles{$kind}, '... in jsonb');
	}
	$session->quit;
	return;
}

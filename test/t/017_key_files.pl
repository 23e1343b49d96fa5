# Where an API key comes from: the user mapping, or a file that each scan reads
# anew.  It is shown nowhere.

use strict;
use warnings;

use POSIX ();
use Test::More;

use KeyapiSession;
use KeyapiTest;

# The statement that sets a key would put it into the log: that is PostgreSQL's.
my $t = KeyapiTest->new(conf => "log_statement = none\nlog_min_messages = debug5");

# The emulator takes any key, and notes it.
$t->server('keys', 'key=any;total=45');
$t->import_table('keys');
$t->sql(<<'END');
CREATE ROLE alice LOGIN;
CREATE ROLE bob LOGIN;
GRANT SELECT ON keys TO bob;
END

test_mapping_without_key();
test_wrong_key();
test_key_file();
test_key_file_rotation();
test_bad_key_files();
test_key_not_shown();
test_path_not_shown();

$t->stop;
done_testing();

sub test_mapping_without_key
{
	$t->sql('CREATE USER MAPPING FOR bob SERVER keys');
	$t->fails('keys', 'SELECT * FROM keys', '28000',
		qr/no API key for user "bob".*mapping has no key/s,
		'a mapping without a key', as => 'bob', requests => 0);
	$t->sql('DROP USER MAPPING FOR bob SERVER keys');
	return;
}

# Unlike other failures, that of the first page costs one request.
sub test_wrong_key
{
	$t->scenario('locked', 'key=sk_live_other');
	$t->fails('locked', 'SELECT * FROM locked', '28000',
		qr/the API did not accept the API key.*HINT:  .*"api_key"/s,
		'a key that the API refuses', requests => 1);
	$t->sql("ALTER USER MAPPING FOR PUBLIC SERVER locked"
		  . " OPTIONS (SET api_key 'sk_live_other')");
	$t->answers('locked', 'SELECT rank FROM locked LIMIT 1',
		'1', 1, '... and the right one');
	return;
}

# Bob's key is in this file.
sub map_file
{
	my ($path) = @_;

	$t->sql(<<"END");
DROP USER MAPPING IF EXISTS FOR bob SERVER keys;
CREATE USER MAPPING FOR bob SERVER keys OPTIONS (api_key_file '$path');
END
	return $path;
}

sub test_key_file
{
	my %contents = (
		'as it is'                  => "sk_file",
		'a line'                    => "sk_file\n",
		'a line of another system'  => "sk_file\r\n",
		'white space after it'      => "sk_file \t\n\n",
		'as large as may be'        => 'sk_file' . ("\n" x (4096 - 7)));
	my $path = map_file($t->file('key', ''));

	foreach my $test (sort keys %contents)
	{
		$t->file('key', $contents{$test});
		$t->uses_key('keys', 'bob', 'SELECT FROM keys', 'sk_file', "key file: $test");
	}
	symlink $path, $t->path('link') or die "symlink: $!";
	map_file($t->path('link'));
	$t->uses_key('keys', 'bob', 'SELECT FROM keys', 'sk_file', 'a symbolic link to a file');
	return;
}

# Each scan reads the file anew, and no scan reads it twice.
sub test_key_file_rotation
{
	map_file($t->file('key', 'sk_old'));
	my $session = KeyapiSession->new($t);

	$session->run('SET ROLE bob; SELECT FROM keys;');
	$t->file('key', 'sk_new');
	$t->emulator->reset('keys');
	$session->run('SELECT FROM keys;');
	is(join(',', $t->asked('keys', 'key')),
		'sk_new', 'a session sees the new key in the file');

	$session->run('BEGIN; DECLARE c CURSOR FOR SELECT FROM keys; FETCH 5 FROM c;');
	unlink $t->path('key');
	$t->emulator->reset('keys');
	is($session->run('FETCH ALL FROM c;')->{stderr},
		'', 'a scan that has begun goes on without the file');
	is(join(',', $t->asked('keys', 'key')), 'sk_new', '... with its key');
	$session->run('COMMIT;');
	like($session->run('SELECT FROM keys;')->{stderr},
		qr/^ERROR:  58P01:/, '... the next one fails');
	$session->quit;
	return;
}

sub test_bad_key_files
{
	my %invalid = (
		'empty'                      => '',
		'only white space'           => " \n",
		'two lines'                  => "sk_secret\nX-Header: sk_secret\n",
		'a space in it'              => 'sk_secret sk_secret',
		'a zero byte in it'          => "sk_secret\0",
		'a zero byte and more in it' => "sk_secret\0sk_secret",
		'not ASCII'                  => "sk_secret\xc3\xa4");
	my $unreadable = sub {
		my ($path, $problem, $test) = @_;

		map_file($path);
		return $t->fails(
			'keys',
			'SELECT * FROM keys',
			'58P01',
			qr/could not read the file of the API key\nDETAIL:  File "\Q$path\E": $problem.*HINT:  .*regular file/s,
			"key file: $test",
			as       => 'bob',
			requests => 0);
	};

	map_file($t->path('key'));
	foreach my $test (sort keys %invalid)
	{
		$t->file('key', $invalid{$test});
		$t->fails(
			'keys',
			'SELECT * FROM keys',
			'22023',
			qr/the file of the API key holds no valid key\nDETAIL:  File "[^"]*": (?!.*secret)/s,
			"key file: $test",
			as       => 'bob',
			requests => 0);
	}

	$unreadable->($t->file('key', 'x' x 4097), 'file is too large', 'too large');
	$unreadable->($t->path('missing'), 'No such file', 'missing');
	mkdir $t->path('directory') or die "mkdir: $!";
	$unreadable->($t->path('directory'), 'not a regular file', 'a directory');
	POSIX::mkfifo($t->path('fifo'), oct(600)) or die "mkfifo: $!";
	$unreadable->($t->path('fifo'), 'not a regular file', 'a FIFO that nobody writes to');
	$unreadable->('/dev/zero', 'not a regular file', 'a device');
	chmod 0, $t->file('forbidden', 'sk_secret');
	$unreadable->($t->path('forbidden'), 'Permission denied', 'not to be read');

	$t->answers('keys', 'SELECT * FROM keys WHERE false',
		'', 0, 'a key file that nobody needs is not read', as => 'bob');
	$t->sql('DROP USER MAPPING FOR bob SERVER keys');
	return;
}

# Only the catalog shows a key, and only to superusers.
# Where the file is concerns the user of the mapping, and nobody who reads a view.
sub test_path_not_shown
{
	my $path = map_file($t->path('hidden'));
	my $opaque = qr/could not read the file of the API key\n(?!.*hidden)HINT/s;

	$t->sql('CREATE VIEW of_bob AS SELECT title FROM keys; ALTER VIEW of_bob OWNER TO bob; GRANT SELECT ON of_bob TO alice');
	$t->fails('keys', 'SELECT FROM of_bob', '58P01', $opaque, 'a reader of a view', as => 'alice', requests => 0);
	like($t->server_log, qr/DETAIL:  File "\Q$path\E": No such file/, '... but the log has the path');
	$t->fails('keys', 'SELECT FROM of_bob', '58P01', qr/"\Q$path\E"/, 'a superuser', requests => 0);
	$t->file('hidden', 'no key');
	$t->fails('keys', 'SELECT FROM of_bob', '22023', qr/holds no valid key\n(?!.*hidden)/s, 'a file without a key',
		as => 'alice', requests => 0);
	return;
}

sub test_key_not_shown
{
	my $key    = 'sk_secret_in_mapping';
	my $result = $t->run(<<"END");
CREATE USER MAPPING FOR bob SERVER keys OPTIONS (api_key '$key');
SET log_statement = 'all';
SET ROLE bob;
EXPLAIN (ANALYZE, VERBOSE) SELECT * FROM keys;
EXPLAIN (VERBOSE, FORMAT JSON) SELECT * FROM keys;
SELECT * FROM keys;
SELECT * FROM pg_stat_activity;
SELECT * FROM pg_foreign_table, pg_foreign_server;
\\set ON_ERROR_STOP 0
SELECT duration / 0 FROM keys;
RESET ROLE;
SET log_statement = 'none';
ALTER USER MAPPING FOR bob SERVER keys OPTIONS (SET api_key E'$key\\nX-Header: x');
END
	like($result->{stderr}, qr/22012.*22023/s, 'queries and errors');
	unlike("$result->{rows}$result->{stderr}", qr/sk_secret/, '... without a key');

	my $options = 'SELECT umoptions FROM pg_user_mappings'
	  . " WHERE srvname = 'keys' AND usename = 'bob';"
	  . ' SELECT option_value FROM information_schema.user_mapping_options'
	  . " WHERE authorization_identifier = 'bob'";
	is($t->sql($options, as => 'alice'), '', 'others do not see it in the catalogs');
	like($t->sql($options), qr/sk_secret/, '... superusers do');

	# PostgreSQL itself logs the text of statements that fail
	my $log = $t->server_log =~ s/^.*STATEMENT:  ALTER USER MAPPING.*\n//mgr;
	ok($log =~ /statement: EXPLAIN \(ANALYZE/, 'the log has the statements');
	ok($log !~ /sk_secret/, '... but no key');
	ok($log !~ /sk_file|sk_old|sk_new/, '... and none of a file');
	$t->sql('DROP USER MAPPING FOR bob SERVER keys');
	return;
}

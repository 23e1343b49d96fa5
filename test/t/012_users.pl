
# Whose key is used, where keys may come from, and who may set what.

use strict;
use warnings;

use POSIX ();
use Test::More;

use KeyapiSession;
use KeyapiTest;

# A key would be in the log of the statement that sets it: that is PostgreSQL's.
my $t = KeyapiTest->new(conf => "log_statement = none\nlog_min_messages = debug5");

# The emulator takes any key, and notes it.
$t->server('keys', 'key=any;total=45');
$t->import_table('keys');
$t->sql(<<'END');
CREATE ROLE alice LOGIN;
CREATE ROLE bob LOGIN;
CREATE ROLE owner LOGIN;
CREATE ROLE friend LOGIN IN ROLE alice;
CREATE USER MAPPING FOR alice SERVER keys OPTIONS (api_key 'sk_alice');
CREATE USER MAPPING FOR owner SERVER keys OPTIONS (api_key 'sk_owner');
GRANT SELECT ON keys TO alice, bob, owner;
GRANT CREATE ON SCHEMA public TO owner;
END

test_no_mapping();
test_own_and_public_mapping();
test_set_role();
test_views();
test_materialized_view();
test_functions();
test_partitions_in_views();
test_mapping_without_key();
test_wrong_key();
test_key_file();
test_key_file_rotation();
test_bad_key_files();
test_key_not_shown();
test_servers_of_others();
test_mappings_of_others();

$t->stop;
done_testing();

# Test that SQL works for the role, and that its requests had this key.
sub uses_key
{
	my ($role, $sql, $key, $test) = @_;
	my $result;

	$t->emulator->reset('keys');
	$result = $t->run($sql, as => $role);
	return is(join(',', $t->asked('keys', 'key')) . $result->{stderr},
		$key, $test);
}

sub test_no_mapping
{
	my $hint = qr/
		no\ API\ key\ for\ user\ "bob"\ on\ server\ "keys"\n
		.*There\ is\ no\ user\ mapping
		.*HINT:.*user\ mapping.*PUBLIC.*view\ owned\ by/xs;

	$t->fails('keys', 'SELECT * FROM keys', '28000', $hint,
		'no mapping', as => 'bob', requests => 0);
	$t->answers('keys', 'SELECT * FROM keys WHERE false',
		'', 0, '... is no matter where nothing is asked', as => 'bob');
	$t->answers('keys', 'EXPLAIN SELECT * FROM keys \g /dev/null',
		'', 0, '... nor for EXPLAIN', as => 'bob');
	$t->sql('REVOKE SELECT ON keys FROM bob');
	$t->fails('keys', 'SELECT * FROM keys', '42501',
		qr/permission denied for foreign table keys/,
		'no permission', as => 'bob', requests => 0);
	$t->sql('GRANT SELECT ON keys TO bob');
	return;
}

sub test_own_and_public_mapping
{
	uses_key('alice', 'SELECT FROM keys', 'sk_alice', 'own mapping');
	$t->sql("CREATE USER MAPPING FOR PUBLIC SERVER keys OPTIONS (api_key 'sk_public')");
	uses_key('bob', 'SELECT FROM keys', 'sk_public', 'mapping for PUBLIC');
	uses_key('alice', 'SELECT FROM keys', 'sk_alice', 'the own one comes first');
	$t->sql('DROP USER MAPPING FOR PUBLIC SERVER keys');
	return;
}

# The user of the moment counts, not the one who logged in.
sub test_set_role
{
	uses_key('friend', 'SET ROLE alice; SELECT FROM keys',
		'sk_alice', 'SET ROLE');
	uses_key(
		$t->superuser,
		'PREPARE p AS SELECT FROM keys; SET ROLE alice; EXECUTE p;'
		  . ' SET ROLE owner; EXECUTE p',
		'sk_alice,sk_owner',
		'a prepared statement runs for who executes it');
	uses_key(
		$t->superuser, '
SET ROLE alice;
BEGIN;
DECLARE c CURSOR FOR SELECT FROM keys;
SET ROLE owner;
FETCH 45 FROM c;
COMMIT;',
		'sk_alice', 'a cursor runs for who opened it');
	return;
}

# A view asks with the key of its owner, unless it is a security invoker.
sub test_views
{
	$t->sql(<<'END', as => 'owner');
CREATE VIEW plain AS SELECT * FROM keys;
CREATE VIEW barrier WITH (security_barrier) AS SELECT * FROM keys WHERE region = 'US';
CREATE VIEW invoker WITH (security_invoker) AS SELECT * FROM keys;
CREATE VIEW over_view AS SELECT * FROM plain;
GRANT SELECT ON plain, barrier, invoker, over_view TO PUBLIC;
END
	uses_key('bob', 'SELECT FROM plain', 'sk_owner', 'a view');
	uses_key('bob', 'SELECT FROM barrier WHERE rank < 5',
		'sk_owner', 'a security barrier');
	uses_key('bob', 'SELECT FROM over_view', 'sk_owner', 'a view of a view');
	uses_key('alice', 'SELECT FROM plain', 'sk_owner',
		'... also for users with a key of their own');
	uses_key('alice', 'SELECT FROM invoker', 'sk_alice', 'a security invoker');
	uses_key('alice', 'SELECT FROM keys UNION ALL SELECT FROM plain',
		'sk_alice,sk_owner', 'both in one statement');
	$t->fails('keys', 'SELECT * FROM invoker', '28000', qr/user "bob"/,
		'a security invoker without a key', as => 'bob', requests => 0);

	$t->sql('ALTER VIEW plain OWNER TO bob');
	$t->fails('keys', 'SELECT * FROM plain', '28000', qr/user "bob"/,
		'the owner needs a key', as => 'alice', requests => 0);
	$t->sql('ALTER VIEW plain OWNER TO owner');
	return;
}

sub test_materialized_view
{
	uses_key(
		'owner', '
CREATE MATERIALIZED VIEW copy AS SELECT * FROM keys;
CREATE UNIQUE INDEX ON copy (region, period, order_by, id);
GRANT SELECT ON copy TO PUBLIC',
		'sk_owner', 'CREATE MATERIALIZED VIEW');
	$t->answers('keys', 'SELECT count(*) FROM copy',
		'45', 0, '... has rows for those without a key', as => 'bob');
	uses_key($t->superuser, 'REFRESH MATERIALIZED VIEW CONCURRENTLY copy',
		'sk_owner', 'REFRESH is done for the owner');
	return;
}

sub test_functions
{
	foreach my $language ('sql', 'plpgsql')
	{
		my $query = 'SELECT id FROM keys';
		my $body  = $language eq 'sql' ? $query
		  : "BEGIN RETURN QUERY $query; END";

		$t->sql(<<"END", as => 'owner');
CREATE FUNCTION definer_$language() RETURNS SETOF text LANGUAGE $language
SECURITY DEFINER AS '$body';
CREATE FUNCTION invoker_$language() RETURNS SETOF text LANGUAGE $language
STABLE AS '$body';
END
		uses_key('bob', "SELECT count(*) FROM definer_$language()",
			'sk_owner', "SECURITY DEFINER function in $language");
		uses_key('alice', "SELECT count(*) FROM invoker_$language()",
			'sk_alice', "SECURITY INVOKER function in $language");
	}
	return;
}

# A partition is asked for whoever may read its parent.
sub test_partitions_in_views
{
	$t->sql(<<'END');
CREATE TABLE parted (region text, id text) PARTITION BY LIST (region);
CREATE FOREIGN TABLE parted_us PARTITION OF parted FOR VALUES IN ('US')
SERVER keys OPTIONS (region 'US');
GRANT SELECT ON parted TO owner;
END
	$t->sql(
		'CREATE VIEW parted_view AS SELECT * FROM parted;'
		  . ' GRANT SELECT ON parted_view TO PUBLIC',
		as => 'owner');
	uses_key('owner', 'SELECT FROM parted', 'sk_owner', 'a partition');
	uses_key('bob', 'SELECT FROM parted_view', 'sk_owner',
		'a partition through a view');
	return;
}

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
		uses_key('bob', 'SELECT FROM keys', 'sk_file', "key file: $test");
	}
	symlink $path, $t->path('link') or die "symlink: $!";
	map_file($t->path('link'));
	uses_key('bob', 'SELECT FROM keys', 'sk_file', 'a symbolic link to a file');
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
			qr/could not read API key file "\Q$path\E": $problem.*HINT:  .*regular file/s,
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
			qr/API key file "[^"]*" holds no valid key\n(?!.*secret)/s,
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

# Other users do not see a key, and nobody sees it but where it was put.
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

# Where requests go is the superuser's choice, for keys go there too.
sub test_servers_of_others
{
	my $file = $t->file('key', 'sk_file');
	my $may_not = sub {
		my ($sql, $option) = @_;

		return $t->fails('keys', $sql, '42501',
			qr/permission denied to set option "$option"/,
			$sql, as => 'owner');
	};

	$t->sql('GRANT USAGE ON FOREIGN DATA WRAPPER keyapi_fdw TO owner');
	$t->sql(<<'END', as => 'owner');
CREATE SERVER own FOREIGN DATA WRAPPER keyapi_fdw OPTIONS (request_timeout '5s');
ALTER SERVER own OPTIONS (SET request_timeout '6s', ADD connect_timeout '2s');
END
	$may_not->(
		"ALTER SERVER own OPTIONS (ADD base_url 'http://localhost:1')", 'base_url');
	$may_not->("ALTER SERVER own OPTIONS (ADD ca_file '$file')", 'ca_file');
	$may_not->("ALTER SERVER own OPTIONS (ADD proxy 'http://localhost:1')", 'proxy');
	$may_not->(
		"CREATE SERVER other FOREIGN DATA WRAPPER keyapi_fdw"
		  . " OPTIONS (base_url 'http://localhost:1')",
		'base_url');

	my $url = $t->url('own', 'key=any');
	$t->sql("ALTER SERVER own OPTIONS (ADD base_url '$url')");
	$t->sql(<<'END', as => 'owner');
CREATE USER MAPPING FOR CURRENT_USER SERVER own OPTIONS (api_key 'sk_owner');
CREATE FOREIGN TABLE own (rank int) SERVER own;
END
	$t->answers('own', 'SELECT * FROM own LIMIT 1', '1', 1,
		'a superuser may set it for others', as => 'owner');
	$may_not->("ALTER SERVER own OPTIONS (SET base_url 'http://localhost:1')", 'base_url');
	$may_not->("ALTER SERVER own OPTIONS (SET request_timeout '7s')", 'base_url');
	$t->answers('own', 'ALTER SERVER own OPTIONS (DROP base_url)', '', 0,
		'but its owner may drop it', as => 'owner');
	return;
}

# A key file is the superuser's choice, for the server reads it.
sub test_mappings_of_others
{
	my $file    = $t->file('key', 'sk_file');
	my $mapping = 'USER MAPPING FOR CURRENT_USER SERVER keys';
	my $may_not = sub {
		my ($sql) = @_;

		return $t->fails('keys', $sql, '42501',
			qr/permission denied to set option "api_key_file"/,
			$sql, as => 'bob');
	};

	$t->sql('GRANT USAGE ON FOREIGN SERVER keys TO bob');
	$may_not->("CREATE $mapping OPTIONS (api_key_file '/etc/hostname')");
	$t->sql("CREATE $mapping OPTIONS (api_key 'sk_bob')", as => 'bob');
	uses_key('bob', 'SELECT FROM keys', 'sk_bob', 'a user may bring a key');
	$may_not->("ALTER $mapping OPTIONS (DROP api_key, ADD api_key_file '/etc/hostname')");

	map_file($file);
	$may_not->("ALTER $mapping OPTIONS (SET api_key_file '/etc/hostname')");
	$t->fails('keys', "ALTER $mapping OPTIONS (ADD api_key 'sk_bob')",
		'42501', qr/api_key_file/, 'one key at a time', as => 'bob');
	$t->sql("ALTER $mapping OPTIONS (DROP api_key_file, ADD api_key 'sk_bob')",
		as => 'bob');
	uses_key('bob', 'SELECT FROM keys', 'sk_bob',
		'a user may replace the file by a key');
	return;
}

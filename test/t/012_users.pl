
# Users: whose key a scan uses, and which users may set which options.

use strict;
use warnings;

use Test::More;

use KeyapiTest;

my $t = KeyapiTest->new;

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
test_servers_of_others();
test_mappings_of_others();

$t->stop;
done_testing();

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
		'', 0, '... and EXPLAIN needs none', as => 'bob');
	$t->sql('REVOKE SELECT ON keys FROM bob');
	$t->fails('keys', 'SELECT * FROM keys', '42501',
		qr/permission denied for foreign table keys/,
		'no permission', as => 'bob', requests => 0);
	$t->sql('GRANT SELECT ON keys TO bob');
	return;
}

sub test_own_and_public_mapping
{
	$t->uses_key('keys', 'alice', 'SELECT FROM keys', 'sk_alice', 'own mapping');
	$t->sql("CREATE USER MAPPING FOR PUBLIC SERVER keys OPTIONS (api_key 'sk_public')");
	$t->uses_key('keys', 'bob', 'SELECT FROM keys', 'sk_public', 'mapping for PUBLIC');
	$t->uses_key('keys', 'alice', 'SELECT FROM keys', 'sk_alice', 'the own one comes first');
	$t->sql('DROP USER MAPPING FOR PUBLIC SERVER keys');
	return;
}

# The current user counts, not the one that logged in.
sub test_set_role
{
	$t->uses_key('keys', 'friend', 'SET ROLE alice; SELECT FROM keys',
		'sk_alice', 'SET ROLE');
	$t->uses_key('keys', $t->superuser,
		'PREPARE p AS SELECT FROM keys; SET ROLE alice; EXECUTE p;'
		  . ' SET ROLE owner; EXECUTE p',
		'sk_alice,sk_owner',
		'a prepared statement runs for the user that executes it');
	$t->uses_key('keys', $t->superuser, '
SET ROLE alice;
BEGIN;
DECLARE c CURSOR FOR SELECT FROM keys;
SET ROLE owner;
FETCH 45 FROM c;
COMMIT;',
		'sk_alice', 'a cursor runs for the user that opened it');
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
	$t->uses_key('keys', 'bob', 'SELECT FROM plain', 'sk_owner', 'a view');
	$t->uses_key('keys', 'bob', 'SELECT FROM barrier WHERE rank < 5',
		'sk_owner', 'a security barrier');
	$t->uses_key('keys', 'bob', 'SELECT FROM over_view', 'sk_owner', 'a view of a view');
	$t->uses_key('keys', 'alice', 'SELECT FROM plain', 'sk_owner',
		'... also for users with a key of their own');
	$t->uses_key('keys', 'alice', 'SELECT FROM invoker', 'sk_alice', 'a security invoker');
	$t->uses_key('keys', 'alice', 'SELECT FROM keys UNION ALL SELECT FROM plain',
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
	$t->uses_key('keys', 'owner', '
CREATE MATERIALIZED VIEW copy AS SELECT * FROM keys;
CREATE UNIQUE INDEX ON copy (region, period, order_by, id);
GRANT SELECT ON copy TO PUBLIC',
		'sk_owner', 'CREATE MATERIALIZED VIEW');
	$t->answers('keys', 'SELECT count(*) FROM copy',
		'45', 0, '... has rows for those without a key', as => 'bob');
	$t->uses_key('keys', $t->superuser, 'REFRESH MATERIALIZED VIEW CONCURRENTLY copy',
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
		$t->uses_key('keys', 'bob', "SELECT count(*) FROM definer_$language()",
			'sk_owner', "SECURITY DEFINER function in $language");
		$t->uses_key('keys', 'alice', "SELECT count(*) FROM invoker_$language()",
			'sk_alice', "SECURITY INVOKER function in $language");
	}
	return;
}

# A user that may read the parent may read its partitions.
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
	$t->uses_key('keys', 'owner', 'SELECT FROM parted', 'sk_owner', 'a partition');
	$t->uses_key('keys', 'bob', 'SELECT FROM parted_view', 'sk_owner',
		'a partition through a view');
	return;
}

# Only a superuser chooses where requests go, because they carry the keys.
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

# Only a superuser chooses a key file, because the server reads it.
sub test_mappings_of_others
{
	my $file = $t->file('key', 'sk_file');
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
	$t->uses_key('keys', 'bob', 'SELECT FROM keys', 'sk_bob', 'a user may bring a key');
	$may_not->("ALTER $mapping OPTIONS (DROP api_key, ADD api_key_file '/etc/hostname')");

	$t->sql(<<"END");
DROP USER MAPPING FOR bob SERVER keys;
CREATE USER MAPPING FOR bob SERVER keys OPTIONS (api_key_file '$file');
END
	$may_not->("ALTER $mapping OPTIONS (SET api_key_file '/etc/hostname')");
	$t->fails('keys', "ALTER $mapping OPTIONS (ADD api_key 'sk_bob')",
		'42501', qr/api_key_file/, 'one key at a time', as => 'bob');
	$t->sql("ALTER $mapping OPTIONS (DROP api_key_file, ADD api_key 'sk_bob')",
		as => 'bob');
	$t->uses_key('keys', 'bob', 'SELECT FROM keys', 'sk_bob',
		'a user may replace the file by a key');
	return;
}


# Nothing that guards money is forgotten: neither by other keys, nor by another
# spelling of base_url, nor by a clock that is set back.

use strict;
use warnings;

use Test::More;

use KeyapiSession;
use KeyapiTest;

my $t = KeyapiTest->new(conf => KeyapiTest->preloaded);
my $accounts = 'FROM keyapi_fdw_accounts';

test_view();
test_pauses();
test_view_is_private();
test_many_keys();
test_spellings();
test_clock();
test_no_room();

$t->stop;
done_testing();

# keyapi_fdw_accounts shows what an account has spent.
sub test_view
{
	is($t->sql("SELECT count(*) $accounts"), 0, 'no account is known');
	$t->scenario('seen');
	$t->sql('SELECT count(*) FROM seen WHERE rank <= 60');
	is( $t->sql('SELECT endpoint, paused_until, paused_because, requests_per_second, credits_today,'
			  . " requests_today, last_used BETWEEN now() - interval '1 hour' AND clock_timestamp() $accounts"),
		'tiktok/trending/videos||||6|3|t', 'an account');
	like($t->sql("SELECT account $accounts"), qr/^[0-9a-f]{8}$/, '... has a name of 8 hexadecimal digits');

	$t->sql("ALTER SERVER seen OPTIONS (ADD max_retries '0', SET base_url '"
		  . $t->emulator->value('REFUSED_URL') . "')");
	$t->fails('seen', 'SELECT FROM seen', '08001', qr/could not connect/, 'a request that is not sent');
	is($t->sql("SELECT credits_today, requests_today $accounts ORDER BY 1"), "0|0\n6|3", '... costs nothing');
	is($t->sql("SELECT paused_because $accounts WHERE paused_until IS NOT NULL"), 'outage', '... but that the API is down');
	$t->sql("SELECT keyapi_fdw_resume('seen')");
	return;
}

# ... and why it waits.
sub test_pauses
{
	my $pauses = "SELECT paused_because, paused_until > now() + interval '50 s', requests_per_second IS NOT NULL"
	  . " $accounts WHERE paused_until IS NOT NULL";

	$t->scenario('broke', 'quota=0');
	$t->run('SELECT FROM broke LIMIT 1');
	is($t->sql($pauses), 'no credits|t|f', 'a pause for lack of credits');
	$t->sql("SELECT keyapi_fdw_resume('broke')");
	is($t->sql($pauses), '', '... is over after keyapi_fdw_resume');

	$t->scenario('limited', 'fault=status,code=429,after=3000');
	$t->fail_at_once('limited');
	$t->run('SELECT FROM limited LIMIT 1');
	is($t->sql($pauses), 'rate limit|t|t', 'a pause for the rate limit');
	$t->sql("SELECT keyapi_fdw_resume('limited')");
	return;
}

sub test_view_is_private
{
	$t->sql('CREATE ROLE watcher LOGIN');
	$t->fails('seen', "SELECT $accounts", 42501, qr/keyapi_fdw_accounts/, 'not everybody sees accounts', as => 'watcher');
	$t->sql('GRANT pg_read_all_stats TO watcher');
	cmp_ok($t->sql("SELECT count(*) $accounts", as => 'watcher'), '>', 1, '... but pg_read_all_stats does');
	return;
}

# Ask once with each of so many keys; returns how that ended, as "SQLSTATE|n" lines.
sub ask_with_keys
{
	my ($name, $keys) = @_;

	return $t->sql(<<"END");
DO \$\$
BEGIN
  CREATE TEMP TABLE ends (code text);
  SET keyapi_fdw.max_credits = -1;
  FOR i IN 1 .. $keys LOOP
    EXECUTE format('ALTER USER MAPPING FOR PUBLIC SERVER $name OPTIONS (SET api_key %L)', 'key' || i);
    BEGIN
      PERFORM FROM "$name" LIMIT 1;
      INSERT INTO ends VALUES ('00000');
    EXCEPTION WHEN OTHERS THEN
      INSERT INTO ends VALUES (SQLSTATE);
    END;
  END LOOP;
END \$\$;
SELECT code, count(*) FROM ends GROUP BY code ORDER BY code;
SELECT 'known', count(*) $accounts WHERE credits_today > 0;
END
}

# Each of 300 keys spends its day once.
sub test_many_keys
{
	$t->scenario('many', 'key=any');
	$t->sql("ALTER SERVER many OPTIONS (ADD credits_per_day '2')");
	like(ask_with_keys('many', 300), qr/^00000\|300\n/, 'each of 300 keys asks once');
	like(ask_with_keys('many', 300), qr/^54000\|300\n/, '... and then has spent its day');
	is($t->emulator->count('many'), 300, '... 300 requests');
	return;
}

# A base_url is the same however it is spelt.
sub test_spellings
{
	my $url = $t->url('spelt', 'key=any');
	my ($port) = $url =~ /:(\d+)/;
	my @spellings = (
		"HTTP://127.0.0.1:$port/x/../spelt;key=any",
		"http://127.1:$port/./%73pelt;key=any/",
		"http://127.0.0.1:0$port/spelt;key=any//");

	$t->cached_scenario('spelt', 'key=any');
	$t->sql("ALTER SERVER spelt OPTIONS (ADD credits_per_day '2')");
	$t->answers('spelt', 'SELECT count(*) FROM spelt WHERE rank <= 20', 20, 1, 'the budget of a day');
	foreach my $spelling (@spellings)
	{
		$t->sql("ALTER SERVER spelt OPTIONS (SET base_url '$spelling')");
		$t->answers('spelt', 'SELECT count(*) FROM spelt WHERE rank <= 20', 20, 0, "$spelling has its cache");
		$t->fails('spelt', "SELECT count(*) FROM spelt WHERE region = 'FR'", 54000, qr/2 are spent today/,
			'... and its budget', requests => 0);
	}

	# what cannot be reached here
	my @unreached = qw(https://LocalHost https://localhost:443/ https://localhost./ https://localhost/a/%2E%2E/);
	my $known = $t->sql("SELECT count(*) $accounts");

	$t->scenario('unreached');
	$t->fail_at_once('unreached');
	foreach my $spelling (@unreached)
	{
		$t->sql("ALTER SERVER unreached OPTIONS (SET base_url '$spelling')");
		$t->run('SELECT FROM unreached LIMIT 1');
	}
	is($t->sql("SELECT count(*) - $known $accounts"), 1, 'case, default port, dots: one account');
	foreach my $other (qw(https://localhost:444 https://localhost/A https://localhost/a http://localhost:443))
	{
		$t->sql("ALTER SERVER unreached OPTIONS (SET base_url '$other')");
		$t->run('SELECT FROM unreached LIMIT 1');
	}
	is($t->sql("SELECT count(*) - $known $accounts"), 5, '... but what differs is another one');
	return;
}

# A clock that is set back over midnight gives no fresh day.
sub test_clock
{
  SKIP:
	{
		my ($library) = glob '/usr/lib/*/faketime/libfaketime.so.1';

		skip 'libfaketime is not installed', 7 if !defined $library;

		my $file = $t->file('faketime', '@2026-03-02 00:10:00');
		{
			local $ENV{TZ} = 'UTC';
			local $ENV{LD_PRELOAD} = $library;
			local $ENV{FAKETIME_TIMESTAMP_FILE} = $file;
			local $ENV{FAKETIME_NO_CACHE} = 1;
			local $ENV{DONT_FAKE_MONOTONIC} = 1;
			$t->node->restart;
		}
		skip 'libfaketime has no effect', 7 if $t->sql("SELECT now()::date") ne '2026-03-02';

		# in one step: the library ends a process that finds half a file
		my $set = sub { return rename $t->file('faketime.new', "\@$_[0]"), $file };
		my $spends = sub { return $t->answers('dated', 'SELECT count(*) FROM dated WHERE rank < 9', 8, 1, @_) };
		my $refuses = sub {
			return $t->fails('dated', 'SELECT count(*) FROM dated WHERE rank < 9', 54000, qr/credits_per_day/, @_, requests => 0);
		};

		$t->scenario('dated');
		$t->sql("ALTER SERVER dated OPTIONS (ADD credits_per_day '2')");
		$spends->('the budget of a day');
		$refuses->('... is spent');
		$set->('2026-03-01 12:00:00');
		$refuses->('... and not there again when the clock is set back over midnight');
		$set->('2026-03-02 00:20:00');
		$refuses->('... after that midnight');
		$set->('2026-03-03 00:01:00');
		$spends->('... before the next day');
		$set->('2026-03-02 12:00:00');
		$refuses->('the clock is set back once more');
		is($t->sql("SELECT credits_today, requests_today $accounts"), '2|1', 'the day has one request');
	}
	return;
}

# If there is no room for another account, nothing is sent: here, in memory of a
# session's own.
sub test_no_room
{
	$t->node->append_conf('postgresql.conf', "shared_preload_libraries = ''\n");
	$t->node->restart;

  SKIP:
	{
		skip 'sessions share memory that can grow', 3 if $t->is_shared;

		$t->scenario('crowded', 'key=any');
		$t->fail_at_once('crowded');

		my $ends = ask_with_keys('crowded', 2000);
		my ($asked, $refused, $known) = $ends =~ /^00000\|(\d+)\n53200\|(\d+)\nknown\|(\d+)$/;

		ok(defined $refused, 'a key is refused for lack of room') or diag($ends);
		is($t->emulator->count('crowded'), $asked, '... without a request');
		is($known, $asked, '... and no other one was forgotten');
	}
	return;
}


# What all sessions of an account must know: rate limits, empty accounts,
# budgets of a day; and what is served when the API fails.

use strict;
use warnings;

use Test::More;

use KeyapiSession;
use KeyapiTest;

my $t = KeyapiTest->new(conf => KeyapiTest->preloaded);

test_rate_limit();
test_refusals();
test_first_refusal();
test_pages_under_way();
test_pacing();
test_empty_account();
test_daily_budget();
test_stale();
test_stale_limits();

$t->stop;
done_testing();

# After one session's 429 all wait: one request is refused, not one of each.
sub test_rate_limit
{
	my @sessions = map { KeyapiSession->new($t) } 1 .. 5;

	$t->scenario('limited', 'total=15;fault=status,code=429,after=2,nth=1');
	$sessions[0]->start("SELECT count(*) FROM limited WHERE region = 'R0';");
	$t->await_waiting(1, 'rate limit');
	$sessions[$_]->start("SELECT count(*) FROM limited WHERE region = 'R$_';") foreach 1 .. 4;
	$t->await_waiting(5, 'rate limit');
	is($t->emulator->count('limited'), 1, 'a 429 keeps all sessions back');
	is($_->finish->{rows}, 15, '... until its time is over') foreach @sessions;
	is($t->emulator->count('limited'), 6, '... and nothing is asked in vain');
	$_->quit foreach @sessions;
	return;
}

# After the pause one request tries for all waiting sessions; if it is refused, all are.
sub test_refusals
{
	my @sessions = map { KeyapiSession->new($t) } 1 .. 4;

	$t->scenario('exceeded', 'fault=status,code=429,after=1');
	$t->sql("ALTER SERVER exceeded OPTIONS (ADD max_retries '3')");
	$sessions[0]->start("SELECT count(*) FROM exceeded;");
	$t->await_waiting(1, 'rate limit');
	$sessions[1]->start("SELECT count(*) FROM exceeded;");
	$sessions[$_]->start("SELECT count(*) FROM exceeded WHERE region = 'R$_';") foreach 2, 3;
	like($_->finish->{stderr}, qr/53400: +the API's rate limit was exceeded/, 'a session is refused')
	  foreach @sessions;

	# a start that is late sees one refusal less
	cmp_ok($t->emulator->count('exceeded'), '<=', 6, '... for not much more than what one may try');
	$_->quit foreach @sessions;
	return;
}

# ... but a request that comes before any refusal tries for itself.
sub test_first_refusal
{
	my ($refused, $waiter) = map { KeyapiSession->new($t) } 1 .. 2;

	$t->scenario('first', 'total=15;fault=status,code=429,after=1,nth=1,delay=1000');
	$t->sql("ALTER SERVER first OPTIONS (ADD max_retries '0', ADD requests_per_second '0.5')");
	$refused->start('SELECT count(*) FROM first;');
	$t->emulator->await_requests('first', 1);
	$waiter->start("SELECT count(*) FROM first WHERE region = 'FR';");
	KeyapiSession::is_error($refused->finish, '53400', 'a request is refused');
	is($waiter->finish->{rows}, 15, '... and a session that waited meanwhile goes on');
	$_->quit foreach $refused, $waiter;
	return;
}

# A session that has to wait still gets a page that another one has already asked for.
sub test_pages_under_way
{
	my ($leader, $limited, $waiter) = map { KeyapiSession->new($t) } 1 .. 3;

	$t->cached_scenario('under_way', 'total=15;fault=stall,region=US;fault=status,code=429,after=3000,region=FR');
	$t->sql("ALTER SERVER under_way OPTIONS (ADD max_retry_wait '1h')");
	$leader->start('SELECT count(*) FROM under_way;');
	$t->emulator->await_stalled('under_way', 1);
	$limited->start("SELECT count(*) FROM under_way WHERE region = 'FR';");
	$t->emulator->await_requests('under_way', 2);
	$t->await_waiting(1, 'rate limit');
	$waiter->start('SELECT count(*) FROM under_way;');
	$t->await_waiting(2, 'rate limit');
	$t->emulator->release('under_way');
	is($_->finish->{rows}, 15, 'a page that was sent for before the gate closed') foreach $leader, $waiter;
	is($t->emulator->count('under_way'), 2, '... is asked for once');
	$limited->cancel;
	$limited->finish;
	$_->quit foreach $leader, $limited, $waiter;
	return;
}

# Sessions share the pace: the requests of all are so far apart.
sub test_pacing
{
	my @sessions = map { KeyapiSession->new($t) } 1 .. 4;

	$t->scenario('paced', 'total=60');
	$t->sql("ALTER SERVER paced OPTIONS (ADD requests_per_second '20')");
	$sessions[$_]->start("SELECT count(*) FROM paced WHERE region = 'R$_';") foreach 0 .. 3;
	is($_->finish->{rows}, 60, 'paced') foreach @sessions;
	my @times = map { $_->{ms} } $t->emulator->log('paced');

	is(scalar(@times), 12, '... twelve requests');
	# a busy machine may be late with the first; each on its own would take a quarter
	cmp_ok($times[-1] - $times[0], '>=', 11 * 50 / 2, '... at the pace of one session');
	$_->quit foreach @sessions;
	return;
}

# A 402 makes all fail at once, for a while.
sub test_empty_account
{
	$t->scenario('broke', 'quota=0');
	$t->fails('broke', 'SELECT count(*) FROM broke', 53000, qr/no credits/, 'a 402', requests => 1);
	$t->fails('broke', "SELECT count(*) FROM broke WHERE region = 'FR'", 53000, qr/less than a minute ago/,
		'... is not asked for again by another session', requests => 0);
	return;
}

sub test_daily_budget
{
	$t->scenario('daily');
	$t->sql("ALTER SERVER daily OPTIONS (ADD credits_per_day '10')");
	$t->one_by_one('daily');
	$t->answers('daily', 'SELECT count(*) FROM daily WHERE rank <= 60', 60, 3, 'within the budget of the day');
	$t->fails('daily', 'SELECT count(*) FROM daily', 54000,
		qr/credits_per_day.* allows 10 and 10 are spent today.*UTC/s, 'beyond it', requests => 2);
	$t->fails('daily', 'SELECT count(*) FROM daily', 54000, qr/credits_per_day/, 'in another session too',
		requests => 0);
	$t->sql("ALTER SERVER daily OPTIONS (SET credits_per_day '12')");
	$t->answers('daily', 'SELECT count(*) FROM daily WHERE rank <= 20', 20, 1, 'it can be raised');

	$t->scenario('guesses', 'key=other');
	$t->sql(<<'END');
DO $$
BEGIN
  FOR i IN 1 .. 300 LOOP
    EXECUTE format('ALTER USER MAPPING FOR PUBLIC SERVER guesses OPTIONS (SET api_key %L)', i);
    BEGIN
      PERFORM FROM guesses LIMIT 1;
    EXCEPTION WHEN invalid_authorization_specification THEN
    END;
  END LOOP;
END $$
END
	is($t->emulator->count('guesses'), 300, 'many keys may be tried');
	$t->fails('daily', 'SELECT count(*) FROM daily', 54000, qr/allows 12 and 12 are spent/,
		'... and what was spent is known', requests => 0);
	return;
}

# The last state of a list is better than none, if the user says so.  Once an outage is
# known, nothing is asked for.
sub test_stale
{
	my %requests = (429 => 1);
	my @outages = (
		[ 'status,code=500', '58000' ],
		[ 'status,code=503', '58000' ],
		[ 'status,code=429,after=1', '53400' ],
		[ 'status,code=402', '53000' ],
		[ 'code,code=500', '58000' ],
		[ 'reset', '08006' ],
		[ 'truncate', '08006' ]);

	foreach my $outage (@outages)
	{
		my ($fault, $sqlstate) = @$outage;
		my ($code) = $fault =~ /code=(\d+)/;
		my $name = 'stale_' . $fault =~ s/\W+//gr;

		kept($name, "total=45;fault=$fault,nth=4-99");
		$t->sql("ALTER SERVER $name OPTIONS (SET stale_if_error '0')");
		$t->fails($name, fresh($name), $sqlstate, qr/page 1/, "$fault is an error", requests => 1);
		$t->sql("ALTER SERVER $name OPTIONS (SET stale_if_error '1h')");
		$t->answers($name, fresh($name), '45|1035', $requests{ $code // '' } // 0, '... or the old list',
			warning => qr/list region=US\S* is served as it was at .*\nDETAIL: .*could not be asked/);
	}
	return;
}

# What stale_if_error does not do.
sub test_stale_limits
{
	kept('failed', 'total=45;fault=status,code=500,nth=4-99');
	$t->fails('failed', "SET keyapi_fdw.max_credits = 2; " . fresh('failed'), 54000, qr/max_credits/,
		'a list that is too dear to be asked for anew');
	$t->sql("ALTER SERVER failed OPTIONS (SET stale_if_error '0')");
	$t->fails('failed', fresh('failed'), 58000, qr/page 1/, 'a failed request');
	$t->answers('failed', 'SELECT count(*) FROM failed', 45, 0, '... does not spoil the cache');

	kept('second', 'total=45;fault=status,code=500,nth=5-99');
	$t->fails('second', fresh('second'), 58000, qr/page 2/, 'no old page follows a new one');

	kept('refused', 'total=45;fault=status,code=401,nth=4-99');
	$t->fails('refused', fresh('refused'), 28000, qr/page 1/, 'a refusal is an error');

	kept('tooold', 'total=45;fault=status,code=500,nth=4-99');
	$t->sql("ALTER SERVER tooold OPTIONS (SET stale_if_error '1ms')");
	$t->fails('tooold', fresh('tooold'), 58000, qr/page 1/, 'what is too old is not served');
	return;
}

# A scenario whose list is in the cache, whole
sub kept
{
	my ($name, $settings) = @_;

	$t->cached_scenario($name, $settings);
	$t->fail_at_once($name);
	$t->sql("ALTER SERVER $name OPTIONS (ADD stale_if_error '1h')");
	$t->sql("SELECT count(*) FROM $name");
	return;
}

# A query that does not want what is in the cache
sub fresh
{
	my ($name) = @_;

	return "SET keyapi_fdw.max_age = 0; SELECT count(*), sum(rank) FROM $name";
}

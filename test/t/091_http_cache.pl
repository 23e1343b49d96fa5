# Behind an HTTP cache (option http_cache), what the cache answers costs nothing
# and is as old as the cache says.

use strict;
use warnings;

use Test::More;

use KeyapiTest;

my $t = KeyapiTest->new(conf => KeyapiTest->shared);

# A scenario whose answers have these headers; http_cache is on
sub behind_cache
{
	my ($name, $cachestatus, $age) = @_;
	my $settings = join ';', 'total=20',
	  defined $cachestatus ? 'cachestatus=' . escaped($cachestatus) : (),
	  defined $age ? 'age=' . escaped($age) : ();

	$t->scenario($name, $settings);
	$t->sql("ALTER SERVER $name OPTIONS (ADD http_cache 'on')");
	return;
}

sub escaped
{
	my ($text) = @_;

	return $text =~ s/([^\w.-])/sprintf '%%%02X', ord $1/ger;
}

# Requests and credits in the statistics of a server
sub bill
{
	my ($server) = @_;

	return $t->sql("SELECT requests, credits FROM keyapi_fdw_stats WHERE server = '$server'");
}

subtest 'what is a hit' => sub {
	my @cases = (
		[ 'nginx; hit',                          0 ],
		[ 'nginx;hit',                           0 ],
		[ 'nginx; hit; ttl=30',                  0 ],
		[ 'nginx; hit=?1',                       0 ],
		[ 'a; fwd=miss; stored, b; hit; ttl=5',  0 ],
		[ '"cache; \"x"; detail="a,b"; hit',     0 ],
		[ 'a; fwd=miss|b; hit',                  0 ],
		[ undef,                                 2 ],
		[ 'nginx; fwd=miss',                     2 ],
		[ 'nginx; hit=?0; fwd=stale',            2 ],
		[ 'hit',                                 2 ],
		[ 'hit; fwd=uri-miss',                   2 ],
		[ 'a; detail="b; hit"',                  2 ],
		[ 'a; detail="b; hit',                   2 ],
		[ 'a; fwd=hit',                          2 ],
		[ 'a; hits',                             2 ],
		[ '; hit',                               2 ],
		[ 'a, , b; hit',                         2 ],
		[ '""',                                  2 ],
	);
	my $n = 0;

	foreach my $case (@cases)
	{
		my ($header, $credits) = @$case;
		my $name = 'hit' . ++$n;

		behind_cache($name, $header);
		$t->answers($name, "SELECT count(*) FROM $name", '20', 1, $header // 'no header');
		is(bill($name), "1|$credits", '... costs');
	}
};

subtest 'the option' => sub {
	$t->scenario('off', 'total=20;cachestatus=' . escaped('nginx; hit') . ';age=600');
	$t->answers('off', q{SELECT count(*), bool_and(fetched_at > now()) FROM off},
		'20|t', 1, 'without it the headers mean nothing');
	is(bill('off'), '1|2', '... and requests cost');
	$t->fails('off', q{ALTER SERVER off OPTIONS (ADD http_cache 'perhaps')}, '22023',
		qr/must be on or off/, 'a bad value');
};

subtest 'budgets' => sub {
	behind_cache('budget', 'nginx; hit');
	$t->change('budget', 'total=100;cachestatus=' . escaped('nginx; hit'));
	$t->sql(q{ALTER SERVER budget OPTIONS (ADD credits_per_day '4')});
	$t->answers('budget', 'SELECT count(*) FROM budget WHERE rank <= 40; SELECT count(*) FROM budget WHERE rank > 60',
		"40\n40", 4, 'hits spend no credits of the day');
	$t->one_by_one('budget');
	$t->answers('budget', <<'END', '100', 5, '... nor of a statement whose price is not known before');
SET keyapi_fdw.max_credits = 2;
DO $$ BEGIN FOR i IN 1..5 LOOP PERFORM FROM budget WHERE page = i; END LOOP; END $$;
SELECT 100;
END
	my $plan = $t->sql('EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) SELECT FROM budget WHERE rank = 1');
	like($plan, qr/ Requests: 1$/m, 'EXPLAIN ANALYZE counts the request');
	like($plan, qr/ Credits: 0$/m, '... and no credits');
};

subtest 'failures' => sub {
	my $hit = 'total=20;cachestatus=' . escaped('nginx; hit');

	foreach my $status (400, 402, 429, 500)
	{
		$t->scenario("remembered$status", "$hit;fault=status,code=$status,try=1");
		$t->sql("ALTER SERVER remembered$status OPTIONS (ADD http_cache 'on', ADD max_retries '0')");
		$t->answers("remembered$status", "SELECT count(*) FROM remembered$status", '20', 2,
			"the API may answer better than a cache that remembers a $status");
	}
	$t->scenario('again', "$hit;fault=status,code=400");
	$t->sql(q{ALTER SERVER again OPTIONS (ADD http_cache 'on')});
	$t->fails('again', 'SELECT FROM again', '22023', qr/400/, 'it may also answer the same', requests => 2);
};

subtest 'age' => sub {
	my $since = q{SELECT (extract(epoch FROM now() - min(fetched_at)) / 10)::int FROM };

	behind_cache('old', 'nginx; hit', '600');
	$t->answers('old', $since . 'old', '60', 1, 'fetched_at is when the API sent the page');
	behind_cache('ageless', 'nginx; hit', 'old');
	$t->answers('ageless', $since . 'ageless', '0', 1, 'an age that makes no sense');
	behind_cache('ancient', 'nginx; hit', '99999999999999999999');
	$t->cached('ancient');
	$t->answers('ancient', 'SELECT count(*) FROM ancient; SELECT count(*) FROM ancient', "20\n20", 2,
		'what is too old already is not served again');
	behind_cache('young', 'nginx; hit', '600');
	$t->cached('young');
	$t->answers('young', 'SELECT count(*) FROM young; SELECT count(*) FROM young', "20\n20", 1,
		'what is not is');
	$t->answers('young', q{SET keyapi_fdw.max_age = '9min'; SELECT count(*) FROM young}, '20', 1,
		'its age is that of the cache and ours');
	is($t->sql(q{SELECT (extract(epoch FROM expires_at - now()) / 10)::int FROM keyapi_fdw_cache WHERE endpoint LIKE '%videos' ORDER BY fetched_at DESC LIMIT 1}),
		'30', 'expires_at counts from it');
};

$t->stop;
done_testing();

# A primary and two standbys (doc/scaling-out.md): a materialized view is paid for
# once and read everywhere; the foreign table works on standbys, too.

use strict;
use warnings;

use Test::More;

use KeyapiSession;
use KeyapiTest;

my $primary = KeyapiTest->new(conf => KeyapiTest->preloaded, name => 'primary', streaming => 1);
my @standbys = map { make_standby("standby$_") } 1 .. 2;

test_view();
test_foreign_table();
test_promotion();

$_->node->stop foreach @standbys;
$primary->stop;
done_testing();

# A standby that streams from the primary; its requests are counted by the same
# emulator.
sub make_standby
{
	my ($name) = @_;

	$primary->node->backup($name);
	return $primary->standby($name);
}

sub catch_up
{
	$primary->node->wait_for_catchup($_->node->name) foreach @standbys;
	return;
}

sub asked { return $primary->emulator->count('list') }

sub test_view
{
	my $reader;

	$primary->cached_scenario('list');
	$primary->sql(<<'END');
CREATE MATERIALIZED VIEW trending AS SELECT * FROM list WHERE region IN ('US', 'GB');
CREATE UNIQUE INDEX ON trending (region, period, order_by, id);
END
	catch_up();
	is(asked(), 50, 'the view is paid for once');
	is($_->sql('SELECT count(*) FROM trending'), '1000', 'rows on ' . $_->node->name) foreach @standbys;
	is(asked(), 50, '... for nothing');

	$reader = KeyapiSession->new($standbys[0]);
	$reader->run('BEGIN ISOLATION LEVEL REPEATABLE READ;');
	is($reader->run('SELECT count(*) FROM trending;')->{rows}, '1000', 'a reader on a standby');
	$primary->sql('SELECT keyapi_fdw_cache_clear(); REFRESH MATERIALIZED VIEW CONCURRENTLY trending');
	is(asked(), 100, '... does not keep the primary from refreshing');
	is($reader->run('SELECT count(*) FROM trending;')->{rows}, '1000', '... and still has its rows');
	$reader->quit;
	return;
}

sub test_foreign_table
{
	my $query = q{SELECT count(*) FROM list WHERE region = 'FR' AND rank <= 20};

	is($standbys[0]->sql($query), '20', 'the foreign table on a standby');
	is(asked(), 101, '... asks the API');
	is($standbys[0]->sql($query), '20', 'once more');
	is(asked(), 101, '... it has a cache of its own');
	is($standbys[0]->sql('SELECT requests, credits FROM keyapi_fdw_stats'), '1|2', '... and a bill of its own');
	return;
}

sub test_promotion
{
	$standbys[0]->node->promote;
	is($standbys[0]->sql('REFRESH MATERIALIZED VIEW trending; SELECT count(*) FROM trending'),
		'1000', 'after a promotion the view can be refreshed');
	is(asked(), 151, '... which is paid for');
	return;
}

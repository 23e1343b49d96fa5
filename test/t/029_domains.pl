# The options regions, periods and order_bys: domains in place of those that are
# built in, for an API that has learned new values.

use strict;
use warnings;

use Test::More;

use KeyapiTest;

my $t = KeyapiTest->new;

$t->server('w', 'plainids;total=3;newvalues');
$t->mapping('w');
test_values();
test_defaults();
test_explain();
test_types();
test_validation();

$t->stop;
done_testing();

sub table
{
	my ($name, $options, $columns) = @_;

	$columns //= 'region text, period int, order_by text, rank int, id text';
	$t->sql("CREATE FOREIGN TABLE $name ($columns) SERVER w OPTIONS ($options)");
	return;
}

# Test that a query asks for these lists, written as period and order_by.
sub reads
{
	my ($query, $lists, $test) = @_;
	my $count = () = $lists =~ /\S+/g;

	$t->emulator->reset('w');
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	$t->answers('w', "SELECT count(*) FROM $query", 3 * $count, $count, $test // $query);
	is(join(' ', map { s/,//r } $t->asked('w', 'period', 'order_by')), $lists, '... which are these');
	return;
}

# A domain decides which values exist, and any condition works on it.
sub test_values
{
	table('v', q{period '90', periods '7, 30,90', order_by 'views', order_bys 'views,shares'});
	reads('v', '90views', 'defaults');
	reads('v WHERE period = 7', '7views');
	reads('v WHERE period > 7', '30views 90views');
	reads('v WHERE period % 20 = 10', '30views 90views');
	reads(q{v WHERE order_by <> 'views'}, '90shares');
	reads(q{v WHERE (period, order_by) IN ((7, 'shares'), (90, 'vv'))}, '7shares');
	reads(q{v WHERE period = ANY ('{7,30,120}')}, '30views 7views');
	reads(q{v WHERE order_by = 'vv'}, '', 'a built-in value that is not in it');
	reads('v WHERE period = 8', '', 'a value that is not in it');
	$t->answers('w', 'SELECT period FROM v WHERE period IN (7, 90) AND rank = 1 ORDER BY period DESC',
		"90\n7", 2, 'order of lists');
	return;
}

# As with regions, the default is all of a domain that is set.
sub test_defaults
{
	table('a', q{periods '7,90'});
	reads('a', '7vv 90vv', 'a domain without a default');
	table('b', q{periods '7,90,7', period 'all', order_bys 'vv,views', order_by 'all'});
	reads('b', '7views 7vv 90views 90vv', 'all');
	table('c', q{periods '7,90', period 'none'});
	$t->fails('w', 'SELECT * FROM c', '0A000', qr/must say which "period"/, 'none', requests => 0);
	reads('c WHERE period IS DISTINCT FROM 7', '90vv', 'none, with a condition');
	$t->sql(q{ALTER FOREIGN TABLE a OPTIONS (ADD period '90')});
	reads('a', '90vv', 'a value');
	$t->fails('w', 'SELECT * FROM a JOIN b USING (period)', '0A000',
		qr/query compares "period" of foreign table "\w" with tables that have another default/,
		'different domains are different defaults', requests => 0);
	$t->sql(q{IMPORT FOREIGN SCHEMA tiktok FROM SERVER w INTO public});
	$t->sql(q{ALTER FOREIGN TABLE tiktok_trending OPTIONS (ADD periods '7,90', ADD order_bys 'vv,views')});
	reads('tiktok_trending WHERE period > 7', '90vv', 'an imported table');
	$t->sql('ALTER FOREIGN TABLE tiktok_trending OPTIONS (DROP periods)');
	reads('tiktok_trending WHERE period > 7', '30vv', '... without the option');
	return;
}

sub test_explain
{
	my $plan = $t->sql(q{EXPLAIN SELECT * FROM v WHERE period > 7});

	like($plan, qr/Binding: region = 'US' \(default\), period IN \(30, 90\), order_by = 'views' \(default\)/,
		'EXPLAIN: binding');
	like($plan, qr/Max Lists: 2\b/, 'EXPLAIN: lists');
	return;
}

# Types of columns may lack values of the domain.
sub test_types
{
	table('narrow', q{periods '7,30,99999', order_bys 'vv,long_order'},
		'period smallint, order_by varchar(4), rank int, id text');
	reads(q{narrow WHERE period > 7 AND order_by = 'vv'}, '30vv', 'smallint has no 99999');
	reads(q{narrow WHERE period <> 0 AND order_by <> ''}, '30vv 7vv', 'varchar(4)');
	return;
}

sub refused
{
	my ($options, $detail) = @_;

	local $Test::Builder::Level = $Test::Builder::Level + 1;
	$t->fails('w', "CREATE FOREIGN TABLE x (rank int) SERVER w OPTIONS ($options)",
		'22023', $detail, $options);
	return;
}

sub test_validation
{
	refused(q{periods ''}, qr/It must be a list of values separated by commas\./);
	refused(q{periods '7,,30'}, qr/It must be a list of values separated by commas\./);
	refused(qq{periods '$_'}, qr/Each value must be a number without a sign or leading zeros\./)
	  foreach '7,x', '7,-1', '07', '7,3.0', '7,30d';
	refused(q{order_bys 'vv,"" '}, qr/Each value must have 1 to 64 bytes\./);
	refused(q{order_bys 'vv,} . ('x' x 65) . q{'}, qr/Each value must have 1 to 64 bytes\./);
	refused(q{periods '7,90', period '30'}, qr/It must be all, none or one of: 7, 90\./);
	refused(q{order_bys 'views', order_by 'vv'}, qr/It must be all, none or one of: views\./);
	refused(q{period '90'}, qr/It must be all, none or one of: 7, 30\./);
	$t->fails('w', q{CREATE FOREIGN TABLE x (rank int) SERVER w OPTIONS (orders 'vv')},
		'HV00D', qr/Valid options in this context are: .*region, regions, period, periods, order_by, order_bys\./,
		'the valid options');
	return;
}

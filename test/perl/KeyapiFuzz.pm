
=pod

=head1 NAME

KeyapiFuzz - random queries on foreign tables against local copies

=head1 SYNOPSIS

  my $fuzz = KeyapiFuzz->new($t, seed => 1);     # $t: a KeyapiTest
  my $problems = $fuzz->run_queries(300);        # texts, to be shown
  print $fuzz->summary;

Each query runs under the default and two other planner settings, and as a prepared
statement with a custom and a generic plan, each with eight requests at a time and with one.  It
may end in the error 0A000 (in some settings, in others not); otherwise its rows must be those of
the same query on local copies, and looking ahead must not have sent a request more.

=cut

package KeyapiFuzz;

use strict;
use warnings;

use KeyapiQueries;
use KeyapiSession;

# Planner settings to vary
my @SETTINGS = (
	[],
	['enable_nestloop = off'],
	[ 'enable_hashjoin = off', 'enable_mergejoin = off' ],
	[ 'enable_memoize = off', 'enable_material = off', 'enable_hashagg = off' ],
	['geqo_threshold = 2'],
	[ 'join_collapse_limit = 1', 'from_collapse_limit = 1' ],
	[ 'enable_hashjoin = off', 'enable_sort = off' ],
	[ 'enable_partitionwise_join = on', 'enable_partitionwise_aggregate = on',
		'enable_nestloop = off', 'enable_hashjoin = off' ],
);

my @REGIONS = qw(US FR DE XX ZZ);
my $COLUMNS = 'region text, period int, order_by text, rank int, id text';

# Lists of three videos are then on two pages.
my $SHORT = "page_size '2'";

# Seconds after which a query is given up, counted, and not compared
my $PATIENCE = 20;

sub new
{
	my ($class, $t, %options) = @_;
	my $self = bless { t => $t, seed => $options{seed}, number => 0,
		count => {} }, $class;

	$KeyapiQueries::strict_in = $t->node->pg_version->major >= 16;
	$self->make_world;
	$self->{session} = $self->connect;
	return $self;
}

# Lists of three videos are enough to go wrong with.
sub make_world
{
	my ($self) = @_;
	my $t = $self->{t};
	my $regions = join ',', map { "'$_'" } @REGIONS;

	$t->server('fuzz', 'plainids;total=3;hashtags=3');
	$t->sql("ALTER SERVER fuzz OPTIONS (ADD max_concurrency '8')");
	$t->mapping('fuzz');
	$t->leave_loops;
	$t->sql(<<"END");
SET keyapi_fdw.max_credits = -1;
CREATE FOREIGN TABLE t ($COLUMNS) SERVER fuzz OPTIONS ($SHORT);
CREATE FOREIGN TABLE t2 ($COLUMNS) SERVER fuzz OPTIONS ($SHORT);
CREATE FOREIGN TABLE tf ($COLUMNS) SERVER fuzz OPTIONS ($SHORT, region 'FR', period '30');
CREATE FOREIGN TABLE td ($COLUMNS) SERVER fuzz OPTIONS ($SHORT, regions 'US,FR,DE');
CREATE FOREIGN TABLE ta ($COLUMNS) SERVER fuzz OPTIONS ($SHORT, period 'all', order_by 'like');
CREATE FOREIGN TABLE tn (region text NOT NULL, period int NOT NULL, order_by text NOT NULL,
	rank int NOT NULL, id text NOT NULL) SERVER fuzz OPTIONS ($SHORT);
CREATE DOMAIN code AS text CHECK (value ~ '^[A-Z]');
CREATE FOREIGN TABLE tv (region code, period text, order_by varchar(10),
	rank bigint, id varchar) SERVER fuzz OPTIONS ($SHORT);
CREATE FOREIGN TABLE hashtags (region text, period int, industry_id text, rank int, hashtag_id text)
	SERVER fuzz OPTIONS ($SHORT, endpoint 'tiktok/trending/hashtags', region 'US',
	industry_ids 'vv,like,comment,repost', industry_id 'vv');
CREATE VIEW th AS SELECT region, period, industry_id AS order_by, rank, hashtag_id AS id FROM hashtags;
CREATE TABLE cp ($COLUMNS) PARTITION BY LIST (region);
CREATE FOREIGN TABLE cp_us PARTITION OF cp FOR VALUES IN ('US') SERVER fuzz OPTIONS ($SHORT);
CREATE FOREIGN TABLE cp_fr PARTITION OF cp FOR VALUES IN ('FR') SERVER fuzz OPTIONS ($SHORT);
CREATE FOREIGN TABLE cp_rest PARTITION OF cp FOR VALUES IN ('DE', 'XX') SERVER fuzz OPTIONS ($SHORT);

CREATE TABLE copy_plain ($COLUMNS);
INSERT INTO copy_plain SELECT * FROM t WHERE region IN ($regions)
	AND period IN (7, 30) AND order_by IN ('vv', 'like', 'comment', 'repost');
CREATE TABLE copy_tags ($COLUMNS);
INSERT INTO copy_tags SELECT * FROM th WHERE region IN ($regions)
	AND period IN (7, 30, 120) AND order_by IN ('vv', 'like', 'comment', 'repost');
CREATE TABLE copy_odd (region code, period text, order_by varchar(10), rank bigint,
	id varchar);
INSERT INTO copy_odd SELECT * FROM copy_plain;

CREATE TABLE r (code text, active bool, days int, alt text, n int);
INSERT INTO r VALUES ('US', true, 7, 'FR', 1), ('FR', true, 30, 'DE', 2),
	('DE', false, 7, 'US', 3), ('ZZ', false, 15, NULL, 1), (NULL, true, NULL, 'XX', 2);
CREATE TABLE x (id text, v int, code text);
INSERT INTO x SELECT id, rank, region FROM copy_plain WHERE hashtext(id) % 5 = 0;
CREATE TABLE e (code text NOT NULL, id text NOT NULL, n int NOT NULL);
INSERT INTO e VALUES ('FR', 'FR7vv1', 1), ('FR', 'FR30vv2', 2), ('XX', 'US7vv2', 3);
ANALYZE copy_plain, copy_tags, copy_odd, r, x, e;
END
	my $rows = $t->sql('SELECT count(*) FROM copy_plain');
	die "local copies have $rows rows" if $rows != 4 * 2 * 4 * 3;
	return;
}

sub connect
{
	my ($self) = @_;
	my $session = KeyapiSession->new($self->{t});

	$session->sql("SET statement_timeout = '${PATIENCE}s';"
		  . ' SET keyapi_fdw.max_credits = -1; SET jit = off;');
	return $session;
}

# ----------------------------------------------------------------------
# One query
# ----------------------------------------------------------------------

# Statements that run a query in one way: the foreign one under a setting, or
# prepared with a custom or a generic plan, or the local one.
sub variants
{
	my ($query) = @_;
	my @settings = ($SETTINGS[0], map { $SETTINGS[ 1 + int rand $#SETTINGS ] } 1 .. 2);
	my @variants = map {
		[ join('; ', map { "SET $_" } @$_), "$query->{foreign};" ]
	} @settings;
	my $prepare = "PREPARE q("
	  . join(', ', @{ $query->{types} }) . ") AS $query->{prepared};";
	my $execute = 'EXECUTE q(' . join(', ', @{ $query->{values} }) . ');';

	$prepare =~ s/\(\)//, $execute =~ s/\(\)// if !@{ $query->{types} };
	push @variants, ["SET plan_cache_mode = force_custom_plan; $prepare", $execute]
	  if @{ $query->{types} };
	push @variants, [
		join('; ', 'SET plan_cache_mode = force_generic_plan',
			(map { "SET $_" } @{ $settings[1] }),
			"DEALLOCATE ALL; $prepare"),
		$execute ];
	return @variants;
}

# Statements that tell how many requests were sent so far, and how many may be under way
my $COUNT = "\\echo '#requests'\nSELECT coalesce(sum(requests), 0) FROM keyapi_fdw_stats;\n\\echo '#counted'\n";

# Undo the settings of all variants.
my $RESET = join '', map { "RESET $_;\n" } 'plan_cache_mode', map { /^(\w+)/ } map { @$_ } @SETTINGS;

sub at_once
{
	my ($n) = @_;

	return "ALTER SERVER fuzz OPTIONS (SET max_concurrency '$n');\n";
}

# The variants that read foreign tables, again one request at a time
sub one_by_one
{
	my (@variants) = @_;

	return map { [ at_once(1) . $_->[0], $_->[1] ] } @variants;
}

# Run them all in one go; returns the rows, or the SQLSTATE as [state, message].  How
# many requests each of them sent is in $self->{requests}.
sub run_variants
{
	my ($self, @variants) = @_;
	my $script = '';
	my (@rows, @errors, @counts, $result);

	foreach my $variant (@variants)
	{
		$script .= "$variant->[0];\n$COUNT\\echo '#start'\n\\warn '#start'\n$variant->[1]\n"
		  . "\\echo '#end'\n\\warn '#end'\n${COUNT}$RESET" . at_once(8);
	}
	$script .= "DEALLOCATE ALL;\n";
	$result = $self->{session}->run($script);
	@rows   = $result->{rows}   =~ /^#start\n(.*?)^#end$/gms;
	@counts = $result->{rows}   =~ /^#requests\n(\d+)\n#counted$/gms;
	$self->{requests} = [ map { $counts[ 2 * $_ + 1 ] - $counts[ 2 * $_ ] } 0 .. $#variants ];
	@errors = $result->{stderr} =~ /^#start\n(.*?)^#end$/gms;
	s/^WARNING: .*region=ZZ.* is empty\nHINT: .*\n//gm foreach @errors;    # as it is
	die "lost the server:\n$result->{stderr}" if @rows != @variants || @errors != @variants;
	return map {
		$errors[$_] =~ /^ERROR:\s+(\w{5}): (.*)/m ? [ $1, $2 ] :
		  $errors[$_] ne '' ? [ 'message', $errors[$_] ] : $rows[$_]
	} 0 .. $#variants;
}

# What must be the same: the rows, and the order in which their sort keys come
sub digest
{
	my ($rows, $sorted_by) = @_;
	my @lines = split /\n/, $rows;
	my $keys = join "\n", map { join '|', (split /\|/, $_, -1)[ 0 .. $sorted_by - 1 ] } @lines;

	return join("\n", sort @lines) . "\n--\n" . ($sorted_by ? $keys : '');
}

# Texts of what is wrong with a query
sub check_query
{
	my ($self, $query) = @_;
	my @ahead    = variants($query);
	my @variants = (@ahead, one_by_one(@ahead));
	my ($local, @results) = $self->run_variants([ '', "$query->{local};" ], @variants);
	my ($errors, @problems) = (0);

	if (ref $local)
	{
		return $local->[0] eq '57014' ? $self->note('gave_up') && () :
		  "the query itself fails: $local->[1]\n$query->{local}\n";
	}
	foreach my $i (0 .. $#results)
	{
		my $how = join ' ', @{ $variants[$i] };

		if (ref $results[$i])
		{
			my ($state, $message) = @{ $results[$i] };

			$errors++ if $state eq '0A000';
			$self->note('gave_up') if $state eq '57014';
			push @problems, "$state: $message\n  $how\n"
			  if $state ne '0A000' && $state ne '57014';
		}
		elsif ($query->{conflict}
			|| digest($results[$i], $query->{sorted_by}) ne
			digest($local, $query->{sorted_by}))
		{
			push @problems, sprintf "%d rows instead of %s\n  %s\n",
			  scalar(() = $results[$i] =~ /\n/g),
			  $query->{conflict} ? 'an error' : scalar(() = $local =~ /\n/g), $how;
		}
	}
	foreach my $i (0 .. $#ahead)
	{
		my ($ahead, $alone) = @{ $self->{requests} }[ 1 + $i, 1 + $i + @ahead ];

		next if ref $results[$i] || ref $results[ $i + @ahead ];
		$self->note('compared');
		push @problems, "$ahead requests, one by one $alone\n  " . join(' ', @{ $ahead[$i] }) . "\n"
		  if $ahead != $alone;
	}

	# what the planner knows to be empty is not scanned
	@problems = ()
	  if $query->{conflict}
	  && $self->{session}->run("EXPLAIN $query->{foreign};")->{rows} =~ /One-Time Filter: false/;
	$self->count_errors($query, $errors, scalar @results);
	return @problems ? "$query->{local}\n" . join('', @problems[ 0 .. ($#problems > 1 ? 1 : $#problems) ]) : ();
}

sub note { my ($self, $what) = @_; return ++$self->{count}{$what} }

sub count_errors
{
	my ($self, $query, $errors, $all) = @_;

	$self->note('queries');
	$self->note('plain_joins') if $query->{plain} && $query->{relations} > 1;
	return if $errors == 0;
	$self->note($errors == $all ? 'refused' : 'sometimes_refused');
	$self->note('plain_refused') if $query->{plain} && $query->{relations} > 1;
	return;
}

# ----------------------------------------------------------------------
# Many queries
# ----------------------------------------------------------------------

# Run so many more; returns what is wrong, each with the seed to repeat it.
sub run_queries
{
	my ($self, $n) = @_;
	my @problems;

	foreach (1 .. $n)
	{
		my $seed = $self->{seed} + $self->{number}++;

		srand $seed;
		my $query = KeyapiQueries::random_query();
		my @found = eval { $self->check_query($query) };

		if ($@)
		{
			@found = ($@);
			$self->{session} = $self->connect;
		}
		push @problems, map { "seed $seed: $_" } @found;
	}
	return @problems;
}

sub summary
{
	my ($self) = @_;
	my %count = (
		(map { $_ => 0 } qw(queries refused sometimes_refused gave_up plain_joins plain_refused)),
		%{ $self->{count} });

	return sprintf "%d queries, %d refused (0A000), %d refused in some plans only,"
	  . " %d runs given up; of %d plain joins, %d were refused\n",
	  @count{qw(queries refused sometimes_refused gave_up plain_joins plain_refused)};
}

1;

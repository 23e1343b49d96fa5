
=pod

=head1 NAME

KeyapiTest - a cluster with the extension, and an emulator of the API

=head1 SYNOPSIS

  my $t = KeyapiTest->new;
  $t->scenario('short', 'total=45');    # server and foreign table "short"

  $t->answers('short', 'SELECT count(*) FROM short', '45', 3, 'whole list');
  $t->fails('short', 'SELECT x FROM short', 42703, qr/"x"/, 'no such column');

  my $result = $t->ask('short', 'SELECT 1');
  is($result->{requests}, 0, 'nothing was asked');

A test is SQL in, rows and the number of requests out.  Rows are psql's
unaligned output without a header: columns separated by |, rows by line ends.

Each scenario has a server, a mapping for PUBLIC and a foreign table of its
own, all of the scenario's name, so that its requests are counted apart.

=cut

package KeyapiTest;

use strict;
use warnings;

use Carp;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use KeyapiEmulator;

# Start both.  conf => TEXT: further lines of postgresql.conf;
# name => NAME, emulator => that of another KeyapiTest: for a cluster beside that one;
# streaming => 1: for a primary
sub new
{
	my ($class, %options) = @_;
	my $self = bless {
		emulator => $options{emulator} // KeyapiEmulator->new,
		node     => PostgreSQL::Test::Cluster->new($options{name} // 'main'),
	}, $class;

	local $ENV{LC_ALL} = 'C';
	$self->{node}->init(allows_streaming => $options{streaming}, extra => [ '--encoding=UTF8', '--no-locale' ]);
	$self->{node}->append_conf('postgresql.conf', $options{conf})
	  if defined $options{conf};
	$self->{node}->start;
	$self->sql('CREATE EXTENSION keyapi_fdw');
	return $self;
}

# A standby, from the backup of that name
sub standby
{
	my ($self, $name) = @_;
	my $standby = bless {
		emulator => $self->emulator,
		node     => PostgreSQL::Test::Cluster->new($name),
	}, ref $self;

	$standby->node->init_from_backup($self->node, $name, has_streaming => 1);
	$standby->node->start;
	return $standby;
}

sub node     { my ($self) = @_; return $self->{node} }
sub emulator { my ($self) = @_; return $self->{emulator} }

# base_url of a scenario
sub url
{
	my ($self, $name, $settings) = @_;
	return $self->emulator->url(join ';', $name, $settings || ());
}

# A server for the scenario, without mapping and table.  It caches nothing, so
# that each statement's requests can be counted.
sub server
{
	my ($self, $name, $settings) = @_;
	my $url = $self->url($name, $settings);

	$self->sql("CREATE SERVER $name FOREIGN DATA WRAPPER keyapi_fdw"
		  . " OPTIONS (base_url '$url', cache_ttl '0')");
	return;
}

# A server, a mapping for PUBLIC, and a table as IMPORT FOREIGN SCHEMA makes it
sub scenario
{
	my ($self, $name, $settings) = @_;

	$self->server($name, $settings);
	$self->mapping($name);
	$self->import_table($name);
	return;
}

# A mapping for PUBLIC, with the key that the emulator accepts
sub mapping
{
	my ($self, $name) = @_;

	$self->sql("CREATE USER MAPPING FOR PUBLIC SERVER $name"
		  . " OPTIONS (api_key 'sk_live_test')");
	return;
}

# The scenario's table of videos
sub import_table
{
	my ($self, $name) = @_;

	$self->sql(<<"END");
IMPORT FOREIGN SCHEMA tiktok LIMIT TO (tiktok_trending) FROM SERVER $name INTO public;
ALTER FOREIGN TABLE tiktok_trending RENAME TO $name;
END
	return;
}

# A scenario with a table NAME of these columns, and with these options of the table
sub table
{
	my ($self, $name, $settings, $columns, $options) = @_;

	$self->server($name, $settings);
	$self->mapping($name);
	$self->sql("CREATE FOREIGN TABLE $name ($columns) SERVER $name"
		  . (defined $options ? " OPTIONS ($options)" : ''));
	return;
}

# Other settings for a scenario that is there, or for its name=...
sub change
{
	my ($self, $name, $settings) = @_;
	my $url = $self->url($name, $settings);

	$self->sql("ALTER SERVER $name OPTIONS (SET base_url '$url')");
	return;
}

# Let this server's pages be asked for one by one, in order.
sub one_by_one
{
	my ($self, $server) = @_;

	$self->sql("ALTER SERVER $server OPTIONS (ADD max_concurrency '1')");
	return;
}

# Let this server's lists be cached, as they are by default.
sub cached
{
	my ($self, $server, $ttl) = @_;

	$ttl //= '15min';
	$self->sql("ALTER SERVER $server OPTIONS (SET cache_ttl '$ttl')");
	return;
}

# A scenario whose lists are cached
sub cached_scenario
{
	my ($self, $name, $settings) = @_;

	$self->scenario($name, $settings);
	$self->cached($name);
	return;
}

# Set keyapi_fdw.cache_size for all sessions.
sub cache_size
{
	my ($self, $size) = @_;

	$self->sql("ALTER SYSTEM SET keyapi_fdw.cache_size = '$size'; SELECT pg_reload_conf()");
	$self->await(
		"SELECT setting::int * 1024 = pg_size_bytes('$size')"
		  . " FROM pg_settings WHERE name = 'keyapi_fdw.cache_size'",
		'no reload');
	return;
}

# Configuration of a cluster that loads the library when it starts
sub preloaded { return "shared_preload_libraries = 'keyapi_fdw'\n" }

# Configuration of a cluster whose sessions share what they know: from PostgreSQL
# 17 on, all do
sub shared
{
	my ($class) = @_;
	my ($version) = `pg_config --version` =~ /(\d+)/;

	return $version >= 17 ? '' : $class->preloaded;
}

# Let this server's first failed request be an error, without further tries.
sub fail_at_once
{
	my ($self, $server) = @_;

	$self->one_by_one($server);
	$self->sql("ALTER SERVER $server OPTIONS (ADD max_retries '0')");
	return;
}

# End what keeps this server's requests back, such as an outage that is known.
sub resume
{
	my ($self, $server) = @_;

	$self->sql("SELECT keyapi_fdw_resume('$server')");
	return;
}

# Whether sessions share what they know
sub is_shared
{
	my ($self) = @_;

	return $self->node->pg_version->major >= 17
	  || $self->sql('SHOW shared_preload_libraries') =~ /keyapi_fdw/;
}

# The server's log
sub server_log
{
	my ($self) = @_;

	return PostgreSQL::Test::Utils::slurp_file($self->node->logfile);
}

# Make the function leave_at(query, wanted), a loop over the query's rows that ends
# with row number wanted, and returns how many there were.
sub leave_loops
{
	my ($self) = @_;

	$self->sql(<<'END');
CREATE FUNCTION leave_at(query text, wanted int) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  r record;
  n int := 0;
BEGIN
  FOR r IN EXECUTE query LOOP
    n := n + 1;
    EXIT WHEN n = wanted;
  END LOOP;
  RETURN n;
END $$;
END
	return;
}

# Make the function lazily(query), which gives the query's rows.  It asks for one
# at a time, so what it reads may end after any of them.
sub read_lazily
{
	my ($self) = @_;

	$self->sql(<<'END');
CREATE FUNCTION lazily(query text) RETURNS SETOF int LANGUAGE plpgsql AS $$
DECLARE
  rows refcursor;
  row int;
BEGIN
  OPEN rows FOR EXECUTE query;
  LOOP
    FETCH rows INTO row;
    EXIT WHEN NOT FOUND;
    RETURN NEXT row;
  END LOOP;
END $$;
END
	return;
}

# Make the function titles(region, ranks), which reads the titles of a table row by
# row and counts them.
sub count_titles
{
	my ($self, $table) = @_;

	$self->sql(<<"END");
CREATE FUNCTION titles(region_wanted text, ranks int) RETURNS bigint LANGUAGE plpgsql AS \$\$
DECLARE
  n bigint := 0;
  r record;
BEGIN
  FOR r IN SELECT title FROM $table WHERE region = region_wanted AND rank <= ranks LOOP
    n := n + 1;
  END LOOP;
  RETURN n;
END \$\$;
END
	return;
}

# Settings that leave a join no other way than a nested loop that scans the inner
# side again for each outer row
sub nested_loops
{
	return join ' ', map { "SET enable_$_ = off;" } qw(hashjoin mergejoin material memoize);
}

# Whether the server knows ICU's collations
sub has_icu
{
	my ($self) = @_;

	return $self->sql("SELECT count(*) > 0 FROM pg_collation WHERE collprovider = 'i'") eq 't';
}

# Wait until a query returns true; $problem says what is wrong if it never does.
sub await
{
	my ($self, $query, $problem) = @_;

	$self->node->poll_query_until('postgres', $query) or croak $problem;
	return;
}

# Wait until $n scans wait for that, as keyapi_fdw_progress names it.
sub await_waiting
{
	my ($self, $n, $for) = @_;

	return $self->await(
		"SELECT count(*) = $n FROM keyapi_fdw_progress WHERE waiting_for = '$for'",
		"there are not $n scans that wait for: $for");
}

# Run SQL that must work; returns its rows.  Statements run in one session, each
# in a transaction of its own.
sub sql
{
	my ($self, $sql, %options) = @_;
	my $result = $self->run($sql, %options);

	croak "$result->{stderr}\nwhile running: $sql" if $result->{status} != 0;
	return $result->{rows};
}

# Run SQL in a session of its own up to the first error; returns a hash with
# rows, stderr (messages in verbose form, without the lines that vary) and
# status (psql's: 3 after an error).
#
# as => ROLE, dbname => NAME
sub run
{
	my ($self, $sql, %options) = @_;
	my ($status, $rows, $stderr) = $self->node->psql(
		$options{dbname} // 'postgres',
		"\\set VERBOSITY verbose\n$sql",
		extra_params => [ '--username', $options{as} // $self->superuser ],
		timeout => $PostgreSQL::Test::Utils::timeout_default);

	$stderr =~ s/^psql:<stdin>:\d+: //gm;
	$stderr =~ s/^LOCATION: .*\n?//gm;
	return { rows => $rows, stderr => $stderr, status => $status };
}

# Name of the role that initdb made
sub superuser { return scalar getpwuid $> }

# Like run, with the number of requests that it took in the scenario
sub ask
{
	my ($self, $scenario, $sql, %options) = @_;
	my $before = $self->emulator->count($scenario);
	my $result = $self->run($sql, %options);

	$result->{requests} = $self->emulator->count($scenario) - $before;
	return $result;
}

# The distinct combinations of these fields of the requests' log, as "a,b"
sub asked
{
	my ($self, $scenario, @fields) = @_;
	my %seen = map { join(',', @$_{@fields}) => 1 }
	  $self->emulator->log($scenario);

	return sort keys %seen;
}

# Test that SQL works, silently (but for the lists of ZZ, which are empty), gives
# these rows, and takes so many requests.
#
# warning => REGEX: the one warning that it must give
sub answers
{
	my ($self, $scenario, $sql, $rows, $requests, $test, %options) = @_;
	my $result = $self->ask($scenario, $sql, %options);
	my $stderr = $result->{stderr};

	local $Test::Builder::Level = $Test::Builder::Level + 1;
	$stderr =~ s/^WARNING: .*region=ZZ.* is empty\n(?:HINT: .*\n)?//gm if !$options{warning};
	if ($options{warning})
	{
		my $warnings = () = $stderr =~ /^WARNING:/gm;

		return fail_with($test, $stderr)
		  if $warnings != 1 || $stderr !~ $options{warning};
		$stderr = '';
	}
	return is(
		"$stderr$result->{rows}\n($result->{requests} requests)",
		"$rows\n($requests requests)",
		$test);
}

# Test that the SQL, in a session, asks for so many pages of a scenario whose settings
# are fault=stall, and that so many requests are in flight together: the first goes
# alone; each later one is held until as many have come as can come.
sub is_together
{
	my ($self, $scenario, $session, $test, $requests, $together, $sql) = @_;
	my $emulator = $self->emulator;
	my $result;

	$emulator->reset($scenario);
	$session->start($sql);
	for (my $seen = 0; $seen < $requests;)
	{
		my $left = $requests - $seen;
		my $n = $seen == 0 ? 1 : $left < $together ? $left : $together;

		$emulator->await_stalled($scenario, $n);
		$seen += $n;
		$emulator->release($scenario);
	}
	$result = $session->finish;

	local $Test::Builder::Level = $Test::Builder::Level + 1;
	is($result->{stderr}, '', "$test: no message");
	is($emulator->count($scenario), $requests, '... requests');
	is($emulator->peak($scenario), $together, '... in flight together');
	return $result;
}

# Test that the SQL asks for so many pages of a scenario, and gives the same rows,
# with max_concurrency 8 and 1: looking ahead asks for nothing else.  undef: however many
# the plan takes
sub asks_as_without_ahead
{
	my ($self, $scenario, $sql, $requests, $test) = @_;
	my @found;

	foreach my $concurrency (1, 8)
	{
		$self->sql("ALTER SERVER $scenario OPTIONS (SET max_concurrency '$concurrency')");
		push @found, $self->ask($scenario, $sql);
	}

	$requests //= $found[0]{requests};
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	is("$found[1]{requests}\n$found[1]{rows}$found[1]{stderr}",
		"$requests\n$found[0]{rows}$found[0]{stderr}", $test // $sql);
	return is($found[0]{requests}, $requests, '... as one by one');
}

# Test that SQL ends in an ERROR of this SQLSTATE, whose text (message, DETAIL,
# HINT, CONTEXT) matches, and that none of the statements before it returned a
# row.
#
# requests => N: that it took so many requests
sub fails
{
	my ($self, $scenario, $sql, $sqlstate, $text, $test, %options) = @_;
	my $result = $self->ask($scenario, $sql, %options);
	my ($state) = $result->{stderr} =~ /^(?:ERROR|FATAL):\s+(\w{5}):/m;

	local $Test::Builder::Level = $Test::Builder::Level + 1;
	return fail_with($test, "no error; rows: $result->{rows}") if !defined $state;
	return fail_with($test, "$result->{requests} requests", $result->{stderr})
	  if defined $options{requests}
	  && $result->{requests} != $options{requests};
	return ok(1, $test)
	  if $state =~ /^(?:$sqlstate)\z/
	  && $result->{stderr} =~ $text
	  && $result->{rows} eq '';
	return fail_with($test, "wanted $sqlstate and $text, got:",
		$result->{stderr}, $result->{rows});
}

# Test that SQL ends in the error of a query that leaves the region open, which
# tells what to write, before any request.
sub refuses
{
	my ($self, $scenario, $sql, $test) = @_;

	local $Test::Builder::Level = $Test::Builder::Level + 1;
	return $self->fails($scenario, $sql, '0A000',
		qr/write region = \.\.\., region IN \(\.\.\.\) or region = ANY \(ARRAY\(SELECT \.\.\.\)\)/,
		$test, requests => 0);
}

# Test that SQL works for the role, silently, and that its requests in the scenario
# had these keys.
sub uses_key
{
	my ($self, $scenario, $role, $sql, $keys, $test) = @_;
	my $result;

	$self->emulator->reset($scenario);
	$result = $self->run($sql, as => $role);

	local $Test::Builder::Level = $Test::Builder::Level + 1;
	return is(join(',', $self->asked($scenario, 'key')) . $result->{stderr}, $keys, $test);
}

sub fail_with
{
	my ($test, @diagnostics) = @_;

	local $Test::Builder::Level = $Test::Builder::Level + 1;
	fail($test);
	diag($_) foreach @diagnostics;
	return;
}

# A file with this content that the server can read; returns its path.  It goes
# with the test.
sub file
{
	my ($self, $name, $content) = @_;
	my $path = $self->path($name);

	open my $handle, '>', $path or croak "$path: $!";
	print {$handle} $content;
	close $handle or croak "$path: $!";
	return $path;
}

# Where such a file is
sub path
{
	my ($self, $name) = @_;

	$self->{directory} //= PostgreSQL::Test::Utils::tempdir_short();
	return "$self->{directory}/$name";
}

# End both; the test's last act
sub stop
{
	my ($self) = @_;

	$self->node->stop;
	$self->emulator->stop;
	return;
}

1;


# README.md and the other documents keep their word: their snippets run and cost
# what they say.  CONTRIBUTING.md says how blocks are marked.

use strict;
use warnings;

use IPC::Run;
use Test::More;
use Text::ParseWords qw(shellwords);

use KeyapiDocuments;
use KeyapiSession;
use KeyapiTest;

# Programs that the documents tell readers to call
my %programs = map { $_ => 1 }
  qw(apt-get cd docker git install mkdir pg_restore systemctl);

my $t = KeyapiTest->new(conf => KeyapiTest->preloaded);
my @documents = map { KeyapiDocuments->new($_) } KeyapiDocuments::all();
my ($readme) = grep { $_->name eq 'README.md' } @documents;
my ($set_up) = grep { $_->{text} =~ /^CREATE EXTENSION/m } $readme->blocks;
my $promises = 0;

cmp_ok($readme->text =~ tr/\n//, '<=', 200, 'README.md is short');
foreach my $document (@documents)
{
	test_marks($document);
	test_shell($document);
	run_sql($document) if $document->name =~ m{^(README\.md|doc/)};
}
cmp_ok($promises, '>', 40, 'the documents tell prices');
test_settings();

$t->stop;
done_testing();

# Each block says what becomes of it.
sub test_marks
{
	my ($document) = @_;
	my @strange = grep {
		$_->{mark} !~ /^(sql|sql error|(sql|sh|conf) \(.+\)|sh|conf|c|perl|text|text output)$/
	} $document->blocks;

	is(join(', ', map { "line $_->{line}: $_->{mark}" } @strange),
		'', 'blocks are marked: ' . $document->name);
	return;
}

# ---------------------------------------------------------------------
# SQL
# ---------------------------------------------------------------------

# Run a document's SQL in a database of its own, after the first query's set-up.
sub run_sql
{
	my ($document) = @_;
	my @blocks = grep { $_->{mark} =~ /^(sql|sql error|text output)$/ } $document->blocks;
	my $reader;

	return if !@blocks;
	$reader = begin($document);
	note($document->name);
	foreach my $block ($set_up, grep { $_->{text} ne $set_up->{text} } @blocks)
	{
		if ($block->{mark} eq 'text output')
		{
			# what PostgreSQL 18 and later say of an error path
			my $output = $reader->{rows} =~ s/^ *Disabled: true\n//mgr;

			is("$output\n", $block->{text}, "output in line $block->{line}");
			next;
		}
		run_statement($reader, $_, $block->{mark} eq 'sql error')
		  foreach statements($block->{text});
	}
	test_key_file($reader) if $document->name eq 'doc/security.md';
	finish($reader);
	return;
}

# A reader of a document: an empty database and a session in it.  Its requests
# are counted under a name of its own.
sub begin
{
	my ($document) = @_;
	my ($name) = $document->name =~ m{([\w-]+)\.md$};
	my $database = lc "reader_$name" =~ tr/-/_/r;

	$t->sql("CREATE DATABASE $database TEMPLATE template0");
	$t->file('keyapi.key', "sk_live_file\n");
	return {
		name     => $name,
		database => $database,
		url      => $t->url($name, 'key=any'),
		session  => KeyapiSession->new($t, dbname => $database),
		rows     => ''
	};
}

# Leave nothing to the next one.
sub finish
{
	my ($reader) = @_;
	my $me = $t->superuser;
	my $roles;

	$reader->{session}->quit;
	$t->sql("DROP DATABASE $reader->{database} WITH (FORCE)");
	$roles = $t->sql("SELECT rolname FROM pg_roles WHERE rolname NOT LIKE 'pg\\_%' AND rolname <> '$me'");
	$t->sql("DROP ROLE $_") foreach split /\n/, $roles;
	return;
}

# A statement ends with a line that ends with a semicolon, and perhaps a comment.
sub statements
{
	my ($sql) = @_;
	my @statements = ('');

	foreach my $line (split /^/, $sql)
	{
		$statements[-1] .= $line;
		push @statements, '' if $line =~ /;\s*(--.*)?$/;
	}
	return grep { /\S/ } @statements;
}

# Run a statement and test how it ends, and its price if it names one: without
# what others paid for.
sub run_statement
{
	my ($reader, $statement, $fails) = @_;
	my $session = $reader->{session};
	my ($promise)  = $statement =~ /-- (\d+) requests?\b/;
	my ($sqlstate) = $statement =~ /-- ERROR (\w{5})\b/;
	my $clear  = $session->run('SELECT keyapi_fdw_cache_clear();');
	my $before = $t->emulator->count($reader->{name});
	my $path   = $t->path('keyapi.key');
	my $test   = $statement =~ s/\s+/ /gr;
	my $result = $session->run($statement =~ s{/etc/postgresql/keyapi\.key}{$path}r);

	$reader->{rows} = $result->{rows};
	$fails
	  ? like($result->{stderr}, $sqlstate ? qr/^ERROR:  $sqlstate:/ : qr/^ERROR:/, "fails: $test")
	  : unlike($result->{stderr}, qr/^(WARNING|ERROR|FATAL|PANIC):/m, $test);
	if (defined $promise)
	{
		is($t->emulator->count($reader->{name}) - $before, $promise, '... costs what it says');
		$promises++;
	}
	$session->sql("ALTER SERVER keyapi OPTIONS (ADD base_url '$reader->{url}');")
	  if $statement =~ /^CREATE SERVER keyapi/m;
	return;
}

# What the document about security ends with
sub test_key_file
{
	my ($reader) = @_;

	$reader->{session}->sql('SELECT FROM tiktok_trending LIMIT 1;');
	is(($t->emulator->log($reader->{name}))[-1]->{key}, 'sk_live_file', 'the key is in a file');
	return;
}

# ---------------------------------------------------------------------
# Shell and configuration
# ---------------------------------------------------------------------

# What shell snippets call exists.
sub test_shell
{
	my ($document) = @_;
	my @lines = map { split /\n/, $_->{text} }
	  grep { $_->{mark} =~ /^sh\b/ } $document->blocks;

	foreach my $line (map { s/(^|\s)#.*//r } @lines)
	{
		my @words = shellwords($line);

		shift @words while @words && $words[0] =~ /^(sudo$|[A-Z_]+=)/;
		next if !@words;
		is(problem_of_command(@words), '', $document->name . ": $line");
	}
	return;
}

# Why a command cannot be called, or ''
sub problem_of_command
{
	my ($program, @arguments) = @_;
	my $root = KeyapiDocuments::root();

	return problem_of_call("$root/test/check", '--list', grep { !/^-/ } @arguments)
	  if $program eq 'test/check';
	return problem_of_call('make', '-n', '-C', $root, map { s{^\$OLDPWD}{$root}r } @arguments)
	  if $program eq 'make';
	return -x "$root/$program" ? '' : "$program is not there" if $program =~ m{/};
	return $programs{$program} ? '' : "$program is unknown";
}

sub problem_of_call
{
	my @command = @_;
	my ($stdout, $stderr);

	return IPC::Run::run(\@command, '>', \$stdout, '2>', \$stderr) ? '' : $stderr;
}

# All settings that the documents tell of exist.
sub test_settings
{
	my @conf = map { $_->{text} } grep { $_->{mark} eq 'conf' } map { $_->blocks } @documents;
	my %names = map { $_ => 1 } join("\n", @conf) =~ /^([\w.]+)\s*=/gm;

	cmp_ok(scalar(keys %names), '>', 0, 'the documents tell of settings');
	is($t->sql("SELECT count(*) FROM pg_settings WHERE name = '$_'"), 1, "setting $_")
	  foreach sort keys %names;
	return;
}

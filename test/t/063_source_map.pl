
# The map of the source is right: src/README.md names every file of src/ and no
# others, its arrows are the includes between folders, and what the documents name
# exists.

use strict;
use warnings;

use Test::More;

use KeyapiDocuments;

my $root = KeyapiDocuments::root();
my $map = KeyapiDocuments->new('src/README.md');
my %there = map { module_of($_) => 1 } glob "$root/src/*.[ch] $root/src/*/*.[ch]";
my %named = map { $_->[0] =~ tr/`//dr => 1 }
  KeyapiDocuments::table_rows($map->section('The files'));

is(join(', ', grep { !$named{$_} } sort keys %there), '', 'files that the map lacks');
is(join(', ', grep { !$there{$_} } sort keys %named), '', 'files that only the map has');
test_arrows();
test_names('src/README.md: types', $map->text =~ /\b(Keyapi\w+)/g);
test_walks();
test_snippets();
done_testing();

# "folder -> folders" are the folders whose headers a folder includes.
sub test_arrows
{
	my %arrows = $map->section('The folders') =~ /^(\w+) +->(.*)$/gm;
	my %includes = map { $_ => '' } map { m{/(\w+)/\w+\.c$} } glob "$root/src/*/*.c";

	foreach my $folder (keys %includes)
	{
		my $source = join '', map { KeyapiDocuments::slurp(substr $_, length("$root/")) }
		  glob "$root/src/$folder/*.[ch]";
		my %included = map { $_ => 1 } $source =~ m{^#include "(\w+)/}gm;

		$includes{$folder} = join ' ',
		  sort grep { exists $includes{$_} && $_ ne $folder } keys %included;
	}
	is( join("\n", map { "$_ -> " . join(' ', sort split ' ', $arrows{$_}) } sort keys %arrows),
		join("\n", map { "$_ -> $includes{$_}" } sort keys %includes),
		'arrows between folders');
	return;
}

# C in a document is what the source has.
sub test_snippets
{
	my $source = join '', map { KeyapiDocuments::slurp(substr $_, length("$root/")) }
	  glob "$root/src/*/*.c";
	my $count = 0;

	foreach my $document (map { KeyapiDocuments->new($_) } KeyapiDocuments::all())
	{
		foreach my $block (grep { $_->{mark} eq 'c' } $document->blocks)
		{
			isnt(index($source, $block->{text}), -1, "source shown in " . $document->name . ", line $block->{line}");
			$count++;
		}
	}
	cmp_ok($count, '>', 0, 'documents show some');
	return;
}

# The two walks through the code name functions and files that exist.
sub test_walks
{
	my $architecture = KeyapiDocuments->new('doc/architecture.md');
	my ($walks) = $architecture->text =~ /^## Walk 1.*?\n(.*)\z/ms
	  or die 'doc/architecture.md has no walks';
	my @files = $walks =~ m{\((\w+/\w+\.c)\)}g;

	cmp_ok(scalar(@files), '>', 5, 'the walks name files');
	is(join(', ', grep { !-e "$root/src/$_" } @files), '', '... that exist');
	test_names('the walks', $walks =~ /`(\w+)`/g);
	return;
}

# These names occur in the source.
sub test_names
{
	my ($place, @names) = @_;
	my $source = join '', map { KeyapiDocuments::slurp(substr $_, length("$root/")) }
	  glob "$root/src/*.[ch] $root/src/*/*.[ch]";
	my %words = map { $_ => 1 } $source =~ /\b(\w+)\b/g;

	cmp_ok(scalar(@names), '>', 5, "$place name something");
	is(join(', ', grep { !$words{$_} } @names), '', '... that exists');
	return;
}

# A source and its header are one module, "bind/clause"; what lies in src/ itself
# is named as it is.
sub module_of
{
	my ($path) = @_;
	my $file = substr $path, length("$root/src/");

	return $file =~ m{/} ? $file =~ s/\.[ch]$//r : $file;
}

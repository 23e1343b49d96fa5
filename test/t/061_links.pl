
# Links in the documents lead somewhere: each file and each heading is there.

use strict;
use warnings;

use File::Basename;
use Test::More;

use KeyapiDocuments;

my @names = KeyapiDocuments::all();
my %documents = map { $_ => KeyapiDocuments->new($_) } @names;
my $root = KeyapiDocuments::root();

foreach my $name (@names)
{
	foreach my $link ($documents{$name}->links)
	{
		is(problem_of_link($name, $link), '', "$name: $link")
		  if $link !~ m{^https?://};
	}
}
test_reach();
done_testing();

# Why a link from a document leads nowhere, or ''
sub problem_of_link
{
	my ($from, $link) = @_;
	my ($path, $anchor) = split /#/, $link, 2;
	my $target = $path eq '' ? $from : resolve(dirname($from), $path);

	return "there is no $target" if !-e "$root/$target";
	return '' if !defined $anchor;
	return "$target is no document" if !$documents{$target};
	return (grep { $_ eq $anchor } $documents{$target}->anchors) ? '' :
	  "$target has no heading #$anchor";
}

# A path that is relative to a folder, from the top of the repository
sub resolve
{
	my ($folder, $path) = @_;
	my @parts;

	foreach my $part (split m{/}, "$folder/$path")
	{
		next if $part eq '.' || $part eq '';
		$part eq '..' ? pop @parts : push @parts, $part;
	}
	return join '/', @parts;
}

# From README.md, links lead to every document.
sub test_reach
{
	my %reached = ('README.md' => 1);
	my @todo = ('README.md');

	while (defined(my $name = shift @todo))
	{
		my @targets = map { resolve(dirname($name), s/#.*//r) }
		  grep { !/^(https?:|#)/ } $documents{$name}->links;

		push @todo, grep { $documents{$_} && !$reached{$_}++ } @targets;
	}
	is(join(', ', grep { !$reached{$_} } @names), '', 'README.md leads to all documents');
	return;
}

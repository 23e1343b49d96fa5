
=pod

=head1 NAME

KeyapiDocuments - the repository's Markdown files, taken apart

=head1 SYNOPSIS

  foreach my $name (KeyapiDocuments::all())    # 'README.md', 'doc/limits.md', ...
  {
      my $document = KeyapiDocuments->new($name);

      print "$_->{mark}: $_->{text}" foreach $document->blocks;
      print "$_\n" foreach $document->links;
  }

Names are paths from the top of the repository.

=cut

package KeyapiDocuments;

use strict;
use warnings;

use Carp;
use Cwd            ();
use File::Basename ();
use File::Find     ();

# The top of the repository
sub root
{
	return Cwd::abs_path(File::Basename::dirname(__FILE__) . '/../..');
}

# The content of a file of the repository
sub slurp
{
	my ($name) = @_;

	open my $handle, '<:encoding(UTF-8)', root() . "/$name" or croak "$name: $!";
	local $/ = undef;
	return scalar readline $handle;
}

# The names of all Markdown files; what is left of test runs is not ours
sub all
{
	my $root = root();
	my @names;

	File::Find::find(
		{
			no_chdir   => 1,
			preprocess => sub { grep { !/^(\.git|tmp_.*)$/ } @_ },
			wanted     => sub { push @names, substr $_, length("$root/") if /\.md$/ },
		},
		$root);
	return sort @names;
}

sub new
{
	my ($class, $name) = @_;

	return bless { name => $name, text => slurp($name) }, $class;
}

sub name { my ($self) = @_; return $self->{name} }
sub text { my ($self) = @_; return $self->{text} }

# The fenced blocks: hashes with mark (what stands behind the opening fence),
# text (without the indentation of the fence) and line
sub blocks
{
	my ($self) = @_;
	my @blocks;

	while ($self->{text} =~ /^( *)```([^\n]*)\n(.*?)^\1```$/gms)
	{
		my ($indent, $mark, $text) = ($1, $2, $3);
		my $line = 1 + (substr($self->{text}, 0, $-[0]) =~ tr/\n//);

		push @blocks, { mark => $mark, text => $text =~ s/^$indent//gmr, line => $line };
	}
	return @blocks;
}

# The text without its fenced blocks and without `code`
sub prose
{
	my ($self) = @_;

	return $self->{text} =~ s/^( *)```.*?^\1```$//gmsr =~ s/`[^`\n]*`//gr;
}

# The targets of all links
sub links
{
	my ($self) = @_;

	return $self->prose =~ /\]\(([^()\s]+)\)/g;
}

# The anchors that GitHub makes of the headings
sub anchors
{
	my ($self) = @_;
	my (%seen, @anchors);

	foreach my $heading ($self->{text} =~ s/^( *)```.*?^\1```$//gmsr =~ /^#+ +(.*?) *$/gm)
	{
		my $anchor = lc($heading) =~ s/\[([^]]*)\]\([^)]*\)/$1/gr
		  =~ s/[^\w\- ]//gr =~ tr/ /-/r;

		push @anchors, $seen{$anchor}++ ? "$anchor-" . ($seen{$anchor} - 1) : $anchor;
	}
	return @anchors;
}

# The text below a heading of the second level
sub section
{
	my ($self, $heading) = @_;
	my ($text) = $self->{text} =~ /^## \Q$heading\E\n(.*?)(?=^## |\z)/ms
	  or croak "$self->{name} has no section $heading";

	return $text;
}

# The rows of the tables in a text whose first cell begins with `code`, as arrays
# of cells
sub table_rows
{
	my ($text) = @_;

	return map { [ split /\s*\|\s*/, s/^\|\s*//r ] } $text =~ /^(\| `.*)$/gm;
}

1;

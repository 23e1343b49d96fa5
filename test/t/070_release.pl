
# What a release needs is consistent: META.json follows PGXN's specification, all
# places name one version, and scripts of released versions have not changed.

use strict;
use warnings;

use Digest::SHA;
use File::Basename;
use JSON::PP;
use Test::More;

use KeyapiDocuments;

my $root = KeyapiDocuments::root();
my $meta = JSON::PP->new->decode(KeyapiDocuments::slurp('META.json'));

# Patterns of https://pgxn.org/meta/spec.txt, version 1.0.0
my $semver  = qr/^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(?:[a-zA-Z][-0-9A-Za-z]*)?\z/;
my $range   = qr/^(?:(?:[<>]=?|[!=]=)\s*)?\d+\.\d+\.\d+/;
my $term    = qr/^[^\s\/\\\x00-\x1f]{2,}\z/;
my $url     = qr{^(?:https?|git|mailto):\S+\z};
my %allowed = (
	distribution => [ qw(abstract description generated_by license maintainer meta-spec name
		  no_index prereqs provides release_status resources tags version) ],
	provided => [qw(abstract docfile file version)],
	phase    => [qw(build configure develop runtime test)],
	relation => [qw(conflicts recommends requires suggests)],
	resource => [qw(bugtracker homepage repository)]);

test_meta();
test_provides();
test_prereqs();
test_resources();
test_version();
test_scripts();
done_testing();

sub test_meta
{
	is($meta->{'meta-spec'}->{version}, '1.0.0', 'the version of the specification');
	known_keys('META.json', 'distribution', $meta);
	ok($meta->{$_}, "META.json has $_")
	  foreach qw(name version abstract maintainer license provides meta-spec);
	like($meta->{name},    $term,   'a name');
	like($meta->{version}, $semver, 'a semantic version');
	is($meta->{license}, 'postgresql', 'one of the licenses that it knows');
	like($meta->{release_status}, qr/^(?:stable|testing|unstable)\z/, 'a status');
	cmp_ok(length($_), '<=', 256, "tag $_") foreach @{ $meta->{tags} };
	return;
}

# Each extension has its script and its document.
sub test_provides
{
	my %provides = %{ $meta->{provides} };

	is(join(' ', keys %provides), 'keyapi_fdw', 'it provides the extension');
	foreach my $extension (values %provides)
	{
		known_keys('provides', 'provided', $extension);
		is($extension->{version}, $meta->{version}, 'one version');
		ok(-f "$root/$extension->{$_}", "$_ is there") foreach qw(file docfile);
	}
	is($provides{keyapi_fdw}->{file}, 'sql/keyapi_fdw--' . default_version() . '.sql',
		'the script of the default version');
	return;
}

sub test_prereqs
{
	my %prereqs = %{ $meta->{prereqs} };

	known_keys('prereqs', 'phase', \%prereqs);
	foreach my $phase (sort keys %prereqs)
	{
		my %relations = %{ $prereqs{$phase} };

		known_keys("prereqs of $phase", 'relation', \%relations);
		foreach my $relation (sort keys %relations)
		{
			like($relations{$relation}->{$_}, $range, "$phase $relation $_")
			  foreach sort keys %{ $relations{$relation} };
		}
	}
	like($prereqs{runtime}->{requires}->{PostgreSQL}, qr/^15\./, 'PostgreSQL 15 or later');
	return;
}

# There may be none, until there is a place; what there is are addresses.
sub test_resources
{
	my %resources = %{ $meta->{resources} // {} };

	known_keys('resources', 'resource', \%resources);
	foreach my $name (sort keys %resources)
	{
		my $resource = $resources{$name};

		like($_, $url, "address of $name")
		  foreach ref $resource ? @$resource{ grep { /^(?:url|web)\z/ } keys %$resource } : $resource;
	}
	return;
}

# All keys are those of the specification, or begin with x_.
sub known_keys
{
	my ($place, $kind, $hash) = @_;
	my %known = map { $_ => 1 } @{ $allowed{$kind} };

	is(join(', ', grep { !$known{$_} && !/^x_/i } sort keys %$hash), '', "$place: known keys");
	return;
}

# ---------------------------------------------------------------------
# Versions and scripts
# ---------------------------------------------------------------------

sub default_version
{
	my ($version) = KeyapiDocuments::slurp('keyapi_fdw.control') =~ /^default_version = '(.*)'/m;

	return $version;
}

sub test_version
{
	my $version = $meta->{version};
	my $short   = $version =~ s/\.0\z//r;
	my ($in_package)   = KeyapiDocuments::slurp('debian/changelog') =~ /^keyapi-fdw \((.*?)-\d+\)/;
	my ($in_spec)      = KeyapiDocuments::slurp('packaging/keyapi_fdw.spec') =~ /^Version:\s*(\S+)/m;
	my ($in_spec_log)  = KeyapiDocuments::slurp('packaging/keyapi_fdw.spec') =~ /^\* .* - (\S+)-\d+$/m;
	my ($in_changelog) = KeyapiDocuments::slurp('CHANGELOG.md') =~ /^## (\S+)/m;

	is($version =~ s/\.\d+\z//r, default_version(), 'keyapi_fdw.control has the version');
	is($in_package,              $version,          'debian/changelog, too');
	is($in_spec,                 $version,          'the spec, too');
	is($in_spec_log,             $version,          'the changelog of the spec, too');
	is($in_changelog,            $short,            'CHANGELOG.md, too');
	return;
}

# The Makefile installs all scripts; those of released versions are as they were.
sub test_scripts
{
	my ($data) = KeyapiDocuments::slurp('Makefile') =~ /^DATA = ((?:.*\\\n)*.*)$/m;
	my @scripts = map { substr $_, length("$root/") } glob "$root/sql/*.sql";
	my @released =
	  map { [ split ' ' ] } grep { /^[^#]/ } split /\n/,
	  KeyapiDocuments::slurp('test/data/released.sha256');

	is(join(' ', sort grep { /sql/ } split /[\s\\]+/, $data), join(' ', sort @scripts), 'DATA has all scripts');
	foreach my $script (@released)
	{
		my ($checksum, $name) = @$script;

		is(Digest::SHA->new(256)->addfile("$root/$name")->hexdigest, $checksum,
			"$name is as it was released");
	}
	return;
}

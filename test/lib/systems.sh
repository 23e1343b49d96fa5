# shellcheck shell=bash
#
# systems.sh
#	  Other systems, to run things in, as root.  Sourced by test/matrix and
#	  test/packages.

# enter ROOT COMMAND...: runs it in that system; no process survives it
enter()
{
	local root=$1

	shift
	env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
		HOME=/root TERM=dumb \
		unshare --pid --fork --kill-child --mount-proc="$root/proc" \
		chroot "$root" "$@" </dev/null
}

# The archive that this machine installs from
mirror()
{
	local uri

	# shellcheck disable=SC2016	# apt-get expands it
	uri=$(apt-get indextargets --format '$(REPO_URI)' \
		'Identifier: Packages' 'Origin: Debian' | head -n 1)
	[ -n "$uri" ] || die "this machine does not install from Debian's archive"
	echo "$uri"
}

# make_minimal_system SUITE ROOT: one of Debian's, as new as the mirror
make_minimal_system()
{
	mmdebstrap --variant=minbase --aptopt='Acquire::Check-Valid-Until "false"' \
		"$1" "$2" "$(mirror)"
}

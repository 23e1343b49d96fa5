# shellcheck shell=bash
#
# throwaway.sh
#	  A temporary place to build and run in, of which nothing remains: a copy
#	  of the source tree, an installation of the extension, and the programs
#	  that run there.  Sourced by test/demo, test/check and the scripts
#	  called run below test/.
#
# Expects PG_CONFIG and pg_release (packages.sh) and top, the source tree.

# Everything lives below this directory.
work=

# The process groups that must not outlive us, by their leader's pid.
declare -A started_groups=()

# open_workspace: makes $work and sees to it that it goes away again, however
# this shell ends.  Sets tester, the user to build and run as: PostgreSQL
# refuses to run as root, and a test should not.
open_workspace()
{
	trap close_workspace EXIT
	trap 'exit 129' HUP
	trap 'exit 130' INT
	trap 'exit 143' TERM

	umask 022
	work=$(mktemp -d "${TMPDIR:-/tmp}/keyapi_fdw.XXXXXX")
	mkdir "$work/home" "$work/tmp" "$work/out" "$work/data"
	tester=$(id -un)
	if [ "$(id -u)" = 0 ]; then
		tester=postgres
		id "$tester" >/dev/null 2>&1 || tester=nobody
	fi
	copy_tree "$work/tree"
	give_to_tester "$work"
}

# copy_tree DIRECTORY: the source tree without what git ignores, which was built
# elsewhere, maybe for another PostgreSQL
copy_tree()
{
	mkdir -p "$1"
	# shellcheck disable=SC2154	# top is the caller's, see above
	sed -e '/^#/d' -e 's|^/|./|' -e 's|/$||' "$top/.gitignore" |
		tar -C "$top" --exclude-from=- --exclude=./.git -c . |
		tar -C "$1" --no-same-owner -x
}

give_to_tester()
{
	[ "$(id -u)" != 0 ] || chown -R "$tester:" "$@"
}

# as_tester [NAME=VALUE...] COMMAND...: runs it as that user, in an
# environment that owes nothing to the caller's: no PGHOST, no proxy, no key.
as_tester()
{
	local -a become=()

	[ "$(id -u)" != 0 ] ||
		become=(setpriv --reuid "$tester" --regid "$(id -g "$tester")" --init-groups)
	"${become[@]}" env -i \
		PATH="$("$PG_CONFIG" --bindir):/usr/local/bin:/usr/bin:/bin" \
		HOME="$work/home" TMPDIR="$work/tmp" LANG=C.UTF-8 TERM="${TERM:-dumb}" \
		PG_CONFIG="$PG_CONFIG" "$@"
}

# in_background LABEL COMMAND...: a process group of its own, which ends with us
in_background()
{
	local label=$1

	shift
	set -m
	"$@" </dev/null &
	set +m
	started_groups[$!]=$label
}

# Servers leave their process group; their pid files lie below $work.
stop_servers()
{
	local pid_file

	find "$work" -name postmaster.pid 2>/dev/null | while read -r pid_file; do
		as_tester pg_ctl stop -s -m immediate -D "${pid_file%/*}" || true
	done
}

close_workspace()
{
	local group

	trap '' HUP INT TERM
	for group in "${!started_groups[@]}"; do
		kill -TERM -- "-$group" 2>/dev/null || true
		wait "$group" 2>/dev/null || true
	done
	cd /
	[ -d "$work" ] || return 0
	stop_servers
	if [ -n "${keep_workspace:-}" ]; then
		echo "Left for you to see: $work"
	else
		rm -rf "$work"
	fi
	work=
}

# quietly LOG COMMAND...: the command's output goes to the log, and on failure
# the end of it to the screen
quietly()
{
	local log=$1 status=0

	shift
	"$@" >"$log" 2>&1 </dev/null || status=$?
	[ $status = 0 ] || tail -n 40 "$log" >&2
	return $status
}

# build_extension [MAKE ARGUMENTS]: builds it and installs it below
# $work/install; $work/extension.conf has the settings that find it there.
build_extension()
{
	install_tree "$work/tree" "$work/install" "$@" &&
		extension_settings "$work/install" >"$work/extension.conf"
}

# install_tree TREE DESTDIR [MAKE ARGUMENTS]: builds the extension of that tree
install_tree()
{
	local tree=$1 destination=$2

	shift 2
	as_tester make -s -C "$tree" -j2 "$@" all &&
		as_tester make -s -C "$tree" "$@" install DESTDIR="$destination"
}

# extension_settings DESTDIR: the settings that find what is installed there.
# PostgreSQL can be told to look for extensions elsewhere: all of 18 and later,
# before that Debian's.
extension_settings()
{
	local destination=$1 settings

	settings=$("$("$PG_CONFIG" --bindir)/postgres" --describe-config | cut -f1)
	if grep -qx extension_control_path <<<"$settings"; then
		echo "extension_control_path = '$destination$("$PG_CONFIG" --sharedir):\$system'"
	elif grep -qx extension_destdir <<<"$settings"; then
		echo "extension_destdir = '$destination'"
	else
		die "the PostgreSQL of $PG_CONFIG finds extensions only where it is installed" \
			"(neither extension_control_path nor extension_destdir)"
	fi
	# extension_destdir does not help shared_preload_libraries
	echo "dynamic_library_path = '$destination$("$PG_CONFIG" --pkglibdir):\$libdir'"
}

build_emulator()
{
	as_tester make -s -C "$work/tree/test/emulator" -j2
}

# start_emulator LOG: starts an emulator that lives as long as this shell, and
# sets emulator_environment to what it says of itself, as NAME=VALUE words
start_emulator()
{
	local line

	emulator_environment=(KEYAPI_EMULATOR="$work/tree/test/emulator/keyapi_emulator")
	coproc EMULATOR {
		as_tester setsid "$work/tree/test/emulator/keyapi_emulator" 2>"$1"
	}
	while read -r line <&"${EMULATOR[0]}"; do
		emulator_environment+=("$line")
		[[ $line != KEYAPI_EMULATOR_READY=* ]] || return 0
	done
	die "the emulator does not start: $(tail -n 5 "$1")"
}

# start_cluster [NAME=VALUE...]: a server without TCP, with that in its environment;
# its socket is in $work/tmp
start_cluster()
{
	local data=$work/data/cluster

	as_tester initdb -D "$data" --no-sync \
		--auth=trust --username=postgres --encoding=UTF8 --locale=C.UTF-8 &&
		cat "$work/extension.conf" - >>"$data/postgresql.conf" <<-END &&
			listen_addresses = ''
			unix_socket_directories = '$work/tmp'
			fsync = off
		END
		as_tester "$@" pg_ctl start -w -D "$data" \
			-l "$work/out/server.log"
}

# prove_alone FILE [ARGUMENT...]: builds all that is needed and runs a TAP file
# of test/ with its arguments; on failure the ends of its logs follow
prove_alone()
{
	local file=$1 pgxs

	shift
	{ build_extension && build_emulator; } >"$work/build.log" 2>&1 ||
		{ cat "$work/build.log" >&2; exit 1; }
	pgxs=$("$PG_CONFIG" --pgxs)
	pgxs=${pgxs%/makefiles/*}
	as_tester mkdir -p "$work/data/tmp_check" "$work/data/log"
	as_tester ln -sfn "$work/data/log" "$work/data/tmp_check/log"
	cd "$work/tree" || exit
	as_tester TEMP_CONFIG="$work/extension.conf" \
		PG_REGRESS="$pgxs/test/regress/pg_regress" \
		PG_TEST_PORT_DIR="$work/tmp/ports" \
		TESTDIR="$work/data" TESTDATADIR="$work/data/tmp_check" \
		TESTLOGDIR="$work/data/log" \
		prove -v -I "$pgxs/test/perl" -I "$work/tree/test/perl" \
		"$work/tree/test/$file" :: "$@" ||
		{ tail -n 30 "$work"/data/log/* >&2; exit 1; }
}

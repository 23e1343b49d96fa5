# shellcheck shell=bash
#
# packages.sh
#	  Finds the PostgreSQL to build for, and installs the packages that are
#	  missing.  Sourced by the scripts in test/.
#
# It needs nothing but what every Debian and Ubuntu has: bash and coreutils.

# The PostgreSQL releases that the extension supports, the best one first.
supported_versions="19 18 17 16 15"

# What a fresh machine lacks.  A group is what somebody wants to do (the packages
# with a question mark, which not every distribution has, come along only when
# others of the group are installed); NN stands for the PostgreSQL release; the
# probe says how to see that a package is not needed, since its contents are there
# already (see have below).
package_table()
{
	cat <<-'END'
		build     gcc                       command gcc
		build     make                      command make
		build     libc6-dev                 header stdlib.h
		build     libcurl4-openssl-dev      header curl/curl.h
		build     libjansson-dev            header jansson.h
		build     postgresql-server-dev-NN  server_headers
		server    postgresql-NN             server_program postgres
		server    ca-certificates           certificates
		emulator  libmicrohttpd-dev         header microhttpd.h
		emulator  libgnutls28-dev           header gnutls/gnutls.h
		emulator  zlib1g-dev                header zlib.h
		check     git                       command git
		check     perl                      command prove
		check     unzip                     command unzip
		check     libipc-run-perl           perl_module IPC::Run
		sqlsmith  sqlsmith                  command sqlsmith
		scale     nginx-light               command nginx
		bench     curl                      command curl
		bench     jq                        command jq
		bench     python3                   command /usr/bin/python3
		bench     python3-psycopg           python_module psycopg
		bench     python3-psycopg2          python_module psycopg2
		bench     python3-requests          python_module requests
		clients   default-jdk-headless      command javac
		clients   libpostgresql-jdbc-java   file /usr/share/java/postgresql.jar
		clients   nodejs                    command node
		clients   odbc-postgresql           file /usr/share/psqlodbc/odbcinst.ini.template
		clients   pgbouncer                 file /usr/sbin/pgbouncer
		clients   python3-psycopg           python_module psycopg
		clients   python3-psycopg2          python_module psycopg2
		clients   python3-pyodbc            python_module pyodbc
		clients   python3-sqlalchemy        python_module sqlalchemy
		check?    pg-bsd-indent             command pg_bsd_indent
		check?    faketime                  command faketime
		check?    postgresql-NN-cron        server_library pg_cron
		check?    python3-psycopg2          python_module psycopg2
	END
}

die()
{
	echo "${0##*/}: $*" >&2
	exit 1
}

# have PROBE [ARGUMENT]: is it there?
have()
{
	case $1 in
		command) command -v "$2" ;;
		header) echo "#include <$2>" | gcc -fsyntax-only -x c - ;;
		server_headers) has_server_headers "$PG_CONFIG" ;;
		server_program) [ -x "$("$PG_CONFIG" --bindir)/$2" ] ;;
		server_library) [ -e "$("$PG_CONFIG" --pkglibdir)/$2.so" ] ;;
		file) [ -e "$2" ] ;;
		certificates) [ -e /etc/ssl/certs/ca-certificates.crt ] || [ -d /etc/pki/tls/certs ] ;;
		perl_module) perl "-M$2" -e 1 ;;
		python_module) /usr/bin/python3 -c "import $2" ;;
	esac >/dev/null 2>&1
}

# has_server_headers PG_CONFIG: can extensions be built with it?
has_server_headers()
{
	[ -f "$("$1" --includedir-server 2>/dev/null)/postgres.h" ] &&
		[ -f "$("$1" --pgxs 2>/dev/null)" ]
}

# release_of PG_CONFIG: the major release, "15"
release_of()
{
	"$1" --version 2>/dev/null | sed -E 's/^[^0-9]*([0-9]+).*/\1/'
}

is_supported()
{
	[[ -n $1 && " $supported_versions " == *" $1 "* ]]
}

# Sets PG_CONFIG and pg_release: the PostgreSQL that the user names; else the
# one that extensions are built for here; else the newest one whose server is
# installed.  With none, PG_CONFIG stays empty.
find_postgres()
{
	local version candidate

	if [ -n "${PG_CONFIG:-}" ]; then
		PG_CONFIG=$(command -v "$PG_CONFIG") || die "PG_CONFIG names no program"
		pg_release=$(release_of "$PG_CONFIG")
		is_supported "$pg_release" ||
			die "PostgreSQL $pg_release of $PG_CONFIG is not supported"
		return
	fi

	if has_server_headers pg_config && is_supported "$(release_of pg_config)"; then
		# Debian's pg_config is a wrapper that follows what is installed
		candidate=$(pg_config --bindir)/pg_config
		PG_CONFIG=$candidate
		pg_release=$(release_of "$candidate")
		return
	fi

	for version in $supported_versions; do
		if [ -x "/usr/lib/postgresql/$version/bin/postgres" ]; then
			use_packaged_postgres "$version"
			return
		fi
	done
	PG_CONFIG=
	pg_release=
}

use_packaged_postgres()
{
	pg_release=$1
	PG_CONFIG=/usr/lib/postgresql/$1/bin/pg_config
}

# The newest release that the package archives offer
newest_packaged_release()
{
	local version

	for version in $supported_versions; do
		if has_package "postgresql-server-dev-$version"; then
			echo "$version"
			return
		fi
	done
}

# Do the package archives offer it?
has_package()
{
	apt-cache show "$1" >/dev/null 2>&1
}

# missing_packages GROUP...: the packages of these groups that are not there,
# one a line
missing_packages()
{
	local groups=" $* " group package probe

	package_table | while read -r group package probe; do
		# shellcheck disable=SC2086	# the probe is two words
		if [[ $groups == *" $group "* ]] && ! have $probe; then
			echo "${package/NN/${pg_release:-NN}}"	# NN: none chosen yet
		fi
	done
}

# require_packages GROUP...: installs what is missing, or says what and stops.
# Afterwards PG_CONFIG and pg_release name the PostgreSQL to use.
require_packages()
{
	find_postgres
	if [ -n "$(missing_packages "$@")" ]; then
		become_root_for_apt "$(missing_packages "$@")"
		apt_get update ||
			echo "${0##*/}: could not refresh the package lists, going on" >&2
		if [ -z "$pg_release" ]; then
			use_packaged_postgres "$(newest_packaged_release)"
			[ -n "$pg_release" ] || die "the package archives have no" \
				"postgresql-server-dev-NN for any of $supported_versions"
		fi
		install_packages "$(missing_packages "$@"; available_optional_packages "$@")"
		[ -z "$(missing_packages "$@")" ] ||
			die "still missing after the installation:" "$(missing_packages "$@")"
	fi
	export PG_CONFIG
}

# available_optional_packages GROUP...
available_optional_packages()
{
	local package

	for package in $(missing_packages "${@/%/?}"); do
		if has_package "$package"; then
			echo "$package"
		fi
	done
}

# Sets as_root, the words before a command that make it run as root; stops
# with the names of the packages if there is no way.
become_root_for_apt()
{
	local packages=${1//$'\n'/ } release

	as_root=()
	command -v apt-get >/dev/null ||
		die "these Debian packages, or what is in them, are missing: $packages"
	if [ "$(id -u)" != 0 ]; then
		release=$(newest_packaged_release)
		packages=${packages//-NN/-${release:-NN}}
		command -v sudo >/dev/null ||
			die "packages are missing; as root: apt-get install $packages"
		sudo -n true 2>/dev/null || [ -t 0 ] ||
			die "sudo asks for a password; first run: sudo apt-get install $packages"
		as_root=(sudo)
	fi
}

# apt-get that asks nothing, restarts nothing and speaks only if it fails
apt_get()
{
	local log status=0

	log=$(mktemp)
	"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1 \
		apt-get -y -q -o DPkg::Lock::Timeout=300 "$@" \
		>"$log" 2>&1 </dev/null || status=$?
	[ $status = 0 ] || tail -n 40 "$log" >&2
	rm -f "$log"
	return $status
}

# install_packages "NAME..."
#
# Debian's server packages create and start a system cluster when they are
# installed, and start clusters that the administrator has stopped.  Nobody
# asked for that here, so for this one run dpkg's scripts find programs that
# do nothing in place of those that would do it.
install_packages()
{
	local packages stubs program status=0

	read -r -d '' -a packages <<<"$1" || true
	echo "Installing ${packages[*]}"
	stubs=$(mktemp -d)
	for program in pg_createcluster invoke-rc.d deb-systemd-invoke; do
		printf '#!/bin/sh\nexit 0\n' >"$stubs/$program"
		chmod 755 "$stubs/$program"
	done
	apt_get install --no-install-recommends --no-remove \
		-o DPkg::Path="$stubs:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" \
		"${packages[@]}" || status=$?
	rm -rf "$stubs"
	[ $status = 0 ] || die "apt-get could not install these packages"
	[[ " ${packages[*]} " != *" postgresql-${pg_release:-none} "* ]] ||
		echo "(PostgreSQL without a cluster. To make one: sudo pg_createcluster $pg_release main --start)"
}

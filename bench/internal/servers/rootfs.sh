#!/usr/bin/env bash
# Unpacks redis or valkey servers, with all that they need to run, from Debian's packages: into
# directories that serve both as an image (docker import) and, without Docker, as they are (started
# through their own ld.so). Nothing is installed and root is not needed.
#
#   rootfs.sh SUITE WORK PROGRAM...     (PROGRAM: redis or valkey)
#
# SUITE is the Debian release to take the packages from, which need not be the machine's own.
# Result: WORK/PROGRAM. Everything else in WORK may be thrown away afterwards.
set -euo pipefail
umask 022 # the image's server does not run as root, so it must be able to read what is written here

suite=$1 work=$2
shift 2
programs=("$@")

fail() {
	echo "$*" >&2
	exit 1
}

command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null ||
	fail "building a server takes a Debian machine: this one has no apt-get or dpkg-deb"
# shellcheck source=/dev/null
. /etc/os-release
[[ $ID == debian ]] || fail "building a server takes the apt sources of a Debian machine; this one is $ID"

# The machine's own sources say where Debian's archive is to be had from here. Only the suite is
# replaced, and with it what the sources say of updates and security.
#
# The key is Debian's own, whatever the machine trusts besides: so another vendor's archive that
# names its suites like Debian's is not used, it only fails to verify.
mkdir -p "$work"/{state/lists/partial,cache/archives/partial,root}
for key in /usr/share/keyrings/debian-archive-keyring.{pgp,gpg}; do
	[[ ! -e $key ]] || break
done
[[ -e $key ]] || fail "no keyring of Debian's archive: the package debian-archive-keyring is missing"
arch=$(dpkg --print-architecture)
apt-get update --print-uris |
	sed -nE "s#^'(.+)/dists/(${VERSION_CODENAME:-sid}|oldstable|stable|testing|unstable|sid)(-updates|-security)?/InRelease'.*#deb [arch=$arch signed-by=$key] \1 $suite\3 main#p" |
	sort -u >"$work/sources.list"
[[ -s $work/sources.list ]] || fail "this machine's apt sources name no Debian archive"

# An apt of its own. The machine's configuration goes in first, for its proxies and credentials, but
# without its hooks; state and cache are private. With an empty status file nothing counts as
# installed, so that the download is the whole closure, libc included.
: >"$work/status"
{
	apt-config dump | grep -v -e Invoke -e Pre-Install-Pkgs
	cat <<-END
		Dir::Etc::Parts "/dev/null";
		Dir::Etc::Main "/dev/null";
		Dir::Etc::SourceList "$work/sources.list";
		Dir::Etc::SourceParts "/dev/null";
		Dir::Etc::Preferences "/dev/null";
		Dir::Etc::PreferencesParts "/dev/null";
		Dir::State "$work/state";
		Dir::State::status "$work/status";
		Dir::Cache "$work/cache";
		APT::Architecture "$arch";
		APT::Install-Recommends "false";
		APT::Sandbox::User "";
		Acquire::Languages "none";
		Acquire::IndexTargets::deb::DEP-11::DefaultEnabled "false";
	END
} >"$work/apt.conf"
export APT_CONFIG=$work/apt.conf

# A source without this suite is no failure as long as the packages are found elsewhere.
apt-get -qq update >"$work/log" 2>&1 || true
apt-get -qq --yes --download-only install "${programs[@]/%/-server}" busybox-static >>"$work/log" 2>&1 ||
	fail "$suite: $(grep '^E:' "$work/log" || cat "$work/log")"
for deb in "$work"/cache/archives/*.deb; do
	dpkg-deb -x "$deb" "$work/root"
done

# The closure's own ld.so says which libraries a program links.
loader=$(find "$work/root" -name 'ld-linux*.so.*' -type f -print -quit)
libraries=$(printf '%s:' "$work"/root/{,usr/}lib/*-linux-gnu*)
for program in "${programs[@]}"; do
	out=$work/$program
	mkdir -p "$out"/{bin,lib,tmp,data,usr/bin,usr/local/bin}
	chmod 1777 "$out/tmp" "$out/data"
	for binary in "$program-server" "$program-cli"; do
		# In Debian's packages the server is a link to another name of the same program.
		cp -L "$work/root/usr/bin/$binary" "$out/usr/bin/$binary"
		"$loader" --library-path "$libraries" --list "$out/usr/bin/$binary" >"$work/list"
		while read -r name arrow path _; do
			[[ $arrow == "=>" ]] || continue # the kernel's vdso has no file
			[[ -e $path ]] || fail "$suite: $binary needs $name, which the packages lack"
			case $name in
			/*) install -D "$loader" "$out$name" ;; # the program's interpreter, at the place it asks for
			*) install "$path" "$out/lib/$name" ;;
			esac
		done <"$work/list"
	done
	find "$work/root" -path '*bin/busybox' -type f -exec install {} "$out/bin/busybox" \;
	ln -sf busybox "$out/bin/sh"
	# As with the official image, options alone or a configuration file go to the server.
	cat >"$out/usr/local/bin/docker-entrypoint.sh" <<-END
		#!/bin/sh
		case \${1-} in -* | *.conf) set -- $program-server "\$@" ;; esac
		exec "\$@"
	END
	chmod 755 "$out/usr/local/bin/docker-entrypoint.sh"
done

#!/usr/bin/env bash
# What every script begins with that takes things from Debian's packages. It unpacks them: nothing is
# installed and root is not needed.
#
#   SCRIPT SUITE WORK ...
#
# SUITE is the Debian release to take the packages from, which need not be the machine's own. What
# the script does not name as its result in WORK may be thrown away afterwards.
#
# Backports and experimental hold a few packages only. They come beside the release that they are made
# for, and a package is taken from them if it is asked for as "NAME$from".
set -euo pipefail
umask 022 # an image's server does not run as root, so it must be able to read what is written here

suite=$1 work=$2
shift 2
case $suite in
*-backports) base=${suite%-backports} from=/$suite ;;
experimental) base=sid from=/$suite ;;
*) base=$suite from= ;;
esac

fail() {
	echo "$*" >&2
	exit 1
}

command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null ||
	fail "unpacking packages takes a Debian machine: this one has no apt-get or dpkg-deb"
# shellcheck source=/dev/null
. /etc/os-release
[[ $ID == debian ]] || fail "unpacking packages takes the apt sources of a Debian machine; this one is $ID"

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
	sed -nE "s#^'(.+)/dists/(${VERSION_CODENAME:-sid}|oldstable|stable|testing|unstable|sid)(-updates|-security)?/InRelease'.*#deb [arch=$arch signed-by=$key] \1 $base\3 main#p; s# $base main\$# $suite main#p" |
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

# unpack has apt-get do what it is told, and unpacks what that has downloaded into WORK/root.
unpack() {
	(cd "$work/cache/archives" && apt-get -qq --yes "$@") >>"$work/log" 2>&1 ||
		fail "$suite: $(grep '^E:' "$work/log" || cat "$work/log")"
	for deb in "$work"/cache/archives/*.deb; do
		dpkg-deb -x "$deb" "$work/root"
	done
}

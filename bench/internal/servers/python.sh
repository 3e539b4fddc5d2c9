#!/usr/bin/env bash
# After debian.sh: makes a root directory of Python and of packages for it, with all that they need to run, that
# serves both as an image and, through its program python3, as it is.
#
#   ... SUITE WORK PACKAGE...
#
# Result: WORK/root.
# shellcheck disable=SC2154 # what debian.sh sets
unpack --download-only install "${@/%/$from}"
cd "$work/root"
rm -rf var
find usr/share -mindepth 1 -maxdepth 1 ! -name zoneinfo -exec rm -rf {} +
mkdir -m 1777 tmp
for dir in bin lib lib64; do # newer releases have them as links, which are in none of these packages
	[[ -e $dir || ! -e usr/$dir ]] || ln -s "usr/$dir" "$dir"
done

cat >python3 <<'END'
#!/bin/sh
# Runs the Python of this directory with the directory's own libraries, wherever it is.
root=$(cd "$(dirname "$0")" && pwd)
for loader in "$root"/lib/*-linux-gnu*/ld-linux*.so.* "$root"/lib/ld-linux*.so.*; do
	[ ! -e "$loader" ] || break
done
libraries=$(printf '%s:' "$root"/lib/*-linux-gnu* "$root"/usr/lib/*-linux-gnu*)
PYTHONHOME=$root/usr exec "$loader" --library-path "$libraries" "$root/usr/bin/python3" "$@"
END
chmod 755 python3
# Installed packages are compiled. Else each process would compile them anew, as it may not write here. A file that isn't
# for this version of Python, as Django has some for its templates, is no failure.
./python3 -m compileall -q usr/lib >>"$work/log" 2>&1 || true

#!/usr/bin/env bash
# After debian.sh: makes root directories of redis or valkey servers, with all that they need to run,
# that serve both as an image (docker import) and, without Docker, as they are (started through their
# own ld.so).
#
#   ... SUITE WORK PROGRAM...     (PROGRAM: redis or valkey)
#
# Result: WORK/PROGRAM.
# shellcheck disable=SC2154 # what debian.sh sets
programs=("$@")
unpack --download-only install "${programs[@]/%/-server$from}" busybox-static

# The closure's own ld.so says which libraries a program links. Older releases have it under the name of
# its version, with links to that; those from outside the directory of libraries may lead to the machine's.
loader=$(find "$work/root" -path '*-linux-gnu*/ld-linux*.so.*' -print -quit)
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

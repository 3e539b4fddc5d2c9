#!/usr/bin/env bash
# After debian.sh: takes out the library that gives a program a clock of its own.
#
#   ... SUITE WORK
#
# Result: WORK/libfaketime.so.1.
# shellcheck disable=SC2154 # what debian.sh sets
unpack download libfaketime
cp "$work"/root/usr/lib/*/faketime/libfaketime.so.1 "$work"

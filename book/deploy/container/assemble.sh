#!/bin/sh
# Lays out what an image of kt holds: under FOLDER/root the program and the libraries that it is linked to, and under
# FOLDER/state its state folder, whose owner is another. There is no shell in it, no package manager and no certificates: the
# roots are in the program.
#   assemble.sh PROGRAM FOLDER
set -eu
program=$1
folder=$2
install -D -m 0755 "$program" "$folder/root/usr/local/bin/kt"
# Names of hosts are resolved by the C library itself, so its loader and what the program is linked to are enough.
ldd "$program" | grep -o '/[^ ]* (0x' | cut -d ' ' -f 1 | while read -r library; do
    install -D -m 0755 "$library" "$folder/root$library"
done
install -d -m 0755 "$folder/root/etc/kt"
install -d -m 1777 "$folder/root/tmp"
install -d -m 0700 "$folder/state/kt"

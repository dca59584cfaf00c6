#!/bin/sh
# Configures a meson build folder once and builds it. Usage: build.sh FOLDER [MESON OPTION…]
set -eu
folder=$1
shift
[ -f "$folder/build.ninja" ] || meson setup "$folder" "$@" >/dev/null || {
    cat "$folder/meson-logs/meson-log.txt" >&2
    exit 1
}
ninja -C "$folder" --quiet 2>/dev/null || ninja -C "$folder"

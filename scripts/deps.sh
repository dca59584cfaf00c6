#!/bin/sh
# Installs the distribution packages that are missing for the given make targets, and says which.
# On a system without apt it names them and stops.
set -eu

packages="gcc libc6-dev meson ninja-build pkg-config libglib2.0-dev libjansson-dev nettle-dev
    zlib1g-dev libedit-dev"
for target in "$@"; do
    case $target in
    test) packages="$packages python3-venv iproute2" ;;
    demo | bench | powerloss | venv | install) packages="$packages python3-venv" ;;
    check) packages="$packages python3-venv clang-format" ;;
    fuzz) packages="$packages clang libclang-rt-14-dev" ;;
    esac
done

missing=
if command -v dpkg-query >/dev/null; then
    for package in $packages; do
        dpkg-query -W -f '${db:Status-Status}\n' "$package" 2>/dev/null | grep -qx installed ||
            missing="$missing $package"
    done
else
    for tool in cc meson ninja pkg-config python3; do
        command -v "$tool" >/dev/null || missing="$missing $tool"
    done
    for library in gio-unix-2.0 jansson nettle zlib libedit; do
        pkg-config --exists "$library" 2>/dev/null || missing="$missing $library"
    done
fi
[ -n "$missing" ] || exit 0

if ! command -v apt-get >/dev/null; then
    echo "missing:$missing" >&2
    echo "install them (these are Debian's names or those of pkg-config), then run make again" >&2
    exit 1
fi
sudo=
if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null || {
        echo "missing:$missing; run as root: apt-get install$missing" >&2
        exit 1
    }
    sudo=sudo
fi
echo "installing with apt-get:$missing"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
# shellcheck disable=SC2086
if ! { $sudo apt-get update &&
    DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y --no-install-recommends $missing; } \
    >"$log" 2>&1; then
    tail -n 20 "$log" >&2
    echo "apt-get could not install:$missing" >&2
    exit 1
fi

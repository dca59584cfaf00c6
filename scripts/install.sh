#!/bin/sh
# Installs the tool, and the simulated board with an environment of its own for MicroPython.
# Usage: install.sh DESTDIR PREFIX
set -eu
destdir=$1
prefix=$2
share=$destdir$prefix/share/uota
venv=$prefix/lib/uota/venv

meson configure build/release -Dprefix="$prefix" >/dev/null
DESTDIR=$destdir meson install -C build/release --quiet >/dev/null

mkdir -p "$share" "$destdir$prefix/bin"
rm -rf "$share/device" "$share/sim"
cp -R device sim "$share/"
find "$share" \( -name __pycache__ -o -name ".*" \) -prune -exec rm -rf {} +
install -m 755 sim/uota-sim "$destdir$prefix/bin/uota-sim"

if [ ! -x "$destdir$venv/bin/python" ]; then
    echo "installing from PyPI into $destdir$venv: $(tr '\n' ' ' <sim/requirements.txt)"
    python3 -m venv "$destdir$venv"
fi
"$destdir$venv/bin/python" -m pip install --quiet --disable-pip-version-check -r sim/requirements.txt
echo "installed: $prefix/bin/uota and $prefix/bin/uota-sim"

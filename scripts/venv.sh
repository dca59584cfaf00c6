#!/bin/sh
# Makes the Python environment with the pinned packages. Usage: venv.sh FOLDER REQUIREMENTS
set -eu
echo "installing from PyPI into $1: $(grep -hv '^-r' "$2" sim/requirements.txt | tr '\n' ' ')"
python3 -m venv "$1"
"$1/bin/pip" install --quiet --disable-pip-version-check -r "$2"
touch "$1/.done"

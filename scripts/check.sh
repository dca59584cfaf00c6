#!/bin/sh
# Formatting, lint, and all C compiled with warnings as errors. Changes nothing.
set -eu
venv=build/venv/bin

echo "clang-format"
git ls-files -co --exclude-standard '*.c' '*.h' | xargs clang-format --dry-run -Werror

echo "ruff"
"$venv/ruff" check --quiet .
"$venv/ruff" format --check --quiet .

echo "warnings as errors"
[ -f build/check/build.ninja ] || meson setup build/check -Dwerror=true >/dev/null
ninja -C build/check --quiet

echo "shell syntax"
for script in scripts/*.sh .ci/run; do sh -n "$script"; done

echo "all fine"

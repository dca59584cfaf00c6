#!/bin/sh
# Shows the tool's main job on a simulated board, and checks what it shows: any step that does not
# do what it says ends the demo with a status other than 0.
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
PATH=$root/build/release:$root/sim:$PATH
demo=$root/build/demo
board=$demo/board.log

say() {
    printf '\n\033[1m%s\033[0m\n' "$*"
}

fail() {
    printf '\ndemo: %s\n' "$*" >&2
    [ ! -f "$board" ] || { echo "the board said last:" && tail -n 20 "$board"; } >&2
    exit 1
}

run() {
    printf '$ %s\n' "$*"
    "$@" || fail "\`$*\` failed"
}

# Waits until the board has printed a line that matches $1, after line $2 of its output.
await() {
    i=0
    until tail -n "+$2" "$board" | grep -q "$1"; do
        i=$((i + 1))
        [ $i -lt 200 ] || fail "the board did not print \"$1\" within 20 s"
        kill -0 "$sim" 2>/dev/null || fail "the simulated board has stopped"
        sleep 0.1
    done
}

lines() {
    echo $(($(wc -l <"$board") + 1))
}

rm -rf "$demo"
mkdir -p "$demo/project"
cd "$demo/project"

say "A new project"
run uota init
echo "A new version is on trial for 30 seconds; here for 2:"
sed -i 's/"version": /"confirmAfter": 2,\n    "version": /' config/ota.json
grep -n 'confirmAfter' config/ota.json || fail "the template has no version to put it before"

say "A simulated board: MicroPython, with the agent and this project's configuration"
echo '$ uota-sim --flash ../board.img --port 0 .'
uota-sim --flash ../board.img --port 0 . >"$board" 2>&1 &
sim=$!
trap 'kill $sim 2>/dev/null || true' EXIT
await 'uota-sim: .* at ' 1
await 'listening' 1
port=$(sed -n 's/.*uota-sim: .* at 127\.0\.0\.1:\([0-9]*\).*/\1/p' "$board" | head -n 1)
here="--host 127.0.0.1 --port $port"
grep 'uota-sim:' "$board"

say "The first push"
from=$(lines)
# shellcheck disable=SC2086
run uota full $here
await 'hello' "$from"
echo "The board prints:"
tail -n "+$from" "$board" | grep 'hello' | head -n 2 | sed 's/^/    /'

say "One line of the app changes"
sed -i 's/hello/good morning/' app/app.py
grep -n 'good morning' app/app.py || fail "the template has no hello to change"
from=$(lines)
# shellcheck disable=SC2086
run uota fast --wait --version 1.0.1 $here
await 'good morning' "$from"
echo "The board prints:"
tail -n "+$from" "$board" | grep 'good morning' | head -n 2 | sed 's/^/    /'

say "What the board has installed"
# shellcheck disable=SC2086
run uota version $here
# shellcheck disable=SC2086
[ "$(uota version $here)" = "1.0.1 confirmed" ] || fail "the board should have version 1.0.1"

say "A version that cannot run goes back by itself"
sed -i '1i import sensor' app/app.py
grep -n 'import sensor' app/app.py
echo "$ uota fast --wait --version 1.0.2 $here"
# shellcheck disable=SC2086
if uota fast --wait --version 1.0.2 $here; then fail "an app without its module cannot be fine"; fi
# shellcheck disable=SC2086
run uota version $here
# shellcheck disable=SC2086
case "$(uota version $here)" in
"1.0.1 rolled back from 1.0.2: ImportError"*) ;;
*) fail "the board should have gone back to 1.0.1" ;;
esac
sed -i '1d' app/app.py

kill $sim
wait $sim 2>/dev/null || true

say "Now you"
cat <<E2
Start the board (Ctrl-C stops it):

    cd $demo/project
    export PATH=$root/build/release:$root/sim:\$PATH
    uota-sim --flash ../board.img .

and in a second terminal, with the same cd and export:

    uota version --host 127.0.0.1          # or set "hostname" in config/ota.json
    uota terminal --host 127.0.0.1         # ls, cat, get, rm, reset; Tab completes
    \$EDITOR app/app.py && uota fast --host 127.0.0.1
E2

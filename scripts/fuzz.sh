#!/bin/sh
# Fuzzes every parser with libFuzzer under ASan and UBSan, each for FUZZ_SECONDS (60), from the
# corpus in tests/fuzz/corpus. What is found is kept in build/fuzz: put a crash into the corpus.
# Then the agent's, under MicroPython, with a fresh seed that is printed.
set -eu
cd "$(dirname "$0")/.."
seconds=${FUZZ_SECONDS:-60}
folder=build/fuzz
sanitizers=address,undefined
export G_DEBUG=fatal-criticals UBSAN_OPTIONS=print_stacktrace=1

[ -f $folder/build.ninja ] ||
    CC=clang meson setup $folder --buildtype=debugoptimized -Db_sanitize=$sanitizers \
        -Db_lundef=false -Dc_args='-fsanitize=fuzzer-no-link -fno-sanitize-recover=all' >/dev/null
ninja -C $folder --quiet libuota.a >$folder/build.log 2>&1 || {
    cat $folder/build.log >&2
    exit 1
}

status=0
for source in tests/fuzz/fuzz_*.c; do
    name=$(basename "$source" .c)
    name=${name#fuzz_}
    found=$folder/corpus/$name
    mkdir -p "$found" "tests/fuzz/corpus/$name"
    # shellcheck disable=SC2046
    clang -std=gnu11 -D_GNU_SOURCE -g -O1 -fsanitize=fuzzer,$sanitizers -fno-sanitize-recover=all \
        -Isrc -Iinclude "$source" $folder/libuota.a -o "$folder/fuzz_$name" \
        $(pkg-config --cflags --libs gio-unix-2.0 jansson nettle zlib)
    if "$folder/fuzz_$name" -max_total_time="$seconds" -timeout=10 -print_final_stats=1 \
        -artifact_prefix="$folder/$name-" "$found" "tests/fuzz/corpus/$name" \
        >"$folder/$name.log" 2>&1; then
        echo "$name: $(sed -n 's/^stat::number_of_executed_units: *//p' "$folder/$name.log") runs," \
            "nothing found"
    else
        status=1
        tail -n 40 "$folder/$name.log" >&2
        echo "$name: failed; the input is $folder/$name-*" >&2
    fi
done

seed=$(od -An -N3 -tu4 /dev/urandom | tr -d ' ')
if (cd tests/device && UOTA_FUZZ_SEED=$seed UOTA_FUZZ_SECONDS=$seconds \
    ../../build/venv/bin/micropython -X heapsize=2m run.py test_fuzz) >$folder/agent.log 2>&1; then
    echo "agent: $(grep ' cases, ' $folder/agent.log), nothing found"
else
    status=1
    tail -n 40 $folder/agent.log >&2
    echo "agent: failed; UOTA_FUZZ_SEED and UOTA_FUZZ_CASE of the first line bring it again" >&2
fi
exit $status

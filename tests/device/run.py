# Runs the agent's own tests under MicroPython: micropython -X heapsize=8m run.py [test_x.py …].
# Without arguments all but test_memory, which wants a small heap (320k) to itself. A line per
# test, a closing count, exit status 1 where one failed.
import sys

import board

_ALL = (
    "test_digest",
    "test_files",
    "test_config",
    "test_text",
    "test_push",
    "test_journal",
    "test_guard",
    "test_loop",
    "test_keys",
    "test_records",
    "test_push2",
    "test_fuzz",
    "test_bad_flash",
    "test_full",
)


def main(names):
    passed = failed = 0
    for name in names:
        module = __import__(name)
        for test in sorted(dir(module)):
            if not test.startswith("test_"):
                continue
            board.fresh()
            try:
                getattr(module, test)()
            except Exception as e:
                failed += 1
                print("FAIL %s.%s" % (name, test))
                sys.print_exception(e)
            else:
                passed += 1
                print("ok %s.%s" % (name, test))
    print("%d passed, %d failed" % (passed, failed))
    return 1 if failed else 0


wanted = [arg.split("/")[-1].replace(".py", "") for arg in sys.argv[1:]]
board.boot()
sys.exit(main(wanted or _ALL))

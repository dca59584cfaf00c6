"""Runs every suite and ends with one line, `N passed, N failed`, over all of them.

Suites: the C unit tests and fuzz corpora under ASan and UBSan (meson, TAP), the agent's tests
under MicroPython, and pytest: the simulator, the agent on it, and the tool against it.
"""

import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build"


def count(junit):
    """Passed and failed test cases of a JUnit file; a skipped one is neither."""
    passed = failed = 0
    # meson copies what a failed test printed as it is; control characters are no XML
    text = re.sub(r"[\0-\x08\x0b\x0c\x0e-\x1f]", "?", junit.read_text(errors="replace"))
    for case in ElementTree.fromstring(text.encode()).iter("testcase"):
        if case.find("failure") is not None or case.find("error") is not None:
            failed += 1
        elif case.find("skipped") is None:
            passed += 1
    return passed, failed


def run(command, junit, env=None):
    """Runs a suite that writes @junit; one that fails without naming a case counts as one."""
    junit.unlink(missing_ok=True)
    status = subprocess.run(command, cwd=ROOT, env={**os.environ, **(env or {})}).returncode
    passed, failed = count(junit) if junit.exists() else (0, 0)
    if status != 0 and failed == 0:
        failed = 1
    return passed, failed


def unit():
    folder = BUILD / "asan"
    command = ["meson", "test", "-C", str(folder), "--print-errorlogs", "--num-processes", "2"]
    env = {"ASAN_OPTIONS": "detect_leaks=1", "UBSAN_OPTIONS": "halt_on_error=1"}
    return run(command, folder / "meson-logs" / "testlog.junit.xml", env)


def python(arguments):
    junit = BUILD / "pytest.junit.xml"
    command = [sys.executable, "-m", "pytest", "-q", "-n", "2", "--dist", "worksteal"]
    command += [f"--junit-xml={junit}", *(arguments or ["tests"])]
    return run(command, junit)


def main(arguments):
    os.environ.setdefault("UOTA", str(BUILD / "asan" / "uota"))
    suites = [python(arguments)] if arguments else [unit(), python([])]
    passed = sum(suite[0] for suite in suites)
    failed = sum(suite[1] for suite in suites)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

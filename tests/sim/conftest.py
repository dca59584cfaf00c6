"""Boards for the simulator's tests: real uota-sim processes on images of their own. A test writes
the boot.py and main.py it needs; every wait has a deadline and waits for what the board says."""

import itertools
import os
import pathlib
import queue
import re
import signal
import subprocess
import textwrap
import threading

import pytest

ROOT = pathlib.Path(__file__).parents[2]
UOTA_SIM = ROOT / "sim" / "uota-sim"
AGENT = ROOT / "tests" / "sim" / "agent"
DEADLINE = 10


class Board:
    def __init__(self, arguments, environment):
        self.process = subprocess.Popen(
            [UOTA_SIM, *map(str, arguments)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment,
            text=True,
            errors="replace",
        )
        self._out = _lines(self.process.stdout)
        self._err = _lines(self.process.stderr)
        self.seen = []
        self.said = []

    def line(self, pattern):
        """The first line on stdout, from where the last call stopped, that matches."""
        return _await(self._out, self.seen, pattern)

    def says(self, pattern):
        """The same for what the simulator says on stderr."""
        return _await(self._err, self.said, pattern)

    @property
    def port(self):
        return int(self.says(r"uota-sim: .* at [\d.]+:(\d+), flash").group(1))

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        return self.process.wait(DEADLINE)

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
        return self.process.wait(DEADLINE)


def _lines(stream):
    lines = queue.Queue()

    def pump():
        for line in stream:
            lines.put(line.rstrip("\r\n"))
        lines.put(None)

    threading.Thread(target=pump, daemon=True).start()
    return lines


def _await(lines, seen, pattern):
    while True:
        try:
            line = lines.get(timeout=DEADLINE)
        except queue.Empty:
            pytest.fail(f"no {pattern!r} within {DEADLINE} s after:\n" + "\n".join(seen))
        if line is None:
            pytest.fail(f"it ended without {pattern!r}:\n" + "\n".join(seen))
        seen.append(line)
        found = re.search(pattern, line)
        if found:
            return found


@pytest.fixture
def environment():
    kept = {key: value for key, value in os.environ.items() if not key.startswith("UOTA_SIM_W")}
    return dict(kept, UOTA_DEVICE_DIR=str(AGENT))


@pytest.fixture
def script(tmp_path):
    """Writes a file for a board; returns the option that puts it onto the image."""

    numbers = itertools.count()

    def write(path, source):
        local = tmp_path / f"put{next(numbers)}"
        local.write_text(textwrap.dedent(source))
        return f"--put={local}:{path}"

    return write


@pytest.fixture
def board(environment, script):
    """Starts a board with the given scripts; it is stopped after the test."""
    started = []

    def start(*arguments, boot=None, main=None, env=None):
        puts = []
        if boot is not None:
            puts.append(script("/boot.py", boot))
        if main is not None:
            puts.append(script("/main.py", main))
        one = Board(["--port", "0", *puts, *arguments], {**environment, **(env or {})})
        started.append(one)
        return one

    yield start
    for one in started:
        one.stop()


@pytest.fixture
def sim(environment):
    """Runs uota-sim to its end."""

    def run(*arguments, env=None):
        return subprocess.run(
            [UOTA_SIM, *map(str, arguments)],
            capture_output=True,
            text=True,
            timeout=DEADLINE,
            env={**environment, **(env or {})},
            check=False,
        )

    return run

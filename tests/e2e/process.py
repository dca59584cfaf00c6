"""Processes under test: what they print arrives as an event, a terminal is a real pty, and the
outcome of a run of `uota` is judged by the same rules each time.
"""

import contextlib
import fcntl
import json
import os
import pty
import re
import signal
import struct
import subprocess
import termios
import threading
import time
from dataclasses import dataclass

from .wire import DEADLINE

# What must never be printed: a sanitizer's report, a failed assertion, a crash of any language.
CRASH = re.compile(
    r"Sanitizer|runtime error:|Traceback|GLib-\w*\s*-?\*?\*?:? ?(CRITICAL|WARNING|ERROR)"
    r"|CRITICAL \*\*|WARNING \*\*|assertion failed|Segmentation|core dumped"
)
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\x80-\x9f\u2028-\u202e\u2066-\u2069]")
ANNOUNCEMENT = re.compile(r"\S.* to \S+:\d+: \d+ files?, .*signed$")


class Output:
    """What comes out of @fd, kept from the beginning."""

    def __init__(self, fd):
        self._fd = fd
        self._data = b""
        self._ended = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self):
        while True:
            try:
                data = os.read(self._fd, 65536)
            except OSError:  # a pty whose other side has gone
                data = b""
            with self._changed:
                self._data += data
                self._ended = not data
                self._changed.notify_all()
            if not data:
                return

    @property
    def text(self):
        with self._changed:
            return self._data.decode(errors="replace")

    def mark(self):
        """The place in the output that is the present."""
        with self._changed:
            return len(self._data)

    def since(self, mark):
        with self._changed:
            return self._data[mark:].decode(errors="replace")

    def wait_for(self, pattern, after=0):
        """Waits for the regular expression @pattern behind the mark @after. Returns the match."""
        deadline = time.monotonic() + DEADLINE
        with self._changed:
            while True:
                found = re.search(pattern, self._data[after:].decode(errors="replace"))
                if found:
                    return found
                left = deadline - time.monotonic()
                if self._ended or left <= 0:
                    why = "the output ended" if self._ended else f"not within {DEADLINE} s"
                    text = self._data[after:].decode(errors="replace")
                    raise AssertionError(f"waited for {pattern!r}: {why}:\n{text}")
                self._changed.wait(left)

    def wait_for_end(self):
        self._thread.join(DEADLINE)
        assert not self._thread.is_alive(), f"still printing:\n{self.text}"
        return self.text


@dataclass
class Result:
    """How a run of `uota` went."""

    status: int
    out: str
    err: str
    raw: bytes = b""  # stdout as it came

    @property
    def error(self):
        """The one line that says what went wrong."""
        return self.err.splitlines()[-1]

    @property
    def report(self):
        """What `--json` says at the end; before it are the events of a push."""
        return json.loads(self.out.splitlines()[-1])

    @property
    def warnings(self):
        return [line for line in self.err.splitlines() if line.startswith("uota: warning: ")]


def check(result, status):
    """The rules for every run: the status that was asked for, one clear line on failure, no line
    of that kind on success, never a crash and never a control character from elsewhere.
    """
    said = f"status {result.status}\n--- stdout\n{result.out[-4000:]}\n--- stderr\n{result.err}"
    assert not CRASH.search(result.err), said
    assert not CONTROL.search(result.err), f"raw control characters: {result.err!r}"
    assert result.status == status, f"expected status {status}, got {said}"
    lines = result.err.splitlines()
    errors = [
        line
        for line in lines
        if not line.startswith("uota: warning: ") and not ANNOUNCEMENT.match(line)
    ]
    if status != 0:
        assert len(errors) == 1, f"not one line: {said}"
        assert errors[0].startswith("uota: ") and lines[-1] == errors[0], said
        assert len(errors[0]) > len("uota: ") + 5, said
    else:
        assert not any(line.startswith("uota: ") for line in errors), said


def run(argv, cwd, env, status=0, stdin=b"", timeout=60):
    """Runs to the end, and checks. @stdin, bytes or a file, is all that it gets to read."""
    given = {"input": stdin} if isinstance(stdin, bytes) else {"stdin": stdin}
    try:
        done = subprocess.run(argv, cwd=cwd, env=env, capture_output=True, timeout=timeout, **given)
    except subprocess.TimeoutExpired as error:
        raise AssertionError(f"{error}; it had said: {error.stdout} {error.stderr}") from None
    out, err = (text.decode(errors="surrogateescape") for text in (done.stdout, done.stderr))
    result = Result(done.returncode, out, err, done.stdout)
    if status is not None:
        check(result, status)
    return result


class Running:
    """A run that the test accompanies."""

    def __init__(self, argv, cwd, env):
        self.process = subprocess.Popen(
            argv,
            cwd=cwd,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self.out = Output(self.process.stdout.fileno())
        self.err = Output(self.process.stderr.fileno())

    def interrupt(self, number=signal.SIGINT):
        self.process.send_signal(number)

    def finish(self, status=0):
        self.process.wait(DEADLINE)
        result = Result(self.process.returncode, self.out.wait_for_end(), self.err.wait_for_end())
        if status is not None:
            check(result, status)
        return result

    def stop(self):
        self.process.kill()
        self.process.wait(DEADLINE)
        self.out.wait_for_end()
        self.err.wait_for_end()
        self.process.stdout.close()
        self.process.stderr.close()


class Terminal:
    """A run on a terminal of its own: both outputs and the input are a pty."""

    def __init__(self, argv, cwd, env, columns=100):
        self.fd, inner = pty.openpty()
        fcntl.ioctl(inner, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        self._inner = inner  # kept open: the last output is not lost when the process ends
        self.process = subprocess.Popen(
            ["setsid", "--ctty", *argv], cwd=cwd, env=env, stdin=inner, stdout=inner, stderr=inner
        )
        self.screen = Output(self.fd)

    def type(self, text):
        os.write(self.fd, text.encode())

    def echoes(self):
        return bool(termios.tcgetattr(self.fd)[3] & termios.ECHO)

    def wait_for(self, pattern, after=0):
        return self.screen.wait_for(pattern, after)

    def mark(self):
        return self.screen.mark()

    def finish(self):
        """Waits for the end. Returns the status and all that was seen."""
        self.process.wait(DEADLINE)
        os.close(self._inner)
        self._inner = None
        text = self.screen.wait_for_end()
        assert not CRASH.search(text), text
        return self.process.returncode, text

    def stop(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(DEADLINE)
        if self._inner is not None:
            os.close(self._inner)
        self.screen.wait_for_end()
        with contextlib.suppress(OSError):
            os.close(self.fd)

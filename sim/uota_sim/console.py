"""What hangs on the board's UART0: nothing (the default: prints go to stdout, stdin never says
anything), the terminal (--repl), or a pseudo terminal that programs open like a USB port
(--serial LINK). With one attached, a Ctrl-C interrupts the board when the board would notice it
and is data otherwise, as on an ESP32."""

import contextlib
import os
import pty
import signal
import sys
import termios
import tty

from .engine import KEYBOARD

_LEAVE = b"\x18"  # Ctrl-X


class Nothing:
    """stdin is a pipe into which nobody writes; stdout is the simulator's own."""

    def __init__(self):
        self._read, self._write = os.pipe()

    def attach_board(self):
        os.dup2(self._read, 0)
        os.close(self._read)
        os.close(self._write)

    def fds(self):
        return ()

    def serve(self, ready, pid, poller):
        pass

    def flush(self):
        pass

    def close(self):
        pass


class _Relay:
    """Bytes between the board's pipes and an outer descriptor."""

    def __init__(self, outer):
        self._outer = outer
        self._to_board_read, self._to_board = os.pipe()
        self._from_board, self._from_board_write = os.pipe()
        os.set_blocking(self._from_board, False)
        os.set_blocking(self._to_board, False)

    def attach_board(self):
        os.dup2(self._to_board_read, 0)
        os.dup2(self._from_board_write, 1)
        for fd in (self._to_board_read, self._to_board, self._from_board, self._from_board_write):
            os.close(fd)

    def fds(self):
        return self._from_board, self._outer

    def serve(self, ready, pid, poller):
        if self._from_board in ready:
            self.flush()
        if self._outer in ready:
            data = self._read_outer(poller)
            if data:
                self._feed(data, pid)

    def _read_outer(self, poller):
        try:
            data = os.read(self._outer, 4096)
        except OSError:
            data = b""
        if not data:
            poller.unregister(self._outer)
        return data

    def _feed(self, data, pid):
        first = True
        for part in data.split(b"\x03"):
            if not first and not _interrupt(pid):
                part = b"\x03" + part
            first = False
            with contextlib.suppress(BlockingIOError):  # a full UART buffer drops
                os.write(self._to_board, part)

    def flush(self):
        while True:
            try:
                data = os.read(self._from_board, 65536)
            except BlockingIOError:
                return
            if not data:
                return
            self.show(data)


def _interrupt(pid):
    """True if the board takes a Ctrl-C as an interrupt just now, which it then gets."""
    try:
        with open(f"/proc/{pid}/status", encoding="ascii") as file:
            caught = next(line for line in file if line.startswith("SigCgt:"))
        if int(caught.split()[1], 16) >> (signal.SIGINT - 1) & 1:
            os.kill(pid, KEYBOARD)
            return True
    except (OSError, StopIteration, TypeError):
        pass
    return False


class Terminal(_Relay):
    """The user's terminal as the board's REPL; Ctrl-X leaves."""

    def __init__(self):
        super().__init__(0)
        self._before = termios.tcgetattr(0) if os.isatty(0) else None
        if self._before:
            tty.setraw(0)
            now = termios.tcgetattr(0)
            now[1] |= termios.OPOST | termios.ONLCR
            termios.tcsetattr(0, termios.TCSANOW, now)

    def _read_outer(self, poller):
        data = super()._read_outer(poller)
        if _LEAVE in data or (not data and self._before):
            os.kill(os.getpid(), signal.SIGTERM)
        return data

    def show(self, data):
        os.write(1, data)

    def close(self):
        if self._before:
            termios.tcsetattr(0, termios.TCSANOW, self._before)


class Serial(_Relay):
    """A pseudo terminal, reachable under a link; what the board prints also goes to stdout."""

    def __init__(self, link):
        master, self._slave = pty.openpty()  # the slave stays open: no hang-up between two users
        tty.setraw(self._slave)
        os.set_blocking(master, False)
        super().__init__(master)
        self._link = link
        temporary = f"{link}.{os.getpid()}"
        os.symlink(os.ttyname(self._slave), temporary)
        os.replace(temporary, link)

    def attach_board(self):
        super().attach_board()
        os.close(self._outer)
        os.close(self._slave)

    def show(self, data):
        with contextlib.suppress(BlockingIOError):  # nobody reads: a UART loses it too
            os.write(self._outer, data)
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()

    def close(self):
        with contextlib.suppress(OSError):
            os.unlink(self._link)

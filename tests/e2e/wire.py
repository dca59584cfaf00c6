"""Sockets as the tests want them: lines and counted bytes with a deadline, and listening peers
whose other side is a Python function.
"""

import contextlib
import socket
import struct
import threading
import time

DEADLINE = 30  # seconds that any single wait of a test may take


def until(condition, why="what was waited for has not come"):
    """Waits until @condition() is true; for what sends no event."""
    end = time.monotonic() + DEADLINE
    pause = threading.Event()
    while not condition():
        assert time.monotonic() < end, why() if callable(why) else why
        pause.wait(0.005)


class Gone(Exception):
    """The other side has closed the connection."""


class Wire:
    """One connection, either side."""

    def __init__(self, sock):
        self.sock = sock
        self.sock.settimeout(DEADLINE)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.pending = b""

    @classmethod
    def to(cls, host, port):
        return cls(socket.create_connection((host, port), DEADLINE))

    def _receive(self):
        try:
            data = self.sock.recv(65536)
        except ConnectionError:
            data = b""
        if not data:
            raise Gone
        self.pending += data

    def raw_line(self):
        while b"\n" not in self.pending:
            self._receive()
        line, self.pending = self.pending.split(b"\n", 1)
        return line

    def line(self):
        return self.raw_line().replace(b"\r", b"").decode()

    def read(self, size):
        while len(self.pending) < size:
            self._receive()
        data, self.pending = self.pending[:size], self.pending[size:]
        return data

    def send(self, data):
        try:
            self.sock.sendall(data)
        except ConnectionError as error:
            raise Gone from error

    def say(self, text):
        self.send(text.encode() + b"\n")

    def ask(self, text):
        self.say(text)
        return self.line()

    def wait_until_closed(self):
        """Whatever the other side still says, until it goes. Returns it."""
        said = self.pending
        with contextlib.suppress(Gone):
            while True:
                self.pending = b""
                self._receive()
                said += self.pending
        return said

    def stop_sending(self):
        with contextlib.suppress(OSError):
            self.sock.shutdown(socket.SHUT_WR)

    def close(self):
        self.sock.close()

    def reset(self):
        """Closes without a farewell: the other side sees the connection reset."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def listen(host="127.0.0.1", port=0):
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind((host, port))
    sock.listen(16)
    return sock


class Peer:
    """Listens on a port of its own and runs `serve(wire)` for each connection, one after the
    other, as a 1.0 board does. What goes wrong in it is raised again by stop().
    """

    def __init__(self, serve=None, host="127.0.0.1", port=0):
        if serve:
            self.serve = serve
        self.host = host
        self.listener = listen(host, port)
        self.port = self.listener.getsockname()[1]
        self.connections = 0
        self.failures = []
        self._stopping = False
        self._wire = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    @property
    def at(self):
        """The options that lead `uota` here."""
        return ("--host", self.host, "--port", str(self.port))

    def _run(self):
        while not self._stopping:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            self.connections += 1
            self._wire = Wire(sock)
            try:
                self.serve(self._wire)
            except Gone:
                pass
            except Exception as error:
                if not self._stopping:
                    self.failures.append(error)
            self._wire.close()

    def stop(self):
        self._stopping = True
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        if self._wire:
            with contextlib.suppress(OSError):
                self._wire.sock.shutdown(socket.SHUT_RDWR)
        self._thread.join(DEADLINE)
        if self.failures:
            raise self.failures[0]

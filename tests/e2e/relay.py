"""A relay between tool and board that counts what passes and cuts where a test says.

Only the first connection is watched and cut; those after it pass unhurt.
"""

import contextlib
import socket
import threading

from .wire import DEADLINE, listen


class Relay:
    def __init__(self, host, port, cut_up=None, cut_down=None, on_cut=None, hold_up=None):
        """@cut_up, @cut_down: bytes from tool to board, and back, that pass before the connection
        is cut. @on_cut: called then. @hold_up: bytes after which the way to the board is blocked,
        until stop().
        """
        self.target = (host, port)
        self.limits = {"up": cut_up, "down": cut_down}
        self.on_cut = on_cut
        self.hold_up = hold_up
        self.held = threading.Event()
        self._stopping = threading.Event()
        self.passed = {"up": b"", "down": b""}
        self.cut = threading.Event()
        self.listener = listen()
        self.host, self.port = self.listener.getsockname()
        self._sockets = []
        self._threads = []
        self._start(self._accept)

    @property
    def at(self):
        return ("--host", self.host, "--port", str(self.port))

    def _start(self, function, *arguments):
        thread = threading.Thread(target=function, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self):
        first = True
        while True:
            try:
                near, _ = self.listener.accept()
            except OSError:
                return
            try:
                far = socket.create_connection(self.target, DEADLINE)
            except OSError:
                near.close()
                continue
            for sock in (near, far):
                sock.settimeout(None)
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._sockets += [near, far]
            self._start(self._pump, near, far, "up" if first else None)
            self._start(self._pump, far, near, "down" if first else None)
            first = False

    def _pump(self, source, sink, direction):
        limit = self.limits.get(direction)
        if direction == "up" and limit == 0:
            self._end(source, sink)
            return
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                passed = self._pass(data, sink, direction, limit)
                # To the board: as soon as the last byte has passed. Back: when the first is due
                # that may not, for only then the answer is lost that it belongs to.
                if limit is not None and (
                    len(self.passed["up"]) == limit if direction == "up" else passed < len(data)
                ):
                    self._end(source, sink)
                    return
        for sock in (source, sink):
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)

    def _pass(self, data, sink, direction, limit):
        """Passes of @data what may pass. Returns how many bytes."""
        if direction:
            if limit is not None:
                data = data[: limit - len(self.passed[direction])]
            self.passed[direction] += data
        if direction == "up" and self.hold_up and len(self.passed["up"]) >= self.hold_up:
            self.held.set()
            self._stopping.wait(DEADLINE)
            raise ConnectionError  # what was held back is lost
        sink.sendall(data)
        return len(data)

    def _end(self, *sockets):
        for sock in sockets:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
        if self.on_cut:
            self.on_cut()
        self.cut.set()

    def stop(self):
        self._stopping.set()
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for sock in self._sockets:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(DEADLINE)
        for sock in self._sockets:
            sock.close()

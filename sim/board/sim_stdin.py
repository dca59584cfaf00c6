# `sys.stdin` as a board has it: read(n) waits for n bytes, there is no end of file, and poll
# works on it. With nothing attached it waits for ever.

import errno
import gil
import io
import uselect
from utime import sleep_ms

_leave, _enter = gil.leave, gil.enter
_file = open(0, "rb")
_poll = uselect.poll()
_poll.register(_file, uselect.POLLIN)
_one = bytearray(1)


def _wait():
    _leave()
    try:
        _poll.ipoll(-1)
    finally:
        _enter()


def _byte():
    while True:
        _wait()
        if _file.readinto(_one):
            return
        _leave()  # hung up: nothing will come any more
        try:
            sleep_ms(1000)
        finally:
            _enter()


class _Buffer(io.IOBase):
    def ioctl(self, request, arg):
        return 0 if request in (4, 10) else -errno.EINVAL

    def readinto(self, buf, size=None):
        size = len(buf) if size is None else size
        for i in range(size):
            _byte()
            buf[i] = _one[0]
        return size

    def read(self, size=-1):
        buf = bytearray(1 if size is None or size < 0 else size)
        self.readinto(buf)
        return bytes(buf)

    def readline(self, size=-1):
        line = bytearray()
        while size < 0 or len(line) < size:
            _byte()
            line += _one
            if _one == b"\n":
                break
        return bytes(line)

    def fileno(self):
        return 0


class Stdin(_Buffer):
    buffer = _Buffer()

    def read(self, size=-1):
        return _text(super().read(size))

    def readline(self, size=-1):
        line = bytearray()
        while size < 0 or len(line) < size:
            _byte()
            line += b"\n" if _one == b"\r" else _one
            if line[-1] == 10:
                break
        return _text(bytes(line))


def _text(data):
    return data.replace(b"\r", b"\n").decode()

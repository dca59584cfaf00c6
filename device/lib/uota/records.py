# Records of protocol 2: encrypted and authenticated, each in its place. What is in them is read and
# said through the same methods of ota.Conn as the lines of 1.0.
import uos

from uota import base

try:
    from ucryptolib import aes
except ImportError:
    aes = None  # authenticated only

_TEXT = const(1)
_DATA = const(2)
_END = const(3)
_ERROR = const(4)
_LINE = const(512)
ROOM = const(594)  # for a record with a payload of 544 bytes, the longest without a larger buffer


class Records:
    """What a connection reads and says, in records."""

    open = close = None  # the ciphers

    def __init__(self, conn, key, theirs, ours):
        self.conn, self.raw = conn, conn.send
        conn.buf = memoryview(bytearray(ROOM))
        self.theirs, self.ours = (base.pads(key(who + " mac")) for who in (theirs, ours))
        self.seen = self.sent = 0
        if aes:
            self.open = aes(key(theirs + " aes")[:16], 2, bytes(16)).decrypt
            self.close = aes(key(ours + " aes")[:16], 2, bytes(16)).encrypt
        conn.records = self
        conn.line, conn.send, conn.say = self.line, self.send, self.say
        conn.fail, conn.finish = self.fail, self.finish

    def _fill(self, view):
        while view:
            view = view[(yield from self.conn.read(view)) :]

    def receive(self, limit=_LINE):
        """(type, payload) of the next record; the payload is valid until the next call."""
        buf = self.conn.buf
        yield from self._fill(buf[:2])
        n = buf[0] << 8 | buf[1]
        if n & 15 or not 16 <= n <= limit + 31:
            raise EOFError
        yield from self._fill(buf[2 : n + 18])
        tag = base.hmac(self.theirs, self.seen.to_bytes(4, "big"), buf[: n + 2])[:16]
        if not base.same(tag, buf[n + 2 : n + 18]):
            raise EOFError
        self.seen += 1
        body = buf[2 : n + 2]
        if self.open:
            self.open(body, body)
        size = body[4] << 8 | body[5]
        if size > limit or 16 + size + (-size & 15) != n or body[6] not in (_TEXT, _DATA):
            raise EOFError
        return body[6], body[16 : 16 + size]

    def line(self, limit=_LINE):
        """The next command; content that none has wanted is dropped."""
        kind = _DATA
        while kind != _TEXT:
            kind, payload = yield from self.receive()
        return str(payload, "utf-8")

    def send(self, data, kind=_DATA):
        data = memoryview(data)
        while True:
            part = data[:_LINE]
            size = len(part)
            n = size + (-size & 15) + 16
            buf = memoryview(bytearray(n + 18))
            buf[:2] = n.to_bytes(2, "big")
            place = self.sent.to_bytes(4, "big")
            buf[2:18] = place + bytes((size >> 8, size & 255, kind)) + uos.urandom(9)
            buf[18 : 18 + size] = part
            body = buf[2 : n + 2]
            if self.close:
                self.close(body, body)
            buf[n + 2 :] = base.hmac(self.ours, place, buf[: n + 2])[:16]
            self.sent += 1
            yield from self.raw(buf)
            data = data[_LINE:]
            if not data:
                return

    def finish(self):
        return self.send(b"", _END)

    def say(self, text):
        yield from self.send(text.encode() + b"\n")
        yield from self.finish()

    def fail(self, text):
        return self.send(text.encode()[:_LINE], _ERROR)

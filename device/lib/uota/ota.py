# One connection: its bytes, its lines as micro-ota 1.0 speaks them, the records of protocol 2 in
# their place, and what it asks for, one thing after the other. Imported when a connection comes,
# dropped when the last is gone; an exception becomes `error: TEXT`.
import gc
import uos
import utime

from uota import Refused, base, drop, load

try:
    from ucryptolib import aes
except ImportError:
    aes = None  # authenticated only

_READ = const(1)
_WRITE = const(4)
_TEXT = const(1)
_DATA = const(2)
_END = const(3)
_ERROR = const(4)
_UNPROVEN_MS = const(10000)
_IDLE_MS = const(30000)
_MS_PER_BYTE = const(4)  # slower than 256 bytes/s on the whole is too slow
_LINE = const(512)
_WINDOW = const(4096)
_DRAINS = const(64)  # buffers that are still read after the last answer
_QUIET_MS = const(500)
_SLICE_MS = const(20)  # of work between two turns of the others
_ALIVE_MS = const(5000)
# Not beside an update:
_ALONE = const("start_ota stream_ota push reset rollback safe_mode rm wipe put mkdir mv")
_ROOM = const(594)  # for a record with a payload of 544 bytes, the longest without a larger buffer


class Conn:
    """One connection: what the loop knows of it, and its lines, bytes and answers."""

    proven = False  # a proven one is not turned out for a newcomer
    due = None  # when a pause ends
    open = False  # for the next command, whatever this one raises
    records = None  # protocol 2: all is said in records; an error ends a command only
    first = None  # a line that was read to see what is spoken
    old = False  # it has proven the secrets that were valid before those on trial
    closed = None  # why nothing but what is `public` is served
    pos = end = 0  # of what was read and not yet used

    def __init__(self, loop, stream):
        self.loop = loop
        self.stream = stream
        self.buf = memoryview(bytearray(_LINE))
        self.run = _session(self)
        self.limit(_UNPROVEN_MS)

    def limit(self, ms):
        self.until = utime.ticks_add(utime.ticks_ms(), ms)

    def prove(self):
        """A command has come from a peer that may give one."""
        self.proven = True
        if not self.old:
            self.loop.heard = True
        self.limit(_IDLE_MS)

    def progress(self, n):
        """n bytes have passed: they earn time, up to _IDLE_MS from now."""
        if self.proven:
            left = utime.ticks_diff(self.until, utime.ticks_ms())
            self.limit(min(left + n * _MS_PER_BYTE, _IDLE_MS))

    def read(self, view):
        """Bytes that come, into the view; how many."""
        got = None
        while got is None:
            yield _READ  # even if there is more at once: the others' turn
            try:
                got = self.stream.readinto(view)
            except OSError:
                got = 0
        if not got:
            raise EOFError  # the peer is gone
        self.progress(got)
        return got

    def some(self, n):
        """A view of what has come, n bytes at most, valid until the next call."""
        if self.pos == self.end:
            self.end = yield from self.read(self.buf)
            self.pos = 0
        n = min(n, self.end - self.pos)
        self.pos += n
        return self.buf[self.pos - n : self.pos]

    def line(self, limit=_LINE):
        line = b""
        while True:
            part, end, rest = bytes((yield from self.some(limit))).partition(b"\n")
            line += part
            if len(line) >= limit:
                self.open = False
                raise ValueError("line too long")
            if end:
                self.pos -= len(rest)
                return str(line.replace(b"\r", b""), "utf-8")

    def send(self, data):
        data = memoryview(data)
        while data:
            yield _WRITE
            try:
                n = self.stream.write(data) or 0
            except OSError:
                raise EOFError
            self.progress(n)
            data = data[n:]

    def say(self, text):
        return self.send(text.encode() + b"\n")

    fail = say

    def finish(self):
        """The answer is complete."""
        return ()

    def busy(self, work):
        """Do what may take long, a generator, in slices; its peer hears that we are at it."""
        now, diff = utime.ticks_ms, utime.ticks_diff
        last = begun = now()
        try:
            while True:
                next(work)
                if diff(now(), begun) >= _SLICE_MS:
                    yield 0
                    if self.records and diff(now(), last) > _ALIVE_MS:
                        last = now()
                        yield from self.send(b"")
                    begun = now()
        except StopIteration as e:
            self.limit(_IDLE_MS)  # it has waited for us
            return e.value

    def drain(self):
        """Read on until it is quiet: closing with bytes unread would destroy the last answer."""
        self.proven = False  # earns no more time, may make room, hears nothing more
        for _ in range(_DRAINS):
            self.limit(_QUIET_MS)
            yield from self.some(_WINDOW)


class Records:
    """What a connection reads and says, in records: encrypted and authenticated, each in its place.
    What is in them is read and said through the same methods of Conn as the lines of 1.0.
    """

    open = close = None  # the ciphers

    def __init__(self, conn, key, theirs, ours):
        self.conn, self.raw = conn, conn.send
        self.shrink()
        self.theirs = base.pads(key(theirs + " mac"))
        self.ours = base.pads(key(ours + " mac"))
        self.seen = self.sent = 0
        if aes:
            self.open = aes(key(theirs + " aes")[:16], 2, bytes(16)).decrypt
            self.close = aes(key(ours + " aes")[:16], 2, bytes(16)).encrypt
        conn.records = self
        conn.line, conn.send, conn.say = self.line, self.send, self.say
        conn.fail, conn.finish = self.fail, self.finish

    def shrink(self):
        """Take the smallest buffer that holds a record."""
        self.conn.buf = memoryview(bytearray(_ROOM))

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


def _session(conn):
    """What the loop runs for a connection; EOFError is its ordinary end."""
    more = True
    while more:
        try:
            yield from _command(conn) if conn.open else load("welcome").main(conn)
            if conn.loop.ending:
                raise EOFError  # that was the last answer: the board resets
        except EOFError:
            raise
        except Exception as e:
            yield from conn.fail(_text(conn, e))
        more = conn.open
    yield from conn.drain()


def _text(conn, e):
    """The answer that an exception makes."""
    if isinstance(e, MemoryError):
        gc.collect()
        conn.open = False
        return conn.loop.no_memory()
    if isinstance(e, Refused):
        return str(e)
    if isinstance(e, OSError):
        room = base.free()
        full = "flash full: %d bytes free" % room
        # 13: on FAT, what no folder could grow for
        e = {2: "not found", 13: e if room else full, 28: full}.get(e.errno, e)
    return "error: %s" % (str(e) or repr(e))


def _command(conn):
    line, conn.first = conn.first, None
    if line is None:
        line = yield from conn.line()
    word, _, arg = line.strip().partition(" ")
    if conn.old and base.trial() is None:
        raise EOFError  # these secrets count no more
    if not conn.closed:  # else nobody has proven anything
        conn.prove()
    elif word not in conn.public:
        conn.open = False
        raise ValueError(conn.closed)
    if (conn.loop.updating or conn.loop.ending) and word in _ALONE.split():
        raise ValueError("busy: an update is under way")
    name = "commands"
    pushes = word == "push" if conn.records else word in ("start_ota", "stream_ota")
    if pushes:
        conn.open = False
        drop("welcome config commands manifest inventory receive install")  # others have left it
        name = "push2" if conn.records else "push"
    yield from load(name).main(conn, word, arg)
    conn.open = True

# The push of protocol 2: a manifest of lines, an inventory of what is missing, and that alone, in
# deflated messages. All of it is staged in /ota_part, the manifest as its `list`, and stays there
# when the connection or the board is lost; nothing there is trusted before it is checked again.
# Each phase has code of its own, which goes when the phase is over.
import gc
import uio

from uota import base, drop, load
from uota.commit import Commit

try:
    import deflate
except ImportError:
    deflate = None  # messages come as they are

_DATA = const(2)
_LINE = const(512)
_MORE = const(32)  # that a message may be longer than its content
_SPARE = const(4096)  # of heap, for all else


def main(conn, word, arg):
    ident, size, *words = arg.split(" ")
    if len(ident) != 64:
        raise ValueError("bad manifest")
    job = Commit(conn, words, "verify force no-rollback wipe")
    job.id = ident
    try:
        answer = yield from _update(job, conn, size)
    finally:
        job.close()
    yield from conn.say(answer)


def _update(job, conn, size):
    """All of it; what to answer."""
    messages = Messages(conn)
    fits = "%d %d\n" % (messages.limit, messages.bits)
    asks = job.id == base.id() and not (job.force or job.wipe)
    if asks and (yield from conn.busy(load("inventory").whole(job))):
        return "same"
    drop("inventory")
    if (yield from load("manifest").main(job, messages, fits, size)):
        return "ok"
    drop("manifest")
    if (yield from conn.busy(load("inventory").same(job))):
        return "same"
    drop("inventory")
    yield from conn.send("have " + fits)
    with job.open("have") as f:
        while part := f.read(_LINE):
            yield from conn.send(part)
    yield from conn.finish()
    if not (yield from load("receive").main(job, messages)):
        return "ok"
    drop("receive")
    messages = None  # its window is heap that the commit may want
    conn.buf = conn.buf[:0]
    gc.collect()
    conn.records.shrink()
    yield from conn.busy(load("install").main(job))
    return "ok"


class Messages:
    """What the host sends after `push`: content in messages, of one deflate stream."""

    def __init__(self, conn):
        self.conn = conn
        self.limit, self.bits = 512, 0
        for limit, bits in ((1152, 12), (1024, 10)):
            try:
                if deflate and not self.bits:
                    self._make(limit, bits)
                    self.limit, self.bits = limit, bits
            except MemoryError:
                self.source = self.inflater = None
                gc.collect()

    def _make(self, limit, bits):
        """Take what it needs, or MemoryError: mem_free() would not tell of the heap's holes."""
        buf = memoryview(bytearray(limit + _MORE + 34))
        self.source = uio.BytesIO(limit + _MORE + 8)
        self.inflater = deflate.DeflateIO(self.source, deflate.RAW, bits)
        # One byte, since only the first one makes it take its window.
        self.end = self.source.write(b"\0\1\0\xfe\xffx")
        self.source.seek(0)
        self.inflater.read(1)
        bytearray(_SPARE)
        self.conn.buf = buf

    def next(self):
        """What comes next: (content, ""), or (b"", command); valid until the next call."""
        kind, payload = yield from self.conn.records.receive(self.limit + _MORE)
        if kind != _DATA:
            return b"", str(payload, "utf-8") or "?"
        n = int.from_bytes(payload[:2], "big")
        part = payload[2:]
        if part and 0 < n <= self.limit:
            if self.bits:
                part = self._inflate(part, n)
            if len(part) == n:
                return part, ""
        raise ValueError("bad message")

    def _inflate(self, packed, n):
        source = self.source
        rest = source.read(self.end - source.tell())
        source.seek(0)
        self.end = source.write(rest) + source.write(packed)
        source.seek(0)
        out = self.conn.buf[:n]
        try:
            got = self.inflater.readinto(out)
        except OSError:
            return b""
        # At most the end of the sync flush is unread.
        return out[:got] if 0 <= self.end - source.tell() <= 6 else b""

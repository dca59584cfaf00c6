# The text session: one connection's password and commands, as micro-ota 1.0 speaks them.
# Imported when a connection comes, dropped when the last is gone. A command is a function of its
# argument that gives the pieces of the answer; an exception becomes `error: TEXT`.
import gc
import io
import os

from micropython import const

from uota import config, digest, files
from uota.boot_guard import rmtree
from uota.loop import READ, WRITE

_LINE = const(512)
_CHUNK = const(1024)
_DRAINS = const(64)  # buffers that are still read after the last answer
_QUIET_MS = const(500)
_FREE_TRIES = const(5)  # wrong passwords before the answers get slower
_ALONE = ("start_ota", "stream_ota", "rm", "wipe", "reset")  # not beside an update


class Refused(Exception):
    """An answer that goes out as it is, without `error: `, and ends the session."""


class Conn:
    """Lines, bytes and answers over the slot's stream; what was read lies in one buffer."""

    def __init__(self, slot):
        self.slot = slot
        self.open = False  # for the next command, whatever this one raises
        self.pos = self.end = 0
        self.buf = memoryview(bytearray(_LINE))

    def use(self, raw):
        """Go on in another buffer: what is unread moves."""
        left = self.buf[self.pos : self.end]
        self.buf = memoryview(raw)
        self.buf[: len(left)] = left
        self.pos, self.end = 0, len(left)

    def fill(self):
        """Wait for at least one more byte; EOFError where the peer is gone."""
        if self.pos:
            self.use(self.buf)
        n = None
        while n is None:
            yield READ  # even if there is more at once: the others' turn
            try:
                n = self.slot.stream.readinto(self.buf[self.end :])
            except OSError:
                n = 0
        if not n:
            raise EOFError
        self.end += n
        self.slot.progress(n)

    def line(self, limit=_LINE):
        while True:
            seen = self.buf[self.pos : min(self.end, self.pos + limit)]
            raw, end, _ = bytes(seen).partition(b"\n")
            if end:
                self.pos += len(raw) + 1
                return str(raw.replace(b"\r", b""), "utf-8")
            if len(raw) == limit:
                self.open = False
                raise ValueError("line too long")
            yield from self.fill()

    def some(self, n):
        """A view of what has come, n bytes at most, valid until the next call."""
        if self.pos == self.end:
            yield from self.fill()
        n = min(n, self.end - self.pos)
        self.pos += n
        return self.buf[self.pos - n : self.pos]

    def send(self, data):
        data = memoryview(data)
        while data:
            yield WRITE
            try:
                n = self.slot.stream.write(data) or 0
            except OSError:
                raise EOFError
            self.slot.progress(n)
            data = data[n:]

    def say(self, text):
        return self.send(text.encode() + b"\n")

    def serve(self, part):
        """One part of the session; what it raises becomes an answer."""
        try:
            yield from part(self)
        except EOFError:
            raise
        except Exception as e:
            yield from self.say(_text(e))

    def drain(self):
        """Read on until it is quiet: closing with bytes unread would destroy the last answer."""
        self.slot.proven = False  # earns no more time, may make room, hears nothing more
        for _ in range(_DRAINS):
            self.slot.limit(_QUIET_MS)
            self.pos = self.end = 0
            yield from self.fill()


def session(slot):
    """What the loop runs for one connection; EOFError is its ordinary end."""
    conn = Conn(slot)
    yield from conn.serve(_welcome)
    while conn.open:
        yield from conn.serve(_command)
    yield from conn.drain()


def _text(e):
    """The answer that an exception makes."""
    if isinstance(e, Refused):
        return str(e)
    if isinstance(e, OSError) and e.errno == 2:
        e = "not found"
    return "error: %s" % e


def _welcome(conn):
    settings, conn.broken = config.load()
    conn.key = settings.get("signingKey", "").encode()
    wanted = settings.get("otaPassword")
    if wanted and not conn.broken:
        loop = conn.slot.loop
        given = yield from conn.line(256)
        if loop.wrong > _FREE_TRIES:
            # Before it is looked at: else a guess would be known wrong by the silence.
            yield -min(250 * (loop.wrong - _FREE_TRIES), 4000)
        loop.wrong += 1
        if not digest.same(digest.hexed(digest.sha256(given).digest()), wanted.lower()):
            raise Refused("denied")
        loop.wrong = 0
        conn.slot.prove()
        yield from conn.say("ok")
    conn.open = True


def _command(conn):
    line = yield from conn.line()
    word, _, arg = line.strip().partition(" ")
    loop = conn.slot.loop
    command = _COMMANDS.get(word)
    answer = None
    if conn.broken and word not in ("ping", "version"):
        answer = "error: " + conn.broken
    elif loop.updating and word in _ALONE:
        answer = "error: busy: an update is under way"
    elif command:
        conn.slot.prove()
        for piece in command(arg):
            yield from conn.send(piece)
            conn.open = False  # after this an error would pass for content
        conn.open = True
    elif word in _ALONE:
        conn.slot.prove()
        answer = "ok"
        if word != "reset":
            conn.open = False
            answer = yield from _update(conn, word == "stream_ota", arg)
            conn.open = True
    else:
        answer = "unknown"
    if answer:
        yield from conn.say(answer)
    if answer == "ok":
        loop.reset_soon()
        raise EOFError


def _update(conn, stream, total):
    loop = conn.slot.loop
    loop.updating = True
    try:
        gc.collect()
        from uota import push

        return (yield from push.stream_ota(conn, total) if stream else push.start_ota(conn))
    finally:
        loop.updating = False


def _ping(arg):
    return ("pong\n",)


def _version(arg):
    try:
        with open("/ota_version.json") as f:
            text = f.read(_LINE)
    except OSError:
        text = '{"version":"unknown"}'
    return (" ".join(text.split()) + "\n",)


def _ls(arg):
    text = ""
    for entry in os.ilistdir("/" + files.named(arg.rstrip("/"))):
        text += entry[0] + ("/\n" if entry[1] & 0x4000 else "\n")
        if len(text) > _LINE:
            yield text
            text = ""
    yield text + "\n"


def _get(arg):
    path = files.named(arg)
    low = path.lower()
    if low[:4] == "ota_" and low not in ("ota_version.json", "ota_manifest.json"):
        raise ValueError("protected")
    with open("/" + path, "rb") as f:
        if low == "config/ota.json":
            f = io.BytesIO(config.masked())
        left = f.seek(0, 2)
        f.seek(0)
        buf = memoryview(bytearray(_CHUNK))
        yield "%d\n" % left
        while left:
            n = f.readinto(buf[: min(left, _CHUNK)])
            if not n:
                raise EOFError  # it has shrunk: the announced size cannot be kept
            yield buf[:n]
            left -= n


def _rm(arg):
    path = files.named(arg)
    if files.protected(path):
        raise ValueError("protected")
    path = "/" + path
    if os.stat(path)[0] & 0x4000:
        for _ in os.ilistdir(path):
            raise ValueError("folder not empty")
        os.rmdir(path)
    else:
        os.remove(path)
    return ("ok\n",)


def _wipe(arg):
    for entry in tuple(os.ilistdir("/")):
        if len(entry) > 3 and not files.kept(entry[0]):  # a mount point has no size: leave it
            name = "/" + entry[0]
            rmtree(name) if entry[1] & 0x4000 else os.remove(name)
    return ("ok\n",)


_COMMANDS = {
    "ping": _ping,
    "version": _version,
    "ls": _ls,
    "get": _get,
    "rm": _rm,
    "wipe": _wipe,
}

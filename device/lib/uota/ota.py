# The text session: one connection's password and commands, as micro-ota 1.0 speaks them.
# Imported when a connection comes, dropped when the last is gone. A command is a generator
# function of (conn, argument) that sends its own answer; an exception becomes `error: TEXT`.
import gc
import os

from micropython import const

from uota import config, digest, files
from uota.boot_guard import rmtree
from uota.loop import READ, WRITE

_LINE = const(512)
_PASSWORD = const(256)
_CHUNK = const(1024)
_DRAIN = const(262144)  # bytes, and ms, that are still read after the last answer
_DRAIN_MS = const(2000)
_FREE_TRIES = const(5)


class Gone(Exception):
    """The peer has closed, or the connection is broken."""


class Refused(ValueError):
    """An answer that goes out as it is, without `error: `, and ends the session."""


class Conn:
    """Lines, bytes and answers over the slot's stream; what is read lies in one buffer."""

    def __init__(self, slot):
        self.slot = slot
        self.key = b""
        self.use(bytearray(_LINE))

    def use(self, raw):
        """Go on in another buffer: what is in the old one moves."""
        buf = memoryview(raw)
        left = self.buf[self.pos : self.end] if hasattr(self, "buf") else b""
        buf[: len(left)] = left
        self.buf, self.pos, self.end = buf, 0, len(left)

    def fill(self):
        """Wait for at least one more byte."""
        if self.pos:
            self.buf[: self.end - self.pos] = self.buf[self.pos : self.end]
            self.end -= self.pos
            self.pos = 0
        n = None
        while n is None:
            yield READ  # even if there is more at once: the others' turn
            try:
                n = self.slot.stream.readinto(self.buf[self.end :])
            except OSError:
                n = 0
        if not n:
            raise Gone
        self.end += n
        self.slot.progress(n)

    def line(self, limit=_LINE):
        while True:
            raw = bytes(self.buf[self.pos : self.end])
            n = raw.find(b"\n")
            if n >= limit or (n < 0 and len(raw) >= limit):
                raise Refused("error: line too long")
            if n >= 0:
                self.pos += n + 1
                return str(raw[:n].replace(b"\r", b""), "utf-8")
            yield from self.fill()

    def take(self, n):
        """Exactly n bytes, n small."""
        while self.end - self.pos < n:
            yield from self.fill()
        self.pos += n
        return bytes(self.buf[self.pos - n : self.pos])

    def some(self, n):
        """A view of what has come, n bytes at most, valid until the next call."""
        if self.pos == self.end:
            self.pos = self.end = 0
            yield from self.fill()
        n = min(n, self.end - self.pos)
        self.pos += n
        return self.buf[self.pos - n : self.pos]

    def send(self, data):
        data = memoryview(data)
        while data:
            try:
                n = self.slot.stream.write(data)
            except OSError:
                raise Gone
            if n:
                self.slot.progress(n)
                data = data[n:]
            else:
                yield WRITE

    def say(self, text):
        return self.send((text + "\n").encode())

    def drain(self):
        """Read on for a moment: closing with bytes unread would destroy the last answer."""
        self.slot.quiet = True
        self.slot.proven = False  # earns no more time, and may make room
        self.slot.limit(_DRAIN_MS)
        left = _DRAIN
        while left > 0:
            self.pos = self.end = 0
            yield from self.fill()
            left -= self.end


def session(slot):
    """What the loop runs for one connection."""
    conn = Conn(slot)
    try:
        if (yield from _welcome(conn)):
            while (yield from _command(conn)):
                pass
    except Gone:
        pass


def _welcome(conn):
    settings, conn.broken = config.load()
    conn.key = settings.get("signingKey", "") if not conn.broken else ""
    wanted = settings.get("otaPassword")
    if conn.broken or not wanted:
        return True
    loop = conn.slot.loop
    try:
        given = yield from conn.line(_PASSWORD)
    except ValueError:
        given = ""
    if loop.wrong > _FREE_TRIES:
        # Before it is looked at: else a guess would be known wrong by its silence.
        yield -min(250 << min(loop.wrong - _FREE_TRIES, 4), 4000)
    if digest.same(digest.hexed(digest.sha256(given.encode()).digest()), wanted.lower()):
        loop.wrong = 0
        conn.slot.prove()
        yield from conn.say("ok")
        return True
    loop.wrong += 1
    yield from conn.say("denied")
    yield from conn.drain()


def _command(conn):
    """Serve one command; whether the connection goes on."""
    on = True
    try:
        line = yield from conn.line()
        word, _, arg = line.strip().partition(" ")
        handler = _COMMANDS.get(word)
        if conn.broken and word not in ("ping", "version"):
            raise ValueError("config/ota.json is broken: " + conn.broken)
        if handler is None:
            yield from conn.say("unknown")
            return True
        conn.slot.prove()
        on = word not in ("start_ota", "stream_ota")
        if handler in _ALONE and conn.slot.loop.updating:
            on = True
            raise ValueError("busy: an update is under way")
        return (yield from handler(conn, arg))
    except Refused as e:
        on, text = False, str(e)
    except ValueError as e:
        text = "error: " + str(e)
    except MemoryError:
        text = "error: out of memory"
    except OSError as e:
        text = "error: " + _reason(e)
    yield from conn.say(text)
    if not on:
        yield from conn.drain()
    return on


def _reason(e):
    if e.errno == 2:
        return "no such file or folder"
    return "flash full" if e.errno == 28 else str(e)


def _read(path):
    with open(path, "rb") as f:
        return f.read(_LINE)


def _ping(conn, arg):
    yield from conn.say("pong")
    return True


def _version(conn, arg):
    try:
        text = " ".join(str(_read("/ota_version.json"), "utf-8").split())
    except (OSError, ValueError):
        text = '{"version":"unknown"}'
    yield from conn.say(text)
    return True


def _ls(conn, arg):
    path = "/" if arg in ("", "/", ".") else "/" + files.named(arg.rstrip("/"))
    text = ""
    for entry in os.ilistdir(path):
        text += entry[0] + ("/\n" if entry[1] & 0x4000 else "\n")
        if len(text) > _LINE:
            yield from conn.send(text.encode())
            text = ""
    yield from conn.say(text)
    return True


def _get(conn, arg):
    path = files.named(arg)
    low = path.lower()
    if low == "config/ota.json":
        data = config.masked().encode()
        yield from conn.send(b"%d\n" % len(data) + data)
        return True
    if low[:4] == "ota_" and low not in ("ota_version.json", "ota_manifest.json"):
        raise ValueError("protected " + path)
    with open("/" + path, "rb") as f:
        left = f.seek(0, 2)
        f.seek(0)
        buf = memoryview(bytearray(_CHUNK))
        head = b"%d\n" % left
        buf[: len(head)] = head
        start = len(head)
        while start or left:
            n = f.readinto(buf[start : start + min(left, _CHUNK - start)])
            if left and not n:
                raise Gone  # it has shrunk: the size that was announced cannot be kept
            yield from conn.send(buf[: start + n])
            yield WRITE
            left -= n
            start = 0
    return True


def _rm(conn, arg):
    path = files.named(arg)
    if files.protected(path):
        raise ValueError("protected " + path)
    path = "/" + path
    if os.stat(path)[0] & 0x4000:
        for _ in os.ilistdir(path):
            raise ValueError("folder not empty " + path)
        os.rmdir(path)
    else:
        os.remove(path)
    yield from conn.say("ok")
    return True


def _wipe(conn, arg):
    failed = None
    for entry in tuple(os.ilistdir("/")):
        name = "/" + entry[0]
        if files.kept(entry[0]) or len(entry) < 4:  # a mount point has no size: leave it
            continue
        yield 0
        try:
            rmtree(name) if entry[1] & 0x4000 else os.remove(name)
        except (OSError, RuntimeError) as e:
            failed = "%s: %s" % (name, e)
    if failed:
        raise ValueError(failed)
    yield from conn.say("ok")
    return True


def _reset(conn, arg):
    conn.slot.loop.reset_soon()
    yield from conn.say("ok")


def _start_ota(conn, arg):
    return _update(conn, None)


def _stream_ota(conn, arg):
    return _update(conn, arg)


def _update(conn, total):
    loop = conn.slot.loop
    loop.updating = True
    try:
        gc.collect()
        from uota import push

        if total is None:
            return (yield from push.start_ota(conn))
        return (yield from push.stream_ota(conn, total))
    finally:
        loop.updating = False


_ALONE = (_rm, _wipe, _reset, _start_ota, _stream_ota)
_COMMANDS = {
    "ping": _ping,
    "version": _version,
    "ls": _ls,
    "get": _get,
    "rm": _rm,
    "reset": _reset,
    "wipe": _wipe,
    "start_ota": _start_ota,
    "stream_ota": _stream_ota,
}

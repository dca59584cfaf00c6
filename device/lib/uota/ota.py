# The text session: one connection's password and commands, as micro-ota 1.0 speaks them.
# Imported when a connection comes, dropped when the last is gone. A command is a function of its
# argument that gives the pieces of the answer; an exception becomes `error: TEXT`.
import gc
import io
import json
import os
import time

from micropython import const

import uota
from uota import boot_guard, config, digest, files
from uota.boot_guard import rmtree
from uota.loop import READ, WRITE

_UNPROVEN_MS = const(10000)
_IDLE_MS = const(30000)
_MS_PER_BYTE = const(4)  # slower than 256 bytes/s on the whole is too slow
_LINE = const(512)
_WINDOW = const(4096)
_DRAINS = const(64)  # buffers that are still read after the last answer
_QUIET_MS = const(500)
_FREE_TRIES = const(5)  # wrong passwords before the answers get slower
# Not beside an update:
_PUSHES = ("start_ota", "stream_ota")
_RESETS = ("reset", "rollback", "safe_mode")
_TOLD = ("version.json", "manifest.json", "boot_state.json")
_ALONE = _PUSHES + _RESETS + ("rm", "wipe")


class Refused(Exception):
    """An answer that goes out as it is, without `error: `, and ends the session."""


class Conn:
    """One connection: what the loop knows of it, and its lines, bytes and answers."""

    proven = False  # a proven one is not turned out for a newcomer
    due = None  # when a pause ends
    open = False  # for the next command, whatever this one raises
    pos = end = 0  # of what was read and not yet used

    def __init__(self, loop, stream):
        self.loop = loop
        self.stream = stream
        self.buf = memoryview(bytearray(_LINE))
        self.run = _session(self)
        self.limit(_UNPROVEN_MS)

    def limit(self, ms):
        self.until = time.ticks_add(time.ticks_ms(), ms)

    def prove(self):
        """A command has come from a peer that may give one."""
        self.proven = True
        self.loop.heard = True
        self.limit(_IDLE_MS)

    def progress(self, n):
        """n bytes have passed: they earn time, up to _IDLE_MS from now."""
        if self.proven:
            left = time.ticks_diff(self.until, time.ticks_ms())
            self.limit(min(left + n * _MS_PER_BYTE, _IDLE_MS))

    def some(self, n):
        """A view of what has come, n bytes at most, valid until the next call."""
        if self.pos == self.end:
            got = None
            while got is None:
                yield READ  # even if there is more at once: the others' turn
                try:
                    got = self.stream.readinto(self.buf)
                except OSError:
                    got = 0
            if not got:
                raise EOFError  # the peer is gone
            self.progress(got)
            self.pos, self.end = 0, got
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
            yield WRITE
            try:
                n = self.stream.write(data) or 0
            except OSError:
                raise EOFError
            self.progress(n)
            data = data[n:]

    def say(self, text):
        return self.send(text.encode() + b"\n")

    def drain(self):
        """Read on until it is quiet: closing with bytes unread would destroy the last answer."""
        self.proven = False  # earns no more time, may make room, hears nothing more
        for _ in range(_DRAINS):
            self.limit(_QUIET_MS)
            yield from self.some(_WINDOW)


def _session(conn):
    """What the loop runs for a connection; EOFError is its ordinary end."""
    part = _welcome
    while part:
        try:
            yield from part(conn)
        except EOFError:
            raise
        except MemoryError:
            gc.collect()
            conn.open = False
            yield from conn.say(conn.loop.no_memory())
        except Exception as e:
            yield from conn.say(_text(e))
        part = _command if conn.open else None
    yield from conn.drain()


def _text(e):
    """The answer that an exception makes."""
    if isinstance(e, Refused):
        return str(e)
    if isinstance(e, OSError):
        free = boot_guard.free()
        full = "flash full: %d bytes free" % free
        # 13: on FAT, what no folder could grow for
        e = {2: "not found", 13: e if free else full, 28: full}.get(e.errno, e)
    return "error: %s" % e


def _welcome(conn):
    settings, conn.broken = config.load()
    conn.key = settings.get("signingKey", "").encode()
    wanted = settings.get("otaPassword")
    if wanted and not conn.broken:
        loop = conn.loop
        given = yield from conn.line(256)
        if loop.wrong > _FREE_TRIES:
            # Before it is looked at: else a guess would be known wrong by the silence.
            yield -min(250 * (loop.wrong - _FREE_TRIES), 4000)
        loop.wrong += 1
        if not digest.same(digest.hexed(digest.sha256(given).digest()), wanted.lower()):
            raise Refused("denied")
        loop.wrong = 0
        conn.prove()
        yield from conn.say("ok")
    conn.open = True


def _command(conn):
    line = yield from conn.line()
    word, _, arg = line.strip().partition(" ")
    answer = "unknown"
    if conn.broken and word not in ("ping", "version"):
        answer = "error: " + conn.broken
    elif conn.loop.updating and word in _ALONE:
        answer = "error: busy: an update is under way"
    elif word in _COMMANDS:
        if not conn.broken:  # else nobody has proven anything
            conn.prove()
        for piece in _COMMANDS[word](arg):
            yield from conn.send(piece)
            conn.open = False  # after this an error would pass for content
        conn.open = True
        return
    elif word in _ALONE:
        conn.prove()
        conn.open = False
        answer = "ok"
        if word in _PUSHES:
            gc.collect()
            from uota import push

            answer = yield from push.session(conn, word == "stream_ota", arg)
        elif word == "rollback" and not boot_guard.undo("by hand", "", False):
            answer = "error: nothing is kept"
        if answer == "ok":
            # Whether or not the peer still hears it.
            conn.loop.reset_soon("asked" if word == "safe_mode" else "")
            yield from conn.say(answer)
            raise EOFError
        conn.open = True
    yield from conn.say(answer)


def _ping(arg):
    return ("pong\n",)


def _version(arg):
    """What is installed, and how it stands with it."""
    version = boot_guard.load("/ota_version.json").get("version", "unknown")
    told = {"version": version, "agent": "2.0.0", "state": "confirmed"}
    trial = boot_guard.trial()
    back = boot_guard.failed()
    if trial is not None:
        told["state"] = "trial"
        told["id"] = trial.get("id")
        told.update(uota.on_trial or {})
    elif back:
        told["state"] = "rolled back"
        told.update(back)
    if uota.safe:
        told["safe"] = True
    if uota.crash:
        told["crash"] = uota.crash.rstrip().split("\n")[-1][:160]
    return (json.dumps(told) + "\n",)


def _crash(arg):
    return (json.dumps(boot_guard.load("/ota_crash.json")) + "\n",)


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
    if low[:4] == "ota_" and low[4:] not in _TOLD:
        raise ValueError("protected")
    with open("/" + path, "rb") as f:
        if low == "config/ota.json":
            f = io.BytesIO(config.masked())
        left = f.seek(0, 2)
        f.seek(0)
        yield "%d\n" % left
        while left:
            part = f.read(min(left, _LINE))
            if not part:
                raise EOFError  # it has shrunk: the announced size cannot be kept
            yield part
            left -= len(part)


def _rm(arg):
    path = "/" + files.removable(arg)
    if os.stat(path)[0] & 0x4000:
        for _ in os.ilistdir(path):
            raise ValueError("not empty")
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
    "crash": _crash,
    "ls": _ls,
    "get": _get,
    "rm": _rm,
    "wipe": _wipe,
}

# One connection's commands, and its password and lines as micro-ota 1.0 speaks them; session2.py
# has those of protocol 2. Imported when a connection comes, dropped when the last is gone. A
# command is a function of its argument that gives the pieces of the answer, an act one that talks
# with the peer by itself; an exception becomes `error: TEXT`.
import gc
import io
import json
import os
import time

from micropython import const

import uota
from uota import config, digest, files, state
from uota.state import rmtree
from uota.loop import READ, WRITE

_UNPROVEN_MS = const(10000)
_IDLE_MS = const(30000)
_MS_PER_BYTE = const(4)  # slower than 256 bytes/s on the whole is too slow
_LINE = const(512)
_WINDOW = const(4096)
_DRAINS = const(64)  # buffers that are still read after the last answer
_QUIET_MS = const(500)
_FREE_TRIES = const(5)  # wrong passwords before the answers get slower
_TOLD = ("version.json", "manifest.json", "boot_state.json")
# Not beside an update:
_ALONE = "start_ota stream_ota push reset rollback safe_mode rm wipe put mkdir mv".split()


class Refused(Exception):
    """An answer that goes out as it is, without `error: `, and ends the session."""


class Conn:
    """One connection: what the loop knows of it, and its lines, bytes and answers."""

    proven = False  # a proven one is not turned out for a newcomer
    due = None  # when a pause ends
    open = False  # for the next command, whatever this one raises
    records = False  # protocol 2: all is said in records; an error ends a command only
    first = None  # a line that was read to see what is spoken
    old = False  # it has proven the secrets that were valid before those on trial
    pos = end = 0  # of what was read and not yet used

    def __init__(self, loop, stream):
        self.loop = loop
        self.stream = stream
        self.buf = memoryview(bytearray(_LINE))
        self.commands, self.acts = COMMANDS, ACTS
        self.run = _session(self)
        self.limit(_UNPROVEN_MS)

    def limit(self, ms):
        self.until = time.ticks_add(time.ticks_ms(), ms)

    def prove(self):
        """A command has come from a peer that may give one."""
        self.proven = True
        if not self.old:
            self.loop.heard = True
        self.limit(_IDLE_MS)

    def progress(self, n):
        """n bytes have passed: they earn time, up to _IDLE_MS from now."""
        if self.proven:
            left = time.ticks_diff(self.until, time.ticks_ms())
            self.limit(min(left + n * _MS_PER_BYTE, _IDLE_MS))

    def read(self, view):
        """Bytes that come, into the view; how many."""
        got = None
        while got is None:
            yield READ  # even if there is more at once: the others' turn
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
            yield WRITE
            try:
                n = self.stream.write(data) or 0
            except OSError:
                raise EOFError
            self.progress(n)
            data = data[n:]

    def say(self, text):
        return self.send(text.encode() + b"\n")

    def fail(self, text):
        return self.say(text)

    def finish(self):
        """The answer is complete."""
        return ()

    def bye(self, safe=""):
        """The last answer: the board resets, whether or not the peer still hears it."""
        self.loop.reset_soon(safe)
        yield from self.say("ok")
        raise EOFError

    def guess(self, given, right):
        """Go on only with the right secret; wrong ones make all answers slower."""
        wrong = self.loop.wrong - _FREE_TRIES
        if wrong > 0:
            # Before it is looked at: else a guess would be known wrong by the silence.
            yield -min(250 * wrong, 4000)
        self.loop.wrong += 1
        if not digest.same(given, right):
            raise Refused("denied")
        self.loop.wrong = 0
        self.prove()

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
            yield from conn.fail(conn.loop.no_memory())
        except Exception as e:
            yield from conn.fail(_text(e))
        part = _command if conn.open else None
    yield from conn.drain()


def _text(e):
    """The answer that an exception makes."""
    if isinstance(e, Refused):
        return str(e)
    if isinstance(e, OSError):
        free = state.free()
        full = "flash full: %d bytes free" % free
        # 13: on FAT, what no folder could grow for
        e = {2: "not found", 13: e if free else full, 28: full}.get(e.errno, e)
    return "error: %s" % e


def _welcome(conn):
    """The first line says what is spoken: hello, or 1.0's password or command."""
    settings, conn.broken = config.load()
    conn.key = settings.get("signingKey", "").encode()
    wanted = settings.get("otaPassword")
    line = yield from conn.line(256 if wanted else _LINE)
    words = line.split(" ")
    if words[0] == "hello" and words[1:2] != ["1"] and "".join(words[1:2]).isdigit():
        if conn.broken:
            raise ValueError(conn.broken)
        gc.collect()
        from uota import session2

        yield from session2.begin(conn, line, settings)
    elif settings.get("minProtocol", 1) != 1:
        conn.commands, conn.acts = {"ping": _ping}, None
        if settings.get("publicVersion") is True:
            conn.commands["version"] = _public
    elif wanted:
        yield from conn.guess(digest.hexed(digest.sha256(line).digest()), wanted.lower())
        yield from conn.say("ok")
    conn.open = True
    if not conn.proven:
        conn.first = line


def _command(conn):
    line, conn.first = conn.first, None
    if line is None:
        line = yield from conn.line()
    word, _, arg = line.strip().partition(" ")
    if conn.acts is None and word not in conn.commands:
        conn.open = False
        raise ValueError("protocol 2 only")
    if conn.broken and word not in ("ping", "version"):
        raise ValueError(conn.broken)
    if conn.loop.updating and word in _ALONE:
        raise ValueError("busy: an update is under way")
    if not (conn.broken or conn.acts is None):  # else nobody has proven anything
        conn.prove()
    if word in conn.commands:
        for piece in conn.commands[word](arg):
            yield from conn.send(piece)
            conn.open = conn.records  # else after this an error would pass for content
        conn.open = True
        yield from conn.finish()
    elif word in conn.acts:
        yield from conn.acts[word](conn, arg)
    else:
        raise Refused("unknown")


def _push(conn, arg, stream=False):
    conn.open = False
    gc.collect()
    from uota import push

    answer = yield from push.session(conn, stream, arg)
    if answer == "ok":
        yield from conn.bye()
    conn.open = True
    yield from conn.say(answer)


def _rollback(conn, arg):
    from uota import boot_guard

    if not boot_guard.undo("by hand", "", False):
        raise ValueError("nothing is kept")
    return conn.bye()


def _public(arg):
    told = {"version": state.load("/ota_version.json").get("version", "unknown")}
    return (json.dumps(told) + "\n",)


def _ping(arg):
    return ("pong\n",)


def _version(arg):
    """What is installed, and how it stands with it."""
    version = state.load("/ota_version.json").get("version", "unknown")
    told = {"version": version, "agent": "2.0.0", "state": "confirmed"}
    trial = state.trial()
    back = state.failed()
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
    return (json.dumps(state.load("/ota_crash.json")) + "\n",)


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


COMMANDS = {
    "ping": _ping,
    "version": _version,
    "crash": _crash,
    "ls": _ls,
    "get": _get,
    "rm": _rm,
    "wipe": _wipe,
}
ACTS = {
    "start_ota": _push,
    "stream_ota": lambda conn, arg: _push(conn, arg, True),
    "reset": lambda conn, arg: conn.bye(),
    "rollback": _rollback,
    "safe_mode": lambda conn, arg: conn.bye("asked"),
}

# Protocol 2: hello, proof, records, and the commands that 1.0 does not have. What is in records is
# read and said through the same methods of ota.Conn as the lines of 1.0. Imported for a `hello`.
import gc
import json
import os
import sys
from binascii import unhexlify

from micropython import const

from uota import config, digest, files, ota, state
from uota.state import size

try:
    from cryptolib import aes
except ImportError:
    aes = None  # authenticated only

_TEXT = const(1)
_DATA = const(2)
_END = const(3)
_ERROR = const(4)
_LINE = const(512)
_ROOM = const(594)  # for a record with a payload of 544 bytes, the longest without a larger buffer


def begin(conn, line, settings):
    """hello and proof."""
    nonce = line.split(" ")[2:3]
    if [len(text) for text in nonce] != [32]:
        raise ota.Refused("denied")
    ways = {"0": _way(settings)}
    before = _way(_before())
    if before[0] != "none" and before[1:] != ways["0"][1:]:
        ways["1"] = before
    name = "".join(ch if " " <= ch <= "~" else "?" for ch in str(settings.get("hostname", ""))[:64])
    ours = "hello 2 %s auth=%s cipher=%s name=%s" % (
        digest.hexed(os.urandom(16)),
        ",".join(ways[index][0] for index in sorted(ways)),
        "aes128-cbc" if aes else "none",
        name,
    )
    yield from conn.say(ours)
    word, index, proof = ((yield from conn.line(256)) + "  ").split(" ", 2)
    way = ways.get(index)
    if word != "proof" or not way:
        raise ota.Refused("denied")
    key = keys(way[1], line, ours)
    conn.old, conn.key = index != "0", way[2]
    yield from conn.guess(proof.rstrip(), digest.hexed(key("host proof")))
    yield from conn.say("proof " + digest.hexed(key("board proof")))
    if conn.pos != conn.end:
        raise EOFError  # it did not wait to see with whom it talks
    Records(conn, key, "host", "board")
    conn.commands, conn.acts = COMMANDS, ACTS


def keys(shared, host, board):
    """key(LABEL), from both hello lines."""
    seen = digest.sha256(host + "\n" + board + "\n").digest()
    key = digest.pads(digest.hmac(digest.pads(seen), shared))
    return lambda label: digest.hmac(key, "uota 2 " + label, b"\1")


def _way(settings):
    """(method, S, signing key) of a configuration."""
    key = settings.get("signingKey", "").encode()
    word = settings.get("otaPassword")
    if word:
        how, _, shared = word.rpartition(":")
        return how or "sha256", unhexlify(shared), key
    if key:
        return "key", digest.hmac(digest.pads(key), b"\xffuota 2 session"), key
    return "none", bytes(32), key


def _before():
    """The configuration that the one on trial has replaced; {} for none."""
    kept = state.trial() is not None and state.kept()
    if kept:
        with kept:
            for line in kept:
                if line.endswith(" /config/ota.json\n"):
                    return config.load(line.split(" ")[1])[0]
    return {}


class Records:
    """What a connection reads and says, in records."""

    open = close = None  # the ciphers

    def __init__(self, conn, key, theirs, ours):
        self.conn, self.raw = conn, conn.send
        conn.buf = memoryview(bytearray(_ROOM))
        self.theirs, self.ours = (digest.pads(key(who + " mac")) for who in (theirs, ours))
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
        tag = digest.hmac(self.theirs, self.seen.to_bytes(4, "big"), buf[: n + 2])[:16]
        if not digest.same(digest.hexed(tag), digest.hexed(buf[n + 2 : n + 18])):
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
            n = len(part) + (-len(part) & 15) + 16
            buf = bytearray(n + 18)
            view = memoryview(buf)
            buf[0], buf[1] = n >> 8, n & 255
            buf[2:18] = (
                self.sent.to_bytes(4, "big")
                + len(part).to_bytes(2, "big")
                + bytes([kind])
                + os.urandom(9)
            )
            buf[18 : 18 + len(part)] = part
            if self.close:
                self.close(view[2 : n + 2], view[2 : n + 2])
            tag = digest.hmac(self.ours, self.sent.to_bytes(4, "big"), view[: n + 2])
            buf[n + 2 :] = tag[:16]
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


# -- commands


def _rm(arg):
    files.changeable(arg)
    return ota.COMMANDS["rm"](arg)


def _mkdir(arg):
    os.mkdir("/" + files.changeable(arg))
    return ("ok\n",)


def _mv(arg):
    old, _, new = arg.partition("\t")
    old, new = files.changeable(old), files.changeable(new)
    if size("/" + new) > -2:
        raise ValueError("it is there already")
    os.rename("/" + old, "/" + new)
    return ("ok\n",)


def _df(arg):
    st = os.statvfs("/")
    return (json.dumps({"size": st[1] * st[2], "free": st[0] * st[3]}) + "\n",)


def _mem(arg):
    gc.collect()
    return (json.dumps({"used": gc.mem_alloc(), "free": gc.mem_free()}) + "\n",)


def _config(arg):
    return (config.masked() + "\n",)


def counter():
    """The highest that was installed; kept where nothing but a push reaches."""
    try:
        with open("/ota_counter") as f:
            return int(f.read(16))
    except (OSError, ValueError):
        return 0


def installed():
    """The id of what is installed, if push 2 has brought it."""
    try:
        with open("/ota_manifest.json", "rb") as f:
            f.seek(max(0, f.seek(0, 2) - 73))
            last = f.read()
        return str(last[6:70], "utf-8") if last[:6] == b'"id":"' else ""
    except (OSError, ValueError):
        return ""


def _info(conn, arg):
    system = sys.implementation
    told = {
        "agent": "2.0.0",
        "platform": sys.platform,
        "micropython": ".".join(str(n) for n in system.version[:3]),
        "sign": "hmac-sha256" if conn.key else "none",
        "counter": counter(),
    }
    if hasattr(system, "_mpy"):
        told["mpy"] = system._mpy
    ident = installed()
    if ident:
        told["id"] = ident[:16]
    yield from conn.say(json.dumps(told))


def _put(conn, arg):
    from uota import boot_guard

    left, sha, path = arg.split(" ", 2)
    left, path = int(left), files.changeable(path)
    total = digest.sha256()
    conn.loop.updating = True
    try:
        boot_guard.discard()
        os.mkdir("/ota_stage")
        with open("/ota_stage/put", "wb") as f:
            while left:
                kind, part = yield from conn.records.receive()
                left -= len(part)
                if kind != _DATA or left < 0:
                    raise ValueError("unexpected")
                f.write(part)
                total.update(part)
        if digest.hexed(total.digest()) != sha:
            raise ota.Refused("sha256_mismatch " + path)
        n = path.find("/")
        while n > 0:
            if size("/" + path[:n]) >= 0:
                raise ValueError("file and folder: " + path[:n])
            n = path.find("/", n + 1)
        yield from boot_guard.put(size("/OTA_STAGE") == -2, "/ota_stage/put", "/" + path)
    finally:
        conn.loop.updating = False
        boot_guard.discard()
    yield from conn.say("ok")


def _push(conn, arg):
    conn.open = False
    gc.collect()
    from uota import push2

    gc.collect()
    yield from push2.session(conn, arg)


COMMANDS = dict(ota.COMMANDS)
COMMANDS.update({"rm": _rm, "mkdir": _mkdir, "mv": _mv, "df": _df, "mem": _mem, "config": _config})
ACTS = {"info": _info, "put": _put, "push": _push}
for _name in ("reset", "rollback", "safe_mode"):
    ACTS[_name] = ota.ACTS[_name]

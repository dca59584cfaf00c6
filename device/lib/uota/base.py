# What every session builds on: what is on the board, the rules for every path that a peer names,
# hashes and MACs. boot_guard has small copies of the first: it is source, always, and to compile it
# for each connection would cost more heap than all the rest.
import ujson
import uos
from ubinascii import hexlify
from uhashlib import sha256

from uota import Refused

_SPARE = const(16384)  # for what nobody counts


def look(path):
    """(size, time) of a file; the size is -1 for a folder, -2 where nothing is."""
    try:
        st = uos.stat(path)
    except OSError:
        return -2, 0
    return -1 if st[0] & 0x4000 else st[6], st[8]


def size(path):
    return look(path)[0]


def free():
    """Bytes of flash. littlefs counts some blocks twice: below zero its figure wraps."""
    block, _, blocks, n = uos.statvfs("/")[:4]
    return block * n if n <= blocks else 0


def remove(path):
    """Remove what is there, if anything is."""
    there = size(path)
    if there >= 0:
        uos.remove(path)
    elif there == -1:
        for entry in uos.ilistdir(path):
            remove(path + "/" + entry[0])
        uos.rmdir(path)


def read(path):
    """The JSON object in a small file; {} where there is none, whatever there is."""
    n = size(path)
    try:
        with open(path) as f:
            found = ujson.loads(f.read(min(n, 9000)))  # a crash in control characters has as many
        return found if isinstance(found, dict) else {}
    except (OSError, ValueError, RuntimeError):
        return {}


def version():
    """The installed one, or None."""
    return read("/ota_version.json").get("version")


def trial():
    """What the version on trial must show; None when none is on trial."""
    return read("/ota_trial.json") if size("/ota_trial.json") >= 0 else None


def failed():
    """What the last version that was rolled back has left: from, why, id."""
    found = read("/ota_crash.json").get("back")
    return found if isinstance(found, dict) else {}


def way_back():
    """The list of what is kept, open, where that is whole; else None."""
    try:
        f = open("/ota_kept/list")
        head = f.readline(12)
        f.seek(max(0, f.seek(0, 2) - 4))
        if head in ("uota 1 move\n", "---- 1 copy\n") and f.read(4) == "end\n":
            f.seek(0)
            return f
        f.close()
    except (OSError, UnicodeError):
        pass


def counter():
    """The highest that was installed; kept where nothing but a push reaches."""
    try:
        with open("/ota_counter") as f:
            return int(f.read(16))
    except (OSError, ValueError):
        return 0


def id():
    """The id of what is installed, if push 2 has brought it."""
    try:
        with open("/ota_manifest.json", "rb") as f:
            f.seek(max(0, f.seek(0, 2) - 73))
            last = f.read()
        return str(last[6:70], "utf-8") if last[:6] == b'"id":"' else ""
    except (OSError, ValueError):
        return ""


def touch():
    """From here on no recorded time says that a file is unchanged: until a complete push."""
    open("/ota_touched", "w").close()


def room(need):
    """ValueError unless `need` more bytes fit, with some blocks for what names them."""
    need += _SPARE
    there = free()
    if need > there:
        more = "; --no-rollback drops what is kept" if size("/ota_kept/list") >= 0 else ""
        raise ValueError("flash full: needs %d bytes, %d free%s" % (need, there, more))


# -- paths: what may be named at all, and what stays. They are compared in lower case, and without
# FAT's short names (CONFIG~1), trailing dots and spaces: there these are further names of a file.


def plain(text, limit):
    """The text itself, if it is 1 to limit bytes without control characters."""
    if not 0 < len(text.encode()) <= limit or min(text) < " " or "\x7f" in text:
        raise ValueError("bad path")
    return text


def relative(path):
    """The path itself, if it names exactly one thing below /."""
    last = "/"
    for ch in plain(path, 255) + "/":
        if ch in '\\"' or (ch == "/" and last in "/. ") or (last == "~" and ch.isdigit()):
            raise ValueError("bad path")
        last = ch
    if path.count("/") > 15:
        raise ValueError("bad path")
    return path


def pushed(path):
    """A path as a push may name it."""
    if path[:4].lower() == "ota_":
        raise ValueError("protected")
    return relative(path)


def kept(path, lib="lib"):
    """What neither `wipe` nor an update deletes; of /lib, protocol 2 keeps lib/uota only."""
    low = path.lower() + "/"
    top = low.split("/")[0]
    return low.startswith(lib + "/") or top in ("config", "data", "boot.py") or top[:4] == "ota_"


# -- hashes and MACs, and their comparison in constant time


def pads(key):
    """What HMAC-SHA256 makes of a key, so that it is made but once."""
    if len(key) > 64:
        key = sha256(key).digest()
    key += bytes(64 - len(key))
    return bytes(b ^ 0x36 for b in key), bytes(b ^ 0x5C for b in key)


def hmac(pads, *parts):
    inner = sha256(pads[0])
    for part in parts:
        inner.update(part)
    return sha256(pads[1] + inner.digest()).digest()


def mac(key):
    """HMAC-SHA256 begun: update() it like any hash, then mac_hex()."""
    return sha256(pads(key)[0])


def mac_hex(key, total):
    return end(sha256(pads(key)[1] + total.digest()))


def hexed(digest):
    return hexlify(digest).decode()


def end(total):
    """What a hash has come to."""
    return hexed(total.digest())


def prove(total, sha, path):
    """Go on only if what has come of a file has its hash."""
    if end(total) != sha:
        raise Refused("sha256_mismatch " + path)


def file(path, buf, total, out=None):
    """What of a file is read into a hash, and copied to another one; a generator."""
    with open(path, "rb") as f:
        part = buf
        while part:
            part = buf[: f.readinto(buf)]
            total.update(part)
            if out:
                out.write(part)
            yield 0


def hashes(path, sha, buf):
    """Whether a file has this hash; a generator."""
    total = sha256()
    yield from file(path, buf, total)
    return end(total) == sha


def same(a, b):
    """Whether the bytes of two are equal, in a time that does not tell where they are not."""
    differ = len(a) ^ len(b)
    for x, y in zip(a, b):  # noqa: B905 - MicroPython's has no `strict`
        differ |= x ^ y
    return not differ

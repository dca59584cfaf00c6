# The two update sessions of protocol 1.0: start_ota (a manifest, then files, complete) and
# stream_ota (one binary stream, partial). They check what the peer says; commit.py holds what
# it sends. Imported for a push only; both return the answer to the peer.
import json

from micropython import const

from uota import digest
from uota.commit import Commit, room
from uota.ota import Refused

_MANIFEST = const(65536)


def start_ota(conn):
    job = Commit(False)
    try:
        yield from _ready(conn)
        while True:
            word, _, arg = (yield from conn.line()).partition(" ")
            if word == "abort":
                return "aborted"
            if word == "manifest" and not job.version:
                yield from _manifest(conn, job, arg)
            elif word == "file" and job.version:
                yield from _file(conn, job, arg)
            elif word == "end_ota" and job.version:
                yield from job.finish(conn.buf)
                return "ok"
            else:
                raise ValueError("unexpected command")
            yield from conn.say("ok")
    finally:
        job.discard()


def stream_ota(conn, total):
    total = _number(total)
    room(total)
    job = Commit(True)
    try:
        yield from _ready(conn)
        yield from _stream(conn, job, total)
        yield from job.finish(conn.buf)
        return "ok"
    finally:
        job.discard()


def _ready(conn):
    """Take the largest buffer that the heap gives: mem_free() would not tell of its holes."""
    for size in (4096, 1024):
        try:
            conn.use(bytearray(size))
            break
        except MemoryError:
            pass
    return conn.say("ready")


def _number(text):
    if not text.isdigit() or len(text) > 10:
        raise ValueError("bad number")
    return int(text)


def _receive(conn, job, name, size, *sums):
    """size bytes into a staged file and into the sums."""
    room(size)
    with job.open(name, "wb") as f:
        while size:
            part = yield from conn.some(size)
            size -= len(part)
            try:
                f.write(part)
            except OSError:
                room(size)  # says it in numbers
                raise
            for s in sums:
                s.update(part)


def _checked(conn, job, i, path, size, sha, *sums):
    total = digest.sha256()
    yield from _receive(conn, job, i, size, total, *sums)
    if digest.hexed(total.digest()) != sha:
        raise Refused("sha256_mismatch " + path)


def _manifest(conn, job, arg):
    size = _number(arg)
    if size > _MANIFEST:
        raise ValueError("manifest too large")
    yield from _receive(conn, job, "json", size)
    try:
        with job.open("json") as f:
            _adopt(conn, job, json.load(f))
    except MemoryError:
        raise ValueError("manifest too large")
    except (KeyError, TypeError, AttributeError):
        raise ValueError("bad manifest")


def _adopt(conn, job, manifest):
    """Check values and signature; what stays of the manifest is a list on flash."""
    version, named = manifest["version"], manifest["files"]
    mac = digest.Hmac(conn.key)
    mac.update(version)
    for path in sorted(named.keys()):
        sha = named[path]["sha256"]
        mac.update("\n%s:%s" % (path, sha))
        job.add(path, named[path]["size"], sha.lower())
    sig = manifest.get("sig") or ""
    if conn.key and not digest.same(sig.lower(), digest.hexed(mac.digest())):
        raise Refused("sig_mismatch")
    room(job.need)
    job.seal(version)


def _file(conn, job, arg):
    path, size, sha = arg.rsplit(";", 2)
    item = job.find(path)
    if not item or item[1] != (path, _number(size), sha.lower()):
        raise ValueError("not in the manifest: " + path)
    return _checked(conn, job, item[0], *item[1])


def _stream(conn, job, left):
    """The stream of `left` bytes into staging, up to its trailer."""
    mac = digest.sha256()  # of what is not signed

    def take(n):
        nonlocal left
        left -= n
        if left < 0:
            raise ValueError("bad stream length")
        data = b""
        while len(data) < n:
            data += yield from conn.some(n - len(data))
        mac.update(data)
        return data

    def number(n):
        return int.from_bytes((yield from take(n)), "big")

    def text():
        n = yield from number(2)
        return str((yield from take(min(n, 256))), "utf-8")

    if (yield from take(4)) != b"OTAS":
        raise ValueError("bad stream")
    mac = digest.Hmac(conn.key)
    version = yield from text()
    count = yield from number(2)
    for i in range(count):
        path = yield from text()
        size = yield from number(4)
        sha = digest.hexed((yield from take(32)))
        job.add(path, size, sha)
        left -= size
        if left < 32:
            raise ValueError("bad stream length")
        yield from _checked(conn, job, i, path, size, sha, mac)
    right = mac.digest()
    mac = digest.sha256()
    trailer = yield from take(32)
    if left:
        raise ValueError("bad stream length")
    if conn.key and not digest.same(digest.hexed(trailer), digest.hexed(right)):
        raise Refused("sig_mismatch")
    job.seal(version)

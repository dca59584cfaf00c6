# The two update sessions of protocol 1.0: start_ota (a manifest, then files, complete) and
# stream_ota (one binary stream, partial). They check what the peer says; commit.py holds what
# it sends. Imported for a push only.
import json
from struct import unpack

from micropython import const

from uota import digest
from uota.commit import Commit, number, room
from uota.ota import Refused

_MANIFEST = const(65536)


def start_ota(conn):
    """Whether the connection goes on (after `abort`); the commit resets the board."""
    job = Commit(partial=False)
    try:
        yield from conn.say("ready")
        _window(conn)
        while True:
            word, _, arg = (yield from conn.line()).partition(" ")
            if word == "abort":
                break
            elif word == "manifest" and job.version is None:
                yield from _manifest(conn, job, arg)
            elif word == "file" and job.version is not None:
                yield from _file(conn, job, arg)
            elif word == "end_ota" and job.version is not None:
                return (yield from _finish(conn, job))
            else:
                raise ValueError("unexpected " + repr(word[:16]))
            yield from conn.say("ok")
    finally:
        job.discard()
    yield from conn.say("aborted")
    return True


def stream_ota(conn, total):
    left = number(total)
    room(left)
    job = Commit(partial=True)
    try:
        yield from conn.say("ready")
        _window(conn)
        yield from _stream(conn, job, left)
        yield from _finish(conn, job)
    finally:
        job.discard()


def _finish(conn, job):
    conn.slot.limit(None)  # from here on nobody may cut it short
    yield from job.finish(conn.buf)
    conn.slot.loop.reset_soon()
    yield from conn.say("ok")


def _window(conn):
    """The largest buffer that the heap gives: mem_free() would not tell of its holes."""
    for size in (4096, 1024):
        try:
            return conn.use(bytearray(size))
        except MemoryError:
            pass


def _receive(conn, job, i, size, *sums):
    """size bytes into staged file i and into the sums."""
    with job.open(i) as f:
        while size:
            part = yield from conn.some(size)
            f.write(part)
            for s in sums:
                s.update(part)
            size -= len(part)


def _manifest(conn, job, arg):
    size = number(arg)
    if not 0 < size <= _MANIFEST:
        raise ValueError("manifest too large")
    room(size)
    yield from _receive(conn, job, "json", size)
    try:
        with job.open("json", "r") as f:
            manifest = json.load(f)
        _adopt(conn, job, manifest)
    except MemoryError:
        raise ValueError("manifest too large")


def _adopt(conn, job, manifest):
    """Check schema and signature; what stays of the manifest is a list on flash."""
    if not isinstance(manifest, dict) or not isinstance(manifest.get("files"), dict):
        raise ValueError("manifest: no files")
    version, named = manifest.get("version"), manifest["files"]
    if not isinstance(version, str):
        raise ValueError("manifest: bad version")
    mac = digest.Hmac(conn.key.encode())
    mac.update(version.encode())
    for path in sorted(named):
        entry = named[path]
        if not isinstance(entry, dict) or type(entry.get("size")) is not int:
            raise ValueError("manifest: bad size of " + path)
        sha = entry.get("sha256")
        if not isinstance(sha, str):
            raise ValueError("manifest: bad sha256 of " + path)
        mac.update(("\n%s:%s" % (path, sha)).encode())
        job.add(path, entry["size"], sha.lower())
    sig = manifest.get("sig")
    if conn.key and not (
        isinstance(sig, str) and digest.same(sig.lower(), digest.hexed(mac.digest()))
    ):
        raise Refused("sig_mismatch")
    job.seal(version)


def _file(conn, job, arg):
    parts = arg.rsplit(";", 2)
    if len(parts) != 3:
        raise ValueError("expected file PATH;SIZE;SHA256")
    path, size, sha = parts[0], number(parts[1]), parts[2].lower()
    i = job.find(path)
    if (job.size, job.sha) != (size, sha):
        raise ValueError("not as in the manifest: " + path)
    room(size)
    total = digest.sha256()
    yield from _receive(conn, job, i, size, total)
    if digest.hexed(total.digest()) != sha:
        raise Refused("sha256_mismatch " + path)


def _stream(conn, job, left):
    """The stream of `left` bytes into staging, up to its trailer."""
    mac = digest.Hmac(conn.key.encode())

    def field(n, summed=True):
        nonlocal left
        left -= n
        if left < 0:
            raise ValueError("stream is longer than announced")
        data = yield from conn.take(n)
        if summed:
            mac.update(data)
        return data

    def text():
        n = unpack(">H", (yield from field(2)))[0]
        if not 0 < n < 256:
            raise ValueError("bad length in stream")
        return str((yield from field(n)), "utf-8")

    if (yield from field(4, False)) != b"OTAS":
        raise ValueError("not a stream")
    version = yield from text()
    count = unpack(">H", (yield from field(2)))[0]
    for i in range(count):
        path = yield from text()
        size = unpack(">I", (yield from field(4)))[0]
        sha = yield from field(32)
        job.add(path, size, digest.hexed(sha))
        left -= size
        if left < 0:
            raise ValueError("stream is longer than announced")
        total = digest.sha256()
        yield from _receive(conn, job, i, size, total, mac)
        if total.digest() != sha:
            raise Refused("sha256_mismatch " + path)
    trailer = yield from field(32, False)
    if left:
        raise ValueError("stream is shorter than announced")
    if conn.key and not digest.same(trailer, mac.digest()):
        raise Refused("sig_mismatch")
    job.seal(version)

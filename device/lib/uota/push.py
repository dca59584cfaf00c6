# The two update sessions of protocol 1.0: start_ota (a manifest, then files, complete) and
# stream_ota (one binary stream, partial). They check what the peer says; commit.py holds what
# it sends. Imported for a push only.
import ujson

from uota import Refused, base, load
from uota.commit import Commit

_MANIFEST = const(65536)


def main(conn, word, arg):
    """One update: a stream of as many bytes as `arg` says, or messages."""
    stream = word == "stream_ota"
    words = arg.split()
    if stream:
        total = int(words.pop(0) if words else "")
        base.room(total)
    job = Commit(conn, words, "force no-rollback" if stream else "force no-rollback wipe")
    job.partial = stream
    try:
        _window(conn)
        yield from conn.say("ready")
        if (yield from _stream(conn, job, total) if stream else _messages(conn, job)):
            yield from conn.busy(load("install").main(job))
    finally:
        job.close()
    yield from conn.say("ok" if job.done else "aborted")


def _window(conn):
    """Take the largest buffer that the heap gives: mem_free() would not tell of its holes."""
    for size in (4096, 1024):
        try:
            if conn.pos == conn.end:  # else what a hasty peer has sent lies in the old one
                conn.buf = memoryview(bytearray(size))
            break
        except MemoryError:
            pass


def _receive(job, name, mac, path, size, sha):
    """size bytes into a staged file and into the MAC."""
    base.room(size)
    total = base.sha256()
    with job.open(name, "wb") as f:
        while size:
            part = yield from job.conn.some(size)
            size -= len(part)
            f.write(part)
            total.update(part)
            mac.update(part)
    if path:
        base.prove(total, sha, path)


def _messages(conn, job):
    """start_ota's: manifest, files, then end_ota (True) or abort."""
    mac = base.sha256()  # of no use: here only the manifest is signed
    while True:
        word, _, arg = (yield from conn.line()).partition(" ")
        if word == "abort":
            return False
        if word == "manifest" and not job.version:
            yield from _manifest(conn, job, mac, int(arg))
        elif word == "file" and job.version:
            path, size, sha = arg.rsplit(";", 2)
            entry = path, int(size), sha.lower()
            item = job.find(path)
            if not item or item[1] != entry:
                raise ValueError("not in manifest: " + path)
            yield from _receive(job, item[0], mac, *entry)
        elif word == "end_ota" and job.version:
            return True
        else:
            raise ValueError("unexpected")
        yield from conn.say("ok")


def _manifest(conn, job, mac, size):
    """Check values and signature; what stays of the manifest is a list on flash."""
    try:
        if not 0 <= size <= _MANIFEST:
            raise MemoryError
        yield from _receive(job, "json", mac, "", size, "")
        with job.open("json") as f:
            manifest = ujson.load(f)
        mac = base.mac(conn.key)
        version, named = manifest["version"], manifest["files"]
        mac.update(version)
        for path in sorted(named.keys()):
            entry = named[path]
            mac.update("\n%s:%s" % (path, entry["sha256"]))
            job.append(path, entry["size"], entry["sha256"].lower())
            job.wants(path, entry["size"])
        sig = manifest.get("sig") or ""
        _signed(conn, mac, sig.lower())
        job.seal(version)
        base.room(job.need)
    except MemoryError:
        raise ValueError("manifest too large")
    except (LookupError, TypeError, AttributeError):
        raise ValueError("bad manifest")


def _stream(conn, job, total):
    """The stream of `total` bytes into staging, up to its trailer."""
    job.left = total
    job.mac = base.sha256()  # of what is not signed
    if (yield from _take(job, 4)) != b"OTAS":
        raise ValueError("bad stream")
    job.mac = mac = base.mac(conn.key)
    version = yield from _name(job)
    count = yield from _number(job, 2)
    for i in range(count):
        path = yield from _name(job)
        size = yield from _number(job, 4)
        sha = base.hexed((yield from _take(job, 32)))
        job.append(path, size, sha)
        job.wants(path, size)
        job.left -= size
        if job.left < 32:
            raise ValueError("bad stream")
        yield from _receive(job, i, mac, path, size, sha)
    job.mac = base.sha256()
    trailer = base.hexed((yield from _take(job, 32)))
    if job.left:
        raise ValueError("bad stream")
    _signed(conn, mac, trailer)
    job.seal(version)
    return True


def _signed(conn, mac, sig):
    """Go on only with the right signature, where one is due."""
    if conn.key and not base.same(sig.encode(), base.mac_hex(conn.key, mac).encode()):
        raise Refused("sig_mismatch")


def _take(job, n):
    """Exactly n bytes of the stream, n small."""
    job.left -= n
    if job.left < 0:
        raise ValueError("bad stream")
    data = b""
    while len(data) < n:
        data += yield from job.conn.some(n - len(data))
    job.mac.update(data)
    return data


def _number(job, n):
    return int.from_bytes((yield from _take(job, n)), "big")


def _name(job):
    n = yield from _number(job, 2)
    return str((yield from _take(job, min(n, 256))), "utf-8")

# What an update may be, and what of it the board has already. Imported for the manifest, and again
# for the commit: it need not lie in the heap beside what receives the files.
import json
import os

from micropython import const

from uota import digest, files
from uota.commit import Finder
from uota.state import failed, free, kept, rmtree, size as _size, trial

_HEX = const("0123456789abcdef")
_HEAD = const('{"files":{\n')  # how an installed manifest of ours begins
_KEPT = const("/ota_kept")
_SPARE = const(16384)  # for what nobody counts


def room(size):
    """ValueError unless `size` more bytes fit, with some blocks for what names them."""
    size += _SPARE
    if size > free():
        more = "; --no-rollback drops what is kept" if _size("/ota_kept/list") >= 0 else ""
        raise ValueError("flash full: needs %d bytes, %d free%s" % (size, free(), more))


def entry(job, path, size, sha):
    """The next file that the update names."""
    last = job.last
    order = files.pushed(path) > last
    job.last = path
    if not order or type(size) is not int or size >> 31 or len(sha) != 64 or sha.strip(_HEX):
        raise ValueError("bad entry: " + path)
    if job.resumes:
        nest(job, path, last)
    else:
        if not job.list:
            job.list = job.open("list", "w")
        job.list.write("%d %s %s\n" % (size, sha, path))
        wants(job, path, size)


def nest(job, path, last):
    """No listed path is a folder of another."""
    above = job.above = [n for n in job.above if last[:n] == path[:n]]
    for n in above:
        if path[n : n + 1] == "/":
            raise ValueError("file and folder: " + path[:n])
    above.append(len(path))


def wants(job, path, size, staged=0):
    """Count the room that a file takes, but for what is staged of it."""
    there = _size("/" + path)
    if there != size:
        job.need += size - staged
        if job.copies:
            job.need += max(0, size - max(0, there))


def seal(job, version):
    """The list is complete, and whatever signature is due was right."""
    job.version = files.plain(version, 64)
    if not job.resumes:
        (job.list or job.open("list", "w")).close()
        named = digest.sha256(version)
        for _, (path, _, sha) in job.items():
            named.update("\n%s:%s" % (path, sha))
        job.id = digest.hexed(named.digest())
    back = failed()
    if back.get("id") == job.id[:16] and not job.force:
        text = "refused: %s failed on this board (%s); change it, or --force"
        raise ValueError(text % (version, back.get("why")))
    # What the version on trial would go back to is kept, whatever is to be done without.
    job.old = trial() is not None and kept()
    if not job.keep and not job.old and _size(_KEPT) > -2:
        rmtree(_KEPT)


def holds(job, path, size, sha):
    """Whether this file is on the board, by its time or by its hash; a generator."""
    name = "/" + path
    if _size(name) != size:
        return False
    if not job.verify:
        job.known = job.known or Finder(installed, job.copies)
        found = job.known(path)
        if found and found[1] == (path, size, sha, os.stat(name)[8]):
            return True
    return (yield from digest.hashes(name, sha, job.conn.buf))


def installed():
    """(0, (path, size, sha, time or [])) of the installed manifest; a broken one names nothing."""
    try:
        with open("/ota_manifest.json") as f:
            if f.readline(12) == _HEAD:
                for line in f:
                    if line[0] != "}":
                        yield 0, _item(line)
            else:  # of 1.0
                f.seek(0)
                for path, entry in json.load(f)["files"].items():
                    yield 0, (files.pushed(path), entry["size"], entry["sha256"], None)
    except MemoryError:
        raise
    except Exception:
        pass


def _item(line):
    """(path, size, sha, time) of a line `,"PATH":{"size":N,"sha256":"HEX","time":N}`."""
    parts = line.split('"')
    return parts[1], int(parts[4][1:-1]), parts[7], parts[10:] and int(parts[10][1:-2])

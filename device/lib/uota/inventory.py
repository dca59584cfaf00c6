# What of an update the board has already, what is missing, and whether that fits.
import ujson
import uos

from uota import base
from uota.commit import Finder

_HEAD = const('{"files":{\n')  # how an installed manifest of ours begins


def holds(job, path, size, sha):
    """Whether this file is on the board, by its time or by its hash; a generator."""
    there, time = base.look("/" + path)
    if there != size:
        return False
    job.known = job.known or Finder(installed, job.copies)
    found = job.known(path)
    if not found:
        job.adopts = True
    elif not job.verify and found[1] == (path, size, sha, time):
        return True
    return (yield from base.hashes("/" + path, sha, job.conn.buf))


def whole(job):
    """Whether all that is installed is as it was installed."""
    for _, (path, size, sha, at) in installed():
        yield 0
        path = "/" + path
        there, time = base.look(path)
        if there != size:
            return False
        known = at == time and not job.verify
        if not (known or (yield from base.hashes(path, sha, job.conn.buf))):
            return False
    return _settled(job)


def same(job):
    """Write the inventory; whether there is nothing to be done. A generator."""
    job.need = 0
    new = yield from _missing(job)
    asks = not (new or job.adopts or job.force or job.wipe)
    asks = asks and job.version == base.version()
    if asks and not (yield from _surplus(job)):
        return _settled(job)
    job.let_go()
    base.room(job.need)


def _settled(job):
    """Nothing is to be done, hence nothing to be gone on with; nor, where all was looked at, to be
    looked at again.
    """
    base.remove(job.stage)
    if not job.partial:
        base.remove("/ota_touched")
    return True


def _missing(job):
    """Write what must come; whether anything is not in its place yet."""
    new = False
    with job.open("have", "w") as f:
        for i, (path, size, sha) in job.items():
            yield 0
            if i < 0:
                break
            name = job.at(i)
            staged = base.size(name) if job.resumed else -2
            if (yield from holds(job, path, size, sha)):
                if staged > -2:
                    uos.remove(name)
                continue
            new = True
            if not (staged == size and (yield from base.hashes(name, sha, job.conn.buf))):
                if staged >= size:
                    uos.remove(name)
                    staged = 0
                staged = max(0, staged)
                f.write("%d %d\n" % (i, staged))
            job.wants(path, size, staged)
    return new


def _surplus(job):
    """Whether there is anything to be deleted."""
    for i, entry in job.items():
        yield 0
        if i < 0 and base.size("/" + entry[0]) >= 0:
            return True
    if not job.partial:
        for _, entry in installed():
            yield 0
            path = entry[0]
            there = base.size("/" + path) >= 0 and not base.kept(path, job.lib)
            if there and not job.find(path):
                return True


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
                for path, entry in ujson.load(f)["files"].items():
                    yield 0, (base.pushed(path), entry["size"], entry["sha256"], None)
    except MemoryError:
        raise
    except Exception:
        pass


def _item(line):
    """(path, size, sha, time) of a line `,"PATH":{"size":N,"sha256":"HEX","time":N}`."""
    parts = line.split('"')
    return parts[1], int(parts[4][1:-1]), parts[7], parts[10:] and int(parts[10][1:-2])

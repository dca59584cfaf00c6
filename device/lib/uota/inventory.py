# What of an update of protocol 2 the board lacks: a line per file that must come, in `have`.
import os

from uota import check, digest, files
from uota.state import load, rmtree, size as size_of


def same(job):
    """Write the inventory; whether there is nothing to be done. A generator."""
    job.need = 0
    missing = yield from _missing(job)
    asks = not (missing or job.force or job.wipe)
    asks = asks and job.version == load("/ota_version.json").get("version")
    if asks and not (yield from _surplus(job)):
        rmtree(job.stage)
        return True
    check.room(job.need)


def _missing(job):
    """Write what is missing; whether anything is."""
    with job.open("have", "w") as f:
        for i, (path, size, sha) in job.items():
            yield 0
            if i < 0:
                break
            name = job.at(i)
            staged = size_of(name)
            if (yield from check.holds(job, path, size, sha)):
                if staged > -2:
                    os.remove(name)
                continue
            if staged >= size:
                if staged == size and (yield from digest.hashes(name, sha, job.conn.buf)):
                    check.wants(job, path, size, size)
                    continue
                os.remove(name)
                staged = 0
            staged = max(0, staged)
            f.write("%d %d\n" % (i, staged))
            check.wants(job, path, size, staged)
        return f.tell() > 0


def _surplus(job):
    """Whether there is anything to be deleted."""
    for i, entry in job.items():
        yield 0
        if i < 0 and size_of("/" + entry[0]) >= 0:
            return True
    if not job.partial:
        for _, entry in check.installed():
            yield 0
            path = entry[0]
            there = size_of("/" + path) >= 0 and not files.kept(path, job.lib)
            if there and not job.find(path):
                return True

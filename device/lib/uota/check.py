# What an update may name. Imported with its manifest, and again for the commit.
from micropython import const

from uota import digest, files
from uota.commit import Finder
from uota.state import failed, kept, rmtree, size as size_of, trial

_HEX = const("0123456789abcdef")
_KEPT = const("/ota_kept")


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
        from uota import inventory

        inventory.wants(job, path, size)


def nest(job, path, last):
    """No listed path is a folder of another."""
    above = job.above = [n for n in job.above if last[:n] == path[:n]]
    for n in above:
        if path[n : n + 1] == "/":
            raise ValueError("file and folder: " + path[:n])
    above.append(len(path))


def seal(job, version):
    """The list is complete, and whatever signature is due was right."""
    job.version = files.plain(version, 64)
    if not job.resumes:
        (job.list or job.open("list", "w")).close()
        named = digest.sha256(version)
        for _, (path, _, sha) in job.items():
            named.update("\n%s:%s" % (path, sha))
        job.id = digest.hexed(named.digest())
    job.find = Finder(job.items, job.copies)
    back = failed()
    if back.get("id") == job.id[:16] and not job.force:
        text = "refused: %s failed on this board (%s); change it, or --force"
        raise ValueError(text % (version, back.get("why")))
    # What the version on trial would go back to is kept, whatever is to be done without.
    job.old = trial() is not None and kept()
    if not job.keep and not job.old and size_of(_KEPT) > -2:
        rmtree(_KEPT)

# The files of a push of protocol 2, as they come: staged, each verified when it is complete.
import uos

from uota import base

_LINE = const(512)
_FLUSH = const(16384)
_ENTRIES = const(10000)  # of a manifest


def main(job, messages):
    """Receive what is missing, in its order; True for `commit`, False for `stop`."""
    part, word = b"", ""
    for i, (path, size, sha) in _missing(job):
        name = job.at(i)
        while True:
            staged = base.size(name)
            if staged == size:
                break
            if size and not part:
                part, word = yield from _more(job, messages, i, path)
                if word:
                    return False
                continue
            total = base.sha256()
            with open(name, "ab") as f:
                left = size - max(0, staged)
                if staged > 0:
                    # The connection's buffer holds what has come.
                    buf = memoryview(bytearray(_LINE))
                    yield from job.conn.busy(base.file(name, buf, total))
                while left:
                    if not part:
                        part, word = yield from _more(job, messages, i + 1, path)
                        if word:
                            return False
                    n = min(left, len(part))
                    f.write(part[:n])
                    total.update(part[:n])
                    part = part[n:]
                    if left // _FLUSH != (left - n) // _FLUSH:
                        f.flush()
                    left -= n
            base.prove(total, sha, path)  # what is not right goes when it is found again
    while not word:
        if part:
            raise ValueError("bad message")
        part, word = yield from _more(job, messages, _ENTRIES, "")
    return word == "commit"


def _missing(job):
    items = job.items()
    with job.open("have") as f:
        for line in f:
            n = int(line.split(" ")[0])
            for i, entry in items:
                if i == n:
                    yield i, entry
                    break


def _more(job, messages, first, path):
    """The next content, or `commit` unless a file is missing, or `stop`; copies are made, of files
    from `first` on.
    """
    part, word = yield from messages.next()
    name, _, arg = word.partition(" ")
    if name == "copy":
        index, _, source = arg.partition(" ")
        good = yield from job.conn.busy(_copy(job, first, int(index), source))
        yield from job.conn.say("ok" if good else "no")
        return b"", ""
    if word not in ("", "commit", "stop"):
        raise ValueError("unexpected")
    if path and word == "commit":
        raise ValueError("missing " + path)
    return part, word


def _copy(job, first, index, source):
    """Stage a missing file from what is on the board; whether that worked. A generator."""
    item = job.find("", index)
    name = job.at(index)
    if index < first or not item or base.size(name) > -2:
        return False
    path, size, sha = item[1]
    try:
        item = job.find(base.pushed(source))
    except ValueError:
        return False
    source = "/" + source
    if item and base.size(job.at(item[0])) == item[1][1]:
        source = job.at(item[0])
    if base.size(source) != size:
        return False
    total = base.sha256()
    with open(name, "wb") as out:
        yield from base.file(source, job.conn.buf, total, out)
    if base.end(total) == sha:
        return True
    uos.remove(name)
    return False

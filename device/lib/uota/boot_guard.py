# What boot.py runs before anything else: it brings the flash to a state that can start. A journal
# that is there is a committed update: it is done to its end, from wherever a cut has left it. What
# is staged without one is discarded. Always source, never .mpy, and it imports nothing of the
# agent: it must run whatever state the rest is in. /ota_guard.py is its kept copy.
import os
import sys

_JOURNAL = "/ota_journal"
_STAGE = "/ota_stage"
_COPY = "/ota_guard.py"


def recover():
    """For boot.py; whatever is wrong with the flash, the board goes on."""
    try:
        _settle()
        done = committed()
        for _ in replay():
            pass
        if done:  # what was imported before may be of the old version
            for name in tuple(sys.modules):
                if name[:4] == "uota":
                    del sys.modules[name]
        _keep_copy()
    except Exception as e:
        print("[uota] recovery is not complete: " + repr(e))


def _settle():
    """A rename that was cut hides not only what it moved, but the next name in that folder too,
    until littlefs is about to write. This makes it sort that out, and writes nothing else.
    """
    try:
        os.remove(_STAGE + "/-")
    except OSError:
        pass


def committed():
    """How the journal's files come into place: b"move", b"copy"; None without an intact one."""
    try:
        with open(_JOURNAL, "rb") as f:
            head = f.readline(12)
            f.seek(0, 2)
            f.seek(max(0, f.tell() - 4))
            if head in (b"uota 1 move\n", b"uota 1 copy\n") and f.read(4) == b"end\n":
                return head[7:11]
            if head[:4] != b"----":  # else it is FAT's, and was never committed
                print("[uota] discarded a journal that cannot be read")
    except OSError:
        pass  # none: the usual case
    return None


def replay():
    """Do what a committed journal says, and clear up; a generator that can be cut anywhere."""
    how = committed()
    if how:
        with open(_JOURNAL, "rb") as f:
            f.readline()
            for line in f:
                yield 0
                try:
                    words = str(line[:-1], "utf-8").split(" ", 2)
                    yield from _ACTS[words[0]](how == b"move", *words[1:])
                except (OSError, KeyError, TypeError, ValueError) as e:
                    if isinstance(e, OSError) and e.errno not in _IN_THE_WAY:
                        raise  # a full flash, say: the next boot tries again
                    print("[uota] journal: %r: %r" % (line, e))
    # First, since what follows may be cut too: the files staged are no longer needed.
    discard()


def discard():
    """Forget journal and staging, in this order."""
    for path in (_JOURNAL, _STAGE):
        if size(path) > -2:
            rmtree(path)


def _put(move, source, path):
    """A staged file to its place; where it is no longer staged, that is done."""
    if size(source) < 0:
        return
    n = path.find("/", 1)
    while n > 0:
        if size(path[:n]) >= 0:
            os.remove(path[:n])  # has come since the update was checked
        if size(path[:n]) == -2:
            os.mkdir(path[:n])
        n = path.find("/", n + 1)
    if size(path) == -1:
        raise OSError(21)  # EISDIR
    if move:
        os.rename(source, path)
    else:
        yield from _copy(source, path)
        os.remove(source)  # never done twice: at most one file is without its content at a time


def _remove(move, path):
    """A file, and the folders that this leaves empty."""
    if size(path) >= 0:
        os.remove(path)
    return _prune(move, path.rpartition("/")[0])


def _prune(move, path):
    """A folder, if it is empty, and those above."""
    try:
        while path:
            if size(path) == -1:
                os.rmdir(path)
            path = path.rpartition("/")[0]
    except OSError:
        pass  # it holds something
    return ()


def _end(move):
    return ()


_ACTS = {"p": _put, "r": _remove, "d": _prune, "end": _end}
_IN_THE_WAY = (17, 20, 21, 39)  # EEXIST, ENOTDIR, EISDIR, ENOTEMPTY


def _copy(source, path):
    """On FAT nothing is renamed: a cut would leave two names on one chain of clusters."""
    buf = memoryview(bytearray(512))
    with open(source, "rb") as old, open(path, "wb") as new:
        n = old.readinto(buf)
        while n:
            new.write(buf[:n])
            yield 0
            n = old.readinto(buf)


def _keep_copy():
    """Keep a copy of this module, which has just shown that it runs."""
    mine = "/lib/uota/boot_guard.py"
    if __name__ == "uota.boot_guard" and size(mine) > 0 and not _same(mine, _COPY):
        for _ in _copy(mine, _COPY):
            pass


def _same(a, b):
    if size(a) != size(b):
        return False
    with open(a, "rb") as f, open(b, "rb") as g:
        part = f.read(256)
        while part and part == g.read(256):
            part = f.read(256)
    return not part


def size(path):
    """Of a file; -1 for a folder, -2 where nothing is."""
    try:
        st = os.stat(path)
    except OSError:
        return -2
    return -1 if st[0] & 0x4000 else st[6]


def rmtree(path):
    if size(path) >= 0:
        return os.remove(path)
    for entry in os.ilistdir(path):
        name = path + "/" + entry[0]
        if entry[1] & 0x4000:
            rmtree(name)
        else:
            os.remove(name)
    os.rmdir(path)

# Staging of one update, for install.py to commit: files lie as /ota_stage/0, 1, … until all of them
# are proven (those of protocol 2, which outlive a reset, in /ota_part); then a journal says what
# becomes of them, and boot_guard does it, now or after a power cut. What it replaces goes to
# /ota_kept, with a list there that is a journal for the way back. What the update names is a list
# on flash, a line per file, as are the journals and the installed manifest: memory does not grow
# with their number.
import json
import os

from micropython import const

from uota import digest, files
from uota.state import failed, free, kept, rmtree, size as _size, trial

_HEX = const("0123456789abcdef")
_HEAD = const('{"files":{\n')  # how an installed manifest of ours begins
_KEPT = const("/ota_kept/")
_SPARE = const(16384)  # for what nobody counts


def room(size):
    """ValueError unless `size` more bytes fit, with some blocks for what names them."""
    size += _SPARE
    if size > free():
        more = "; --no-rollback drops what is kept" if _size(_KEPT + "list") >= 0 else ""
        raise ValueError("flash full: needs %d bytes, %d free%s" % (size, free(), more))


def _item(line):
    """(path, size, sha, time) of a line `,"PATH":{"size":N,"sha256":"HEX","time":N}`."""
    parts = line.split('"')
    return parts[1], int(parts[4][1:-1]), parts[7], parts[10:] and int(parts[10][1:-2])


class Finder:
    """Finds (index, (path, …)) again in a list on flash; cheap in the list's order."""

    def __init__(self, items, fold):
        self._items, self._fold = items, fold
        self._next = items()

    def __call__(self, path, index=-2):
        for _ in (0, 1):
            for item in self._next:
                name = item[1][0]
                if name == path or item[0] == index:
                    return item
                if self._fold and path and name.lower() == path.lower():
                    return item
            self._next = self._items()

    def close(self):
        self._next.close()


class Commit:
    _kept = None  # the list for the way back
    old = None  # the list of what is kept, where a trial is on: that stays
    done = False  # it is committed: the board must reset
    id = ""
    counter = 0
    stage = "/ota_stage"
    need = 0  # bytes of flash, for the files that are not there in this size
    known = _list = None
    _last = ""
    _above = ()  # lengths of the listed paths that the last one begins with
    lib = "lib"  # of it nothing is deleted that an update has brought
    resumes = False  # what is staged stays, and times are recorded (protocol 2)
    verify = True  # trust no recorded time
    _proof = False  # somebody must come through before the trial passes

    def __init__(self, partial, words=(), up=()):
        self.partial = partial  # merge into what is installed, delete nothing
        self.wipe = "wipe" in words  # delete also what no update has brought, as the command does
        self.keep = "no-rollback" not in words
        self.force = "force" in words
        self.up = up  # transports that are up, and must be again
        self.version = ""
        self._settle()
        if not self.resumes and _size("/ota_part") > -2:
            rmtree("/ota_part")
        if _size(self.stage) == -2:
            os.mkdir(self.stage)
        self.copies = _size(self.stage.upper()) == -1  # FAT, where names have no case: never rename

    def at(self, name):
        return "%s/%s" % (self.stage, name)

    def open(self, name, mode="r"):
        return open(self.at(name), mode)

    def discard(self):
        """Forget the update; harmless after finish()."""
        for f in self._list, self.old, self._kept:
            if f:  # a file of FAT that is closed late would be written over what has come since
                f.close()
        self._settle()

    def add(self, path, size, sha):
        """The next file that the update names."""
        last = self._last
        order = files.pushed(path) > last
        self._last = path
        if not order or type(size) is not int or size >> 31 or len(sha) != 64 or sha.strip(_HEX):
            raise ValueError("bad entry: " + path)
        if self.resumes:
            self._nest(path, last)
        else:
            if not self._list:
                self._list = self.open("list", "w")
            self._list.write("%d %s %s\n" % (size, sha, path))
            self.wants(path, size)

    def _nest(self, path, last):
        """No listed path is a folder of another."""
        above = self._above = [n for n in self._above if last[:n] == path[:n]]
        for n in above:
            if path[n : n + 1] == "/":
                raise ValueError("file and folder: " + path[:n])
        above.append(len(path))

    def wants(self, path, size, staged=0):
        """Count the room that a file takes, but for what is staged of it."""
        there = _size("/" + path)
        if there != size:
            self.need += size - staged
            if self.copies:
                self.need += max(0, size - max(0, there))

    def seal(self, version):
        """The list is complete, and whatever signature is due was right."""
        self.version = files.plain(version, 64)
        if not self.resumes:
            (self._list or self.open("list", "w")).close()
            named = digest.sha256(version)
            for _, entry in self._items():
                named.update("\n%s:%s" % (entry[0], entry[2]))
            self.id = digest.hexed(named.digest())
        self.find = Finder(self._items, self.copies)
        if not self.verify:
            self.known = Finder(installed, self.copies)
        back = failed()
        if back.get("id") == self.id[:16] and not self.force:
            text = "refused: %s failed on this board (%s); change it, or --force"
            raise ValueError(text % (version, back.get("why")))
        # What the version on trial would go back to is kept, whatever is to be done without.
        self.old = trial() is not None and kept()
        if not self.keep and not self.old and _size("/ota_kept") > -2:
            rmtree("/ota_kept")

    def _items(self):
        """(index, (path, size, sha)) of the files, then (-1, (path, -1, "")) of the deletions."""
        with self.open("list") as f:
            i = 0
            for line in f:
                if line[0].isdigit():
                    size, sha, path = line[:-1].split(" ", 2)
                    yield i, (path, int(size), sha)
                    i += 1
                elif line[:2] == "- ":
                    yield -1, (line[2:-1], -1, "")

    def holds(self, path, size, sha, buf):
        """Whether this file is on the board, by its time or by its hash; a generator."""
        path = "/" + path
        if _size(path) != size:
            return False
        if not self.verify:
            found = self.known(path[1:])
            if found and found[1] == (path[1:], size, sha, os.stat(path)[8]):
                return True
        return (yield from hashes(path, sha, buf))

    def _settle(self):
        """Done or discarded: nothing is under way any more."""
        if _size("/ota_journal") > -2 or _size("/ota_stage") > -2:
            from uota.boot_guard import replay

            for _ in replay():
                pass


def hashes(name, sha, buf):
    """Whether a file has this hash; a generator."""
    total = digest.sha256()
    with open(name, "rb") as f:
        n = f.readinto(buf)
        while n:
            total.update(buf[:n])
            yield 0
            n = f.readinto(buf)
    return digest.hexed(total.digest()) == sha


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

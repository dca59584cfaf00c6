# Staging and commit of one update: files lie as /ota_stage/0, 1, … until all of them are proven;
# then a journal says what becomes of them, and boot_guard does it, now or after a power cut. What
# the update names is a list on flash, a line per file, as are the journal and the installed
# manifest: memory does not grow with their number.
import json
import os

from micropython import const

from uota import digest, files
from uota.boot_guard import discard, replay, size as _size

_HEX = const("0123456789abcdef")
_HEAD = const('{"files":{\n')  # how an installed manifest of ours begins
_LAST = const(("lib/uota/boot_guard.py", "boot.py"))  # put into place when all else is


def room(size):
    """ValueError unless `size` more bytes fit, with some blocks for what names them."""
    block, _, _, free = os.statvfs("/")[:4]
    free *= block
    size += 4 * block
    if size > free:
        raise ValueError("flash full: needs %d bytes, %d free" % (size, free))


def _at(name):
    return "/ota_stage/%s" % name


def _item(line):
    """(path, size, sha) of a line `,"PATH":{"size":N,"sha256":"HEX"}`."""
    parts = line.split('"')
    return parts[1], int(parts[4][1:-1]), parts[7]


def _entry(f, entry):
    f.write('%s"%s":{"size":%d,"sha256":"%s"}\n' % (("" if f.tell() < 12 else ",",) + entry))


class Commit:
    def __init__(self, partial, wipe=False):
        self.partial = partial  # merge into what is installed, delete nothing
        self.wipe = wipe  # delete also what no update has brought, as the command does
        self.version = ""
        self.need = 0  # bytes of flash, for the files that are not there in this size
        self._last = ""
        _settle()
        os.mkdir("/ota_stage")
        self.copies = _size("/OTA_STAGE") == -1  # FAT, where names have no case: never rename
        self._list = self.open("list", "w")

    def open(self, name, mode="r"):
        return open(_at(name), mode)

    def discard(self):
        """Forget the update; harmless after finish()."""
        self._list.close()
        _settle()

    def add(self, path, size, sha):
        """The next file that the update names."""
        order = files.pushed(path) > self._last
        self._last = path
        if not order or type(size) is not int or size >> 31 or len(sha) != 64 or sha.strip(_HEX):
            raise ValueError("bad entry: " + path)
        there = _size("/" + path)
        if there != size:
            self.need += size
            if self.copies:
                self.need += max(0, size - max(0, there))
        _entry(self._list, (path, size, sha))

    def seal(self, version):
        """The list is complete, and whatever signature is due was right."""
        self.version = files.plain(version, 64)
        self._list.close()
        self._list = self.open("list")
        self._next = self._items()

    def find(self, path):
        """(index, (path, size, sha)) of a listed path, or None; cheap in the list's order."""
        for _ in (0, 1):
            for item in self._next:
                name = item[1][0]
                if name == path or (self.copies and path and name.lower() == path.lower()):
                    return item
            self._next = self._items()

    def finish(self, buf):
        """Check that all is there, then put it into place; a generator."""
        yield from self._check(buf)
        name = "/ota_journal" if self.copies else _at("journal")
        with open(name, "w") as journal:
            journal.write("---- 1 copy\n" if self.copies else "uota 1 move\n")
            yield from self._write(journal)
        _sync()
        # The commit point: from here on all is new.
        if self.copies:
            with open(name, "r+b") as journal:
                journal.write(b"uota")  # within one sector, of a file that has its clusters
        else:
            os.rename(name, "/ota_journal")
        _sync()
        yield from replay()

    def _items(self):
        self._list.seek(0)
        for i, line in enumerate(self._list):
            yield i, _item(line)

    def _check(self, buf):
        """All files are here, none is where a folder must be, and what is needed besides fits."""
        last = ""
        above = []  # lengths of the listed paths that the last one begins with
        block = os.statvfs("/")[0]
        more = 0  # blocks: for folders, and on FAT for what a copy needs beyond what it replaces
        for i, (path, size, sha) in self._items():
            yield 0
            if _size(_at(i)) < 0 and not (yield from _holds(path, size, sha, buf)):
                raise ValueError("missing " + path)
            above = [n for n in above if last[:n] == path[:n]]
            n = path.find("/")
            while n > 0:
                there = -1 if last[: n + 1] == path[: n + 1] else _size("/" + path[:n])
                if there >= 0 or n in above:
                    raise ValueError("file and folder: " + path[:n])
                more += 2 * (there == -2)
                n = path.find("/", n + 1)
            there = _size("/" + path)
            if there == -1:
                raise ValueError("file and folder: " + path)
            if self.copies and _size(_at(i)) >= 0:
                more += max(0, size // block + 1 - max(0, there) // block)
            above.append(len(path))
            last = path
        room(more * block + 3 * _size(_at("list")))  # journal, and the manifest twice

    def _write(self, journal):
        """Write the manifest to be, and the journal."""
        version = json.dumps(self.version)
        with self.open("version", "w") as f:
            f.write('{"version":%s}' % version)
        with self.open("manifest", "w") as out:
            out.write(_HEAD)
            for i, entry in self._items():
                yield 0
                _entry(out, entry)
                self._put(journal, i, entry[0], False)
            for entry in _installed():
                yield 0
                path = entry[0]
                other = self.partial and _sibling(path)
                if self.find(path) or other and self.find(other):
                    continue
                if self.partial:
                    _entry(out, entry)
                elif not self.wipe and not files.kept(path):
                    journal.write("r /%s\n" % path)
            out.write('},"version":%s}\n' % version)
        if self.wipe:
            for entry in os.ilistdir("/"):
                if len(entry) > 3 and not files.kept(entry[0]):  # a mount point has no size
                    yield from self._wipe(journal, entry[0], entry[1])
        for name in ("version", "manifest"):
            journal.write("p /ota_stage/%s /ota_%s.json\n" % (name, name))
        for i, entry in self._items():
            self._put(journal, i, entry[0], True)
        journal.write("end\n")

    def _wipe(self, journal, path, kind):
        """Lines for all below a path that the update does not name."""
        yield 0
        if kind & 0x4000:
            for entry in os.ilistdir("/" + path):
                yield from self._wipe(journal, path + "/" + entry[0], entry[1])
            journal.write("d /%s\n" % path)  # if it is empty then
        elif not self.find(path):
            journal.write("r /%s\n" % path)

    def _put(self, journal, i, path, last):
        if _size(_at(i)) >= 0 and (path.lower() in _LAST) == last:
            journal.write("p %s /%s\n" % (_at(i), path))
            other = _sibling(path)
            if other and _size("/" + other) >= 0:
                journal.write("r /%s\n" % other)


def _settle():
    """Done or discarded: nothing is under way any more."""
    try:
        for _ in replay():
            pass
    except OSError:
        discard()  # a new update must not be held up by one that cannot be finished


def _sync():
    if hasattr(os, "sync"):
        os.sync()


def _sibling(path):
    """x.py for x.mpy and the reverse: with both on the board the source would win."""
    stem, dot, kind = path.rpartition(".")
    other = {"py": "mpy", "mpy": "py"}.get(kind)
    return other and dot and stem + dot + other


def _holds(path, size, sha, buf):
    """Whether the file is on the board with this size and hash; a generator."""
    if _size("/" + path) != size:
        return False
    total = digest.sha256()
    with open("/" + path, "rb") as f:
        n = f.readinto(buf)
        while n:
            total.update(buf[:n])
            yield 0
            n = f.readinto(buf)
    return digest.hexed(total.digest()) == sha


def _installed():
    """The installed manifest's (path, size, sha); a broken one names nothing."""
    try:
        with open("/ota_manifest.json") as f:
            if f.readline(12) == _HEAD:
                for line in f:
                    if line[0] != "}":
                        yield _item(line)
            else:  # of 1.0
                f.seek(0)
                for path, entry in json.load(f)["files"].items():
                    yield files.pushed(path), entry["size"], entry["sha256"]
    except MemoryError:
        raise
    except Exception:
        pass

# Staging and commit of one update: files lie as /ota_stage/0, 1, … until all of them are proven,
# then they are renamed into place. What the update names is a list on flash, a line per file, as
# is the installed manifest: memory does not grow with their number.
import json
import os

from micropython import const

from uota import digest, files
from uota.boot_guard import recover

_HEX = const("0123456789abcdef")
_HEAD = const('{"files":{\n')  # how an installed manifest of ours begins


def room(size):
    """ValueError unless `size` more bytes fit, with some blocks for what names them."""
    block, _, _, free = os.statvfs("/")[:4]
    free *= block
    size += 4 * block
    if size > free:
        raise ValueError("flash full: needs %d bytes, %d free" % (size, free))


def _size(path):
    """Of a file; -1 for a folder, -2 where nothing is."""
    try:
        st = os.stat(path)
    except OSError:
        return -2
    return -1 if st[0] & 0x4000 else st[6]


def _at(name):
    return "/ota_stage/%s" % name


def _item(line):
    """(path, size, sha) of a line `,"PATH":{"size":N,"sha256":"HEX"}`."""
    parts = line.split('"')
    return parts[1], int(parts[4][1:-1]), parts[7]


def _write(f, entry):
    f.write('%s"%s":{"size":%d,"sha256":"%s"}\n' % (("" if f.tell() < 12 else ",",) + entry))


class Commit:
    def __init__(self, partial):
        self.partial = partial  # merge into what is installed, delete nothing
        self.version = ""
        self.need = 0  # bytes of flash, for the files that are not there in this size
        self._last = ""
        recover()
        os.mkdir("/ota_stage")
        self._list = self.open("list", "w")

    def open(self, name, mode="r"):
        return open(_at(name), mode)

    def discard(self):
        """Forget the update; harmless after finish()."""
        self._list.close()
        recover()

    def add(self, path, size, sha):
        """The next file that the update names."""
        order = files.pushed(path) > self._last
        self._last = path
        if not order or type(size) is not int or size >> 31 or len(sha) != 64 or sha.strip(_HEX):
            raise ValueError("bad entry: " + path)
        if _size("/" + path) != size:
            self.need += size
        _write(self._list, (path, size, sha))

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
                if item[1][0] == path:
                    return item
            self._next = self._items()

    def finish(self, buf):
        """Check that all is there, then put it into place; a generator."""
        yield from self._check(buf)
        yield from self._merge()
        for i, entry in self._items():
            yield 0
            staged = _at(i)
            if _size(staged) >= 0:
                path = "/" + entry[0]
                os.rename(staged, path)
                other = _sibling(path)
                if other and _size(other) >= 0:
                    os.remove(other)
        with self.open("gone") as f:
            for line in f:
                _remove("/" + line[:-1])
        os.rename(_at("version"), "/ota_version.json")
        os.rename(_at("manifest"), "/ota_manifest.json")

    def _items(self):
        self._list.seek(0)
        for i, line in enumerate(self._list):
            yield i, _item(line)

    def _check(self, buf):
        for i, (path, size, sha) in self._items():
            yield 0
            if _size(_at(i)) < 0 and not (yield from _holds(path, size, sha, buf)):
                raise ValueError("missing " + path)
        for _, entry in self._items():
            _folders(entry[0])
        for _, entry in self._items():
            if _size("/" + entry[0]) == -1:
                raise ValueError("file and folder: " + entry[0])

    def _merge(self):
        """Write the manifest to be, and the list of what goes."""
        version = json.dumps(self.version)
        with self.open("version", "w") as f:
            f.write('{"version":%s}' % version)
        with self.open("manifest", "w") as out, self.open("gone", "w") as gone:
            out.write(_HEAD)
            for _, entry in self._items():
                _write(out, entry)
            for entry in _installed():
                yield 0
                path = entry[0]
                if self.find(path) or (self.partial and self.find(_sibling(path))):
                    continue
                if self.partial:
                    _write(out, entry)
                elif not files.kept(path):
                    gone.write(path + "\n")
            out.write('},"version":%s}\n' % version)


def _sibling(path):
    """x.py for x.mpy and the reverse: with both on the board the source would win."""
    stem, dot, kind = path.rpartition(".")
    other = {"py": "mpy", "mpy": "py"}.get(kind)
    return other and stem + dot + other


def _folders(path):
    """Make the folders above a path."""
    n = path.find("/")
    while n > 0:
        size = _size("/" + path[:n])
        if size >= 0:
            raise ValueError("file and folder: " + path[:n])
        if size == -2:
            os.mkdir("/" + path[:n])
        n = path.find("/", n + 1)


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


def _remove(path):
    """Delete a file, and the folders that this leaves empty."""
    try:
        os.remove(path)
        while True:
            path = path.rpartition("/")[0]
            os.rmdir(path)
    except OSError:
        pass  # not there, or the folder holds something, or it is the root


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

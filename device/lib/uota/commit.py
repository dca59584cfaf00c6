# Staging and commit of one update: files lie as /ota_stage/0, 1, … until all of them are proven,
# then they are renamed into place. What the update names is a list on flash, a line per file in
# code-point order, and so is the installed manifest: memory does not grow with their number.
import json
import os

from uota import digest, files
from uota.boot_guard import rmtree

_STAGE = "/ota_stage"
_INSTALLED = "/ota_manifest.json"
_HEAD = '{"version":%s,"files":{\n'


def number(text):
    """A length or count as a peer writes it: digits, below 2^32."""
    if not text.isdigit() or len(text) > 10:
        raise ValueError("bad number")
    return int(text)


def room(size):
    """ValueError unless `size` more bytes fit, with some blocks for what names them."""
    st = os.statvfs("/")
    free = st[0] * st[3]
    need = size + 4 * st[0]
    if need > free:
        raise ValueError("flash full: needs %d bytes, %d free" % (need, free))


def _kind(path):
    """'' where nothing is, '/' for a folder, 'f' for a file."""
    try:
        return "/" if os.stat(path)[0] & 0x4000 else "f"
    except OSError:
        return ""


def _sibling(path):
    """x.py for x.mpy and the reverse: with both on the board the source wins."""
    if path.endswith(".mpy"):
        return path[:-3] + "py"
    return path[:-2] + "mpy" if path.endswith(".py") else None


def _item(line):
    """(path, size, sha) of a line of the list."""
    size, sha, path = line[:-1].split(" ", 2)
    return path, int(size), sha


class Commit:
    def __init__(self, partial):
        self.partial = partial  # merge into what is installed, delete nothing
        self.version = None
        self._last = ""
        self._above = []  # the paths that the last one begins with
        self.discard()
        os.mkdir(_STAGE)
        self._list = self.open("list", "w")

    def open(self, name, mode="wb"):
        return open("%s/%s" % (_STAGE, name), mode)

    def discard(self):
        """Forget the update; harmless after finish()."""
        if hasattr(self, "_list"):
            self._list.close()
        if _kind(_STAGE):
            rmtree(_STAGE)

    def add(self, path, size, sha):
        """The next file that the update names."""
        files.pushed(path)
        if path <= self._last:
            raise ValueError("paths not in order: " + path)
        while self._above and not path.startswith(self._above[-1]):
            self._above.pop()
        for other in self._above:
            if path[len(other)] == "/":
                raise ValueError("both file and folder: " + other)
        self._above.append(path)
        self._last = path
        if not 0 <= size < 1 << 31:
            raise ValueError("bad size of " + path)
        if len(sha) != 64 or sha.strip("0123456789abcdef"):
            raise ValueError("bad sha256 of " + path)
        room(size)
        self._list.write("%d %s %s\n" % (size, sha, path))

    def seal(self, version):
        """The list is complete, and whatever signature is due was right."""
        if not 0 < len(version.encode()) <= 64 or min(version) < " " or "\x7f" in version:
            raise ValueError("bad version")
        self._list.close()
        self._list = self.open("list", "r")
        self._next = 0
        self.version = version

    def find(self, path):
        """The index of a listed path; its size and sha as attributes. Cheap in list order."""
        for _ in (0, 1):
            for line in self._list:
                i = self._next
                self._next += 1
                name, self.size, self.sha = _item(line)
                if name == path:
                    return i
            self._list.seek(0)
            self._next = 0
        raise ValueError("not in the manifest: " + path)

    def finish(self, buf):
        """Check that all is there, then put it into place; a generator."""
        yield from self._check(buf)
        yield from self._merge()
        for i, (path, _, _) in self._items():
            yield 0
            staged = "%s/%d" % (_STAGE, i)
            if _kind(staged):
                self._install(staged, path)
        with self.open("gone", "r") as f:
            for line in f:
                _remove(line[:-1])
        os.rename(_STAGE + "/version", "/ota_version.json")
        os.rename(_STAGE + "/manifest", _INSTALLED)

    def _items(self):
        self._list.seek(0)
        for i, line in enumerate(self._list):
            yield i, _item(line)

    def _check(self, buf):
        for i, (path, size, sha) in self._items():
            yield 0
            n = path.find("/")
            while n > 0:
                if _kind("/" + path[:n]) == "f":
                    raise ValueError("a file, not a folder: " + path[:n])
                n = path.find("/", n + 1)
            if _kind("/" + path) == "/":
                raise ValueError("a folder, not a file: " + path)
            if not _kind("%s/%d" % (_STAGE, i)):
                if not (yield from _holds("/" + path, size, sha, buf)):
                    raise ValueError("missing " + path)

    def _merge(self):
        """Write the manifest to be, and the list of what goes."""
        with self.open("version", "w") as f:
            json.dump({"version": self.version}, f)
        out = self.open("manifest", "w")
        gone = self.open("gone", "w")
        out.write(_HEAD % json.dumps(self.version))
        end = ""
        old = _installed(self)
        new = self._items()
        a, b, last = _after(old), _after(new), None
        while a or b:
            yield 0
            if b and (not a or b[1][0] <= a[0]):
                entry = b[1]
                if a and a[0] == entry[0]:
                    a = _after(old)
                last, b = entry[0], _after(new)
            else:
                entry, a = a, _after(old)
                other = _sibling(entry[0])
                if other and (other == last or b and other == b[1][0]):
                    continue
                if not self.partial:
                    if not files.kept(entry[0]):
                        gone.write(entry[0] + "\n")
                    continue
            out.write('%s%s:{"size":%d,"sha256":"%s"}' % ((end, json.dumps(entry[0])) + entry[1:]))
            end = ",\n"
        out.write("\n}}\n")
        out.close()
        gone.close()

    def _install(self, staged, path):
        n = path.find("/")
        while n > 0:
            if not _kind("/" + path[:n]):
                os.mkdir("/" + path[:n])
            n = path.find("/", n + 1)
        os.rename(staged, "/" + path)
        other = _sibling(path)
        if other and _kind("/" + other) == "f":
            os.remove("/" + other)


def _after(items):
    for item in items:
        return item


def _holds(path, size, sha, buf):
    """Whether the file is on the board with this size and hash; a generator."""
    try:
        if os.stat(path)[6] != size:
            return False
        total = digest.sha256()
        with open(path, "rb") as f:
            n = f.readinto(buf)
            while n:
                total.update(buf[:n])
                yield 0
                n = f.readinto(buf)
    except OSError:
        return False
    return digest.hexed(total.digest()) == sha


def _remove(path):
    """Delete a file, and the folders that this leaves empty."""
    try:
        os.remove("/" + path)
        while "/" in path:
            path = path.rsplit("/", 1)[0]
            os.rmdir("/" + path)
    except OSError:
        pass  # not there, or the folder holds something


def _installed(job):
    """The installed manifest's (path, size, sha) in order; one that 1.0 wrote is sorted first."""
    try:
        f = open(_INSTALLED)
    except OSError:
        return
    with f:
        if not f.readline(160).endswith('"files":{\n'):
            yield from _foreign(job, f)
            return
        for line in f:
            if line[0] == '"':
                ((path, entry),) = json.loads("{%s}" % line.rstrip(",\n")).items()
                yield path, entry["size"], entry["sha256"]


def _foreign(job, f):
    f.seek(0)
    try:
        named = json.load(f)["files"]
        items = [(p, named[p]["size"], named[p]["sha256"]) for p in sorted(named)]
    except MemoryError:
        raise ValueError("installed manifest too large: `uota bootstrap` writes it anew")
    except (ValueError, KeyError, TypeError):
        return  # broken: nothing is known to be installed
    for path, size, sha in items:
        try:
            yield files.pushed(path), size, sha
        except ValueError:
            pass

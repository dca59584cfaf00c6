# Staging and commit of one update: files lie as /ota_stage/0, 1, … until all of them are proven;
# then a journal says what becomes of them, and boot_guard does it, now or after a power cut. What
# it replaces goes to /ota_kept, with a list there that is a journal for the way back. What the
# update names is a list on flash, a line per file, as are the journals and the installed manifest:
# memory does not grow with their number.
import json
import os

from micropython import const

from uota import digest, files
from uota.boot_guard import commit, failed, free, kept, replay, rmtree, size as _size, trial

_HEX = const("0123456789abcdef")
_HEAD = const('{"files":{\n')  # how an installed manifest of ours begins
_LAST = const(("lib/uota/boot_guard.py", "boot.py"))  # put into place when all else is
_KEPT = const("/ota_kept/")
_SPARE = const(16384)  # for what nobody counts
_TRIAL = const("/ota_trial.json")


def room(size):
    """ValueError unless `size` more bytes fit, with some blocks for what names them."""
    size += _SPARE
    if size > free():
        more = "; --no-rollback gives up what is kept" if _size(_KEPT + "list") >= 0 else ""
        raise ValueError("flash full: needs %d bytes, %d free%s" % (size, free(), more))


def _at(name):
    return "/ota_stage/%s" % name


def _item(line):
    """(path, size, sha) of a line `,"PATH":{"size":N,"sha256":"HEX"}`."""
    parts = line.split('"')
    return parts[1], int(parts[4][1:-1]), parts[7]


def _entry(f, entry):
    f.write('%s"%s":{"size":%d,"sha256":"%s"}\n' % (("" if f.tell() < 12 else ",",) + entry))


class Commit:
    _kept = None  # the list for the way back
    old = None  # the list of what is kept, where a trial is on: that stays
    _proof = False  # somebody must come through before the trial passes

    def __init__(self, partial, words=(), up=()):
        self.partial = partial  # merge into what is installed, delete nothing
        self.wipe = "wipe" in words  # delete also what no update has brought, as the command does
        self.keep = "no-rollback" not in words
        self.force = "force" in words
        self.up = up  # transports that are up, and must be again
        self.version = ""
        self.need = 0  # bytes of flash, for the files that are not there in this size
        self._last = ""
        self._settle()
        os.mkdir("/ota_stage")
        self.copies = _size("/OTA_STAGE") == -1  # FAT, where names have no case: never rename
        self._list = self.open("list", "w")

    def open(self, name, mode="r"):
        return open(_at(name), mode)

    def discard(self):
        """Forget the update; harmless after finish()."""
        for f in self._list, self.old, self._kept:
            if f:  # a file of FAT that is closed late would be written over what has come since
                f.close()
        self._settle()

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
        self._next = self._items()
        named = digest.sha256(version)
        for _, entry in self._items():
            named.update("\n%s:%s" % (entry[0], entry[2]))
        self.id = digest.hexed(named.digest())[:16]
        back = failed()
        if back.get("id") == self.id and not self.force:
            text = "refused: %s failed on this board (%s); change it, or --force"
            raise ValueError(text % (version, back.get("why")))
        # What the version on trial would go back to is kept, whatever is to be done without.
        self.old = trial() is not None and kept() and open(_KEPT + "list")
        if not self.keep and not self.old and _size("/ota_kept") > -2:
            rmtree("/ota_kept")

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
            yield from self._write(journal)
        commit(name, not self.copies)  # from here on all is new
        yield from replay()

    def _items(self):
        with self.open("list") as f:
            for i, line in enumerate(f):
                yield i, _item(line)

    def _check(self, buf):
        """All files are here, none is where a folder must be, and what is needed besides fits."""
        last = ""
        above = []  # lengths of the listed paths that the last one begins with
        block = os.statvfs("/")[0]
        more = 0  # blocks: for folders, and on FAT for what a copy needs beyond what it replaces
        for i, (path, size, sha) in self._items():
            yield 0
            if self.copies:
                self._on_fat(path)
            if (yield from _holds(path, size, sha, buf)):
                if _size(_at(i)) >= 0:
                    os.remove(_at(i))  # nothing to replace, nothing to keep
            elif _size(_at(i)) < 0:
                raise ValueError("missing " + path)
            else:
                low = path.lower()
                if low[:9] == "lib/uota/" or low == "config/ota.json":
                    self._proof = True
                if low in ("boot.py", "main.py"):
                    self._compile(_at(i), path)
                elif low in ("boot.mpy", "main.mpy", "lib/uota/boot_guard.mpy"):
                    raise ValueError("always source: " + path)
            above = [n for n in above if last[:n] == path[:n]]
            there = _size("/" + path)
            clash = path if there == -1 else ""
            n = path.find("/")
            while n > 0:
                up = -1 if last[: n + 1] == path[: n + 1] else _size("/" + path[:n])
                if up >= 0 or n in above:
                    clash = path[:n]
                more += 2 * (up == -2)
                n = path.find("/", n + 1)
            if clash:
                raise ValueError("file and folder: " + clash)
            if self.copies and _size(_at(i)) >= 0:
                more += max(0, size // block + 1 - max(0, there) // block)
            above.append(len(path))
            last = path
        self.need = more * block + 4 * _size(_at("list"))

    def _on_fat(self, path):
        """ValueError for a name that FAT does not take, or takes for that of another file."""
        low = path.lower()
        for _, other in self._items() if path != low else ():
            if other[0] != path and other[0].lower() == low:
                path = "?"
        for ch in ":*?<>|":
            if ch in path:
                raise ValueError("not on FAT: " + low)

    def _compile(self, name, path):
        """What would keep the board from starting is refused: nobody would be left to go back."""
        with open(name) as f:
            text = f.read()
        if path.lower() == "boot.py" and "ota_guard" not in text and not self.force:
            raise ValueError("boot.py does not start the agent (--force)")
        try:
            compile(text, path, "exec")
        except SyntaxError as e:
            raise ValueError("%s does not compile: %s" % (path, e))
        except MemoryError:
            pass  # it may be too large to be looked at beside the app

    def _write(self, journal):
        """Write the manifest to be, the journal, and the list of what is kept."""
        self._journal = journal
        self._kept = self.open("kept", "w")
        for f in journal, self._kept:
            f.write("---- 1 copy\n" if self.copies else "uota 1 move\n")
        self._drop_old()
        self._again(False)
        version = json.dumps(self.version)
        with self.open("version", "w") as f:
            f.write('{"version":%s}' % version)
        with self.open("manifest", "w") as out:
            out.write(_HEAD)
            for i, entry in self._items():
                yield 0
                _entry(out, entry)
                self._put(_at(i), entry[0], False)
            for entry in _installed():
                yield 0
                path = entry[0]
                other = self.partial and _sibling(path)
                if self.find(path) or other and self.find(other):
                    continue
                if self.partial:
                    _entry(out, entry)
                elif not self.wipe and not files.kept(path):
                    self._remove(path)
            out.write('},"version":%s}\n' % version)
        if self.wipe:
            for entry in os.ilistdir("/"):
                if len(entry) > 3 and not files.kept(entry[0]):  # a mount point has no size
                    yield from self._wipe(entry[0], entry[1])
        self._try()
        for name in ("version", "manifest"):
            self._put(_at(name), "ota_%s.json" % name, False)
        self._again(True)
        for i, entry in self._items():
            self._put(_at(i), entry[0], True)
        self._kept.write("r %s\nr /ota_boot_state.json\n" % _TRIAL)
        self._kept.write("end\n" if self.copies else "x /ota_kept\nend\n")
        self._kept.close()
        journal.write("end\n")
        room(self.need)  # with all else written: from here on it may not fail

    def _drop_old(self):
        """What was kept goes first, since it frees its room; in a trial it stays."""
        self._number = 0
        if self.keep and _size("/ota_kept") == -1:
            for entry in os.ilistdir("/ota_kept"):
                if entry[0].isdigit():
                    self._number = max(self._number, int(entry[0]) + 1)
                    if not self.old:
                        self._journal.write("r %s%s\n" % (_KEPT, entry[0]))
        elif _size("/ota_kept") > -2:
            self._journal.write("x /ota_kept\n")

    def _again(self, last):
        """The lines of what is kept already, with those that come last or without them."""
        if self.keep and self.old:
            self.old.seek(0)
            self.old.readline()
            for line in self.old:
                if line[2:-1] == _TRIAL:
                    break  # from here on it is of our own
                if (line.split(" /")[-1][:-1].lower() in _LAST) == last:
                    self._kept.write(line)

    def _try(self):
        """Lines that put the new version on trial; without a way back there is none."""
        if self.keep:
            app = max(_size("/app/app.py"), _size("/app/app.mpy")) >= 0
            found = {"id": self.id, "up": self.up, "app": app, "proof": self._proof}
            with self.open("trial", "w") as f:
                json.dump(found, f)
            self._journal.write("p %s %s\n" % (_at("trial"), _TRIAL))
            self._journal.write("p %s %slist\n" % (_at("kept"), _KEPT))
        else:
            self._journal.write("r %s\nr /ota_crash.json\n" % _TRIAL)

    def _wipe(self, path, kind):
        """Lines for all below a path that the update does not name."""
        yield 0
        if min(path) < " ":
            return  # it would be a line of its own
        if kind & 0x4000:
            entry = None
            for entry in os.ilistdir("/" + path):
                yield from self._wipe(path + "/" + entry[0], entry[1])
            self._journal.write("d /%s\n" % path)  # if it is empty then
            if not entry:
                self._kept.write("m /%s\n" % path)
        elif not self.find(path):
            self._remove(path)

    def _put(self, staged, path, last):
        if _size(staged) >= 0 and (path.lower() in _LAST) == last:
            self._keep(path)
            self._journal.write("p %s /%s\n" % (staged, path))
            other = _sibling(path)
            if other and _size("/" + other) >= 0 and not self.find(other):
                self._remove(other)

    def _remove(self, path):
        self._keep(path)
        self._journal.write("r /%s\n" % path)

    def _keep(self, path):
        """Lines that keep what is at a path, and bring it back; not what came with the trial."""
        if not self.keep or path[:5].lower() == "data/" or self.old and self._has(path):
            return
        there = _size("/" + path)
        how = "r" if there < 0 else "e"
        if there > 0:
            how = "p %s%d" % (_KEPT, self._number)
            self._number += 1
            # Moving out of the root could hide boot.py from a boot after a cut: see _settle().
            copy = self.copies or path.lower() in _LAST or "/" not in path and path[:4] != "ota_"
            self.need += there + 4096 if copy else 512
            self._journal.write("%s%s /%s\n" % ("c" if copy else "k", how[1:], path))
        self._kept.write("%s /%s\n" % (how, path))

    def _has(self, path):
        self.old.seek(0)
        for line in self.old:
            if line.endswith(" /%s\n" % path):
                return True

    def _settle(self):
        """Done or discarded: nothing is under way any more."""
        for _ in replay():
            pass


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

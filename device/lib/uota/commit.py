# One update while it is staged: its files lie as /ota_stage/0, 1, … until all of them are proven
# (those of protocol 2, which outlive a reset, in /ota_part). What it names is a list on flash, a
# line per file, as are the journals and the installed manifest: memory does not grow with their
# number. install.py puts it into place.
import uos

from uota import base

_HEX = const("0123456789abcdef")
_JOURNAL = const("/ota_journal")
_STAGE = const("/ota_stage")
_PART = const("/ota_part")
_KEPT = const("/ota_kept")


class Finder:
    """Finds (index, (path, …)) again in a list on flash; cheap in the list's order."""

    def __init__(self, items, fold):
        self.items, self.fold = items, fold
        self.next = items()

    def __call__(self, path, index=-2):
        for _ in (0, 1):
            for item in self.next:
                name = item[1][0]
                if item[0] == index or name == path:
                    return item
                if self.fold and name.lower() == path.lower():
                    return item
            self.next = self.items()

    def close(self):
        self.next.close()


class Commit:
    version = id = last = ""
    counter = 0
    stage = _STAGE
    lib = "lib"  # of it nothing is deleted
    verify = True  # trust no recorded time
    need = 0  # bytes of flash, for the files that are not there in this size
    resumed = False  # a part of it had been staged before
    done = False  # it is committed: the board must reset
    adopts = False  # what it names is there, but no update has brought it
    proof = False  # somebody must come through before the trial passes
    partial = False  # merge into what is installed, delete nothing else
    old = None  # the list of what is kept, where a trial is on: that stays
    find = known = list = kept = None
    above = ()  # lengths of the listed paths that the last one begins with

    def __init__(self, conn, words, known):
        for word in words:
            if word not in known.split():
                raise ValueError("unknown: " + word)
        self.conn = conn
        self.resumes = bool(conn.records)  # what is staged stays, and times are recorded
        self.wipe = "wipe" in words  # delete also what no update has brought, as the command does
        self.keep = "no-rollback" not in words
        self.force = "force" in words
        up = conn.loop.up
        self.up = list(filter(up.get, up))  # transports that must be up again
        self.settle()
        if self.resumes:
            self.stage, self.lib = _PART, "lib/uota"
            self.verify = "verify" in words or base.size("/ota_touched") > -2
        else:
            base.remove(_PART)
        if base.size(self.stage) == -2:
            uos.mkdir(self.stage)
        # On FAT, where names have no case: never rename.
        self.copies = base.size(self.stage.upper()) == -1
        conn.loop.updating = True

    def at(self, name):
        return "%s/%s" % (self.stage, name)

    def open(self, name, *args):
        return open(self.at(name), *args)

    def close(self):
        """Forget the update; one that is committed is for the next boot, which comes soon."""
        self.conn.loop.updating = False
        if base.size(_JOURNAL) > -2 and not self.copies:
            self.done = True  # whatever has come between
        for f in self.list, self.old, self.kept, self.find, self.known:
            if f:  # a file of FAT that is closed late would be written over what has come since
                f.close()
        if self.done:
            self.conn.loop.reset_soon()  # whether or not the peer still hears of it
        else:
            self.settle()

    def settle(self):
        """Nothing is under way any more."""
        if base.size(_JOURNAL) > -2:
            from uota import boot_guard

            for _ in boot_guard.replay():
                pass
        else:
            base.remove(_STAGE)

    def append(self, path, size, sha):
        """The next file that the update names."""
        last = self.last
        order = base.pushed(path) > last
        self.last = path
        if not order or type(size) is not int or size >> 31 or len(sha) != 64 or sha.strip(_HEX):
            raise ValueError("bad entry: " + path)
        if self.resumes:
            self.nest(path, last)
        else:
            if not self.list:
                self.list = self.open("list", "w")
            self.list.write("%d %s %s\n" % (size, sha, path))

    def nest(self, path, last):
        """No listed path is a folder of another."""
        above = [len(path)]
        for n in self.above:
            if last[:n] == path[:n]:
                if path[n : n + 1] == "/":
                    raise ValueError("file and folder: " + path[:n])
                above.append(n)
        self.above = above

    def wants(self, path, size, staged=0):
        """Count the room that a file takes, but for what is staged of it."""
        there = base.size("/" + path)
        if self.resumes or there != size:
            self.need += size - staged
            if self.copies:
                self.need += max(0, size - max(0, there))

    def seal(self, version):
        """The list is complete, and whatever signature is due was right."""
        self.version = base.plain(version, 64)
        if not self.resumes:
            (self.list or self.open("list", "w")).close()
            named = base.sha256(version)
            for _, (path, _, sha) in self.items():
                named.update("\n%s:%s" % (path, sha))
            self.id = base.end(named)
        self.find = Finder(self.items, self.copies)
        back = base.failed()
        if back.get("id") == self.id[:16] and not self.force:
            text = "refused: %s failed on this board (%s); change it, or --force"
            raise ValueError(text % (version, back.get("why")))
        # What the version on trial would go back to is kept, whatever is to be done without.
        self.old = base.trial() is not None and base.way_back()
        if not self.resumes:
            self.let_go()

    def let_go(self):
        """Make room where no way back is wanted."""
        if not (self.keep or self.old):
            base.remove(_KEPT)

    def items(self):
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

# The push of protocol 2: a manifest of lines, an inventory of what is missing, and that alone, in
# deflated messages. All of it is staged in /ota_part, the manifest as its `list`, and stays there
# when the connection or the board is lost; nothing there is trusted before it is checked again.
# Imported for a push only.
import gc
import io
import os
import sys
import time

from micropython import const

from uota import digest, files
from uota.state import load, rmtree, size as size_of
from uota.commit import Commit, hashes, installed, room
from uota.ota import Refused
from uota.session2 import counter, installed as installed_id

try:
    import deflate
except ImportError:
    deflate = None  # messages come as they are

_DATA = const(2)
_LINE = const(512)
_ROOM = const(32)  # that a message may be longer than its content
_MANIFEST = const(1048576)
_ENTRIES = const(10000)
_FLUSH = const(16384)
_ALIVE_MS = const(5000)
_LEAST = const(594)  # for a record without a message
_SPARE = const(4096)  # of heap, for all else
_WORDS = ("verify", "force", "no-rollback", "wipe")


def session(conn, arg):
    ident, size, *words = arg.split(" ")
    size = _number(size, _MANIFEST + 1)
    for word in words:
        if word not in _WORDS:
            raise ValueError("unknown: " + word)
    job = Update(conn, words)
    conn.loop.updating = True
    try:
        answer = yield from job.run(ident, size)
    finally:
        conn.loop.updating = False
        job.discard()
        if job.done:
            conn.loop.reset_soon()  # whether or not the peer still hears of it
    conn.open = not job.done
    yield from conn.say(answer)
    if job.done:
        raise EOFError


def _bad():
    return ValueError("bad manifest")


def _number(text, limit):
    if not text.isdigit() or len(text) > 16 or (text[0] == "0" and len(text) > 1):
        raise _bad()
    if int(text) >= limit:
        raise _bad()
    return int(text)


def _line(f):
    """The next line, without its end; None after the last."""
    line = f.readline(_LINE)
    if not line:
        return None
    try:
        if line[-1:] == b"\n":
            return str(line[:-1], "utf-8")
    except UnicodeError:
        pass
    raise _bad()


def lower(version, than):
    return _parts(version) < _parts(than)


def _parts(version):
    parts = version.replace("+", "-").split("-")[0].split(".")
    return [int(part) for part in parts if part.isdigit()]


class Messages:
    """What the host sends after `push`: content in messages, of one deflate stream."""

    def __init__(self, conn):
        self.conn = conn
        self.window, self.bits = 512, 0
        for window, bits in ((4096, 12), (1024, 10)):
            try:
                if deflate and not self.bits:
                    self._make(window, bits)
                    self.window, self.bits = window, bits
            except MemoryError:
                self.source = self.inflater = None
                gc.collect()

    def _make(self, window, bits):
        """Take what it needs, or MemoryError: mem_free() would not tell of the heap's holes."""
        buf = memoryview(bytearray(window + _ROOM + 34))
        self.source = io.BytesIO(window + _ROOM + 8)
        self.inflater = deflate.DeflateIO(self.source, deflate.RAW, bits)
        # One byte, since only the first one makes it take its window.
        self.end = self.source.write(b"\0\1\0\xfe\xffx")
        self.source.seek(0)
        self.inflater.read(1)
        bytearray(_SPARE)
        self.conn.buf = buf

    def next(self):
        """What comes next: (content, ""), or (b"", command); valid until the next call."""
        kind, payload = yield from self.conn.records.receive(self.window + _ROOM)
        if kind != _DATA:
            return b"", str(payload, "utf-8") or "?"
        n = int.from_bytes(payload[:2], "big")
        part = payload[2:]
        if part and 0 < n <= self.window:
            if self.bits:
                part = self._inflate(part, n)
            if len(part) == n:
                return part, ""
        raise ValueError("bad message")

    def _inflate(self, packed, n):
        source = self.source
        rest = source.read(self.end - source.tell())
        source.seek(0)
        self.end = source.write(rest) + source.write(packed)
        source.seek(0)
        out = self.conn.buf[:n]
        try:
            got = self.inflater.readinto(out)
        except OSError:
            return b""
        # At most the end of the sync flush is unread.
        return out[:got] if 0 <= self.end - source.tell() <= 6 else b""


class Update(Commit):
    stage = "/ota_part"
    lib = "lib/uota"
    resumes = True

    def __init__(self, conn, words):
        up = conn.loop.up
        super().__init__(False, words, [name for name in up if up[name]])
        self.verify = "verify" in words
        self.asks = not (self.force or self.wipe)  # whether there is anything to be done
        self.conn = conn
        self._in = Messages(conn)

    def run(self, ident, size):
        """All of it; what to answer."""
        self.id = ident
        if self.asks and ident == installed_id() and (yield from self._busy(self._whole())):
            return "same"
        if not (yield from self._busy(self._resume())):
            yield from self.conn.say("send %d %d" % (self._in.window, self._in.bits))
            if (yield from self._manifest(size)):
                return "ok"
            seen = yield from self._busy(self._read())
            yield from self._busy(self._accept(seen))
        missing = yield from self._busy(self._inventory())
        now = load("/ota_version.json").get("version")
        asks = not missing and self.asks and self.version == now
        if asks and not (yield from self._busy(self._surplus())):
            rmtree(self.stage)
            return "same"
        room(self.need)
        yield from self.conn.send("have %d %d\n" % (self._in.window, self._in.bits))
        with self.open("have") as f:
            for line in f:
                yield from self.conn.send(line)
        yield from self.conn.finish()
        if not (yield from self._files()):
            return "ok"
        self._in = None  # its window is heap that the commit may want
        self.conn.buf = self.conn.buf[:0]
        gc.collect()
        self.conn.buf = memoryview(bytearray(_LEAST))
        from uota import install

        yield from self._busy(install.finish(self, self.conn.buf))
        return "ok"

    def _busy(self, work):
        """Do what may take long, and say now and then that we are at it."""
        last = time.ticks_ms()
        while True:
            try:
                next(work)
            except StopIteration as e:
                self.conn.prove()  # it has waited for us
                return e.value
            yield 0
            if not self.done and time.ticks_diff(time.ticks_ms(), last) > _ALIVE_MS:
                self.conn.prove()
                yield from self.conn.send(b"")
                last = time.ticks_ms()

    # -- the manifest

    def _whole(self):
        """Whether all that is installed is as it was installed."""
        self.known = None
        for _, (path, size, sha, at) in installed():
            yield 0
            if size_of("/" + path) != size:
                return False
            known = not self.verify and at == os.stat("/" + path)[8]
            if not (known or (yield from hashes("/" + path, sha, self.conn.buf))):
                return False
        return True

    def _resume(self):
        """Whether what is staged is this very update, and could go on."""
        if size_of(self.at("list")) >= 0:
            seen = yield from self._read()
            if seen[2] == self.id:
                try:
                    yield from self._accept(seen)
                    return True
                except (ValueError, Refused):
                    return False  # signed again it may pass
        rmtree(self.stage)
        os.mkdir(self.stage)
        return False

    def _manifest(self, size):
        """Receive it; True if the host stops."""
        with self.open("list", "wb") as f:
            while size:
                part, word = yield from self._in.next()
                size -= len(part)
                if word == "stop":
                    return True
                if word or size < 0:
                    raise ValueError("unexpected" if word else "bad message")
                f.write(part)

    def _read(self):
        """(first line, the signature that is due, id) of the list."""
        mac = digest.mac(self.conn.key)
        mac.update(b"\xffuota 2 manifest")
        total = digest.sha256()
        buf = self.conn.buf
        with self.open("list", "rb") as f:
            first = f.readline(_LINE)
            mac.update(f.readline(_LINE))
            n = f.readinto(buf)
            while n:
                mac.update(buf[:n])
                total.update(buf[:n])
                yield 0
                n = f.readinto(buf)
        return first, digest.mac_hex(self.conn.key, mac), digest.hexed(total.digest())

    def _accept(self, seen):
        first = str(seen[0][:88], "utf-8")
        if self.conn.key:
            if not digest.same(first, "uota 2 hmac-sha256 %s\n" % seen[1]):
                raise Refused("sig_mismatch")
        elif first != "uota 2 none -\n" and (
            first[:19] != "uota 2 hmac-sha256 " or len(first) != 84
        ):
            raise _bad()
        needs = {}
        with self.open("list", "rb") as f:
            f.readline()
            version, down = self._head(f)
            yield from self._entries(f, needs)
        if seen[2] != self.id:
            raise _bad()
        for name in needs:
            if not _has(name, needs[name]):
                raise ValueError("refused: needs %s %s" % (name, needs[name]))
        last = counter()
        if self.counter <= last:
            raise ValueError("refused: counter %d is not above %d" % (self.counter, last))
        now = load("/ota_version.json").get("version")
        if not down and isinstance(now, str) and lower(version, now):
            raise ValueError("refused: %s is older than %s" % (version, now))
        self.seal(version)

    def _head(self, f):
        words = (_line(f) or "").split(" ")
        version = (_line(f) or "").partition("version ")
        scope = _line(f)
        down = words[2:] == ["downgrade"]
        if words[0] != "counter" or len(words) != 2 + down or version[0] or not version[1]:
            raise _bad()
        self.counter = _number(words[1], 1 << 53)
        if not self.counter or scope not in ("scope complete", "scope partial"):
            raise _bad()
        self.partial = scope == "scope partial"
        if self.partial and self.wipe:
            raise ValueError("unknown: wipe")
        try:
            return files.plain(version[2], 64), down
        except ValueError:
            raise _bad()

    def _entries(self, f, needs):
        self._last = gone = ""
        self._above = ()
        n = 0
        while True:
            line = _line(f)
            if line is None:
                return
            yield 0
            words = line.split(" ", 2)
            n += words[0] != "need"
            if n > _ENTRIES or len(needs) > 8 or (words[0] != "-" and gone):
                raise _bad()
            if words[0] == "need":
                if n or len(words) != 3 or " " in words[2] or not words[2] or words[1] in needs:
                    raise _bad()
                needs[words[1]] = words[2]
            elif words[0] == "-":
                path = line[2:]
                if files.kept(files.pushed(path), self.lib):
                    raise ValueError("protected")
                if not self.partial or path <= gone:
                    raise _bad()
                if not gone:
                    listed, name = self._items(), ""
                gone = path
                while name < path:
                    yield 0
                    i, entry = next(listed)
                    name = entry[0] if i >= 0 else chr(0x10FFFF)
                if name == path:
                    raise _bad()
            elif len(words) == 3:
                self.add(words[2], _number(words[0], 1 << 31), words[1])
            else:
                raise _bad()

    # -- the files

    def _inventory(self):
        """Write what is missing to `have`; whether anything is."""
        self.need = 0
        with self.open("have", "w") as f:
            for i, (path, size, sha) in self._items():
                yield 0
                if i < 0:
                    break
                name = self.at(i)
                there = size_of(name)
                if (yield from self.holds(path, size, sha, self.conn.buf)):
                    if there > -2:
                        os.remove(name)
                    continue
                if there >= size:
                    if there == size and (yield from hashes(name, sha, self.conn.buf)):
                        self.wants(path, size, size)
                        continue
                    os.remove(name)
                    there = 0
                f.write("%d %d\n" % (i, max(0, there)))
                self.wants(path, size, max(0, there))
            return f.tell() > 0

    def _surplus(self):
        """Whether there is anything to be deleted."""
        for i, entry in self._items():
            yield 0
            if i < 0 and size_of("/" + entry[0]) >= 0:
                return True
        if not self.partial:
            for _, entry in installed():
                yield 0
                path = entry[0]
                there = size_of("/" + path) >= 0 and not files.kept(path, self.lib)
                if there and not self.find(path):
                    return True

    def _missing(self):
        items = self._items()
        with self.open("have") as f:
            for line in f:
                n = int(line.split(" ")[0])
                for i, entry in items:
                    if i == n:
                        yield i, entry
                        break

    def _files(self):
        """Receive what is missing, in its order; True for `commit`, False for `stop`."""
        part, word = b"", ""
        for i, (path, size, sha) in self._missing():
            name = self.at(i)
            while size_of(name) != size:
                if size and not part:
                    part, word = yield from self._more(i)
                    if word:
                        if word == "stop":
                            return False
                        raise ValueError("missing " + path)
                    continue
                total = digest.sha256()
                with open(name, "ab") as f:
                    left = size - (yield from self._begun(name, total))
                    while left:
                        if not part:
                            part, word = yield from self._more(i + 1)
                            if word:
                                f.flush()
                                if word == "stop":
                                    return False
                                raise ValueError("missing " + path)
                        n = min(left, len(part))
                        f.write(part[:n])
                        total.update(part[:n])
                        part = part[n:]
                        if left // _FLUSH != (left - n) // _FLUSH:
                            f.flush()
                        left -= n
                if digest.hexed(total.digest()) != sha:
                    os.remove(name)
                    raise Refused("sha256_mismatch " + path)
        while not word:
            if part:
                raise ValueError("bad message")
            part, word = yield from self._more(1 << 31)
        return word == "commit"

    def _begun(self, name, total):
        """Hash what is staged of a file; its size."""
        size = max(0, size_of(name))
        if size:
            buf = memoryview(bytearray(_LINE))  # the other one holds what has come
            with open(name, "rb") as f:
                n = f.readinto(buf)
                while n:
                    total.update(buf[:n])
                    yield 0
                    n = f.readinto(buf)
        return size

    def _more(self, first):
        """The next content, or `commit` or `stop`; copies are made, of files from `first` on."""
        part, word = yield from self._in.next()
        name, _, arg = word.partition(" ")
        if name == "copy":
            good = yield from self._copy(first, *arg.split(" ", 1))
            yield from self.conn.say("ok" if good else "no")
            return b"", ""
        if word not in ("", "commit", "stop"):
            raise ValueError("unexpected")
        return part, word

    def _copy(self, first, index, source=""):
        """Stage a missing file from what is on the board; whether that worked."""
        index = _number(index, _ENTRIES)
        item = self.find("", index)
        name = self.at(index)
        if index < first or not item or size_of(name) > -2:
            return False
        path, size, sha = item[1]
        try:
            item = self.find(files.pushed(source))
        except ValueError:
            return False
        source = "/" + source
        if item and size_of(self.at(item[0])) == item[1][1]:
            source = self.at(item[0])
        if size_of(source) != size:
            return False
        total = digest.sha256()
        buf = self.conn.buf
        with open(source, "rb") as f, open(name, "wb") as out:
            n = f.readinto(buf)
            while n:
                out.write(buf[:n])
                total.update(buf[:n])
                yield 0
                n = f.readinto(buf)
        if digest.hexed(total.digest()) == sha:
            return True
        os.remove(name)
        return False


def _has(name, value):
    """Whether the board has what a manifest needs."""
    system = sys.implementation
    try:
        if name == "platform":
            return value == sys.platform
        if name == "mpy":
            return hasattr(system, "_mpy") and value == str(system._mpy & 255)
        if name == "micropython":
            return [int(part) for part in value.split(".")] <= list(system.version[:3])
        if name == "flash":
            st = os.statvfs("/")
            return int(value) <= st[1] * st[2]
    except ValueError:
        pass
    return False

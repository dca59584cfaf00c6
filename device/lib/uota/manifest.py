# The manifest of a push of protocol 2: whether it is staged or is to be sent, and whether it may be
# installed. The bytes that were checked are the ones that are used.
import uos
import sys

from uota import Refused, base

_LINE = const(512)
_MANIFEST = const(1048576)
_ENTRIES = const(10000)
_COUNTERS = const(1 << 53)
_SIGNED = const(b"uota 2 hmac-sha256 ")


def main(job, messages, fits, size):
    """Have it staged; True where the host stops."""
    size = _number(size, _MANIFEST + 1)
    conn = job.conn
    if not (yield from conn.busy(_resume(job))):
        yield from conn.say("send " + fits[:-1])
        with job.open("list", "wb") as f:
            while size:
                part, word = yield from messages.next()
                size -= len(part)
                if word == "stop":
                    return True
                if word or size < 0:
                    raise ValueError("unexpected" if word else "bad message")
                f.write(part)
        yield from conn.busy(_accept(job, (yield from conn.busy(_read(job)))))


def _bad():
    return ValueError("bad manifest")


def _number(text, limit):
    if not text.isdigit() or len(text) > 16 or text != str(int(text)) or int(text) >= limit:
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
    return list(map(int, filter(str.isdigit, parts)))


def _resume(job):
    """Whether what is staged is this very update, and could go on."""
    if base.size(job.at("list")) >= 0:
        seen = yield from _read(job)
        if seen[2] == job.id:
            job.resumed = True
            try:
                yield from _accept(job, seen)
                return True
            except (ValueError, Refused):
                return False  # signed again it may pass
    base.remove(job.stage)
    uos.mkdir(job.stage)
    return False


def _read(job):
    """(first line, the signature that is due, id) of the list."""
    key, buf = job.conn.key, job.conn.buf
    mac = base.mac(key)
    mac.update(b"\xffuota 2 manifest")
    total = base.sha256()
    with job.open("list", "rb") as f:
        first = f.readline(_LINE)
        mac.update(f.readline(_LINE))
        part = buf
        while part:
            part = buf[: f.readinto(buf)]
            mac.update(part)
            total.update(part)
            yield 0
    return first, base.mac_hex(key, mac), base.end(total)


def _accept(job, seen):
    first = seen[0]
    if job.conn.key:
        if not base.same(first, _SIGNED + seen[1].encode() + b"\n"):
            raise Refused("sig_mismatch")
    elif first != b"uota 2 none -\n" and (first[:19] != _SIGNED or len(first) != 84):
        raise _bad()
    job.last, job.above = "", ()
    needs = {}
    with job.open("list", "rb") as f:
        f.readline()
        version, down = _head(job, f)
        yield from _entries(job, f, needs)
    if seen[2] != job.id:
        raise _bad()
    for need in needs.items():
        if not _has(*need):
            raise ValueError("refused: needs %s %s" % need)
    last = base.counter()
    if job.counter <= last:
        raise ValueError("refused: counter %d is not above %d" % (job.counter, last))
    now = base.version()
    if not down and isinstance(now, str) and lower(version, now):
        raise ValueError("refused: %s is older than %s" % (version, now))
    job.seal(version)


def _head(job, f):
    words = (_line(f) or "").split(" ")
    version = (_line(f) or "").partition("version ")
    scope = _line(f)
    down = words[2:] == ["downgrade"]
    if words[0] != "counter" or len(words) != 2 + down or version[0] or not version[1]:
        raise _bad()
    job.counter = _number(words[1], _COUNTERS)
    job.partial = scope == "scope partial"
    if not (job.counter and (job.partial or scope == "scope complete")):
        raise _bad()
    if job.partial and job.wipe:
        raise ValueError("unknown: wipe")
    try:
        return base.plain(version[2], 64), down
    except ValueError:
        raise _bad()


def _entries(job, f, needs):
    gone = ""
    n = 0
    while (line := _line(f)) is not None:
        yield 0
        words = line.split(" ", 2)
        kind = words[0]
        n += kind != "need"
        if n > _ENTRIES or len(needs) > 8 or (kind != "-" and gone):
            raise _bad()
        if kind == "need":
            if n or len(words) != 3 or " " in words[2] or not words[2] or words[1] in needs:
                raise _bad()
            needs[words[1]] = words[2]
        elif kind == "-":
            path = line[2:]
            if base.kept(base.pushed(path), job.lib):
                raise ValueError("protected")
            if not job.partial or path <= gone:
                raise _bad()
            if not gone:
                listed, name, i = job.items(), "", 0
            gone = path
            while i >= 0 and name < path:
                yield 0
                i, entry = next(listed)
                name = entry[0]
            if i >= 0 and name == path:
                raise _bad()
        elif len(words) == 3:
            job.append(words[2], _number(kind, _COUNTERS), words[1])
        else:
            raise _bad()


def _has(name, value):
    """Whether the board has what a manifest needs."""
    system = sys.implementation
    try:
        if name == "platform":
            return value == sys.platform
        if name == "mpy":
            return hasattr(system, "_mpy") and value == str(system._mpy & 255)
        if name == "micropython":
            return list(map(int, value.split("."))) <= list(system.version[:3])
        if name == "flash":
            st = uos.statvfs("/")
            return int(value) <= st[1] * st[2]
    except ValueError:
        pass
    return False

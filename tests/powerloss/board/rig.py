# What the harness adds to the simulated board, in files of its own: a flash that logs or cuts every
# operation, a clock that may run faster, and a look at the file system from inside the board at
# the moment at which it listens. The agent on it is unmodified.
import micropython
import sys
import vfs
from hashlib import sha256
from micropython import const
from uctypes import bytearray_at
from ustruct import pack_into
from binascii import hexlify

import flash
import gil
import host
import sim_boot
import sim_os
import sim_select
import sim_socket
import sim_time

_ERASE, _PROGRAM, _SECTOR = 1, 2, 3  # in the log; a sector write replaces what was there
_READ = const(1)  # what becomes of a block of the flash first of all: read or changed,
_REPLACED = const(2)  # … or replaced as a whole
_remove = sim_os.remove

_LOOK, _TELL, _TOUCH = 1, 2, 4  # what is done where the agent listens
_TOLD = ("/ota_version.json", "/ota_manifest.json", "/ota_counter")  # given in full where asked for

_log = None
_reply = None
_cut = None
_buf = bytearray(512)
_head = bytearray(12)
disk = None


class Disk(flash.Flash):
    """Logs each operation before it is done, and loses power when `left` of them are done. The
    image's memory is the harness's: no system call per read. It is told, too, which blocks were
    read as they were before the boot. Nothing allocates, see flash.py.
    """

    logs = False
    left = -1
    half = False

    def __init__(self, file, size, label):
        super().__init__(file, size, label)
        self._bytes = bytearray_at(host.settings["image_at"], size)
        self._seen = bytearray_at(host.settings["seen_at"], size // flash.BLOCK)

    @micropython.viper
    def _read(self, block: int, buf, offset: int):
        """littlefs reads ten thousand times per boot, hence all in one. No bytecode with a jump, at
        which another thread could get its turn amid a file system that knows none.
        """
        seen = ptr8(self._seen)  # noqa: F821
        if not seen[block]:
            seen[block] = 1  # _READ
        here = ptr32(buf)  # noqa: F821
        there = ptr32(int(ptr8(self._bytes)) + (block << 12) + offset)  # noqa: F821
        for i in range(int(len(buf)) >> 2):
            here[i] = there[i]

    @micropython.viper
    def _program(self, at: int, buf, size: int, what: int):
        seen = ptr8(self._seen)  # noqa: F821
        if not seen[at >> 12]:
            seen[at >> 12] = what
        here = ptr32(buf)  # noqa: F821
        there = ptr32(int(ptr8(self._bytes)) + at)  # noqa: F821
        for i in range(size >> 2):
            there[i] = here[i]

    def writeblocks(self, block, buf, offset=None):
        if offset is not None:
            return self._do(_PROGRAM, block * flash.BLOCK + offset, buf)
        if len(buf) == flash.BLOCK:
            return self._do(_SECTOR, block * flash.BLOCK, buf)
        buf = memoryview(buf)
        for at in range(0, len(buf), flash.BLOCK):
            self._do(_SECTOR, block * flash.BLOCK + at, buf[at : at + flash.BLOCK])

    def _erase(self, block):
        self._do(_ERASE, block * flash.BLOCK, flash._ERASED)
        return 0

    def _do(self, kind, at, buf):
        if self.left == 0 and not self.half:
            self._die()
        if self.logs:
            pack_into("<III", _head, 0, kind, at, len(buf))
            _log.write(_head)
            if kind != _ERASE:
                _log.write(buf)
        if self.left == 0:
            self.half = False
            self._program(at, buf, len(buf) // 2, _READ)
            self._die()
        self.left -= 1
        self._program(at, buf, len(buf), _READ if kind == _PROGRAM else _REPLACED)

    def _die(self):
        # `left` stays 0: no other thread gets past it either.
        _cut.write(b"C")
        while True:
            sim_time._sleep(1)


class Sectors(Disk):
    """What FAT asks of it: whole blocks, some at once."""

    @micropython.viper
    def readblocks(self, block: int, buf):
        seen = ptr8(self._seen)  # noqa: F821
        here = ptr32(buf)  # noqa: F821
        there = ptr32(int(ptr8(self._bytes)) + (block << 12))  # noqa: F821
        size = int(len(buf))
        for i in range(size >> 2):
            here[i] = there[i]
        for n in range(block, block + (size >> 12)):
            if not seen[n]:
                seen[n] = 1  # _READ


def prepare(settings):
    global _log, _reply, _cut, disk
    _log = open(settings["log_fd"], "wb")
    _reply = open(settings["reply_fd"], "wb")
    _cut = open(settings["cut_fd"], "wb")
    flash.Flash = Sectors if settings["fs"] == "fat" else Disk
    gil.GIVE_UP_MS = 1 << 20  # not even on a very busy machine
    sim_boot.prepare(settings)
    disk = settings["flash"]
    vfs.umount("/rig")
    sys.modules["#rig"] = sys.modules["#sim"].__class__()
    sys.modules["#rig"].arm, sys.modules["#rig"].ended = arm, ended


def arm(logs, left, half, looks, speed, forget):
    """How this boot goes; called in it before anything else."""
    for path in forget:
        _forget(path)
    disk.logs, disk.left, disk.half = logs, left, half
    if speed > 1:
        _hurry(speed)
    if looks:
        # No port is taken, and the boot ends where the agent would wait for peers.
        sim_socket.socket.bind = lambda self, address: None
        sim_socket.socket.listen = lambda self, backlog=2: _look(looks)


def _hurry(speed):
    """Let time fly for the agent: its pauses and deadlines are as long as ever to it."""
    ticks, pause, found = sim_time._ticks_us, sim_time._sleep_us, sim_select.poll._found
    born = host.born_us()
    sim_time._ticks_us = lambda: born + (ticks() - born) * speed
    sim_time._sleep = lambda s: pause(int(s * 1000000) // speed)
    sim_time._sleep_ms = lambda ms: pause(ms * 1000 // speed)
    sim_time._sleep_us = lambda us: pause(us // speed)
    sim_select.poll._found = lambda self, ms, flags: found(
        self, ms if ms is None or ms <= 0 else (ms + speed - 1) // speed, flags
    )


def _forget(path):
    """A file is not there: the journal, so that its part is left out, or what the boots count."""
    if not path:
        return
    vfs.mount(disk, "/")
    try:
        _remove(path)
    except OSError:
        pass
    vfs.umount("/")


def ended():
    """boot.py and main.py have returned without ever listening."""
    _answer("dead\n")


def _look(how):
    if how & _TOUCH:
        _touch()
    text = "listening\n" + _tree()
    if how & _TELL:
        for path in _TOLD:
            text += "\n= %s %s" % (_hex(path), path)
    _answer(text)


def _answer(text):
    data = text.encode()
    _reply.write(b"%d\n" % len(data))
    _reply.write(data)
    while True:
        sim_time._sleep(1)


def _tree():
    """free blocks, then a line per file: size hash path, and folders as - - path."""
    fs = _fresh_mount()
    lines = ["%d" % fs.statvfs("/")[3]]
    _walk(fs, "", lines)
    return "\n".join(lines)


def _fresh_mount():
    """What is on the flash, whatever the board's own mount believes; cached well."""
    if host.settings["fs"] == "fat":
        return vfs.VfsFat(disk)
    return vfs.VfsLfs2(disk, readsize=flash.BLOCK // 4, progsize=flash.BLOCK // 4)


def _walk(fs, folder, lines):
    for entry in fs.ilistdir(folder or "/"):
        path = folder + "/" + entry[0]
        if entry[1] & 0x4000:
            lines.append("- - " + path)
            _walk(fs, path, lines)
        else:
            lines.append("%d %s %s" % (entry[3], _hash(fs, path), path))


def _touch():
    """A write: littlefs sorts out only with the next one what a cut has left in its tree."""
    with open("/touch", "w") as file:
        file.write("x")
    _remove("/touch")


def _hex(path):
    try:
        with open(path, "rb") as file:
            return hexlify(file.read()).decode()
    except OSError:
        return "-"


def _hash(fs, path):
    total = sha256()
    view = memoryview(_buf)
    try:
        with fs.open(path, "rb") as file:
            n = file.readinto(_buf)
            while n:
                total.update(view[:n])
                n = file.readinto(_buf)
    except OSError as error:
        return "unreadable:%d" % error.errno
    return hexlify(total.digest()).decode()

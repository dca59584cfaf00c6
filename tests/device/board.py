# What the agent's own tests run on, under the plain unix port: a fresh littlefs as /, the agent
# on sys.path, stand-ins for what a board has, and a peer that speaks to a session without sockets.
import gc
import os
import sys
import time
import vfs

_BLOCK = 4096
_RAM = 256  # blocks; a flash up to this size lies in memory where there is much of it
_here = sys.path[0]
resets = []


def _nameless():
    """A file of the host's that goes when we go."""
    name = "/tmp/uota-test-%d" % time.time_ns()
    file = open(name, "w+b")
    os.unlink(name)
    return file


_file = _nameless()
_ram, _kept = (bytearray(_RAM * _BLOCK) for _ in (0, 1)) if gc.mem_free() > 4 << 20 else (0, 0)
_view = memoryview(_ram or b"")


class Disk:
    def __init__(self, blocks):
        self.blocks = blocks
        if _ram and blocks <= _RAM:
            self.readblocks, self.writeblocks = _read, _write
        _file.seek(blocks * _BLOCK - 1)
        _file.write(b"\0")

    def readblocks(self, block, buf, off=0):
        _file.seek(block * _BLOCK + off)
        _file.readinto(buf)

    def writeblocks(self, block, buf, off=0):
        _file.seek(block * _BLOCK + off)
        _file.write(buf)

    def ioctl(self, op, arg):
        return {4: self.blocks, 5: _BLOCK, 6: 0}.get(op)


def _read(block, buf, off=0):
    off += block * _BLOCK
    if off < len(_view):  # FAT looks for itself in what another file system has left
        buf[:] = _view[off : off + len(buf)]


def _write(block, buf, off=0):
    off += block * _BLOCK
    _view[off : off + len(buf)] = buf


class _Rtc:
    def memory(self, data=None):
        if data is None:
            return machine.rtc
        machine.rtc = bytes(data)


class machine:
    PWRON_RESET, HARD_RESET, DEEPSLEEP_RESET, SOFT_RESET = 1, 2, 4, 5
    RTC = _Rtc
    rtc = b""
    cause = SOFT_RESET  # what the next boot is told

    @staticmethod
    def reset_cause():
        return machine.cause

    @staticmethod
    def reset():
        resets.append(time.ticks_ms())


def boot():
    """Once: the host's files move to /host, and the agent and the tests are found there."""
    root = _here + "/../.."
    host = vfs.VfsPosix(root)
    vfs.umount("/")
    fresh()
    vfs.mount(host, "/host")
    compiled = os.getenv("UOTA_COMPILED")  # the agent as a board has it, below `root`
    agent = "/host/" + (compiled or "device/lib")
    sys.path[:] = [agent, "/host/tests/device", ".frozen"]
    sys.modules["machine"] = machine


def fresh(blocks=256, fs=None):
    """An empty flash as /."""
    try:
        vfs.umount("/")
    except OSError:
        pass
    disk = Disk(blocks)
    fs = fs or vfs.VfsLfs2
    fs.mkfs(disk)
    vfs.mount(fs(disk), "/")
    os.chdir("/")


def keep():
    """Keep what is on the flash, one in memory, for back()."""
    _kept[:] = _ram


def back():
    """The littlefs that was kept as /."""
    vfs.umount("/")
    _ram[:] = _kept
    vfs.mount(vfs.VfsLfs2(Disk(_RAM)), "/")
    os.chdir("/")


def write(path, data=b""):
    parts = path.split("/")
    for n in range(2, len(parts)):
        try:
            os.mkdir("/".join(parts[:n]))
        except OSError:
            pass
    with open(path, "wb") as f:
        f.write(data)


def read(path):
    with open(path, "rb") as f:
        return f.read()


def exists(path):
    try:
        os.stat(path)
        return True
    except OSError:
        return False


class Loop:
    updating = False
    wrong = 0
    heard = False
    ending = False

    def __init__(self, boots=True):
        self.up = {}
        self.boots = boots  # whether a reset does at once what the boot after it would

    def reset_soon(self, safe=""):
        self.ending = True
        if self.boots:
            from uota import boot_guard

            for _ in boot_guard.replay():
                pass


class Stream:
    """What a peer has sent, in pieces of at most `piece` bytes, and what it gets back."""

    def __init__(self, piece):
        self.sent, self.got, self.piece, self.gone = b"", b"", piece, False

    def readinto(self, buf):
        n = min(len(buf), len(self.sent), self.piece)
        if not n:
            return 0 if self.gone else None
        buf[:n] = self.sent[:n]
        self.sent = self.sent[n:]
        return n

    def write(self, data):
        self.got += bytes(data)
        return len(data)


class Peer:
    """A host that talks to one session: say() gives what the board answers."""

    def __init__(self, loop=None, piece=1000):
        from uota import ota

        self.loop = loop or Loop()
        self.stream = Stream(piece)
        self.conn = ota.Conn(self.loop, self.stream)
        self.run = self.conn.run
        self.over = False
        self.each = lambda: None  # called at every turn
        self.say(b"")

    def say(self, data):
        self.stream.sent += data if isinstance(data, bytes) else data.encode()
        self.stream.got = b""
        idle = 0
        while not self.over and idle < 4:
            idle = 0 if self.stream.sent else idle + 1
            got = len(self.stream.got)
            try:
                idle = idle if next(self.run) == 1 else 0
            except (EOFError, StopIteration):
                self.over = True
            if len(self.stream.got) > got:
                idle = 0
            self.each()
        return self.stream.got

    def ask(self, line):
        return self.say(line + "\n").decode()

    def hang_up(self):
        self.stream.gone = True
        self.say(b"")
        assert self.over

"""Flash images from outside: made as `uota bootstrap` would leave a board, and looked into. The
file system is MicroPython's own, so an image is byte for byte what a board could hold."""

import contextlib
import fcntl
import os
import signal

from .engine import Engine
from .errors import SimError

BLOCK = 4096
_HEAP = 8 * 1024 * 1024

_TOOL = """
import sys, vfs, os
vfs.umount('/')
vfs.mount(vfs.VfsPosix(SETTINGS['board_dir']), '/sim')
sys.path[:] = ['/sim']
import flash_tool
flash_tool.begin(SETTINGS)
sys.modules['flash_tool'] = flash_tool
"""


def lock(fd, path):
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        raise SimError(f"{path}: another board is running on this image") from None


def blank(fd, size):
    os.ftruncate(fd, 0)
    block = b"\xff" * BLOCK * 64
    left = size
    while left:
        left -= os.write(fd, block[:left])


def check_size(fd, path):
    size = os.fstat(fd).st_size
    if size == 0 or size % BLOCK:
        raise SimError(f"{path}: not a flash image (its size is no multiple of {BLOCK} bytes)")
    return size


def _in_child(work):
    """MicroPython is started once per process: run `work` in another one."""
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            signal.set_wakeup_fd(-1)
            work()
            status = 0
        except SimError as error:
            os.write(2, f"uota-sim: {error}\n".encode())
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


def _open_tool(board_dir, fd, size, **more):
    settings = {"board_dir": board_dir, "image_fd": fd, "flash_size": size, **more}
    return Engine(_TOOL, settings, _HEAP)


def _do(engine, call):
    if engine.run("import flash_tool; flash_tool." + call):
        raise SimError("the image could not be used, see above")


def make(board_dir, fd, size, fs, files):
    """Format and write `files`, a list of (path on the board, bytes)."""
    blank(fd, size)

    def work():
        engine = _open_tool(board_dir, fd, size, fs=fs)
        _do(engine, "make()")
        for path, data in files:
            _do(engine, f"put({path!r}, {data!r})")

    if not _in_child(work):
        raise SimError("the image was not made: is the flash too small?")


def read_file(board_dir, path, name):
    """One file's bytes; None without it, or if no file system can be mounted."""
    reader, writer = os.pipe()

    def work():
        with contextlib.suppress(SimError), open(writer, "wb") as file:
            data = Reader(board_dir, path).read(name)
            file.write(b"" if data is None else b"=" + data)

    _in_child(work)
    os.close(writer)
    with open(reader, "rb") as file:
        data = file.read()
    return data[1:] if data else None


def file_system(path):
    """What the first sectors say: fat or littlefs."""
    with open(path, "rb") as file:
        head = file.read(2 * BLOCK)
    return "fat" if head[510:512] == b"\x55\xaa" and b"littlefs" not in head else "littlefs"


def put(board_dir, fd, size, files):
    """Write `files` into an image that exists."""

    def work():
        engine = _open_tool(board_dir, fd, size)
        for path, data in files:
            _do(engine, f"put({path!r}, {data!r})")

    if not _in_child(work):
        raise SimError("the image was not changed")


class Reader:
    """A snapshot of an image, so that a board may go on running on it."""

    def __init__(self, board_dir, path):
        try:
            with open(path, "rb") as source:
                size = check_size(source.fileno(), path)
                self._fd = os.memfd_create("image")
                os.sendfile(self._fd, source.fileno(), 0, size)
        except OSError as error:
            raise SimError(f"{path}: {error.strerror}") from None
        self._reply, reply_in = os.pipe()
        self._engine = _open_tool(board_dir, self._fd, size, reply_fd=reply_in)
        if self._ask("mount()") != b"ok":
            raise SimError(f"{path}: no littlefs or FAT file system in it")

    def _ask(self, call):
        """The tool answers with a length, a line end and that many bytes."""
        pid = os.fork()
        if pid == 0:
            self._engine.run("import flash_tool; flash_tool." + call)
            os._exit(0)
        data = self._receive()
        os.waitpid(pid, 0)
        return data

    def _receive(self):
        head = b""
        while not head.endswith(b"\n"):
            head += os.read(self._reply, 1)
        data = b""
        while len(data) < int(head):
            data += os.read(self._reply, int(head) - len(data))
        return data

    def list(self, path):
        """[(path, size)] of all files below, folders with size None; None if there is no such."""
        text = self._ask(f"tree({path!r})").decode()
        if text == "?":
            return None
        rows = [line.split(" ", 1) for line in text.splitlines()]
        return [(name, None if size == "-" else int(size)) for size, name in rows]

    def read(self, path):
        data = self._ask(f"read({path!r})")
        return data[1:] if data[:1] == b"=" else None

"""The board under test: one process that holds MicroPython, from which each boot is forked (see
zygote.py), with its flash, its log of flash operations and its answers in memory files that outlive
every boot.
"""

import contextlib
import mmap
import os
import select
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

from uota_sim import image as flash_image
from uota_sim import mailbox
from uota_sim.mailbox import HARD, PWRON

from . import flashlog
from .flashlog import BLOCK

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "build" / "powerloss"  # what the processes of a sweep leave each other
BLOCKS = 160
SIZE = BLOCK * BLOCKS
HEAP = 320 * 1024  # as the simulator's
DEADLINE = 20  # seconds that a board may take for what it is asked over the wire
PATIENCE = 5  # seconds that a boot may take, some hundred times what it does
RESETS = 6  # of its own that a board may make before it listens
_OWN = 192 * 1024  # heap for the stand-ins and the rig; what they leave is filled up
_BOARD_DIR = str(ROOT / "sim" / "board")
_RIG_DIR = str(Path(__file__).resolve().parent / "board")


LOOK, TELL, TOUCH = 1, 2, 4


class Dead(Exception):
    """The board does not come to where it listens; says why, with what it printed."""


def make_image(fs, files):
    """An image with these files, made in a process of its own."""
    fd = os.memfd_create("made")
    flash_image.make(_BOARD_DIR, fd, SIZE, fs, sorted(files.items()))
    data = os.pread(fd, SIZE, 0)
    os.close(fd)
    return flashlog.blocks(data)


class Boot:
    """How a boot goes. @left: flash operations until the power goes; @half: the next one is half
    done by then; @looks: it ends where it listens, and
    tells what is on its flash: LOOK, with TELL also the text of the files that tell what is
    installed, with TOUCH after a write; @forget: files that are not there.
    """

    def __init__(self, logs=False, left=-1, half=False, looks=LOOK, speed=1, forget=()):
        self.script = (
            f"__import__('#rig').arm({logs},{left},{half},{looks},{speed},{forget!r});"
            "__import__('#sim').start()"
        )
        self.left = left


class Board:
    def __init__(self, fs, image):
        self.fs = fs
        self._image_fd = _memory("image", SIZE)
        self.image = mmap.mmap(self._image_fd, SIZE)
        self._seen_fd = _memory("seen", BLOCKS)
        self._seen = mmap.mmap(self._seen_fd, BLOCKS)
        self._log_fd = _memory("log", 0)
        self._out_fd = _memory("out", 0)
        self._reply, reply_in = os.pipe()
        self._events, events_in = os.pipe()
        self._cuts, cut_in = os.pipe()
        self._box = mailbox.Mailbox()
        self._pidfd = None
        self.boots = 0
        self.cut = False
        self.shift = _free_port() - 2018
        self.load(image)
        self._zygote = self._conceive(reply_in, events_in, cut_in)

    def _conceive(self, reply_in, events_in, cut_in):
        script = (Path(_RIG_DIR) / "setup.py").read_text(encoding="utf-8")
        settings = {
            "board_dir": _BOARD_DIR,
            "rig_dir": _RIG_DIR,
            "image_fd": self._image_fd,
            "seen_fd": self._seen_fd,
            "log_fd": self._log_fd,
            "out_fd": self._out_fd,
            "cut_fd": cut_in,
            "reply_fd": reply_in,
            "mailbox_fd": self._box.fd,
            "events_fd": events_in,
            "flash_size": SIZE,
            "fs": self.fs,
            "heap": HEAP,
            "port_shift": self.shift,
            "bind": "127.0.0.1",
            "address": "127.0.0.1",
            "wifi": None,
            "unique_id": b"\x24\x6f\x28\x01\x02\x03",
            "cut_atomic": True,
        }
        zygote = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("zygote.py"))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            pass_fds=[fd for name, fd in settings.items() if name.endswith("_fd")],
        )
        self._tell(zygote, repr((str(ROOT / "sim"), script, settings, HEAP + _OWN)))
        return zygote

    @staticmethod
    def _tell(zygote, line):
        zygote.stdin.write(line.encode() + b"\n")
        zygote.stdin.flush()

    def load(self, image):
        """Blocks onto the flash."""
        self.image[:] = b"".join(image)

    def unload(self):
        """The flash as blocks."""
        return flashlog.blocks(bytes(self.image))

    # -- one boot

    def start(self, boot, cause=PWRON):
        """Switch it on; it runs until kill()."""
        self._box.begin(cause)
        self.boots += 1
        self._tell(self._zygote, boot.script)
        pid = int(self._zygote.stdout.readline())
        self._pidfd = os.pidfd_open(pid)
        self.cut = False
        if boot.left >= 0:
            died = os.dup(self._pidfd)
            threading.Thread(target=self._cut_power, args=(died,), daemon=True).start()

    def _cut_power(self, died):
        """SIGKILL at the operation that the block device was told."""
        if self._cuts in select.select([self._cuts, died], [], [])[0]:
            os.read(self._cuts, 1)
            self.cut = True
            _kill(died)
        os.close(died)

    def kill(self):
        """The power goes."""
        if self._pidfd is not None:
            _kill(self._pidfd)
            select.select([self._pidfd], [], [])
            os.close(self._pidfd)
            self._pidfd = None

    def close(self):
        """No more boots."""
        self._zygote.communicate()

    def wait(self, fds, seconds=DEADLINE):
        """The first of the file descriptors that is ready."""
        ready = select.select([*fds, self._pidfd], [], [], seconds)[0]
        if not ready or ready == [self._pidfd]:
            self.kill()
            raise Dead(("it crashes\n" if ready else "it hangs\n") + self.output())
        return ready[0]

    def event(self, seconds=DEADLINE):
        """The next thing that the board does: L listens, R resets, D sleeps."""
        self.wait([self._events], seconds)
        return os.read(self._events, 1).decode()

    def boot(self, boot, cause=PWRON):
        """Boot until it listens, through resets of its own: what is on its flash then."""
        self._seen[:] = bytes(BLOCKS)
        for _ in range(RESETS):
            self.start(boot, cause)
            ready = self.wait([self._reply, self._events], PATIENCE)
            if ready == self._reply:
                text = self._receive()
                self.kill()
                if text.startswith("dead"):
                    raise Dead("it stops before it listens\n" + self.output())
                return text
            os.read(self._events, 1)
            self.kill()
            cause = HARD
        raise Dead("it resets again and again\n" + self.output())

    def _receive(self):
        head = b""
        while not head.endswith(b"\n"):
            head += os.read(self._reply, 1)
        data = b""
        while len(data) < int(head):
            data += os.read(self._reply, int(head) - len(data))
        return data.decode()

    # -- what it leaves

    def read(self):
        """The blocks that the last boot() has read as they were before it."""
        return [n for n, word in enumerate(bytes(self._seen)) if word == 1]

    def take_log(self):
        """The flash operations since the last call, as bytes."""
        size = os.lseek(self._log_fd, 0, os.SEEK_END)
        data = os.pread(self._log_fd, size, 0)
        os.ftruncate(self._log_fd, 0)
        os.lseek(self._log_fd, 0, os.SEEK_SET)
        return data

    def log_size(self):
        return os.fstat(self._log_fd).st_size

    def output(self):
        """The last of what it printed, and forget it."""
        size = os.lseek(self._out_fd, 0, os.SEEK_END)
        start = max(0, size - 2000)
        data = os.pread(self._out_fd, size - start, start)
        os.ftruncate(self._out_fd, 0)
        os.lseek(self._out_fd, 0, os.SEEK_SET)
        return data.decode(errors="replace")

    @property
    def port(self):
        return 2018 + self.shift


def _memory(name, size):
    fd = os.memfd_create(name, 0)
    os.ftruncate(fd, size)
    return fd


def _free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _kill(pidfd):
    with contextlib.suppress(ProcessLookupError):
        signal.pidfd_send_signal(pidfd, signal.SIGKILL)

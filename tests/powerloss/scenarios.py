"""What is cut: each scenario is a board as it stands, what a host does to it, and the file sets
between which there may be nothing.
"""

import functools
import hashlib
import json
import os
import pickle
from hashlib import sha256

from uota_sim import project

from .machine import FOLDER, ROOT
from .push2 import Update
from .tool import PASSWORD, Unknown

GUARD = "lib/uota/boot_guard.py"
CONFIG = {
    "port": 2018,
    "otaPassword": sha256(PASSWORD.encode()).hexdigest(),
    "confirmAfter": 1,
}
_APP = "import time\n\nVERSION = %r\n\n\ndef run():\n    while True:\n        time.sleep(1)\n"


@functools.cache
def agent():
    """The agent's files, compiled, as the installation over the cable puts them on a board."""
    folder = os.environ.get("UOTA_DEVICE_DIR") or str(ROOT / "device")
    total = hashlib.sha256()
    for path, data in project.agent_files(folder, False):
        total.update(path.encode() + b"\0" + data)
    made = FOLDER / f"agent-{total.hexdigest()[:16]}.pickle"
    if not made.exists():
        found = {path[1:]: data for path, data in project.agent_files(folder, True)}
        keep(made, found)
    return pickle.loads(made.read_bytes())


def keep(path, what):
    """Write it for other processes, in one step."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_suffix(f".{os.getpid()}")
    new.write_bytes(pickle.dumps(what))
    new.replace(path)


def _text(name, size):
    line = f"# {name} " + "." * 40 + "\n"
    return (line * (size // len(line) + 1)).encode()[:size]


def _config(**more):
    return json.dumps({**CONFIG, **more}).encode()


def _noise(name, size):
    """What cannot be deflated."""
    parts = (sha256(f"{name} {i}".encode()).digest() for i in range(size // 32 + 1))
    return b"".join(parts)[:size]


# What the user has on the board, and no push names.
OWN = {
    "config/ota.json": _config(),
    "data/log.txt": _text("log", 700),
    "notes.txt": b"mine\n",
}

ONE = {
    "app/app.py": (_APP % "1").encode(),
    "app/big.py": _text("big one", 5000),
    "app/same.py": _text("same", 900),
    "app/old/deep/gone.txt": b"one\n",
    "app/old/gone.py": _text("gone", 1500),
    "app/screen.py": _text("screen", 600),
    "config/ota.json": _config(name="v1"),
    "lib/driver.py": _text("driver", 800),
    "lib/kept.py": b"# stays, since /lib is protected\n",
    "lib/fast.mpy": b"M\x06 fast one" * 20,
    "main.py": b"import uota\n\nuota.main()\n# one\n",
}

TWO = {
    "app/app.py": (_APP % "2").encode(),
    "app/big.py": _text("big two", 6100),
    "app/same.py": ONE["app/same.py"],
    "app/new/deep/er.txt": b"two\n",
    "app/new/empty.txt": b"",
    "app/screen.mpy": b"M\x06 screen" * 50,
    "config/ota.json": _config(name="v2"),
    "lib/driver.mpy": b"M\x06 driver" * 60,
    "lib/fast.py": _text("fast two", 500),
    "main.py": b"import uota\n\nuota.main()\n# two\n",
}
TWO_GONE = (
    "app/old/deep/gone.txt",
    "app/old/gone.py",
    "app/screen.py",
    "lib/driver.py",
    "lib/fast.mpy",
)

TRIED = {**TWO, "config/ota.json": _config(confirmAfter=0)}

THREE = {
    "app/app.py": (_APP % "3").encode(),
    "app/big.py": ONE["app/big.py"],
    "app/new/deep/er.txt": b"three\n",
    "app/new/three.py": _text("three", 700),
    "config/ota.json": _config(name="v3"),
    "lib/driver.py": _text("driver three", 900),
    "main.py": TWO["main.py"],
}
THREE_GONE = ("app/same.py", "app/new/empty.txt", "app/screen.mpy", "lib/driver.mpy")

SOME = {
    "app/app.py": (_APP % "1.1").encode(),
    "app/extra/more.py": _text("more", 400),
    "app/screen.mpy": b"M\x06 screen" * 40,
    "config/ota.json": ONE["config/ota.json"],
}


SOME_GONE = ("app/screen.py",)

# Over protocol 2: also what the board copies, from what goes and from what comes, and a file in
# whose midst the connection is lost.
FOUR = {
    **TWO,
    "app/app.py": (_APP % "2.0").encode(),
    "app/found.py": ONE["app/old/gone.py"],
    "app/long.bin": _noise("long", 18000),
    "app/twin.py": _text("big two", 6100),
}
FOUR_GONE = (*TWO_GONE, "lib/kept.py")
UPDATE = Update("2.0", 7, FOUR)
OTHER = Update("2.0-other", 5, {**FOUR, "app/app.py": (_APP % "2.0-other").encode()})
FIVE = {
    "app/app.py": (_APP % "2.1").encode(),
    "app/extra/more.py": _text("more", 400),
    "app/long.bin": _noise("other", 5000),
}
FIVE_GONE = ("app/found.py", "app/new/deep/er.txt", "lib/driver.mpy")
PATCH = Update("2.1", 8, FIVE, FIVE_GONE)

_CHANGED = ("base.mpy", "boot_guard.py", "config.mpy", "ota.mpy", "transports/wifi_tcp.mpy")


def _agent_push():
    """With some of the agent's files a line longer, and a module more."""
    paths = ("boot.py", *("lib/uota/" + name for name in _CHANGED))
    changed = {path: data + b"# next\n" for path, data in agent().items() if path in paths}
    return {**ONE, **changed, "lib/uota/extra.py": b"# new\n"}


class State:
    """What a board has when it is at rest: @files with all of the agent's, the version, what the
    installed manifest names, the hashes of what is kept for a way back, and of the last push over
    protocol 2 id and counter.
    """

    def __init__(self, files, version, manifest, counter=None, ident=None):
        self.files, self.version, self.manifest, self.kept = files, version, manifest, set()
        self.counter, self.id = counter, ident
        self.hashes = {"/" + path: sha256(data).hexdigest() for path, data in files.items()}
        self.folders = {"/" + path[:i] for path in files for i in _slashes(path)}


def _slashes(path):
    return [i for i, letter in enumerate(path) if letter == "/"]


def replaced(old, new):
    """Hashes of what the way from state @old to state @new replaces or deletes."""
    return {sha for path, sha in old.hashes.items() if new.hashes.get(path) != sha}


class Scenario:
    """@start: the scenario whose outcome it starts from (None: a fresh board); @talk: what the
    host does; @pushed: the files it sends; @gone: what that deletes.
    """

    swept = True
    deep = True  # the recovery is cut too
    stages = False  # it leaves something staged
    goes_on = None  # the update that the host pushes next when it has not come through

    def __init__(self, name, start, version, talk, pushed, gone=()):
        self.name, self.start, self.version = name, start, version
        self.talk, self.pushed, self.gone = talk, pushed, gone

    def outcome(self, before, older):
        """The state after it, from that before it; @older: the state before that."""
        files = {path: data for path, data in before.files.items() if path not in self.gone}
        after = State({**files, **self.pushed}, self.version, self.named(before), before.counter)
        after.kept = replaced(before, after)
        return after

    def named(self, before):
        return self.pushed


class Partial(Scenario):
    """A push that is merged into what is installed."""

    def named(self, before):
        kept = {path: data for path, data in before.manifest.items() if path not in self.gone}
        return {**kept, **self.pushed}


class Push2(Scenario):
    """A push over protocol 2 of an update, see push2.py."""

    def __init__(self, name, start, update, gone, talk):
        super().__init__(name, start, update.version, talk, update.files, gone)
        self.goes_on = update

    def outcome(self, before, older):
        after = super().outcome(before, older)
        after.counter, after.id = self.goes_on.counter, self.goes_on.id
        return after

    def named(self, before):
        if not self.goes_on.partial:
            return self.pushed
        return Partial.named(self, before)


class Staged(Scenario):
    """A push over protocol 2 that is broken off: nothing has changed, but something is staged."""

    swept = False
    stages = True

    def outcome(self, before, older):
        return before


class OnTrial(Scenario):
    """A version that stays on trial: what the next two start from."""

    swept = False


class During(Scenario):
    """A commit while another version is on trial. A boot more would be one that the trial does not
    come through, so that its recovery is not cut.
    """

    deep = False

    def outcome(self, before, older):
        after = super().outcome(before, older)
        after.kept = replaced(older, after)
        return after


class Back(Scenario):
    """The version before comes back."""

    def __init__(self, name, start):
        super().__init__(name, start, "", lambda tool: tool.rollback(), {})

    def outcome(self, before, older):
        return State(older.files, older.version, older.manifest, before.counter, older.id)


class Failed(Back):
    """The same while that version is on trial."""

    deep = False


def fresh():
    """A board as the first installation over the cable leaves it."""
    return State({**agent(), **OWN}, None, {})


def _push(version, files):
    return lambda tool: tool.full(version, files)


def _wipe(tool):
    if "agent" not in tool.state():
        raise Unknown("the agent does not know `start_ota wipe`")
    tool.full("3", TWO, "wipe")


_AMID = 18500  # bytes on the wire, by which app/long.bin has come for the most part


def _broken_off(tool):
    tool.begin(UPDATE, _AMID)
    tool.reset()


def _in_three(tool):
    """Another update is begun, then this one, and then it goes on."""
    tool.begin(OTHER, _AMID // 4)
    tool.begin(UPDATE, _AMID)
    tool.push(UPDATE)


def swept():
    return [name for name, scenario in every().items() if scenario.swept]


def every():
    new_agent = _agent_push()
    return {
        scenario.name: scenario
        for scenario in (
            Scenario("install", None, "1", _push("1", ONE), ONE),
            Scenario("update", "install", "2", _push("2", TWO), TWO, TWO_GONE),
            Staged("staged", "install", "1", _broken_off, ONE),
            Partial("fast", "staged", "1.1", lambda t: t.fast("1.1", SOME), SOME, SOME_GONE),
            Scenario("agent", "install", "4", _push("4", new_agent), new_agent),
            Back("rollback", "update"),
            OnTrial("trial", "install", "2", _push("2", TRIED), TRIED, TWO_GONE),
            Failed("failed", "trial"),
            During("during", "trial", "3", _push("3", THREE), THREE, THREE_GONE),
            Push2("push2", "install", UPDATE, FOUR_GONE, _in_three),
            Push2("partial2", "push2", PATCH, FIVE_GONE, lambda tool: tool.push(PATCH)),
            Back("rollback2", "push2"),
            Scenario("wipe", "install", "3", _wipe, TWO, (*TWO_GONE, "notes.txt")),
        )
    }

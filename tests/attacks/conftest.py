"""A simulated board with all secrets set, as `uota init` makes it, and ways to attack it; and the
tool, in a project of its own.
"""

import hashlib
import os

import pytest
from client2.hello import Secrets
from client2.manifest import File, Manifest
from client2.session import Session, Stream
from device.test_agent import Board
from e2e.conftest import UOTA

from .false_board import Tool

PASSWORD, KEY = "six random words are better", "k" * 43
OURS = Secrets(PASSWORD, KEY)
SALT = bytes(range(16))
SHARED = hashlib.pbkdf2_hmac("sha256", PASSWORD.encode(), SALT, 200_000)
CONFIG = {
    "otaPassword": f"pbkdf2-sha256:200000:{SALT.hex()}:{SHARED.hex()}",
    "signingKey": KEY,
    "ssid": "net",
    "password": "wifi-secret",
    "minProtocol": 2,
    "hostname": "kitchen",
    "confirmAfter": 1,
}
SECRETS = (SHARED.hex(), KEY, "wifi-secret")
APP = {"app/app.py": b"import time\ndef run():\n    while True:\n        time.sleep(1)\n"}


class Target(Board):
    """The board, and what its owner does with it."""

    def __init__(self, folder, config=CONFIG, options=()):
        super().__init__(folder, config, {"/data/log": b"log"}, options)

    def stream(self):
        return Stream.connect("127.0.0.1", self.port)

    def session(self, ours=OURS, **how):
        return Session(self.stream(), ours, **how)

    def push(self, files, counter, key=KEY, **how):
        """A whole push, and the reset after it."""

        def act():
            with self.session() as session:
                assert session.push(manifest(files, counter, **how), files, key).committed

        self.after_reset(act)

    def state(self):
        """All files that it shows, and what it is; not those of its own."""
        found = {}
        with self.session() as session:
            found["info"] = session.json("info")
            folders = [""]
            while folders:
                folder = folders.pop()
                for name in session.command(f"ls {folder}").decode().split("\n"):
                    if name[:4] == "ota_" or not name:
                        continue
                    if name[-1] == "/":
                        folders.append(folder + name)
                    else:
                        found[folder + name] = session.get(folder + name)
        return found


def manifest(files, counter, version="1.0.0", **how):
    return Manifest(version, counter, [File.of(p, d) for p, d in files.items()], **how)


@pytest.fixture(scope="session")
def target(tmp_path_factory):
    """One board for all attacks, none of which may leave a trace on it; installed: counter 100."""
    one = Target(tmp_path_factory.mktemp("target"))
    one.push(APP, 100)
    with one.session() as session:
        while session.json("version")["state"] != "confirmed":
            session.command("ping")
    one.before = one.state()
    yield one
    one.stop()


@pytest.fixture
def unharmed(target):
    """Afterwards the board is as it was, and serves its owner."""
    yield target
    assert target.state() == target.before


@pytest.fixture(scope="session")
def tool(tmp_path_factory):
    """The tool; its environment is nothing of whoever runs the tests."""
    if not UOTA:
        pytest.fail("no uota: build it with `make release`")
    names = ("PATH", "ASAN_OPTIONS", "UBSAN_OPTIONS", "TMPDIR")
    environment = {name: os.environ[name] for name in names if name in os.environ}
    return Tool(UOTA, tmp_path_factory.mktemp("tool"), {**environment, "TERM": "xterm"})

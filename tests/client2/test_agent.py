"""The client pushes to the agent, on a simulated board: resumed, copied, rolled back."""

import json
import os

import pytest
from device.test_agent import Board

from .errors import BoardError
from .hello import Secrets
from .manifest import File, Manifest
from .session import Session, Stream, installed_files

KEY = "k" * 40
PROJECT = {
    "app/app.py": b"import time\ndef run():\n    while True:\n        time.sleep(1)\n",
    "app/empty.py": b"",
    "data/noise.bin": os.urandom(40_000),
    "lib/text.py": b"def f():\n    return 1\n" * 3000,
}


@pytest.fixture
def board(tmp_path):
    one = Board(tmp_path, {"signingKey": KEY, "minProtocol": 2, "confirmAfter": 1})
    yield one
    one.stop()


def session(board):
    return Session(Stream.connect("127.0.0.1", board.port), Secrets("", KEY))


def manifest(files, counter, **how):
    return Manifest("1.0.0", counter, [File.of(p, d) for p, d in files.items()], **how)


def push(board, files, counter, **how):
    """A push that is committed, and the reset after it."""
    results = []

    def act():
        with session(board) as s:
            there = {} if counter == 1 else installed_files(s.get("ota_manifest.json"))
            one = manifest(files, counter, **how)
            results.append(s.push(one, files, KEY, installed=lambda: there))

    board.after_reset(act)
    return results[0]


def test_install_the_same_again_and_copy(board):
    first = push(board, PROJECT, 1)
    assert first.committed and len(first.sent) == 4
    for path, data in PROJECT.items():
        assert board.on_flash("/" + path) == data
    with session(board) as s:
        assert not s.push(manifest(PROJECT, 2), PROJECT, KEY).committed
        assert s.json("info")["counter"] == 1
    moved = {**PROJECT, "app/text.py": PROJECT["lib/text.py"]}
    del moved["lib/text.py"]
    assert push(board, moved, 3).copied == ["app/text.py"]
    assert board.on_flash("/lib/text.py") is None
    with session(board) as s:
        told = s.json("info")
        assert told["counter"] == 3 and told["id"] == manifest(moved, 3).id()[:16]


class Cut(Exception):
    pass


def _error_of(session, command):
    with pytest.raises(BoardError) as error:
        session.command(command)
    return str(error.value)


class Cutter(Stream):
    """Loses the connection after so many bytes to the board."""

    left = 0

    def write(self, data):
        super().write(data[: self.left])
        self.left -= len(data)
        if self.left <= 0:
            raise Cut


@pytest.mark.parametrize("with_reset", [False, True])
def test_a_push_that_was_cut_goes_on(board, with_reset):
    one = manifest(PROJECT, 1)
    stream = Cutter.connect("127.0.0.1", board.port)
    stream.left = 35_000
    with pytest.raises(Cut), Session(stream, Secrets("", KEY)) as s:
        s.push(one, PROJECT, KEY)
    stream.close()
    with session(board) as s:  # until it has noticed
        while "busy" in _error_of(s, "mkdir /"):
            pass
    if with_reset:

        def act():
            with session(board) as s:
                s.command("reset")

        board.after_reset(act)
    result = None

    def go_on():
        nonlocal result
        with session(board) as s:
            result = s.push(one, PROJECT, KEY)

    board.after_reset(go_on)
    assert not result.asked and result.resumed == ["data/noise.bin"]
    assert board.on_flash("/data/noise.bin") == PROJECT["data/noise.bin"]


def test_a_version_that_fails_comes_back_with_the_one_before(board):
    push(board, PROJECT, 1)
    with session(board) as s:
        while s.json("version")["state"] != "confirmed":
            pass
    broken = {**PROJECT, "app/app.py": b"import nothing\n"}
    mark = len(board.text)
    push(board, broken, 2)
    board.wait_for("back from", mark)
    board.wait_for("listening on port", len(board.text))
    with session(board) as s:
        told = s.json("version")
        assert told["state"] == "rolled back" and told["id"] == manifest(broken, 2).id()[:16]
        assert s.json("info")["id"] == manifest(PROJECT, 1).id()[:16]
        with pytest.raises(Exception, match="refused: 1.0.0 failed on this board"):
            s.push(manifest(broken, 3), broken, KEY)
    assert json.loads(board.on_flash("/ota_counter")) == 2

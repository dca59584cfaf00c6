"""Boards that come up from a flash on which much is wrong: nothing out of boot.py, no loop of
boots, and somebody to talk to.
"""

import json

import pytest

from .test_agent import Board, stream, stream_ota, version

APP = """
def run():
    print("app %s runs")
    while True:
        import time
        time.sleep(1)
"""


def told(board):
    return json.loads(board.ask("version"))


@pytest.fixture
def make(tmp_path):
    boards = []

    def start(name, *args, **kwargs):
        folder = tmp_path / name
        folder.mkdir(exist_ok=True)
        boards.append(Board(folder, *args, **kwargs))
        return boards[-1]

    yield start
    for board in boards:
        board.stop()


def push(board, files, number):
    """A partial one: what it does not name stays."""

    def act():
        with board.connect() as wire:
            assert stream_ota(wire, stream(files, number)) == "ok\n"

    board.after_reset(act)


@pytest.mark.parametrize("fs", ["littlefs", "fat"])
def test_a_flash_that_takes_no_writes(make, fs):
    board = make("ro", {}, {"/app/app.py": APP % 1}, ["--fs", fs])
    push(board, {"app/app.py": (APP % 2).encode()}, "2")
    board.stop()
    board = make("ro", {}, None, ["--read-only"])
    board.wait_for("app 2 runs")
    for _ in range(5):
        assert version(board) == "2"
        assert board.ask("start_ota").startswith("error: ")
        assert board.ask("rollback").startswith("error: ")
        board.after_reset(lambda: board.ask("reset"))
    assert "Traceback" not in board.text
    assert board.text.count("app 2 runs") == 6


@pytest.mark.parametrize("folder", ["app/", "lib/", ""])
def test_modules_of_the_app_in_the_place_of_micropythons_own(make, folder):
    """The agent may not start with them; then the version before comes back."""
    board = make("shadow", {"confirmAfter": 1})
    push(board, {"app/app.py": (APP % 1).encode()}, "1")
    board.wait_for("confirmed")
    for name in ("json", "os", "machine", "time", "sys", "select", "socket", "hashlib", "io"):
        mark = len(board.text)
        push(board, {f"{folder}{name}.py": b"raise ValueError('no')\n"}, "2 " + name)
        end = board.wait_for("confirmed after|back from", mark)
        if end.group(0) == "back from":
            board.wait_for("listening on port", board.text.index("back from", mark))
        now = told(board)
        assert now["state"] == ("rolled back" if end.group(0) == "back from" else "confirmed")
        assert version(board) != "2 " + name or now["state"] == "confirmed"

"""Boards that say no: the right status, and not a sector of the flash is written."""

import contextlib
import re

import pytest

PUSHES = pytest.mark.parametrize("command", ["fast", "full"])


@contextlib.contextmanager
def untouched(board, on_trial=False):
    """Nothing is written to the board's flash."""
    if not on_trial:
        board.wait_until_settled()
    before = board.image()
    yield
    assert board.image() == before


@contextlib.contextmanager
def unchanged(board):
    """The board's files are the same afterwards, and nothing is left in staging."""
    before = board.files()
    yield
    board.wait_until_idle()
    assert board.files() == before


@pytest.mark.parametrize(
    "command", [("fast",), ("full",), ("full", "--wipe"), ("version",), ("terminal", "rm", "/x")]
)
def test_wrong_password(project, board, command):
    project.set_secrets(otaPassword="wrong")
    with untouched(board):
        error = project.uota(*command, *board.at, status=3).error
    assert "wrong password" in error and "config/.ota.secrets.json" in error


@pytest.mark.parametrize("command", [("fast",), ("full",), ("version",), ("terminal", "ls")])
def test_password_on_the_board_only(project, board, command):
    project.set_secrets(otaPassword=None)
    with untouched(board):
        error = project.uota(*command, *board.at, status=3).error
    assert "wants a password" in error and "otaPassword" in error


@pytest.mark.parametrize("command", [("fast",), ("full",), ("version",), ("terminal", "ls")])
def test_password_in_the_project_only(project, boards, command):
    project.set_secrets(otaPassword=None, signingKey=None)
    board = boards(project)
    project.set_secrets(otaPassword="now there is one")
    with untouched(board):
        error = project.uota(*command, *board.at, status=3).error
    assert "the board says that it has no secret" in error


@PUSHES
def test_wrong_key(project, board, command):
    project.set_secrets(signingKey="wrong")
    with unchanged(board):
        error = project.uota(command, *board.at, status=3).error
    assert "signature" in error and "signingKey" in error


@PUSHES
def test_no_key(project, board, command):
    project.set_secrets(signingKey=None)
    with unchanged(board):
        assert "signature" in project.uota(command, *board.at, status=3).error


@PUSHES
def test_key_in_the_project_only_is_taken(project, boards, command):
    """1.0 boards without a key take everything; the first push gives them the key."""
    key = project.secrets["signingKey"]
    project.set_secrets(signingKey=None)
    board = boards(project)
    project.set_secrets(signingKey=key)
    project.uota(command, *board.at)
    assert board.config()["signingKey"] == key


def test_refusals_in_json(project, board):
    project.set_secrets(signingKey="wrong")
    done = project.uota("full", "--json", *board.at, status=3)
    assert done.report["status"] == 3


@PUSHES
def test_the_board_is_full(project, boards, command):
    board = boards(project, "--flash-size", "320K")
    project.uota(command, *board.at)
    project.write("app/big.bin", bytes(range(256)) * 1024)
    with unchanged(board):
        error = project.uota(command, "--version", "2", *board.at, status=1).error
    assert re.search(r"the board says: error: flash full: needs 2\d{5} bytes, \d+ free", error)
    assert board.version() == "1.0.0"


@PUSHES
def test_what_fits_once_but_not_twice(project, boards, command):
    """The new version is staged beside the old one."""
    board = boards(project, "--flash-size", "384K")
    project.write("app/data.bin", bytes(60_000))
    project.uota(command, *board.at)
    project.write("app/data.bin", b"x" * 60_000)
    with unchanged(board):
        done = project.uota(command, "--version", "2", *board.at, status=None)
        assert done.status == 1 and "flash full" in done.error


@PUSHES
def test_a_folder_where_the_board_has_a_file(project, board, command):
    project.write("app/thing", "x")
    project.uota("full", *board.at)
    project.delete("app/thing")
    project.write("app/thing/part.py", "x")
    with unchanged(board):
        error = project.uota(command, *board.at, status=1).error
    assert "app/thing" in error


@PUSHES
def test_a_board_that_is_full_from_the_start(project, boards, command):
    """The little that is pushed fits by its size, but not with what the file system needs."""
    board = boards(project, "--flash-size", "208K")
    with unchanged(board):
        error = project.uota(command, *board.at, status=1).error
    assert "flash full" in error


def test_a_board_whose_configuration_is_broken(project, board):
    """It serves nothing, since it cannot know its secrets: the cable is the way back."""
    bad = {"config/ota.json": b'{"otaPassword": '}
    mark = board.mark()
    assert board.tool.push_stream("2", bad) == "ok"
    board.wait_for("config/ota.json is broken", mark)
    board.wait_until_back(mark)
    for command in ("fast", "full"):
        with untouched(board, on_trial=True):
            error = project.uota(command, *board.at, status=1).error
        assert "config/ota.json is broken" in error


def test_two_pushes_at_once(project, board):
    """The second is told so at once; the first goes on."""
    stream = board.tool.stream("2", {"app/x.py": bytes(10_000)})
    mark = board.mark()
    with board.tool.connect() as wire:
        assert wire.ask(f"stream_ota {len(stream)}") == "ready"
        wire.send(stream[:5000])
        for command in ("fast", "full"):
            error = project.uota(command, *board.at, status=1).error
            assert "busy: an update is under way" in error
        wire.send(stream[5000:])
        assert wire.line() == "ok"
    board.wait_until_back(mark)
    assert board.on_flash("/app/x.py") == bytes(10_000)


def test_nobody_else_is_disturbed_by_a_push(project, board):
    stream = board.tool.stream("2", {"app/x.py": bytes(10_000)})
    with board.tool.connect() as wire:
        assert wire.ask(f"stream_ota {len(stream)}") == "ready"
        wire.send(stream[:5000])
        assert project.uota("version", *board.at).out == "unknown\n"
        assert "lib/" in project.uota("terminal", "ls", *board.at).out
        error = project.uota("terminal", "rm", "/main.py", *board.at, status=1).error
        assert "busy" in error

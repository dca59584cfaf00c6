"""Connections that break, boards that restart, and people who change their mind, in the middle of
a push: the board keeps what it had, discards what was staged, and takes the next push.
"""

import random
import re
import signal

import pytest

from .wire import DEADLINE, until


def noise(size):
    """Nothing that could be deflated."""
    return random.randbytes(size)


PUSHES = pytest.mark.parametrize("command", ["fast", "full"])


@pytest.fixture
def small(project):
    """A project whose push is short enough to be cut everywhere."""
    project.write("app/data.bin", bytes(range(256)) * 10)
    return project


def forget_what_is_staged(project, board, command):
    """The staging of one update is discarded when another one is announced."""
    project.uota(command, "--version", "3", "--dry-run", *board.at)


def push_once(relay, board, project, command, **cut):
    """Version 2 over a connection that breaks, without another try."""
    way = relay(board, **cut)
    done = project.uota(
        command, "--timeout=5", "--version", "2", "--retries", "0", *way.at, status=None
    )
    return way, done


@PUSHES
def test_cut_on_the_way_to_the_board(small, board, relay, command):
    """Everywhere from the first byte to the last; a cut after that is only known to the board,
    and the tool finds out what it did.
    """
    small.uota("full", "--version", "1", *board.at)
    small.write("app/data.bin", bytes(range(255, -1, -1)) * 10)
    small.app_says("two")
    for at in range(0, 10_000, 61):
        way, done = push_once(relay, board, small, command, cut_up=at)
        if done.status == 0:
            break
        assert done.status == 4, f"at {at}: {done.err}"
        assert way.cut.wait(DEADLINE)
        assert board.version() == "1", f"at {at}"
        forget_what_is_staged(small, board, command)
    assert at > 1000
    assert board.version() == "2"


@PUSHES
def test_cut_on_the_way_back(small, board, relay, command):
    """Each answer lost, or a part of it. That of the commit: it has happened all the same."""
    small.uota("full", "--version", "1", *board.at)
    small.app_says("two")
    for at in range(0, 10_000, 37):
        way, done = push_once(relay, board, small, command, cut_down=at)
        if done.status == 0:
            break
        assert done.status == 4, f"at {at}: {done.err}"
        assert way.cut.wait(DEADLINE)
        assert board.version() == "1", f"at {at}"
        forget_what_is_staged(small, board, command)
    assert way.cut.is_set(), "the answer to the commit was lost"
    assert board.version() == "2"


@PUSHES
def test_the_verdict_where_the_commit_takes_its_time(project, board, relay, command):
    """The answer is lost, and the board is still putting the files into place when it is asked
    what has become of it.
    """
    project.uota(command, *board.at)
    for i in range(100):
        project.write(f"app/m{i:03}.py", f"value = {i}\n")
    recorded, done = push_once(relay, board, project, command)
    assert done.status == 0
    for i in range(100):
        project.write(f"app/m{i:03}.py", f"value = -{i}\n")
    mark = board.mark()
    way = relay(board, cut_down=len(recorded.passed["down"]) - 20)
    done = project.uota(command, "--version", "3", *way.at)
    assert way.cut.is_set()
    board.wait_for("the app says one", mark)
    assert board.version() == "3"


@PUSHES
def test_a_board_that_loses_power_in_the_middle(small, board, relay, started, command):
    small.write("app/large.bin", noise(100_000))
    small.uota("full", *board.at)
    before = board.files()
    new = noise(100_000)
    small.write("app/large.bin", new)
    way = relay(board, cut_up=60_000, on_cut=board.process.kill)
    run = started(command, "--version", "2", *way.at, cwd=small.path)
    assert way.cut.wait(30)
    board.restart()
    done = run.finish(status=None)
    # it tries again by itself, and may find the board back
    assert done.status in (0, 4), done.err
    if done.status == 4:
        assert board.files() == before
        small.uota(command, *board.at)
    assert board.on_flash("/app/large.bin") == new


@PUSHES
def test_a_board_that_loses_power_after_the_last_byte(small, board, relay, started, command):
    """Old or new, nothing between, and the verdict is what is on the board."""
    small.uota("full", "--version", "1", *board.at)
    small.app_says("two")
    recorded, _ = push_once(relay, board, small, command)
    small.app_says("six")
    size = len(recorded.passed["up"])
    way = relay(board, cut_up=size, on_cut=board.process.kill)
    run = started(command, "--version", "3", "--retries", "0", *way.at, cwd=small.path)
    assert way.cut.wait(30)
    board.restart()
    done = run.finish(status=None)
    assert done.status in (0, 4), done.err
    version = board.version()
    assert version == ("3" if done.status == 0 else "2"), done.err
    word = b"six" if version == "3" else b"two"
    assert word in board.on_flash("/app/app.py")
    assert "ota_stage/" not in board.ls()


@PUSHES
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_in_the_middle(project, board, relay, started, command, number):
    project.uota("full", *board.at)
    before = board.files()
    project.write("app/a.bin", noise(400_000))
    way = relay(board, hold_up=200_000)
    run = started(command, *way.at, cwd=project.path)
    assert way.held.wait(30)
    assert "ota_part/" in board.ls()
    run.interrupt(number)
    done = run.finish(status=130)
    assert "interrupted" in done.error
    way.stop()
    board.wait_until_idle()
    assert board.files() == before
    project.delete("app/a.bin")
    project.uota(command, "--version", "2", *board.at)


def test_killed_in_the_middle(project, board, relay, started):
    project.uota("full", *board.at)
    before = board.files()
    project.write("app/a.bin", noise(400_000))
    way = relay(board, hold_up=200_000)
    run = started("fast", *way.at, cwd=project.path)
    assert way.held.wait(30)
    run.process.kill()
    run.process.wait(30)
    way.stop()
    board.wait_until_idle()
    assert board.files() == before


def test_interrupted_while_it_waits_for_the_board(project, old_board, started):
    project.without_secrets()
    board = old_board()
    board.down_for = 20
    run = started("full", *board.at, cwd=project.path)
    until(lambda: board.resets)
    run.interrupt()
    done = run.finish(status=130)
    assert "the update is committed" in done.error
    board.stop_waiting.set()


def test_interrupted_on_a_terminal_wipes_the_bar(project, board, relay, terminal):
    project.write("app/a.bin", noise(400_000))
    way = relay(board, hold_up=200_000)
    run = terminal("fast", *way.at, cwd=project.path)
    run.wait_for("█")
    assert way.held.wait(30)
    run.type("\x03")
    status, text = run.finish()
    assert status == 130
    assert re.search(r"\r\x1b\[K(uota: .*interrupted)\r\n$", text)


@PUSHES
def test_a_board_that_stops_reading(project, board, relay, command):
    """Status 4 in the deadline; the board comes to its own conclusion."""
    project.uota("full", *board.at)
    before = board.files()
    project.write("app/a.bin", bytes(8_000_000))
    project.set(excludedFiles=[])
    way = relay(board, hold_up=50_000)
    done = project.uota(command, "--timeout=0.5", *way.at, status=None)
    assert done.status in (1, 4), done.err
    way.stop()
    board.wait_until_idle()
    assert board.files() == before

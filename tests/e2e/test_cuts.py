"""Connections that break, boards that restart, and people who change their mind, in the middle of
a push: the board keeps what it had, discards what was staged, and takes the next push.
"""

import re
import signal
import struct

import pytest

from .wire import DEADLINE, until

PUSHES = pytest.mark.parametrize("command", ["fast", "full"])


@pytest.fixture
def small(project):
    """A project whose push is short enough to be cut everywhere."""
    project.write("app/data.bin", bytes(range(256)) * 10)
    return project


def boundaries_of_files(sent):
    """Where the messages of a recorded `start_ota` push end, and a place inside of each body."""
    at = sent.index(b"\n") + 1
    marks = [0, 1, at]
    while at < len(sent):
        end = sent.index(b"\n", at) + 1
        line = sent[at : end - 1].decode()
        marks += [end - 1, end]
        found = re.fullmatch(r"manifest (\d+)|file .*;(\d+);\w{64}", line)
        size = int(found.group(1) or found.group(2)) if found else 0
        at = end + size
        marks += [end + 1, end + size // 2, at - 1, at] if size else []
    return marks


def boundaries_of_stream(sent):
    """The same of a `stream_ota` push: each field of the stream."""
    at, marks = 0, [0, 1]
    for _ in ("password", "version", "stream_ota"):
        at = sent.index(b"\n", at) + 1
        marks += [at - 1, at]

    def take(size):
        nonlocal at
        at += size
        marks.append(at)
        return sent[at - size : at]

    assert take(4) == b"OTAS"
    take(struct.unpack(">H", take(2))[0])
    for _ in range(struct.unpack(">H", take(2))[0]):
        take(struct.unpack(">H", take(2))[0])
        size = struct.unpack(">I", take(4))[0]
        take(32)
        marks.append(at + size // 2)
        take(size)
    take(31)
    take(1)
    assert at == len(sent)
    return marks


def push_through(relay, board, project, command, status, **cut):
    way = relay(board, **cut)
    done = project.uota(command, "--timeout=5", "--version", "2", *way.at, status=status)
    return way, done


@PUSHES
@pytest.mark.parametrize("half", [0, 1])
def test_cut_on_the_way_to_the_board(small, board, relay, command, half):
    """At the end of each message and inside of each file; a cut after the last byte is only
    known to the board, and the tool finds out what it did.
    """
    small.uota("full", *board.at)
    recorded, _ = push_through(relay, board, small, command, 0)
    sent = recorded.passed["up"]
    marks = {"fast": boundaries_of_stream, "full": boundaries_of_files}[command](sent)
    mark = board.mark()
    board.tool.push_stream("1", {"app/data.bin": b"old"})
    board.wait_for(r"\[uota\] confirmed", mark)
    before = board.files()

    for at in sorted(set(marks) - {len(sent)})[half::2]:
        way, done = push_through(relay, board, small, command, None, cut_up=at)
        assert way.cut.wait(DEADLINE), f"cut after {at} of {len(sent)} bytes"
        assert done.status == 4 or "push again" in done.error, f"at {at}: {done.err}"
        board.wait_until_idle()
    assert board.files() == before

    mark = board.mark()
    way, done = push_through(relay, board, small, command, None, cut_up=len(sent))
    committed = "uota: " not in done.err
    assert done.status == (0 if committed else 1), done.err
    if committed:
        board.wait_until_back(mark)
    assert board.version() == ("2" if committed else "1")
    small.uota(command, "--version", "3", *board.at)
    assert board.version() == "3"


@PUSHES
def test_cut_on_the_way_back(small, board, relay, command):
    """Each answer lost, or half of it; that to `version` is long and looked at here and there."""
    small.uota(command, "--version", "2", *board.at)
    recorded, _ = push_through(relay, board, small, command, 0)
    said = recorded.passed["down"]
    opening = said.index(b"}")
    for at in (*range(0, opening, 9), *range(opening, len(said))):
        board.wait_until_idle()
        mark = board.mark()
        way, done = push_through(relay, board, small, command, None, cut_down=at)
        assert way.cut.wait(DEADLINE), f"cut after {at} of {len(said)} bytes"
        last = at >= len(said) - len("ok\n")
        if not last:
            assert done.status == 4, f"at {at}: {done.err}"
        else:
            assert done.status == 0, f"the board has committed: {done.err}"
            board.wait_until_back(mark)
            assert board.version() == "2"


@PUSHES
def test_the_verdict_where_the_commit_takes_its_time(project, board, relay, command):
    """The connection is cut after the last byte, and the board is still putting the files into
    place when it is asked what has become of it.
    """
    for i in range(100):
        project.write(f"app/m{i:03}.py", f"value = {i}\n")
    recorded, _ = push_through(relay, board, project, command, 0)
    for i in range(100):
        project.write(f"app/m{i:03}.py", f"value = -{i}\n")
    mark = board.mark()
    way = relay(board, cut_up=len(recorded.passed["up"]) + 100)
    done = project.uota(command, "--version", "3", *way.at, status=None)
    assert way.cut.wait(DEADLINE)
    board.wait_until_back(mark)
    assert board.version() == "3"
    assert done.status == 0, done.err


@PUSHES
def test_a_board_that_loses_power_in_the_middle(small, board, relay, started, command):
    small.write("app/large.bin", bytes(100_000))
    small.uota("full", *board.at)
    before = board.files()
    small.write("app/large.bin", b"x" * 100_000)
    way = relay(board, cut_up=60_000, on_cut=board.process.kill)
    run = started(command, "--version", "2", *way.at, cwd=small.path)
    assert way.cut.wait(30)
    board.restart()
    done = run.finish(status=None)
    # where all has left already the tool asks what became of it
    assert done.status == 4 or "the board went on with version 1.0.0: push again" in done.error
    assert board.files() == before
    board.wait_for("the app says one")
    small.uota(command, *board.at)
    assert board.on_flash("/app/large.bin") == b"x" * 100_000


@PUSHES
def test_a_board_that_loses_power_after_the_last_byte(small, board, relay, started, command):
    """Old or new, nothing between, and the verdict is what is on the board."""
    small.uota("full", *board.at)
    recorded, _ = push_through(relay, board, small, command, 0)
    small.app_says("two")
    size = len(recorded.passed["up"])
    way = relay(board, cut_up=size, on_cut=board.process.kill)
    run = started(command, "--version", "3", *way.at, cwd=small.path)
    assert way.cut.wait(30)
    board.restart()
    done = run.finish(status=None)
    assert done.status in (0, 1), done.err
    version = board.version()
    assert version == ("3" if done.status == 0 else "2"), done.err
    word = b"two" if version == "3" else b"one"
    assert word in board.on_flash("/app/app.py")
    assert "ota_stage/" not in board.ls()


@PUSHES
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_in_the_middle(project, board, relay, started, command, number):
    project.uota("full", *board.at)
    before = board.files()
    project.write("app/a.bin", bytes(1_000_000))
    way = relay(board, hold_up=200_000)
    run = started(command, *way.at, cwd=project.path)
    assert way.held.wait(30)
    assert "ota_stage/" in board.ls()
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
    project.write("app/a.bin", bytes(1_000_000))
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
    project.write("app/a.bin", bytes(1_000_000))
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

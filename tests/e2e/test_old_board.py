"""The tool drives boards of micro-ota 1.0, whatever part of it they have."""

import json

import pytest

from .old_board import closes, stays_silent

SESSION = {"fast": "stream_ota", "full": "start_ota"}
PUSHES = pytest.mark.parametrize("command", ["fast", "full"])


@pytest.fixture
def theirs(project, old_board):
    """theirs(…): a 1.0 board that has the project's secrets."""

    def start(**how):
        return old_board(
            password=project.secrets.get("otaPassword"),
            key=project.secrets.get("signingKey"),
            **how,
        )

    return start


def assert_installed(board, project, version):
    assert board.version == version
    assert board.flash["app/app.py"] == (project / "app/app.py").read_bytes()
    assert json.loads(board.flash["config/ota.json"])["signingKey"]


@PUSHES
def test_push_with_password_and_key(project, theirs, command):
    board = theirs()
    report = json.loads(project.uota(command, "--json", "--version", "2", *board.at).out)
    assert_installed(board, project, "2")
    assert report["session"] == board.session == SESSION[command]
    assert report["back"] is True
    assert board.resets == 1


@PUSHES
def test_push_without_secrets(open_project, old_board, command):
    board = old_board()
    open_project.uota(command, *board.at)
    assert board.version == "1.0.0"
    assert board.session == SESSION[command]


def test_a_board_without_streams_gets_single_files(project, theirs):
    board = theirs(streams=False)
    report = json.loads(project.uota("fast", "--json", *board.at).out)
    assert_installed(board, project, "1.0.0")
    assert report["session"] == board.session == "start_ota"
    assert [line.split()[0] for line in board.heard[:3]] == ["version", "stream_ota", "start_ota"]


@PUSHES
@pytest.mark.parametrize("streams", [True, False])
def test_the_configuration_always_goes_along(project, theirs, command, streams):
    """A 1.0 board that gets an update without it deletes its own, and is gone."""
    project.set(fastOtaFiles=["app/**"], fullOtaFiles=["app/**"])
    board = theirs(streams=streams)
    project.uota(command, *board.at)
    assert "config/ota.json" in board.flash


def test_commands_of_the_terminal(project, theirs):
    board = theirs()
    board.flash["data/log.txt"] = b"line\n"
    terminal = lambda *words: project.uota("terminal", *words, *board.at).out  # noqa: E731
    assert terminal("ping") == "pong\n"
    assert terminal("version") == "unknown\n"
    assert terminal("ls") == "boot.py\ndata/\nlib/\n"
    assert terminal("ls", "/data") == "log.txt\n"
    assert terminal("cat", "/data/log.txt") == "line\n"
    terminal("rm", "/data/log.txt")
    assert "data/log.txt" not in board.flash
    terminal("wipe")
    terminal("reset")
    assert board.resets == 1


def test_wipe_before_full(project, theirs):
    board = theirs()
    board.flash["stray.txt"] = b"x"
    project.uota("full", "--wipe", *board.at)
    assert "stray.txt" not in board.flash
    assert_installed(board, project, "1.0.0")


def test_wrong_password(project, old_board):
    board = old_board(password="another")
    assert "wrong password" in project.uota("fast", *board.at, status=3).error
    assert board.heard == []


@PUSHES
@pytest.mark.parametrize("streams", [True, False])
def test_wrong_key(project, old_board, command, streams):
    board = old_board(password=project.secrets["otaPassword"], key="another", streams=streams)
    assert "signature" in project.uota(command, *board.at, status=3).error
    assert board.version == "unknown"


def test_an_unexpected_password(project, old_board):
    """Without a password 1.0 takes it for a command, and says `unknown`."""
    error = project.uota("fast", *old_board().at, status=3).error
    assert "the board has no password" in error


@PUSHES
def test_files_of_every_kind(project, theirs, command):
    project.set(fastOtaFiles=["**"])
    project.write("assets/größe 1.txt", b"x" * 70_000)
    project.write("assets/empty", b"")
    board = theirs()
    project.uota(command, *board.at)
    assert board.flash["assets/größe 1.txt"] == b"x" * 70_000
    assert board.flash["assets/empty"] == b""


# The last answer


@PUSHES
def test_the_reset_overtakes_the_answer(project, theirs, command):
    board = theirs()
    board.answers_commit = False
    done = project.uota(command, "--version", "2", *board.at)
    assert "2 installed" in done.out
    assert_installed(board, project, "2")


@PUSHES
def test_no_answer_and_nothing_committed(project, theirs, command):
    board = theirs()
    board.answers_commit = False
    board.commits = False
    error = project.uota(command, "--version", "2", *board.at, status=1).error
    assert "did not answer after the last byte" in error
    assert "the board went on with version unknown: push again" in error


@PUSHES
def test_no_answer_nothing_committed_and_the_version_is_the_same(project, theirs, command):
    """Only the files tell that nothing has happened."""
    board = theirs()
    project.uota(command, *board.at)
    board.answers_commit = False
    board.commits = False
    project.app_says("something else")
    error = project.uota(command, *board.at, status=1).error
    assert "old files" in error and "app/app.py" in error


@PUSHES
def test_no_answer_although_no_wait_was_asked_for(project, theirs, command):
    board = theirs()
    board.answers_commit = False
    board.commits = False
    project.uota(command, "--no-wait", *board.at, status=1)


@PUSHES
def test_a_board_that_says_ok_and_comes_back_with_the_old_version(project, theirs, command):
    board = theirs()
    board.commits = False
    error = project.uota(command, "--version", "2", *board.at, status=1).error
    assert "the board took 2 but came back with unknown" in error


@PUSHES
def test_a_board_that_takes_its_time_to_come_back(project, theirs, command):
    board = theirs()
    board.down_for = 1.5
    done = project.uota(command, "--version", "2", *board.at)
    assert "the board is back" in done.out


def test_a_lost_answer_and_a_long_restart(project, theirs):
    board = theirs()
    board.answers_commit = False
    board.down_for = 1.5
    project.uota("full", "--version", "2", *board.at)
    assert board.version == "2"


# Boards that fail in the middle


@PUSHES
@pytest.mark.parametrize("answer", ["denied", "unknown", "error: no space", "sig_mismatch", "what"])
def test_an_odd_answer_to_the_first_command(project, theirs, command, answer):
    board = theirs()
    board.on("stream_ota", answer.encode() + b"\n")
    board.on("start_ota", answer.encode() + b"\n")
    status = {"denied": 3, "sig_mismatch": 3}.get(answer, 1)
    if answer == "unknown" and command == "fast":
        status = 4  # it closes here, where a board would take `start_ota`
    project.uota(command, *board.at, status=status)
    assert board.version == "unknown"


@PUSHES
def test_a_board_that_goes_after_ready(project, theirs, command):
    project.write("app/a.bin", bytes(5_000_000))
    board = theirs()

    def ready_and_gone(wire, _):
        wire.say("ready")
        wire.read(10)
        wire.reset()

    board.on(SESSION[command], ready_and_gone)
    error = project.uota(command, *board.at, status=4).error
    assert "closed the connection" in error


@PUSHES
def test_an_objection_in_the_middle_of_a_file(project, theirs, command):
    """While megabytes are on their way the board says what is wrong, and is heard."""
    project.write("app/a.bin", bytes(5_000_000))
    board = theirs()

    def object_(wire, line):
        wire.say("ready")
        if line == "start_ota":
            size = int(wire.line().split()[1])
            wire.read(size)
            wire.say("ok")
        wire.read(1000)
        wire.say("error: flash full")
        wire.wait_until_closed()

    board.on(SESSION[command], object_)
    error = project.uota(command, *board.at, status=1).error
    assert error.endswith("the board says: error: flash full")


@PUSHES
def test_a_board_that_stops_in_the_middle(project, theirs, command):
    board = theirs()

    def ready_and_silent(wire, _):
        wire.say("ready")
        wire.wait_until_closed()

    board.on(SESSION[command], ready_and_silent)
    if command == "full":
        done = project.uota(command, "--timeout=0.5", *board.at, status=4)
        assert "timed out" in done.error


@pytest.mark.parametrize("misbehave", [closes, stays_silent])
@pytest.mark.parametrize("word", ["version", "ls", "get", "rm", "reset", "wipe", "ping"])
def test_a_command_that_is_never_answered(project, theirs, word, misbehave):
    board = theirs()
    board.on(word, misbehave)
    arguments = {"get": ["/x"], "rm": ["/x"]}.get(word, [])
    project.uota("terminal", word, *arguments, "--timeout=0.3", *board.at, status=4)


@PUSHES
def test_a_file_that_arrives_damaged(project, theirs, command):
    board = theirs()

    def damaged(wire, line):
        wire.say("ready")
        if line == "start_ota":
            wire.read(int(wire.line().split()[1]))
            wire.say("ok")
        wire.read(100)
        wire.say("sha256_mismatch app/app.py")
        wire.wait_until_closed()

    board.on(SESSION[command], damaged)
    error = project.uota(command, *board.at, status=1).error
    assert "app/app.py arrived damaged" in error

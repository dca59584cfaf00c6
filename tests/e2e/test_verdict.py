"""How a push ends: confirmed, rolled back, or refused; and the commands that tell of it later."""

import json
import re

import pytest

from .new_board import CONFIRMED, on_trial, rolled_back
from .process import CONTROL

PUSHES = pytest.mark.parametrize("command", ["fast", "full"])
EVIL = "\x1b]0;owned\x07\x1b[2J\u202egnp.exe\u2066\u009b31m\x08\x7f"
TRACE = """Traceback (most recent call last):
  File "app/app.py", line 1, in <module>
ImportError: no module named 'foo'
"""
WHY = "ImportError: no module named 'foo'"


@pytest.fixture
def theirs(project, new_board):
    """A 2.0 board that has the project's secrets."""
    return new_board(
        password=project.secrets.get("otaPassword"), key=project.secrets.get("signingKey")
    )


def assert_harmless(done):
    assert not CONTROL.search(done.out), repr(done.out)
    assert not CONTROL.search(done.err), repr(done.err)


# Confirmed


@PUSHES
def test_confirmed(project, theirs, command):
    done = project.uota(command, "--version", "2", *theirs.at)
    assert re.fullmatch(
        r"127\.0\.0\.1: 2 installed, 3 files, .*, [\d.]+ s; 2 confirmed after \d+ s\n", done.out
    )
    assert theirs.words == [""]
    assert theirs.version == "2"


@PUSHES
def test_confirmed_as_json(project, theirs, command):
    report = json.loads(project.uota(command, "--json", "--version", "2", *theirs.at).out)
    assert report["version"] == report["pushed"] == "2"
    assert report["state"] == "confirmed" and report["agent"] == "2.0.0"
    assert report["back"] is True and report["seconds"] >= report["waited"] > 0


@PUSHES
def test_a_trial_that_waits_for_the_network(project, theirs, command):
    theirs.plan = [
        on_trial(left=0.2),
        on_trial(left=0, need=["wifi_tcp", "connection"]),
        on_trial(left=0, need=["connection"]),
        CONFIRMED,
    ]
    assert "confirmed after" in project.uota(command, *theirs.at).out
    assert theirs.upcoming == []


@PUSHES
def test_a_board_that_takes_its_time_to_come_back(project, theirs, command):
    theirs.down_for = 1.5
    assert "1.0.0 confirmed" in project.uota(command, *theirs.at).out


@PUSHES
def test_no_wait_connects_once(project, theirs, command):
    done = project.uota(command, "--no-wait", *theirs.at)
    assert re.search(r"1\.0\.0 installed, 3 files, .* s\n$", done.out)
    assert theirs.connections - theirs.greeted == 1


@PUSHES
def test_an_app_that_has_to_confirm_is_not_waited_for(project, theirs, command):
    theirs.plan = [on_trial(app=0, left=0, need=["app"]), on_trial(app=2, left=0, need=["app"])]
    done = project.uota(command, *theirs.at)
    assert done.out.endswith("1.0.0 running, on trial until the app calls uota.confirm()\n")


def test_wait_and_no_wait(project, theirs):
    assert "only one of them" in project.uota("fast", "--wait", "--no-wait", status=2).error


# On a terminal


def test_fast_on_a_terminal_is_content_with_an_app_that_runs(project, theirs, terminal):
    theirs.plan = [on_trial(app=0, left=30), on_trial(app=2, left=28)]
    status, text = terminal("fast", *theirs.at, cwd=project.path).finish()
    assert status == 0
    assert "1.0.0 running, on trial, 28 s left\r\n" in text


@pytest.mark.parametrize("arguments", [("full",), ("fast", "--wait")])
def test_the_trial_is_shown_while_it_is_waited_for(project, theirs, terminal, arguments):
    theirs.plan = [on_trial(app=2, left=0.4), on_trial(app=3, left=0, need=[EVIL]), CONFIRMED]
    status, text = terminal(*arguments, *theirs.at, cwd=project.path).finish()
    assert status == 0
    assert "the board restarts" in text
    assert "on trial, 0 s left, needs " in text and "\x1b]0;" not in text
    assert "1.0.0 confirmed after" in text


# Rolled back


@PUSHES
def test_rolled_back(project, theirs, command):
    theirs.plan = [on_trial(), rolled_back(WHY, "1.1")]
    theirs.crash = {"version": "1.2", "why": WHY, "trace": TRACE}
    done = project.uota(command, "--version", "1.2", *theirs.at, status=1)
    assert done.out == f"127.0.0.1: rolled back to 1.1: {WHY}\n{TRACE}"
    assert done.error == f"uota: failed to push to 127.0.0.1: rolled back to 1.1: {WHY}"


@PUSHES
def test_rolled_back_as_json(project, theirs, command):
    theirs.plan = [on_trial(), rolled_back(WHY, "1.1")]
    theirs.crash = {"version": "1.2", "why": WHY, "trace": TRACE}
    done = project.uota(command, "--json", "--version", "1.2", *theirs.at, status=1)
    report = json.loads(done.out)
    assert report["state"] == "rolled back" and report["status"] == 1
    assert report["version"] == "1.1" and report["from"] == report["pushed"] == "1.2"
    assert report["why"] == WHY and report["trace"] == TRACE
    assert report["error"] == f"rolled back to 1.1: {WHY}"


def test_rolled_back_in_silence(project, theirs):
    theirs.plan = [rolled_back(WHY)]
    done = project.uota("full", "--quiet", *theirs.at, status=1)
    assert done.out == "" and WHY in done.error


@PUSHES
def test_nothing_in_a_traceback_drives_the_terminal(project, theirs, terminal, command):
    theirs.plan = [on_trial(), rolled_back(EVIL, EVIL)]
    theirs.crash = {"version": EVIL, "why": EVIL, "trace": f"Error: {EVIL}\n{EVIL}\n\r{EVIL}\n"}
    for option in ((), ("--json",)):
        done = project.uota(command, *option, *theirs.at, status=1)
        assert_harmless(done)
        assert "owned" in done.out and "owned" in done.error
    status, text = terminal(command, "--wait", *theirs.at, cwd=project.path).finish()
    assert status == 1
    assert "\x1b]0;" not in text and "\x1b[2J" not in text and "\u202e" not in text


def test_a_board_without_a_traceback(project, theirs):
    theirs.plan = [rolled_back("not up within 300 s: wifi_tcp")]
    done = project.uota("full", *theirs.at, status=1)
    assert done.out == "127.0.0.1: rolled back to unknown: not up within 300 s: wifi_tcp\n"


# The last answer is lost


@PUSHES
def test_a_lost_answer_and_a_trial(project, theirs, command):
    theirs.answers_commit = False
    assert "2 confirmed after" in project.uota(command, "--version", "2", *theirs.at).out


@PUSHES
def test_a_lost_answer_and_a_failure(project, theirs, command):
    theirs.answers_commit = False
    theirs.plan = [rolled_back(WHY, "1")]
    error = project.uota(command, "--version", "2", *theirs.at, status=1).error
    assert "rolled back to 1: ImportError" in error


@PUSHES
def test_a_lost_answer_and_nothing_committed(project, theirs, command):
    theirs.answers_commit = theirs.commits = False
    error = project.uota(command, "--version", "2", *theirs.at, status=1).error
    assert "did not answer after the last byte" in error and "push again" in error


@PUSHES
def test_a_failure_from_before_is_not_the_verdict_on_this_push(project, theirs, command):
    theirs.answers_commit = theirs.commits = False
    theirs.status = rolled_back(WHY, "1", id="0123456789abcdef", **{"from": "1.9"})
    error = project.uota(command, "--version", "2", *theirs.at, status=1).error
    assert "the board went on with version 1: push again" in error


# Refused


@PUSHES
def test_what_has_failed_before_is_refused(project, theirs, command):
    refusal = f"error: refused: 1.0.0 failed on this board ({WHY}); change it, or use --force\n"
    theirs.on("start_ota", refusal.encode())
    theirs.on("stream_ota", refusal.encode())
    error = project.uota(command, *theirs.at, status=3).error
    assert "1.0.0 failed on this board" in error and error.endswith("use --force")


@PUSHES
def test_force_and_no_rollback_are_words_of_the_update(project, theirs, command):
    theirs.plan = [{**CONFIRMED, "crash": WHY}]
    done = project.uota(command, "--force", "--no-rollback", *theirs.at)
    assert theirs.words == ["no-rollback force"]
    assert done.out.endswith(f"; 1.0.0 confirmed without a trial; the app died: {WHY}\n")


def test_wipe_is_a_word_of_the_update(project, theirs):
    project.uota("full", "--wipe", *theirs.at)
    assert theirs.words == ["wipe"]
    assert not any(line == "wipe" for line in theirs.heard)


@PUSHES
def test_words_mean_nothing_to_a_board_of_1_0(project, old_board, command):
    board = old_board(password=project.secrets["otaPassword"], key=project.secrets["signingKey"])
    done = project.uota(command, "--force", "--no-rollback", *board.at)
    assert done.out.endswith("; the board is back\n")
    assert not any("force" in line or "rollback" in line for line in board.heard)


# Too little memory


@PUSHES
def test_a_board_without_memory_restarts_and_gets_it_again(project, theirs, command):
    theirs.greedy = 1
    done = project.uota(command, *theirs.at)
    assert "restarts without" in done.err and "1.0.0 confirmed" in done.out
    assert theirs.words == ["", ""] and theirs.resets == 2


@PUSHES
def test_a_board_without_memory_for_a_connection(project, theirs, command):
    """It says so before it has heard anything, and hangs up."""
    theirs.full = True
    done = project.uota(command, *theirs.at)
    assert "restarts without" in done.err and "1.0.0 confirmed" in done.out
    assert theirs.words == [""]


@PUSHES
def test_a_trial_whose_app_leaves_no_memory_for_a_look(project, theirs, command):
    """The board restarts once more, and then tells."""
    theirs.plan = [rolled_back("too little memory", "1")]
    theirs.full_after_commit = True
    error = project.uota(command, *theirs.at, status=1).error
    assert "rolled back to 1: too little memory" in error
    assert theirs.resets == 2


@PUSHES
def test_a_board_that_never_has_memory_is_given_up(project, theirs, command):
    theirs.greedy = 9
    done = project.uota(command, "--json", *theirs.at, status=1)
    assert "too little memory" in done.error
    assert theirs.words == ["", ""]


# Commands

STATES = [
    (CONFIRMED, "unknown\n"),
    ({"version": "1.2.1", **CONFIRMED}, "1.2.1 confirmed\n"),
    ({"version": "1.2.1", **on_trial(2, 28)}, "1.2.1 on trial, 28 s left\n"),
    (
        {"version": "1.2.1", **on_trial(31, 0, ["wifi_tcp", "connection"])},
        "1.2.1 on trial, 0 s left, needs wifi_tcp and connection\n",
    ),
    (
        {"version": "1.2.1", **on_trial(31, 0, ["app"])},
        "1.2.1 on trial until the app calls uota.confirm()\n",
    ),
    ({**rolled_back(WHY, "1.1.0"), "from": "1.2.0"}, f"1.1.0 rolled back from 1.2.0: {WHY}\n"),
    (
        {"version": "1", "safe": True, **CONFIRMED},
        "1 confirmed; safe mode: the app does not run\n",
    ),
    ({"version": "1", "crash": "ValueError: x", **CONFIRMED}, "1 confirmed; the app died: "),
]


@pytest.mark.parametrize(("status", "line"), STATES)
@pytest.mark.parametrize("command", [("version",), ("terminal", "version")])
def test_version_tells_the_state(uota, new_board, command, status, line):
    board = new_board()
    board.status = status
    assert uota(*command, *board.at).out.startswith(line)


@pytest.mark.parametrize("command", [("version",), ("terminal", "version")])
def test_version_as_json(uota, new_board, command):
    board = new_board()
    board.status = {"version": "1.2", **on_trial(2, 28, ["wifi_tcp"]), "id": "0123456789abcdef"}
    report = json.loads(uota(*command, "--json", *board.at).out)
    assert report["version"] == "1.2" and report["agent"] == "2.0.0"
    assert report["state"] == "trial" and report["id"] == "0123456789abcdef"
    assert report["left"] == 28 and report["app"] == 2 and report["need"] == ["wifi_tcp"]


@pytest.mark.parametrize("option", [(), ("--json",)])
def test_nothing_in_a_state_drives_the_terminal(uota, new_board, option):
    board = new_board()
    evil = {"version": EVIL, "from": EVIL, "why": EVIL, "crash": EVIL, "need": [EVIL]}
    for state in ("trial", "rolled back", EVIL):
        board.status = {**evil, "state": state}
        for command in (("version",), ("terminal", "version")):
            done = uota(*command, *option, *board.at)
            assert_harmless(done)
            assert "owned" in done.out


@pytest.mark.parametrize("keys", [{"state": 1}, {"need": "x"}, {"id": "short"}, {"left": -1}])
def test_a_state_of_the_wrong_type_is_no_board(uota, new_board, keys):
    board = new_board()
    board.status = {**CONFIRMED, **keys}
    assert "no uota board" in uota("version", *board.at, status=1).error


def test_crash(uota, new_board):
    board = new_board()
    board.crash = {"version": "1.2", "why": WHY, "trace": TRACE}
    assert uota("crash", *board.at).out == f"1.2: {WHY}\n{TRACE}"
    report = json.loads(uota("crash", "--json", *board.at).out)
    assert (report["version"], report["why"], report["trace"]) == ("1.2", WHY, TRACE)


def test_crash_where_nothing_is_kept(uota, new_board):
    board = new_board()
    assert uota("crash", *board.at).out == "the board has kept no traceback\n"
    assert "trace" not in json.loads(uota("crash", "--json", *board.at).out)


@pytest.mark.parametrize("option", [(), ("--json",)])
def test_nothing_in_a_kept_traceback_drives_the_terminal(uota, new_board, option):
    board = new_board()
    board.crash = {"version": EVIL, "why": EVIL, "trace": f"{EVIL}\n\n {EVIL}"}
    done = uota("crash", *option, *board.at)
    assert_harmless(done)
    assert done.out.count("owned") == 4


@pytest.mark.parametrize("answer", ["", "[]", '{"trace": 1}', "x" * 9000, "error: no"])
def test_a_strange_traceback(uota, new_board, answer):
    board = new_board()
    board.on("crash", answer.encode() + b"\n")
    uota("crash", *board.at, status=1)


def test_rollback(uota, new_board):
    board = new_board()
    board.kept = "1.1"
    board.down_for = 0.5
    assert uota("rollback", *board.at).out == "1.1 rolled back from unknown: by hand\n"
    assert board.resets == 1


def test_rollback_as_json(uota, new_board):
    board = new_board()
    board.kept = "1.1"
    report = json.loads(uota("rollback", "--json", *board.at).out)
    assert report["version"] == "1.1" and report["state"] == "rolled back"


def test_rollback_without_waiting(uota, new_board):
    board = new_board()
    board.kept = "1.1"
    assert "goes back" in uota("rollback", "--no-wait", *board.at).out
    assert board.connections == 1


def test_rollback_where_nothing_is_kept(uota, new_board):
    assert "nothing is kept" in uota("rollback", *new_board().at, status=1).error


@pytest.mark.parametrize("command", [("crash",), ("rollback",), ("terminal", "safe-mode")])
def test_a_board_of_1_0_knows_none_of_it(uota, old_board, command):
    assert "does not know" in uota(*command, *old_board().at, status=1).error


def test_safe_mode(uota, new_board):
    board = new_board()
    assert "without its app" in uota("terminal", "safe-mode", *board.at).out
    assert board.heard == ["safe_mode"] and board.resets == 1
    assert "safe mode" in uota("version", *board.at).out

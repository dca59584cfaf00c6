"""Updates that fail on a board, and what the tool tells of them: the board is as it was before."""

import pytest

PUSHES = pytest.mark.parametrize("command", ["fast", "full"])
WHY = "ImportError: no module named 'nowhere'"


@pytest.fixture
def working(project, board):
    """A board with a confirmed version 1.0.0."""
    project.uota("full", *board.at)
    return board


@pytest.fixture
def failing(project, working):
    """And the project has an app that dies."""
    project.write("app/app.py", "import nowhere\n")
    return working


def push_failure(project, board, command, *options):
    return project.uota(command, "--version", "2", *options, *board.at, status=1)


@PUSHES
def test_an_app_that_dies_is_rolled_back_with_its_traceback(project, failing, command):
    mark = failing.mark()
    done = push_failure(project, failing, command)
    lines = done.out.splitlines()
    assert lines[0] == f"127.0.0.1: rolled back to 1.0.0: {WHY}"
    assert lines[1].startswith("Traceback") and lines[-1] == WHY
    assert any("/app/app.py" in line for line in lines)
    failing.wait_for("the app says one", mark)
    told = project.uota("version", *failing.at).out
    assert told == f"1.0.0 rolled back from 2: {WHY}\n"
    assert project.uota("crash", *failing.at).out.splitlines()[1:] == lines[1:]


@PUSHES
def test_what_has_failed_is_refused_until_it_has_changed(project, failing, command):
    push_failure(project, failing, command)
    done = project.uota(command, "--version", "2", "--json", *failing.at, status=3)
    assert "2 failed on this board" in done.error and "--force" in done.error
    assert done.report["status"] == 3
    assert "rolled back to 1.0.0" in push_failure(project, failing, command, "--force").error
    project.app_says("two")
    assert "2 confirmed" in project.uota(command, "--version", "2", *failing.at).out
    assert project.uota("version", *failing.at).out == "2 confirmed\n"


def test_without_rollback_there_is_no_way_back(project, failing):
    done = project.uota("full", "--version", "2", "--no-rollback", *failing.at)
    assert "2 confirmed without a trial" in done.out
    failing.wait_for(WHY)
    assert "2 confirmed; the app died: " in project.uota("version", *failing.at).out
    assert "nothing is kept" in project.uota("rollback", *failing.at, status=1).error


def test_back_by_hand(project, working):
    project.app_says("two")
    project.uota("fast", "--version", "2", *working.at)
    mark = working.mark()
    assert project.uota("rollback", *working.at).out.startswith("1.0.0 rolled back from 2: ")
    working.wait_for("the app says one", mark)
    project.uota("fast", "--version", "2", *working.at)
    working.wait_for("the app says two", mark)


def test_a_failed_wipe_takes_nothing_away(project, failing):
    project.write("assets/page.html", "<p>")
    project.app_says("one")
    project.uota("full", *failing.at)
    project.delete("assets/page.html")
    project.write("app/app.py", "import nowhere\n")
    push_failure(project, failing, "full", "--wipe")
    assert failing.on_flash("/assets/page.html") == b"<p>"


def test_fast_on_a_terminal_leaves_the_trial_to_the_board(project, board, terminal):
    project.set(confirmAfter=600)
    status, text = terminal("fast", *board.at, cwd=project.path).finish()
    assert status == 0
    assert "1.0.0 running, on trial, 59" in text
    assert project.uota("version", *board.at).out.startswith("1.0.0 on trial, 59")


def test_safe_mode_until_the_next_reset(project, working):
    mark = working.mark()
    project.uota("terminal", "safe-mode", *working.at)
    working.wait_until_back(mark)
    told = project.uota("version", *working.at).out
    assert told == "1.0.0 confirmed; safe mode: the app does not run\n"
    mark = working.mark()
    project.uota("terminal", "reset", *working.at)
    working.wait_for("the app says one", mark)

"""`uota terminal`: one command, commands from a pipe, and a person at a terminal."""

import json
import os
import stat
import subprocess

import pytest

from .conftest import UOTA
from .old_board import stays_silent
from .wire import until

# One command


@pytest.fixture
def installed(project, board):
    """A board with a project on it."""
    project.write("assets/größe 1.txt", "ä\n")
    project.write("assets/data.bin", bytes(range(256)) * 300)
    project.uota("full", *board.at)
    return board


@pytest.fixture
def ask(project, installed):
    """ask(WORD…): one command of the terminal."""

    def run(*words, **how):
        return project.uota("terminal", *installed.at, *words, **how)

    return run


def test_ls(ask):
    assert "assets/\n" in ask("ls").out
    assert ask("ls").out == ask("ls", "/").out
    assert sorted(ask("ls", "/assets").out.splitlines()) == ["data.bin", "größe 1.txt"]
    assert ask("ls", "assets/").out == ask("ls", "/assets").out
    entries = json.loads(ask("--json", "ls", "/assets").out)["entries"]
    assert sorted(entries) == ["data.bin", "größe 1.txt"]


def test_cat_to_a_pipe_is_byte_for_byte(ask):
    assert ask("cat", "/assets/data.bin").raw == bytes(range(256)) * 300
    assert ask("cat", "/assets/größe 1.txt").out == "ä\n"


def test_get(ask, project, tmp_path):
    assert ask("get", "/assets/data.bin").out == "saved as data.bin\n"
    assert (project / "data.bin").read_bytes() == bytes(range(256)) * 300
    ask("get", "/assets/größe 1.txt", tmp_path / "mine.txt", "-q")
    assert (tmp_path / "mine.txt").read_text() == "ä\n"
    assert stat.S_IMODE((project / "data.bin").stat().st_mode) == 0o644 & ~umask()


def umask():
    now = os.umask(0)
    os.umask(now)
    return now


def test_get_overwrites_nothing_unasked(ask, project):
    project.write("data.bin", "mine")
    error = ask("get", "/assets/data.bin", status=1).error
    assert "here already" in error
    assert (project / "data.bin").read_text() == "mine"


@pytest.mark.parametrize("path", ["/", "/assets/..", "..", "."])
def test_get_of_what_names_no_file(ask, path):
    assert "names no file" in ask("get", path, status=2).error


def test_get_to_a_place_that_is_not_there(ask, project):
    assert "nowhere/x" in ask("get", "/assets/data.bin", "nowhere/x", status=1).error


@pytest.mark.parametrize("command", ["cat", "get"])
def test_a_file_that_is_not_there(ask, project, command):
    before = sorted(project.path.iterdir())
    ask(command, "/nothing", status=1)
    assert sorted(project.path.iterdir()) == before, "not even a part of it is left"


def test_cat_to_a_full_disk(project, installed, env):
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [UOTA, "terminal", "--legacy", *installed.at, "cat", "/assets/data.bin"],
            cwd=project.path,
            env=env,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
        )
    assert done.returncode == 1
    assert done.stderr == "uota: writing: No space left on device\n"


def test_rm(ask, installed):
    assert ask("rm", "/assets/data.bin").out == ""
    assert installed.read("/assets/data.bin") is None
    ask("rm", "/assets/data.bin", status=1)


@pytest.mark.parametrize(
    "path", ["/boot.py", "/lib/uota/ota.py", "/config/ota.json", "/ota_version.json", "/assets"]
)
def test_rm_of_what_must_stay(ask, installed, path):
    before = installed.files()
    assert "the board says: error: " in ask("rm", path, status=1).error
    assert installed.files() == before


@pytest.mark.parametrize("path", ["../boot.py", "/assets/../boot.py", "/assets//data.bin", "a\\b"])
def test_paths_that_the_board_refuses(ask, path):
    for command in ("ls", "cat", "rm"):
        assert "bad path" in ask(command, path, status=1).error


def test_version_and_ping(ask):
    assert ask("version").out == "1.0.0 confirmed\n"
    assert ask("ping").out == "pong\n"
    assert json.loads(ask("--json", "ping").out) == {"answer": "pong"}
    assert ask("ping", "--quiet").out == ""


def test_reset(ask, installed):
    mark = installed.mark()
    assert ask("reset").out == "the board restarts\n"
    installed.wait_until_back(mark)
    assert ask("ping").out == "pong\n"


def test_wipe(ask, installed):
    assert ask("wipe").out == "wiped\n"
    assert installed.read("/app/app.py") is None
    assert installed.on_flash("/config/ota.json")


def test_help(uota, old_board):
    out = uota("terminal", "help", *old_board().at).out
    for word in ("ls", "cat", "get", "rm", "version", "ping", "reset", "safe-mode", "wipe"):
        assert f"  {word} " in out


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("sl",), 'did you mean "ls"?'),
        (("chmod", "/x"), "`help` lists them"),
        (("cat",), "usage: cat PATH"),
        (("ls", "/a", "/b"), "usage: ls [PATH]"),
        (("rm",), "usage: rm PATH"),
        (("ping", "now"), "usage: ping"),
    ],
)
def test_wrong_usage(uota, old_board, words, why):
    board = old_board()
    assert why in uota("terminal", *board.at, *words, status=2).error
    assert board.connections == 0


@pytest.mark.parametrize("path", ["/a\nwipe", "/a\r\nreset", "x\n"])
def test_a_line_end_smuggles_no_second_command(uota, old_board, path):
    board = old_board()
    for command in ("ls", "cat", "rm"):
        error = uota("terminal", *board.at, command, path, status=1).error
        assert "line end" in error
    assert board.heard == []


# From a pipe


@pytest.fixture
def theirs(old_board):
    board = old_board()
    board.flash["data/with space.txt"] = b"inside\n"
    return board


def test_commands_from_a_pipe(uota, theirs):
    script = b"ping\n\n  ls /data\ncat '/data/with space.txt'\r\nversion"
    out = uota("terminal", *theirs.at, stdin=script).out
    assert out == "pong\nwith space.txt\ninside\nunknown\n"


@pytest.mark.parametrize("word", ["exit", "quit"])
def test_exit_ends_a_pipe(uota, theirs, word):
    assert uota("terminal", *theirs.at, stdin=f"ping\n{word}\nping\n".encode()).out == "pong\n"


@pytest.mark.parametrize(
    ("line", "status"), [("cat /nothing", 1), ("dir", 2), ("cat 'open", 2), ("rm", 2)]
)
def test_the_first_error_ends_a_pipe(uota, theirs, line, status):
    done = uota("terminal", *theirs.at, stdin=f"ping\n{line}\nping\n".encode(), status=status)
    assert done.out == "pong\n"


def test_an_empty_pipe(uota, theirs):
    done = uota("terminal", *theirs.at)
    assert (done.out, done.err) == ("", "")


def test_binary_from_a_pipe(uota, theirs):
    uota("terminal", *theirs.at, stdin=b"\x00\x01\xff\n", status=2)


def test_wipe_from_a_pipe_asks_nothing(uota, theirs):
    uota("terminal", *theirs.at, stdin=b"wipe\n")
    assert theirs.heard == ["wipe"]


# At a terminal

PROMPT = r"127\.0\.0\.1> "


@pytest.fixture
def shell(terminal, theirs):
    """The interactive shell, ready for a first line."""
    run = terminal("terminal", *theirs.at)
    run.wait_for(PROMPT)
    return run


def enter(shell, keys, pattern):
    """Types @keys and waits until @pattern is seen, and then the next prompt."""
    mark = shell.mark()
    shell.type(keys)
    shell.wait_for(pattern + r"[\s\S]*" + PROMPT, mark)
    return shell.screen.since(mark)


def leave(shell):
    shell.type("\x04")
    return shell.finish()


def test_a_conversation(shell, theirs):
    enter(shell, "ping\n", "pong")
    enter(shell, "ls /data\n", "with space.txt")
    enter(shell, "cat '/data/with space.txt'\n", "inside")
    enter(shell, "cat /nothing\n", "uota: no such file")
    enter(shell, "lss\n", r'did you mean "ls"\?')
    enter(shell, "\n", "")
    enter(shell, "ls 'open\n", "uota: terminal: ")
    enter(shell, "help\n", "Restart the board")
    status, _ = leave(shell)
    assert status == 0


@pytest.mark.parametrize("keys", ["exit\n", "quit\n", "\x04"])
def test_ways_out(shell, keys):
    shell.type(keys)
    assert shell.finish()[0] == 0


def test_tab_completes_commands(shell):
    enter(shell, "ver\t\n", "unknown")


def test_tab_completes_paths_of_the_board(shell, theirs):
    theirs.flash["data/deep/unique.txt"] = b"found\n"
    del theirs.flash["data/with space.txt"]
    enter(shell, "cat /da\tde\tun\t\n", "found")
    assert "ls /data/deep/" in theirs.heard


def test_tab_completes_names_without_a_slash(shell, theirs):
    theirs.flash["readme.txt"] = b"read me\n"
    enter(shell, "cat rea\t\n", "read me")


def test_tab_shows_what_there_is(shell, theirs):
    theirs.flash["data/one.txt"] = theirs.flash["data/two.txt"] = b""
    del theirs.flash["data/with space.txt"]
    mark = shell.mark()
    shell.type("cat /data/\t\t")
    shell.wait_for(r"one\.txt[\s\S]*two\.txt", mark)


def test_tab_against_a_board_that_is_gone(shell, theirs):
    theirs.stop()
    mark = shell.mark()
    shell.type("cat /da\t")
    shell.type("\x15")  # the line is given up
    enter(shell, "help\n", "Restart the board")
    assert "Traceback" not in shell.screen.since(mark)


def test_history(shell, theirs):
    enter(shell, "ls /data\n", "with space.txt")
    enter(shell, "ping\n", "pong")
    enter(shell, "\x1b[A\x1b[A\n", "with space.txt")
    assert theirs.heard.count("ls /data") == 2


def test_history_of_an_earlier_run(shell, terminal, theirs, env):
    enter(shell, "ls /data\n", "with space.txt")
    leave(shell)
    file = os.path.join(env["HOME"], ".cache/uota/history")
    assert stat.S_IMODE(os.stat(file).st_mode) == 0o600
    again = terminal("terminal", *theirs.at)
    again.wait_for(PROMPT)
    enter(again, "\x1b[A\n", "with space.txt")


def test_wipe_asks(shell, theirs):
    for answer in ("\n", "n\n", "x\n"):
        mark = shell.mark()
        shell.type("wipe\n")
        shell.wait_for(r"\[y/N\] ", mark)
        enter(shell, answer, "nothing was deleted")
    assert theirs.heard == []
    shell.type("wipe\n")
    shell.wait_for(r"\[y/N\] ", shell.mark() - 40)
    enter(shell, "y\n", "wiped")
    assert theirs.heard == ["wipe"]


def test_ctrl_c_at_the_question_of_wipe(shell, theirs):
    shell.type("wipe\n")
    shell.wait_for(r"\[y/N\] ")
    shell.type("\x03")
    status, _ = shell_ends(shell)
    assert status == 130
    assert theirs.heard == []


def test_ctrl_c_at_the_prompt_leaves_the_terminal_as_it_was(shell):
    shell.type("half a li")
    shell.wait_for("half a li")
    shell.type("\x03")
    status, text = shell_ends(shell)
    assert status == 130 and "uota: interrupted" in text


def shell_ends(shell):
    shell.process.wait(30)
    assert shell.echoes(), "the terminal is as it was before"
    return shell.finish()


def test_ctrl_c_ends_a_command_that_hangs(shell, theirs):
    theirs.on("version", stays_silent)
    mark = shell.mark()
    shell.type("version\n")
    until(lambda: "version" in theirs.heard)
    shell.type("\x03")
    shell.wait_for("uota: interrupted", mark)
    status, _ = shell_ends(shell)
    assert status == 130


def test_a_command_that_hangs_is_interrupted_with_130(started, theirs):
    theirs.on("version", stays_silent)
    run = started("terminal", *theirs.at, "version")
    until(lambda: "version" in theirs.heard)
    run.interrupt()
    run.finish(status=130)


def test_a_board_that_restarts_between_two_commands(shell, theirs):
    enter(shell, "reset\n", "the board restarts")
    enter(shell, "ping\n", "pong")


def test_cat_on_a_terminal_shows_no_controls(shell, theirs):
    theirs.flash["evil"] = b"\x1b]0;owned\x07\x1b[2J \xc2\x9b31m \x00\x7f\x08 end\n"
    seen = enter(shell, "cat /evil\n", r"\\x1b\]0;owned\\x07\\x1b\[2J .* end")
    shown = seen.split("cat /evil", 1)[1].split("end")[0]
    assert "\x1b]" not in shown and "\x9b" not in shown and "\x08" not in shown

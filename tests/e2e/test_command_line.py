"""What needs no board: help, wrong usage, `init`, `passwd`, and outputs that cannot be written."""

import hashlib
import json
import os
import re
import stat
import subprocess

import pytest

from .conftest import UOTA

COMMANDS = [
    "init",
    "fast",
    "full",
    "version",
    "crash",
    "rollback",
    "terminal",
    "passwd",
    "help",
]
TALKING = ["fast", "full", "version", "crash", "rollback", "terminal"]


# Help


@pytest.mark.parametrize("arguments", [("--help",), ("-h",), ("help",), ("help", "help")])
def test_help_lists_the_commands(uota, arguments):
    out = uota(*arguments).out
    for command in COMMANDS:
        assert re.search(rf"^  {command} ", out, re.MULTILINE), command


@pytest.mark.parametrize("command", COMMANDS[:-1])
def test_help_of_a_command(uota, command):
    out = uota("help", command).out
    assert out == uota(command, "--help").out
    assert f"uota {command}" in out and "--host" in out


def test_help_of_an_unknown_command(uota):
    assert 'did you mean "full"?' in uota("help", "ful", status=2).error


@pytest.mark.parametrize("option", ["--version", "-V"])
def test_version_of_the_tool(uota, option):
    assert re.fullmatch(r"uota \d+\.\d+\S*\n", uota(option).out)


# Wrong usage: status 2


@pytest.mark.parametrize("arguments", [(), ("--json",), ("--host", "x"), ("-q",)])
def test_no_command(uota, arguments):
    assert "no command" in uota(*arguments, status=2).error


@pytest.mark.parametrize(
    ("word", "nearest"),
    [("ful", "full"), ("fsat", "fast"), ("Version", "version"), ("terminl", "terminal")],
)
def test_unknown_command_with_the_nearest(uota, word, nearest):
    error = uota(word, status=2).error
    assert error == f'uota: there is no command "{word}": did you mean "{nearest}"?'


def test_unknown_command_without_a_near_one(uota):
    assert "`uota help` lists them" in uota("bootstrap", status=2).error


@pytest.mark.parametrize("command", COMMANDS[:-1])
def test_unknown_option(uota, command):
    error = uota(command, "--colour", status=2).error
    assert "--colour" in error and f"uota {command} --help" in error


@pytest.mark.parametrize("command", TALKING)
@pytest.mark.parametrize(
    "port", ["0x", "-1", "65536", "99999999999999999999", "", "ssh", "2018x", "1.5"]
)
def test_bad_port(uota, command, port):
    assert "port" in uota(command, "--host", "127.0.0.1", f"--port={port}", status=2).error


def test_port_0(uota):
    assert "port" in uota("version", "--host", "127.0.0.1", "--port=0", status=2).error


@pytest.mark.parametrize("timeout", ["0", "-1", "soon", "", "inf", "nan", "3601", "1e400"])
def test_bad_timeout(uota, timeout):
    error = uota("version", "--host", "127.0.0.1", f"--timeout={timeout}", status=2).error
    assert "timeout" in error


@pytest.mark.parametrize("option", ["--host", "--port", "--timeout", "--version", "--dir"])
def test_option_without_its_value(uota, option):
    assert option in uota("version", option, status=2).error


@pytest.mark.parametrize("command", ["fast", "full", "version", "init"])
def test_a_word_too_many(uota, command):
    assert 'what is "now"?' in uota(command, "now", status=2).error


def test_transport_that_this_tool_does_not_speak(project):
    error = project.uota("version", "--transport", "ble", status=2).error
    assert "--transport ble" in error


def test_empty_host(project):
    project.uota("version", "--host", "", status=2)


def test_control_characters_of_the_command_line_are_not_repeated(uota):
    uota("\x1b[31mred\x07", status=2)
    uota("version", "--\x1b[31mred", status=2)


def test_usage_errors_in_json(uota):
    done = uota("ful", "--json", status=2)
    report = json.loads(done.out)
    assert report["status"] == 2 and "uota: " + report["error"] == done.error


# init


def test_init_makes_a_project(uota, tmp_path):
    done = uota("init", "--dir", "new/kitchen")
    project = tmp_path / "new" / "kitchen"
    for path in (
        "config/ota.json",
        "config/.ota.secrets.json",
        "app/app.py",
        "main.py",
        ".gitignore",
    ):
        assert (project / path).is_file(), path
        assert f"  {path}\n" in done.out
    json.loads((project / "config/ota.json").read_text())


def test_init_here(uota, tmp_path):
    assert "uota-sim ." in uota("init").out
    assert (tmp_path / "config/ota.json").is_file()


def test_init_makes_secrets_of_its_own(uota, tmp_path):
    secrets = []
    for name in ("a", "b"):
        uota("init", "--dir", name, "-q")
        path = tmp_path / name / "config/.ota.secrets.json"
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        secrets.append(json.loads(path.read_text()))
    for key in ("signingKey", "otaPassword"):
        assert len(secrets[0][key]) >= 32
        assert secrets[0][key] != secrets[1][key]


def test_init_keeps_the_secrets_out_of_git(uota, tmp_path):
    uota("init")
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    shown = subprocess.run(
        ["git", "status", "--porcelain", "-uall"], cwd=tmp_path, capture_output=True, text=True
    )
    assert "app/app.py" in shown.stdout and "secrets" not in shown.stdout


def test_init_without_secrets(uota, tmp_path):
    uota("init", "--no-secrets")
    assert not (tmp_path / "config/.ota.secrets.json").exists()


def test_init_json(uota):
    report = json.loads(uota("init", "--json", "--dir", "x").out)
    assert report["dir"] == "x" and "config/ota.json" in report["written"]


def test_init_overwrites_nothing(uota, tmp_path):
    (tmp_path / "main.py").write_text("mine")
    error = uota("init", status=1).error
    assert "main.py" in error and "--force" in error
    assert sorted(p.name for p in tmp_path.iterdir()) == ["home", "main.py"], "nothing was written"
    assert (tmp_path / "main.py").read_text() == "mine"


def test_init_force_keeps_the_secrets(uota, tmp_path):
    uota("init")
    secrets = (tmp_path / "config/.ota.secrets.json").read_text()
    (tmp_path / "main.py").write_text("mine")
    uota("init", "--force")
    assert (tmp_path / "main.py").read_text() != "mine"
    assert (tmp_path / "config/.ota.secrets.json").read_text() == secrets


def test_init_completes_a_gitignore(uota, tmp_path):
    (tmp_path / ".gitignore").write_text("*.log")
    uota("init")
    lines = (tmp_path / ".gitignore").read_text().splitlines()
    assert lines[0] == "*.log" and "config/.ota.secrets.json" in lines


def test_init_where_a_file_is_in_the_way(uota, tmp_path):
    (tmp_path / "x").write_text("")
    assert "x" in uota("init", "--dir", "x/y", status=1).error


# passwd

HASH = hashlib.sha256("pässword".encode()).hexdigest()


def test_passwd_of_the_argument(uota):
    assert uota("passwd", "pässword").out == HASH + "\n"


@pytest.mark.parametrize("text", ["pässword\n", "pässword", "pässword\r\n", "pässword\nmore\n"])
def test_passwd_from_a_pipe(uota, text):
    assert uota("passwd", stdin=text.encode()).out == HASH + "\n"


def test_passwd_json(uota):
    assert json.loads(uota("passwd", "--json", "pässword").out) == {"otaPassword": HASH}


def test_passwd_that_begins_like_an_option(uota):
    expected = hashlib.sha256(b"--json").hexdigest()
    assert uota("passwd", "--", "--json").out == expected + "\n"


def test_passwd_on_a_terminal_is_not_echoed(terminal):
    run = terminal("passwd")
    run.wait_for("OTA password: ")
    assert not run.echoes()
    run.type("pässword\n")
    status, text = run.finish()
    assert status == 0 and HASH in text and "pässword" not in text


def test_passwd_interrupted_leaves_the_terminal_as_it_was(terminal):
    run = terminal("passwd")
    run.wait_for("OTA password: ")
    run.type("\x03")
    run.process.wait(30)
    assert run.echoes()
    assert run.finish()[0] in (130, -2)


@pytest.mark.parametrize("password", ["", "x" * 129, "a\tb", "a\x1bb", b"\xff\xfe"])
def test_passwd_that_no_board_takes(uota, password):
    stdin = password if isinstance(password, bytes) else password.encode()
    uota("passwd", stdin=stdin + b"\n", status=2)


def test_passwd_from_nothing(uota):
    assert "no password" in uota("passwd", status=2).error


def test_passwd_of_128_bytes(uota):
    text = "x" * 128
    expected = hashlib.sha256(text.encode()).hexdigest() + "\n"
    assert uota("passwd", text).out == expected
    assert uota("passwd", stdin=text.encode() + b"\n").out == expected


# Outputs that cannot be written


@pytest.mark.parametrize(
    "arguments",
    [("help",), ("--help",), ("--version",), ("passwd", "x"), ("init", "--force"), ("init", "-h")],
)
def test_a_full_disk_is_an_error(uota, env, tmp_path, arguments):
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [UOTA, *arguments],
            cwd=tmp_path,
            env=env,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
        )
    assert done.returncode == 1
    assert re.fullmatch(r"uota: .*No space left on device\n", done.stderr)


@pytest.mark.parametrize("arguments", [("help",), ("passwd", "x"), ("init", "--force")])
def test_a_closed_pipe_ends_it_quietly(env, tmp_path, arguments):
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [UOTA, *arguments],
        cwd=tmp_path,
        env=env,
        stdout=writing,
        stderr=subprocess.PIPE,
        text=True,
    )
    os.close(writing)
    assert done.returncode != 0
    assert re.fullmatch(r"(uota: .*Broken pipe\n)?", done.stderr)


def test_a_closed_output_is_an_error(env, tmp_path):
    done = subprocess.run(
        ["sh", "-c", f"{UOTA} passwd x >&-"],
        cwd=tmp_path,
        env=env,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert done.returncode == 1
    assert done.stderr == "uota: writing the output: Bad file descriptor\n"


def test_a_closed_output_does_not_end_in_the_connection(env, tmp_path, old_board):
    board = old_board()
    done = subprocess.run(
        ["sh", "-c", f"{UOTA} version {' '.join(board.at)} <&- >&- 2>&-"], cwd=tmp_path, env=env
    )
    assert done.returncode == 1
    assert board.heard == ["version"]

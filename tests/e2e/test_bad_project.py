"""Projects that are wrong: one line that names the place, and the board is not even asked."""

import json
import os
import stat
import subprocess

import pytest

from .conftest import UOTA


@pytest.fixture
def refuses(project, old_board):
    """refuses(COMMAND…): the tool fails without a connection. Returns its error line."""
    board = old_board()

    def run(*arguments, status=1):
        error = project.uota(*arguments, *board.at, status=status).error
        assert board.connections == 0, "the board was called"
        return error

    return run


BOTH = pytest.mark.parametrize("command", ["fast", "full"])

# config/ota.json


@pytest.mark.parametrize(
    ("text", "place", "why"),
    [
        ("", "1:1", "ends too early"),
        ("{", "1:1", "ends too early"),
        ('{\n  "version": "1",\n}', "3:1", "comma"),
        ('{\n  "port": 2018\n  "version": "1"\n}', "3:11", "comma"),
        ('{"a": 1} x', "1:10", "something follows"),
        ('{"a": 01}', "1:8", "not JSON"),
        ('{\n  // a comment\n  "port": 1\n}', "2:3", "comment"),
        ('{"ssid": "a", "port": 1, "ssid": "b"}', "1:31", "there already"),
        ('{"own": {"x": 1, "x": 2}}', "1:20", "there already"),
        ('{"ssid": "a\nb"}', "1:12", "not JSON"),
        ('{"ssid": "\\u0000"}', "1:17", "\\u0000"),
        ("[1]", "1:1", "must be an object"),
        ("\ufeff{}", "1:1", "byte order mark"),
        (b'{"ssid": "\xff"}', "1:10", "not UTF-8"),
        ("[" * 30000, "1:2049", "nested too deeply"),
        ('{"a": 1e999}', "1:11", "too large"),
    ],
)
@pytest.mark.parametrize("file", ["config/ota.json", "config/.ota.secrets.json"])
def test_broken_json_is_named_by_file_line_and_column(project, refuses, text, place, why, file):
    project.write(file, text)
    error = refuses("version")
    line, column = place.split(":")
    assert error.startswith(f"uota: {file}:{line}:"), error
    assert why in error
    given = int(error.removeprefix(f"uota: {file}:{line}:").split(":")[0])
    assert abs(given - int(column)) <= 2, f"the column is {column}: {error}"


@pytest.mark.parametrize(
    ("key", "value", "must"),
    [
        ("port", "2018", "an integer from 1 to 65535"),
        ("port", 0, "an integer from 1 to 65535"),
        ("port", 2018.0, "an integer from 1 to 65535"),
        ("port", True, "an integer"),
        ("remoteioPort", 65536, "an integer"),
        ("version", 1, "a string"),
        ("version", "", "a string of 1 to 64 bytes"),
        ("version", "v" * 65, "a string of 1 to 64 bytes"),
        ("version", "1\n2", "control character"),
        ("hostname", 7, "a string"),
        ("hostname", "a b", "an address or a name"),
        ("ssid", "s" * 33, "at most 32 bytes"),
        ("transports", "wifi_tcp", "a list of strings"),
        ("transports", [], "not be empty"),
        ("transports", ["wifi_tpc"], 'did you mean "wifi_tcp"?'),
        ("fastOtaFiles", "app/**", "a list of strings"),
        ("fastOtaFiles", ["app/**", 1], "a list of strings"),
        ("fullOtaFiles", ["../**"], "below the project folder"),
        ("fullOtaFiles", ["/etc/**"], "below the project folder"),
        ("excludedFiles", None, "a list of strings"),
        ("signingKey", ["k"], "a string"),
        ("bleName", "b" * 21, "a string of 1 to 20 bytes"),
        ("pullInterval", -1, "an integer"),
        ("confirmAfter", -1, "an integer from 0 to 86400"),
        ("confirmAfter", 86401, "an integer from 0 to 86400"),
        ("confirmNetwork", 9, "an integer from 10 to 86400"),
        ("watchdog", 1, "true or false"),
        ("otaPassword", "plain", "hash of the password"),
        ("manifestUrl", "board", "a URL"),
    ],
)
def test_a_wrong_value_is_named_by_file_and_key(project, refuses, key, value, must):
    project.write("config/ota.json", json.dumps({**project.config, key: value}))
    error = refuses("version")
    assert error.startswith(f"uota: config/ota.json: {key}: "), error
    assert must in error


def test_a_wrong_value_in_the_secrets(project, refuses):
    project.set_secrets(signingKey=12345)
    error = refuses("fast")
    assert error.startswith("uota: config/.ota.secrets.json: signingKey: ")
    assert "12345" not in error


@pytest.mark.parametrize("key", ["password", "otaPassword", "signingKey"])
def test_a_masked_secret_read_back_from_a_board(project, refuses, key):
    project.set(**{key: "***"})
    error = refuses("full")
    assert f"config/ota.json: {key}: " in error and "***" in error


def test_no_error_quotes_a_secret(project, refuses):
    project.write("config/.ota.secrets.json", '{"otaPassword": "hunter2" "signingKey": 1}')
    assert "hunter2" not in refuses("fast")
    project.write("config/.ota.secrets.json", '{"otaPassword": "hun\\tter2"}')
    assert "ter2" not in refuses("fast")


def test_an_unknown_key_is_a_warning_with_the_nearest(project, old_board):
    project.without_secrets()
    project.set(hostnme="kitchen.local", mine=1)
    done = project.uota("version", *old_board().at)
    assert done.out == "unknown\n"
    assert done.warnings[:2] == [
        'uota: warning: config/ota.json: unknown key "hostnme": did you mean "hostname"?',
        'uota: warning: config/ota.json: unknown key "mine": the board gets it as it is',
    ]


def test_quiet_leaves_warnings_out(project, old_board):
    project.without_secrets()
    project.set(hostnme="x")
    assert project.uota("version", "-q", *old_board().at).err == ""


def test_readable_secrets_are_a_warning(project, old_board):
    (project / "config/.ota.secrets.json").chmod(0o644)
    password = project.secrets["otaPassword"]
    done = project.uota("version", *old_board(password=password).at)
    assert any("chmod 600" in warning for warning in done.warnings), done.warnings


def test_only_the_hash_of_the_password(project, refuses):
    project.without_secrets()
    project.set(otaPassword="0" * 64)
    assert "only the hash" in refuses("version")


def test_an_empty_hostname(project):
    project.set(hostname="")
    error = project.uota("version", status=1).error
    assert "hostname" in error and "--host" in error


def test_a_configuration_that_cannot_be_read(project, refuses):
    (project / "config/ota.json").unlink()
    (project / "config/ota.json").mkdir()
    assert "config/ota.json" in refuses("version")


# No project


@BOTH
def test_no_project_here(uota, tmp_path, command):
    error = uota(command, "--host", "127.0.0.1", status=1).error
    assert "no project here" in error and "uota init" in error


def test_no_project_and_no_host(uota):
    assert "no project here" in uota("version", status=1).error


def test_version_with_a_host_needs_no_project(uota, old_board):
    assert uota("version", *old_board().at).out == "unknown\n"


@pytest.mark.parametrize(("name", "why"), [("nowhere", "no such folder"), (".", "no project")])
def test_dir_that_is_no_project(uota, name, why):
    assert why in uota("fast", "--dir", name, status=1).error


def test_dir_is_not_searched_above(project, uota):
    assert "no project" in uota("fast", "--dir", project / "app", status=1).error


# The files


@BOTH
@pytest.mark.parametrize("globs", [[], ["nothing/**"]])
def test_an_empty_file_set(project, refuses, command, globs):
    project.set(fastOtaFiles=globs, fullOtaFiles=globs)
    error = refuses(command)
    assert "fastOtaFiles" in error and "no file" in error


def test_everything_excluded(project, refuses):
    project.set(excludedFiles=["**"])
    assert "excludedFiles" in refuses("full")


def test_a_missing_folder_of_the_set_is_no_error(project, old_board):
    project.without_secrets()
    project.set(fastOtaFiles=["app/**", "web/**"])
    project.uota("fast", "--no-wait", *old_board().at)


@pytest.fixture
def as_nobody(project):
    """The words that run a program as somebody who is not root, and may look into the project."""
    if os.getuid() != 0:
        return []
    for folder in (project.path, *project.path.parents):
        if not folder.stat().st_mode & stat.S_IXOTH:
            folder.chmod(folder.stat().st_mode | stat.S_IXOTH | stat.S_IROTH)
    words = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    if subprocess.run([*words, UOTA, "--version"], capture_output=True).returncode:
        pytest.skip("the tool lies where only root may run it")
    return words


@BOTH
def test_an_unreadable_file(open_project, old_board, env, as_nobody, command):
    board = old_board()
    open_project.write("app/locked.py", "x").chmod(0)
    done = subprocess.run(
        [*as_nobody, UOTA, command, *board.at],
        cwd=open_project.path,
        env=env,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1, done.stderr
    assert done.stderr.startswith("uota: app/locked.py: ") and "ermission" in done.stderr
    assert board.connections == 0


@BOTH
def test_a_link_out_of_the_project(project, refuses, tmp_path, command):
    (tmp_path / "outside.py").write_text("secret")
    (project / "app/link.py").symlink_to(tmp_path / "outside.py")
    error = refuses(command)
    assert error.startswith("uota: app/link.py: ") and "out of the project" in error


@pytest.mark.parametrize("target", ["config/.ota.secrets.json", ".git/config", "nowhere", "link"])
def test_links_that_are_never_followed(project, refuses, target):
    project.write(".git/config", "x")
    (project / "app/link").symlink_to(
        project.path / "app/link" if target == "link" else "../" + target
    )
    assert refuses("fast").startswith("uota: app/link: ")


def test_a_hard_link_to_the_secrets(project, refuses):
    os.link(project / "config/.ota.secrets.json", project / "app/innocent.json")
    assert refuses("fast").startswith("uota: app/innocent.json: ")


def test_a_link_in_a_circle(project, refuses):
    (project / "app/again").symlink_to("../app")
    assert refuses("fast").startswith("uota: app/again: ")


def test_a_link_inside_of_the_project(project, old_board):
    project.without_secrets()
    (project / "app/copy.py").symlink_to("app.py")
    board = old_board()
    project.uota("fast", "--no-wait", *board.at)
    assert board.flash["app/copy.py"] == (project / "app/app.py").read_bytes()


@pytest.mark.parametrize(
    "name",
    [
        "a\nb.py",
        "a\x1b[31m.py",
        "a;b.py",
        "a:b.py",
        "a\\b.py",
        "what?.py",
        "a*.py",
        'a"b.py',
        "a|b.py",
        "ends in dot.",
        "ends in space ",
        "\u0085.py",
        os.fsdecode(b"caf\xe9.py"),
    ],
)
def test_a_path_that_no_board_can_hold(project, refuses, name):
    project.write("app/" + name, "x")
    assert refuses("fast").startswith("uota: app/")


def test_a_path_that_is_too_long(project, refuses):
    deep = "/".join(["d" * 60] * 5)
    project.write("app/" + deep + "/x.py", "x")
    assert "255 bytes" in refuses("fast")


@pytest.mark.parametrize("name", ["ota_version.json", "OTA_stage/x"])
def test_a_path_of_the_agent(project, refuses, name):
    project.write(name, "x")
    assert "agent's own" in refuses("full")


@pytest.mark.parametrize("kind", ["fifo", "socket"])
def test_what_is_no_file(project, refuses, kind):
    path = project / "app/strange"
    if kind == "fifo":
        os.mkfifo(path)
    else:
        os.mknod(path, 0o600 | stat.S_IFSOCK)
    assert refuses("fast").startswith("uota: app/strange: ")


# The version


@pytest.mark.parametrize("version", ["", "1\n2", "1\r", "\x1b[2J", "v" * 65, "ü" * 33, "\x7f"])
@BOTH
def test_a_version_that_cannot_be(project, refuses, command, version):
    assert "version" in refuses(command, "--version", version)


def test_a_version_of_64_bytes(project, old_board):
    project.without_secrets()
    board = old_board()
    project.uota("fast", "--no-wait", "--version", "ü" * 32, *board.at)
    assert board.version == "ü" * 32

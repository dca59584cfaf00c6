"""The main job: a project, a first push, a change, a second push, and what the board has then."""

import hashlib
import json
import re

import pytest


def test_init_full_change_fast_version(project, board):
    project.uota("full", *board.at)
    board.wait_for("the app says one")
    assert board.read("/app/app.py") == (project / "app/app.py").read_bytes()

    project.app_says("two")
    mark = board.mark()
    done = project.uota("fast", "--version", "1.0.1", *board.at)
    board.wait_for("the app says two", mark)

    assert re.fullmatch(
        r"127\.0\.0\.1: 1\.0\.1 installed, 3 files, 1 changed, "
        r"[\d.]+\s\w+ sent \(of [\d.]+\s.?B\), [\d.]+ s; "
        r"1\.0\.1 confirmed after \d+ s\n",
        done.out,
    )
    assert project.uota("version", *board.at).out == "1.0.1 confirmed\n"


def test_what_was_pushed_is_on_the_flash_byte_for_byte(project, board):
    every_byte = bytes(range(256)) * 100
    project.write("assets/every byte.bin", every_byte)
    project.write("assets/empty.txt", b"")
    project.write("lib/own.py", "x = 1\n")

    project.uota("full", *board.at)

    assert board.on_flash("/assets/every byte.bin") == every_byte
    assert board.on_flash("/assets/empty.txt") == b""
    assert board.on_flash("/lib/own.py") == b"x = 1\n"
    assert board.on_flash("/app/app.py") == (project / "app/app.py").read_bytes()
    assert json.loads(board.on_flash("/ota_version.json")) == {"version": "1.0.0"}


def test_the_update_survives_a_power_cycle(project, board):
    project.uota("full", *board.at)
    board.restart()
    board.wait_for("the app says one")
    assert board.version() == "1.0.0"


NAMES = [
    "assets/with space.txt",
    "assets/größe.txt",
    "assets/日本/ファイル.txt",
    "assets/😀.txt",
    "assets/" + "n" * 120 + ".txt",
    "assets/b/c/d/e/f/g/h.txt",
    "assets/.hidden",
    "assets/100%.txt",
    "assets/it's #1 (new) [x] {y} & co.txt",
]


@pytest.mark.parametrize("command", ["full", "fast"])
def test_file_names(project, board, command):
    project.set(fastOtaFiles=["assets/**", "config/**"])
    for path in NAMES:
        project.write(path, "content of " + path)
    project.uota(command, *board.at)
    for path in NAMES:
        assert board.on_flash("/" + path) == ("content of " + path).encode()


@pytest.mark.parametrize("command", ["full", "fast"])
def test_a_hundred_files(project, board, command):
    for i in range(100):
        project.write(f"app/m{i:02}.py", f"value = {i}\n")
    result = project.uota(command, "--json", *board.at).report
    assert result["files"] == 103
    assert board.on_flash("/app/m99.py") == b"value = 99\n"
    assert sum(name.startswith("m") for name in board.ls("/app")) == 100


def test_a_file_larger_than_any_buffer(project, board):
    data = hashlib.shake_128(b"seed").digest(700_001)
    project.write("app/big.bin", data)
    project.uota("fast", *board.at)
    assert board.on_flash("/app/big.bin") == data


def test_full_deletes_what_the_project_has_lost(project, board):
    project.write("app/old.py", "x = 1\n")
    project.write("assets/deep/old.txt", "x")
    project.uota("full", *board.at)
    project.delete("app/old.py")
    project.delete("assets/deep/old.txt")

    project.uota("full", *board.at)

    assert "old.py" not in board.ls("/app")
    assert "assets/" not in board.ls("/"), "the folder that this left empty has gone too"


def test_full_never_deletes_the_agent_config_data_and_boot(project, board):
    kept = ["lib/uota/own.py", "config/own.json", "data/log.txt", "boot.py"]
    for path in kept:
        project.write(path, "# mine\n")
    project.write("boot.py", board.on_flash("/boot.py"))
    project.uota("full", *board.at)
    for path in kept:
        project.delete(path)

    project.uota("full", *board.at)

    for path in kept:
        assert board.on_flash("/" + path) is not None, path
    board.restart()
    assert board.version() == "1.0.0"


def test_full_leaves_what_no_push_has_brought(project, board):
    """Files that the app has written are not the project's to delete."""
    project.write(
        "app/app.py",
        "def run():\n    with open('/notes.txt', 'w') as f:\n        f.write('dear diary')\n"
        "    print('written')\n",
    )
    project.uota("full", *board.at)
    board.wait_for("written")
    project.app_says("two")
    project.uota("full", *board.at)
    assert board.on_flash("/notes.txt") == b"dear diary"


def test_fast_deletes_nothing_but_its_own(project, board):
    project.write("assets/page.html", "<p>")
    project.write("assets/old.html", "<p>")
    project.write("app/old.py", "x = 1\n")
    project.uota("full", *board.at)
    project.delete("app/old.py")
    project.delete("assets/old.html")

    project.uota("fast", *board.at)

    assert board.on_flash("/assets/page.html") == b"<p>"
    assert board.on_flash("/assets/old.html") == b"<p>"
    assert board.on_flash("/app/old.py") is None


def test_full_after_fast_knows_what_both_have_brought(project, board):
    project.write("assets/page.html", "<p>")
    project.uota("full", *board.at)
    project.write("app/new.py", "x = 1\n")
    project.uota("fast", *board.at)
    project.delete("app/new.py")
    project.delete("assets/page.html")

    project.uota("full", *board.at)

    assert board.on_flash("/app/new.py") is None
    assert board.on_flash("/assets/page.html") is None


def test_wipe_deletes_all_but_the_protected(project, board):
    project.write(
        "app/app.py",
        "import os\ndef run():\n    for d in ('/data', '/stray'):\n"
        "        try:\n            os.mkdir(d)\n        except OSError:\n            pass\n"
        "        open(d + '/f', 'w').close()\n    print('written')\n",
    )
    project.uota("full", *board.at)
    board.wait_for("written")
    project.app_says("two")

    project.uota("full", "--wipe", *board.at)

    files = board.files()
    assert "/stray/f" not in files and "/data/f" in files
    assert "/lib/uota/ota.py" in files and "/boot.py" in files and "/app/app.py" in files
    assert board.config()["signingKey"] == project.secrets["signingKey"]


def test_main_py_of_the_project_replaces_the_boards(project, board):
    project.write("main.py", "import uota\nprint('my own main')\nuota.main()\n")
    project.uota("fast", *board.at)
    assert board.on_flash("/main.py") == (project / "main.py").read_bytes()


def test_the_version_comes_from_the_option_or_the_configuration(project, board):
    project.set(version="0.9-beta+5 (draft)")
    project.uota("full", *board.at)
    assert project.uota("version", *board.at).out == "0.9-beta+5 (draft) confirmed\n"
    project.uota("fast", "--version=2.ünïcode", *board.at)
    assert project.uota("version", *board.at).out == "2.ünïcode confirmed\n"
    assert project.config["version"] == "0.9-beta+5 (draft)", "the option changes no file"


def test_a_board_with_nothing_installed(project, board):
    assert project.uota("version", *board.at).out == "unknown\n"


def test_the_same_push_twice(project, board):
    """But for the version that is kept, which the first push has not had."""

    def files():
        return {p: what for p, what in board.files().items() if not p.startswith("/ota_kept/")}

    project.uota("full", *board.at)
    before = files()
    project.uota("full", *board.at)
    assert files() == before


def test_excluded_files_stay_here(project, board):
    project.set(excludedFiles=[".git/**", "app/secret*.py", "docs"])
    project.write("app/secret_plan.py", "x")
    project.write("docs/manual.txt", "x")
    project.write(".git/HEAD", "x")
    project.uota("full", *board.at)
    files = board.files()
    assert "/app/secret_plan.py" not in files
    assert not any("docs" in path or ".git/" in path for path in files)


def test_the_secrets_file_never_travels(project, board):
    project.set(fastOtaFiles=["**"], fullOtaFiles=["**", "config/.ota.secrets.json"])
    for command in ("full", "fast"):
        project.uota(command, *board.at)
        assert board.on_flash("/config/.ota.secrets.json") is None


def test_the_board_gets_the_key_and_the_hash_never_the_password(project, board):
    project.uota("full", *board.at)
    password, key = project.secrets["otaPassword"], project.secrets["signingKey"]
    config = board.config()
    assert config["otaPassword"] == hashlib.sha256(password.encode()).hexdigest()
    assert config["signingKey"] == key
    assert password.encode() not in board.image()


def test_the_boards_configuration_is_the_same_from_tool_and_simulator(project, board):
    project.set(ssid="Küche 2.4", password='p"w\\d/\u2028', own={"deep": [1, True, None]})
    project.set_secrets(password="wifi-secret", bleName="kitchen", mine="unknown here")
    project.uota("full", *board.at)
    by_tool = board.on_flash("/config/ota.json")

    board.kill()
    board.flash.unlink()
    board.start()

    assert board.on_flash("/config/ota.json") == by_tool


def test_secrets_are_not_given_back(project, board):
    project.set(ssid="home", password="wifi-secret")
    project.uota("full", *board.at)
    shown = project.uota("terminal", "cat", "/config/ota.json", *board.at).out
    config = json.loads(shown)
    assert config["ssid"] == "home"
    for key in ("password", "otaPassword", "signingKey"):
        assert config[key] == "***"


def test_a_board_without_secrets(open_project, boards):
    board = boards(open_project)
    done = open_project.uota("full", *board.at)
    assert "not signed\n" in done.err
    open_project.uota("fast", "--version", "2", *board.at)
    assert board.version() == "2"


@pytest.mark.parametrize("secret", ["otaPassword", "signingKey"])
def test_a_board_with_one_secret(project, boards, secret):
    project.set_secrets(**{secret: None})
    board = boards(project)
    for command in ("full", "fast"):
        project.uota(command, "--version", command, *board.at)
        assert board.version() == command


def test_secrets_beyond_ascii(project, boards):
    project.set_secrets(otaPassword="pässwörd 密码", signingKey="ключ 🔑")
    board = boards(project)
    project.uota("full", *board.at)
    project.uota("fast", "--version", "2", *board.at)
    assert board.version() == "2"


def test_a_changed_password_goes_with_the_push(project, board):
    """The old secret lets it in, the new one is needed from then on."""
    project.uota("full", *board.at)
    new = hashlib.sha256(b"the new one").hexdigest()
    config = {**board.config(), "otaPassword": new}
    mark = board.mark()
    board.tool.push_stream("2", {"config/ota.json": json.dumps(config).encode()})
    board.wait_until_back(mark)

    assert "wrong password" in project.uota("version", *board.at, status=3).error
    project.set_secrets(otaPassword="the new one")
    assert project.uota("version", *board.at).out.startswith("2 ")


def test_no_wait_returns_when_the_update_is_committed(project, board):
    mark = board.mark()
    done = project.uota("full", "--no-wait", "--json", *board.at)
    assert done.report["back"] is False
    board.wait_for("the app says one", mark)
    board.wait_until_back(mark)
    told = project.uota("version", *board.at).out
    assert re.fullmatch(r"1\.0\.0 (on trial(, \d s left)?|confirmed)\n", told)


def test_hostname_and_port_of_the_configuration(project, board):
    project.set(hostname=board.host, port=board.port)
    assert project.uota("version").out == "unknown\n"


def test_from_a_folder_inside_of_the_project(project, board):
    folder = project / "app" / "deep"
    folder.mkdir()
    project.uota("fast", *board.at)
    done = project._run("fast", *board.at, cwd=folder)
    assert "up to date" in done.out


def test_dir_names_the_project(project, board, uota):
    done = uota("full", "--dir", project.path, *board.at)
    assert "installed" in done.out


@pytest.mark.parametrize(
    "arguments",
    [
        ("{at}", "version"),
        ("version", "{at}"),
        ("--json", "{at}", "version"),
        ("-q", "{at}", "version"),
        ("-v", "version", "{at}", "--timeout=5"),
        ("--timeout", "5", "version", "{at}"),
    ],
)
def test_options_stand_before_or_after_the_command(project, board, arguments):
    words = [w for word in arguments for w in (board.at if word == "{at}" else [word])]
    assert "unknown" in project.uota(*words).out


def test_json_of_every_report(project, board):
    full = project.uota("--json", "full", *board.at).report
    fast = project.uota("fast", "--version", "1.0.1", *board.at, "--json").report
    for report, version, changed in ((full, "1.0.0", 3), (fast, "1.0.1", 0)):
        assert report.pop("seconds") > 0
        assert report.pop("waited") > 0
        assert report.pop("bytes") > 500
        assert report.pop("sent") > 100
        assert len(report.pop("plan")) == report.pop("changed") <= changed
        assert report == {
            "host": "127.0.0.1",
            "port": board.port,
            "version": version,
            "pushed": version,
            "agent": "2.0.0",
            "state": "confirmed",
            "session": "push",
            "protocol": 2,
            "files": 3,
            "back": True,
            "unchanged": False,
            "dryRun": False,
        }
    version = project.uota("version", "--json", *board.at)
    assert json.loads(version.out) == {
        "host": "127.0.0.1",
        "port": board.port,
        "version": "1.0.1",
        "agent": "2.0.0",
        "state": "confirmed",
    }
    assert version.err == ""


def test_quiet_says_nothing(project, board):
    for command in ("full", "fast"):
        done = project.uota(command, "--quiet", *board.at)
        assert (done.out, done.err) == ("", "")


def test_verbose_lists_the_files(project, board):
    err = project.uota("full", "--verbose", *board.at).err
    assert re.search(r"^ +\d+  app/app\.py$", err, re.MULTILINE)
    assert re.search(r"^ +\d+  config/ota\.json$", err, re.MULTILINE)


def test_without_a_terminal_there_is_no_bar(project, board):
    err = project.uota("full", *board.at).err
    assert re.fullmatch(r"1\.0\.0 to 127\.0\.0\.1:\d+: 3 files, [\d.]+\s.?B, signed\n", err)


@pytest.mark.parametrize("command", ["full", "fast"])
def test_progress_bar_on_a_terminal(project, board, terminal, command):
    project.write("app/big.bin", bytes(300_000))
    run = terminal(command, *board.at, cwd=project.path)
    run.wait_for(command + r" █+░* +\d+ %  [\d.]+.k?B  \S+")
    run.wait_for("the board restarts …")
    status, text = run.finish()
    assert status == 0
    last = text.replace("\r\n", "\n").split("\r\x1b[K")[-1]
    assert last.startswith("127.0.0.1: 1.0.0 installed"), "the bar is wiped before the last line"
    assert last.count("\n") == 1


def test_no_bar_on_a_dumb_terminal(project, board, terminal, env):
    env["TERM"] = "dumb"
    status, text = terminal("full", *board.at, cwd=project.path).finish()
    assert status == 0 and "\x1b" not in text and "█" not in text


def test_quiet_on_a_terminal(project, board, terminal):
    assert terminal("full", "--quiet", *board.at, cwd=project.path).finish() == (0, "")


def test_in_a_locale_without_utf8(project, board):
    project.write("app/größe.txt", "x")
    project.uota("full", *board.at, env={"LC_ALL": "C"})
    assert board.on_flash("/app/größe.txt") == b"x"
    listed = project.uota("terminal", "ls", "/app", *board.at, env={"LC_ALL": "C"})
    assert "größe.txt\n" in listed.out


def test_two_projects_one_board_in_turns(project, board, uota, tmp_path):
    """Whoever has the secrets may push; the last full push is what the board has."""
    uota("init", "--dir", "second")
    (tmp_path / "second/config/.ota.secrets.json").write_bytes(
        (project / "config/.ota.secrets.json").read_bytes()
    )
    (tmp_path / "second/config/ota.json").write_bytes((project / "config/ota.json").read_bytes())
    (tmp_path / "second/app/second.py").write_text("x = 2\n")
    project.write("app/first.py", "x = 1\n")
    project.uota("full", *board.at)
    uota("full", "--dir", "second", *board.at)
    names = uota("terminal", "--dir", "second", "ls", "/app", *board.at).out.split()
    assert "second.py" in names and "first.py" not in names

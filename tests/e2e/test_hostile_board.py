"""Boards that mean harm: nothing that they say drives the terminal, fills the memory or the
disk, or decides which file is written.
"""

import json
import resource

import pytest

from .process import CONTROL

EVIL = "\x1b]0;owned\x07\x1b[2J\u202egnp.exe\u2066\u009b31m\x08\x7f"


def assert_harmless(done):
    assert not CONTROL.search(done.out), repr(done.out)
    assert not CONTROL.search(done.err), repr(done.err)


def answers(text):
    return text.encode() + b"\n"


@pytest.mark.parametrize("command", [("version",), ("terminal", "version")])
def test_escape_sequences_in_the_version(uota, old_board, command):
    board = old_board()
    board.on("version", answers(json.dumps({"version": EVIL}, ensure_ascii=False)))
    assert_harmless(uota(*command, *board.at, status=None))
    board.on("version", answers(json.dumps({"version": EVIL})))
    done = uota(*command, *board.at)
    assert_harmless(done)
    assert "owned" in done.out


def test_escape_sequences_in_the_version_as_json(uota, old_board):
    board = old_board()
    board.on("version", answers(json.dumps({"version": EVIL})))
    done = uota("version", "--json", *board.at)
    assert_harmless(done)
    assert json.loads(done.out)["version"] == EVIL


@pytest.mark.parametrize("json_option", [(), ("--json",)])
def test_escape_sequences_in_a_listing(uota, old_board, json_option):
    board = old_board()
    board.on("ls", (EVIL + "\nplain\n\n").encode())
    done = uota("terminal", "ls", *json_option, *board.at)
    assert_harmless(done)
    assert "plain" in done.out


@pytest.mark.parametrize(
    "answer", ["error: " + EVIL, EVIL, "sha256_mismatch " + EVIL, "error" + EVIL]
)
@pytest.mark.parametrize(
    ("command", "word"),
    [
        (("fast",), "stream_ota"),
        (("full",), "start_ota"),
        (("version",), "version"),
        (("terminal", "rm", "/x"), "rm"),
        (("terminal", "cat", "/x"), "get"),
        (("terminal", "wipe"), "wipe"),
    ],
)
def test_escape_sequences_in_an_error(open_project, old_board, command, word, answer):
    board = old_board()
    board.on(word, answers(answer))
    for json_option in ((), ("--json",)):
        done = open_project.uota(*command, *json_option, *board.at, status=1)
        assert_harmless(done)


def test_a_long_error_is_cut(open_project, old_board):
    board = old_board()
    board.on("rm", answers("error: " + "x" * 4000))
    assert len(open_project.uota("terminal", "rm", "/x", *board.at, status=1).error) < 300


@pytest.mark.parametrize("after_commit", [True, False])
def test_escape_sequences_in_the_version_after_a_push(open_project, old_board, after_commit):
    board = old_board()
    board.answers_commit = after_commit
    board.commits = False
    board.flash["ota_version.json"] = json.dumps({"version": EVIL}).encode()
    done = open_project.uota("full", *board.at, status=1)
    assert_harmless(done)
    assert "owned" in done.error


def manifest(**changed):
    return {"version": "1.0.0", "files": {}, **changed}


@pytest.mark.parametrize(
    "installed",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        json.dumps(manifest(files=[])).encode(),
        json.dumps(manifest(files={"../../x": {"size": 1, "sha256": "0" * 64}})).encode(),
        json.dumps(manifest(files={EVIL: {"size": 1, "sha256": "0" * 64}})).encode(),
        json.dumps(manifest(files={"app/app.py": {"size": -1, "sha256": "0" * 64}})).encode(),
        json.dumps(manifest(files={"app/app.py": {"size": 1, "sha256": "zz"}})).encode(),
        b'{"version":"1.0.0","files":' + b"[" * 50_000,
        b"x" * 300_000,
    ],
)
def test_a_strange_manifest_after_a_lost_answer(open_project, old_board, installed):
    board = old_board()
    board.answers_commit = False
    board.on("get", lambda wire, _: wire.send(b"%d\n" % len(installed) + installed))
    done = open_project.uota("full", *board.at, status=1)
    assert_harmless(done)


def test_an_endless_listing(uota, old_board):
    board = old_board()

    def forever(wire, _):
        while True:
            wire.send(b"an entry\n" * 8192)

    board.on("ls", forever)
    assert "gave up" in uota("terminal", "ls", *board.at, status=1).error


def test_an_endless_name_in_a_listing(uota, old_board):
    board = old_board()

    def forever(wire, _):
        while True:
            wire.send(b"a" * 65536)

    board.on("ls", forever)
    assert "no uota board" in uota("terminal", "ls", *board.at, status=1).error


@pytest.mark.parametrize(
    "size",
    ["-1", "99999999999999999999", "4294967296", "0x10", "1e3", " 5", "5 ", "", "+5", "５", "NaN"],
)
def test_an_absurd_size(uota, old_board, tmp_path, size):
    board = old_board()
    board.on("get", size.encode() + b"\n12345")
    uota("terminal", "get", "/x", *board.at, status=1)
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize("size", [2**31, 2**32 - 1])
def test_a_size_that_is_never_filled(uota, old_board, tmp_path, size):
    """Nothing is allocated for it, and no part of a file is left."""
    board = old_board()
    board.on("get", b"%d\n12345" % size)
    before = sorted(tmp_path.iterdir())
    uota("terminal", "get", "/x", *board.at, status=4)
    assert sorted(tmp_path.iterdir()) == before


def test_more_than_was_announced(uota, old_board, tmp_path):
    board = old_board()
    board.on("get", b"5\n12345and more")
    uota("terminal", "get", "/x", *board.at)
    assert (tmp_path / "x").read_bytes() == b"12345"


@pytest.mark.parametrize(
    "path",
    ["/../../evil", "../evil", "/data/../../evil", "evil", "//evil", "/etc/evil"],
)
def test_a_download_stays_in_this_folder(uota, old_board, tmp_path, path):
    board = old_board()
    board.on("get", b"4\nevil")
    uota("terminal", "get", path, *board.at)
    assert (tmp_path / "evil").read_bytes() == b"evil"
    assert not (tmp_path.parent / "evil").exists()


def test_a_download_through_a_link(uota, old_board, tmp_path):
    """What lies there under that name is not written through."""
    board = old_board()
    board.on("get", b"4\nevil")
    (tmp_path / "precious").write_text("precious")
    (tmp_path / "x").symlink_to("precious")
    uota("terminal", "get", "/x", *board.at, status=1)
    (tmp_path / "dangling").symlink_to("made")
    uota("terminal", "get", "/dangling", *board.at, status=None)
    assert (tmp_path / "precious").read_text() == "precious"
    assert not (tmp_path / "made").exists()


def test_completion_offers_nothing_that_could_harm(terminal, old_board):
    board = old_board()
    board.on("ls", f"good\ngo{EVIL}\n\n".encode())
    shell = terminal("terminal", *board.at)
    shell.wait_for("> ")
    mark = shell.mark()
    shell.type("rm go\t\n")
    shell.wait_for("> ", mark)
    assert board.heard[-1] == "rm good"
    assert "owned" not in shell.screen.since(mark)


def test_memory_stays_small_whatever_comes(open_project, old_board):
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    board = old_board()
    blob = b"x" * 65536

    def big(wire, _):
        wire.send(b"%d\n" % (200 * len(blob)))
        for _ in range(200):
            wire.send(blob)

    board.on("get", big)
    done = open_project.uota("terminal", "cat", "/big", *board.at)
    assert len(done.raw) == 200 * 65536
    grown = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss - before
    assert grown < 150_000, f"{grown} KiB more than any child before"

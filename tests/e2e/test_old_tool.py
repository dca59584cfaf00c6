"""Hosts of micro-ota 1.0 drive our board."""

import hashlib
import json

import pytest

from .wire import Wire

FILES = {
    "app/app.py": b"def run():\n    print('pushed by 1.0')\n",
    "main.py": b"import uota\nuota.main()\n",
    "assets/\xc3\xa9 1.bin".encode("latin1").decode(): bytes(range(256)) * 40,
    "assets/empty": b"",
}
KINDS = pytest.mark.parametrize("kind", ["push_files", "push_stream"])


@pytest.fixture
def files(board):
    """What 1.0's tool pushes: our files, and always the board's own configuration."""
    return {**FILES, "config/ota.json": board.on_flash("/config/ota.json")}


@KINDS
def test_a_push(board, files, kind):
    mark = board.mark()
    assert getattr(board.tool, kind)("1.2.3", files) == "ok"
    board.wait_until_back(mark)
    board.wait_for("pushed by 1.0", mark)
    for path, data in files.items():
        assert board.on_flash("/" + path) == data, path
    assert board.version() == "1.2.3"


@KINDS
def test_the_installed_manifest(board, files, kind):
    mark = board.mark()
    getattr(board.tool, kind)("1.2.3", files)
    board.wait_until_back(mark)
    manifest = json.loads(board.read("/ota_manifest.json"))
    assert manifest["version"] == "1.2.3"
    assert manifest["files"] == {
        path: {"size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
        for path, data in files.items()
    }


def test_a_board_without_secrets(open_project, boards):
    board = boards(open_project)
    for kind in ("push_files", "push_stream"):
        mark = board.mark()
        assert getattr(board.tool, kind)(kind, FILES) == "ok"
        board.wait_until_back(mark)
        assert board.version() == kind


def test_files_in_any_order(board, files):
    """JSON objects have no order, and 1.0 sends files in that of its manifest."""
    backwards = dict(sorted(files.items(), reverse=True))
    mark = board.mark()
    assert board.tool.push_files("2", backwards) == "ok"
    board.wait_until_back(mark)
    assert board.version() == "2"


def test_one_connection_carries_many_commands(board):
    with board.tool.connect() as wire:
        assert wire.ask("ping") == "pong"
        assert wire.ask("ping\r") == "pong"
        assert json.loads(wire.ask("version"))["version"] == "unknown"
        assert wire.ask("hello 2 x") == "unknown"
        assert wire.ask("get /nothing").startswith("error")
        wire.say("ls /nothing")
        assert wire.line().startswith("error: ")
        assert wire.ask("rm /nothing").startswith("error: ")
        assert wire.ask("start_ota") == "ready"
        assert wire.ask("abort") == "aborted"
        assert wire.ask("ping") == "pong"


def test_commands_in_one_packet(board):
    with board.tool.connect() as wire:
        wire.send(b"ping\nping\r\nversion\nping\n")
        ping, again, version, last = [wire.line() for _ in range(4)]
        assert ping == again == last == "pong"
        assert json.loads(version)["version"] == "unknown"


def test_byte_by_byte(board):
    with board.tool.connect() as wire:
        for byte in b"ping\nls /app\n":
            wire.send(bytes([byte]))
        assert wire.line() == "pong"


@pytest.mark.parametrize("greeting", ["wrong", "", "ping", "x" * 200])
def test_denied_and_closed(board, greeting):
    with Wire.to(board.host, board.port) as wire:
        wire.say(greeting)
        assert wire.wait_until_closed() == b"denied\n"


def test_reset(board):
    mark = board.mark()
    with board.tool.connect() as wire:
        assert wire.ask("reset") == "ok"
        assert wire.wait_until_closed() == b""
    board.wait_until_back(mark)
    assert board.tool.ask("ping") == "pong"


def test_wipe_keeps_data(board, files):
    mark = board.mark()
    board.tool.push_files("1", {**files, "data/log.txt": b"keep me"})
    board.wait_until_back(mark)
    assert board.tool.ask("wipe") == "ok"
    assert board.read("/data/log.txt") == b"keep me"
    assert board.read("/app/app.py") is None


@KINDS
def test_a_wrong_signature(board, old_tool, files, kind):
    tool = old_tool(board, password=board.password, key="wrong")
    before = board.files()
    assert getattr(tool, kind)("9", files) == "sig_mismatch"
    board.wait_until_idle()
    assert board.files() == before


@KINDS
def test_no_signature(board, old_tool, files, kind):
    tool = old_tool(board, password=board.password)
    assert getattr(tool, kind)("9", files) == "sig_mismatch"


def test_a_file_that_is_not_what_was_signed(board, files):
    tool = board.tool
    before = board.files()
    with tool.connect() as wire:
        assert wire.ask("start_ota") == "ready"
        manifest = tool.manifest("2", files)
        wire.send(b"manifest %d\n" % len(manifest) + manifest)
        assert wire.line() == "ok"
        good = hashlib.sha256(files["main.py"]).hexdigest()
        evil = b"x" * len(files["main.py"])
        wire.send(f"file main.py;{len(evil)};{good}\n".encode() + evil)
        assert wire.line() == "sha256_mismatch main.py"
    board.wait_until_idle()
    assert board.files() == before


def test_a_stream_with_a_flipped_bit_anywhere(board):
    """Signed from the version to the last byte: no bit of it goes unnoticed."""
    stream = board.tool.stream("2", {"app/app.py": b"x = 1\n"})
    before = board.files()
    for at in range(len(stream)):
        damaged = bytearray(stream)
        damaged[at] ^= 1
        with board.tool.connect() as wire:
            assert wire.ask(f"stream_ota {len(stream)}") == "ready"
            wire.send(bytes(damaged))
            wire.stop_sending()
            answer = wire.wait_until_closed().decode()
        assert not answer.startswith("ok"), f"byte {at}"
    board.wait_until_idle()
    assert board.files() == before


@pytest.mark.parametrize("off", [-1, 1])
def test_a_stream_of_another_length_than_announced(board, off):
    stream = board.tool.stream("2", {"app/app.py": b"x = 1\n"})
    with board.tool.connect() as wire:
        assert wire.ask(f"stream_ota {len(stream) + off}") == "ready"
        wire.send(stream + b"\0" * 2)
        assert wire.line().startswith("error: ")


@KINDS
def test_an_update_over_what_the_new_tool_has_installed(project, board, files, kind):
    project.write("assets/page.html", "<p>")
    project.uota("full", *board.at)
    mark = board.mark()
    getattr(board.tool, kind)("2", files)
    board.wait_until_back(mark)
    gone = kind == "push_files"
    assert (board.read("/assets/page.html") is None) == gone, "only a stream is merged"


@KINDS
def test_the_new_tool_goes_on_from_an_old_push(project, board, files, kind):
    mark = board.mark()
    getattr(board.tool, kind)("2", files)
    board.wait_until_back(mark)
    project.uota("full", "--version", "3", *board.at)
    assert board.read("/assets/empty") is None, "the project does not have it"
    assert board.version() == "3"

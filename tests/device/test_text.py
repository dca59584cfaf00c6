# The text session: password and commands, answer by answer.
import json

import board
from board import Peer


def _config(**settings):
    board.write("/config/ota.json", json.dumps(settings).encode())


_SECRET = "2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b"  # "secret"


def _version(p):
    return json.loads(p.ask("version"))["version"]


def test_ping_version_unknown():
    p = Peer()
    assert p.ask("ping") == "pong\n"
    assert _version(p) == "unknown"
    board.write("/ota_version.json", b'{"version":\n"1.2"}\n')
    assert _version(p) == "1.2"
    for broken in b"", b"{", b"[1]", b"\xff" * 9000:
        board.write("/ota_version.json", broken)
        assert _version(p) == "unknown"
    assert p.ask("hello 2 x") == "unknown\n"
    assert p.ask("ping\r") == "pong\n"
    assert p.say("ping\nping\n") == b"pong\npong\n"


def test_a_line_may_come_byte_by_byte():
    p = Peer(piece=1)
    assert _version(p) == "unknown"


def test_ls():
    p = Peer()
    assert p.ask("ls") == "host/\n\n"  # a mount point
    for n in range(100):
        board.write("/app/file%03d.py" % n)
    assert p.ask("ls") == p.ask("ls /") == "host/\napp/\n\n"
    names = p.ask("ls app").split("\n")
    assert len(names) == 102 and names[-2:] == ["", ""] and "file099.py" in names
    assert p.ask("ls /app/") == "\n".join(names)
    assert p.ask("ls nothing") == "error: not found\n"
    assert p.ask("ls ..").startswith("error: ")


def test_get():
    p = Peer()
    for size in (0, 1, 1023, 1024, 1025, 10000):
        data = bytes(i & 255 for i in range(size))
        board.write("/app/x", data)
        assert p.say("get app/x\n") == p.say("get /app/x\n") == b"%d\n" % size + data
    assert p.ask("get app").startswith("error: ")
    assert p.ask("get nothing") == "error: not found\n"
    assert p.ask("get ").startswith("error: ")
    assert p.ask("get ../x").startswith("error: ")


def test_get_of_the_agents_state():
    p = Peer()
    for name in ("ota_version.json", "ota_manifest.json", "ota_boot_state.json"):
        board.write("/" + name, b"{}")
        assert p.ask("get " + name) == p.ask("get /" + name) == "2\n{}"
    board.write("/ota_trial.json", b"{}")
    assert p.ask("get ota_trial.json") == "error: protected\n"


def test_get_never_returns_a_secret():
    _config(password="wlan-secret", signingKey="key-secret", ssid="net")
    p = Peer()
    for path in ("config/ota.json", "/config/ota.json", "CONFIG/ota.JSON"):
        answer = p.ask("get " + path)
        assert "secret" not in answer
        if path.lower() == path:
            size, _, text = answer.partition("\n")
            assert int(size) == len(text)
            assert json.loads(text) == {"password": "***", "signingKey": "***", "ssid": "net"}
    for path in ("config//ota.json", "config/./ota.json", "config/OTA~1.JSO", "config/ota.json."):
        assert p.ask("get " + path).startswith("error: "), path


def test_get_without_config():
    assert Peer().ask("get config/ota.json") == "error: not found\n"


def test_rm():
    p = Peer()
    board.write("/app/x/y")
    assert p.ask("rm app") == "error: not empty\n"
    assert p.ask("rm app/x/y") == "ok\n"
    assert p.ask("rm /app/x") == "ok\n"
    assert p.ask("rm app/x") == "error: not found\n"
    assert p.ask("rm /").startswith("error: ")
    assert p.ask("rm ").startswith("error: ")
    for path in ("/boot.py", "/lib/uota/ota.py", "/config/ota.json", "/ota_version.json"):
        board.write(path)
        assert p.ask("rm " + path) == "error: protected\n"
        assert board.exists(path)


def test_wipe():
    kept = ("/lib/x", "/config/a", "/data/d", "/boot.py", "/ota_version.json")
    for path in kept + ("/app/a/b/c", "/main.py"):
        board.write(path)
    assert Peer().ask("wipe") == "ok\n"
    assert not board.exists("/app") and not board.exists("/main.py")
    for path in kept:
        assert board.exists(path), path
    assert board.exists("/host/device"), "a mount point is not ours"


def test_reset():
    p = Peer()
    assert p.ask("reset") == "ok\n"
    assert p.over and p.loop.ending


def test_too_long_a_line_ends_the_session():
    p = Peer()
    assert p.say("x" * 511 + "\n") == b"unknown\n"
    assert p.say("x" * 512) == b"error: line too long\n"
    p.hang_up()


def test_lines_that_are_not_text():
    p = Peer()
    assert p.say(b"get \xff\xfe\n").startswith(b"error: ")
    assert Peer().say(b"get a\0b\n").startswith(b"error: ")
    assert Peer().say(b"\0\0\0\n") == b"unknown\n"
    assert Peer().say(b"\n") == b"unknown\n"


def test_password():
    _config(otaPassword=_SECRET)
    p = Peer()
    assert p.ask("secret") == "ok\n"
    assert p.ask("ping") == "pong\n"
    assert Peer().ask("secret\r") == "ok\n"
    for wrong in ("", "Secret", "secret ", "ping", "hello 2 x", _SECRET):
        p = Peer()
        assert p.ask(wrong) == "denied\n", wrong
        assert not p.conn.proven
        assert p.ask("ping") == ""
        p.hang_up()
    p = Peer()
    assert p.say("x" * 256).startswith(b"error: ")
    assert p.ask("secret") == ""


def test_a_broken_config_serves_ping_and_version_only():
    board.write("/config/ota.json", b'{"otaPassword": ')
    p = Peer()
    assert p.ask("ping") == "pong\n"
    assert _version(p) == "unknown"
    for line in (
        "ls", "get config/ota.json", "rm x", "wipe", "reset", "start_ota", "stream_ota 10", "what",
    ):  # fmt: skip
        p = Peer()
        assert p.ask(line).startswith("error: config/ota.json is broken: "), line
        assert not p.loop.ending and not p.conn.open


def test_beside_an_update_what_would_disturb_it_is_busy():
    p = Peer()
    p.loop.updating = True
    for line in ("start_ota", "stream_ota 100", "rm x", "wipe", "reset"):
        assert p.ask(line).startswith("error: busy"), line
    assert p.ask("ping") == "pong\n"
    assert p.loop.updating and not p.loop.ending

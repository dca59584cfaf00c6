# Records: the vectors in both directions, what ends a session, and the commands of protocol 2.
import json
import os

import board
from binascii import hexlify, unhexlify
from board import Peer
from host2 import DATA, TEXT, Host, vectors


class _Conn:
    """What Records wants of a connection: bytes in, bytes out."""

    def __init__(self, sent=b""):
        self.sent, self.got = sent, b""

    def read(self, view):
        yield 1
        n = min(len(view), len(self.sent), 7)
        if not n:
            raise EOFError
        view[:n] = self.sent[:n]
        self.sent = self.sent[n:]
        return n

    def send(self, data):
        self.got += bytes(data)
        yield 4


def _records(mac_key, aes_key, sent=b""):
    from uota import ota

    real = ota.aes
    ota.aes = aes_key and real
    key = {"mac": unhexlify(mac_key), "aes": unhexlify(aes_key or "") + bytes(16)}
    try:
        made = ota.Records(_Conn(sent), lambda label: key[label.split(" ")[1]], "x", "y")
    finally:
        ota.aes = real
    return made


def _run(generator):
    """What a generator returns."""
    try:
        while True:
            next(generator)
    except StopIteration as e:
        return e.value


def test_the_vectors_of_a_host_are_read():
    for v in vectors("records2.json")["streams"]:
        if v["from"] == "host":
            sent = b"".join(unhexlify(r["wire"]) for r in v["records"])
            records = _records(v["mac_key"], v["aes_key"], sent)
            for r in v["records"]:
                kind, payload = _run(records.receive(544))
                assert (kind, bytes(payload)) == (r["type"], unhexlify(r["payload"]))


def test_the_vectors_of_a_board_are_what_it_sends():
    """But for the random bytes of the heads, which are taken from the vectors."""
    from uota import ota as module

    for v in vectors("records2.json")["streams"]:
        if v["from"] != "board":
            continue
        records = _records(v["mac_key"], v["aes_key"])
        plain = _heads(v)
        for r, random in zip(v["records"], plain):  # noqa: B905
            if len(r["payload"]) > 2 * 512:
                break  # the agent cuts these
            records.conn.got = b""
            real = module.uos
            module.uos = type("os", (), {"urandom": lambda n, random=random: random})
            try:
                payload = unhexlify(r["payload"])
                _run(records.send(payload, r["type"]))
            finally:
                module.uos = real
            assert hexlify(records.conn.got).decode() == r["wire"], r


def _heads(v):
    from cryptolib import aes

    cipher = v["aes_key"] and aes(unhexlify(v["aes_key"]), 2, bytes(16))
    for r in v["records"]:
        body = unhexlify(r["wire"])[2:-16]
        yield (cipher.decrypt(body) if cipher else body)[7:16]


def test_what_the_vectors_refuse_ends_the_session():
    found = vectors("records2.json")
    keys = found["refused-keys"]
    for v in found["refused"]:
        records = _records(keys["mac_key"], keys["aes_key"], unhexlify(v["wire"]))
        got = 0
        try:
            while records.conn.sent:
                _run(records.receive())
                got += 1
        except EOFError:
            pass
        assert got == (1 if v["why"] in ("replayed", "reordered") else 0), v["why"]


# -- commands


def test_answers_are_those_of_1_0():
    for command in ("ping", "ls", "ls /host/tests/vectors", "version", "crash", "get /a"):
        board.write("/a", b"x" * 3000)
        told = Host().command(command)
        assert told == Peer().ask(command).encode(), command


def test_errors_end_a_command_and_not_the_session():
    host = Host()
    for command, error in (
        ("what", "unknown"), ("start_ota", "unknown"), ("stream_ota 10", "unknown"),
        ("get none", "error: not found"), ("get /ota_counter", "error: protected"),
        ("rollback", "error: nothing is kept"), (b"\xff", None), ("", "unknown"),
        ("hello 2 x", "unknown"),
    ):  # fmt: skip
        told = host.command(command)
        assert isinstance(told, str) and error in (None, told), (command, told)
    assert host.command("ping") == b"pong\n"


def test_an_error_is_never_without_a_word():
    """What is no UTF-8 raises an exception that has no text."""
    for sent in (b"\xff", b"get \xc3"):
        told = Host().command(sent)
        assert told.startswith("error: ") and len(told) > len("error: "), (sent, told)
    assert len(Peer().say(b"\xff\n")) > len("error: \n")


def test_commands_may_come_before_the_answers():
    host = Host()
    sent = b"".join(host.seal(TEXT, text) for text in (b"ping", b"what", b"ping"))
    kinds = [kind for kind, _ in host.open(host.say(sent))]
    assert kinds == [2, 3, 4, 2, 3]


def test_content_that_no_command_wants_is_dropped():
    host = Host()
    assert host.records(DATA, b"x" * 512) == []
    assert host.command("ping") == b"pong\n"


def test_a_session_ends_without_a_word():
    for bad in (lambda h: h.seal(TEXT, b"ping")[:-1] + b"\0", lambda h: h.seal(9, b"")):
        host = Host()
        assert host.say(bad(host)) == b"" and host.over


def test_a_record_byte_by_byte():
    assert Host(piece=1).command("ping") == b"pong\n"


def test_info():
    board.write("/config/ota.json", b'{"signingKey":"k"}')
    host = Host(Host.of_key("k"))
    told = json.loads(host.command("info"))
    assert told["agent"] == "2.0.0" and told["platform"] == "linux"
    assert told["sign"] == "hmac-sha256" and told["counter"] == 0 and "id" not in told
    assert told["mpy"] & 255 == 6 and told["micropython"].count(".") == 2


def test_df_and_mem_and_config():
    board.write("/config/ota.json", b'{"ssid":"s","password":"p"}')
    host = Host()
    assert json.loads(host.command("df"))["size"] == 256 * 4096
    assert json.loads(host.command("mem"))["free"] > 0
    assert json.loads(host.command("config")) == {"ssid": "s", "password": "***"}


# -- put, mkdir, mv, rm


def test_put():
    host = Host()
    for data in (b"", b"1", b"x" * 512, os.urandom(5000)):
        assert host.put("/app/deep/a.py", data) == b"ok\n"
        assert board.read("/app/deep/a.py") == data
    assert not board.exists("/ota_stage") and not host.loop.updating


def test_put_refused_leaves_all_as_it_was():
    host = Host()
    board.write("/a", b"old")
    assert host.put("a", b"new", sha="0" * 64) == "sha256_mismatch a"
    assert host.put("a", b"newer", size=3) == "error: unexpected"
    assert host.put("a/b", b"new") == "error: file and folder: a"
    assert host.put("a", b"1", size=-1) == "error: unexpected"
    assert host.put("b", b"x", size="x").startswith("error: ")
    assert host.put("/host", b"x").startswith("error: ")
    assert board.read("/a") == b"old"
    assert not board.exists("/ota_stage") and not host.loop.updating
    assert host.command("ping") == b"pong\n"


_PROTECTED = (
    "boot.py", "/boot.py", "main.py", "MAIN.py", "config/ota.json", "Config/OTA.json", "lib/uota",
    "lib/uota/ota.py", "LIB/uota/x", "ota_manifest.json", "OTA_x", "/ota_counter",
    "../boot.py", "a/../boot.py", "CONFIG~1/ota.json", "config/ota.json.", "config//ota.json", "",
    "/", "a\tb",
)  # fmt: skip


def test_what_is_protected_is_not_changed():
    for path in ("/boot.py", "/main.py", "/config/ota.json", "/lib/uota/ota.py", "/ota_counter"):
        board.write(path, b"{}")
    board.write("/a", b"a")
    host = Host()
    for path in _PROTECTED:
        for command in ("rm " + path, "mkdir " + path, "mv a\t" + path, "mv " + path + "\tb"):
            told = host.command(command)
            assert isinstance(told, str) and told.startswith("error: "), (command, told)
        told = host.put(path, b"evil")
        assert isinstance(told, str) and told.startswith("error: "), path
    for path in ("config", "lib", "Lib"):
        assert host.command("mv %s\tb" % path) == "error: protected", path
    assert board.read("/boot.py") == board.read("/lib/uota/ota.py") == b"{}"
    assert sorted(e[0] for e in os.ilistdir("/")) == [
        "a", "boot.py", "config", "host", "lib", "main.py", "ota_counter",
    ]  # fmt: skip


def test_mkdir_mv_rm():
    host = Host()
    board.write("/a", b"1")
    board.write("/c", b"2")
    assert host.command("mkdir d") == b"ok\n"
    assert host.command("mkdir d").startswith("error: ")
    assert host.command("mkdir e/f") == "error: not found"
    assert host.command("mv a\td/b") == b"ok\n"
    assert host.command("mv c\td/b") == "error: it is there already"
    assert host.command("mv c").startswith("error: ")
    assert board.read("/d/b") == b"1" and board.read("/c") == b"2"
    assert host.command("rm d/b") == b"ok\n"
    assert host.command("rm d") == b"ok\n"


def test_nothing_is_changed_beside_an_update():
    host = Host()
    host.loop.updating = True
    for command in ("put 1 x a", "mkdir a", "mv a\tb", "rm a", "wipe", "reset", "rollback",
                    "safe_mode", "push x 1"):  # fmt: skip
        assert host.command(command) == "error: busy: an update is under way", command
    assert host.command("ping") == b"pong\n"


def test_reset():
    host = Host()
    assert host.command("reset") == b"ok\n"
    assert host.over and host.loop.ending


def test_put_on_fat():
    import vfs

    board.fresh(fs=vfs.VfsFat)
    board.write("/app/a.py", b"old")
    host = Host()
    for data in (b"new content", b"", os.urandom(3000)):
        assert host.put("app/a.py", data) == b"ok\n"
        assert board.read("/app/a.py") == data
    assert not board.exists("/ota_stage")


def test_put_of_more_than_fits_is_refused_at_once():
    answer = Host().command("put 99999999 %s big" % ("0" * 64))
    assert answer.startswith("error: flash full: needs ")


def test_a_folder_is_not_moved_into_itself():
    board.write("/app/deep/a.py", b"1")
    host = Host()
    for new in ("app/deep", "app/old", "APP/old", "app/deep/more"):
        assert host.command("mv app\t" + new).startswith("error: "), new
    assert board.read("/app/deep/a.py") == b"1"


def test_between_commit_and_reset_nothing_is_changed():
    """By a session that was open before: what is committed still lies in its staging."""
    board.write("/app/a", b"1")
    host = Host(loop=board.Loop(boots=False))
    board.write("/ota_journal", b"uota 1 move\np /ota_part/0 /app/a\nend\n")
    board.write("/ota_part/0", b"2")
    for command in ("rm app/a", "wipe", "mkdir b", "mv app/a\tb", "rollback"):
        assert host.command(command).startswith("error: an update is not yet in its place"), command
    assert host.put("b", b"1").startswith("error: ")
    assert board.read("/app/a") == b"1" and board.read("/ota_part/0") == b"2"
    os.remove("/ota_journal")
    host.loop.ending = True
    assert host.records(TEXT, b"rm app/a")[0][1].startswith(b"error: busy")
    assert board.read("/app/a") == b"1"

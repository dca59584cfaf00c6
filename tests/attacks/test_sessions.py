"""Strangers, and holders of the password alone: what they get, read, and hold up."""

import json
import socket
import time

import pytest
from client2 import hello, record
from client2.errors import BoardError, Refused
from client2.hello import Secrets

from .conftest import APP, CONFIG, OURS, PASSWORD, SECRETS, Target

SPELLINGS = (
    "config/ota.json", "/config/ota.json", "Config/OTA.json", "CONFIG/ota.json",
    "config//ota.json", "config/./ota.json", "app/../config/ota.json", "./config/ota.json",
    "//config/ota.json", "config/ota.json.", "config/ota.json ", "CONFIG~1/OTA~1.JSO",
    "config\\ota.json", "ota_kept/0", "/ota_kept/0", "OTA_KEPT/0", "ota_kept/list", "ota_part/list",
    "ota_part/0", "ota_stage/put", "ota_guard.py", "ota_counter", "data/../ota_kept/0",
)  # fmt: skip
OF_OTHERS = (
    "config/ota.json/", "/./config/ota.json", "config/../config/ota.json", "Config/Ota.Json",
    "config/ota.json\0", "config/ota.json\r", "config/ota%2ejson", "config/ota.json::$DATA",
    "config /ota.json", "config./ota.json", " config/ota.json", "~1/ota.json", "config/ota~1.jso",
    "ｃonfig/ota.json", "config/ota.json\u200b", "config/ota\u2024json", "/ota_part", "ota_kept/",
    "lib/../config/ota.json", "app/../../config/ota.json", "config//../config/ota.json", "//", "*",
)  # fmt: skip


def test_commands_of_1_0_on_a_board_of_protocol_2_only(unharmed):
    """Everything of 1.0, the right password included, by one who hopes that it is served."""
    lines = ("version", "ls", "get config/ota.json", "rm app/app.py", "wipe", "reset", "start_ota",
             "stream_ota 100", "rollback", "safe_mode", "crash", PASSWORD, "hello 1 x", "HELLO 2 x",
             "", "info", "put 1 x y")  # fmt: skip
    for line in lines:
        with unharmed.connect() as wire:
            assert wire.ask(line) == "error: protocol 2 only\n", line
    assert unharmed.ask("ping") == "pong\n"


TOLD = (
    "config", "info", "version", "crash", "df", "mem", "ls", "ls config", "get ota_version.json",
    "get ota_manifest.json", "get ota_boot_state.json",
)  # fmt: skip


def everything_said(session):
    """By all commands, about all that holds secrets, under every spelling."""
    commands = list(TOLD)
    for path in SPELLINGS + OF_OTHERS:
        commands += [f"get {path}", f"ls {path}", f"mv {path}\tapp/x", f"mv {path}/\tx"]
        commands += [f"put 0 {'0' * 64} {path}", f"mkdir {path}", f"rm {path}", f"config {path}"]
    for text in commands:
        try:
            yield session.command(text).decode()
        except BoardError as e:
            yield str(e)
    yield session.command("ping").decode()


def test_no_command_reads_a_secret_under_any_spelling(unharmed):
    """By one who has the password: the key, the Wi-Fi password, and what opens other boards."""
    with unharmed.session() as session:
        said = "\n".join(everything_said(session))
    assert said.endswith("pong\n") and '"***"' in said
    for secret in SECRETS:
        assert secret not in said


def test_no_command_reads_a_secret_on_fat_either(tmp_path):
    """There names have no case, and short names besides."""
    board = Target(tmp_path, options=("--fs", "fat"))
    try:
        board.push({**APP, "config/ota.json": json.dumps(CONFIG).encode()}, 100)
        before = board.state()
        with board.session() as session:
            said = "\n".join(everything_said(session))
        assert said.endswith("pong\n") and '"***"' in said
        assert not [secret for secret in SECRETS if secret in said]
        assert board.state() == before
    finally:
        board.stop()


def test_what_is_protected_stays_under_any_spelling(unharmed):
    """With the password: the agent, what starts it, its configuration and its state are changed."""
    paths = (
        "boot.py",
        "main.py",
        "lib/uota/ota.py",
        "LIB/uota/ota.py",
        "lib/uota",
        "ota_x",
        *SPELLINGS,
    )
    with unharmed.session() as session:
        for path in paths:
            for text in (f"rm {path}", f"mkdir {path}", f"mv {path}\tx", f"mv data/log\t{path}"):
                with pytest.raises(BoardError):
                    session.command(text)
            with pytest.raises(BoardError):
                session.put(path, b"evil")
        for text in ("mv config\tx", "mv lib\tx", "mv lib/uota\tx"):
            with pytest.raises(BoardError, match="protected"):
                session.command(text)


def test_guessing_the_password_gets_slow_and_holds_up_nobody(unharmed):
    """Guesses, one connection each; the owner works meanwhile."""
    with unharmed.session() as inside:
        for _ in range(6):
            with pytest.raises(Refused, match="denied"):
                unharmed.session(Secrets("a guess"))
        stream = unharmed.stream()
        stream.write(hello.host_line().encode())
        stream.line(512)
        began = time.monotonic()
        stream.write(b"proof 0 " + b"0" * 64 + b"\n")
        assert inside.command("ping") == b"pong\n"
        assert time.monotonic() - began < 0.2
        assert stream.line(512) == "denied\n"
        assert time.monotonic() - began > 0.2
        stream.close()
    unharmed.session().close()


def test_an_open_session_cannot_be_talked_into_being(unharmed):
    """Proofs over no secret, over the fast hash of the password, and by the signing key alone."""
    for shared in (bytes(32), hello.secret("sha256", OURS, True), hello.secret("key", OURS)):
        stream = unharmed.stream()
        line = hello.host_line()
        stream.write(line.encode())
        keys = hello.derive(shared, line, stream.line(512))
        stream.write(hello.proof_line(keys, 0).encode())
        assert stream.line(512) == "denied\n"
        stream.close()
    unharmed.session().close()


def test_100_connections_at_once_do_not_lock_the_owner_out(unharmed):
    """More connections than the board has places, all kept open, none proven."""
    held = unharmed.session()
    crowd = [socket.socket() for _ in range(100)]
    for one in crowd:
        one.setblocking(False)
        one.connect_ex(("127.0.0.1", unharmed.port))
    began = time.monotonic()
    while True:  # it may have to make room, too, as long as more are coming
        try:
            with unharmed.session() as session:
                assert session.command("ping") == b"pong\n"
            break
        except (BoardError, OSError):
            assert time.monotonic() - began < 5
    assert time.monotonic() - began < 5
    assert held.command("ping") == b"pong\n", "who has proven itself does not make room"
    for one in (held, *crowd):
        one.close()


SPEED = 10  # of a board whose seconds would else be waited for


@pytest.fixture
def quick(tmp_path):
    board = Target(tmp_path, options=("--speed", str(SPEED)))
    yield board
    board.stop()


def closed_after(stream, trickle):
    """Seconds of the board until it closes, while a byte of @trickle comes in each of them."""
    began = time.monotonic()
    stream._sock.settimeout(1 / SPEED)
    for n in range(60):
        try:
            if trickle:
                stream.write(trickle[n : n + 1])
            stream.read(4096)
        except TimeoutError:
            continue
        except OSError:
            break
    return (time.monotonic() - began) * SPEED


def half_open(board):
    return board.stream(), b""


def slow_hello(board):
    return board.stream(), hello.host_line().encode() + b" " * 60


def no_proof(board):
    stream = board.stream()
    stream.write(hello.host_line().encode())
    stream.line(512)
    return stream, b""


def slow_proof(board):
    return no_proof(board)[0], b"proof 0 " + b"0" * 60


def slow_record(board):
    session = board.session()
    return session._stream, session._sealer.seal(record.TEXT, b"get " + b"x" * 500)


def slow_push(board):
    session = board.session()
    assert session.command(f"push {'0' * 64} 5000")[:5] == b"send "
    return session._stream, session._sealer.seal(record.DATA, bytes(1000))


@pytest.mark.parametrize(
    ("peer", "seconds"),
    [(half_open, 10), (slow_hello, 10), (no_proof, 10), (slow_proof, 10),
     (slow_record, 30), (slow_push, 30)],
)  # fmt: skip
def test_half_open_and_slow_peers_are_let_go(quick, peer, seconds):
    """Who says nothing, or a byte a second: to hold a place, or the only one for an update."""
    stream, trickle = peer(quick)
    with quick.session() as owner:
        assert owner.command("ping") == b"pong\n"
    assert seconds - 2 < closed_after(stream, trickle) < seconds + 6
    stream.close()
    quick.push(APP, 100)


FRESH = (
    "zz{0}x{1} /zz{0}/y{0}", "zz{0}", "get zz{0}/y{1}", "ls zz{0}", "rm zz{0}", "mv zz{0}\tyy{1}",
    "mkdir zz{0}/y{1}", "put {0} x ../zz{0}", "copy {0} zz{1}", "hello 2 zz{0}", "zz{0}={1}",
)  # fmt: skip


def test_10_000_fresh_names_leave_the_heap_flat(unharmed):
    """Names that became qstrs would never be freed: commands, paths, words, keys."""
    with unharmed.session() as session:

        def ask(start, count):
            for at in range(start, start + count, 50):
                for n in range(at, at + 50):
                    form = FRESH[n // 8 % len(FRESH) if n % 8 == 0 else 0]
                    session._send_command(form.format(n, n * 7919))
                for _ in range(50):
                    with pytest.raises(BoardError):
                        session._answer(100)

        ask(0, 200)
        before = session.json("mem")["used"]
        ask(200, 10_000)
        after = session.json("mem")["used"]
    assert abs(after - before) < 1024, (before, after)


def test_connections_with_fresh_names_leave_the_heap_flat(unharmed):
    """The same before a proof: keys of the hello line, first lines, methods."""

    def greet(count):
        for n in range(count):
            for line in (f"hello 2 {n:032x} zz{n}={n} yy{n}=x\n", f"zz{n}x\n"):
                stream = unharmed.stream()
                stream.write(line.encode())
                stream.line(512)
                stream.close()

    with unharmed.session() as session:
        greet(20)
        before = session.json("mem")["used"]
        greet(200)
        end = time.monotonic() + 5
        while (after := session.json("mem")["used"]) - before >= 1024:  # the last ones are closing
            assert time.monotonic() < end, (before, after)


def test_bytes_that_mean_nothing(unharmed):
    """Binary, over-long and half hello lines, other protocols, instead of a first line."""
    for data in (b"\0" * 300, b"hello 2\n", b"hello 2 \xff\xff\n", b"hello 99 x\n", b"x" * 2000,
                 b"GET / HTTP/1.1\r\n\r\n", b"hello 2 " + b"0" * 32 + b"\n\n",
                 b"hello 2 " + b"0" * 300 + b"\n"):  # fmt: skip
        with unharmed.connect() as wire:
            wire.send(data)
            wire.socket.shutdown(socket.SHUT_WR)
            wire.rest()
    assert unharmed.ask("ping") == "pong\n"


def test_the_public_version_is_that_alone(tmp_path):
    """A stranger asks a board that tells its version for more."""
    board = Target(tmp_path, {**CONFIG, "publicVersion": True})
    try:
        assert json.loads(board.ask("version")) == {"version": "unknown"}
        assert board.ask("crash") == "error: protocol 2 only\n"
    finally:
        board.stop()

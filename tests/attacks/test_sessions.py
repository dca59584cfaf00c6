"""Strangers, and holders of the password alone: what they get, read, and hold up."""

import json
import socket
import time

import pytest
from client2 import hello
from client2.errors import BoardError, Refused
from client2.hello import Secrets

from .conftest import CONFIG, OURS, PASSWORD, SECRETS, Target

SPELLINGS = (
    "config/ota.json", "/config/ota.json", "Config/OTA.json", "CONFIG/ota.json",
    "config//ota.json", "config/./ota.json", "app/../config/ota.json", "./config/ota.json",
    "//config/ota.json", "config/ota.json.", "config/ota.json ", "CONFIG~1/OTA~1.JSO",
    "config\\ota.json", "ota_kept/0", "/ota_kept/0", "OTA_KEPT/0", "ota_kept/list", "ota_part/list",
    "ota_part/0", "ota_stage/put", "ota_guard.py", "ota_counter", "data/../ota_kept/0",
)  # fmt: skip


def test_commands_of_1_0_on_a_board_of_protocol_2_only(unharmed):
    lines = ("version", "ls", "get config/ota.json", "rm app/app.py", "wipe", "reset", "start_ota",
             "stream_ota 100", "rollback", "safe_mode", "crash", PASSWORD, "hello 1 x", "HELLO 2 x",
             "", "info", "put 1 x y")  # fmt: skip
    for line in lines:
        with unharmed.connect() as wire:
            assert wire.ask(line) == "error: protocol 2 only\n", line
    assert unharmed.ask("ping") == "pong\n"


def test_no_command_reads_a_secret_under_any_spelling(unharmed):
    with unharmed.session() as session:
        said = session.command("config").decode()
        for path in SPELLINGS:
            for command in ("get ", "ls ", "mv {}\tapp/x", "rm ", "mkdir "):
                text = command.format(path) if "{" in command else command + path
                try:
                    said += session.command(text).decode()
                except BoardError as e:
                    said += str(e)
        for secret in SECRETS:
            assert secret not in said


def test_what_is_protected_stays_under_any_spelling(unharmed):
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


def test_half_open_and_slow_peers_are_let_go(unharmed):
    """One says nothing, one a byte a second, one stops in a record after its proof."""
    began = time.monotonic()
    silent, slow = unharmed.stream(), unharmed.stream()
    proven = unharmed.session()
    line = hello.host_line().encode()
    closed = {}
    while len(closed) < 2 and time.monotonic() - began < 15:
        for name, stream in (("silent", silent), ("slow", slow)):
            if name in closed:
                continue
            stream._sock.settimeout(0.5)
            try:
                if name == "slow":
                    at = int(time.monotonic() - began)
                    stream.write(line[at : at + 1])
                stream.read(1)
                closed[name] = time.monotonic() - began
            except TimeoutError:
                pass
            except OSError:
                closed[name] = time.monotonic() - began
    assert proven.command("ping") == b"pong\n", "who has proven itself is not let go with them"
    proven.close()
    assert all(8 < when < 13 for when in closed.values()) and len(closed) == 2, closed


def test_10_000_fresh_names_leave_the_heap_flat(unharmed):
    with unharmed.session() as session:

        def ask(start, count):
            for at in range(start, start + count, 50):
                for n in range(at, at + 50):
                    session._send_command(f"zz{n}x{n * 7919} /zz{n}/y{n}")
                for _ in range(50):
                    with pytest.raises(BoardError, match="unknown"):
                        session._answer(100)

        ask(0, 200)
        before = session.json("mem")["used"]
        ask(200, 10_000)
        after = session.json("mem")["used"]
    assert abs(after - before) < 1024, (before, after)


def test_bytes_that_mean_nothing(unharmed):
    for data in (b"\0" * 300, b"hello 2\n", b"hello 2 \xff\xff\n", b"hello 99 x\n", b"x" * 2000,
                 b"GET / HTTP/1.1\r\n\r\n", b"hello 2 " + b"0" * 32 + b"\n\n",
                 b"hello 2 " + b"0" * 300 + b"\n"):  # fmt: skip
        with unharmed.connect() as wire:
            wire.send(data)
            wire.socket.shutdown(socket.SHUT_WR)
            wire.rest()
    assert unharmed.ask("ping") == "pong\n"


def test_the_public_version_is_that_alone(tmp_path):
    board = Target(tmp_path, {**CONFIG, "publicVersion": True})
    try:
        assert json.loads(board.ask("version")) == {"version": "unknown"}
        assert board.ask("crash") == "error: protocol 2 only\n"
    finally:
        board.stop()

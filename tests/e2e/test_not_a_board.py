"""Hosts that are not there, and hosts that are something else: status 1 or 4, in the deadline."""

import json
import random
import re
import socket
import time

import pytest

from .old_board import closes, stays_silent
from .process import check
from .wire import listen

COMMANDS = [
    ("version",),
    ("fast",),
    ("full",),
    ("crash",),
    ("rollback",),
    ("terminal", "ls"),
    ("terminal", "get", "/x", "y"),
]
EVERY = pytest.mark.parametrize("command", COMMANDS, ids=" ".join)


@EVERY
def test_a_host_that_does_not_exist(project, command):
    error = project.uota(*command, "--host", "nowhere.invalid", status=4).error
    assert "nowhere.invalid" in error and "no such host" in error


@EVERY
def test_a_host_that_refuses(project, command):
    with listen() as sock:
        port = sock.getsockname()[1]
    error = project.uota(*command, "--host", "127.0.0.1", "--port", port, status=4).error
    assert "127.0.0.1" in error and "connection refused" in error


def test_json_of_an_unreachable_board(project):
    done = project.uota("fast", "--host", "nowhere.invalid", "--json", status=4)
    report = json.loads(done.out)
    assert report["status"] == 4 and "uota: " + report["error"] == done.error


@pytest.mark.parametrize(
    "host", ["a..b", "." * 300, "x" * 300, "256.256.256.256.invalid", "exa_mple.invalid", "-"]
)
def test_names_that_are_no_hosts(project, host):
    project.uota("version", f"--host={host}", status=4)


@EVERY
def test_a_board_that_accepts_and_stays_silent(project, peer, command):
    start = time.monotonic()
    error = project.uota(*command, "--timeout=0.3", *peer(stays_silent).at, status=4).error
    assert "timed out" in error
    assert time.monotonic() - start < 20


def test_a_board_that_does_not_even_accept(project):
    """A listener whose backlog is full: the handshake is never answered."""
    with listen() as sock:
        sock.listen(0)
        held = []
        for _ in range(8):
            one = socket.socket()
            one.setblocking(False)
            one.connect_ex(sock.getsockname())
            held.append(one)
        port = sock.getsockname()[1]
        at = ("--host", "127.0.0.1", "--port", port)
        error = project.uota("version", "--timeout=0.3", *at, status=4).error
        assert "connecting: timed out" in error
        for one in held:
            one.close()


@EVERY
def test_a_board_that_closes_at_once(project, peer, command):
    error = project.uota(*command, *peer(closes).at, status=4).error
    assert "closed the connection" in error


@EVERY
def test_a_board_that_resets_at_once(project, peer, command):
    project.uota(*command, *peer(lambda wire: wire.reset()).at, status=4)


def http(wire):
    wire.line()
    wire.send(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 11\r\n\r\nBad Request")
    wire.stop_sending()
    wire.wait_until_closed()


def ssh(wire):
    wire.send(b"SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3\r\n")
    wire.wait_until_closed()


def binary(wire):
    wire.send(b"\x16\x03\x01\x00\x00\x00\x00\n")
    wire.wait_until_closed()


def noise(wire):
    wire.send(random.Random(7).randbytes(100_000))
    wire.wait_until_closed()


def endless_line(wire):
    while True:
        wire.send(b"a" * 65536)


def endless_lines(wire):
    while True:
        wire.send(b"a\n" * 32768)


def empty_lines(wire):
    wire.send(b"\n" * 100)
    wire.wait_until_closed()


def escapes(wire):
    wire.send("\x1b]0;owned\x07\x1b[2J\u202egnp\u009b31m\n".encode())
    wire.wait_until_closed()


def echo(wire):
    while True:
        wire.say(wire.line())


def half_a_line(wire):
    wire.send(b"o")
    wire.stop_sending()
    wire.wait_until_closed()


STRANGERS = [
    http,
    ssh,
    binary,
    noise,
    endless_line,
    endless_lines,
    empty_lines,
    escapes,
    echo,
    half_a_line,
]


LISTS = (http, ssh, empty_lines, escapes, echo)


@pytest.mark.parametrize("stranger", STRANGERS)
@EVERY
def test_something_that_is_no_board(open_project, peer, stranger, command):
    status = 4 if stranger is half_a_line else 1
    done = open_project.uota(*command, "--timeout=2", *peer(stranger).at, status=None)
    # A listing has no form that a stranger could fail to have, but an end.
    listing = command == ("terminal", "ls") and stranger in LISTS
    check(done, done.status if listing else status)
    assert not (open_project / "y").exists()


@pytest.mark.parametrize("stranger", STRANGERS)
def test_something_that_is_no_board_gets_no_files(project, peer, stranger):
    """Nothing that a stranger could use leaves before it has proven itself."""
    seen = []

    def serve(wire):
        seen.append(wire.line())
        stranger(wire)

    if stranger in (http, echo):
        return  # these read a line of their own
    project.uota("full", "--timeout=5", *peer(serve).at, status=None)
    assert len(seen) == 1 and re.fullmatch("hello 2 [0-9a-f]{32}", seen[0])

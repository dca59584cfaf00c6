"""Names that end in .local, on a system without a resolver for them: two network namespaces with
a cable between, the tool in one, a scripted responder and a scripted board in the other. Nothing
leaves the two.
"""

import contextlib
import ctypes
import os
import socket
import struct
import subprocess
import threading
import time
from pathlib import Path

import pytest

from .conftest import UOTA
from .old_board import OldBoard
from .process import Running, run
from .wire import until

GROUP, PORT = "224.0.0.251", 5353
HOST, BOARD = "10.99.0.1", "10.99.0.2"
NAME = "kitchen.local"
CLONE_NEWNET = 0x40000000


def ip(*arguments):
    subprocess.run(["ip", *arguments], check=True, capture_output=True, text=True)


@pytest.fixture
def cable():
    """Two namespaces, `host` and `board`, with a cable between. Yields their names."""
    names = [f"uota-{os.getpid()}-{side}" for side in ("host", "board")]
    try:
        ip("netns", "add", names[0])
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"network namespaces need root, CAP_NET_ADMIN and iproute2: {error}")
    try:
        ip("netns", "add", names[1])
        ip("-n", names[0], "link", "add", "veth0", "type", "veth",
           "peer", "name", "veth0", "netns", names[1])  # fmt: skip
        for name, address in zip(names, (HOST, BOARD), strict=True):
            ip("-n", name, "address", "add", address + "/24", "dev", "veth0")
            ip("-n", name, "link", "set", "lo", "up")
            ip("-n", name, "link", "set", "veth0", "up")
        yield names
    finally:
        for name in names:
            subprocess.run(["ip", "netns", "delete", name], capture_output=True)


@contextlib.contextmanager
def inside(name):
    """This thread, and the sockets and threads that it makes, are in the namespace."""
    libc = ctypes.CDLL(None, use_errno=True)
    before = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    there = os.open(Path("/run/netns") / name, os.O_RDONLY)
    try:
        assert libc.setns(there, CLONE_NEWNET) == 0, os.strerror(ctypes.get_errno())
        yield
    finally:
        assert libc.setns(before, CLONE_NEWNET) == 0
        os.close(before)
        os.close(there)


def encode(name):
    labels = [label.encode() for label in name.split(".")]
    return b"".join(bytes([len(label)]) + label for label in labels) + b"\0"


def record(name, address=BOARD, kind=1, klass=1):
    data = socket.inet_aton(address)
    owner = name if isinstance(name, bytes) else encode(name)
    return owner + struct.pack(">HHIH", kind, klass, 120, len(data)) + data


def response(*records, flags=0x8400, counts=None):
    counts = counts or (0, len(records), 0, 0)
    return struct.pack(">6H", 0, flags, *counts) + b"".join(records)


RIGHT = response(record(NAME))


class Responder:
    """Answers each query for NAME with @packets, from the board's side; in the beginning it hears
    @deaf of them without an answer.
    """

    def __init__(self, packets, deaf=0):
        self.packets, self.deaf = packets, deaf
        self.queries = []
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.sock.bind(("", PORT))
        group = socket.inet_aton(GROUP) + socket.inet_aton(BOARD)
        self.sock.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, group)
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        while True:
            query, sender = self.sock.recvfrom(9000)
            if not query:
                return
            self.queries.append(query)
            if len(self.queries) > self.deaf:
                for packet in self.packets:
                    self.sock.sendto(packet, sender)

    def stop(self):
        # an empty datagram of its own is what it stops at
        self.sock.sendto(b"", ("127.0.0.1", PORT))
        self.thread.join(10)
        self.sock.close()


@pytest.fixture
def neighbour(cable, end):
    """neighbour(PACKET…, deaf=…): a board that answers to its name. Returns the responder."""

    def start(*packets, **how):
        with inside(cable[1]):
            end(OldBoard(host="0.0.0.0", port=2018))
            return end(Responder(packets, **how))

    return start


@pytest.fixture
def uota_there(cable, env, tmp_path):
    """uota_there(ARGUMENT…, status=0): the tool in the host's namespace; no name server is known
    there, and the system looks into no cache.
    """
    resolv = tmp_path / "resolv.conf"
    resolv.write_text("options timeout:1 attempts:1\nnameserver 127.0.0.1\n")
    nsswitch = tmp_path / "nsswitch.conf"
    nsswitch.write_text("hosts: files dns\n")
    mounts = (
        f"mount --bind {resolv} /etc/resolv.conf && mount --bind {nsswitch} /etc/nsswitch.conf "
        '&& exec "$@"'
    )
    prefix = ["ip", "netns", "exec", cable[0], "sh", "-c", mounts, "sh"]

    def start(*arguments, **how):
        return run([*prefix, UOTA, *arguments], tmp_path, env, **how)

    return start


def test_a_board_by_its_name(neighbour, uota_there):
    responder = neighbour(RIGHT)
    assert uota_there("version", "--host", NAME).out == "unknown\n"
    query = responder.queries[0]
    assert query[:12] == struct.pack(">6H", 0, 0, 2, 0, 0, 0)
    assert query[12:] == encode(NAME) + b"\0\x01\0\x01" + encode(NAME) + b"\0\x1c\0\x01"


@pytest.mark.parametrize("name", ["KITCHEN.Local", "kitchen.local."])
def test_names_have_no_case_and_may_end_in_a_dot(neighbour, uota_there, name):
    neighbour(RIGHT)
    assert uota_there("version", "--host", name).out == "unknown\n"


def test_the_name_of_the_configuration(neighbour, uota_there, tmp_path, uota):
    uota("init", "--no-secrets")
    config = tmp_path / "config/ota.json"
    config.write_text(config.read_text().replace("micropython.local", NAME))
    neighbour(RIGHT)
    assert uota_there("version", "--legacy").out == "unknown\n"


def test_a_compressed_name_and_records_of_other_kinds(neighbour, uota_there):
    pointer = b"\xc0\x0c"
    packet = (
        struct.pack(">6H", 0, 0x8400, 1, 3, 0, 0)
        + encode(NAME)
        + b"\0\x01\0\x01"
        + record(pointer, kind=16)
        + record("other.local", "10.99.0.77")
        + record(pointer, klass=0x8001)
    )
    neighbour(packet)
    assert uota_there("version", "--host", NAME).out == "unknown\n"


def test_the_question_is_repeated(neighbour, uota_there):
    responder = neighbour(RIGHT, deaf=1)
    assert uota_there("version", "--host", NAME).out == "unknown\n"
    assert len(responder.queries) == 2


def test_nobody_answers(neighbour, uota_there):
    neighbour()
    start = time.monotonic()
    error = uota_there("version", "--host", NAME, "--timeout", "1", status=4).error
    assert error.startswith(f"uota: {NAME}: connecting: no board answers to that name")
    assert time.monotonic() - start < 20


def test_a_push_to_nobody(neighbour, uota_there, uota, tmp_path):
    uota("init")
    neighbour()
    uota_there("full", "--host", NAME, "--timeout", "1", status=4)


HOSTILE = {
    "empty": b"\0",
    "a header cut short": RIGHT[:11],
    "a record cut short": RIGHT[:-1],
    "a name cut short": RIGHT[:14],
    "a query": response(record(NAME, "10.99.0.66"), flags=0),
    "another name": response(record("pantry.local", "10.99.0.66")),
    "a longer name": response(record("my.kitchen.local", "10.99.0.66")),
    "a name with a dot in a label": response(record(b"\x0dkitchen.local\0", "10.99.0.66")),
    "another class": response(record(NAME, "10.99.0.66", klass=3)),
    "a pointer to itself": response(record(b"\xc0\x0c")),
    "pointers in a circle": response(record(b"\xc0\x0e\xc0\x0c")),
    "a pointer behind the end": response(record(b"\xff\xff")),
    "a reserved label": response(record(b"\x80kitchen\0")),
    "an endless name": response(record((b"\x3f" + b"a" * 63) * 100 + b"\0")),
    "more records than there are": response(record("x.local"), counts=(0, 65535, 65535, 65535)),
    "more questions than there are": response(counts=(65535, 0, 0, 0)),
    "data longer than the packet": RIGHT[:-6] + b"\xff\xff" + RIGHT[-4:],
    "an address of three bytes": response(record(NAME)[:-6] + b"\0\x03\x0a\x63\0"),
    "right, then cut": response(record(NAME, "10.99.0.66"), b"\x07kit", counts=(0, 2, 0, 0)),
    "the largest there is": b"\xff" * 9000,
}


def test_hostile_answers_are_ignored(neighbour, uota_there):
    """All of them before the right one: none is followed, and none ends the wait."""
    responder = neighbour(*HOSTILE.values(), RIGHT)
    assert uota_there("version", "--host", NAME).out == "unknown\n"
    assert len(responder.queries) == 1


def test_nothing_but_hostile_answers(neighbour, uota_there):
    neighbour(*HOSTILE.values())
    error = uota_there("version", "--host", NAME, "--timeout", "1", status=4).error
    assert "no board answers to that name" in error


def test_interrupted_while_it_asks(cable, env, tmp_path, neighbour, end):
    responder = neighbour()
    running = end(Running(["ip", "netns", "exec", cable[0], UOTA, "version", "--host", NAME],
                          tmp_path, env))  # fmt: skip
    until(lambda: responder.queries)
    running.interrupt()
    running.finish(status=130)

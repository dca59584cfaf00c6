"""Whoever is in the middle: flips, cuts, repeats, reorders, reflects, splices what passes."""

import random
import socket
from concurrent.futures import ThreadPoolExecutor

import pytest
from client2 import hello, record
from client2.errors import BoardError, ProtocolError, Refused
from client2.session import Session

from .conftest import OURS

ENDS = (ProtocolError, BoardError, OSError, ValueError)


class Middle:
    """A stream between host and board that an attacker sees and changes."""

    def __init__(self, stream, up=None, down=None):
        self.stream, self.up, self.down = stream, up or (lambda data: data), down
        self.written, self.lines = [], []

    def write(self, data):
        self.written.append(data)
        self.stream.write(self.up(data))

    def read(self, n):
        data = self.stream.read(n)
        return self.down(data) if self.down else data

    def line(self, limit):
        line = self.stream.line(limit)
        self.lines.append(line)
        return self.down(line.encode("latin-1")).decode("latin-1") if self.down else line

    def close(self):
        self.stream.close()


class Flip:
    """Flips one bit of a stream, at a byte's position in it."""

    def __init__(self, at, bit):
        self.at, self.bit, self.done = at, bit, False

    def __call__(self, data):
        at, self.at = self.at, self.at - len(data)
        if not 0 <= at < len(data):
            return data
        self.done = True
        return data[:at] + bytes([data[at] ^ 1 << self.bit]) + data[at + 1 :]


def test_no_flipped_bit_is_accepted(unharmed):
    """2,000 single flips, anywhere in a session: hello, proof, records, in both directions."""
    dice = random.Random(2)
    # A fourth of them on the way down; an eighth in hello and proof, which make the board slow.
    ranges = [(0, 275), (0, 114), *[(114, 164)] * 2] + [(0, 275), *[(114, 164)] * 3]
    flips = [Flip(dice.randrange(*ranges[n % 8]), dice.randrange(8)) for n in range(2100)]

    def attack(n):
        """Whether the host was content with a session that has a flip in it."""
        flip = flips[n]
        stream = Middle(unharmed.stream(), **{"up" if n % 4 else "down": flip})
        stream.stream._sock.settimeout(0.5)
        try:
            with Session(stream, OURS) as session:
                session._send_command(f"mkdir flip{n:04}")
                stream.stream._sock.shutdown(socket.SHUT_WR)
                session._answer(100)
                return flip.done
        except ENDS:
            return False
        finally:
            stream.close()

    with unharmed.session() as held:  # so that the board keeps its code between the connections
        with ThreadPoolExecutor(3) as pool:
            accepted = list(pool.map(attack, range(len(flips))))
        names = held.command("ls /").decode().split("\n")
        done = {int(name[4:-1]) for name in names if name[:4] == "flip"}
        for n in done:
            held.command(f"rm flip{n:04}")
    assert sum(flip.done for flip in flips) >= 2000 and not any(accepted)
    assert all(n % 4 == 0 for n in done), "done, though the command was flipped"


def seal(session, text):
    """A record as the host would send it next."""
    return session._sealer.seal(record.TEXT, text.encode())


def dies(session):
    """The board has closed, without a word."""
    with pytest.raises(OSError):
        session._stream.read(1)


@pytest.mark.parametrize(
    "attack",
    [
        lambda one, two: one + one,
        lambda one, two: two,
        lambda one, two: two + one,
        lambda one, two: one[:-1] + two,
        lambda one, two: one[:2] + two[2:],
        lambda one, two: one[:-16] + two[-16:],
        lambda one, two: one[2:],
        lambda one, two: b"\0\0" + one,
        lambda one, two: b"\xff\xf0" + one,
        lambda one, two: one[:18] + one[:18] + one[18:],
    ],
    ids="repeated second-without-first swapped shortened spliced"
    " other-tag no-size zero huge longer".split(),
)
def test_records_that_are_not_as_they_were_sent(unharmed, attack):
    """Commands repeated, left out, reordered, cut, spliced, with a false tag or size."""
    with unharmed.session() as session:
        sent = attack(seal(session, "ping"), seal(session, "mkdir evil"))
        session._stream.write(sent + bytes(600))
        session._stream._sock.settimeout(2)
        try:
            while True:
                session._stream.read(1)  # at most the answer to the first ping
        except OSError:
            pass
    assert b"evil" not in unharmed.session().command("ls /")


def test_a_record_of_the_board_sent_back(unharmed):
    """An answer, reflected as if it were a command."""
    with unharmed.session() as session:
        session._stream.write(seal(session, "ping"))
        size = session._stream.read(2)
        theirs = size + session._stream.read(int.from_bytes(size, "big") + 16)
        session._stream.read(2 + 16 + 16)
        session._stream.write(theirs)
        dies(session)


def test_a_record_of_another_session(unharmed):
    """A command of another session that is open at the same time."""
    with unharmed.session() as one, unharmed.session() as other:
        other._stream.write(seal(one, "mkdir evil"))
        dies(other)


def test_a_whole_recorded_session_again(unharmed):
    """What a host has sent once: hello, proof and a command, byte for byte."""
    stream = Middle(unharmed.stream())
    with Session(stream, OURS) as session:
        session.command("mkdir once")
        session.command("rm once")
    again = unharmed.stream()
    for data in stream.written[:2]:
        again.write(data)
    again.line(512)
    assert again.line(512) == "denied\n"
    again.close()


@pytest.mark.parametrize(
    "old, new",
    [
        ("cipher=aes128-cbc", "cipher=none"),
        ("auth=pbkdf2-sha256:200000", "auth=pbkdf2-sha256:200001"),
        ("name=kitchen", "name=attic"),
        (" name=", " x=1 name="),
    ],
)
def test_capabilities_that_are_changed_on_their_way(unharmed, old, new):
    """The board's: its cipher taken away, its method or name changed, a key added."""
    stream = Middle(unharmed.stream(), down=lambda data: data.replace(old.encode(), new.encode()))
    with pytest.raises(Refused, match="denied"):
        Session(stream, OURS)
    stream.close()


def test_a_host_line_that_is_changed_on_its_way(unharmed):
    """The host's hello line gets a key more."""

    def up(data):
        return data.replace(b"\n", b" more=1\n") if data[:5] == b"hello" else data

    stream = Middle(unharmed.stream(), up=up)
    with pytest.raises(Refused, match="denied"):
        Session(stream, OURS)
    stream.close()


def test_a_stranger_gets_nothing_to_guess_at(unharmed):
    """Without a right proof all that a board says is its hello, and `denied`."""
    for proof in ("proof 0 " + "0" * 64, "proof 1 " + "0" * 64, "proof 0 ", "ping", "proof"):
        stream = unharmed.stream()
        stream.write(hello.host_line().encode())
        answer = stream.line(512)
        assert hello.parse(answer).methods[0].startswith("pbkdf2-sha256:200000:")
        stream.write(proof.encode() + b"\n")
        assert stream.line(512) == "denied\n"
        with pytest.raises(ConnectionError):
            stream.read(1)
        stream.close()
    unharmed.session().close()  # the right one: guesses are quick again

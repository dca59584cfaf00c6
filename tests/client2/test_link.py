"""The link over a line in memory that loses, changes and injects bytes. Time is simulated."""

import random

import pytest

from .errors import ProtocolError
from .link import Frame, Link, Scanner

STEP = 0.005  # seconds of simulated time between two looks at the line
RING = 256  # bytes that a board's UART holds


class Line:
    """One direction. What is written arrives a step later; `damage` decides about each byte."""

    def __init__(self, damage):
        self._damage = damage
        self._on_the_way = b""
        self.in_flight = 0

    def write(self, data):
        self._on_the_way += data
        self.in_flight = max(self.in_flight, len(self._on_the_way))

    def read(self):
        data, self._on_the_way = self._on_the_way, b""
        return b"".join(self._damage(bytes([byte])) for byte in data)


def clean(byte):
    return byte


def noisy(seed, share):
    """Loses, changes or adds to a share of all bytes."""
    chance = random.Random(seed)

    def damage(byte):
        if chance.random() > share:
            return byte
        return chance.choice(
            [b"", bytes([byte[0] ^ 1 << chance.randrange(8)]), byte + b"[app] 21 C\r\n", b"\xa5"]
        )

    return damage


class World:
    def __init__(self, down=clean, up=clean):
        self.now = 0.0
        self.down, self.up = Line(down), Line(up)
        self.board = Link()
        self.host = Link(b"\x01\x02\x03\x04")
        self.run()

    def step(self):
        self.down.write(self.host.take(self.now))
        self.up.write(self.board.take(self.now))
        self.now += STEP
        self.board.receive(self.down.read(), self.now)
        self.host.receive(self.up.read(), self.now)

    def run(self, seconds=600):
        """Until all has arrived."""
        end = self.now + seconds
        while not (self.host.idle() and self.board.idle()):
            self.step()
            assert self.now < end, "not all has arrived"


def content(n, seed):
    return random.Random(seed).randbytes(n)


def test_a_stream_arrives_in_both_directions():
    world = World()
    down, up = content(5000, 1), content(3000, 2)
    world.host.send(down)
    world.board.send(up)
    world.run(seconds=2)
    assert (world.board.received, world.host.received) == (down, up)


@pytest.mark.parametrize("share", [0.001, 0.005])
@pytest.mark.parametrize("seed", range(10))
def test_a_stream_arrives_whole_over_a_line_that_damages_it(seed, share):
    world = World(noisy(seed, share), noisy(seed + 100, share))
    down, up = content(5000, seed), content(2000, seed + 1)
    world.host.send(down)
    world.board.send(up)
    world.run()
    assert (world.board.received, world.host.received) == (down, up)


def test_what_is_in_flight_fits_the_ring_of_an_uart():
    world = World()
    world.host.send(content(20000, 1))
    world.board.send(content(20000, 2))
    world.run()
    assert 200 < world.down.in_flight <= RING


def test_what_overflows_the_ring_while_the_board_writes_flash_comes_again():
    world = World()
    world.host.send(content(3000, 3))
    for _ in range(10):
        world.step()
    held = b""
    for _ in range(200):  # a second in which the board reads nothing
        world.down.write(world.host.take(world.now))
        world.now += STEP
        held = (held + world.down.read())[:RING]
    world.board.receive(held, world.now)
    world.run()
    assert world.board.received == content(3000, 3)


def test_a_new_start_ends_the_session_before_it():
    world = World()
    world.host.send(b"half of a conv")
    world.run()
    world.board.send(b"to the old one")
    world.host = Link(b"\x05\x06\x07\x08")
    world.host.send(b"hello")
    world.run()
    assert world.board.received == b"hello"
    assert world.host.received == b""


def test_a_repeated_start_is_not_a_new_one():
    world = World()
    start = Frame(0, 0, b"\x01\x02\x03\x04", start=True).wire()
    world.host.send(b"hello")
    world.run()
    world.board.receive(start, world.now)
    world.host.send(b" again")
    world.run()
    assert world.board.received == b"hello again"


def test_the_end_ends_it():
    world = World()
    world.host.send(b"x")
    world.run()
    world.host.end()
    world.step()
    assert world.board.over


def test_a_dead_line_is_noticed():
    world = World()
    world.down = Line(lambda byte: b"")
    world.host.send(b"hello")
    with pytest.raises(ProtocolError, match="dead"):
        world.run()
    assert 20 < world.now < 40


def test_what_looks_like_a_long_frame_swallows_no_short_ones():
    """The beginning of 112 bytes that never come, where only bare acks follow."""
    world = World()
    world.host.receive(Frame(0, 0, bytes(112)).wire()[:4], world.now)
    world.host.send(b"hello")
    world.run(seconds=0.25)
    assert world.board.received == b"hello"


def test_what_is_not_continued_wakes_who_waits_for_the_link():
    world = World()
    assert world.host.due() is None
    world.host.receive(Frame(0, 0, bytes(112)).wire()[:20], world.now)
    world.host.receive(b"", world.now + 0.05)
    assert world.host.due() == pytest.approx(world.now + 0.1)
    world.host.take(world.now + 0.1)
    assert world.host.due() is None


def test_a_frame_that_comes_slowly_is_one():
    world = World()
    wire = Frame(1, 1, b"slow").wire()
    for byte in wire:
        world.now += 0.09
        world.board.receive(bytes([byte]), world.now)
        world.board.take(world.now)
    assert world.board.received == b"slow"


def test_garbage_alone_is_nothing():
    scanner = Scanner()
    assert scanner.feed(content(200_000, 5)) == []
    assert scanner.feed(b"\xa5" * 1000) == []

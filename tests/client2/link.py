"""Section 8: the link, a reliable stream over a line that loses, changes and injects bytes.

No input and output, no clock: bytes are given to receive(), what is to be sent is what take()
gives, and the caller says what time it is, in seconds. Both ends are here, for the tests.
"""

import struct
import zlib
from dataclasses import dataclass

from .errors import ProtocolError

SYNC = b"\xa5"
START = 0x80
PAYLOAD_MAX = 112
WINDOW = 2  # sequenced frames that are unacknowledged
REPEAT = 0.3  # seconds, at first
REPEAT_MAX = 2.4
TRIES = 12
STALE = 0.1  # seconds after which a frame that is not continued is none
_OVERHEAD = 8


@dataclass(frozen=True)
class Frame:
    seq: int
    ack: int
    payload: bytes = b""
    start: bool = False

    def wire(self) -> bytes:
        inner = bytes([self.seq, self.ack, len(self.payload) | START * self.start]) + self.payload
        return SYNC + inner + struct.pack(">I", zlib.crc32(inner))


class Scanner:
    """Finds frames in whatever comes."""

    def __init__(self) -> None:
        self._pending = bytearray()

    def feed(self, data: bytes) -> list[Frame]:
        self._pending += data
        return self._found()

    def waits(self) -> bool:
        """What has come looks like the beginning of a frame."""
        return bool(self._pending)

    def give_up(self) -> list[Frame]:
        """It is none: what is found behind it."""
        found = []
        while self._pending:
            del self._pending[0]
            found += self._found()
        return found

    def _found(self) -> list[Frame]:
        found = []
        while (frame := self._next()) is not None:
            found.append(frame)
        return found

    def _next(self) -> Frame | None:
        while True:
            at = self._pending.find(SYNC)
            del self._pending[: at if at >= 0 else len(self._pending)]
            if len(self._pending) < 4:
                return None
            n = self._pending[3] & 0x7F
            if not (n in (0, 4) if self._pending[3] & START else n <= PAYLOAD_MAX):
                del self._pending[0]
                continue
            if len(self._pending) < n + _OVERHEAD:
                return None
            inner = bytes(self._pending[1 : 4 + n])
            if struct.pack(">I", zlib.crc32(inner)) != self._pending[4 + n : 8 + n]:
                del self._pending[0]
                continue
            del self._pending[: n + _OVERHEAD]
            return Frame(inner[0], inner[1], inner[3:], bool(inner[2] & START))


class Link:
    """One end. A host is made with 4 random bytes, a board without."""

    def __init__(self, ident: bytes | None = None, repeat: float = REPEAT) -> None:
        self._repeat = repeat
        self._scanner = Scanner()
        self._stale: float | None = None  # when what the scanner waits for does not come any more
        self._host = ident is not None
        self._out = bytearray()  # to be written now
        self.received = bytearray()  # the stream, for whoever reads it
        self.over = False
        self._reset(ident)

    def _reset(self, ident: bytes | None) -> None:
        self._ident = ident
        self._waiting = bytearray()  # of the stream, not yet in a frame
        self._flying: list[tuple[int, bytes, bool]] = []  # seq, payload, start
        self._seq = self._expected = 0
        self._up = False  # the peer's start has come
        self._due: float | None = None
        self._tries = 0
        self._hurried = False
        if ident is not None:
            self._launch(ident, start=True)

    def send(self, data: bytes) -> None:
        self._waiting += data

    def end(self) -> None:
        self._out += Frame(self._seq, self._expected, start=True).wire()
        self.over = True

    def receive(self, data: bytes, now: float) -> None:
        if data:
            self._receive_frames(self._scanner.feed(data), now)
            self._stale = now + STALE if self._scanner.waits() else None

    def _receive_frames(self, frames: list[Frame], now: float) -> None:
        for frame in frames:
            if frame.start:
                self._receive_start(frame)
            elif self._up:
                self._receive_frame(frame, now)

    def take(self, now: float) -> bytes:
        """What is to be written to the line now."""
        if self._stale is not None and now >= self._stale:
            self._stale = None
            self._receive_frames(self._scanner.give_up(), now)
        if self._due is not None and now >= self._due:
            self._again()
        while self._up and self._waiting and len(self._flying) < WINDOW:
            part = bytes(self._waiting[:PAYLOAD_MAX])
            del self._waiting[:PAYLOAD_MAX]
            self._launch(part)
        if self._flying and self._due is None:
            self._due = now + min(self._repeat * 2**self._tries, self._repeat * 8)
        out, self._out = bytes(self._out), bytearray()
        return out

    def due(self) -> float | None:
        """When take() will have something without anything having come."""
        return min((at for at in (self._due, self._stale) if at is not None), default=None)

    def idle(self) -> bool:
        """All that was sent has arrived."""
        return not self._waiting and not self._flying

    def _launch(self, payload: bytes, start: bool = False) -> None:
        self._flying.append((self._seq, payload, start))
        self._out += Frame(self._seq, self._expected, payload, start).wire()
        self._seq = (self._seq + 1) % 256

    def _again(self) -> None:
        self._tries += 1
        if self._tries > TRIES:
            raise ProtocolError("the line is dead")
        self._due = None
        self._repeat_all()

    def _repeat_all(self) -> None:
        for seq, payload, start in self._flying:
            self._out += Frame(seq, self._expected, payload, start).wire()

    def _bare_ack(self) -> None:
        self._out += Frame(self._seq, self._expected).wire()

    def _receive_start(self, frame: Frame) -> None:
        if not frame.payload:
            self.over = self.over or self._up
        elif self._host:
            if frame.payload == self._ident:
                self._expected = self._expected if self._up else 1
                self._up = True
                self._acknowledged(frame.ack)
                self._bare_ack()
        elif frame.payload == self._ident:
            self._bare_ack()
        else:
            self.received.clear()
            self.over = False
            self._reset(None)
            self._expected, self._up = 1, True
            self._ident = frame.payload
            self._launch(frame.payload, start=True)

    def _receive_frame(self, frame: Frame, now: float) -> None:
        progress = self._acknowledged(frame.ack)
        if frame.payload:
            if frame.seq == self._expected:
                self.received += frame.payload
                self._expected = (self._expected + 1) % 256
            self._bare_ack()
        elif not progress and self._flying and not self._hurried:
            self._hurried = True
            self._repeat_all()

    def _acknowledged(self, ack: int) -> bool:
        count = (ack - self._flying[0][0]) % 256 if self._flying else 0
        if not 0 < count <= len(self._flying):
            return False
        del self._flying[:count]
        self._tries = 0
        self._hurried = False
        self._due = None
        return True

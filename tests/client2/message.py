"""Section 7.3: content in messages, one deflate stream a push, sync-flushed after each."""

import struct
import zlib
from collections.abc import Iterator

from .errors import ProtocolError

ROOM = 32  # bytes that a payload may be longer than the limit


class Packer:
    """The host's side."""

    def __init__(self, limit: int, wbits: int) -> None:
        if not 512 <= limit <= 16384 or wbits not in (0, *range(9, 16)):
            raise ProtocolError(f"limit {limit}, wbits {wbits}")
        self.payload_max = limit + ROOM
        self._limit = limit
        self._wbits = wbits
        self._begin()

    def _begin(self) -> None:
        wbits = self._wbits
        self._deflate = zlib.compressobj(9, zlib.DEFLATED, -wbits) if wbits else None

    def pack(self, content: bytes) -> Iterator[bytes]:
        """Payloads that carry @content, of any length."""
        for at in range(0, len(content), self._limit):
            part = content[at : at + self._limit]
            yield struct.pack(">H", len(part)) + self._squeeze(part)

    def _squeeze(self, part: bytes) -> bytes:
        if not self._deflate:
            return part
        packed = self._deflate.compress(part) + self._deflate.flush(zlib.Z_SYNC_FLUSH)
        if 2 + len(packed) <= self.payload_max:
            return packed
        self._begin()  # what follows must not refer to what the board has not got so
        return _stored(part) + _stored(b"")


def _stored(part: bytes) -> bytes:
    """A block of deflate that holds @part as it is; it begins and ends at a whole byte."""
    return struct.pack("<BHH", 0, len(part), len(part) ^ 0xFFFF) + part


class Unpacker:
    """The board's side, for the tests."""

    def __init__(self, limit: int, wbits: int) -> None:
        self._limit = limit
        self._inflate = zlib.decompressobj(-wbits) if wbits else None

    def unpack(self, payload: bytes) -> bytes:
        if not 2 < len(payload) <= self._limit + ROOM:
            raise ProtocolError("bad message")
        (n,) = struct.unpack(">H", payload[:2])
        if not 0 < n <= self._limit:
            raise ProtocolError("bad message")
        content = payload[2:]
        if self._inflate:
            content = self._exactly(n, content)
        if len(content) != n:
            raise ProtocolError("bad message")
        return content

    def _exactly(self, n: int, packed: bytes) -> bytes:
        try:
            content = self._inflate.decompress(packed, n + 1)
        except zlib.error:
            raise ProtocolError("bad message") from None
        if self._inflate.unconsumed_tail or self._inflate.eof:
            raise ProtocolError("bad message")
        return content

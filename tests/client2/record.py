"""Section 5: records, in one direction each."""

import hmac
import secrets
import struct

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from .errors import ProtocolError

TEXT, DATA, END, ERROR = 1, 2, 3, 4
FROM_HOST = frozenset((TEXT, DATA))
FROM_BOARD = frozenset((DATA, END, ERROR))
HOST_MAX = 512  # bytes of payload, but for the messages of a push
BOARD_MAX = 4096
_HEAD = struct.Struct(">IHB9s")
_TAG = 16


def padded(n: int) -> int:
    return n + -n % 16


class Sealer:
    """Makes records. Without an AES key: authenticated only."""

    def __init__(self, mac_key: bytes, aes_key: bytes | None) -> None:
        self._mac_key = mac_key
        self._cipher = _cbc(aes_key).encryptor() if aes_key else None
        self._sequence = 0

    def seal(self, kind: int, payload: bytes) -> bytes:
        head = _HEAD.pack(self._sequence, len(payload), kind, secrets.token_bytes(9))
        body = head + payload + bytes(-len(payload) % 16)
        if self._cipher:
            body = self._cipher.update(body)
        size = struct.pack(">H", len(body))
        tag = _tag(self._mac_key, self._sequence, size, body)
        self._sequence += 1
        return size + body + tag


class Opener:
    """Takes records apart; what is not as it must be raises ProtocolError, and no more is taken."""

    def __init__(self, mac_key: bytes, aes_key: bytes | None, kinds: frozenset[int]) -> None:
        self._mac_key = mac_key
        self._cipher = _cbc(aes_key).decryptor() if aes_key else None
        self._kinds = kinds
        self._sequence = 0

    def size(self, first: bytes, limit: int) -> int:
        """How many bytes follow the record's first two; @limit: of payload."""
        (size,) = struct.unpack(">H", first)
        if size == 0 or size % 16 or size > 16 + padded(limit):
            raise ProtocolError(f"record of {size} bytes")
        return size + _TAG

    def open(self, rest: bytes, limit: int) -> tuple[int, bytes]:
        """(type, payload) of a record whose size is right."""
        body, tag = rest[:-_TAG], rest[-_TAG:]
        size = struct.pack(">H", len(body))
        if not hmac.compare_digest(tag, _tag(self._mac_key, self._sequence, size, body)):
            raise ProtocolError("record with a wrong tag")
        if self._cipher:
            body = self._cipher.update(body)
        _, length, kind, _ = _HEAD.unpack_from(body)
        if len(body) != 16 + padded(length) or length > limit:
            raise ProtocolError("record with a wrong length")
        if kind not in self._kinds:
            raise ProtocolError(f"record of type {kind}")
        self._sequence += 1
        return kind, body[16 : 16 + length]


def _cbc(key: bytes) -> Cipher:
    return Cipher(algorithms.AES128(key), modes.CBC(bytes(16)))


def _tag(key: bytes, sequence: int, size: bytes, body: bytes) -> bytes:
    return hmac.digest(key, struct.pack(">I", sequence) + size + body, "sha256")[:_TAG]

# Every hash and MAC of the agent, and their comparison in constant time.
from binascii import hexlify
from hashlib import sha256


class Hmac:
    """HMAC-SHA256 with the interface of hashlib's objects."""

    def __init__(self, key):
        if len(key) > 64:
            key = sha256(key).digest()
        key += bytes(64 - len(key))
        self._outer = _keyed(key, 0x5C)
        self._inner = _keyed(key, 0x36)
        self.update = self._inner.update

    def digest(self):
        self._outer.update(self._inner.digest())
        return self._outer.digest()


def _keyed(key, pad):
    return sha256(bytes(b ^ pad for b in key))


def hexed(digest):
    return hexlify(digest).decode()


def same(a, b):
    """Whether two strings are equal, in a time that does not tell where they are not."""
    differ = len(a) ^ len(b)
    for x, y in zip(a, b):  # noqa: B905 - MicroPython's has no `strict`
        differ |= ord(x) ^ ord(y)
    return not differ

# Every hash and MAC of the agent, and their comparison in constant time.
import binascii
import hashlib


class Hmac:
    """HMAC-SHA256 with the interface of hashlib's objects."""

    def __init__(self, key):
        if len(key) > 64:
            key = hashlib.sha256(key).digest()
        key = key + bytes(64 - len(key))
        self._outer = hashlib.sha256(bytes(b ^ 0x5C for b in key))
        self._inner = hashlib.sha256(bytes(b ^ 0x36 for b in key))
        self.update = self._inner.update

    def digest(self):
        self._outer.update(self._inner.digest())
        return self._outer.digest()


def sha256(data=b""):
    return hashlib.sha256(data)


def hexed(digest):
    return binascii.hexlify(digest).decode()


def same(a, b):
    """Whether two strings or byte strings are equal, in a time that does not tell where not."""
    if len(a) != len(b):
        return False
    if isinstance(a, str):
        a, b = a.encode(), b.encode()
    differ = 0
    for x, y in zip(a, b):
        differ |= x ^ y
    return differ == 0

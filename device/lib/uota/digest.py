# Every hash and MAC of the agent, and their comparison in constant time.
from binascii import hexlify
from hashlib import sha256


def mac(key):
    """HMAC-SHA256 begun: update() it like any hash, then mac_hex()."""
    return _keyed(key, 0x36)


def mac_hex(key, begun):
    outer = _keyed(key, 0x5C)
    outer.update(begun.digest())
    return hexed(outer.digest())


def _keyed(key, pad):
    if len(key) > 64:
        key = sha256(key).digest()
    return sha256(bytes(b ^ pad for b in key + bytes(64 - len(key))))


def hexed(digest):
    return hexlify(digest).decode()


def same(a, b):
    """Whether two strings are equal, in a time that does not tell where they are not."""
    differ = len(a) ^ len(b)
    for x, y in zip(a, b):  # noqa: B905 - MicroPython's has no `strict`
        differ |= ord(x) ^ ord(y)
    return not differ

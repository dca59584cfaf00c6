# Every hash and MAC of the agent, and their comparison in constant time.
from ubinascii import hexlify
from uhashlib import sha256


def pads(key):
    """What HMAC-SHA256 makes of a key, so that it is made but once."""
    if len(key) > 64:
        key = sha256(key).digest()
    key += bytes(64 - len(key))
    return bytes(b ^ 0x36 for b in key), bytes(b ^ 0x5C for b in key)


def hmac(pads, *parts):
    inner = sha256(pads[0])
    for part in parts:
        inner.update(part)
    return sha256(pads[1] + inner.digest()).digest()


def mac(key):
    """HMAC-SHA256 begun: update() it like any hash, then mac_hex()."""
    return sha256(pads(key)[0])


def mac_hex(key, begun):
    return hexed(sha256(pads(key)[1] + begun.digest()).digest())


def hexed(digest):
    return hexlify(digest).decode()


def file(name, buf, total, out=None):
    """What of a file is read into a hash, and copied to another one; a generator."""
    with open(name, "rb") as f:
        n = f.readinto(buf)
        while n:
            total.update(buf[:n])
            if out:
                out.write(buf[:n])
            yield 0
            n = f.readinto(buf)


def hashes(name, sha, buf):
    """Whether a file has this hash; a generator."""
    total = sha256()
    yield from file(name, buf, total)
    return hexed(total.digest()) == sha


def same(a, b):
    """Whether the bytes of two are equal, in a time that does not tell where they are not."""
    differ = len(a) ^ len(b)
    for x, y in zip(a, b):  # noqa: B905 - MicroPython's has no `strict`
        differ |= x ^ y
    return not differ

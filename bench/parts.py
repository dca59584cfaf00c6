# What the agent's work on a push costs in the parts that are not Python: each is done alone, with
# the calls that docs/protocol.md (5, 7.3) asks for. Run by bench/run.py under MicroPython, in
# tests/device, with a file of messages; prints a line a part.
import io
import sys
import time
from hashlib import sha256

import deflate
from cryptolib import aes

_BITS = 12
_MORE = 40  # bytes that a message may be longer than its content, and what is unread before it
_FLUSH = 16384
_FILE = 12288  # bytes of a file on the flash


def messages(data):
    """[(bytes of content, message)]"""
    found = []
    view = memoryview(data)
    while view:
        n, size = view[0] << 8 | view[1], view[2] << 8 | view[3]
        found.append((n, view[4 : 4 + size]))
        view = view[4 + size :]
    return found


def records(found):
    """Bodies as they come: a head, the message with its size, zeros up to a block."""
    return [bytearray(16 + (len(m) + 2 + 15) // 16 * 16) for _, m in found]


def mac(bodies):
    pads = bytes(64)
    for body in bodies:
        inner = sha256(pads)
        inner.update(body)
        outer = sha256(pads)
        outer.update(inner.digest())
        outer.digest()


def decrypt(bodies):
    cipher = aes(bytes(16), 2, bytes(16))
    for body in bodies:
        cipher.decrypt(body, body)


def inflate(found):
    """Yields the content; what it yields is valid until the next."""
    most = max(n for n, _ in found)
    out = memoryview(bytearray(most))
    source = io.BytesIO(most + _MORE)
    inflater = deflate.DeflateIO(source, deflate.RAW, _BITS)
    end = 0
    for n, message in found:
        rest = source.read(end - source.tell())
        source.seek(0)
        end = source.write(rest) + source.write(message)
        source.seek(0)
        inflater.readinto(out[:n])
        yield out[:n]


def inflate_all(found):
    for _ in inflate(found):
        pass


def hash_all(contents):
    total = sha256()
    for content in contents:
        total.update(content)
    total.digest()


def write(contents):
    """Files one after the other, each flushed now and then, as what is staged is."""
    number = left = since = 0
    f = None
    for content in contents:
        if left <= 0:
            if f:
                f.close()
            number, left, since = number + 1, _FILE, 0
            f = open("/%d" % number, "wb")
        f.write(content)
        left -= len(content)
        since += len(content)
        if since >= _FLUSH:
            f.flush()
            since = 0
    f.close()


def timed(name, work, what):
    start = time.ticks_us()
    work(what)
    print(name, time.ticks_diff(time.ticks_us(), start), "us")


with open(sys.argv[1], "rb") as f:
    data = f.read()
sys.path.insert(0, ".")
import board

board.boot()
board.fresh(blocks=1024)
found = messages(data)
contents = [bytes(content) for content in inflate(found)]
bodies = records(found)
timed("authenticate", mac, bodies)
timed("decrypt", decrypt, bodies)
timed("inflate", inflate_all, found)
timed("hash", hash_all, contents)
timed("flash", write, contents)

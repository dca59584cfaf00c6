# What the agent costs: heap while it receives, heap that it keeps, names that it leaves behind.
# Measured under the real interpreter; its words are 64 bits, a board's 32.
import gc
import json

import board
from board import Peer


def _used():
    gc.collect()
    return gc.mem_alloc()


class _Feed:
    """A host with one file of zeros, which are made as they are read: none lie in the heap."""

    def __init__(self, size, sha):
        head = b"OTAS\0\x011\0\x01\0\x05app/x" + size.to_bytes(4, "big") + sha
        self.size, self.answers = size, b""
        self.now = b"stream_ota %d\n" % (len(head) + size + 32)
        self.then = [head, None, bytes(32)]  # None: the file
        self.zeros = bytes(1460)  # once: one that is garbage may still be found on the stack

    def readinto(self, buf):
        if not self.now and self.answers and self.then:
            self.now = self.then.pop(0)
            if self.now is None:
                return self._zeros(buf)
        n = min(len(buf), len(self.now))
        buf[:n] = self.now[:n]
        self.now = self.now[n:]
        return n or None

    def _zeros(self, buf):
        n = min(len(buf), self.size, 1460)
        buf[:n] = self.zeros[:n] if n < 1460 else self.zeros
        self.size -= n
        if self.size:
            self.then.insert(0, None)
        self.now = b""
        return n

    def write(self, data):
        self.answers += bytes(data)
        return len(data)


def _sha_of_zeros(size):
    from uota import base

    total = base.sha256()
    chunk = bytes(1024)
    for _ in range(size // 1024):
        total.update(chunk)
    return total.digest()


def _cost_of_receiving(size):
    """Heap beyond the idle connection and the loaded code, while `size` zeros come as a stream."""
    board.fresh(blocks=600)
    sha = _sha_of_zeros(size)
    import uota

    ota = [uota.load(name) for name in ("commit", "push", "ota")][-1]
    feed = _Feed(size, sha)
    conn = ota.Conn(board.Loop(boots=False), feed)
    next(conn.run)
    before = peak = _used()
    try:
        while b"ok" not in feed.answers:
            next(conn.run)
            # Only now: what the stack has forgotten further down does not look alive from here.
            peak = max(peak, _used() if b"ready" in feed.answers else 0)
            assert b"error" not in feed.answers, feed.answers
    except EOFError:
        pass
    return peak - before


def test_receiving_takes_6_kb_whatever_the_size():
    _cost_of_receiving(1024)  # the first one brings names, which stay
    small, large = _cost_of_receiving(2048), _cost_of_receiving(1024 * 1024)
    print("  receiving: %d bytes of heap for 2 KB, %d for 1 MB" % (small, large))
    assert max(small, large) <= 6144
    assert abs(small - large) <= 256


def _one_session(n, app):
    import uota

    uota.load("ota")  # as the loop does
    p = Peer()
    p.ask("version")
    app[n * 5 % 64] = bytearray(16 + n * 11 % 200)
    p.ask("ls /")
    if n % 10 == 0:
        p.ask("start_ota")
        text = json.dumps({"version": "1", "files": {"a%d" % n: {"size": 0, "sha256": "0" * 64}}})
        p.say("manifest %d\n%s" % (len(text), text))
    p.hang_up()


def _largest_free():
    low, high = 0, gc.mem_free()
    while high - low > 256:
        middle = (low + high) // 2
        try:
            bytearray(middle)
            low = middle
        except MemoryError:
            high = middle
        gc.collect()
    return low


def test_sessions_leave_nothing_in_the_heap():
    import uota

    _one_session(0, [None] * 64)  # the first one loads what stays
    uota.drop()
    kept = {1: 0, 10: 0, 1000: 0}
    app = [None] * 64  # an app that allocates all the while
    for n in range(1, 1001):
        app[n % 64] = bytearray(16 + n * 7 % 200)
        _one_session(n, app)
        uota.drop()
        if n in kept:
            gc.collect()
            free, block = gc.mem_free(), _largest_free()
            app[:] = [None] * 64
            kept[n] = _used()
    print("  heap kept after 1, 10, 1000 sessions:", [kept[n] for n in sorted(kept)])
    print("  of %d bytes free the largest block is %d" % (free, block))
    assert max(kept.values()) - min(kept.values()) <= 256
    assert block * 10 >= free * 7


def test_the_network_makes_no_names():
    p = Peer()
    for n in range(301):
        name = "zz%dx" % n
        p.ask(name)
        p.ask("get " + name)
        text = json.dumps({name: 1, "version": name, "files": {name: {name: 1}}})
        q = Peer()
        q.ask("start_ota")
        q.say("manifest %d\n%s" % (len(text), text))
        q.hang_up()
        q = text = None
        if n == 0:  # all code is loaded
            before = _used()
    after = _used()
    print("  heap after 300 hostile names: %+d" % (after - before))
    assert after - before < 512

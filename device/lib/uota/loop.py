# The event loop: one select.poll over the listeners of all transports and all connections.
# A session is a generator that yields what it waits for: READ, WRITE, or -ms for a pause.
# No client can hold the loop: each connection has a deadline that only progress moves, and the
# session's code is imported when the first connection comes and dropped after the last.
import gc
import select
import sys
import time

from micropython import const

import uota

READ = const(1)
WRITE = const(4)
_MAX = const(8)  # connections; an ESP32 has about ten sockets
_UNPROVEN_MS = const(10000)
_IDLE_MS = const(30000)
_MS_PER_BYTE = const(4)  # slower than 256 bytes/s on the whole is too slow
_RESET_MS = const(300)
_SESSION = ("ota", "push", "commit", "files", "config", "digest", "boot_guard")


class Slot:
    """What the loop knows of one connection."""

    proven = False  # a proven one is not turned out for a newcomer
    due = None  # when a pause ends

    def __init__(self, loop, stream):
        self.loop = loop
        self.stream = stream
        self.run = _session(self)
        self.limit(_UNPROVEN_MS)

    def limit(self, ms):
        self.until = time.ticks_add(time.ticks_ms(), ms)

    def prove(self):
        """A command has come from a peer that may give one."""
        self.proven = True
        self.limit(_IDLE_MS)

    def progress(self, n):
        """n bytes have passed: they earn time, up to _IDLE_MS from now."""
        if self.proven:
            left = time.ticks_diff(self.until, time.ticks_ms())
            self.limit(min(left + n * _MS_PER_BYTE, _IDLE_MS))


class Loop:
    def __init__(self):
        from uota import config
        from uota.transports.wifi_tcp import WifiTcp

        settings, broken = config.load()
        if broken:
            uota.log(broken)
        self.slots = []  # the oldest first
        self.updating = False  # only one update at a time
        self.wrong = 0  # passwords, since the last right one
        self.resetting = False
        self.poller = select.poll()
        self.transports = [WifiTcp(settings)]

    def reset_soon(self):
        """Reset the board once the last answer is out; until then nobody new is let in."""
        self.resetting = time.ticks_add(time.ticks_ms(), _RESET_MS)
        for t in self.transports:
            self.poller.unregister(t.listener)
            t.close()
        self.transports = []

    def step(self, wait):
        """Serve what is ready, after waiting for it `wait` ms at most."""
        now = time.ticks_ms()
        if self.resetting:
            wait = 20
            if time.ticks_diff(self.resetting, now) <= 0:
                import machine

                machine.reset()
        for t in self.transports:
            wait = min(wait, t.step(now))
            if t.listener:
                self.poller.register(t.listener, READ)
        for slot in tuple(self.slots):
            left = time.ticks_diff(slot.until if slot.due is None else slot.due, now)
            wait = max(0, min(wait, left))
            if left <= 0:
                if slot.due is None:
                    self._close(slot, slot.proven and b"error: timed out\n")
                else:
                    self._resume(slot)
        for event in self.poller.poll(wait):
            for t in self.transports:
                if event[0] is t.listener:
                    self._accept(t.accept())
            for slot in self.slots:
                if event[0] is slot.stream:
                    self._resume(slot)
                    break
        if not self.slots:
            _drop()

    def _accept(self, stream):
        if not stream:
            return
        slot = Slot(self, stream)
        self.slots.append(slot)
        if len(self.slots) > _MAX:
            for old in self.slots:
                if not old.proven:
                    break
            self._close(old, b"error: busy: too many connections\n")
        if slot in self.slots:
            self._resume(slot)

    def _resume(self, slot):
        try:
            want = next(slot.run)
        except (EOFError, StopIteration):
            self._close(slot)
            return
        except Exception as e:
            uota.log("session: " + repr(e))
            self._close(slot, b"error: out of memory\n")
            return
        if want > 0:
            slot.due = None
            self.poller.register(slot.stream, want)
        else:
            if slot.due is None:  # else a hang-up would be reported all through the pause
                self.poller.unregister(slot.stream)
            slot.due = time.ticks_add(time.ticks_ms(), -want)

    def _close(self, slot, line=None):
        self.slots.remove(slot)
        try:
            if line:
                slot.stream.write(line)  # one attempt: the peer may not be reading
        except OSError:
            pass
        self.poller.unregister(slot.stream)
        slot.run.close()
        slot.stream.close()


def _session(slot):
    gc.collect()  # else the code lands amid garbage and splits the heap
    from uota import ota

    yield from ota.session(slot)


def _drop():
    for name in _SESSION:
        if sys.modules.pop("uota." + name, None):
            delattr(uota, name)
            gc.collect()

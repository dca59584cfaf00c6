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

    def __init__(self, loop, stream):
        self.loop = loop
        self.stream = stream
        self.run = None  # the session's generator
        self.due = 0  # when a pause ends; None while it waits for the stream
        self.proven = False  # may not be turned out for a newcomer
        self.quiet = False  # the peer has had its answer: no word when time is up
        self.limit(_UNPROVEN_MS)

    def limit(self, ms):
        """The deadline: ms from now, or never."""
        self.until = ms and time.ticks_add(time.ticks_ms(), ms)

    def prove(self):
        """A command has come from a peer that may give one."""
        self.proven = True
        self.limit(_IDLE_MS)

    def progress(self, n):
        """n bytes have passed: they earn time, up to _IDLE_MS from now."""
        if self.proven and self.until is not None:
            left = time.ticks_diff(self.until, time.ticks_ms()) + n * _MS_PER_BYTE
            self.limit(max(1, min(left, _IDLE_MS)))


class Loop:
    def __init__(self, settings):
        self.slots = []  # the oldest first
        self.updating = False  # only one update at a time
        self.wrong = 0  # passwords, since the last right one
        self.resetting = None
        self.poller = select.poll()
        from uota.transports.wifi_tcp import WifiTcp

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
        for t in self.transports:
            had = t.listener
            wait = min(wait, t.step(now))
            if t.listener is not had:
                self.poller.register(t.listener, READ)
        for slot in tuple(self.slots):
            if slot.until is not None:
                left = time.ticks_diff(slot.until, now)
                if left <= 0:
                    self._expire(slot)
                    continue
                wait = min(wait, left)
            if slot.due is not None:
                left = time.ticks_diff(slot.due, now)
                if left <= 0:
                    self._resume(slot)
                wait = 0 if left <= 0 else min(wait, left)
        if self.resetting is not None:
            left = time.ticks_diff(self.resetting, now)
            if left <= 0:
                import machine

                machine.reset()
            wait = min(wait, max(left, 0))
        for event in self.poller.poll(wait):
            self._ready(event[0])

    def _ready(self, stream):
        for t in self.transports:
            if t.listener is stream:
                return self._accept(t)
        for slot in self.slots:
            if slot.stream is stream:
                return self._resume(slot)

    def _accept(self, transport):
        stream = transport.accept()
        if stream is None:
            return
        if len(self.slots) >= _MAX:
            for slot in self.slots:
                if not slot.proven:
                    self._close(slot)
                    break
            else:
                _say(stream, b"error: busy: too many connections\n")
                stream.close()
                return
        try:
            if not self.slots:
                gc.collect()  # else the code lands amid garbage and splits the heap
            from uota import ota

            slot = Slot(self, stream)
            slot.run = ota.session(slot)
            self.slots.append(slot)
        except Exception as e:
            uota.log("no session: " + repr(e))
            _say(stream, b"error: out of memory\n")
            stream.close()
            self._drop()
            return
        self._resume(slot)

    def _resume(self, slot):
        try:
            want = next(slot.run)
        except Exception as e:
            if not isinstance(e, StopIteration):
                uota.log("session: " + repr(e))
            self._close(slot)
            return
        if want > 0:
            slot.due = None
            self.poller.register(slot.stream, want)
        else:
            if slot.due is None:  # else a hang-up would be reported all through the pause
                self.poller.unregister(slot.stream)
            slot.due = time.ticks_add(time.ticks_ms(), -want)

    def _expire(self, slot):
        if not slot.quiet:
            _say(slot.stream, b"error: timed out\n")
        self._close(slot)

    def _close(self, slot):
        self.slots.remove(slot)
        if slot.due is None:
            self.poller.unregister(slot.stream)
        slot.run.close()
        slot.stream.close()
        self._drop()

    def _drop(self):
        if self.slots:
            return
        for name in _SESSION:
            if sys.modules.pop("uota." + name, None):
                delattr(uota, name)
        gc.collect()


def _say(stream, line):
    """One attempt: the peer may be gone, or not reading."""
    try:
        stream.write(line)
    except OSError:
        pass

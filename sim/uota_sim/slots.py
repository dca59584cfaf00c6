"""The two firmware slots of an ESP32 and its bootloader's choice, with rollback as MicroPython's
firmware is built: a slot that set_boot() chose starts once, and unless it is then marked valid the
next reset goes back to the other one. A wake from deep sleep asks nobody.

What stands for the otadata partition is a file of four bytes: the slot to boot, the state of each,
the slot that runs. board/esp32.py has the other side.
"""

import os

from .errors import SimError
from .mailbox import DEEPSLEEP, SOFT

LABELS = ("ota_0", "ota_1")
_VALID, _NEW, _PENDING, _ABORTED = range(4)
_FRESH = bytes(4)  # as the bootloader leaves it where there is none: ota_0, valid


class Slots:
    def __init__(self, path, broken):
        """`path`: the file, made if missing; None: nothing is left of it. `broken`: labels of slots
        whose image is not intact."""
        self.fd = _open(path)
        self._broken = broken

    def choose(self, cause):
        """What the bootloader does before a boot. The slot's label if it is another one than at
        the last boot, else None."""
        active, *states, running = os.pread(self.fd, 4, 0)
        if cause in (SOFT, DEEPSLEEP):
            return None
        active = self._start(active, states)
        os.pwrite(self.fd, bytes((active, *states, active)), 0)
        return None if active == running else LABELS[active]

    def _start(self, active, states):
        if states[active] == _PENDING:
            states[active] = _ABORTED
        if states[active] == _ABORTED or self._is_broken(active):
            active = self._fallback(active, states)
        if states[active] == _NEW:
            states[active] = _PENDING
        return active

    def _fallback(self, active, states):
        """The other slot; with nothing better the first that can start at all."""
        other = 1 - active
        if states[other] != _ABORTED and not self._is_broken(other):
            return other
        return next((slot for slot in (0, 1) if not self._is_broken(slot)), active)

    def _is_broken(self, slot):
        return LABELS[slot] in self._broken


def _open(path):
    if path is None:
        fd = os.memfd_create("uota-sim-otadata")
    else:
        try:
            fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise SimError(f"{path}: {error.strerror}") from None
    if not _is_sound(os.pread(fd, 5, 0)):
        os.ftruncate(fd, 0)
        os.pwrite(fd, _FRESH, 0)
    return fd


def _is_sound(data):
    return len(data) == 4 and data[0] < 2 and data[3] < 2 and max(data[1:3]) <= _ABORTED

"""The memory that supervisor and board share: it lives in the supervisor, so it survives resets.

Offsets: 0 access point on · 1 reset cause · 2 files found by the boot (1 boot.py, 2 main.py) ·
4 watchdog ms (0: off) · 8 last fed, monotonic ms · 16 deep sleep ms · 24 hard reset, monotonic us ·
32 flash operations left before a power cut (-1: none comes) · 40 flash operations of this boot, if
they are counted: u32 erases, u32 programs, u64 bytes programmed · 64 RTC memory (u16 length,
bytes). board/host.py has the other side.
"""

import mmap
import os
import struct
import time

SIZE = 4096
PWRON, HARD, WDT, DEEPSLEEP, SOFT = 1, 2, 3, 4, 5


class Mailbox:
    def __init__(self):
        self.fd = os.memfd_create("uota-sim", 0)
        os.ftruncate(self.fd, SIZE)
        self._map = mmap.mmap(self.fd, SIZE)
        self._map[0] = 1
        self.cut_after(None)

    @property
    def access_point(self):
        return bool(self._map[0])

    @access_point.setter
    def access_point(self, on):
        self._map[0] = int(on)

    def begin(self, cause):
        """Prepare a boot: the watchdog and the ticks live on through a soft reset only."""
        self._map[1] = cause
        self._map[2] = 0
        self._map[40:56] = bytes(16)
        if cause == SOFT:
            return
        struct.pack_into("<I", self._map, 4, 0)
        struct.pack_into("<q", self._map, 24, time.monotonic_ns() // 1000)
        if cause == PWRON:
            struct.pack_into("<H", self._map, 64, 0)

    def cut_after(self, operations):
        """Power goes before the flash operation that comes after that many; None: it stays."""
        struct.pack_into("<q", self._map, 32, -1 if operations is None else operations)

    def flash_count(self):
        """(erases, programs, bytes programmed) since the boot began."""
        return struct.unpack_from("<IIQ", self._map, 40)

    @property
    def boot_files(self):
        return self._map[2]

    def watchdog_deadline(self):
        """Monotonic ms at which the board must be reset, or None."""
        timeout = struct.unpack_from("<I", self._map, 4)[0]
        return struct.unpack_from("<q", self._map, 8)[0] + timeout if timeout else None

    def sleep_ms(self):
        return struct.unpack_from("<q", self._map, 16)[0]

# What the board and its supervisor share: a small memory file (the layout is in
# uota_sim/mailbox.py) that survives resets, and a pipe for the few events that the supervisor
# must act on at once.

import ustruct
from utime import sleep_ms

_AP, _CAUSE, _BOOT_FILES, _WDT_MS, _WDT_FED, _SLEEP_MS, _BORN_US, _CUT, _COUNT, _RTC = (
    0,
    1,
    2,
    4,
    8,
    16,
    24,
    32,
    40,
    64,
)
RTC_MAX = 2048

_file = None
_events = None
settings = {}


def attach(mailbox_fd, events_fd):
    global _file, _events
    _file = open(mailbox_fd, "r+b")
    _events = open(events_fd, "wb")


def hurried(ms):
    """How long a wait of the board's takes, see sim_hurry.py; None and negative are for ever."""
    if ms is None or ms <= 0:
        return ms
    return -(-ms // settings.get("speed", 1))


_one = bytearray(1)


def _peek(at):
    _file.seek(at)
    _file.readinto(_one)
    return _one[0]


def _get(at, form):
    _file.seek(at)
    return ustruct.unpack(form, _file.read(ustruct.calcsize(form)))[0]


def _put(at, form, value):
    _file.seek(at)
    _file.write(ustruct.pack(form, value))


def access_point_on():
    return _peek(_AP) != 0


def reset_cause():
    return _peek(_CAUSE)


def tell_boot_files(bits):
    _put(_BOOT_FILES, "B", bits)


def born_us():
    return _get(_BORN_US, "<q")


def arm_watchdog(timeout_ms, now_ms):
    _put(_WDT_FED, "<q", now_ms)
    _put(_WDT_MS, "<I", timeout_ms)
    _events.write(b"W")


def feed_watchdog(now_ms):
    _put(_WDT_FED, "<q", now_ms)


def rtc_memory():
    _file.seek(_RTC)
    size = ustruct.unpack("<H", _file.read(2))[0]
    return _file.read(size)


def set_rtc_memory(data):
    _file.seek(_RTC)
    _file.write(ustruct.pack("<H", len(data)))
    _file.write(data)


def tell_listening():
    _events.write(b"L")


def end(event, sleep_for_ms=0):
    # The supervisor kills the process; nothing runs after this line, in any thread.
    if event == b"D":
        _put(_SLEEP_MS, "<q", sleep_for_ms)
    _events.write(event)
    while True:
        sleep_ms(1000)


_left = -1
_left_bytes = bytearray(8)


def cut_wished():
    global _left
    _left = _get(_CUT, "<q")
    return _left >= 0


def spend_operation():
    # Nothing here may allocate: a file that the collector closes writes with the heap locked.
    global _left
    if not _left:
        end(b"C")
    _left -= 1
    ustruct.pack_into("<q", _left_bytes, 0, _left)
    _file.seek(_CUT)
    _file.write(_left_bytes)


_erases = _programs = _programmed = 0
_count_bytes = bytearray(16)


def count_flash(erases, programs, size):
    # Nothing here may allocate either.
    global _erases, _programs, _programmed
    _erases += erases
    _programs += programs
    _programmed += size
    ustruct.pack_into("<IIQ", _count_bytes, 0, _erases, _programs, _programmed)
    _file.seek(_COUNT)
    _file.write(_count_bytes)

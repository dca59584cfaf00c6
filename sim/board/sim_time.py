# `time` as on an ESP32: ticks start at the hard reset and wrap at 2^30, the epoch is 2000, and
# sleeping gives up the GIL.

import gil
import host
import utime as _t

_EPOCH = 946684800  # 2000-01-01 in Unix time
_MASK = (1 << 30) - 1
_HALF = 1 << 29
_born_us = 0
_sleep, _sleep_ms, _sleep_us = _t.sleep, _t.sleep_ms, _t.sleep_us
_ticks_us = _t.ticks_us
_leave, _enter = gil.leave, gil.enter


def _start():
    global _born_us
    _born_us = host.born_us()


def sleep(seconds):
    _leave()
    try:
        _sleep(seconds)
    finally:
        _enter()


def sleep_ms(ms):
    _leave()
    try:
        _sleep_ms(ms)
    finally:
        _enter()


def sleep_us(us):
    _leave()
    try:
        _sleep_us(us)
    finally:
        _enter()


def ticks_ms():
    return (_ticks_us() - _born_us) // 1000 & _MASK


def ticks_us():
    return (_ticks_us() - _born_us) & _MASK


ticks_cpu = ticks_us


def ticks_add(ticks, delta):
    if not -_HALF < delta < _HALF:
        raise OverflowError("ticks interval overflow")
    return (ticks + delta) & _MASK


def ticks_diff(end, start):
    return ((end - start + _HALF) & _MASK) - _HALF


def time():
    return int(_t.time()) - _EPOCH


def time_ns():
    return _t.time_ns()


def gmtime(seconds=None):
    return _t.gmtime((time() if seconds is None else int(seconds)) + _EPOCH)[:8]


localtime = gmtime  # a board knows no time zone


def mktime(parts):
    parts = tuple(parts)
    if len(parts) != 8:
        raise TypeError("mktime needs a tuple of length 8")
    days = _days_since_2000(*parts[:3])
    return days * 86400 + parts[3] * 3600 + parts[4] * 60 + parts[5]


def _days_since_2000(year, month, day):
    year += (month - 1) // 12
    month = (month - 1) % 12 + 1
    before = year - (month <= 2)
    era = before // 400
    of_era = before - era * 400
    of_year = (153 * ((month + 9) % 12) + 2) // 5 + day - 1
    return era * 146097 + of_era * 365 + of_era // 4 - of_era // 100 + of_year - 730425

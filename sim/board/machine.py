# `machine` of an ESP32: resets, watchdog, RTC memory and sleep are acted out by the supervisor;
# Pin, ADC and PWM hold values. What is not here is absent, as on a chip that lacks it.

import gil
import host
import umachine as _m
import utime as _t

PWRON_RESET, HARD_RESET, WDT_RESET, DEEPSLEEP_RESET, SOFT_RESET = 1, 2, 3, 4, 5
PIN_WAKE, EXT0_WAKE, EXT1_WAKE, TIMER_WAKE, TOUCHPAD_WAKE, ULP_WAKE = 2, 2, 3, 4, 5, 6

Signal = _m.Signal
_freq = 160000000


def reset():
    host.end(b"R")


def soft_reset():
    raise SystemExit


def reset_cause():
    return host.reset_cause()


def wake_reason():
    return TIMER_WAKE if host.reset_cause() == DEEPSLEEP_RESET else 0


def deepsleep(time_ms=0):
    host.end(b"D", host.hurried(time_ms) or -1)


def lightsleep(time_ms=None):
    gil.leave()
    try:
        _t.sleep_ms(1 << 30 if time_ms is None else host.hurried(time_ms))
    finally:
        gil.enter()


sleep = lightsleep


def idle():
    gil.leave()
    try:
        _t.sleep_us(100)
    finally:
        gil.enter()


def unique_id():
    return host.settings["unique_id"]


def freq(hz=None):
    global _freq
    if hz is None:
        return _freq
    if hz not in (20000000, 40000000, 80000000, 160000000, 240000000):
        raise ValueError("frequency must be 20MHz, 40MHz, 80Mhz, 160MHz or 240MHz")
    _freq = hz


def disable_irq():
    return 0


def enable_irq(state):
    pass


class WDT:
    # Started once it cannot be stopped: only feeding keeps the board from resetting.
    def __init__(self, id=0, timeout=5000):
        if id != 0:
            raise ValueError("invalid WDT id")
        if timeout <= 0:
            raise ValueError("WDT timeout too short")
        host.arm_watchdog(host.hurried(timeout), _t.ticks_ms())

    def feed(self):
        host.feed_watchdog(_t.ticks_ms())


class RTC:
    def memory(self, data=None):
        if data is None:
            return host.rtc_memory()
        data = data.encode() if isinstance(data, str) else bytes(data)
        if len(data) > host.RTC_MAX:
            raise ValueError("buffer too long")
        host.set_rtc_memory(data)

    def datetime(self, value=None):
        if value is None:
            y, mo, d, h, mi, s, weekday, _ = _t.gmtime(int(_t.time()))[:8]
            return (y, mo, d, weekday, h, mi, s, 0)
        # The clock is the host's: setting it is accepted and changes nothing.

    init = datetime


class Pin:
    IN, OUT, OPEN_DRAIN = 1, 3, 7
    PULL_UP, PULL_DOWN = 2, 1
    IRQ_RISING, IRQ_FALLING = 1, 2
    DRIVE_0, DRIVE_1, DRIVE_2, DRIVE_3 = 0, 1, 2, 3
    _values = {}

    def __init__(self, id, mode=-1, pull=-1, value=None, drive=None, hold=None):
        self._id = id
        self.init(mode, pull, value)

    def init(self, mode=-1, pull=-1, value=None, drive=None, hold=None):
        if value is not None:
            self.value(value)
        elif pull == Pin.PULL_UP:
            Pin._values.setdefault(self._id, 1)

    def value(self, value=None):
        if value is None:
            return Pin._values.get(self._id, 0)
        Pin._values[self._id] = 1 if value else 0

    __call__ = value

    def on(self):
        self.value(1)

    def off(self):
        self.value(0)

    def toggle(self):
        self.value(not self.value())

    def irq(self, handler=None, trigger=3):
        pass

    def __repr__(self):
        return "Pin(%s)" % (self._id,)


class ADC:
    ATTN_0DB, ATTN_2_5DB, ATTN_6DB, ATTN_11DB = 0, 1, 2, 3
    WIDTH_9BIT, WIDTH_10BIT, WIDTH_11BIT, WIDTH_12BIT = 9, 10, 11, 12

    def __init__(self, pin, atten=0):
        self._pin = pin

    def atten(self, value):
        pass

    def width(self, value):
        pass

    def read(self):
        return 0

    def read_u16(self):
        return 0

    def read_uv(self):
        return 0


class PWM:
    def __init__(self, pin, freq=5000, duty=512, duty_u16=None, duty_ns=None):
        self._freq = freq
        self._duty = duty if duty_u16 is None else duty_u16 >> 6

    def init(self, freq=None, duty=None, duty_u16=None):
        self._freq = freq or self._freq
        if duty is not None:
            self._duty = duty

    def freq(self, hz=None):
        if hz is None:
            return self._freq
        self._freq = hz

    def duty(self, value=None):
        if value is None:
            return self._duty
        self._duty = value

    def duty_u16(self, value=None):
        if value is None:
            return self._duty << 6
        self._duty = value >> 6

    def deinit(self):
        pass

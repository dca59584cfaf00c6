# --speed: a board whose time flies. Its pauses, ticks and deadlines are as long as ever to the
# programs on it; what they compute, and what their peers do, takes as long as it takes.

import host
import sim_select
import sim_time


def begin():
    speed = host.settings.get("speed", 1)
    if speed > 1:
        _hurry(speed)


def _hurry(speed):
    ticks, pause, found = sim_time._ticks_us, sim_time._sleep_us, sim_select.poll._found

    def ticks_us():
        born = sim_time._born_us
        return born + (ticks() - born) * speed

    sim_time._ticks_us = ticks_us
    sim_time._sleep = lambda s: pause(int(s * 1000000) // speed)
    sim_time._sleep_ms = lambda ms: pause(ms * 1000 // speed)
    sim_time._sleep_us = lambda us: pause(us // speed)
    sim_select.poll._found = lambda self, ms, flags: found(self, host.hurried(ms), flags)

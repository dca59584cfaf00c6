# `select` as on a board: poll and ipoll wait without the GIL, take the simulator's sockets and
# stdin, and report nothing from a socket while the access point is off.

import gil
import sim_socket
import uselect as _s
from utime import ticks_diff as _diff
from utime import ticks_ms as _now

POLLIN, POLLOUT, POLLERR, POLLHUP = _s.POLLIN, _s.POLLOUT, _s.POLLERR, _s.POLLHUP

_poll = _s.poll
_leave, _enter = gil.leave, gil.enter
_socket = sim_socket.socket


class poll:
    def __init__(self):
        self._p = _poll()

    def register(self, obj, mask=POLLIN | POLLOUT):
        self._p.register(obj, mask)

    def unregister(self, obj):
        self._p.unregister(obj)

    def modify(self, obj, mask):
        self._p.modify(obj, mask)

    def poll(self, timeout=-1):
        return self._found(timeout, 0)

    def ipoll(self, timeout=-1, flags=0):
        return iter(self._found(timeout, flags))

    def _found(self, timeout, flags):
        if timeout is None:
            timeout = -1
        if timeout or gil.wanted:
            _leave()
            try:
                self._p.ipoll(timeout)  # only waits: the list is made once the GIL is held
            finally:
                _enter()
        found = self._now(flags)
        if not found or sim_socket.link_up():
            return found
        return self._without_network(found, timeout, flags)

    def _now(self, flags):
        if flags:
            return [(obj, mask) for obj, mask in self._p.ipoll(0, flags)]
        return self._p.poll(0)

    def _without_network(self, found, timeout, flags):
        since = _now()
        while True:
            found = [pair for pair in found if not isinstance(pair[0], _socket)]
            if found or 0 <= timeout <= _diff(_now(), since):
                return found
            gil_sleep_ms(5)
            found = self._now(flags)
            if found and sim_socket.link_up():
                return found


def gil_sleep_ms(ms):
    _leave()
    try:
        sim_socket.native_sleep_ms(ms)
    finally:
        _enter()


def select(rlist, wlist, xlist, timeout=-1):
    poller = poll()
    for obj in rlist:
        poller.register(obj, POLLIN)
    for obj in wlist:
        poller.register(obj, POLLOUT | (POLLIN if obj in rlist else 0))
    ms = -1 if timeout is None or timeout < 0 else int(timeout * 1000)
    events = poller.poll(ms)
    readable = [obj for obj, mask in events if mask & (POLLIN | POLLHUP | POLLERR)]
    writable = [obj for obj, mask in events if mask & (POLLOUT | POLLERR)]
    return (
        [obj for obj in rlist if obj in readable],
        [obj for obj in wlist if obj in writable],
        [],
    )

# `_thread` with the GIL: a thread runs once it holds it, a blocking acquire gives it up, and C
# stacks are as much larger as 64-bit frames need.

import _thread as _t
import gil
import report

_STACK_FACTOR = 4  # ESP32 bytes to ours
_MARGIN = 8192  # what the unix port keeps back for itself
_DEFAULT = 5 * 1024  # the ESP32's

_leave, _enter = gil.leave, gil.enter

exit = _t.exit
get_ident = _t.get_ident
_size = 0


class LockType:
    def __init__(self):
        self._lock = _t.allocate_lock()

    def acquire(self, wait=1, timeout=-1):
        if self._lock.acquire(0):
            return True
        if not wait:
            return False
        _leave()
        try:
            return self._lock.acquire()
        finally:
            _enter()

    def release(self):
        self._lock.release()

    def locked(self):
        return self._lock.locked()

    def __enter__(self):
        self.acquire()
        return self

    def __exit__(self, *_):
        self._lock.release()


def allocate_lock():
    return LockType()


def stack_size(size=None):
    global _size
    before = _size
    if size is not None:
        _size = size
    elif before:
        _size = 0
    return before


def start_new_thread(function, args, kwargs=None):
    _t.stack_size((_size or _DEFAULT) * _STACK_FACTOR + _MARGIN)
    return _t.start_new_thread(_body, (function, args, kwargs or {}))


def _body(function, args, kwargs):
    _enter()
    try:
        function(*args, **kwargs)
    except SystemExit:
        pass
    except BaseException as error:
        print("Unhandled exception in thread started by %r" % function)
        report.print_exception(error)
    finally:
        _leave()

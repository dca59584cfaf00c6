# The GIL that the unix port lacks and every board has: one lock, held while Python runs, given
# up where a board gives it up (sleep, poll, sockets, locks, stdin). A waiter asks a computing
# main thread to step aside; a computing thread that cannot be asked is waited for GIVE_UP_MS,
# after which the waiter runs beside it until that thread next blocks. Not while the flash is in
# use: littlefs and FAT know no threads, and a second one inside of them would tear them apart.

import _thread
import micropython
from array import array
from utime import sleep_us, ticks_diff, ticks_ms

GIVE_UP_MS = 500  # far above what compiling a module takes, on a loaded machine too

_lock = _thread.allocate_lock()
_try = _lock.acquire
_open = _lock.release
_me = _thread.get_ident
_schedule = micropython.schedule

_owner = 0  # thread that holds the lock
_turn = 0  # counts how often the lock changed hands
_given_up = -1  # the turn that nobody waits for any more
_asked = False  # a bounce is queued for the main thread
flash_ops = array("I", [0])  # counted by the flash
wanted = False  # somebody waits: whoever comes back from a blocking call lets it go first


def leave():
    global _owner
    if _owner == _me():
        _owner = 0
        _open()


def enter():
    global _owner, _turn
    if wanted:
        _let_go_first()
    if _try(0) or _wait():
        _owner = _me()
        _turn += 1


def held():
    return _owner == _me()


def _let_go_first():
    global wanted
    wanted = False
    sleep_us(150)


def _wait():
    global wanted, _given_up
    turn = _turn
    if turn == _given_up:
        return False
    since = ticks_ms()
    ops = flash_ops[0]
    while not _try(0):
        wanted = True
        if _turn != turn or flash_ops[0] != ops:
            turn = _turn
            ops = flash_ops[0]
            since = ticks_ms()
        elif ticks_diff(ticks_ms(), since) >= GIVE_UP_MS:
            _given_up = turn
            return False
        _ask()
        sleep_us(50)
    wanted = False
    return True


def _ask():
    global _asked
    if not _asked:
        _asked = True
        try:
            _schedule(_bounce, None)
        except RuntimeError:  # the queue is full: what fills it steps aside soon enough
            _asked = False


def _bounce(_):
    # The unix port runs scheduled callbacks in the main thread only.
    global _asked
    _asked = False
    if _owner == _me():
        leave()
        sleep_us(200)
        enter()

"""The real MicroPython, driven through its C functions as ports/esp32/main.c drives them.

`Engine` starts the interpreter once, in this process; every boot is a fork of that state, so a
boot costs no more than the fork. The functions are MicroPython's own: pyexec runs boot.py and
main.py, the REPL is the real one.
"""

import ctypes
import os
import signal

import micropython_run

from .errors import SimError

KEYBOARD = signal.SIGRTMIN + 6  # sent for a Ctrl-C while the board accepts it
RAW_REPL = 1
FORCED_EXIT = 0x100
_STACK = 80000  # bytes, what the unix port takes
_STACK_SLACK = 16384  # C frames of CPython between two calls into MicroPython
_OWN = 160 * 1024  # heap for the stand-ins; what they leave is filled up


class _Vstr(ctypes.Structure):
    _fields_ = [
        ("alloc", ctypes.c_size_t),
        ("len", ctypes.c_size_t),
        ("buf", ctypes.c_char_p),
        ("fixed", ctypes.c_bool),
    ]


class Engine:
    def __init__(self, script, settings, heap):
        self._c = ctypes.CDLL(micropython_run.__file__)
        self._c.pyexec_file.argtypes = [ctypes.c_char_p]
        self._c.pyexec_vstr.argtypes = [ctypes.c_void_p, ctypes.c_bool]
        self._c.mp_thread_get_state.restype = ctypes.c_void_p
        self._mode = ctypes.c_int.in_dll(self._c, "pyexec_mode_kind")
        source = f"SETTINGS = {settings!r}\n{script}"
        argv = ["micropython", "-X", f"heapsize={heap}", "-c", source]
        status = micropython_run.run_main(argv)
        if status:
            raise SimError(f"MicroPython did not start (status {status})")
        self._reopen()

    def _reopen(self):
        # run_main ended the thread list and set the stack's top to its own, deeper frame.
        self._c.mp_thread_init()
        self._c.mp_cstack_init_with_sp_here(ctypes.c_size_t(_STACK))
        words = ctypes.POINTER(ctypes.c_size_t)
        state = ctypes.cast(self._c.mp_thread_get_state(), words)
        slack = min(_STACK_SLACK, _stack_end() - state[0] - 64)
        state[0] += slack  # the garbage collector reads from here down
        state[1] = _STACK + slack

    def run(self, source):
        data = source.encode()
        text = _Vstr(len(data) + 1, len(data), data, True)
        return self._c.pyexec_vstr(ctypes.byref(text), False)

    @property
    def raw(self):
        return self._mode.value == RAW_REPL

    @raw.setter
    def raw(self, raw):
        self._mode.value = RAW_REPL if raw else 0

    def boot(self, mailbox):
        """boot.py, main.py and the REPL by the rules of ports/esp32/main.c; returns when the
        board wants a soft reset."""
        self._accept_keyboard()
        self.run("__import__('#sim').start()")
        if not self._scripts(mailbox.boot_files):
            self.run("__import__('#sim').repl()")
            self._repl()
        os.write(1, b"MPY: soft reboot\r\n")
        self._soft_reset()

    def _scripts(self, found):
        """True if a script asked for a soft reset."""
        passed = True
        if found & 1:
            status = self._c.pyexec_file(b"boot.py")
            if status & FORCED_EXIT:
                return True
            passed = status == 0
        if found & 2 and passed and not self.raw:
            return bool(self._c.pyexec_file(b"main.py") & FORCED_EXIT)
        return False

    def _repl(self):
        while True:
            status = self._c.pyexec_raw_repl() if self.raw else self._c.pyexec_friendly_repl()
            if status:
                return

    def _soft_reset(self):
        signal.alarm(2)  # a thread cut off in the garbage collector leaves it locked
        self._c.mp_thread_deinit()
        self._c.mp_thread_init()
        self.run("__import__('#sim').stop(globals())")

    def _accept_keyboard(self):
        # MicroPython's own SIGINT handler jumps out of whatever runs, even out of the file
        # system; a board notices Ctrl-C between two bytecodes. So the handler is the board's.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        libc = ctypes.CDLL(None)
        libc.signal.argtypes = [ctypes.c_int, ctypes.c_void_p]
        handler = ctypes.cast(self._c.mp_sched_keyboard_interrupt, ctypes.c_void_p)
        libc.signal(KEYBOARD, handler)
        signal.siginterrupt(KEYBOARD, True)


def _stack_end():
    with open("/proc/self/maps", encoding="utf-8") as file:
        line = next(line for line in file if line.rstrip().endswith("[stack]"))
    return int(line.split()[0].split("-")[1], 16)


def start_board(board_dir, settings):
    with open(os.path.join(board_dir, "sim_setup.py"), encoding="utf-8") as file:
        script = file.read()
    settings = dict(settings, board_dir=board_dir)
    return Engine(script, settings, settings["heap"] + _OWN)

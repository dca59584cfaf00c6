"""Switches the board on and keeps it running: forks a boot, waits for what ends it (a reset, the
watchdog, a crash), and boots again with the reset cause that an ESP32 would report."""

import ctypes
import os
import resource
import select
import signal
import sys
import time

from . import mailbox as mail
from .errors import SimError

SOCKETS = 10  # what lwIP on an ESP32 has
_SOFT_EXIT = 40  # child's exit status after a soft reset; 41 with the raw REPL still on
_PR_SET_PDEATHSIG = 1
_CAUSES = {1: "power-on", 2: "hard", 3: "watchdog", 4: "deepsleep", 5: "soft"}
_ROM_CAUSES = {  # what the ESP32's ROM prints before the firmware runs
    mail.PWRON: b"0x1 (POWERON_RESET)",
    mail.HARD: b"0xc (SW_CPU_RESET)",
    mail.WDT: b"0x8 (TG1WDT_SYS_RESET)",
    mail.DEEPSLEEP: b"0x5 (DEEPSLEEP_RESET)",
}
STOP = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


def die_with_parent(number=signal.SIGTERM):
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(number), 0, 0, 0)


class Log:
    """What happens to the board: for people on stderr, for programs a line each in a file."""

    def __init__(self, path, say, counts):
        self.say = say
        self._counts = counts
        try:
            flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
            self._fd = os.open(path, flags, 0o644) if path else None
        except OSError as error:
            raise SimError(f"{path}: {error.strerror}") from None

    def event(self, text):
        if self._fd is not None:
            os.write(self._fd, text.encode() + b"\n")

    def flash(self, count):
        if self._counts:
            self.event("flash {} erases {} programs {} bytes".format(*count))


class Supervisor:
    def __init__(self, engine, box, events, console, log, slots):
        self._engine = engine
        self._box = box
        self._events, self._events_in = events
        self._console = console
        self._log = log
        self._slots = slots
        self._say = log.say
        self._pid = None
        self._boots = 0
        self._raw = False
        self._stopping = False
        self._power_cycle = False
        self._cut = False
        self._catch()

    # -- signals

    def _catch(self):
        self._woken, wake = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
        self._wake = wake
        for number in STOP:
            signal.signal(number, self._stop)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(signal.SIGUSR1, self._toggle_access_point)
        signal.signal(signal.SIGUSR2, self._press_reset)

    def _stop(self, *_):
        self._stopping = True

    def _toggle_access_point(self, *_):
        self._box.access_point = not self._box.access_point
        self._say("access point " + ("on" if self._box.access_point else "off"))

    def _press_reset(self, *_):
        self._power_cycle = True

    # -- the life of the board

    def run(self):
        """Until told to stop. Returns True if the board ended in a power cut that was asked for."""
        cause = mail.PWRON
        try:
            while not (self._stopping or self._cut):
                cause = self._boot(cause)
        finally:
            self._kill()
        return self._cut

    def _boot(self, cause):
        self._box.begin(cause)
        if cause != mail.SOFT:
            self._raw = False
        self._drain(self._events)
        self._log.event(f"boot {_CAUSES[cause]}")
        other = self._slots and self._slots.choose(cause)
        if other:
            self._log.event(f"slot {other}")
        self._boots += 1
        self._pid = os.fork()
        if self._pid == 0:
            self._child(cause)
        return self._watch()

    def _child(self, cause):
        # Never returns. The supervisor's end of every pipe is closed, so that nothing here keeps
        # alive what the supervisor's death should end.
        try:
            signal.set_wakeup_fd(-1)
            for number in (*STOP, signal.SIGCHLD, signal.SIGUSR1, signal.SIGUSR2):
                signal.signal(number, signal.SIG_DFL)
            die_with_parent(signal.SIGKILL)
            os.setsid()
            self._console.attach_board()
            for fd in (self._woken, self._wake, self._events):
                os.close(fd)
            self._limit_sockets()
            if self._boots > 1 and cause != mail.SOFT:
                os.write(1, b"\r\nrst:" + _ROM_CAUSES[cause] + b"\r\n")
            self._engine.raw = self._raw
            self._engine.boot(self._box)
            os._exit(_SOFT_EXIT + self._engine.raw)
        except BaseException:
            sys.excepthook(*sys.exc_info())
        os._exit(70)

    def _limit_sockets(self):
        used = max(int(name) for name in os.listdir("/proc/self/fd")) + 1
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (used - 1 + SOCKETS, hard))

    def _watch(self):
        """Wait until this boot ends; the cause of the next one."""
        poller = select.poll()
        for fd in (self._woken, self._events, *self._console.fds()):
            poller.register(fd, select.POLLIN)
        while True:
            ready = [fd for fd, _ in poller.poll(self._patience())]
            self._console.serve(ready, self._pid, poller)
            if self._woken in ready:
                self._drain(self._woken)
            cause = self._ended()
            if cause is not None:
                return cause

    def _patience(self):
        deadline = self._box.watchdog_deadline()
        if deadline is None:
            return None
        return max(0, deadline - time.monotonic_ns() // 1000000) + 1

    def _ended(self):
        for event in self._drain(self._events):
            cause = self._act(event)
            if cause is not None:
                return cause
        if self._stopping:
            return mail.HARD
        if self._power_cycle:
            self._power_cycle = False
            self._kill()
            return mail.PWRON
        deadline = self._box.watchdog_deadline()
        if deadline is not None and deadline <= time.monotonic_ns() // 1000000:
            self._kill()
            self._say("watchdog reset")
            return mail.WDT
        return self._reap()

    def _act(self, event):
        if event == ord("W"):  # armed: only the patience changes
            return None
        if event == ord("L"):
            self._log.event("listen")
            return None
        self._kill()
        if event == ord("C"):
            self._cut = True
            self._log.event("cut")
            self._say("power cut")
            return mail.PWRON
        if event == ord("D"):
            return self._sleep()
        return mail.HARD

    def _sleep(self):
        ms = self._box.sleep_ms()
        until = None if ms < 0 else time.monotonic() + ms / 1000
        while not (self._stopping or self._power_cycle):
            left = None if until is None else until - time.monotonic()
            if left is not None and left <= 0:
                return mail.DEEPSLEEP
            select.select([self._woken], [], [], left)
            self._drain(self._woken)
        self._power_cycle = False
        return mail.PWRON

    def _reap(self):
        pid, status = os.waitpid(self._pid, os.WNOHANG)
        if not pid:
            return None
        self._over()
        code = os.waitstatus_to_exitcode(status)
        if code in (_SOFT_EXIT, _SOFT_EXIT + 1):
            self._raw = code == _SOFT_EXIT + 1
            return mail.SOFT
        if code == -signal.SIGALRM:
            return mail.SOFT
        if code == 70:
            raise SimError("the simulator failed inside the board, see above")
        self._say(f"the board crashed ({_describe(code)}) and resets")
        return mail.HARD

    def _kill(self):
        if self._pid is None:
            return
        os.kill(self._pid, signal.SIGKILL)
        os.waitpid(self._pid, 0)
        self._over()

    def _over(self):
        """The boot has ended: its last words, and what it did to the flash."""
        self._pid = None
        self._console.flush()
        self._log.flash(self._box.flash_count())

    @staticmethod
    def _drain(fd):
        try:
            return os.read(fd, 4096)
        except BlockingIOError:
            return b""


def _describe(code):
    return signal.Signals(-code).name if code < 0 else f"exit status {code}"


def events_pipe():
    """(read end, write end); the board holds the write end as a file descriptor number."""
    reader, writer = os.pipe()
    os.set_blocking(reader, False)
    return reader, writer

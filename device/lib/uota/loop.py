# The event loop: one uselect.poll over all listeners and connections. A session is a generator
# that yields what it waits for: READ, WRITE, or -ms for a pause; a task (a transport) yields the
# ms until its next turn. No client can hold the loop: each connection has a deadline that only
# progress moves, and at most one update runs. The session's code is imported when the first
# connection comes and dropped after the last.
import uselect
import utime

import uota

_READ = const(1)
_MAX = const(8)  # connections; an ESP32 has about ten sockets
_RESET_MS = const(300)


class Loop:
    updating = False  # only one update at a time
    wrong = 0  # passwords, since the last right one
    heard = False  # a command from somebody who may give one
    ending = False  # the board resets soon

    def __init__(self):
        self.up = {}  # by name of the transport: whether it can be reached
        self.conns = []  # the oldest first
        self.listeners = []
        self.tasks = []  # [generator, when its next turn is]
        self.poller = uselect.poll()

    def add(self, task):
        self.tasks.append([task, utime.ticks_ms()])
        return self.tasks[-1]

    def listen(self, listener):
        self.poller.register(listener, _READ)
        self.listeners.append(listener)

    def reset_soon(self, safe=""):
        """Reset the board once the last answer is out; until then nobody new is let in.
        @safe: why the app is not to start then.
        """
        self._shut()
        self.ending = True
        self.tasks = []
        self.add(_reset(self, safe))

    def _shut(self):
        for listener in self.listeners:
            self.poller.unregister(listener)
            listener.close()
        self.listeners = []

    def close(self):
        """Nothing is served any more, and nobody is left waiting."""
        self._shut()
        for conn in tuple(self.conns):
            self._close(conn, "stopped")

    def no_memory(self):
        """What to answer when a session does not fit: without the app it will."""
        if uota.safe or self.updating:
            return "error: out of memory"
        try:
            self.reset_soon("memory")
        except MemoryError:
            uota._reset("memory")
        return "error: restarting without the app"

    def step(self, wait):
        """Serve what is ready, after waiting for it `wait` ms at most."""
        now = utime.ticks_ms()
        for task in tuple(self.tasks):
            left = utime.ticks_diff(task[1], now)
            if left <= 0:
                try:
                    left = next(task[0])
                except Exception as e:
                    if not isinstance(e, StopIteration):
                        uota.log(repr(e))
                    left = wait
                    if task in self.tasks:  # else the board resets soon
                        self.tasks.remove(task)
                task[1] = utime.ticks_add(now, left)
            wait = min(wait, left)
        for conn in tuple(self.conns):
            left = utime.ticks_diff(conn.until if conn.due is None else conn.due, now)
            wait = max(0, min(wait, left))
            if left <= 0:
                if conn.due is None:
                    self._close(conn, conn.proven and "timed out")
                else:
                    self._resume(conn)
        for event in self.poller.poll(wait):
            if event[0] in self.listeners:
                self._accept(event[0])
            for conn in self.conns:
                if event[0] is conn.stream:
                    self._resume(conn)
                    break
        if not self.conns:
            uota.drop()

    def _accept(self, listener):
        stream = None
        try:
            stream = listener.accept()[0]
            stream.setblocking(False)
            stream.setsockopt(6, 1, 1)  # TCP_NODELAY: an answer must not wait for an ACK
            conn = uota.load("ota").Conn(self, stream)
        except MemoryError:
            why = self.no_memory()  # first of all: there may not be enough for any word
            if stream:
                _tell(stream, why)
                stream.close()
            return
        except Exception as e:
            uota.log(repr(e))
            if stream:
                stream.close()
            return
        self.conns.append(conn)
        if len(self.conns) > _MAX:
            old = conn
            for other in self.conns[:-1]:
                if not other.proven:
                    old = other
                    break
                if other.open and old is conn:
                    old = other  # between two commands: it has had its answer
            self._close(old, "busy")
        if conn in self.conns:
            self._resume(conn)

    def _resume(self, conn):
        try:
            want = next(conn.run)
        except (EOFError, StopIteration):
            self._close(conn)
        except Exception as e:
            uota.log(repr(e))
            self._close(conn, repr(e))
        else:
            if want > 0:
                conn.due = None
                self.poller.register(conn.stream, want)
            else:
                # Out of the poller: a hang-up would be reported all through the pause.
                self.poller.unregister(conn.stream)
                conn.due = utime.ticks_add(utime.ticks_ms(), -want)

    def _close(self, conn, why=None):
        self.conns.remove(conn)
        self.poller.unregister(conn.stream)
        conn.run.close()
        if why and not conn.records:
            _tell(conn.stream, "error: " + why)
        conn.stream.close()


def _tell(stream, text):
    try:
        stream.write(text + "\n")  # once: the peer may not be reading
    except OSError:
        pass


def _reset(loop, safe):
    yield _RESET_MS
    try:
        uota._reset(safe)
    except KeyboardInterrupt:
        loop.reset_soon(safe)  # once it is resumed
        raise

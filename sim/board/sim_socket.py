# `socket` as on an ESP32: addresses are tuples, blocking calls give up the GIL, an unreferenced
# socket closes. The host's sockets lie below; a port that the board binds appears shifted on
# the address that the simulator was given.

import errno
import gil
import host
import io
import uselect
import usocket as _s
import ustruct
from utime import sleep_ms as native_sleep_ms

AF_INET = _s.AF_INET
AF_INET6 = _s.AF_INET6
SOCK_STREAM, SOCK_DGRAM, SOCK_RAW = _s.SOCK_STREAM, _s.SOCK_DGRAM, _s.SOCK_RAW
SOL_SOCKET = _s.SOL_SOCKET
SO_REUSEADDR = _s.SO_REUSEADDR
SO_BROADCAST = _s.SO_BROADCAST
SO_KEEPALIVE = _s.SO_KEEPALIVE
IP_ADD_MEMBERSHIP = _s.IP_ADD_MEMBERSHIP
IP_DROP_MEMBERSHIP = _s.IP_DROP_MEMBERSHIP
IPPROTO_IP, IPPROTO_TCP, IPPROTO_UDP = 0, 6, 17
TCP_NODELAY = 1

_POLLIN, _POLLOUT = uselect.POLLIN, uselect.POLLOUT
_EISCONN = 106  # not in the errno module
_GET_FILENO = 10
_LWIP_LEVEL = 0xFFF
_LWIP_OPTIONS = {4: SO_REUSEADDR, 8: SO_KEEPALIVE, 0x20: SO_BROADCAST}
_again = (errno.EAGAIN, errno.EINPROGRESS)
_leave, _enter = gil.leave, gil.enter
_network = None  # the module, once the app has imported it


def link_up():
    # What the app never brought up is up: an app that only opens sockets in a test needs no Wi-Fi.
    return _network is None or _network.link_up()


def _pack(address, bound=False):
    name, port = address[0], address[1]
    if isinstance(port, str):
        port = int(port)
    if bound:
        name = _bind_name(name)
        port = port and port + host.settings["port_shift"]
    elif not name:
        name = "0.0.0.0"
    return _resolve(name, port)[0][-1]


def _bind_name(name):
    return host.settings["bind"] if name in ("", "0.0.0.0", "127.0.0.1") else name


def _resolve(name, port):
    if name and name[-1].isdigit():  # numbers need no resolver and do not block
        return [(AF_INET, SOCK_STREAM, 0, "", _sockaddr(name, port))]
    if not link_up():
        raise OSError(-202)
    _leave()
    try:
        found = _s.getaddrinfo(name, port, AF_INET, SOCK_STREAM)
    except OSError:
        found = ()
    finally:
        _enter()
    if not found:
        raise OSError(-202)
    return found


def _sockaddr(name, port):
    try:
        return ustruct.pack("<H", AF_INET) + ustruct.pack(">H", port) + _ip(name) + bytes(8)
    except ValueError:
        raise OSError(-202)


def _ip(name):
    return _s.inet_pton(AF_INET, name)


def _unpack(packed):
    return _s.inet_ntop(AF_INET, packed[4:8]), ustruct.unpack(">H", packed[2:4])[0]


def getaddrinfo(name, port, af=0, type=0, proto=0, flags=0):
    found = _resolve(name or "0.0.0.0", int(port))
    return [(AF_INET, SOCK_STREAM, 0, "", _unpack(entry[-1])) for entry in found]


class socket(io.IOBase):
    def __init__(self, af=AF_INET, type=SOCK_STREAM, proto=0, native=None):
        self._s = native or _s.socket(af, type, proto)
        # The host's socket object closes nothing when it is collected, a file object does.
        self._file = open(self._s.fileno(), "r+b")
        self._s.setblocking(False)
        self._ms = -1
        self._poll = None
        self._stream = type == SOCK_STREAM

    def __repr__(self):
        return "<socket>"

    def fileno(self):
        return self._s.fileno() if self._file else -1

    def close(self):
        if self._file:
            self._file.close()
            self._file = self._s = self._poll = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def ioctl(self, request, arg):
        if request == _GET_FILENO:
            return self._native().fileno()
        if request == 4:
            self.close()
            return 0
        return -errno.EINVAL

    def _native(self):
        if self._s is None:
            raise OSError(errno.EBADF)
        return self._s

    # -- waiting

    def settimeout(self, seconds):
        self._ms = -1 if seconds is None else host.hurried(int(seconds * 1000))

    def setblocking(self, flag):
        self._ms = -1 if flag else 0

    def _wait(self, mask, ms=None):
        # True once the socket is ready, False after the time-out; at once if non-blocking.
        ms = self._ms if ms is None else ms
        if ms == 0:
            return False
        if self._poll is None:
            self._poll = uselect.poll()
            self._poll.register(self._native(), mask)
        else:
            self._poll.modify(self._s, mask)
        native = self._poll
        _leave()
        try:
            events = native.ipoll(ms)
        finally:
            _enter()
        for _ in events:
            return True
        return False

    def _held(self):
        # While the network is away nothing comes and nothing goes.
        waited = 0
        while not link_up():
            if 0 <= self._ms <= waited:
                return True
            _leave()
            try:
                native_sleep_ms(5)
            finally:
                _enter()
            waited += 5
        return False

    def _late(self):
        raise OSError(errno.ETIMEDOUT if self._ms else errno.EAGAIN)

    def _until(self, call, mask, *args):
        if self._held():
            self._late()
        while True:
            try:
                return call(*args)
            except OSError as error:
                if error.errno not in _again:
                    raise
            if not self._wait(mask):
                self._late()

    # -- servers

    def bind(self, address):
        native = self._native()
        if self._stream:  # on a board no connection outlives a reset
            native.setsockopt(SOL_SOCKET, SO_REUSEADDR, 1)
        native.bind(_pack(address, True))

    def listen(self, backlog=2):
        self._native().listen(max(backlog - 1, 0))  # Linux lets one more than this wait
        host.tell_listening()

    def accept(self):
        native, address = self._until(self._native().accept, _POLLIN)
        return socket(AF_INET, SOCK_STREAM, 0, native), _unpack(address)

    # -- clients

    def connect(self, address):
        native = self._native()
        packed = _pack(address)
        if not link_up():
            raise OSError(errno.EHOSTUNREACH)
        try:
            native.connect(packed)
            return
        except OSError as error:
            if error.errno != errno.EINPROGRESS or self._ms == 0:
                raise
        if not self._wait(_POLLOUT):
            raise OSError(errno.ETIMEDOUT)
        try:
            native.connect(packed)  # tells how it ended
        except OSError as error:
            if error.errno != _EISCONN:
                raise

    def setsockopt(self, level, option, value):
        if level == _LWIP_LEVEL:
            level, option = SOL_SOCKET, _LWIP_OPTIONS.get(option, option)
        if option == 20 and level == SOL_SOCKET:
            raise OSError(errno.EINVAL)  # the callback of the ESP32's WebREPL
        self._native().setsockopt(level, option, value)

    # -- bytes

    def recv(self, size, flags=0):
        return self._until(self._native().recv, _POLLIN, size)

    def recvfrom(self, size):
        data, address = self._until(self._native().recvfrom, _POLLIN, size)
        return data, _unpack(address)

    def send(self, data, flags=0):
        sent = self._send_all(data)
        if not sent and len(data):
            self._late()
        return sent

    def sendall(self, data):
        if self._send_all(data) < len(data):
            raise OSError(errno.ETIMEDOUT)

    def write(self, data, *args):
        sent = self._send_all(_cut(data, args))
        if not sent and len(data):
            if self._ms:
                self._late()
            return None
        return sent

    def sendto(self, data, address):
        return self._until(self._native().sendto, _POLLOUT, data, _pack(address))

    def _send_all(self, data):
        native = self._native()
        if self._held():
            return 0
        done = native.write(data)  # None: the buffer is full
        if done == len(data):
            return done
        done = done or 0
        view = memoryview(data)
        while done < len(view) and self._wait(_POLLOUT):
            done += native.write(view[done:]) or 0
        return done

    def readinto(self, buf, *args):
        buf = _cut(buf, args)
        native = self._native()
        if self._held():
            if self._ms:
                self._late()
            return None
        done = native.readinto(buf)
        if done == len(buf) or done == 0:
            return done
        return self._fill(native, memoryview(buf), done or 0)

    def _fill(self, native, view, done):
        while done < len(view):
            if not self._wait(_POLLIN):
                if self._ms:
                    self._late()
                return done or None
            got = native.readinto(view[done:])
            if got == 0:
                break
            done += got or 0
        return done

    def read(self, size=-1):
        if size is None or size < 0:
            return self._read_all()
        buf = bytearray(size)
        done = self.readinto(buf)
        return None if done is None else bytes(memoryview(buf)[:done])

    def _read_all(self):
        whole = b""
        while True:
            part = self._read_some()
            if part is None:
                return whole or None
            if not part:
                return whole
            whole += part

    def _read_some(self):
        try:
            return self.recv(256)
        except OSError as error:
            if error.errno != errno.EAGAIN:
                raise
            return None

    def readline(self, size=-1):
        line = bytearray()
        one = bytearray(1)
        while size < 0 or len(line) < size:
            got = self.readinto(one)
            if got is None and not line:
                return None
            if not got:
                break
            line += one
            if one == b"\n":
                break
        return bytes(line)

    def makefile(self, *_):
        return self


def _cut(data, args):
    # MicroPython's streams take (buffer[, size]) and write also (buffer, offset, size).
    if not args:
        return data
    if len(args) == 1:
        return memoryview(data)[: args[0]]
    return memoryview(data)[args[0] : args[0] + args[1]]

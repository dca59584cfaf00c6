# TCP, and the Wi-Fi under it: connects without ever waiting for it, tries again with growing
# pauses, and listens whether or not the network is up. Without an ssid the network is somebody
# else's (Ethernet, an access point, the app) and is left alone.
import socket
import time

from micropython import const

from uota import log

_ATTEMPT_MS = const(15000)  # what joining may take
_LOOK_MS = const(500)  # how often the link is looked at
_LONGEST_S = const(60)


class WifiTcp:
    def __init__(self, settings):
        port = settings.get("port")
        self.port = port if type(port) is int and 0 < port < 65536 else 2018
        self.ssid = settings.get("ssid")
        self.key = settings.get("password") or None
        self.listener = None
        self.up = False
        self.pause = 1  # s until the next attempt
        self.due = 0  # when to look again
        self.until = None  # when the attempt has failed
        try:
            import network

            # Made even where Wi-Fi is not ours: sockets need its network stack on an ESP32.
            self.wlan = network.WLAN(network.STA_IF)
            self._name(network, settings.get("hostname"))
        except (ImportError, AttributeError):
            self.wlan = self.ssid = None

    def _name(self, network, name):
        if not isinstance(name, str) or name.replace(".", "").isdigit():
            return
        try:
            network.hostname(name[:-6] if name.endswith(".local") else name)
        except (ValueError, OSError, AttributeError) as e:
            log("hostname: " + repr(e))

    def step(self, now):
        """Do what is due without waiting; the ms until the next call."""
        if self.due and time.ticks_diff(self.due, now) > 0:
            return time.ticks_diff(self.due, now)
        wait = _LOOK_MS
        try:
            if self.listener is None:
                self._listen()
            wait = self._join(now) if self.ssid else 60000
        except OSError as e:
            log("wifi_tcp: " + repr(e))
            wait = self._later()
        self.due = time.ticks_add(now, wait) | 1
        return wait

    def _listen(self):
        listener = socket.socket()
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(socket.getaddrinfo("0.0.0.0", self.port)[0][-1])
            listener.listen(4)
            listener.setblocking(False)
        except OSError:
            listener.close()
            raise
        self.listener = listener
        log("listening on port %d" % self.port)

    def _join(self, now):
        if self.wlan.isconnected():
            if not self.up:
                log("Wi-Fi is up: " + self.wlan.ifconfig()[0])
                self.up, self.pause, self.until = True, 1, None
        elif self.up:
            log("Wi-Fi is lost")
            self.up = False
            self._attempt(now)
        elif self.until is None:
            self._attempt(now)
        elif time.ticks_diff(self.until, now) <= 0:
            log("Wi-Fi: no connection to %s (status %s)" % (self.ssid, self.wlan.status()))
            self.until = None
            return self._later()
        return _LOOK_MS

    def _attempt(self, now):
        self.until = None
        self.wlan.active(True)
        self.wlan.disconnect()  # a second connect() while one is under way raises
        self.wlan.connect(self.ssid, self.key)
        self.until = time.ticks_add(now, _ATTEMPT_MS)

    def _later(self):
        wait = self.pause * 1000
        self.pause = min(self.pause * 2, _LONGEST_S)
        return wait

    def accept(self):
        """The next connection, non-blocking; None where it has gone again."""
        try:
            stream = self.listener.accept()[0]
            stream.setblocking(False)
            stream.setsockopt(6, 1, 1)  # TCP_NODELAY: an answer must not wait for an ACK
            return stream
        except OSError:
            return None

    def close(self):
        if self.listener:
            self.listener.close()
            self.listener = None

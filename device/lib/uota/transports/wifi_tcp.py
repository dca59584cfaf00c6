# TCP, and the Wi-Fi under it: connects without ever waiting for it, tries again with growing
# pauses, and listens whether or not the network is up. Without an ssid the network is somebody
# else's (Ethernet, an access point, the app) and is left alone.
import socket
import time

from micropython import const

from uota import log

_LOOK_MS = const(500)  # how often the link is looked at
_JOIN_S = const(7)  # joining takes some seconds, before any pause counts
_LONGEST_S = const(60)


class WifiTcp:
    def __init__(self, settings):
        port = settings.get("port")
        self.port = port if type(port) is int else 2018
        self.login = settings.get("ssid"), settings.get("password") or None
        self.listener = None
        self.up = False
        self.due = self.again = time.ticks_ms()  # the next look, the next attempt to join
        self.pause = 1  # s
        try:
            import network

            # Made even where Wi-Fi is not ours: sockets need its network stack on an ESP32.
            self.wlan = network.WLAN(network.STA_IF)
            name = settings.get("hostname", "")
            if not name.replace(".", "").isdigit():
                network.hostname(name[:-6] if name[-6:] == ".local" else name)
        except ImportError:
            self.login = (None,)
        except Exception as e:
            log("hostname: " + repr(e))

    def step(self, now):
        """Do what is due without waiting; the ms until the next call."""
        left = time.ticks_diff(self.due, now)
        if left > 0:
            return left
        wait = _LOOK_MS
        try:
            if not self.listener:
                self._listen()
            if self.login[0]:
                self._join(now)
        except OSError as e:
            log("wifi_tcp: " + repr(e))
            wait = self._later() * 1000
        self.due = time.ticks_add(now, wait)
        return wait

    def _later(self):
        pause = self.pause
        self.pause = min(pause * 2, _LONGEST_S)
        return pause

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
        wlan = self.wlan
        if wlan.isconnected():
            if not self.up:
                log("Wi-Fi is up: " + wlan.ifconfig()[0])
                self.up = True
                self.pause = 1
        elif self.up:
            log("Wi-Fi is lost")
            self.up = False
            self.again = now
        elif time.ticks_diff(self.again, now) <= 0:
            if self.pause > 1:
                log("Wi-Fi: still no connection, status %s" % wlan.status())
            self.again = time.ticks_add(now, (self._later() + _JOIN_S) * 1000)
            wlan.active(True)
            wlan.disconnect()  # a second connect() while one is under way raises
            wlan.connect(*self.login)

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

# TCP, and the Wi-Fi under it: connects without ever waiting for it, tries again with growing
# pauses, and listens whether or not the network is up. Without an ssid the network is somebody
# else's (Ethernet, an access point, the app) and is left alone.
import usocket
import utime

from uota import log

_LOOK_MS = const(500)  # how often the link is looked at
_JOIN_S = const(7)  # joining takes some seconds, before any pause counts
_LONGEST_S = const(60)


def main(loop, settings):
    """The loop's task."""
    wlan = _wlan(settings)
    ssid = settings.get("ssid")
    now = utime.ticks_ms
    up = listening = False
    again = now()  # when to try to join
    pause = 1  # s after that, growing
    while True:
        try:
            if not listening:
                loop.listen(_listener(settings))
                listening = True
            if not (wlan and ssid):
                up = True
            elif wlan.isconnected():
                if not up:
                    log("Wi-Fi up: " + wlan.ifconfig()[0])
                    up = True
                    pause = 1
            elif up:
                log("Wi-Fi is lost")
                up = False
                again = now()
            elif utime.ticks_diff(again, now()) <= 0:
                if pause > 1:
                    log("Wi-Fi: no connection, status %s" % wlan.status())
                again = utime.ticks_add(now(), (pause + _JOIN_S) * 1000)
                pause = min(pause * 2, _LONGEST_S)
                wlan.active(True)
                wlan.disconnect()  # a second connect() while one is under way raises
                wlan.connect(ssid, settings.get("password") or None)
            loop.up["wifi_tcp"] = up
        except MemoryError:
            pass  # not even for the words that would say so
        except Exception as e:
            log("TCP: " + repr(e))
            yield pause * 1000
            pause = min(pause * 2, _LONGEST_S)
        yield _LOOK_MS


def _wlan(settings):
    """Made even where Wi-Fi is not ours: sockets need its network stack on an ESP32."""
    wlan = None
    try:
        import network

        wlan = network.WLAN(network.STA_IF)
        name = settings.get("hostname", "")
        if not name.replace(".", "").isdigit():
            network.hostname(name[:-6] if name[-6:] == ".local" else name)
    except Exception as e:
        log(repr(e))
    return wlan


def _listener(settings):
    port = settings.get("port")
    port = port if type(port) is int else 2018
    listener = usocket.socket()
    listener.setsockopt(usocket.SOL_SOCKET, usocket.SO_REUSEADDR, 1)
    listener.bind(usocket.getaddrinfo("0.0.0.0", port)[0][-1])
    listener.listen(8)
    listener.setblocking(False)
    log("listening on port %d" % port)
    return listener

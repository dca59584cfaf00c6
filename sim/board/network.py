# `network` of an ESP32: the station interface with its asynchronous connect, its constants and
# its endless reconnecting. The access point is the simulator's: it can require an SSID and a
# password, and be switched off and on while the board runs.

import host
import utime as _t

STA_IF, AP_IF = 0, 1
STAT_IDLE, STAT_CONNECTING, STAT_GOT_IP = 1000, 1001, 1010
STAT_NO_AP_FOUND, STAT_WRONG_PASSWORD, STAT_BEACON_TIMEOUT = 201, 202, 200
STAT_ASSOC_FAIL, STAT_HANDSHAKE_TIMEOUT = 203, 204
AUTH_OPEN, AUTH_WEP, AUTH_WPA_PSK, AUTH_WPA2_PSK, AUTH_WPA_WPA2_PSK = 0, 1, 2, 3, 4
MODE_11B, MODE_11G, MODE_11N = 1, 2, 4

_JOIN_MS = 30  # scan, association and DHCP; seconds on the air
_RETRY_MS = 200

_KEPT = ("ssid", "essid", "key", "password", "security", "authmode", "hidden", "mac")

_hostname = "mpy-esp32"
_country = "XX"


def hostname(name=None):
    global _hostname
    if name is None:
        return _hostname
    if len(name) > 32:
        raise ValueError
    _hostname = name


def country(code=None):
    global _country
    if code is None:
        return _country
    _country = code


class WLAN:
    IF_STA, IF_AP = STA_IF, AP_IF
    SEC_OPEN, SEC_WPA_WPA2 = AUTH_OPEN, AUTH_WPA_WPA2_PSK
    PM_NONE, PM_PERFORMANCE, PM_POWERSAVE = 0, 1, 2
    _both = {}

    def __new__(cls, interface=STA_IF):
        if interface not in (STA_IF, AP_IF):
            raise ValueError("invalid WLAN interface identifier")
        if interface not in cls._both:
            cls._both[interface] = object.__new__(cls)
            cls._both[interface]._reset(interface)
        return cls._both[interface]

    def __init__(self, interface=STA_IF):
        pass

    def _reset(self, interface):
        self._interface = interface
        self._active = self._used = False
        self._wanted = False
        self._connected = False
        self._ssid = self._key = ""
        self._tried_at = 0
        self._tries = 0
        self._max_tries = 0  # 0: for ever, the ESP32's default
        self._reason = 0
        self._settings = {"pm": 1, "channel": 1, "txpower": 20.0}
        self._manual = None

    # -- the state, brought up to date whenever it is asked for

    def _refusal(self):
        if not host.access_point_on():
            return STAT_BEACON_TIMEOUT if self._connected else STAT_NO_AP_FOUND
        ssid, key = host.settings["wifi"] or (self._ssid, self._key)
        if self._ssid != ssid:
            return STAT_NO_AP_FOUND
        return 0 if self._key == key else STAT_WRONG_PASSWORD

    def _update(self):
        if self._interface == AP_IF or not self._wanted:
            return
        if self._connected:
            if not host.access_point_on():
                self._reason = STAT_BEACON_TIMEOUT
                self._connected = False
                self._try_again(0)
            return
        waited = _t.ticks_diff(_t.ticks_ms(), self._tried_at)
        if waited < _JOIN_MS or self._exhausted():
            return
        self._reason = self._refusal()
        if not self._reason:
            self._connected = True
        elif waited >= _RETRY_MS:
            self._try_again(self._tries + waited // _RETRY_MS)

    def _try_again(self, tries):
        self._tries = tries
        self._tried_at = _t.ticks_ms()

    def _exhausted(self):
        return self._max_tries and self._tries >= self._max_tries

    # -- what the app calls

    def active(self, flag=None):
        if flag is None:
            return self._active
        if not flag:
            self._wanted = self._connected = False
        self._active = bool(flag)
        self._used = self._used or self._active
        return self._active

    def connect(self, ssid=None, key=None, *, bssid=None):
        self._station()
        if not self._active:
            raise OSError("Wifi Not Started")
        self._update()
        if self._wanted and not self._connected and not self._exhausted():
            raise OSError("Wifi Internal State Error")
        if ssid is not None:
            self._ssid, self._key = _text(ssid), _text(key or "")
        if not self._connected:
            self._wanted = True
            self._reason = 0
            self._try_again(0)

    def disconnect(self):
        self._wanted = self._connected = False

    def isconnected(self):
        self._update()
        return self._connected

    def status(self, what=None):
        self._update()
        if what is None:
            return self._station_status() if self._interface == STA_IF else None
        if what == "rssi":
            self._station()
            if not self._connected:
                raise OSError("Wifi Not Connected")
            return -50
        if what == "stations":
            return []
        raise ValueError("unknown status param")

    def _station_status(self):
        if self._connected:
            return STAT_GOT_IP
        if self._wanted and not self._exhausted():
            return STAT_CONNECTING
        return self._reason or STAT_IDLE

    def _station(self):
        if self._interface != STA_IF:
            raise OSError("STA required")

    def scan(self):
        self._station()
        if not self._active:
            raise OSError("STA must be active")
        if not host.access_point_on():
            return []
        ssid = (host.settings["wifi"] or ("uota-sim", ""))[0]
        return [(ssid.encode(), b"\x02sim\x00\x01", 1, -50, AUTH_WPA2_PSK, False)]

    def ifconfig(self, config=None):
        if config is not None:
            self._manual = None if config in ("dhcp", ("dhcp",)) else config
            return None
        if not self.isconnected():
            return ("0.0.0.0", "0.0.0.0", "0.0.0.0", "0.0.0.0")
        address = host.settings["address"]
        return (address, "255.0.0.0", address, address)

    def ipconfig(self, *args, **kwargs):
        if kwargs:
            return None
        address, mask, gateway, _ = self.ifconfig()
        known = {
            "addr4": (address, mask),
            "gw4": gateway,
            "dhcp4": True,
            "has_dhcp4": self._connected,
            "addr6": [],
        }
        if len(args) != 1 or args[0] not in known:
            raise ValueError("unknown config param")
        return known[args[0]]

    def config(self, *args, **kwargs):
        if args and kwargs:
            raise TypeError("either pos or kw args are allowed")
        for key, value in kwargs.items():
            self._configure(key, value)
        if args:
            return self._setting(args[0])

    def _configure(self, key, value):
        if key == "reconnects":
            self._max_tries = max(value, -1) + 1 if value >= 0 else 0
        elif key in ("hostname", "dhcp_hostname"):
            hostname(value)
        elif key in _KEPT or key in self._settings:
            self._settings[key] = value
        else:
            raise ValueError("unknown config param")

    def _setting(self, key):
        if key == "mac":
            mac = host.settings["unique_id"]
            return mac if self._interface == STA_IF else mac[:5] + bytes([mac[5] + 1 & 255])
        if key in ("ssid", "essid"):
            return self._ssid
        if key in ("hostname", "dhcp_hostname"):
            return _hostname
        if key == "reconnects":
            return self._max_tries - 1
        if key in self._settings:
            return self._settings[key]
        raise ValueError("unknown config param")


def _text(value):
    return value if isinstance(value, str) else bytes(value).decode()


def link_up():
    # For the sockets: away only after the app has brought the interface up and lost the air.
    station = WLAN._both.get(STA_IF)
    if station is None or not station._used:
        return host.access_point_on()
    return station.isconnected()

# Reads /config/ota.json, and fails closed: without the file the board is open, but with a file
# that cannot be understood it may not be, since the file may have named a password or a key.
import ujson
from ubinascii import unhexlify

_SECRETS = const(("otaPassword", "signingKey"))


def load(path="/config/ota.json"):
    """(settings, None), or ({}, why only ping and version may be served)."""
    try:
        with open(path) as f:
            settings = ujson.load(f)
        for key in _SECRETS:
            if not isinstance(settings.get(key, ""), str):
                raise ValueError("bad " + key)
        word = settings.get("otaPassword", "")
        how, _, shared = word.rpartition(":")
        if word and len(unhexlify(shared)) != 32 or how and how[:14] != "pbkdf2-sha256:":
            raise ValueError("bad otaPassword")
        return settings, None
    except MemoryError:
        raise  # nothing is known of the file
    except Exception as e:
        if isinstance(e, OSError) and e.errno == 2:
            return {}, None
        return {}, "config/ota.json is broken: %s" % e


def masked():
    """The file without its secrets, as JSON."""
    settings = load()[0]
    for key in ("password",) + _SECRETS:
        if key in settings:
            settings[key] = "***"
    return ujson.dumps(settings)

# Reads /config/ota.json, and fails closed: without the file the board is open, but with a file
# that cannot be understood it may not be, since the file may have named a password or a key.
import json


def load():
    """(settings, None), or (what is known, why only ping and version may be served)."""
    try:
        with open("/config/ota.json") as f:
            settings = json.load(f)
    except OSError as e:
        return {}, None if e.errno == 2 else str(e)
    except (ValueError, MemoryError) as e:
        return {}, str(e) or "out of memory"
    if not isinstance(settings, dict):
        return {}, "not an object"
    for key in ("otaPassword", "signingKey"):
        if not isinstance(settings.get(key, ""), str):
            return settings, key + " is not a string"
    if len(settings.get("otaPassword", "")) not in (0, 64):
        return settings, "otaPassword is not a SHA-256 in hex"
    return settings, None


def masked():
    """The file as JSON without its secrets."""
    settings, broken = load()
    if broken:
        raise ValueError("config/ota.json is broken: " + broken)
    for key in ("password", "otaPassword", "signingKey"):
        if key in settings:
            settings[key] = "***"
    return json.dumps(settings)

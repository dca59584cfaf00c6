# The rules for every path that a peer names: what may be named at all, what stays.
# Compared in lower case, and without FAT's short names (CONFIG~1), trailing dots and spaces:
# on FAT these are further names of the same file.


def plain(text, limit):
    """The text itself, if it is 1 to limit bytes without control characters."""
    if not 0 < len(text.encode()) <= limit or min(text) < " " or "\x7f" in text:
        raise ValueError("bad path")
    return text


def relative(path):
    """The path itself, if it names exactly one thing below /."""
    last = "/"
    for ch in plain(path, 255) + "/":
        if ch in '\\"' or (ch == "/" and last in "/. ") or (last == "~" and ch.isdigit()):
            raise ValueError("bad path")
        last = ch
    if path.count("/") > 15:
        raise ValueError("bad path")
    return path


def pushed(path):
    """A path as a push may name it."""
    if path[:4].lower() == "ota_":
        raise ValueError("protected")
    return relative(path)


def named(path):
    """A path as a command may name it, made relative: /a/b or a/b; "" is the root."""
    path = path[path[:1] == "/" :]
    return path and relative(path)


def removable(path):
    """A path as `rm` may name it: else a stranger could take the key, or the agent, away."""
    path = named(path)
    low = path.lower()
    if low[:4] == "ota_" or low in ("boot.py", "config/ota.json") or (low + "/")[:9] == "lib/uota/":
        raise ValueError("protected")
    return path


def changeable(path):
    """A path as protocol 2's commands may change it; of what they may not, no folder above."""
    path = removable(path)
    if path.lower() in ("", "main.py", "config", "lib"):
        raise ValueError("protected")
    return path


def kept(path, lib="lib"):
    """What neither `wipe` nor an update deletes; of /lib, protocol 2 keeps lib/uota only."""
    low = path.lower() + "/"
    top = low.split("/")[0]
    return low.startswith(lib + "/") or top in ("config", "data", "boot.py") or top[:4] == "ota_"

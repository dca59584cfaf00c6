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


def kept(path, lib="lib"):
    """What neither `wipe` nor an update deletes; of /lib, protocol 2 keeps lib/uota only."""
    low = path.lower() + "/"
    top = low.split("/")[0]
    return low.startswith(lib + "/") or top in ("config", "data", "boot.py") or top[:4] == "ota_"

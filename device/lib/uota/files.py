# The rules for every path that a peer names: what may be named at all, what stays.
# Compared in lower case, and without FAT's short names (CONFIG~1), trailing dots and spaces:
# on FAT these are further names of the same file.


def plain(text, limit):
    """The text itself, if it is 1 to limit bytes without control characters."""
    if not 0 < len(text.encode()) <= limit or min(text) < " " or "\x7f" in text:
        raise ValueError("bad name")
    return text


def relative(path):
    """The path itself, if it names exactly one thing below /."""
    last = "/"
    for ch in plain(path, 255) + "/":
        if ch in '\\"' or (ch == "/" and last in "/. ") or (last == "~" and ch.isdigit()):
            raise ValueError("bad path")
        last = ch
    if path.count("/") > 15:
        raise ValueError("path too deep")
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


def protected(path):
    """What `rm` must leave: else a stranger could take the key, or the agent, away."""
    path = path.lower()
    return (
        path[:4] == "ota_"
        or path in ("boot.py", "config/ota.json")
        or (path + "/")[:9] == "lib/uota/"
    )


def kept(path):
    """What neither `wipe` nor an update deletes."""
    top = path.lower().split("/")[0]
    return top in ("lib", "config", "data", "boot.py") or top[:4] == "ota_"

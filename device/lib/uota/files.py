# The rules for every path that a peer names: what may be named at all, what stays.
# Compared in lower case, and without FAT's short names (CONFIG~1), trailing dots and spaces:
# on FAT these are further names of the same file.


def relative(path):
    """The path itself; ValueError unless it names exactly one thing below /."""
    last = "/"
    for ch in path + "/":
        if (
            ch < " "
            or ch in "\x7f\\"
            or (ch == "/" and last in "/. ")
            or (last == "~" and ch.isdigit())
        ):
            raise ValueError("bad path")
        last = ch
    if len(path.encode()) > 255 or path.count("/") > 15:
        raise ValueError("path too long")
    return path


def pushed(path):
    """A path as a push may name it."""
    if path[:4].lower() == "ota_":
        raise ValueError("protected " + relative(path))
    return relative(path)


def named(path):
    """A path as a command may name it, made relative: /a/b or a/b."""
    return relative(path[1:] if path[:1] == "/" else path)


def protected(path):
    """What `rm` must leave: else a stranger could take the key, or the agent, away."""
    path = path.lower()
    return (
        path[:4] == "ota_"
        or path in ("boot.py", "config/ota.json")
        or (path + "/").startswith("lib/uota/")
    )


def kept(path):
    """What neither `wipe` nor an update deletes."""
    top = path.lower().split("/")[0]
    return top in ("lib", "config", "data", "boot.py") or top[:4] == "ota_"

# All that a peer may ask for but a push. A command is a function of the connection and its argument
# that gives the pieces of the answer, or None for `ok`. Imported for the first one, dropped before
# a push.
import gc
import uio
import ujson
import uos
import sys

import uota
from uota import base
from uota.config import masked

_DATA = const(2)
_LINE = const(512)
_CHANGES = const("rm wipe put mkdir mv rollback")
_TOLD = const(("version.json", "manifest.json", "boot_state.json"))


def main(conn, word, arg):
    command = _COMMANDS.get(word) or conn.records and _NEW.get(word)
    if not command:
        raise uota.Refused("unknown")
    if word in _CHANGES.split() and base.size("/ota_journal") > -2:
        raise ValueError("an update is not yet in its place: reset")
    pieces = (yield from put(conn, arg)) if command is put else command(conn, arg)
    for piece in pieces or ("ok\n",):
        yield from conn.send(piece)
        conn.open = bool(conn.records)  # else after this an error would pass for content
    yield from conn.finish()


def _json(found):
    return (ujson.dumps(found) + "\n",)


def ping(conn, arg):
    return ("pong\n",)


def version(conn, arg):
    """What is installed, and how it stands with it."""
    told = {"version": base.version() or "unknown"}
    if conn.closed:  # a stranger's: no more than that
        return _json(told)
    trial = base.trial()
    back = base.failed()
    told["agent"] = "2.0.0"
    told["state"] = "rolled back" if back else "confirmed"
    if trial is not None:
        told["state"] = "trial"
        told["id"] = trial.get("id")
        told.update(uota.on_trial or {})
    else:
        told.update(back)
    if uota.safe:
        told["safe"] = True
    if uota.crash:
        told["crash"] = uota.crash.rstrip().split("\n")[-1][:160]
    return _json(told)


def crash(conn, arg):
    return _json(base.read("/ota_crash.json"))


def ls(conn, arg):
    text = ""
    for entry in uos.ilistdir("/" + named(arg.rstrip("/"))):
        text += entry[0] + ("/\n" if entry[1] & 0x4000 else "\n")
        if len(text) > _LINE:
            yield text
            text = ""
    yield text + "\n"


def get(conn, arg):
    path = named(arg)
    low = path.lower()
    if low[:4] == "ota_" and low[4:] not in _TOLD:
        raise ValueError("protected")
    with open("/" + path, "rb") as f:
        if low == "config/ota.json":
            f = uio.BytesIO(masked())
        left = f.seek(0, 2)
        f.seek(0)
        yield "%d\n" % left
        while left:
            part = f.read(min(left, _LINE))
            if not part:
                raise EOFError  # it has shrunk: the announced size cannot be kept
            yield part
            left -= len(part)


def named(path):
    """A path as a command may name it, made relative: /a/b or a/b; "" is the root."""
    path = path[path[:1] == "/" :]
    return path and base.relative(path)


def changed(conn, path):
    """A path that may be changed: else a stranger could take the key, or the agent, away. In
    protocol 2 of what may not no folder above either.
    """
    path = named(path)
    low = path.lower()
    stays = low in ("boot.py", "config/ota.json") or (low + "/")[:9] == "lib/uota/"
    if stays or low[:4] == "ota_" or conn.records and low in ("", "main.py", "config", "lib"):
        raise ValueError("protected")
    return "/" + path


def rm(conn, arg):
    path = changed(conn, arg)
    if uos.stat(path)[0] & 0x4000:
        for _ in uos.ilistdir(path):
            raise ValueError("not empty")
        uos.rmdir(path)
    else:
        uos.remove(path)


def wipe(conn, arg):
    for entry in tuple(uos.ilistdir("/")):
        if len(entry) > 3 and not base.kept(entry[0]):  # a mount point has no size: leave it
            base.remove("/" + entry[0])


def reset(conn, arg, how=""):
    conn.loop.reset_soon(how)


def safe_mode(conn, arg):
    reset(conn, arg, "asked")


def rollback(conn, arg):
    from uota import boot_guard

    if not boot_guard.undo("by hand", "", False):
        raise ValueError("nothing is kept")
    reset(conn, arg)


# -- what 1.0 does not have


def mkdir(conn, arg):
    uos.mkdir(changed(conn, arg))


def mv(conn, arg):
    old, _, new = arg.partition("\t")
    old, new = changed(conn, old), changed(conn, new)
    if (new.lower() + "/").startswith(old.lower() + "/"):
        raise ValueError("into itself")
    if base.size(new) > -2:
        raise ValueError("it is there already")
    base.touch()
    uos.rename(old, new)


def df(conn, arg):
    st = uos.statvfs("/")
    return _json({"size": st[1] * st[2], "free": st[0] * st[3]})


def mem(conn, arg):
    gc.collect()
    return _json({"used": gc.mem_alloc(), "free": gc.mem_free()})


def config(conn, arg):
    return (masked() + "\n",)


def info(conn, arg):
    system = sys.implementation
    told = {
        "agent": "2.0.0",
        "platform": sys.platform,
        "micropython": "%d.%d.%d" % system.version[:3],
        "sign": "hmac-sha256" if conn.key else "none",
        "counter": base.counter(),
    }
    if hasattr(system, "_mpy"):
        told["mpy"] = system._mpy
    ident = base.id()
    if ident:
        told["id"] = ident[:16]
    return _json(told)


def folders(path):
    """Make the folders above a path."""
    n = 0
    while (n := path.find("/", n + 1)) > 0:
        there = base.size(path[:n])
        if there >= 0:
            raise ValueError("file and folder: " + path[1:n])
        if there == -2:
            uos.mkdir(path[:n])


def put(conn, arg):
    """Receive a file, and put it into its place in one step; on FAT by a copy."""
    left, sha, path = arg.split(" ", 2)
    left, path = int(left), changed(conn, path)
    base.room(left)
    total = base.sha256()
    conn.loop.updating = True
    try:
        base.remove("/ota_stage")
        uos.mkdir("/ota_stage")
        with open("/ota_stage/put", "wb") as f:
            while left:
                kind, part = yield from conn.records.receive()
                left -= len(part)
                if kind != _DATA or left < 0:
                    raise ValueError("unexpected")
                f.write(part)
                total.update(part)
        base.prove(total, sha, path[1:])
        folders(path)
        base.touch()
        if base.size("/OTA_STAGE") == -2:
            uos.rename("/ota_stage/put", path)
        else:
            with open(path, "wb") as f:
                yield from conn.busy(base.file("/ota_stage/put", conn.buf, base.sha256(), f))
    finally:
        conn.loop.updating = False
        base.remove("/ota_stage")


_COMMANDS = {
    "ping": ping,
    "version": version,
    "crash": crash,
    "ls": ls,
    "get": get,
    "rm": rm,
    "wipe": wipe,
    "reset": reset,
    "rollback": rollback,
    "safe_mode": safe_mode,
}
_NEW = {
    "mkdir": mkdir,
    "mv": mv,
    "df": df,
    "mem": mem,
    "config": config,
    "info": info,
    "put": put,
}

# What boot.py runs before anything else: it brings the flash to a state that can start. A journal
# that is there is a committed update: it is done to its end, from wherever a cut has left it. What
# is staged without one is discarded. Then it counts: after three boots in a row that did not come
# through, the version before comes back. Always source, never .mpy, and it imports nothing of the
# agent: it must run whatever state the rest is in. /ota_guard.py is its kept copy.
import sys

_path = tuple(sys.path)
sys.path[:] = (".frozen",)  # an app may bring a json.py, and that may not even load
import json
import os

import machine

sys.path[:] = _path

_JOURNAL = "/ota_journal"
_STAGE = "/ota_stage"
_COPY = "/ota_guard.py"
_LIST = "/ota_kept/list"  # a journal that brings back what the last commit has replaced
_TRIAL = "/ota_trial.json"  # what the version on trial must show; there while it is on trial
_CRASH = "/ota_crash.json"  # what went wrong last
_STATE = "/ota_boot_state.json"
_ENDED = "/ota_ended"  # the last reset was the agent's own; what may be in it becomes `safe`
_SAFE = {b"memory": "memory", b"asked": "asked"}
_UNCLEAN = 3  # boots in a row
_SLEPT = 3  # cycles of deep sleep that end a trial well
_UNSEEN = 20  # … that end one which had to be reached, and was not

safe = ""  # why the app is not to start
_counted = False


def recover():
    """For boot.py; whatever is wrong with the flash, the board goes on."""
    try:
        _settle()
        _finish()
        _keep_copy()
    except Exception as e:
        print("[uota] recovery is not complete: " + repr(e))
    if hard():
        count()


def hard():
    """Whether this is certainly no soft reset; a port that cannot tell begins in main.py."""
    cause = machine.reset_cause()
    return cause != getattr(machine, "SOFT_RESET", cause)


def broken(e):
    """The agent does not start: the one before comes back, where this one is on trial."""
    sys.print_exception(e)
    if trial() is not None and undo("the agent does not start: " + repr(e)):
        machine.reset()


# -- unclean boots


def count():
    """Once: count this boot as unclean until clean(), and see how many there were in a row."""
    global _counted
    if not _counted and machine.reset_cause() != getattr(machine, "SOFT_RESET", -1):
        try:
            _count()
        except Exception as e:
            print("[uota] boots are not counted: " + repr(e))
    _counted = True


def _count():
    global safe
    state = load(_STATE)
    memory = _memory(state)
    if memory is None:
        crashes = _number(state, "crashes") + 1 if state.get("clean") is False else 0
    else:
        crashes = memory[4] if memory else 0
    if size(_ENDED) >= 0:
        with open(_ENDED, "rb") as f:
            word = f.read(8)
        os.remove(_ENDED)
        crashes, safe = 0, _SAFE.get(word, "")
    elif machine.reset_cause() == getattr(machine, "DEEPSLEEP_RESET", -1):
        return _woken(state, memory)
    if crashes >= _UNCLEAN:
        crashes, safe = 0, "crashed"  # whatever comes of what is tried first
        if undo("%d unclean boots in a row" % _UNCLEAN):
            machine.reset()
        if not state.get("switched") and _switch():
            _save(_STATE, {"crashes": 0, "clean": True, "switched": True})
            machine.reset()
    if memory is None:
        _change(state, crashes, False)
    else:
        machine.RTC().memory(b"uota" + bytes([crashes + 1]))


def _woken(state, memory):
    """Deep sleep ends a boot well, and some cycles of it a trial."""
    on = trial()
    if memory:
        machine.RTC().memory(b"")
    if on is None:
        return _change(state, 0, True)
    slept = _number(state, "slept") + 1  # in a row
    if slept >= _SLEPT and not on.get("proof"):
        confirm()
    elif slept >= _UNSEEN and undo("not reached in %d cycles of deep sleep" % slept):
        machine.reset()
    else:
        _change(state, 0, True, slept)


def _memory(state):
    """The count in RTC memory, which costs no write: b"" for none, b"uota" and it. None where the
    app uses that memory, there is none, or a trial is on, whose count must outlive the power.
    """
    if state.get("rtc") and size(_TRIAL) < 0:
        found = machine.RTC().memory()
        if _ours(found):
            return found
    return None


def _ours(found):
    return not found or (found[:4] == b"uota" and len(found) == 5)


def _change(state, crashes, clean, slept=0):
    new = dict(state)
    new["crashes"], new["clean"], new["slept"] = crashes, clean, slept
    if not slept:
        del new["slept"]
    if new != state:
        _save(_STATE, new)


def clean():
    """This boot has come through."""
    state = load(_STATE)
    if _memory(state):
        machine.RTC().memory(b"")
    _change(state, 0, True)
    try:
        import esp32

        esp32.Partition.mark_app_valid_cancel_rollback()
    except (ImportError, AttributeError, OSError):
        pass  # another chip, or a firmware that was not installed over the air


def confirm():
    """The version has passed its trial."""
    for path in (_CRASH, _TRIAL):
        if size(path) >= 0:
            os.remove(path)
    state = {}
    try:
        state["rtc"] = _ours(machine.RTC().memory())  # the app leaves it to us
    except AttributeError:
        pass
    _save(_STATE, state)
    clean()


def _switch():
    """To the firmware before, where there are two and that one is valid."""
    try:
        import esp32

        esp32.Partition(esp32.Partition.RUNNING).get_next_update().set_boot()
        return True
    except (ImportError, AttributeError, OSError):
        return False


# -- the version before


def trial():
    """What the version on trial must show; None when none is on trial."""
    return load(_TRIAL) if size(_TRIAL) >= 0 else None


def save_trial(on):
    _save(_TRIAL, on)


def undo(why, trace="", failed=True):
    """Back to the version before; False where none is kept. @failed: it is not to come again."""
    how = kept()
    if trial() is None and how and _from_nothing():
        how = None
    if how:
        version = load("/ota_version.json").get("version", "unknown")
        print("[uota] back from %s: %s" % (version, why))
        now = failed and (trial() or {}).get("id") or None
        note(why, trace, {"from": version, "why": why[:200], "id": now})
        commit(_LIST, how == b"move")
        for _ in replay():
            pass
    return bool(how)


def _from_nothing():
    """Whether no version was there before: to go back would only take the app away."""
    with open(_LIST, "rb") as f:
        return b"r /ota_version.json\n" in f


def note(why, trace="", back=None):
    """Keep what went wrong; @back: which version it has cost."""
    old = load(_CRASH)
    new = {"version": load("/ota_version.json").get("version"), "why": why[:200]}
    new["trace"], new["back"] = trace[-1024:], back or failed()
    if new != old:
        _save(_CRASH, new)


def failed():
    """What the last version that was rolled back has left: from, why, id."""
    found = load(_CRASH).get("back")
    return found if isinstance(found, dict) else {}


def load(path):
    """The JSON object in a small file; {} where there is none, whatever there is."""
    n = size(path)
    try:
        with open(path) as f:
            found = json.loads(f.read(min(n, 9000)))  # a crash in control characters has as many
        return found if isinstance(found, dict) else {}
    except (OSError, ValueError, RuntimeError):
        return {}


def _save(path, found):
    """A flash that is full, or takes no writes, is lived with."""
    try:
        if size(path) == -1:
            rmtree(path)
        with open(path, "w") as f:
            json.dump(found, f)
    except OSError as e:
        print("[uota] %s: %r" % (path, e))


def _number(found, key):
    n = found.get(key)
    return n if type(n) is int and 0 <= n < 100 else 0


# -- the journal


def _finish():
    done = committed()
    for _ in replay():
        pass
    if done:  # what was imported before may be of the old version; this is to be found again
        sys.modules["ota_guard"] = sys.modules.get(__name__)
        for name in tuple(sys.modules):
            if name[:4] == "uota":
                del sys.modules[name]


def _settle():
    """A rename that was cut hides not only what it moved, but the next name in that folder too,
    until littlefs is about to write. This makes it sort that out, and writes nothing else.
    """
    try:
        os.remove(_STAGE + "/-")
    except OSError:
        pass


def commit(path, move):
    """The commit point: what is written at `path` becomes the journal in one atomic step. It is
    moved to its place; on FAT it lies there, with `----` in front.
    """
    _sync()
    if move:
        os.rename(path, _JOURNAL)
    else:
        with open(path, "r+b") as journal:
            journal.write(b"uota")  # within one sector, of a file that has its clusters
    _sync()


def kept():
    """How what is kept would come back: b"move", b"copy"; None where nothing is."""
    head = _head(_LIST)
    return head[7:11] if head in (b"uota 1 move\n", b"---- 1 copy\n") else None


def committed():
    """(path, whether it moves) of the journal that is to be done, or None."""
    head = _head(_JOURNAL)
    if head in (b"uota 1 move\n", b"uota 1 copy\n"):
        return _JOURNAL, head[7:8] == b"m"
    if head and head[:4] != b"----":  # else it is FAT's, and was never committed
        print("[uota] discarded a journal that cannot be read")
    if _head(_LIST) == b"uota 1 copy\n":
        return _LIST, False  # on FAT, on the way back
    return None


def _head(path):
    """The first line of a journal that is whole; b"-" of another file, b"" where none is."""
    try:
        with open(path, "rb") as f:
            head = f.readline(12)
            f.seek(0, 2)
            f.seek(max(0, f.tell() - 4))
            return head if f.read(4) == b"end\n" else b"-"
    except OSError:
        return b""  # the usual case


def replay():
    """Do what a committed journal says, and clear up; a generator that can be cut anywhere."""
    journal = committed()
    if journal:
        with open(journal[0], "rb") as f:
            f.readline()
            for line in f:
                yield 0
                try:
                    act, _, rest = str(line[:-1], "utf-8").partition(" ")
                    words = rest.split(" ", 1) if act in "pkc" else (rest,)
                    yield from _ACTS[act](journal[1], *words)
                except (OSError, KeyError, TypeError, ValueError) as e:
                    if isinstance(e, OSError) and e.errno not in _IN_THE_WAY:
                        raise  # a full flash, say: the next boot tries again
                    print("[uota] journal: %r: %r" % (line, e))
        if journal[0] == _LIST:
            rmtree("/ota_kept")
    # First, since what follows may be cut too: the files staged are no longer needed.
    discard()


def discard():
    """Forget journal and staging, in this order."""
    for path in (_JOURNAL, _STAGE):
        if size(path) > -2:
            rmtree(path)


def put(move, source, path):
    """A staged file to its place; where it is no longer staged, that is done."""
    if size(source) < 0:
        return
    _folders(path)
    if size(path) == -1:
        if path[:5] != "/ota_":
            raise OSError(21)  # EISDIR
        rmtree(path)
    if move:
        os.rename(source, path)
    else:
        yield from _copy(source, path)
        os.remove(source)  # never done twice: at most one file is without its content at a time


def _keep(move, kept, path):
    """A file to where it is kept, unless it is there."""
    if size(kept) == -2 and size(path) >= 0:
        _folders(kept)
        os.rename(path, kept)
    return ()


def _keep_copy_of(move, kept, path):
    """The same, by copying a file that has content; without any the copy was cut."""
    if size(kept) < 1 and size(path) > 0:
        _folders(kept)
        yield from _copy(path, kept)


def _empty(move, path):
    _folders(path)
    open(path, "w").close()
    return ()


def _folders(path):
    """Make the folders above a path."""
    n = path.find("/", 1)
    while n > 0:
        if size(path[:n]) >= 0:
            os.remove(path[:n])  # has come since the update was checked
        if size(path[:n]) == -2:
            os.mkdir(path[:n])
        n = path.find("/", n + 1)


def _remove(move, path):
    """A file, and the folders that this leaves empty."""
    if size(path) >= 0:
        os.remove(path)
    return _prune(move, path.rpartition("/")[0])


def _prune(move, path):
    """A folder, if it is empty, and those above."""
    try:
        while path:
            if size(path) == -1:
                os.rmdir(path)
            path = path.rpartition("/")[0]
    except OSError:
        pass  # it holds something
    return ()


def _make(move, path):
    _folders(path + "/")
    return ()


def _clear(move, path):
    if size(path) > -2:
        rmtree(path)
    return ()


def _end(move, path):
    return ()


_ACTS = {"p": put, "k": _keep, "c": _keep_copy_of, "e": _empty, "r": _remove, "d": _prune}
_ACTS["m"], _ACTS["x"], _ACTS["end"] = _make, _clear, _end
_IN_THE_WAY = (17, 20, 21, 39)  # EEXIST, ENOTDIR, EISDIR, ENOTEMPTY


def _copy(source, path):
    """On FAT nothing is renamed: a cut would leave two names on one chain of clusters."""
    buf = memoryview(bytearray(512))
    with open(source, "rb") as old, open(path, "wb") as new:
        n = 1
        try:
            while n:
                n = old.readinto(buf)
                new.write(buf[:n])
                yield 0
        finally:
            if n:  # broken off: a part must not pass for the whole
                new.close()
                os.remove(path)


def _keep_copy():
    """Keep a copy of this module, which has just shown that it runs; not one on trial."""
    mine = "/lib/uota/boot_guard.py"
    if (
        __name__ == "uota.boot_guard"
        and trial() is None
        and size(mine) > 0
        and not _same(mine, _COPY)
    ):
        for _ in _copy(mine, _COPY):
            pass


def _sync():
    if hasattr(os, "sync"):
        os.sync()


def _same(a, b):
    if size(a) != size(b):
        return False
    with open(a, "rb") as f, open(b, "rb") as g:
        part = f.read(256)
        while part and part == g.read(256):
            part = f.read(256)
    return not part


def free():
    """Bytes of flash. littlefs counts some blocks twice: below zero its figure wraps."""
    block, _, blocks, n = os.statvfs("/")[:4]
    return block * n if n <= blocks else 0


def size(path):
    """Of a file; -1 for a folder, -2 where nothing is."""
    try:
        st = os.stat(path)
    except OSError:
        return -2
    return -1 if st[0] & 0x4000 else st[6]


def rmtree(path):
    if size(path) >= 0:
        return os.remove(path)
    for entry in os.ilistdir(path):
        name = path + "/" + entry[0]
        if entry[1] & 0x4000:
            rmtree(name)
        else:
            os.remove(name)
    os.rmdir(path)

# A boot's first seconds, a version's trial, and an app that dies later. Loaded while there is
# something to watch: until the boot has come through, as long as the version is on trial, and
# when the app has died.
import gc
import utime

import uota
from uota import boot_guard, config

_LOOK_MS = const(200)
_CLEAN_S = const(2)  # a loop that has run that long has come through
_SAFE_S = const(300)  # without the app, for whoever needed the memory


def main(loop):
    """The loop's task."""
    trial = boot_guard.trial()
    return _boot(loop) if trial is None else _trial(loop, trial)


def _boot(loop):
    """Until the boot has come through, and without the app for a while."""
    begun = utime.ticks_ms()
    while True:
        lived = _since(begun)
        if uota.crash:
            boot_guard.note(_last(uota.crash), uota.crash)
        if lived >= _CLEAN_S and not uota.clean:
            boot_guard.clean()
            uota.clean = True
        if uota.clean and uota.safe != "memory":
            return
        if lived >= _SAFE_S and not loop.conns:
            return loop.reset_soon()
        yield _LOOK_MS


def _trial(loop, trial):
    """Until the version on trial has shown what it must, or cannot."""
    begun = utime.ticks_ms()
    settings = config.load()[0]
    after = _seconds(settings, "confirmAfter", 30)
    network = _seconds(settings, "confirmNetwork", 300) or 300
    ready = why = None
    lived = well = 0
    while True:
        lived = max(lived, _since(begun))  # after six days the clock jumps back
        need = _missing(loop, trial)
        if not need:
            well = lived
        left = 0 if uota.confirmed else max(0, after - lived)
        if lived - well >= network:
            why = "not up within %d s: %s" % (network, ", ".join(need))
        if uota.safe or not (after or uota.confirmed):
            need.append("app")
        elif not (left or ready or loop.updating):
            why = why or _unready()
            ready = True
        why = _app_failed(trial) or why
        if not loop.updating:  # an update that comes may be the cure
            if why:
                return _fail(loop, why)
            if not (need or left):
                _pass()
                return uota.log("confirmed after %d s" % lived)
        uota.on_trial = {"app": lived, "need": need}
        if after:
            uota.on_trial["left"] = left
        yield _LOOK_MS


def _since(begun):
    return utime.ticks_diff(utime.ticks_ms(), begun) // 1000


def _seconds(settings, key, default):
    found = settings.get(key)
    return found if type(found) is int and 0 <= found <= 86400 else default


def _last(text):
    return text.rstrip().split("\n")[-1]


def _missing(loop, trial):
    """What the version has still to show, by name."""
    if trial.get("proof") and loop.heard:
        trial["proof"] = False
        boot_guard.save_trial(trial)  # it counts over a deep sleep too
    up = trial.get("up")
    up = up if isinstance(up, list) else ()
    need = []
    for name in up:
        if isinstance(name, str) and not loop.up.get(name):
            need.append(name)
    if trial.get("proof"):
        need.append("connection")
    return need


def _unready():
    """Why no session could be served now, or None."""
    gc.collect()
    try:
        for name in uota.SESSION.split():
            uota.load(name)
            uota.drop(name)
        uota.load("push2")
        uota.load("manifest")  # beside it: the most that a push has at once
        uota.drop()
    except Exception as e:
        return "no next update: " + repr(e)


def _app_failed(trial):
    """Why the app is no good, or None."""
    if uota.crash:
        return _last(uota.crash)
    if uota.no_app and trial.get("app"):
        return "there is no app any more"
    if uota.safe == "memory":
        return "MemoryError: the app leaves too little for a session"


def _fail(loop, why):
    if boot_guard.undo(why, uota.crash):
        loop.reset_soon()
    else:  # what is kept has been lost: this version must do
        boot_guard.note(why, uota.crash)
        _pass()


def _pass():
    boot_guard.confirm()
    uota.clean = True
    uota.on_trial = None

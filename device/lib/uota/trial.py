# A boot's first seconds, a version's trial, and an app that dies later. Loaded while there is
# something to watch: until the boot has come through, as long as the version is on trial, and
# when the app has died.
import gc
import time

from micropython import const

import uota
from uota import boot_guard, config

_LOOK_MS = const(200)
_CLEAN_S = const(2)  # a loop that has run that long has come through
_SAFE_S = const(300)  # without the app, for whoever needed the memory


def run(loop):
    """The loop's task."""
    begun = time.ticks_ms()
    trial = boot_guard.trial()
    settings = config.load()[0]
    after = _seconds(settings, "confirmAfter", 30)
    network = _seconds(settings, "confirmNetwork", 300)
    ready = trial is None
    why = None
    while True:
        lived = time.ticks_diff(time.ticks_ms(), begun) // 1000
        died = uota.crash
        if trial is None:
            if died:
                boot_guard.note(_last(died), died)
            if lived >= _CLEAN_S and not uota.clean:
                boot_guard.clean()
                uota.clean = True
            if uota.clean and uota.safe != "memory":
                return
            if lived >= _SAFE_S and not loop.conns:
                return loop.reset_soon()
        else:
            need = _missing(loop, trial)
            if need and lived >= network:
                why = "not up within %d s: %s" % (network, ", ".join(need))
            left = 0 if uota.confirmed else max(0, after - lived)
            if not after and not uota.confirmed:
                need.append("app")
            elif not left and not ready:
                why = _unready()
                ready = True
            if died:
                why = _last(died)
            elif uota.no_app and trial.get("app"):
                why = "there is no app any more"
            if why and not loop.updating:  # an update that comes may be the cure
                return _fail(loop, why, died)
            if not (need or left or loop.updating):
                boot_guard.confirm()
                uota.clean = True
                uota.on_trial = None
                uota.log("confirmed after %d s" % lived)
                return
            uota.on_trial = {"app": lived, "left": left, "need": need}
        yield _LOOK_MS


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
    need = [name for name in trial.get("up", ()) if not loop.up.get(name)]
    return need + ["connection"] if trial.get("proof") else need


def _unready():
    """Why no session could be served now, or None."""
    gc.collect()
    try:
        from uota import push  # noqa: F401 - it brings all that a session needs
    except Exception as e:
        return "the next update could not come: " + repr(e)


def _fail(loop, why, trace):
    if boot_guard.undo(why, trace):
        loop.reset_soon()
    else:  # what is kept has been lost: this version must do
        boot_guard.note(why, trace)
        boot_guard.confirm()
        uota.on_trial = None
        uota.clean = True

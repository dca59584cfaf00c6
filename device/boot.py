# Starts the micro-ota agent. Always installed as source, never as .mpy, so that a new firmware
# can read it. After a hard reset it recovers, then runs app and agent; after a soft reset (what
# mpremote, Thonny and Ctrl-D do) it recovers and leaves the rest to main.py, which those skip.
import sys


def _guard(act, *args):
    for name in "uota.boot_guard", "ota_guard":  # the second is a kept copy of the first
        try:
            __import__(name)
            return getattr(sys.modules[name], act)(*args)
        except Exception as e:
            print("[uota] %s: %r" % (name, e))


_guard("recover")
try:
    import uota

    if _guard("hard"):
        uota.main()
except Exception as e:
    print("[uota] does not start; if it stays so, run `uota bootstrap` over USB")
    _guard("broken", e)

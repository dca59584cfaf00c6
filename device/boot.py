# Starts the micro-ota agent. Always installed as source, never as .mpy, so that a new firmware
# can read it. After a hard reset it recovers, then runs app and agent; after a soft reset (what
# mpremote, Thonny and Ctrl-D do) it recovers and leaves the rest to main.py, which those skip.
import sys

for _name in "uota.boot_guard", "ota_guard":  # the second is a kept copy of the first
    try:
        __import__(_name)
        sys.modules[_name].recover()
        break
    except Exception as e:
        print("[uota] %s: %r" % (_name, e))
try:
    import machine
    import uota

    # Ports that cannot tell a soft reset start in main.py, so that tools get their REPL.
    if machine.reset_cause() != getattr(machine, "SOFT_RESET", machine.reset_cause()):
        uota.main()
except Exception as e:
    sys.print_exception(e)
    print("[uota] failed: run `uota bootstrap` over USB")

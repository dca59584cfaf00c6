# micro-ota's agent as the app and the REPL see it: main(), start(), poll(), confirm() and log().
# The app starts here, in a thread of its own, before the event loop is loaded, so that it
# finds the heap whole. When it dies it is started again; `crash` is for trial.py.
import gc
import sys
import utime

# Before "", since from / `import app` would find the folder /app. Never /lib/uota.
sys.path[:0] = "/lib", "/app"

crash = ""  # traceback of the app's last death, its last KB
no_app = False
confirmed = False  # by the app
on_trial = None  # how far the version is, for `version`
safe = ""  # why the app was not started
clean = False  # this boot has come through
_loop = _watchdog = _task = None
_begun = False
_reserve = bytearray(1024)  # for the last file that is written where nothing else is left
_news = True  # for trial.py
_NO_APP = const("no module named 'app'")
_STARVED_MS = const(20000)  # without memory for a turn of the loop
_LONGEST_S = const(60)  # between two lives of the app
_WATCHDOG_MS = const(8000)  # the most that an RP2 has
# All that is loaded for sessions:
SESSION = (
    "ota welcome commands push push2 manifest inventory receive install commit"
    " base config boot_guard trial"
)


class Refused(Exception):
    """An answer of a session that goes out as it is, without `error: `, and ends it."""


def log(text):
    print("[uota] " + text)


def main():
    """Start the app and serve updates until Ctrl-C. The second call does nothing."""
    global _begun
    if _begun:
        return
    _begun = True
    _guard()
    if "uota" not in sys.modules:
        import uota  # recovery has brought a new one

        return uota.main()
    stack = load("config").load()[0].get("appStack")
    if safe:
        log("safe mode: the app does not run (%s)" % safe)
        return start()
    try:
        import _thread

        _thread.stack_size(stack if type(stack) is int else 16384)
        _thread.start_new_thread(_app, ())
        _thread.stack_size(0)
    except ImportError:
        _app(_serve)  # no threads: it runs here and calls poll(); between two lives we do
    start()


def _guard():
    """Recovery, where boot.py is not ours or was lost in a power cut; how many boots failed."""
    global safe
    guard = sys.modules.get("ota_guard") or sys.modules.get("uota.boot_guard")
    if not guard:
        from uota import boot_guard as guard

        guard.recover()
    guard.count()
    safe = guard.safe
    sys.modules.pop("ota_guard", None)


def confirm():
    """For the app: this version works. Stands for the seconds of `confirmAfter`."""
    global confirmed
    confirmed = True


def start():
    """Serve updates until Ctrl-C, or again after it."""
    served = utime.ticks_ms()
    while True:
        try:
            poll(1000)
            served = utime.ticks_ms()
        except MemoryError:
            if utime.ticks_diff(utime.ticks_ms(), served) > _STARVED_MS and not safe:
                _reset("memory")
            utime.sleep_ms(20)  # the app has it all: perhaps it gives some back
        except KeyboardInterrupt:
            return log("stopped; uota.start() resumes")


def _reset(how=""):
    """Reset the board, as a boot that came through; @how: why the app is not to start then."""
    global _reserve
    _reserve = None
    if how or not clean:
        try:
            with open("/ota_ended", "w") as f:
                f.write(how)
        except (OSError, MemoryError):
            pass
    import machine

    machine.reset()


def poll(wait=0):
    """Serve what comes within `wait` ms: for apps on ports without threads."""
    global _loop, _news, _task
    if not _loop:
        _loop = _new_loop()
    if _watchdog:
        _watchdog.feed()
    if _news and not _task and not _loop.ending:
        _task = _loop.add(load("trial").main(_loop))
        _news = False
    try:
        _loop.step(wait)
    except KeyboardInterrupt:
        # It may have been amid a task, which has ended with it: the next turn begins anew.
        if not _loop.ending:
            _loop.close()
            _loop = None
            _news = True
        raise
    if _task not in _loop.tasks:
        _task = None  # and its code goes
        _news = _news or not clean  # it has met something that it did not expect


def _new_loop():
    global _watchdog
    settings, broken = load("config").load()
    if broken:
        log(broken)
    new = load("loop").Loop()
    names = settings.get("transports")
    if not isinstance(names, list) or "wifi_tcp" in names:
        new.add(load("transports.wifi_tcp").main(new, settings))
    if settings.get("watchdog") is True:
        import machine

        _watchdog = machine.WDT(timeout=_WATCHDOG_MS)
    return new


def _serve(seconds):
    end = utime.ticks_add(utime.ticks_ms(), seconds * 1000)
    while utime.ticks_diff(end, utime.ticks_ms()) > 0:
        poll(100)


def _app(wait=utime.sleep):
    """The app's life, and the next one whenever it has died."""
    global no_app
    pause = 1
    while True:
        began = utime.ticks_ms()
        try:
            import app

            if not hasattr(app, "__file__"):  # the folder is there, and no app.py in it
                raise ImportError(_NO_APP)
            app.run()
            return
        except BaseException as e:  # SystemExit and MemoryError must not pass in silence either
            if str(e) == _NO_APP:
                no_app = True
                return log("there is no app")
            _died(e)
        if utime.ticks_diff(utime.ticks_ms(), began) > _LONGEST_S * 1000:
            pause = 1
        log("again in %d s" % pause)
        wait(pause)
        pause = min(2 * pause, _LONGEST_S)
        sys.modules.pop("app", None)


def _died(e):
    global crash, _news
    try:
        import uio

        text = uio.StringIO()
        sys.print_exception(e, text)
        crash = text.getvalue()[-1024:]
    except MemoryError:
        crash = "MemoryError"
    _news = True
    log(("the app died\n" + crash.rstrip()).replace("\n", "\n[uota] "))


# -- the code of sessions


def load(name):
    """A module of a session's, where it does not split the heap: amid garbage it would."""
    name = "uota." + name
    if name not in sys.modules:
        gc.collect()
        __import__(name)
        gc.collect()  # the app's next objects go below the code, not above its garbage
    return sys.modules[name]


def drop(names=SESSION):
    """Let go of modules: what is not in use goes, and comes again when it is wanted."""
    gone = False
    for name in names.split():
        if sys.modules.pop("uota." + name, None):
            globals().pop(name, None)
            gone = True
    if gone:
        gc.collect()

# micro-ota's agent as the app and the REPL see it: main(), start(), poll() and log().
# The app starts here, in a thread of its own, before the event loop is loaded, so that it
# finds the heap whole; how it died is printed and kept in `crash` for whoever asks.
import sys

# Before "", since from / `import app` would find the folder /app. Never /lib/uota.
sys.path[:0] = "/lib", "/app"

crash = None  # traceback of the app's death, its last KB
_loop = None
_begun = False


def log(text):
    print("[uota] " + text)


def main():
    """Start the app and serve updates until Ctrl-C. The second call does nothing."""
    global _begun
    if _begun:
        return
    _begun = True
    if "uota.boot_guard" not in sys.modules and "ota_guard" not in sys.modules:
        from uota import boot_guard  # boot.py is not ours, or was lost in a power cut

        boot_guard.recover()
        if "uota" not in sys.modules:
            import uota  # it has brought a new one

            return uota.main()
    from uota import config

    stack = config.load()[0].get("appStack")
    try:
        import _thread

        _thread.stack_size(stack if type(stack) is int else 16384)
        _thread.start_new_thread(_app, ())
        _thread.stack_size(0)
    except ImportError:
        _app()  # no threads: it runs here and calls poll(); when it ends, the loop takes over
    start()


def start():
    """Serve updates until Ctrl-C; resumes what an earlier Ctrl-C left."""
    while True:
        try:
            poll(1000)
        except MemoryError:
            pass  # the app has it all: perhaps it gives some back
        except KeyboardInterrupt:
            return log("stopped; uota.start() resumes")


def poll(wait=0):
    """Serve what comes within `wait` ms: for apps on ports without threads."""
    global _loop
    if not _loop:
        from uota import config, loop
        from uota.transports import wifi_tcp

        settings, broken = config.load()
        if broken:
            log(broken)
        new = loop.Loop()
        new.add(wifi_tcp.run(new, settings))
        _loop = new
    _loop.step(wait)


def _app():
    global crash
    try:
        import app

        app.run()
    except BaseException as e:  # SystemExit and MemoryError must not pass in silence either
        import io

        text = io.StringIO()
        sys.print_exception(e, text)
        crash = text.getvalue()[-1024:]
        log(("the app died\n" + crash.rstrip()).replace("\n", "\n[uota] "))

# micro-ota's agent as the app and the REPL see it: main(), start(), poll() and log().
# The app starts here, in a thread of its own, before the event loop is loaded, so that it
# finds the heap whole; how it died is printed and kept in `crash` for whoever asks.
import sys

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
    if "/app" not in sys.path:
        sys.path.insert(0, "/app")
    from uota import config

    settings, broken = config.load()
    if broken:
        log("config/ota.json is broken: " + broken)
    try:
        import _thread
    except ImportError:
        # No threads: the app runs here and calls poll(); when it ends the loop takes over.
        _load(settings)
        _app()
    else:
        stack = settings.get("appStack")
        _thread.stack_size(stack if type(stack) is int else 16384)
        _thread.start_new_thread(_app, ())
        _thread.stack_size(0)
        _load(settings)
    start()


def start():
    """Serve updates until Ctrl-C; resumes what an earlier Ctrl-C left."""
    _load()
    try:
        while True:
            _loop.step(1000)
    except KeyboardInterrupt:
        log("stopped; uota.start() resumes")


def poll():
    """Serve what is waiting and return: for apps on ports without threads."""
    _load()
    _loop.step(0)


def _load(settings=None):
    global _loop
    if _loop is None:
        from uota import loop

        if settings is None:
            from uota import config

            settings = config.load()[0]
        _loop = loop.Loop(settings)


def _app():
    try:
        import app

        app.run()
        log("app.run() has returned")
    except BaseException as e:  # SystemExit and MemoryError must not pass in silence either
        if str(e) == "no module named 'app'":
            log("no app: /app/app.py is missing")
        else:
            _report(e)


def _report(e):
    global crash
    try:
        import io

        text = io.StringIO()
        sys.print_exception(e, text)
        crash = text.getvalue()[-1024:]
    except MemoryError:
        crash = repr(e)
    log("the app died: " + repr(e))
    for line in crash.split("\n"):
        if line:
            log(line)

"""The process from which boots are forked. It holds MicroPython and little else: a fork costs time
by what its parent holds.

On stdin comes first (folder of the simulator's package, script, settings, heap); then, a line each,
what boots begin with. Their process ids are the answers.
"""

import ast
import contextlib
import ctypes
import mmap
import os
import signal
import sys
import traceback


def main():
    package, script, settings, heap = ast.literal_eval(sys.stdin.readline())
    sys.path.insert(0, package)
    from uota_sim.engine import Engine

    maps = [mmap.mmap(settings[name], 0) for name in ("image_fd", "seen_fd", "mailbox_fd")]
    at = [ctypes.addressof(ctypes.c_char.from_buffer(one)) for one in maps]
    settings.update(image_at=at[0], seen_at=at[1])
    engine = Engine(script, settings, heap)
    for line in sys.stdin:
        reap()
        pid = os.fork()
        if pid == 0:
            boot(engine, line, settings["out_fd"], maps[2])
        os.write(1, b"%d\n" % pid)


def reap():
    """Those that are over; the harness has seen it by their pidfd."""
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def boot(engine, script, out, box):
    try:
        ctypes.CDLL(None).prctl(1, signal.SIGKILL, 0, 0, 0)  # PR_SET_PDEATHSIG
        os.dup2(out, 1)
        os.dup2(out, 2)
        engine.run(script)
        engine._scripts(box[2])  # those that the boot has found, see mailbox.py
        engine.run("__import__('#rig').ended()")
    except BaseException:
        traceback.print_exc()
    os._exit(70)


if __name__ == "__main__":
    main()

"""Two threads that read the flash at once, on a loaded machine: littlefs knows no threads, so what
stands in for the GIL must keep the second one out."""

import os
import signal
import subprocess

import pytest

BOOTS = 12
HOGS = 3 * (os.cpu_count() or 2)
SOURCE = "\n".join(f"def f{i}(a, b):\n    return a + b * {i}\n" for i in range(150))
BOOT = """
import _thread, sys
def more():
    import m0, m1, m2, m3
    print('thread done', m3.f7(1, 1))
_thread.stack_size(16384)
_thread.start_new_thread(more, ())
import m4, m5, m6, m7
print('main done', m7.f7(1, 1))
"""


@pytest.fixture
def load():
    """More work than the machine has processors, so that threads are held up anywhere."""
    hogs = [subprocess.Popen(["sh", "-c", "while :; do :; done"]) for _ in range(HOGS)]
    yield
    for hog in hogs:
        hog.kill()
        hog.wait()


def test_modules_imported_by_two_threads_at_once_are_whole(board, script, load):
    modules = [script(f"/m{i}.py", SOURCE) for i in range(8)]
    one = board("--heap", "1M", *modules, boot=BOOT)
    for _ in range(BOOTS):
        done = {one.line(r"(main|thread) done 8|\w*Error").group(0) for _ in range(2)}
        assert done == {"main done 8", "thread done 8"}
        one.process.send_signal(signal.SIGUSR2)

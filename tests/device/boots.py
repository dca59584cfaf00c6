# Boots as a board makes them, of a guard that is loaded anew: what boot.py calls first, and again
# after each reset that comes of it.
import sys

from board import machine


class Reset(BaseException):
    """machine.reset(): nothing catches it, and nothing after it is done."""


def _reset():
    raise Reset


_path = [path for path in sys.path if path not in ("/lib", "/app")]


def unload():
    sys.path[:] = _path
    for name in tuple(sys.modules):
        if name[:4] == "uota" or name == "ota_guard":
            del sys.modules[name]


def boot(cause=machine.HARD_RESET):
    """recover(), as often as it resets; the guard, and how often it did."""
    real = machine.reset
    machine.reset = staticmethod(_reset)
    try:
        for resets in range(4):
            unload()
            machine.cause = cause
            try:
                __import__("uota.boot_guard")
                sys.modules["uota.boot_guard"].recover()
                guard = sys.modules.get("ota_guard") or sys.modules["uota.boot_guard"]
                return guard, resets
            except Reset:
                cause = machine.HARD_RESET
    finally:
        machine.cause = machine.SOFT_RESET
        machine.reset = real
    raise AssertionError("a boot loop")


def came_through():
    """What a boot ends with that runs for two seconds, without a trial."""
    from uota import boot_guard

    boot_guard.clean()


def files(but=""):
    """Every file and folder of the board's that is not the agent's own, nor below `but`."""
    from test_push import _tree

    tree = _tree(but=but)
    return {path: tree[path] for path in tree if path[:5] != "/ota_"}


def same(a, b):
    for path in sorted(set(a) | set(b)):
        assert path in a, "missing: " + path
        assert path in b, "too many: " + path
        assert a[path] == b[path], path

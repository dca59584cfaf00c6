"""Many updates in a row on littlefs: nothing may be left behind by any of them."""

from . import scenarios, verdict
from .machine import Boot
from .recorder import Recorder
from .tool import Tool, settle, switch_on, update

_ONE = {path: scenarios.ONE[path] for path in ("app/app.py", "app/old/gone.py", "lib/driver.py")}
_TWO = {path: scenarios.TWO[path] for path in ("app/app.py", "app/new/deep/er.txt")}
SETS = (_ONE, {**_TWO, "lib/driver.mpy": scenarios.TWO["lib/driver.mpy"]})


def free_after(updates, every):
    """Free blocks after each @every-th update; @every is even, so that the same set is on it."""
    board = Recorder("littlefs").board
    tool = Tool(board)
    found = []
    for first in range(0, updates, every):
        switch_on(board)
        for i in range(first, first + every):
            update(board, tool, lambda tool, i=i: tool.full(f"{i}", SETS[i % 2]))
            settle(board, tool)
        board.kill()
        found.append(verdict.Look(board.boot(Boot())).free)
    return found

# `_asyncio`, which firmware has in C, on the board's ticks: the C one stamps tasks with the
# host's, which neither start at the reset nor wrap. asyncio itself is MicroPython's.

import sim_time

_ticks_ms, _ticks_diff = sim_time.ticks_ms, sim_time.ticks_diff
_context = {}  # the globals of asyncio.core: cur_task, _task_queue, CancelledError


class TaskQueue:
    def __init__(self):
        self._tasks = []

    def peek(self):
        return self._tasks[0] if self._tasks else None

    def push(self, task, key=None):
        task.data = None
        task.ph_key = key = _ticks_ms() if key is None else key
        tasks = self._tasks
        at = len(tasks)
        while at and _ticks_diff(tasks[at - 1].ph_key, key) > 0:
            at -= 1
        tasks.insert(at, task)

    def pop(self):
        if not self._tasks:
            raise IndexError("empty heap")
        return self._tasks.pop(0)

    def remove(self, task):
        self._tasks.remove(task)


class Task:
    # state: True running, a TaskQueue of who waits, None done and not asked for, False asked for
    def __init__(self, coro, context=None):
        global _context
        self.coro = coro
        self.data = None
        self.state = True
        self.ph_key = 0
        if context is not None:
            _context = context

    def __iter__(self):
        if not self.state:
            self.state = False
        elif self.state is True:
            self.state = TaskQueue()
        elif not isinstance(self.state, TaskQueue):
            raise RuntimeError("can't wait")
        return self

    def __next__(self):
        if not self.state:
            raise self.data
        self.state.push(_context["cur_task"])
        _context["cur_task"].data = self

    def done(self):
        return not self.state

    def cancel(self):
        if not self.state:
            return False
        if self is _context["cur_task"]:
            raise RuntimeError("can't cancel self")
        task = self
        while isinstance(task.data, Task):
            task = task.data
        queue = _context["_task_queue"]
        if hasattr(task.data, "remove"):
            task.data.remove(task)
            queue.push(task)
        elif _ticks_diff(task.ph_key, _ticks_ms()) > 0:
            queue.remove(task)
            queue.push(task)
        task.data = _context["CancelledError"]
        return True

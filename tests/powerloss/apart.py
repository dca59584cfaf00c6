"""Functions in processes of their own: MicroPython starts once in each. One that raises or dies
raises here.
"""

import multiprocessing
import traceback
from multiprocessing.connection import wait

_context = multiprocessing.get_context("spawn")


class Failed(Exception):
    """What went wrong there, as text."""


def call(function, *arguments):
    return next(each(function, [arguments], 1))


def each(function, tasks, jobs):
    """function(*task) for each task, @jobs at once; gives the results as they come."""
    tasks = iter(tasks)
    running = {}
    try:
        for task in tasks:
            running.update([_start(function, task)])
            if len(running) == jobs:
                yield from _some(running)
        while running:
            yield from _some(running)
    finally:
        for process in running.values():
            process.kill()


def _start(function, task):
    reader, writer = _context.Pipe(duplex=False)
    process = _context.Process(target=_work, args=(writer, function, task))
    process.start()
    writer.close()
    return reader, process


def _work(writer, function, task):
    try:
        result = True, function(*task)
    except BaseException:
        result = False, traceback.format_exc()
    writer.send(result)


def _some(running):
    """The results of those that have ended: one at least."""
    for reader in wait(list(running)):
        process = running.pop(reader)
        try:
            done, result = reader.recv()
        except EOFError:
            done, result = False, "the process has died"
        process.join()
        if not done:
            raise Failed(result)
        yield result

"""Runs each scenario once without a cut, over a real socket, and keeps the log of its flash
operations with what the board holds before and after.
"""

import contextlib
import hashlib
import os
import pickle

from . import flashlog, scenarios, verdict
from .machine import LOOK, ROOT, TELL, Board, Boot, Dead, make_image
from .tool import drive

FOLDER = ROOT / "build" / "powerloss"


class Recording:
    """One run: @base, the image before it, the operations, and verdict.Reference of both ends."""

    def __init__(self, fs, name, base, log, old, new):
        self.fs, self.name, self.base = fs, name, base
        self.ops = flashlog.parse(log)
        self.old, self.new = old, new
        self.keeps = bool(new.kept)
        self.deep = scenarios.every()[name].deep
        self.made_of = made_of()

    def save(self):
        FOLDER.mkdir(parents=True, exist_ok=True)
        path = FOLDER / f"{self.fs}-{self.name}.pickle"
        new = path.with_suffix(f".{os.getpid()}")
        new.write_bytes(pickle.dumps(self))
        new.replace(path)


def saved(fs, name):
    """The last recording; None where there is none."""
    with contextlib.suppress(OSError, AttributeError):
        return pickle.loads((FOLDER / f"{fs}-{name}.pickle").read_bytes())


def current(recording):
    """Whether the agent is still the one that was recorded."""
    return recording and recording.made_of == made_of()


def made_of():
    """A hash of the agent's and the scenarios' files."""
    total = hashlib.sha256()
    for path, data in sorted({**scenarios.agent(), **scenarios.ONE, **scenarios.TWO}.items()):
        total.update(path.encode() + b"\0" + data)
    return total.hexdigest()


class Recorder:
    def __init__(self, fs):
        self.fs = fs
        state = scenarios.fresh()
        files = {"/" + path: data for path, data in state.files.items()}
        self.board = Board(fs, make_image(fs, files))
        self.scenarios = scenarios.every()
        self._outcomes = {None: (self._rest(), state, None)}

    def _rest(self):
        drive(self.board, None)
        self.board.take_log()
        return bytes(self.board.image)

    def outcome(self, name):
        """(image, state, state before) once a scenario has run."""
        if name not in self._outcomes:
            self.record(name)
        return self._outcomes[name]

    def record(self, name):
        scenario = self.scenarios[name]
        base, before, older = self.outcome(scenario.start)
        after = scenario.outcome(before, older)
        self.board.image[:] = base
        drive(self.board, scenario.talk)
        log = self.board.take_log()
        done = bytes(self.board.image)
        self._outcomes[name] = done, after, before
        old, new = self._reference(base, before), self._reference(done, after)
        return Recording(self.fs, name, base, log, old, new)

    def _reference(self, image, state):
        """What a board at rest shows; it must be what the scenario says."""
        self.board.image[:] = image
        look = verdict.Look(self.board.boot(Boot(looks=LOOK | TELL)))
        reference = verdict.Reference(state, look)
        keeps = bool(look.kept)
        faults = verdict.judge(look, reference, reference, self.fs, keeps)[1]
        faults += verdict.told(state, look)
        if faults:
            raise Dead("without any cut: " + "; ".join(faults))
        return reference

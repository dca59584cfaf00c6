"""Runs each scenario once without a cut, over a real socket, and keeps the log of its flash
operations with what the board holds before and after.
"""

import contextlib
import hashlib
import pickle

from . import flashlog, scenarios, verdict
from .machine import FOLDER, LOOK, TELL, Board, Boot, Dead, make_image
from .tool import drive


class Recording:
    """One run: @base, the image before it, the operations, and verdict.Reference of both ends."""

    def __init__(self, fs, name, base, log, old, new):
        self.fs, self.name, self.base = fs, name, base
        self.ops = flashlog.parse(log)
        self.old, self.new = old, new
        self.keeps = bool(new.kept)
        scenario = scenarios.every()[name]
        self.deep, self.goes_on = scenario.deep, scenario.goes_on
        self.made_of = made_of()

    def save(self):
        scenarios.keep(FOLDER / f"{self.fs}-{self.name}.pickle", self)


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
    for path, data in sorted({**scenarios.agent(), **scenarios.ONE, **scenarios.FOUR}.items()):
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
        return self.board.unload()

    def outcome(self, name):
        """(image, state, state before) once a scenario has run."""
        if name not in self._outcomes:
            self.record(name)
        return self._outcomes[name]

    def record(self, name):
        scenario = self.scenarios[name]
        base, before, older = self.outcome(scenario.start)
        after = scenario.outcome(before, older)
        self.board.load(base)
        drive(self.board, scenario.talk)
        log = self.board.take_log()
        done = self.board.unload()
        self._outcomes[name] = done, after, before
        old = self._reference(base, before, stages=True)
        new = self._reference(done, after, stages=scenario.stages)
        return Recording(self.fs, name, base, log, old, new)

    def _reference(self, image, state, stages=False):
        """What a board at rest shows; it must be what the scenario says."""
        self.board.load(image)
        look = verdict.Look(self.board.boot(Boot(looks=LOOK | TELL)))
        reference = verdict.Reference(state, look, stages)
        keeps = bool(look.kept)
        faults = verdict.judge(look, reference, reference, self.fs, keeps)[1]
        if faults:
            raise Dead("without any cut: " + "; ".join(faults))
        return reference

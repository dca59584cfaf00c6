"""Cuts a recorded run at every flash operation, boots each image that is left, and judges it."""

import contextlib
import itertools

from . import fat, flashlog, verdict
from .boots import Boots
from .machine import LOOK, TELL, TOUCH, Board, Dead
from .tool import push_once

JOURNAL = "/ota_journal"
COUNT = "/ota_boot_state.json"
DEEP = 29  # the quick sweep cuts the recovery after one in so many cuts of the update,
SPARSE = 37  # and there at one in so many of its cut points


class Sweep:
    """@every: the recovery is cut after every cut, not after one in DEEP; @forget: a file that the
    boots do not find; @erases: a sector write on FAT begins with an erase; @tell(case, faults):
    called for each bad state; @afresh: each boot is made.
    """

    def __init__(
        self,
        recording,
        every=False,
        forget=None,
        erases=False,
        tell=None,
        board=None,
        afresh=False,
    ):
        self.recording, self.every = recording, every
        self.forget, self.erases = forget, erases
        self.boots = Boots(board or Board(recording.fs, recording.base), afresh)
        self.tell = tell or (lambda case, faults: None)
        self._went_on = {}  # by what was staged: what was wrong
        self.swept = self.bad = self.mixed = 0
        self.ends = {"old": 0, "new": 0, None: 0}

    def run(self, part=0, parts=1):
        """All cut points, or one of so many parts: neighbours have much in common."""
        recording = self.recording
        count = sum(1 for _ in flashlog.cuts(recording.ops, self.erases))
        cuts = flashlog.images(recording.base, recording.ops, self.erases)
        first, end = (count * n // parts for n in (part, part + 1))
        for i, (n, how, image) in enumerate(itertools.islice(cuts, first, end), first):
            self._cut(self._spoil(image), f"{how}/{n}", i)

    def replay(self, *cuts):
        """(state, faults) of one case: the (how, n) of each cut in turn."""
        image, ops = self.recording.base, self.recording.ops
        for how, n in cuts[:-1]:
            image = self._spoil(flashlog.rebuild(image, ops, n, how))
            ops = self._faults(image)[2]
        how, n = cuts[-1]
        image = self._spoil(flashlog.rebuild(image, ops, n, how))
        return self.judge(image)[:2]

    def judge(self, image):
        """(state, faults, flash operations of the boot) after two boots of an image."""
        try:
            return self._faults(image)
        except Dead as dead:
            return None, [f"dead: {dead}"], []

    def _spoil(self, image):
        """Garbage where FAT counts as free: what was there may be reused at any time."""
        if self.recording.fs == "fat":
            with contextlib.suppress(ValueError):
                fat.Volume(image).fill_free()
        return image

    def _cut(self, image, case, i):
        ops = self._count(image, case)
        if self.recording.deep and (self.every or i % DEEP == 0):
            cuts = flashlog.images(image, ops, self.erases)
            first, step = (1, 1) if self.every else (1 + i // DEEP % SPARSE, SPARSE)
            for n, how, again in itertools.islice(cuts, first, None, step):
                if n < len(ops):
                    self._count(self._spoil(again), f"{case}/{how}/{n}")

    def _count(self, image, case):
        state, faults, ops = self.judge(image)
        self.swept += 1
        self.ends[state] += 1
        if faults:
            self.bad += 1
            self.mixed += any(fault.startswith("mixed") for fault in faults)
            self.tell(f"{self.recording.fs}/{self.recording.name}/{case}", faults)
        return ops

    def _faults(self, image):
        first, ops = self._look(image)
        then = flashlog.after(image, ops)
        state, faults = self._compare(first)
        if any(fault.endswith("blocks free") for fault in faults):
            state, faults = self._compare(self._look(then, looks=LOOK | TOUCH)[0])
        if self.recording.fs == "fat":
            faults += fat.Volume(then).faults()
        if ops:
            # So many cuts in a row would count as boots that the version does not come through.
            second = self._look(self._spoil(then), forget=(self.forget, COUNT))[0]
            if not second.same_as(first):
                faults.append("the second boot differs: " + "; ".join(self._compare(second)[1]))
        if self.recording.goes_on and state == "old" and not self.forget:
            faults += self._goes_on(self._spoil(then), first)
        return state, faults, ops

    def _goes_on(self, image, look):
        """What is wrong with the next push of the update that was cut; for each staging once."""
        staged = frozenset(look.staged.items())
        if staged not in self._went_on:
            self._went_on[staged] = [f"then: {fault}" for fault in self._push(image, look)]
        return self._went_on[staged]

    def _push(self, image, look):
        update = self.recording.goes_on
        try:
            image, result = push_once(self.boots.board, image, update)
            state, faults = self._compare(self._look(self._spoil(image), looks=LOOK | TELL)[0])
        except Dead as dead:
            return [f"dead: {dead}"]
        if state != "new":
            faults.append(f"it is {state}, not new")
        return faults + update.repeated(result, look)

    def _look(self, image, **how):
        return self.boots.look(image, **{"forget": (self.forget,), **how})

    def _compare(self, look):
        recording = self.recording
        return verdict.judge(look, recording.old, recording.new, recording.fs, recording.keeps)

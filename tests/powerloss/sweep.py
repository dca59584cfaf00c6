"""Records a scenario, cuts it at every flash operation, boots each image and judges what is left."""

from . import fat, flashlog, scenarios, verdict
from .machine import Board, Boot, Dead, make_image
from .tool import drive

JOURNAL = "/ota_journal"
DEEP = 17  # in the quick sweep every so many-th cut is followed by cuts of the recovery


class Recording:
    """One run without a cut: @base, the log of its operations, the states at both ends."""

    def __init__(self, fs, name, base, log, old, new):
        self.fs, self.name, self.base = fs, name, base
        self.ops = flashlog.parse(log)
        self.old, self.new = old, new  # verdict.Reference
        self.keeps = bool(new.kept)


class Bench:
    """A board on which recordings are made, images booted and judged. One per process."""

    def __init__(self, fs, forget=None):
        self.fs = fs
        self.forget = forget
        state = scenarios.fresh()
        files = {"/" + path: data for path, data in state.files.items()}
        self.board = Board(fs, make_image(fs, files))
        self.scenarios = scenarios.every()
        self._outcomes = {None: self._rest(state)}

    def _rest(self, state):
        drive(self.board, None)
        self.board.take_log()
        return bytes(self.board.image), state, None

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
        look = self.look(image, looks=2)
        reference = verdict.Reference(state, look)
        faults = verdict.judge(look, reference, reference, self.fs, self.keeps(look))[1]
        faults += verdict.told(state, look)
        if faults:
            raise Dead("without any cut: " + "; ".join(faults))
        return reference

    def keeps(self, look):
        return "/ota_kept" in look.folders

    def look(self, image, **how):
        """Boot an image; what is on it where the agent listens. None if the power went before."""
        self.board.image[:] = image
        text = self.board.boot(Boot(**how))
        return text and verdict.Look(text)



class Sweep:
    """Cuts one recording. @every: the recovery is cut after every cut of the update, not after
    one of DEEP; @tell(case, faults): called for each bad one.
    """

    def __init__(self, bench, recording, every=False, tell=None):
        self.bench, self.recording, self.every = bench, recording, every
        self.tell = tell or (lambda case, faults: None)
        self.swept = self.bad = self.doubles = 0
        self.ends = {"old": 0, "new": 0, None: 0}

    def run(self):
        image = bytearray(self.recording.base)
        for i, (n, how) in enumerate(flashlog.cuts(self.recording.ops)):
            if how == flashlog.NOT and n:
                flashlog.apply(image, self.recording.ops[n - 1])
            deep = self.every or i % DEEP == 0
            self._cut(self.after(image, n, how), f"{how}/{n}", deep)

    def after(self, image, n, how):
        """What the flash holds when the power is back; on FAT with garbage where it is free."""
        image = bytearray(image)
        if n < len(self.recording.ops):
            flashlog.apply_cut(image, self.recording.ops[n], how)
        return self._spoil(image)

    def _spoil(self, image):
        if self.recording.fs == "fat":
            fat.Volume(image).fill_free()
        return image

    def _cut(self, image, case, deep):
        ops = self._judge(image, case, deep)
        for n, how in list(flashlog.cuts(ops))[1:-1]:
            self.doubles += 1
            again = self._spoil(flashlog.rebuild(image, ops, n, how))
            self._judge(again, f"{case}/{how}/{n}", False)

    def _judge(self, image, case, logs):
        """Boot twice and look; the flash operations of the first boot where it logs."""
        self.swept += 1
        try:
            faults, ops = self._faults(image, logs)
        except Dead as dead:
            faults, ops = [str(dead)], []
        if faults:
            self.bad += 1
            self.tell(f"{self.recording.fs}/{self.recording.name}/{case}", faults)
        return ops

    def _faults(self, image, logs):
        bench, recording = self.bench, self.recording
        first = bench.look(image, logs=logs, forget=bench.forget)
        ops = flashlog.parse(bench.board.take_log())
        then = bytearray(bench.board.image)
        name, faults = self._compare(first)
        self.ends[name] += 1
        if recording.fs == "fat":
            faults += fat.Volume(then).faults()
        second = bench.look(self._spoil(then), forget=bench.forget)
        if not second.same_as(first):
            faults.append("the second boot differs: " + "; ".join(self._compare(second)[1]))
        return faults, ops

    def _compare(self, look):
        recording = self.recording
        return verdict.judge(look, recording.old, recording.new, recording.fs, recording.keeps)

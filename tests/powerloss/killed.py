"""Does the sweep see what it would see with more effort? An image that was rebuilt from a log must
be what a board leaves that really dies: this runs the update again, kills the process at a chosen
flash operation, and compares byte by byte. And a boot that was left out must show the same.
"""

from . import flashlog
from .machine import Boot, Dead
from .recorder import Recorder
from .sweep import Sweep
from .tool import SPEED, Tool, drive, switch_on


def sample(fs, name, count):
    """{cut: what is wrong} of @count cut points spread over a scenario, each not begun and half
    done: a really killed board against the rebuilt image, and its answer to `version` after it.
    """
    recorder = Recorder(fs)
    recording = recorder.record(name)
    wrong = {}
    for i in range(count):
        n = i * (len(recording.ops) - 1) // max(count - 1, 1)
        for how in (flashlog.NOT, flashlog.HALF):
            found = differences(recorder, recording, n, how)
            found += unlike(recorder, recording, n, how)
            if found:
                wrong[f"{fs}/{name}/{how}/{n}"] = found
    return wrong


def unlike(recorder, recording, n, how):
    """How the killed board is not what the sweep finds at the same cut point, rebuilt."""
    board = recorder.board
    image = board.unload()
    sweep = Sweep(recording, board=board)
    rebuilt = flashlog.rebuild(recording.base, recording.ops, n, how)
    killed, faults, _ = sweep.judge(image)
    found = sweep.judge(rebuilt)[0]
    if killed != found:
        return [f"killed {killed}, rebuilt {found}"]
    return [] if faults else answers(board, image, getattr(recording, killed).state)


def answers(board, image, state):
    """Whether it serves, over a real socket, and tells the version that it holds."""
    board.load(image)
    switch_on(board)
    version = Tool(board).version()
    board.kill()
    right = state.version or "unknown"
    return [] if version == right else [f"version {version}, not {right}"]


def differences(recorder, recording, n, how):
    """How the flash of a board that is killed at operation @n differs from the image rebuilt from
    what the same board had logged; and how its log differs from the @recording's.
    """
    board = recorder.board
    board.load(recording.base)
    board.take_log()
    logs = []

    def boot():
        logs.append(board.take_log())
        left = n - len(flashlog.parse(b"".join(logs)))
        return Boot(logs=True, left=left, half=how == flashlog.HALF, looks=0, speed=SPEED)

    if drive(board, recorder.scenarios[recording.name].talk, boot):
        raise Dead(f"it was not killed at operation {n}")
    ops = flashlog.parse(b"".join(logs) + board.take_log())
    found = []
    if [op[:1] for op in ops] != [op[:1] for op in recording.ops[: len(ops)]]:
        found.append("other operations than recorded")
    if len(ops) != n + (how == flashlog.HALF):
        found.append(f"{len(ops)} operations were logged")
    if board.unload() != flashlog.rebuild(recording.base, ops, n, how):
        found.append("another image than rebuilt")
    return found


def left_out(fs, name, step):
    """{cut: what is wrong} of each @step-th cut point: found with the boots that the sweep makes,
    and with all of them made; and how many boots were left out.
    """
    recording = Recorder(fs).record(name)
    some, every = Sweep(recording), Sweep(recording, afresh=True)
    some.run()
    wrong = {}
    for n, how in list(flashlog.cuts(recording.ops))[::step]:
        found, right = some.replay((how, n)), every.replay((how, n))
        if found != right:
            wrong[f"{fs}/{name}/{how}/{n}"] = f"{found}, not {right}"
    return wrong, some.boots.left_out

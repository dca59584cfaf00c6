"""A host that pushes to the board under test, over a real socket."""

import json
import time

from e2e.old_board import sha256
from e2e.old_tool import OldTool

from .machine import DEADLINE, HARD, PWRON, Boot, Dead

SPEED = 20  # how much faster the board's time goes while it is driven
_QUIET = 0.06  # seconds without a flash operation: it has come to rest


class Unknown(Exception):
    """The agent does not have what the scenario needs."""


class Tool(OldTool):
    def state(self):
        """What `version` answers, as the agent tells it."""
        return json.loads(self.ask("version"))

    def full(self, version, files, words=""):
        with self.connect() as wire:
            _expect(wire.ask(("start_ota " + words).strip()), "ready")
            manifest = self.manifest(version, files)
            wire.send(b"manifest %d\n" % len(manifest) + manifest)
            _expect(wire.line(), "ok")
            for path, data in files.items():
                wire.send(f"file {path};{len(data)};{sha256(data)}\n".encode() + data)
                _expect(wire.line(), "ok")
            _expect(wire.ask("end_ota"), "ok")

    def fast(self, version, files):
        _expect(self.push_stream(version, files), "ok")

    def rollback(self):
        _expect(self.ask("rollback"), "ok")


def _expect(answer, right):
    if answer == "unknown":
        raise Unknown("the agent answers `unknown`")
    if answer != right:
        raise Dead(f"it answers {answer!r}, not {right!r}")


def switch_on(board, boot, cause=PWRON):
    """Until it listens, through resets of its own."""
    board.start(boot, cause)
    until = time.monotonic() + DEADLINE
    while time.monotonic() < until:
        event = board.event()
        if event == "L":
            return
        board.kill()
        if event == "R":
            board.start(boot, HARD)
    raise Dead("it never listens\n" + board.output())


def drive(board, talk, boot=None):
    """Power on, @talk to the agent, its reset, and on until it has come to rest."""
    boot = boot or Boot(logs=True, looks=0, speed=SPEED)
    tool = Tool("127.0.0.1", board.port)
    switch_on(board, boot)
    try:
        if talk:
            talk(tool)
            _await_reset(board)
            switch_on(board, boot, HARD)
        settle(board, tool)
    finally:
        board.kill()


def _await_reset(board):
    while board.event() != "R":
        pass
    board.kill()


def settle(board, tool):
    """Until no trial is on and nothing is written any more."""
    until = time.monotonic() + DEADLINE
    while tool.state().get("state") == "trial":
        if time.monotonic() > until:
            raise Dead(f"the trial does not end: {tool.state()}\n" + board.output())
        time.sleep(_QUIET / 4)
    size = -1
    while size != board.log_size():
        size = board.log_size()
        time.sleep(_QUIET)

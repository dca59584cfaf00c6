"""A host that pushes to the board under test, over a real socket."""

import json
import time

from client2.errors import BoardError, ProtocolError
from e2e.old_board import sha256
from e2e.old_tool import OldTool
from e2e.wire import Gone

from . import push2
from .machine import DEADLINE, HARD, PWRON, Boot, Dead

PASSWORD = "the board's"
SPEED = 8  # how much faster the board's time goes while it is driven
_QUIET = 0.06  # seconds without a flash operation: it has come to rest


class Unknown(Exception):
    """The agent does not have what the scenario needs."""


class Tool(OldTool):
    def __init__(self, board):
        super().__init__("127.0.0.1", board.port, PASSWORD)

    def state(self):
        """What `version` answers, as the agent tells it."""
        return json.loads(self.ask("version"))

    def is_at_rest(self):
        state = self.state()
        if state["state"] == "trial":
            return state.get("need") == ["app"]
        try:
            return json.loads(self.get("/ota_boot_state.json"))["clean"]
        except ValueError:
            return False  # it is being written

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

    def reset(self):
        _expect(self.ask("reset"), "ok")

    def push(self, update):
        """Over protocol 2; what the client has sent, copied and resumed."""
        result = push2.push(self.port, PASSWORD, update)
        if not result.committed:
            raise Dead("there was nothing to be done")
        return result

    def begin(self, update, size):
        """The same until the connection is lost, after so many bytes."""
        push2.begin(self.port, PASSWORD, update, size)


def _expect(answer, right):
    if answer == "unknown":
        raise Unknown("the agent answers `unknown`")
    if answer != right:
        raise Dead(f"it answers {answer!r}, not {right!r}")


def awake():
    """A boot that goes on, and is logged."""
    return Boot(logs=True, looks=0, speed=SPEED)


def switch_on(board, how=awake, cause=PWRON):
    """Until it listens, through resets of its own."""
    board.start(how(), cause)
    until = time.monotonic() + DEADLINE
    while time.monotonic() < until:
        event = board.event()
        if event == "L":
            return
        board.kill()
        if event == "R":
            board.start(how(), HARD)
    raise Dead("it never listens\n" + board.output())


def drive(board, talk, how=awake):
    """Power on, @talk to the agent, its reset, and on until it has come to rest. False if a power
    cut that @how asked for came in between.
    """
    tool = Tool(board)
    try:
        switch_on(board, how)
        if talk:
            update(board, tool, talk, how)
        settle(board, tool)
    except (Gone, OSError, ProtocolError, Dead):
        if not board.cut:
            raise
    finally:
        board.kill()
    return not board.cut


def update(board, tool, talk, how=awake):
    """Talk to a board that listens, until it listens again."""
    talk(tool)
    _await_reset(board)
    board.kill()
    switch_on(board, how, HARD)


def push_once(board, image, update):
    """Boot an image and push to it; what is on the flash at the reset, and the client's result."""
    board.load(image)
    try:
        switch_on(board)
        result = Tool(board).push(update)
        _await_reset(board)
    except (BoardError, ProtocolError, OSError) as error:
        raise Dead(f"{error!r}\n{board.output()}") from error
    finally:
        board.kill()
        board.take_log()
    return board.unload(), result


def _await_reset(board):
    while board.event() != "R":
        pass


def settle(board, tool):
    """Until a trial waits for the app at the most, else the boot has come through, and nothing is
    written any more.
    """
    until = time.monotonic() + DEADLINE
    while not tool.is_at_rest():
        if time.monotonic() > until:
            raise Dead(f"the trial does not end: {tool.state()}\n" + board.output())
        time.sleep(_QUIET / 4)
    size = -1
    while size != board.log_size():
        size = board.log_size()
        time.sleep(_QUIET)

"""Who answers the tool in a board's place: one who knows nothing, one who sits in the middle, and
one who has the secrets, as a stolen board has, and means harm.
"""

import contextlib
import hashlib
import json
import socket

from client2 import record
from client2.board_model import BoardModel, Connection
from client2.errors import ProtocolError
from e2e import process
from e2e.wire import Gone, Peer

SALT = bytes(range(100, 116))
METHOD = f"pbkdf2-sha256:200000:{SALT.hex()}"


class Tool:
    """The tool, in a project as `uota init` makes it; what it remembers of a board it keeps."""

    def __init__(self, binary, folder, environment):
        self.binary, self.folder = binary, folder
        self.env = {**environment, "HOME": str(folder / "home"), "LC_ALL": "C.UTF-8"}
        self.project = folder / "project"
        self.run("init", "--dir", self.project, cwd=folder)
        config = json.loads((self.project / "config/ota.json").read_text())
        config.update(ssid="net", password="wifi-secret", confirmAfter=1)
        (self.project / "config/ota.json").write_text(json.dumps(config))
        secrets = json.loads((self.project / "config/.ota.secrets.json").read_text())
        self.password, self.key = secrets["otaPassword"], secrets["signingKey"]
        self.shared = hashlib.pbkdf2_hmac("sha256", self.password.encode(), SALT, 200_000)
        fast = hashlib.sha256(self.password.encode())
        self.secrets = [self.password, self.key, "wifi-secret", fast.hexdigest(), self.shared.hex()]

    def line(self, *words):
        return [self.binary, *(str(word) for word in words)]

    def run(self, *words, board=None, status=0, cwd=None):
        """One clear line if it fails, and no raw control characters: see process.check(). @status:
        the right one, or a set of them.
        """
        words += board.at if board else ()
        done = process.run(self.line(*words), cwd or self.project, self.env, status=None)
        wanted = status if isinstance(status, set) else {status}
        assert done.status in wanted, (done.status, done.out[-2000:], done.err[-2000:])
        process.check(done, done.status)
        assert not process.CONTROL.search(done.out), repr(done.out)
        return done

    def terminal(self, *words, board):
        return process.Terminal(self.line(*words, *board.at), self.project, self.env)

    def model(self):
        """A board that has the project's secrets."""
        model = BoardModel(METHOD, self.shared, self.key)
        model.answers = {}
        return model


class Wire:
    """A connection as the attacker holds it: what comes is kept, what goes is changed."""

    def __init__(self, sock, board):
        self.sock, self.board = sock, board

    def recv(self, n):
        data = self.sock.recv(n)
        self.board.heard += data
        return data

    def sendall(self, data):
        self.board.said += data
        self.sock.sendall(self.board.down(data))

    def settimeout(self, seconds):
        self.sock.settimeout(seconds)

    def hang_up(self):
        """Nothing more will come from here."""
        self.sock.shutdown(socket.SHUT_WR)


class Conversation(Connection):
    """Answers that a test has given, in place of the board's own."""

    def _command(self, text):
        said = self.board.answers.get(text.split(" ")[0])
        if said is None:
            super()._command(text)
        elif callable(said):
            said(self)
        else:
            self.answer(said)

    def end(self):
        self.send(record.END)


class FalseBoard(Peer):
    """@model: what it is like where it is not changed by @down, a function of the bytes that go
    to the tool, or by @conversation, a subclass of Conversation.
    """

    def __init__(self, model, down=None, conversation=Conversation):
        self.model, self.conversation = model, conversation
        self.down = down or (lambda data: data)
        self.heard, self.said = b"", b""
        super().__init__()

    def serve(self, wire):
        self.wire = Wire(wire.sock, self)
        with contextlib.suppress(OSError, ProtocolError, Gone):
            self.conversation(self.model, self.wire).run()


class Stranger(Peer):
    """Answers the first lines with @lines, one each, whatever they are; then hangs up."""

    def __init__(self, *lines):
        self.lines, self.heard = lines, b""
        super().__init__()

    def serve(self, wire):
        for line in self.lines:
            self.heard += wire.raw_line() + b"\n"
            wire.send(line(self.heard) if callable(line) else line)
        wire.stop_sending()
        self.heard += wire.wait_until_closed()

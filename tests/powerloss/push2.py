"""A host that pushes over protocol 2: all of an update, or until the connection is lost."""

import hashlib

from client2.errors import BoardError
from client2.hello import Secrets
from client2.manifest import File, Manifest
from client2.session import Session, Stream, installed_files


class Update:
    """What is pushed. @gone: what a partial one deletes; None: it is complete."""

    def __init__(self, version, counter, files, gone=None):
        self.version, self.counter, self.files = version, counter, files
        self.partial = gone is not None
        scope = "partial" if self.partial else "complete"
        named = [File.of(path, data) for path, data in sorted(files.items())]
        self.manifest = Manifest(version, counter, named, scope, deleted=sorted(gone or ()))
        self.id = self.manifest.id()

    def repeated(self, result, look):
        """What a push has sent though it was staged on a board, by a look at it."""
        if look.staged.get("list") != hashlib.sha256(self.manifest.sign("")).hexdigest():
            return []
        found = ["the manifest is sent again"] if result.asked else []
        for n, file in enumerate(self.manifest.files):
            if look.staged.get(str(n)) == file.sha256 and file.path in result.sent:
                found.append(f"{file.path} is sent again")
        return found


class Lost(Exception):
    """The connection, as was asked for."""


class Wire(Stream):
    """Loses the connection after @left bytes; None: never."""

    left = None

    def write(self, data):
        super().write(data[: self.left])
        if self.left is not None:
            self.left -= len(data)
            if self.left <= 0:
                raise Lost


def connect(port, password):
    stream = Wire.connect("127.0.0.1", port)
    # The board knows a password's SHA-256 only: protocol 1.0 pushes to it, too.
    return stream, Session(stream, Secrets(password), legacy=True)


def push(port, password, update):
    """All of it; the client's Result."""
    _, session = connect(port, password)
    with session:
        there = _installed(session)
        return session.push(update.manifest, update.files, installed=lambda: there)


def begin(port, password, update, size):
    """Until so many bytes are sent, and the board has noticed that there will be no more."""
    stream, session = connect(port, password)
    with session:
        stream.left = size
        try:
            session.push(update.manifest, update.files)
        except Lost:
            pass
        else:
            raise AssertionError(f"it takes no {size} bytes")
    stream, session = connect(port, password)
    with session:
        while "busy" in _refusal(session, "mkdir /"):
            pass


def _refusal(session, command):
    try:
        return session.command(command).decode()
    except BoardError as error:
        return str(error)


def _installed(session):
    try:
        return installed_files(session.get("ota_manifest.json"))
    except BoardError:
        return {}  # a fresh board has none

"""A board in memory: what docs/protocol.md asks of one, for the client's tests. Not the agent.

It serves one connection after the other, each in a thread over a socket pair. `cut` makes it lose
the connection after that many bytes, as a board that is reset does; what is staged stays.
"""

import contextlib
import hashlib
import json
import secrets
import socket
import threading

from . import hello, manifest, record
from .errors import ProtocolError
from .message import Unpacker

LIMIT = 4096
WBITS = 12
PROTECTED = ("boot.py", "main.py", "config/ota.json", "lib/uota")
_CLOSED = (ConnectionError, OSError)


class Fail(Exception):
    """Becomes an ERROR."""


class BoardModel:
    def __init__(self, method: str = "none", secret: bytes = bytes(32), key: str = "") -> None:
        self.methods = [(method, secret, key)]  # the first is the configuration's
        self.cipher = "aes128-cbc"
        self.name = "model"
        self.files: dict[str, bytes] = {}
        self.installed: dict[str, manifest.File] = {}
        self.version = "1.0.0"
        self.id = ""
        self.counter = 0
        self.limit = LIMIT
        self.wbits = WBITS
        self.cut: int | None = None
        self.received = 0  # bytes, over all connections
        self.staged_text = b""
        self.staged: dict[int, bytes] = {}
        self._threads: list[threading.Thread] = []

    def plug(self) -> socket.socket:
        """The host's end of a new connection."""
        ours, theirs = socket.socketpair()
        thread = threading.Thread(target=self._serve, args=(ours,), daemon=True)
        thread.start()
        self._threads.append(thread)
        return theirs

    def settle(self) -> None:
        """Until the board has noticed the end of all connections."""
        for thread in self._threads:
            thread.join(30)
            assert not thread.is_alive()

    def _serve(self, sock: socket.socket) -> None:
        with sock, contextlib.suppress(*_CLOSED, ProtocolError):
            Connection(self, sock).run()


class Connection:
    def __init__(self, board: BoardModel, sock: socket.socket) -> None:
        self.board = board
        self.sock = sock
        self.commands = {
            "ping": lambda _: b"pong\n",
            "version": self._version,
            "info": self._info,
            "get": self._get,
            "rm": self._rm,
            "put": self._put,
            "push": self._push,
        }

    def read(self, n: int) -> bytes:
        data = b""
        while len(data) < n:
            part = self.sock.recv(n - len(data))
            if not part:
                raise ConnectionError
            self.board.received += len(part)
            if self.board.cut is not None and self.board.received >= self.board.cut:
                self.board.cut = None
                raise ConnectionError
            data += part
        return data

    def line(self) -> str:
        line = b""
        while line[-1:] != b"\n":
            line += self.read(1)
        return line.decode()

    def run(self) -> None:
        if not self._prove():
            return
        while True:
            kind, payload = self.receive()
            if kind == record.TEXT:
                self._command(payload.decode())

    def _prove(self) -> bool:
        first = self.line()
        if not first.startswith("hello 2 "):
            self.sock.sendall(b"error: protocol 2 only\n")
            return False
        answer = self.hello_line()
        self.sock.sendall(answer.encode())
        word, index, proof = self.line().split()
        _, secret, self.key = self.board.methods[int(index)]
        keys = hello.derive(secret, first, answer)
        if word != "proof" or proof != keys.host_proof.hex():
            self.sock.sendall(b"denied\n")
            return False
        self.sock.sendall(self.proof_line(keys).encode())
        encrypted = self.board.cipher != "none"
        self.opener = record.Opener(
            keys.host_mac, keys.host_aes if encrypted else None, record.FROM_HOST
        )
        self.sealer = record.Sealer(keys.board_mac, keys.board_aes if encrypted else None)
        return True

    def hello_line(self) -> str:
        auth = ",".join(method for method, _, _ in self.board.methods)
        nonce = secrets.token_hex(16)
        return f"hello 2 {nonce} auth={auth} cipher={self.board.cipher} name={self.board.name}\n"

    def proof_line(self, keys: hello.Keys) -> str:
        return f"proof {keys.board_proof.hex()}\n"

    def receive(self, limit: int = record.HOST_MAX) -> tuple[int, bytes]:
        size = self.opener.size(self.read(2), limit)
        return self.opener.open(self.read(size), limit)

    def send(self, kind: int, payload: bytes = b"") -> None:
        self.sock.sendall(self.sealer.seal(kind, payload))

    def answer(self, data: bytes) -> None:
        for at in range(0, len(data), 512):
            self.send(record.DATA, data[at : at + 512])
        self.send(record.END)

    def _command(self, text: str) -> None:
        word, _, argument = text.partition(" ")
        try:
            if word not in self.commands:
                raise Fail("unknown")
            self.answer(self.commands[word](argument))
        except Fail as e:
            self.send(record.ERROR, str(e).encode())
        except ProtocolError as e:
            if str(e).startswith("record"):
                raise
            text = str(e) if str(e).startswith(("error: ", "sig_")) else f"error: {e}"
            self.send(record.ERROR, text.encode())
            if word == "push":
                self.drain()

    def drain(self) -> None:
        """Read on until the peer is quiet, and close."""
        self.sock.settimeout(0.5)
        while self.sock.recv(4096):
            pass
        raise ConnectionError

    # --- commands -------------------------------------------------------------------------------

    def _version(self, _: str) -> bytes:
        state = {"version": self.board.version, "agent": "2.0.0", "state": "confirmed"}
        return json.dumps(state).encode() + b"\n"

    def _info(self, _: str) -> bytes:
        about = {
            "agent": "2.0.0",
            "platform": "model",
            "micropython": "1.26.1",
            "mpy": 2822,
            "sign": "hmac-sha256" if self.key else "none",
            "counter": self.board.counter,
        }
        if self.board.id:
            about["id"] = self.board.id[:16]
        return json.dumps(about).encode() + b"\n"

    def _get(self, path: str) -> bytes:
        content = self.board.files.get(path.removeprefix("/"))
        if path == "ota_manifest.json":
            named = self.board.installed.values()
            files = {file.path: {"size": file.size, "sha256": file.sha256} for file in named}
            content = json.dumps({"files": files}).encode()
        if content is None:
            raise Fail("error: not found")
        return b"%d\n" % len(content) + content

    def _changeable(self, path: str) -> str:
        path = path.removeprefix("/")
        manifest.check_path(path)
        if any(path == name or path.startswith(name + "/") for name in PROTECTED):
            raise Fail("error: protected")
        return path

    def _rm(self, path: str) -> bytes:
        if self.board.files.pop(self._changeable(path), None) is None:
            raise Fail("error: not found")
        return b"ok\n"

    def _put(self, argument: str) -> bytes:
        size, sha, path = argument.split(" ", 2)
        path = self._changeable(path)
        content = b""
        while len(content) < int(size):
            kind, payload = self.receive()
            if kind != record.DATA:
                raise Fail("error: unexpected")
            content += payload
        if hashlib.sha256(content).hexdigest() != sha or len(content) != int(size):
            raise Fail(f"sha256_mismatch {path}")
        self.board.files[path] = content
        return b"ok\n"

    # --- push -----------------------------------------------------------------------------------

    def _push(self, argument: str) -> bytes:
        board = self.board
        ident, size, *words = argument.split(" ")
        self.unpacker = Unpacker(board.limit, board.wbits)
        if ident == board.id and "force" not in words and not self._changed():
            return b"same\n"
        if not self._is_staged(ident):
            board.staged_text, board.staged = b"", {}
            self.answer(b"send %d %d\n" % (board.limit, board.wbits))
            board.staged_text = self._receive_manifest(ident, int(size))
        self.wanted = self._check(board.staged_text, ident)
        missing = self._missing()
        if not missing and "force" not in words and self._is_installed():
            return b"same\n"
        lines = [f"have {board.limit} {board.wbits}"]
        lines += [f"{index} {offset}" for index, offset in missing.items()]
        self.answer(("\n".join(lines) + "\n").encode())
        return self._receive_files()

    def _changed(self) -> bool:
        files = self.board.installed.values()
        return any(not self._holds(file.path, file) for file in files)

    def _holds(self, path: str, file: manifest.File) -> bool:
        content = self.board.files.get(path)
        return content is not None and manifest.File.of(file.path, content) == file

    def _is_staged(self, ident: str) -> bool:
        try:
            return bool(self._check(self.board.staged_text, ident))
        except ProtocolError:
            return False

    def _check(self, text: bytes, ident: str) -> manifest.Manifest:
        wanted = manifest.parse(text, self.key, ident)
        if wanted.counter <= self.board.counter:
            raise ProtocolError("error: refused: counter")
        if manifest.is_lower(wanted.version, self.board.version) and not wanted.downgrade:
            raise ProtocolError(f"error: refused: {wanted.version} is older")
        return wanted

    def _receive_manifest(self, ident: str, size: int) -> bytes:
        text = b""
        while len(text) < size:
            kind, payload = self.receive(self.board.limit + 32)
            if kind != record.DATA:
                raise ProtocolError("unexpected")
            text += self.unpacker.unpack(payload)
        self._check(text, ident)
        return text

    def _missing(self) -> dict[int, int]:
        staged = self.board.staged
        return {
            index: len(staged.get(index, b""))
            for index, file in enumerate(self.wanted.files)
            if not self._holds(file.path, file)
            and (index not in staged or len(staged[index]) < file.size)
        }

    def _is_installed(self) -> bool:
        named = {file.path for file in self.wanted.files}
        gone = [path for path in self.wanted.deleted if path in self.board.files]
        if self.wanted.scope == "complete":
            gone += [p for p in self.board.installed if p not in named and not manifest.is_kept(p)]
        return not gone and not self.board.staged and self.wanted.version == self.board.version

    def _receive_files(self) -> bytes:
        while True:
            kind, payload = self.receive(self.board.limit + 32)
            if kind == record.DATA:
                self._take(self.unpacker.unpack(payload))
                continue
            word, _, argument = payload.decode().partition(" ")
            if word == "copy":
                self.answer(self._copy(argument))
            elif word == "stop":
                return b"ok\n"
            elif word == "commit":
                self._take(b"")
                self._commit()
                self.answer(b"ok\n")
                raise ConnectionError  # resets
            else:
                raise ProtocolError("unexpected")

    def _take(self, content: bytes) -> None:
        """The next bytes of what is missing."""
        for index in self._missing():
            file = self.wanted.files[index]
            have = self.board.staged.get(index, b"")
            part = content[: file.size - len(have)]
            content = content[len(part) :]
            self.board.staged[index] = have + part
            if len(have + part) == file.size and manifest.File.of(file.path, have + part) != file:
                del self.board.staged[index]
                raise Fail(f"sha256_mismatch {file.path}")
            if not content and len(have + part) < file.size:
                if not have + part:
                    del self.board.staged[index]
                return
        if content:
            raise ProtocolError("bad message")

    def _copy(self, argument: str) -> bytes:
        index, _, path = argument.partition(" ")
        file = self.wanted.files[int(index)]
        content = self.board.files.get(path)
        for number, other in enumerate(self.wanted.files):
            if other.path == path and len(self.board.staged.get(number, b"")) == other.size:
                content = self.board.staged.get(number, content)
        if content is None or manifest.File.of(file.path, content) != file:
            return b"no\n"
        self.board.staged[int(index)] = content
        return b"ok\n"

    def _commit(self) -> None:
        board, wanted = self.board, self.wanted
        for index in self._missing():
            raise ProtocolError(f"missing {wanted.files[index].path}")
        named = {file.path: file for file in wanted.files}
        if wanted.scope == "complete":
            gone = [p for p in board.installed if p not in named and not manifest.is_kept(p)]
            board.installed = {p: f for p, f in board.installed.items() if manifest.is_kept(p)}
        else:
            gone = wanted.deleted
        for path in gone:
            board.files.pop(path, None)
            board.installed.pop(path, None)
        for index, content in board.staged.items():
            board.files[wanted.files[index].path] = content
        board.installed.update(named)
        board.staged_text, board.staged = b"", {}
        board.version, board.counter, board.id = wanted.version, wanted.counter, wanted.id()

"""Sections 2, 4, 6 and 7: a conversation with a board over any stream, and the push."""

import hashlib
import json
import re
import socket
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from . import hello, record
from .errors import BoardError, ProtocolError, Refused
from .manifest import Manifest
from .message import Packer

ANSWER_MAX = 64 * 1024  # bytes that a command may answer, where nothing else is said
INVENTORY_MAX = 256 * 1024
DEADLINE = 30  # seconds without anything from the board


class Stream:
    """A connected socket, as the layers above want it."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._sock.settimeout(DEADLINE)
        self._pending = b""

    @classmethod
    def connect(cls, host: str, port: int = 2018) -> "Stream":
        sock = socket.create_connection((host, port), DEADLINE)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return cls(sock)

    def write(self, data: bytes) -> None:
        self._sock.sendall(data)

    def read(self, n: int) -> bytes:
        while len(self._pending) < n:
            self._more()
        data, self._pending = self._pending[:n], self._pending[n:]
        return data

    def line(self, limit: int) -> str:
        """With its newline; what has come when the peer closes before one."""
        while b"\n" not in self._pending:
            if len(self._pending) > limit:
                raise ProtocolError("line too long")
            try:
                self._more()
            except ConnectionError:
                break
        line, end, self._pending = self._pending.partition(b"\n")
        if len(line) >= limit:
            raise ProtocolError("line too long")
        return (line + end).decode("latin-1")

    def close(self) -> None:
        self._sock.close()

    def _more(self) -> None:
        data = self._sock.recv(65536)
        if not data:
            raise ConnectionError("the board closed the connection")
        self._pending += data


@dataclass
class Result:
    """What a push came to."""

    committed: bool
    asked: bool  # for the manifest
    sent: list[str] = field(default_factory=list)
    copied: list[str] = field(default_factory=list)
    resumed: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Inventory:
    limit: int
    wbits: int
    missing: dict[int, int]  # index of the file: from which byte


class Session:
    """Proven, from the constructor on; ProtocolError, BoardError or an OSError ends it."""

    def __init__(self, stream, ours: hello.Secrets, index: int = 0, legacy: bool = False) -> None:
        self._stream = stream
        line = hello.host_line()
        stream.write(line.encode())
        answer = stream.line(hello.LINE_MAX)
        _check_answer(answer)
        self.board = hello.parse(answer)
        if index >= len(self.board.methods):
            raise Refused("the board does not take the old secrets any more")
        self.authenticated = self.board.methods[index] != "none"
        shared = hello.secret(self.board.methods[index], ours, legacy)
        keys = hello.derive(shared, line, answer)
        encrypted = self.board.cipher != "none"
        stream.write(hello.proof_line(keys, index).encode())
        hello.check_proof(keys, stream.line(hello.LINE_MAX))
        self._sealer = record.Sealer(keys.host_mac, keys.host_aes if encrypted else None)
        self._opener = record.Opener(
            keys.board_mac, keys.board_aes if encrypted else None, record.FROM_BOARD
        )

    def close(self) -> None:
        self._stream.close()

    def __enter__(self) -> "Session":
        return self

    def __exit__(self, *_) -> None:
        self.close()

    # --- commands -------------------------------------------------------------------------------

    def command(self, text: str, limit: int = ANSWER_MAX) -> bytes:
        """The whole answer; BoardError when the board says ERROR."""
        self._send_command(text)
        return self._answer(limit)

    def json(self, text: str) -> dict:
        answer = json.loads(self.command(text, 4096))
        if not isinstance(answer, dict):
            raise ProtocolError(f"{text}: no object")
        return answer

    def get(self, path: str) -> bytes:
        self._send_command(f"get {path}")
        answer = self._pieces()
        data = b""
        while b"\n" not in data:
            data += next(answer, b"\n")
        size, _, data = data.partition(b"\n")
        for piece in answer:
            data += piece
            if len(data) > int(size):
                raise ProtocolError("more than announced")
        if len(data) != int(size):
            raise ProtocolError("less than announced")
        return data

    def put(self, path: str, content: bytes) -> None:
        self._send_command(f"put {len(content)} {hashlib.sha256(content).hexdigest()} {path}")
        for at in range(0, len(content), record.HOST_MAX):
            self._send(record.DATA, content[at : at + record.HOST_MAX])
        self._expect_ok()

    # --- push -----------------------------------------------------------------------------------

    def push(
        self,
        manifest: Manifest,
        contents: Mapping[str, bytes],
        key: str = "",
        words: tuple[str, ...] = (),
        installed: Callable[[], Mapping[str, str]] = dict,
    ) -> Result:
        """Brings @manifest, signed with @key, onto the board.

        @contents: of its files. @installed: gives hash to path of what the board has, asked only
        when files are missing. Without Result.committed there was nothing to do.
        """
        text = manifest.sign(key)
        command = " ".join(["push", manifest.id(), str(len(text)), *words])
        answer = self.command(command, INVENTORY_MAX)
        packer = None
        asked = answer.startswith(b"send ")
        if asked:
            limit, wbits = _numbers(answer.removeprefix(b"send ").removesuffix(b"\n"))
            packer = Packer(limit, wbits)
            self._send_content(packer, text)
            answer = self._answer(INVENTORY_MAX)
        result = Result(committed=False, asked=asked)
        if answer == b"same\n":
            return result
        inventory = parse_inventory(answer, manifest)
        packer = packer or Packer(inventory.limit, inventory.wbits)
        self._send_missing(packer, manifest, contents, inventory, installed, result)
        self._send_command("commit")
        self._expect_ok()
        result.committed = True
        return result

    def _send_missing(self, packer, manifest, contents, inventory, installed, result) -> None:
        files = sorted(manifest.files, key=lambda file: file.path.encode())
        there = installed() if inventory.missing else {}
        gathered = bytearray()
        for index, offset in inventory.missing.items():
            file = files[index]
            source = None if offset or not file.size else there.get(file.sha256)
            if source is not None:
                self._send_content(packer, gathered)  # copy comes where its bytes would
                gathered.clear()
                if self._copy(index, source):
                    result.copied.append(file.path)
                    continue
            gathered += contents[file.path][offset:]
            (result.resumed if offset else result.sent).append(file.path)
            there = {**there, file.sha256: file.path}
            if len(gathered) >= 65536:
                self._send_content(packer, gathered)
                gathered.clear()
        self._send_content(packer, gathered)

    def _copy(self, index: int, path: str) -> bool:
        answer = self.command(f"copy {index} {path}")
        if answer not in (b"ok\n", b"no\n"):
            raise ProtocolError(f"copy: {answer!r}")
        return answer == b"ok\n"

    def _send_content(self, packer: Packer, content: bytes) -> None:
        for payload in packer.pack(bytes(content)):
            self._send(record.DATA, payload)

    # --- records --------------------------------------------------------------------------------

    def _send_command(self, text: str) -> None:
        payload = text.encode()
        if len(payload) > record.HOST_MAX:
            raise ValueError("command too long")
        self._send(record.TEXT, payload)

    def _send(self, kind: int, payload: bytes) -> None:
        self._stream.write(self._sealer.seal(kind, payload))

    def _pieces(self) -> Iterator[bytes]:
        """The pieces of one answer, up to its END."""
        while True:
            size = self._opener.size(self._stream.read(2), record.BOARD_MAX)
            kind, payload = self._opener.open(self._stream.read(size), record.BOARD_MAX)
            if kind == record.END:
                return
            if kind == record.ERROR:
                raise BoardError(payload.decode("utf-8", "replace"))
            yield payload

    def _answer(self, limit: int) -> bytes:
        data = bytearray()
        for piece in self._pieces():
            data += piece
            if len(data) > limit:
                raise ProtocolError("endless answer")
        return bytes(data)

    def _expect_ok(self) -> None:
        answer = self._answer(ANSWER_MAX)
        if answer != b"ok\n":
            raise ProtocolError(f"{answer!r} instead of ok")


def _check_answer(line: str) -> None:
    """Section 2: what is no hello is never a reason for this client to speak 1.0."""
    if line in ("unknown\n", "denied\n"):
        raise Refused("the board speaks protocol 1.0")
    if line.startswith("error: "):
        raise BoardError(line.strip())


def _numbers(words: bytes) -> tuple[int, int]:
    parts = words.split(b" ")
    if len(parts) != 2 or not all(re.fullmatch(rb"0|[1-9][0-9]{0,9}", part) for part in parts):
        raise ProtocolError(f"not two numbers: {words!r}")
    return int(parts[0]), int(parts[1])


def parse_inventory(answer: bytes, manifest: Manifest) -> Inventory:
    """Refuses what a board could make us do by it: read beyond files, or the same one twice."""
    lines = answer.split(b"\n")
    if not lines[0].startswith(b"have ") or lines.pop() != b"":
        raise ProtocolError(f"no inventory: {answer[:40]!r}")
    limit, wbits = _numbers(lines[0].removeprefix(b"have "))
    files = sorted(manifest.files, key=lambda file: file.path.encode())
    missing: dict[int, int] = {}
    last = -1
    for line in lines[1:]:
        index, offset = _numbers(line)
        if not last < index < len(files) or offset >= max(1, files[index].size):
            raise ProtocolError(f"inventory: {line!r}")
        missing[index] = offset
        last = index
    return Inventory(limit, wbits, missing)


def installed_files(manifest_json: bytes) -> dict[str, str]:
    """Hash to path, of the board's /ota_manifest.json."""
    files = json.loads(manifest_json)["files"]
    return {entry["sha256"]: path for path, entry in files.items()}

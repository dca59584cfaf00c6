"""Sections 3 and 4: the hello lines, the secret that a method stands for, proofs and keys."""

import functools
import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from .errors import BoardError, ProtocolError, Refused

LINE_MAX = 512
ROUNDS = range(200_000, 2_000_001)
CIPHERS = ("aes128-cbc", "none")
_LINE = re.compile(r"hello ([1-9][0-9]*) ([0-9a-f]{32})((?: [^ =]+=[^ ]*)*?) name=([ -~]*)\n")
_PBKDF2 = re.compile(r"pbkdf2-sha256:([1-9][0-9]*):((?:[0-9a-f]{2}){16,32})")


@dataclass(frozen=True)
class Secrets:
    """What the user has; empty: not set."""

    password: str = ""
    signing_key: str = ""

    def __bool__(self) -> bool:
        return bool(self.password or self.signing_key)


@dataclass(frozen=True)
class Hello:
    """The board's line, taken apart."""

    name: str
    methods: list[str]
    cipher: str


@dataclass(frozen=True)
class Keys:
    host_proof: bytes
    board_proof: bytes
    host_mac: bytes
    board_mac: bytes
    host_aes: bytes
    board_aes: bytes


def host_line() -> str:
    return f"hello 2 {secrets.token_hex(16)}\n"


def parse(line: str) -> Hello:
    """The board's answer to our hello; ProtocolError for anything else."""
    if len(line) > LINE_MAX or not line.isascii():
        raise ProtocolError("no hello")
    match = _LINE.fullmatch(line)
    if not match:
        raise ProtocolError(f"no hello: {line!r}")
    number, _, middle, name = match.groups()
    if number != "2":
        raise ProtocolError(f"the board offers protocol {number}")
    pairs = [word.split("=", 1) for word in middle.split()]
    values = dict(pairs)
    if len(values) < len(pairs):
        raise ProtocolError("a key of hello came twice")
    if values.get("cipher") not in CIPHERS:
        raise ProtocolError("no cipher that we know")
    return Hello(name, values.get("auth", "").split(","), values["cipher"])


def secret(method: str, ours: Secrets, legacy: bool = False) -> bytes:
    """S of a method. Refused where it is weaker than it should be, or needs what we have not."""
    if method == "none":
        if ours:
            raise Refused("the board says that it has no secret")
        return bytes(32)
    if method == "key":
        if not ours.signing_key:
            raise Refused("the board wants the signing key")
        key = ours.signing_key.encode()
        return hmac.digest(key, b"\xffuota 2 session", "sha256")
    if method == "sha256" and not legacy:
        raise Refused("the board knows only a fast hash of the password")
    match = _PBKDF2.fullmatch(method)
    if method != "sha256" and not match:
        raise Refused(f"unknown method: {method}")
    if not ours.password:
        raise Refused("the board wants a password")
    if method == "sha256":
        return hashlib.sha256(ours.password.encode()).digest()
    rounds, salt = int(match[1]), bytes.fromhex(match[2])
    if rounds not in ROUNDS:
        raise Refused(f"{rounds} rounds of PBKDF2")
    return _stretched(ours.password, salt, rounds)


@functools.cache
def _stretched(password: str, salt: bytes, rounds: int) -> bytes:
    return hashlib.pbkdf2_hmac("sha256", password.encode(), salt, rounds)


def derive(shared: bytes, host: str, board: str) -> Keys:
    """All keys of a session, from S and both lines as they were sent."""
    transcript = hashlib.sha256(host.encode() + board.encode()).digest()

    def key(label: str, length: int = 32) -> bytes:
        kdf = HKDF(hashes.SHA256(), length, salt=transcript, info=b"uota 2 " + label.encode())
        return kdf.derive(shared)

    return Keys(
        host_proof=key("host proof"),
        board_proof=key("board proof"),
        host_mac=key("host mac"),
        board_mac=key("board mac"),
        host_aes=key("host aes", 16),
        board_aes=key("board aes", 16),
    )


def proof_line(keys: Keys, index: int) -> str:
    return f"proof {index} {keys.host_proof.hex()}\n"


def check_proof(keys: Keys, line: str) -> None:
    """The board's answer to our proof."""
    if line == "denied\n":
        raise Refused("denied")
    if line.startswith("error: "):
        raise BoardError(line.strip())
    if not hmac.compare_digest(line.encode(), f"proof {keys.board_proof.hex()}\n".encode()):
        raise ProtocolError("who answered does not have the secret")

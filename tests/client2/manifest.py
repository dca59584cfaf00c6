"""Sections 7.2 and 9: manifests, written and read. A host reads one only to check its own."""

import hashlib
import hmac
import re
from dataclasses import dataclass, field

from .errors import ProtocolError

NEEDS = ("platform", "mpy", "micropython", "flash")
LINE_MAX = 512
SIZE_MAX = 1 << 20
ENTRIES_MAX = 10_000
_NUMBER = r"(?:0|[1-9][0-9]*)"
_FILE = re.compile(rf"({_NUMBER}) ([0-9a-f]{{64}}) (.+)")
_FIRST = re.compile(r"uota 2 (?:hmac-sha256 ([0-9a-f]{64})|none -)")
_COUNTER = re.compile(r"counter ([1-9][0-9]*)( downgrade)?")
_NEED = re.compile(r"need ([a-z]+) (\S+)")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_NEVER_DELETED = ("lib/uota", "config", "data", "boot.py")


@dataclass(frozen=True)
class File:
    path: str
    size: int
    sha256: str

    @classmethod
    def of(cls, path: str, content: bytes) -> "File":
        return cls(path, len(content), hashlib.sha256(content).hexdigest())


@dataclass
class Manifest:
    version: str
    counter: int
    files: list[File]
    scope: str = "complete"
    needs: dict[str, str] = field(default_factory=dict)
    deleted: list[str] = field(default_factory=list)
    downgrade: bool = False

    def content(self) -> bytes:
        """What the id is the hash of."""
        lines = [f"version {self.version}", f"scope {self.scope}"]
        lines += [f"need {name} {value}" for name, value in self.needs.items()]
        files = sorted(self.files, key=lambda file: file.path.encode())
        lines += [f"{file.size} {file.sha256} {file.path}" for file in files]
        lines += [f"- {path}" for path in sorted(self.deleted, key=str.encode)]
        return "".join(line + "\n" for line in lines).encode()

    def id(self) -> str:
        return hashlib.sha256(self.content()).hexdigest()

    def sign(self, key: str) -> bytes:
        """The whole text; without a key unsigned."""
        counter = f"counter {self.counter}" + " downgrade" * self.downgrade
        rest = counter.encode() + b"\n" + self.content()
        if not key:
            return b"uota 2 none -\n" + rest
        return b"uota 2 hmac-sha256 " + _signature(key, rest).encode() + b"\n" + rest


def _signature(key: str, rest: bytes) -> str:
    return hmac.digest(key.encode(), b"\xffuota 2 manifest" + rest, "sha256").hex()


def check_path(path: str) -> None:
    segments = path.split("/")
    good = (
        0 < len(path.encode()) <= 255
        and len(segments) <= 16
        and not _CONTROL.search(path)
        and not re.search(r'["\\]|~[0-9]', path)
        and all(segment and segment[-1] not in ". " for segment in segments)
    )
    if not good:
        raise ProtocolError("bad path")
    if path[:4].lower() == "ota_":
        raise ProtocolError("protected")


def parse(text: bytes, key: str, known_id: str | None = None) -> Manifest:
    """Checks signature, form and id, in this order, as a board does."""
    first, _, rest = text.partition(b"\n")
    match = _FIRST.fullmatch(first.decode("ascii", "replace"))
    if not match:
        raise ProtocolError("bad manifest")
    if key and not hmac.compare_digest(match[1] or "", _signature(key, rest)):
        raise ProtocolError("sig_mismatch")
    try:
        manifest = _parse_rest(rest)
    except (UnicodeDecodeError, IndexError):
        raise ProtocolError("bad manifest") from None
    if known_id is not None and manifest.id() != known_id:
        raise ProtocolError("bad manifest")
    return manifest


def _parse_rest(rest: bytes) -> Manifest:
    lines = rest.decode().split("\n")
    if len(rest) > SIZE_MAX or lines.pop() != "":
        raise ProtocolError("bad manifest")
    if any(len(line.encode()) >= LINE_MAX for line in lines):
        raise ProtocolError("bad manifest")
    counter = _COUNTER.fullmatch(lines[0])
    if not counter or int(counter[1]) >= 1 << 53:
        raise ProtocolError("bad manifest")
    version = lines[1].removeprefix("version ")
    if version == lines[1] or not 0 < len(version.encode()) <= 64 or _CONTROL.search(version):
        raise ProtocolError("bad manifest")
    if lines[2] not in ("scope complete", "scope partial"):
        raise ProtocolError("bad manifest")
    manifest = Manifest(version, int(counter[1]), [], lines[2][6:], downgrade=bool(counter[2]))
    _parse_entries(manifest, lines[3:])
    return manifest


def _parse_entries(manifest: Manifest, lines: list[str]) -> None:
    if len(lines) > ENTRIES_MAX:
        raise ProtocolError("bad manifest")
    for line in lines:
        if line.startswith("need ") and not manifest.files and not manifest.deleted:
            _add_need(manifest, line)
        elif line.startswith("- ") and manifest.scope == "partial":
            _add_deleted(manifest, line[2:])
        elif not manifest.deleted:
            _add_file(manifest, line)
        else:
            raise ProtocolError("bad manifest")
    named = {file.path for file in manifest.files}
    for path in named:
        parts = path.split("/")
        if any("/".join(parts[:n]) in named for n in range(1, len(parts))):
            raise ProtocolError(f"file and folder: {path}")
    if named & set(manifest.deleted):
        raise ProtocolError("bad manifest")


def _add_need(manifest: Manifest, line: str) -> None:
    match = _NEED.fullmatch(line)
    if not match or match[1] in manifest.needs:
        raise ProtocolError("bad manifest")
    if match[1] not in NEEDS:
        raise ProtocolError(f"error: refused: needs {match[1]}")
    manifest.needs[match[1]] = match[2]


def _add_file(manifest: Manifest, line: str) -> None:
    match = _FILE.fullmatch(line)
    if not match or int(match[1]) >= 1 << 31:
        raise ProtocolError("bad manifest")
    check_path(match[3])
    if manifest.files and manifest.files[-1].path.encode() >= match[3].encode():
        raise ProtocolError("bad manifest")
    manifest.files.append(File(match[3], int(match[1]), match[2]))


def _add_deleted(manifest: Manifest, path: str) -> None:
    check_path(path)
    if is_kept(path):
        raise ProtocolError("protected")
    if manifest.deleted and manifest.deleted[-1].encode() >= path.encode():
        raise ProtocolError("bad manifest")
    manifest.deleted.append(path)


def is_kept(path: str) -> bool:
    """What no update deletes."""
    path = path.lower()
    return any(path == top or path.startswith(top + "/") for top in _NEVER_DELETED)


def is_lower(new: str, installed: str) -> bool:
    """Whether a version is lower than another, as `downgrade` means it."""
    return _numbers(new) < _numbers(installed)


def _numbers(version: str) -> list[int]:
    parts = re.split(r"[-+]", version)[0].split(".")
    return [int(part) for part in parts if re.fullmatch(r"[0-9]+", part)]

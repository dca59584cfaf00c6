"""Whether a board's flash is as it must be after a power cut: all old or all new, nothing beside
it, and nothing lost.
"""

import json
from hashlib import sha256

# The agent's own; what is not among them is litter. Files below /ota_kept are looked at apart.
_AGENTS = {
    "/ota_boot_state.json",
    "/ota_crash.json",
    "/ota_guard.py",
    "/ota_kept",
    "/ota_manifest.json",
    "/ota_trial.json",
    "/ota_version.json",
}
SPARE = 1  # block that littlefs may hold more or less than after a run without a cut


class Look:
    """What the board answers where it listens, parsed."""

    def __init__(self, text):
        _, free, *lines = text.split("\n")
        self.free = int(free)
        self.files = {}
        self.folders = set()
        self.told = {}
        for line in lines:
            size, sha, path = line.split(" ", 2)
            if size == "=":
                self.told[path] = None if sha == "-" else bytes.fromhex(sha)
            elif size == "-":
                self.folders.add(path)
            else:
                self.files[path] = sha
        self.kept = {sha for path, sha in self.files.items() if path.startswith("/ota_kept/")}
        self.mine = {path: sha for path, sha in self.files.items() if path[:5] != "/ota_"}

    def same_as(self, other):
        """Nothing that an update brings, deletes or keeps is different."""
        return (self.mine, self.folders, self.kept, self._told()) == (
            other.mine,
            other.folders,
            other.kept,
            other._told(),
        )

    def _told(self):
        return [self.files.get(f"/ota_{name}.json") for name in ("version", "manifest")]


class Reference:
    """One of the states that are right: what it holds, and what a board at rest in it showed."""

    def __init__(self, state, look):
        self.state, self.free, self.kept = state, look.free, look.kept
        self.version = look.files.get("/ota_version.json")
        self.manifest = look.files.get("/ota_manifest.json")

    def faults(self, look, fs, keeps):
        """What a look at a board with this file set shows besides."""
        found = [f"folder: {path}" for path in sorted(look.folders - self.state.folders)]
        found = [fault for fault in found if fault != "folder: /ota_kept"]
        found += [f"no folder: {path}" for path in sorted(self.state.folders - look.folders)]
        found += [f"litter: {path}" for path in sorted(_litter(look))]
        if look.files.get("/ota_version.json") != self.version:
            found.append("the version is another's")
        if look.files.get("/ota_manifest.json") != self.manifest:
            found.append("the manifest is another's")
        if keeps and self.state.kept - look.kept:
            found.append(f"{len(self.state.kept - look.kept)} files are not kept")
        if fs == "littlefs" and abs(look.free - self.free) > SPARE:
            found.append(f"not {self.free}, but {look.free} blocks free")
        return found


def _litter(look):
    for path in [*look.files, *look.folders]:
        if path[:5] == "/ota_" and path not in _AGENTS and not path.startswith("/ota_kept/"):
            yield path


def judge(look, old, new, fs, keeps):
    """(name of the state or None, faults)"""
    for name, reference in (("old", old), ("new", new)):
        if look.mine == reference.state.hashes:
            return name, reference.faults(look, fs, keeps) + _guard(look, old, new)
    return None, ["mixed: " + "; ".join(_differences(look, old, new))]


def _guard(look, old, new):
    """The kept copy of the recovery module is whole: that of either state."""
    copy = look.files.get("/ota_guard.py")
    whole = {reference.state.hashes["/lib/uota/boot_guard.py"] for reference in (old, new)}
    return ["the kept recovery module is neither old nor new"] if copy and copy not in whole else []


def _differences(look, old, new):
    for path in sorted({*look.mine, *old.state.hashes, *new.state.hashes}):
        has = look.mine.get(path)
        was, will = old.state.hashes.get(path), new.state.hashes.get(path)
        if was != will or has != was:
            word = {was: "old", will: "new"}.get(has, has and has[:12])
            yield f"{path} {word or 'missing'}"


def told(state, look):
    """What is wrong with the two files of a board at rest that tell what is installed."""
    version, manifest = look.told["/ota_version.json"], look.told["/ota_manifest.json"]
    if state.version is None:
        return [] if version is None and manifest is None else ["it tells of an update"]
    found = []
    if json.loads(version) != {"version": state.version}:
        found.append(f"it tells {version!r}, not version {state.version}")
    told = json.loads(manifest)
    entries = {
        path: {"size": len(data), "sha256": sha256(data).hexdigest()}
        for path, data in state.manifest.items()
    }
    if told["version"] != state.version or told["files"] != entries:
        found.append(f"the manifest tells {told}")
    return found

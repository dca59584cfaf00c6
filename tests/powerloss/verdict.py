"""Whether a board's flash is as it must be after a power cut: all old or all new, nothing beside
it, and nothing lost.
"""

import json
from hashlib import sha256

# The agent's own; what is not among them is litter. Files below /ota_kept are looked at apart.
_AGENTS = {
    "/ota_boot_state.json",
    "/ota_counter",
    "/ota_crash.json",
    "/ota_guard.py",
    "/ota_manifest.json",
    "/ota_trial.json",
    "/ota_version.json",
}
_TOLD = ("/ota_version.json", "/ota_manifest.json", "/ota_counter")
_STAGE = "/ota_part"  # outlives a cut before the commit point
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
        self.staged = {
            path[len(_STAGE) + 1 :]: sha
            for path, sha in self.files.items()
            if path.startswith(_STAGE + "/")
        }

    def same_as(self, other):
        """Nothing that an update brings, deletes or keeps is different."""
        return (self.mine, self.folders, self.kept, self._told()) == (
            other.mine,
            other.folders,
            other.kept,
            other._told(),
        )

    def _told(self):
        return [self.files.get(path) for path in _TOLD]


class Reference:
    """One of the states that are right: what it holds, and what a board at rest in it showed.
    @stages: a push may have staged something.
    """

    def __init__(self, state, look, stages=False):
        self.state, self.free, self.kept, self.stages = state, look.free, look.kept, stages
        self.staged = _STAGE in look.folders
        self.told = {path: look.files.get(path) for path in _TOLD}

    def faults(self, look, fs, keeps):
        """What a look at a board with this file set shows besides."""
        folders = {path for path in look.folders if path[:5] != "/ota_"}
        found = [f"folder: {path}" for path in sorted(folders - self.state.folders)]
        found += [f"no folder: {path}" for path in sorted(self.state.folders - folders)]
        found += [f"litter: {path}" for path in sorted(_litter(look, self.stages))]
        found += told(self.state, look) if look.told else self._told(look)
        if keeps and self.state.kept - look.kept:
            found.append(f"{len(self.state.kept - look.kept)} files are not kept")
        staged = _STAGE in look.folders or self.staged
        if fs == "littlefs" and not staged and abs(look.free - self.free) > SPARE:
            found.append(f"not {self.free}, but {look.free} blocks free")
        return found

    def _told(self, look):
        """The same by hashes: the time of each file, which a manifest tells, is of this one run."""
        return [
            f"{path} is another's" for path, sha in self.told.items() if look.files.get(path) != sha
        ]


def _litter(look, stages):
    allowed = ("/ota_kept", _STAGE) if stages else ("/ota_kept",)
    for path in [*look.files, *look.folders]:
        below = any(f"{path}/".startswith(folder + "/") for folder in allowed)
        if path[:5] == "/ota_" and path not in _AGENTS and not below:
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
    """What is wrong with the files of a board at rest that tell what is installed."""
    version, manifest, counter = (look.told[path] for path in _TOLD)
    found = []
    if counter != (state.counter and b"%d" % state.counter):
        found.append(f"it tells counter {counter!r}, not {state.counter}")
    if state.version is None:
        return found + ["it tells of an update"] * (version is not None or manifest is not None)
    if json.loads(version) != {"version": state.version}:
        found.append(f"it tells {version!r}, not version {state.version}")
    return found + _told_files(state, json.loads(manifest))


def _told_files(state, told):
    entries = {
        path: {"size": len(data), "sha256": sha256(data).hexdigest()}
        for path, data in state.manifest.items()
    }
    for entry in told["files"].values():
        entry.pop("time", None)
    right = told["version"] == state.version and told.get("id") == state.id
    return [] if right and told["files"] == entries else [f"the manifest tells {told}"]

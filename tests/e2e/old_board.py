"""A board with micro-ota 1.0: what its wire description says, byte by byte, and nothing more.

Its flash is a dict of paths without a leading slash. Tests override single answers with `on()`,
and say with `answers_commit` and `commits` how its last answer gets lost.
"""

import hashlib
import hmac
import json
import struct
import threading

from .wire import Gone, Peer, listen

MANIFEST = "ota_manifest.json"
VERSION = "ota_version.json"
PROTECTED = ("lib/uota/", "config/", "data/")


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def sign(key, version, files):
    """The `sig` of a manifest: HMAC over the version and the sorted paths with their hashes."""
    lines = [version] + [f"{path}:{files[path]['sha256']}" for path in sorted(files)]
    return hmac.new(key.encode(), "\n".join(lines).encode(), hashlib.sha256).hexdigest()


class OldBoard(Peer):
    commands = (
        "ping",
        "version",
        "ls",
        "get",
        "rm",
        "wipe",
        "reset",
        "start_ota",
        "stream_ota",
    )

    def __init__(self, password=None, key=None, streams=True, host="127.0.0.1", port=0):
        self.password_hash = password and sha256(password.encode())
        self.key = key
        self.streams = streams
        self.flash = {"boot.py": b"# boot\n", "lib/uota/ota.py": b"# agent\n"}
        self.overrides = {}
        self.greeted = 0  # connections that it ended because a later protocol was tried first
        self.heard = []  # each command line, after the password
        self.resets = 0
        self.commits = True  # FALSE: says so, but keeps what it has
        self.answers_commit = True  # FALSE: the reset overtakes the answer
        self.down_for = 0  # seconds without a listener after a reset
        self.stop_waiting = threading.Event()
        self.session = None  # which one brought the last update
        super().__init__(host=host, port=port)

    def on(self, command, answer):
        """From now on @command gets @answer: bytes to send before closing, or a function of the
        connection and the command line.
        """
        self.overrides[command] = answer

    @property
    def version(self):
        return json.loads(self.flash[VERSION])["version"] if VERSION in self.flash else "unknown"

    def installed(self):
        return json.loads(self.flash[MANIFEST])["files"] if MANIFEST in self.flash else {}

    def serve(self, wire):
        if self.password_hash:
            line = wire.raw_line().replace(b"\r", b"")
            if line.startswith(b"hello 2 "):
                self.greeted += 1
            if sha256(line) != self.password_hash:
                wire.say("denied")
                return
            wire.say("ok")
        while True:
            line = wire.line()
            word, _, argument = line.partition(" ")
            if word != "hello":  # of a later protocol: unknown, as any other word
                self.heard.append(line)
            override = self.overrides.get(word)
            if isinstance(override, bytes):
                wire.send(override)
                return
            if override:
                override(wire, line)
                return
            method = getattr(self, "_" + word, None) if word in self.commands else None
            if word == "stream_ota" and not self.streams:
                method = None
            if method is None:
                wire.say("unknown")
            elif method(wire, argument):
                return

    # Commands; TRUE: the connection is over.

    def _ping(self, wire, _):
        wire.say("pong")

    def _version(self, wire, _):
        wire.send(self.flash.get(VERSION, b'{"version":"unknown"}') + b"\n")

    def _ls(self, wire, path):
        folder = path.strip("/")
        start = folder + "/" if folder else ""
        names = {
            name[len(start) :].split("/", 1)[0] + ("/" if "/" in name[len(start) :] else "")
            for name in self.flash
            if name.startswith(start)
        }
        if folder and not names:
            wire.say("error: [Errno 2] ENOENT")
        else:
            wire.say("".join(name + "\n" for name in sorted(names)))

    def _get(self, wire, path):
        data = self.flash.get(path.lstrip("/"))
        wire.send(b"error\n" if data is None else b"%d\n" % len(data) + data)

    def _rm(self, wire, path):
        known = self.flash.pop(path.lstrip("/"), None) is not None
        wire.say("ok" if known else "error: [Errno 2] ENOENT")

    def _wipe(self, wire, _):
        for path in list(self.flash):
            if path.split("/")[0] not in ("lib", "config", "boot.py"):
                del self.flash[path]
        wire.say("ok")

    def _reset(self, wire, _):
        wire.say("ok")
        return self._restart()

    def _start_ota(self, wire, _):
        wire.say("ready")
        manifest, staged = None, {}
        while True:
            word, _, argument = wire.line().partition(" ")
            if word == "abort":
                wire.say("aborted")
                return False
            if word == "manifest":
                manifest = json.loads(wire.read(int(argument)))
                if self.key and manifest.get("sig") != sign(
                    self.key, manifest["version"], manifest["files"]
                ):
                    wire.say("sig_mismatch")
                    return False
                wire.say("ok")
            elif word == "file":
                path, size, digest = argument.rsplit(";", 2)
                staged[path] = wire.read(int(size))
                if sha256(staged[path]) != digest:
                    wire.say("sha256_mismatch " + path)
                    return False
                wire.say("ok")
            elif word == "end_ota":
                return self._commit(wire, "start_ota", manifest["version"], staged)
            else:
                wire.say("error: " + word)
                return False

    def _stream_ota(self, wire, total):
        wire.say("ready")
        left = int(total)
        body = b""

        def take(size):
            nonlocal left, body
            left -= size
            assert left >= 0, "the stream is longer than announced"
            data = wire.read(size)
            body += data
            return data

        assert take(4) == b"OTAS"
        body = b""
        version = take(struct.unpack(">H", take(2))[0]).decode()
        staged = {}
        for _ in range(struct.unpack(">H", take(2))[0]):
            path = take(struct.unpack(">H", take(2))[0]).decode()
            assert not staged or path > max(staged), "paths not in order"
            size = struct.unpack(">I", take(4))[0]
            digest = take(32)
            staged[path] = take(size)
            if hashlib.sha256(staged[path]).digest() != digest:
                wire.say("sha256_mismatch " + path)
                return False
        signed = body
        trailer = take(32)
        assert left == 0, "the stream is shorter than announced"
        mac = hmac.new((self.key or "").encode(), signed, hashlib.sha256).digest()
        if trailer != (mac if self.key else bytes(32)):
            wire.say("sig_mismatch")
            return False
        return self._commit(wire, "stream_ota", version, staged)

    def _commit(self, wire, session, version, staged):
        self.session = session
        if self.commits:
            files = {p: {"size": len(d), "sha256": sha256(d)} for p, d in staged.items()}
            for path in self.installed():
                if path not in files and path != "boot.py" and not path.startswith(PROTECTED):
                    self.flash.pop(path, None)
            self.flash.update(staged)
            manifest = {"version": version, "files": files}
            self.flash[MANIFEST] = json.dumps(manifest).encode()
            self.flash[VERSION] = json.dumps({"version": version}).encode()
        if self.answers_commit:
            wire.say("ok")
        return self._restart()

    def _restart(self):
        self.resets += 1
        if self.down_for:
            self.listener.close()
            self.stop_waiting.wait(self.down_for)
            self.listener = listen(self.host, self.port)
        return True


def stays_silent(wire, _line=None):
    """An answer that never comes."""
    wire.wait_until_closed()


def closes(wire, _line=None):
    """No answer but the end of the connection."""
    raise Gone

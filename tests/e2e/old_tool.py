"""A host with micro-ota 1.0: its commands and both of its pushes, byte by byte."""

import hashlib
import hmac
import json
import struct

from .old_board import sha256, sign
from .wire import Wire


class OldTool:
    def __init__(self, host, port, password=None, key=None):
        self.host, self.port = host, port
        self.password, self.key = password, key

    def connect(self):
        wire = Wire.to(self.host, self.port)
        if self.password is not None:
            answer = wire.ask(self.password)
            assert answer == "ok", f"the board answers the password with {answer!r}"
        return wire

    def ask(self, command):
        with self.connect() as wire:
            return wire.ask(command)

    def version(self):
        return json.loads(self.ask("version"))["version"]

    def ls(self, path="/"):
        with self.connect() as wire:
            wire.say("ls " + path)
            entries = []
            while line := wire.line():
                assert not line.startswith("error"), line
                entries.append(line)
            return entries

    def get(self, path):
        with self.connect() as wire:
            size = wire.ask("get " + path)
            return wire.read(int(size)) if size.isdigit() else None

    def manifest(self, version, files):
        """The JSON of a `start_ota` session, signed where there is a key."""
        entries = {p: {"size": len(d), "sha256": sha256(d)} for p, d in files.items()}
        manifest = {"version": version, "files": entries}
        if self.key:
            manifest["sig"] = sign(self.key, version, entries)
        return json.dumps(manifest).encode()

    def push_files(self, version, files, words=""):
        """A `start_ota` session; @words: `wipe`, `no-rollback`, `force`, which only a newer agent
        knows. Returns its last answer.
        """
        with self.connect() as wire:
            answer = wire.ask(f"start_ota {words}".strip())
            if answer != "ready":
                return answer
            manifest = self.manifest(version, files)
            wire.send(b"manifest %d\n" % len(manifest) + manifest)
            answer = wire.line()
            for path, data in files.items():
                if answer != "ok":
                    return answer
                wire.send(f"file {path};{len(data)};{sha256(data)}\n".encode() + data)
                answer = wire.line()
            return wire.ask("end_ota") if answer == "ok" else answer

    def stream(self, version, files):
        """The bytes of a stream, from its magic to its trailer."""
        body = struct.pack(">H", len(version.encode())) + version.encode()
        body += struct.pack(">H", len(files))
        for path in sorted(files):
            name, data = path.encode(), files[path]
            body += struct.pack(">H", len(name)) + name + struct.pack(">I", len(data))
            body += hashlib.sha256(data).digest() + data
        trailer = bytes(32)
        if self.key:
            trailer = hmac.new(self.key.encode(), body, hashlib.sha256).digest()
        return b"OTAS" + body + trailer

    def push_stream(self, version, files):
        """A `stream_ota` push. Returns its last answer."""
        stream = self.stream(version, files)
        with self.connect() as wire:
            answer = wire.ask(f"stream_ota {len(stream)}")
            if answer != "ready":
                return answer
            wire.send(stream)
            return wire.line()

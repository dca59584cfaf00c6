#!/usr/bin/env python3
"""Makes the vectors beside it with nothing but Python's own hmac and hashlib.

The C tests and the agent's tests read them, so that neither is its own judge. The formats are in
the wire description of protocol 1.0. Run it again after a change; the result must not differ but
for what was changed.
"""

import hashlib
import hmac
import json
import pathlib
import struct

HERE = pathlib.Path(__file__).parent
KEY = "correct horse battery staple"
HEX_KEY = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def mac(key: str, data: bytes) -> bytes:
    return hmac.new(key.encode(), data, hashlib.sha256).digest()


def signing(name: str, key: str, version: str, files: dict[str, str]) -> dict:
    # str compares by code point in Python, which UTF-16 (JavaScript, Java) does not
    payload = "\n".join([version] + [f"{path}:{files[path]}" for path in sorted(files)])
    return {
        "name": name,
        "key": key,
        "version": version,
        "files": files,
        "payload": payload,
        "sig": mac(key, payload.encode()).hex(),
    }


def stream(name: str, key: str, version: str, files: dict[str, bytes]) -> dict:
    body = struct.pack(">H", len(version.encode())) + version.encode()
    body += struct.pack(">H", len(files))
    for path in sorted(files):
        data = files[path]
        body += struct.pack(">H", len(path.encode())) + path.encode()
        body += struct.pack(">I", len(data)) + hashlib.sha256(data).digest() + data
    trailer = mac(key, body) if key else bytes(32)
    return {
        "name": name,
        "key": key,
        "version": version,
        "files": [{"path": path, "content_hex": data.hex()} for path, data in files.items()],
        "stream_hex": (b"OTAS" + body + trailer).hex(),
    }


def signing_vectors() -> list[dict]:
    app = sha(b"def run():\n    pass\n")
    empty = sha(b"")
    return [
        signing("one-file", KEY, "1.0.0", {"app/app.py": app}),
        signing("no-files", KEY, "1.0.0", {}),
        signing("empty-file", KEY, "1.0.0", {"app/__init__.py": empty}),
        signing(
            "three-files-given-unsorted",
            KEY,
            "1.2.3",
            {"main.py": sha(b"import uota\n"), "config/ota.json": sha(b"{}\n"), "app/app.py": app},
        ),
        signing(
            "hyphen-and-dot-sort-before-slash",
            KEY,
            "1.0.0",
            {"a/b": sha(b"1"), "a-b": sha(b"2"), "a.b": sha(b"3"), "a0b": sha(b"4")},
        ),
        signing(
            "upper-case-sorts-before-lower", KEY, "1.0.0", {"b": app, "B": app, "a": app, "_": app}
        ),
        signing(
            "code-points-not-utf16-units",
            KEY,
            "1.0.0",
            # UTF-16 puts the emoji (D83D DE00) before the other two
            {"data/\U0001f600.txt": app, "data/\uff21.txt": empty, "data/\ue000.txt": empty},
        ),
        signing(
            "accents",
            KEY,
            "1.0.0-bêta",
            {"app/été.py": app, "app/zoo.py": empty, "app/e\u0301te.py": empty},
        ),
        signing("non-ascii-key", "clé-密钥-🔑", "1.0.0", {"app/app.py": app}),
        signing("key-of-64-hex-digits", HEX_KEY, "1.0.0", {"app/app.py": app}),
        signing("key-longer-than-a-block", "k" * 65, "1.0.0", {"app/app.py": app}),
        signing("key-of-one-byte", "k", "1.0.0", {"app/app.py": app}),
        signing("version-of-64-bytes", KEY, "9" * 64, {"app/app.py": app}),
        signing("space-in-path", KEY, "1 (draft)", {"data/my notes.txt": app}),
        signing(
            "many-files", KEY, "2.0.0", {f"lib/m{n}.py": sha(str(n).encode()) for n in range(120)}
        ),
    ]


def stream_vectors() -> list[dict]:
    app = b"def run():\n    pass\n"
    every_byte = bytes(range(256))
    return [
        stream("one-file-unsigned", "", "1.0.0", {"app/app.py": app}),
        stream("one-file-signed", KEY, "1.0.0", {"app/app.py": app}),
        stream("no-files-unsigned", "", "1.0.0", {}),
        stream("no-files-signed", KEY, "1.0.0", {}),
        stream("empty-file", KEY, "1.0.0", {"app/__init__.py": b""}),
        stream("every-byte-value", KEY, "1.0.0", {"data/bytes.bin": every_byte}),
        stream(
            "given-unsorted",
            KEY,
            "1.2.3",
            {"main.py": b"import uota\n", "a/b": b"1", "a-b": b"2", "app/app.py": app},
        ),
        stream(
            "code-points-not-utf16-units",
            KEY,
            "1.0.0-bêta",
            {"data/\U0001f600.txt": b"1", "data/\uff21.txt": b"2", "data/é.txt": b"3"},
        ),
        stream("path-of-255-bytes", KEY, "1.0.0", {"d/" + "p" * 253: b"x"}),
        stream("key-longer-than-a-block", "k" * 65, "9" * 64, {"app/app.py": app}),
        # longer than any buffer of the agent, and no multiple of one
        stream("several-buffers", KEY, "1.0.0", {"data/big.bin": every_byte * 20 + b"end"}),
    ]


def write(name: str, vectors: list[dict]) -> None:
    text = json.dumps(vectors, indent=1, ensure_ascii=False)
    (HERE / name).write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    write("signing.json", signing_vectors())
    write("stream.json", stream_vectors())

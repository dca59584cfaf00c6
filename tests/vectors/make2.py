#!/usr/bin/env python3
"""Makes the vectors of protocol 2 beside it, with nothing but the standard library, and AES.

docs/protocol.md is what they are made from, section by section; no code of tool or agent, and none
of tests/client2, is used, so that each can be held against them. AES is a few lines of its own
here (checked against FIPS-197 on each run), so that no library is everybody's judge. Run it again
after a change; the result must not differ but for what was changed: there is nothing random in it.

Each file is an object of lists; the entries of a list named `refused` (or `…-refused`) must be
refused, and say why in `why`.
"""

import binascii
import hashlib
import hmac
import json
import pathlib
import struct
import zlib

HERE = pathlib.Path(__file__).parent
SIGNING_KEY = "correct horse battery staple"
PASSWORD = "pässword of the bench"
SALT = bytes(range(16))
HOST_NONCE = bytes(range(0x10, 0x20))
BOARD_NONCE = bytes(range(0xA0, 0xB0))


def mac(key: bytes, data: bytes) -> bytes:
    return hmac.new(key, data, hashlib.sha256).digest()


def sha(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def noise(n: int, seed: str) -> bytes:
    """n bytes that nobody can compress, the same on each run."""
    return b"".join(sha(f"{seed} {i}".encode()) for i in range(n // 32 + 1))[:n]


# --- AES-128, as FIPS-197 has it: small, slow, and by itself --------------------------------------


def _double(x: int) -> int:
    return ((x << 1) ^ 0x11B if x & 0x80 else x << 1) & 0xFF


def _make_sbox() -> bytes:
    box = bytearray(256)
    p = q = 1
    while True:
        p ^= _double(p)  # times 3
        for shift in (1, 2, 4):
            q ^= (q << shift) & 0xFF
        q ^= 0x09 if q & 0x80 else 0
        rotated = [((q << n) | (q >> (8 - n))) & 0xFF for n in range(5)]
        box[p] = rotated[0] ^ rotated[1] ^ rotated[2] ^ rotated[3] ^ rotated[4] ^ 0x63
        if p == 1:
            break
    box[0] = 0x63
    return bytes(box)


SBOX = _make_sbox()


def _round_keys(key: bytes) -> list[bytes]:
    words = [key[i : i + 4] for i in range(0, 16, 4)]
    constant = 1
    for i in range(4, 44):
        word = words[-1]
        if i % 4 == 0:
            word = bytes(SBOX[b] for b in word[1:] + word[:1])
            word = bytes([word[0] ^ constant]) + word[1:]
            constant = _double(constant)
        words.append(_xor(words[-4], word))
    return [b"".join(words[i : i + 4]) for i in range(0, 44, 4)]


def _xor(a: bytes, b: bytes) -> bytes:
    return bytes(x ^ y for x, y in zip(a, b, strict=True))


def _mix(column: bytes) -> bytes:
    total = column[0] ^ column[1] ^ column[2] ^ column[3]
    pairs = zip(column, column[1:] + column[:1], strict=True)
    return bytes(a ^ total ^ _double(a ^ b) for a, b in pairs)


def aes_block(key: bytes, block: bytes) -> bytes:
    keys = _round_keys(key)
    state = _xor(block, keys[0])
    for number, round_key in enumerate(keys[1:], 1):
        state = bytes(SBOX[b] for b in state)
        state = bytes(state[(i + 4 * (i % 4)) % 16] for i in range(16))
        if number < 10:
            state = b"".join(_mix(state[i : i + 4]) for i in range(0, 16, 4))
        state = _xor(state, round_key)
    return state


def check_aes() -> None:
    key = bytes(range(16))
    block = bytes.fromhex("00112233445566778899aabbccddeeff")
    assert aes_block(key, block).hex() == "69c4e0d86a7b0430d8cdb78070b4c55a"  # FIPS-197, C.1


# --- 3, 4: hello, secrets, keys -------------------------------------------------------------------

LABELS = ("host proof", "board proof", "host mac", "board mac", "host aes", "board aes")


def secret(method: str, password: str, signing_key: str) -> bytes:
    name, _, rest = method.partition(":")
    if name == "pbkdf2-sha256":
        rounds, salt = rest.split(":")
        salt = bytes.fromhex(salt)
        return hashlib.pbkdf2_hmac("sha256", password.encode(), salt, int(rounds))
    if name == "key":
        return mac(signing_key.encode(), b"\xffuota 2 session")
    if name == "sha256":
        return sha(password.encode())
    return bytes(32)


def derive(shared: bytes, host_line: str, board_line: str) -> dict[str, bytes]:
    prk = mac(sha(host_line.encode() + board_line.encode()), shared)
    keys = {label: mac(prk, b"uota 2 " + label.encode() + b"\x01") for label in LABELS}
    keys["host aes"] = keys["host aes"][:16]
    keys["board aes"] = keys["board aes"][:16]
    return keys


def hello_lines(methods: str, cipher: str, name: str) -> tuple[str, str]:
    host = f"hello 2 {HOST_NONCE.hex()}\n"
    board = f"hello 2 {BOARD_NONCE.hex()} auth={methods} cipher={cipher} name={name}\n"
    return host, board


def handshake(name: str, methods: str, index: int = 0, **more: str) -> dict:
    host, board = hello_lines(
        methods, more.get("cipher", "aes128-cbc"), more.get("board", "kitchen")
    )
    host, board = more.get("host_line", host), more.get("board_line", board)
    password = more.get("password", PASSWORD)
    signing_key = more.get("signing_key", SIGNING_KEY)
    shared = secret(methods.split(",")[index], password, signing_key)
    keys = derive(shared, host, board)
    return {
        "name": name,
        "password": password,
        "signing_key": signing_key,
        "host_line": host,
        "board_line": board,
        "index": index,
        "secret": shared.hex(),
        "host_proof_line": f"proof {index} {keys['host proof'].hex()}\n",
        "board_proof_line": f"proof {keys['board proof'].hex()}\n",
        **{label.replace(" ", "_"): keys[label].hex() for label in LABELS[2:]},
    }


def refused_hello(why: str, line: str, password: str = PASSWORD, key: str = SIGNING_KEY) -> dict:
    return {"why": why, "board_line": line, "password": password, "signing_key": key}


def hello_vectors() -> dict:
    slow = f"pbkdf2-sha256:200000:{SALT.hex()}"
    other = f"pbkdf2-sha256:250000:{noise(32, 'salt').hex()}"
    host, board = hello_lines(slow, "aes128-cbc", "kitchen")
    good = [
        handshake("password", slow),
        handshake("password-and-more-rounds-and-a-long-salt", other),
        handshake("signing-key", "key"),
        handshake("no-secret", "none", password="", signing_key=""),
        handshake("authenticated-only", slow, cipher="none"),
        handshake("the-kept-secret-during-a-trial", f"{slow},{other}", index=1),
        handshake("kept-was-a-key", f"{slow},key", index=1),
        handshake("name-with-spaces-and-equals-signs", "key", board="the kitchen = mine"),
        handshake("name-empty", "key", board=""),
        handshake("unknown-keys", "key", board_line=board.replace(slow, "key x=1 y=a,b")),
        handshake("host-line-with-more", "key", host_line=host[:-1] + " x=1\n"),
        handshake("long-signing-key", "key", signing_key="k" * 65),
    ]
    line = f"hello 2 {BOARD_NONCE.hex()} auth=%s cipher=aes128-cbc name=kitchen\n"
    salt = SALT.hex()
    refused = [
        refused_hello("too few rounds", line % f"pbkdf2-sha256:199999:{salt}"),
        refused_hello("too many rounds", line % f"pbkdf2-sha256:2000001:{salt}"),
        refused_hello("rounds that are no number", line % f"pbkdf2-sha256:2e5:{salt}"),
        refused_hello("rounds with a sign", line % f"pbkdf2-sha256:+200000:{salt}"),
        refused_hello("salt of 15 bytes", line % f"pbkdf2-sha256:200000:{salt[2:]}"),
        refused_hello("salt of 33 bytes", line % f"pbkdf2-sha256:200000:{'00' * 33}"),
        refused_hello("salt that is not hex", line % f"pbkdf2-sha256:200000:{'0g' * 16}"),
        refused_hello("no salt", line % "pbkdf2-sha256:200000"),
        refused_hello("a fast hash", line % "sha256"),
        refused_hello("no secret, to a host with a password", line % "none", key=""),
        refused_hello("no secret, to a host with a key", line % "none", password=""),
        refused_hello("a password, to a host without one", line % slow, password="", key=""),
        refused_hello("a key, to a host without one", line % "key", key=""),
        refused_hello("an unknown method", line % "md5"),
        refused_hello("no method", line % ""),
        refused_hello("no auth", f"hello 2 {BOARD_NONCE.hex()} cipher=aes128-cbc name=x\n"),
        refused_hello("no cipher", f"hello 2 {BOARD_NONCE.hex()} auth=key name=x\n"),
        refused_hello("no name", f"hello 2 {BOARD_NONCE.hex()} auth=key cipher=aes128-cbc\n"),
        refused_hello("unknown cipher", (line % "key").replace("aes128-cbc", "rot13")),
        refused_hello("auth twice", line % f"key auth={slow}"),
        refused_hello("cipher twice", line % "key cipher=none"),
        refused_hello("a short nonce", "hello 2 00 auth=key cipher=aes128-cbc name=x\n"),
        refused_hello("a nonce that is not hex", (line % "key").replace("a0", "zz", 1)),
        refused_hello("a nonce in capitals", (line % "key").replace("ab", "AB", 1)),
        refused_hello("protocol 3", (line % "key").replace("hello 2", "hello 3")),
        refused_hello("protocol 1", (line % "key").replace("hello 2", "hello 1")),
        refused_hello("two spaces", (line % "key").replace("hello 2", "hello  2")),
        refused_hello("a carriage return", (line % "key")[:-1] + "\r\n"),
        refused_hello("a control character", (line % "key").replace("kit", "kit\x1b[2J")),
        refused_hello("not ASCII", (line % "key").replace("kit", "kît")),
        refused_hello("over 512 bytes", (line % "key")[:-1] + "n" * 512 + "\n"),
        refused_hello("unknown", "unknown\n"),
        refused_hello("denied", "denied\n"),
        refused_hello("an error", "error: busy\n"),
        refused_hello("the end", ""),
    ]
    return {"handshakes": good, "refused": refused}


# --- 5: records -----------------------------------------------------------------------------------


class Sender:
    """One direction of records; the random bytes of its heads are 00 … 08, 09 … 11 and so on."""

    def __init__(self, mac_key: bytes, aes_key: bytes | None) -> None:
        self.mac_key = mac_key
        self.aes_key = aes_key
        self.last = bytes(16)
        self.sequence = 0

    def encrypt(self, body: bytes) -> bytes:
        if self.aes_key is None:
            return body
        out = b""
        for i in range(0, len(body), 16):
            self.last = aes_block(self.aes_key, _xor(self.last, body[i : i + 16]))
            out += self.last
        return out

    def record(self, kind: int, payload: bytes, length: int | None = None) -> bytes:
        length = len(payload) if length is None else length
        random = bytes((self.sequence * 9 + i) & 0xFF for i in range(9))
        head = struct.pack(">IHB", self.sequence, length, kind) + random
        return self.seal(head + payload + bytes(-len(payload) % 16))

    def seal(self, plain: bytes) -> bytes:
        body = self.encrypt(plain)
        size = struct.pack(">H", len(body))
        tag = mac(self.mac_key, struct.pack(">I", self.sequence) + size + body)[:16]
        self.sequence += 1
        return size + body + tag


RECORDS = [
    (1, b"ping"),
    (2, b""),
    (2, b"x"),
    (2, bytes(range(16))),
    (2, bytes(range(17))),
    (3, b""),
    (4, b"error: not found"),
    (1, "get data/été.txt".encode()),
    (2, noise(512, "record")),
]


def records(name: str, who: str, keys: dict[str, bytes], cipher: bool, wanted: list) -> dict:
    sender = Sender(keys[f"{who} mac"], keys[f"{who} aes"] if cipher else None)
    return {
        "name": name,
        "from": who,
        "mac_key": keys[f"{who} mac"].hex(),
        "aes_key": keys[f"{who} aes"].hex() if cipher else None,
        "records": [
            {"type": kind, "payload": payload.hex(), "wire": sender.record(kind, payload).hex()}
            for kind, payload in wanted
        ],
    }


def host_records() -> list:
    return [record for record in RECORDS if record[0] in (1, 2)]


def board_records() -> list:
    return [r for r in RECORDS if r[0] != 1] + [(2, noise(4096, "long"))]


def refused_records(keys: dict[str, bytes]) -> list[dict]:
    """Each is a whole stream from the host; its last record is the one to be refused."""

    def pair() -> tuple[Sender, bytes]:
        sender = Sender(keys["host mac"], keys["host aes"])
        return sender, sender.record(1, b"ping")

    def changed(at: int, bit: int = 1) -> str:
        wire = bytearray(pair()[1])
        wire[at] ^= bit
        return wire.hex()

    def forged(length: int, payload: bytes, kind: int = 2) -> str:
        sender = Sender(keys["host mac"], keys["host aes"])
        return sender.record(kind, payload, length).hex()

    sender, first = pair()
    second, third = sender.record(1, b"reset"), sender.record(1, b"version")
    from_board = Sender(keys["board mac"], keys["board aes"]).record(2, b"pong\n")
    empty = Sender(keys["host mac"], keys["host aes"]).seal(b"")
    uneven = struct.pack(">H", 17) + bytes(17)
    uneven += mac(keys["host mac"], bytes(4) + uneven)[:16]
    plain = Sender(keys["host mac"], None).record(1, b"ping")
    out = [
        ("a bit of the size", changed(1, 0x10)),
        ("a bit of the head", changed(2)),
        ("the last bit of the body", changed(33, 0x80)),
        ("a bit of the tag", changed(34)),
        ("the last bit of the tag", changed(49, 0x80)),
        ("replayed", (first + first).hex()),
        ("reordered", (first + third).hex()),
        ("spliced: the second without the first", second.hex()),
        ("reflected: a record of the board", from_board.hex()),
        ("sent in clear, with the right tag", plain.hex()),
        ("size 0, with the right tag", empty.hex()),
        ("size 17, with the right tag", uneven.hex()),
        ("length beyond the body", forged(33, bytes(32))),
        ("length a block too small", forged(16, bytes(32))),
        ("length 0 in a body of two blocks", forged(0, bytes(16))),
        ("payload of 513 bytes", forged(513, bytes(513))),
        ("type 0", forged(4, b"ping", 0)),
        ("type 5", forged(4, b"ping", 5)),
        ("type 3, which only a board sends", forged(0, b"", 3)),
        ("type 255", forged(4, b"ping", 255)),
    ]
    return [{"why": why, "wire": wire} for why, wire in out]


def record_vectors() -> dict:
    host, board = hello_lines("key", "aes128-cbc", "kitchen")
    keys = derive(secret("key", "", SIGNING_KEY), host, board)
    return {
        "streams": [
            records("from-host", "host", keys, True, host_records()),
            records("from-board", "board", keys, True, board_records()),
            records("from-host-in-clear", "host", keys, False, host_records()),
            records("from-board-in-clear", "board", keys, False, board_records()),
            records("a-hundred", "host", keys, True, [(1, b"ping")] * 100),
        ],
        "refused-keys": {
            "mac_key": keys["host mac"].hex(),
            "aes_key": keys["host aes"].hex(),
        },
        "refused": refused_records(keys),
    }


# --- 7.2: manifest --------------------------------------------------------------------------------


def sign(key: str, rest: bytes) -> bytes:
    if not key:
        return b"uota 2 none -\n" + rest
    signature = mac(key.encode(), b"\xffuota 2 manifest" + rest)
    return b"uota 2 hmac-sha256 " + signature.hex().encode() + b"\n" + rest


def body(
    files: dict[str, bytes],
    version: str = "1.2.1",
    counter: str = "1764337380",
    scope: str = "complete",
    needs: tuple[str, ...] = (),
    deleted: tuple[str, ...] = (),
) -> bytes:
    lines = [f"counter {counter}", f"version {version}", f"scope {scope}"]
    lines += [f"need {need}" for need in needs]
    # UTF-8 sorts as code points do
    for path in sorted(files, key=str.encode):
        lines.append(f"{len(files[path])} {sha(files[path]).hex()} {path}")
    lines += [f"- {path}" for path in sorted(deleted, key=str.encode)]
    return "".join(line + "\n" for line in lines).encode()


def manifest(name: str, files: dict[str, bytes], key: str = SIGNING_KEY, **more) -> dict:
    rest = body(files, **more)
    return {
        "name": name,
        "signing_key": key,
        "counter": int(more.get("counter", "1764337380").split()[0]),
        "downgrade": more.get("counter", "").endswith("downgrade"),
        "version": more.get("version", "1.2.1"),
        "scope": more.get("scope", "complete"),
        "needs": list(more.get("needs", ())),
        "files": [
            {"path": path, "size": len(files[path]), "sha256": sha(files[path]).hex()}
            for path in sorted(files, key=str.encode)
        ],
        "deleted": sorted(more.get("deleted", ()), key=str.encode),
        "id": sha(rest.split(b"\n", 1)[1]).hex(),
        "text": sign(key, rest).decode(),
    }


APP = {"app/app.py": b"def run():\n    pass\n", "main.py": b"import uota\n"}


def manifest_vectors() -> dict:
    needs = ("platform esp32", "mpy 6", "micropython 1.21", "flash 409600")
    good = [
        manifest("two-files", APP),
        manifest("unsigned", APP, key=""),
        manifest("no-files", {}),
        manifest("empty-file", {"app/__init__.py": b""}),
        manifest("needs", APP, needs=needs),
        manifest("partial", APP, scope="partial", deleted=("app/old.py", "lib/gone.py")),
        manifest("partial-that-only-deletes", {}, scope="partial", deleted=("app/old.py",)),
        manifest("downgrade", APP, counter="1764337381 downgrade", version="1.0.0"),
        manifest("counter-greatest", APP, counter=str(2**53 - 1)),
        manifest("counter-one", APP, counter="1"),
        manifest("version-with-spaces", APP, version="1 (draft) bêta"),
        manifest("version-of-64-bytes", APP, version="9" * 64),
        manifest("path-with-spaces", {"data/my notes.txt": b"1", "data/- x": b"2"}),
        manifest("path-of-255-bytes", {"d/" + "p" * 253: b"x"}),
        manifest("sorts-before-slash", {"a/b": b"1", "a-b": b"2", "a.b": b"3", "a0b": b"4"}),
        manifest(
            "code-points-not-utf16-units",
            {"data/\U0001f600.txt": b"1", "data/\uff21.txt": b"2", "data/\ue000.txt": b"3"},
        ),
        manifest("many", {f"lib/m{n}.py": str(n).encode() for n in range(120)}),
    ]
    return {"manifests": good, "refused": refused_manifests()}


def refused_manifests() -> list[dict]:
    """With `id` that of the text as it stands, so that it is the form that is refused."""
    whole = sign(SIGNING_KEY, body(APP)).decode()
    a, b = (f"{len(data)} {sha(data).hex()} {path}\n" for path, data in sorted(APP.items()))
    head = "counter 1\nversion 1\nscope complete\n"
    part = "counter 1\nversion 1\nscope partial\n"
    empty = sha(b"").hex()

    def file(path: str, size: str = "0") -> str:
        return f"{size} {empty} {path}\n"

    signed = {
        "files not sorted": head + b + a,
        "a path twice": head + a + a,
        "a file that is a folder of another": head + file("app") + file("app/app.py"),
        "the same, with a file between": head + file("app") + file("app-x") + file("app/app.py"),
        "deletions in a complete manifest": head + a + "- app/old.py\n",
        "deletions not sorted": part + "- b\n- a\n",
        "a deletion twice": part + "- a\n- a\n",
        "listed and deleted": part + a + "- app/app.py\n",
        "a file after a deletion": part + "- a\n" + a,
        "a deletion of the agent": part + "- lib/uota/ota.py\n",
        "a deletion of the configuration": part + "- config/ota.json\n",
        "a deletion of data": part + "- data/x\n",
        "a deletion of boot.py": part + "- boot.py\n",
        "a deletion out of the folder": part + "- ../x\n",
        "no counter": "version 1\nscope complete\n" + a,
        "no version": "counter 1\nscope complete\n" + a,
        "no scope": "counter 1\nversion 1\n" + a,
        "another scope": "counter 1\nversion 1\nscope all\n" + a,
        "version before counter": "version 1\ncounter 1\nscope complete\n" + a,
        "counter 0": head.replace("r 1", "r 0", 1) + a,
        "counter with a leading zero": head.replace("r 1", "r 01", 1) + a,
        "counter of 2^53": head.replace("r 1", f"r {2**53}", 1) + a,
        "counter with a sign": head.replace("r 1", "r -1", 1) + a,
        "counter with an unknown word": head.replace("r 1", "r 1 upgrade", 1) + a,
        "version of 65 bytes": head.replace("n 1", "n " + "9" * 65, 1) + a,
        "version empty": head.replace("n 1", "n ", 1) + a,
        "version with a control character": head.replace("n 1", "n 1\x1b", 1) + a,
        "an unknown header": head + "hello 2\n" + a,
        "a need after a file": head + a + "need mpy 6\n",
        "a need twice": head + "need mpy 6\nneed mpy 5\n" + a,
        "a need without a value": head + "need mpy\n" + a,
        "a need that nobody knows": head + "need luck 7\n" + a,
        "two spaces": head + a.replace(" ", "  ", 1),
        "a carriage return": head + a.replace("\n", "\r\n"),
        "an empty line": head + "\n" + a,
        "no newline at the end": (head + a)[:-1],
        "a hash of 63 digits": head + f"0 {empty[1:]} a\n",
        "a hash in capitals": head + f"0 {empty.upper()} a\n",
        "a hash that is not hex": head + f"0 {'g' * 64} a\n",
        "size with a leading zero": head + file("a", "01"),
        "size negative": head + file("a", "-1"),
        "size of 2^31": head + file("a", str(2**31)),
        "size that is no number": head + file("a", "0x10"),
        "size empty": head + file("a", ""),
        "path empty": head + file(""),
        "path absolute": head + file("/a"),
        "path with ..": head + file("a/../b"),
        "path with .": head + file("a/./b"),
        "path with an empty segment": head + file("a//b"),
        "path with a slash at its end": head + file("a/"),
        "path with a backslash": head + file("a\\b"),
        "path with a quote": head + file('a"b'),
        "path with a control character": head + file("a\tb"),
        "path with DEL": head + file("a\x7fb"),
        "path of 256 bytes": head + file("p" * 256),
        "path of 17 segments": head + file("/".join("a" * 17)),
        "path with a FAT short name": head + file("CONFIG~1/ota.json"),
        "path with a dot at a segment's end": head + file("a./b"),
        "path with a space at its end": head + file("a "),
        "path of the agent's state": head + file("ota_version.json"),
        "the same in capitals": head + file("OTA_Journal"),
    }
    out = [
        {"why": why, "signing_key": SIGNING_KEY, "text": sign(SIGNING_KEY, text.encode()).decode()}
        for why, text in signed.items()
    ]
    other = "uota 2 hmac-sha256 " + mac(SIGNING_KEY.encode(), body(APP)).hex() + "\n"
    broken = {
        "signed with another key": sign("another key", body(APP)).decode(),
        "unsigned, where a key is set": sign("", body(APP)).decode(),
        "signed as 1.0 would: without the prefix": other + body(APP).decode(),
        "signature in capitals": whole.replace(whole.split()[3], whole.split()[3].upper(), 1),
        "signature cut": whole.replace(whole.split()[3], whole.split()[3][:-1], 1),
        "another algorithm": whole.replace("hmac-sha256", "rsa2048-sha256", 1),
        "another format": whole.replace("uota 2", "uota 3", 1),
        "a line more": whole + file("z"),
        "a line less": whole[: whole.rindex("\n", 0, -1) + 1],
        "a byte changed": whole.replace("main.py", "nain.py"),
        "another counter": whole.replace("1764337380", "1764337381"),
        "empty": "",
        "the first line alone": whole.split("\n")[0] + "\n",
    }
    out += [{"why": w, "signing_key": SIGNING_KEY, "text": text} for w, text in broken.items()]
    for entry in out:
        lines = entry["text"].encode().split(b"\n", 2)
        entry["id"] = sha(lines[2] if len(lines) > 2 else b"").hex()
    return out


def version_order() -> list[dict]:
    """7.2, downgrade: whether `new` is lower than `installed`."""
    pairs = [
        ("1.2.0", "1.2.1", True),
        ("1.2.1", "1.2.0", False),
        ("1.2.0", "1.2.0", False),
        ("1.9.0", "1.10.0", True),
        ("1.10.0", "1.9.0", False),
        ("1.2", "1.2.0", True),
        ("1.2.0", "1.2", False),
        ("1.2.0-rc1", "1.2.0", False),
        ("1.2.0", "1.2.0-rc1", False),
        ("1.2.0+7", "1.2.0+8", False),
        ("2.0.0-9", "10.0.0", True),
        ("1.x.3", "1.4", True),
        ("draft", "1.0.0", True),
        ("1.0.0", "draft", False),
        ("draft", "final", False),
        ("v1.2", "v1.3", True),
        ("9" * 64, "1" + "0" * 63, False),
        ("1.\u0663", "1.0", True),  # a digit, but not of ASCII
    ]
    return [{"new": new, "installed": old, "lower": lower} for new, old, lower in pairs]


# --- 7.3: messages --------------------------------------------------------------------------------


def messages(content: bytes, limit: int, wbits: int, cuts: list[int] | None = None) -> list[bytes]:
    """Payloads of the messages that carry @content; @cuts: plain lengths, the last one repeated."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -wbits) if wbits else None
    out = []
    cuts = list(cuts or [limit])
    while content:
        n = cuts.pop(0) if len(cuts) > 1 else cuts[0]
        part, content = content[:n], content[n:]
        packed = packer.compress(part) + packer.flush(zlib.Z_SYNC_FLUSH) if packer else part
        assert len(packed) + 2 <= limit + 32
        out.append(struct.pack(">H", len(part)) + packed)
    return out


def stream(name: str, content: bytes, limit: int, wbits: int, cuts: list[int] | None = None):
    return {
        "name": name,
        "limit": limit,
        "wbits": wbits,
        "content_sha256": sha(content).hex(),
        "content_size": len(content),
        "messages": [m.hex() for m in messages(content, limit, wbits, cuts)],
    }


def source(lines: int) -> bytes:
    """What a source file is like."""
    text = [f"def handler_{n}(request):\n    return respond({n * 7})\n" for n in range(lines)]
    return "\n".join(text).encode()


def message_vectors() -> dict:
    text, random = source(300), noise(9000, "messages")
    good = [
        stream("one-byte", b"x", 4096, 12),
        stream("one-full-message", text[:4096], 4096, 12),
        stream("source", text, 4096, 12),
        stream("source-small-limit", text, 1024, 10),
        stream("source-largest-limit", text, 16384, 15),
        stream("source-smallest-limit", text, 512, 9),
        stream("source-limit-below-the-window", text, 2048, 12),
        stream("source-limit-above-the-window", text, 4096, 9),
        stream("noise", random, 4096, 12),
        stream("noise-small-limit", random, 1024, 10),
        stream("zeros", bytes(50000), 4096, 12),
        stream("mixed", text[:5000] + random[:5000] + bytes(5000) + text[:5000], 4096, 12),
        stream("uneven", text + random, 4096, 12, [1, 2, 3, 4095, 4096, 1, 7, 1000]),
        stream("byte-by-byte", text[:200], 4096, 12, [1]),
        stream("not-compressed", text[:3000] + random[:3000], 1024, 0),
    ]
    packer = zlib.compressobj(9, zlib.DEFLATED, -12)
    first = packer.compress(text[:1000]) + packer.flush(zlib.Z_SYNC_FLUSH)
    bomb = zlib.compressobj(9, zlib.DEFLATED, -12)
    bomb = bomb.compress(bytes(4_000_000)) + bomb.flush(zlib.Z_SYNC_FLUSH)
    wide = zlib.compressobj(9, zlib.DEFLATED, -15)
    far = wide.compress(random[:4096] * 2) + wide.flush(zlib.Z_SYNC_FLUSH)

    def refused(why: str, *payloads: bytes, limit: int = 4096, wbits: int = 12) -> dict:
        sent = [payload.hex() for payload in payloads]
        return {"why": why, "limit": limit, "wbits": wbits, "messages": sent}

    def n(value: int) -> bytes:
        return struct.pack(">H", value)

    bad = [
        refused("n is 0", n(0)),
        refused("n is 0, with content", n(0) + first),
        refused("n is over the limit", n(4097) + first),
        refused("n is 65535", n(65535) + bomb[:4000]),
        refused("empty", b""),
        refused("one byte", b"\x00"),
        refused("more announced than there is", n(1001) + first),
        refused("cut", n(1000) + first[: len(first) // 2]),
        refused("only the length", n(1000)),
        refused("not deflate", n(100) + b"\xff" * 50),
        refused("reserved block type", n(10) + b"\x07" * 20),
        refused("stored block with a wrong complement", n(4) + b"\x00\x04\x00\x00\x00abcd"),
        refused("less announced than there is", n(1) + first),
        refused("longer than limit + 32", n(4096) + bytes(4095 + 32)),
        refused("not compressed, shorter than n", n(10) + b"123456789", wbits=0),
        refused("not compressed, longer than n", n(10) + b"12345678901", wbits=0),
        refused("a reference beyond the window", n(4096) + far[:4000], wbits=9),
        refused("good, then bad", n(1000) + first, n(10) + b"\x07" * 20),
    ]
    return {"streams": good, "refused": bad}


# --- 7.4: inventory -------------------------------------------------------------------------------

SIZES = [10, 0, 70000, 5, 2**31 - 1]


def inventory(name: str, limit: int, wbits: int, missing: dict[int, int]) -> dict:
    lines = [f"have {limit} {wbits}"] + [f"{index} {at}" for index, at in missing.items()]
    return {
        "name": name,
        "sizes": SIZES,
        "limit": limit,
        "wbits": wbits,
        "missing": [[index, at] for index, at in missing.items()],
        "answer": "".join(line + "\n" for line in lines),
    }


def inventory_vectors() -> dict:
    good = [
        inventory("all", 4096, 12, dict.fromkeys(range(5), 0)),
        inventory("none", 4096, 12, {}),
        inventory("some-in-part", 1024, 10, {0: 9, 2: 65536, 4: 2**31 - 2}),
        inventory("the-last", 512, 9, {4: 0}),
        inventory("the-empty-one", 16384, 15, {1: 0}),
        inventory("not-compressed", 512, 0, {0: 0}),
    ]
    bad = {
        "an index beyond the manifest": "have 4096 12\n5 0\n",
        "an index twice": "have 4096 12\n2 0\n2 0\n",
        "descending": "have 4096 12\n2 0\n0 0\n",
        "an offset of the size": "have 4096 12\n0 10\n",
        "an offset in an empty file": "have 4096 12\n1 1\n",
        "an offset beyond the file": "have 4096 12\n0 4294967296\n",
        "a number of a thousand digits": "have 4096 12\n" + "0" * 1000 + " 0\n",
        "a leading zero": "have 4096 12\n00 0\n",
        "a negative index": "have 4096 12\n-1 0\n",
        "a negative offset": "have 4096 12\n0 -1\n",
        "no offset": "have 4096 12\n0\n",
        "three numbers": "have 4096 12\n0 0 0\n",
        "two spaces": "have 4096 12\n0  0\n",
        "hexadecimal": "have 4096 12\n0 0x1\n",
        "an empty line": "have 4096 12\n\n0 0\n",
        "a carriage return": "have 4096 12\r\n0 0\r\n",
        "no newline at the end": "have 4096 12\n0 0",
        "no first line": "0 0\n",
        "another first line": "keep 4096 12\n0 0\n",
        "limit too small": "have 511 12\n0 0\n",
        "limit too great": "have 16385 12\n0 0\n",
        "wbits of 8": "have 4096 8\n0 0\n",
        "wbits of 16": "have 4096 16\n0 0\n",
        "no wbits": "have 4096\n0 0\n",
        "empty": "",
    }
    refused = [{"why": why, "sizes": SIZES, "answer": answer} for why, answer in bad.items()]
    return {"inventories": good, "refused": refused}


# --- 8: link --------------------------------------------------------------------------------------

START = 0x80


def frame(seq: int, ack: int, payload: bytes = b"", flags: int = 0) -> bytes:
    inner = bytes([seq, ack, len(payload) | flags]) + payload
    return b"\xa5" + inner + struct.pack(">I", binascii.crc32(inner))


def link_vectors() -> dict:
    ident = bytes.fromhex("01020304")
    kinds = [
        ("host-start", 0, 0, ident, START),
        ("board-start", 0, 1, ident, START),
        ("end", 7, 9, b"", START),
        ("bare-ack", 1, 1, b"", 0),
        ("one-byte", 1, 1, b"h", 0),
        ("longest", 255, 0, bytes(range(112)), 0),
        ("all-sync-bytes", 165, 165, b"\xa5" * 112, 0),
        ("ctrl-c-and-ctrl-d", 3, 4, b"\x03\x04\x1b", 0),
    ]
    frames = [
        {
            "name": name,
            "seq": seq,
            "ack": ack,
            "start": bool(flags),
            "payload": payload.hex(),
            "wire": frame(seq, ack, payload, flags).hex(),
        }
        for name, seq, ack, payload, flags in kinds
    ]
    return {"frames": frames, "scans": link_scans(), "refused": refused_frames()}


def link_scans() -> list[dict]:
    """What a receiver finds in bytes with damage among them: `found` are indices into `sent`."""
    sent = [frame(n, 0, bytes([64 + n]) * (5 * n + 1)) for n in range(5)]
    broken = bytearray(sent[2])
    broken[6] ^= 0x40
    longer = bytearray(sent[1])
    longer[3] ^= 0x20  # now announces bytes that belong to the next
    cases = [
        ("nothing-lost", b"".join(sent), [0, 1, 2, 3, 4]),
        ("prints-between", b"[app] 21 C\r\n".join(sent) + b"[app]", [0, 1, 2, 3, 4]),
        ("begins-in-mid-frame", b"".join(sent)[5:], [1, 2, 3, 4]),
        ("a-bit", b"".join([*sent[:2], bytes(broken), *sent[3:]]), [0, 1, 3, 4]),
        ("a-longer-length", b"".join([sent[0], bytes(longer), *sent[2:]]), [0, 2, 3, 4]),
        ("a-byte-lost", b"".join([sent[0], sent[1][:3] + sent[1][4:], *sent[2:]]), [0, 2, 3, 4]),
        ("sync-bytes-between", b"\xa5\xa5".join(sent), [0, 1, 2, 3, 4]),
        (
            "a-false-beginning",
            b"\xa5\x01\x02\x0a" + b"".join(sent),
            [0, 1, 2, 3, 4],
        ),
        ("the-last-is-cut", b"".join(sent)[:-1], [0, 1, 2, 3]),
    ]
    return [
        {"name": name, "sent": [f.hex() for f in sent], "wire": wire.hex(), "found": found}
        for name, wire, found in cases
    ]


def refused_frames() -> list[dict]:
    good = frame(1, 2, b"payload")
    inner = bytes([1, 2, 113]) + bytes(113)
    odd = frame(0, 0, b"123", START)
    out = [
        ("a bit of seq", bytes([good[0], good[1] ^ 1]) + good[2:]),
        ("a bit of ack", good[:2] + bytes([good[2] ^ 0x80]) + good[3:]),
        ("a bit of n: shorter", good[:3] + bytes([good[3] ^ 1]) + good[4:]),
        ("a bit of the payload", good[:5] + bytes([good[5] ^ 4]) + good[6:]),
        ("a bit of the CRC", good[:-1] + bytes([good[-1] ^ 1])),
        ("the CRC's bytes reversed", good[:-4] + good[:-5:-1]),
        ("n is 113", b"\xa5" + inner + struct.pack(">I", binascii.crc32(inner))),
        ("a start of 3 bytes", odd),
        ("no sync byte", b"\x5a" + good[1:]),
        ("cut", good[:-1]),
    ]
    return [{"why": why, "wire": wire.hex()} for why, wire in out]


def write(name: str, vectors: object) -> None:
    text = json.dumps(vectors, indent=1, ensure_ascii=False)
    (HERE / name).write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    check_aes()
    write("hello2.json", hello_vectors())
    write("records2.json", record_vectors())
    write("manifest2.json", {**manifest_vectors(), "order": version_order()})
    write("messages2.json", message_vectors())
    write("inventory2.json", inventory_vectors())
    write("link2.json", link_vectors())

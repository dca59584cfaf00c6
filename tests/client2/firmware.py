# Runs under MicroPython: the vectors of protocol 2 with nothing but what a board's firmware has
# (hashlib, cryptolib, deflate, binascii), in the way that docs/protocol.md says. Not the agent.
import io
import json
import struct
import sys
from binascii import crc32, hexlify, unhexlify
from hashlib import sha256

import deflate
from cryptolib import aes


def hmac(key, data):
    if len(key) > 64:
        key = sha256(key).digest()
    key += bytes(64 - len(key))
    inner = sha256(bytes(b ^ 0x36 for b in key))
    inner.update(data)
    outer = sha256(bytes(b ^ 0x5C for b in key))
    outer.update(inner.digest())
    return outer.digest()


def load(name, part):
    with open(sys.argv[1] + "/" + name + ".json") as f:
        return json.load(f)[part]


def keys_of(vector):
    lines = sha256((vector["host_line"] + vector["board_line"]).encode()).digest()
    prk = hmac(lines, unhexlify(vector["secret"]))

    def key(label):
        return hexlify(hmac(prk, b"uota 2 " + label + b"\1")).decode()

    assert vector["host_proof_line"].split()[2] == key(b"host proof")
    assert vector["board_proof_line"].split()[1] == key(b"board proof")
    assert vector["host_mac"] == key(b"host mac") and vector["board_mac"] == key(b"board mac")
    assert vector["host_aes"] == key(b"host aes")[:32]
    assert vector["board_aes"] == key(b"board aes")[:32]


def records_of(vector):
    mac = unhexlify(vector["mac_key"])
    cipher = vector["aes_key"] and aes(unhexlify(vector["aes_key"]), 2, bytes(16))
    for sequence, record in enumerate(vector["records"]):
        wire = memoryview(bytearray(unhexlify(record["wire"])))
        tag = hmac(mac, struct.pack(">I", sequence) + bytes(wire[:-16]))[:16]
        assert tag == bytes(wire[-16:])
        body = wire[2:-16]
        if cipher:
            cipher.decrypt(body, body)  # in place; it goes on where the last record ended
        number, length, kind = struct.unpack_from(">IHB", body)
        assert (number, kind) == (sequence, record["type"])
        assert bytes(body[16 : 16 + length]) == unhexlify(record["payload"])


class Inflater:
    def __init__(self, vector):
        self.limit = vector["limit"]
        self.file = io.BytesIO(self.limit + 48)
        self.rest = b""
        self.out = memoryview(bytearray(self.limit))
        self.inflate = vector["wbits"] and deflate.DeflateIO(
            self.file, deflate.RAW, vector["wbits"]
        )

    def take(self, message):
        n = message[0] << 8 | message[1] if len(message) > 2 else 0
        if not 0 < n <= self.limit or len(message) > self.limit + 32:
            raise ValueError
        if not self.inflate:
            if n != len(message) - 2:
                raise ValueError
            return message[2:]
        file = self.file
        file.seek(0)
        file.write(self.rest)
        file.write(memoryview(message)[2:])
        end = file.tell()
        file.seek(0)
        if self.inflate.readinto(self.out[:n]) != n or not 0 <= end - file.tell() <= 6:
            raise ValueError
        self.rest = file.read(end - file.tell())
        return self.out[:n]


def messages_of(vector):
    inflater = Inflater(vector)
    total = sha256()
    for message in vector["messages"]:
        total.update(inflater.take(unhexlify(message)))
    assert hexlify(total.digest()).decode() == vector["content_sha256"]


def refused_messages_of(vector):
    inflater = Inflater(vector)
    try:
        for message in vector["messages"]:
            inflater.take(unhexlify(message))
    except (ValueError, OSError, EOFError):
        return
    raise AssertionError("taken")


def frame_of(vector):
    wire = unhexlify(vector["wire"])
    assert struct.pack(">I", crc32(wire[1:-4])) == wire[-4:]


CHECKS = (
    ("hello2", "handshakes", keys_of),
    ("records2", "streams", records_of),
    ("messages2", "streams", messages_of),
    ("messages2", "refused", refused_messages_of),
    ("link2", "frames", frame_of),
)

for name, part, check in CHECKS:
    vectors = load(name, part)
    for vector in vectors:
        try:
            check(vector)
        except Exception as e:
            print(name, vector.get("name") or vector["why"])
            sys.print_exception(e)
            sys.exit(1)
    print(name, part, len(vectors))

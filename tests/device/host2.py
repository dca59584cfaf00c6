# A host of protocol 2 over board.Peer, for the agent's tests: it holds the keys, and nothing of the
# agent's own record code.
import json
import os

from binascii import hexlify
from board import Peer
from cryptolib import aes
from hashlib import sha256

TEXT, DATA, END, ERROR = 1, 2, 3, 4
NONCE = "0123456789abcdef" * 2


def vectors(name):
    with open("/host/tests/vectors/" + name) as f:
        return json.load(f)


def hmac(key, data):
    if len(key) > 64:
        key = sha256(key).digest()
    key += bytes(64 - len(key))
    inner = sha256(bytes(b ^ 0x36 for b in key) + data).digest()
    return sha256(bytes(b ^ 0x5C for b in key) + inner).digest()


class Seal:
    """Records of one direction, made."""

    def __init__(self, mac_key, aes_key):
        self.mac_key, self.sequence = mac_key, 0
        self.aes = aes(aes_key, 2, bytes(16)) if aes_key else None

    def __call__(self, kind, payload, size=None):
        sequence = self.sequence.to_bytes(4, "big")
        n = len(payload) if size is None else size
        body = sequence + n.to_bytes(2, "big") + bytes([kind]) + os.urandom(9) + payload
        body += bytes(-len(payload) & 15)
        body = self.aes.encrypt(body) if self.aes else body
        size = len(body).to_bytes(2, "big")
        self.sequence += 1
        return size + body + hmac(self.mac_key, sequence + size + body)[:16]


class Open:
    """Records of one direction, taken apart."""

    def __init__(self, mac_key, aes_key):
        self.mac_key, self.sequence = mac_key, 0
        self.aes = aes(aes_key, 2, bytes(16)) if aes_key else None

    def __call__(self, data):
        """[(type, payload)] of all that is there."""
        found = []
        while data:
            n = int.from_bytes(data[:2], "big")
            sequence = self.sequence.to_bytes(4, "big")
            body, tag = data[2 : n + 2], data[n + 2 : n + 18]
            assert tag == hmac(self.mac_key, sequence + data[: n + 2])[:16]
            body = self.aes.decrypt(body) if self.aes else body
            assert body[:4] == sequence
            size = int.from_bytes(body[4:6], "big")
            assert n == 16 + size + (-size & 15)
            found.append((body[6], body[16 : 16 + size]))
            self.sequence += 1
            data = data[n + 18 :]
        return found


class Host(Peer):
    """A session that is proven, but with @secret None; ask() gives an answer's bytes."""

    def __init__(self, secret=bytes(32), index=0, loop=None, piece=1000):
        super().__init__(loop, piece)
        self.line = "hello 2 " + NONCE + "\n"
        self.hello = self.say(self.line).decode()
        self.index = index
        self.denied = None
        if secret is not None:
            self.prove(secret)

    @staticmethod
    def of_key(key):
        """The secret of a board that has a signing key and no password."""
        return hmac(key.encode(), b"\xffuota 2 session")

    def key(self, secret, label):
        seen = sha256(self.line + self.hello).digest()
        return hmac(hmac(seen, secret), b"uota 2 " + label.encode() + b"\1")

    def prove(self, secret):
        proof = hexlify(self.key(secret, "host proof")).decode()
        answer = self.say("proof %d %s\n" % (self.index, proof)).decode()
        if answer != "proof %s\n" % hexlify(self.key(secret, "board proof")).decode():
            self.denied = answer
            return
        clear = " cipher=none " in self.hello
        self.seal, self.open = (
            make(
                self.key(secret, who + " mac"),
                None if clear else self.key(secret, who + " aes")[:16],
            )
            for make, who in ((Seal, "host"), (Open, "board"))
        )

    def records(self, kind, payload):
        """What the board says to one record."""
        return self.open(self.say(self.seal(kind, payload)))

    def command(self, text):
        """An answer: its bytes, or the ERROR's text."""
        return self.answer(self.records(TEXT, text.encode() if isinstance(text, str) else text))

    def put(self, path, data, sha=None, size=None):
        """What the board says to a file that comes as `put`."""
        sha = sha or hexlify(sha256(data).digest()).decode()
        size = len(data) if size is None else size
        sent = self.seal(TEXT, ("put %s %s %s" % (size, sha, path)).encode())
        for at in range(0, len(data), 512):
            sent += self.seal(DATA, data[at : at + 512])
        return self.answer(self.open(self.say(sent)))

    @staticmethod
    def answer(records):
        data = b""
        for kind, payload in records:
            if kind == ERROR:
                return payload.decode()
            data += payload
        assert not records or records[-1][0] == END, records
        return data


class Packer:
    """Messages, in stored blocks: all that a host without a compressor can do."""

    def __init__(self, window, wbits):
        self.window, self.wbits = window, wbits

    def __call__(self, content):
        made = []
        for at in range(0, len(content), self.window):
            part = content[at : at + self.window]
            n = len(part)
            head = n.to_bytes(2, "big")
            if self.wbits:
                head += b"\0" + n.to_bytes(2, "little") + (n ^ 0xFFFF).to_bytes(2, "little")
            made.append(head + part + (b"\0\0\0\xff\xff" if self.wbits else b""))
        return made

"""Updates that the owner has not made, or not for this board, or not now."""

import struct
import zlib

import pytest
from client2 import record
from client2.errors import BoardError
from client2.manifest import Manifest

from .conftest import KEY, manifest

EVIL = {"app/app.py": b"evil\n", "app/more.py": b"more\n"}


def refused(target, one, files, like, key=KEY, words=()):
    with target.session() as session, pytest.raises(BoardError, match=like):
        session.push(one, files, key, words)


class Forged(Manifest):
    """A manifest whose text is somebody else's work."""

    def __init__(self, real, forge):
        super().__init__(real.version, real.counter, real.files, real.scope, real.needs)
        self.forge = forge

    def sign(self, key):
        return self.forge(super().sign(key))

    def id(self):
        return Manifest.id(self)


def test_not_signed_and_signed_with_another_key(unharmed):
    """By one who has the password, and so gets as far as to a push."""
    for key in ("", "guess", KEY[:-1], KEY + "k"):
        refused(unharmed, manifest(EVIL, 200), EVIL, "sig_mismatch", key)


FORGERIES = [
    lambda text: text[:-1],
    lambda text: text + b"\n",
    lambda text: text + b"5 " + b"0" * 64 + b" z\n",
    lambda text: text.replace(b"counter 200", b"counter 201"),
    lambda text: text.replace(b"counter 200", b"counter 200 downgrade"),
    lambda text: text.replace(b"version 1.0.0", b"version 9.0.0"),
    lambda text: text.replace(b"scope complete", b"scope partial"),
    lambda text: text.replace(b"app/more.py", b"app/evil.py"),
    lambda text: text.replace(b"hmac-sha256", b"none"),
    lambda text: b"uota 2 none -\n" + text.split(b"\n", 1)[1],
    lambda text: text.split(b"\n", 1)[1],
    lambda text: text[:19] + text[19:83].upper() + text[83:],
    lambda text: text.replace(b"\n", b"\r\n"),
]


@pytest.mark.parametrize("forge", FORGERIES)
def test_a_signed_manifest_that_was_changed(unharmed, forge):
    one = Forged(manifest(EVIL, 200), forge)
    refused(unharmed, one, EVIL, "sig_mismatch|bad manifest")


def test_an_old_signed_update_again(unharmed):
    """The owner's own, with its true signature: what was installed, and older ones."""
    for counter in (1, 99, 100):
        refused(unharmed, manifest(EVIL, counter), EVIL, "refused: counter")


def test_an_update_for_another_board(unharmed):
    for needs in ({"platform": "rp2"}, {"mpy": "5"}, {"flash": "99999999"}, {"radio": "x"}):
        refused(unharmed, manifest(EVIL, 200, needs=needs), EVIL, "refused: needs ")


def test_an_older_version_with_a_newer_counter(unharmed):
    refused(unharmed, manifest(EVIL, 200, version="0.9"), EVIL, "refused: 0.9 is older than 1.0.0")


def test_other_content_than_was_signed(unharmed):
    files = {**EVIL, "app/more.py": b"MORE\n"}
    refused(unharmed, manifest(EVIL, 200), files, "sha256_mismatch app/more.py")


def test_paths_that_lead_elsewhere(unharmed):
    """Signed, by an owner who was made to push a hostile project."""
    for path in (
        "../x",
        "/x",
        "a/../../x",
        "ota_counter",
        "OTA_journal",
        "a//b",
        "a/.",
        "CONFIG~1/x",
    ):
        refused(unharmed, manifest({path: b"evil"}, 200), {path: b"evil"}, "bad path|protected")


def begin(session, one):
    """A push up to where the board wants the manifest."""
    text = one.sign(KEY)
    answer = session.command(f"push {one.id()} {len(text)}")
    assert answer.startswith(b"send ")
    return text


def message(content, n=None):
    pack = zlib.compressobj(9, zlib.DEFLATED, -12)
    packed = pack.compress(content) + pack.flush(zlib.Z_SYNC_FLUSH)
    return struct.pack(">H", len(content) if n is None else n) + packed


@pytest.mark.parametrize(
    "payload",
    [
        message(bytes(4_000_000), 1),
        message(bytes(4_000_000), 4096)[:4000],
        message(bytes(4_000_000), 65535)[:4000],
        message(b"x", 0),
        message(b"x" * 10, 4096),
        b"",
        b"\0",
        b"\0\5",
        b"\0\5\xff\xff\xff\xff",
        b"\0\5" + b"\0" * 100,
    ],
    ids="bomb bomb-of-a-window bomb-of-65535 n-0 n-too-large empty"
    " short no-content bad stored".split(),
)
def test_bombs_and_what_is_no_deflate(unharmed, payload):
    with unharmed.session() as session:
        begin(session, manifest(EVIL, 200))
        with pytest.raises((BoardError, ConnectionError), match="bad message|closed|reset"):
            session._send(record.DATA, payload[:4128])
            session._answer(1000)


def test_a_manifest_that_never_ends(unharmed):
    with unharmed.session() as session:
        one = manifest(EVIL, 200)
        begin(session, one)
        with pytest.raises((BoardError, OSError), match="bad message|closed|reset|pipe"):
            for _ in range(1000):
                session._send(record.DATA, struct.pack(">H", 4096) + message(b"x" * 4096)[2:])
            session._answer(1000)


def test_sizes_that_no_board_has(unharmed):
    for size in ("1048577", "99999999999999999999", "-1", "0x10", "", "1 evil"):
        with unharmed.session() as session, pytest.raises(BoardError, match="error: "):
            session.command(f"push {'0' * 64} {size}")


def test_bits_flipped_in_a_push(unharmed):
    """25 flips in the records of a push: none is installed."""
    import random

    from client2.errors import ProtocolError
    from client2.session import Session

    from .conftest import OURS
    from .test_records import Flip, Middle

    dice = random.Random(3)
    for n in range(25):
        stream = Middle(unharmed.stream(), up=Flip(115 + dice.randrange(360), n % 8))
        stream.stream._sock.settimeout(0.25)
        with pytest.raises((BoardError, ProtocolError, OSError)), Session(stream, OURS) as session:
            session.push(manifest(EVIL, 200), EVIL, KEY)


def test_a_full_flash_is_no_way_in(unharmed):
    with unharmed.session() as session, pytest.raises(BoardError, match="flash full|not found"):
        session.put("data/big", bytes(3_000_000))

"""Updates that the owner has not made, or not for this board, or not now."""

import itertools
import random
import struct
import zlib

import pytest
from client2 import record
from client2.errors import BoardError, ProtocolError
from client2.manifest import Manifest
from client2.message import Packer
from client2.session import Session

from .conftest import APP, KEY, OURS, Target, manifest
from .test_records import Flip, Middle

numbers = itertools.count(1)
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
    """Truncated, extended, edited by one byte or field; its signature stripped or none."""
    one = Forged(manifest(EVIL, 200), forge)
    refused(unharmed, one, EVIL, "sig_mismatch|bad manifest")


def test_an_old_signed_update_again(unharmed):
    """The owner's own, with its true signature: what was installed, and older ones."""
    for counter in (1, 99, 100):
        refused(unharmed, manifest(EVIL, counter), EVIL, "refused: counter")


def test_an_update_for_another_board(unharmed):
    """Signed by the owner for other requirements; it would not run here."""
    for needs in ({"platform": "rp2"}, {"mpy": "5"}, {"flash": "99999999"}, {"radio": "x"}):
        refused(unharmed, manifest(EVIL, 200, needs=needs), EVIL, "refused: needs ")


def test_an_older_version_with_a_newer_counter(unharmed):
    """Signed by the owner without a word of a downgrade: back to a version with a known hole."""
    refused(unharmed, manifest(EVIL, 200, version="0.9"), EVIL, "refused: 0.9 is older than 1.0.0")


def test_other_content_than_was_signed(unharmed):
    """A right manifest, and one byte of a file that is not its."""
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


def never_staged(files):
    """The owner's, and none that the board goes on with from an attack before."""
    return manifest(files, 200, version=f"1.0.{next(numbers)}")


def begin(session, one):
    """A push up to where the board wants the manifest."""
    text = one.sign(KEY)
    answer = session.command(f"push {one.id()} {len(text)} force")
    word, *sizes = answer.split()
    assert word == b"send"
    return text, sizes


def message(content, n=None):
    pack = zlib.compressobj(9, zlib.DEFLATED, -12)
    packed = pack.compress(content) + pack.flush(zlib.Z_SYNC_FLUSH)
    return struct.pack(">H", len(content) if n is None else n) + packed


BIG = {"app/big.bin": random.Random(5).randbytes(60_000)}


def receive_files(session, one):
    """A push of the owner's own manifest up to where the board wants the files."""
    for payload in Packer(*map(int, begin(session, one)[1])).pack(one.sign(KEY)):
        session._send(record.DATA, payload)
    assert session._answer(1000).startswith(b"have ")


PHASES = {"manifest": begin, "files": receive_files}


@pytest.mark.parametrize("phase", PHASES.values(), ids=PHASES)
@pytest.mark.parametrize(
    "payload",
    [
        message(bytes(4_000_000), 1),
        message(bytes(4_000_000), 1152)[:1100],
        message(bytes(4_000_000), 65535)[:1100],
        message(b"x", 0),
        message(b"x" * 10, 1152),
        b"",
        b"\0",
        b"\0\5",
        b"\0\5\xff\xff\xff\xff",
        b"\0\5" + b"\0" * 100,
    ],
    ids="bomb bomb-of-a-message bomb-of-65535 n-0 n-too-large empty"
    " short no-content bad stored".split(),
)
def test_bombs_and_what_is_no_deflate(unharmed, payload, phase):
    """In the place of a manifest, and of the files of one that is the owner's."""
    with unharmed.session() as session:
        phase(session, never_staged(BIG))
        with pytest.raises((BoardError, OSError), match="bad message|closed|reset|pipe"):
            session._send(record.DATA, payload)
            session._send(record.TEXT, b"commit")
            session._answer(1000)


def test_a_manifest_that_never_ends(unharmed):
    """To fill the flash, or to hold the board's only place for an update."""
    with unharmed.session() as session:
        begin(session, never_staged(EVIL))
        with pytest.raises((BoardError, OSError), match="bad message|closed|reset|pipe"):
            for _ in range(1000):
                session._send(record.DATA, message(b"x" * 1024))
            session._answer(1000)


def test_files_that_never_end(unharmed):
    """More comes than is missing; and after the board has said so, still more."""
    with unharmed.session() as session:
        receive_files(session, never_staged(EVIL))
        pack = Packer(1024, 10)
        with pytest.raises((BoardError, OSError), match="bad message|closed|reset|pipe"):
            for payload in pack.pack(b"".join(EVIL.values()) + bytes(5_000_000)):
                session._send(record.DATA, payload)
            session._answer(1000)


def test_a_file_that_is_put_and_never_ends(unharmed):
    """By one who has the password: more than announced, and then for ever."""
    with unharmed.session() as session:
        session._send_command("put 10 " + "0" * 64 + " data/x")
        for _ in range(2000):
            session._send(record.DATA, bytes(512))
        with pytest.raises(BoardError, match="unexpected"):
            session._answer(1000)
        assert session.command("ping") == b"pong\n"


def test_messages_of_another_push(unharmed):
    """Recorded from one session of the owner's, and spliced into the next one."""
    spliced = never_staged(EVIL)
    with unharmed.session() as one:
        receive_files(one, spliced)
        theirs = one._sealer.seal(record.DATA, message(b"".join(EVIL.values())))
    with unharmed.session() as other:
        assert other.command(f"push {spliced.id()} 500").startswith(b"have ")
        other._stream.write(theirs)
        with pytest.raises(OSError):
            other._stream.read(1)


def test_copies_of_what_may_not_be_read(unharmed):
    """Of secrets, into a file that may be: a copy must have the hash that was signed."""
    with unharmed.session() as session:
        receive_files(session, never_staged(BIG))
        for path in ("config/ota.json", "ota_kept/0", "/config/ota.json", "../x", "", "ota_part/0"):
            assert session.command(f"copy 0 {path}") == b"no\n"
        assert session.command("stop") == b"ok\n"


def test_no_command_makes_an_old_update_new_again(tmp_path):
    """The counter survives what one who has the password can do to the files."""
    board = Target(tmp_path)
    try:
        board.push(APP, 100)
        with board.session() as session:
            assert session.command("wipe") == b"ok\n"
            for path in ("ota_counter", "/ota_counter", "OTA_COUNTER", "ota_manifest.json"):
                with pytest.raises(BoardError, match="protected"):
                    session.command(f"rm {path}")
        refused(board, manifest(APP, 100), APP, "refused: counter 100 is not above 100")
    finally:
        board.stop()


def test_sizes_that_no_board_has(unharmed):
    """Of the manifest: too large, negative, no number, with a word behind it."""
    for size in ("1048577", "99999999999999999999", "-1", "0x10", "", "1 evil"):
        with unharmed.session() as session, pytest.raises(BoardError, match="error: "):
            session.command(f"push {'0' * 64} {size}")


def test_bits_flipped_in_a_push(unharmed):
    """25 flips in the records of a push: none is installed."""
    dice = random.Random(3)
    for n in range(25):
        stream = Middle(unharmed.stream(), up=Flip(115 + dice.randrange(360), n % 8))
        stream.stream._sock.settimeout(0.25)
        with pytest.raises((BoardError, ProtocolError, OSError)), Session(stream, OURS) as session:
            session.push(manifest(EVIL, 200), EVIL, KEY)


def test_a_full_flash_is_no_way_in(unharmed):
    """The flash is filled, so that the next update fails."""
    with unharmed.session() as session, pytest.raises(BoardError, match="flash full|not found"):
        session.put("data/big", bytes(3_000_000))

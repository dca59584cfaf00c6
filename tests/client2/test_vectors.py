"""The client against the vectors, which were made without it."""

import json
from pathlib import Path

import pytest

from . import hello, link, manifest, message, record, session
from .errors import BoardError, ProtocolError, Refused

VECTORS = Path(__file__).resolve().parents[1] / "vectors"


def load(name, part):
    vectors = json.loads((VECTORS / f"{name}.json").read_text(encoding="utf-8"))[part]
    return pytest.mark.parametrize(
        "vector", [pytest.param(v, id=v.get("name") or v.get("why") or str(v)) for v in vectors]
    )


def opener(vector, kinds):
    aes = vector["aes_key"] and bytes.fromhex(vector["aes_key"])
    return record.Opener(bytes.fromhex(vector["mac_key"]), aes, kinds)


def open_all(wire, taker, limit):
    while wire:
        n = taker.size(wire[:2], limit)
        if len(wire) < 2 + n:
            raise ProtocolError("cut")
        yield taker.open(wire[2 : 2 + n], limit)
        wire = wire[2 + n :]


@load("hello2", "handshakes")
def test_keys_follow_from_both_lines_and_the_secret(vector):
    ours = hello.Secrets(vector["password"], vector["signing_key"])
    board = hello.parse(vector["board_line"])
    secret = hello.secret(board.methods[vector["index"]], ours)
    assert secret.hex() == vector["secret"]
    keys = hello.derive(secret, vector["host_line"], vector["board_line"])
    assert hello.proof_line(keys, vector["index"]) == vector["host_proof_line"]
    hello.check_proof(keys, vector["board_proof_line"])
    for name in ("host_mac", "board_mac", "host_aes", "board_aes"):
        assert getattr(keys, name).hex() == vector[name]


@load("hello2", "refused")
def test_a_hello_that_is_broken_or_weaker_is_refused(vector):
    ours = hello.Secrets(vector["password"], vector["signing_key"])
    with pytest.raises(ProtocolError):
        hello.secret(hello.parse(vector["board_line"]).methods[0], ours)


@load("hello2", "handshakes")
def test_any_other_proof_is_refused(vector):
    secret = bytes.fromhex(vector["secret"])
    keys = hello.derive(secret, vector["host_line"], vector["board_line"])
    good = vector["board_proof_line"]
    reflected = vector["host_proof_line"].replace(f" {vector['index']} ", " ")
    changed = good[:-2] + ("1" if good[-2] == "0" else "0") + "\n"
    for line in ("", "\n", "proof\n", good[:-1], good + "\n", good.upper(), reflected, changed):
        with pytest.raises(ProtocolError):
            hello.check_proof(keys, line)
    with pytest.raises(Refused):
        hello.check_proof(keys, "denied\n")
    with pytest.raises(BoardError, match="^error: busy$"):
        hello.check_proof(keys, "error: busy\n")


@load("records2", "streams")
def test_records_are_opened(vector):
    kinds = record.FROM_HOST if vector["from"] == "host" else record.FROM_BOARD
    wire = bytes.fromhex("".join(r["wire"] for r in vector["records"]))
    opened = list(open_all(wire, opener(vector, kinds), record.BOARD_MAX))
    assert opened == [(r["type"], bytes.fromhex(r["payload"])) for r in vector["records"]]


@load("records2", "streams")
def test_records_are_sealed_as_they_are_opened(vector):
    kinds = record.FROM_HOST if vector["from"] == "host" else record.FROM_BOARD
    aes = vector["aes_key"] and bytes.fromhex(vector["aes_key"])
    sealer = record.Sealer(bytes.fromhex(vector["mac_key"]), aes)
    wanted = [(r["type"], bytes.fromhex(r["payload"])) for r in vector["records"]]
    wire = b"".join(sealer.seal(*one) for one in wanted)
    assert len(wire) == sum(len(r["wire"]) // 2 for r in vector["records"])
    assert list(open_all(wire, opener(vector, kinds), record.BOARD_MAX)) == wanted


@load("records2", "refused")
def test_a_record_that_is_not_as_it_was_sent_is_refused(vector):
    keys = json.loads((VECTORS / "records2.json").read_text())["refused-keys"]
    with pytest.raises(ProtocolError):
        list(open_all(bytes.fromhex(vector["wire"]), opener(keys, record.FROM_HOST), 512))


@load("manifest2", "manifests")
def test_manifests_are_written_to_the_byte(vector):
    made = manifest.Manifest(
        vector["version"],
        vector["counter"],
        [manifest.File(**file) for file in reversed(vector["files"])],
        vector["scope"],
        dict(need.split(" ", 1) for need in vector["needs"]),
        list(reversed(vector["deleted"])),
        vector["downgrade"],
    )
    assert made.sign(vector["signing_key"]).decode() == vector["text"]
    assert made.id() == vector["id"]


@load("manifest2", "manifests")
def test_manifests_are_read(vector):
    read = manifest.parse(vector["text"].encode(), vector["signing_key"], vector["id"])
    assert [vars(file) for file in read.files] == vector["files"]
    assert read.deleted == vector["deleted"]
    assert read.sign(vector["signing_key"]).decode() == vector["text"]


@load("manifest2", "refused")
def test_a_manifest_that_is_not_exactly_right_is_refused(vector):
    with pytest.raises(ProtocolError):
        manifest.parse(vector["text"].encode(), vector["signing_key"], vector["id"])


@load("manifest2", "order")
def test_versions_are_compared_by_their_numbers(vector):
    assert manifest.is_lower(vector["new"], vector["installed"]) == vector["lower"]


@load("messages2", "streams")
def test_messages_are_inflated(vector):
    unpacker = message.Unpacker(vector["limit"], vector["wbits"])
    content = b"".join(unpacker.unpack(bytes.fromhex(m)) for m in vector["messages"])
    assert len(content) == vector["content_size"]
    assert manifest.File.of("", content).sha256 == vector["content_sha256"]


@load("messages2", "streams")
def test_messages_keep_within_the_limit(vector):
    unpacker = message.Unpacker(vector["limit"], vector["wbits"])
    content = b"".join(unpacker.unpack(bytes.fromhex(m)) for m in vector["messages"])
    packer = message.Packer(vector["limit"], vector["wbits"])
    again = message.Unpacker(vector["limit"], vector["wbits"])
    payloads = list(packer.pack(content))
    assert max(map(len, payloads)) <= packer.payload_max
    assert b"".join(map(again.unpack, payloads)) == content


@load("messages2", "refused")
def test_a_message_with_other_than_it_says_is_refused(vector):
    unpacker = message.Unpacker(vector["limit"], vector["wbits"])
    with pytest.raises(ProtocolError):
        for payload in vector["messages"]:
            unpacker.unpack(bytes.fromhex(payload))


def of_sizes(sizes):
    return manifest.Manifest("1", 1, [manifest.File(str(n), s, "") for n, s in enumerate(sizes)])


@load("inventory2", "inventories")
def test_inventories_are_read(vector):
    read = session.parse_inventory(vector["answer"].encode(), of_sizes(vector["sizes"]))
    assert (read.limit, read.wbits) == (vector["limit"], vector["wbits"])
    assert [list(item) for item in read.missing.items()] == vector["missing"]
    message.Packer(read.limit, read.wbits)


@load("inventory2", "refused")
def test_an_inventory_of_other_files_is_refused(vector):
    with pytest.raises(ProtocolError):
        read = session.parse_inventory(vector["answer"].encode(), of_sizes(vector["sizes"]))
        message.Packer(read.limit, read.wbits)


@load("link2", "frames")
def test_frames_are_written_and_found(vector):
    frame = link.Frame(
        vector["seq"], vector["ack"], bytes.fromhex(vector["payload"]), vector["start"]
    )
    assert frame.wire().hex() == vector["wire"]
    assert link.Scanner().feed(frame.wire()) == [frame]


@load("link2", "scans")
def test_frames_are_found_amid_damage_however_it_is_cut(vector):
    wire = bytes.fromhex(vector["wire"])
    for step in (1, 7, len(wire)):
        scanner = link.Scanner()
        pieces = [wire[at : at + step] for at in range(0, len(wire), step)]
        found = [frame.wire().hex() for piece in pieces for frame in scanner.feed(piece)]
        assert found == [vector["sent"][n] for n in vector["found"]]


@load("link2", "refused")
def test_what_is_no_frame_is_not_found(vector):
    # what follows lets a scanner that waits for more come to its end
    found = link.Scanner().feed(bytes.fromhex(vector["wire"]) + bytes(256))
    assert found == []

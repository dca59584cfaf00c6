# Protocol 2's hello, proof and keys: the vectors, and who gets in.
import json

import board
from binascii import hexlify, unhexlify
from board import Peer
from host2 import NONCE, Host, hmac, vectors

_SALT = "ab" * 16
_S = b"S" * 32
_WORD = "pbkdf2-sha256:200000:%s:%s" % (_SALT, hexlify(_S).decode())


def _config(**settings):
    board.write("/config/ota.json", json.dumps(settings).encode())


def _hex(data):
    return hexlify(data).decode()


def test_keys_are_those_of_the_vectors():
    from uota import welcome

    for v in vectors("hello2.json")["handshakes"]:
        key = welcome.keys(unhexlify(v["secret"]), v["host_line"][:-1], v["board_line"][:-1])
        assert v["host_proof_line"] == "proof %d %s\n" % (v["index"], _hex(key("host proof")))
        assert v["board_proof_line"] == "proof %s\n" % _hex(key("board proof"))
        for name in ("host mac", "board mac", "host aes", "board aes"):
            wanted = v[name.replace(" ", "_")]
            assert _hex(key(name))[: len(wanted)] == wanted


def test_the_secret_of_a_signing_key_is_that_of_the_vectors():
    from uota import welcome

    for v in vectors("hello2.json")["handshakes"]:
        if v["name"] in ("signing-key", "long-signing-key"):
            assert _hex(welcome.way({"signingKey": v["signing_key"]})[1]) == v["secret"]


def test_hello_tells_method_cipher_and_name():
    _config(otaPassword=_WORD, signingKey="k", hostname="the küche\n= mine")
    words = Host(None).hello.split(" ", 5)
    assert words[:2] == ["hello", "2"] and len(words[2]) == 32
    assert words[3] == "auth=pbkdf2-sha256:200000:" + _SALT
    assert words[4:] == ["cipher=aes128-cbc", "name=the k?che?= mine\n"]


def test_every_hello_has_a_fresh_nonce():
    assert Host(None).hello != Host(None).hello


def test_the_password_opens_a_session():
    _config(otaPassword=_WORD, signingKey="k")
    host = Host(_S)
    assert host.denied is None and host.conn.proven
    assert host.command("ping") == b"pong\n"


def test_the_signing_key_alone_opens_a_session():
    _config(signingKey="Schlüssel")
    assert " auth=key " in Host(None).hello
    assert Host(hmac("Schlüssel".encode(), b"\xffuota 2 session")).command("ping") == b"pong\n"


def test_without_secrets_the_session_is_open():
    host = Host()
    assert " auth=none " in host.hello
    assert host.command("ping") == b"pong\n"


def test_a_password_of_1_0_opens_a_session():
    _config(otaPassword="ab" * 32)
    host = Host(b"\xab" * 32)
    assert " auth=sha256 " in host.hello
    assert host.command("ping") == b"pong\n"


def test_a_wrong_proof_is_denied():
    _config(otaPassword=_WORD)
    for secret in (b"s" * 32, bytes(32)):
        host = Host(secret)
        assert host.denied == "denied\n" and not host.conn.proven
        host.hang_up()


def test_what_is_no_proof_is_denied():
    _config(otaPassword=_WORD)
    for line in ("", "proof", "proof 0", "proof 1 " + "0" * 64, "proof -1 x", "ping", "x 0 y"):
        host = Host(None)
        assert host.ask(line) == "denied\n", line
        assert not host.loop.heard
        host.hang_up()


def test_a_proof_in_capitals_or_with_more_is_denied():
    _config(otaPassword=_WORD)
    for change in (str.upper, lambda text: text + " x", lambda text: text[:-1]):
        host = Host(None)
        proof = _hex(host.key(_S, "host proof"))
        assert host.ask("proof 0 " + change(proof)) == "denied\n"


def test_a_hello_without_a_nonce_is_denied():
    for line in ("hello 2", "hello 2 ", "hello 2 x", "hello 2 " + "0" * 31, "hello 3 0"):
        assert Peer().ask(line) in ("denied\n", "error: line too long\n"), line


def test_a_later_protocol_is_answered_with_2():
    p = Peer()
    assert p.ask("hello 3 %s new=1" % NONCE).startswith("hello 2 ")


def test_hello_is_a_first_line_only():
    p = Peer()
    assert p.ask("ping") == "pong\n"
    assert p.ask("hello 2 " + NONCE) == "unknown\n"


def test_wrong_proofs_get_slower():
    _config(otaPassword=_WORD)
    loop = board.Loop()
    for _ in range(6):
        assert Host(b"x" * 32, loop=loop).denied == "denied\n"
    host = Host(None, loop=loop)
    host.stream.sent += b"proof 0 x\n"
    waits = [next(host.run) for _ in range(2)]
    assert min(waits) == -250, waits


def test_a_board_that_cannot_read_its_configuration_says_so():
    board.write("/config/ota.json", b"{")
    assert Peer().ask("hello 2 " + NONCE).startswith("error: config/ota.json is broken")


def test_a_peer_that_does_not_wait_for_the_boards_proof_is_left():
    host = Host(None)
    proof = _hex(host.key(bytes(32), "host proof"))
    host.say("proof 0 %s\n" % proof + "more")
    assert host.over


# -- the secrets before those on trial


def _trial(before, now):
    _config(**now)
    board.write("/ota_trial.json", b'{"id": "x"}')
    board.write("/ota_kept/0", json.dumps(before).encode())
    board.write("/ota_kept/list", b"uota 1 move\np /ota_kept/0 /config/ota.json\nend\n")


def test_the_old_secret_stays_valid_during_the_trial():
    _trial({"otaPassword": _WORD}, {"signingKey": "new"})
    host = Host(_S, index=1)
    assert " auth=key,pbkdf2-sha256:200000:%s " % _SALT in host.hello
    assert host.command("ping") == b"pong\n"
    assert not host.loop.heard, "it is not what the trial waits for"
    Host(hmac(b"new", b"\xffuota 2 session")).command("ping")


def test_the_new_secret_is_what_the_trial_waits_for():
    _trial({"otaPassword": _WORD}, {"signingKey": "new"})
    assert Host(hmac(b"new", b"\xffuota 2 session")).loop.heard


def test_the_old_secret_is_no_longer_valid_after_the_trial():
    _trial({"otaPassword": _WORD}, {"signingKey": "new"})
    board.os.remove("/ota_trial.json")
    assert " auth=key " in Host(None).hello
    assert Host(_S, index=1).denied == "denied\n"


def test_a_session_of_the_old_secret_ends_with_the_trial():
    _trial({"otaPassword": _WORD}, {"signingKey": "new"})
    host = Host(_S, index=1)
    assert host.command("ping") == b"pong\n" and not host.over
    board.os.remove("/ota_trial.json")
    assert host.records(1, b"ping") == [] and host.over


def test_an_open_board_before_opens_nothing_during_the_trial():
    _trial({}, {"otaPassword": _WORD})
    assert Host(bytes(32), index=1).denied == "denied\n"


# -- minProtocol


def test_a_board_of_protocol_2_only_answers_1_0_with_ping_alone():
    _config(otaPassword="ab" * 32, minProtocol=2)
    for line in ("version", "ls", "start_ota", "get main.py", "reset", "", "secret", "hello 1 x"):
        p = Peer()
        assert p.ask("ping") == "pong\n"
        assert p.ask(line) == "error: protocol 2 only\n", line
        assert not p.conn.proven and not p.loop.heard
        p.hang_up()


def test_public_version():
    board.write("/ota_version.json", b'{"version":"1.2.1"}')
    _config(otaPassword=_WORD, minProtocol=2, publicVersion=True)
    assert Peer().ask("version") == '{"version": "1.2.1"}\n'
    _config(otaPassword=_WORD, minProtocol=2, publicVersion="yes")
    assert Peer().ask("version") == "error: protocol 2 only\n"

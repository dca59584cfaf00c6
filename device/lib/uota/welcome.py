# How a connection begins: its first line says whether it speaks protocol 2 or 1.0. Then the secret:
# for 2 two lines each way, and keys. Imported for a new connection, dropped when it is proven.
import uos
from ubinascii import unhexlify

from uota import Refused, base, config
from uota.ota import Records, aes

_FREE_TRIES = const(5)  # wrong secrets before the answers get slower


def main(conn):
    settings, conn.closed = config.load()
    conn.public = "ping", "version"
    conn.key = settings.get("signingKey", "").encode()
    wanted = settings.get("otaPassword")
    line = yield from conn.line(256 if wanted else 512)
    words = line.split(" ")
    if words[0] == "hello" and words[1:2] != ["1"] and "".join(words[1:2]).isdigit():
        if conn.closed:
            raise ValueError(conn.closed)
        yield from _hello(conn, line, settings)
    elif settings.get("minProtocol", 1) != 1:
        conn.closed = "protocol 2 only"
        if settings.get("publicVersion") is not True:
            conn.public = ("ping",)
    elif wanted:
        yield from _guess(conn, base.end(base.sha256(line)), wanted.lower())
        yield from conn.say("ok")
    conn.open = True
    if not conn.proven:
        conn.first = line


def _guess(conn, given, right):
    """Go on only with the right secret; wrong ones make all answers slower."""
    wrong = conn.loop.wrong - _FREE_TRIES
    if wrong > 0:
        # Before it is looked at: else a guess would be known wrong by the silence.
        yield -min(250 * wrong, 4000)
    conn.loop.wrong += 1
    if not base.same(given.encode(), right.encode()):
        raise Refused("denied")
    conn.loop.wrong = 0
    conn.prove()


def _hello(conn, line, settings):
    """hello and proof; then conn speaks in records."""
    if len("".join(line.split(" ")[2:3])) != 32:
        raise Refused("denied")
    now, before = way(settings), way(_before())
    ways = {"0": now}
    auth = now[0]
    if before[0] != "none" and before[1:] != now[1:]:
        ways["1"] = before
        auth += "," + before[0]
    name = ""
    for ch in str(settings.get("hostname", ""))[:64]:
        name += ch if " " <= ch <= "~" else "?"
    cipher = "aes128-cbc" if aes else "none"
    nonce = base.hexed(uos.urandom(16))
    ours = "hello 2 %s auth=%s cipher=%s name=%s" % (nonce, auth, cipher, name)
    yield from conn.say(ours)
    word, index, proof = ((yield from conn.line(256)) + "  ").split(" ", 2)
    chosen = ways.get(index)
    if word != "proof" or not chosen:
        raise Refused("denied")
    key = keys(chosen[1], line, ours)
    conn.old, conn.key = index != "0", chosen[2]
    yield from _guess(conn, proof.rstrip(), base.hexed(key("host proof")))
    yield from conn.say("proof " + base.hexed(key("board proof")))
    if conn.pos != conn.end:
        raise EOFError  # it did not wait to see with whom it talks
    Records(conn, key, "host", "board")


def keys(shared, host, board):
    """key(LABEL), from both hello lines."""
    seen = base.sha256(host + "\n" + board + "\n").digest()
    key = base.pads(base.hmac(base.pads(seen), shared))
    return lambda label: base.hmac(key, "uota 2 " + label, b"\1")


def way(settings):
    """(method, S, signing key) of a configuration."""
    key = settings.get("signingKey", "").encode()
    word = settings.get("otaPassword")
    if word:
        how, _, shared = word.rpartition(":")
        return how or "sha256", unhexlify(shared), key
    if key:
        return "key", base.hmac(base.pads(key), b"\xffuota 2 session"), key
    return "none", bytes(32), key


def _before():
    """The configuration that the one on trial has replaced; {} for none."""
    kept = base.trial() is not None and base.way_back()
    if kept:
        with kept:
            for line in kept:
                if line.endswith(" /config/ota.json\n"):
                    return config.load(line.split(" ")[1])[0]
    return {}

# What peers send, mutated: hello and proof lines, records, commands, manifests, messages. Driven
# through a connection's bytes alone. Whatever comes, the board answers with what it may answer or
# closes, changes nothing but its staging, and its heap stays as it was.
#
# UOTA_FUZZ_SEED chooses the cases (1), UOTA_FUZZ_SECONDS how long to go on (0: a quick run). A
# failure names its case: UOTA_FUZZ_SEED and UOTA_FUZZ_CASE bring that one again.
import gc
import json
import os
import random
import time

import board
from binascii import hexlify
from board import Peer
from hashlib import sha256
from host2 import DATA, END, ERROR, TEXT, Host, Packer, hmac

_KEY = "k"
_SECRET = Host.of_key(_KEY)
_CONFIG = {"signingKey": _KEY, "minProtocol": 2, "password": "wifi-secret"}
_THERE = {
    "/boot.py": b"# ota_guard\n",
    "/main.py": b"main\n",
    "/app/app.py": b"app\n" * 200,
    "/lib/uota/ota.py": b"agent\n",
    "/data/log": b"log\n",
    "/config/ota.json": json.dumps(_CONFIG).encode(),
}
_FIRM = ("/boot.py", "/lib/uota/ota.py", "/config/ota.json")
_before = {}  # path: content, as _files() has it
_QUICK = 600  # cases
_FLAT = 2048  # bytes that the heap may differ by
_SAID = ("error: ", "denied", "unknown", "sig_mismatch", "sha256_mismatch ")
_LINES = ("error: ", "denied\n", "hello 2 ", "proof ", "pong\n")


def _setup():
    board.fresh()
    for path in _THERE:
        board.write(path, _THERE[path])
    _before.clear()
    _before.update(_files())


def _files(folder="/"):
    """All files and folders that are not the agent's own, with their content."""
    found = {}
    for entry in os.ilistdir(folder):
        path = folder + entry[0]
        if path == "/host" or path[:5] == "/ota_":
            continue
        if entry[1] & 0x4000:
            found[path] = None
            found.update(_files(path + "/"))
        else:
            found[path] = board.read(path)
    return found


def _remove(path):
    if os.stat(path)[0] & 0x4000:
        for entry in os.ilistdir(path):
            _remove(path + "/" + entry[0])
    os.remove(path)


# -- mutations


_ODD = (b"0", b"-1", b"00", b"255", b"65536", b"2147483648", b"4294967295", b"9007199254740992",
        b"99999999999999999999", b"1e9", b"0x10", b"\xef\xbc\x95", b"", b" ", b"\n", b"\t", b"\0",
        b"..", b"/", b"//", b"~1", b'"', b"\\", b"\xff", b"\xc3", b"ota_", b"OTA_kept", b"a" * 300,
        b"/".join([b"x"] * 20), b"config/ota.json", b"- ", b"need ", b"downgrade")  # fmt: skip


def _at(data):
    return random.randrange(len(data) + 1)


def _flip(data, other):
    at = random.randrange(max(1, len(data)))
    return (
        data[:at] + bytes(b ^ 1 << random.randrange(8) for b in data[at : at + 1]) + data[at + 1 :]
    )


def _odd(data, other):
    at, gone = _at(data), random.randrange(4)
    return data[:at] + random.choice(_ODD) + data[at + gone :]


def _noise(data, other):
    at = _at(data)
    return data[:at] + bytes(random.getrandbits(8) for _ in range(random.randrange(9))) + data[at:]


def _cut(data, other):
    at = _at(data)
    return data[:at] + data[at + random.randrange(1, 40) :]


def _end(data, other):
    return data[: _at(data)]


def _twice(data, other):
    at = _at(data)
    return data[:at] + data[at - random.randrange(60) : at] + data[at:]


def _splice(data, other):
    return data[: _at(data)] + other[_at(other) :]


def _word(data, other):
    """One word of the first line, or of any, is an odd one."""
    words = data.split(b" ")
    words[random.randrange(len(words))] = random.choice(_ODD)
    return b" ".join(words)


_WAYS = (_flip, _flip, _odd, _noise, _cut, _end, _twice, _splice, _word)


def _mutated(corpus):
    data = random.choice(corpus)
    for _ in range(random.randrange(4)):
        data = random.choice(_WAYS)(data, random.choice(corpus))
    return data


# -- what the board may say


def _is_line(said):
    """What strangers hear: nothing, or lines of a known kind."""
    for line in said.decode().split("\n")[:-1]:
        assert any((line + "\n").startswith(way) for way in _LINES), said
    assert said[-1:] in (b"", b"\n"), said


def _records(host, said):
    """What a proven one hears are records, none of which tells a secret."""
    found = host.open(said)
    for kind, payload in found:
        assert kind in (DATA, END, ERROR), found
        assert b"wifi-secret" not in payload, found
        if kind == ERROR:
            assert any(str(payload, "utf-8").startswith(way) for way in _SAID), found
    return found


class _Greeted(Host):
    """Sends @line, whatever it is; proves itself where the board goes on."""

    def __init__(self, line):
        Peer.__init__(self)
        self.index, self.denied, self.line = 0, None, line
        said = self.say(line)
        _is_line(said)
        self.hello = said.decode()
        self.greeted = said[:8] == b"hello 2 " and line.find(b"\n") == len(line) - 1

    def key(self, secret, label):
        line = self.line if isinstance(self.line, bytes) else self.line.encode()
        seen = sha256(line.replace(b"\r", b"") + self.hello.encode()).digest()
        return hmac(hmac(seen, secret), b"uota 2 " + label.encode() + b"\1")


# -- cases


_FIRST = (
    b"hello 2 0123456789abcdef0123456789abcdef\n",
    b"hello 2 0123456789abcdef0123456789abcdef ek=00 x=1 name=a b\n",
    b"hello 3 0123456789abcdef0123456789abcdef\n",
    b"hello 99999999999999999999 0123456789abcdef0123456789abcdef\n",
    b"hello 1 0123456789abcdef0123456789abcdef\nping\n",
    b"ping\n", b"version\n", b"get config/ota.json\nls\n", b"start_ota\n", b"stream_ota 100\nOTAS",
    b"\n", b"hello\n", b"hello 2\n",
)  # fmt: skip


def _fuzz_hello():
    """The first line, and, where the board goes on, the right proof."""
    line = _mutated(_FIRST)
    host = _Greeted(line)
    if host.greeted:
        host.prove(_SECRET)
        assert host.denied is None, (line, host.denied)
        assert host.command("ping") == b"pong\n"
    host.hang_up()


def _fuzz_proof():
    """What comes instead of a right proof."""
    host = _Greeted(_FIRST[0])
    right = b"proof 0 " + hexlify(host.key(_SECRET, "host proof"))
    line = _mutated((right, b"proof 0 " + b"0" * 64, b"proof 1 " + b"0" * 64, b"proof"))
    said = host.say(line + b"\n")
    _is_line(said)
    assert line.rstrip() == right or b"proof" not in said, (line, said)
    host.hang_up()


def _fuzz_records():
    """Records that are changed on their way: the changed one is not obeyed."""
    host = Host(_SECRET)
    first, last = host.seal(TEXT, b"ping"), host.seal(TEXT, b"mkdir evil")
    changed = _mutated((last, first + last, last + first))
    if last in (changed, changed[: len(last)]) and random.getrandbits(1):
        changed = first  # the same again
    sent = random.choice((first, b"")) + changed
    _records(host, host.say(sent + bytes(random.randrange(700))))
    assert board.exists("/evil") == sent.startswith(first + last)
    host.hang_up()
    if board.exists("/evil"):
        os.rmdir("/evil")


_COMMANDS = (
    b"ping", b"ls", b"ls /app", b"ls /config", b"get app/app.py", b"get /config/ota.json",
    b"config",
    b"get ota_version.json", b"get ota_kept/0", b"rm boot.py", b"rm /lib/uota/ota.py",
    b"rm main.py",
    b"mkdir lib/uota/x", b"mkdir ota_x", b"mv app/app.py\tboot.py", b"mv config\tx", b"mv lib\ty",
    b"mv config/ota.json\tapp/x", b"version", b"crash", b"info", b"df", b"mem", b"rollback",
    b"put 3 " + b"0" * 64 + b" config/ota.json", b"put 3 " + b"0" * 64 + b" app/x",
    b"put 0 " + b"0" * 64 + b" /main.py", b"push " + b"0" * 64 + b" 100 verify force",
    b"push " + b"0" * 64 + b" 100 wipe no-rollback", b"copy 0 config/ota.json", b"commit", b"stop",
    b"start_ota", b"stream_ota 10 x", b"hello 2 x", b"",
)  # fmt: skip


def _fuzz_commands():
    """Some in one session, with content between them that may belong to none."""
    host = Host(_SECRET)
    for _ in range(random.randrange(1, 5)):
        if not host.over:
            _records(host, host.say(host.seal(TEXT, _mutated(_COMMANDS)[:512])))
        if not host.over and not random.getrandbits(2):
            _records(host, host.say(host.seal(DATA, bytes(random.randrange(512)))))
    host.hang_up()
    now = _files()
    for path in _FIRM:
        assert now.get(path) == _THERE[path], path
    wiped = "/main.py" not in now and "/app" not in now
    assert wiped or now["/main.py"] == _THERE["/main.py"]
    if now != _before:
        _setup()  # what a proven peer may change


def _sha(data):
    return hexlify(sha256(data).digest())


_NEW = bytes(n * n >> 3 & 255 for n in range(3000))
_HEADS = (
    b"counter 5\nversion 1.2\nscope complete\n",
    b"counter 9007199254740991 downgrade\nversion 0.1\nscope partial\nneed platform linux\n",
    b"counter 7\nversion 1.2-a+x\nscope partial\nneed mpy 6\nneed flash 1\nneed micropython 1.9\n",
)
_BODIES = (
    b"3000 %s app/new.bin\n0 %s app/none\n8 %s main.py\n"
    % (_sha(_NEW), _sha(b""), _sha(b"other()\n")),
    b"800 %s app/app.py\n- app/old.py\n- data/log\n" % _sha(_THERE["/app/app.py"]),
    b"3000 %s app/new.bin\n- lib/x\n- main.py\n" % _sha(_NEW),
    b"",
)


_PATHS = (b"app/x", b"a/b/c/d", b"config/ota.json", b"lib/uota/x.py", b"ota_x", b"../x", b"x. ")


def _body():
    """Of entries that are right, or of one with a strange name."""
    if random.getrandbits(1):
        return random.choice(_BODIES)
    path = _mutated(_PATHS)
    return b"0 %s %s\n" % (_sha(b""), path) if random.getrandbits(1) else b"- %s\n" % path


def _signed(text):
    mac = hexlify(hmac(_KEY.encode(), b"\xffuota 2 manifest" + text))
    return b"uota 2 hmac-sha256 " + mac + b"\n" + text


def _are_named_well(text):
    """What a manifest that was taken names."""
    for line in text.split(b"\n")[4:-1]:
        path = line.split(b" ", 1 if line[:1] == b"-" else 2)[-1]
        parts = path.lower().split(b"/")
        assert 0 < len(path) < 256 and len(parts) < 17 and parts[0][:4] != b"ota_", line
        assert line[:4] == b"need" or min(path) >= 32, line
        assert not any(part[-1:] in (b"", b".", b" ") for part in parts), line


def _fuzz_manifest():
    """Signed and named as it stands, so that it is looked at to its end; then some content. The
    second time what the first has left there is gone on with.
    """
    text = random.choice(_HEADS) + _body()
    if random.getrandbits(1):
        text = _mutated((text, random.choice(_HEADS) + _body()))
    ident = _sha(text.split(b"\n", 1)[-1])
    text = _signed(text)
    if not random.getrandbits(3):
        text = _mutated((text,))
    for _ in range(1 + random.getrandbits(1)):
        words = random.choice((b"", b" force", b" verify", b" wipe"))
        host, answer, pack = _begin(ident, len(text), words)
        if answer[:5] == b"send ":
            answer = _send(host, pack(text))
        if answer[:5] == b"have ":
            _are_named_well(text)
            _send(host, pack(bytes(random.randrange(1, 5000))))
        host.hang_up()


def _content(found):
    return b"".join(payload for kind, payload in found if kind == DATA)


def _begin(ident, size, words=b""):
    """(a host, what the board says to its push, how to pack what it wants)."""
    host = Host(_SECRET)
    sent = host.seal(TEXT, b"push %s %d%s" % (ident, size, words))
    answer = _content(_records(host, host.say(sent)))
    sizes = answer.split(b"\n")[0].split(b" ")[1:]
    return host, answer, sizes and Packer(*(int(n) for n in sizes))


def _send(host, messages):
    """What the board says to them, until it has closed."""
    found = []
    for message in messages:
        if not host.over:
            found += _records(host, host.say(host.seal(DATA, message)))
    return _content(found)


_DEFLATED = (
    b"\0\5\0\5\0\xfa\xffhello\0\0\0\xff\xff",  # a stored block
    b"\0\5\xcaH\xcd\xc9\xc9\7\0\0\0\xff\xff",  # one with the fixed code
    b"\x10\0" + b"\xec\xc0\x81\0" + b"\0" * 9 + b"\xff\xff",
    b"\x08\0\0\0\x08\xff\xf7" + b"x" * 2048 + b"\0\0\0\xff\xff",
)


_BETWEEN = (b"copy 0 app/app.py", b"copy 2 main.py", b"commit", b"stop")


def _fuzz_messages():
    """In the place of a manifest, or of the files of a right one; with commands between them."""
    text = _signed(_HEADS[0] + _BODIES[0])
    ident = _sha((_HEADS[0] + _BODIES[0]).split(b"\n", 1)[1])
    host, answer, pack = _begin(ident, len(text), random.choice((b"", b" verify")))
    if random.getrandbits(1):
        _send(host, pack(text))
    for _ in range(random.randrange(1, 6)):
        if host.over:
            break
        if random.getrandbits(2):
            _send(host, (_mutated(_DEFLATED)[:2000],))
        else:
            _records(host, host.say(host.seal(TEXT, _mutated(_BETWEEN)[:512])))
    host.hang_up()


_CASES = (_fuzz_hello, _fuzz_proof, _fuzz_records, _fuzz_commands, _fuzz_manifest, _fuzz_messages)


class _Flash:
    """What is on it, looked at only where something was written."""

    def __init__(self):
        self.written = False
        write = self.write = board.Disk.writeblocks

        def watched(disk, *args):
            self.written = True
            return write(disk, *args)

        board.Disk.writeblocks = watched

    def check(self):
        if not self.written:
            return
        assert _files() == _before, "changed on flash"
        for entry in os.ilistdir("/"):
            if entry[0][:4] == "ota_":
                _remove("/" + entry[0])
        self.written = False

    def close(self):
        board.Disk.writeblocks = self.write


def _case(flash, seed, n):
    random.seed(seed * 1000003 + n)
    try:
        _CASES[n % len(_CASES)]()
        flash.check()
    except Exception:
        print("UOTA_FUZZ_SEED=%d UOTA_FUZZ_CASE=%d" % (seed, n))
        raise


def _used():
    import uota

    uota.drop()  # what code happens to be loaded is not what grows
    gc.collect()
    return gc.mem_alloc()


def _know_all_names():
    import uota

    for name in uota.SESSION.split():
        uota.load(name)


def _fuzz(flash, seed, seconds):
    _know_all_names()
    n = used = 0
    began = time.time()
    while n < _QUICK or time.time() - began < seconds:
        n += 1
        _case(flash, seed, n)
        if n == _QUICK // 2:
            used = _used()
    more = _used() - used
    print("%d cases, seed %d, heap %+d bytes" % (n, seed, more))
    assert abs(more) < _FLAT, "the heap is not flat"


def test_whatever_comes_nothing_is_changed():
    seed, seconds, only = (
        int(os.getenv("UOTA_FUZZ_" + name) or 0) for name in ("SEED", "SECONDS", "CASE")
    )
    flash = _Flash()  # before it is mounted, where a disk is asked but once what it can
    _setup()
    flash.written = False
    board.write("/probe")
    assert flash.written, "changes of the flash are not seen"
    os.remove("/probe")
    flash.check()
    try:
        if only:
            _case(flash, seed or 1, only)
        else:
            _fuzz(flash, seed or 1, seconds)
    finally:
        flash.close()

"""The same against the tool: who answers it is a stranger, a man in the middle, or a board that
has the secrets and means harm. What the tool is asked to do fails then, with one clear line.
"""

import contextlib
import functools
import json
import random
import re
import time

import pytest
from client2 import hello, record
from e2e.process import CONTROL

from .false_board import METHOD, Conversation, FalseBoard, Stranger
from .test_records import Flip

NONCE = "a" * 32
GOOD = f"auth={METHOD} cipher=aes128-cbc name=x"
EVIL = "\x1b]0;owned\x07\x1b[2J\u202egnp.exe\u2066\u009b31m\x08\x7f"
FAILED = {1, 3, 4}


def greeting(words=GOOD, number=2):
    return f"hello {number} {NONCE} {words}\n".encode()


@pytest.fixture
def stranger(end):
    return lambda *lines: end(Stranger(*lines))


@pytest.fixture
def false_board(end, tool):
    return lambda *how, **more: end(FalseBoard(tool.model(), *how, **more))


def lines_heard(board, count):
    """All that the tool has said are these many lines, and none shows a secret."""
    heard = board.heard.split(b"\n")
    assert len(heard) == count + 1 and heard[-1] == b"", board.heard
    assert heard[0][:8] == b"hello 2 " and len(heard[0]) == 40


# -- strangers, who have no secret


WEAKER = {
    "1.0, open": b"unknown\n",
    "1.0, with a password": b"denied\n",
    "1.0, content": b"ok\n",
    "closes": b"",
    "an error": b"error: protocol 1.0 only\n",
    "protocol 1": greeting(number=1),
    "protocol 3": greeting(number=3),
    "no secret": greeting("auth=none cipher=aes128-cbc name=x"),
    "no secret, then ours": greeting(f"auth=none,{METHOD} cipher=aes128-cbc name=x"),
    "the fast hash": greeting("auth=sha256 cipher=aes128-cbc name=x"),
    "one round": greeting(GOOD.replace(":200000:", ":1:")),
    "a round too few": greeting(GOOD.replace(":200000:", ":199999:")),
    "rounds for a minute": greeting(GOOD.replace(":200000:", ":2000001:")),
    "rounds for ever": greeting(GOOD.replace(":200000:", ":99999999999999999999:")),
    "negative rounds": greeting(GOOD.replace(":200000:", ":-200000:")),
    "hexadecimal rounds": greeting(GOOD.replace(":200000:", ":0x30d40:")),
    "no salt": greeting("auth=pbkdf2-sha256:200000: cipher=aes128-cbc name=x"),
    "a short salt": greeting("auth=pbkdf2-sha256:200000:aabb cipher=aes128-cbc name=x"),
    "a long salt": greeting(f"auth={METHOD}{'a' * 66} cipher=aes128-cbc name=x"),
    "a faster hash": greeting(GOOD.replace("sha256", "md5")),
    "no method": greeting("cipher=aes128-cbc name=x"),
    "an empty method": greeting("auth= cipher=aes128-cbc name=x"),
    "no cipher": greeting(f"auth={METHOD} name=x"),
    "another cipher": greeting(GOOD.replace("aes128-cbc", "rot13")),
    "a method twice": greeting("auth=none " + GOOD),
    "no name": greeting(f"auth={METHOD} cipher=aes128-cbc"),
    "a short nonce": f"hello 2 abc {GOOD}\n".encode(),
    "control characters": greeting(GOOD + EVIL),
    "a zero": greeting(GOOD + "\0"),
    "a long line": greeting(GOOD + "x" * 512),
    "a line without end": b"hello 2 " + b"a" * 1_000_000,
    "another protocol": b"SSH-2.0-OpenSSH_9.2\r\n",
}


@pytest.mark.parametrize("answer", WEAKER.values(), ids=WEAKER)
def test_nobody_gets_more_than_a_hello_by_a_weaker_one(tool, stranger, answer):
    """Downgrades: to 1.0, to no secret, to a hash that is guessed fast, to fewer rounds."""
    board = stranger(answer)
    tool.run("version", board=board, status=FAILED)
    lines_heard(board, 1)


@pytest.mark.parametrize("command", [("fast",), ("full",), ("terminal", "ls"), ("crash",)])
@pytest.mark.parametrize("kind", ["1.0, open", "1.0, with a password", "no secret"])
def test_no_command_is_downgraded(tool, stranger, command, kind):
    """The same, against whatever the tool may be about to do; a push brings the Wi-Fi password."""
    board = stranger(WEAKER[kind])
    tool.run(*command, board=board, status=3)
    lines_heard(board, 1)


def reflected(heard):
    return b"proof " + heard.split()[-1] + b"\n"


NO_PROOFS = {
    "reflected": reflected,
    "reflected, with its index": lambda heard: heard.split(b"\n")[1] + b"\n",
    "zeros": b"proof " + b"0" * 64 + b"\n",
    "short": b"proof 00\n",
    "empty": b"proof \n",
    "denied": b"denied\n",
    "ok": b"ok\n",
    "unknown": b"unknown\n",
    "hello again": greeting(),
    "records": bytes(2000),
    "closes": b"",
}


@pytest.mark.parametrize("proof", NO_PROOFS.values(), ids=NO_PROOFS)
@pytest.mark.parametrize("command", [("version",), ("full",)], ids=" ".join)
def test_a_board_that_cannot_prove_itself_gets_no_record(tool, stranger, proof, command):
    """He plays the board, as far as one can who does not know the password."""
    board = stranger(greeting(), proof)
    tool.run(*command, board=board, status=FAILED)
    lines_heard(board, 2)


@pytest.mark.parametrize("before", [(), (greeting(),)], ids=["hello", "proof"])
def test_a_line_that_comes_slowly_holds_nobody(tool, end, before):
    """A byte now and then, so that the tool waits for ever; it waits for the line."""

    class Slow(Stranger):
        def serve(self, wire):
            for line in before:
                wire.raw_line()
                wire.send(line)
            wire.raw_line()
            wire.sock.settimeout(0.1)
            while True:  # until the tool is gone
                wire.send(b"h")
                with contextlib.suppress(TimeoutError):
                    wire.read(1)

    board = end(Slow())
    began = time.monotonic()
    tool.run("version", "--timeout", "1", board=board, status=FAILED)
    assert time.monotonic() - began < 3


def test_what_a_board_has_said_once_is_nothing_the_second_time(tool, false_board, stranger):
    """A whole conversation of the real board, recorded, and said again."""
    real = false_board()
    tool.run("version", board=real)
    line, proof, _ = real.said.split(b"\n", 2)
    replay = stranger(line + b"\n", real.said[len(line) + 1 :])
    assert proof[:6] == b"proof "
    tool.run("version", board=replay, status=3)
    lines_heard(replay, 2)


STRIPPED = [
    ("cipher=aes128-cbc", "cipher=none"),
    ("name=model", "name=other"),
    (" name=", " more=1 name="),
    ("hello 2 ", "hello 2 0"),
    (":200000:", ":200001:"),
]


@pytest.mark.parametrize(("old", "new"), STRIPPED)
def test_capabilities_that_are_stripped_on_their_way(tool, false_board, old, new):
    """A man in the middle changes what the real board says that it can do."""
    board = false_board(down=lambda data: data.replace(old.encode(), new.encode(), 1))
    tool.run("version", board=board, status=FAILED)
    assert len(board.heard.split(b"\n")) <= 3


def test_a_board_that_speaks_1_0_after_the_commit_gets_no_password(tool, end):
    """The real board takes the update; he answers when the tool asks what has become of it."""
    model = tool.model()

    class Forgetful(Conversation):
        def run(self):
            if not model.files:
                super().run()
            self.line()
            self.sock.sendall(b"unknown\n")
            self.board.wire = self.sock
            while True:
                self.read(1)

    board = end(FalseBoard(model, conversation=Forgetful))
    tool.run("full", "--wait", "--timeout", "2", board=board, status=FAILED)
    assert model.files and not any(secret.encode() in board.heard for secret in tool.secrets)


# -- in the middle of a session


def swap(first, last, _):
    return last + first


MANGLED = {
    "repeated": lambda first, last, _: first + first + last,
    "swapped": swap,
    "the first is missing": lambda first, last, _: last,
    "cut": lambda first, last, _: first[:-1],
    "cut in its size": lambda first, last, _: first[:1],
    "never ended": lambda first, last, _: first,
    "longer": lambda first, last, _: first + b"\0" + last,
    "another's tag": lambda first, last, _: first[:-16] + last[-16:] + last,
    "another's content": lambda first, last, _: first[:2] + bytes(32) + first[-16:] + last,
    "of another session": lambda first, last, old: old,
    "reflected": lambda first, last, _: None,
    "of size 0": lambda first, last, _: b"\0\0" + first,
    "of an odd size": lambda first, last, _: b"\0\x21" + first[2:] + last,
    "of 65520 bytes": lambda first, last, _: b"\xff\xf0" + bytes(70_000),
    "plain text": lambda first, last, _: b"pong\n",
}


@pytest.mark.parametrize("mangle", MANGLED.values(), ids=MANGLED)
def test_records_that_are_not_as_the_board_has_sent_them(tool, end, mangle):
    """Replayed, reordered, truncated, extended, spliced, reflected, from another session."""
    seen = []

    class Middle(Conversation):
        def receive(self, limit=record.HOST_MAX):
            mark = len(board.heard)
            got = super().receive(limit)
            self.theirs = board.heard[mark:]
            return got

        def answer(self, data):
            records = [self.sealer.seal(record.DATA, data), self.sealer.seal(record.END, b"")]
            seen.append(b"".join(records))
            changed = mangle(*records, seen[0]) if len(seen) > 1 else seen[0]
            self.sock.sendall(self.theirs if changed is None else changed)
            self.sock.hang_up()

    board = end(FalseBoard(tool.model(), conversation=Middle))
    assert tool.run("terminal", "ping", board=board).out == "pong\n"
    done = tool.run("terminal", "ping", board=board, status=FAILED)
    assert done.out == ""


WRONG_KINDS = {
    "a command": (record.TEXT, b"pong\n"),
    "of RemoteIO": (16, b"pong\n"),
    "of type 0": (0, b"pong\n"),
    "an end with content": (record.END, b"pong\n"),
    "too much": (record.DATA, b"pong\n" * 1000),
}


@pytest.mark.parametrize("kind", WRONG_KINDS.values(), ids=WRONG_KINDS)
def test_records_that_no_board_may_send(tool, false_board, kind):
    """From one who has the keys."""
    board = false_board()
    board.model.answers["ping"] = lambda conn: (conn.send(*kind), conn.end())
    assert tool.run("terminal", "ping", board=board, status=FAILED).out == ""


def test_no_flipped_bit_is_taken_for_an_answer(tool, end):
    """2,100 single flips, anywhere in what a board says: hello, proof, records. All in one run of
    the tool, which goes on after each failure.
    """
    dice = random.Random(4)
    flip = None  # of the next connection

    class Once(Conversation):
        """Hangs up after one answer, and where a line has lost its end: for what it would
        otherwise be waited.
        """

        def run(self):
            self.sock.board.down = self.down
            self.flip = flip
            super().run()

        def down(self, data):
            changed = self.flip(data)
            if changed[-1:] != data[-1:] and data[-1:] == b"\n":
                self.sock.hang_up()
            return changed

        def answer(self, data):
            super().answer(data)
            self.sock.hang_up()

    board = end(FalseBoard(tool.model(), conversation=Once))
    never = Flip(1 << 20, 0)
    shell = end(tool.terminal("terminal", board=board))
    shell.wait_for("> ")
    flip = never
    assert "\npong" in attempt(shell)
    size = len(board.said)
    for _ in range(2100):
        flip = Flip(dice.randrange(size), dice.randrange(8))
        screen = attempt(shell)
        assert flip.done and "\npong" not in screen and "\nuota: " in screen, screen
        assert not re.search("[\x0e-\x1a\x1c-\x1f\x7f]", screen), repr(screen)
    flip = never
    assert "\npong" in attempt(shell), "afterwards the board is still understood"


def attempt(shell):
    """What one `ping` has brought onto the screen."""
    mark = shell.mark()
    shell.type("ping\n")
    shell.wait_for("\n(pong|uota: [^\n]*)\r\n[0-9.]+> ", mark)
    return shell.screen.since(mark).replace("\r", "")


# -- a board that has the secrets


def endless(conn):
    while True:
        conn.send(record.DATA, b"an entry of many, " * 200)


def endless_lines(conn):
    while True:
        conn.send(record.DATA, b"an entry\n" * 400)


def at_it(conn):
    while True:
        conn.send(record.DATA)


@pytest.mark.parametrize("flood", [endless, endless_lines, at_it])
@pytest.mark.parametrize(
    ("word", "command"),
    [
        ("version", ("version",)),
        ("crash", ("crash",)),
        ("ls", ("terminal", "ls")),
        ("config", ("terminal", "config")),
        ("df", ("terminal", "df")),
        ("rm", ("terminal", "rm", "x")),
        ("rollback", ("rollback",)),
        ("info", ("full",)),
        ("push", ("full",)),
    ],
)
def test_an_answer_that_never_ends_is_given_up(tool, false_board, word, command, flood):
    """To fill the host's memory, or to hold it for ever."""
    board = false_board()
    board.model.answers[word] = flood
    tool.run(*command, board=board, status=1)


@pytest.mark.parametrize(
    "said",
    [
        b"-1\nx", b"+1\nx", b"1 \nx", b" 1\nx", b"0x1\nx", b"1e3\nx", b"\nx", b"x\nx", b"1",
        b"18446744073709551616\nx", b"99999999999999999999999\nx", b"4294967295\nx",
        b"2147483648\nx", b"2\nx", b"1\nxy", b"0\nx",
    ],
)  # fmt: skip
def test_a_download_of_another_size_than_announced_leaves_no_file(tool, false_board, said):
    """Huge, negative, no number at all; less, or more, than comes."""
    board = false_board()
    board.model.answers["get"] = said
    before = sorted(tool.project.iterdir())
    tool.run("terminal", "get", "/evil", board=board, status=FAILED)
    assert sorted(tool.project.iterdir()) == before


@pytest.mark.parametrize("path", ["/../../evil", "../evil", "/data/../../evil", "//evil"])
def test_a_download_stays_where_the_user_is(tool, false_board, tmp_path, path):
    """Path traversal: only the last part of the name counts here."""
    board = false_board()
    board.model.answers["get"] = b"4\nevil"
    folder = tmp_path / "a" / "b"
    folder.mkdir(parents=True)
    tool.run("terminal", "get", path, "--dir", tool.project, board=board, cwd=folder)
    assert [found.relative_to(tmp_path).as_posix() for found in tmp_path.rglob("*evil*")] == [
        "a/b/evil"
    ]


def told(**more):
    return json.dumps({"version": EVIL, "agent": EVIL, "state": "confirmed", **more}).encode()


def error(conn):
    conn.send(record.ERROR, b"error: " + EVIL.encode())


def plain_error(conn):
    conn.send(record.ERROR, EVIL.encode())


def bare_bytes(conn):
    conn.send(record.ERROR, bytes(range(256)))


HOSTILE = {
    "version": (("version",), told() + b"\n"),
    "why": (("version",), told(state="rolled back", why=EVIL, **{"from": EVIL}) + b"\n"),
    "need": (("version",), told(state="trial", need=[EVIL], app=1e300, left=-1, id=EVIL) + b"\n"),
    "crash": (("crash",), json.dumps({"version": EVIL, "why": EVIL, "trace": EVIL}).encode()),
    "trace": (("crash",), json.dumps({"version": "1", "why": "w", "trace": EVIL * 9}).encode()),
    "ls": (("terminal", "ls"), f"{EVIL}\n../../etc/\n\n".encode()),
    "config": (("terminal", "config"), json.dumps({EVIL: EVIL, "x": [EVIL]}).encode() + b"\n"),
    "raw config": (
        ("terminal", "config"),
        json.dumps({EVIL: EVIL}, ensure_ascii=False).encode() + b"\n",
    ),
    "df": (("terminal", "df"), json.dumps({"size": EVIL, "free": EVIL}).encode() + b"\n"),
    "mem": (("terminal", "mem"), b'{"used":-1,"free":9223372036854775807}\n'),
    "no json": (("terminal", "mem"), EVIL.encode()),
    "ping": (("terminal", "ping"), EVIL.encode() + b"\n"),
    "rm": (("terminal", "rm", "x"), error),
    "get": (("terminal", "get", "x"), plain_error),
    "cat": (("terminal", "cat", "x"), plain_error),
    "mv": (("terminal", "mv", "x", "y"), bare_bytes),
    "info": (("full",), json.dumps({"platform": EVIL, "counter": EVIL}).encode()),
    "push": (("full",), error),
    "inventory": (("full",), f"have 4096 12\n{EVIL}\n".encode()),
    "rollback": (("rollback",), bare_bytes),
}


@pytest.mark.parametrize("how", [(), ("--json",), "terminal"], ids=["pipe", "json", "terminal"])
@pytest.mark.parametrize("name", HOSTILE)
def test_nothing_that_a_board_says_drives_a_terminal(tool, false_board, name, how):
    """Escape sequences, overrides of direction, C1 controls: in answers, errors, names."""
    command, said = HOSTILE[name]
    word = {"terminal": command[-1]}.get(command[0], command[0])
    word = {"full": "push" if name in ("push", "inventory") else "info"}.get(word, word)
    word = name if name in ("rm", "get", "cat", "mv") else word
    board = false_board()
    board.model.answers["get" if word == "cat" else word] = said
    if how != "terminal":
        tool.run(*how, *command, board=board, status={0, 1, 3})
        return
    shell = tool.terminal(*command, board=board)
    screen = driven(shell)
    assert not CONTROL.search(screen), repr(screen)


def driven(shell):
    """All of the screen, but for what the tool itself says to a terminal."""
    try:
        screen = shell.finish()[1]
    finally:
        shell.stop()
    return screen.replace("\r\n", "\n").replace("\r", "\n").replace("\x1b[K", "")


def test_the_name_of_a_board_drives_no_terminal(tool, false_board):
    """It is shown before anything is proven."""
    board = false_board()
    board.model.name = "\x1b[2Jowned"
    tool.run("version", board=board, status=FAILED)


PIECES = {
    "a C1 control in two pieces": (b"\xc2", b"\x9b31m"),
    "a control of 8 bits": (b"\x9b31m",),
    "an override of direction": ("\u202egnp.exe".encode(),),
    "one in three pieces": (b"\xe2", b"\x80", b"\xae"),
    "an escape in two pieces": (b"\x1b", b"[2J"),
}


@pytest.mark.parametrize("pieces", PIECES.values(), ids=PIECES)
def test_a_file_that_is_looked_at_drives_no_terminal(tool, false_board, pieces):
    """Its content is cut where a look at one piece alone sees nothing."""
    board = false_board()

    def get(conn):
        conn.send(record.DATA, b"%d\n" % (sum(map(len, pieces)) + 6))
        for piece in (*pieces, "größe".encode()[:6]):
            conn.send(record.DATA, piece)
        conn.end()

    board.model.answers["get"] = get
    shell = tool.terminal("terminal", "cat", "/x", board=board)
    screen = driven(shell)
    assert not CONTROL.search(screen), repr(screen)
    assert "größ" in screen


# -- pushes to a board that has the secrets


LIES = {
    "an index beyond": b"have 4096 12\n9999 0\n",
    "a huge index": b"have 4096 12\n99999999999999999999 0\n",
    "twice": b"have 4096 12\n0 0\n0 0\n",
    "descending": b"have 4096 12\n1 0\n0 0\n",
    "an offset beyond": b"have 4096 12\n0 4294967295\n",
    "a negative offset": b"have 4096 12\n0 -1\n",
    "a huge window": b"have 65535 12\n0 0\n",
    "no window": b"have 0 12\n0 0\n",
    "bits for a gigabyte": b"have 4096 31\n0 0\n",
    "no numbers": b"have\n",
    "a zero": b"have 4096 12\n0 0\n\0",
    "no answer": b"",
    "another answer": b"give /etc/passwd\n",
    "a path": b"have 4096 12\n../../.ota.secrets.json 0\n",
    "send, and no sizes": b"send\n",
    "send, huge": b"send 99999999 12\n",
    "send for ever": b"send 4096 12\n",
}


@pytest.mark.parametrize("answer", LIES.values(), ids=LIES)
def test_an_inventory_of_what_is_not_ours_ends_the_push(tool, false_board, answer):
    """It would make the host read beyond its files, or send what it was not about to send."""
    board = false_board()

    def push(conn):
        conn.answer(answer)
        while conn.receive(70_000)[0] == record.DATA:
            pass

    def twice(conn):
        conn.answer(answer)
        conn.receive(70_000)
        conn.answer(answer)
        conn.receive()

    board.model.answers["push"] = twice if answer[:9] == b"send 4096" else push
    tool.run("full", "--retries", "0", board=board, status=1)


def test_a_board_that_is_at_it_for_ever_instead_of_listening(tool, false_board):
    """It has asked for a file, and takes none of it."""
    board = false_board()

    def push(conn):
        conn.answer(b"have 4096 12\n0 0\n")
        at_it(conn)

    board.model.answers["push"] = push
    tool.run("full", board=board, status=1)


@pytest.mark.parametrize("said", [b"yes\n", b"ok", b"ok\nok\n", EVIL.encode(), b""])
def test_an_answer_to_a_commit_that_is_none(tool, false_board, said):
    """The tool must not say that what it was asked for is done."""
    board = false_board()

    def push(conn):
        conn.answer(b"have 4096 12\n")
        conn.receive()
        conn.answer(said)

    board.model.answers["push"] = push
    done = tool.run("full", "--no-wait", "--retries", "0", board=board, status=FAILED)
    assert "installed" not in done.out


@pytest.mark.parametrize("how", [("full",), ("full", "--json"), "terminal"], ids=str)
def test_a_verdict_drives_no_terminal(tool, false_board, how):
    """The reason of a rollback, and the traceback behind it, are texts of the board."""
    board = false_board()
    model = board.model

    def version(conn):
        told = {"version": "1.0.0", "agent": "2.0.0", "state": "confirmed"}
        if model.id:
            told.update(state="rolled back", id=model.id[:16], why=EVIL, version=EVIL)
            told["from"] = EVIL
        conn.answer(json.dumps(told).encode() + b"\n")

    model.answers["version"] = version
    crash = {"version": EVIL, "why": EVIL, "trace": EVIL + "\n" + EVIL}
    model.answers["crash"] = json.dumps(crash).encode() + b"\n"
    if how == "terminal":
        screen = driven(tool.terminal("full", board=board))
        assert not CONTROL.search(screen), repr(screen)
        assert "owned" in screen
    else:
        done = tool.run(*how, board=board, status=1)
        assert "owned" in done.out + done.err


def installed(*paths):
    files = {path: {"size": 1, "sha256": "0" * 64} for path in paths}
    return json.dumps({"version": "1.0.0", "files": files}).encode()


INSTALLED = {
    "paths out of the board": installed("../../x", "app/../../x", "/app/x"),
    "a line more": installed("app/x\n- config/ota.json", "app/x\r", "app/y\0"),
    "escapes": installed("app/" + EVIL),
    "what may not be deleted": installed("boot.py", "config/ota.json", "ota_counter", "main.py"),
    "no hashes": b'{"version":"1","files":{"app/x":{"size":-1,"sha256":"zz"}}}',
    "nested": b'{"version":"1","files":' + b"[" * 50_000,
    "too much": b"x" * 300_000,
    "nothing": b"",
}


@pytest.mark.parametrize("said", INSTALLED.values(), ids=INSTALLED)
def test_what_a_board_says_it_has_is_not_signed_unseen(tool, end, said):
    """`fast` signs deletions of what the board has and the project has not: what may stand in a
    manifest of ours he would choose.
    """
    signed, asked = [], []

    class Curious(Conversation):
        def _receive_manifest(self, ident, size):
            signed.append(super()._receive_manifest(ident, size))
            return signed[-1]

    def get(answer, conn):
        asked.append(answer)
        conn.answer(b"%d\n" % len(answer) + answer)

    for answer in (installed("app/old.py"), said):
        board = end(FalseBoard(tool.model(), conversation=Curious))
        board.model.answers["get"] = functools.partial(get, answer)
        tool.run("fast", "--no-wait", board=board, status={0, 1})
    gone = [line for text in signed for line in text.split(b"\n") if line[:2] == b"- "]
    assert gone == [b"- app/old.py"] and said in asked


@pytest.mark.parametrize("identity", ["../../../evil", "/etc/x", "a" * 64, EVIL, "0" * 15, 7, None])
def test_the_id_of_an_update_is_no_path(tool, false_board, identity):
    """It names a file of the tool's cache."""
    board = false_board()
    about = {"platform": "x", "micropython": "1.26.1", "sign": "hmac-sha256", "counter": 1}
    board.model.answers["info"] = json.dumps({**about, "id": identity}).encode() + b"\n"
    tool.run("full", board=board, status=1)


@pytest.mark.parametrize("counter", [2**53, 2**63, 2**64, -1, 1e300, "1", None, [], True])
def test_a_counter_that_no_later_one_would_exceed(tool, false_board, counter):
    """Installed on the real board, an update with the last of all counters would be the last."""
    board = false_board()
    about = {"platform": "x", "micropython": "1.26.1", "sign": "hmac-sha256", "counter": counter}
    board.model.answers["info"] = json.dumps(about).encode() + b"\n"
    tool.run("full", board=board, status=1)
    assert b"uota 2" not in board.heard


def test_a_board_that_cannot_encrypt_gets_no_file_with_secrets(tool, false_board):
    """By nature, or because it says so: it has the keys, and may say what it can."""
    board = false_board()
    board.model.cipher = "none"
    for command in ("full", "fast"):
        done = tool.run(command, "--force", "--no-wait", board=board)
        assert "config/ota.json holds secrets: it is not sent" in done.err
    assert board.model.files and "config/ota.json" not in board.model.files
    for secret in tool.secrets:
        assert secret.encode() not in board.heard


def test_a_board_gets_nothing_but_the_project(tool, false_board):
    """The secrets file is in the project's folder, and is none of its files."""
    board = false_board()
    tool.run("full", "--no-wait", board=board)
    assert "config/ota.json" in board.model.files
    assert not [path for path in board.model.files if "secrets" in path]
    everything = b"".join(board.model.files.values())
    assert tool.password.encode() not in everything
    assert hello.secret("sha256", hello.Secrets(tool.password), True).hex().encode() not in (
        everything
    )

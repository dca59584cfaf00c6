"""The client and a board in memory: proofs, commands, and pushes that are cut anywhere."""

import hashlib
import socket
import threading

import pytest

from . import hello, record
from .board_model import BoardModel
from .errors import BoardError, ProtocolError, Refused
from .manifest import File, Manifest
from .session import Session, Stream, installed_files

PASSWORD = "six random words are better"
KEY = "k" * 64
OURS = hello.Secrets(PASSWORD, KEY)
METHOD = "pbkdf2-sha256:200000:" + "ab" * 16
SECRET = hello.secret(METHOD, OURS)


def source(name, lines=60):
    text = [f"def {name}_{n}(request):\n    return respond({n}, {name!r})\n" for n in range(lines)]
    return "\n".join(text).encode()


PROJECT = {
    "app/app.py": source("app"),
    "app/__init__.py": b"",
    "config/ota.json": b'{"ssid":"home"}',
    "data/noise.bin": b"".join(hashlib.sha256(bytes([n])).digest() for n in range(200)),
    "lib/a.py": source("a", 200),
    "main.py": b"import uota\nuota.main()\n",
}


@pytest.fixture
def board():
    model = BoardModel(METHOD, SECRET, KEY)
    yield model
    model.settle()


@pytest.fixture
def connect(request):
    """connect(board, ours=…, …): a session that ends with the test."""

    def open_session(board, ours=OURS, **more):
        stream = Stream(board.plug())
        request.addfinalizer(stream.close)
        return Session(stream, ours, **more)

    # the board's fixture comes first, so that connections end before it settles
    request.getfixturevalue("board")
    return open_session


def manifest_of(project, version="1.1.0", counter=1, **more):
    return Manifest(version, counter, [File.of(p, c) for p, c in project.items()], **more)


def push(session, project, counter=1, key=KEY, words=(), installed=dict, **more):
    manifest = manifest_of(project, counter=counter, **more)
    return session.push(manifest, project, key, words, installed)


# --- proof ----------------------------------------------------------------------------------------


def test_the_right_password_opens_a_session(board, connect):
    session = connect(board)
    assert session.authenticated
    assert session.command("ping") == b"pong\n"


def test_a_wrong_password_is_denied(board, connect):
    with pytest.raises(Refused, match="denied"):
        connect(board, hello.Secrets("a guess", KEY))


def test_a_board_without_the_secret_is_not_believed():
    def serve(sock):
        sock.recv(256)
        sock.sendall(f"hello 2 {'00' * 16} auth={METHOD} cipher=none name=x\n".encode())
        sock.recv(256)
        sock.sendall(f"proof {'00' * 32}\n".encode())

    ours, theirs = socket.socketpair()
    thread = threading.Thread(target=serve, args=(theirs,))
    thread.start()
    with theirs, ours, pytest.raises(ProtocolError, match="does not have the secret"):
        Session(Stream(ours), OURS)
    thread.join()


def test_a_proof_cannot_be_used_for_another_connection(board):
    line, proof = hello.host_line(), ""
    for _ in range(2):
        stream = Stream(board.plug())
        stream.write(line.encode())
        answer = stream.line(512)
        proof = proof or hello.proof_line(hello.derive(SECRET, line, answer), 0)
        stream.write(proof.encode())
        last = stream.line(512)
        stream.close()
    assert last == "denied\n"


def test_a_stripped_capability_makes_the_proof_wrong(board):
    """A man in the middle says that the board cannot encrypt."""
    stream = Stream(board.plug())
    real = stream.line
    stream.line = lambda limit: real(limit).replace("cipher=aes128-cbc", "cipher=none")
    with pytest.raises(Refused, match="denied"):
        Session(stream, OURS)
    stream.close()


def test_the_signing_key_alone_opens_a_session(connect):
    ours = hello.Secrets("", KEY)
    board = BoardModel("key", hello.secret("key", ours), KEY)
    assert connect(board, ours).authenticated


def test_without_secrets_the_session_is_unauthenticated(connect):
    session = connect(BoardModel(), hello.Secrets())
    assert not session.authenticated
    assert session.command("ping") == b"pong\n"


def test_the_kept_secrets_open_a_session_by_position(board, connect):
    board.methods.insert(0, ("pbkdf2-sha256:200000:" + "cd" * 16, bytes(32), "the new key"))
    with pytest.raises(Refused):
        connect(board)
    assert connect(board, index=1).command("ping") == b"pong\n"


@pytest.mark.parametrize("answer", [b"unknown\n", b"denied\n"])
def test_a_board_of_1_0_is_told_from_one_of_2(answer):
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(answer)
        with pytest.raises(Refused, match="1.0"):
            Session(Stream(ours), OURS)


# --- records and commands -------------------------------------------------------------------------


def test_nothing_of_a_session_is_readable(board):
    stream = Stream(board.plug())
    seen = bytearray()
    write, read = stream.write, stream.read
    stream.write = lambda data: (seen.extend(data), write(data))
    stream.read = lambda n: (data := read(n), seen.extend(data))[0]
    with Session(stream, OURS) as session:
        session.put("data/wifi.txt", b"the password of the Wi-Fi")
        assert session.get("data/wifi.txt") == b"the password of the Wi-Fi"
    assert b"Wi-Fi" not in seen
    assert b"wifi" not in seen


def test_authenticated_only_works_and_is_readable(board, connect):
    board.cipher = "none"
    session = connect(board)
    session.put("data/x", b"x" * 2000)
    assert session.get("data/x") == b"x" * 2000


def test_errors_end_the_command_and_not_the_session(board, connect):
    session = connect(board)
    with pytest.raises(BoardError, match="unknown"):
        session.command("dance")
    with pytest.raises(BoardError, match="protected"):
        session.put("lib/uota/ota.py", bytes(2000))
    assert session.command("ping") == b"pong\n"


def test_one_flipped_bit_in_any_record_ends_the_session(board):
    """Of a record that would change a file: each bit of it, one connection each."""
    size = 2 + 16 + 48 + 16
    for bit in range(size * 8):
        stream = Stream(board.plug())
        session = Session(stream, OURS)
        wire = bytearray(session._sealer.seal(record.TEXT, b"rm " + b"d" * 40))
        assert len(wire) == size
        wire[bit // 8] ^= 1 << bit % 8
        stream.write(bytes(wire))
        stream._sock.shutdown(socket.SHUT_WR)
        with pytest.raises(ConnectionError):
            stream.read(1)
        stream.close()


# --- push -----------------------------------------------------------------------------------------


def test_a_first_push_brings_everything(board, connect):
    result = push(connect(board), PROJECT)
    assert result.committed
    assert board.files == PROJECT
    assert board.counter == 1


def test_an_unchanged_project_sends_no_manifest(board, connect):
    push(connect(board), PROJECT)
    before = board.received
    result = push(connect(board), PROJECT, counter=2)
    assert (result.committed, result.asked) == (False, False)
    assert board.received - before < 400


def test_a_locally_modified_file_is_restored(board, connect):
    push(connect(board), PROJECT)
    connect(board).put("lib/a.py", b"patched")
    result = push(connect(board), PROJECT, counter=2)
    assert result.sent == ["lib/a.py"]
    assert board.files == PROJECT


def test_only_what_changed_travels_and_what_went_is_deleted(board, connect):
    push(connect(board), {**PROJECT, "lib/old.py": b"old", "data/keep.txt": b"mine"})
    project = {**PROJECT, "app/app.py": source("changed")}
    result = push(connect(board), project, counter=2)
    assert result.sent == ["app/app.py"]
    assert board.files == {**project, "data/keep.txt": b"mine"}


def test_a_partial_push_deletes_only_what_it_says(board, connect):
    push(connect(board), {**PROJECT, "app/old.py": b"old"})
    fast = {"app/app.py": source("fast")}
    push(connect(board), fast, counter=2, scope="partial", deleted=["app/old.py"])
    assert board.files == {**PROJECT, **fast}


def test_the_same_content_is_copied_on_the_board(board, connect):
    push(connect(board), PROJECT)
    project = {("lib/b.py" if p == "lib/a.py" else p): c for p, c in PROJECT.items()}
    project["app/twice.py"] = project["app/twin.py"] = source("twin", 300)
    session = connect(board)
    there = installed_files(session.get("ota_manifest.json"))
    result = push(session, project, counter=2, installed=lambda: there)
    assert result.sent == ["app/twice.py"]
    assert result.copied == ["app/twin.py", "lib/b.py"]
    assert board.files == project


def test_a_copy_of_what_was_modified_is_sent_instead(board, connect):
    push(connect(board), PROJECT)
    session = connect(board)
    there = installed_files(session.get("ota_manifest.json"))
    session.put("lib/a.py", b"patched")
    project = {**PROJECT, "lib/b.py": PROJECT["lib/a.py"]}
    result = push(session, project, counter=2, installed=lambda: there)
    assert result.committed
    assert board.files == project


def test_a_push_that_is_cut_at_any_byte_goes_on_from_there(connect):
    board = BoardModel(METHOD, SECRET, KEY)
    push(connect(board), PROJECT)
    whole = board.received
    for cut in range(150, whole, 97):
        board = BoardModel(METHOD, SECRET, KEY)
        board.cut = cut
        # a cut in the last record can come after the commit
        with pytest.raises((ConnectionError, ProtocolError, OSError)):
            push(connect(board), PROJECT)
        board.settle()
        assert board.files == {}
        again = board.received
        push(connect(board), PROJECT, counter=2)
        assert board.files == PROJECT
        # what is repeated: hello and proof, at most the manifest, and two messages
        assert board.received - again <= whole - cut + 1500 + 2 * 4200


def test_the_staging_of_another_manifest_is_discarded(board, connect):
    board.cut = 4000
    with pytest.raises((ConnectionError, ProtocolError, OSError)):
        push(connect(board), PROJECT)
    other = {"app/app.py": b"other"}
    push(connect(board), other, counter=2)
    assert board.files == other
    assert board.staged == {}


@pytest.mark.parametrize(
    ("limit", "wbits"),
    [(1024, 10), (512, 9), (512, 0), (16384, 15), (2048, 12), (512, 15), (16384, 9)],
)
def test_any_limit_will_do(board, connect, limit, wbits):
    board.limit, board.wbits = limit, wbits
    push(connect(board), PROJECT)
    assert board.files == PROJECT


def test_an_update_that_was_installed_is_not_installed_again(board, connect):
    push(connect(board), PROJECT)
    push(connect(board), {"app/app.py": b"newer"}, counter=2)
    with pytest.raises(BoardError, match="refused: counter"):
        push(connect(board), PROJECT, counter=1)
    assert board.files == {"app/app.py": b"newer", "config/ota.json": PROJECT["config/ota.json"],
                           "data/noise.bin": PROJECT["data/noise.bin"]}  # fmt: skip


def test_an_older_version_is_installed_only_if_that_is_signed(board, connect):
    push(connect(board), PROJECT, version="1.10.0")
    older = {**PROJECT, "app/app.py": b"older"}
    with pytest.raises(BoardError, match="1.9.0 is older"):
        push(connect(board), older, counter=2, version="1.9.0")
    assert push(connect(board), older, counter=3, version="1.9.0", downgrade=True).committed


@pytest.mark.parametrize("key", ["", "another key"])
def test_what_is_not_signed_with_the_key_is_refused(board, connect, key):
    with pytest.raises(BoardError, match="sig_mismatch"):
        push(connect(board), PROJECT, key=key)
    assert board.files == {}


def test_a_file_that_changes_while_it_is_sent_is_not_installed(board, connect):
    manifest = manifest_of(PROJECT)
    changed = {**PROJECT, "lib/a.py": PROJECT["lib/a.py"].replace(b"0", b"1")}
    with pytest.raises(BoardError, match="sha256_mismatch lib/a.py"):
        connect(board).push(manifest, changed, KEY)
    assert board.files == {}


def test_force_installs_what_is_installed(board, connect):
    push(connect(board), PROJECT)
    result = push(connect(board), PROJECT, counter=2, words=("force",))
    assert result.committed
    assert result.sent == []


# --- a hostile board ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "answer",
    [
        b"have 4096 12\n6 0\n",
        b"have 4096 12\n0 0\n0 0\n",
        b"have 4096 12\n1 0\n0 0\n",
        b"have 4096 12\n2 99999\n",
        b"have 4096 12\n-1 0\n",
        b"have 4096 12\n0 0",
        b"have 65535 12\n0 0\n",
        b"have 4096 16\n0 0\n",
        b"have 4096\n0 0\n",
        b"have 4096 12\n" + b"0" * 300_000,
        b"why not\n",
        b"",
    ],
)
def test_an_inventory_that_is_not_of_our_files_ends_the_push(board, connect, answer, monkeypatch):
    from . import board_model

    monkeypatch.setattr(board_model.Connection, "_push", lambda self, _: answer)
    with pytest.raises(ProtocolError):
        push(connect(board), PROJECT)


@pytest.mark.parametrize("said", [b"3\nabcd", b"3\nab", b"0\nx"])
def test_a_download_has_the_announced_size(board, connect, said, monkeypatch):
    from . import board_model

    monkeypatch.setattr(board_model.Connection, "_get", lambda self, _: said)
    with pytest.raises(ProtocolError):
        connect(board).get("x")

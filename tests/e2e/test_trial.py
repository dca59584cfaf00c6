"""A new version that does not live: whatever it does, the one before comes back, byte for byte, and
the board says why.
"""

import pytest

from .tried import GREEDY, LIVE, LOG, ONE, Tried, app, config, update_id, version

BACK = {"state": "rolled back", "version": "1.0.0", "from": "2.0.0"}


def fails(board, files, act=None):
    """Installs @files as 2.0.0, lets @act(board, mark) happen, and waits until 1.0.0 is back. All
    must be as before, and nothing left lying about. Returns why, as the board prints it.
    """
    before = board.snapshot()
    mark = board.update("2.0.0", files)
    if act:
        mark = act(board, mark)
    why = board.goes_back(mark)
    assert board.snapshot() == before
    assert board.read("/data/log.txt") == LOG
    assert board.litter() == ["ota_crash.json"]
    state = board.state()
    assert {key: state[key] for key in BACK} == BACK
    assert state["id"] == update_id("2.0.0", files)
    assert state["why"] == why and board.crash()["why"] == why
    board.wait_for("the app says one", mark)
    return why


def dying(body):
    return version("two", **{"app/app.py": app(body)})


# -- the app


def test_an_app_that_raises_at_once(tried):
    board = tried()
    assert fails(board, dying("raise ValueError('no sensor')")) == "ValueError: no sensor"
    crash = board.crash()
    assert crash["version"] == "2.0.0"
    assert crash["trace"].startswith("Traceback (most recent call last):\n")
    assert 'File "/app/app.py", line 11, in run\n' in crash["trace"]


def test_the_same_on_fat(tmp_path, end):
    (tmp_path / "log").write_bytes(LOG)
    put = f"--put={tmp_path / 'log'}:/data/log.txt"
    board = end(Tried(tmp_path / "fat", put, "--fs=fat"))
    board.is_confirmed(board.update("1.0.0", ONE))
    assert fails(board, dying("raise ValueError('no sensor')")) == "ValueError: no sensor"


def test_an_app_that_raises_later_in_its_trial(tried):
    body = app("time.sleep(10)\n1 / 0")
    files = version("two", **{"app/app.py": body, "config/ota.json": config(confirmAfter=30)})
    assert fails(tried(), files) == "ZeroDivisionError: divide by zero"


def test_an_app_that_raises_only_on_its_second_boot(tried):
    body = f"""
if 'ran.txt' in os.listdir('/data'):
    raise ValueError('the second time')
open('/data/ran.txt', 'w').close()
print('it runs')
{LIVE}"""
    board = tried()

    def starts_again(board, mark):
        board.wait_for("it runs", mark)
        return board.power_cut()

    before = board.snapshot()
    mark = starts_again(board, board.update("2.0.0", dying(body)))
    assert board.goes_back(mark) == "ValueError: the second time"
    # What an app writes into /data is its own: it is not taken back.
    assert board.snapshot() == {**before, "/data/ran.txt": b""}


def test_an_app_with_a_syntax_error(tried):
    files = version("two", **{"app/app.py": b"def run(:\n"})
    assert fails(tried(), files) == "SyntaxError: invalid syntax"


def test_an_app_that_imports_what_is_not_there(tried):
    files = version("two", **{"app/app.py": app(LIVE, before="import foo\n")})
    assert fails(tried(), files) == "ImportError: no module named 'foo'"


def test_an_app_without_run(tried):
    files = version("two", **{"app/app.py": b"print('nothing to run')\n"})
    assert fails(tried(), files).startswith("AttributeError")


def test_a_version_without_its_app(tried):
    files = version("two")
    del files["app/app.py"]
    assert fails(tried(), files) == "there is no app any more"


def test_an_app_that_exits(tried):
    assert fails(tried(), dying("sys.exit()")).startswith("SystemExit")


def test_an_app_that_resets_the_board_at_once(tried):
    assert fails(tried(), dying("machine.reset()")) == "3 unclean boots in a row"


def test_an_app_that_resets_the_board_after_a_while(tried):
    assert fails(tried(), dying("time.sleep(3)\nmachine.reset()")) == "3 unclean boots in a row"


def test_an_app_that_crashes_the_firmware(tried):
    body = "import uctypes\nuctypes.bytearray_at(8, 8)[0] = 1"
    assert fails(tried(), dying(body)) == "3 unclean boots in a row"


@pytest.mark.parametrize("left", [0, 20000, 60000])
def test_an_app_that_eats_the_heap(tried, left):
    body = GREEDY.format(left=left) + LIVE
    assert "emory" in fails(tried(), dying(body))


def test_a_loop_that_hangs_under_the_watchdog(tried):
    hang = "uota.poll = lambda *_: time.sleep(1000)\n" + LIVE
    files = version("two", **{"app/app.py": app(hang), "config/ota.json": config(watchdog=True)})
    assert fails(tried(), files) == "3 unclean boots in a row"


# -- the network


def test_a_wrong_wifi_password(tried):
    files = version("two", **{"config/ota.json": config(password="wrong")})
    why = fails(tried(), files)
    assert why.startswith("not up within 20 s") and "wifi_tcp" in why


def test_no_transports_any_more(tried):
    files = version("two", **{"config/ota.json": config(transports=[])})
    assert "wifi_tcp" in fails(tried(), files)


def test_another_port_where_nobody_comes(tried):
    board = tried()
    before = board.snapshot()
    files = version("two", **{"config/ota.json": config(port=2345)})
    why = board.goes_back(board.update("2.0.0", files))
    assert "connection" in why
    assert board.snapshot() == before


def test_another_name_where_somebody_comes(tried):
    board = tried()
    files = version("two", **{"config/ota.json": config(hostname="other.local")})
    mark = board.update("2.0.0", files)
    board.wait_until_back(mark)
    assert board.state()["state"] == "trial"  # this asks, so it has come through
    board.is_confirmed(mark)
    assert board.state()["version"] == "2.0.0"


# -- the agent


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("ota", b"def broken(:\n"),
        ("ota", b"import not_there\n"),
        ("push", b"def broken(:\n"),
        ("trial", b"import not_there\n"),
        ("loop", b"1 / 0\n"),
        ("__init__", b"def broken(:\n"),
        ("transports/wifi_tcp", b"import not_there\n"),
    ],
)
def test_an_agent_whose_module_is_broken(tried, name, source):
    fails(tried(), version("two", **{f"lib/uota/{name}.py": source}))


@pytest.mark.parametrize("name", ["__init__", "ota"])
def test_an_agent_compiled_for_another_firmware(tried, name):
    files = version("two", **{f"lib/uota/{name}.mpy": b"M\x05\x00\x1f" + bytes(60)})
    fails(tried(), files)


def test_an_agent_with_a_broken_module_of_recovery(tried):
    fails(tried(), version("two", **{"lib/uota/boot_guard.py": b"def broken(:\n"}))


# -- what is refused before it is there


@pytest.mark.parametrize("name", ["main.py", "boot.py"])
def test_what_starts_the_board_must_compile(tried, name):
    board = tried()
    before = board.snapshot()
    text = b"# ota_guard\ndef broken(:\n"
    answer = board.tool.push_files("2.0.0", version("two", **{name: text}))
    assert answer.startswith(f"error: {name} does not compile: ")
    assert board.snapshot() == before
    assert board.state()["state"] == "confirmed"


def test_an_unchanged_push_of_what_failed_is_refused_and_force_takes_it(tried):
    board = tried()
    files = dying(
        "if 'calm.txt' not in os.listdir('/data'): raise ValueError('no sensor')\n" + LIVE
    )
    fails(board, files)
    before = board.snapshot()
    answer = board.tool.push_files("2.0.0", files)
    assert answer.startswith("error: refused: 2.0.0 failed on this board (ValueError: no sensor)")
    assert board.snapshot() == before
    mark = board.update("2.0.0", files, "force")
    assert board.goes_back(mark) == "ValueError: no sensor"
    changed = {**files, "data/calm.txt": b""}
    board.is_confirmed(board.update("2.0.0", changed))
    state = board.state()
    assert (state["state"], state["version"]) == ("confirmed", "2.0.0")
    assert board.crash() == {}

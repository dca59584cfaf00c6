"""A new version that lives: how it comes through its trial, what becomes of it later, and that the
board can be reached whatever its app does then.
"""

import contextlib

import pytest

from .tried import CONFIG, GREEDY, LIVE, LOG, ONE, WAIT, Tried, app, config, update_id, version
from .wire import Gone

SAME = ONE["config/ota.json"]  # with it nobody need come through
SAFE = "(?s)safe mode: the app does not run.*listening on port"


def living(body, **more):
    """A version whose app is @body; it finds /data/wait.txt."""
    return version("two", **{"app/app.py": app(body), "data/wait.txt": b"", **more})


def stands(board, number, state="confirmed"):
    told = board.state()
    return (told["state"], told["version"]) == (state, number)


def install(board, files, number="2.0.0"):
    """Until it is confirmed. Returns the place in the output."""
    mark = board.update(number, files)
    board.is_confirmed(mark)
    assert stands(board, number)
    return mark


# -- how a trial ends well


def test_a_version_on_trial_says_how_far_it_is(tried):
    board = tried()
    files = version("two")
    mark = board.update("2.0.0", files)
    board.wait_until_back(mark)
    told = board.state()
    assert told["state"] == "trial" and told["id"] == update_id("2.0.0", files)
    board.until(lambda: board.state()["need"] == [])
    told = board.state()
    assert told["app"] + told["left"] == CONFIG["confirmAfter"]
    board.is_confirmed(mark)
    assert stands(board, "2.0.0")


def test_a_confirmed_version_needs_the_app_where_confirm_after_is_0(tried):
    board = tried()
    body = f"{WAIT}uota.confirm()\n{LIVE}"
    mark = board.update("2.0.0", living(body, **{"config/ota.json": config(confirmAfter=0)}))
    board.wait_until_back(mark)
    board.until(lambda: board.state()["need"] == ["app"])
    assert "left" not in board.state()
    board.go_on()
    board.is_confirmed(mark)
    assert stands(board, "2.0.0")


def test_the_app_may_confirm_before_the_time_is_over(tried):
    board = tried()
    changed = {"config/ota.json": config(confirmAfter=80000)}
    install(board, living(f"uota.confirm()\n{LIVE}", **changed))


def test_a_power_cut_in_the_trial_does_not_end_it(tried):
    board = tried()
    mark = board.update("2.0.0", version("two"))
    board.wait_until_back(mark)
    mark = board.power_cut()
    board.wait_until_back(mark)
    assert stands(board, "2.0.0", "trial")
    board.is_confirmed(mark)
    assert stands(board, "2.0.0")


def test_three_power_cuts_in_the_trial_are_three_unclean_boots(tried):
    board = tried()
    before = board.snapshot()
    mark = board.update("2.0.0", version("two"))
    for _ in range(3):
        board.wait_until_back(mark)
        mark = board.power_cut()
    assert board.goes_back(mark) == "3 unclean boots in a row"
    assert board.snapshot() == before


def test_a_watchdog_leaves_a_board_alone_that_is_well(tried):
    board = tried()
    mark = install(board, version("two", **{"config/ota.json": config(watchdog=True)}))
    began = board.mark()
    board.ask("safe_mode")  # any reset but the watchdog's
    board.wait_until_back(began)
    assert "TG1WDT" not in board.output.since(mark)


# -- deep sleep


def sleeper(wakes, body=""):
    """An app that sleeps soon, as often as @wakes, and then stays awake."""
    return f"""
with open('/data/wakes.txt') as f:
    n = int(f.read())
with open('/data/wakes.txt', 'w') as f:
    f.write(str(n + 1))
{body}
if n < {wakes}:
    time.sleep_ms(200)
    machine.deepsleep(500)
print('stays awake')
{LIVE}"""


def test_three_cycles_of_deep_sleep_end_a_trial(tried):
    board = tried()
    files = living(sleeper(3), **{"config/ota.json": SAME, "data/wakes.txt": b"0"})
    mark = board.update("2.0.0", files)
    board.wait_for("(?s)stays awake.*listening", mark)
    assert stands(board, "2.0.0")
    assert "confirmed after" not in board.output.since(mark)
    assert board.on_flash("/ota_trial.json") is None


def test_an_exception_between_two_sleeps_ends_it_too(tried):
    board = tried()
    before = board.snapshot()
    body = sleeper(3, "if n == 2:\n    raise ValueError('cold')")
    files = living(body, **{"config/ota.json": SAME, "data/wakes.txt": b"0"})
    assert board.goes_back(board.update("2.0.0", files)) == "ValueError: cold"
    assert before.items() <= board.snapshot().items()


def test_a_board_that_sleeps_and_is_not_reached_goes_back(tried):
    board = tried()
    before = board.snapshot()
    changed = {"config/ota.json": config(password="wrong"), "data/wakes.txt": b"0"}
    mark = board.update("2.0.0", living(sleeper(1000), **changed))
    assert "deep sleep" in board.goes_back(mark)
    assert before.items() <= board.snapshot().items()


def test_deep_sleep_is_no_unclean_boot(tried):
    board = tried()
    files = living(sleeper(5), **{"data/wakes.txt": b"9"})
    install(board, files)
    board.ask("rm /data/wakes.txt")
    board.update("2.0.1", {**files, "data/wakes.txt": b"0"}, "no-rollback")
    board.wait_for("stays awake", board.mark())
    board.until(lambda: stands(board, "2.0.1"))


# -- a commit during a trial


def on_trial(board):
    """2.0.0 is on trial and stays there."""
    mark = board.update("2.0.0", living(LIVE, **{"config/ota.json": config(confirmAfter=0)}))
    board.wait_until_back(mark)
    assert stands(board, "2.0.0", "trial")


def test_what_fails_during_a_trial_goes_back_to_what_was_confirmed(tried):
    board = tried()
    before = board.snapshot()
    on_trial(board)
    files = version("three", **{"app/app.py": app("1 / 0"), "app/third.py": b"# three\n"})
    assert "ZeroDivisionError" in board.goes_back(board.update("3.0.0", files))
    assert board.snapshot() == {**before, "/data/wait.txt": b""}
    told = board.state()
    assert (told["version"], told["from"]) == ("1.0.0", "3.0.0")
    assert board.litter() == ["ota_crash.json"]


def test_what_lives_during_a_trial_keeps_what_was_confirmed(tried):
    board = tried()
    before = board.snapshot()
    on_trial(board)
    install(board, version("three"), "3.0.0")
    board.goes_back(board.ask("rollback"))
    assert board.snapshot() == {**before, "/data/wait.txt": b""}


# -- back by hand


def test_back_by_hand_and_forth_again(tried):
    board = tried()
    before = board.snapshot()
    install(board, version("two"))
    assert board.goes_back(board.ask("rollback")) == "by hand"
    assert board.snapshot() == before
    told = board.state()
    assert (told["state"], told["version"], told["from"]) == ("rolled back", "1.0.0", "2.0.0")
    assert board.tool.ask("rollback") == "error: nothing is kept"
    install(board, version("two"))  # it has not failed: it needs no force


def test_back_by_hand_from_a_trial(tried):
    board = tried()
    before = board.snapshot()
    on_trial(board)
    board.goes_back(board.ask("rollback"))
    assert board.snapshot() == {**before, "/data/wait.txt": b""}
    assert board.state()["version"] == "1.0.0"


def test_without_rollback_nothing_is_kept_and_nothing_on_trial(tried):
    board = tried()
    mark = board.update("2.0.0", version("two"), "no-rollback")
    board.wait_until_back(mark)
    assert stands(board, "2.0.0")
    assert board.tool.ask("rollback") == "error: nothing is kept"


# -- an app that fails later


def test_an_app_that_crashes_later_is_started_again_after_growing_pauses(tried):
    board = tried()
    install(board, living(f"{WAIT}raise ValueError('later')"))
    mark = board.go_on()
    board.wait_for(r"(?s)again in 1 s\n.*again in 2 s\n.*again in 4 s\n.*again in 8 s\n", mark)
    told = board.state()
    assert (told["state"], told["version"]) == ("confirmed", "2.0.0")
    assert told["crash"] == "ValueError: later"
    assert board.crash()["why"] == "ValueError: later"
    assert "in run\nValueError: later" in board.crash()["trace"]
    mark = board.ask("reset")
    board.wait_until_back(mark)
    assert stands(board, "2.0.0")


def test_an_app_that_resets_the_board_later_goes_back(tried):
    board = tried()
    before = board.snapshot()
    install(board, living(f"{WAIT}machine.reset()"))
    assert board.goes_back(board.go_on()) == "3 unclean boots in a row"
    assert board.snapshot() == before


@pytest.mark.parametrize("left", [0, 20000, 60000])
def test_an_app_that_eats_the_heap_later_makes_room_for_an_update(tried, left):
    board = tried()
    install(board, living(f"{WAIT}{GREEDY.format(left=left)}print('eaten')\n{LIVE}"))
    board.wait_for("eaten", board.go_on())
    mark = board.mark()
    if not board.takes("3.0.0", version("three")):
        board.wait_for(SAFE, mark)
        assert board.state()["safe"] is True
        mark = board.update("3.0.0", version("three"))
    board.is_confirmed(mark)
    board.wait_for("the app says three", mark)
    assert stands(board, "3.0.0")


# -- safe mode


def test_safe_mode_lasts_until_the_next_reset(tried):
    board = tried()
    mark = board.ask("safe_mode")
    board.wait_until_back(mark)
    assert board.state()["safe"] is True
    assert "the app says" not in board.output.since(mark)
    mark = board.ask("reset")
    board.wait_for("the app says one", mark)
    board.wait_until_back(mark)
    assert "safe" not in board.state()


@pytest.fixture
def preinstalled(tmp_path, end):
    """preinstalled(body, OPTION…): a board with an app that no update has brought."""

    def start(body, *options, **how):
        (tmp_path / "app").write_bytes(app(body))
        (tmp_path / "log").write_bytes(LOG)
        put = (f"--put={tmp_path / 'app'}:/app/app.py", f"--put={tmp_path / 'log'}:/data/log.txt")
        return end(Tried(tmp_path / "tried", *put, *options, **how))

    return start


def test_an_app_that_never_lets_the_board_up_is_left_out_where_nothing_is_kept(preinstalled):
    board = preinstalled("machine.reset()", ready=SAFE)
    assert board.state()["safe"] is True
    mark = board.update("1.0.0", ONE)
    board.is_confirmed(mark)
    board.wait_for("the app says one", mark)
    assert board.read("/data/log.txt") == LOG


# -- two firmware slots

WAITING = "--put=/dev/null:/data/wait.txt"
SWITCHES = """
if 'wait.txt' in os.listdir('/data'):
    while 'wait.txt' in os.listdir('/data'):
        time.sleep_ms(100)
    esp32.Partition('ota_1').set_boot()
    machine.reset()
while True:
    time.sleep(1)
"""  # goes over to the other firmware, once
VALID = "esp32.Partition.mark_app_valid_cancel_rollback()\nmachine.reset()"


def on_firmware(body):
    """An app that switches to the other firmware, and is @body on that."""
    lines = "".join(f"    {line}\n" for line in body.split("\n"))
    slot = "slot = esp32.Partition(esp32.Partition.RUNNING).info()[4]"
    return f"import esp32\n{slot}\nprint('runs on', slot)\nif slot == 'ota_1':\n{lines}{SWITCHES}"


@pytest.fixture
def two_slots(preinstalled, tmp_path):
    """two_slots(body): a board that has gone over to its other firmware; @body is the app there."""

    def start(body):
        board = preinstalled(
            on_firmware(body), WAITING, "--slots=2", f"--events={tmp_path / 'events'}"
        )
        board.is_clean()
        mark = board.mark()
        with contextlib.suppress(Gone):  # the app may be faster than the answer
            board.go_on()
        return board, mark

    return start


def slots(tmp_path):
    """The firmwares that it has booted."""
    lines = (tmp_path / "events").read_text().split("\n")
    return [line for line in lines if line[:4] == "slot"]


def test_a_firmware_that_lets_the_board_up_stays(two_slots, tmp_path):
    board, mark = two_slots(LIVE)
    board.wait_for("(?s)runs on ota_1.*listening", mark)
    board.is_clean()
    mark = board.power_cut()
    board.wait_for("(?s)runs on ota_1.*listening", mark)
    assert slots(tmp_path) == ["slot ota_1"]


def test_a_firmware_that_does_not_is_left_by_the_bootloader(two_slots, tmp_path):
    board, mark = two_slots("machine.reset()")
    board.wait_for("(?s)runs on ota_1.*runs on ota_0.*listening", mark)
    assert slots(tmp_path) == ["slot ota_1", "slot ota_0"]
    assert "safe" not in board.state()


def test_three_unclean_boots_lead_back_to_the_firmware_before(two_slots, tmp_path):
    board, mark = two_slots(VALID)
    board.wait_for("(?s)(runs on ota_1.*){3}runs on ota_0.*listening", mark)
    assert slots(tmp_path) == ["slot ota_1", "slot ota_0"]
    assert "safe" not in board.state()


def test_a_firmware_before_that_is_broken_leaves_the_board_reachable(preinstalled):
    body = on_firmware(VALID)
    board = preinstalled(body, "--slots=2", "--slot-broken=ota_0", ready=SAFE)
    assert board.state()["safe"] is True


# -- what no update has broken


def test_an_agent_that_a_new_firmware_cannot_read_says_what_helps(preinstalled, tmp_path):
    board = preinstalled(LIVE, "--mpy")
    board.kill()
    (tmp_path / "other").write_bytes(b"M\x05\x00\x1f" + bytes(60))
    board.options = (*board.options, f"--put={tmp_path / 'other'}:/lib/uota/__init__.mpy")
    board.ready = "(?s)incompatible .mpy file.*run `uota bootstrap`.*>>> "
    board.start()
    assert "rst:" not in board.output.text


def test_a_read_only_flash(tried):
    board = tried("--read-only")
    board.wait_for("the app says one")
    assert board.state()["version"] == "1.0.0"
    assert board.tool.push_files("2.0.0", version("two")).startswith("error")
    for command in ("rollback", "rm /app/more.py"):
        assert board.tool.ask(command).startswith("error")
    assert board.read("/app/more.py") == ONE["app/more.py"]
    mark = board.ask("reset")
    board.wait_until_back(mark)
    assert "Traceback" not in board.output.text


STATE_FILES = [
    "ota_journal",
    "ota_boot_state.json",
    "ota_crash.json",
    "ota_trial.json",
    "ota_manifest.json",
    "ota_version.json",
    "ota_kept/list",
]


TEXTS = {
    "empty": b"",
    "cut": b"{",
    "list": b"[]",
    "noise": b"\xff\x00" * 400,
    "newer": b"uota 9 move\nend\n",
    "types": b'{"crashes":"x","clean":7,"slept":[],"rtc":"y","back":3,"up":5,"id":[],"version":{}}',
    "more": b'{"crashes":-1e9,"back":{"id":{},"why":7},"up":{"a":1},"version":7,"files":{"a":1}}',
}


@pytest.mark.parametrize(
    ("text", "where"),
    [*((text, "") for text in TEXTS.values()), (b"", "/x")],
    ids=[*TEXTS, "folder"],
)
def test_what_the_agent_finds_may_be_anything(preinstalled, tmp_path, text, where):
    (tmp_path / "text").write_bytes(text)
    put = [f"--put={tmp_path / 'text'}:/{name}{where}" for name in STATE_FILES]
    board = preinstalled(LIVE, *put)
    board.is_clean()
    board.state(), board.crash()
    install(board, version("two"))
    assert board.read("/data/log.txt") == LOG
    assert "Traceback" not in board.output.text


def test_going_back_needs_no_free_flash(tried):
    board = tried()
    before = board.snapshot()
    body = "f = open('/data/fill', 'wb')\nwhile True:\n    f.write(bytes(4096))\n    f.flush()"
    mark = board.update("2.0.0", living(body))
    assert "OSError" in board.goes_back(mark)
    assert before.items() <= board.snapshot().items()


def test_a_full_flash(preinstalled):
    fill = """
with open('/data/fill', 'wb') as f:
    try:
        while True:
            f.write(bytes(4096))
            f.flush()
    except OSError:
        pass
print('full')
"""
    board = preinstalled(fill + LIVE, "--flash-size=512K")
    board.wait_for("full")
    assert board.tool.push_files("1.0.0", ONE).startswith("error: flash full: ")
    for _ in range(2):
        mark = board.power_cut()
        board.wait_for("(?s)full.*listening", mark)
        board.is_clean()
    mark = board.ask("rm /data/fill")
    install(board, ONE, "1.0.0")
    assert board.read("/data/log.txt") == LOG
    assert "Traceback" not in board.output.text

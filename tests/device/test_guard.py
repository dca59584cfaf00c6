# The boot guard: which boots count, what comes of three in a row, deep sleep, RTC memory, the other
# firmware slot, and what is kept of a failure.
import json
import os
import sys

import board
from board import machine
from boots import boot, came_through, files, same
from test_push import _begin, _push, _send_file

_V1 = {"app/app.py": b"one", "app/gone.py": b"gone" * 50, "deep/er/x": b"x", "empty": b""}
_V2 = {"app/app.py": b"two", "app/new.py": b"new"}


def _load(path):
    return json.loads(str(board.read(path), "utf-8"))


def _state():
    return _load("/ota_boot_state.json")


def _update():
    """Version 1 confirmed, version 2 on trial; version 1's files."""
    machine.rtc = b""
    assert _push(_V1, "1")[1] == b"ok\n"
    _guard().confirm()
    before = files()
    assert _push(_V2, "2")[1] == b"ok\n"
    return before


def _guard():
    from uota import boot_guard

    return boot_guard


def _version():
    return _load("/ota_version.json")["version"]


def _told():
    return json.loads(board.Peer().ask("version"))


# -- which boots count


def test_three_unclean_boots_bring_the_version_before_back():
    before = _update()
    for n in range(3):
        assert boot() == (_guard(), 0), n
        assert _version() == "2"
    guard, resets = boot()
    assert resets == 1 and guard.safe == ""
    same(files(), before)
    assert _version() == "1" and _told()["state"] == "rolled back"
    assert not board.exists("/ota_kept") and not board.exists("/ota_trial.json")
    for _ in range(2):
        assert boot()[1] == 0 and not guard.safe
    assert boot()[0].safe == "crashed"  # nothing to go back to: without the app
    came_through()
    assert boot()[0].safe == "" and _version() == "1"


def test_resets_of_the_agents_own_and_soft_ones_do_not_count():
    _update()
    for n in range(12):
        assert boot(machine.PWRON_RESET if n % 2 else machine.HARD_RESET)[1] == 0
        assert _version() == "2", n
        if n % 2:
            board.write("/ota_ended", b"")
        else:
            for _ in range(4):
                assert boot(machine.SOFT_RESET)[1] == 0


def test_boots_that_come_through_do_not_count():
    assert _push(_V1, "1")[1] == b"ok\n"
    _guard().confirm()
    for rtc in (True, False):
        board.write("/ota_boot_state.json", json.dumps({"rtc": rtc}).encode())
        for _ in range(6):
            guard, resets = boot()
            assert resets == 0 and guard.safe == ""
            came_through()
        for _ in range(3):
            assert boot()[0].safe == ""
        came_through()
        assert boot()[0].safe == ""
        came_through()


def test_a_count_in_rtc_memory_costs_no_write():
    assert _push(_V1, "1")[1] == b"ok\n"
    machine.rtc = b""
    _guard().confirm()
    state = board.read("/ota_boot_state.json")
    for n in range(3):
        boot()
        assert machine.rtc == b"uota" + bytes([n + 1])
    assert board.read("/ota_boot_state.json") == state
    came_through()
    assert machine.rtc == b""
    assert board.read("/ota_boot_state.json") == state


def test_the_apps_rtc_memory_is_its_own():
    for app in (b"mine", b"uota", b"uota12", b"\x00" * 2048):
        board.fresh()
        machine.rtc = app
        assert _push(_V1, "1")[1] == b"ok\n"
        _guard().confirm()
        for _ in range(3):
            boot()
            assert machine.rtc == app
        came_through()
        assert machine.rtc == app


def test_a_confirmed_version_uses_rtc_memory_even_if_our_own_count_lies_there():
    machine.rtc = b"uota\x01"
    assert _push(_V1, "1")[1] == b"ok\n"
    _guard().confirm()
    assert _state().get("rtc") is True


def test_what_says_that_the_reset_was_ours_may_be_anything():
    for text in (b"", b"memory", b"asked", b"\xff\xfe", b"\x00" * 5000, b"\xc3"):
        board.fresh()
        _update()
        board.write("/ota_ended", text)
        for n in range(3):
            assert boot()[1] == 0, (text, n)
            assert not board.exists("/ota_ended") and _version() == "2", text
        assert boot()[1] == 1, text
        assert _version() == "1", text


def test_the_first_version_is_not_taken_away_once_it_is_confirmed():
    for version in (_V1, dict(_V1, **{"main.py": b"new"})):
        board.fresh()
        machine.rtc = b""
        board.write("/main.py", b"was here")
        assert _push(version, "1")[1] == b"ok\n"
        _guard().confirm()
        for _ in range(3):
            assert boot()[1] == 0
        assert boot() == (_guard(), 0) and _guard().safe == "crashed"
        assert _version() == "1" and board.read("/app/app.py") == b"one"
        assert board.Peer().ask("rollback") == "error: nothing is kept\n"


# -- deep sleep


def test_three_cycles_of_deep_sleep_end_a_trial():
    _update()
    boot()
    for n in range(3):
        assert board.exists("/ota_trial.json"), n
        assert boot(machine.DEEPSLEEP_RESET)[1] == 0
    assert not board.exists("/ota_trial.json") and _told()["state"] == "confirmed"


def test_cycles_of_the_version_before_are_not_counted():
    _update()
    boot()
    boot(machine.DEEPSLEEP_RESET)
    boot(machine.DEEPSLEEP_RESET)
    assert _push(dict(_V2, more=b"3"), "3")[1] == b"ok\n"
    board.write("/ota_ended", b"")
    boot()
    for n in range(3):
        assert board.exists("/ota_trial.json"), n
        boot(machine.DEEPSLEEP_RESET)
    assert not board.exists("/ota_trial.json")


def test_a_sleeper_that_had_to_be_reached_goes_back_after_a_while():
    machine.rtc = b""
    assert _push({"app/app.py": b"one"}, "1")[1] == b"ok\n"
    _guard().confirm()
    assert _push({"app/app.py": b"two", "config/ota.json": b"{}"}, "2")[1] == b"ok\n"
    boot()
    n = 1
    while n < 30 and not boot(machine.DEEPSLEEP_RESET)[1]:
        n += 1
    assert 10 < n < 25 and _version() == "1"
    assert not board.exists("/config/ota.json")


def test_deep_sleep_is_not_unclean_and_writes_nothing_once_confirmed():
    machine.rtc = b""
    assert _push(_V1, "1")[1] == b"ok\n"
    _guard().confirm()
    came_through()
    state = board.read("/ota_boot_state.json")
    for _ in range(10):
        assert boot(machine.DEEPSLEEP_RESET) == (_guard(), 0)
        assert board.read("/ota_boot_state.json") == state and machine.rtc == b""


# -- the other firmware


class _Slots:
    RUNNING = 1
    error = None
    boots = 0

    def __init__(self, which):
        pass

    def get_next_update(self):
        return self

    def set_boot(self):
        if _Slots.error:
            raise _Slots.error
        _Slots.boots += 1


def _slots(error=None):
    _Slots.error, _Slots.boots = error, 0

    class esp32:
        Partition = _Slots

    sys.modules["esp32"] = esp32


def test_the_other_firmware_comes_after_the_version_before_and_once():
    _update()
    _slots()
    try:
        for _ in range(4):
            resets = boot()[1]
        assert resets == 1 and _version() == "1" and _Slots.boots == 0
        for _ in range(3):
            resets = boot()[1]
        assert resets == 1 and _Slots.boots == 1
        for n in range(12):
            guard, resets = boot()
            assert resets == 0 and _Slots.boots == 1, n
            if guard.safe:
                break
        assert guard.safe == "crashed"
    finally:
        del sys.modules["esp32"]


def test_no_other_firmware():
    for error in (OSError(-258, "ESP_ERR_INVALID_ARG"), OSError(2), None):
        _slots(error)
        if not error:
            sys.modules["esp32"].Partition = None
        try:
            board.fresh()
            machine.rtc = b""
            assert _push(_V1, "1")[1] == b"ok\n"
            _guard().confirm()
            for _ in range(3):
                assert boot() == (_guard(), 0) and not _guard().safe
            assert boot()[1] == 0 and _guard().safe == "crashed"
            came_through()
        finally:
            del sys.modules["esp32"]


# -- what is kept of a failure


def test_what_was_said_last_can_be_read_again():
    guard = _guard()
    for text in ("\x00" * 2000, "ü" * 2000, '\\"' * 1000, "\n" * 2000, "", "\U0001f600" * 2000):
        board.fresh()
        guard.note(text, text)
        kept = guard.load("/ota_crash.json")
        assert kept.get("why") == text[:200] and kept["trace"] == text[-1024:], repr(text[:2])
        assert json.loads(board.Peer().ask("crash"))["why"] == text[:200]


def test_a_version_that_failed_is_refused_until_forced():
    before = _update()
    assert _guard().undo("why " * 100, "trace" * 1000)
    boot()
    same(files(), before)
    p = board.Peer()
    assert p.ask("start_ota") == "ready\n"
    from test_push import _manifest, _send_manifest

    answer = _send_manifest(p, _manifest(_V2, "2"))
    assert answer.startswith(b"error: refused: 2 failed on this board (why"), answer
    assert answer.count(b"\n") == 1 and answer[-1:] == b"\n", answer
    p = _begin(_V2, "2", words=" force")
    for path in _V2:
        assert _send_file(p, path, _V2[path]) == b"ok\n"
    assert p.say(b"end_ota\n") == b"ok\n"
    assert _told()["state"] == "trial"


def _cut(guard, n):
    """The guard can remove n files more."""
    left = [n]

    class Os:
        stat, ilistdir, rmdir, rename = os.stat, os.ilistdir, os.rmdir, os.rename

        @staticmethod
        def remove(path):
            left[0] -= 1
            if left[0] < 0:
                raise OSError(5)
            os.remove(path)

    guard.os = Os


def test_confirm_can_be_cut_anywhere():
    guard = _guard()
    for n in range(8):
        board.fresh()
        _update()
        guard.undo("first")
        boot()
        assert _push(dict(_V1, more=b""), "3")[1] == b"ok\n"
        guard = _guard()
        _cut(guard, n)
        try:
            guard.confirm()
        except OSError:
            pass
        guard.os = os
        assert _told()["state"] in ("trial", "confirmed"), n


# -- what a version on trial must show, over time


class _Time:
    """A clock that is set; it wraps as the board's does."""

    ms = 0

    @staticmethod
    def ticks_ms():
        return _Time.ms & (1 << 30) - 1

    @staticmethod
    def ticks_diff(a, b):
        return (a - b + (1 << 29) & (1 << 30) - 1) - (1 << 29)


class _Loop:
    updating = heard = ending = False

    def __init__(self):
        self.up, self.conns = {"wifi_tcp": True}, []

    def reset_soon(self, safe=""):
        self.ending = True


def _watch(settings, begins=0):
    """(watch, loop) of a trial that has begun with these settings, Wi-Fi being needed."""
    board.fresh()
    _update()
    board.write("/config/ota.json", json.dumps(settings).encode())
    found = _load("/ota_trial.json")
    found["up"] = ["wifi_tcp"]
    board.write("/ota_trial.json", json.dumps(found).encode())
    import uota
    from uota import trial

    uota.crash, uota.confirmed, uota.no_app, uota.safe = "", False, False, ""
    trial.utime, _Time.ms = _Time, begins
    loop = _Loop()
    watch = trial.main(loop)
    next(watch)
    return watch, loop


def _lives(watch, seconds, steps=40):
    """How the trial has ended by then: confirmed, rolled back, or trial."""
    for _ in range(steps):
        _Time.ms += seconds * 1000 // steps
        if next(watch, None) is None:
            break
    return _told()["state"]


def test_a_trial_ends_after_the_seconds_that_are_configured():
    for wanted, after in ((None, 30), (1, 1), (86400, 86400), (86401, 30), (-1, 30), ("5", 30),
                          (True, 30), (5.5, 30), ([], 30), (1 << 70, 30)):  # fmt: skip
        watch = _watch({"confirmAfter": wanted})[0]
        assert _lives(watch, after - 1, 20) == "trial", wanted
        assert _lives(watch, 2, 2) == "confirmed", wanted


def test_a_transport_that_does_not_come_up_fails_a_trial_in_time():
    for wanted, seconds in ((None, 300), (10, 10), (0, 300), (-5, 300), ("1", 300), (1e9, 300)):
        watch, loop = _watch({"confirmAfter": 1, "confirmNetwork": wanted})
        loop.up = {}
        assert _lives(watch, seconds - 2) == "trial", wanted
        assert _lives(watch, 4) == "rolled back" and loop.ending, wanted
        assert "wifi_tcp" in _told()["why"] and "%d s" % seconds in _told()["why"]


def test_a_transport_may_be_down_for_a_while_in_a_long_trial():
    watch, loop = _watch({"confirmAfter": 3600})
    assert _lives(watch, 1000) == "trial"
    loop.up = {}
    assert _lives(watch, 290) == "trial"
    loop.up = {"wifi_tcp": True}
    assert _lives(watch, 1000) == "trial"
    loop.up = {}
    assert _lives(watch, 280) == "trial"
    assert _lives(watch, 40) == "rolled back"


def test_a_trial_that_waits_for_the_app_may_take_weeks():
    import uota

    for begins in (0, (1 << 29) - 5, (1 << 30) - 5):
        watch = _watch({"confirmAfter": 0}, begins)[0]
        for _ in range(20):
            assert _lives(watch, 86400, 24) == "trial"
            assert uota.on_trial["app"] >= 0
        uota.confirmed = True
        assert _lives(watch, 1, 1) == "confirmed"

"""Pushes over protocol 2: only what is missing travels, an update that is there already is not
installed again, and what was cut goes on where it was.
"""

import json
import random
import signal

import pytest

from .wire import until

PUSHES = pytest.mark.parametrize("command", ["fast", "full"])


def text_of(seed, lines=100):
    """Python source of about 4 KB that no other seed has."""
    return "".join(f"def handler_{seed}_{n}(request):\n    return {n}\n" for n in range(lines))


@pytest.fixture
def project2(project2):
    project2.set(mpyFiles=[])
    for n in range(10):
        project2.write(f"lib/part{n}.py", text_of(n))
    return project2


@pytest.fixture
def theirs(boards, project2):
    return boards(project2)


@pytest.fixture
def pushed(project2, theirs):
    """A board with the project on it."""
    project2.uota("full", *theirs.at)
    return theirs


def push(project, board, command, *options):
    """The report of a push, and the events before it."""
    done = project.uota(command, "--json", *options, *board.at)
    *events, report = [json.loads(line) for line in done.out.splitlines()]
    return report, events


def moved(report):
    return {entry["path"]: entry["why"] for entry in report["plan"]}


def listing(project, board, folder):
    return project.uota("terminal", "ls", folder, *board.at).out.split()


@PUSHES
def test_what_is_installed_is_not_installed_again(project2, pushed, command):
    project2.uota(command, *pushed.at)
    mark = pushed.mark()
    done = project2.uota(command, *pushed.at)
    assert done.out == "127.0.0.1: already up to date (1.0.0)\n"
    assert "rst:" not in pushed.output.text[mark:]


def test_force_installs_it_again(project2, pushed):
    mark = pushed.mark()
    assert "1.0.0 confirmed" in project2.uota("full", "--force", *pushed.at).out
    pushed.wait_for("rst:", mark)


def test_only_the_changed_file_travels(project2, pushed):
    project2.write("lib/part3.py", text_of(3) + "# changed\n")
    report, _ = push(project2, pushed, "full")
    assert moved(report) == {"lib/part3.py": "changed"}
    assert report["sent"] < 6000
    assert pushed.on_flash("/lib/part3.py").endswith(b"# changed\n")


def test_the_first_push_is_deflated(project2, theirs):
    report, _ = push(project2, theirs, "full")
    assert report["sent"] < 0.4 * report["bytes"]


def test_the_same_content_elsewhere_is_copied(project2, pushed):
    project2.write("lib/twin.py", text_of(4))
    report, _ = push(project2, pushed, "full")
    assert moved(report) == {"lib/twin.py": "copied"}
    assert pushed.on_flash("/lib/twin.py") == text_of(4).encode()


def test_a_host_that_does_not_know_the_board_asks_it(project2, pushed, env):
    for n in range(10):
        project2.write(f"app/new{n}.py", text_of(n))
    env["HOME"] += "/another"
    report, _ = push(project2, pushed, "full")
    assert set(moved(report).values()) == {"copied"}


@PUSHES
def test_what_the_project_has_lost_the_board_loses(project2, theirs, command):
    project2.write("app/old.py", "1\n")
    project2.uota("full", *theirs.at)
    project2.delete("app/old.py")
    report, _ = push(project2, theirs, command)
    assert theirs.on_flash("/app/old.py") is None
    assert moved(report) == {"app/old.py": "deleted"}


def test_full_takes_it_out_of_lib_too(project2, pushed):
    project2.delete("lib/part5.py")
    project2.uota("full", *pushed.at)
    assert pushed.on_flash("/lib/part5.py") is None
    assert pushed.on_flash("/lib/uota/loop.py") is not None


def test_fast_leaves_what_full_has_brought(project2, pushed):
    project2.delete("lib/part5.py")
    project2.app_says("two")
    report, _ = push(project2, pushed, "fast")
    assert moved(report) == {"app/app.py": "changed"}
    assert pushed.on_flash("/lib/part5.py") is not None


def test_a_dry_run_says_what_would_travel_and_changes_nothing(project2, pushed):
    project2.app_says("two")
    mark = pushed.mark()
    done = project2.uota("full", "--dry-run", *pushed.at)
    assert "changed" in done.out and "app/app.py" in done.out
    assert "dry run: 1 of 13 files would travel, 9" in done.out
    assert "rst:" not in pushed.output.text[mark:]
    assert b"two" not in pushed.on_flash("/app/app.py")


def test_a_dry_run_tells_copies_and_deletions(project2, pushed):
    project2.delete("lib/part3.py")
    project2.write("lib/twin.py", text_of(4))
    done = project2.uota("full", "--dry-run", *pushed.at)
    assert done.out.splitlines() == [
        "  copied          0  lib/twin.py",
        "  deleted         0  lib/part3.py",
        "127.0.0.1: dry run: 0 of 13 files would travel, 0 bytes",
    ]


def test_a_dry_run_takes_nothing_from_the_push_after_it(project2, pushed):
    """All that the push needs is on the board already, and nothing of it is installed."""
    project2.write("lib/twin.py", text_of(4))
    project2.uota("full", "--dry-run", *pushed.at)
    project2.uota("full", *pushed.at)
    assert pushed.on_flash("/lib/twin.py") == text_of(4).encode()


def test_events_tell_an_editor_how_it_goes(project2, theirs):
    report, events = push(project2, theirs, "full")
    assert {event["event"] for event in events} == {"progress"}
    phases = [event["phase"] for event in events]
    assert phases == sorted(phases, key=["manifest", "send", "commit", "wait"].index)
    last = [event for event in events if "file" in event][-1]
    assert last["bytes"] == last["total"] and last["file"] == "main.py"
    assert report["state"] == "confirmed" and report["protocol"] == 2


def test_the_summary(project2, pushed):
    project2.app_says("two")
    out = project2.uota("full", *pushed.at).out
    assert "1.0.0 installed, 13 files, 1 changed, " in out and " sent (of " in out


def test_a_lower_version_needs_a_word(project2, pushed):
    error = project2.uota("full", "--version", "0.9", *pushed.at, status=3).error
    assert "0.9 is older than 1.0.0" in error and "--allow-downgrade" in error
    project2.uota("full", "--version", "0.9", "--allow-downgrade", *pushed.at)
    assert project2.uota("version", *pushed.at).out == "0.9 confirmed\n"


def test_a_file_that_was_changed_on_the_board_is_restored(project2, pushed):
    project2.write("mine.py", "mine = 1\n")
    project2.uota("terminal", "put", "mine.py", "/lib/part0.py", *pushed.at)
    project2.delete("mine.py")
    assert pushed.on_flash("/lib/part0.py") == b"mine = 1\n"
    assert moved(push(project2, pushed, "full")[0]) == {"lib/part0.py": "changed"}
    assert pushed.on_flash("/lib/part0.py") == text_of(0).encode()


@pytest.fixture
def large(project2):
    """The project with a file that cannot be deflated."""
    project2.write("app/big.bin", random.Random(1).randbytes(60_000))
    return project2


def test_a_lost_connection_is_taken_up_again(large, theirs, relay):
    way = relay(theirs, cut_up=40_000)
    done = large.uota("full", "--json", *way.at)
    assert "trying again (1)" in done.err
    report = json.loads(done.out.splitlines()[-1])
    assert moved(report)["app/big.bin"] == "rest"
    assert report["plan"][0]["bytes"] < 50_000
    assert theirs.on_flash("/app/big.bin") == (large / "app/big.bin").read_bytes()
    for n in range(10):
        assert theirs.on_flash(f"/lib/part{n}.py") == text_of(n).encode()


FLUSHED = 16384  # bytes of a file, of which at most as many are lost


def test_a_board_that_loses_its_power_goes_on(large, theirs, relay):
    def lose_power():
        until(lambda: len(theirs.on_flash("/ota_part/1") or b"") >= FLUSHED, lambda: "not staged")
        theirs.process.send_signal(signal.SIGUSR2)

    way = relay(theirs, cut_up=40_000, on_cut=lose_power)
    done = large.uota("full", "--json", *way.at)
    assert "trying again (1)" in done.err
    assert moved(done.report)["app/big.bin"] == "rest"
    assert theirs.on_flash("/app/big.bin") == (large / "app/big.bin").read_bytes()


def test_without_retries_a_lost_connection_is_the_end(large, theirs, relay):
    way = relay(theirs, cut_up=40_000)
    large.uota("full", "--retries", "0", *way.at, status=4)


def test_a_push_that_was_killed_goes_on(large, theirs, relay, started):
    """What the first one has brought does not travel again."""
    project2 = large
    project2.write("app/big.bin", random.Random(1).randbytes(150_000))
    whole, _ = push(project2, theirs, "full", "--dry-run")
    way = relay(theirs, hold_up=100_000)
    running = started("full", "--dir", project2.path, *way.at)
    assert way.held.wait(20)
    until(lambda: theirs.on_flash("/ota_part/1"), lambda: "nothing of big.bin is staged")
    running.process.kill()
    way.stop()
    before, _ = push(project2, theirs, "full", "--dry-run")
    missing = sum(entry["bytes"] for entry in before["plan"])
    assert missing < sum(entry["bytes"] for entry in whole["plan"])
    project2.uota("full", *theirs.at)
    assert theirs.on_flash("/app/big.bin") == (project2 / "app/big.bin").read_bytes()


def test_new_secrets_are_proven_by_the_old_ones(project2, pushed, tmp_path):
    old = tmp_path / "old.json"
    old.write_text(json.dumps(project2.secrets))
    project2.set_secrets(otaPassword="a new one", signingKey="a new key")
    assert "wrong password" in project2.uota("full", *pushed.at, status=3).error
    out = project2.uota("full", "--old-secrets", old, *pushed.at).out
    assert "1.0.0 confirmed" in out
    assert project2.uota("version", *pushed.at).out == "1.0.0 confirmed\n"
    project2.app_says("two")
    project2.uota("fast", *pushed.at)


def test_a_key_alone_changes_with_the_old_secrets(project2, pushed, tmp_path):
    old = tmp_path / "old.json"
    old.write_text(json.dumps(project2.secrets))
    project2.set_secrets(signingKey="a new key")
    assert "signature" in project2.uota("full", *pushed.at, status=3).error
    project2.uota("full", "--old-secrets", old, *pushed.at)
    project2.app_says("two")
    project2.uota("fast", *pushed.at)


def test_old_secrets_that_are_none(project2, theirs, tmp_path):
    empty = tmp_path / "old.json"
    empty.write_text("{}")
    error = project2.uota("full", "--old-secrets", empty, *theirs.at, status=1).error
    assert "old.json" in error


def test_a_board_of_1_0_does_not_get_the_password(project2, old_board):
    board = old_board(password=project2.secrets["otaPassword"], key=project2.secrets["signingKey"])
    error = project2.uota("full", *board.at, status=3).error
    assert "protocol 1.0" in error and "--legacy" in error
    assert board.heard == []


@pytest.mark.parametrize("answer", ["unknown", "denied"])
def test_a_word_is_not_enough_for_1_0(project2, peer, answer):
    seen = []

    def serve(wire):
        seen.append(wire.line())
        wire.say(answer)
        if answer == "unknown":
            seen.append(wire.line())

    project2.uota("full", *peer(serve).at, status=3)
    assert len(seen) == 1 and seen[0].startswith("hello 2 ")


def test_without_a_secret_1_0_is_spoken_and_said(project2, old_board):
    project2.without_secrets()
    project2.set(minProtocol=None)
    board = old_board()
    done = project2.uota("full", *board.at)
    assert any("protocol 1.0" in line for line in done.warnings)
    assert board.version == "1.0.0"


def test_without_a_secret_a_project_may_still_want_protocol_2(project2, old_board):
    project2.without_secrets()
    assert "protocol 1.0" in project2.uota("full", *old_board().at, status=3).error


def test_without_a_secret_it_is_said_that_nobody_is_kept_out(project2, boards):
    project2.without_secrets()
    done = project2.uota("full", *boards(project2).at)
    assert any("no secret is configured" in line for line in done.warnings)


def test_the_stretched_password_is_kept_private(project2, pushed, tmp_path):
    keys = list((tmp_path / "home/.cache/uota/keys").iterdir())
    assert len(keys) == 1 and keys[0].stat().st_mode & 0o777 == 0o600


def test_a_wrong_password_is_no_reason_to_try_again(project2, theirs):
    project2.set_secrets(otaPassword="wrong")
    done = project2.uota("full", *theirs.at, status=3)
    assert "wrong password" in done.error and "again" not in done.err


def test_a_first_push_over_a_cut_answer_of_the_commit(project2, theirs, relay):
    """The board has it; the tool finds that out by itself."""
    whole = relay(theirs)
    project2.uota("full", *whole.at)
    project2.app_says("two")
    length = len(relay_down(project2, theirs, relay))
    project2.app_says("three")
    way = relay(theirs, cut_down=length - 60)
    assert "confirmed" in project2.uota("full", *way.at).out
    until(lambda: b"three" in theirs.on_flash("/app/app.py"), lambda: "not installed")


def relay_down(project, board, relay):
    way = relay(board)
    project.uota("full", "--no-wait", *way.at)
    until(lambda: "confirmed" in project.uota("version", *board.at, status=None).out, str)
    return way.passed["down"]

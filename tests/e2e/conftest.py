"""Fixtures: a project, the tool, simulated and scripted boards, scripted hosts, relays,
terminals. Whatever they start, they end.
"""

import os
import shutil
from pathlib import Path

import pytest

from . import process
from .board import Board
from .new_board import NewBoard
from .old_board import OldBoard
from .old_tool import OldTool
from .project import Project
from .relay import Relay
from .tried import LOG, ONE, Tried
from .wire import Peer

ROOT = Path(__file__).resolve().parents[2]
TO_BOARDS = {"fast", "full", "info", "version", "terminal", "crash", "rollback"}
UOTA = os.environ.get("UOTA") or shutil.which("uota", path=str(ROOT / "build" / "release"))


@pytest.fixture
def env(tmp_path):
    """The environment of the tool: nothing of whoever runs the tests."""
    home = tmp_path / "home"
    home.mkdir()
    kept = {
        key: os.environ[key]
        for key in ("PATH", "ASAN_OPTIONS", "UBSAN_OPTIONS", "TMPDIR")
        if key in os.environ
    }
    return {**kept, "HOME": str(home), "LC_ALL": "C.UTF-8", "TERM": "xterm"}


@pytest.fixture
def tool(request):
    """tool(ARGUMENT…): the command line. Boards here are set up as by 1.0, and the user says
    `--legacy`, but where a test asks for a project2.
    """
    if not UOTA:
        pytest.fail("no uota: build it with `make release`")
    legacy = "project2" not in request.fixturenames

    def line(*arguments):
        words = [str(argument) for argument in arguments]
        says_so = legacy and TO_BOARDS & set(words) and "help" not in words
        return [UOTA, *(["--legacy"] if says_so else []), *words]

    return line


@pytest.fixture
def uota(tmp_path, env, tool):
    """uota(ARGUMENT…, status=0, stdin=b"…", cwd=…): runs the tool; see process.check()."""

    def run(*arguments, cwd=tmp_path, **how):
        return process.run(tool(*arguments), cwd, {**env, **how.pop("env", {})}, **how)

    return run


@pytest.fixture
def started(tmp_path, env, end, tool):
    """started(ARGUMENT…): the tool, running beside the test."""

    def start(*arguments, cwd=tmp_path):
        return end(process.Running(tool(*arguments), cwd, env))

    return start


@pytest.fixture
def terminal(tmp_path, env, end, tool):
    """terminal(ARGUMENT…): the tool on a terminal of its own."""

    def start(*arguments, cwd=tmp_path, **how):
        return end(process.Terminal(tool(*arguments), cwd, env, **how))

    return start


@pytest.fixture
def project(tmp_path, uota):
    """A project of 1.0, secrets included; its trials are short."""
    made = new_project(tmp_path, uota)
    made.set(minProtocol=None)
    return made


@pytest.fixture
def project2(tmp_path, uota):
    """A project as `uota init` makes it, which wants protocol 2."""
    return new_project(tmp_path, uota)


def new_project(tmp_path, uota):
    uota("init", "--dir", tmp_path / "project")
    made = Project(tmp_path / "project", uota)
    made.set(confirmAfter=1)
    made.app_says("one")
    return made


@pytest.fixture
def open_project(project):
    """A project without password and signing key."""
    project.without_secrets()
    return project


@pytest.fixture
def boards(tmp_path, end):
    """boards(project, OPTION…): a simulated board with the project's configuration."""
    count = 0

    def start(project, *options):
        nonlocal count
        count += 1
        folder = tmp_path / f"board{count}"
        folder.mkdir()
        return end(Board(folder, project, *options))

    return start


@pytest.fixture
def board(boards, project):
    """A simulated board that has the project's secrets, and nothing installed yet."""
    return boards(project)


@pytest.fixture(scope="session")
def confirmed_image(tmp_path_factory):
    """The image of a board with version 1.0.0, confirmed."""
    folder = tmp_path_factory.mktemp("confirmed")
    (folder / "log").write_bytes(LOG)
    made = Tried(folder, f"--put={folder / 'log'}:/data/log.txt")
    made.is_confirmed(made.update("1.0.0", ONE))
    made.kill()
    return made.flash


@pytest.fixture
def tried(tmp_path, confirmed_image, end):
    """tried(OPTION…): a board with version 1.0.0, confirmed, and an app's log in /data."""

    def start(*options, **how):
        return end(Tried(tmp_path / "tried", *options, image=confirmed_image, **how))

    return start


@pytest.fixture
def old_board(end):
    """old_board(password=…, key=…, streams=…): a scripted board with micro-ota 1.0."""
    return lambda **how: end(OldBoard(**how))


@pytest.fixture
def new_board(end):
    """new_board(password=…, key=…): a scripted board with an agent of 2.0."""
    return lambda **how: end(NewBoard(**how))


@pytest.fixture
def peer(end):
    """peer(serve): something that listens, and does with each connection what serve() does."""
    return lambda serve: end(Peer(serve))


@pytest.fixture
def relay(end):
    """relay(board, cut_up=…, cut_down=…): a way to @board that breaks."""
    return lambda board, **how: end(Relay(board.host, board.port, **how))


@pytest.fixture
def old_tool():
    """old_tool(board, password=…, key=…): a scripted host with micro-ota 1.0."""
    return lambda board, **secrets: OldTool(board.host, board.port, **secrets)

"""Images: how they are made, that what was written stays, and how to look into them."""

import hashlib
import json
import os
import pathlib
import shutil
import subprocess

import pytest

ROOT = pathlib.Path(__file__).parents[2]


def test_what_was_written_stays_when_the_process_is_killed(board, tmp_path, sim):
    image = tmp_path / "a.img"
    one = board(
        "--flash",
        image,
        main="""
        import time
        with open('/kept.txt', 'w') as file:
            file.write('kept' * 1000)
        print('written')
        while True:
            time.sleep(1)
        """,
    )
    one.line("^written$")
    one.kill()
    assert sim("cat", image, "/kept.txt").stdout == "kept" * 1000
    two = board("--flash", image, main="print(len(open('/kept.txt').read()))")
    two.line("^4000$")


def test_an_open_file_is_lost_by_a_hard_reset_and_closed_by_a_soft_one(board):
    one = board(
        boot="import machine, os\nprint('found', os.stat('/x')[6] if 'x' in os.listdir() else -1)",
        main="""
        file = None
        if machine.reset_cause() == 1:
            file = open('/x', 'w')
            file.write('some')
            machine.reset()
        if machine.reset_cause() == 2:
            file = open('/x', 'w')
            file.write('some more')
            machine.soft_reset()
        """,
    )
    one.line("^found -1$")
    one.line("^found (-1|0)$")
    one.line("^found 9$")


def test_a_file_that_the_collector_closes_is_written(board):
    one = board(
        main="""
        import gc
        for i in range(20):
            open('/n', 'w').write('x' * 600)
        gc.collect()
        print('written', len(open('/n').read()))
        """
    )
    one.line("^written 600$")


@pytest.mark.parametrize("fs", ["littlefs", "fat"])
def test_both_file_systems_hold_a_tree(board, tmp_path, sim, fs):
    image = tmp_path / "a.img"
    one = board(
        "--flash",
        image,
        "--fs",
        fs,
        main="""
        import os, esp32
        os.mkdir('/data')
        with open('/data/x.bin', 'wb') as file:
            for i in range(100):
                file.write(bytes(1024))
        os.rename('/data/x.bin', '/data/y.bin')
        label = esp32.Partition.find(esp32.Partition.TYPE_DATA)[0].info()[4]
        print('written', os.statvfs('/')[0], label)
        """,
    )
    one.line("^written 4096 " + {"fat": "ffat", "littlefs": "vfs"}[fs])
    listing = sim("ls", image)
    assert listing.returncode == 0
    assert "  102400 /data/y.bin\n" in listing.stdout
    assert " /data/\n" in listing.stdout
    two_names = sim("ls", image, "data").stdout.split()
    assert two_names == ["102400", "/data/y.bin"]


def test_the_file_system_of_an_image_is_recognised(board, tmp_path, sim):
    image = tmp_path / "a.img"
    assert sim("--make-only", "--flash", image, "--fs", "fat").returncode == 0
    one = board("--flash", image, main="print('fat again')")
    one.line("^fat again$")


def test_get_copies_a_file_out(tmp_path, sim, script):
    image = tmp_path / "a.img"
    data = bytes(range(256)) * 700
    (tmp_path / "blob").write_bytes(data)
    put = f"--put={tmp_path / 'blob'}:/deep/er/blob"
    assert sim("--make-only", "--flash", image, put).returncode == 0
    assert sim("get", image, "/deep/er/blob", tmp_path / "copy").returncode == 0
    assert (tmp_path / "copy").read_bytes() == data


def test_an_image_can_be_read_while_a_board_runs_on_it(board, tmp_path, sim):
    image = tmp_path / "a.img"
    one = board("--flash", image, main="print('up')\nimport time\ntime.sleep(60)")
    one.line("^up$")
    assert "/boot.py" in sim("ls", image).stdout


def test_two_boards_on_one_image_is_an_error(board, tmp_path, sim):
    image = tmp_path / "a.img"
    one = board("--flash", image)
    one.line("^agent")
    second = sim("--flash", image, "--port", "0")
    assert second.returncode == 1
    assert second.stderr == f"uota-sim: {image}: another board is running on this image\n"


def test_a_board_without_flash_option_leaves_nothing_behind(board, sim):
    one = board()
    path = one.says("flash (.*) \\(temporary").group(1)
    one.line("^agent")
    assert "/boot.py" in sim("ls", path).stdout
    one.kill()
    assert not os.path.exists(path)


def test_flash_size_is_what_the_board_has(board):
    one = board("--flash-size", "256K", main="import os\nprint('blocks', os.statvfs('/')[2])")
    one.line("^blocks 64$")


def test_a_flash_too_small_for_the_files_is_an_error(sim, tmp_path):
    (tmp_path / "big").write_bytes(bytes(100000))
    image = tmp_path / "a.img"
    put = f"--put={tmp_path / 'big'}:/big"
    result = sim("--make-only", "--flash", image, "--flash-size", "64K", put)
    assert result.returncode == 1
    assert not image.exists()


def test_a_broken_file_system_is_left_alone(board, tmp_path):
    image = tmp_path / "a.img"
    image.write_bytes(b"\x00" * 65536)
    one = board("--flash", image)
    one.line("corrupted")
    one.stop()
    assert image.read_bytes() == b"\x00" * 65536


# -- the project's configuration


@pytest.fixture
def project(tmp_path):
    def make(config, secrets=None):
        folder = tmp_path / "project" / "config"
        folder.mkdir(parents=True)
        (folder / "ota.json").write_text(config if isinstance(config, str) else json.dumps(config))
        if secrets is not None:
            (folder / ".ota.secrets.json").write_text(json.dumps(secrets))
        return tmp_path / "project"

    return make


def _config(sim, tmp_path, folder):
    image = tmp_path / "a.img"
    made = sim("--make-only", "--flash", image, folder)
    assert made.returncode == 0, made.stderr
    return sim("cat", image, "/config/ota.json").stdout


def test_secrets_are_merged_and_the_password_only_as_its_hash(sim, tmp_path, project):
    folder = project(
        {"version": "1.0.0", "signingKey": "", "name": "Küche"},
        {"otaPassword": "plain", "signingKey": "key"},
    )
    expected = {
        "version": "1.0.0",
        "signingKey": "key",
        "name": "Küche",
        "otaPassword": hashlib.sha256(b"plain").hexdigest(),
    }
    text = _config(sim, tmp_path, folder)
    assert text == json.dumps(expected, indent=4, ensure_ascii=False) + "\n"
    assert b"plain" not in (tmp_path / "a.img").read_bytes()


def test_empty_secrets_are_skipped(sim, tmp_path, project):
    folder = project({"port": 2018}, {"otaPassword": "", "signingKey": ""})
    assert json.loads(_config(sim, tmp_path, folder)) == {"port": 2018}


def test_broken_json_is_one_line_with_its_place(sim, tmp_path, project):
    folder = project('{\n  "port": 2018,,\n}')
    result = sim("--make-only", "--flash", tmp_path / "a.img", folder)
    assert result.returncode == 1
    assert result.stderr.startswith(f"uota-sim: {folder}/config/ota.json:2:")
    assert result.stderr.count("\n") == 1
    assert not (tmp_path / "a.img").exists()


def test_a_project_without_configuration_is_an_error(sim, tmp_path):
    result = sim("--make-only", "--flash", tmp_path / "a.img", tmp_path)
    assert result.returncode == 1
    assert "config/ota.json: No such file" in result.stderr


# -- the agent's files


def test_the_agent_lies_as_on_a_board(sim, tmp_path, environment):
    agent = tmp_path / "agent"
    (agent / "lib" / "uota" / "__pycache__").mkdir(parents=True)
    (agent / "boot.py").write_text("import uota")
    (agent / "lib" / "uota" / "__init__.py").write_text("print('agent')")
    (agent / "lib" / "uota" / "__pycache__" / "x.pyc").write_text("")
    (agent / "package.json").write_text("{}")
    image = tmp_path / "a.img"
    sim("--make-only", "--flash", image, env={"UOTA_DEVICE_DIR": str(agent)})
    names = [line.split()[-1] for line in sim("ls", image).stdout.splitlines()]
    assert names == ["/boot.py", "/lib/", "/lib/uota/", "/lib/uota/__init__.py"]


@pytest.mark.skipif(not shutil.which("mpy-cross"), reason="no mpy-cross here")
def test_mpy_compiles_the_agent_but_what_must_stay_source(board, tmp_path, sim):
    agent = tmp_path / "agent"
    (agent / "lib" / "uota").mkdir(parents=True)
    (agent / "boot.py").write_text("import uota")
    (agent / "lib" / "uota" / "__init__.py").write_text("print('compiled')")
    (agent / "lib" / "uota" / "boot_guard.py").write_text("")
    image = tmp_path / "a.img"
    one = board("--flash", image, "--mpy", env={"UOTA_DEVICE_DIR": str(agent)})
    one.line("^compiled$")
    listing = sim("ls", image).stdout
    assert "/lib/uota/__init__.mpy\n" in listing
    assert "/lib/uota/boot_guard.py\n" in listing


# -- wrong usage


@pytest.mark.parametrize(
    "arguments",
    [
        ["--heap", "lots"],
        ["--port", "70000"],
        ["--fs", "ext4"],
        ["--flash-size", "5000"],
        ["--make-only"],
        ["--repl", "--serial", "x"],
        ["--wifi", "noseparator"],
        ["ls"],
        ["cat", "x.img"],
    ],
)
def test_a_wrong_usage_is_status_2(sim, arguments):
    assert sim(*arguments).returncode == 2


def test_errors_of_the_looking_commands(sim, tmp_path):
    missing = sim("ls", tmp_path / "none.img")
    assert (missing.returncode, missing.stderr.count("\n")) == (1, 1)
    (tmp_path / "text").write_text("hello")
    assert sim("ls", tmp_path / "text").returncode == 1
    image = tmp_path / "a.img"
    sim("--make-only", "--flash", image)
    assert sim("ls", image, "/nowhere").stderr == f"uota-sim: /nowhere: not in {image}\n"
    assert sim("cat", image, "/nowhere").returncode == 1


def test_without_micropython_it_says_what_to_run(tmp_path):
    result = subprocess.run(
        ["/usr/bin/python3", ROOT / "sim" / "uota-sim"],
        env={"UOTA_SIM_PYTHON": str(tmp_path / "none"), "PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 1
    assert "pip install -r" in result.stderr and result.stderr.count("\n") == 1

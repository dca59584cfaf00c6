"""A flash that takes no writes, and one whose operations are counted."""

import re
import signal

import pytest

# -- read-only

_CHANGES = """
import os
def attempt(what, act):
    try:
        act()
        print(what, 'done')
    except OSError as error:
        print(what, error)
def overwrite():
    with open('/boot.py', 'w') as file:
        file.write('x')
def in_place():
    with open('/boot.py', 'r+b') as file:
        file.write(b'x')
attempt('new', lambda: open('/new', 'w').close())
attempt('overwrite', overwrite)
attempt('in place', in_place)
attempt('mkdir', lambda: os.mkdir('/folder'))
attempt('remove', lambda: os.remove('/boot.py'))
attempt('rename', lambda: os.rename('/boot.py', '/other.py'))
attempt('read', lambda: open('/boot.py').read())
print('end')
"""


@pytest.mark.parametrize("fs", ["littlefs", "fat"])
def test_what_changes_a_read_only_flash_raises_erofs(board, sim, script, tmp_path, fs):
    image = tmp_path / "a.img"
    main = script("/main.py", _CHANGES)
    assert sim("--make-only", "--flash", image, "--fs", fs, main).returncode == 0
    before = image.read_bytes()
    one = board("--flash", image, "--read-only")
    one.line("^end$")
    changes = ("new", "overwrite", "in place", "mkdir", "remove", "rename")
    assert one.seen[-8:] == [*(f"{what} 30" for what in changes), "read done", "end"]
    one.kill()
    assert image.read_bytes() == before


def test_any_bytes_of_the_flash_can_be_read_and_are_what_was_written_last(board):
    one = board(
        boot="""
        import esp32
        chip = esp32.Partition('vfs')
        last = chip.info()[3] // 4096 - 1
        chip.writeblocks(last, bytes(n * 7 & 255 for n in range(4096)))
        whole = bytearray(4096)
        chip.readblocks(last, whole)
        for offset, size in ((0, 32), (4, 4), (3, 8), (8, 3), (1, 1), (4092, 4)):
            part = bytearray(size)
            chip.readblocks(last, part, offset)
            print(offset, part == whole[offset : offset + size])
        past = bytearray(b'..........')
        chip.readblocks(last, past, 4092)
        print('past the end', past[:4] == whole[4092:], past[4:])
        """,
    )
    one.line("past the end True bytearray")
    assert [line for line in one.seen if line[0].isdigit()] == [
        f"{offset} True" for offset in (0, 4, 3, 8, 1, 4092)
    ]
    assert "past the end True bytearray(b'......')" in one.seen


def test_past_the_file_system_the_partition_refuses(board):
    one = board(
        "--read-only",
        boot="""
        import esp32
        vfs = esp32.Partition('vfs')
        try:
            vfs.writeblocks(0, bytes(4096))
        except OSError as error:
            print('refused', error, vfs.ioctl(6, 0))
        """,
    )
    one.line(r"^refused \(-269, 'ESP_ERR_NOT_ALLOWED'\) -30$")


# -- counted


def _counts(log):
    found = re.findall(r"^flash (\d+) erases (\d+) programs (\d+) bytes$", log.read_text(), re.M)
    return [tuple(map(int, count)) for count in found]


@pytest.fixture
def counted(board, tmp_path):
    """counted(main, ARGUMENT…): a board that counts; counts() once it has stopped."""

    def start(main, *arguments):
        one = board("--events", tmp_path / "events", "--count", *arguments, main=main)
        one.counts = lambda: _counts(tmp_path / "events")
        return one

    return start


def test_a_boot_that_writes_nothing_counts_nothing(counted):
    one = counted("print('end')")
    one.line("^end$")
    one.stop()
    assert one.counts() == [(0, 0, 0)]


@pytest.mark.parametrize("fs", ["littlefs", "fat"])
def test_a_file_costs_its_bytes_and_its_blocks(counted, fs):
    one = counted("open('/x', 'wb').write(bytes(20480))\nprint('end')", "--fs", fs)
    one.line("^end$")
    one.stop()
    ((erases, programs, size),) = one.counts()
    # at least its five blocks, and less than as much again for what names them
    assert 5 <= erases <= 16 and programs >= 2
    assert 20480 <= size <= 81920


def test_a_block_written_past_the_file_system_is_an_erase_and_a_program(counted):
    main = """
    import esp32
    vfs = esp32.Partition('vfs')
    vfs.writeblocks(500, bytes(8192))
    vfs.ioctl(6, 500)
    vfs.writeblocks(500, bytes(256), 128)
    print('end')
    """
    one = counted(main)
    one.line("^end$")
    one.stop()
    assert one.counts() == [(3, 2, 8448)]


def test_each_boot_has_its_own_count_however_it_ends(counted, tmp_path):
    one = counted(
        """
        import machine
        if machine.reset_cause() == 1:
            open('/x', 'w').close()
            machine.reset()
        if machine.reset_cause() == 2:
            machine.deepsleep(1)
        print('end')
        """
    )
    one.line("^end$")
    one.process.send_signal(signal.SIGUSR2)
    one.line("^rst:0x1 ")
    one.line("^end$")
    one.stop()
    lines = (tmp_path / "events").read_text().splitlines()
    assert [line.split()[0] for line in lines] == ["boot", "flash"] * (len(lines) // 2)
    first, second, third = one.counts()[:3]
    assert first[1] and not any(second + third)


def test_counting_and_cutting_go_together(counted):
    one = counted("for i in range(1000): open('/n', 'w').write(str(i))", "--cut-after=20")
    one.says("power cut")
    one.process.wait(10)
    ((erases, programs, _),) = one.counts()
    assert erases + programs == 20


def test_counting_without_a_place_to_tell_it_is_a_wrong_usage(sim):
    assert sim("--count").returncode == 2

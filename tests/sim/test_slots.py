"""Two firmware slots: what esp32.Partition shows and does, and which slot the bootloader starts."""

import signal

import pytest

RUNNING = """
import esp32, machine
from esp32 import Partition
slot = Partition(Partition.RUNNING).info()[4]
print('runs', slot)
"""
SWITCH = RUNNING + "if slot == 'ota_0': Partition('ota_1').set_boot(); machine.reset()\n"
VALID = SWITCH + "Partition.mark_app_valid_cancel_rollback()\n"
ONCE = """
if machine.reset_cause() == 1:
    Partition('ota_1').set_boot()
if machine.reset_cause() == 1 or slot == 'ota_1':
    machine.reset()
"""


def test_without_slots_the_firmware_is_the_factory_partition(board):
    one = board(
        boot=RUNNING,
        main="""
        print('found', len(Partition.find()), Partition(Partition.BOOT).info()[:2])
        for act in ('set_boot', 'get_next_update', 'mark_app_valid_cancel_rollback'):
            try:
                getattr(Partition(Partition.RUNNING), act)()
            except OSError as error:
                print(act, error)
        """,
    )
    one.line("^runs factory$")
    one.line(r"^found 1 \(0, 0\)$")
    one.line(r"^set_boot \(-261, 'ESP_ERR_NOT_FOUND'\)$")
    one.line(r"^get_next_update \[Errno 2\] ENOENT$")
    one.line(r"^mark_app_valid_cancel_rollback \(-261, 'ESP_ERR_NOT_FOUND'\)$")


def test_two_slots_are_there_and_ota_0_runs(board):
    one = board(
        "--slots=2",
        boot=RUNNING,
        main="""
        print('found', [part.info()[4] for part in Partition.find()])
        print('by subtype', Partition.find(Partition.TYPE_APP, 17))
        print('boots', Partition(Partition.BOOT).info())
        there = Partition(Partition.RUNNING).get_next_update()
        print('next', there.info()[4], there.get_next_update().info()[4])
        print('data', Partition.find(Partition.TYPE_DATA, label='vfs')[0].info()[4])
        """,
    )
    one.line("^runs ota_0$")
    one.line(r"^found \['ota_0', 'ota_1'\]$")
    one.line(r"^by subtype \[<Partition type=0, subtype=17, .* label=ota_1, encrypted=0>\]$")
    one.line(r"^boots \(0, 16, 65536, 1572864, 'ota_0', False\)$")
    one.line("^next ota_1 ota_0$")
    one.line("^data vfs$")


def test_set_boot_starts_the_other_slot_at_the_next_reset_and_not_before(board, tmp_path):
    log = tmp_path / "events"
    one = board(
        "--slots=2",
        "--events",
        log,
        boot=RUNNING,
        main="""
        if machine.reset_cause() == 1:
            Partition('ota_1').set_boot()
            print('boots', Partition(Partition.BOOT).info()[4])
            machine.soft_reset()
        if slot == 'ota_0':
            machine.reset()
        print('end')
        """,
    )
    one.line("^runs ota_0$")
    one.line("^boots ota_1$")
    one.line("^runs ota_0$")
    one.line("^runs ota_1$")
    one.line("^end$")
    one.stop()
    assert log.read_text().splitlines() == ["boot power-on", "boot soft", "boot hard", "slot ota_1"]


def test_a_slot_that_is_not_marked_valid_is_left_at_the_next_reset(board, tmp_path):
    log = tmp_path / "events"
    one = board("--slots=2", "--events", log, boot=RUNNING, main=ONCE + "print('end')\n")
    one.line("^runs ota_1$")
    one.line("^runs ota_0$")
    one.line("^end$")
    one.stop()
    assert [line for line in log.read_text().splitlines() if line.startswith("slot")] == [
        "slot ota_1",
        "slot ota_0",
    ]


def test_a_slot_that_is_marked_valid_stays(board):
    one = board("--slots=2", boot=VALID, main="if machine.reset_cause() == 2: print('up')")
    one.line("^runs ota_1$")
    one.line("^up$")
    one.process.send_signal(signal.SIGUSR2)
    one.line("^runs ota_1$")


def test_a_wake_from_deep_sleep_does_not_count_as_a_reset(board):
    one = board(
        "--slots=2",
        boot=SWITCH,
        main="if machine.reset_cause() == 2: machine.deepsleep(10)\nprint('end')",
    )
    one.line("^runs ota_1$")
    one.line("^runs ota_1$")
    one.line("^end$")


def test_the_choice_is_kept_with_the_image(board, tmp_path):
    image = tmp_path / "a.img"
    one = board("--slots=2", "--flash", image, boot=VALID, main="print('end')")
    one.line("^end$")
    one.kill()
    two = board("--slots=2", "--flash", image)
    two.line("^runs ota_1$")


@pytest.mark.parametrize("content", [b"", b"\x09\x09\x09\x09", b"\x01", bytes(4096)])
def test_a_choice_that_cannot_be_read_is_a_fresh_one(board, tmp_path, content):
    (tmp_path / "a.img.otadata").write_bytes(content)
    one = board("--slots=2", "--flash", tmp_path / "a.img", boot=RUNNING)
    one.line("^runs ota_0$")


def test_a_broken_slot_cannot_be_chosen(board):
    one = board(
        "--slots=2",
        "--slot-broken=ota_1",
        boot=RUNNING,
        main="""
        try:
            Partition('ota_1').set_boot()
        except OSError as error:
            print('refused', error, Partition(Partition.BOOT).info()[4])
        """,
    )
    one.line(r"^refused \(-5379, 'ESP_ERR_OTA_VALIDATE_FAILED'\) ota_0$")


def test_a_board_whose_first_slot_is_broken_starts_the_second_and_stays_there(board):
    one = board("--slots=2", "--slot-broken=ota_0", boot=RUNNING, main="print('end')")
    for _ in range(3):
        one.line("^runs ota_1$")
        one.line("^end$")
        one.process.send_signal(signal.SIGUSR2)


def test_set_boot_on_the_flash_is_refused(board):
    one = board(
        "--slots=2",
        boot=RUNNING,
        main="""
        try:
            Partition('vfs').set_boot()
        except OSError as error:
            print('refused', error)
        """,
    )
    one.line("^refused .*VALIDATE_FAILED")


@pytest.mark.parametrize(
    "arguments", [["--slots=3"], ["--slot-broken=ota_1"], ["--slots=2", "--slot-broken=ota_2"]]
)
def test_a_wrong_usage_is_status_2(sim, arguments):
    assert sim(*arguments).returncode == 2

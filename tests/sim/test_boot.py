"""The boot sequence, its exceptions, and the reset causes, by the rules of ports/esp32/main.c."""

import signal


def test_boot_py_then_main_py_then_the_prompt(board):
    one = board(boot="print('in boot', __name__)", main="print('in main', __name__, __file__)")
    one.line("^in boot __main__$")
    one.line("^in main __main__ main.py$")
    one.line("^MicroPython .*")


def test_names_of_boot_py_are_there_in_main_py(board):
    one = board(boot="answer = 42", main="print('answer', answer)")
    one.line("^answer 42$")


def test_main_py_is_not_run_after_boot_py_raised(board):
    one = board(boot="1 / 0", main="print('in main')")
    one.line("ZeroDivisionError")
    one.line("^MicroPython ")
    assert "in main" not in one.seen


def test_a_traceback_looks_as_on_a_board(board):
    one = board(main="def f():\n    1 / 0\nf()\n")
    one.line("^Traceback")
    one.line('^  File "main.py", line 3, in <module>$')
    one.line('^  File "main.py", line 2, in f$')
    one.line("^ZeroDivisionError: divide by zero$")


def test_an_image_without_main_py_goes_to_the_prompt(board):
    one = board()
    one.line("^agent: boot.py$")
    one.line("^MicroPython ")


_CAUSES = """
import machine
print('cause', machine.reset_cause())
"""


def test_power_on_then_hard_reset_then_soft_reset(board):
    one = board(
        boot=_CAUSES,
        main="""
        cause = machine.reset_cause()
        if cause == machine.PWRON_RESET:
            machine.reset()
        if cause == machine.HARD_RESET:
            machine.soft_reset()
        print('end')
        """,
    )
    one.line("^cause 1$")
    one.line("^cause 2$")
    one.line("^MPY: soft reboot$")
    one.line("^cause 5$")
    one.line("^end$")


def test_sys_exit_in_boot_py_is_a_soft_reset(board):
    one = board(
        boot=_CAUSES + "import sys\nif machine.reset_cause() == 1: sys.exit()\n",
        main="print('in main')",
    )
    one.line("^cause 1$")
    one.line("^cause 5$")
    one.line("^in main$")


def test_reset_in_a_thread_stops_everything_at_once(board):
    one = board(
        boot=_CAUSES,
        main="""
        import _thread, time
        def thread():
            print('resetting')
            machine.reset()
            print('after reset')
        if machine.reset_cause() == 1:
            _thread.start_new_thread(thread, ())
        while machine.reset_cause() == 1:
            time.sleep_ms(1)
        print('end')
        """,
    )
    one.line("^end$")
    assert "after reset" not in one.seen


def test_deepsleep_wakes_with_its_own_cause_and_keeps_rtc_memory(board):
    one = board(
        boot=_CAUSES,
        main="""
        rtc = machine.RTC()
        print('memory', rtc.memory())
        if machine.reset_cause() == 1:
            rtc.memory(b'kept')
            machine.deepsleep(50)
        """,
    )
    one.line("^memory b''$")
    one.line("^cause 4$")
    one.line("^memory b'kept'$")


def test_switching_off_and_on_loses_rtc_memory(board):
    one = board(
        boot=_CAUSES,
        main="""
        rtc = machine.RTC()
        print('memory', rtc.memory())
        rtc.memory(b'kept')
        print('ready')
        """,
    )
    one.line("^ready$")
    one.process.send_signal(signal.SIGUSR2)
    one.line("^cause 1$")
    one.line("^memory b''$")


def test_the_watchdog_resets_a_tight_loop(board):
    one = board(
        boot=_CAUSES,
        main="""
        if machine.reset_cause() == 1:
            machine.WDT(timeout=200)
            while True:
                pass
        print('end')
        """,
    )
    one.line("^cause 3$")
    one.line("^end$")


def test_a_fed_watchdog_lets_the_board_live(board):
    one = board(
        boot=_CAUSES,
        main="""
        import time
        wdt = machine.WDT(timeout=300)
        for i in range(12):
            time.sleep_ms(50)
            wdt.feed()
        print('fed')
        """,
    )
    one.line("^fed$")
    one.line("^cause 3$")
    assert one.seen.count("cause 1") == 1


def test_the_watchdog_survives_a_soft_reset(board):
    one = board(
        boot=_CAUSES,
        main="""
        if machine.reset_cause() == 1:
            machine.WDT(timeout=400)
            machine.soft_reset()
        print('prompt')
        """,
    )
    one.line("^cause 5$")
    one.line("^prompt$")
    one.line("^cause 3$")


def test_a_crash_reads_as_a_hard_reset(board):
    one = board(
        boot=_CAUSES,
        main="""
        if machine.reset_cause() == 1:
            import uctypes
            uctypes.bytearray_at(8, 8)[0] = 1
        """,
    )
    one.line("^cause 2$")
    one.says("crashed")


def test_ticks_start_at_the_reset_and_the_epoch_is_2000(board):
    one = board(
        main="""
        import time
        print('young', time.ticks_ms() < 5000, time.ticks_diff(0, (1 << 30) - 1))
        print('epoch', time.gmtime(0)[:3], time.mktime((2000, 3, 1, 0, 0, 0, 0, 0)))
        """
    )
    one.line("^young True 1$")
    one.line(r"^epoch \(2000, 1, 1\) 5184000$")


def test_it_looks_like_an_esp32(board):
    one = board(
        main="""
        import os, sys, machine, network
        print(sys.platform, os.uname().sysname, sys.path, len(machine.unique_id()))
        print(sys.implementation._mpy & 0xff, hasattr(os, 'sync'), hasattr(os, 'system'))
        """
    )
    one.line(r"^esp32 esp32 \['', '.frozen', '/lib'\] 6$")
    one.line("^6 False False$")

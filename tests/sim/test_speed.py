"""A board whose time flies: the waits of its programs are as long to them, and shorter to us."""

import socket
import time

import pytest

WAITS = {
    "sleep": "time.sleep(8)",
    "sleep_ms": "time.sleep_ms(8000)",
    "sleep_us": "time.sleep_us(8000000)",
    "poll": "select.poll().poll(8000)",
    "select": "select.select([], [], [], 8)",
    "lightsleep": "machine.lightsleep(8000)",
    "asyncio": "asyncio.run(nap())",
}


@pytest.mark.parametrize("wait", WAITS)
def test_a_wait_is_as_long_to_the_board_and_shorter_to_us(board, wait):
    one = board(
        "--speed=40",
        main=f"""
        import asyncio, machine, select, time
        async def nap():
            await asyncio.sleep(8)
        print('waits')
        began = time.ticks_ms()
        {WAITS[wait]}
        print('waited', time.ticks_diff(time.ticks_ms(), began))
        """,
    )
    one.line("^waits$")
    began = time.monotonic()
    assert 7900 <= int(one.line(r"^waited (\d+)$").group(1)) < 60000
    assert time.monotonic() - began < 4


def test_deep_sleep_and_the_watchdog_come_sooner(board):
    one = board(
        "--speed=40",
        main="""
        import machine, time
        print('cause', machine.reset_cause())
        if machine.reset_cause() == 1:
            machine.deepsleep(20000)
        if machine.reset_cause() == 4:
            machine.WDT(timeout=20000)
            for _ in range(4):
                time.sleep(10)
            print('never')
        """,
    )
    began = time.monotonic()
    for cause in (1, 4, 3):
        one.line(f"^cause {cause}$")
    assert "never" not in one.seen
    assert time.monotonic() - began < 8


def test_a_socket_times_out_sooner(board):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        one = board(
            "--speed=40",
            main=f"""
            import socket
            s = socket.socket()
            s.connect(('127.0.0.1', {listener.getsockname()[1]}))
            s.settimeout(20)
            print('connected')
            try:
                s.recv(1)
            except OSError as error:
                print('timed out')
            """,
        )
        one.line("^connected$")
        began = time.monotonic()
        one.line("^timed out$")
        assert time.monotonic() - began < 4


@pytest.mark.parametrize("speed", ["0", "101", "fast"])
def test_a_wrong_speed_is_status_2(sim, speed):
    assert sim("--speed", speed).returncode == 2

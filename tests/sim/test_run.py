"""What makes the simulator a board to run other things on: heap, threads under the GIL, stdin,
serial port and REPL, the end of the process."""

import os
import pty
import signal
import socket
import subprocess
import sys
import termios
import time

import pytest

from .conftest import DEADLINE, UOTA_SIM

# -- heap


@pytest.mark.parametrize(("option", "wished"), [("128K", 131072), ("1M", 1048576), (None, 327680)])
def test_the_free_heap_is_what_was_asked_for(board, option, wished):
    heap = ["--heap", option] if option else []
    one = board(*heap, boot="import gc\nprint('free', gc.mem_free(), gc.mem_alloc())")
    found = one.line(r"^free (\d+) (-?\d+)$")
    # boot.py itself, compiled, is the rest
    assert wished - 1024 <= int(found.group(1)) <= wished + 1024
    assert abs(int(found.group(2))) < 4096


def test_the_free_heap_is_one_piece(board):
    one = board(
        "--heap",
        "128K",
        boot="""
        import gc
        gc.collect()
        size = gc.mem_free() - 4096
        print('one piece', len(bytearray(size)) == size)
        """,
    )
    one.line("^one piece True$")


def test_the_heap_is_whole_again_after_a_soft_reset(board):
    one = board(
        boot="import gc, machine\ngc.collect()\nprint('free', gc.mem_free())",
        main="x = bytearray(100000)\nif machine.reset_cause() == 1: machine.soft_reset()",
    )
    first = one.line(r"^free (\d+)").group(1)
    assert one.line(r"^free (\d+)").group(1) == first


# -- threads

_BUSY = """
import _thread, gc, time
done = [0, 0]
def allocate(me):
    held = []
    for i in range(ROUNDS):
        held.append(bytearray(500 + i % 500))
        if len(held) > 40:
            held.clear()
        if i % 16 == 0:
            time.sleep_ms(0)
        done[me] = i + 1
def thread():
    try:
        allocate(1)
    except MemoryError:
        print('spurious MemoryError')
"""


def test_two_allocating_threads_never_run_out_of_memory(board):
    one = board(
        "--heap",
        "128K",
        main=_BUSY.replace("ROUNDS", "20000")
        + """
_thread.start_new_thread(thread, ())
allocate(0)
while done[1] < 20000:
    time.sleep_ms(1)
print('done', done)
""",
    )
    one.line(r"^done \[20000, 20000\]$")
    assert "spurious MemoryError" not in one.seen


@pytest.mark.parametrize("computing", ["main", "thread"])
def test_a_computing_thread_does_not_hang_the_other(board, computing):
    # the waiter goes on beside it after half a second: long before it has computed enough
    compute = (
        "start = time.ticks_ms()\nwhile time.ticks_diff(time.ticks_ms(), start) < 3000: pass\n"
    )
    tick = "for i in range(5):\n time.sleep_ms(5)\n ticks.append(time.ticks_ms())\n"
    first, second = (tick, compute) if computing == "main" else (compute, tick)
    body = "".join(" " + line + "\n" for line in first.splitlines())
    one = board(
        main="import _thread, time\nticks = []\n"
        + f"def thread():\n{body} print('thread done')\n"
        + "begin = time.ticks_ms()\n_thread.start_new_thread(thread, ())\ntime.sleep_ms(1)\n"
        + second
        + "time.sleep_ms(700)\n"
        + "print('ticked', len(ticks), time.ticks_diff(ticks[-1], begin) < 2900)\n"
    )
    one.line("^ticked 5 True$")


def test_a_switch_never_happens_inside_a_step_without_a_branch(board):
    one = board(
        main="""
        import _thread, time
        lock = _thread.allocate_lock()
        count = 0
        finished = 0
        def add():
            global count, finished
            for i in range(3000):
                with lock:
                    count = count + 1
                if i % 50 == 0:
                    time.sleep_ms(0)
            finished += 1
        for i in range(3):
            _thread.start_new_thread(add, ())
        add()
        while finished < 4:
            time.sleep_ms(1)
        print('count', count)
        """
    )
    one.line("^count 12000$")


def test_a_lock_blocks_without_holding_the_others(board):
    one = board(
        main="""
        import _thread, time
        lock = _thread.allocate_lock()
        lock.acquire()
        def thread():
            with lock:
                print('got it')
        _thread.start_new_thread(thread, ())
        time.sleep_ms(50)
        print('releasing', lock.locked(), lock.acquire(0))
        lock.release()
        """
    )
    one.line("^releasing True False$")
    one.line("got it$")


def test_a_threads_stack_is_as_deep_as_a_boards(board):
    one = board(
        main="""
        import _thread, time
        def deep(n):
            return n if n == 0 else deep(n - 1)
        def thread(n):
            try:
                deep(n)
                print('deep enough', n)
            except RuntimeError:
                print('too deep', n)
        _thread.stack_size(8 * 1024)
        _thread.start_new_thread(thread, (20,))
        time.sleep_ms(50)
        _thread.start_new_thread(thread, (1000,))
        """
    )
    one.line("^deep enough 20$")
    one.line("too deep 1000$")


def test_the_app_goes_on_while_the_prompt_waits(board):
    one = board(
        main="""
        import _thread, time
        def thread():
            time.sleep_ms(100)
            for i in range(50):
                bytearray(1000)
                time.sleep_ms(1)
            print('still here')
        _thread.start_new_thread(thread, ())
        """
    )
    one.line("^MicroPython")
    one.line("still here$")


def test_asyncio_runs_on_the_stand_ins(board):
    source = """
        import asyncio
        async def nap(ms):
            await asyncio.sleep_ms(ms)
        async def main():
            await asyncio.sleep_ms(10)
            server = await asyncio.start_server(print, '0.0.0.0', 2018)
            await asyncio.wait_for(nap(10), 1)
            try:
                await asyncio.wait_for(nap(30000), 0.05)
            except asyncio.TimeoutError:
                print('timed out')
            reader, writer = await asyncio.open_connection('127.0.0.1', PORT)
            writer.write(b'hello')
            await writer.drain()
            event = asyncio.Event()
            task = asyncio.create_task(event.wait())
            await asyncio.gather(nap(1), nap(2))
            event.set()
            await task
            sleeper = asyncio.create_task(nap(30000))
            await asyncio.sleep_ms(1)
            sleeper.cancel()
            await asyncio.sleep_ms(1)
            print('asyncio ok', sleeper.done(), await reader.read(5))
        asyncio.run(main())
    """
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        listener.settimeout(10)
        one = board(main=source.replace("PORT", str(listener.getsockname()[1])))
        peer, _ = listener.accept()
    with peer:
        peer.sendall(peer.recv(5))
        one.line("^timed out$")
        one.line("^asyncio ok True b'hello'$")


# -- stdin, serial port, REPL


def test_with_nothing_attached_stdin_waits_for_ever(board):
    one = board(
        main="""
        import _thread, select, sys, time
        def thread():
            print('read', sys.stdin.read(1))
        _thread.start_new_thread(thread, ())
        poller = select.poll()
        poller.register(sys.stdin, select.POLLIN)
        print('poll', poller.poll(100))
        print('end')
        """
    )
    one.line(r"^poll \[\]$")
    one.line("^end$")
    one.line("^MicroPython")
    assert not [line for line in one.seen if line.startswith("read")]


class Port:
    """A serial port as a host program opens it."""

    def __init__(self, path):
        self._fd = os.open(path, os.O_RDWR | os.O_NOCTTY)
        os.set_blocking(self._fd, False)
        self._seen = b""

    def write(self, data):
        os.write(self._fd, data)

    def until(self, wanted):
        end = time.monotonic() + DEADLINE
        while wanted not in self._seen:
            assert time.monotonic() < end, (wanted, self._seen)
            try:
                self._seen += os.read(self._fd, 4096)
            except BlockingIOError:
                time.sleep(0.005)
        found, self._seen = self._seen.split(wanted, 1)
        return found

    def close(self):
        os.close(self._fd)


@pytest.fixture
def serial(board, tmp_path):
    ports = []

    def start(*arguments, **scripts):
        link = tmp_path / "port"
        one = board("--serial", link, *arguments, **scripts)
        one.says("uota-sim: .* at ")
        ports.append(Port(link))
        return one, ports[-1]

    yield start
    for port in ports:
        port.close()


def test_stdin_read_waits_for_all_bytes(serial):
    one, port = serial(
        main="""
        import sys
        print('ready')
        print('read', sys.stdin.buffer.read(5), sys.stdin.read(1), sys.stdin.readline())
        """
    )
    one.line("^ready$")
    port.write(b"\x00\xffa")
    port.until(b"ready\n")
    port.write(b"bcX")
    port.write(b"line\r")
    one.line(r"^read b'\\x00\\xffabc' X line$")


def test_the_raw_repl_executes_and_a_soft_reset_there_skips_main_py(serial):
    one, port = serial(
        boot="import machine\nprint('cause', machine.reset_cause())", main="print('main')"
    )
    port.until(b">>> ")
    port.write(b"\r\x03\x03\x01")
    port.until(b"raw REPL; CTRL-B to exit\r\n>")
    port.write(b"print(6*7)\x04")
    assert port.until(b"\x04\x04>") == b"OK42\n"
    port.write(b"\x05A\x01")
    port.until(b"R\x01")
    port.write(b"print(7*7)\x04")
    port.until(b"49\n")
    port.until(b">")
    port.write(b"\x04")
    port.until(b"MPY: soft reboot")
    before = port.until(b"raw REPL; CTRL-B to exit\r\n>")
    assert b"cause 5" in before and b"main" not in before
    port.write(b"\x02")
    port.until(b">>> ")
    port.write(b"\x04")
    port.until(b"main")


def test_ctrl_c_interrupts_what_runs_and_is_data_for_who_wants_it(serial):
    one, port = serial(
        main="""
        import micropython, sys, time
        try:
            print('sleeping')
            time.sleep(60)
        except KeyboardInterrupt:
            print('interrupted')
        micropython.kbd_intr(-1)
        print('reading')
        print('got', sys.stdin.buffer.read(3))
        micropython.kbd_intr(3)
        print('spinning')
        while True:
            pass
        """
    )
    one.line("^sleeping$")
    port.write(b"\x03")
    one.line("^interrupted$")
    one.line("^reading$")
    port.write(b"a\x03b")
    one.line(r"^got b'a\\x03b'$")
    one.line("^spinning$")
    port.write(b"\x03")
    port.until(b"KeyboardInterrupt")
    port.until(b">>> ")


def test_ctrl_c_leaves_the_other_threads_running(serial):
    one, port = serial(
        main="""
        import _thread, time
        def thread():
            while True:
                print('tick')
                time.sleep_ms(20)
        _thread.start_new_thread(thread, ())
        time.sleep(60)
        """
    )
    one.line("^tick$")
    port.write(b"\x03")
    port.until(b">>> ")
    port.until(b"tick")
    port.until(b"tick")


def test_the_link_of_the_serial_port_goes_with_the_board(serial, tmp_path):
    one, _ = serial()
    assert os.path.islink(tmp_path / "port")
    one.stop()
    assert not os.path.islink(tmp_path / "port")


def test_repl_makes_the_terminal_the_boards(environment, tmp_path):
    master, slave = pty.openpty()
    before = termios.tcgetattr(slave)
    process = subprocess.Popen(
        [UOTA_SIM, "--repl", "--port", "0"],
        stdin=slave,
        stdout=slave,
        stderr=subprocess.DEVNULL,
        env=environment,
        start_new_session=True,
    )
    port = Port(os.ttyname(slave))
    port.close()
    port._fd = master
    os.set_blocking(master, False)
    port.until(b">>> ")
    port.write(b"while True: pass\r\r")
    port.until(b"... ")
    port.write(b"\r")
    time.sleep(0.2)
    port.write(b"\x03")
    port.until(b"KeyboardInterrupt")
    port.write(b"print(6*7)\r")
    port.until(b"42")
    port.write(b"\x18")
    assert process.wait(DEADLINE) == 0
    assert termios.tcgetattr(slave) == before
    os.close(master)
    os.close(slave)


# -- the end


def _gone(pid):
    end = time.monotonic() + DEADLINE
    while time.monotonic() < end:
        try:
            with open(f"/proc/{pid}/stat", encoding="ascii") as file:
                if file.read().rsplit(")", 1)[1].split()[0] == "Z":
                    return True
        except OSError:
            return True
        time.sleep(0.01)
    return False


def _children(pid):
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
        return [int(child) for child in file.read().split()]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_stops_at_once_and_quietly(board, number):
    one = board(main="print('up')\nwhile True: pass")
    one.line("^up$")
    children = _children(one.process.pid)
    one.process.send_signal(number)
    assert one.process.wait(DEADLINE) == 0
    assert one.process.stderr.read() == "" or len(one.said) == 0
    assert all(_gone(child) for child in children)


def test_the_board_dies_with_a_killed_simulator(board):
    one = board(main="print('up')\nwhile True: pass")
    one.line("^up$")
    children = _children(one.process.pid)
    assert children
    one.kill()
    assert all(_gone(child) for child in children)


def test_the_simulator_dies_with_its_parent(environment):
    source = f"""
import subprocess, sys
p = subprocess.Popen([{str(UOTA_SIM)!r}, "--port", "0"], stdout=subprocess.DEVNULL,
                     stderr=subprocess.PIPE, text=True)
p.stderr.readline()
print(p.pid, flush=True)
sys.stdin.read()
"""
    parent = subprocess.Popen(
        [sys.executable, "-c", source],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    )
    pid = int(parent.stdout.readline().split()[-1])
    parent.kill()
    parent.wait()
    assert _gone(pid)


def test_events_are_written_a_line_each(board, tmp_path):
    log = tmp_path / "events"
    one = board(
        "--events",
        log,
        boot="import machine",
        main="""
        import socket
        if machine.reset_cause() == 1:
            machine.reset()
        s = socket.socket()
        s.bind(('', 2018))
        s.listen(1)
        print('end')
        """,
    )
    one.line("^end$")
    one.stop()
    assert log.read_text().split("\n") == ["boot power-on", "boot hard", "listen", ""]


def test_a_power_cut_stops_the_board_before_the_next_flash_operation(board, tmp_path, sim):
    image = tmp_path / "a.img"
    write = "print('up')\nfor i in range(1000): open('/n', 'w').write(str(i))\n"
    one = board("--flash", image, "--cut-after", "20", main=write)
    one.line("^up$")
    one.says("power cut")
    assert one.process.wait(DEADLINE) == 0
    two = board("--flash", image, main="print('read', open('/n').read())")
    two.line(r"^read \d*$")

"""Sockets and Wi-Fi of the simulated board, seen from the host and from the board."""

import json
import os
import signal
import socket
import time

import pytest

_SERVER = """
import network, socket
listener = socket.socket()
listener.bind(('0.0.0.0', PORT))
listener.listen(2)
print('listening', PORT)
while True:
    peer, address = listener.accept()
    print('from', address[0])
    while True:
        line = peer.readline()
        if not line:
            break
        peer.write(NAME + line)
    peer.close()
"""


def _server(name="", port=2018):
    return _SERVER.replace("PORT", str(port)).replace("NAME", repr(name.encode()))


def _ask(port, line=b"hello\n"):
    with socket.create_connection(("127.0.0.1", port), 10) as peer:
        peer.settimeout(10)
        peer.sendall(line)
        return peer.makefile("rb").readline()


def test_the_boards_port_appears_where_asked(board):
    one = board(main=_server())
    port = one.port
    one.line("^listening")
    assert _ask(port) == b"hello\n"
    one.line("^from 127.0.0.1$")


def test_the_shift_is_from_the_configured_port(board, tmp_path):
    config = tmp_path / "p" / "config" / "ota.json"
    config.parent.mkdir(parents=True)
    config.write_text(json.dumps({"port": 4000}))
    one = board(tmp_path / "p", main=_server(port=4001))
    port = one.port
    one.line("^listening")
    assert _ask(port + 1) == b"hello\n"


def test_several_boards_run_side_by_side(board):
    boards = [board("--name", name, main=_server(name)) for name in ("red", "green", "blue")]
    ports = [one.port for one in boards]
    for one in boards:
        one.line("^listening")
    assert [_ask(port) for port in ports] == [b"redhello\n", b"greenhello\n", b"bluehello\n"]


def test_a_port_in_use_is_an_error(sim):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        result = sim("--port", taken.getsockname()[1])
    assert result.returncode == 1
    assert "in use" in result.stderr and result.stderr.count("\n") == 1


def test_a_port_can_be_bound_again_after_a_reset(board):
    one = board(
        boot="import machine",
        main="""
        import socket
        listener = socket.socket()
        listener.bind(('', 2018))
        listener.listen(1)
        print('listening', machine.reset_cause())
        peer, _ = listener.accept()
        peer.send(b'x')
        peer.recv(1)
        machine.reset()
        """,
    )
    port = one.port
    one.line("^listening 1$")
    with socket.create_connection(("127.0.0.1", port), 10) as peer:
        peer.recv(1)
        peer.sendall(b"y")
        peer.recv(1)
    one.line("^listening 2$")


def test_socket_calls_behave_as_on_an_esp32(board):
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        listener.settimeout(10)
        host_port = listener.getsockname()[1]
        one = board(
            main=f"""
            import errno, select, socket
            def caught(f, *args):
                try:
                    return f(*args)
                except OSError as error:
                    return errno.errorcode.get(error.errno, error.errno)
            s = socket.socket()
            s.connect(('127.0.0.1', {host_port}))
            s.setblocking(False)
            print('nonblocking', caught(s.recv, 5), s.read(5), s.readinto(bytearray(5)))
            s.settimeout(0.05)
            print('late', caught(s.recv, 5), caught(s.read, 5))
            s.settimeout(None)
            s.send(b'go')
            print('exact', s.read(6), s.recv(10), s.recv(10), s.read())
            print('refused', caught(socket.socket().connect, ('127.0.0.1', 1)))
            u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            u.bind(('0.0.0.0', 0))
            print('info', socket.getaddrinfo('127.0.0.1', 80))
            p = select.poll()
            p.register(u, select.POLLIN)
            print('poll', p.poll(10))
            s.close()
            print('closed', caught(s.recv, 1))
            """
        )
        peer, _ = listener.accept()
    with peer:
        peer.settimeout(10)
        assert peer.recv(2) == b"go"
        peer.sendall(b"abc")
        time.sleep(0.05)  # read(6) has to wait for the second half
        peer.sendall(b"defgh")
        time.sleep(0.05)
    one.line("^nonblocking EAGAIN None None$")
    one.line("^late ETIMEDOUT ETIMEDOUT$")
    one.line("^exact b'abcdef' b'gh' b'' b''$")
    one.line("^refused ECONNREFUSED$")
    one.line(r"^info \[\(2, 1, 0, '', \('127.0.0.1', 80\)\)\]$")
    one.line(r"^poll \[\]$")
    one.line("^closed EBADF$")


def test_there_are_about_ten_sockets_and_the_collector_closes_them(board):
    one = board(
        main="""
        import gc, socket
        def count():
            held = []
            try:
                while len(held) < 100:
                    held.append(socket.socket())
            except OSError:
                pass
            return len(held)
        print('sockets', count())
        gc.collect()
        print('again', count() > 5)
        """
    )
    assert 8 <= int(one.line(r"^sockets (\d+)$").group(1)) <= 16
    one.line("^again True$")


# -- Wi-Fi

_JOIN = """
import network, time
wlan = network.WLAN(network.STA_IF)
wlan.active(True)
print('before', wlan.isconnected(), wlan.status() == network.STAT_IDLE, wlan.ifconfig()[0])
wlan.connect('home', 'secret')
print('connecting', wlan.isconnected(), wlan.status() == network.STAT_CONNECTING)
start = time.ticks_ms()
while not wlan.isconnected() and time.ticks_diff(time.ticks_ms(), start) < 1000:
    time.sleep_ms(5)
print('after', wlan.isconnected(), wlan.status() == network.STAT_GOT_IP, wlan.ifconfig()[0])
"""


def test_any_network_can_be_joined_and_it_takes_a_moment(board):
    one = board(main=_JOIN)
    one.line("^before False True 0.0.0.0$")
    one.line("^connecting False True$")
    one.line("^after True True 127.0.0.1$")


@pytest.mark.parametrize("how", ["option", "environment"])
@pytest.mark.parametrize(
    ("network", "joins"),
    [("home:secret", True), ("home:other", False), ("other:secret", False)],
)
def test_only_the_given_network_can_be_joined(board, how, network, joins):
    if how == "option":
        one = board("--wifi", network, main=_JOIN)
    else:
        one = board(main=_JOIN, env={"UOTA_SIM_WIFI": network})
    one.line(f"^after {joins} ")


def test_a_limited_number_of_tries_ends_in_the_reason(board):
    one = board(
        "--wifi",
        "home:other",
        main="""
        import network, time
        wlan = network.WLAN(network.STA_IF)
        wlan.active(True)
        wlan.config(reconnects=1)
        wlan.connect('home', 'secret')
        while wlan.status() == network.STAT_CONNECTING:
            time.sleep_ms(10)
        print('wrong password', wlan.status() == network.STAT_WRONG_PASSWORD)
        """,
    )
    one.line("^wrong password True$")


def test_the_access_point_can_be_switched_off_and_on(board):
    one = board(
        main=_JOIN
        + """
while wlan.isconnected():
    time.sleep_ms(5)
print('lost')
while not wlan.isconnected():
    time.sleep_ms(5)
print('back')
"""
    )
    one.line("^after True")
    os.kill(one.process.pid, signal.SIGUSR1)
    one.line("^lost$")
    os.kill(one.process.pid, signal.SIGUSR1)
    one.line("^back$")


def test_without_access_point_nothing_is_heard(board):
    one = board(
        main=_JOIN
        + """
import select, socket
listener = socket.socket()
listener.bind(('', 2018))
listener.listen(1)
poller = select.poll()
poller.register(listener, select.POLLIN)
print('listening')
while wlan.isconnected():
    time.sleep_ms(5)
print('deaf', poller.poll(300))
while not wlan.isconnected():
    time.sleep_ms(5)
print('heard', len(poller.poll(5000)))
"""
    )
    port = one.port
    one.line("^listening$")
    os.kill(one.process.pid, signal.SIGUSR1)
    one.says("access point off")
    with socket.create_connection(("127.0.0.1", port), 10):
        one.line(r"^deaf \[\]$")
        os.kill(one.process.pid, signal.SIGUSR1)
        one.line("^heard 1$")

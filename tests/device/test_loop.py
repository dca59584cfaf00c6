# The loop as the app and the REPL drive it.
import board


def test_what_ctrl_c_has_stopped_starts_anew_wherever_it_came():
    """The transport's task ends with it, and so would the last way to reach the board."""
    board.write("/config/ota.json", b'{"port":0}')
    import uota
    from uota.transports import wifi_tcp

    def interrupted(settings):
        wifi_tcp._listener = real
        raise KeyboardInterrupt

    real, wifi_tcp._listener = wifi_tcp._listener, interrupted
    uota.start()
    uota.poll(0)
    assert len(uota._loop.listeners) == 1

    def interrupt():
        raise KeyboardInterrupt
        yield

    listener = uota._loop.listeners[0]
    uota._loop.add(interrupt())
    uota.start()
    try:
        listener.accept()
        raise AssertionError("while it is stopped nobody is let in, to wait in vain")
    except OSError as e:
        assert e.errno == 9
    uota.poll(0)
    assert len(uota._loop.listeners) == 1
    uota._loop.close()
    uota._loop = None


def test_a_reset_that_ctrl_c_has_stopped_comes_when_all_is_resumed():
    """Else nobody would be served any more, and nothing reset."""
    import uota
    from uota import loop

    def interrupted(how):
        uota._reset = real
        raise KeyboardInterrupt

    real, uota._reset = uota._reset, interrupted
    uota._loop = loop.Loop()
    uota._loop.reset_soon("asked")
    uota.start()
    try:
        uota.poll(1000)
        uota.poll(1000)
        assert len(board.resets) == 1 and board.read("/ota_ended") == b"asked"
    finally:
        uota._loop = None
        board.resets.clear()


def _starved(*_):
    raise MemoryError


class _Listener:
    """Has one newcomer, who is told something."""

    told = ""

    def accept(self):
        return self, None

    def write(self, text):
        self.told += text

    def close(self):
        pass

    setblocking = setsockopt = lambda *_: None


def _knocks(one):
    """What a newcomer is told."""
    listener = _Listener()
    one._accept(listener)
    return listener.told


def test_where_a_newcomer_does_not_fit_the_board_restarts_without_the_app():
    """And be there no room for a line in the log, or for the pause before the reset."""
    import uota
    from uota import loop

    real, uota.load = uota.load, _starved
    log, uota.log = uota.log, _starved
    try:
        one = loop.Loop()
        assert _knocks(one) == "error: restarting without the app\n"
        assert one.ending and not board.resets
        one = loop.Loop()
        one.reset_soon = _starved
        _knocks(one)
        assert len(board.resets) == 1 and board.read("/ota_ended") == b"memory"
    finally:
        uota.load, uota.log = real, log
        board.resets.clear()

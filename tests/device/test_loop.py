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

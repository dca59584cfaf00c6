"""What every suite may need."""

import pytest


@pytest.fixture
def end(request):
    """end(thing): stops it after the test."""

    def stop_later(thing):
        request.addfinalizer(thing.stop)
        return thing

    return stop_later

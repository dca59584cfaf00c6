"""Messages at the edges of what a board may choose: the limit and the window are two numbers."""

import random

import pytest

from .message import Packer, Unpacker

NOISE = random.Random(7).randbytes(40_000)
TEXT = b"".join(b"def handler_%d(request):\n    return %d\n" % (n, n * 7) for n in range(800))


def there_and_back(content, limit, wbits):
    packer, unpacker = Packer(limit, wbits), Unpacker(limit, wbits)
    payloads = list(packer.pack(content))
    assert max(map(len, payloads)) <= packer.payload_max
    assert b"".join(map(unpacker.unpack, payloads)) == content
    return payloads


@pytest.mark.parametrize("limit", [512, 2048, 4096, 16384])
@pytest.mark.parametrize("wbits", [0, *range(9, 16)])
def test_what_cannot_be_compressed_fits_a_message_with_any_window(limit, wbits):
    there_and_back(NOISE, limit, wbits)


@pytest.mark.parametrize("wbits", [9, 15])
def test_what_follows_a_stored_message_is_compressed_again(wbits):
    mixed = TEXT[:16384] + NOISE[:16384] + TEXT[:16384] + NOISE[16384:32768] + TEXT[:16384]
    payloads = there_and_back(mixed, 16384, wbits)
    assert [len(payload) < 8192 for payload in payloads] == [True, False, True, False, True]


def test_a_window_may_be_greater_than_a_message():
    """It then reaches back beyond the message before."""
    part = NOISE[:2048]
    again = [len(p) for p in there_and_back(part + NOISE[4096:6144] + part, 2048, 13)]
    assert again[1] > 2048 > 100 > again[2]

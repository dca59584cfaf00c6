# Hashes and MACs, against RFC 4231.
from binascii import unhexlify
from uota import base


def _mac(key, data):
    mac = base.mac(key)
    for i in range(0, len(data), 7):
        mac.update(data[i : i + 7])
    return base.mac_hex(key, mac)


def test_hmac_is_that_of_rfc_4231():
    assert _mac(b"\x0b" * 20, b"Hi There") == (
        "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"
    )
    assert _mac(b"Jefe", b"what do ya want for nothing?") == (
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    )
    assert _mac(b"\xaa" * 131, b"Test Using Larger Than Block-Size Key - Hash Key First") == (
        "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
    )


def test_hmac_takes_a_key_of_a_whole_block_and_none():
    assert len(_mac(b"k" * 64, b"x")) == 64
    assert _mac(b"", b"") == "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad"


def test_hmac_at_once_is_the_same():
    pads = base.pads(b"Jefe")
    for _ in (0, 1):
        assert base.hexed(base.hmac(pads, b"what do ya want ", b"for nothing?")) == (
            _mac(b"Jefe", b"what do ya want for nothing?")
        )


def test_same_compares_all_of_it():
    assert base.same(b"abc", memoryview(b"abc"))
    assert base.same(b"", b"")
    for other in (b"abd", b"bbc", b"ab", b"abcd", b""):
        assert not base.same(b"abc", other)


def test_unhexlify_reverses_hexed():
    assert unhexlify(base.hexed(b"\x00\xff")) == b"\x00\xff"

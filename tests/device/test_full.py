# A flash without room: at every number of free blocks an update is all there or not at all, the
# board comes up, and once there is room everything works again.
import json
import os
import vfs

import board
from board import Peer
from boots import boot, files, same
from test_bad_flash import _FILE_SYSTEMS, _V1, _V2, _answer, _back, _confirm, _version
from test_push import _push


def _fill(free):
    """Files that leave `free` blocks of the flash."""
    block = os.statvfs("/")[0]
    n = 0
    board.write("/data/fill")
    with open("/data/fill", "wb") as f:
        try:
            while os.statvfs("/")[3] > free + 1:
                f.write(b"\xa5" * block)
                f.flush()
        except OSError:
            pass
    while os.statvfs("/")[3] > free and n < 50:
        try:
            board.write("/data/fill%d" % n, b"\xa5" * (block - 60))
        except OSError:
            break
        n += 1


def _make_room():
    for entry in tuple(os.ilistdir("/data")):
        if entry[0][:4] == "fill":
            os.remove("/data/" + entry[0])


def _many(n, size, mark):
    found = {"app/app.py": mark * 2000, "top": mark * 5000, "none": b""}
    for i in range(n):
        found["many/%d/%02d" % (i % 3, i)] = mark * size
    return found


def _pairs():
    """(what it is, version 1, version 2): contents that need room in different ways."""
    yield "a few", _V1, _V2
    yield "a large file in /", {"blob": b"1" * 40000, "app/app.py": b"1"}, {
        "blob": b"2" * 40000, "app/app.py": b"2"}  # fmt: skip
    yield "it shrinks", {"app/blob": b"1" * 60000, "app/app.py": b"1"}, {"app/app.py": b"2"}
    yield "tiny ones", _many(60, 100, b"1"), _many(60, 100, b"2")
    yield "tiny ones go", _many(60, 120, b"1"), {"app/app.py": b"2"}
    yield "tiny ones come", {"app/app.py": b"1"}, _many(60, 110, b"2")
    yield "small ones", _many(20, 700, b"1"), _many(24, 500, b"2")


def _old_or_new(what, old, new, version):
    """All of one version, and the agent says which; nothing of /data has changed."""
    tree = files("/data")
    same(tree, new if version == "2" else old)
    assert _version()["version"] == version, what
    assert board.read("/data/log") == b"data" * 300, what


def _expected(contents):
    found = {"/" + path: contents[path] for path in contents}
    for path in contents:
        while "/" in path:
            path = path.rpartition("/")[0]
            found["/" + path] = None
    return found


def test_an_update_of_a_full_flash_is_all_there_or_not_at_all():
    for fs in _FILE_SYSTEMS:
        for what, one, two in _pairs():
            installed = 0
            for free in range(0, 110):
                board.fresh(150, fs)
                board.write("/data/log", b"data" * 300)
                assert _push(one, "1")[1] == b"ok\n", what
                _confirm()
                _fill(free)
                free = os.statvfs("/")[3]
                here = fs, what, free
                old, new = _expected(one), _expected(two)
                answer = _answer(two, "2")
                version = "2" if answer == b"ok\n" else "1"
                assert version == "2" or answer.startswith(b"error: "), (here, answer)
                _old_or_new(here, old, new, version)
                assert boot()[1] == 0
                _old_or_new(here, old, new, version)
                assert not board.exists("/ota_journal") and not board.exists("/ota_stage"), here
                if version == "2":
                    assert _back(), here
                    boot()
                    assert fs is vfs.VfsFat or not board.exists("/ota_journal"), here
                    _make_room()
                    boot()
                    _old_or_new(here, old, new, "1")
                    installed += 1
                    if installed > 6:
                        break
                else:
                    _make_room()
                    assert _answer(two, "2") == b"ok\n", here
                    _old_or_new(here, old, new, "2")
            assert installed, here
            print("  %s, %s: %d blocks do" % (fs.__name__, what, free - 6))

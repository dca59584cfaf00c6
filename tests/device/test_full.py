# A flash without room: at every number of free blocks an update is all there or not at all, the
# board comes up, and once there is room everything works again.
import os

import board
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


def _large(mark):
    return {"blob": mark * 40000, "app/app.py": mark}


# (what it is, file systems, versions 1 and 2)
_CASES = (
    ("a few", _FILE_SYSTEMS, {path: _V1[path] for path in _V1 if path[:4] != "lib/"}, _V2),
    ("a large one in /", _FILE_SYSTEMS, _large(b"1"), _large(b"2")),
    ("tiny ones go", _FILE_SYSTEMS[:1], _many(40, 120, b"1"), {"app/app.py": b"2"}),
    ("tiny ones come", _FILE_SYSTEMS[:1], {"app/app.py": b"1"}, _many(40, 110, b"2")),
)


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


def _try(fs, one, two, free, here):
    """Whether version 2 could be installed with so many free blocks; what must be true is."""
    board.fresh(150, fs)
    board.write("/data/log", b"data" * 300)
    assert _push(one, "1")[1] == b"ok\n"
    _confirm()
    _fill(free)
    old, new = _expected(one), _expected(two)
    answer = _answer(two, "2")
    version = "2" if answer == b"ok\n" else "1"
    assert version == "2" or answer.startswith(b"error: flash full: "), (here, answer)
    assert len(answer) < 110, answer
    for _ in (0, 1):
        _old_or_new(here, old, new, version)
        assert boot()[1] == 0
    if version == "2":
        assert _back(), here  # on FAT it may have to wait for room
    _make_room()
    boot()
    assert not board.exists("/ota_journal") and not board.exists("/ota_stage"), here
    _old_or_new(here, old, new, "1")
    assert _answer(two, "2", " force") == b"ok\n", here
    _old_or_new(here, old, new, "2")
    return version == "2"


def test_an_update_of_a_full_flash_is_all_there_or_not_at_all():
    for what, systems, one, two in _CASES:
        for fs in systems:
            free = done = 0
            while done < 2:
                done += _try(fs, one, two, free, (what, fs, free))
                free += 1 if free < 2 else 6
                assert free < 100
            print("  %s, %s: %d blocks do" % (what, fs.__name__, free - 6))

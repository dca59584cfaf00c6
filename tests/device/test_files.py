# The rules for paths.
import gc

import board
from uota import base, commands


class _Conn:
    def __init__(self, records):
        self.records = records


_OLD, _NEW = _Conn(False), _Conn(True)


def _refused(rule, path):
    try:
        rule(path)
    except ValueError:
        return True
    return False


_BAD = (
    "", ".", "..", "a/..", "../a", "a/../b", "a//b", "a/", "a\\b", "a\0b", "a\nb", "a\x1fb",
    "a\x7fb", "a/.", "./a", "a.", "a ", "a. /b", "OTA~1.JSO", "CONFIG~1/x", 'a"b', "x" * 256,
    "é" * 128, "/".join("abcdefghijklmnopq"),
)  # fmt: skip
_GOOD = (
    "a", "a/b", ".hidden", "a.b.c", "x y", "~", "backup.py~", "x" * 255, "é" * 127, "日本/語.py",
    "a;b", "a:b", "...x", "/".join("abcdefghijklmnop"),
)  # fmt: skip


def test_refuses_what_is_not_one_thing_below_the_root():
    for path in _BAD:
        assert _refused(base.pushed, path), path
        assert not path or _refused(commands.named, path), path
    assert _refused(commands.named, "//a")
    assert _refused(base.pushed, "/a")


def test_takes_ordinary_paths_unchanged():
    for path in _GOOD:
        assert base.pushed(path) == path
        assert commands.named(path) == path
        assert len(path.encode()) > 250 or commands.named("/" + path) == path


def test_refuses_pushes_of_the_agents_state():
    for path in ("ota_manifest.json", "ota_stage/0", "OTA_version.json", "ota_", "Ota_x/y"):
        assert _refused(base.pushed, path), path
    for path in ("ota", "otab", "app/ota_x"):
        assert base.pushed(path) == path


def test_protects_the_agent_and_its_keys_from_rm():
    for path in (
        "boot.py", "BOOT.PY", "config/ota.json", "Config/OTA.json", "lib/uota", "lib/uota/ota.py",
        "LIB/uota/x", "ota_version.json", "OTA_x",
    ):  # fmt: skip
        for conn in _OLD, _NEW:
            assert _refused(lambda path, conn=conn: commands.changed(conn, path), path), path
    for path in (
        "main.py",
        "config/other.json",
        "lib/uotax",
        "lib/x.py",
        "boot.pyx",
        "app/boot.py",
    ):
        assert commands.changed(_OLD, path) == "/" + path


def test_keeps_what_neither_wipe_nor_update_may_delete():
    for path in (
        "lib/x",
        "lib",
        "LIB/x",
        "config/a",
        "data/a/b",
        "boot.py",
        "ota_x",
        "ota_stage/0",
    ):
        assert base.kept(path), path
    for path in ("app/app.py", "main.py", "library/x", "configs", "data.txt", "app/lib/x"):
        assert not base.kept(path), path


def test_a_folder_is_removed_entry_by_entry():
    """However many a staging has: all at once in memory they could never be removed."""
    for n in range(200):
        board.write("/many/%03d" % n)
    real, used = base.uos, []

    class Os:
        ilistdir, rmdir, stat = real.ilistdir, real.rmdir, real.stat

        @staticmethod
        def remove(path):
            gc.collect()
            used.append(gc.mem_alloc())
            real.remove(path)

    gc.collect()
    before = gc.mem_alloc()
    base.uos = Os
    try:
        base.remove("/many")
    finally:
        base.uos = real
    assert len(used) == 200 and max(used) - before < 8192 and not board.exists("/many")

# The journal: what a boot does with one that is there, whole or not, and that nothing of a flash
# that cannot be written, or of a journal that is not one, comes out of recover().
import os
import sys

import board
from board import Peer
from test_push import _push, _tree


def _boot():
    """As boot.py: recover() of a guard that is loaded anew."""
    for name in tuple(sys.modules):
        if name[:4] == "uota":
            del sys.modules[name]
    __import__("uota.boot_guard")
    sys.modules["uota.boot_guard"].recover()


def _staged(how="move", more=""):
    """An update that was committed, and not yet done."""
    board.write("/app/old", b"old")
    board.write("/app/a", b"one")
    board.write("/gone/deep/x", b"x")
    board.write("/ota_stage/0", b"two")
    board.write("/ota_stage/1", b"new" * 1000)
    lines = "p /ota_stage/0 /app/a\np /ota_stage/1 /new/ü/b c\nr /app/old\nr /gone/deep/x\n"
    board.write("/ota_journal", ("uota 1 %s\n%s%send\n" % (how, lines, more)).encode())


_DONE = {"/app": None, "/app/a": b"two", "/new": None, "/new/ü": None, "/new/ü/b c": b"new" * 1000}


def _same(a, b):
    assert sorted(a) == sorted(b), a
    for path in a:
        assert a[path] == b[path], path


def test_a_committed_journal_is_done():
    for how in ("move", "copy"):
        board.fresh()
        _staged(how)
        _boot()
        _same(_tree(), _DONE)
        _boot()
        _same(_tree(), _DONE)


def test_replay_goes_on_from_any_operation():
    for how in ("move", "copy"):
        for n in range(30):
            board.fresh()
            _staged(how)
            from uota.boot_guard import replay

            run = replay()
            for _ in range(n):
                next(run, None)
            run.close()
            _boot()
            _same(_tree(), _DONE)


def test_what_is_no_journal_is_discarded():
    whole = b"uota 1 move\np /ota_stage/0 /app/a\nend\n"
    texts = [whole[:n] for n in range(0, len(whole) - 1, 3)]
    texts += [b"\xff" * 5000, whole.replace(b"1", b"2"), whole.replace(b"move", b"swap")]
    texts += [whole.replace(b"uota", b"----"), b"\n" * 3000, b"end\n", b"uota 1 move\r\nend\n"]
    for text in texts:
        board.fresh()
        board.write("/app/a", b"one")
        board.write("/ota_stage/0", b"two")
        board.write("/ota_journal", text)
        _boot()
        _same(_tree(), {"/app": None, "/app/a": b"one"})


def test_lines_that_mean_nothing_do_no_harm():
    for text in ("y /app/a\n", "p\n", "p /ota_stage/9 /app/a\n", "\n", "r\n", "r /\n", "r //\n"):
        board.fresh()
        board.write("/app/a", b"one")
        board.write("/ota_journal", ("uota 1 move\n" + text + "end\n").encode())
        _boot()
        assert board.read("/app/a") == b"one", text
        assert _push({"app/a": b"two"})[1] == b"ok\n", text
        assert board.read("/app/a") == b"two", text


def test_what_has_come_in_the_way_since():
    _staged(more="p /ota_stage/2 /last\n")
    board.write("/ota_stage/2", b"2")
    board.write("/new", b"a file where a folder must be")
    os.remove("/app/a")
    board.write("/app/a/x", b"a folder where a file must be")
    _boot()
    tree = _tree()
    assert tree["/new/ü/b c"] == b"new" * 1000 and tree["/last"] == b"2"
    assert tree["/app/a/x"] and "/app/old" not in tree
    assert "/ota_journal" not in tree and "/ota_stage" not in tree


def test_a_folder_in_the_place_of_the_journal_or_a_file_in_that_of_staging():
    board.write("/ota_journal/x", b"")
    board.write("/ota_stage", b"")
    _boot()
    assert _push({"a": b"1"})[1] == b"ok\n"
    assert [path for path in _tree() if path[:6] in ("/ota_j", "/ota_s")] == []
    assert board.read("/a") == b"1"


def test_a_flash_that_cannot_be_written_is_lived_with():
    for error in (28, 30, 5):
        board.fresh()
        _staged()
        real = os.rename, os.remove, os.mkdir

        def fails(*args, error=error):
            raise OSError(error)

        from uota import boot_guard

        class Os:
            rename = remove = mkdir = rmdir = staticmethod(fails)
            stat, ilistdir = os.stat, os.ilistdir

        boot_guard.os = Os
        try:
            boot_guard.recover()
        finally:
            boot_guard.os = os
        assert (os.rename, os.remove, os.mkdir) == real
        _boot()
        _same(_tree(), _DONE)


def test_nothing_changes_before_the_commit_point():
    board.write("/app/a", b"one")
    board.write("/b", b"one")
    assert _push({"app/a": b"one", "b": b"one"})[1] == b"ok\n"
    before = _tree()
    seen = []

    def look():
        tree = _tree()
        if "/ota_stage" in tree and "/ota_journal" not in tree:
            seen.append({path: tree[path] for path in tree if path[:10] != "/ota_stage"})

    p = Peer()
    p.each = look
    assert _push({"app/a": b"two", "new/dir/c": b""}, "2", peer=p)[1] == b"ok\n"
    # what is seen last may be the staging as it goes, after the journal
    assert len(seen) > 5
    for tree in seen:
        assert tree == before
    assert "/b" not in _tree() and board.read("/app/a") == b"two"


def test_an_update_is_committed_when_it_is_answered_and_done_by_the_boot():
    board.write("/app/a", b"one")
    p = Peer(board.Loop(boots=False))
    assert _push({"app/a": b"two", "new/b": b"2"}, "2", peer=p)[1] == b"ok\n"
    assert p.loop.ending and board.read("/app/a") == b"one" and not board.exists("/new")
    assert board.exists("/ota_journal")
    _boot()
    assert board.read("/app/a") == b"two" and board.read("/new/b") == b"2"
    assert not board.exists("/ota_journal") and not board.exists("/ota_stage")


def test_the_guard_keeps_a_copy_of_itself():
    for name in ("__init__", "boot_guard"):
        source = board.read("/host/device/lib/uota/%s.py" % name)
        board.write("/lib/uota/%s.py" % name, source)
    _boot()
    assert board.read("/ota_guard.py") == source
    board.write("/lib/uota/boot_guard.py", source + b"# two\n")
    _boot()
    assert board.read("/ota_guard.py") == source + b"# two\n"
    board.write("/ota_trial.json", b"{}")
    board.write("/lib/uota/boot_guard.py", source + b"# on trial\n")
    _boot()
    assert board.read("/ota_guard.py") == source + b"# two\n"
    os.remove("/ota_trial.json")
    os.remove("/lib/uota/boot_guard.py")
    os.remove("/lib/uota/__init__.py")
    os.rmdir("/lib/uota")
    _boot()
    assert board.exists("/ota_guard.py")


def test_the_module_of_recovery_and_boot_py_come_last():
    files = {"boot.py": b"ota_guard", "lib/uota/boot_guard.py": b"g", "main.py": b"", "zz": b"z"}
    assert _push(files, peer=Peer(board.Loop(boots=False)))[1] == b"ok\n"
    lines = str(board.read("/ota_journal"), "utf-8").split("\n")
    order = [line.split(" ")[2] for line in lines[1:-2]]
    assert order == ["/main.py", "/zz", "/ota_trial.json", "/ota_kept/list", "/ota_version.json",
                     "/ota_manifest.json", "/boot.py", "/lib/uota/boot_guard.py"]  # fmt: skip

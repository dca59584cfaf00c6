# A flash on which nothing is as it should be: files of ours that are cut, garbage, or folders; no
# room at any step; nothing that can be written; names that the file system does not take. The
# board comes up, serves, and an update is all there or not at all.
import json
import os
import vfs

import board
from board import Peer, machine
from boots import boot, files, same
from test_push import _begin, _manifest, _push, _send_file, _send_manifest, _tree

_V1 = {"app/app.py": b"one" * 100, "app/gone.py": b"gone" * 900, "deep/er/x": b"x",
       "empty": b"", "lib/m.py": b"m", "notes of mine": b"1", "spare room/empty": b""}  # fmt: skip
_V2 = {"app/app.py": b"two" * 500, "app/new.py": b"new", "new/dir/y": b"y" * 5000,
       "now empty": b"", "a name with spaces": b"2"}  # fmt: skip
_OURS = ("journal", "kept/list", "trial.json", "crash.json", "boot_state.json", "ended",
         "version.json", "manifest.json", "guard.py", "stage/list", "kept", "stage")  # fmt: skip
_BAD = (
    b"", b"{", b"[]", b"null", b"5", b"\"x\"", b"\xff\xfe\x00", b"\x00" * 9000, b"[" * 5000,
    b"\n" * 300,
    b"{" + b'"a":{' * 900, b"x" * 70000, b'{"version":null}', b'{"version":[{}],"files":7}',
    b'{"id":[],"up":5,"proof":{},"app":[]}', b'{"up":[[1],null,{}],"why":5,"back":5,"trace":{}}',
    b'{"back":[1],"crashes":"x","clean":5,"rtc":[],"slept":-1}', b'{"back":{"id":5,"why":{}}}',
    b'{"crashes":1e99,"clean":false,"rtc":true}',
    b'{"crashes":99999999999999999999,"clean":false}',
    b'{"files":{\n', b'{"files":{\n"', b'{"files":{\n"a":{"size":1,"sha256":"0"}\n',
    b'{"files":{\n' + b"x" * 5000 + b"\n", b"uota 1 move\nend\n", b"uota 2 move\nend\n",
    b"---- 1 copy\nend\n", b"uota 1 copy\nend\n", b"uota 1 move\n\n\nr\nend\n",
    b"uota 1 move\nr /data/../app/app.py/\nend\n", b"uota 1 move\n" + b"p " * 9000 + b"\nend\n",
)  # fmt: skip
_FILE_SYSTEMS = (vfs.VfsLfs2, vfs.VfsFat)


def _confirm():
    from uota import boot_guard

    boot_guard.confirm()


def _version():
    return json.loads(Peer().ask("version"))


def _two(fs=vfs.VfsLfs2, blocks=256):
    """Version 1 confirmed, version 2 on trial; version 1's files."""
    board.fresh(blocks, fs)
    machine.rtc = b""
    board.write("/data/log", b"data" * 300)
    board.write("/data/e", b"")
    assert _push(_V1, "1")[1] == b"ok\n"
    _confirm()
    before = files()
    assert _push(_V2, "2")[1] == b"ok\n"
    return before


def _answer(contents, version, words="", peer=None):
    """What a push ends with, wherever that is."""
    p = peer or Peer()
    answer = p.say("start_ota%s\n" % words)
    if answer == b"ready\n":
        answer = _send_manifest(p, _manifest(contents, version))
        for path in sorted(contents):
            if answer == b"ok\n":
                answer = _send_file(p, path, contents[path])
        if answer == b"ok\n":
            answer = p.say(b"end_ota\n")
    return answer


def _back(why="why"):
    from uota import boot_guard

    return boot_guard.undo(why)


# -- there and back


def test_after_update_and_way_back_all_is_as_before():
    for fs in _FILE_SYSTEMS:
        before = _two(fs)
        assert files()["/now empty"] == b"" and "/app/gone.py" not in files()
        assert _back()
        boot()
        same(files(), before)
        assert _version()["version"] == "1"
        assert not board.exists("/ota_kept")


def test_after_several_updates_in_a_trial_the_last_confirmed_version_comes_back():
    more = (
        dict(_V2, deep=b"a file now"),
        {"app/app.py": b"", "main.py": b"pass"},
        _V1,
        {"boot.py": b"# ota_guard", "lib/uota/x.py": b"x", "empty": b"no more"},
        {},
    )
    for fs in _FILE_SYSTEMS:
        before = _two(fs)
        board.write("/boot.py", b"# ota_guard 1")
        before["/boot.py"] = b"# ota_guard 1"
        for n, version in enumerate(more):
            assert _push(version, str(3 + n))[1] == b"ok\n", n
            boot()
        assert _version()["state"] == "trial"
        assert _back()
        boot()
        same(files(), before)
        assert _version()["version"] == "1"


def test_the_way_back_from_a_wipe():
    for fs in _FILE_SYSTEMS:
        board.fresh(fs=fs)
        assert _push(_V1, "1")[1] == b"ok\n"
        for path in ("/own/a b", "/own/deep/x", "/data/d", "/top", "/empty too"):
            board.write(path, b"" if "empty" in path else path.encode() * 200)
        os.mkdir("/bare")
        _confirm()
        before = files()
        p = _begin(_V2, "2", words=" wipe")
        for path in sorted(_V2):
            assert _send_file(p, path, _V2[path]) == b"ok\n"
        assert p.say(b"end_ota\n") == b"ok\n"
        assert not board.exists("/own") and board.read("/data/d") == b"/data/d" * 200
        assert _back()
        boot()
        same(files(), before)


def test_data_is_never_touched():
    for fs in _FILE_SYSTEMS:
        before = _two(fs)
        board.write("/data/new", b"since")
        board.write("/data/log", b"longer")
        assert _back()
        boot()
        same(files(), dict(before, **{"/data/new": b"since", "/data/log": b"longer"}))


def test_on_fat_a_name_may_change_its_case():
    board.fresh(fs=vfs.VfsFat)
    assert _push({"app/App.py": b"one"}, "1")[1] == b"ok\n"
    _confirm()
    assert _push({"app/app.py": b"two"}, "2")[1] == b"ok\n"
    assert board.read("/app/app.py") == b"two"
    assert _back()
    boot()
    assert board.read("/app/app.py") == b"one"


def test_on_fat_two_names_of_one_file_are_refused():
    both = {"app/App.py": b"2", "app/app.py": b"3"}
    board.fresh(fs=vfs.VfsFat)
    assert _push({"app/app.py": b"one"}, "1")[1] == b"ok\n"
    before = _tree()
    p, answer = _push(both, "2")
    assert answer.startswith(b"error: ") and b"app/app.py" in answer, answer
    same(_tree(), before)
    board.fresh()
    assert _push(both, "2")[1] == b"ok\n"


def test_names_that_fat_does_not_take_are_refused():
    """Or the journal could never be done, and no other update come."""
    for ch in ":*?<>|+,;=[]!#$%&'()-@^_`{}äß€\U0001f600 ":
        for path in ("app/a%sb" % ch, "new%sfolder/x" % ch, ch + "x"):
            board.fresh(fs=vfs.VfsFat)
            assert _push({"app/app.py": b"one"}, "1")[1] == b"ok\n"
            _confirm()
            before = _tree()
            answer = _answer({"app/app.py": b"two", path: b"2"}, "2")
            if answer == b"ok\n":
                assert board.read("/" + path) == b"2", path
                assert _back()
            else:
                assert answer.startswith(b"error: ") and ch in ":*?<>|", (path, answer)
                same(_tree(), before)
            boot()
            assert board.read("/app/app.py") == b"one", path
            assert _push({"app/app.py": b"3"}, "3")[1] == b"ok\n", path
            assert board.read("/app/app.py") == b"3", path


def test_the_way_back_over_a_cut_connection():
    """At each turn of the update."""
    for fs in _FILE_SYSTEMS:
        for n in range(200):
            board.fresh(fs=fs)
            big = {"app/app.py": b"1" * 1500, "top": b"1" * 1200}
            assert _push(big, "1")[1] == b"ok\n"
            _confirm()
            before = files()
            p = Peer()
            left = [n]

            def turn(left=left, p=p):
                left[0] -= 1
                if left[0] < 0:
                    p.run.close()
                    p.over = True

            p.each = turn
            try:
                _push({"app/app.py": b"2" * 1500, "top": b"2" * 1200}, "2", peer=p)
            except AssertionError:
                pass  # it was cut before its end
            boot()
            if _version()["version"] == "2":
                assert board.read("/top") == b"2" * 1200
                assert _back()
                boot()
            same(files(), before)
            if left[0] >= 0:
                break
        assert n > 3


def test_no_file_stays_open_for_writing():
    """FAT would write its entry when it is collected, over that of another file."""
    from uota.commit import Commit

    opened = []
    real = Commit.open

    def opens(self, name, mode="r"):
        opened.append((name, real(self, name, mode)))
        return opened[-1][1]

    Commit.open = opens
    try:
        for n in range(60):
            board.fresh(fs=vfs.VfsFat)
            board.write("/app/app.py", b"one")
            p = Peer()
            left = [n]

            def turn(left=left, p=p):
                left[0] -= 1
                if left[0] < 0:
                    p.run.close()
                    p.over = True

            p.each = turn
            try:
                _push({"app/app.py": b"two", "b": b"2"}, "2", peer=p)
            except AssertionError:
                pass
            for name, f in opened:
                try:
                    f.write("x")
                    raise AssertionError("%s is open, %d" % (name, n))
                except OSError:
                    pass
            opened.clear()
    finally:
        Commit.open = real


# -- files of ours that are not as they should be


def _serves(what):
    """The board comes up, answers, takes an update, and that can be confirmed."""
    assert boot()[1] <= 1, what
    told = _version()
    assert told["agent"] == "2.0.0" and type(told["state"]) is str, (what, told)
    for line in ("crash", "ls", "get app/app.py"):
        assert not Peer().ask(line).startswith("error: "), (what, line)
    assert _push({"app/app.py": b"cure"}, "3")[1] == b"ok\n", what
    assert boot()[1] == 0, what
    assert board.read("/app/app.py") == b"cure", what
    told = _version()
    assert told["version"] == "3" and told["state"] == "trial", (what, told)
    assert _version()["version"] == "3"
    _confirm()
    told = _version()
    assert told["state"] == "confirmed", (what, told)
    assert board.read("/data/log") == b"data" * 300, what


def test_any_of_our_files_may_be_anything():
    _two()
    board.keep()
    for name in _OURS:
        for bad in _BAD:
            _again()
            _put("/ota_" + name, bad)
            _serves((name, bad[:60]))


def test_any_of_our_files_may_be_a_folder():
    _two()
    board.keep()
    for name in _OURS:
        _again()
        _put("/ota_" + name + "/folder/x", b"")
        _serves(name)


def test_any_of_our_files_may_be_cut():
    _two()
    board.keep()
    for name in ("kept/list", "trial.json", "version.json", "manifest.json"):
        whole = board.read("/ota_" + name)
        for n in range(0, len(whole), 7):
            _again()
            _put("/ota_" + name, whole[:n])
            _serves((name, n))
        _again()


def _again():
    """_two() as it was kept."""
    board.back()
    machine.rtc = b""


def _put(path, data):
    from uota.boot_guard import rmtree, size

    parts = path.split("/")
    for n in range(2, len(parts) + 1):
        above = "/".join(parts[:n])
        if size(above) > -2 and (n == len(parts) or size(above) >= 0):
            rmtree(above)
    board.write(path, data)

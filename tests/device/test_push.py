# Both update sessions: what they accept, what they refuse, and that a refusal leaves no trace.
import json
import os

import board
from binascii import unhexlify
from board import Peer
from uota import base

_ZEROS = "0" * 64


def _sha(data):
    return base.hexed(base.sha256(data).digest())


def _sig(key, version, files):
    mac = base.mac(key.encode())
    mac.update(version)
    for path in sorted(files):
        mac.update("\n%s:%s" % (path, files[path]["sha256"]))
    return base.mac_hex(key.encode(), mac)


def _manifest(contents, version="1.0", key=None):
    files = {p: {"size": len(d), "sha256": _sha(d)} for p, d in contents.items()}
    manifest = {"version": version, "files": files}
    if key is not None:
        manifest["sig"] = _sig(key, version, files)
    return manifest


def _send_manifest(p, manifest):
    text = manifest if isinstance(manifest, bytes) else json.dumps(manifest).encode()
    return p.say(b"manifest %d\n" % len(text) + text)


def _send_file(p, path, data, sha=None, size=None):
    head = "file %s;%s;%s\n" % (path, len(data) if size is None else size, sha or _sha(data))
    return p.say(head.encode() + data)


def _begin(contents, version="1.0", key=None, peer=None, words=""):
    p = peer or Peer()
    assert p.ask("start_ota" + words) == "ready\n"
    assert _send_manifest(p, _manifest(contents, version, key)) == b"ok\n"
    return p


def _push(contents, version="1.0", key=None, send=None, peer=None):
    """A whole start_ota session; what it ends with."""
    p = _begin(contents, version, key, peer)
    for path in sorted(contents if send is None else send):
        answer = _send_file(p, path, contents[path])
        if answer != b"ok\n":
            return p, answer
    return p, p.say(b"end_ota\n")


def _u16(n):
    return bytes((n >> 8, n & 255))


def _text(text):
    data = text.encode() if isinstance(text, str) else text
    return _u16(len(data)) + data


def _entry(path, data, sha=None, size=None):
    size = len(data) if size is None else size
    sha = base.sha256(data).digest() if sha is None else sha
    return _text(path) + size.to_bytes(4, "big") + sha + data


def _stream(contents, version="1.0", key="", trailer=None):
    body = _text(version) + _u16(len(contents))
    for path in sorted(contents):
        body += _entry(path, contents[path])
    if trailer is None:
        trailer = bytes(32)
        if key:
            mac = base.mac(key.encode())
            mac.update(body)
            trailer = unhexlify(base.mac_hex(key.encode(), mac))
    return b"OTAS" + body + trailer


def _send_stream(data, total=None, peer=None):
    p = peer or Peer()
    answer = p.ask("stream_ota %s" % (len(data) if total is None else total))
    if answer != "ready\n":
        return p, answer.encode()
    return p, p.say(data)


def _installed():
    return json.loads(str(board.read("/ota_manifest.json"), "utf-8"))


def _tree(path="/", but="/host"):
    """Every file on the flash with its content."""
    found = {}
    for entry in os.ilistdir(path[:-1] or "/"):  # FAT takes no last slash
        name = path + entry[0]
        if name == but or name == "/host":
            continue
        if entry[1] & 0x4000:
            found[name] = None
            found.update(_tree(name + "/", but))
        else:
            found[name] = board.read(name)
    return found


def _refused(p, answer, before, like="error: "):
    """The session has ended with this answer, and the flash is as it was."""
    assert answer.decode().startswith(like), answer
    assert not p.loop.ending and not p.loop.updating
    assert not board.exists("/ota_stage")
    assert _tree() == before
    assert p.say(b"ping\n") == b""
    p.hang_up()


_KEY = "Schlüssel"


def _signed():
    board.write("/config/ota.json", json.dumps({"signingKey": _KEY}).encode())


# -- start_ota


def test_start_ota_installs():
    p, answer = _push({"app/app.py": b"1", "main.py": b"", "a/b/c/d": b"x" * 10000}, "1.2.3")
    assert answer == b"ok\n" and p.over and p.loop.ending and not p.loop.updating
    assert board.read("/app/app.py") == b"1"
    assert board.read("/main.py") == b""
    assert board.read("/a/b/c/d") == b"x" * 10000
    assert json.loads(str(board.read("/ota_version.json"), "utf-8")) == {"version": "1.2.3"}
    manifest = _manifest({"app/app.py": b"1", "main.py": b"", "a/b/c/d": b"x" * 10000}, "1.2.3")
    assert _installed() == manifest
    assert not board.exists("/ota_stage")


def test_start_ota_deletes_what_it_no_longer_names():
    old = {"app/old.py": b"1", "app/kept.py": b"2", "gone/a/b": b"", "lib/x.py": b"l",
           "config/c": b"c", "data/d": b"d", "boot.py": b"# ota_guard"}  # fmt: skip
    assert _push(old)[1] == b"ok\n"
    board.write("/app/own.txt", b"not from an update")
    assert _push({"app/kept.py": b"2"}, "2")[1] == b"ok\n"
    tree = _tree()
    for path in ("/app/old.py", "/gone/a/b", "/gone/a", "/gone"):
        assert path not in tree, path
    for path in ("/app/kept.py", "/lib/x.py", "/config/c", "/data/d", "/boot.py", "/app/own.txt"):
        assert path in tree, path
    assert _installed() == _manifest({"app/kept.py": b"2"}, "2")


def test_start_ota_of_nothing():
    assert _push({"app/a": b"1"})[1] == b"ok\n"
    assert _push({}, "2")[1] == b"ok\n"
    assert not board.exists("/app")
    assert _installed() == _manifest({}, "2")
    assert _push({"app/a": b"1"}, "3")[1] == b"ok\n"
    assert _installed() == _manifest({"app/a": b"1"}, "3")


def test_start_ota_wipe_deletes_what_no_update_has_brought():
    stay = {"/lib/x.py": b"l", "/config/c": b"c", "/data/d": b"d", "/boot.py": b"b"}
    for path in stay:
        board.write(path, stay[path])
    for path in ("/app/a", "/app/-", "/own/deep/x", "/own/y", "/z", "/app/old/p.py", "/empty/er/w"):
        board.write(path, b"0")
    os.remove("/empty/er/w")
    before = _tree()
    contents = {"app/-": b"1", "app/new/b": b"2"}
    p = _begin(contents, words=" wipe")
    assert _tree().items() != before.items()  # staging
    assert p.say(b"abort\n") == b"aborted\n"
    assert _tree() == before
    p = _begin(contents, words=" wipe")
    for path in sorted(contents):
        assert _send_file(p, path, contents[path]) == b"ok\n"
    assert p.say(b"end_ota\n") == b"ok\n"
    tree = _tree()
    for path in tuple(tree):
        if path[:5] == "/ota_":
            del tree[path]
    for path in stay:
        assert tree.pop(path) == stay[path]
    for path in ("/lib", "/config", "/data", "/app", "/app/new"):
        assert tree.pop(path, 1) is None, path
    assert tree == {"/app/-": b"1", "/app/new/b": b"2"}, tree


def test_words_that_it_does_not_know():
    for line in ("start_ota wip", "start_ota wipe wipes", "stream_ota 100 wipe", "stream_ota"):
        assert Peer().ask(line).startswith("error: "), line
        assert not board.exists("/ota_stage")


def test_start_ota_takes_what_lies_on_the_board_already():
    contents = {"app/a": b"A" * 5000, "app/b": b"B"}
    board.write("/app/a", contents["app/a"])
    assert _push(contents, send=["app/b"])[1] == b"ok\n"
    assert _installed() == _manifest(contents)


def test_start_ota_misses_a_file():
    for there in (None, b"", b"b", b"AA"):
        board.fresh()
        if there is not None:
            board.write("/app/a", there)
        before = _tree()
        p, answer = _push({"app/a": b"A", "b": b"B"}, send=["b"])
        _refused(p, answer, before, "error: missing app/a")


def test_start_ota_takes_files_in_any_order_and_twice():
    contents = {"a": b"1", "b": b"22", "c": b"333", "d": b""}
    p = _begin(contents)
    for path in ("d", "b", "a", "c", "b", "a"):
        assert _send_file(p, path, contents[path]) == b"ok\n"
    assert p.say(b"end_ota\n") == b"ok\n"
    assert board.read("/c") == b"333" and board.read("/b") == b"22"


def test_start_ota_byte_by_byte():
    assert _push({"app/a": b"x" * 3000}, peer=Peer(piece=1))[1] == b"ok\n"
    assert board.read("/app/a") == b"x" * 3000


def test_abort_leaves_no_trace_and_the_connection_open():
    before = _tree()
    p = _begin({"a": b"1"})
    assert _send_file(p, "a", b"1") == b"ok\n"
    assert p.say(b"abort\n") == b"aborted\n"
    assert _tree() == before and not p.loop.updating
    assert p.say(b"ping\n") == b"pong\n"
    assert _push({"a": b"1"}, peer=p)[1] == b"ok\n"


def test_refuses_a_file_that_the_manifest_does_not_name():
    before = _tree()
    for args in (
        ("b", b"1"), ("a", b"2"), ("a", b"12"), ("/a", b"1"), ("../a", b"1"), ("", b""),
        ("a;1", b"1"),
    ):  # fmt: skip
        p = _begin({"a": b"1"})
        _refused(p, _send_file(p, *args), before)
    for line in ("file", "file a", "file a;1", "file a;x;" + _ZEROS, "file a;-1;" + _ZEROS):
        p = _begin({"a": b"1"})
        _refused(p, p.say(line + "\n"), before)


def test_sha256_mismatch():
    before = _tree()
    p = _begin({"app/a": b"1"})
    answer = p.say(b"file app/a;1;%s\n2" % _sha(b"1").encode())
    _refused(p, answer, before, "sha256_mismatch app/a\n")


def test_hashes_may_be_upper_case():
    p = Peer()
    p.ask("start_ota")
    sha = _sha(b"1").upper()
    assert (
        _send_manifest(p, {"version": "1", "files": {"a": {"size": 1, "sha256": sha}}}) == b"ok\n"
    )
    assert _send_file(p, "a", b"1", sha) == b"ok\n"
    assert p.say(b"end_ota\n") == b"ok\n"


def test_refuses_commands_out_of_place():
    before = _tree()
    for line in (
        "file a;1;" + _ZEROS,
        "end_ota",
        "ping",
        "start_ota",
        "",
        "manifest",
        "manifest x",
    ):
        p = Peer()
        p.ask("start_ota")
        _refused(p, p.say(line + "\n"), before)
    p = _begin({"a": b"1"})
    _refused(p, _send_manifest(p, _manifest({"a": b"1"})), before)


def test_refuses_bad_manifests():
    before = _tree()
    entry = {"size": 1, "sha256": _ZEROS}
    bad = [
        b"{", b"[]", b"1", b"null", b"\xff", b'{"version": "1"}', b'{"files": {}}', b"[" * 2000,
        {"version": 1, "files": {}}, {"version": None, "files": {}}, {"version": "", "files": {}},
        {"version": "1\n2", "files": {}}, {"version": "x" * 65, "files": {}},
        {"version": "1", "files": []}, {"version": "1", "files": {"a": 1}},
        {"version": "1", "files": {"a": {}}}, {"version": "1", "files": {"a": {"size": 1}}},
    ]  # fmt: skip
    for key, values in (
        ("size", (-1, 1 << 31, 1 << 32, "1", None, 1.5, True, [], 10**30)),
        ("sha256", ("", _ZEROS[1:], _ZEROS + "0", "g" * 64, 1, None, [])),
    ):
        for value in values:
            odd = dict(entry)
            odd[key] = value
            bad.append({"version": "1", "files": {"a": odd}})
    for path in ("", "/a", "../a", "a/../b", "a//b", "a\0", "ota_x", "a\\b", "x" * 256, "a/"):
        bad.append({"version": "1", "files": {path: entry}})
    for manifest in bad:
        p = Peer()
        p.ask("start_ota")
        answer = _send_manifest(p, manifest)
        assert answer.startswith(b"error: "), manifest
        _refused(p, answer, before)


def test_refuses_lengths_beyond_the_limits():
    before = _tree()
    for size in ("65537", "4294967295", "4294967296", "99999999999999999999", "-1", "", "1e3"):
        p = Peer()
        p.ask("start_ota")
        _refused(p, p.say("manifest %s\n" % size), before)
    p = Peer()
    p.ask("start_ota")
    _refused(p, p.say(b"manifest 0\n"), before)


def test_the_largest_manifest():
    text = json.dumps(_manifest({"a": b"1"})).encode()
    p = Peer()
    p.ask("start_ota")
    assert _send_manifest(p, text + b" " * (65536 - len(text))) == b"ok\n"


def test_a_file_cannot_be_a_folder():
    board.write("/dir/x", b"1")
    board.write("/file", b"1")
    before = _tree()
    for contents in ({"dir": b"1"}, {"file/x": b"1"}, {"file/x/y": b"1"}):
        p, answer = _push(contents)
        _refused(p, answer, before)
    p, answer = _push({"n": b"1", "n/m": b"2", "n-": b""})
    assert answer.startswith(b"error: ")
    assert board.exists("/n") is False or os.listdir("/n") == []


def test_flash_full():
    board.fresh(blocks=40)
    board.write("/app/a", b"1" * 60000)
    before = _tree()
    for size in (200000, 0x7FFFFFFF):
        p = Peer()
        p.ask("start_ota")
        manifest = {"version": "1", "files": {"b": {"size": size, "sha256": _ZEROS}}}
        _refused(p, _send_manifest(p, manifest), before, "error: flash full: needs ")
    p = Peer()
    answer = p.say("stream_ota 200000\n")
    assert answer.startswith(b"error: flash full: needs "), answer
    p.hang_up()
    assert _tree() == before


def test_flash_full_where_no_size_tells():
    """Many small files: what names them takes more than what is in them."""
    board.fresh(blocks=24)
    contents = {"d%02d/f" % n: b"1" for n in range(60)}
    before = _tree()
    p, answer = _send_stream(_stream(contents))
    if answer != b"ok\n":
        assert answer.startswith(b"error: flash full"), answer
        assert not p.loop.ending and not board.exists("/ota_stage")
        assert [path for path, data in _tree().items() if data is not None] == list(before)


# -- signing


def test_signed_manifests():
    _signed()
    before = _tree()
    contents = {"app/a": b"1", "ü/é": b"2", "a": b""}
    good = _manifest(contents, "1.0", _KEY)
    bad = [_manifest(contents)]
    for sig in ("", None, _ZEROS, good["sig"][:-1], good["sig"] + "0", good["sig"][1:] + "x"):
        bad.append(dict(good))
        bad[-1]["sig"] = sig
    for change in (
        {"version": "1.1"},
        {"files": {}},
        {"files": _manifest({"app/a": b"1"})["files"]},
    ):
        bad.append(dict(good))
        bad[-1].update(change)
    bad.append(_manifest(contents, "1.0", "other key"))
    for manifest in bad:
        p = Peer()
        p.ask("start_ota")
        _refused(p, _send_manifest(p, manifest), before, "sig_mismatch\n")
    for sig in (1, [], {}):
        good["sig"] = sig
        p = Peer()
        p.ask("start_ota")
        answer = _send_manifest(p, good)
        _refused(p, answer, before, "error: " if sig == 1 else "sig_mismatch\n")
    assert _push(contents, "1.0", _KEY)[1] == b"ok\n"


def test_signed_streams():
    _signed()
    before = _tree()
    contents = {"app/a": b"1" * 3000, "b": b""}
    good = _stream(contents, key=_KEY)
    for data in (
        _stream(contents),
        _stream(contents, key="other key"),
        good[:-1] + bytes((good[-1] ^ 1,)),
        _stream(contents, "1.1")[:-32] + good[-32:],
    ):
        p, answer = _send_stream(data)
        _refused(p, answer, before, "sig_mismatch\n")
    assert _send_stream(good)[1] == b"ok\n"
    assert _send_stream(_stream({}, "2", key=_KEY))[1] == b"ok\n"


def test_without_a_key_any_signature_goes():
    assert _push({"a": b"1"}, "1.0", "some key")[1] == b"ok\n"
    assert _send_stream(_stream({"a": b"1"}, key="some key"))[1] == b"ok\n"


def test_the_signing_vectors():
    path = "/host/tests/vectors/signing.json"
    if not board.exists(path):
        return
    for v in json.loads(str(board.read(path), "utf-8")):
        board.write("/config/ota.json", json.dumps({"signingKey": v["key"]}).encode())
        files = {p: {"size": 1, "sha256": sha} for p, sha in v["files"].items()}
        manifest = {"version": v["version"], "files": files, "sig": v["sig"]}
        p = Peer()
        p.ask("start_ota")
        assert _send_manifest(p, manifest) == b"ok\n", v
        if v["key"]:
            manifest["sig"] = _ZEROS
            p = Peer()
            p.ask("start_ota")
            assert _send_manifest(p, manifest) == b"sig_mismatch\n", v


def test_the_stream_vectors():
    path = "/host/tests/vectors/stream.json"
    if not board.exists(path):
        return
    for v in json.loads(str(board.read(path), "utf-8")):
        board.fresh()
        board.write("/config/ota.json", json.dumps({"signingKey": v["key"]}).encode())
        assert _send_stream(unhexlify(v["stream_hex"]))[1] == b"ok\n", v["name"]
        for f in v["files"]:
            assert board.read("/" + f["path"]) == unhexlify(f["content_hex"])


# -- stream_ota


def test_stream_installs_and_merges():
    assert _push({"app/a": b"1", "lib/l": b"2", "z": b"3"})[1] == b"ok\n"
    p, answer = _send_stream(_stream({"app/a": b"new", "app/b": b"4" * 5000}, "1.1"))
    assert answer == b"ok\n" and p.over and p.loop.ending
    all_files = {"app/a": b"new", "app/b": b"4" * 5000, "lib/l": b"2", "z": b"3"}
    assert _installed() == _manifest(all_files, "1.1")
    for path, data in all_files.items():
        assert board.read("/" + path) == data
    assert _push({"z": b"3"}, "2")[1] == b"ok\n"
    assert not board.exists("/app") and board.exists("/lib/l")


def test_stream_byte_by_byte():
    p, answer = _send_stream(_stream({"app/a": b"1" * 300, "b": b""}), peer=Peer(piece=1))
    assert answer == b"ok\n" and board.read("/app/a") == b"1" * 300


def test_stream_of_many_files():
    contents = {"app/f%03d" % n: b"%d" % n for n in range(120)}
    assert _send_stream(_stream(contents))[1] == b"ok\n"
    assert _installed() == _manifest(contents)
    assert _send_stream(_stream({"app/f050": b"", "app/f050a": b""}, "2"))[1] == b"ok\n"
    contents["app/f050"] = contents["app/f050a"] = b""
    assert _installed() == _manifest(contents, "2")


def test_stream_refuses_what_is_not_one():
    before = _tree()
    good = _stream({"a": b"1", "b": b"2"})
    one = _text("1.0") + _u16(1)
    tail = bytes(32)
    for data in (
        b"X" + good[1:],
        b"OTAS" + _text("") + _u16(0) + tail,
        b"OTAS" + _text("x" * 65) + _u16(0) + tail,
        b"OTAS" + _text("a\nb") + _u16(0) + tail,
        b"OTAS" + _text(b"\xff") + _u16(0) + tail,
        b"OTAS" + one + _entry("", b"1") + tail,
        b"OTAS" + one + _entry("/a", b"1") + tail,
        b"OTAS" + one + _entry("../a", b"1") + tail,
        b"OTAS" + one + _entry("a\0", b"1") + tail,
        b"OTAS" + one + _entry("ota_x", b"1") + tail,
        b"OTAS" + one + _entry(b"\xff", b"1") + tail,
        b"OTAS" + one + _entry("x" * 256, b"1") + tail,
        b"OTAS" + one + _entry("x" * 65535, b"1") + tail,
        b"OTAS" + one + _entry("a", b"1", size=2) + tail,
        b"OTAS" + one + _entry("a", b"1", size=0) + tail,
        b"OTAS" + one + _entry("a", b"1", size=0x7FFFFFFF) + tail,
        b"OTAS" + one + _entry("a", b"1", size=0xFFFFFFFF) + tail,
        b"OTAS" + _text("1.0") + _u16(2) + _entry("b", b"") + _entry("a", b"") + tail,
        b"OTAS" + _text("1.0") + _u16(2) + _entry("a", b"") + _entry("a", b"") + tail,
        b"OTAS" + _text("1.0") + _u16(65535) + _entry("a", b"") + tail,
        b"OTAS" + _text("1.0") + _u16(0) + _entry("a", b"") + tail,
    ):
        p, answer = _send_stream(data)
        _refused(p, answer.replace(b"sha256_mismatch", b"error: "), before)
    for total in (len(good) - 1, len(good) + 1, 0, 4, 36):
        p, answer = _send_stream(good + b"\0", total)
        _refused(p, answer.replace(b"ready\n", b""), before)


def test_stream_refuses_bad_totals():
    before = _tree()
    for total in ("", "x", "-1", "1.5", "4294967295", "4294967296", "9" * 100):
        p, answer = _send_stream(b"", total)
        _refused(p, answer.replace(b"ready\n", b""), before)


def test_stream_sha256_mismatch():
    before = _tree()
    data = b"OTAS" + _text("1.0") + _u16(1) + _entry("app/a", b"1", sha=bytes(32)) + bytes(32)
    p, answer = _send_stream(data)
    _refused(p, answer, before, "sha256_mismatch app/a\n")


def test_a_cut_at_any_byte_of_a_stream_leaves_no_trace():
    before = _tree()
    data = _stream({"app/a": b"1" * 20, "b": b"2"})
    for n in range(len(data)):
        p, answer = _send_stream(data[:n], len(data))
        assert answer == b""
        p.hang_up()
        assert not p.loop.ending and not p.loop.updating
        assert _tree() == before, n


def test_a_cut_at_any_message_of_start_ota_leaves_no_trace():
    before = _tree()
    contents = {"app/a": b"1" * 20, "b": b"2"}
    manifest = json.dumps(_manifest(contents)).encode()
    parts = [b"start_ota\n", b"manifest %d\n" % len(manifest), manifest]
    for path in sorted(contents):
        data = contents[path]
        parts += [b"file %s;%d;%s\n" % (path.encode(), len(data), _sha(data).encode()), data]
    parts += [b"end_ota"]
    for n in range(len(parts) + 1):
        for more in (b"", parts[n][: len(parts[n]) // 2] if n < len(parts) else b"x"):
            p = Peer()
            p.say(b"".join(parts[:n]) + more)
            p.hang_up()
            assert not p.loop.ending and not p.loop.updating
            assert _tree() == before, n


# -- source and bytecode


def test_bytecode_replaces_source_and_the_reverse():
    assert _push({"lib/x.py": b"1", "app/y.mpy": b"2"})[1] == b"ok\n"
    assert _send_stream(_stream({"lib/x.mpy": b"3", "app/y.py": b"4"}, "2"))[1] == b"ok\n"
    assert not board.exists("/lib/x.py") and not board.exists("/app/y.mpy")
    assert _installed() == _manifest({"lib/x.mpy": b"3", "app/y.py": b"4"}, "2")
    assert _push({"lib/x.py": b"5", "app/y.py": b"4"}, "3")[1] == b"ok\n"
    assert not board.exists("/lib/x.mpy") and board.read("/lib/x.py") == b"5"


def test_names_that_only_look_like_siblings():
    assert _push({"app/x": b"1", "app/x.txt": b"2", "mpy": b"3", ".py": b"4"})[1] == b"ok\n"
    assert _send_stream(_stream({"app/x.py": b"", "py": b"", "app/x.mpyx": b""}, "2"))[1] == b"ok\n"
    for path in ("/app/x", "/app/x.txt", "/mpy", "/.py", "/py"):
        assert board.exists(path), path


# -- what 1.0 has left on the board


def test_the_installed_manifest_of_1_0():
    board.write("/app/old", b"1")
    board.write("/keep", b"2")
    manifest = json.dumps(_manifest({"keep": b"2", "app/old": b"1"}, "0.9", "k"))
    board.write("/ota_manifest.json", manifest.encode())
    assert _send_stream(_stream({"b": b"3"}))[1] == b"ok\n"
    assert _installed() == _manifest({"app/old": b"1", "b": b"3", "keep": b"2"})
    board.write("/ota_manifest.json", manifest.encode())
    assert _push({"keep": b"2"}, "2")[1] == b"ok\n"
    assert not board.exists("/app")


def test_a_broken_installed_manifest_names_nothing():
    for text in (
        b"",
        b"{",
        b"\xff",
        b"[]",
        b'{"files": 1}',
        b'{"files": {"a": 1}}',
        b'{"files":{\n,',
    ):
        board.write("/ota_manifest.json", text)
        assert _send_stream(_stream({"b": b"3"}))[1] == b"ok\n"
        assert _installed() == _manifest({"b": b"3"})


def test_leftovers_in_staging_are_discarded():
    board.write("/ota_stage/app/x/y", b"1")
    assert _push({"a": b"1"})[1] == b"ok\n"
    assert not board.exists("/ota_stage")
    from uota.boot_guard import recover

    board.write("/ota_stage/app/x/y", b"1")
    recover()
    assert not board.exists("/ota_stage")
    recover()


def test_on_fat_a_file_whose_name_changes_its_case_stays():
    import vfs

    board.fresh(fs=vfs.VfsFat)
    assert _push({"app/Foo.py": b"1", "b": b"2"})[1] == b"ok\n"
    assert _push({"app/foo.py": b"3", "b": b"2"}, "2")[1] == b"ok\n"
    assert board.read("/app/foo.py") == b"3"
    assert _send_stream(_stream({"app/FOO.py": b"4"}))[1] == b"ok\n"
    assert board.read("/app/foo.py") == b"4"
    assert sorted(_installed()["files"]) == ["app/FOO.py", "b"]
    board.fresh()
    assert _push({"Foo.py": b"1"})[1] == b"ok\n"
    assert _push({"foo.py": b"3"}, "2")[1] == b"ok\n"
    assert not board.exists("/Foo.py")

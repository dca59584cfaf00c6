# Push 2: the vectors of manifests and messages; what is taken, refused, resumed, copied, deleted.
import json
import os
import sys

import board
from binascii import hexlify, unhexlify
from hashlib import sha256
from host2 import DATA, Host, Packer, hmac, vectors

_KEY = "correct horse battery staple"


def _sha(data):
    return hexlify(sha256(data).digest()).decode()


def _sign(rest, key):
    if not key:
        return b"uota 2 none -\n" + rest
    mac = hmac(key.encode(), b"\xffuota 2 manifest" + rest)
    return b"uota 2 hmac-sha256 " + hexlify(mac) + b"\n" + rest


class Manifest:
    def __init__(
        self, files, counter=1, version="1.0", partial=False, needs=(), gone=(), key="", more=""
    ):
        lines = ["version " + version, "scope " + ("partial" if partial else "complete")]
        lines += ["need " + need for need in needs]
        self.paths = sorted(files)
        lines += ["%d %s %s" % (len(files[p]), _sha(files[p]), p) for p in self.paths]
        lines += ["- " + path for path in gone]
        rest = "".join(line + "\n" for line in lines).encode()
        self.files, self.id = files, _sha(rest)
        self.text = _sign(b"counter %d%s\n" % (counter, more.encode()) + rest, key)


def _host(key=""):
    """A session that is open where there is no key."""
    if key:
        board.write("/config/ota.json", json.dumps({"signingKey": key}).encode())
        return Host(Host.of_key(key))
    return Host()


def _begin(host, manifest, words=""):
    """Up to the inventory: the answer, and how to pack what follows."""
    head = "push %s %d%s" % (manifest.id, len(manifest.text), words)
    answer = host.command(head)
    pack = None
    if answer[:5] == b"send ":
        pack = Packer(*(int(n) for n in answer[5:].split()))
        answer = _send(host, pack, manifest.text)
    elif answer[:5] == b"have ":
        pack = Packer(*(int(n) for n in answer[5:].split(b"\n")[0].split()))
    return answer, pack


def _send(host, pack, content):
    got = b""
    for message in pack(content):
        got += host.say(host.seal(DATA, message))
    return host.answer(host.open(got))


def _missing(answer):
    lines = answer.decode().split("\n")
    assert lines[0][:5] == "have " and lines[-1] == "", answer
    return [tuple(int(n) for n in line.split()) for line in lines[1:-1]]


def _push(manifest, host=None, words="", commit="commit"):
    """A whole push; (the host, the last answer)."""
    host = host or _host()
    answer, pack = _begin(host, manifest, words)
    if not isinstance(answer, bytes) or answer == b"same\n":
        return host, answer
    content = b""
    for index, offset in _missing(answer):
        content += manifest.files[manifest.paths[index]][offset:]
    answer = _send(host, pack, content)
    return host, answer or host.command(commit)


def _installs(files, **how):
    manifest = Manifest(files, **how)
    host, answer = _push(manifest)
    assert answer == b"ok\n", answer
    assert host.over and host.loop.ending and not host.loop.updating
    _confirm()
    return manifest


def _confirm():
    try:
        os.remove("/ota_trial.json")
    except OSError:
        pass


def _refused(manifest, like, host=None, words=""):
    """Refused: with this answer, the session at its end, and nothing in its place."""
    host, answer = _push(manifest, host, words)
    assert isinstance(answer, str) and answer.startswith(like), answer
    assert not host.loop.updating and not host.loop.ending
    host.hang_up()


_FILES = {"app/app.py": b"print(1)\n", "app/empty": b"", "lib/big.bin": bytes(range(256)) * 40}


def test_installs():
    _installs(_FILES, version="1.2.3")
    for path in _FILES:
        assert board.read("/" + path) == _FILES[path]
    assert json.loads(board.read("/ota_version.json"))["version"] == "1.2.3"
    assert not board.exists("/ota_part") and not board.exists("/ota_stage")


def test_the_counter_and_the_id_are_those_of_what_is_installed():
    manifest = _installs(_FILES, counter=41)
    told = json.loads(_host().command("info"))
    assert told["counter"] == 41 and told["id"] == manifest.id[:16]


def test_the_trial_has_the_id():
    manifest = Manifest(_FILES)
    _push(manifest)
    assert json.loads(board.read("/ota_trial.json"))["id"] == manifest.id[:16]


def test_the_same_again_is_the_same():
    manifest = _installs(_FILES)
    host, answer = _push(manifest)
    assert answer == b"same\n" and not host.over and not host.loop.ending
    assert host.command("ping") == b"pong\n"


def test_what_was_installed_by_other_means_is_the_same_too():
    manifest = _installs(_FILES, needs=["mpy 6"])
    other = Manifest(_FILES, counter=2)
    assert other.id != manifest.id
    assert _push(other)[1] == b"same\n"
    assert not board.exists("/ota_part")


def test_force_installs_the_same_again():
    _installs(_FILES)
    assert _push(Manifest(_FILES, counter=2), words=" force")[1] == b"ok\n"


def test_a_file_that_was_changed_is_restored():
    for change in (b"print(2)\n", b"longer than before", b""):
        board.fresh()
        _installs(_FILES)
        board.write("/app/app.py", change)
        os.remove("/app/empty")
        again = Manifest(_FILES, counter=2)
        answer, _ = _begin(_host(), again, " verify")
        assert _missing(answer) == [(0, 0), (1, 0)]
        assert _push(again, words=" verify")[1] == b"ok\n"
        assert board.read("/app/app.py") == b"print(1)\n"


def test_what_a_command_has_changed_is_found_whatever_its_time_and_size():
    files = {"a": b"1", "b": b"2", "c": b"3"}
    for changes, missing in ((("put a", "put b"), [0, 1]), (("rm b", "mv a\tb"), [0, 1])):
        board.fresh()
        _installs(files)
        for change in changes:
            host = _host()
            told = host.put(change[4:], b"x") if change[:3] == "put" else host.command(change)
            assert told == b"ok\n"
        again = Manifest(files, counter=2)
        assert [index for index, _ in _missing(_begin(_host(), again)[0])] == missing
        assert _push(again)[1] == b"ok\n"
        assert [board.read("/" + path) for path in "abc"] == [b"1", b"2", b"3"]
        assert not board.exists("/ota_touched"), "times count again"


def test_what_a_command_has_put_back_is_the_same():
    manifest = _installs({"a": b"1"})
    assert _host().put("a", b"1") == b"ok\n"
    assert board.exists("/ota_touched")
    assert _push(manifest)[1] == b"same\n"
    assert not board.exists("/ota_touched")


def test_what_a_command_has_changed_is_found_after_a_partial_push_of_something_else():
    files = {"a": b"1", "b": b"2"}
    for other, told in ((b"2", b"same\n"), (b"3", b"ok\n")):
        board.fresh()
        _installs(files)
        assert _host().put("a", b"x") == b"ok\n"
        assert _push(Manifest({"b": other}, counter=2, partial=True))[1] == told
        _confirm()
        again = Manifest(dict(files, b=other), counter=3)
        assert _missing(_begin(_host(), again)[0]) == [(0, 0)]


def test_what_a_command_has_changed_is_found_after_a_rollback():
    _installs({"a": b"1"})
    assert _host().put("a", b"x") == b"ok\n"
    assert _push(Manifest({"a": b"2"}, counter=2))[1] == b"ok\n"
    assert not board.exists("/ota_touched")
    assert _host().command("rollback") == b"ok\n"
    assert board.read("/a") == b"x" and board.exists("/ota_touched")
    again = Manifest({"a": b"1"}, counter=3)
    assert _missing(_begin(_host(), again)[0]) == [(0, 0)]


def test_unchanged_files_are_known_by_their_time_and_not_read():
    from uota import base

    manifest = _installs(_FILES)
    real, read = base.hashes, []
    base.hashes = lambda name, sha, buf: read.append(name) or real(name, sha, buf)
    try:
        assert _push(manifest)[1] == b"same\n"
        answer, _ = _begin(_host(), Manifest(dict(_FILES, x=b"1"), counter=2))
        assert _missing(answer) == [(3, 0)] and read == []
        assert _push(manifest, words=" verify")[1] == b"same\n"
        assert len(read) == 3
    finally:
        base.hashes = real


# -- the manifest


def test_the_manifests_of_the_vectors_are_accepted():
    for v in vectors("manifest2.json")["manifests"]:
        if len(v["needs"]):
            continue  # of another board
        board.fresh()
        text = v["text"].encode()
        host = _host(v["signing_key"] or "")
        answer = host.command("push %s %d" % (v["id"], len(text)))
        pack = Packer(*(int(n) for n in answer[5:].split()))
        answer = _send(host, pack, text)
        assert answer[:5] == (b"have " if v["files"] else b"have "), (v["name"], answer)
        assert len(_missing(answer)) == len(v["files"])


def test_the_manifests_that_the_vectors_refuse_are_refused():
    for v in vectors("manifest2.json")["refused"]:
        board.fresh()
        text = v["text"].encode()
        host = _host(v["signing_key"] or "")
        answer = host.command("push %s %d" % (v["id"], len(text)))
        if text:
            answer = _send(host, Packer(*(int(n) for n in answer[5:].split())), text)
        assert isinstance(answer, str), (v["why"], answer)
        known = "bad manifest", "bad path", "bad entry: ", "file and folder: ", "protected"
        known = tuple("error: " + text for text in known) + (
            "sig_mismatch",
            "error: refused: needs ",
        )
        assert answer.startswith(known), (v["why"], answer)


def test_versions_are_ordered_as_in_the_vectors():
    from uota import manifest

    for v in vectors("manifest2.json")["order"]:
        assert manifest.lower(v["new"], v["installed"]) == v["lower"], v


def test_a_signature_is_wanted_where_there_is_a_key():
    for key in ("", "other"):
        _refused(Manifest(_FILES, key=key), "sig_mismatch", _host(_KEY))
    assert not board.exists("/app")
    assert _push(Manifest(_FILES, key=_KEY), _host(_KEY))[1] == b"ok\n"


def test_a_signature_of_1_0_is_none():
    manifest = Manifest(_FILES, key=_KEY)
    rest = manifest.text.split(b"\n", 1)[1]
    mac = hexlify(hmac(_KEY.encode(), rest))
    manifest.text = b"uota 2 hmac-sha256 " + mac + b"\n" + rest
    _refused(manifest, "sig_mismatch", _host(_KEY))


def test_the_id_must_be_that_of_the_manifest():
    manifest = Manifest(_FILES)
    manifest.id = "0" * 64
    _refused(manifest, "error: bad manifest")


def test_a_replay_is_refused():
    _installs(_FILES, counter=5)
    for counter in (1, 4, 5):
        _refused(Manifest({"a": b"1"}, counter=counter), "error: refused: counter ")
    assert board.exists("/app/app.py")


def test_the_counter_survives_wipe_rm_and_rollback():
    _installs({"a": b"1"}, counter=5)
    _push(Manifest({"a": b"2"}, counter=6))
    host = _host()
    assert host.command("wipe") == b"ok\n"
    assert host.command("rm ota_counter") == "error: protected"
    assert _host().command("rollback") == b"ok\n"
    assert json.loads(_host().command("info"))["counter"] == 6
    _refused(Manifest({"a": b"2"}, counter=6), "error: refused: counter 6 is not above 6")


def test_a_downgrade_is_refused_unless_signed_as_one():
    _installs(_FILES, counter=1, version="1.10")
    _refused(
        Manifest({"a": b"1"}, counter=2, version="1.9"), "error: refused: 1.9 is older than 1.10"
    )
    assert _push(Manifest({"a": b"1"}, 2, "1.9", more=" downgrade"))[1] == b"ok\n"


def test_needs():
    for need in ("platform linux", "mpy 6", "micropython 1.21", "micropython 1.29.0", "flash 4096"):
        answer, _ = _begin(_host(), Manifest(_FILES, needs=[need]))
        assert answer[:5] == b"have ", need
    for need in ("platform esp32", "mpy 5", "micropython 9.1", "micropython x", "flash 999999999",
                 "flash x", "wings 2"):  # fmt: skip
        _refused(Manifest(_FILES, needs=[need]), "error: refused: needs " + need)


def test_what_failed_here_is_refused_without_force():
    manifest = Manifest(_FILES)
    back = {"back": {"id": manifest.id[:16], "from": "1.0", "why": "ImportError: x"}}
    board.write("/ota_crash.json", json.dumps(back).encode())
    _refused(manifest, "error: refused: 1.0 failed on this board (ImportError: x)")
    assert _push(manifest, words=" force")[1] == b"ok\n"


def test_a_full_flash_is_found_before_the_first_file():
    board.fresh(blocks=32)
    manifest = Manifest({"a": b"x"})
    manifest.text = manifest.text.replace(b"\n1 ", b"\n999999 ")
    manifest.id = _sha(manifest.text.split(b"\n", 2)[2])
    _refused(manifest, "error: flash full: needs ")


def test_words():
    _refused(Manifest(_FILES), "error: unknown: fast", words=" fast")
    _refused(Manifest(_FILES, partial=True), "error: unknown: wipe", words=" wipe")
    for line in ("push", "push x", "push x y", "push " + "0" * 64 + " -1", "push x 1048577"):
        host = _host()
        assert host.command(line).startswith("error: "), line
        host.hang_up()


# -- messages


def test_the_streams_of_the_vectors_are_inflated():
    for v in vectors("messages2.json")["streams"]:
        if (v["limit"], v["wbits"]) not in ((4096, 12), (2048, 12), (1024, 10)):
            continue
        total = sha256()
        for part in _inflated(v):
            total.update(part)
        assert hexlify(total.digest()).decode() == v["content_sha256"], v["name"]


def test_the_streams_that_the_vectors_refuse_are_refused():
    for v in vectors("messages2.json")["refused"]:
        if (v["limit"], v["wbits"]) != (4096, 12):
            continue
        try:
            for _ in _inflated(v):
                pass
        except (ValueError, EOFError):
            continue
        assert v["why"] == "less announced than there is", v["why"]


class _Given:
    """Records that hold a stream's messages."""

    def __init__(self, messages):
        self.messages = messages
        self.records = self
        self.buf = None

    def receive(self, limit):
        yield 1
        message = unhexlify(self.messages.pop(0))
        if len(message) > limit:
            raise EOFError
        view = self.buf[18 : 18 + len(message)]
        view[:] = message
        return DATA, view


def _inflated(v):
    from uota import push2

    given = _Given(v["messages"])
    messages = push2.Messages(given)
    messages._make(v["limit"], v["wbits"])
    messages.limit = v["limit"]
    while given.messages:
        work = messages.next()
        try:
            while True:
                next(work)
        except StopIteration as e:
            yield e.value[0]


def test_more_than_is_missing_is_refused():
    manifest = Manifest(_FILES)
    host = _host()
    answer, pack = _begin(host, manifest)
    content = b"".join(_FILES[path] for path in manifest.paths)
    assert _send(host, pack, content + b"x") == "error: bad message"
    host.hang_up()


def test_a_wrong_file_is_refused_and_the_others_stay():
    manifest = Manifest({"a": b"1", "b": b"2", "c": b"3"})
    host = _host()
    _, pack = _begin(host, manifest)
    assert _send(host, pack, b"1x3") == "sha256_mismatch b"
    host.hang_up()
    answer, _ = _begin(_host(), manifest)
    assert _missing(answer) == [(1, 0), (2, 0)]
    assert _push(manifest)[1] == b"ok\n"


def test_commit_before_all_has_come():
    manifest = Manifest({"a": b"1", "b": b"22"})
    for content in (b"", b"1", b"12"):
        board.fresh()
        host = _host()
        _, pack = _begin(host, manifest)
        _send(host, pack, content)
        answer = host.command("commit")
        assert answer in ("error: missing a", "error: missing b"), answer
        host.hang_up()
        assert not board.exists("/a")


def test_something_else_in_a_push_ends_it():
    for text in ("ping", "push x 1", "", "copy", "copy x", "get a"):
        host = _host()
        _begin(host, Manifest({"a": b"1"}))
        answer = host.command(text)
        assert isinstance(answer, str) and answer.startswith("error: "), (text, answer)
        host.hang_up()


def test_a_push_does_not_find_the_code_of_one_that_has_ended_in_the_heap():
    other = Manifest({"app/a": b"1"})
    for content, commit in ((b"1", "stop"), (b"x y\n", "commit")):
        host, answer = _push(Manifest({"main.py": content}), commit=commit)
        assert answer == b"ok\n" if commit == "stop" else "does not compile" in answer, answer
        begun = Host(loop=host.loop)
        assert begun.command("push %s %d" % (other.id, len(other.text)))[:5] == b"send "
        for name in ("welcome", "commands", "inventory", "receive", "install"):
            assert "uota." + name not in sys.modules, name
        begun.hang_up()


def test_stop_keeps_what_has_come():
    manifest = Manifest({"a": b"1" * 3000, "b": b"2" * 3000})
    host = _host()
    _, pack = _begin(host, manifest)
    assert _send(host, pack, b"1" * 3000 + b"2" * 1000) == b""
    assert host.command("stop") == b"ok\n"
    assert not host.over and not host.loop.ending and not host.loop.updating
    answer, _ = _begin(host, manifest)
    assert _missing(answer) == [(1, 1000)]
    assert host.command("stop") == b"ok\n"
    assert host.command("ping") == b"pong\n"


def test_stop_instead_of_the_manifest():
    host = _host()
    assert host.command("push %s 100" % ("0" * 64))[:5] == b"send "
    assert host.command("stop") == b"ok\n"
    assert host.command("ping") == b"pong\n"


# -- resuming


def test_goes_on_after_a_cut_anywhere():
    manifest = Manifest(_FILES, key=_KEY)
    content = b"".join(_FILES[path] for path in manifest.paths)
    for cut in (0, 1, 8, 9, 10, 4096, len(content) - 1, len(content)):
        board.fresh()
        host = _host(_KEY)
        _, pack = _begin(host, manifest)
        _send(host, pack, content[:cut])
        host.hang_up()
        host = _host(_KEY)
        answer, pack = _begin(host, manifest)
        assert answer[:5] == b"have "
        rest = sum(len(_FILES[manifest.paths[i]]) - offset for i, offset in _missing(answer))
        assert rest == len(content) - cut, (cut, rest, answer)
        assert _push(manifest, _host(_KEY))[1] == b"ok\n"
        for path in _FILES:
            assert board.read("/" + path) == _FILES[path]


def test_what_is_staged_whole_is_not_installed():
    _installs({"a": b"1"})
    manifest = Manifest({"a": b"1", "b": b"2" * 3000}, counter=2)
    host = _host()
    _, pack = _begin(host, manifest)
    _send(host, pack, b"2" * 3000)
    host.hang_up()
    host, answer = _push(manifest)
    assert answer == b"ok\n" and board.read("/b") == b"2" * 3000, answer


def test_a_manifest_that_was_cut_comes_again():
    manifest = Manifest(_FILES)
    for cut in (0, 1, 100, len(manifest.text) - 1):
        host = _host()
        answer = host.command("push %s %d" % (manifest.id, len(manifest.text)))
        assert answer[:5] == b"send ", cut
        _send(host, Packer(*(int(n) for n in answer[5:].split())), manifest.text[:cut])
        host.hang_up()


def test_what_another_manifest_has_staged_is_discarded():
    first = Manifest({"a": b"1" * 3000, "b": b"2"})
    host = _host()
    _, pack = _begin(host, first)
    _send(host, pack, b"1" * 3000)
    host.hang_up()
    answer, _ = _begin(_host(), Manifest({"a": b"1" * 3000, "c": b"3"}))
    assert _missing(answer) == [(0, 0), (1, 0)]


def test_what_another_manifest_has_staged_is_discarded_where_nothing_is_to_be_done():
    manifest = _installs(_FILES)
    host = _host()
    _, pack = _begin(host, Manifest({"a": b"1" * 3000}, counter=2))
    _send(host, pack, b"1" * 2000)
    host.hang_up()
    assert board.exists("/ota_part/0")
    assert _push(manifest)[1] == b"same\n"
    assert not board.exists("/ota_part")


def test_a_push_of_1_0_discards_what_is_staged():
    host = _host()
    _begin(host, Manifest({"a": b"1" * 3000}))
    host.hang_up()
    assert board.exists("/ota_part")
    p = board.Peer()
    assert p.ask("start_ota") == "ready\n"
    assert not board.exists("/ota_part")


def test_a_staged_manifest_that_is_no_longer_good_is_asked_for_again():
    manifest = Manifest({"a": b"1" * 3000, "b": b"2"}, counter=5)
    host = _host()
    _, pack = _begin(host, manifest)
    _send(host, pack, b"1" * 3000)
    host.hang_up()
    board.write("/ota_counter", b"5")
    again = Manifest({"a": b"1" * 3000, "b": b"2"}, counter=6)
    host = _host()
    head = host.command("push %s %d" % (again.id, len(again.text)))
    assert head[:5] == b"send "
    answer = _send(host, Packer(*(int(n) for n in head[5:].split())), again.text)
    assert _missing(answer) == [(1, 0)], "the files are the same, and stay"


def test_room_is_counted_for_a_changed_file_of_the_same_size():
    big = os.urandom(400_000)
    _installs({"big": big})
    left = os.statvfs("/")[0] * os.statvfs("/")[3]
    board.write("/fill", bytes(left - 150_000))
    answer, _ = _begin(_host(), Manifest({"big": os.urandom(len(big))}, counter=2))
    assert isinstance(answer, str) and answer.startswith("error: flash full: needs "), answer


def test_a_file_that_was_there_already_becomes_one_of_the_update():
    _installs({"a": b"1"})
    board.write("/b", b"2")
    assert _push(Manifest({"a": b"1", "b": b"2"}, counter=2))[1] == b"ok\n"
    _confirm()
    assert _push(Manifest({"a": b"1"}, counter=3))[1] == b"ok\n"
    assert not board.exists("/b")


def test_what_is_no_id_names_nothing():
    for ident in ("", "0" * 63, "0" * 65):
        assert _host().command("push %s 100" % ident) == "error: bad manifest"


def test_deletions_beyond_all_paths():
    gone = "\U0010ffff\U0010ffff"
    manifest = Manifest({"a": b"1"}, partial=True, gone=[gone, gone + "x"])
    assert _push(manifest)[1] == b"ok\n"


def test_without_a_way_back_one_is_dropped_only_for_an_update():
    _installs({"a": b"1"})
    manifest = _installs({"a": b"2"}, counter=2)
    assert board.exists("/ota_kept/list")
    assert _push(manifest, words=" no-rollback")[1] == b"same\n"
    assert board.exists("/ota_kept/list")


def test_on_fat_a_file_that_changes_its_case_is_not_deleted():
    import vfs

    board.fresh(fs=vfs.VfsFat)
    _installs({"app/App.py": b"1"})
    manifest = Manifest({"app/app.py": b"2"}, counter=2, partial=True, gone=["app/App.py"])
    assert _push(manifest)[1] == b"ok\n"
    assert board.read("/app/app.py") == b"2"


def test_what_is_staged_is_not_trusted():
    manifest = Manifest({"a": b"1" * 3000, "b": b"2"}, key=_KEY)
    host = _host(_KEY)
    _, pack = _begin(host, manifest)
    _send(host, pack, b"1" * 3000)
    host.hang_up()
    board.write("/ota_part/0", b"x" * 3000)
    answer, _ = _begin(_host(_KEY), manifest)
    assert _missing(answer) == [(0, 0), (1, 0)]
    text = board.read("/ota_part/list")
    board.write("/ota_part/list", text.replace(b"counter 1\n", b"counter 9\n"))
    host = _host(_KEY)
    assert host.command("push %s %d" % (manifest.id, len(manifest.text)))[:5] == b"send "


# -- copies


def _copied(host, line):
    answer = host.command(line)
    assert answer in (b"ok\n", b"no\n"), answer
    return answer == b"ok\n"


def test_copies_are_not_sent():
    big = bytes(range(256)) * 40
    _installs({"lib/old.bin": big, "z": b"z"})
    manifest = Manifest({"app/a": b"1", "app/new.bin": big, "b": b"2", "c.bin": big}, counter=2)
    host = _host()
    answer, pack = _begin(host, manifest)
    assert _missing(answer) == [(0, 0), (1, 0), (2, 0), (3, 0)]
    assert _copied(host, "copy 1 lib/old.bin")
    assert not _copied(host, "copy 1 lib/old.bin"), "it is there"
    assert _send(host, pack, b"1") == b""
    assert _send(host, pack, b"2") == b""
    assert _copied(host, "copy 3 app/new.bin"), "from what is staged"
    assert host.command("commit") == b"ok\n"
    assert board.read("/app/new.bin") == board.read("/c.bin") == big
    assert not board.exists("/lib/old.bin")


def test_what_cannot_be_copied_is_sent():
    _installs({"a": b"1" * 100, "d/x": b""})
    board.write("/ota_crash.json", b"9" * 100)
    manifest = Manifest({"a": b"1" * 100, "b": b"2" * 100, "c": b"3" * 100}, counter=2)
    host = _host()
    _, pack = _begin(host, manifest)
    for line in ("1 a", "1 nothing", "1 d", "1 ../a", "1 ota_crash.json", "1", "0 a", "7 a", "1 b"):
        assert not _copied(host, "copy " + line), line
    assert _send(host, pack, b"2" * 50) == b""
    assert not _copied(host, "copy 1 a"), "a part of it has come"
    assert _send(host, pack, b"2" * 50 + b"3" * 100) == b""
    assert host.command("commit") == b"ok\n"


# -- deletions


def test_complete_deletes_what_an_update_has_brought_in_lib_too():
    _installs(
        {"app/a": b"1", "lib/x.py": b"2", "lib/uota/y.py": b"3", "config/z": b"4", "data/d": b"5"}
    )
    board.write("/app/own", b"")
    _installs({"main.py": b"print()\n"}, counter=2)
    for path, there in (("app/a", 0), ("lib/x.py", 0), ("lib/uota/y.py", 1), ("config/z", 1),
                        ("data/d", 1), ("app/own", 1)):  # fmt: skip
        assert board.exists("/" + path) == bool(there), path


def test_partial_is_merged_and_deletes_what_it_names():
    _installs({"app/a": b"1", "app/b": b"2", "lib/c": b"3"})
    board.write("/app/own", b"")
    gone = ["app/b", "app/own", "nothing"]
    _installs({"app/a": b"9"}, counter=2, partial=True, gone=gone)
    assert board.read("/app/a") == b"9" and board.read("/lib/c") == b"3"
    assert not board.exists("/app/b") and not board.exists("/app/own")
    named = json.loads(board.read("/ota_manifest.json"))["files"]
    assert sorted(named) == ["app/a", "lib/c"]
    again = Manifest({"app/a": b"9"}, counter=3, partial=True, gone=gone)
    assert _push(again)[1] == b"same\n"
    board.write("/app/own", b"")
    assert _push(Manifest({"app/a": b"9"}, counter=3, partial=True, gone=["app/own"]))[1] == b"ok\n"


def test_wipe_is_part_of_the_transaction():
    _installs({"app/a": b"1", "lib/x.py": b"2"})
    board.write("/own", b"")
    board.write("/lib/own", b"")
    board.write("/data/own", b"")
    assert _push(Manifest({"app/a": b"1"}, counter=2), words=" wipe")[1] == b"ok\n"
    assert not board.exists("/own") and not board.exists("/lib/x.py")
    assert board.exists("/lib/own") and board.exists("/data/own")


def test_the_version_before_comes_back_with_its_id():
    first = _installs({"a": b"1", "b": b"2"})
    _push(Manifest({"a": b"9"}, counter=2))
    assert not board.exists("/b")
    assert _host().command("rollback") == b"ok\n"
    assert board.read("/a") == b"1" and board.read("/b") == b"2"
    assert json.loads(_host().command("info"))["id"] == first.id[:16]
    assert _push(first)[1] == b"same\n"


def test_no_rollback():
    _installs({"a": b"1"})
    assert _push(Manifest({"a": b"9"}, counter=2), words=" no-rollback")[1] == b"ok\n"
    assert not board.exists("/ota_kept") and not board.exists("/ota_trial.json")


def test_on_fat():
    import vfs

    board.fresh(blocks=512, fs=vfs.VfsFat)
    _installs(_FILES)
    two = Manifest(dict(_FILES, b=b"2"), counter=2)
    host = _host()
    _, pack = _begin(host, two)
    host.hang_up()
    _installs({"app/app.py": b"2", "lib/new.bin": _FILES["lib/big.bin"]}, counter=2)
    assert board.read("/app/app.py") == b"2" and not board.exists("/lib/big.bin")
    assert not board.exists("/ota_part") and board.read("/ota_counter") == b"2"


def test_the_old_key_signs_during_the_trial_in_a_session_that_has_proven_it():
    old, new = {"signingKey": "old"}, {"signingKey": "new"}
    board.write("/config/ota.json", json.dumps(new).encode())
    board.write("/ota_trial.json", b'{"id": "x"}')
    board.write("/ota_kept/0", json.dumps(old).encode())
    board.write("/ota_kept/list", b"uota 1 move\np /ota_kept/0 /config/ota.json\nend\n")
    for key, index in (("old", 1), ("new", 0)):
        other = "new" if key == "old" else "old"
        host = Host(Host.of_key(key), index=index)
        _refused(Manifest(_FILES, key=other), "sig_mismatch", host)
        answer, _ = _begin(Host(Host.of_key(key), index=index), Manifest(_FILES, key=key))
        assert answer[:5] == b"have "


def test_a_push_byte_by_byte():
    host = Host(piece=1)
    assert _push(Manifest(_FILES), host)[1] == b"ok\n"


def test_with_little_heap_messages_are_smaller():
    from uota import push2

    real = push2.Messages._make

    def make(self, window, bits):
        if window > limit:
            raise MemoryError
        real(self, window, bits)

    push2.Messages._make = make
    try:
        for n, answer in ((1024, b"send 1024 10\n"), (0, b"send 512 0\n")):
            board.fresh()
            limit = n
            manifest = Manifest(_FILES)
            host = _host()
            assert host.command("push %s %d" % (manifest.id, len(manifest.text))) == answer
            host.hang_up()
            assert _push(manifest)[1] == b"ok\n"
            assert board.read("/lib/big.bin") == _FILES["lib/big.bin"]
    finally:
        push2.Messages._make = real

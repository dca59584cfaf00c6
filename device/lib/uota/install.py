# The commit: checks that all is there, writes journal and manifest, and puts it into place. Loaded
# when all has come, so that it need not lie in the heap beside what receives.
import ujson
import uos

from uota import base, inventory

_HEAD = const('{"files":{\n')  # how an installed manifest of ours begins
_LAST = const(("lib/uota/boot_guard.py", "boot.py"))  # put into place when all else is
_KEPT = const("/ota_kept/")
_TRIAL = const("/ota_trial.json")


def main(job):
    """Check that all is there, then commit it: the next boot puts it into place. A generator."""
    yield from _check(job)
    name = "/ota_journal" if job.copies else job.at("journal")
    with open(name, "w") as job.journal:
        yield from _write(job)
    for finder in (job.find, job.known):
        if finder:
            finder.close()
    _sync()
    if job.copies:  # on FAT, where a cut rename leaves two names on one chain of clusters
        with open(name, "r+b") as f:
            f.write(b"uota")  # within one sector, of a file that has its clusters
    else:
        uos.rename(name, "/ota_journal")
    _sync()
    job.done = True


def _sync():
    if hasattr(uos, "sync"):
        uos.sync()


def _check(job):
    """All files are here, none is where a folder must be, and what is needed besides fits."""
    last = ""
    job.above = ()
    block = uos.statvfs("/")[0]
    more = 0  # blocks: for folders, and on FAT for what a copy needs beyond what it replaces
    for i, (path, size, sha) in job.items():
        yield 0
        if i < 0:
            continue
        if job.copies:
            _on_fat(job, path)
        staged = job.at(i)
        if (yield from inventory.holds(job, path, size, sha)):
            base.remove(staged)  # nothing to replace, nothing to keep
        elif base.size(staged) != size:
            raise ValueError("missing " + path)
        else:
            low = path.lower()
            if low[:9] == "lib/uota/" or low == "config/ota.json":
                job.proof = True
            if low in ("boot.py", "main.py"):
                _compile(job, staged, path)
            elif low in ("boot.mpy", "main.mpy", "lib/uota/boot_guard.mpy"):
                raise ValueError("always source: " + path)
        job.nest(path, last)
        there = base.size("/" + path)
        clash = path if there == -1 else ""
        n = 0
        while (n := path.find("/", n + 1)) > 0:
            up = -1 if last[: n + 1] == path[: n + 1] else base.size("/" + path[:n])
            if up >= 0:
                clash = path[:n]
            more += 2 * (up == -2)
        if clash:
            raise ValueError("file and folder: " + clash)
        if job.copies and base.size(staged) >= 0:
            more += max(0, size // block + 1 - max(0, there) // block)
        last = path
    job.need = more * block + 4 * base.size(job.at("list"))


def _on_fat(job, path):
    """ValueError for a name that FAT does not take, or takes for that of another file."""
    low = path.lower()
    bad = path != low and _other_case(job, path)
    for ch in ":*?<>|":
        bad = bad or ch in path
    if bad:
        raise ValueError("not on FAT: " + low)


def _compile(job, name, path):
    """What would keep the board from starting is refused: nobody would be left to go back."""
    with open(name) as f:
        text = f.read()
    if path.lower() == "boot.py" and "ota_guard" not in text and not job.force:
        raise ValueError("boot.py does not start the agent (--force)")
    try:
        compile(text, path, "exec")
    except SyntaxError as e:
        raise ValueError("%s does not compile: %s" % (path, e))
    except MemoryError:
        pass  # it may be too large to be looked at beside the app


def _write(job):
    """Write the manifest to be, the journal, and the list of what is kept."""
    journal = job.journal
    job.kept = job.open("kept", "w")
    for f in journal, job.kept:
        f.write("---- 1 copy\n" if job.copies else "uota 1 move\n")
    _drop_old(job)
    _again(job, False)
    if base.size("/ota_touched") >= 0 and not job.partial:
        _remove(job, "ota_touched")  # what comes back may be as a command has left it
    version = ujson.dumps(job.version)
    with job.open("version", "w") as f:
        f.write('{"version":%s}' % version)
    with job.open("manifest", "w") as out:
        out.write(_HEAD)
        for i, entry in job.items():
            yield 0
            path = entry[0]
            if i < 0:
                if base.size("/" + path) >= 0 and not (job.copies and _other_case(job, path)):
                    _remove(job, path)
                continue
            staged = job.at(i)
            time = job.resumes and uos.stat(staged if base.size(staged) >= 0 else "/" + path)[8]
            _entry(out, *entry, time)
            _put(job, staged, path, False)
        for _, entry in inventory.installed():
            yield 0
            path = entry[0]
            other = job.partial and _sibling(path)
            if job.find(path) or other and job.find(other):
                continue
            if job.partial:
                _entry(out, *entry)
            elif not base.kept(path, job.lib) and (not job.wipe or base.kept(path)):
                _remove(job, path)
        ident = ',"id":"%s"' % job.id if job.resumes else ""
        out.write('},"version":%s%s}\n' % (version, ident))
    if job.wipe:
        for entry in uos.ilistdir("/"):
            if len(entry) > 3 and not base.kept(entry[0]):  # a mount point has no size
                yield from _wipe(job, entry[0], entry[1])
    _try(job)
    for name in ("version", "manifest"):
        _put(job, job.at(name), "ota_%s.json" % name, False)
    _again(job, True)
    for i, entry in job.items():
        _put(job, job.at(i), entry[0], True)
    job.kept.write("r %s\nr /ota_boot_state.json\n" % _TRIAL)
    job.kept.write("end\n" if job.copies else "x /ota_kept\nend\n")
    job.kept.close()
    if job.resumes:
        with job.open("counter", "w") as f:
            f.write(str(job.counter))
        journal.write("p %s /ota_counter\nx %s\n" % (job.at("counter"), job.stage))
    journal.write("end\n")
    base.room(job.need)  # with all else written: from here on it may not fail


def _drop_old(job):
    """What was kept goes first, since it frees its room; in a trial it stays."""
    job.number = 0
    if job.keep and base.size("/ota_kept") == -1:
        for entry in uos.ilistdir("/ota_kept"):
            if entry[0].isdigit():
                job.number = max(job.number, int(entry[0]) + 1)
                if not job.old:
                    job.journal.write("r %s%s\n" % (_KEPT, entry[0]))
    elif base.size("/ota_kept") > -2:
        job.journal.write("x /ota_kept\n")


def _other_case(job, path):
    """Whether another path that is listed is the same one on FAT."""
    for i, (name, _, _) in job.items():
        if i >= 0 and name != path and name.lower() == path.lower():
            return True


def _again(job, last):
    """The lines of what is kept already, with those that come last or without them."""
    if job.keep and job.old:
        job.old.seek(0)
        job.old.readline()
        for line in job.old:
            if line[2:-1] == _TRIAL:
                break  # from here on it is of our own
            if (line.split(" /")[-1][:-1].lower() in _LAST) == last:
                job.kept.write(line)


def _try(job):
    """Lines that put the new version on trial; without a way back there is none."""
    if job.keep:
        app = max(base.size("/app/app.py"), base.size("/app/app.mpy")) >= 0
        found = {"id": job.id[:16], "up": job.up, "app": app, "proof": job.proof}
        with job.open("trial", "w") as f:
            ujson.dump(found, f)
        job.journal.write("p %s %s\n" % (job.at("trial"), _TRIAL))
        job.journal.write("p %s %slist\n" % (job.at("kept"), _KEPT))
    else:
        job.journal.write("r %s\nr /ota_crash.json\n" % _TRIAL)


def _wipe(job, path, kind):
    """Lines for all below a path that the update does not name."""
    yield 0
    if min(path) < " ":
        return  # it would be a line of its own
    if kind & 0x4000:
        entry = None
        for entry in uos.ilistdir("/" + path):
            yield from _wipe(job, path + "/" + entry[0], entry[1])
        job.journal.write("d /%s\n" % path)  # if it is empty then
        if not entry:
            job.kept.write("m /%s\n" % path)
    elif not job.find(path):
        _remove(job, path)


def _put(job, staged, path, last):
    if base.size(staged) >= 0 and (path.lower() in _LAST) == last:
        _keep(job, path)
        job.journal.write("p %s /%s\n" % (staged, path))
        other = _sibling(path)
        if other and base.size("/" + other) >= 0 and not job.find(other):
            _remove(job, other)


def _remove(job, path):
    _keep(job, path)
    job.journal.write("r /%s\n" % path)


def _keep(job, path):
    """Lines that keep what is at a path, and bring it back; not what came with the trial."""
    if not job.keep or path[:5].lower() == "data/" or job.old and _has(job, path):
        return
    there = base.size("/" + path)
    how = "r" if there < 0 else "e"
    if there > 0:
        how = "p %s%d" % (_KEPT, job.number)
        job.number += 1
        # Moving out of the root could hide boot.py from a boot after a cut: see _settle().
        copy = job.copies or path.lower() in _LAST or "/" not in path and path[:4] != "ota_"
        job.need += there + 4096 if copy else 512
        job.journal.write("%s%s /%s\n" % ("c" if copy else "k", how[1:], path))
    job.kept.write("%s /%s\n" % (how, path))


def _has(job, path):
    job.old.seek(0)
    for line in job.old:
        if line.endswith(" /%s\n" % path):
            return True


def _sibling(path):
    """x.py for x.mpy and the reverse: with both on the board the source would win."""
    stem, dot, kind = path.rpartition(".")
    other = {"py": "mpy", "mpy": "py"}.get(kind)
    return other and dot and stem + dot + other


def _entry(f, path, size, sha, time):
    comma = "" if f.tell() < 12 else ","
    time = ',"time":%d' % time if time else ""
    f.write('%s"%s":{"size":%d,"sha256":"%s"%s}\n' % (comma, path, size, sha, time))

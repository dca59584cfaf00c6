"""The power-loss sweep: every scenario on littlefs and FAT, cut at every flash operation.

run.py                    all of it, the recovery too cut at every operation
run.py --quick [NAME…]    the recovery cut for a sample only; NAME: littlefs, littlefs/update, …
run.py CASE               one case again, by the id that a failure prints: littlefs/update/half/137
run.py --forget …         without the commit point: the boots do not find the journal
run.py --erase-first …    on FAT a sector write begins with an erase, and may be cut after that
"""

import argparse
import json
import os
import resource
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from powerloss import apart, recorder, scenarios, sweep
from powerloss.tool import Unknown

FILE_SYSTEMS = ("littlefs", "fat")
_ALL = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
SHOWN = 5  # bad states of a scenario that are printed in full


def record(fs, names):
    """Records in a process of its own; [(name, why it cannot)]."""
    bench = recorder.Recorder(fs)
    lacking = []
    for name in names:
        try:
            bench.record(name).save()
        except Unknown as error:
            lacking.append((f"{fs}/{name}", str(error)))
    return lacking


def sweep_part(fs, name, part, parts, options):
    """Sweeps a part of a recording in a process of its own; what it found, in plain numbers."""
    shown = []

    def tell(case, faults):
        if len(shown) < SHOWN:
            shown.append((case, faults))

    forget = sweep.JOURNAL if options.forget else None
    recording = recorder.saved(fs, name)
    done = sweep.Sweep(recording, not options.quick, forget, options.erase_first, tell)
    done.run(part, parts)
    done.boots.board.close()
    return {
        "name": f"{fs}/{name}",
        "parts": parts,
        "swept": done.swept,
        "old": done.ends["old"],
        "new": done.ends["new"],
        "bad": done.bad,
        "mixed": done.mixed,
        "boots": done.boots.board.boots,
        "seconds": sum(sum(resource.getrusage(who)[:2]) for who in _ALL),
        "shown": shown,
    }


def merge(whole, part):
    """Adds what one part found to what its scenario has so far."""
    if not whole:
        return {**part, "left": part["parts"] - 1}
    for key in ("swept", "old", "new", "bad", "mixed", "boots", "seconds", "shown"):
        whole[key] += part[key]
    whole["left"] -= 1
    return whole


def say(result):
    print(
        f"{result['name']}: {result['swept']} cut points, {result['old']} old, "
        f"{result['new']} new, {result['bad']} bad ({result['mixed']} mixed), "
        f"{result['boots']} boots in {result['seconds']:.0f} s of CPU",
        flush=True,
    )
    for case, faults in result["shown"][:SHOWN]:
        print(f"  {case}: " + "; ".join(faults))


def wanted(names):
    """[(fs, scenario)]"""
    pairs = [(fs, name) for fs in FILE_SYSTEMS for name in scenarios.swept()]
    if not names:
        return pairs
    found = [pair for pair in pairs if {pair[0], "/".join(pair)} & set(names)]
    if not found:
        raise SystemExit(f"no such scenario: {' '.join(names)}")
    return found


def run(options):
    began = time.monotonic()
    pairs = wanted(options.names)
    jobs = options.jobs
    asked = [(fs, [name for f, name in pairs if f == fs]) for fs in FILE_SYSTEMS]
    lacking = dict(sum(apart.each(record, [one for one in asked if one[1]], jobs), []))
    pairs = [pair for pair in pairs if "/".join(pair) not in lacking]
    parts = jobs if options.quick else 8 * jobs
    tasks = [(*pair, part, parts, options) for pair in pairs for part in range(parts)]
    results = gather(apart.each(sweep_part, tasks, jobs), options)
    return report(options, results, lacking, time.monotonic() - began)


def gather(found, options):
    """The results by scenario; said as each is complete."""
    results = {}
    for part in found:
        name = part["name"]
        results[name] = merge(results.get(name), part)
        if not results[name]["left"] and not options.json:
            say(results[name])
    return list(results.values())


def report(options, results, lacking, seconds):
    swept = sum(result["swept"] for result in results)
    bad = sum(result["bad"] for result in results)
    if options.json:
        print(json.dumps({"results": results, "lacking": lacking}))
    else:
        for name, why in lacking.items():
            print(f"{name}: not swept: {why}")
        print(f"cut points swept: {swept}, bad states: {bad}, {seconds:.0f} s")
    return 1 if bad else 0


def replay(case, options):
    """One case, by its id."""
    fs, name, *cuts = case.split("/")
    recording = recorder.saved(fs, name)
    if not recorder.current(recording):
        print("it is recorded anew: the numbers of the operations may have moved")
        apart.call(record, fs, [name])
        recording = recorder.saved(fs, name)
    forget = sweep.JOURNAL if options.forget else None
    one = sweep.Sweep(recording, forget=forget)
    state, faults = one.replay(*[(cuts[i], int(cuts[i + 1])) for i in range(0, len(cuts), 2)])
    print(f"{case}: {state or 'neither old nor new'}")
    for fault in faults:
        print("  " + fault)
    print(one.boots.board.output(), end="")
    return 1 if faults else 0


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", metavar="NAME or CASE")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--forget", action="store_true")
    parser.add_argument("--erase-first", action="store_true")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), metavar="N")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    try:
        if options.names and options.names[0].count("/") > 1:
            return replay(options.names[0], options)
        return run(options)
    except apart.Failed as error:
        raise SystemExit(f"powerloss: {error}") from None


if __name__ == "__main__":
    sys.exit(main())

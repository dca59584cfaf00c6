"""A board with an agent of 2.0, as far as a host sees it: words behind the update, a state that
`version` tells, a traceback, and a plan of what it says after the next commit.
"""

import hashlib
import json

from .old_board import OldBoard

AGENT = "2.0.0"
CONFIRMED = {"state": "confirmed"}


def update_id(version, files):
    """What the board calls an update: the beginning of the hash over what a signature covers."""
    lines = [version] + [f"{path}:{files[path]['sha256']}" for path in sorted(files)]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]


def on_trial(app=0, left=0.2, need=(), **more):
    return {"state": "trial", "app": app, "left": left, "need": list(need), **more}


def rolled_back(why, version="unknown", **more):
    return {"state": "rolled back", "why": why, "version": version, **more}


class NewBoard(OldBoard):
    commands = (*OldBoard.commands, "crash", "rollback", "safe_mode")

    def __init__(self, **how):
        self.status = CONFIRMED
        self.plan = [on_trial(), CONFIRMED]  # told one after the other once it has restarted
        self.crash = {}
        self.kept = None  # version
        self.words = []  # of each update that was begun
        self.greedy = 0  # updates for which the app leaves no memory
        self.full = False  # it leaves none for the next connection
        self.full_after_commit = False
        super().__init__(**how)

    def _version(self, wire, _):
        told = {"version": self.version, "agent": AGENT, **self.status}
        wire.send(json.dumps(told, ensure_ascii=False).encode() + b"\n")
        if self.upcoming:
            self.status = self.upcoming.pop(0)

    upcoming = ()

    def serve(self, wire):
        if self.full:
            self.full = False
            self._restart_without_app(wire)
        else:
            super().serve(wire)

    def _restart_without_app(self, wire):
        wire.say("error: restarting without the app, which leaves too little memory")
        self.status = {**self.status, "safe": True}
        return self._restart()

    def _crash(self, wire, _):
        wire.say(json.dumps(self.crash))

    def _rollback(self, wire, _):
        if self.kept is None:
            wire.say("error: nothing is kept")
            return False
        wire.say("ok")
        self.status = rolled_back("by hand", self.kept, **{"from": self.version})
        return self._restart()

    def _safe_mode(self, wire, _):
        wire.say("ok")
        self.status = {**self.status, "safe": True}
        return self._restart()

    def _start_ota(self, wire, words):
        return self._begin(wire, words) or super()._start_ota(wire, "")

    def _stream_ota(self, wire, argument):
        total, _, words = argument.partition(" ")
        return self._begin(wire, words) or super()._stream_ota(wire, total)

    def _begin(self, wire, words):
        self.words.append(words)
        if not self.greedy:
            return False
        self.greedy -= 1
        return self._restart_without_app(wire)

    def _commit(self, wire, session, version, staged):
        over = super()._commit(wire, session, version, staged)
        self.full = self.full_after_commit
        if self.commits:
            name = {"id": update_id(version, self.installed())}
            failure = {"from": version, **name}
            told = {"confirmed": {}, "trial": name, "rolled back": failure}
            plan = [{**told[status["state"]], **status} for status in self.plan]
            self.status, *self.upcoming = plan
        return over

"""A board with a confirmed version, on which the next one is tried: its time flies, so that half a
minute on trial is some seconds. What a test of it asks most: is all as it was before?
"""

import hashlib
import json
import shutil
import signal

from .board import Board
from .old_board import sha256
from .project import Project
from .wire import Gone, until

SPEED = 10
WIFI = "net:right"
LOG = b"measured\n" * 100  # the app's own, in /data
CONFIG = {"ssid": "net", "password": "right", "confirmAfter": 5, "confirmNetwork": 20}
FREE = ("ota_version.json", "ota_manifest.json", "ota_guard.py", "ota_boot_state.json")


def app(body, before=""):
    """The text of an app whose run() is @body, lines without indentation."""
    lines = "".join(f"    {line}\n" for line in body.strip("\n").split("\n"))
    head = "import machine\nimport os\nimport sys\nimport time\n\nimport uota\n\n"
    return f"{head}{before}\n\ndef run():\n{lines}".encode()


GREEDY = """
reserve = bytearray({left})
held = None
for size in (1024, 64, 0):
    try:
        while True:
            held = held, bytearray(size)
    except MemoryError:
        pass
reserve = None
"""  # how a body begins that leaves so much of the heap
WAIT = "while 'wait.txt' in os.listdir('/data'):\n    time.sleep_ms(100)\n"  # … until told to go on
LIVE = "while True:\n    time.sleep(1)"  # how a body ends that goes on


def config(**more):
    return json.dumps({**CONFIG, **more}).encode()


def says(word):
    """An app that prints a word, and lives."""
    return app(f"print('the app says {word}')\n{LIVE}")


def version(word, **more):
    """The files of a version that is all right; @more: its files that are not, `.` as `_`."""
    files = {
        "app/app.py": says(word),
        "app/more.py": f"# {word}\n".encode() * 50,
        "lib/driver.py": f"# driver {word}\n".encode(),
        "config/ota.json": config(name=word),
    }
    return {**files, **more}


ONE = version("one")


def update_id(number, files):
    """By which the agent knows an update again."""
    text = number + "".join(f"\n{path}:{sha256(files[path])}" for path in sorted(files))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


class Tried(Board):
    """@image: of a board to go on with; else it is new, and @options may put files onto it."""

    def __init__(self, folder, *options, image=None, wifi=WIFI, ready=None):
        folder.mkdir(exist_ok=True)
        if image:
            shutil.copy(image, folder / "board.img")
        self.ready = ready or self.ready
        project = Project(folder / "project", None)
        project.write("config/ota.json", config(name="bootstrap"))
        super().__init__(folder, project, f"--speed={SPEED}", f"--wifi={wifi}", *options)

    def state(self):
        return json.loads(self.tool.ask("version"))

    def crash(self):
        return json.loads(self.tool.ask("crash"))

    # What happens to it; each gives the place in its output from which to wait for what follows

    def update(self, number, files, words=""):
        mark = self.mark()
        answer = self.tool.push_files(number, files, words)
        assert answer == "ok", answer
        return mark

    def takes(self, number, files):
        """Whether it takes an update; the connection may break over it."""
        try:
            return self.tool.push_files(number, files) == "ok"
        except (Gone, OSError):
            return False

    def ask(self, command):
        mark = self.mark()
        assert self.tool.ask(command) == "ok"
        return mark

    def go_on(self):
        """What an app that began with WAIT waits for."""
        return self.ask("rm /data/wait.txt")

    def power_cut(self):
        mark = self.mark()
        self.process.send_signal(signal.SIGUSR2)
        return mark

    # What it does of its own

    def is_confirmed(self, mark):
        """Until it is, for which it must have been reached."""
        self.wait_until_back(mark)
        self.state()
        self.wait_for(r"\[uota\] confirmed after \d+ s", mark)
        self.until(lambda: self.state()["state"] == "confirmed")

    def is_clean(self):
        """Until this boot has come through, outside of a trial."""
        state = "/ota_boot_state.json"
        self.until(lambda: json.loads(self.on_flash(state) or b"{}").get("clean") is True)

    def goes_back(self, mark):
        """Until it serves again with the version before. Returns why."""
        pattern = r"(?s)\[uota\] back from [^\n]*?: ([^\n]*)\n.*?\[uota\] listening on port"
        return self.wait_for(pattern, mark).group(1)

    def until(self, condition):
        """Until @condition(), which may ask a board that is just resetting."""

        def holds():
            try:
                return condition()
            except (Gone, OSError):
                return False

        until(holds, lambda: f"not so:\n{self.output.text[-3000:]}")

    # What it has

    def snapshot(self):
        """All that is not the agent's own book-keeping, byte for byte."""
        found = self.files()
        found["/config/ota.json"] = self.on_flash("/config/ota.json")
        told = ("/ota_version.json", "/ota_manifest.json")
        return {path: data for path, data in found.items() if path[:5] != "/ota_" or path in told}

    def litter(self):
        """What the agent has left of an update that is over."""
        return [name for name in self.ls() if name[:4] == "ota_" and name not in FREE]

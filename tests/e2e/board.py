"""A simulated board: the agent on the real MicroPython, with its flash in a file."""

import json
import subprocess
import sys
from pathlib import Path

from .old_tool import OldTool
from .process import Output
from .wire import DEADLINE, Gone, until

ROOT = Path(__file__).resolve().parents[2]
BOOT_NOTE = "/ota_boot_state.json"
SIM = [sys.executable, str(ROOT / "sim" / "uota-sim")]


class Board:
    """@project gives it its configuration, as the first installation over the cable would."""

    host = "127.0.0.1"
    ready = r"\[uota\] listening on port"  # what it prints when it has come up

    def __init__(self, folder, project, *options):
        self.flash = folder / "board.img"
        self.project = project
        self.options = options
        self.password = project.secrets.get("otaPassword") or None
        self.key = project.secrets.get("signingKey") or None
        self.port = 0
        self.start()

    def start(self):
        arguments = ["--flash", str(self.flash), "--port", str(self.port), *self.options]
        if not self.flash.exists():
            arguments.append(str(self.project.path))
        self.process = subprocess.Popen(
            [*SIM, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self.err = Output(self.process.stderr.fileno())
        self.output = Output(self.process.stdout.fileno())
        self.port = int(self.err.wait_for(r"uota-sim: .* at [\d.]+:(\d+), flash").group(1))
        self.wait_for(self.ready)

    def kill(self):
        """The power goes: nothing of the board is left but its flash."""
        self.process.kill()
        self.process.wait(DEADLINE)
        self.output.wait_for_end()
        self.err.wait_for_end()
        self.process.stdout.close()
        self.process.stderr.close()

    def stop(self):
        self.kill()
        # shown where the test has failed
        print(f"--- the board, last of all:\n{self.output.text[-3000:]}{self.err.text[-2000:]}")

    def restart(self):
        """Off and on again, at the same address."""
        self.kill()
        self.start()

    def wait_until_settled(self):
        """Until this boot has come through: nothing more is written to the flash by itself."""
        until(lambda: json.loads(self.on_flash(BOOT_NOTE) or "{}").get("clean"))

    # What it says

    def mark(self):
        return self.output.mark()

    def wait_for(self, pattern, after=0):
        return self.output.wait_for(pattern, after)

    def wait_until_back(self, mark):
        """Until it serves again after the reset that it has made since @mark."""
        self.wait_for(r"\[uota\] listening on port", mark)

    @property
    def at(self):
        return ("--host", self.host, "--port", str(self.port))

    # What it has

    @property
    def tool(self):
        """A host of 1.0 that has the board's secrets."""
        return OldTool(self.host, self.port, self.password, self.key)

    def version(self):
        return self.tool.version()

    def on_flash(self, path):
        """A file as the image has it, past the agent: bytes, or None."""
        look = subprocess.run([*SIM, "cat", str(self.flash), path], capture_output=True)
        if look.returncode == 0:
            return look.stdout
        assert b"no such file" in look.stderr, look.stderr.decode()
        return None

    def ls(self, path="/"):
        return self.tool.ls(path)

    def read(self, path):
        return self.tool.get(path)

    def files(self):
        """All that it gives: each path with what is in it, or with why it is not told. Without
        the note of this boot, which changes by itself when the boot has come through.
        """
        found = {}
        with self.tool.connect() as wire:
            folders = ["/"]
            while folders:
                folder = folders.pop()
                wire.say("ls " + folder)
                entries = []
                while line := wire.line():
                    entries.append(line)
                for entry in entries:
                    if entry == "ota_part/":
                        continue  # for the next push of the same, which goes on there
                    if entry.endswith("/"):
                        found[folder + entry] = None
                        folders.append(folder + entry)
                    else:
                        size = wire.ask("get " + folder + entry)
                        found[folder + entry] = wire.read(int(size)) if size.isdigit() else size
        found.pop(BOOT_NOTE, None)
        return found

    def config(self):
        """/config/ota.json as the image has it."""
        return json.loads(self.on_flash("/config/ota.json"))

    def image(self):
        """All of the flash: equal before and after when not even a sector was written."""
        return self.flash.read_bytes()

    def wait_until_idle(self):
        """Until the board has noticed that its last peer is gone: nothing staged, and an update
        would be let in.
        """

        def is_idle():
            try:
                return "ota_stage/" not in self.ls()
            except (Gone, ConnectionError):
                return False

        until(is_idle, lambda: f"still staged:\n{self.output.text[-2000:]}")

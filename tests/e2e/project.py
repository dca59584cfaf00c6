"""A project folder as a user has it, with the changes that tests make."""

import json

# Calm: two busy threads are more than the unix port of MicroPython bears.
APP = """import time


def run():
    print("the app says {word}")
    while True:
        time.sleep(1)
"""


class Project:
    def __init__(self, path, run):
        self.path = path
        self._run = run  # the tool

    def uota(self, *arguments, **how):
        """Runs the tool in the project's folder."""
        return self._run(*arguments, cwd=self.path, **how)

    def __truediv__(self, path):
        return self.path / path

    def write(self, path, content):
        """@content: str or bytes. Folders are made."""
        file = self.path / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content.encode() if isinstance(content, str) else content)
        return file

    def delete(self, path):
        (self.path / path).unlink()

    def app_says(self, word):
        """From the next push on the board's app prints `the app says WORD`."""
        self.write("app/app.py", APP.format(word=word))

    @property
    def config(self):
        return json.loads((self.path / "config/ota.json").read_text())

    @property
    def secrets(self):
        path = self.path / "config/.ota.secrets.json"
        return json.loads(path.read_text()) if path.exists() else {}

    def set(self, **keys):
        """Changes keys of config/ota.json; None takes one out."""
        self._change("config/ota.json", self.config, keys)

    def set_secrets(self, **keys):
        """Changes keys of the secrets file; None takes one out."""
        self._change("config/.ota.secrets.json", self.secrets, keys)
        (self.path / "config/.ota.secrets.json").chmod(0o600)

    def _change(self, path, content, keys):
        content.update(keys)
        content = {key: value for key, value in content.items() if value is not None}
        self.write(path, json.dumps(content, indent=4, ensure_ascii=False) + "\n")

    def without_secrets(self):
        self.delete("config/.ota.secrets.json")

"""Pushes a folder, completely: see the package's text."""

import argparse
import time
from pathlib import Path

from .errors import BoardError
from .hello import Secrets
from .manifest import File, Manifest
from .session import Session, Stream, installed_files


def main() -> None:
    parser = argparse.ArgumentParser(prog="client2")
    parser.add_argument("host")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--port", type=int, default=2018)
    parser.add_argument("--password", default="")
    parser.add_argument("--signing-key", default="")
    parser.add_argument("--version", default="1.0.0")
    given = parser.parse_args()
    contents = {
        path.relative_to(given.folder).as_posix(): path.read_bytes()
        for path in sorted(given.folder.rglob("*"))
        if path.is_file() and path.name != ".ota.secrets.json"
    }
    stream = Stream.connect(given.host, given.port)
    with Session(stream, Secrets(given.password, given.signing_key)) as session:
        counter = max(int(time.time()), session.json("info")["counter"] + 1)
        files = [File.of(path, content) for path, content in contents.items()]
        manifest = Manifest(given.version, counter, files)
        there = installed(session)
        result = session.push(manifest, contents, given.signing_key, installed=lambda: there)
    print(result)


def installed(session: Session) -> dict[str, str]:
    try:
        return installed_files(session.get("ota_manifest.json"))
    except BoardError:
        return {}  # a fresh board has none


if __name__ == "__main__":
    main()

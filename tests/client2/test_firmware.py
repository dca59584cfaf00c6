"""What docs/protocol.md asks of a board can be done with the modules that MicroPython has."""

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
MICROPYTHON = Path(sys.executable).parent / "micropython"


def test_the_vectors_hold_with_micropythons_own_modules():
    command = [MICROPYTHON, HERE / "firmware.py", HERE.parent / "vectors"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1].startswith("link2 frames ")

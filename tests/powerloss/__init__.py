"""Power cuts at every flash operation of an update; see sweep.py. The simulator lies in sim/."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "sim"))

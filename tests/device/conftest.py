"""The other test_*.py here are MicroPython's: run.py runs them, and test_agent.py runs that."""

import os

HERE = os.path.dirname(__file__)
collect_ignore = [
    name
    for name in os.listdir(HERE)
    if name.startswith("test_") and name not in ("test_agent.py", "test_boots.py")
]

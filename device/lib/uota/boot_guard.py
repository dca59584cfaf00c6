# What boot.py does before anything else: bring the flash to a state that can start.
# Always source, never .mpy, and it imports nothing of the agent: it must run whatever
# state the rest is in.
import os


def recover():
    """Discard what an interrupted update has staged."""
    try:
        rmtree("/ota_stage")
    except OSError:
        pass  # nothing staged: the usual case


def rmtree(path):
    for entry in os.ilistdir(path):
        name = path + "/" + entry[0]
        if entry[1] & 0x4000:
            rmtree(name)
        else:
            os.remove(name)
    os.rmdir(path)

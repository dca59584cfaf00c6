# What the agent keeps of the heap while it waits: boot guard, loop and TCP, once the boot has come
# through and the code for that is gone. It has an interpreter to itself, and not run.py's: it finds
# nothing loaded, and the table of names, which grows in steps of some KB, holds no others.
import gc
import sys

import board

board.boot()
board.fresh()
board.write("/config/ota.json", b'{"port": 0}')
gc.collect()
before = gc.mem_alloc()
import uota

uota._guard()
while not uota.clean or uota._task:
    uota.poll(50)
gc.collect()
kept = gc.mem_alloc() - before
print("at rest: %d bytes of heap" % kept)
sys.exit(1 if kept > 14 * 1024 else 0)

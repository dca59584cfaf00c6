# What the agent keeps of the heap while it waits: boot guard, loop and TCP, once the boot has come
# through and the code for that is gone. Wants an interpreter to itself: it finds nothing loaded.
import gc

import board


def test_at_rest_it_keeps_14_kb():
    board.write("/config/ota.json", b'{"port": 0}')
    gc.collect()
    before = gc.mem_alloc()
    import uota

    uota._guard()
    while not uota.clean or uota._task:
        uota.poll(50)
    gc.collect()
    kept = gc.mem_alloc() - before
    print("  at rest: %d bytes of heap" % kept)
    assert kept <= 14 * 1024

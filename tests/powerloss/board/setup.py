# Run once per process of the harness, in the interpreter from which every boot is forked: what
# sim_setup.py does, with the rig's flash and hooks in the simulator's place.
import sys
import vfs

vfs.umount("/")
vfs.mount(vfs.VfsPosix(SETTINGS["board_dir"]), "/sim")  # noqa: F821 (put in front by engine.py)
vfs.mount(vfs.VfsPosix(SETTINGS["rig_dir"]), "/rig")  # noqa: F821
sys.path[:] = ["/sim", "/rig"]
del sys.argv[:]

import rig

rig.prepare(SETTINGS)  # noqa: F821
del SETTINGS, sys, vfs, rig  # noqa: F821

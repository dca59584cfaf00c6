# Run once by the supervisor, in the interpreter from which every boot is forked: loads the
# stand-ins under the names the board knows them by, and leaves exactly SETTINGS["heap"] bytes
# free. What a boot does itself is in sim_boot.py.

import sys
import vfs

vfs.umount("/")
vfs.mount(vfs.VfsPosix(SETTINGS["board_dir"]), "/sim")  # noqa: F821 (put in front by engine.py)
sys.path[:] = ["/sim"]
del sys.argv[:]

import sim_boot

sim_boot.prepare(SETTINGS)  # noqa: F821
del SETTINGS, sys, vfs, sim_boot  # noqa: F821

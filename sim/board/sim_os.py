# `os` of an ESP32: the file system on the flash, uname, and times since 2000. What only the unix
# port has (system, getenv, ...) is absent, and so is os.sync, which no ESP32 has.

import sys
import uos as _os

_EPOCH = 946684800

sep = "/"
chdir, getcwd, ilistdir, listdir = _os.chdir, _os.getcwd, _os.ilistdir, _os.listdir
mkdir, remove, rename, rmdir = _os.mkdir, _os.remove, _os.rename, _os.rmdir
statvfs, unlink, urandom = _os.statvfs, _os.unlink, _os.urandom
mount, umount, VfsFat, VfsLfs2 = _os.mount, _os.umount, _os.VfsFat, _os.VfsLfs2


def stat(path):
    found = _os.stat(path)
    if found[8] < _EPOCH:
        return found
    return found[:7] + tuple([seconds - _EPOCH for seconds in found[7:]])


def uname():
    import collections

    fields = ("sysname", "nodename", "release", "version", "machine")
    version = "%d.%d.%d" % sys.implementation[1][:3]
    text = sys.version.split("; ")[-1]
    return collections.namedtuple("uname", fields)(
        "esp32", "esp32", version, text, "Simulated board with ESP32"
    )

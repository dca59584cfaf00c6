# What the firmware's C start-up and _boot.py do on an ESP32, as far as it is Python: stand-ins
# under their board names, the file system on the flash, the heap of the wished size.

import gc
import sys

import gil
import host
import micropython
import sim_time
import sim_socket
import sim_select
import sim_thread
import sim_sys
import sim_os
import sim_gc
import sim_asyncio
import sim_hurry
import machine
import network
import esp32
import flash
import vfs

_KEY = "#sim"  # where the supervisor finds this module; no import statement can
_BLOCK = 32  # of the garbage collector, on 64 bits
_OVERRIDES = {
    "time": sim_time,
    "_asyncio": sim_asyncio,
    "socket": sim_socket,
    "select": sim_select,
    "_thread": sim_thread,
    "sys": sim_sys,
    "os": sim_os,
    "gc": sim_gc,
    "machine": machine,
    "network": network,
    "esp32": esp32,
}
_EXTENSIBLE = "time", "socket", "select", "os", "machine"  # `import utime` is never a file
_ballast = None


def prepare(settings):
    host.settings = settings
    host.attach(settings["mailbox_fd"], settings["events_fd"])
    settings["image"] = open(settings["image_fd"], "r+b")  # once: the collector closes it
    if settings.get("otadata_fd") is not None:
        settings["otadata"] = open(settings["otadata_fd"], "r+b")
    settings["flash"] = flash.Flash(*_chip())
    sim_socket._network = network
    sim_hurry.begin()
    _install()
    vfs.umount("/sim")
    sys.path[:] = ["", ".frozen", "/lib"]
    _fill(settings["heap"])


def _chip():
    settings = host.settings
    label = "ffat" if settings["fs"] == "fat" else "vfs"
    return settings["image"], settings["flash_size"], label


def _install():
    for name in list(sys.modules):
        del sys.modules[name]
    for name, module in _OVERRIDES.items():
        module.__name__ = name
        sys.modules[name] = module
        if name in _EXTENSIBLE:
            sys.modules["u" + name] = module
    sys.modules[_KEY] = sys_modules_entry()


class _Entry:
    pass


def sys_modules_entry():
    entry = _Entry()
    entry.start, entry.repl, entry.stop = start, repl, stop
    return entry


# -- the heap


def _fill(free):
    # Takes all memory but one stretch of `free` bytes, measured with the file system mounted.
    global _ballast
    mounted = _mount()
    gc.collect()
    room = bytearray(free - 2 * _BLOCK)
    for size in (4096, 1024, 256, 64, 0):
        _take(size)
    del room
    if mounted:
        vfs.umount("/")
    gc.collect()


def _take(size):
    global _ballast
    try:
        while True:
            _ballast = (_ballast, bytearray(size) if size else None)
    except MemoryError:
        pass


def _mount():
    settings = host.settings
    device = settings["flash"]
    try:
        device = vfs.VfsLfs2(flash.ForLittlefs(device))
    except OSError:
        pass  # FAT, or nothing
    try:
        vfs.mount(device, "/", readonly=settings.get("read_only", False))
    except OSError:
        return False
    return True


# -- a boot


def start():
    _wire_flash()
    mounted = _mount()  # first of all: it gets the memory that it had when the heap was measured
    micropython.kbd_intr(-1)
    gil.enter()
    sim_time._start()
    if not mounted:
        _corrupted()
    sim_gc._start()
    names = sim_os.listdir("/")
    host.tell_boot_files(("boot.py" in names) | ("main.py" in names) << 1)
    gc.collect()


def _wire_flash():
    settings = host.settings
    if settings.get("read_only"):
        settings["flash"] = flash.LockedFlash(*_chip())
    elif host.cut_wished():
        atomic = settings["cut_atomic"]
        settings["flash"] = flash.CutFlash(*_chip(), host.spend_operation, atomic)
    if settings.get("count"):
        settings["flash"] = flash.CountedFlash(settings["flash"], host.count_flash)


def _corrupted():
    # As the ESP32's inisetup.py: a file system that does not mount is not touched.
    micropython.kbd_intr(3)
    while True:
        print("The filesystem appears to be corrupted.")
        sim_time.sleep(3)


def repl():
    # The prompt waits in C, where the GIL cannot be given up.
    gil.leave()


def stop(scope):
    # A soft reset runs the finalisers: files that the app left open are closed.
    scope.clear()
    for name in list(sys.modules):
        if name != _KEY:
            del sys.modules[name]
    gc.collect()
    gc.collect()

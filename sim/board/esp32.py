# `esp32` of a board with one firmware partition: Partition for the firmware and the flash.

import errno
import host

WAKEUP_ALL_LOW, WAKEUP_ANY_HIGH = False, True


def mcu_temperature():
    return 42


class Partition:
    BOOT, RUNNING, TYPE_APP, TYPE_DATA = 0, 1, 0, 1

    def __init__(self, which):
        if which not in (0, 1, "factory", "vfs"):
            raise OSError(errno.ENOENT)
        self._vfs = which == "vfs"

    @classmethod
    def find(cls, type=TYPE_APP, subtype=0xFF, label=None, block_size=4096):
        found = [cls("vfs")] if type == cls.TYPE_DATA else [cls(cls.RUNNING)]
        return [
            part
            for part in found
            if subtype in (0xFF, part.info()[1]) and label in (None, part.info()[4])
        ]

    def info(self):
        if self._vfs:
            return host.settings["flash"].info()
        return (0, 0, 0x10000, 0x1F0000, "factory", False)

    def readblocks(self, *args):
        self._flash().readblocks(*args)

    def writeblocks(self, *args):
        self._flash().writeblocks(*args)

    def ioctl(self, op, arg):
        return self._flash().ioctl(op, arg)

    def _flash(self):
        if not self._vfs:
            raise OSError(errno.EPERM)
        return host.settings["flash"]

    def set_boot(self):
        raise OSError(-258, "ESP_ERR_INVALID_ARG")

    def get_next_update(self):
        raise OSError(errno.ENOENT)

    @classmethod
    def mark_app_valid_cancel_rollback(cls):
        raise OSError(-261, "ESP_ERR_NOT_FOUND")

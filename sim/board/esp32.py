# `esp32` of a board with one firmware partition ("factory") or, with --slots 2, with two (ota_0,
# ota_1): Partition for the firmware and the flash. uota_sim/slots.py is the bootloader.

import errno
import host

WAKEUP_ALL_LOW, WAKEUP_ANY_HIGH = False, True

_VALID, _NEW = 0, 1  # of a slot, as uota_sim/slots.py has them
_ACTIVE, _STATES, _RUNNING = 0, 1, 3  # offsets in otadata

# (type, subtype, address, size, label, encrypted)
_FACTORY = ((0, 0, 0x10000, 0x1F0000, "factory", False),)
_OTA = (
    (0, 16, 0x10000, 0x180000, "ota_0", False),
    (0, 17, 0x190000, 0x180000, "ota_1", False),
)


def mcu_temperature():
    return 42


def _otadata():
    return host.settings.get("otadata")


def _get(at):
    file = _otadata()
    file.seek(at)
    return file.read(1)[0]


def _put(at, value):
    file = _otadata()
    file.seek(at)
    file.write(bytes((value,)))


def _apps():
    return _OTA if _otadata() else _FACTORY


def _data():
    return host.settings["flash"].info()


class Partition:
    BOOT, RUNNING, TYPE_APP, TYPE_DATA = 0, 1, 0, 1

    def __init__(self, which):
        self._info = _of_number(which) if isinstance(which, int) else _of_label(which)

    @classmethod
    def find(cls, type=TYPE_APP, subtype=0xFF, label=None, block_size=4096):
        found = (_data(),) if type == cls.TYPE_DATA else _apps()
        return [
            cls(info[4])
            for info in found
            if subtype in (0xFF, info[1]) and label in (None, info[4])
        ]

    def info(self):
        return self._info

    def readblocks(self, block, buf, offset=0):
        self._flash().readblocks(block, buf, offset)

    def writeblocks(self, *args):
        self._flash().writeblocks(*args)

    def ioctl(self, op, arg):
        return self._flash().ioctl(op, arg)

    def _flash(self):
        if self._info[0] != self.TYPE_DATA:
            raise OSError(errno.EPERM)
        return host.settings["flash"]

    def set_boot(self):
        if self._info[0] == self.TYPE_DATA or self._info[4] in host.settings.get("broken", ()):
            raise OSError(-0x1503, "ESP_ERR_OTA_VALIDATE_FAILED")
        if not _otadata():
            raise OSError(-0x105, "ESP_ERR_NOT_FOUND")
        slot = self._info[1] - 16
        _put(_STATES + slot, _NEW)
        _put(_ACTIVE, slot)

    def get_next_update(self):
        if not _otadata() or self._info[0] == self.TYPE_DATA:
            raise OSError(errno.ENOENT)
        return Partition(_OTA[17 - self._info[1]][4])

    @classmethod
    def mark_app_valid_cancel_rollback(cls):
        if not _otadata():
            raise OSError(-0x105, "ESP_ERR_NOT_FOUND")
        _put(_STATES + _get(_ACTIVE), _VALID)

    def __repr__(self):
        return (
            "<Partition type=%d, subtype=%d, address=%d, size=%d, label=%s, encrypted=%d>"
            % self._info
        )


def _of_number(which):
    if which not in (Partition.BOOT, Partition.RUNNING):
        raise ValueError
    apps = _apps()
    if len(apps) == 1:
        return apps[0]
    return apps[_get(_RUNNING if which == Partition.RUNNING else _ACTIVE)]


def _of_label(label):
    for info in _apps() + (_data(),):
        if info[4] == label:
            return info
    raise OSError(errno.ENOENT)

# The flash chip: a block device on the image file, with the face of esp32.Partition (4096-byte
# blocks, erased bytes are FF). Every operation reaches the host at once, so that what was written
# stays when the process is killed. Nothing allocates: a file that the garbage collector closes is
# written with the heap locked. CutFlash loses power after a chosen number of operations,
# LockedFlash takes no writes, CountedFlash counts what another one is told to do.

import gil
import host
import micropython

BLOCK = 4096

_ERASED = b"\xff" * BLOCK
_EROFS = 30


def _done(arg):
    return 0


def _block(arg):
    return BLOCK


def _unknown(arg):
    return None


class Flash:
    # littlefs and FAT are not to be entered twice, and at a jump in bytecode another thread may
    # get its turn: there is none in what they call here.
    def __init__(self, file, size, label="vfs"):
        self._file = file
        self._seek = file.seek
        self._size = size
        self._label = label
        self._len, self._ops = len, gil.flash_ops  # for _read
        at = host.settings.get("image_at")
        if at:
            self._at = at
        else:
            self._read = self._read_file
        self._ioctl = {1: _done, 2: _done, 3: _done, 4: self._blocks, 5: _block, 6: self._erase}

    def readblocks(self, block, buf, offset=0):
        self._read(block, buf, offset)

    def _read_file(self, block, buf, offset):
        self._seek(block * BLOCK + offset)
        self._file.readinto(buf)

    @micropython.viper
    def _read(self, block: int, buf, offset: int):
        # What of it is on the flash. It uses no global: those of its caller would be put aside on
        # the stack, and what they hold would look alive to the collector long after.
        ops = ptr32(self._ops)  # noqa: F821
        ops[0] += 1
        at = (block << 12) + offset
        size = int(self._len(buf))
        left = int(self._size) - at
        if at < 0 or left <= 0:
            return
        if size > left:
            size = left
        if (at | size) & 3:
            to = ptr8(buf)  # noqa: F821
            image = ptr8(int(self._at) + at)  # noqa: F821
            for i in range(size):
                to[i] = image[i]
        else:
            here = ptr32(buf)  # noqa: F821
            there = ptr32(int(self._at) + at)  # noqa: F821
            for i in range(size >> 2):
                here[i] = there[i]

    def writeblocks(self, block, buf, offset=0):
        self._write(block * BLOCK + offset, buf)  # without an offset, too: as it is erased

    def _write(self, at, buf):
        self._ops[0] += 1
        self._seek(at)
        self._file.write(buf)

    def _erase(self, block):  # as ioctl() answers
        self._write(block * BLOCK, _ERASED)
        return 0

    def _blocks(self, arg):
        return self._size // BLOCK

    def ioctl(self, op, arg):
        return self._ioctl.get(op, _unknown)(arg)

    def info(self):
        return (1, 129, 0x200000, self._size, self._label, False)

    def __repr__(self):
        return "<Partition type=1, subtype=129, address=%d, size=%d, label=%s, encrypted=0>" % (
            0x200000,
            self._size,
            self._label,
        )


class ForLittlefs:
    # `chip` as littlefs uses it, always with an offset: it reads some hundred times for one stat,
    # hence all in one step and, where the image is mapped, without a call of the system. An
    # ESP32's flash is read through a cache, too.
    def __init__(self, chip):
        self.readblocks = chip._read
        self.writeblocks = chip.writeblocks
        self.ioctl = chip.ioctl


class CutFlash(Flash):
    # `spend()` is asked before every operation and does not return when power is lost. On FAT a
    # write without offset is an erase and a program, unless `atomic` (a controller that remaps).
    def __init__(self, file, size, label, spend, atomic):
        super().__init__(file, size, label)
        self._spend = spend
        self._atomic = atomic

    def _write(self, at, buf):
        self._spend()
        super()._write(at, buf)

    def writeblocks(self, block, buf, offset=None):
        if offset is None and not self._atomic:
            for i in range(len(buf) // BLOCK):
                self._erase(block + i)
        super().writeblocks(block, buf, offset or 0)


class LockedFlash(Flash):
    # A partition that the partition table marks as read-only. The file system above it, mounted
    # read-only, does not get to writeblocks(), but littlefs erases before it writes.
    def _write(self, at, buf):
        raise OSError(-0x10D, "ESP_ERR_NOT_ALLOWED")

    def ioctl(self, op, arg):
        return -_EROFS if op == 6 else super().ioctl(op, arg)


class CountedFlash:
    # `count(erases, programs, bytes)` is told of each operation that the chip has done.
    def __init__(self, chip, count):
        self._chip = chip
        self._count = count
        self.readblocks = chip.readblocks
        self._read = chip._read
        self.info = chip.info

    def writeblocks(self, block, buf, offset=None):
        if offset is None:
            self._chip.writeblocks(block, buf)
        else:
            self._chip.writeblocks(block, buf, offset)
        self._count(0 if offset is not None else len(buf) // BLOCK, 1, len(buf))

    def ioctl(self, op, arg):
        done = self._chip.ioctl(op, arg)
        if op == 6:
            self._count(1, 0, 0)
        return done

    def __repr__(self):
        return repr(self._chip)

"""A FAT volume from outside: its free clusters can be filled with garbage, since a file whose
clusters count as free reads correctly until they are reused, and its chains can be checked.
"""

import functools
import hashlib
import struct

_END = {12: 0xFF8, 16: 0xFFF8}


class Volume:
    """@image: its sectors, which are the blocks of the flash."""

    def __init__(self, image):
        self.image = image
        sector, self.per_cluster, reserved, fats, roots, total = struct.unpack_from(
            "<HBHBHH", image[0], 11
        )
        size = struct.unpack_from("<H", image[0], 22)[0]
        total = total or struct.unpack_from("<I", image[0], 32)[0]
        self.root = reserved + fats * size
        self.data = self.root + roots * 32 // sector
        self.cluster = self.per_cluster * sector
        self.count = (total - self.data) // self.per_cluster
        self.bits = 12 if self.count < 4085 else 16
        self.entries = _entries(b"".join(image[reserved : reserved + size]), self.count, self.bits)

    def free(self):
        return [n for n in range(2, self.count + 2) if self.entries[n] == 0]

    def fill_free(self):
        """Garbage over all that counts as free."""
        for n in self.free():
            at = self.data + (n - 2) * self.per_cluster
            self.image[at : at + self.per_cluster] = _noise(n, self.per_cluster, self.cluster)

    def content(self, chain):
        data = []
        for n in chain:
            at = self.data + (n - 2) * self.per_cluster
            data += self.image[at : at + self.per_cluster]
        return b"".join(data)

    def chain(self, n):
        """The clusters from n on; ends at a free or impossible one, which is the last given."""
        found = []
        while 2 <= n < self.count + 2 and n not in found:
            found.append(n)
            n = self.entries[n]
        if n < _END[self.bits]:
            found.append(n)
        return found

    def faults(self):
        """What is wrong with the chains of what the directories name."""
        self._owner = {}
        faults = []
        self._folder(b"".join(self.image[self.root : self.data]), "", faults)
        return faults

    def _folder(self, entries, path, faults):
        for at in range(0, len(entries), 32):
            entry = bytes(entries[at : at + 32])
            if entry[0] == 0:
                return
            if entry[0] == 0xE5 or entry[11] & 0x08 or entry[0] == ord("."):
                continue
            name = path + "/" + entry[:11].decode("latin-1").strip()
            start, size = struct.unpack_from("<HI", entry, 26)
            chain = self.chain(start) if start else []
            self._own(name, chain, faults)
            if entry[11] & 0x10:
                self._folder(self.content(chain), name, faults)
            elif len(chain) * self.cluster < size:
                faults.append(f"chain of {name}: {len(chain)} clusters for {size} bytes")

    def _own(self, name, chain, faults):
        for n in chain:
            if not 2 <= n < self.count + 2 or not self.entries[n]:
                faults.append(f"chain of {name}: cluster {n} is free")
                return
            if n in self._owner:
                faults.append(f"chain of {name}: cluster {n} is also {self._owner[n]}'s")
                return
            self._owner[n] = name


@functools.lru_cache(100)
def _entries(table, count, bits):
    """What the table says of each cluster; the first two are none."""
    if bits == 16:
        return struct.unpack_from(f"<{count + 2}H", table)
    pairs = [struct.unpack_from("<H", table, n * 3 // 2)[0] for n in range(count + 2)]
    return tuple(pair >> 4 if n & 1 else pair & 0xFFF for n, pair in enumerate(pairs))


@functools.cache
def _noise(n, sectors, size):
    part = hashlib.sha256(b"%d" % n).digest() * (size // sectors // 32)
    return [part] * sectors

"""A FAT volume from outside: its free clusters can be filled with garbage, since a file whose
clusters count as free reads correctly until they are reused, and its chains can be checked.
"""

import hashlib
import struct

_END = {12: 0xFF8, 16: 0xFFF8}


class Volume:
    def __init__(self, image):
        self.image = image
        sector, self.per_cluster, reserved, fats, roots, total = struct.unpack_from(
            "<HBHBHH", image, 11
        )
        size = struct.unpack_from("<H", image, 22)[0]
        total = total or struct.unpack_from("<I", image, 32)[0]
        self.table = reserved * sector
        self.root = self.table + fats * size * sector
        self.root_entries = roots
        self.data = self.root + roots * 32
        self.cluster = self.per_cluster * sector
        self.count = (total * sector - self.data) // self.cluster
        self.bits = 12 if self.count < 4085 else 16

    def entry(self, n):
        if self.bits == 16:
            return struct.unpack_from("<H", self.image, self.table + 2 * n)[0]
        pair = struct.unpack_from("<H", self.image, self.table + n * 3 // 2)[0]
        return pair >> 4 if n & 1 else pair & 0xFFF

    def free(self):
        return [n for n in range(2, self.count + 2) if self.entry(n) == 0]

    def at(self, n):
        return self.data + (n - 2) * self.cluster

    def fill_free(self):
        """Garbage over all that counts as free."""
        for n in self.free():
            noise = hashlib.sha256(b"%d" % n).digest() * (self.cluster // 32)
            self.image[self.at(n) : self.at(n) + self.cluster] = noise

    def chain(self, n):
        """The clusters from n on; ends at a free or impossible one, which is the last given."""
        found = []
        while 2 <= n < self.count + 2 and n not in found:
            found.append(n)
            n = self.entry(n)
        if n < _END[self.bits]:
            found.append(n)
        return found

    def faults(self):
        """What is wrong with the chains of what the directories name."""
        self._owner = {}
        faults = []
        self._folder(self.image[self.root : self.data], "", faults)
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
                data = b"".join(self.image[self.at(n) : self.at(n) + self.cluster] for n in chain)
                self._folder(data, name, faults)
            elif len(chain) * self.cluster < size:
                faults.append(f"chain of {name}: {len(chain)} clusters for {size} bytes")

    def _own(self, name, chain, faults):
        for n in chain:
            if not 2 <= n < self.count + 2 or not self.entry(n):
                faults.append(f"chain of {name}: cluster {n} is free")
                return
            if n in self._owner:
                faults.append(f"chain of {name}: cluster {n} is also {self._owner[n]}'s")
                return
            self._owner[n] = name

"""Boots of images, few of which are made. What a boot does follows from the blocks that it reads:
on an image on which these are as on an earlier one it shows the same, and does the same to the
flash. That this holds is checked for a sample.
"""

import functools
import hashlib

from . import flashlog, verdict
from .machine import BLOCK, LOOK, Boot, Dead

CHECKED = 100  # one in so many boots that need not be made is made all the same


class Boots:
    """@afresh: make each of them."""

    def __init__(self, board, afresh=False):
        self.board, self.afresh = board, afresh
        self.left_out = 0
        self._known = {}  # by how it boots

    def look(self, image, looks=LOOK, forget=()):
        """What the board shows that boots from an image, and its flash operations."""
        known = self._known.setdefault((looks, forget), Known())
        blocks = digests(image)
        found = None if self.afresh else known.find(blocks)
        if found:
            self.left_out += 1
            if self.left_out % CHECKED:
                return found[:2]
        text, log = self._boot(image, looks, forget)
        shown = _look(text), flashlog.parse(log), text
        if found:
            self._check(found, shown)
        known.keep(blocks, self.board.read(), shown)
        return shown[:2]

    def _boot(self, image, looks, forget):
        self.board.image[:] = image
        try:
            text = self.board.boot(Boot(logs=True, looks=looks, forget=forget))
            return text, self.board.take_log()
        except Dead:
            self.board.take_log()
            raise

    @staticmethod
    def _check(found, shown):
        if found[2] != shown[2] or [op[:2] for op in found[1]] != [op[:2] for op in shown[1]]:
            raise AssertionError("a boot that was left out would have shown something else")


class Known:
    """What boots have shown, found again by the blocks that they have read."""

    def __init__(self):
        self._found = {}  # by the blocks that were read: by what was in them

    def find(self, blocks):
        """What a boot shows that finds these blocks, by their digests; None: not known."""
        for read, found in self._found.items():
            shown = found.get(_join(blocks, read))
            if shown:
                return shown
        return None

    def keep(self, blocks, read, shown):
        read = tuple(read)
        self._found.setdefault(read, {})[_join(blocks, read)] = shown


def _join(blocks, read):
    return b"".join([blocks[n] for n in read])


def digests(image):
    view = memoryview(image)
    return [
        hashlib.blake2b(view[at : at + BLOCK], digest_size=16).digest()
        for at in range(0, len(view), BLOCK)
    ]


@functools.lru_cache(1000)
def _look(text):
    return verdict.Look(text)

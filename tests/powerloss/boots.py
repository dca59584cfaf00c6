"""Boots of images, few of which are made. What a boot does follows from the blocks that it reads:
on an image on which these are as on an earlier one it shows the same, and does the same to the
flash. That this holds is checked for a sample.
"""

import functools
import operator

from . import flashlog, verdict
from .machine import LOOK, Boot, Dead

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
        found = None if self.afresh else known.find(image)
        if found:
            self.left_out += 1
            if self.left_out % CHECKED:
                return found[:2]
        text, log = self._boot(image, looks, forget)
        shown = _look(text), flashlog.parse(log), text
        if found:
            self._check(found, shown)
        known.keep(image, self.board.read(), shown)
        return shown[:2]

    def _boot(self, image, looks, forget):
        self.board.load(image)
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
        self._found = {}  # by which blocks were read: by what was in them

    def find(self, image):
        """What a boot from @image shows; None: not known."""
        for read, found in self._found.items():
            shown = found.get(read(image))
            if shown:
                return shown
        return None

    def keep(self, image, blocks, shown):
        read = _getter(tuple(blocks))
        self._found.setdefault(read, {})[read(image)] = shown


@functools.cache
def _getter(blocks):
    return operator.itemgetter(*blocks)


@functools.lru_cache(1000)
def _look(text):
    return verdict.Look(text)

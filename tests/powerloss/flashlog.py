"""The log of flash operations, and the images that a power cut leaves: after operation N, with
the next one not begun, half done, or done to an undefined state. An image is a list of blocks,
which it shares with those that it was made from.
"""

import hashlib
import struct

BLOCK = 4096
ERASE, PROGRAM, SECTOR = 1, 2, 3
NOT, HALF, TORN, ERASED = "not", "half", "torn", "erased"
_HEAD = struct.Struct("<III")
_ERASED = b"\xff" * BLOCK
_NOISE = b"".join(hashlib.sha256(bytes([i])).digest() for i in range(BLOCK // 32))


def blocks(data):
    return [data[at : at + BLOCK] for at in range(0, len(data), BLOCK)]


def parse(data):
    """[(kind, address, bytes)] of a log; an erase brings no bytes."""
    ops = []
    at = 0
    while at < len(data):
        kind, address, size = _HEAD.unpack_from(data, at)
        at += _HEAD.size
        ops.append((kind, address, b"" if kind == ERASE else data[at : at + size]))
        at += len(ops[-1][2])
    return ops


def kinds(op, erases):
    """The ways in which an operation can be cut, besides not beginning. @erases: a sector write
    begins with an erase.
    """
    if op[0] == ERASE:
        return (HALF, TORN)
    return (HALF, ERASED) if op[0] == SECTOR and erases else (HALF,)


def apply(image, op):
    kind, at, data = op
    _put(image, at, _ERASED if kind == ERASE else data)


def _put(image, at, data):
    """No operation goes beyond its block."""
    n, at = divmod(at, BLOCK)
    if len(data) < BLOCK:
        old = image[n]
        data = old[:at] + data + old[at + len(data) :]
    image[n] = data


def apply_cut(image, op, how):
    """The operation as the power cut leaves it."""
    kind, at, data = op
    if how == NOT:
        return
    if kind == ERASE:
        data = _NOISE if how == TORN else _ERASED[: BLOCK // 2]
    elif how == ERASED:
        data = b"\xff" * len(data)
    else:
        data = data[: len(data) // 2]
    _put(image, at, data)


def rebuild(base, ops, n, how):
    """The image when the power goes at operation n (the first is 0)."""
    image = list(base)
    for op in ops[:n]:
        apply(image, op)
    if n < len(ops):
        apply_cut(image, ops[n], how)
    return image


def after(image, ops):
    """The image once all these operations are done."""
    return rebuild(image, ops, len(ops), NOT)


def unerased(base, ops):
    """Indexes of programs that would need an erase first: a NOR flash only clears bits."""
    image = list(base)
    wrong = []
    for i, op in enumerate(ops):
        kind, at, data = op
        if kind == PROGRAM:
            n, at = divmod(at, BLOCK)
            old = int.from_bytes(image[n][at : at + len(data)], "big")
            if int.from_bytes(data, "big") & ~old:
                wrong.append(i)
        apply(image, op)
    return wrong


def cuts(ops, erases=False):
    """(n, how) of every cut point: before each operation, within it, and after the last."""
    for n, op in enumerate(ops):
        yield n, NOT
        for how in kinds(op, erases):
            yield n, how
    yield len(ops), NOT


def images(base, ops, erases=False):
    """(n, how, image) of every cut point."""
    image = list(base)
    for n, how in cuts(ops, erases):
        if how == NOT and n:
            apply(image, ops[n - 1])
        left = list(image)
        if n < len(ops):
            apply_cut(left, ops[n], how)
        yield n, how, left

"""`uota-sim ls|cat|get`: what is in a flash image, also while a board runs on it."""

import os
import sys

from . import image
from .errors import SimError


def _path(options):
    return "/" + options.path.strip("/")


def ls(options, board_dir):
    found = image.Reader(board_dir, options.image).list(_path(options))
    if found is None:
        raise SimError(f"{_path(options)}: not in {options.image}")
    for name, size in found:
        print(f"{'' if size is None else size:>8} {name}")
    return 0


def _read(options, board_dir):
    data = image.Reader(board_dir, options.image).read(_path(options))
    if data is None:
        raise SimError(f"{_path(options)}: no such file in {options.image}")
    return data


def cat(options, board_dir):
    sys.stdout.buffer.write(_read(options, board_dir))
    sys.stdout.buffer.flush()
    return 0


def get(options, board_dir):
    data = _read(options, board_dir)
    local = options.local or os.path.basename(_path(options))
    if os.path.isdir(local):
        local = os.path.join(local, os.path.basename(_path(options)))
    try:
        with open(local, "wb") as file:
            file.write(data)
    except OSError as error:
        raise SimError(f"{local}: {error.strerror}") from None
    return 0

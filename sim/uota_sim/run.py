"""Runs a board: finds or makes its image, chooses its port, starts MicroPython, hands over to the
supervisor."""

import ctypes
import mmap
import os
import signal
import socket
import sys
import zlib

from . import console, engine, image, mailbox, project, slots, supervisor
from .errors import SimError


def run(options, home):
    supervisor.die_with_parent()
    for number in supervisor.STOP:  # until the supervisor handles them: leave, clean up
        signal.signal(number, lambda *_: sys.exit(0))
    board_dir = os.path.join(home, "board")
    fd, path = _open_image(options)
    config = _prepare_image(options, board_dir, home, fd, path)
    if options.make_only:
        return 0
    return _run_board(options, board_dir, fd, path, config)


# -- the image


def _open_image(options):
    if options.flash is None:
        fd = os.memfd_create("uota-sim-flash")  # nothing is left of it, however this process ends
        return fd, f"/proc/{os.getpid()}/fd/{fd}"
    try:
        fd = os.open(options.flash, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise SimError(f"{options.flash}: {error.strerror}") from None
    image.lock(fd, options.flash)
    return fd, options.flash


def _prepare_image(options, board_dir, home, fd, path):
    """Make the image if it is new; the bytes of the board's configuration, or None."""
    added = [project.put_file(text) for text in options.put]
    if os.fstat(fd).st_size:
        return _go_on(options, board_dir, fd, path, added)
    try:
        files = _bootstrap(options, home) + added
        image.make(board_dir, fd, options.flash_size, options.fs, files)
    except SimError:
        if options.flash:  # an empty file would be taken for an image next time
            os.unlink(path)
        raise
    return dict(files).get("/config/ota.json")


def _go_on(options, board_dir, fd, path, added):
    size = image.check_size(fd, path)
    options.flash_size, options.fs = size, image.file_system(path)
    if options.project:
        _say(options, f"{path} exists: {options.project} is not written to it")
    if added:
        image.put(board_dir, fd, size, added)
    return image.read_file(board_dir, path, "/config/ota.json")


def _bootstrap(options, home):
    files = project.agent_files(_device_dir(home), options.mpy)
    if options.project:
        files.append(("/config/ota.json", project.device_config(options.project)))
    return files


def _device_dir(home):
    wished = os.environ.get("UOTA_DEVICE_DIR")
    if wished:
        return wished
    path = os.path.normpath(os.path.join(home, "..", "device"))
    if not os.path.isdir(path):
        raise SimError(f"{path}: the agent's files are missing; set UOTA_DEVICE_DIR")
    return path


# -- the network


def _ports(options, config):
    """(port at which the board appears, by how much its ports are shifted)"""
    inner = project.port_of(config)
    outer = inner if options.port is None else options.port or _free_port(options.bind)
    if not _is_free(options.bind, outer):
        raise SimError(f"port {outer} of {options.bind} is in use: give another --port, or 0")
    return outer, outer - inner


def _is_free(address, port):
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError as error:
            if port and not _mine(address):
                raise SimError(f"--bind {address}: {error.strerror}") from None
            return False
    return True


def _mine(address):
    with socket.socket() as probe:
        try:
            probe.bind((address, 0))
        except OSError:
            return False
    return True


def _free_port(address):
    """One whose neighbour, RemoteIO's port, is free too."""
    for _ in range(100):
        with socket.socket() as probe:
            try:
                probe.bind((address, 0))
            except OSError as error:
                raise SimError(f"--bind {address}: {error.strerror}") from None
            port = probe.getsockname()[1]
        if port < 65535 and _is_free(address, port + 1):
            return port
    raise SimError("no free port found")


# -- the board


def _say(options, text):
    print(f"uota-sim: {options.name}: {text}", file=sys.stderr, flush=True)


def _unique_id(options):
    seed = options.name + "\0" + (os.path.abspath(options.flash) if options.flash else "")
    return b"\x24\x6f\x28" + zlib.crc32(seed.encode()).to_bytes(4, "big")[1:]


def _run_board(options, board_dir, fd, path, config):
    port, shift = _ports(options, config)
    box = mailbox.Mailbox()
    box.cut_after(options.cut_after)
    events = supervisor.events_pipe()
    firmware = _slots(options)
    mapped = mmap.mmap(fd, options.flash_size, prot=mmap.PROT_READ | mmap.PROT_WRITE)
    settings = {
        "image_fd": fd,
        "image_at": ctypes.addressof(ctypes.c_char.from_buffer(mapped)),
        "mailbox_fd": box.fd,
        "events_fd": events[1],
        "flash_size": options.flash_size,
        "fs": options.fs,
        "heap": options.heap,
        "port_shift": shift,
        "bind": options.bind,
        "address": "127.0.0.1" if options.bind == "0.0.0.0" else options.bind,
        "wifi": options.wifi,
        "unique_id": _unique_id(options),
        "cut_atomic": options.cut_atomic,
        "otadata_fd": firmware and firmware.fd,
        "broken": tuple(options.slot_broken),
        "read_only": options.read_only,
        "count": options.count,
        "speed": options.speed,
    }
    micropython = engine.start_board(board_dir, settings)
    log = supervisor.Log(options.events, lambda text: _say(options, text), options.count)
    attached = _console(options)
    board = supervisor.Supervisor(micropython, box, events, attached, log, firmware)
    place = path if options.flash else f"{path} (temporary)"
    print(
        f"uota-sim: {options.name} at {settings['address']}:{port}, flash {place}",
        file=sys.stderr,
        flush=True,
    )
    try:
        board.run()
    finally:
        attached.close()
    return 0


def _slots(options):
    """The firmware's two slots; None where there is one. The choice is kept beside the image."""
    if options.slots < 2:
        return None
    return slots.Slots(options.flash and options.flash + ".otadata", options.slot_broken)


def _console(options):
    if options.repl:
        return console.Terminal()
    if options.serial:
        return console.Serial(options.serial)
    return console.Nothing()

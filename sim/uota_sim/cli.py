"""The command line: `uota-sim [options] [PROJECT]` runs a board, `uota-sim ls|cat|get` looks into
an image. Exit status 0, 1 with one line of error, 2 for a wrong usage."""

import argparse
import os
import signal
import sys

from . import run, slots
from .errors import SimError

_LOOK = ("ls", "cat", "get")


def main(argv, home):
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    try:
        if argv and argv[0] in _LOOK:
            return _look(argv, home)
        return run.run(_options(argv), home)
    except SimError as error:
        print(f"uota-sim: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def size(text):
    """128K, 1M or plain bytes."""
    units = {"K": 1024, "M": 1024 * 1024}
    unit = units.get(text[-1:].upper(), 1)
    number = text[:-1] if unit > 1 else text
    if not number.isdigit() or not int(number):
        raise argparse.ArgumentTypeError(f"{text!r} is not a size (65536, 128K, 2M)")
    return int(number) * unit


def count(text):
    if not text.isdigit():
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of operations")
    return int(text)


def speed(text):
    if not text.isdigit() or not 0 < int(text) <= 100:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 to 100")
    return int(text)


def port(text):
    if not text.isdigit() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port")
    return int(text)


def wifi(text):
    ssid, colon, password = text.partition(":")
    if not colon or not ssid:
        raise argparse.ArgumentTypeError(f"{text!r} is not SSID:PASSWORD")
    return ssid, password


def _options(argv):
    parser = argparse.ArgumentParser(
        prog="uota-sim",
        description="A simulated board: the micro-ota agent on the real MicroPython, with its "
        "flash in a file. See also: uota-sim ls|cat|get IMAGE [PATH].",
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("project", nargs="?", metavar="PROJECT", help="its configuration goes onto a new image")
    add("--flash", metavar="FILE", help="the image: made if missing, else gone on with")
    add("--name", default="sim", help="the board's name in messages and its unique id")
    add("--port", type=port, metavar="P", help="where its OTA port appears; 0: a free one")
    add("--bind", default="127.0.0.1", metavar="ADDR", help="the host's address it appears on")
    add("--heap", type=size, default="320K", metavar="BYTES", help="free when boot.py starts")
    add("--fs", choices=("littlefs", "fat"), default="littlefs", help="of a new image")
    add("--flash-size", type=size, default="2M", metavar="BYTES", help="of a new image")
    add("--mpy", action="store_true", help="a new image gets the agent as bytecode")
    add("--put", action="append", default=[], metavar="LOCAL:/PATH", help="add a file")
    add("--make-only", action="store_true", help="make the image (needs --flash) and leave")
    add("--wifi", type=wifi, metavar="SSID:PASSWORD", help="the only network there is")
    add("--speed", type=speed, default=1, metavar="N", help="its time goes N times as fast")
    add("--slots", type=int, choices=(1, 2), default=1, help="of the firmware: factory, or OTA")
    add("--slot-broken", choices=slots.LABELS, action="append", default=[], help="not bootable")
    add("--read-only", action="store_true", help="nothing can be written to its flash")
    attached = parser.add_mutually_exclusive_group()
    attached.add_argument("--repl", action="store_true", help="this terminal is its UART")
    attached.add_argument("--serial", metavar="LINK", help="make LINK a serial port to it")
    add("--events", metavar="FILE", help="append what happens to the board, a line each")
    add("--count", action="store_true", help="tell --events the flash operations of each boot")
    add("--cut-after", type=count, metavar="N", help="lose power after N flash operations")
    add("--cut-atomic", action="store_true", help="a sector write is one operation on FAT")
    options = parser.parse_args(argv)
    if options.make_only and not options.flash:
        parser.error("--make-only needs --flash")
    if options.slot_broken and options.slots < 2:
        parser.error("--slot-broken needs --slots 2")
    if options.count and not options.events:
        parser.error("--count needs --events")
    if options.flash_size % 4096:
        parser.error("--flash-size: not a multiple of 4096")
    if options.wifi is None and os.environ.get("UOTA_SIM_WIFI"):
        options.wifi = _wifi_of_environment(parser)
    return options


def _wifi_of_environment(parser):
    try:
        return wifi(os.environ["UOTA_SIM_WIFI"])
    except argparse.ArgumentTypeError as error:
        parser.error(f"UOTA_SIM_WIFI: {error}")


def _look(argv, home):
    parser = argparse.ArgumentParser(prog=f"uota-sim {argv[0]}", allow_abbrev=False)
    parser.add_argument("image", metavar="IMAGE")
    if argv[0] == "ls":
        parser.add_argument("path", metavar="PATH", nargs="?", default="/")
    else:
        parser.add_argument("path", metavar="PATH")
    if argv[0] == "get":
        parser.add_argument("local", metavar="LOCAL", nargs="?")
    options = parser.parse_args(argv[1:])
    from . import look

    return getattr(look, argv[0])(options, os.path.join(home, "board"))

# Formats an image, writes files into it, and answers what is in it. No board runs meanwhile (or
# the image is a copy): this is the workshop, not the board.

import flash
import os
import vfs

_device = None
_reply = None
_fs = None


def begin(settings):
    global _device, _reply, _fs
    _device = flash.Flash(open(settings["image_fd"], "r+b"), settings["flash_size"])
    _fs = settings.get("fs")
    if "reply_fd" in settings:
        _reply = open(settings["reply_fd"], "wb")
    vfs.umount("/sim")


def make():
    kind = vfs.VfsFat if _fs == "fat" else vfs.VfsLfs2
    kind.mkfs(_device)


def _mounted():
    if not vfs.mount():
        vfs.mount(_device, "/")


def put(path, data):
    _mounted()
    folder = ""
    for name in path.split("/")[1:-1]:
        folder += "/" + name
        try:
            os.mkdir(folder)
        except OSError:
            pass
    with open(path, "wb") as file:
        file.write(data)


def _answer(data):
    _reply.write(b"%d\n" % len(data))
    _reply.write(data)


def mount():
    try:
        _mounted()
        _answer(b"ok")
    except OSError:
        _answer(b"no")


def tree(path):
    _mounted()
    lines = []
    try:
        if os.stat(path)[0] & 0x4000:
            _walk(path.rstrip("/"), lines)
        else:
            lines.append("%d %s" % (os.stat(path)[6], path))
    except OSError:
        lines = ["?"]
    _answer("\n".join(lines).encode())


def _walk(folder, lines):
    for entry in sorted(os.ilistdir(folder or "/"), key=lambda entry: entry[0]):
        path = folder + "/" + entry[0]
        if entry[1] & 0x4000:
            lines.append("- " + path + "/")
            _walk(path, lines)
        else:
            lines.append("%d %s" % (os.stat(path)[6], path))


def read(path):
    _mounted()
    try:
        with open(path, "rb") as file:
            _answer(b"=" + file.read())
    except OSError:
        _answer(b"?")

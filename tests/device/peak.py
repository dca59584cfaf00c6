# An agent on a socket, without a board around it, that tells what its sessions cost: the most of
# live heap at any turn of the loop, beyond what is left of an earlier session. bench/ pushes to it.
import gc
import sys

import board

board.boot()
board.fresh(blocks=1024)
board.write("/config/ota.json", b'{"signingKey":"k"}')

import uota
from uota import loop

rest = peak = 0


def used():
    gc.collect()
    return gc.mem_alloc()


def busy(conn, work):
    """ota.Conn's, with a turn of the loop after each step, so that each is looked at."""
    try:
        while True:
            next(work)
            yield 0
    except StopIteration as e:
        conn.limit(30000)
        return e.value


class Loop(loop.Loop):
    def _accept(self, listener):
        uota.load("ota").Conn.busy = busy
        super()._accept(listener)

    def _resume(self, conn):
        global peak
        super()._resume(conn)
        peak = max(peak, used())

    def reset_soon(self, safe=""):
        print("peak", peak - rest, rest)
        sys.exit(0)


uota.clean = True
one = Loop()
gc.collect()
import socket

listener = socket.socket()
listener.bind(socket.getaddrinfo("127.0.0.1", int(sys.argv[1]))[0][-1])
listener.listen(4)
listener.setblocking(False)
one.listen(listener)
for name in uota.SESSION.split():
    __import__("uota." + name)
uota.drop()
rest = used()
print("ready")
while True:
    one.step(1000)

# `gc` without the simulator's own share in its figures.

import gc as _g

collect, disable, enable, isenabled = _g.collect, _g.disable, _g.enable, _g.isenabled
mem_free, threshold = _g.mem_free, _g.threshold
_base = 0


def mem_alloc():
    return _g.mem_alloc() - _base


def _start():
    global _base
    _base = _g.mem_alloc()

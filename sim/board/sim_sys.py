# `sys` of an ESP32: its platform name, its stdin that blocks, and the real module's rest.

import collections
import report
import sim_stdin
import sys as _s

_real = _s.implementation
_fields = ("name", "version", "_machine", "_mpy", "_build", "_thread")
implementation = collections.namedtuple("implementation", _fields)(
    _real.name,
    _real.version,
    "Simulated board with ESP32",
    _real._mpy,
    "ESP32_GENERIC",
    "GIL",
)

platform = "esp32"
argv = []
path = _s.path
modules = _s.modules
version = _s.version
version_info = _s.version_info
byteorder = _s.byteorder
maxsize = _s.maxsize
exit = _s.exit
exc_info = _s.exc_info
print_exception = report.print_exception
ps1, ps2 = _s.ps1, _s.ps2
stdin = sim_stdin.Stdin()
stdout = _s.stdout
stderr = _s.stderr

# Tracebacks as the board would print them: the frames of the simulator are left out.

import io
import sys

_print = sys.print_exception


def print_exception(error, file=None):
    text = io.StringIO()
    _print(error, text)
    lines = [line for line in text.getvalue().split("\n") if '  File "/sim/' not in line]
    print("\n".join(lines), end="", **({} if file is None else {"file": file}))

"""Interrupts at chosen lines of the library: what Ctrl-C can do, made repeatable."""

import sys
from pathlib import Path

import retroprop as rp

ROOT = str(Path(rp.__file__).parent)
NOT_OURS = (f"{ROOT}/tests", f"{ROOT}/benchmarks")


class Lines:
    """Counts the lines of the library that run in the ``with`` block, and raises KeyboardInterrupt before one of them."""

    def __init__(self, stop=None):
        self.stop, self.count, self.place = stop, 0, None

    def __enter__(self):
        self.before = sys.gettrace()
        sys.settrace(self.called)
        return self

    def __exit__(self, *error):
        sys.settrace(self.before)

    def called(self, frame, event, argument):
        path, name = frame.f_code.co_filename, frame.f_code.co_name
        ours = path.startswith(ROOT) and not path.startswith(NOT_OURS)
        return self.line if ours and name != "__del__" else None   # Python itself loses an interrupt in __del__

    def line(self, frame, event, argument):
        if event == "line":
            if self.count == self.stop:
                self.count += 1
                self.place = f"{frame.f_code.co_filename.removeprefix(ROOT)}:{frame.f_lineno}"
                sys.settrace(None)
                raise KeyboardInterrupt
            self.count += 1
        return self.line


def lines_of(act):
    """Return the number of lines of the library that the act runs."""
    with Lines() as lines:
        act()
    return lines.count


def interrupted(act, stop):
    """Run the act and interrupt it before its line number ``stop``; return the place of that line."""
    lines = Lines(stop)
    try:
        with lines:
            act()
    except KeyboardInterrupt:
        pass
    assert lines.place is not None
    return lines.place

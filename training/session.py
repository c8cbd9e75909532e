"""Interactive sessions, in which a function that is interrupted gives back what it has."""

from __future__ import annotations

import multiprocessing
import sys
import threading


def interactive() -> bool:
    """Whether the result of the running code goes to a user at a prompt: of Python, IPython or a notebook.

    Scripts, tests, worker processes and threads have no such user. A worker process that was forked from a session has a copy
    of its prompt.
    """
    prompt = hasattr(sys, "ps1") or bool(sys.flags.interactive)     # IPython, and so a notebook's kernel, sets ps1 too
    return prompt and threading.current_thread() is threading.main_thread() and multiprocessing.parent_process() is None

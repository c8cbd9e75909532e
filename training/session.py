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
    prompt = hasattr(sys, "ps1") or bool(sys.flags.interactive)
    return (prompt and not runs_a_script_in_ipython() and threading.current_thread() is threading.main_thread()
            and multiprocessing.parent_process() is None)


def runs_a_script_in_ipython() -> bool:
    """Whether this is ``ipython script.py``, where ``sys.ps1`` exists as in a session and in the kernel of a notebook."""
    ipython = sys.modules.get("IPython")
    application = None if ipython is None else getattr(ipython.get_ipython(), "parent", None)
    return not getattr(application, "interact", True)               # a kernel has no such attribute

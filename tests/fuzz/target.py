"""The base of what is fuzzed: a kind of file, and how to tell a right result from a wrong one."""

import contextlib
import tracemalloc

from mutations import mutated

ROOM = 2**20                                                        # bytes that reading may take whatever the size of the file
DEFLATE = 1200                                                      # a compressed byte gives up to 1,032 bytes


class Wrong(AssertionError):
    """A result that is not right."""


class Target:
    """A kind of file.

    ``seeds`` are the contents of whole files. ``read`` reads one, raises Wrong if the result is not what the file says, and
    returns whether it was taken (False: refused without an error). The memory that the library takes for it, in the block
    ``measured``, is at most ``allowed``: a multiple of the size of the file, and 1 MB.
    """

    factor = 40.0
    patient = False                                                 # whether reading may take any time

    def allowed(self, content):
        return self.factor * len(content) + ROOM

    @contextlib.contextmanager
    def measured(self):
        tracemalloc.reset_peak()
        before = tracemalloc.get_traced_memory()[0]
        try:
            yield
        finally:
            self.memory = tracemalloc.get_traced_memory()[1] - before

    def __init__(self, folder):
        self.folder = folder
        self.path = folder / "file"
        self.seeds = self.make()

    def mutate(self, content, rng):
        return mutated(content, rng)

    def write(self, content):
        self.path.write_bytes(content)

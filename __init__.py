"""retroprop: a neural-network framework in which learning is explicit: forward, backward, update."""

import lazy_loader

__version__ = "0.1.0"

# Each public name stands in __init__.pyi, and is imported when it is first used.
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

"""retroprop: a neural-network framework in which learning is explicit: forward, backward, update."""

from typing import Any

import lazy_loader

__version__ = "0.1.0"

# Each public name stands in __init__.pyi, and is imported when it is first used.
_imported, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)


def __getattr__(name: str) -> Any:
    if name in __all__:
        return _imported(name)
    from retroprop import datasets, names
    return names.unknown_names(__name__, [*__all__, *(f"datasets.{other}" for other in datasets.__all__)])(name)

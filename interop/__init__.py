"""The tools that people have: networks of other libraries, files that others read, and scikit-learn's conventions.

Each part needs its own optional packages, which are imported when it is used.
"""

from typing import Any

import lazy_loader

from ..names import unknown_names

# As in the package itself: each name stands in __init__.pyi, and is imported when it is first used.
_imported, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)


def __getattr__(name: str) -> Any:
    return (_imported if name in __all__ else unknown_names(__name__, __all__))(name)

"""The page that runs this library in a browser: its Python side, its static files, and the server that shows it.

In the browser, what writes and serves the page is not imported.
"""

from typing import Any

import lazy_loader

from ..names import unknown_names

# As in the package itself: each name stands in __init__.pyi, and is imported when it is first used.
_imported, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)


def __getattr__(name: str) -> Any:
    return (_imported if name in __all__ else unknown_names(__name__, __all__))(name)

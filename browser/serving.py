"""A small web server for the page, on this computer alone."""

from __future__ import annotations

import errno
import os
import sys
import webbrowser
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from tempfile import TemporaryDirectory
from threading import Thread
from typing import Any, Self

from ..arguments import positive_int
from ..errors import ArgumentError
from .writing import write_page


class Handler(SimpleHTTPRequestHandler):
    """Serves files with the types that browsers want of scripts, whatever this computer calls them, and writes no log."""

    extensions_map = SimpleHTTPRequestHandler.extensions_map | {
        ".js": "text/javascript", ".mjs": "text/javascript", ".css": "text/css", ".html": "text/html; charset=utf-8",
        ".json": "application/json", ".wasm": "application/wasm", ".whl": "application/zip", ".svg": "image/svg+xml"}
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: Any) -> None:
        """Write nothing."""

    def end_headers(self) -> None:
        self.send_header("Cache-Control", "no-cache")               # another version of the library may be served next
        super().end_headers()


class Server(ThreadingHTTPServer):
    """Answers each request in a thread that does not keep Python from ending."""

    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of a browser that went away in the middle of a file."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


SERVING: set[Serving] = set()                                       # all until they are closed: who made one may not keep it


class Serving:
    """The page, served from this computer until ``close``, or until Python ends; ``with`` closes it too.

    Attributes
    ----------
    url : str
        The address of the page.
    """

    def __init__(self, pyodide: str | os.PathLike[str] | None, port: int) -> None:
        self._folder = TemporaryDirectory(prefix="retroprop-play-")
        try:
            write_page(self._folder.name, pyodide=pyodide)
            self._server = Server(("127.0.0.1", port), partial(Handler, directory=self._folder.name))
        except BaseException as error:
            self._folder.cleanup()
            if isinstance(error, OSError) and error.errno in (errno.EADDRINUSE, errno.EACCES) and error.filename is None:
                error.filename = f"port {port}"                     # which the system does not name
            raise
        self.url = f"http://127.0.0.1:{self._server.server_port}/"
        self._thread = Thread(target=self._server.serve_forever, args=(0.1,), name="retroprop-play", daemon=True)
        self._thread.start()
        SERVING.add(self)

    def wait(self) -> None:
        """Serve until Ctrl-C: for a script, which would end before the page is loaded."""
        try:
            while self._thread.is_alive():
                self._thread.join(1)                                # on Windows, Ctrl-C cannot end a wait without a limit
        finally:
            self.close()

    def close(self) -> None:
        """End the server, and delete its files. A page that is open goes on."""
        self._server.shutdown()
        self._server.server_close()
        self._folder.cleanup()
        SERVING.discard(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<the page at {self.url}>"

    def _repr_html_(self) -> str:
        return f'The page is at <a href="{self.url}">{self.url}</a>.'


def play(*, pyodide: str | os.PathLike[str] | None = None, port: int = 0, show: bool = True) -> Serving:
    """Open the page on which two networks train side by side in the browser, and one batch can be stepped through by hand.

    The page runs this copy of the library, with Pyodide. It is served from this computer, to this computer alone.

    Parameters
    ----------
    pyodide : str or path, optional
        Where Pyodide is: an address or, for work without a network, a folder; see `retroprop.browser.write_page`. By default
        the browser loads it from its public place, 17 MB.
    port : int, default 0
        Of the server; 0: one that is free.
    show : bool, default True
        Whether to open the page in a browser.

    Returns
    -------
    Serving
        Has the address of the page as ``url``. The server ends with ``close()``, or when Python ends; in a script, call
        ``wait()`` so that it does not end at once.

    Raises
    ------
    ArgumentError
        ``pyodide`` is a folder without Pyodide, or with another version.
    OSError
        The port is in use, or needs rights that the user does not have.

    Examples
    --------
    >>> import retroprop as rp
    >>> with rp.play(show=False) as page:                           # doctest: +SKIP
    ...     print(page.url)
    http://127.0.0.1:40123/
    """
    if positive_int("port", port, 0) > 65535:
        raise ArgumentError(f"port must be at most 65535, got {port}")
    serving = Serving(pyodide, port)
    if show:
        webbrowser.open(serving.url)
    return serving

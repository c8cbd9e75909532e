"""``retroprop play``: the page in the browser."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .serving import play

if TYPE_CHECKING:
    import argparse


def add_command(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    command = commands.add_parser(
        "play", help="open the page that trains networks in the browser", allow_abbrev=False,
        description="Serve the page that runs this library in the browser, and open it. Ctrl-C ends the server.")
    command.add_argument("--pyodide", metavar="PLACE",
                         help="the address or the folder of Pyodide (default: its public place on the internet)")
    command.add_argument("--port", type=int, default=0, help="of the server (default: one that is free)")
    command.add_argument("--no-browser", action="store_false", dest="show", help="do not open a browser")
    command.set_defaults(run=run)


def run(*, pyodide: str | None, port: int, show: bool) -> int:
    serving = play(pyodide=pyodide, port=port, show=show)
    print(f"The page is at {serving.url}; Ctrl-C ends it.", flush=True)
    serving.wait()
    return 0

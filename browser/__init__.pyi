"""The public names of ``retroprop.browser``; each is imported when it is first used."""

from .serving import Serving as Serving, play as play
from .session import Session as Session
from .settings import Settings as Settings
from .writing import PYODIDE as PYODIDE, write_page as write_page

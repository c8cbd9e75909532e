"""All that is fuzzed, by name."""

from importlib.util import find_spec
from pathlib import Path

from data_files import Idx, Mnist, Npz
from kept_files import Progress, Runs, States
from models import Models
from network_files import Onnx
from scripts import Scripts
from table_files import Tables

TARGETS = {"states": States, "idx": Idx, "mnist": Mnist, "npz": Npz, "runs": Runs, "progress": Progress, "scripts": Scripts,
           "tables": Tables, "models": Models}
if find_spec("onnx"):                                               # the extra onnx
    TARGETS["onnx"] = Onnx


def sandbox(folder, name):
    """Return the target of this name in an empty folder."""
    place = Path(folder) / name
    place.mkdir(parents=True)
    return TARGETS[name](place)

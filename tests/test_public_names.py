"""The public names: each is imported when it is first used, and nothing else is."""

import subprocess
import sys

import pytest

import retroprop as rp

HEAVY = {"scipy", "matplotlib", "joblib", "tqdm", "safetensors"}


@pytest.mark.parametrize("code", [
    "import retroprop", "import retroprop as rp; rp.Linear, rp.BCE, rp.SGD, rp.fit, rp.tape",
    "from retroprop.__main__ import parser; parser()", "import retroprop.experiments.compare.training"])
def test_importing_training_and_reading_a_command_load_no_heavy_package(code):
    code += "; import sys; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not HEAVY & set(loaded)


def test_every_public_name_is_there():
    assert {"Linear", "compare", "tape", "datasets", "plots", "training"} <= set(dir(rp)) == set(rp.__all__)
    assert all(hasattr(rp, name) for name in rp.__all__)
    with pytest.raises(AttributeError, match="nothing"):
        rp.nothing  # noqa: B018


def test_a_name_that_is_also_a_module_is_what_the_stub_says():
    assert callable(rp.tape)
    assert callable(rp.compare)
    assert rp.saliency is rp.inspection.saliency

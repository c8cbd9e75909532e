"""What needs an optional package says which extra brings it, when it is used and not before."""

import sys

import pytest

import retroprop as rp
from retroprop.errors import ArgumentError


@pytest.mark.parametrize("name", ["Classifier", "Regressor"])
def test_without_scikit_learn_its_extra_is_named(monkeypatch, name):
    for module in [module for module in sys.modules if module.split(".")[0] == "sklearn"]:
        monkeypatch.setitem(sys.modules, module, None)
    monkeypatch.setitem(sys.modules, "sklearn", None)
    monkeypatch.delitem(vars(rp.interop), name, raising=False)
    for module in ("scikit_learn", "scikit_learn_training"):
        monkeypatch.delitem(sys.modules, f"retroprop.interop.{module}", raising=False)
        monkeypatch.delattr(rp.interop, module, raising=False)
    assert name in dir(rp.interop)
    with pytest.raises(ImportError, match=r"^An estimator of retroprop\.interop needs the extra sklearn: "
                                          r"pip install 'retroprop\[sklearn\]' \(") as caught:
        getattr(rp.interop, name)
    assert isinstance(caught.value, ArgumentError)

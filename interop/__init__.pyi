"""The public names of interop, once; ``__init__.py`` imports each when it is first used."""

from .scikit_learn import Classifier as Classifier, Regressor as Regressor

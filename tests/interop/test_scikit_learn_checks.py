"""Classifier and Regressor keep all of scikit-learn's conventions: its own checks pass, none is expected to fail."""

import pytest

pytest.importorskip("sklearn", reason="needs the extra sklearn")
from sklearn.utils.estimator_checks import parametrize_with_checks

import retroprop as rp
from retroprop.interop import Classifier, Regressor


def two_outputs(features, outputs):
    return rp.Sequential(rp.Linear(features, 8), rp.ReLU(), rp.Linear(8, max(outputs, 2)))


QUICK = {"hidden": (16,), "lr": 0.02, "max_iter": 60}
ALL = [Classifier(**QUICK), Regressor(**QUICK),
       Classifier(two_outputs, init="He", optimizer="rmsprop", lr=0.02, max_iter=60),
       Regressor(activation="relu", init="PyTorch", loss=rp.Huber(), lr=0.02, max_iter=60)]
SAMPLE = ("check_sample_weight_equivalence_on_dense_data", "check_methods_subset_invariance", "check_estimators_unfitted",
          "check_fit2d_1sample", "check_all_zero_sample_weights_error", "check_classifiers_one_label", "check_dict_unchanged",
          "check_estimators_nan_inf", "check_estimators_pickle", "check_class_weight_classifiers", "check_supervised_y_2d",
          "check_classifiers_multilabel_output_format_predict_proba", "check_regressor_multioutput", "check_set_params")
MARK = parametrize_with_checks(ALL)                                 # of old versions, its checks are a generator
CHECKS, IDS = list(MARK.args[1]), MARK.kwargs["ids"]


def name_of(check):
    return getattr(check, "func", check).__name__


@pytest.mark.long
@pytest.mark.parametrize(("estimator", "check"), CHECKS, ids=IDS)
def test_all_checks(estimator, check):
    check(estimator)


@pytest.mark.parametrize(("estimator", "check"), [
    (estimator, check) for estimator, check in CHECKS if name_of(check) in SAMPLE and "hidden" in str(estimator)], ids=IDS)
def test_a_sample_of_the_checks(estimator, check):
    check(estimator)

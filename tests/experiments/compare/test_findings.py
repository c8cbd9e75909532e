"""The finding of a comparison says what the numbers show, with the budget, and claims no difference that they do not show."""

import comparisons
import pytest
from comparisons import at_rates, comparison, falling, spread

import retroprop as rp
from retroprop.experiments.compare.findings import findings, leaders, verdicts

GLOROT, SLOW, NOTHING = falling(0.08, 0.04, 0.02), falling(0.5, 0.2, 0.05), falling(0.92, 0.92, 0.92, width=0)
ALMOST, DIVERGED = falling(0.8, 0.5, 0.3), [[0.9, None]] * 5


@pytest.mark.parametrize(("errors", "said"), [
    # some learn, others do not
    ({"Glorot": GLOROT, "N(0, 0.01²)": NOTHING}, "Glorot learns in 1 epoch; N(0, 0.01²) not within 3"),
    ({"Standard": SLOW, "Glorot": GLOROT, "A": ALMOST, "B": NOTHING}, "Glorot learns in 1 epoch; A and B not within 3"),
    ({"Glorot": GLOROT, "A": DIVERGED}, "Glorot learns in 1 epoch; A diverges"),
    ({"Glorot": GLOROT, "A": DIVERGED, "B": DIVERGED}, "Glorot learns in 1 epoch; A and B diverge"),
    ({"Glorot": GLOROT, "A": DIVERGED, "B": NOTHING}, "Glorot learns in 1 epoch; A and B not within 3"),
    ({"Glorot": GLOROT, "He": GLOROT[:4] + SLOW[4:], "A": ALMOST}, "Glorot and He learn in 1 epoch; A not within 3"),
    ({"Glorot": GLOROT, "He": GLOROT[:4] + ALMOST[4:]},
     "Both initializations learn in 1 epoch; no difference in test error is shown after 3"),
    ({"Glorot": GLOROT, "He": GLOROT[:2] + ALMOST[2:]}, "Glorot learns in 1 epoch; He in 2 of 5 runs within 3"),
    ({"Glorot": GLOROT, "He": GLOROT[:2] + ALMOST[2:], "A": ALMOST[:3] + GLOROT[3:]},
     "Glorot learns in 1 epoch; He and A in at most half of the runs within 3"),
    ({"Glorot": GLOROT[:4] + DIVERGED[4:], "Standard": SLOW}, "Glorot learns in 1 epoch; Standard needs 3"),
    ({"Glorot": GLOROT, "A": GLOROT[:1] + DIVERGED[1:]}, "Glorot learns in 1 epoch; A diverges in 4 of 5 runs"),
    ({"Glorot": GLOROT, "A": GLOROT[:1] + DIVERGED[1:], "B": DIVERGED},
     "Glorot learns in 1 epoch; A and B diverge in most runs"),
    # the one that ends lower stands first, whatever its epochs
    ({"Standard": falling(0.08, 0.2, 0.15), "Glorot": [*falling(0.2, 0.08, 0.02)[1:], GLOROT[0]], "A": NOTHING},
     "Glorot and Standard learn in 1 to 2 epochs, but the error of Standard rises again; A not within 3"),
    ({"Standard": falling(0.08, 0.2, 0.15), "A": NOTHING},
     "Standard learns in 1 epoch, but its error rises again; A not within 3"),
    # all learn
    ({"Glorot": GLOROT, "Standard": SLOW}, "Glorot learns in 1 epoch; Standard needs 3"),
    ({"Glorot": GLOROT, "A": SLOW, "B": falling(0.5, 0.09, 0.05)}, "Glorot learns in 1 epoch; B and A need 2 to 3"),
    ({"Glorot": GLOROT, "He": falling(0.07, 0.04, 0.04)},
     "Both initializations learn in 1 epoch; Glorot ends lowest, at a test error of 2.0 ± 0.2 % after 3"),
    ({"Glorot": GLOROT, "He": GLOROT[::-1]},
     "Both initializations learn in 1 epoch; no difference in test error is shown after 3"),
    ({"Glorot": GLOROT, "He": GLOROT[::-1], "LeCun": falling(0.07, 0.06, 0.05)},
     "All 3 initializations learn in 1 epoch; Glorot and He end lowest in test error after 3"),
    ({"Glorot": GLOROT, "He": GLOROT}, "Both initializations give the same test error in every run after 3 epochs"),
    # none learns
    ({"Glorot": ALMOST, "He": falling(0.8, 0.6, 0.5)},
     "None of 2 initializations reaches 10 % within 3 epochs; Glorot comes lowest, at a test error of 30.0 ± 0.2 %"),
    ({"Glorot": ALMOST, "He": ALMOST[::-1]},
     "None of 2 initializations reaches 10 % within 3 epochs; no difference in test error is shown"),
    ({"Glorot": NOTHING, "He": falling(0.95, 0.95, 0.95)}, "None of 2 initializations learns anything in 3 epochs"),
    ({"Glorot": DIVERGED, "He": DIVERGED}, "Both initializations diverge in every run"),
    ({"Glorot": DIVERGED, "He": DIVERGED, "A": DIVERGED}, "All 3 initializations diverge in every run"),
    ({"Glorot": ALMOST[:3] + GLOROT[3:], "He": ALMOST},
     "None of 2 initializations reaches 10 % in most runs within 3 epochs; Glorot does in 2 of 5 runs"),
    # a single one
    ({"Glorot": GLOROT}, "Glorot learns in 1 epoch and ends at a test error of 2.0 ± 0.2 % after 3"),
    ({"Glorot": ALMOST}, "Glorot does not reach 10 % within 3 epochs"),
    ({"Glorot": ALMOST[:3] + GLOROT[3:]}, "Glorot reaches 10 % in 2 of 5 runs within 3 epochs"),
    ({"Glorot": [*GLOROT[:4], [0.9, None]]},
     "Glorot learns in 1 epoch in 4 of 5 runs and ends at a test error of 2.0 ± 0.2 % after 3"),
    ({"Glorot": [*GLOROT[:1], *DIVERGED[1:]]}, "Glorot diverges in 4 of 5 runs"),
    ({"Glorot": NOTHING}, "Glorot learns nothing in 3 epochs"),
    ({"Glorot": DIVERGED}, "Glorot diverges in every run"),
    ({"Glorot": GLOROT[:1]}, "Glorot learns in 1 epoch and ends at a test error of 1.9 % after 3 (one run)"),
    ({"Glorot": GLOROT[:1], "He": SLOW[:1]}, "Glorot learns in 1 epoch; He needs 3 (one run)"),
])
def test_the_finding_is_one_sentence_with_its_budget(errors, said):
    assert comparison(errors).finding == said


@pytest.mark.parametrize(("count", "said"), [
    (9, "Of 9 initializations, 3 learn in 1 epoch, 3 more within 20 and 3 do not"),
    (51, "Of 51 initializations, 17 learn in 1 epoch, 17 more within 20 and 17 do not"),
])
def test_many_initializations_are_counted(count, said):
    assert comparisons.many(count).finding == said


@pytest.mark.parametrize(("groups", "said"), [
    ((7, 0, 0), "Of 7 initializations, 7 learn in 1 epoch"),
    ((1, 0, 7), "Of 8 initializations, 1 learns in 1 epoch and 7 do not within 3"),
    ((0, 6, 1), "Of 7 initializations, 6 learn within 3 epochs and 1 does not"),
    ((0, 0, 7), "None of 7 initializations learns in 3 epochs"),
])
def test_counts_of_one_and_of_none_read_well(groups, said):
    errors = [errors for errors, count in zip((GLOROT, SLOW, ALMOST), groups, strict=True) for _ in range(count)]
    assert comparison({f"A{k}": one for k, one in enumerate(errors)}).finding == said


def test_regression_is_told_in_its_own_words():
    """An R² of 0.5 is an RMSE of 70.7 where always predicting the mean has 100."""
    both = {"Glorot": falling(80.0, 60.0, 55.0, width=1), "He": falling(95.0, 90.0, 80.0, width=1)}
    assert comparison(both, kind="values", unit="mg", chance=100.0).finding == "Glorot learns in 2 epochs; He not within 3"
    alone = comparison({"He": both["He"]}, kind="values", unit="mg", chance=100.0)
    assert alone.finding == "He does not reach an R² of 0.5 within 3 epochs"
    first = comparison({"Glorot": both["Glorot"]}, kind="values", unit="mg", chance=100.0)
    assert first.finding == "Glorot learns in 2 epochs and ends at a test RMSE of 55 ± 0.98 mg after 3"


def test_rates_that_were_chosen_are_said():
    errors = {"Glorot": {0.01: spread(0.04), 0.1: spread(0.02)}, "He": {0.01: spread(0.3), 0.1: [None] * 5}}
    assert at_rates(errors).finding == "Glorot learns in 2 epochs; He not within 2, each at its best of 2 learning rates"
    alone = at_rates({"Glorot": errors["Glorot"]}).finding
    assert alone == "Glorot learns in 2 epochs and ends at a test error of 2.0 ± 0.2 % after 2, at its best of 2 learning rates"


def test_the_leaders_are_those_that_no_test_tells_apart():
    found = comparison({"A": falling(0.05), "B": falling(0.02), "C": falling(0.02)[::-1], "D": DIVERGED})
    assert leaders(found) == ["B", "C"]
    once = {"A": falling(0.3), "B": [[0.2]] * 2 + [[None]] * 3, "C": falling(0.3)[::-1]}
    assert leaders(comparison(once)) == ["A", "C"]
    said = "None of 3 initializations reaches 10 % within 1 epoch; A and C come lowest in test error"
    assert comparison(once).finding == said
    assert leaders(comparison({"B": once["B"], "D": DIVERGED})) == ["B"]


def test_errors_that_differ_by_the_same_in_each_run_are_told_apart():
    """There is no spread for a t test, and no doubt either; a single run shows nothing."""
    errors = {"A": [[0.3], [0.32], [0.31]], "B": [[0.2], [0.22], [0.21]]}
    assert leaders(comparison(errors)) == ["B"]
    assert comparison(errors).finding == ("None of 2 initializations reaches 10 % within 1 epoch; B comes lowest, at a test "
                                          "error of 21.0 ± 2.5 %")
    assert leaders(comparison({init: group[:1] for init, group in errors.items()})) == ["B", "A"]


def test_a_run_that_diverges_after_it_reached_the_target_has_not_learned():
    found = comparison({"Glorot": [[0.05, None]] * 4 + [[0.05, 0.05]], "He": [[0.05, None]] * 5})
    assert [one.kind for one in verdicts(found)] == ["diverges", "diverges"]
    assert [one.text(2) for one in verdicts(found)] == ["diverges in 4 of 5 runs", "diverges"]


def test_title_verdict_and_column_go_by_the_median_run():
    """The column is that of the terminal's table; the one run of B that is left does not put it ahead."""
    found = comparison({"Glorot": [*GLOROT[:4], [0.05, None, None]], "A": [*GLOROT[:2], *ALMOST[2:]],
                        "B": [[0.01, 0.01, 0.01], *[[0.5, None, None]] * 4]})
    assert [one.text(3) for one in verdicts(found)] == ["learns in 1 epoch (4 of 5 runs)", "learns in 2 of 5 runs",
                                                        "diverges in 4 of 5 runs"]
    assert found.finding == "Glorot learns in 1 epoch; B diverges in 4 of 5 runs"
    assert [row[0] for row in found.table()[1:]] == ["Glorot", "A", "B"]
    assert [row[3] for row in found.table()[1:]] == ["1 (4 of 5 runs)", "2 of 5 runs", "1 of 5 runs"]
    assert found.table()[3][1:3] == ["-0.9 points in 1 pair", "1.0 % (4 of 5 diverged)"]
    assert found.table()[3][4] == "–"                                # its cost would be the lowest


def test_an_error_that_rises_again_is_said():
    found = comparison({"Glorot": GLOROT, "A": falling(0.08, 0.3, 0.2)})
    assert verdicts(found)[1].text(3) == "learns in 1 epoch; error rises again"
    assert findings(found)[1].endswith("it reaches 10 % after 1 epoch, and the error rises again.")


def test_values_far_beyond_those_of_a_constant_prediction_explode():
    found = comparison({"Glorot": falling(80.0, 60.0, width=1), "A": falling(300.0, 14481.0, width=1)}, kind="values", unit="",
                       chance=100.0)
    assert found.finding == "Glorot learns in 2 epochs; A explodes"
    assert verdicts(found)[1].text(2) == "explodes"
    assert findings(found)[1].endswith("more than 10 times that of always predicting the mean: the training explodes.")

def test_never_is_said_only_of_never():
    found = comparison({"Glorot": falling(0.02), "He": [[0.08], [0.09], [0.2], [0.3], [0.2]], "LeCun": falling(0.2, width=0)})
    said = findings(found)
    assert said[0] == "Glorot: the test error ends at 2.0 ± 0.2 %; it reaches 10 % after 1 epoch."
    assert said[1] == "He: the test error ends at 17.4 ± 11.3 %; it reaches 10 % in 2 of 5 runs."
    assert said[2] == "LeCun: the test error ends at 20.0 ± 0.0 % and never reaches 10 %."


def test_slower_is_said_where_the_ranges_do_not_overlap():
    assert findings(comparison({"Glorot": GLOROT, "He": SLOW}))[1].endswith("after 3 epochs, where Glorot needs 1.")
    assert findings(comparison({"Glorot": GLOROT, "He": GLOROT[:1] + SLOW[1:]}))[1].endswith("after 3 epochs.")


@pytest.mark.parametrize(("chance", "error", "learns"), [(0.9, 0.91, False), (0.9, 0.5, True), (0.5, 0.4, True),
                                                         (0.5, 0.49, False)])
def test_a_network_no_better_than_a_constant_prediction_learns_nothing(chance, error, learns):
    said = findings(comparison({"Glorot": falling(0.02), "He": falling(error)}, chance=chance))[1]
    assert ("no better than always predicting the most frequent class: the network learns nothing" in said) != learns


def test_rectifiers_are_dead_and_not_saturated():
    said = findings(comparison({"Glorot": falling(0.02)}, activation=rp.ReLU, saturated=0.4))[0]
    assert "40 % of the hidden units are dead before the first step" in said
    assert "40 % of the hidden outputs are saturated" in findings(comparison({"Glorot": falling(0.02)}, saturated=0.4))[0]
    assert "saturated" not in findings(comparison({"Glorot": falling(0.02)}, saturated=0.3))[0]


def test_an_initialization_that_always_diverges_is_reported():
    assert findings(comparison({"Glorot": DIVERGED}))[0].startswith("Glorot: the cost becomes infinite or NaN in every run")

"""The paper's scale: what Srivastava et al. 2014 report on MNIST, and what came out on the same files."""

from __future__ import annotations

from typing import Any

from ...lab.dense import error_at
from ...reports.page import Figures, Page
from ..claims import Claim, claim, difference
from ..figures import COLORS, grid, shown
from ..paper import Results
from .numbers import medians, needed, sure
from .plan import MNIST, MNIST_COUNTS, MNIST_STEPS, counted, mnist
from .runs import classified

ALL = 50_000                                                        # training examples of MNIST
NEAR = 0.002                                                        # of the paper's error, as a share
NOT_RUN = {                                                         # rows of table 2: the paper's error in %, and why
    "ReLU, 2x4096, dropout, max-norm": (1.01, "larger than the networks that are trained here"),
    "ReLU, 2x8192, dropout, max-norm": (0.95, "has over 65 million weights"),
    "maxout, 2x(5x240), dropout": (0.94, "there are no maxout units here"),
    "support vector machine": (1.40, "not a neural network"),
    "deep belief network, fine-tuned with dropout": (0.92, "there is no training of belief networks here"),
    "deep Boltzmann machine, fine-tuned with dropout": (0.79, "there is no training of Boltzmann machines here"),
}
DROPPED, AVERAGED = "ReLU, 3x1024, dropout", "ReLU, 3x1024, dropout, max-norm"


def not_run() -> list[Claim]:
    """The rows of table 2 that nothing here repeats, with the reason."""
    return [Claim(f"Test error: {name}", "table 2", f"{paper:.2f} %", f"not run: {why}", "–", None)
            for name, (paper, why) in NOT_RUN.items()]


def mnist_claims(results: Results) -> list[Claim]:
    """Tables 2 and 9 row by row, and figures 10 and 11."""
    scale = results.scale
    found = [near(results, name, row.paper) for name, row in MNIST.items() if row.paper is not None]
    for better, worse in ((DROPPED, "ReLU, 3x1024, no dropout"), (AVERAGED, DROPPED),
                          ("logistic, 3x1024, dropout", "logistic, 2x800, no dropout"),
                          ("table 9: max-norm", "table 9: L2"), ("table 9: dropout + L2", "table 9: max-norm"),
                          ("table 9: dropout + max-norm", "table 9: dropout + L2")):
        low, high = results.paired(error_at(), classified, mnist(scale, better), mnist(scale, worse))
        found.append(difference(f"{better}, errs less than {worse}", "tables 2 and 9", low, high, unit="%"))
    return [*found, *size_claims(results), *averaging_claims(results)]


def near(results: Results, name: str, paper: float) -> Claim:
    [values] = results.paired(error_at(), classified, mnist(results.scale, name))
    return claim(f"Test error: {name}", "table 9" if name.startswith("table 9") else "table 2", values,
                 lambda e: abs(e - paper / 100) <= NEAR, "within 0.2 points", paper=f"{paper:.2f} %", unit="%")


def size_claims(results: Results) -> list[Claim]:
    """Figure 10."""
    def gain(examples: int | None) -> list[float]:
        plain, dropped = results.paired(error_at(), classified, *(counted(results.scale, dropout, examples)
                                                                  for dropout in (False, True)))
        return [a - b for a, b in zip(plain, dropped, strict=True)]
    few, *_, many = MNIST_COUNTS
    found = [sure(claim(f"Dropout gains nothing at {count} examples: points", "figure 10", gain(count), lambda g: g <= 0.01,
                        "at most 1 point", paper="no gain", unit="%"), 0.01) for count in (few, 500)]
    return [*found, *(sure(claim(f"Dropout gains with {words} examples: points", "figure 10", gain(count), lambda g: g > 0,
                                 "above 0", unit="%"), 0) for words, count in ((str(many), many), ("all", None)))]


def averaging_claims(results: Results) -> list[Claim]:
    """Figure 11, on 2000 test examples."""
    whole = [one.result for one in results.of(classified, **mnist(results.scale, AVERAGED)) if "averages" in one.result]
    return [claim("Sampled networks whose average does as well as weight scaling, median", "figure 11",
                  medians([needed(result) for result in whole]), lambda k: 20 <= k <= 100, "20 to 100", paper="about 50")]


def draw_more(results: Results, page: Page, figures: Figures) -> None:
    """Figures 10 and 11, on the files."""
    page.heading("Figures 10 and 11: the number of examples, and averaging")
    figure, axes = grid(2, width=4.9, height=3.7)
    for color, (dropout, label) in zip(COLORS, ((False, "without dropout"), (True, "dropout")), strict=False):
        for place, examples in [*((n, n) for n in MNIST_COUNTS), (ALL, None)]:
            [values] = results.paired(error_at(), classified, counted(results.scale, dropout, examples))
            axes[0].plot([place] * len(values), [100 * value for value in values], "o", color=color,
                         label=label if examples is None else None)
    for one in results.of(classified, **mnist(results.scale, AVERAGED)):
        if "averages" in one.result:
            errors = one.result["averages"]["errors"]
            axes[1].plot(range(1, len(errors) + 1), [100 * e for e in errors], color=COLORS[0], lw=1.2)
            axes[1].axhline(100 * one.result["scaled"], color=COLORS[1], ls="--", lw=1.2)
    axes[0].set(xscale="log", yscale="log")
    axes[1].set_xscale("log")
    shown(axes[0], "training examples", "test error, %", "table 9's network")
    shown(axes[1], "sampled networks k", "test error, %", "averages, and weight scaling (dashed)")
    figures.add(figure, "mnist-more", "Left: a point a seed. Right: a line a seed, on 2000 test examples.",
                beside="In the paper: no gain at 100 and 500 examples, then more, then less. About 50 networks do as well as "
                       "weight scaling.")


def draw_mnist(results: Results, page: Page, figures: Figures) -> None:
    """Errors during training, and of each network at the end beside the paper's."""
    scale = results.scale
    runs = {name: results.of(classified, **mnist(scale, name)) for name in MNIST}
    ended = {name: found for name, found in runs.items() if found}
    if not ended:
        return
    page.heading("Tables 2 and 9, figure 4: errors on the files")
    page.text(f"What the paper leaves open was chosen here: {scale.steps or MNIST_STEPS:,} steps of 100 examples, drawn with "
              "replacement from five sixths of the training part (the last sixth validates; the paper trains on all of it in "
              "the end); learning rates of 0.01 with rectified linear units and of 0.05 and 0.1 with logistic ones, which stay "
              "as they are; momentum rising evenly from 0.5 in the first tenth of the steps, to 0.95 with dropout and 0.9 "
              "without; He's start; max-norm on all layers. Each run goes on where it was interrupted.")
    figure, axes = grid(2, width=6, height=4.8)
    for k, (name, found) in enumerate(ended.items()):
        color, dashes = COLORS[k % len(COLORS)], "-" if k < len(COLORS) else "--"
        for one in found:
            rows = one.result["readings"]
            axes[0].plot([row["step"] for row in rows], [100 * row["error"] for row in rows], dashes, color=color, lw=1)
        [values] = results.paired(error_at(), classified, mnist(scale, name))
        axes[1].plot([100 * value for value in values], [k] * len(values), "o", color=color)
    marks: list[Any] = [(row.paper, k) for k, name in enumerate(ended) if (row := MNIST[name]).paper is not None]
    if marks:
        axes[1].plot(*zip(*marks, strict=True), "kx", ms=9, mew=2, label="paper")
    axes[0].set_yscale("log")
    axes[1].set_xscale("log")
    axes[1].set_yticks(range(len(ended)), list(ended))
    axes[1].invert_yaxis()
    shown(axes[0], "steps of 100 examples", "test error, %", legend=False)
    shown(axes[1], "test error at the end, %", "")
    figures.add(figure, "mnist", "Left: test errors during training, a line a seed. Right: at the end, a point a seed, and the "
                "paper's errors (crosses).", beside="In the paper, table 2: 1.60 % without dropout (logistic), 1.35 % with; "
                "1.25 % with rectified linear units, 1.06 % with max-norm. Table 9: L2 1.62, max-norm 1.35, both with dropout "
                "1.25 and 1.05 %.")
    draw_more(results, page, figures)

"""Ask the search of a built site what students ask; fail if the right page is not among its first three hits.

    python .ci/search.py site

Sphinx's own JavaScript answers, under Node; where there is none, nothing is asked.
"""

import json
import shutil
import subprocess
import sys
from pathlib import Path

# Questions, and pages of which one must be found.
ASKED = {
    "why does N(0, 0.01²) not learn?": ["questions/why-does-n-0-0-01-not-learn"],
    "What is the point?": ["questions/what-is-the-point-that-a-module-saves-what-does-forward-store"],
    "where does dropout's mask live?": ["questions/where-does-dropout-s-mask-live-where-is-the-mask-saved"],
    "why not start at zero": ["questions/why-not-start-at-zero-why-not-initialize-all-weights-with-0"],
    "what does update do that backward does not": ["questions/why-is-update-a-phase-of-its-own-apart-from-backward"],
    "why is the weight gradient an outer product?": ["questions/why-is-the-gradient-of-a-weight-an-outer-product"],
    "how do I save my model": ["how-to/save-and-load", "questions/how-do-i-save-a-network-and-load-it-again"],
    "class weights for unbalanced data": ["how-to/class-weights"],
    "how do I write my own layer": ["how-to/own-module"],
    "learning rate schedule": ["how-to/schedules"],
    "rétropropagation": ["glossary"],
    "retropropagation": ["glossary"],
    "taux d'apprentissage": ["glossary"],
    "what is saturation of a sigmoid": ["questions/what-does-saturation-mean-when-is-a-unit-saturated"],
    "xavier initialization": ["questions/what-is-the-difference-between-glorot-xavier-he-and-lecun", "how-to/initialize"],
    "zero_grad": ["questions/do-i-need-zero-grad-must-i-set-gradients-to-zero", "coming-from/pytorch"],
    "check my gradient with finite differences": ["questions/how-do-i-check-whether-my-gradient-is-right",
                                                  "api/names/retroprop.check_gradients", "how-to/look-inside"],
    "difference between update and step": [
        "questions/why-does-update-not-change-the-weights-what-is-the-difference-between-update-and-step"],
    "resume training after a crash": ["how-to/checkpoints"],
    "train on a csv file": ["how-to/own-data", "questions/how-do-i-use-my-own-data-or-a-csv-file"],
    "what does the p in dropout mean": ["questions/what-is-p-in-dropout-kept-or-dropped"],
    "export to onnx": ["how-to/onnx"],
    "same results every time, seed": ["how-to/reproducible-runs", "questions/how-do-i-get-the-same-numbers-again"],
    "vanishing gradient": ["questions/why-does-the-gradient-vanish-or-explode", "glossary"],
    "Linear": ["api/names/retroprop.Linear#retroprop.Linear"],
    "BatchNorm running mean": ["api/names/retroprop.BatchNorm", "notebooks/08-batchnorm-and-dropout"],
    "my network does not learn": ["questions/why-does-my-network-not-learn"],
    "dead relu": ["glossary"],
    "exercises": ["course/exercises"],
    "exercises of the course": ["course/exercises", "course/index"],
    "lesson plan": ["course/plan"],
    "own class weights as a dict": ["how-to/class-weights"],
    "notebooks in the browser": ["how-to/in-the-browser"],
    "gpu": ["questions/does-it-run-on-a-gpu"],
    "He 2015 rectifiers": ["papers/he2015"],
}


def answers(site, questions):
    """The pages that the search finds for each question."""
    script = Path(__file__).with_suffix(".mjs")
    ran = subprocess.run(["node", script, site], input=json.dumps(questions), capture_output=True, text=True, check=True)
    return [[page for page, _, _ in results] for results in json.loads(ran.stdout)]


if __name__ == "__main__":
    if not shutil.which("node"):
        sys.exit(print("No node on this machine: the search was not asked.") or 0)
    wrong = [f"{question!r}: {found[:3]}" for (question, pages), found
             in zip(ASKED.items(), answers(Path(sys.argv[1]), list(ASKED)), strict=True)
             if not any(page in pages or page.partition("#")[0] in pages for page in found[:3])]
    print(f"{len(ASKED) - len(wrong)} of {len(ASKED)} questions are answered among the first three hits.")
    sys.exit("\n".join(wrong) or 0)

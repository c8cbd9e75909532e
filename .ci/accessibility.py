"""axe on the page in the browser and on pages of the site: light and dark, on a wide screen and on a phone.

python .ci/accessibility.py SITE

SITE is what ``python -m docs --pyodide FOLDER`` wrote. Needs playwright and axe-playwright-python, which carries axe-core.
"""

import sys
from pathlib import Path

from axe_playwright_python.sync_playwright import Axe
from lite import serve
from playwright.sync_api import sync_playwright

from browser import WAIT, chromium

PAGES = ("play/index.html", "index.html", "notebooks/03-modules.html", "questions.html", "api/names/retroprop.Linear.html",
         "papers/index.html")
WIDTHS = (1300, 400)


def violations(browser, url, scheme, width):
    """Return a line for each violation of a rule that axe finds on a page."""
    context = browser.new_context(color_scheme=scheme, viewport={"width": width, "height": 900})
    page = context.new_page()
    page.set_default_timeout(WAIT)
    answer = page.goto(url)
    if answer is None or not answer.ok:
        return [f"{url} is not there"]
    if url.endswith("play/index.html"):
        page.wait_for_selector("html[data-ready], #problem:not(:empty)", state="attached")
    found = Axe().run(page).response["violations"]
    context.close()
    return [f"{rule['id']} ({rule['impact']}): {node['html'][:200]} {node['failureSummary'].splitlines()[-1].strip()}"
            for rule in found for node in rule["nodes"]]


def main():
    path, site = chromium(), Path(sys.argv[1])
    if path is None:
        print("Not done: there is no Chromium here, and no apt-get that could install it")
        return
    url, wrong = serve(site), []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        for name in PAGES:
            for scheme in ("light", "dark"):
                for width in WIDTHS:
                    found = violations(browser, f"{url}/{name}", scheme, width)
                    print(f"{name}, {scheme}, {width} px: {len(found)} violations")
                    wrong += [f"{name}, {scheme}, {width} px: {one}" for one in found]
        browser.close()
    sys.exit("\n".join(wrong) or 0)


if __name__ == "__main__":
    main()

"""The notebooks in JupyterLite, in headless Chromium, offline: opened by their link, all cells are run, and none fails.

python .ci/lite.py SITE [NOTEBOOK ...]

SITE is what ``python -m docs --lite --pyodide FOLDER`` wrote. By default the shortest notebook is run. Needs playwright.
"""

import argparse
import sys
import threading
import time
from functools import partial
from pathlib import Path

from playwright.sync_api import sync_playwright

from browser import chromium
from retroprop.browser.serving import Handler, Server

WAIT = 1_200_000                                                    # milliseconds, on the slowest machine

READY = """() => {
    const panel = window.jupyterapp?.shell.currentWidget;
    return panel?.context?.isReady && panel.sessionContext.isReady;
}"""
RUN = """async () => {
    const panel = jupyterapp.shell.currentWidget;
    await panel.sessionContext.ready;
    await jupyterapp.commands.execute("notebook:run-all-cells");
    return panel.content.widgets.map(cell => cell.model.sharedModel.toJSON())
        .map(cell => ({ kind: cell.cell_type, source: cell.source, count: cell.execution_count, outputs: cell.outputs ?? [] }));
}"""


def serve(site):
    """Serve a folder as ``rp.play`` does, until this process ends; return its address."""
    server = Server(("127.0.0.1", 0), partial(Handler, directory=site))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_port}"


def run(browser, url, name):
    """Run all cells of a notebook; return the code cells as they are then, and the addresses that were asked for."""
    page = browser.new_page(viewport={"width": 1300, "height": 1000})
    page.set_default_timeout(WAIT)
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{url}/lite/lab/index.html?path={name}")
    page.wait_for_function(READY)
    return page, [cell for cell in page.evaluate(RUN) if cell["kind"] == "code"], asked


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("site", type=Path)
    parser.add_argument("notebooks", nargs="*", default=["00-glorot-or-naive.ipynb"])
    parser.add_argument("--shots", type=Path, help="folder for screenshots")
    options = parser.parse_args()
    path = chromium()
    if path is None:
        print("Not done: there is no Chromium here, and no apt-get that could install it")
        return
    url, wrong = serve(options.site), []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        for name in options.notebooks:
            begin = time.perf_counter()
            page, cells, asked = run(browser, url, name)
            failed = [(cell["source"], output) for cell in cells for output in cell["outputs"]
                      if output["output_type"] == "error"]
            wrong += [f"{name}: {output['ename']}: {output['evalue']}, in\n{source}" for source, output in failed]
            wrong += [f"{name}: not run:\n{cell['source']}" for cell in cells if cell["count"] is None and cell["source"]]
            wrong += [f"{name}: asked for {one}" for one in asked if not one.startswith((url, "data:", "blob:"))]
            print(f"{name}: {len(cells)} cells in {time.perf_counter() - begin:.0f} s, {len(failed)} failed")
            if options.shots is not None:
                page.screenshot(path=options.shots / f"{Path(name).stem}.png")
            page.close()
        browser.close()
    sys.exit("\n".join(wrong) or 0)


if __name__ == "__main__":
    main()

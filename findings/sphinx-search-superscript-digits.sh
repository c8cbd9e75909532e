#!/bin/sh
# Sphinx 9.0.4: the search finds nothing for a number with a superscript, such as "0.01²", on a page that has it.
# A good guess: a query whose words all stand on a page finds the page: the index and the query are cut into words alike, and both
#   leave numbers out.
# Seen: Python leaves out what str.isdigit() says, and "01²".isdigit() is True (str.isdecimal() is not): the word is not indexed.
#   JavaScript leaves out what matches /^\d+$/, and "01²" does not: the word is required. No page has it, so none is found.
#   With "10⁻⁶" it is the same: "10" is left out on both sides, "⁶" is sought and not indexed.
set -e
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q sphinx==9.0.4 2>/dev/null
mkdir "$folder/doc"
cat > "$folder/doc/index.rst" <<'RST'
Weights
=======

Weights from N(0, 0.01²) vanish. The area is 5 m².
RST
touch "$folder/doc/conf.py"
"$folder/venv/bin/python" -m sphinx -q -b html "$folder/doc" "$folder/out"
"$folder/venv/bin/python" - "$folder/out" <<'PY'
import json, re, sys
text = open(f"{sys.argv[1]}/searchindex.js", encoding="utf-8").read()
terms = json.loads(text[len("Search.setIndex("):-1])["terms"]
query = [term for term in re.split(r"\W+", "0.01²") if not re.fullmatch("[0-9]+", term)]     # _parseQuery of searchtools.js
print("words that the query requires:", query)
print("words of the index:", sorted(terms))
assert query == ["01²"] and "01²" not in terms and "m²" in terms
PY

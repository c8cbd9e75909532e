#!/bin/sh
# IPython 9.8.0: `ipython script.py` runs a script with `sys.ps1` set, although nobody is at a prompt.
# Good guess: "sys.ps1 ... are only defined if the interpreter is in interactive mode" (docs of sys), so hasattr(sys, "ps1") tells
#   a session from a script; a library that gives partial results back on Ctrl-C at a prompt, and raises in scripts, uses it so.
# Seen: python script.py -> False; ipython script.py -> True. What does tell: get_ipython().parent.interact, False for a script
#   and True at IPython's prompt (the application of a notebook's kernel has no such attribute).
set -e
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q ipython==9.8.0 2>/dev/null
cat > "$folder/script.py" <<'PY'
import sys
shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
print(hasattr(sys, "ps1"), None if shell is None else shell.parent.interact)
PY
export IPYTHONDIR="$folder"
plain=$("$folder/venv/bin/python" "$folder/script.py")
ipython=$("$folder/venv/bin/ipython" --quick "$folder/script.py")
echo "python script.py: $plain"
echo "ipython script.py: $ipython"
[ "$plain" = "False None" ] && [ "$ipython" = "True False" ]

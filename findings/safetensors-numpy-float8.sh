#!/usr/bin/env bash
# safetensors 0.8.0, NumPy 2.4.6, ml_dtypes 0.5.4: reading a valid file with bfloat16 or float8 arrays as NumPy arrays.
# Behaviour: get_tensor fails with TypeError for BF16 and with AttributeError for F8_E4M3, neither of which is a SafetensorError; the
# BF16 array can be read as soon as any code of the process has imported ml_dtypes, and F8_E4M3 cannot even then.
# A good guess: SafetensorError that names the dtype (as for other files that cannot be read), whatever else has been imported; or,
# with ml_dtypes installed, both arrays.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" -q install safetensors==0.8.0 numpy==2.4.6 ml_dtypes==0.5.4
cat > "$work/try.py" <<'P'
import json, struct, sys
from safetensors import SafetensorError, safe_open
def result(kind, size):
    header = json.dumps({"a": {"dtype": kind, "shape": [2], "data_offsets": [0, 2 * size]}}).encode()
    with open(sys.argv[1], "wb") as file:
        file.write(struct.pack("<Q", len(header)) + header + bytes(2 * size))
    try:
        with safe_open(sys.argv[1], framework="numpy") as file:
            return str(file.get_tensor("a").dtype)
    except Exception as error:
        return f"{type(error).__name__}, a SafetensorError: {isinstance(error, SafetensorError)}: {error}"
found = [result("BF16", 2), result("F8_E4M3", 1)]
import ml_dtypes
found += [result("BF16", 2), result("F8_E4M3", 1)]
print("\n".join(found))
sys.exit(not (found[0].startswith("TypeError") and found[1].startswith("AttributeError") and found[2] == "bfloat16"
              and found[3].startswith("AttributeError")))
P
"$work/venv/bin/python" "$work/try.py" "$work/file"

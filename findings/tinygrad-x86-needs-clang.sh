#!/bin/sh
# tinygrad 0.14.0: `DEV=CPU:X86` cannot open the CPU without the program clang, although its renderer X86 writes machine code itself.
# Good guess: who chooses the renderer that needs no compiler needs no compiler; it is how a machine without clang runs tinygrad.
# Seen, with no clang on the PATH: FileNotFoundError for 'clang'; without a choice, "no usable devices". With a program on the PATH
#   that is named clang and only records that it was called, DEV=CPU:X86 calls it: the device compiles its four helper programs by
#   ClangRenderer, whatever renderer was chosen (runtime/ops_cpu.py, CPUDevice.__init__).
set -e
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q tinygrad==0.14.0 2>/dev/null
mkdir "$folder/bin"
cat > "$folder/script.py" <<'PY'
from tinygrad import Tensor
try:
    print((Tensor([1.0, 2.0]) + 1).tolist())
except Exception as error:
    print(type(error).__name__, error)
PY
run() { env -u CC HOME="$folder" CACHEDB="$folder/cache.db" PATH="$folder/bin" DEV="$1" "$folder/venv/bin/python" "$folder/script.py" 2>/dev/null; }
x86=$(run CPU:X86)
echo "DEV=CPU:X86, no clang: $x86"
default=$(run "")
echo "no choice, no clang: $default"
printf '#!/bin/sh\necho called >> "%s/calls"\nexit 1\n' "$folder" > "$folder/bin/clang"
chmod +x "$folder/bin/clang"
ln -s /bin/sh "$folder/bin/sh"
run CPU:X86 > /dev/null || true
echo "calls of a program named clang under DEV=CPU:X86: $(wc -l < "$folder/calls")"
case "$x86" in "FileNotFoundError "*clang*) ;; *) exit 1 ;; esac
case "$default" in "RuntimeError no usable devices") ;; *) exit 1 ;; esac
[ -s "$folder/calls" ]

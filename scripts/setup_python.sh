#!/usr/bin/env bash
# Make .venv and install requirements.txt into it. Run from the root of the project.
set -euo pipefail

supported() {
  "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 12))' 2>/dev/null
}

python=""
for candidate in python3.11 python3.12 python3; do
  if command -v "$candidate" >/dev/null && supported "$candidate"; then
    python="$candidate"
    break
  fi
done
if [[ -z "$python" ]]; then
  echo "setup: Python 3.11 or 3.12 is needed on PATH" >&2
  exit 1
fi

if ! .venv/bin/python -m pip --version >/dev/null 2>&1; then
  echo "setup: making .venv with $("$python" --version)"
  "$python" -m venv --clear .venv
fi
count="$(grep -c '^[A-Za-z0-9]' requirements.txt)"
echo "setup: installing $count pinned Python packages (one to three minutes the first time)"
# -qq leaves errors only: a warning per package would hide them.
if ! .venv/bin/python -m pip install -qq --no-input --require-hashes -r requirements.txt; then
  echo "setup: pip could not install requirements.txt (see above)" >&2
  exit 1
fi

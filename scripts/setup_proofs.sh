#!/usr/bin/env bash
# Make .venv-proofs beside .venv and install proofs/requirements.txt into it. Run from the root of the project.
set -euo pipefail

if ! .venv-proofs/bin/python -m pip --version >/dev/null 2>&1; then
  # The same interpreter as .venv, which scripts/setup_python.sh chose.
  .venv/bin/python -m venv --clear .venv-proofs
fi
count="$(grep -c '^[A-Za-z0-9]' proofs/requirements.txt)"
echo "setup: installing $count pinned Python packages for the proofs"
if ! .venv-proofs/bin/python -m pip install -qq --no-input --require-hashes -r proofs/requirements.txt; then
  echo "setup: pip could not install proofs/requirements.txt (see above)" >&2
  exit 1
fi

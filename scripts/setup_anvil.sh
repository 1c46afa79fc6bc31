#!/usr/bin/env bash
# Install what the npm lock names: the published contracts of the tests and the bench, the compiler of those that
# are published as source, and anvil, whose program goes beside Python's, where Ape finds it. No package's scripts
# are run, and the lock leaves out the JavaScript libraries that @chainlink/contracts would like beside its bytecode.
# The npm wrapper is a Node process that does not pass a kill on, which would leave nodes behind.
set -euo pipefail

if ! command -v npm >/dev/null; then
  echo "setup: Node 20 or later with npm is needed on PATH" >&2
  exit 1
fi
echo "setup: installing anvil and the published contracts of the tests (npm)"
npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >/dev/null

program="$(find node_modules/@foundry-rs -path '*/bin/anvil' -type f | head -n 1)"
if [[ -n "$program" ]]; then
  # A node writes what it remembers of old blocks to the home folder, gigabytes in a day of tests, and leaves it there
  # when it is killed. Nothing here asks for blocks that are hundreds back.
  rm -f .venv/bin/anvil
  cat >.venv/bin/anvil <<SCRIPT
#!/bin/sh
exec "\$(dirname "\$0")/../../$program" --max-persisted-states 0 "\$@"
SCRIPT
  chmod +x .venv/bin/anvil
fi
if ! .venv/bin/anvil --version >/dev/null 2>&1; then
  echo "setup: npm has no anvil for this machine: put anvil 1.7.1 at .venv/bin/anvil" >&2
  exit 1
fi
echo "setup: done ($(.venv/bin/python --version), $(.venv/bin/anvil --version | sed -n 's/.*Version: /anvil /p'))"

"""Plant each bug of tests/fuzz/planted.yaml alone and see whether the fuzz catches it.

Run as `python -m scripts.planted`; status 1 if one is not caught or does not fit the sources.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from rich.console import Console
from rich.table import Table

from tests.fuzz.creation import ROOT
from tests.fuzz.planting import Bug, PlantingError, bugs, build_with
from tests.fuzz.workers import cores

TRANSACTIONS = 20_000


class Verdict(NamedTuple):
    """Whether a bug was caught, and what was said."""

    caught: bool
    said: str


def hunt(bug: Bug) -> Verdict:
    """Plant, compile, fuzz. A bug that cannot be planted counts as not caught."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            build = build_with(bug, Path(folder))
        except PlantingError as error:
            return Verdict(False, str(error))
        return _fuzz(build)


def unharmed() -> Verdict:
    """The same without a bug: what catches everything would catch this too."""
    return _fuzz(None)


def _fuzz(build: Path | None) -> Verdict:
    environment = dict(os.environ)
    if build is not None:
        environment["SEAWALL_FUZZ_BUILD"] = str(build)
    command = [sys.executable, "-m", "scripts.fuzz", "hunt", "--transactions", str(TRANSACTIONS)]
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    lines = done.stdout.strip().splitlines() or done.stderr.strip().splitlines() or [""]
    # A failure of the fuzz itself ends with another status, or says something else.
    return Verdict(done.returncode == 1 and lines[-1].startswith("caught"), lines[-1])


def main() -> int:
    """All bugs, and the true contracts for comparison."""
    planted = bugs()
    table = Table("room", "planted", "caught", "how", title="Planted bugs", title_justify="left")
    with ThreadPoolExecutor(cores()) as pool:
        clean = pool.submit(unharmed)
        verdicts = list(pool.map(hunt, planted))
    for bug, verdict in zip(planted, verdicts, strict=True):
        table.add_row(bug.room, bug.breaks, "yes" if verdict.caught else "NO", verdict.said)
    true = clean.result()
    table.add_row("none", "the contracts as they are", "yes" if true.caught else "no", true.said)
    Console().print(table)
    return 0 if all(verdict.caught for verdict in verdicts) and not true.caught else 1


if __name__ == "__main__":
    sys.exit(main())

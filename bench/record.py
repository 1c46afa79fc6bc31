"""The recorded figures: bench/gas.json, and bench/breakdown.json with what they are made of."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench.errors import BenchError

FOLDER = Path(__file__).resolve().parent
GAS = FOLDER / "gas.json"
BREAKDOWN = FOLDER / "breakdown.json"


def read(path: Path) -> dict[str, Any]:
    """What was recorded. Errors: BenchError where nothing was."""
    if not path.is_file():
        raise BenchError(f"{path.name} is missing: run make bench")
    return dict(json.loads(path.read_text()))


def write(path: Path, figures: Mapping[str, Any]) -> None:
    """Record with sorted keys, so that a diff shows what changed and nothing else."""
    path.write_text(json.dumps(figures, indent=2, sort_keys=True) + "\n")

"""Results on disk: one file per target, kept as long as what they were made from."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from mutation.trial import SURVIVED

SOURCES = ("contracts", "interfaces")
TESTS = (
    "tests/arithmetic",
    "tests/fuzz",
    "tests/unit",
    "tests/e2e",
    "seawall/spec",
    "mutation/machine.py",
    "mutation/targets.py",
)

Record = dict[str, Any]


def digest(root: Path, places: Iterable[str]) -> str:
    """SHA-256 over some files and the files of some folders."""
    total = hashlib.sha256()
    for place in places:
        for path in [root / place, *sorted((root / place).rglob("*"))]:
            if path.suffix in {".vy", ".vyi", ".py"} and path.is_file():
                total.update(path.relative_to(root).as_posix().encode() + b"\0")
                total.update(path.read_bytes())
    return total.hexdigest()


class Store:
    """Verdicts by mutant id.

    Another text of the contracts makes all of them worthless; other tests those on survivors.
    """

    def __init__(self, folder: Path, name: str, sources: str, tests: str) -> None:
        self._path = folder / f"{name}.json"
        self._head = {"sources": sources, "tests": tests}
        self.records: dict[str, Record] = {}
        self._load()

    def _load(self) -> None:
        if not self._path.is_file():
            return
        kept = json.loads(self._path.read_text())
        if kept["sources"] != self._head["sources"]:
            return
        same_tests = kept["tests"] == self._head["tests"]
        self.records = {
            record["id"]: record
            for record in kept["results"]
            if same_tests or record["outcome"] != SURVIVED
        }

    def put(self, record: Record) -> None:
        """Keep a verdict; written by `save`."""
        self.records[record["id"]] = record

    def save(self) -> None:
        """Write the file, whole or not at all."""
        ordered = sorted(self.records.values(), key=lambda r: (r["line"], r["id"]))
        text = json.dumps({**self._head, "results": ordered}, indent=1)
        draft = self._path.with_suffix(".part")
        draft.write_text(text + "\n")
        draft.replace(self._path)

"""Recorded closes of real venues, read from a folder outside the project.

The rows are facts of the market that the project may read but not ship: `folder` says where they
are looked for, and everything that needs them says so where they are absent.
"""

from __future__ import annotations

import csv
import gzip
import os
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from itertools import pairwise
from pathlib import Path

from seawall.spec.words import WAD

ROOT = Path(__file__).resolve().parents[2]
VARIABLE = "SEAWALL_DATA"
MINUTE = 60
HOUR = 3_600


class WindowError(Exception):
    """A window is absent or holds what is no price."""


@dataclass(frozen=True)
class Series:
    """Closes of one venue: `prices[i]` (WAD) is its last trade before `times[i]` (unix seconds)."""

    venue: str
    times: tuple[int, ...]
    prices: tuple[int, ...]

    def between(self, first: int, last: int) -> Series:
        """The part from `first` to `last`, both included."""
        kept = [pair for pair in zip(self.times, self.prices, strict=True) if pair[0] >= first]
        kept = [pair for pair in kept if pair[0] <= last]
        return Series(self.venue, tuple(t for t, _ in kept), tuple(p for _, p in kept))


def folder() -> Path:
    """Where the windows are: the environment's SEAWALL_DATA, else `../shared/data`."""
    named = os.environ.get(VARIABLE)
    return Path(named) if named else ROOT.parent / "shared" / "data"


def is_present() -> bool:
    """Whether there is such a folder."""
    return (folder() / "windows").is_dir()


def moment(text: str) -> int:
    """Unix seconds of a time in UTC, such as 2022-11-10T09:15. Errors: ValueError."""
    return int(datetime.fromisoformat(text.removesuffix("Z")).replace(tzinfo=UTC).timestamp())


def closes(path: str, name: str, bar: int, column: str = "close", **where: str) -> Series:
    """A series called `name`: closes of the rows whose columns hold what `where` says.

    Rows are stamped at the start of a bar of `bar` seconds. One in which nobody traded (volume 0)
    is left out: it repeats a price and is no news. Errors: WindowError.
    """
    times, prices = [], []
    for line, row in enumerate(_rows(path), start=2):
        if any(row[key] != value for key, value in where.items()):
            continue
        if not row[column] or float(row.get("volume") or 1) == 0:
            continue
        times.append(moment(row["ts"]) + bar)
        prices.append(_wad(row[column], f"{path}:{line}"))
    if not times:
        raise WindowError(f"{path}: no rows with {where}")
    if any(after <= before for before, after in pairwise(times)):
        raise WindowError(f"{path}: the rows with {where} are not in order of time")
    return Series(name, tuple(times), tuple(prices))


def _rows(path: str) -> list[dict[str, str]]:
    file = folder() / path
    if not file.is_file():
        raise WindowError(f"{path}: no such file; set {VARIABLE} to the folder of windows")
    with gzip.open(file, "rt", newline="") as text:
        return list(csv.DictReader(text))


def _wad(text: str, where: str) -> int:
    """A positive price as WAD, rounded down beyond eighteen decimals."""
    try:
        price = int(Decimal(text) * WAD)
    except (InvalidOperation, OverflowError, ValueError):
        raise WindowError(f"{where}: {text!r} is not a price") from None
    if price <= 0:
        raise WindowError(f"{where}: {text!r} is not a price")
    return price

"""Closes of one day: a CSV with a time and one column per asset."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path

from seawall.demo.errors import DemoError

BAR_SECONDS = 60


@dataclass(frozen=True)
class MarketDay:
    """One-minute closes: bar i ends at `times[i]` (unix seconds) at `closes[symbol][i]` dollars."""

    times: tuple[int, ...]
    closes: dict[str, tuple[Decimal, ...]]

    def __len__(self) -> int:
        return len(self.times)

    def part(self, first: int, count: int) -> MarketDay:
        """`count` bars from bar `first` on."""
        span = slice(first, first + count)
        return MarketDay(
            self.times[span], {name: column[span] for name, column in self.closes.items()}
        )


def load(path: Path) -> MarketDay:
    """Read a file whose rows are stamped at the start of their minute, without a gap.

    Errors: DemoError naming the line for a missing file, a gap, or a price that is none.
    """
    if not path.is_file():
        raise DemoError(f"{path}: no such price file; it belongs to the project, restore it")
    with path.open(newline="") as file:
        reader = csv.DictReader(file)
        symbols = [name for name in reader.fieldnames or [] if name != "ts"]
        if not symbols or "ts" not in (reader.fieldnames or []):
            raise DemoError(f"{path}: the first line must name ts and at least one asset")
        times: list[int] = []
        columns: dict[str, list[Decimal]] = {symbol: [] for symbol in symbols}
        for line, row in enumerate(reader, start=2):
            closed_at = _time(row["ts"], f"{path}:{line}") + BAR_SECONDS
            if times and closed_at != times[-1] + BAR_SECONDS:
                raise DemoError(f"{path}:{line}: {row['ts']} does not follow the minute before it")
            times.append(closed_at)
            for symbol in symbols:
                columns[symbol].append(_price(row[symbol], f"{path}:{line}: {symbol}"))
    if not times:
        raise DemoError(f"{path}: no prices in it")
    return MarketDay(tuple(times), {symbol: tuple(column) for symbol, column in columns.items()})


def _time(text: str, where: str) -> int:
    try:
        return int(datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC).timestamp())
    except (TypeError, ValueError):
        raise DemoError(f"{where}: {text!r} is not a time like 2021-05-19T00:00:00Z") from None


def _price(text: str, where: str) -> Decimal:
    try:
        price = Decimal(text)
    except (InvalidOperation, TypeError):
        raise DemoError(f"{where}: {text!r} is not a price") from None
    if not price.is_finite() or price <= 0:
        raise DemoError(f"{where}: {text} is not a positive price")
    return price

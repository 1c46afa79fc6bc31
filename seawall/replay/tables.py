"""The tables of docs/oracle_replays.md, written between markers; the text is the page's own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from seawall.spec.words import MAX_HALF_WIDTH, WAD

PAGE = Path(__file__).resolve().parents[2] / "docs" / "oracle_replays.md"


class PageError(Exception):
    """The page has no place for a table."""


def filled(text: str, tables: Mapping[str, str]) -> str:
    """The page with every table made anew. Errors: PageError where a marker is missing."""
    for name, table in tables.items():
        begin, end = f"<!-- {name} -->\n", f"<!-- end of {name} -->"
        if begin not in text or end not in text:
            raise PageError(f"the page has no place for the table {name}")
        head, rest = text.split(begin, 1)
        text = head + begin + table + end + rest.split(end, 1)[1]
    return text


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table in Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def money(wad: int, places: int = 2) -> str:
    """An amount or a price, to the nearest."""
    return f"{wad / WAD:,.{places}f}"


def bps(width: int) -> str:
    """A half-width, in basis points."""
    return "not usable" if width == MAX_HALF_WIDTH else f"{width / 10:.1f}"


def hour(now: int) -> str:
    """Day, hour and minute, UTC."""
    return datetime.fromtimestamp(now, UTC).strftime("%m-%d %H:%M")


def percent(share: float) -> str:
    """A share, to the nearest per cent."""
    return f"{share * 100:.0f} %"

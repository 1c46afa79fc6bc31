"""Whether measured figures still are what bench/gas.json says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bench.errors import BenchError

#: A figure may move by this much, in percent, before anybody is told.
TOLERANCE = 1

#: What writes the file anew.
UPDATE = "make bench"

WORSE, BETTER, SAME, NEW, GONE = "worse", "better", "same", "not recorded", "not measured"


@dataclass(frozen=True)
class Change:
    """A figure as recorded and as measured, in gas; None where there is none."""

    name: str
    recorded: int | None
    measured: int | None

    @property
    def verdict(self) -> str:
        """`worse` or `better` beyond the tolerance, `same` within; a figure of one side alone is
        `not recorded` or `not measured`."""
        if self.recorded is None or self.measured is None:
            return NEW if self.recorded is None else GONE
        if self.measured * 100 > self.recorded * (100 + TOLERANCE):
            return WORSE
        if self.measured * 100 < self.recorded * (100 - TOLERANCE):
            return BETTER
        return SAME

    @property
    def fails(self) -> bool:
        """Whether the check may not pass."""
        return self.verdict in (WORSE, NEW, GONE)


def compare(recorded: Mapping[str, int], measured: Mapping[str, int]) -> list[Change]:
    """Every figure of either side, by name."""
    names = sorted(recorded.keys() | measured.keys())
    return [Change(name, recorded.get(name), measured.get(name)) for name in names]


def check_same(gas: Mapping[str, int], again: Mapping[str, int], where: str) -> None:
    """Errors: BenchError naming each figure measured again that is not the same to the unit."""
    moved = [
        f"{name} {gas[name]} -> {found}" for name, found in again.items() if found != gas[name]
    ]
    if moved:
        raise BenchError(f"{where}: {', '.join(moved)}")


def report(changes: list[Change]) -> tuple[str, int]:
    """What to print and the status to end with: 1 if any figure fails."""
    failing = [one for one in changes if one.fails]
    if failing:
        text = f"bench: {len(failing)} figures fail; if that is wanted, run {UPDATE} and commit"
        return f"{table(failing)}\n{text}", 1
    text = f"bench: OK ({len(changes)} figures, none more than {TOLERANCE} % above bench/gas.json)"
    better = [one for one in changes if one.verdict == BETTER]
    if better:
        hint = f"bench: {len(better)} figures are better than recorded, {UPDATE} keeps that"
        text = f"{table(better)}\n{hint}\n{text}"
    return text, 0


def table(changes: list[Change]) -> str:
    """The changes as aligned text."""
    width = max(len("figure"), *(len(one.name) for one in changes))
    lines = [f"{'figure':{width}}  {'recorded':>9}  {'measured':>9}  {'change':>8}"]
    for one in changes:
        recorded, measured = _text(one.recorded), _text(one.measured)
        lines.append(
            f"{one.name:{width}}  {recorded:>9}  {measured:>9}  {_percent(one):>8}  {one.verdict}"
        )
    return "\n".join(lines)


def _text(gas: int | None) -> str:
    return "-" if gas is None else str(gas)


def _percent(change: Change) -> str:
    """Change in percent with one decimal, rounded toward zero."""
    if change.recorded is None or change.measured is None:
        return "-"
    difference = change.measured - change.recorded
    tenths = abs(difference) * 1_000 // change.recorded
    return f"{'-' if difference < 0 else '+'}{tenths // 10}.{tenths % 10} %"

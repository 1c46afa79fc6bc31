"""Measure the gas of every figure: python -m bench [--record | --check] [figure ...]."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import asdict

from bench import page, record
from bench.breakdown import break_down
from bench.compare import check_same, compare, report
from bench.errors import BenchError
from bench.figures import BY_NAME, FIGURES, Figure
from bench.measure import Venue, played, standing
from bench.setting import MOST_MARKETS, list_more, listed


def main() -> int:
    """Print, record or check; status 1 when something is worse than recorded or went wrong."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("figures", nargs="*", metavar="figure", help="default: all")
    parser.add_argument("--record", action="store_true", help="write gas.json and docs/gas.md")
    parser.add_argument("--check", action="store_true", help="compare with gas.json")
    typed = parser.parse_args()
    try:
        if typed.record:
            return record_all()
        if typed.check:
            return check()
        for name, gas in measure(chosen(typed.figures)).items():
            print(f"{name:28} {gas:>9}")
    except BenchError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    return 0


def chosen(names: Sequence[str]) -> list[Figure]:
    """The figures of these names, all of them for none. Errors: BenchError."""
    unknown = sorted(set(names) - set(BY_NAME))
    if unknown:
        raise BenchError(f"no figure {', '.join(unknown)}; there are {', '.join(BY_NAME)}")
    return [BY_NAME[name] for name in names] or list(FIGURES)


def measure(figures: Sequence[Figure]) -> dict[str, int]:
    """Gas by name."""
    with standing() as venue:
        return {figure.name: gas_of(venue, figure) for figure in figures}


def gas_of(venue: Venue, figure: Figure) -> int:
    """One figure."""
    with played(venue, figure) as measured:
        return measured.value


def count_markets(venue: Venue, gas: dict[str, int]) -> None:
    """Measure the counted figures once more with many markets listed. Errors: BenchError where one
    is not what it was."""
    list_more(venue.plain)
    count = len(listed(venue.plain))
    if count != MOST_MARKETS:
        raise BenchError(f"{count} markets are listed, not {MOST_MARKETS}")
    again = {one.name: gas_of(venue, one) for one in FIGURES if one.counted}
    check_same(gas, again, f"with {MOST_MARKETS} markets listed")


def record_all() -> int:
    """Measure everything with its breakdown and write the files."""
    gas, parts = {}, {}
    with standing() as venue:
        for figure in FIGURES:
            # A batch is its single figure many times, and its trace a gigabyte.
            single = figure.parts == 1
            with played(venue, figure, traced=single) as measured:
                gas[figure.name] = measured.value
                if single:
                    parts[figure.name] = asdict(break_down(measured))
        count_markets(venue, gas)
    record.write(record.GAS, gas)
    record.write(record.BREAKDOWN, parts)
    page.write(gas, parts)
    print(f"bench: {len(gas)} figures written to bench/gas.json and docs/gas.md")
    return 0


def check() -> int:
    """Measure everything and compare with what is recorded."""
    recorded = record.read(record.GAS)
    with standing() as venue:
        gas = {figure.name: gas_of(venue, figure) for figure in FIGURES}
        count_markets(venue, gas)
    text, status = report(compare(recorded, gas))
    print(text)
    return status


if __name__ == "__main__":
    sys.exit(main())

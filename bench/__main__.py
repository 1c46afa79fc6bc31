"""Measure the gas of every figure: python -m bench [--record | --check] [figure ...]."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import asdict

from bench import page, record
from bench.breakdown import break_down
from bench.compare import compare, report
from bench.errors import BenchError
from bench.figures import BY_NAME, FIGURES, Figure
from bench.measure import played, standing


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
    found = {}
    with standing() as venue:
        for figure in figures:
            with played(venue, figure) as measured:
                found[figure.name] = measured.value
    return found


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
    record.write(record.GAS, gas)
    record.write(record.BREAKDOWN, parts)
    page.write(gas, parts)
    print(f"bench: {len(gas)} figures written to bench/gas.json and docs/gas.md")
    return 0


def check() -> int:
    """Measure everything and compare with what is recorded."""
    recorded = record.read(record.GAS)
    text, status = report(compare(recorded, measure(FIGURES)))
    print(text)
    return status


if __name__ == "__main__":
    sys.exit(main())

"""Measure figures: python -m bench [figure ...]."""

from __future__ import annotations

import argparse
import sys

from bench.errors import BenchError
from bench.figures import BY_NAME
from bench.measure import played, standing


def main() -> int:
    """Print the gas of every figure, or of those named."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("figures", nargs="*", choices=[*sorted(BY_NAME), []], metavar="figure")
    typed = parser.parse_args()
    try:
        with standing() as venue:
            for name in typed.figures or BY_NAME:
                with played(venue, BY_NAME[name]) as measured:
                    print(
                        f"{name:32} {measured.gas:>9} {measured.base:>7} {measured.value:>9}",
                        flush=True,
                    )
    except BenchError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Measure figures: python -m bench [figure ...]."""

from __future__ import annotations

import argparse
import sys

from bench.errors import BenchError
from bench.measure import played, standing
from bench.scenes import SCENES


def main() -> int:
    """Print the gas of every figure, or of those named."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("figures", nargs="*", choices=[*sorted(SCENES), []], metavar="figure")
    typed = parser.parse_args()
    try:
        with standing() as stand:
            for name in typed.figures or SCENES:
                with played(stand, SCENES[name]) as measured:
                    print(f"{name:32} {measured.gas:>9}", flush=True)
    except BenchError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Write the scenario matrix of a parameter file from recorded hourly closes.

    python -m scripts.build_scenarios params/local.yaml params/scenarios/btc_eth.yaml

The file's markets must have the symbols of the recorded series, in their order. Where the hours are
not there, or the file's floor is below what a matched pair lost, says so and writes nothing.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from seawall.parameters import load
from seawall.risk.history import SERIES, hourly_returns, is_present
from seawall.risk.scenarios import build_matrix, least_floor
from seawall.spec.words import PPM

SYMBOLS = ("BTC", "ETH")
HEAD = """\
# 32 joint moves in 1/10,000 of each market's rate, by market id. Filtered historical simulation of
# hourly closes of Binance spot, 2017 to 2023: see docs/margin.md and scripts/build_scenarios.py."""


def main() -> int:
    """Exit status."""
    parser = argparse.ArgumentParser(prog="scripts.build_scenarios", description=__doc__)
    parser.add_argument("parameters", type=Path, help="for tail and factor")
    parser.add_argument("output", type=Path, help="the scenario file")
    options = parser.parse_args()
    if not is_present():
        print(f"no recorded hours: {', '.join(SERIES)}", file=sys.stderr)
        return 1
    parameters = load(options.parameters)
    markets = {market.symbol: market for market in parameters.markets}
    if tuple(markets) != SYMBOLS or parameters.portfolio is None:
        print(f"{options.parameters}: needs markets {SYMBOLS} and a portfolio", file=sys.stderr)
        return 1
    terms = parameters.portfolio.terms
    returns, factor = hourly_returns(), terms.factor / PPM
    columns = build_matrix(returns, terms.tail, factor)
    least = least_floor(returns, columns, terms.tail, factor)
    if terms.floor < least * PPM:
        print(f"portfolio.floor: is below {least:.4f}, what a pair has lost", file=sys.stderr)
        return 1
    lines = [HEAD]
    for market, column in zip(markets.values(), columns, strict=True):
        lines.append(f"{market.market_id}: [{', '.join(map(str, column))}]")
    options.output.write_text("\n".join(lines) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())

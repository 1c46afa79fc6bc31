"""The tables of docs/margin.md: what books, split positions and collateral need.

Run as `python -m seawall.risk.examples` to write them, with `--check` to compare. Margins are the
specification's, terms those of BTC in params/local.yaml but for what a table varies.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np

from seawall.replay.tables import filled, table
from seawall.risk.history import hourly_returns, is_present
from seawall.risk.scenarios import Array, build_matrix, least_floor
from seawall.spec.margin import Assessment, MarginModel, Price
from seawall.spec.risk import ANY_VOLATILITY, MarketRisk, worth
from seawall.spec.scenarios import Shocks, Terms
from seawall.spec.state import Journal
from seawall.spec.words import PORTFOLIO, PPM, WAD

PAGE = Path(__file__).resolve().parents[2] / "docs" / "margin.md"
RISK = MarketRisk(
    initial=100_000,
    maintenance=65_000,
    reserve=0,
    depth=20_000,
    calm=ANY_VOLATILITY,
    volatility_cap=10,
    capacity_floor=500_000,
    capacity_per_fund=0,
)
#: The three worst scenarios; at least a quarter of what standard mode asks for.
TERMS = Terms(tail=3, factor=PPM, floor=250_000)
#: Any second.
NOW = 1_700_000_000
CORRELATION = 0.9
HOURS = 20_000
#: Numbers of markets and their correlations, for the floors that they need.
MARKETS, CORRELATIONS = (2, 3, 4, 8), (0.9, 0.8, 0.7)
SEED = 5
MILLION = 10**6
PRICE = Price(1_000 * WAD)
RICH = 10**12 * WAD

#: Books in millions of notional of two markets.
BOOKS: dict[str, dict[int, int]] = {
    "long 1 of the first": {1: 1},
    "short 1 of the second": {2: -1},
    "long 1, short 1": {1: 1, 2: -1},
    "short 1, long 1": {1: -1, 2: 1},
    "long 10, short 9": {1: 10, 2: -9},
    "long 2, short 1": {1: 2, 2: -1},
    "long 9, short 1": {1: 9, 2: -1},
    "long 1, long 1": {1: 1, 2: 1},
    "short 10, short 1": {1: -10, 2: -1},
}
#: Open interest before a position, and the position itself, in millions; capacity 500.
SPLITS = ((0, 600), (400, 200), (500, 100), (900, 200), (2_000, 500))
ACCOUNTS = 100
#: In millions, in a market of one million's depth; weights in parts per million.
AMOUNTS = (1, 2, 4, 9, 20, 50, 1_000)
WEIGHTS = (950_000, 900_000, 800_000, 600_000)


class Book(NamedTuple):
    """A book's margins in both modes."""

    name: str
    standard: Assessment
    portfolio: Assessment

    @property
    def initial_share(self) -> float:
        """Initial margin in portfolio mode, of the standard one."""
        return self.portfolio.initial / self.standard.initial

    @property
    def maintenance_share(self) -> float:
        """Maintenance margin in portfolio mode, of the standard one."""
        return self.portfolio.maintenance / self.standard.maintenance


class Split(NamedTuple):
    """Initial margin (WAD) of a position in one account and in many."""

    before: int
    size: int
    one: int
    many: int


def drawn_returns(count: int = 2, correlation: float = CORRELATION) -> Array:
    """Joint hours of normal markets of one correlation."""
    covariance = (np.full((count, count), correlation) + np.eye(count) * (1 - correlation)) * 1e-4
    return np.random.default_rng(SEED).multivariate_normal(np.zeros(count), covariance, size=HOURS)


def matrix(returns: Array) -> list[Shocks]:
    """The scenario matrix of the example's terms."""
    return build_matrix(returns, TERMS.tail, TERMS.factor / PPM)


def books(shocks: list[Shocks]) -> list[Book]:
    """All books under one matrix."""
    model = _model(RISK)
    for market_id, column in enumerate(shocks, 1):
        model.scenarios.stage(market_id, column)
    model.scenarios.activate(TERMS, 0, NOW)
    return [
        Book(name, _assess(model, sizes, 0), _assess(model, sizes, PORTFOLIO))
        for name, sizes in BOOKS.items()
    ]


def splits() -> list[Split]:
    """Positions where open interest binds, opened at once and over ACCOUNTS one after another."""
    model = _model(RISK._replace(depth=2**32 - 1))
    found = []
    for before, size in SPLITS:
        whole = size * MILLION * WAD // 1_000
        opened = before * MILLION * WAD // 1_000
        part = whole // ACCOUNTS
        many = sum(
            _initial(model, part, opened + part * number) for number in range(1, ACCOUNTS + 1)
        )
        found.append(Split(before, size, _initial(model, whole, opened + whole), many))
    return found


def _model(risk: MarketRisk) -> MarginModel:
    model = MarginModel(Journal(), profit_weight=800_000, margin_call=200_000)
    for market_id in (1, 2):
        model.set_risk(market_id, risk, NOW)
    return model


def _assess(model: MarginModel, sizes: dict[int, int], mode: int) -> Assessment:
    legs = [(market_id, 0, size * 1_000 * WAD) for market_id, size in sizes.items()]
    return model.assess(0, RICH, legs, [PRICE] * len(legs), NOW, mode)


def _initial(model: MarginModel, size: int, open_interest: int) -> int:
    return model.assess(0, RICH, [(1, open_interest, size)], [PRICE], NOW).initial


def tables() -> dict[str, str]:
    """The tables by their names, that of recorded hours only where these are present."""
    made = {
        "floors": _floors_table(),
        "drawn": _books_table(books(matrix(drawn_returns()))),
        "splits": _splits_table(),
        "haircuts": _haircuts_table(),
    }
    if is_present():
        made["recorded"] = _books_table(books(matrix(hourly_returns())))
    return made


def _floors_table() -> str:
    rows = []
    for count in MARKETS:
        floors = []
        for correlation in CORRELATIONS:
            returns = drawn_returns(count, correlation)
            floors.append(f"{least_floor(returns, matrix(returns), TERMS.tail):.1%}")
        rows.append((str(count), *floors))
    return table(("markets", *(f"correlation {one}" for one in CORRELATIONS)), rows)


def _books_table(found: list[Book]) -> str:
    head = (
        "book, millions",
        "initial, standard",
        "in portfolio mode",
        "of standard",
        "maintenance, standard",
        "in portfolio mode",
        "of standard",
    )
    rows = (
        (
            book.name,
            _thousands(book.standard.initial),
            _thousands(book.portfolio.initial),
            f"{book.initial_share:.1%}",
            _thousands(book.standard.maintenance),
            _thousands(book.portfolio.maintenance),
            f"{book.maintenance_share:.1%}",
        )
        for book in found
    )
    return table(head, rows)


def _thousands(wad: int) -> str:
    return f"{wad / WAD / 1_000:,.1f}"


def _splits_table() -> str:
    head = (
        "open before, millions",
        "position, millions",
        "initial margin of one account, thousands",
        f"of {ACCOUNTS} accounts",
        "difference",
    )
    rows = (
        (
            f"{split.before:,}",
            f"{split.size:,}",
            _thousands(split.one),
            _thousands(split.many),
            f"{split.many / split.one - 1:+.4%}",
        )
        for split in splits()
    )
    return table(head, rows)


def _haircuts_table() -> str:
    head = ("amount, depths", *(f"weight {weight / PPM:.0%}" for weight in WEIGHTS))
    rows = (
        (
            f"{amount:,}",
            *(f"{worth(amount * MILLION * WAD, w, 1_000) / WAD / MILLION:,.3f}" for w in WEIGHTS),
        )
        for amount in AMOUNTS
    )
    return table(head, rows)


def main(arguments: list[str] | None = None) -> int:
    """Exit status."""
    parser = argparse.ArgumentParser(prog="seawall.risk.examples", description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare, write nothing")
    options = parser.parse_args(arguments)
    before = PAGE.read_text()
    after = filled(before, tables())
    if options.check:
        return int(before != after)
    PAGE.write_text(after)
    return 0


if __name__ == "__main__":
    sys.exit(main())

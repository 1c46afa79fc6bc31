"""Risk parameters, scenario matrices and margin modes at a desk, in contract and specification."""

from __future__ import annotations

from typing import Any

from seawall.spec.scenarios import SCENARIOS, Shocks, Terms, pack_shocks
from tests.desk import Desk

PORTFOLIO = 1


def rising(percent: int) -> Shocks:
    """From -percent to +percent of the rate in equal steps: markets that share them are hedges."""
    steps = range(SCENARIOS)
    return tuple(percent * 100 * (2 * step - SCENARIOS + 1) // (SCENARIOS - 1) for step in steps)


def activate(desk: Desk, shocks: dict[int, Shocks], terms: Terms, minimum: int = 0) -> None:
    """A new matrix: stage every market's shocks, then put them in force."""
    for market_id, row in shocks.items():
        words = list(pack_shocks(row))
        desk.send(desk.owner, desk.model, "stage_scenarios", market_id, words)
        desk.margin.scenarios.stage(market_id, row)
    values = (terms.tail, terms.factor, terms.floor, minimum)
    desk.send(desk.owner, desk.model, "activate_matrix", *values)
    desk.margin.scenarios.activate(terms, minimum, desk.spec.now)


def choose_mode(desk: Desk, owner: Any, account: int, mode: int) -> None:
    """The owner chooses an account's margin mode."""
    desk.send(str(owner.address), desk.house, "set_mode", account, mode)
    desk.spec.set_mode(account >> 96, account, mode)

"""Scenario matrices from joint returns, by filtered historical simulation.

Returns are divided by the volatility that was known before them (Barone-Adesi, Giannopoulos and
Vosper 1999), so that a move counts as large when it surprised. Of all hours those are kept that
hurt most in some direction: each market up and down, and each pair of markets together and
against each other. Falls and rises of each market are then scaled, apart, so that its Expected
Shortfall alone is its own rate, long or short: the matrix says how markets move together, the rate
how far.
"""

from __future__ import annotations

from itertools import combinations, permutations
from math import exp

import numpy as np
from numpy.typing import NDArray

from seawall.spec.scenarios import BIAS, PER_WORD, SCENARIOS, SHOCK_UNIT, Shocks

Array = NDArray[np.float64]

#: Hours over which volatility forgets, as the index does; see oracle.volatility_seconds.
MEMORY_HOURS = 24
LANES = 4


class ScenarioError(ValueError):
    """Returns that make no matrix."""


def build_matrix(returns: Array, tail: int = 3, factor: float = 1.0) -> list[Shocks]:
    """Shocks of each market, in 1/10,000 of its rate, the scenarios that hurt most first.

    `returns` are log returns of an hour each: a row an hour, a column a market. `factor` times the
    mean of the worst `tail` losses of a market alone, long or short, comes to its rate: a unit less
    at most, never more. Errors: ScenarioError.
    """
    if returns.ndim != 2:
        raise ScenarioError(f"{returns.ndim} dimensions, expected a row an hour, a column a market")
    if len(returns) < 2 * SCENARIOS or not np.isfinite(returns).all():
        raise ScenarioError("too few returns, or such that are no numbers")
    units = in_rates(np.expm1(filtered(returns)), tail)
    chosen = units[worst_hours(units)]
    return [_placed(_shocks(column)) for column in in_rates(chosen, tail).T / factor]


def least_floor(returns: Array, columns: list[Shocks], tail: int = 3, factor: float = 1.0) -> float:
    """The smallest floor, as a part of standard margin, that no matched pair of markets undercuts.

    32 scenarios hold the worst hours of every pair while there are few markets; with more, a pair
    whose hours are not among them would need less than it lost. That is what the floor is for: the
    largest shortfall of such pairs over all hours. 0 where the matrix asks for as much of each.
    Errors: ScenarioError.
    """
    units = in_rates(np.expm1(filtered(returns)), tail)
    least = 0.0
    for first, second in permutations(range(units.shape[1]), 2):
        lost = shortfall(units[:, first] - units[:, second], tail)
        shocks = np.array(columns[first]) - np.array(columns[second])
        asked = shortfall(shocks / SHOCK_UNIT, tail) * factor
        # Less than a unit is cut off each shock.
        if lost - asked > 2 / SHOCK_UNIT:
            least = max(least, lost / 2)
    return least


def in_rates(moves: Array, tail: int) -> Array:
    """Moves of each market, falls and rises in units of the Expected Shortfall of each side."""
    falls = np.array([shortfall(column, tail) for column in moves.T])
    rises = np.array([shortfall(-column, tail) for column in moves.T])
    if min(*falls, *rises) <= 0:
        raise ScenarioError(f"the worst {tail} hours of a side are no losses")
    scaled: Array = np.where(moves < 0, moves / falls, moves / rises)
    return scaled


def _shocks(column: Array) -> Shocks:
    """Whole numbers, cut towards 0 so that no market needs more than its rate."""
    most = BIAS - 1
    return tuple(int(move) for move in np.clip(np.trunc(column * SHOCK_UNIT), -most, most))


def filtered(returns: Array) -> Array:
    """Returns over the volatility known before them, times the median volatility.

    Volatility below its median counts as the median: margins do not fall with calm either.
    """
    kept = exp(-1 / MEMORY_HOURS)
    variance = np.empty_like(returns)
    running = np.mean(returns[: SCENARIOS * 2] ** 2, axis=0)
    for hour, row in enumerate(returns):
        variance[hour] = running
        running = kept * running + (1 - kept) * row**2
    volatility = np.sqrt(variance)
    usual = np.median(volatility, axis=0)
    if not (usual > 0).all():
        raise ScenarioError("a market that never moves")
    scaled: Array = returns / np.maximum(volatility, usual) * usual
    return scaled


def worst_hours(moves: Array) -> list[int]:
    """The hours that hurt most, in turns for every direction, each hour once; moves in one unit."""
    losses = [sign * column for column in moves.T for sign in (-1, 1)]
    for first, second in combinations(moves.T, 2):
        for mixed in (first + second, first - second):
            losses += [mixed, -mixed]
    queues = [iter(np.argsort(-loss, kind="stable")) for loss in losses]
    chosen: dict[int, None] = {}
    while len(chosen) < SCENARIOS:
        for queue in queues:
            hour = next(int(hour) for hour in queue if int(hour) not in chosen)
            if len(chosen) < SCENARIOS:
                chosen[hour] = None
    return list(chosen)


def shortfall(moves: Array, tail: int) -> float:
    """Mean of the worst `tail` losses of a long."""
    return float(-np.sort(moves)[:tail].mean())


def _placed(column: Shocks) -> Shocks:
    """The same scenarios where the contract looks first: it passes over four at a time."""
    lanes = PER_WORD // LANES
    order = [
        half * PER_WORD + lane * lanes + word
        for half in range(SCENARIOS // PER_WORD)
        for word in range(lanes)
        for lane in range(LANES)
    ]
    placed = [0] * SCENARIOS
    for place, move in zip(order, column, strict=True):
        placed[place] = move
    return tuple(placed)

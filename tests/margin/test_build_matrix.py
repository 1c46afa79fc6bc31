"""Scenario matrices made of returns."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest

from seawall.risk.scenarios import (
    Array,
    ScenarioError,
    build_matrix,
    filtered,
    in_rates,
    least_floor,
    shortfall,
    worst_hours,
)
from seawall.spec.scenarios import SCENARIOS, SHOCK_UNIT, expected_shortfall
from seawall.spec.words import WAD

TAIL = 3


@pytest.fixture(scope="module")
def returns() -> Array:
    """Three markets, the first two of one mind, with rough and calm weeks."""
    rng = np.random.default_rng(11)
    common = rng.standard_normal((5_000, 1))
    own = rng.standard_normal((5_000, 3))
    moves = np.array([0.9, 0.9, 0.0]) * common + np.array([0.4, 0.4, 1.0]) * own
    weeks = np.repeat(rng.uniform(0.5, 3, 5_000 // 100), 100)[:, None]
    scaled: Array = moves * weeks * np.array([0.004, 0.008, 0.02])
    return scaled


@pytest.mark.parametrize("factor", [1.0, 0.7])
@pytest.mark.parametrize("sign", [1, -1])
def test_build_matrix_one_leg_alone_needs_its_rate_either_way(
    returns: Array, sign: int, factor: float
) -> None:
    """And never more, but for what sums of an Expected Shortfall leave out."""
    for shocks in build_matrix(returns, TAIL, factor):
        alone = expected_shortfall([(sign * 10**6 * WAD, shocks)], TAIL) * factor / WAD / 10**6
        # A shock is whole in 1/10,000 of the rate.
        assert 1 - 1 / SHOCK_UNIT < alone <= 1 + 1e-9


def test_build_matrix_keeps_what_hedges_and_what_does_not(returns: Array) -> None:
    first, second, third = build_matrix(returns, TAIL)
    money = 10**6 * WAD

    hedged = expected_shortfall([(money, first), (-money, second)], TAIL)
    apart = expected_shortfall([(money, first), (-money, third)], TAIL)

    alone = money
    assert hedged < alone < apart < 2 * alone


def test_build_matrix_scenarios_are_joint_hours(returns: Array) -> None:
    """Each scenario is one hour of all markets, its falls on one scale and its rises on another."""
    surprises = in_rates(np.expm1(filtered(returns)), TAIL)
    hours = worst_hours(surprises)
    found = build_matrix(returns, TAIL)

    assert len(set(hours)) == SCENARIOS
    for column, shocks in enumerate(found):
        moves = np.sort(surprises[hours, column])
        falls, rises = moves.min() / min(shocks), moves.max() / max(shocks)
        expected = [move / (falls if move < 0 else rises) for move in moves]
        # What is largest was cut to a whole number, too.
        assert all(abs(a - b) <= 2 for a, b in zip(sorted(shocks), expected, strict=True))


def test_least_floor_of_two_markets_is_nothing(returns: Array) -> None:
    pair = returns[:, :2]

    assert least_floor(pair, build_matrix(pair, TAIL), TAIL) == 0


def test_least_floor_covers_every_pair_that_the_scenarios_miss() -> None:
    rng = np.random.default_rng(7)
    moves = 0.01 * (rng.standard_normal((4_000, 1)) + 0.5 * rng.standard_normal((4_000, 8)))
    columns = np.array(build_matrix(moves, TAIL)).T / SHOCK_UNIT
    floor = least_floor(moves, build_matrix(moves, TAIL), TAIL)
    units = in_rates(np.expm1(filtered(moves)), TAIL)

    missed = 0
    for first, second in permutations(range(8), 2):
        lost = shortfall(units[:, first] - units[:, second], TAIL)
        asked = shortfall(columns[:, first] - columns[:, second], TAIL)
        missed += asked < 0.9 * lost
        assert max(asked, 2 * floor) > lost - 2 / SHOCK_UNIT

    assert missed > 0
    assert 0.1 < floor < 0.6


def test_worst_hours_hold_the_worst_of_each_market(returns: Array) -> None:
    chosen = set(worst_hours(returns))
    for column in returns.T:
        assert int(np.argmin(column)) in chosen
        assert int(np.argmax(column)) in chosen


def test_filtered_a_move_in_rough_hours_counts_for_less() -> None:
    rng = np.random.default_rng(3)
    calm, rough = rng.standard_normal((500, 1)) * 0.01, rng.standard_normal((200, 1)) * 0.05
    moves = np.concatenate([calm, rough, calm, [[0.05]]])

    scaled = filtered(moves)

    assert abs(scaled[-1, 0]) > abs(moves[-1, 0]) * 0.7
    late = slice(600, 700)
    assert np.std(scaled[late]) < 0.4 * np.std(moves[late])


def test_shortfall_is_the_mean_of_the_worst() -> None:
    assert shortfall(np.array([3.0, -1.0, -2.0, -6.0]), 2) == 4.0


@pytest.mark.parametrize(
    "returns",
    [
        np.zeros(100),
        np.zeros((10, 1)),
        np.full((100, 1), np.nan),
        np.zeros((100, 1)),
        np.repeat([[0.01], [0.02]], 50, axis=0),
    ],
    ids=["no columns", "too few", "no numbers", "no moves", "no falls"],
)
def test_build_matrix_of_returns_that_make_none_refused(returns: Array) -> None:
    with pytest.raises(ScenarioError):
        build_matrix(returns)

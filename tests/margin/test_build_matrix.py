"""Scenario matrices made of returns."""

from __future__ import annotations

import numpy as np
import pytest

from seawall.risk.scenarios import (
    Array,
    ScenarioError,
    build_matrix,
    filtered,
    shortfall,
    worst_hours,
)
from seawall.spec.scenarios import SCENARIOS, SHOCK_UNIT, expected_shortfall
from seawall.spec.words import WAD

RATES = [0.065, 0.03, 0.2]
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


def test_build_matrix_one_leg_alone_needs_its_base_rate(returns: Array) -> None:
    for factor in (1.0, 0.7):
        for rate, shocks in zip(RATES, build_matrix(returns, RATES, TAIL, factor), strict=True):
            alone = max(
                expected_shortfall([(sign * 10**6 * WAD, shocks)], TAIL) for sign in (1, -1)
            )
            # A shock is whole in 1/10,000 of the price.
            assert abs(alone / WAD / 10**6 * factor - rate) < 1 / SHOCK_UNIT


def test_build_matrix_keeps_what_hedges_and_what_does_not(returns: Array) -> None:
    first, second, third = build_matrix(returns, [0.065] * 3, TAIL)
    money = 10**6 * WAD

    hedged = expected_shortfall([(money, first), (-money, second)], TAIL)
    apart = expected_shortfall([(money, first), (-money, third)], TAIL)

    alone = 65_000 * WAD
    assert hedged < alone < apart < 2 * alone


def test_build_matrix_scenarios_are_joint_hours(returns: Array) -> None:
    """Each scenario is one hour of all markets: their moves have one rank order of hours."""
    surprises = np.expm1(filtered(returns))
    hours = worst_hours(surprises)
    found = build_matrix(returns, RATES, TAIL)

    assert len(set(hours)) == SCENARIOS
    for column, shocks in enumerate(found):
        scale = max(abs(shock) for shock in shocks) / max(abs(surprises[hours, column]))
        expected = sorted(round(move * scale) for move in surprises[hours, column])
        assert all(abs(a - b) <= 1 for a, b in zip(sorted(shocks), expected, strict=True))


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
    "returns, rates",
    [
        (np.zeros((100, 2)), [0.1]),
        (np.zeros((10, 1)), [0.1]),
        (np.full((100, 1), np.nan), [0.1]),
        (np.zeros((100, 1)), [0.1]),
    ],
)
def test_build_matrix_of_returns_that_make_none_refused(returns: Array, rates: list[float]) -> None:
    with pytest.raises(ScenarioError):
        build_matrix(returns, rates)

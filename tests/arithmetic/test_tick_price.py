"""`tick_price.vy` against whole numbers of 60 places."""

from __future__ import annotations

import random
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import pytest
from harnesses import Harness

from seawall.spec.feeds import (
    DIGITS,
    MAX_DISTANCE,
    MAX_TICK,
    TICK_DENOMINATOR,
    TICK_NUMERATOR,
    distance_half_width,
    tick_power,
    tick_price,
)
from seawall.spec.words import MAX_HALF_WIDTH, WAD

SEED = 1_0001
BATCH = 500
ONE = 10**120
#: Ticks of the factor 10, to the next whole one.
DECADE = 23_027
#: Nearest of all to the middle between two prices of nine places.
NARROWEST = (-279_838, -46_177, -638_820, 790_865, 826_684, 643_284, -88_622, 298_314)
#: Relative; how near the nearest comes, and how near the contract's power is to the true one.
GAP = Fraction(9, 10**16)
PRECISION = Fraction(3, 10**18)


@pytest.fixture(scope="session")
def ask_prices(harness: Callable[[str], Harness]) -> Harness:
    return harness("TickPriceHarness")


def exact_price(tick: int, exponent: int) -> Fraction:
    """WAD price that is not rounded to places."""
    return Fraction(tick_power(tick), ONE) * Fraction(10) ** (18 + exponent)


def nearest_gaps(numerator: int, denominator: int) -> int:
    """Least distance of any power 0 to MAX_TICK of a ratio from the middle between two numbers of
    DIGITS places, relative, in 10**-30, rounded down."""
    value = unit = 10**90
    least = 10**30
    for _ in range(MAX_TICK + 1):
        if value >= 10 * unit:
            unit *= 10
        elif value < unit:
            unit //= 10
        step = unit // 10 ** (DIGITS - 1)
        off = abs(2 * (value % step) - step)
        least = min(least, off * 10**30 // (2 * value))
        value = value * numerator // denominator
    return least


@pytest.mark.parametrize(
    "numerator, denominator",
    [(TICK_NUMERATOR, TICK_DENOMINATOR), (TICK_DENOMINATOR, TICK_NUMERATOR)],
    ids=["up", "down"],
)
def test_tick_price_no_tick_lies_near_the_middle_between_two_prices(
    numerator: int, denominator: int
) -> None:
    """All 1,774,545 ticks: hence rounding the contract's power gives the exact power's price."""
    assert Fraction(nearest_gaps(numerator, denominator), 10**30) > GAP
    assert GAP > 100 * PRECISION


def test_tick_power_agrees_with_repeated_multiplication() -> None:
    power = Fraction(1)
    for tick in range(200):
        assert abs(Fraction(tick_power(tick), ONE) / power - 1) < Fraction(1, 10**60)
        assert abs(Fraction(tick_power(-tick), ONE) * power - 1) < Fraction(1, 10**60)
        power *= Fraction(TICK_NUMERATOR, TICK_DENOMINATOR)


@pytest.mark.parametrize("exponent", [-54, -36, -12, -1, 0, 1, 12, 36, 54])
def test_tick_price_random_ticks_match_specification(ask_prices: Harness, exponent: int) -> None:
    rng = random.Random(SEED + exponent)
    priced = 0
    for _ in range(4):
        ticks = [near_one(rng, exponent) for _ in range(BATCH)]
        answers = ask_prices.call("prices", ticks, exponent)
        assert answers == [tick_price(tick, exponent) for tick in ticks]
        priced += sum(answer > 0 for answer in answers)
    possible = -MAX_TICK < -DECADE * exponent < MAX_TICK
    assert priced > 1_000 if possible else priced == 0


def near_one(rng: random.Random, exponent: int) -> int:
    """A tick whose price lies a little beyond the range, either way, at most."""
    tick = -DECADE * exponent + rng.randint(-200_000, 150_000)
    return min(max(tick, -MAX_TICK), MAX_TICK)


def test_tick_price_narrowest_ticks_match_specification(ask_prices: Harness) -> None:
    for exponent in range(-38, 39):
        answers = ask_prices.call("prices", list(NARROWEST), exponent)
        assert answers == [tick_price(tick, exponent) for tick in NARROWEST]


@pytest.mark.parametrize("edge, exponent", [(-8, 0), (6, 0), (-8, 12), (6, -12)])
def test_tick_price_ends_of_the_range_match_specification(
    ask_prices: Harness, edge: int, exponent: int
) -> None:
    """A price of exactly an end of the range does not exist away from tick 0."""
    end = -DECADE * (exponent - edge)
    ticks = list(range(end - 250, end + 250))
    answers = ask_prices.call("prices", ticks, exponent)
    assert answers == [tick_price(tick, exponent) for tick in ticks]
    assert 50 < answers.count(0) < 450


def test_tick_price_of_tick_zero_is_one(ask_prices: Harness) -> None:
    for exponent in range(-8, 6):
        assert ask_prices.call("prices", [0, 1], exponent) == [
            10 ** (18 + exponent),
            10_001 * 10 ** (14 + exponent),
        ]


def test_tick_price_is_the_power_to_nine_places(ask_prices: Harness) -> None:
    rng = random.Random(SEED)
    ticks = [rng.randint(-184_000, 138_000) for _ in range(BATCH)]
    for tick, price in zip(ticks, ask_prices.call("prices", ticks, 0), strict=True):
        assert abs(price / exact_price(tick, 0) - 1) <= Fraction(1, 2 * 10**8)
        assert price % 10 ** (len(str(price)) - DIGITS) == 0


def test_powers_are_as_exact_as_the_module_says(ask_prices: Harness) -> None:
    rng = random.Random(SEED)
    ln_tick, ln_ten = (
        99_995_000_333_308_335_333_166_680_951_131,
        2_302_585_092_994_045_684_017_991_454_684_364_208,
    )
    ticks = [rng.randint(-184_000, 138_000) for _ in range(BATCH)]
    logarithms = [(tick * ln_tick + 18 * ln_ten) // WAD for tick in ticks]
    for tick, power in zip(ticks, ask_prices.call("powers", logarithms), strict=True):
        assert abs(power / (exact_price(tick, 0) * WAD) - 1) < PRECISION


def test_half_width_of_every_distance_matches_specification(ask_prices: Harness) -> None:
    answers: list[Any] = []
    for start in range(0, MAX_DISTANCE + BATCH, BATCH):
        answers += ask_prices.call("half_widths", list(range(start, start + BATCH)))
    assert answers == [distance_half_width(distance) for distance in range(len(answers))]
    assert answers[:4] == [0, 10, 21, 31]
    assert answers[MAX_DISTANCE] < MAX_HALF_WIDTH == answers[MAX_DISTANCE + 1]


def test_half_width_greatest_distance_is_the_last_below_the_limit() -> None:
    beyond = MAX_DISTANCE + 1
    above = Fraction(TICK_NUMERATOR, TICK_DENOMINATOR) ** beyond - 1
    assert above * 10**5 > MAX_HALF_WIDTH - 1


def test_half_width_of_any_larger_distance_is_the_limit(ask_prices: Harness) -> None:
    distances = [MAX_DISTANCE + 1, 2 * MAX_TICK, 2**256 - 1]
    assert ask_prices.call("half_widths", distances) == [MAX_HALF_WIDTH] * 3

"""latest: what a pool's sums become."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import ape
import pytest

from seawall.rpc import Rpc
from seawall.spec.feeds import MAX_TICK, Observed, PoolTerms, pool_latest, tick_price
from seawall.spec.oracle import NO_READING, Reading
from seawall.spec.words import WAD

SEED = 33
WINDOW = 600
#: Ticks of the factor 10.
DECADE = 23_027
#: Seconds per liquidity of 1 over the window.
ONE_LIQUIDITY = WINDOW << 128

Written = Callable[[PoolTerms], Any]


def terms(**over: Any) -> PoolTerms:
    """A pool of two tokens of 18 decimals whose base is token0."""
    return PoolTerms(**({"base_is_token0": True, "window": WINDOW} | over))


def steady(
    mean: int, tick: int | None = None, last: int | None = None, liquidity: int = 10**18
) -> Observed:
    """Sums of a window at one tick and liquidity; the present tick and that of the last second are
    the mean if not given."""
    passed = ONE_LIQUIDITY // liquidity
    present = mean if tick is None else tick
    before = mean if last is None else last
    return Observed((7, 7 + mean * WINDOW), (5, 5 + passed), present, before)


def test_latest_pool_at_tick_zero_is_one(written: Written, node: Rpc) -> None:
    pool = written(terms())
    pool.set(steady(0))
    assert pool.latest() == Reading(WAD, node.timestamp(), 0)


@pytest.mark.parametrize("base_is_token0", [True, False])
@pytest.mark.parametrize(
    "base_decimals, quote_decimals", [(18, 6), (6, 18), (8, 8), (2, 24), (0, 36)]
)
def test_latest_pool_any_decimals_give_wad(
    written: Written, base_is_token0: bool, base_decimals: int, quote_decimals: int
) -> None:
    pool = written(
        terms(
            base_is_token0=base_is_token0,
            base_decimals=base_decimals,
            quote_decimals=quote_decimals,
        )
    )
    # 10**(quote - base) native units per native unit is one for one; 23 ticks are 0.23 %.
    tick = (quote_decimals - base_decimals) * DECADE
    pool.set(steady(tick if base_is_token0 else -tick))
    price = pool.latest().price
    assert abs(price - WAD) <= WAD * abs(quote_decimals - base_decimals) // 10**4


@pytest.mark.parametrize("unit_exponent, price", [(3, 1_000 * WAD), (-3, WAD // 1_000)])
def test_latest_pool_unit_exponent_scales_the_price(
    written: Written, unit_exponent: int, price: int
) -> None:
    pool = written(terms(unit_exponent=unit_exponent))
    pool.set(steady(0))
    assert pool.latest().price == price


@pytest.mark.parametrize("over", [0, 1, WINDOW - 1])
@pytest.mark.parametrize("mean", [-100, -1, 0, 1, 100])
def test_latest_pool_mean_is_rounded_toward_minus_infinity(
    written: Written, mean: int, over: int
) -> None:
    pool = written(terms())
    before = steady(mean)
    pool.set(before._replace(ticks=(7, before.ticks[1] + over)))
    assert pool.latest().price == tick_price(mean, 0)
    pool.set(before._replace(ticks=(7, before.ticks[1] - 1)))
    assert pool.latest().price == tick_price(mean - 1, 0)


@pytest.mark.parametrize(
    "liquidity, valid", [(10**15, True), (10**15 - 1, False), (10**15 + 1, True), (1, False)]
)
def test_latest_pool_below_least_liquidity_is_no_price(
    written: Written, liquidity: int, valid: bool
) -> None:
    pool = written(terms(min_liquidity=10**15))
    pool.set(steady(0, liquidity=liquidity))
    assert (pool.latest() != NO_READING) == valid


def test_latest_pool_thin_for_a_hundredth_of_the_window_counts_as_thin(written: Written) -> None:
    """The harmonic mean: liquidity of 1 for 6 of 600 s leaves 100, however much else there is."""
    pool = written(terms(min_liquidity=101))
    passed = (6 << 128) + (594 << 128) // 10**18
    pool.set(Observed((0, 0), (0, passed), 0, 0))
    assert pool.latest() == NO_READING


def test_latest_pool_sums_of_seconds_that_wrap_are_read_right(written: Written) -> None:
    pool = written(terms(min_liquidity=10**15))
    passed = ONE_LIQUIDITY // 10**15
    for start in (2**160 - 1, 2**160 - passed, 2**160 - passed - 1):
        pool.set(Observed((0, 0), (start, (start + passed) % 2**160), 0, 0))
        assert pool.latest().price == WAD


@pytest.mark.parametrize(
    "distance, half_width", [(0, 0), (1, 10), (2, 21), (100, 1005), (5_040, 65_529)]
)
@pytest.mark.parametrize("side", [1, -1])
def test_latest_pool_distance_of_the_present_tick_is_the_half_width(
    written: Written, side: int, distance: int, half_width: int
) -> None:
    pool = written(terms())
    pool.set(steady(1_000, tick=1_000 + side * distance))
    reading = pool.latest()
    assert (reading.price, reading.half_width) == (tick_price(1_000, 0), half_width)


@pytest.mark.parametrize("tick, last", [(-30, 70), (70, -30), (0, -70), (70, 70)])
def test_latest_pool_farther_of_both_ticks_is_the_half_width(
    written: Written, tick: int, last: int
) -> None:
    pool = written(terms())
    pool.set(steady(0, tick=tick, last=last))
    assert pool.latest().half_width == 703


@pytest.mark.parametrize("tick", [5_041, -5_041, MAX_TICK, -MAX_TICK])
@pytest.mark.parametrize("name", ["tick", "last"])
def test_latest_pool_tick_too_far_away_is_no_price(written: Written, name: str, tick: int) -> None:
    pool = written(terms())
    pool.set(steady(0, **{name: tick}))
    assert pool.latest() == NO_READING


@pytest.mark.parametrize("mean", [-MAX_TICK, -9 * DECADE, 7 * DECADE, MAX_TICK])
def test_latest_pool_price_out_of_range_is_no_price(written: Written, mean: int) -> None:
    pool = written(terms())
    pool.set(steady(mean))
    assert pool.latest() == NO_READING


def test_latest_pool_on_a_failing_pool_reverts(project: Any, deployer: Any, tokens: Any) -> None:
    odd_source = deployer.deploy(project.OddSource)
    token = int(str(tokens[18][0].address), 16).to_bytes(32, "big")
    odd_source.answer_with(token, sender=deployer)
    feed = deployer.deploy(project.UniswapFeed, odd_source, tokens[18][0], WINDOW, 0, 1)
    odd_source.fail_with(b"", sender=deployer)
    with ape.reverts():
        feed.latest()


@pytest.mark.parametrize(
    "chosen",
    [
        terms(base_decimals=18, quote_decimals=6, min_liquidity=10**12),
        terms(
            base_is_token0=False, base_decimals=8, quote_decimals=18, window=86_400, min_liquidity=9
        ),
        terms(base_decimals=24, quote_decimals=2, unit_exponent=-4, min_liquidity=10**15),
        terms(
            base_is_token0=False,
            base_decimals=0,
            quote_decimals=36,
            unit_exponent=18,
            window=60,
            min_liquidity=9,
        ),
    ],
)
def test_latest_pool_random_sums_match_specification(
    written: Written, node: Rpc, chosen: PoolTerms
) -> None:
    pool = written(chosen)
    rng = random.Random(SEED)
    priced = 0
    for _ in range(150):
        drawn = draw_sums(rng, chosen)
        pool.set(drawn)
        expected = pool_latest(chosen, drawn, node.timestamp())
        assert pool.latest() == expected
        priced += expected != NO_READING
    # Both outcomes must be drawn, or the comparison says little.
    assert 40 < priced < 140


def draw_sums(rng: random.Random, chosen: PoolTerms) -> Observed:
    """Sums whose price is mostly in range, whose liquidity is mostly enough."""
    mean = -DECADE * chosen.exponent + rng.randint(-195_000, 145_000)
    mean = min(max(mean if chosen.base_is_token0 else -mean, -MAX_TICK), MAX_TICK)
    passed = mean * chosen.window + rng.randrange(chosen.window)
    distance = rng.choice([0, 1, 30, 1_000, 5_040, 6_000])
    tick, last = (
        min(max(mean + rng.randint(-distance, distance), -MAX_TICK), MAX_TICK) for _ in range(2)
    )
    liquidity = chosen.min_liquidity * rng.choice([1, 2, 10**6]) - rng.choice([0, 0, 0, 1])
    seconds = (chosen.window << 128) // max(liquidity, 1)
    first, start = rng.randrange(-(2**54), 2**54), rng.randrange(2**160)
    return Observed((first, first + passed), (start, (start + seconds) % 2**160), tick, last)

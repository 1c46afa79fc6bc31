"""The crowd: the same for one seed, as spread as the scene says, and openable."""

from __future__ import annotations

import statistics
from dataclasses import replace

import pytest

from seawall.demo.errors import DemoError
from seawall.demo.market_data import load as load_day
from seawall.demo.population import SIZE_STEP, Trader, draw
from seawall.demo.replay import closes_at
from seawall.demo.scene import CRASH, find_scene
from seawall.parameters import MarketParameters
from seawall.parameters import load as load_parameters
from seawall.spec.words import PPM, WAD

BTC, ETH = 1, 2


@pytest.fixture(scope="module")
def markets() -> tuple[MarketParameters, ...]:
    return load_parameters(CRASH.parameters).markets


@pytest.fixture(scope="module")
def prices() -> dict[int, int]:
    closes = closes_at(load_day(CRASH.prices), load_parameters(CRASH.parameters), 0)
    return {market_id: int(close * WAD) for market_id, close in closes.items()}


@pytest.fixture(scope="module")
def traders(markets: tuple[MarketParameters, ...], prices: dict[int, int]) -> list[Trader]:
    return draw(CRASH.crowd, CRASH.seed, markets, prices)


def leverage(trader: Trader, prices: dict[int, int]) -> float:
    return trader.notional(prices) / (trader.collateral * WAD)


def test_draw_same_seed_gives_the_same_crowd(
    traders: list[Trader], markets: tuple[MarketParameters, ...], prices: dict[int, int]
) -> None:
    assert draw(CRASH.crowd, CRASH.seed, markets, prices) == traders


def test_draw_other_seed_gives_another_crowd(
    traders: list[Trader], markets: tuple[MarketParameters, ...], prices: dict[int, int]
) -> None:
    assert draw(CRASH.crowd, CRASH.seed + 1, markets, prices) != traders


def test_draw_gives_distinct_accounts(traders: list[Trader]) -> None:
    assert len({trader.actor.account for trader in traders}) == CRASH.crowd.accounts >= 200


def test_draw_every_account_meets_initial_margin_after_costs(
    traders: list[Trader], markets: tuple[MarketParameters, ...], prices: dict[int, int]
) -> None:
    by_id = {market.market_id: market for market in markets}
    for trader in traders:
        needed = 0
        for market_id, size in trader.sizes.items():
            notional = abs(size) * prices[market_id] // WAD
            market = by_id[market_id]
            needed += notional * (market.initial + market.taker_fee) // PPM + market.reserve
        assert needed <= trader.collateral * WAD


def test_draw_sizes_are_on_the_step_and_above_the_minimum(
    traders: list[Trader], markets: tuple[MarketParameters, ...], prices: dict[int, int]
) -> None:
    minimum = {market.market_id: market.min_notional for market in markets}
    for trader in traders:
        for market_id, size in trader.sizes.items():
            assert size % SIZE_STEP == 0
            assert abs(size) * prices[market_id] // WAD >= minimum[market_id]


def test_draw_spreads_leverage_from_one_to_almost_ten(
    traders: list[Trader], prices: dict[int, int]
) -> None:
    found = [leverage(trader, prices) for trader in traders]
    assert min(found) < 1.5
    assert max(found) > 9
    assert 3 < statistics.median(found) < 5


def test_draw_holds_longs_shorts_both_and_hedged(traders: list[Trader]) -> None:
    longs = sum(size > 0 for trader in traders for size in trader.sizes.values())
    shorts = sum(size < 0 for trader in traders for size in trader.sizes.values())
    assert shorts < longs < 3 * shorts
    kinds = {trader.kind for trader in traders}
    assert kinds == {"BTC", "ETH", "both", "hedged"}
    for trader in traders:
        if trader.kind == "hedged":
            assert trader.sizes[BTC] * trader.sizes[ETH] < 0
        elif trader.kind == "both":
            assert trader.sizes[BTC] * trader.sizes[ETH] > 0


def test_draw_unknown_kind_says_which_markets_exist(
    markets: tuple[MarketParameters, ...], prices: dict[int, int]
) -> None:
    crowd = replace(CRASH.crowd, kinds={"DOGE": 1.0})
    with pytest.raises(DemoError, match=r"DOGE.*BTC.*ETH"):
        draw(crowd, 1, markets, prices)


def test_find_scene_unknown_name_lists_what_exists() -> None:
    with pytest.raises(DemoError, match=r"no scene 'flood'; there is: crash"):
        find_scene("flood")


def test_find_scene_empty_name_is_the_default() -> None:
    assert find_scene("") is CRASH

"""What the Backstop is worth: at adverse and favourable ends, bucket by bucket, never below 0."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest

from seawall.spec.words import PRICE, WAD
from tests.desk import dollars
from tests.yard import BTC, ETH, Yard


def test_nav_of_nothing_is_nothing(desk: Yard) -> None:
    assert desk.nav() == (0, 0)


def test_nav_without_legs_is_all_cash(desk: Yard) -> None:
    desk.open_bucket(ETH)
    desk.deposit(desk.free, 5)
    assert desk.nav() == (10_005 * WAD, 10_005 * WAD)


@pytest.mark.parametrize("sign", (1, -1))
def test_nav_with_a_leg_at_rest_differs_by_its_reserve(desk: Yard, maker: Any, sign: int) -> None:
    desk.open_bucket(ETH)
    desk.hand(ETH, desk.account(maker), sign * 5 * WAD)
    assert desk.nav() == (9_999 * WAD, 10_000 * WAD)


@pytest.mark.parametrize("sign", (1, -1))
@pytest.mark.parametrize("price", (1_900, 2_100))
def test_nav_after_a_gap_is_between_average_and_spot(
    desk: Yard, maker: Any, sign: int, price: int
) -> None:
    desk.open_bucket(ETH)
    desk.hand(ETH, desk.account(maker), sign * 5 * WAD)
    desk.index(ETH, price)
    adverse, favourable = desk.nav()
    word = PRICE.unpack(desk.read(desk.oracle, "prices", 1 << ETH)[0])
    average = word["price"] * word["ema_ratio"] // 10**7
    ends = [10_000 * WAD + sign * 5 * (one - 2_000 * WAD) for one in (price * WAD, average)]
    assert adverse == min(ends) - WAD
    assert favourable == max(ends)
    assert favourable - adverse > 400 * WAD


@pytest.mark.parametrize("sign", (1, -1))
def test_nav_at_a_silent_index_is_wide(desk: Yard, maker: Any, sign: int) -> None:
    desk.open_bucket(ETH)
    desk.hand(ETH, desk.account(maker), sign * 5 * WAD)
    desk.silence(ETH)
    width = Fraction(65_535, 10**5) * 10_000
    assert desk.nav() == (dollars(9_999 - width), dollars(10_000 + width))


def test_nav_of_a_bankrupt_bucket_is_the_rest(desk: Yard, maker: Any) -> None:
    """Its debt goes to the waterfall, not to its siblings."""
    desk.open_bucket(BTC)
    bucket = desk.open_bucket(ETH)
    desk.hand(ETH, desk.account(maker), 5 * WAD)
    desk.move_money(bucket, desk.account(maker), 10_500)
    assert desk.nav() == (10_000 * WAD, 10_000 * WAD)
    desk.move_money(desk.account(maker), bucket, 600)
    assert desk.nav() == (10_099 * WAD, 10_100 * WAD)


def test_nav_of_sixteen_buckets_asks_the_oracle_once(desk: Yard, maker: Any) -> None:
    """The most there can be, each with a leg; gas of a view in a quarter of a block."""
    desk.index(BTC, 100)
    desk.index(ETH, 100)
    for market_id in range(3, 17):
        desk.list_market(market_id, 100)
    for market_id in range(1, 17):
        desk.open_bucket(market_id)
        # The first two have fallen: longs there have not won in it.
        size = (50 if market_id < 3 else (-1) ** market_id * 50) * WAD
        assert desk.hand(market_id, desk.account(maker), size) == size
    adverse, favourable = desk.nav()
    assert favourable >= 160_000 * WAD > adverse
    call = {"to": desk.backstop.address, "data": "0x" + desk.backstop.encode("nav").hex()}
    gas = int(desk.rpc.call("eth_estimateGas", call), 16)
    print(f"gas of nav with 16 legs: {gas}")
    assert gas < 1_500_000

"""Signed orders through the Exchange into the Clearinghouse: margin, fees, reductions."""

from __future__ import annotations

from typing import Any

import pytest

from seawall.client.orders import SignedOrder, digest
from seawall.spec.words import WAD

BTC, ETH = 1, 2
ETH_PRICE = 3_375
TAKER_FEE, MAKER_FEE = 400, 100


def test_match_opens_both_sides_at_the_makers_price(
    market: Any, fund_account: Any, trader: Any, maker: Any
) -> None:
    fund_account(trader, 10_000)
    fund_account(maker, 10_000)
    resting = market.signed(maker, ETH, -WAD, 3_380)
    market.match(market.taker(trader, ETH, WAD, 3_390), [resting], trader)
    assert market.size(trader, ETH) == WAD
    assert market.size(maker, ETH) == -WAD
    # The taker paid five dollars above the index and four basis points.
    fee = 3_380 * WAD * TAKER_FEE // 10**6
    assert market.health(trader).equity == 10_000 * WAD - 5 * WAD - fee - WAD
    assert market.conservation() == 0


def test_match_fees_reach_the_insurance_fund(
    market: Any, system: Any, fund_account: Any, trader: Any, maker: Any
) -> None:
    fund_account(trader, 10_000)
    fund_account(maker, 10_000)
    resting = market.signed(maker, ETH, -2 * WAD, ETH_PRICE)
    market.match(market.taker(trader, ETH, 2 * WAD, ETH_PRICE), [resting], trader)
    expected = 2 * ETH_PRICE * (TAKER_FEE + MAKER_FEE)
    assert system.insurance_fund.totalAssets() == expected


def test_match_several_makers_fill_in_order(
    market: Any, fund_account: Any, trader: Any, maker: Any, keeper: Any, stranger: Any
) -> None:
    for owner in (trader, maker, keeper, stranger):
        fund_account(owner, 10_000)
    resting = [
        market.signed(maker, ETH, -WAD, 3_375),
        market.signed(keeper, ETH, -WAD, 3_376),
        market.signed(stranger, ETH, -WAD, 3_377),
    ]
    market.match(market.taker(trader, ETH, 5 * WAD // 2, 3_380), resting, trader)
    sizes = [market.size(owner, ETH) for owner in (trader, maker, keeper, stranger)]
    assert sizes == [5 * WAD // 2, -WAD, -WAD, -WAD // 2]
    assert market.conservation() == 0


def test_match_taker_below_initial_is_refused(
    refused: Any, market: Any, fund_account: Any, trader: Any, maker: Any
) -> None:
    fund_account(trader, 100)
    fund_account(maker, 10_000)
    resting = market.signed(maker, ETH, -WAD, ETH_PRICE)
    with refused("margin: below initial"):
        market.match(market.taker(trader, ETH, WAD, ETH_PRICE), [resting], trader)
    assert market.size(maker, ETH) == 0


def test_match_maker_below_initial_is_refused(
    refused: Any, market: Any, fund_account: Any, trader: Any, maker: Any
) -> None:
    fund_account(trader, 10_000)
    fund_account(maker, 100)
    resting = market.signed(maker, ETH, -WAD, ETH_PRICE)
    with refused("margin: below initial"):
        market.match(market.taker(trader, ETH, WAD, ETH_PRICE), [resting], trader)


def test_match_without_a_deposit_is_refused(
    refused: Any, market: Any, fund_account: Any, trader: Any, maker: Any
) -> None:
    fund_account(maker, 10_000)
    resting = market.signed(maker, ETH, -WAD, ETH_PRICE)
    with refused("margin: below initial"):
        market.match(market.taker(trader, ETH, WAD, ETH_PRICE), [resting], trader)


def test_match_wrong_signature_is_refused(
    refused: Any, market: Any, fund_account: Any, trader: Any, maker: Any, stranger: Any
) -> None:
    fund_account(trader, 10_000)
    fund_account(maker, 10_000)
    order = market.order(maker, ETH, -WAD, ETH_PRICE)
    forged = market.key_of(stranger).unsafe_sign_hash(digest(order, market.domain)).signature
    with refused("order: signature"):
        market.match(
            market.taker(trader, ETH, WAD, ETH_PRICE), [SignedOrder(order, bytes(forged))], trader
        )


def test_match_for_another_account_is_refused(
    refused: Any, market: Any, fund_account: Any, trader: Any, maker: Any, stranger: Any
) -> None:
    fund_account(trader, 10_000)
    fund_account(maker, 10_000)
    resting = market.signed(maker, ETH, -WAD, ETH_PRICE)
    with refused("account: not yours"):
        market.match(market.taker(trader, ETH, WAD, ETH_PRICE), [resting], stranger)


def test_match_reduce_only_closes_no_more_than_is_open(
    market: Any, fund_account: Any, trader: Any, maker: Any
) -> None:
    fund_account(trader, 10_000)
    fund_account(maker, 10_000)
    market.match(
        market.taker(trader, ETH, WAD, ETH_PRICE), [market.signed(maker, ETH, -WAD, ETH_PRICE)],
        trader,
    )  # fmt: skip
    market.match(
        market.taker(trader, ETH, -3 * WAD, ETH_PRICE, reduce_only=True),
        [market.signed(maker, ETH, 3 * WAD, ETH_PRICE)],
        trader,
    )
    assert market.size(trader, ETH) == 0
    assert market.size(maker, ETH) == 0
    assert market.conservation() == 0


def test_match_profit_becomes_cash_and_leaves_after_an_hour(
    market: Any, system: Any, fund_account: Any, set_index: Any, trader: Any, maker: Any
) -> None:
    fund_account(trader, 1_000)
    fund_account(maker, 10_000)
    market.match(
        market.taker(trader, ETH, WAD, ETH_PRICE), [market.signed(maker, ETH, -WAD, ETH_PRICE)],
        trader,
    )  # fmt: skip
    set_index(ETH, 3_475)
    market.match(
        market.taker(trader, ETH, -WAD, 3_475), [market.signed(maker, ETH, WAD, 3_475)], trader
    )
    fees = (3_375 + 3_475) * TAKER_FEE
    owed = 1_000 * 10**6 + 100 * 10**6 - fees
    market.withdraw(trader, owed)
    assert system.settlement.balanceOf(trader) == 1_000 * 10**6
    market.claim()
    assert system.settlement.balanceOf(trader) == owed
    assert market.health(trader).cash == 0


def test_withdraw_below_initial_is_refused(
    refused: Any, market: Any, system: Any, fund_account: Any, trader: Any, maker: Any
) -> None:
    fund_account(trader, 1_000)
    fund_account(maker, 10_000)
    market.match(
        market.taker(trader, ETH, WAD, ETH_PRICE), [market.signed(maker, ETH, -WAD, ETH_PRICE)],
        trader,
    )  # fmt: skip
    free = market.health(trader).withdrawable // 10**12
    with refused("margin: below initial"):
        market.withdraw(trader, free + 1)
    market.withdraw(trader, free)
    assert market.health(trader).withdrawable < 10**12


def test_match_reduction_below_initial_is_allowed(
    refused: Any, market: Any, fund_account: Any, set_index: Any, trader: Any, maker: Any
) -> None:
    fund_account(trader, 400)
    fund_account(maker, 10_000)
    market.match(
        market.taker(trader, ETH, WAD, ETH_PRICE), [market.signed(maker, ETH, -WAD, ETH_PRICE)],
        trader,
    )  # fmt: skip
    set_index(ETH, 3_270)
    health = market.health(trader)
    assert health.maintenance < health.equity < health.initial
    with refused("margin: below initial"):
        market.match(
            market.taker(trader, ETH, WAD // 10, 3_270),
            [market.signed(maker, ETH, -WAD // 10, 3_270)],
            trader,
        )
    market.match(
        market.taker(trader, ETH, -WAD // 2, 3_270), [market.signed(maker, ETH, WAD // 2, 3_270)],
        trader,
    )  # fmt: skip
    assert market.size(trader, ETH) == WAD // 2
    assert market.health(trader).ratio > health.ratio


@pytest.mark.parametrize("price", (3_544, 3_206))
def test_match_outside_the_band_is_refused(
    refused: Any, market: Any, fund_account: Any, trader: Any, maker: Any, price: int
) -> None:
    fund_account(trader, 10_000)
    fund_account(maker, 10_000)
    resting = market.signed(maker, ETH, -WAD, price)
    with refused("order: band"):
        market.match(market.taker(trader, ETH, WAD, 4_000), [resting], trader)

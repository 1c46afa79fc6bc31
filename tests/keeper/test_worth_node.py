"""What a purchase brings in dollars while the settlement token is off its peg, on a node."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import pytest

from seawall.keeper.chores import CONVERT
from seawall.keeper.jobs import Keeper
from seawall.keeper.purchases import Offer, PurchaseRules
from seawall.spec.oracle import SETTLEMENT_ID
from seawall.spec.risk import NOTICE, RAMP
from seawall.spec.words import WAD
from tests.unit.collateral_converter.counter import Counter, Token

#: Dollars of a collateral token.
PRICE = 100
#: Below any cost of gas here.
NATIVE = {"native_price": 3 * WAD}
BUY = PurchaseRules(most=500 * WAD)

Make = Callable[..., Keeper]


@pytest.fixture
def pledge(desk: Counter) -> Token:
    return desk.token_of(1, PRICE)


@pytest.fixture
def owing(desk: Counter, pledge: Token, trader: Any, maker: Any) -> int:
    """An account without legs that owes 200 settlement tokens on ten tokens of 100 dollars."""
    return desk.debtor(trader, desk.account(maker), {pledge: 10 * WAD}, 200)


def offer_of(desk: Counter, bot: Keeper, account: int) -> Offer:
    (found,) = bot.watch.chain.offers([account], desk.rpc.block_number())
    return found


def check_gain(offer: Offer, settlement: Fraction) -> None:
    """What was sold in dollars less what its cash is worth; a native unit is a WAD here."""
    real = offer.amount * PRICE - offer.cash * settlement
    assert abs(offer.gain * settlement - real) < 10**4


@pytest.mark.parametrize("settlement", ("0.9", "0.97", "0.99", "1"))
def test_offers_at_or_below_par_gain_is_the_discount(
    desk: Counter, keeper_of: Make, pledge: Token, owing: int, settlement: str
) -> None:
    desk.peg(settlement)
    offer = offer_of(desk, keeper_of(CONVERT), owing)
    discount = desk.plan_conversion(owing, pledge).discount
    check_gain(offer, Fraction(settlement))
    assert abs(offer.gain * 10**6 - offer.worth * discount) < 10**10


def test_offers_without_feeds_of_the_settlement_token_count_it_at_par(
    desk: Counter, keeper_of: Make, pledge: Token, owing: int
) -> None:
    check_gain(offer_of(desk, keeper_of(CONVERT), owing), Fraction(1))


@pytest.mark.parametrize(
    "seconds", (0, NOTICE + RAMP // 10, NOTICE + RAMP // 2, NOTICE + RAMP), ids=str
)
def test_offers_first_feeds_above_par_gain_is_what_it_is_in_dollars(
    desk: Counter, keeper_of: Make, pledge: Token, owing: int, seconds: int
) -> None:
    desk.peg("1.03")
    if seconds:
        desk.warp(seconds)
    offer = offer_of(desk, keeper_of(CONVERT), owing)
    check_gain(offer, Fraction("1.03"))
    # At first the index asks for a dollar's cash a dollar: 1.03 of them.
    assert (offer.gain > 0) == (seconds >= NOTICE + RAMP // 2 + RAMP // 4)


@pytest.mark.parametrize("settlement", ("0.9", "0.97", "0.99"))
def test_convert_below_par_buys_as_at_par(
    desk: Counter, keeper_of: Make, keeper: Any, owing: int, settlement: str
) -> None:
    desk.peg(settlement)
    desk.account(keeper, 1_000)
    keeper_of(CONVERT, purchases=BUY, **NATIVE).round()
    assert desk.read(desk.house, "collateral_of", desk.account(keeper), 1) > 0


def test_convert_first_feeds_above_par_buys_nothing_at_a_loss(
    desk: Counter, keeper_of: Make, keeper: Any, owing: int
) -> None:
    desk.peg("1.03")
    desk.account(keeper, 1_000)
    (report,) = keeper_of(CONVERT, purchases=BUY, **NATIVE).round()
    assert report.summary().endswith("convert; 1 left out: discount too small after gas")
    assert desk.read(desk.house, "collateral_of", desk.account(keeper), 1) == 0


def test_offers_settlement_token_without_a_usable_price_are_none(
    desk: Counter, keeper_of: Make, owing: int
) -> None:
    desk.peg("0.97")
    desk.silence(SETTLEMENT_ID)
    assert keeper_of(CONVERT).watch.chain.offers([owing], desk.rpc.block_number()) == []

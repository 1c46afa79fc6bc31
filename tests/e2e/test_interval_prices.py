"""A price is an interval: adverse ends for new risk, favourable ones for liquidation, and an
average that lags behind a gap."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest

from seawall.spec.clearinghouse import Change
from seawall.spec.step_plan import PARTIAL, WHOLE
from seawall.spec.words import GATE_MARGIN_RULE, GATE_NONE, LONG, PRICE, WAD
from tests.desk import Desk, Refused, dollars

BTC, ETH = 1, 2
BTC_PRICE, ETH_PRICE = Fraction("42849.78"), 3_375
MAINTENANCE, INITIAL = Fraction(65, 1_000), Fraction(1, 10)
#: Half of the maintenance rate, where a market's half-width stops to count.
WIDEST = MAINTENANCE / 2
GAP = Fraction(13, 10)


def spread(desk: Desk, leg_id: int, price: Fraction, part: Fraction) -> int:
    """Three feeds that no two agree: at the price, and a part of it above and below; half-width."""
    for source, factor in zip(desk.sources[leg_id], (1 - part, Fraction(1), 1 + part), strict=True):
        answer = int(price * factor * 10**8)
        desk.send(desk.owner, source, "set_answer", answer)
    desk.send(desk.owner, desk.oracle, "refresh", 1 << leg_id)
    word = PRICE.unpack(desk.read(desk.oracle, "price_word", leg_id))
    assert word["price"] == int(price * 10**8) * 10**10
    return word["half_width"]


def with_legs(desk: Desk, trader: Any, maker: Any, btc: Fraction, missing: Fraction) -> int:
    """One ETH and so many BTC long, and equity that is so many dollars short of maintenance."""
    account, other = desk.account(trader), desk.account(maker, 100_000)
    desk.fill(account, other, ETH, WAD)
    desk.fill(account, other, BTC, int(btc * WAD))
    wanted = (ETH_PRICE + btc * BTC_PRICE) * MAINTENANCE - missing
    desk.move_money(other, account, wanted - Fraction(desk.equity(account), WAD))
    return account


def test_mango_leg_of_twenty_dollars_in_a_dead_market_keeps_no_other_leg_open(
    desk: Desk, trader: Any, maker: Any, keeper: Any
) -> None:
    account = with_legs(desk, trader, maker, Fraction(20) / BTC_PRICE, Fraction(100))
    desk.silence(BTC)
    before = desk.size(account, BTC)

    step, _ = desk.liquidate(account, desk.account(keeper, 10_000), keeper)

    assert step.stage in (PARTIAL, WHOLE)
    assert desk.size(account, ETH) < WAD
    assert desk.size(account, BTC) == before


def test_wide_leg_does_not_shield_and_is_not_moved(
    desk: Desk, trader: Any, maker: Any, keeper: Any
) -> None:
    """A leg of $1,000 whose feeds part by 20 % could be worth $200 more; $32.50 of it count."""
    btc = Fraction(1_000) / BTC_PRICE
    account = with_legs(desk, trader, maker, btc, Fraction(100))
    half_width = spread(desk, BTC, BTC_PRICE, Fraction(1, 5))
    assert half_width == 20_000
    before = desk.size(account, BTC)
    plan = desk.plan(account)
    counted = Fraction(plan.favourable_equity - plan.equity, WAD)
    assert float(counted) == pytest.approx(float(1_000 * WIDEST), rel=1e-6)

    step, _ = desk.liquidate(account, desk.account(keeper, 10_000), keeper)

    assert step.stage in (PARTIAL, WHOLE)
    assert desk.size(account, ETH) < WAD
    assert desk.size(account, BTC) == before


def test_leg_within_its_interval_is_given_the_benefit_of_the_doubt(
    desk: Desk, trader: Any, maker: Any, keeper: Any
) -> None:
    """$10 short at the index, but the feeds part by 2 %: the ETH may be worth $67 more."""
    account = with_legs(desk, trader, maker, Fraction(20) / BTC_PRICE, Fraction(10))
    assert spread(desk, ETH, Fraction(ETH_PRICE), Fraction(2, 100)) == 2_000
    taker = desk.account(keeper, 10_000)

    assert desk.refusal(account, taker, keeper) == "liquidation: healthy"

    desk.index(ETH, ETH_PRICE)
    step, _ = desk.liquidate(account, taker, keeper)
    assert step.stage == PARTIAL


def test_parted_feeds_carry_no_new_risk_but_let_it_shrink(
    desk: Desk, trader: Any, maker: Any
) -> None:
    buyer, seller = desk.account(trader, 100_000), desk.account(maker, 100_000)
    desk.fill(buyer, seller, ETH, WAD)
    spread(desk, ETH, Fraction(ETH_PRICE), Fraction(4, 100))

    with pytest.raises(Refused, match="margin: below initial"):
        _gated(desk, buyer, seller, WAD, ETH_PRICE)
    _gated(desk, buyer, seller, -WAD // 2, ETH_PRICE)

    assert desk.size(buyer, ETH) == WAD // 2


def _gated(desk: Desk, buyer: int, seller: int, size: int, price: int) -> None:
    """A fill that both must have the margin for."""
    money = size * price
    desk.trade(
        ETH,
        [
            Change(buyer, size, -money, 0, GATE_MARGIN_RULE),
            Change(seller, -size, money, 0, GATE_MARGIN_RULE),
        ],
    )


def test_winner_passed_to_a_thin_account_before_a_charge_does_not_pay(
    desk: Desk, trader: Any, maker: Any, keeper: Any
) -> None:
    """ETH jumps by 30 % and the longs are about to be charged for a short that went bankrupt.

    The winner would leave his position to a thin account of his own, which then cannot pay the
    charge. But who takes it over must have the whole gap in margin: $1,012.50 beside the initial
    margin of $438.75, where a spot price would have asked for the latter alone. So the charge is
    paid either way, and both wallets together have what the winner alone would have.
    """
    winner, loser = desk.account(trader, 2_000), desk.account(maker, 100_000)
    desk.fill(winner, loser, ETH, WAD)
    gap = ETH_PRICE * (GAP - 1)
    now = ETH_PRICE * GAP
    desk.index(ETH, now)
    thin = desk.account(trader, 1_400, sub=1)
    price = int(now * WAD)
    handed = [
        Change(thin, WAD, -price, 0, GATE_MARGIN_RULE),
        Change(winner, -WAD, price, 0, GATE_MARGIN_RULE),
    ]

    with pytest.raises(Refused, match="margin: below initial"):
        desk.trade(ETH, handed)
    desk.deposit(thin, 60)
    desk.trade(ETH, handed)

    needed = float(gap + now * INITIAL)
    assert needed == pytest.approx(1_451.25)
    # The average has moved for the seconds since the gap, no farther.
    assert 1_400 < needed - 10 < 1_460
    together = desk.equity(winner) + desk.equity(thin)
    charge = dollars(gap)
    paid = [Change(LONG, 0, -charge, 0, GATE_NONE), Change(loser, 0, charge, 0, GATE_NONE)]
    desk.trade(ETH, paid)
    assert desk.equity(thin) > 0
    assert together - desk.equity(winner) - desk.equity(thin) == charge

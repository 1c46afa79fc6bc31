"""How prices broke other engines, tried on the deployed system, each by its incident's name."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest

from seawall.spec.clearinghouse import Change
from seawall.spec.step_plan import PARTIAL
from seawall.spec.words import GATE_MARGIN_RULE, MAX_HALF_WIDTH, PRICE, WAD
from tests.desk import Desk, Refused, dollars

BTC, ETH = 1, 2
ETH_PRICE = 3_375
UNIT = 10**8
RATE = Fraction(65, 1_000)


def word(desk: Desk, leg_id: int = ETH) -> dict[str, int]:
    """What the index says after a refresh."""
    desk.send(desk.owner, desk.oracle, "refresh", 1 << leg_id)
    return PRICE.unpack(desk.read(desk.oracle, "price_word", leg_id))


def answers(desk: Desk, *quotes: int) -> None:
    """What the feeds of ETH say, in whole dollars."""
    for source, quote in zip(desk.sources[ETH], quotes, strict=True):
        desk.send(desk.owner, source, "set_answer", quote * UNIT)


def gated(desk: Desk, buyer: int, seller: int, size: int, price: int) -> None:
    """A fill that both must have the margin for, at whole dollars."""
    desk.trade(
        ETH,
        [
            Change(buyer, size, -size * price, 0, GATE_MARGIN_RULE),
            Change(seller, -size, size * price, 0, GATE_MARGIN_RULE),
        ],
    )


@pytest.mark.parametrize("broken", [0, -1])
def test_11_zero_or_negative_answer_is_no_price(desk: Desk, broken: int) -> None:
    answers(desk, broken, ETH_PRICE, ETH_PRICE)
    assert word(desk)["price"] == ETH_PRICE * WAD
    answers(desk, broken, broken, ETH_PRICE)
    assert word(desk)["half_width"] == MAX_HALF_WIDTH


def test_20_mango_pump_of_ones_own_market_pays_nothing_out(
    desk: Desk, trader: Any, maker: Any
) -> None:
    """Two accounts of one owner, and a price 24 times as high a minute later: the winner's $77,625
    is in its equity, but neither buys new risk nor leaves, while the average is where it was."""
    winner, loser = desk.account(trader, 1_000), desk.account(trader, 10_000, sub=1)
    other = desk.account(maker, 10**6)
    gated(desk, winner, loser, WAD, ETH_PRICE)
    pumped = ETH_PRICE * 24
    desk.index(ETH, pumped)
    desk.rpc.warp(60)
    assert desk.equity(winner) > dollars(70_000)

    with pytest.raises(Refused, match="margin: below initial"):
        gated(desk, winner, other, WAD // 100, pumped)
    sender = str(trader.address)
    with pytest.raises(Refused, match="margin: below initial"):
        desk.send(sender, desk.house, "withdraw", winner, 0, 1, sender)


def test_41_one_of_three_feeds_broken_stops_nothing(
    desk: Desk, trader: Any, maker: Any, keeper: Any
) -> None:
    account, other = desk.account(trader), desk.account(maker, 10_000)
    desk.fill(account, other, ETH, WAD)
    wanted = ETH_PRICE * RATE * Fraction(9, 10)
    desk.move_money(other, account, wanted - Fraction(desk.equity(account), WAD))
    desk.send(desk.owner, desk.sources[ETH][0], "set_answer", 0)

    gated(desk, other, desk.account(keeper, 10_000), WAD // 10, ETH_PRICE)
    step, _ = desk.liquidate(account, desk.account(keeper), keeper)

    assert step.stage == PARTIAL


def test_41_quorum_lost_lets_risk_shrink_alone(desk: Desk, trader: Any, maker: Any) -> None:
    buyer, seller = desk.account(trader, 10_000), desk.account(maker, 10_000)
    gated(desk, buyer, seller, WAD, ETH_PRICE)
    answers(desk, 0, 0, ETH_PRICE)

    with pytest.raises(Refused, match="margin: below initial"):
        gated(desk, buyer, seller, WAD, ETH_PRICE)
    gated(desk, seller, buyer, WAD // 2, ETH_PRICE)

    assert desk.size(buyer, ETH) == WAD // 2


def test_two_feeds_that_contradict_each_other_liquidate_nobody(
    desk: Desk, trader: Any, maker: Any, keeper: Any
) -> None:
    """One feed is silent and one says a third: a mean of both would be two thirds of the price."""
    account, other = desk.account(trader), desk.account(maker, 10_000)
    desk.fill(account, other, ETH, WAD)
    desk.move_money(other, account, 800 - Fraction(desk.equity(account), WAD))

    answers(desk, 0, ETH_PRICE, ETH_PRICE // 3)

    found = word(desk)
    assert (found["price"], found["half_width"]) == (ETH_PRICE * WAD, MAX_HALF_WIDTH)
    assert desk.equity(account) == dollars(800)
    assert desk.refusal(account, desk.account(keeper, 10_000), keeper) == "liquidation: healthy"

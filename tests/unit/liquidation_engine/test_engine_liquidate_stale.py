"""A leg without a usable price stays; the others move at the index."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from shapes import BTC, ETH, RATE, one_leg, two_legs

from seawall.spec.step_plan import PARTIAL, WHOLE
from seawall.spec.words import WAD
from tests.closing_desk import ClosingDesk
from tests.desk import Desk, Refused


def test_liquidate_all_legs_stale_is_refused(
    desk: Desk, trader: Any, maker: Any, keeper: Any
) -> None:
    account = one_leg(desk, trader, maker, "0.3")
    desk.silence(ETH)
    taker = desk.account(keeper, 100_000)
    assert desk.refusal(account, taker, keeper) == "liquidation: price stale"


def test_liquidate_stale_leg_is_valued_at_its_favourable_end(
    desk: Desk, trader: Any, maker: Any, keeper: Any
) -> None:
    # Half the maintenance rate in the leg's favour lifts h = 0.9 above one.
    account = one_leg(desk, trader, maker, "0.9")
    desk.silence(ETH)
    taker = desk.account(keeper, 100_000)
    assert desk.refusal(account, taker, keeper) == "liquidation: healthy"


def test_liquidate_partial_takes_the_usable_leg(
    desk: Desk, trader: Any, maker: Any, keeper: Any
) -> None:
    account = two_legs(desk, trader, maker, "0.7")
    desk.silence(BTC)
    taker = desk.account(keeper, 100_000)
    desk.index(ETH, 3_010)
    assert Fraction(2, 3) < desk.ratio(account) < Fraction(7, 10)
    step, _ = desk.liquidate(account, taker, keeper)
    assert (step.stage, step.market_id) == (PARTIAL, ETH)
    assert desk.size(account, BTC) == WAD


def test_liquidate_whole_leaves_the_stale_leg_alone(
    desk: Desk, trader: Any, maker: Any, keeper: Any
) -> None:
    account = two_legs(desk, trader, maker, "0.3")
    desk.silence(BTC)
    taker = desk.account(keeper, 100_000)
    ratio = desk.ratio(account)
    step, events = desk.liquidate(account, taker, keeper)
    assert step.stage == WHOLE
    assert step.notional == 30_000 * WAD
    assert step.reserve == WAD
    assert (desk.size(account, BTC), desk.size(account, ETH)) == (WAD, 0)
    assert desk.ratio(account) >= ratio
    assert [one["market_id"] for one in events] == [ETH]


def test_liquidate_whole_beside_a_stale_leg_takes_no_more_than_keeps_the_ratio(
    desk: Desk, trader: Any, maker: Any, keeper: Any
) -> None:
    account = two_legs(desk, trader, maker, "0.1")
    desk.silence(BTC)
    equity = desk.equity(account)
    step, _ = desk.liquidate(account, desk.account(keeper, 100_000), keeper)
    # 1 % would be 300 dollars: the rest keeps its part of equity, and a few wei for rounding.
    room = equity - equity * 40 // 70
    assert room - 8 <= step.fee <= room - 4
    assert desk.ratio(account) >= Fraction(1, 10)


def test_close_out_beside_a_stale_leg_books_what_is_certain(
    desk: ClosingDesk, trader: Any, maker: Any, keeper: Any
) -> None:
    account = two_legs(desk, trader, maker, "-0.5")
    desk.silence(BTC)
    plan = desk.plan(account)
    closed = desk.close_out(account, desk.account(keeper))
    # At most half of base maintenance margin an index may be unsure by, and not be silent.
    assert plan.favourable_equity - plan.equity == 40_000 * WAD * RATE / 2
    assert closed.total == -plan.favourable_equity > 0
    assert desk.equity(account) == plan.equity - plan.favourable_equity


def test_close_out_beside_a_stale_leg_waits_with_what_nobody_pays(
    desk: ClosingDesk, trader: Any, maker: Any, keeper: Any
) -> None:
    account = two_legs(desk, trader, maker, "-2")
    desk.silence(BTC)
    taker = desk.account(keeper)
    closed = desk.close_out(account, taker)
    # Nobody won: the side pays base maintenance margin, and nothing is deferred yet.
    assert closed.charged == closed.total == 30_000 * WAD * RATE
    assert desk.size(account, ETH) == 0
    equity = desk.equity(account)
    assert equity == -2 * 70_000 * WAD * RATE + closed.total
    with pytest.raises(Refused, match="closing: price stale"):
        desk.close_out(account, taker)
    desk.index(BTC, 40_000)
    assert desk.close_out(account, taker).total == -equity
    assert desk.cash(account) == 0


def test_liquidate_keeper_with_a_stale_leg_may_only_reduce(
    desk: Desk, trader: Any, maker: Any, keeper: Any
) -> None:
    account = one_leg(desk, trader, maker, "0.9")
    taker, other = desk.account(keeper, 100_000), desk.account(maker)
    desk.fill(taker, other, BTC, WAD)
    desk.silence(BTC)
    assert desk.refusal(account, taker, keeper) == "margin: below initial"
    desk.fill(other, taker, ETH, 10 * WAD)
    step, _ = desk.liquidate(account, taker, keeper)
    assert desk.size(taker, ETH) == step.size - 10 * WAD

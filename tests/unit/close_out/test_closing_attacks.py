"""Attacks on who pays: strangers of a ten-dollar leg, and clocks of a month ago."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from books import BTC, BTC_PRICE, ETH, long_eth, rich

from seawall.spec.liquidation import LONGEST_CLOCK
from seawall.spec.words import SHORT, WAD
from tests.closing_desk import ClosingDesk
from tests.desk import Refused, dollars

TEN_DOLLARS = 10 * WAD // BTC_PRICE
BASE = Fraction(65, 1_000)


def test_close_out_ten_dollars_expose_a_strange_side_to_ten_dollars_margin(
    closing_desk: ClosingDesk, trader: Any, maker: Any, keeper: Any, operator: Any
) -> None:
    """Attack: a hole in one market beside a tiny leg in another, whose winners are strangers."""
    desk = closing_desk
    desk.empty_fund()
    other = rich(desk, maker)
    stranger_long, stranger_short = rich(desk, operator), rich(desk, operator, sub=1)
    desk.fill(stranger_long, stranger_short, BTC, 10 * WAD)
    account = long_eth(desk, trader, other, 10, 3_000)
    desk.deposit(account, 1)
    desk.fill(account, stranger_short, BTC, TEN_DOLLARS)
    # Far beyond what the side that won in ETH may be charged.
    desk.move_money(account, other, 200_000)
    desk.gap(ETH, 2_500)
    closed = desk.close_out(account, desk.account(keeper))
    charged = closed.paid.get((5, BTC, SHORT), 0)
    own = -(-closed_shortfall(closed) * 10 // 25_010)
    assert charged <= max(own, int(10 * WAD * BASE) + 1)
    assert closed.deferred > dollars(150_000)


def closed_shortfall(closed: Any) -> int:
    """What was paid in all stages."""
    return int(closed.fund + closed.charged + closed.deferred)


@pytest.mark.parametrize("late", (0, 1))
def test_close_out_clock_older_than_a_day_closes_nobody(
    closing_desk: ClosingDesk, trader: Any, maker: Any, keeper: Any, late: int
) -> None:
    """Attack: the clock of a fall that is long over counts for the next one."""
    desk = closing_desk
    account = long_eth(desk, trader, rich(desk, maker), 10, 3_000)
    desk.gap(ETH, 2_750)
    started = desk.flag(account)
    assert started != 0
    desk.warp(LONGEST_CLOCK + 60 if late else LONGEST_CLOCK - 600)
    assert desk.equity(account) > 0
    if late:
        with pytest.raises(Refused, match="closing: not due"):
            desk.close_out(account, desk.account(keeper))
        assert desk.flag(account) > started
        return
    desk.close_out(account, desk.account(keeper))
    assert desk.size(account, ETH) == 0

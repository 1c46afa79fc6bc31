"""Slices that buckets of the Backstop take of accounts that no keeper with margin came for."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from books import ETH, RESERVE, long_eth, rich

from seawall.spec.liquidation import BACKSTOP_AFTER, LONGEST_CLOCK
from seawall.spec.words import WAD
from tests.closing_desk import ClosingDesk
from tests.desk import Refused, dollars

#: capital, max_notional, loss_budget, initial.
LARGE = (100_000, 1_000_000, 50_000, 200_000)
#: Room for 12,000 dollars.
NARROW = (100_000, 12_000, 50_000, 200_000)
#: 1,800 dollars of 1,872 that are needed, and 700 of 1,800.
BELOW, FAR_BELOW, BELOW_ZERO = 2_880, 2_770, 2_600


def fallen(desk: ClosingDesk, owner: Any, maker: Any, price: int, wait: int) -> int:
    """Ten ETH on 3,000 dollars after a fall, the clock started and run for so long."""
    account = long_eth(desk, owner, rich(desk, maker), 10, 3_000)
    desk.gap(ETH, price)
    assert desk.flag(account)
    desk.warp(wait)
    desk.index(ETH, price)
    return account


def test_hand_to_backstop_after_ten_minutes_restores_the_account(
    closing_desk: ClosingDesk, trader: Any, maker: Any, keeper: Any
) -> None:
    desk = closing_desk
    bucket = desk.open_bucket(ETH, LARGE)
    account = fallen(desk, trader, maker, BELOW, BACKSTOP_AFTER)
    taker = desk.account(keeper)
    step = desk.hand_to_backstop(account, taker)
    assert step.market_id == ETH
    assert desk.size(bucket, ETH) == step.size > 0
    assert desk.ratio(account) >= Fraction(109, 100)
    # In cash, without margin or a leg: what he gets can be withdrawn at once.
    assert desk.cash(taker) == step.keeper_fee > 0
    assert desk.size(taker, ETH) == 0
    share = step.fee - step.keeper_fee
    assert desk.equity(bucket) == dollars(100_000) + share - RESERVE
    # The clock is over with the account at maintenance margin.
    assert desk.waterfall.flagged[account] == 0


@pytest.mark.parametrize(
    ("wait", "reason"),
    ((BACKSTOP_AFTER - 60, "liquidation: not due"), (LONGEST_CLOCK + 60, "liquidation: not due")),
)
def test_hand_to_backstop_before_its_clock_has_run_or_long_after_is_refused(
    closing_desk: ClosingDesk, trader: Any, maker: Any, keeper: Any, wait: int, reason: str
) -> None:
    desk = closing_desk
    desk.open_bucket(ETH, LARGE)
    account = fallen(desk, trader, maker, BELOW, wait)
    with pytest.raises(Refused, match=reason):
        desk.hand_to_backstop(account, desk.account(keeper))


def test_hand_to_backstop_void_clock_starts_anew(
    closing_desk: ClosingDesk, trader: Any, maker: Any, keeper: Any
) -> None:
    """A dip of yesterday gives nobody away today; the account gets its ten minutes again."""
    desk = closing_desk
    desk.open_bucket(ETH, LARGE)
    account = fallen(desk, trader, maker, BELOW, LONGEST_CLOCK + 60)
    before = desk.waterfall.flagged[account]
    assert desk.flag(account) > before
    desk.warp(BACKSTOP_AFTER)
    desk.index(ETH, BELOW)
    assert desk.hand_to_backstop(account, desk.account(keeper)).size > 0


def test_hand_to_backstop_narrow_bucket_takes_what_it_has_room_for(
    closing_desk: ClosingDesk, trader: Any, maker: Any, keeper: Any
) -> None:
    """Below close-out, where one bucket cannot take all: a part of the account goes."""
    desk = closing_desk
    bucket = desk.open_bucket(ETH, NARROW)
    account = fallen(desk, trader, maker, FAR_BELOW, BACKSTOP_AFTER)
    before = desk.ratio(account)
    assert before < Fraction(2, 3)
    step = desk.hand_to_backstop(account, desk.account(keeper))
    assert dollars(11_990) < step.notional <= dollars(12_000)
    assert desk.size(bucket, ETH) == step.size
    assert desk.ratio(account) >= before
    with pytest.raises(Refused, match="liquidation: bucket full"):
        desk.hand_to_backstop(account, desk.account(keeper))


def test_hand_to_backstop_without_a_bucket_is_refused(
    closing_desk: ClosingDesk, trader: Any, maker: Any, keeper: Any
) -> None:
    desk = closing_desk
    account = fallen(desk, trader, maker, BELOW, BACKSTOP_AFTER)
    with pytest.raises(Refused, match="liquidation: bucket full"):
        desk.hand_to_backstop(account, desk.account(keeper))


def test_hand_to_backstop_bankrupt_account_is_refused(
    closing_desk: ClosingDesk, trader: Any, maker: Any, keeper: Any
) -> None:
    desk = closing_desk
    desk.open_bucket(ETH, LARGE)
    account = fallen(desk, trader, maker, BELOW_ZERO, BACKSTOP_AFTER)
    with pytest.raises(Refused, match="liquidation: bankrupt"):
        desk.hand_to_backstop(account, desk.account(keeper))


def test_hand_to_backstop_healthy_account_is_refused(
    closing_desk: ClosingDesk, trader: Any, maker: Any, keeper: Any
) -> None:
    desk = closing_desk
    desk.open_bucket(ETH, LARGE)
    account = fallen(desk, trader, maker, BELOW, BACKSTOP_AFTER)
    desk.index(ETH, 3_000)
    with pytest.raises(Refused, match="liquidation: healthy"):
        desk.hand_to_backstop(account, desk.account(keeper))


def test_hand_to_backstop_paying_the_account_itself_or_nobody_is_refused(
    closing_desk: ClosingDesk, trader: Any, maker: Any
) -> None:
    desk = closing_desk
    desk.open_bucket(ETH, LARGE)
    account = fallen(desk, trader, maker, BELOW, BACKSTOP_AFTER)
    for keeper, reason in ((account, "liquidation: own account"), (7, "account: unknown")):
        with pytest.raises(Refused, match=reason):
            desk.hand_to_backstop(account, keeper)


def test_hand_to_backstop_bucket_below_maintenance_goes_to_nobody(
    closing_desk: ClosingDesk, trader: Any, maker: Any, keeper: Any
) -> None:
    """The Backstop is liquidated by the same rules as anybody, and not into itself."""
    desk = closing_desk
    bucket = desk.open_bucket(ETH, (3_000, 30_000, 3_000, 100_000))
    other = rich(desk, maker)
    desk.hand(ETH, other, 9 * WAD)
    desk.gap(ETH, 2_760)
    assert 0 < desk.ratio(bucket) < 1
    assert desk.flag(bucket)
    desk.warp(BACKSTOP_AFTER)
    desk.index(ETH, 2_760)
    with pytest.raises(Refused, match="liquidation: bucket full"):
        desk.hand_to_backstop(bucket, desk.account(keeper))
    step, _ = desk.liquidate(bucket, desk.account(keeper, 100_000), keeper)
    assert step.size > 0

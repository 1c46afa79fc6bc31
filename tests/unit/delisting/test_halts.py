"""Halts: one market waits, the others go on, and after it slices and exits wait a little."""

from __future__ import annotations

from typing import Any

import pytest
from ending_desk import BTC, ETH, EndingDesk

from seawall.spec.index_modes import HALT_GRACE, HALT_PAUSE, HALT_SECONDS
from seawall.spec.liquidation import SPARED
from seawall.spec.step_plan import GRACE, PARTIAL, WHOLE
from seawall.spec.words import WAD
from tests.desk import Refused


@pytest.fixture
def desk(ending_desk: EndingDesk) -> EndingDesk:
    """A short name."""
    return ending_desk


def halt(desk: EndingDesk, market_id: int, sender: str | None = None) -> None:
    desk.send(sender or desk.owner, desk.oracle, "halt", market_id)


def after_the_halt(desk: EndingDesk, price: int) -> None:
    """A halt of ETH that is over, and a price from after it."""
    halt(desk, ETH)
    desk.warp(HALT_SECONDS + 60)
    desk.index(ETH, price)


def test_halt_makes_one_market_wait_and_leaves_the_others(
    desk: EndingDesk, trader: Any, maker: Any, keeper: Any
) -> None:
    other, taker = desk.account(maker, 10**6), desk.account(keeper, 10**5)
    account = desk.long_eth(trader, other, 10, 2_500)
    second = desk.account(trader, 2_501, sub=1)
    desk.fill(second, other, BTC, WAD)
    halt(desk, ETH)
    desk.index(ETH, 2_900)
    desk.index(BTC, 39_500)
    assert desk.plan_step(account).stage != WHOLE
    assert desk.plan_step(second).stage == PARTIAL
    desk.liquidate(second, taker, keeper)


def test_attack_12_slices_wait_after_a_halt_and_whole_closes_do_not(
    desk: EndingDesk, trader: Any, maker: Any, keeper: Any
) -> None:
    other, taker = desk.account(maker, 10**6), desk.account(keeper, 10**5)
    account = desk.long_eth(trader, other, 10, 2_500)
    poor = desk.long_eth(trader, other, 10, 1_800, sub=1)
    after_the_halt(desk, 2_930)
    assert desk.plan_step(account).stage == GRACE
    assert desk.plan_step(poor).stage == WHOLE
    assert desk.refusal(account, taker, keeper) == "liquidation: in grace"
    statuses, _ = desk.liquidate_many([account, poor], taker, keeper)
    assert statuses == [SPARED, 0]
    assert desk.size(poor, ETH) == 0
    # Whose owner acts in time is spared for good.
    desk.deposit(account, 1_000)
    desk.warp(HALT_GRACE + 60)
    assert desk.plan_step(account).stage == 0


def test_attack_12_slices_go_on_when_the_grace_is_over(
    desk: EndingDesk, trader: Any, maker: Any, keeper: Any
) -> None:
    other, taker = desk.account(maker, 10**6), desk.account(keeper, 10**5)
    account = desk.long_eth(trader, other, 10, 2_500)
    after_the_halt(desk, 2_930)
    desk.warp(HALT_GRACE + 60)
    step, _ = desk.liquidate(account, taker, keeper)
    assert step.stage == PARTIAL


def test_exits_wait_while_an_account_is_in_grace(desk: EndingDesk, trader: Any, maker: Any) -> None:
    account = desk.long_eth(trader, desk.account(maker, 10**6), 10, 30_000)
    after_the_halt(desk, 3_000)
    with pytest.raises(Refused, match="margin: below initial"):
        desk.withdraw(account, 1)
    desk.warp(HALT_GRACE + 60)
    desk.withdraw(account, 1)


def test_lift_halt_ends_it_before_its_time(desk: EndingDesk) -> None:
    halt(desk, ETH)
    with pytest.raises(Refused, match="oracle: not halted"):
        desk.send(desk.owner, desk.oracle, "lift_halt", BTC)
    desk.send(desk.owner, desk.oracle, "lift_halt", ETH)
    desk.index(ETH, 2_999)
    assert desk.price(ETH) == 2_999 * WAD
    with pytest.raises(Refused, match="oracle: not halted"):
        desk.send(desk.owner, desk.oracle, "lift_halt", ETH)


def test_halt_again_within_a_week_is_refused_whatever_the_market(desk: EndingDesk) -> None:
    halt(desk, ETH)
    desk.warp(HALT_PAUSE - 60)
    with pytest.raises(Refused, match="oracle: halted lately"):
        halt(desk, BTC)
    desk.warp(60)
    halt(desk, BTC)


@pytest.mark.parametrize("market_id", (0, 9, 128))
def test_halt_of_no_market_is_refused(desk: EndingDesk, market_id: int) -> None:
    with pytest.raises(Refused, match="oracle: no market"):
        halt(desk, market_id)


def test_halt_by_a_guardian_passes_and_by_a_stranger_is_refused(
    desk: EndingDesk, stranger: Any, guardian: Any
) -> None:
    roles = str(guardian.address), desk.delisting.address
    with pytest.raises(Refused, match="oracle: not the guardian"):
        halt(desk, ETH, str(stranger.address))
    with pytest.raises(Refused, match="ownable: caller is not the owner"):
        desk.send(str(stranger.address), desk.oracle, "set_roles", *roles)
    desk.send(desk.owner, desk.oracle, "set_roles", *roles)
    halt(desk, ETH, str(guardian.address))


def test_halt_of_a_market_whose_price_is_fixed_is_refused(desk: EndingDesk, keeper: Any) -> None:
    desk.end(ETH, keeper)
    with pytest.raises(Refused, match="oracle: price fixed"):
        halt(desk, ETH)

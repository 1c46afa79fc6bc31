"""A batch: a status each, one gate of the keeper's at the end."""

from __future__ import annotations

from typing import Any

import pytest
from shapes import BTC, ETH, one_leg, two_legs

from seawall.spec.liquidation import HEALTHY, INSOLVENT, LIQUIDATED, OWN_ACCOUNT, STALE
from seawall.spec.words import WAD
from tests.desk import Desk, Refused


def test_liquidate_many_mixed_batch_gives_a_status_each(
    desk: Desk, trader: Any, maker: Any, keeper: Any
) -> None:
    partial = one_leg(desk, trader, maker, "0.9")
    healthy = one_leg(desk, trader, maker, "2", sub=1)
    bankrupt = one_leg(desk, trader, maker, "-0.3", sub=2, sign=-1)
    stale = desk.account(trader, 500, sub=3)
    desk.fill(stale, desk.account(maker), BTC, WAD)
    desk.silence(BTC)
    taker = desk.account(keeper, 100_000)
    batch = [healthy, partial, taker, stale, bankrupt, partial]
    statuses, events = desk.liquidate_many(batch, taker, keeper)
    assert statuses == [HEALTHY, LIQUIDATED, OWN_ACCOUNT, STALE, INSOLVENT, HEALTHY]
    assert [one["account"] for one in events if one["event"] == "Liquidated"] == [partial]
    assert desk.size(bankrupt, ETH) != 0


def test_liquidate_many_duplicate_acts_on_what_is_left(
    desk: Desk, trader: Any, maker: Any, keeper: Any
) -> None:
    # One leg does not reach the target: the second step takes from the other one.
    account = two_legs(desk, trader, maker, "0.667")
    step = desk.plan_step(account)
    taker = desk.account(keeper, 100_000)
    statuses, events = desk.liquidate_many([account] * 3, taker, keeper)
    assert statuses[0] == LIQUIDATED
    assert statuses[-1] == HEALTHY
    assert events[0]["size"] == step.size
    assert len(events) == statuses.count(LIQUIDATED)


def test_liquidate_many_keeper_below_initial_takes_nothing(
    desk: Desk, trader: Any, maker: Any, keeper: Any
) -> None:
    accounts = [one_leg(desk, trader, maker, "0.5", sub=sub) for sub in range(3)]
    # Enough for two of three legs of 30,000.
    taker = desk.account(keeper, 8_000)
    before = desk.words()
    with pytest.raises(Refused, match="margin: below initial"):
        desk.liquidate_many(accounts, taker, keeper)
    assert desk.words() == before
    assert desk.liquidate_many(accounts[:2], taker, keeper)[0] == [LIQUIDATED] * 2


def test_liquidate_many_opposite_legs_need_margin_for_the_net(
    desk: Desk, trader: Any, maker: Any, keeper: Any
) -> None:
    accounts = [
        one_leg(desk, trader, maker, "0.5", sub=sub, sign=1 if sub % 2 else -1) for sub in range(4)
    ]
    taker = desk.account(keeper, 10)
    assert desk.liquidate_many(accounts, taker, keeper)[0] == [LIQUIDATED] * 4
    assert desk.size(taker, ETH) == 0
    assert desk.cash(taker) > 10 * WAD


def test_liquidate_many_without_work_needs_no_keeper(
    desk: Desk, trader: Any, maker: Any, stranger: Any, keeper: Any
) -> None:
    healthy = one_leg(desk, trader, maker, "2")
    taker = desk.account(keeper)
    assert desk.liquidate_many([healthy, taker], taker, stranger)[0] == [HEALTHY, OWN_ACCOUNT]
    assert desk.liquidate_many([], taker, stranger)[0] == []


def test_liquidate_many_for_a_stranger_is_refused(
    desk: Desk, trader: Any, maker: Any, keeper: Any, stranger: Any
) -> None:
    account = one_leg(desk, trader, maker, "0.9")
    taker = desk.account(keeper, 100_000)
    before = desk.words()
    with pytest.raises(Refused, match="account: not yours"):
        desk.send(str(stranger.address), desk.engine, "liquidate_many", [account], taker)
    assert desk.words() == before


def test_liquidate_many_order_does_not_change_what_each_pays(
    desk: Desk, trader: Any, maker: Any, keeper: Any
) -> None:
    accounts = [
        one_leg(desk, trader, maker, ratio, sub=sub)
        for sub, ratio in enumerate(("0.9", "0.5", "0.1", "0.7"))
    ]
    steps = {account: desk.plan_step(account) for account in accounts}
    taker = desk.account(keeper, 1_000_000)
    _, events = desk.liquidate_many(accounts[::-1], taker, keeper)
    paid = {one["account"]: one["fee"] for one in events if one["event"] == "Liquidated"}
    assert paid == {account: step.fee for account, step in steps.items()}


def test_liquidate_many_thirty_two_accounts_fit_into_a_block(
    desk: Desk, trader: Any, maker: Any, keeper: Any
) -> None:
    other = desk.account(maker, 10_000)
    accounts = [desk.account(trader, 12, sub=sub) for sub in range(32)]
    for account in accounts:
        desk.fill(account, other, ETH, WAD // 10)
    taker = desk.account(keeper, 100_000)
    statuses, _ = desk.liquidate_many(accounts, taker, keeper)
    assert statuses == [LIQUIDATED] * 32
    assert desk.last_gas < 15_000_000

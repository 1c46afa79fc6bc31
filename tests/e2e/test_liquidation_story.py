"""One crash from signed orders to healed losses, every step beside the specification's words."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from seawall.spec.close_out import HEAL_PERIOD, HEAL_STEP
from seawall.spec.step_plan import PARTIAL, WHOLE
from seawall.spec.words import WAD
from tests.closing_desk import ClosingDesk
from tests.desk import dollars

BTC, ETH = 1, 2
ETH_PRICE = 3_375


def test_crash_partial_then_whole_then_fund_then_sides_then_deferred_then_healed(
    desk: ClosingDesk, system: Any, trader: Any, maker: Any, keeper: Any, saver: Any, stranger: Any
) -> None:
    desk.save(saver, 500)
    careful = desk.account(trader, 400)
    reckless = desk.account(stranger, 360)
    other = desk.account(maker, 20_000)
    taker = desk.account(keeper, 20_000)
    for account in (careful, reckless):
        desk.fill(account, other, ETH, WAD)
    total = desk.spec.totals.held

    # Six per cent down: below maintenance margin, both keep a smaller position.
    desk.index(ETH, 3_172)
    for account in (careful, reckless):
        assert Fraction(2, 3) < desk.ratio(account) < 1
        desk.flag(account)
        step, _ = desk.liquidate(account, taker, keeper)
        assert step.stage == PARTIAL
        assert desk.ratio(account) >= Fraction(11, 10)
        assert desk.view(desk.engine, "flagged_at", account) == 0

    # A gap through close-out: the careful one still owns something, a little later the other owes.
    desk.index(ETH, 2_960)
    step, _ = desk.liquidate(careful, taker, keeper)
    assert step.stage == WHOLE
    desk.index(ETH, 2_900)
    owed = -desk.equity(reckless)
    assert owed > 0
    closed = desk.close_out(reckless, taker)
    assert (closed.fund, closed.total) == (owed, owed)

    # Another one, larger than what the fund has left: who won in the fall pays the rest of it.
    second = desk.account(stranger, 1_500, sub=1)
    desk.fill(second, other, ETH, 5 * WAD)
    desk.index(ETH, 2_300)
    owed = -desk.equity(second)
    left = desk.cash(desk.fund_account)
    assert owed > left > 0
    closed = desk.close_out(second, taker)
    assert (closed.fund, closed.charged, closed.deferred) == (left, owed - left, 0)

    # A debt without legs, which no side stood against: it is deferred.
    debtor = desk.account(stranger, 0, sub=2)
    desk.move_money(debtor, other, 800)
    assert desk.close_out(debtor, taker).deferred == dollars(800)
    deferred = desk.spec.totals.deferred
    assert deferred == dollars(800)

    # Every exit is cut by one ratio, in tokens, until the fund has earned the difference.
    assert desk.spec.totals.held == total + dollars(1_500)
    # A deposit meanwhile is credited at the ratio, and the difference is deferred as well.
    newcomer = desk.account(saver, 5_000, sub=5)
    assert desk.spec.totals.deferred > deferred
    deferred = desk.spec.totals.deferred
    # What the fund earns heals them by and by.
    desk.move_money(newcomer, desk.fund_account, 5_000)
    healed = desk.heal()
    assert healed == min(deferred, dollars(5_000) * HEAL_STEP // HEAL_PERIOD)
    desk.warp(HEAL_STEP)
    assert desk.heal() > 0
    assert desk.spec.totals.deferred < deferred - healed
    desk.check()


def test_orders_then_crash_then_everyone_leaves(
    system: Any,
    market: Any,
    fund_account: Any,
    set_index: Any,
    trader: Any,
    maker: Any,
    keeper: Any,
    saver: Any,
) -> None:
    """Through users' own calls alone: what went in comes out, to the rounding of token units."""
    for owner, money in ((trader, 500), (maker, 5_000), (keeper, 5_000)):
        fund_account(owner, money)
    market.match(
        market.taker(trader, ETH, WAD, ETH_PRICE), [market.signed(maker, ETH, -WAD, ETH_PRICE)],
        trader,
    )  # fmt: skip
    set_index(ETH, 3_060)
    taker, account = (
        market.order(keeper, ETH, 1, 1).account,
        market.order(trader, ETH, 1, 1).account,
    )
    before = market.health(trader)
    assert before.status == 4
    market.desk.send(str(keeper.address), market.desk.engine, "liquidate", account, taker, 2**255)
    assert market.health(trader).ratio >= WAD * 11 // 10
    left = market.size(trader, ETH)
    assert 0 < left < WAD
    # Both sell what they hold back to the maker.
    for owner in (trader, keeper):
        size = market.size(owner, ETH)
        market.match(
            market.taker(owner, ETH, -size, 3_060, reduce_only=True),
            [market.signed(maker, ETH, size, 3_060)],
            owner,
        )
    assert market.size(maker, ETH) == 0
    owners = (trader, maker, keeper)
    for owner in owners:
        free = market.health(owner).withdrawable // 10**12
        market.withdraw(owner, free)
    market.claim()
    paid = sum(system.settlement.balanceOf(owner) for owner in owners)
    fund = system.insurance_fund.totalAssets()
    # Less than one unit stays behind in each of three accounts, and in the fund's.
    assert 10_500 * 10**6 - 4 <= paid + fund <= 10_500 * 10**6
    assert market.conservation() == 0

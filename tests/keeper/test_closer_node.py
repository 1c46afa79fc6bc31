"""What a keeper without margin closes, on a real node."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from seawall.keeper.closer import CloseReport
from seawall.keeper.closing import Close, Flag, Hand
from seawall.keeper.index import REORG_BLOCKS
from seawall.keeper.jobs import Keeper
from seawall.keeper.rounds import CLOSE_OUT, LIQUIDATE, Report
from seawall.spec.liquidation import BACKSTOP_AFTER, LONGEST_CLOCK
from seawall.spec.words import WAD
from tests.desk import contract_at
from tests.unit.collateral_converter.counter import Counter

BTC, ETH = 1, 2
#: Dollars of one ETH as the local parameters list it; 219.375 is its maintenance margin.
INDEX = 3_375
#: Equity of less than two thirds of that.
BELOW_CLOSE_OUT = 140
HOUR = 3_600

Make = Callable[..., Keeper]


@pytest.fixture
def short(desk: Counter, maker: Any) -> int:
    """Who stands against everybody."""
    return desk.account(maker, 10**6)


def open_leg(
    desk: Counter,
    other: int,
    owner: Any,
    margin: int,
    size: int = 1,
    market_id: int = ETH,
    sub: int = 0,
) -> int:
    """An account with a leg of whole units; above zero a long."""
    account = desk.account(owner, margin, sub)
    buyer, seller = (account, other) if size > 0 else (other, account)
    desk.fill(buyer, seller, ETH, abs(size) * WAD)
    return account


def fund_bucket(desk: Counter, broker: Any, dollars: int) -> None:
    """The Backstop gets so many dollars, all for its bucket of ETH."""
    backstop = contract_at(str(desk.system.backstop.address), "Backstop")
    desk.deposit(int(backstop.address, 16) << 96, dollars)
    desk.send(str(broker.address), backstop, "allot", ETH)


def report_of(bot: Keeper) -> CloseReport:
    (report,) = bot.round()
    assert isinstance(report, CloseReport), report.summary()
    return report


def legs(desk: Counter, account: int) -> int:
    return len(desk.read(desk.house, "portfolio", account)[2])


def cash(desk: Counter, account: int) -> int:
    return int(desk.read(desk.lens, "health", account)[6])


def test_close_out_bankrupt_account_is_closed_by_a_keeper_without_margin(
    desk: Counter, keeper_of: Make, keeper: Any, trader: Any, short: int
) -> None:
    account = open_leg(desk, short, trader, 300)
    desk.index(ETH, INDEX - 400)
    bot = keeper_of(CLOSE_OUT)
    report = report_of(bot)
    assert report.closes == [Close((account,), WAD)]
    assert report.summary().endswith(": close_out 1 in 1 transactions (reserves 1.00)")
    assert (legs(desk, account), cash(desk, account)) == (0, 0)
    # The reserve of the leg, in cash.
    assert cash(desk, bot.watch.chain.keeper_account) == WAD


def test_close_out_accounts_of_both_sides_are_netted_in_one_transaction(
    desk: Counter, keeper_of: Make, trader: Any, stranger: Any, short: int
) -> None:
    losing = [open_leg(desk, short, trader, 300, sub=number) for number in range(3)]
    winning = open_leg(desk, short, stranger, 300, size=-1)
    # What it wins does not pay for what it owes.
    desk.move_money(winning, short, 800)
    desk.index(ETH, INDEX - 400)
    report = report_of(keeper_of(CLOSE_OUT))
    assert [close.accounts for close in report.closes] == [tuple(sorted([*losing, winning]))]
    assert [legs(desk, account) for account in (*losing, winning)] == [0, 0, 0, 0]


def test_close_out_below_close_out_is_taken_by_a_bucket_at_once(
    desk: Counter, keeper_of: Make, trader: Any, deployer: Any, short: int
) -> None:
    fund_bucket(desk, deployer, 10_000)
    account = open_leg(desk, short, trader, BELOW_CLOSE_OUT)
    report = report_of(keeper_of(CLOSE_OUT))
    assert (report.closes, report.flags) == ([Close((account,), WAD, alone=True)], [])
    assert legs(desk, account) == 0


def test_close_out_short_is_taken_by_a_bucket_that_is_long(
    desk: Counter, keeper_of: Make, trader: Any, stranger: Any, deployer: Any, short: int
) -> None:
    fund_bucket(desk, deployer, 10_000)
    bot = keeper_of(CLOSE_OUT)
    open_leg(desk, short, trader, 10 * BELOW_CLOSE_OUT, size=10)
    assert len(report_of(bot).closes) == 1
    # More than an empty bucket would take, and much more than it would take of longs now.
    account = open_leg(desk, short, stranger, 18 * BELOW_CLOSE_OUT, size=-18)
    assert report_of(bot).closes == [Close((account,), WAD, alone=True)]


def test_close_out_bucket_with_too_little_room_closes_nothing(
    desk: Counter, keeper_of: Make, trader: Any, deployer: Any, short: int
) -> None:
    fund_bucket(desk, deployer, 600)
    account = open_leg(desk, short, trader, BELOW_CLOSE_OUT)
    report = report_of(keeper_of(CLOSE_OUT))
    assert (report.closes, report.flags) == ([], [Flag(account)])


def test_close_out_without_buckets_waits_for_the_clock_and_closes(
    desk: Counter, keeper_of: Make, trader: Any, short: int
) -> None:
    account = open_leg(desk, short, trader, BELOW_CLOSE_OUT)
    bot = keeper_of(CLOSE_OUT)
    report = report_of(bot)
    assert (report.closes, report.flags) == ([], [Flag(account)])
    assert report.summary().endswith(": close_out, 1 clocks started")
    assert desk.read(desk.engine, "flagged_at", account) == desk.rpc.timestamp()
    desk.warp(HOUR // 2)
    assert report_of(bot).summary() == ""
    desk.warp(HOUR // 2)
    assert report_of(bot).closes == [Close((account,), WAD)]
    assert legs(desk, account) == 0


def test_close_out_between_close_out_and_maintenance_is_never_closed(
    desk: Counter, keeper_of: Make, trader: Any, short: int
) -> None:
    account = open_leg(desk, short, trader, 200)
    bot = keeper_of(CLOSE_OUT)
    assert report_of(bot).flags == [Flag(account)]
    desk.warp(2 * HOUR)
    report = report_of(bot)
    assert (report.closes, report.flags, legs(desk, account)) == ([], [], 1)


def test_close_out_above_close_out_is_cut_into_a_bucket_after_ten_minutes(
    desk: Counter, keeper_of: Make, trader: Any, deployer: Any, short: int
) -> None:
    fund_bucket(desk, deployer, 10_000)
    account = open_leg(desk, short, trader, 200)
    bot = keeper_of(CLOSE_OUT)
    assert report_of(bot).flags == [Flag(account)]
    desk.warp(BACKSTOP_AFTER)
    report = report_of(bot)
    assert (report.closes, report.hands) == ([], [Hand(account)])
    assert report.summary().endswith(": close_out, 1 cut into buckets")
    status = desk.read(desk.lens, "health", account)[0]
    assert (legs(desk, account), status < 4) == (1, True)
    assert cash(desk, bot.watch.chain.keeper_account) > 0


def test_close_out_healthy_account_is_left_alone(
    desk: Counter, keeper_of: Make, trader: Any, short: int
) -> None:
    open_leg(desk, short, trader, 300)
    assert report_of(keeper_of(CLOSE_OUT)).summary() == ""


def test_close_out_reserve_below_the_wanted_profit_is_left_to_others(
    desk: Counter, keeper_of: Make, trader: Any, short: int
) -> None:
    account = open_leg(desk, short, trader, 300)
    desk.index(ETH, INDEX - 400)
    report = report_of(keeper_of(CLOSE_OUT, min_profit=WAD, native_price=3_000 * WAD))
    assert report.left_out == {account: "keeper reserve below the cost of gas"}
    assert legs(desk, account) == 1


def test_keeper_with_margin_takes_over_what_is_above_zero_and_closes_the_rest(
    desk: Counter, keeper_of: Make, keeper: Any, trader: Any, short: int
) -> None:
    desk.account(keeper, 10_000)
    drowned = open_leg(desk, short, trader, 300)
    alive = open_leg(desk, short, trader, 420, sub=1)
    desk.index(ETH, INDEX - 300)
    bot = keeper_of(LIQUIDATE, CLOSE_OUT)
    taken, closed = bot.round()
    assert isinstance(taken, Report)
    assert isinstance(closed, CloseReport)
    assert [action.accounts for action in taken.sent] == [(alive,)]
    assert [close.accounts for close in closed.closes] == [(drowned,)]
    assert closed.flags == []
    assert (legs(desk, drowned), legs(desk, alive)) == (0, 0)


def closed_long(desk: Counter, other: int, owner: Any, left: int, sub: int = 0) -> int:
    """An account that had a leg, with so many dollars, or debts, left."""
    account = open_leg(desk, other, owner, 300, sub=sub)
    desk.fill(other, account, ETH, WAD)
    desk.move_money(account, other, 300 - left)
    return account


def test_debtors_are_those_that_owe_after_their_last_leg(
    desk: Counter, keeper_of: Make, trader: Any, short: int
) -> None:
    watch = keeper_of(CLOSE_OUT).watch
    owing = closed_long(desk, short, trader, -200)
    closed_long(desk, short, trader, 100, sub=1)
    block = watch.catch_up()
    assert [(one.account, one.equity) for one in watch.debtors(block)] == [(owing, -200 * WAD)]
    assert watch.rows(block) == []


def test_debtors_are_remembered_when_their_events_are_read_no_more(
    desk: Counter, keeper_of: Make, trader: Any, short: int
) -> None:
    watch = keeper_of(CLOSE_OUT).watch
    owing = closed_long(desk, short, trader, -200)
    for _ in range(3):
        block = watch.catch_up()
        assert [one.account for one in watch.debtors(block)] == [owing]
        desk.rpc.mine(2 * REORG_BLOCKS)
    desk.move_money(short, owing, 200)
    assert watch.debtors(watch.catch_up()) == []


def test_debtors_with_collateral_for_their_debt_are_left_alone(
    desk: Counter, keeper_of: Make, trader: Any, short: int
) -> None:
    owing = closed_long(desk, short, trader, -200)
    token = desk.token_of(1, 100)
    desk.pawn(trader, owing, token, 10 * WAD)
    bot = keeper_of(CLOSE_OUT)
    assert report_of(bot).summary() == ""
    (row,) = bot.watch.debtors(desk.rpc.block_number())
    assert (row.account, row.equity > 0) == (owing, True)


def test_close_out_clock_of_a_day_is_void_and_started_again(
    desk: Counter, keeper_of: Make, trader: Any, short: int
) -> None:
    account = open_leg(desk, short, trader, BELOW_CLOSE_OUT)
    bot = keeper_of(CLOSE_OUT)
    report_of(bot)
    started = desk.read(desk.engine, "flagged_at", account)
    desk.warp(LONGEST_CLOCK)
    report = report_of(bot)
    assert (report.closes, report.flags) == ([], [Flag(account, started)])
    assert desk.read(desk.engine, "flagged_at", account) == desk.rpc.timestamp()


def test_close_out_debt_of_an_account_without_legs_is_paid(
    desk: Counter, keeper_of: Make, trader: Any, short: int
) -> None:
    owing = closed_long(desk, short, trader, -200)
    assert report_of(keeper_of(CLOSE_OUT)).closes == [Close((owing,))]
    assert cash(desk, owing) == 0

"""The clock of an account below maintenance margin."""

from __future__ import annotations

from typing import Any

from shapes import ETH, one_leg

from tests.closing_desk import ClosingDesk
from tests.desk import Desk


def shock(desk: Desk, price: int) -> None:
    """Move ETH."""
    desk.index(ETH, price)


def test_flag_below_one_starts_the_clock(desk: Desk, trader: Any, maker: Any) -> None:
    account = one_leg(desk, trader, maker, "0.99")
    started = desk.flag(account)
    assert started == desk.rpc.timestamp()


def test_flag_healthy_starts_nothing(desk: Desk, trader: Any, maker: Any) -> None:
    account = one_leg(desk, trader, maker, "1")
    assert desk.flag(account) == 0


def test_flag_without_legs_starts_nothing(desk: Desk, trader: Any) -> None:
    assert desk.flag(desk.account(trader)) == 0


def test_flag_again_does_not_restart_the_clock(desk: Desk, trader: Any, maker: Any) -> None:
    account = one_leg(desk, trader, maker, "0.99")
    started = desk.flag(account)
    desk.warp(600)
    assert desk.flag(account) == started


def test_flag_deposit_alone_does_not_clear_the_clock(desk: Desk, trader: Any, maker: Any) -> None:
    account = one_leg(desk, trader, maker, "0.99")
    started = desk.flag(account)
    desk.deposit(account, 1_000)
    assert desk.view(desk.engine, "flagged_at", account) == started
    assert desk.flag(account) == 0


def test_flag_below_one_again_starts_a_new_clock(desk: Desk, trader: Any, maker: Any) -> None:
    account = one_leg(desk, trader, maker, "0.99")
    first = desk.flag(account)
    shock(desk, 3_100)
    assert desk.flag(account) == 0
    shock(desk, 3_000)
    desk.warp(60)
    assert desk.flag(account) > first


def test_flag_is_cleared_by_a_step_that_reaches_one(
    desk: Desk, trader: Any, maker: Any, keeper: Any
) -> None:
    account = one_leg(desk, trader, maker, "0.9")
    desk.flag(account)
    _, events = desk.liquidate(account, desk.account(keeper, 100_000), keeper)
    cleared = [one["flagged_at"] for one in events if one["event"] == "Flagged"]
    assert cleared == [0]
    assert desk.view(desk.engine, "flagged_at", account) == 0


def test_flag_is_kept_by_a_step_that_stays_below_one(
    desk: Desk, trader: Any, maker: Any, keeper: Any
) -> None:
    account = one_leg(desk, trader, maker, "0.9")
    started = desk.flag(account)
    desk.liquidate(account, desk.account(keeper, 100_000), keeper, 3_000 * 10**18)
    assert desk.ratio(account) < 1
    assert desk.view(desk.engine, "flagged_at", account) == started


def test_flag_is_cleared_by_a_whole_close_that_others_pay(
    desk: ClosingDesk, trader: Any, maker: Any, keeper: Any
) -> None:
    """The next position of a once bankrupt account starts with a clock of its own."""
    account = one_leg(desk, trader, maker, "-0.5")
    desk.flag(account)
    desk.close_out(account, desk.account(keeper))
    assert desk.view(desk.engine, "flagged_at", account) == 0


def test_flag_while_the_feed_is_silent_stops_no_clock(desk: Desk, trader: Any, maker: Any) -> None:
    """At its favourable end the leg looks healthy; that must not win the account time."""
    account = one_leg(desk, trader, maker, "0.9")
    started = desk.flag(account)
    desk.silence(ETH)
    assert desk.flag(account) == started


def test_flag_while_the_feed_is_silent_starts_no_clock(desk: Desk, trader: Any, maker: Any) -> None:
    account = one_leg(desk, trader, maker, "0.9")
    desk.silence(ETH)
    assert desk.flag(account) == 0

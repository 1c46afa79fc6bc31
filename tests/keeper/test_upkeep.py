"""Which markets are followed, and how long a margin call stands."""

from __future__ import annotations

import pytest

from seawall.keeper.planning import Row
from seawall.keeper.upkeep import (
    CallEvent,
    CallLog,
    CallRules,
    FollowRules,
    Market,
    to_call,
    to_follow,
)
from seawall.spec.risk import FACTOR_PERIOD, RAMP, Risk

WAD = 10**18
NOW = 10**9
HOUR = 3_600
CALM = 100
BTC, ETH = 1, 2
#: A capacity of 100,000 dollars and ten times the fund; nothing moves.
STILL = Risk(
    initial=100_000,
    maintenance=50_000,
    depth=1_000,
    capacity=100,
    calm=CALM,
    volatility_cap=40,
    factor_from=1_000,
    factor_to=1_000,
    capacity_floor=100,
    capacity_per_fund=10_000_000,
)
CALLS = CallRules(blocks=10)


def wanted(
    risk: Risk, volatility: int = CALM, fund: int = 0, now: int = NOW, last: int = 0
) -> bool:
    markets = [Market(ETH, risk, volatility)]
    return to_follow(markets, fund, now, {ETH: last}, FollowRules()) == [ETH]


def row(account: int, status: int, maintenance: int = 100) -> Row:
    return Row(account, status, 110 * WAD, maintenance * WAD)


def settled_log() -> CallLog:
    """No reorganisation reaches it, so that events need not be given twice."""
    return CallLog(1, 10, reorg_blocks=0)


def called(log: CallLog, block: int, rows: list[Row]) -> list[int]:
    """What a keeper would call at a block where no call was made since the last look."""
    log.advance([], block)
    log.look(rows, block)
    return to_call(rows, log, block, CALLS)


# -- follow ----------------------------------------------------------------------------------


def test_to_follow_nothing_moves_is_empty() -> None:
    assert not wanted(STILL)


def test_to_follow_volatility_above_calm_needs_a_goal() -> None:
    assert wanted(STILL, volatility=2 * CALM)


def test_to_follow_goal_that_stands_already_is_left_alone() -> None:
    moving = STILL._replace(factor_to=2_000, factor_start=NOW - HOUR)
    assert not wanted(moving, volatility=2 * CALM)


def test_to_follow_movement_that_has_arrived_is_cleared() -> None:
    moving = STILL._replace(factor_to=2_000, factor_start=NOW - 100 * HOUR)
    assert wanted(moving, volatility=2 * CALM)


def test_to_follow_capacity_behind_the_fund_is_raised_and_lowered() -> None:
    assert wanted(STILL, fund=1_000 * WAD)
    assert not wanted(STILL._replace(capacity=110), fund=1_000 * WAD)
    assert wanted(STILL._replace(capacity=110), fund=0)


def test_to_follow_fund_in_debt_is_a_fund_of_nothing() -> None:
    assert not wanted(STILL, fund=-1_000 * WAD)


def test_to_follow_less_than_a_unit_of_capacity_is_not_worth_it() -> None:
    assert not wanted(STILL, fund=100 * WAD - 1)
    assert wanted(STILL, fund=100 * WAD)


def test_to_follow_small_change_of_capacity_is_not_worth_it() -> None:
    deep = STILL._replace(capacity=10_000, capacity_floor=10_000)
    assert not wanted(deep, fund=9_900 * WAD)
    assert wanted(deep, fund=10_000 * WAD)


def test_to_follow_small_change_of_goal_is_not_worth_it() -> None:
    raised = STILL._replace(factor_from=2_000, factor_to=2_000)
    assert not wanted(raised, volatility=201)
    assert wanted(raised, volatility=202)


def test_to_follow_last_step_down_counts_however_small() -> None:
    assert wanted(STILL._replace(factor_from=1_001, factor_to=1_001))


def test_to_follow_any_change_where_the_rules_say_so() -> None:
    raised = STILL._replace(factor_from=2_000, factor_to=2_000)
    rules = FollowRules(change_ppm=0)
    assert to_follow([Market(ETH, raised, 201)], 0, NOW, {}, rules) == [ETH]
    assert to_follow([Market(ETH, raised, 200)], 0, NOW, {}, rules) == []


def test_to_follow_ramp_that_is_over_is_cleared() -> None:
    ramping = STILL._replace(
        ramp_start=NOW - RAMP,
        earlier_maintenance=40_000,
        earlier_depth=STILL.depth,
        earlier_calm=STILL.calm,
        earlier_cap=STILL.volatility_cap,
    )
    assert wanted(ramping)
    assert not wanted(ramping, now=NOW - 1)


def test_to_follow_within_an_hour_of_the_last_one_waits() -> None:
    assert not wanted(STILL, fund=1_000 * WAD, last=NOW - HOUR + 1)
    assert wanted(STILL, fund=1_000 * WAD, last=NOW - HOUR)


def test_to_follow_within_an_hour_of_somebody_elses_goal_waits() -> None:
    moving = STILL._replace(factor_to=2_000, factor_start=NOW - HOUR + 1)
    assert not wanted(moving, volatility=3 * CALM, fund=1_000 * WAD)
    assert wanted(moving, volatility=3 * CALM, fund=1_000 * WAD, now=NOW + 1)


def test_to_follow_takes_only_the_markets_that_change() -> None:
    markets = [Market(BTC, STILL, CALM), Market(ETH, STILL, 2 * CALM)]
    assert to_follow(markets, 0, NOW, {}, FollowRules()) == [ETH]


def test_follow_rules_below_an_hour_are_refused() -> None:
    with pytest.raises(ValueError, match="follow_seconds"):
        FollowRules(FACTOR_PERIOD - 1)


# -- margin calls ----------------------------------------------------------------------------


@pytest.mark.parametrize("status, is_called", [(0, 0), (1, 0), (2, 0), (3, 1), (4, 0), (6, 0)])
def test_to_call_only_between_maintenance_and_the_line(status: int, is_called: int) -> None:
    assert len(called(CallLog(1, 10), 100, [row(7, status)])) == is_called


def test_to_call_largest_first() -> None:
    rows = [row(7, 3, 10), row(8, 3, 30), row(9, 3, 20)]
    assert called(CallLog(1, 10), 100, rows) == [8, 9, 7]


def test_to_call_below_the_least_margin_is_left_out() -> None:
    rules = CallRules(minimum=20 * WAD)
    rows = [row(7, 3, 19), row(8, 3, 20)]
    assert to_call(rows, CallLog(1, 10), 100, rules) == [8]


def test_call_log_call_of_anybody_stands() -> None:
    log = settled_log()
    log.advance([CallEvent(50, 7)], 100)
    log.look([row(7, 3)], 100)
    assert to_call([row(7, 3), row(8, 3)], log, 100, CALLS) == [8]


def test_call_log_call_stands_while_the_account_is_below_the_line() -> None:
    log = settled_log()
    log.advance([CallEvent(50, 7)], 50)
    for block, status in ((60, 3), (70, 4), (80, 5), (500, 3)):
        assert called(log, block, [row(7, status)]) == []


def test_call_log_cured_account_is_called_again_once_the_blocks_are_over() -> None:
    log = settled_log()
    log.advance([CallEvent(50, 7)], 50)
    assert called(log, 52, [row(7, 1)]) == []
    assert called(log, 59, [row(7, 3)]) == []
    assert called(log, 60, [row(7, 3)]) == [7]


def test_call_log_closed_account_is_cured() -> None:
    log = settled_log()
    log.advance([CallEvent(50, 7)], 50)
    assert called(log, 52, []) == []
    assert called(log, 80, [row(7, 3)]) == [7]


def test_call_log_second_call_stands_as_the_first_did() -> None:
    log = settled_log()
    log.advance([CallEvent(50, 7)], 50)
    log.look([row(7, 1)], 55)
    log.advance([CallEvent(70, 7)], 90)
    log.look([row(7, 3)], 90)
    assert to_call([row(7, 3)], log, 500, CALLS) == []


def test_call_log_call_removed_by_reorganisation_is_forgotten() -> None:
    log = CallLog(1, 10, reorg_blocks=5)
    log.advance([CallEvent(98, 7)], 100)
    assert to_call([row(7, 3)], log, 100, CALLS) == []
    log.advance([], 101)
    assert to_call([row(7, 3)], log, 101, CALLS) == [7]


def test_call_log_settled_calls_are_kept_when_read_on() -> None:
    log = CallLog(1, 10, reorg_blocks=5)
    log.advance([CallEvent(90, 7)], 100)
    assert log.next_block == 96
    log.advance([], 101)
    assert to_call([row(7, 3)], log, 101, CALLS) == []

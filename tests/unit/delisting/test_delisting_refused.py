"""What the delisting module refuses, and whom."""

from __future__ import annotations

from typing import Any

import pytest
from ending_desk import ETH, ETH_PRICE, EndingDesk

from seawall.spec.delisting import LONGEST_NOTICE, NOTICE, SILENCE, WINDOW
from tests.desk import Refused

UNLISTED = 9


@pytest.fixture
def desk(ending_desk: EndingDesk) -> EndingDesk:
    """A short name."""
    return ending_desk


def refuse(desk: EndingDesk, reason: str, sender: str, function: str, *args: Any) -> None:
    with pytest.raises(Refused, match=reason):
        desk.send(sender, desk.delisting, function, *args)


@pytest.mark.parametrize("notice", (NOTICE - 60, LONGEST_NOTICE + 60))
@pytest.mark.parametrize("function", ("announce", "shut_down"))
def test_announce_at_the_wrong_time_is_refused(
    desk: EndingDesk, notice: int, function: str
) -> None:
    args = [[ETH]] if function == "announce" else []
    at = desk.rpc.timestamp() + notice
    refuse(desk, "delisting: notice", desk.owner, function, *args, at)


def test_announce_unlisted_market_is_refused(desk: EndingDesk) -> None:
    at = desk.rpc.timestamp() + NOTICE + 60
    refuse(desk, "market: unknown", desk.owner, "announce", [ETH, UNLISTED], at)
    assert desk.ending(ETH).fixing_at == 0


@pytest.mark.parametrize("function", ("announce", "shut_down", "cancel"))
def test_stranger_announces_and_cancels_nothing(
    desk: EndingDesk, stranger: Any, function: str
) -> None:
    at = desk.rpc.timestamp() + NOTICE + 60
    args = {"announce": ([ETH], at), "shut_down": (at,), "cancel": (ETH,)}[function]
    reason = "ownable: caller is not the owner"
    refuse(desk, reason, str(stranger.address), function, *args)


def test_cancel_what_was_not_announced_is_refused(desk: EndingDesk) -> None:
    refuse(desk, "delisting: not announced", desk.owner, "cancel", ETH)


@pytest.mark.parametrize("market_id", (0, 128))
def test_fix_and_report_no_market_is_refused(desk: EndingDesk, keeper: Any, market_id: int) -> None:
    for function in ("fix", "report_silence"):
        refuse(desk, "market: unknown", str(keeper.address), function, market_id)


def test_fix_before_its_time_is_refused(desk: EndingDesk, keeper: Any) -> None:
    refuse(desk, "delisting: not due", str(keeper.address), "fix", ETH)
    desk.announce(ETH)
    desk.warp(NOTICE - 60)
    refuse(desk, "delisting: not due", str(keeper.address), "fix", ETH)


def test_fixed_market_takes_no_other_step_but_the_settlement(desk: EndingDesk, keeper: Any) -> None:
    desk.end(ETH, keeper)
    at, who = desk.rpc.timestamp() + NOTICE + 60, str(keeper.address)
    refuse(desk, "delisting: price fixed", desk.owner, "announce", [ETH], at)
    refuse(desk, "delisting: price fixed", desk.owner, "cancel", ETH)
    refuse(desk, "delisting: price fixed", who, "fix", ETH)
    refuse(desk, "delisting: price fixed", who, "report_silence", ETH)


def test_settle_before_a_day_has_passed_or_twice_is_refused(desk: EndingDesk, keeper: Any) -> None:
    who = str(keeper.address)
    refuse(desk, "delisting: not due", who, "settle", ETH)
    desk.end(ETH, keeper)
    desk.warp(WINDOW - 60)
    refuse(desk, "delisting: not due", who, "settle", ETH)
    desk.warp(60)
    desk.settle(ETH, keeper)
    refuse(desk, "delisting: settled", who, "settle", ETH)


def test_report_silence_of_an_index_that_speaks_is_refused(desk: EndingDesk, keeper: Any) -> None:
    refuse(desk, "delisting: index usable", str(keeper.address), "report_silence", ETH)


def test_report_silence_twice_is_refused_and_moves_no_clock(desk: EndingDesk, keeper: Any) -> None:
    """Nobody holds a fixing up by reporting again."""
    who = str(keeper.address)
    desk.silence(ETH)
    desk.send(who, desk.delisting, "report_silence", ETH)
    refuse(desk, "delisting: reported", who, "report_silence", ETH)


def test_fix_silent_index_that_spoke_in_between_is_refused(desk: EndingDesk, keeper: Any) -> None:
    who = str(keeper.address)
    desk.silence(ETH)
    desk.send(who, desk.delisting, "report_silence", ETH)
    desk.warp(3_600)
    desk.index(ETH, ETH_PRICE)
    desk.silence(ETH)
    desk.warp(SILENCE)
    refuse(desk, "delisting: not due", who, "fix", ETH)
    desk.send(who, desk.delisting, "report_silence", ETH)


def test_fix_announced_market_of_a_silent_index_waits(desk: EndingDesk, keeper: Any) -> None:
    desk.announce(ETH)
    desk.warp(NOTICE + 60)
    desk.silence(ETH)
    refuse(desk, "delisting: not due", str(keeper.address), "fix", ETH)


def test_delisting_steps_of_the_oracle_are_the_delisters_alone(
    desk: EndingDesk, stranger: Any
) -> None:
    for sender in (desk.owner, str(stranger.address)):
        for function, args in (("fix_price", (ETH, False)), ("release_exits", (ETH,))):
            with pytest.raises(Refused, match="oracle: not the delister"):
                desk.send(sender, desk.oracle, function, *args)

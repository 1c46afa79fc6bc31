"""A guardian's halt of one market: how long, how often, and what comes after it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ape
import pytest

from seawall.spec.index_modes import HALT_GRACE, HALT_PAUSE, HALT_SECONDS
from seawall.spec.words import IN_GRACE, MAX_HALF_WIDTH, WAD

ETH, SOL, TOKEN_ID = 7, 8, 128
ETH_PRICE = 3_000 * WAD
MAX_AGE = 7 * 86_400
HALF = HALT_SECONDS // 2


@pytest.fixture
def fed(set_feeds: Any, oracle: Any, owner: Any, mock_feeds: Any, keeper: Any) -> Any:
    """Two markets on one feed each, the keeper is the guardian."""
    for market_id, feed in ((ETH, mock_feeds[0]), (SOL, mock_feeds[1])):
        set_feeds([feed], market_id=market_id, max_age=MAX_AGE)
    return oracle.set_roles(keeper, owner, sender=owner)


@pytest.fixture
def halted(
    fed: Any, oracle: Any, keeper: Any, refresh: Any, mock_feeds: Any, owner: Any
) -> Callable[[], int]:
    """Start a halt of ETH; the time at which it began."""

    def act() -> int:
        for feed in mock_feeds[:2]:
            feed.set_price(ETH_PRICE, sender=owner)
        refresh(ETH, SOL)
        return int(oracle.halt(ETH, sender=keeper).timestamp)

    return act


@pytest.fixture
def seen_at(
    chain: Any, refresh: Any, fields: Any, mock_feeds: Any, owner: Any
) -> Callable[..., dict[str, int]]:
    """The word of a market at a time, its data `age` seconds old."""

    def act(time: int, age: int = 0, market_id: int = ETH) -> dict[str, int]:
        feed = mock_feeds[0 if market_id == ETH else 1]
        chain.pending_timestamp = time - 1
        feed.set_latest(ETH_PRICE, time - age, sender=owner)
        chain.pending_timestamp = time
        refresh(market_id)
        found: dict[str, int] = fields(market_id)
        assert found["refreshed_at"] == time
        return found

    return act


def test_halt_makes_one_market_unusable_and_no_other(
    halted: Any, seen_at: Any, oracle: Any
) -> None:
    start = halted()
    assert seen_at(start + 10)["half_width"] == MAX_HALF_WIDTH
    assert seen_at(start + 20, market_id=SOL)["half_width"] == 0


def test_halt_logs_market_and_end(fed: Any, oracle: Any, keeper: Any) -> None:
    receipt = oracle.halt(ETH, sender=keeper)
    (event,) = receipt.decode_logs(oracle.HaltSet)
    assert (event.market_id, event.until) == (ETH, receipt.timestamp + HALT_SECONDS)


def test_halt_by_owner_passes(fed: Any, oracle: Any, owner: Any) -> None:
    assert not oracle.halt(ETH, sender=owner).failed


def test_halt_lasts_to_its_last_second(halted: Any, seen_at: Any) -> None:
    end = halted() + HALT_SECONDS
    assert seen_at(end - 1)["half_width"] == MAX_HALF_WIDTH


def test_halt_that_ran_out_needs_data_stamped_after_it(halted: Any, seen_at: Any) -> None:
    """Nobody may be closed by a price of before or during the halt."""
    end = halted() + HALT_SECONDS
    assert seen_at(end + 10, age=10)["half_width"] == MAX_HALF_WIDTH
    assert seen_at(end + 20, age=19)["half_width"] == 0


@pytest.mark.parametrize(
    "after, flag", ((1, IN_GRACE), (HALT_GRACE, IN_GRACE), (HALT_GRACE + 1, 0))
)
def test_halt_that_ran_out_is_flagged_for_an_hour(
    halted: Any, seen_at: Any, after: int, flag: int
) -> None:
    end = halted() + HALT_SECONDS
    assert seen_at(end + after)["flags"] == flag


def test_halt_again_within_seven_days_reverts(
    halted: Any, oracle: Any, keeper: Any, chain: Any
) -> None:
    """Neither the same market nor another one: a stolen key freezes one market in a week."""
    start = halted()
    for market_id in (ETH, SOL):
        chain.pending_timestamp = start + HALT_PAUSE - 5 + market_id - ETH
        with ape.reverts("oracle: halted lately"):
            oracle.halt(market_id, sender=keeper)


def test_halt_of_another_market_after_seven_days_frees_the_former(
    halted: Any, seen_at: Any, oracle: Any, keeper: Any, chain: Any
) -> None:
    start = halted()
    chain.pending_timestamp = start + HALT_PAUSE
    oracle.halt(SOL, sender=keeper)
    seen = seen_at(start + HALT_PAUSE + 10)
    assert (seen["half_width"], seen["flags"]) == (0, 0)
    assert seen_at(start + HALT_PAUSE + 20, market_id=SOL)["half_width"] == MAX_HALF_WIDTH


def test_lift_halt_ends_it_with_grace(
    halted: Any, seen_at: Any, oracle: Any, keeper: Any, chain: Any
) -> None:
    start = halted()
    chain.pending_timestamp = start + HALF
    (event,) = oracle.lift_halt(ETH, sender=keeper).decode_logs(oracle.HaltSet)
    assert event.until == start + HALF
    seen = seen_at(start + HALF + 10)
    assert (seen["half_width"], seen["flags"]) == (0, IN_GRACE)
    assert seen_at(start + HALF + HALT_GRACE + 1)["flags"] == 0


def test_lift_halt_gives_no_second_one(halted: Any, oracle: Any, keeper: Any) -> None:
    halted()
    oracle.lift_halt(ETH, sender=keeper)
    with ape.reverts("oracle: halted lately"):
        oracle.halt(ETH, sender=keeper)


def test_lift_halt_of_another_market_reverts(halted: Any, oracle: Any, keeper: Any) -> None:
    halted()
    with ape.reverts("oracle: not halted"):
        oracle.lift_halt(SOL, sender=keeper)


def test_lift_halt_that_ran_out_reverts(halted: Any, oracle: Any, keeper: Any, chain: Any) -> None:
    chain.pending_timestamp = halted() + HALT_SECONDS
    with ape.reverts("oracle: not halted"):
        oracle.lift_halt(ETH, sender=keeper)


@pytest.mark.parametrize("market_id", (0, 9, TOKEN_ID, 2**255))
def test_halt_of_no_fed_market_reverts(fed: Any, oracle: Any, keeper: Any, market_id: int) -> None:
    with ape.reverts("oracle: no market"):
        oracle.halt(market_id, sender=keeper)


def test_set_feeds_while_halted_keeps_the_halt(
    halted: Any, seen_at: Any, set_feeds: Any, mock_feeds: Any
) -> None:
    start = halted()
    set_feeds([mock_feeds[0]], max_age=MAX_AGE)
    assert seen_at(start + 60)["half_width"] == MAX_HALF_WIDTH

"""Capital goes to buckets and comes back: never beyond terms, margin, or what is not allotted."""

from __future__ import annotations

from typing import Any

import pytest

from seawall.spec.words import WAD
from tests.desk import dollars
from tests.yard import BTC, ETH, TERMS, Yard


def test_allot_new_bucket_moves_its_capital(desk: Yard) -> None:
    desk.deposit(desk.free, 15_000)
    desk.set_bucket(ETH, *TERMS)
    assert desk.allot(ETH) == 10_000 * WAD
    assert (desk.cash(desk.bucket(ETH)), desk.cash(desk.free)) == (10_000 * WAD, 5_000 * WAD)
    (event,) = desk.backstop.events(desk.last_receipt["logs"], "Allotted")
    assert event == {"market_id": ETH, "amount": 10_000 * WAD, "allotted": 10_000 * WAD}


def test_allot_twice_moves_nothing_more(desk: Yard) -> None:
    desk.open_bucket(ETH)
    desk.deposit(desk.free, 1)
    assert desk.allot(ETH) == 0


@pytest.mark.parametrize("free, moved", (("0.000001", "0.000001"), (9_999, 9_999)))
def test_allot_with_too_little_moves_what_there_is(desk: Yard, free: Any, moved: Any) -> None:
    desk.deposit(desk.free, free)
    desk.set_bucket(ETH, *TERMS)
    assert desk.allot(ETH) == dollars(moved)


def test_allot_never_draws_on_a_sibling(desk: Yard) -> None:
    desk.open_bucket(BTC)
    desk.set_bucket(ETH, *TERMS)
    assert desk.allot(ETH) == 0
    assert desk.cash(desk.bucket(BTC)) == 10_000 * WAD


@pytest.mark.parametrize("market_id", (0, BTC, 200, 2**256 - 1))
def test_allot_without_bucket_is_refused(desk: Yard, market_id: int) -> None:
    assert desk.refusal_of(desk.allot, market_id) == "backstop: no bucket"


@pytest.mark.parametrize("lost, moved", ((1_000, 1_000), (4_000, 4_000), ("4000.01", 0)))
def test_allot_after_a_loss_refills_within_the_budget(
    desk: Yard, maker: Any, lost: Any, moved: int
) -> None:
    bucket = desk.open_bucket(ETH)
    desk.deposit(desk.free, 9_000)
    desk.move_money(bucket, desk.account(maker), lost)
    assert desk.allot(ETH) == moved * WAD


def test_allot_again_and_again_counts_all_losses(desk: Yard, maker: Any) -> None:
    bucket, other = desk.open_bucket(ETH), desk.account(maker)
    desk.deposit(desk.free, 9_000)
    for lost, allotted in ((3_000, 13_000), (1_000, 14_000)):
        desk.move_money(bucket, other, lost)
        assert desk.allot(ETH) == lost * WAD
        (event,) = desk.backstop.events(desk.last_receipt["logs"], "Allotted")
        assert event == {"market_id": ETH, "amount": lost * WAD, "allotted": allotted * WAD}
    desk.move_money(bucket, other, "0.01")
    assert desk.allot(ETH) == 0
    assert desk.room(ETH, WAD) == 0
    desk.set_bucket(ETH, *TERMS[:2], 5_000, TERMS[3])
    assert desk.allot(ETH) == dollars("0.01")
    assert desk.room(ETH, WAD) == WAD


def test_allot_beside_a_loss_not_realised_counts_it(desk: Yard, maker: Any) -> None:
    desk.open_bucket(ETH)
    desk.deposit(desk.free, 9_000)
    desk.hand(ETH, desk.account(maker), 5 * WAD)
    desk.index(ETH, 1_900)
    # Five of them have lost 500, and a dollar is in reserve.
    assert desk.allot(ETH) == 501 * WAD


def test_release_at_its_capital_moves_nothing(desk: Yard) -> None:
    desk.open_bucket(ETH)
    assert desk.release(ETH) == 0


def test_release_profit_leaves_losses_counted_from_where_they_were(desk: Yard) -> None:
    bucket = desk.open_bucket(ETH)
    desk.deposit(bucket, 700)
    assert desk.release(ETH) == 700 * WAD
    assert desk.stored(ETH).allotted == 10_000 * WAD
    (event,) = desk.backstop.events(desk.last_receipt["logs"], "Released")
    assert event == {"market_id": ETH, "amount": 700 * WAD, "allotted": 10_000 * WAD}


def test_release_after_capital_was_lowered_moves_the_rest(desk: Yard, maker: Any) -> None:
    bucket = desk.open_bucket(ETH)
    desk.move_money(bucket, desk.account(maker), 500)
    desk.set_bucket(ETH, 6_000, *TERMS[1:])
    assert desk.release(ETH) == 3_500 * WAD
    # What it has lost before stays lost.
    assert desk.stored(ETH).allotted == 6_500 * WAD


def test_release_more_than_profit_counts_losses_from_what_is_left(desk: Yard) -> None:
    bucket = desk.open_bucket(ETH)
    desk.deposit(bucket, 700)
    desk.set_bucket(ETH, 6_000, *TERMS[1:])
    assert desk.release(ETH) == 4_700 * WAD
    assert desk.stored(ETH).allotted == 6_000 * WAD


def test_release_with_a_leg_leaves_its_initial_margin(desk: Yard, maker: Any) -> None:
    bucket = desk.open_bucket(ETH)
    desk.hand(ETH, desk.account(maker), 10 * WAD)
    desk.set_bucket(ETH, 0, *TERMS[1:])
    # A tenth of 20,000 and a dollar in reserve.
    assert desk.release(ETH) == 7_999 * WAD
    assert desk.cash(bucket) == 2_001 * WAD
    assert desk.release(ETH) == 0


def test_release_profit_not_realised_stays(desk: Yard, maker: Any) -> None:
    desk.open_bucket(ETH)
    desk.hand(ETH, desk.account(maker), 10 * WAD)
    desk.index(ETH, 2_500)
    assert desk.release(ETH) == 0


def test_release_beside_a_silent_index_moves_nothing(desk: Yard, maker: Any) -> None:
    desk.open_bucket(ETH)
    desk.hand(ETH, desk.account(maker), WAD)
    desk.set_bucket(ETH, 0, *TERMS[1:])
    desk.silence(ETH)
    assert desk.release(ETH) == 0


def test_release_in_debt_moves_nothing(desk: Yard, maker: Any) -> None:
    bucket = desk.open_bucket(ETH)
    desk.move_money(bucket, desk.account(maker), 10_001)
    assert desk.release(ETH) == 0


def test_release_all_of_a_bucket_without_capital_closes_it(desk: Yard, maker: Any) -> None:
    bucket = desk.open_bucket(ETH)
    desk.move_money(bucket, desk.account(maker), 500)
    desk.set_bucket(ETH, 0, *TERMS[1:])
    assert desk.release(ETH) == 9_500 * WAD
    assert desk.stored(ETH) == (0, 0, 0, 0, 0, 0)
    assert desk.read(desk.backstop, "open_buckets") == 0
    assert desk.refusal_of(desk.allot, ETH) == "backstop: no bucket"


def test_release_gift_to_no_bucket_moves_it(desk: Yard) -> None:
    desk.deposit(desk.bucket(ETH), 3)
    assert desk.release(ETH) == 3 * WAD


@pytest.mark.parametrize("market_id", (0, 128, 2**96 + 1, 2**256 - 1))
def test_release_of_no_market_is_refused(desk: Yard, market_id: int) -> None:
    desk.deposit(desk.free, 1)
    assert desk.refusal_of(desk.release, market_id) == "market: unknown"

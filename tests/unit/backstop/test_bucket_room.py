"""What a bucket takes: its own limits decide, no state of it reverts, reductions always pass."""

from __future__ import annotations

from typing import Any

import pytest

from seawall.spec.clearinghouse import Change
from seawall.spec.margin import Price
from seawall.spec.words import GATE_NONE, LONG, LOT, PRICE, SHORT, WAD
from tests.desk import dollars
from tests.yard import BTC, ETH, TERMS, Yard

HUGE = 10**9 * WAD


def test_room_without_bucket_is_none(desk: Yard) -> None:
    assert desk.room(ETH, WAD) == desk.room(ETH, -WAD) == 0


def test_room_of_an_empty_bucket_ends_at_its_largest_notional(desk: Yard) -> None:
    desk.open_bucket(ETH)
    # 30,000 at 2,000; its leverage would allow 40,000.
    assert desk.room(ETH, HUGE) == 15 * WAD
    assert desk.room(ETH, -HUGE) == -15 * WAD
    assert desk.room(ETH, 15 * WAD + LOT) == 15 * WAD
    assert desk.room(ETH, 3 * WAD) == 3 * WAD


def test_room_of_a_bucket_with_a_leg_ends_at_its_leverage(desk: Yard, maker: Any) -> None:
    desk.open_bucket(ETH, (10_000, 10**6, 4_000, 250_000))
    assert desk.hand(ETH, desk.account(maker), 12 * WAD) == 12 * WAD
    # Equity of 9,344.65 after the largest reserve allows a notional of 37,378.60.
    assert desk.room(ETH, HUGE) == dollars("6.6893")


def test_room_on_the_lot_is_rounded_down(desk: Yard) -> None:
    desk.open_bucket(ETH)
    assert desk.room(ETH, 3 * LOT - 1) == 2 * LOT
    assert desk.room(ETH, 1 - 3 * LOT) == -2 * LOT
    assert desk.room(ETH, LOT - 1) == desk.room(ETH, 0) == 0
    desk.index(ETH, "1999.99")
    assert desk.room(ETH, HUGE) % LOT == 0


def test_room_of_a_full_bucket_is_none_but_for_what_reduces(desk: Yard, maker: Any) -> None:
    desk.open_bucket(ETH)
    desk.hand(ETH, desk.account(maker), HUGE)
    assert desk.room(ETH, LOT) == 0
    assert desk.room(ETH, -7 * WAD) == -7 * WAD
    # Fifteen close it, and the other side is as large as from nothing.
    assert desk.room(ETH, -HUGE) == -30 * WAD


def test_room_after_the_largest_notional_was_lowered_is_none(desk: Yard, maker: Any) -> None:
    desk.open_bucket(ETH)
    desk.hand(ETH, desk.account(maker), -10 * WAD)
    desk.set_bucket(ETH, TERMS[0], 9_999, *TERMS[2:])
    assert desk.room(ETH, -WAD) == 0
    assert desk.room(ETH, WAD) == WAD


@pytest.mark.parametrize("lost, taken", (("3344.65", WAD), ("3344.650001", 0)))
def test_room_after_its_loss_budget_is_none(desk: Yard, maker: Any, lost: Any, taken: int) -> None:
    bucket = desk.open_bucket(ETH)
    desk.move_money(bucket, desk.account(maker), lost)
    assert desk.room(ETH, WAD) == taken


def test_room_after_a_loss_not_realised_is_none(desk: Yard, maker: Any) -> None:
    desk.open_bucket(ETH)
    desk.hand(ETH, desk.account(maker), 10 * WAD)
    desk.index(ETH, "1665.54")
    assert desk.room(ETH, LOT) == LOT
    # 3,344.70 are lost, and 655.35 may be in reserve.
    desk.index(ETH, "1665.53")
    assert desk.room(ETH, LOT) == 0
    assert desk.room(ETH, -WAD) == -WAD


def test_room_without_capital_is_none_but_for_what_reduces(desk: Yard, maker: Any) -> None:
    desk.open_bucket(ETH)
    desk.hand(ETH, desk.account(maker), 5 * WAD)
    desk.set_bucket(ETH, 0, *TERMS[1:])
    assert desk.room(ETH, WAD) == 0
    assert desk.room(ETH, -8 * WAD) == -5 * WAD


def test_room_below_its_maintenance_is_none(desk: Yard, maker: Any) -> None:
    """A leverage that its owner allows beyond what margin asks for is not used."""
    desk.open_bucket(ETH, (10_000, 10**6, 10_000, 1))
    assert desk.hand(ETH, desk.account(maker), HUGE) == dollars("9344.65") // 130 // LOT * LOT
    assert desk.ratio(desk.bucket(ETH)) > 1
    desk.index(ETH, 1_990)
    assert desk.ratio(desk.bucket(ETH)) < 1
    assert desk.room(ETH, LOT) == 0
    assert desk.room(ETH, -WAD) == -WAD


def test_room_follows_the_maintenance_rate_of_its_largest_notional(desk: Yard) -> None:
    """Beyond the depth of a market the rate grows with the square root of size."""
    depth = desk.margin.risks[ETH].depth * 1_000
    desk.open_bucket(ETH, (10_000, 4 * depth, 10_000, 1))
    assert desk.room(ETH, HUGE) == dollars("9344.65") // 260 // LOT * LOT


@pytest.mark.parametrize("debt", (10_000, 12_345, 10**6))
def test_room_of_a_bankrupt_bucket_is_what_reduces(desk: Yard, maker: Any, debt: int) -> None:
    bucket, other = desk.open_bucket(ETH), desk.account(maker)
    desk.hand(ETH, other, -4 * WAD)
    desk.move_money(bucket, other, debt)
    assert desk.room(ETH, -WAD) == 0
    assert desk.room(ETH, 9 * WAD) == 4 * WAD


def test_room_at_a_silent_index_is_what_reduces(desk: Yard, maker: Any) -> None:
    desk.open_bucket(ETH)
    desk.hand(ETH, desk.account(maker), 4 * WAD)
    desk.silence(ETH)
    assert desk.room(ETH, WAD) == 0
    assert desk.room(ETH, -5 * WAD) == -4 * WAD


def test_room_at_price_zero_is_none(desk: Yard) -> None:
    desk.open_bucket(ETH)
    word = PRICE.pack(price=0)
    assert desk.read(desk.backstop, "room", ETH, WAD, word) == 0
    assert desk.stop.room(ETH, WAD, Price(0)) == 0


@pytest.mark.parametrize("market_id", (0, 128, 2**256 - 1))
@pytest.mark.parametrize("size", (-(2**255), 2**255 - 1))
def test_room_of_anything_does_not_revert(desk: Yard, market_id: int, size: int) -> None:
    desk.open_bucket(ETH)
    assert desk.read(desk.backstop, "room", market_id, size, 2**256 - 1) == 0
    assert abs(desk.room(ETH, size)) == 15 * WAD


@pytest.mark.parametrize("side, size", ((LONG, 4 * WAD), (SHORT, -4 * WAD)))
@pytest.mark.parametrize("closed", ("0.3", "3.9996", "3.99999", 4))
def test_room_beside_a_side_that_was_closed_does_not_revert(
    desk: Yard, maker: Any, side: int, size: int, closed: Any
) -> None:
    """Scales at several decades, an epoch that has ended, nothing left."""
    other = desk.account(maker)
    desk.open_bucket(ETH)
    desk.hand(ETH, other, size)
    part = dollars(closed) * (1 if side == SHORT else -1)
    money = -part * 2_000
    counter = SHORT if side == LONG else LONG
    changes = [
        Change(side, part, money, 0, GATE_NONE),
        Change(counter, -part, -money, 0, GATE_NONE),
    ]
    desk.trade(ETH, changes)
    assert desk.room(ETH, size) == size
    left = desk.size(desk.bucket(ETH), ETH)
    # A short's size is rounded up by a part of a wei, and what reduces is not below it.
    assert abs(desk.room(ETH, -left)) == abs(left) // LOT * LOT


def test_room_of_one_bucket_does_not_depend_on_another(desk: Yard, maker: Any) -> None:
    desk.open_bucket(ETH)
    other = desk.open_bucket(BTC)
    desk.move_money(other, desk.account(maker), 20_000)
    assert desk.room(ETH, HUGE) == 15 * WAD
    assert desk.room(BTC, HUGE) == 0


def test_take_by_another_is_refused(desk: Yard, stranger: Any) -> None:
    desk.open_bucket(ETH)
    reason = desk.refusal_of(desk.take, ETH, WAD, sender=str(stranger.address))
    assert reason == "module: no right"


def test_take_is_what_room_says(desk: Yard) -> None:
    desk.open_bucket(ETH)
    assert desk.take(ETH, HUGE) == desk.room(ETH, HUGE)
    assert desk.take(BTC, HUGE) == 0


# -- a gain that others made ----------------------------------------------------------------------


@pytest.mark.parametrize("price, size", ((1_600, -HUGE), (2_400, HUGE)))
def test_room_on_the_side_that_won_keeps_margin_for_the_whole_gap(
    desk: Yard, price: int, size: int
) -> None:
    desk.open_bucket(ETH, (10_000, 10**6, 10_000, 250_000))
    desk.index(ETH, price)
    word = PRICE.unpack(desk.read(desk.oracle, "prices", 1 << ETH)[0])
    average = word["price"] * word["ema_ratio"] // 10**7
    gap = abs(average - price * WAD)
    assert gap > 300 * WAD
    # Charged back, the gap leaves margin at the higher of the two prices.
    unit = gap + max(price * WAD, average) // 4
    wanted = dollars("9344.65") * WAD // unit
    taken = abs(desk.room(ETH, size))
    assert wanted * (1 - 1e-5) < taken <= wanted


@pytest.mark.parametrize("price, size", ((1_600, HUGE), (2_400, -HUGE)))
def test_room_on_the_side_that_lost_is_as_without_a_gap(desk: Yard, price: int, size: int) -> None:
    desk.open_bucket(ETH, (10_000, 10**6, 10_000, 250_000))
    desk.index(ETH, price)
    wanted = dollars("9344.65") * 4 // price // LOT * LOT
    assert abs(desk.room(ETH, size)) == wanted


@pytest.mark.parametrize("price, size", ((1_600, -HUGE), (2_400, HUGE)))
def test_room_on_the_side_that_won_loses_no_more_than_the_budget(
    desk: Yard, price: int, size: int
) -> None:
    """The reserve of 655.35 may be lost first."""
    desk.open_bucket(ETH, (10_000, 10**6, 1_000, 100_000))
    desk.index(ETH, price)
    word = PRICE.unpack(desk.read(desk.oracle, "prices", 1 << ETH)[0])
    gap = abs(word["price"] * word["ema_ratio"] // 10**7 - price * WAD)
    wanted = dollars("344.65") * WAD // gap
    taken = abs(desk.room(ETH, size))
    assert wanted * (1 - 1e-5) < taken <= wanted

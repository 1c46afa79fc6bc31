"""Reduce-only orders: a fill neither grows nor flips the position."""

from __future__ import annotations

from typing import Any

import pytest
from venue import Venue, signer_of

from seawall.spec.words import LOT, WAD

ODD = 3 * LOT + LOT // 5


def _holding(venue: Venue, name: str, size: int) -> None:
    venue.set_size(venue.order(signer_of(name), WAD).account, size)


@pytest.mark.parametrize("held", [2 * WAD, -2 * WAD])
def test_match_reduce_only_taker_is_clamped_to_position(
    venue: Venue, trader: Any, held: int
) -> None:
    size = 5 * WAD if held < 0 else -5 * WAD
    taker = venue.direct(trader, size, reduce_only=True)
    venue.set_size(taker.order.account, held)
    makers = [venue.maker(name, -size // 5) for name in ("first", "second", "third")]
    outcome = venue.check_match(taker, makers, trader)
    assert outcome.size == 2 * WAD
    assert len(outcome.changes) == 3


@pytest.mark.parametrize("held", [2 * WAD, -2 * WAD])
def test_match_reduce_only_maker_is_clamped_to_position(
    venue: Venue, trader: Any, held: int
) -> None:
    size = 5 * WAD if held < 0 else -5 * WAD
    _holding(venue, "maker", held)
    maker = venue.maker("maker", size, reduce_only=True)
    assert venue.check_match(venue.direct(trader, -size), [maker], trader).size == 2 * WAD


@pytest.mark.parametrize("held", [0, WAD])
def test_match_reduce_only_taker_that_would_grow_refused(
    venue: Venue, trader: Any, held: int
) -> None:
    taker = venue.direct(trader, WAD, reduce_only=True)
    venue.set_size(taker.order.account, held)
    venue.check_refused(taker, [venue.maker("maker", -WAD)], trader, "order: reduce only")


def test_match_reduce_only_short_taker_that_would_grow_refused(venue: Venue, trader: Any) -> None:
    taker = venue.direct(trader, -WAD, reduce_only=True)
    venue.set_size(taker.order.account, -WAD)
    venue.check_refused(taker, [venue.maker("maker", WAD)], trader, "order: reduce only")


@pytest.mark.parametrize("held", [0, -WAD])
def test_match_reduce_only_maker_alone_that_would_grow_refused(
    venue: Venue, trader: Any, held: int
) -> None:
    _holding(venue, "maker", held)
    maker = venue.maker("maker", -WAD, reduce_only=True)
    venue.check_refused(venue.direct(trader, WAD), [maker], trader, "order: reduce only")


def test_match_two_reduce_only_orders_of_an_account_share_its_position(
    venue: Venue, trader: Any
) -> None:
    _holding(venue, "maker", 3 * WAD)
    makers = [venue.maker("maker", -2 * WAD, reduce_only=True) for _ in range(3)]
    outcome = venue.check_match(venue.direct(trader, 6 * WAD), makers, trader)
    assert [fill.size for fill in outcome.fills] == [-2 * WAD, -WAD]


def test_match_plain_fill_counts_against_later_reduce_only_order(venue: Venue, trader: Any) -> None:
    _holding(venue, "maker", 3 * WAD)
    makers = [venue.maker("maker", -2 * WAD), venue.maker("maker", -2 * WAD, reduce_only=True)]
    assert venue.check_match(venue.direct(trader, 6 * WAD), makers, trader).size == 3 * WAD


def test_match_reduce_only_reads_the_leg_of_its_market(venue: Venue, trader: Any) -> None:
    taker = venue.direct(trader, -5 * WAD, reduce_only=True)
    venue.clearinghouse.set_size(taker.order.account, 7, 9 * WAD, sender=venue.keeper)
    venue.set_size(taker.order.account, WAD)
    venue.clearinghouse.set_size(taker.order.account, 100, 9 * WAD, sender=venue.keeper)
    assert venue.check_match(taker, [venue.maker("maker", 9 * WAD)], trader).size == WAD


def test_match_reduce_only_maker_closes_off_the_lot(venue: Venue, trader: Any) -> None:
    _holding(venue, "maker", ODD)
    maker = venue.maker("maker", -ODD, reduce_only=True)
    assert venue.check_match(venue.direct(trader, 9 * LOT), [maker], trader).size == ODD


def test_match_reduce_only_taker_closes_off_the_lot_over_makers(venue: Venue, trader: Any) -> None:
    taker = venue.direct(trader, -9 * LOT, reduce_only=True)
    venue.set_size(taker.order.account, ODD)
    makers = [venue.maker("first", 2 * LOT), venue.maker("second", 9 * LOT)]
    outcome = venue.check_match(taker, makers, trader)
    assert [change.size for change in outcome.changes] == [2 * LOT, ODD - 2 * LOT, -ODD]


def test_match_off_the_lot_money_rounds_against_the_maker(venue: Venue, trader: Any) -> None:
    price = 2 * 10**21 + 10**6
    taker = venue.direct(trader, -9 * LOT, price, reduce_only=True)
    venue.set_size(taker.order.account, LOT + 1)
    outcome = venue.check_match(taker, [venue.maker("maker", 9 * LOT, price)], trader)
    exact = (LOT + 1) * price
    assert exact % WAD
    assert outcome.changes[0].money == -(exact // WAD + 1)
    assert outcome.changes[1].money == exact // WAD + 1


def test_match_part_of_a_position_stays_on_the_lot(venue: Venue, trader: Any) -> None:
    _holding(venue, "maker", 100 * LOT)
    maker = venue.maker("maker", -ODD, reduce_only=True)
    assert venue.check_match(venue.direct(trader, 9 * LOT), [maker], trader).size == 3 * LOT


def test_match_less_than_a_lot_left_refused(venue: Venue, trader: Any) -> None:
    _holding(venue, "maker", 100 * LOT)
    maker = venue.maker("maker", -(LOT - 1), reduce_only=True)
    venue.check_refused(venue.direct(trader, 9 * LOT), [maker], trader, "order: nothing filled")


def test_match_rest_of_an_order_after_an_odd_fill_stays_on_the_lot(
    venue: Venue, trader: Any
) -> None:
    maker = venue.maker("maker", 9 * LOT)
    taker = venue.direct(trader, -9 * LOT, reduce_only=True)
    venue.set_size(taker.order.account, ODD)
    venue.check_match(taker, [maker], trader)
    assert venue.check_match(venue.direct(trader, -9 * LOT), [maker], trader).size == 5 * LOT

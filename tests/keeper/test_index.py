"""The index of open accounts under catch-up and reorganisation."""

from __future__ import annotations

import pytest

from seawall.keeper.index import AccountIndex, PositionEvent, ranges

BTC, ETH = 1, 2
LONG_AGO = 10


@pytest.fixture
def index() -> AccountIndex:
    return AccountIndex(start_block=1, reorg_blocks=5)


def opened(block: int, account: int, market_id: int = BTC) -> PositionEvent:
    return PositionEvent(block, account, market_id, 10**18)


def closed(block: int, account: int, market_id: int = BTC) -> PositionEvent:
    return PositionEvent(block, account, market_id, 0)


def test_advance_opened_account_is_listed(index: AccountIndex) -> None:
    index.advance([opened(3, 7)], head=4)
    assert index.accounts() == [7]


def test_advance_account_closed_later_is_not_listed(index: AccountIndex) -> None:
    index.advance([opened(3, 7), closed(40, 7)], head=100)
    assert index.accounts() == []


def test_advance_one_leg_of_two_closed_keeps_account(index: AccountIndex) -> None:
    index.advance([opened(3, 7), opened(4, 7, ETH), closed(5, 7)], head=100)
    assert index.accounts() == [7]


def test_advance_closed_in_recent_blocks_is_not_listed(index: AccountIndex) -> None:
    index.advance([opened(LONG_AGO, 7), closed(98, 7)], head=100)
    assert index.accounts() == []


def test_advance_reads_the_newest_blocks_again(index: AccountIndex) -> None:
    index.advance([], head=100)
    assert index.next_block == 96


def test_advance_short_chain_reads_again_from_the_start(index: AccountIndex) -> None:
    index.advance([opened(2, 7)], head=3)
    assert index.next_block == 1


def test_advance_close_removed_by_reorganisation_lists_account_again(index: AccountIndex) -> None:
    index.advance([opened(LONG_AGO, 7), closed(98, 7)], head=100)
    index.advance([], head=101)
    assert index.accounts() == [7]


def test_advance_opening_removed_by_reorganisation_forgets_account(index: AccountIndex) -> None:
    index.advance([opened(98, 7)], head=100)
    index.advance([], head=101)
    assert index.accounts() == []


def test_advance_same_events_twice_changes_nothing(index: AccountIndex) -> None:
    events = [opened(97, 7), opened(98, 8), closed(99, 8)]
    index.advance(events, head=100)
    index.advance(events, head=100)
    assert index.accounts() == [7]


def test_advance_head_went_back_keeps_settled_border(index: AccountIndex) -> None:
    index.advance([opened(LONG_AGO, 7)], head=100)
    index.advance([], head=90)
    assert (index.next_block, index.accounts()) == (96, [7])


def test_ranges_cover_every_block_once() -> None:
    assert list(ranges(5, 12, 3)) == [(5, 7), (8, 10), (11, 12)]


def test_ranges_nothing_new_is_empty() -> None:
    assert list(ranges(6, 5, 3)) == []


def test_markets_are_those_that_somebody_holds(index: AccountIndex) -> None:
    index.advance([opened(3, 7), opened(4, 8, ETH), opened(98, 8), closed(99, 8, ETH)], head=100)
    assert index.markets() == {BTC}


def test_markets_of_nobody_are_none(index: AccountIndex) -> None:
    assert index.markets() == set()

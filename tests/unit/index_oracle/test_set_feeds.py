"""set_feeds and feeds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ape
import pytest

from seawall.spec.oracle import MAX_ID, MAX_MAX_AGE, MAX_PULL_AGE, MIN_MAX_AGE, NO_PRICE

ETH = 7


@pytest.mark.parametrize("count, quorum", [(n, q) for n in range(1, 6) for q in range(1, n + 1)])
def test_set_feeds_every_count_and_quorum_are_stored(
    oracle: Any, owner: Any, mock_feeds: Any, count: int, quorum: int
) -> None:
    listed = [(mock_feeds[i].address, i + 1, 60 * (i + 1), False) for i in range(count)]
    if count > quorum:
        listed[1] = (mock_feeds[1].address, 2, 10, True)
    oracle.set_feeds(ETH, (quorum, 500 + count, 2**24 - count), listed, sender=owner)
    terms, stored = oracle.feeds(ETH)
    assert terms == (quorum, 500 + count, 2**24 - count)
    assert [tuple(feed) for feed in stored] == listed


def test_set_feeds_logs_terms(oracle: Any, owner: Any, mock_feeds: Any) -> None:
    listed = [(feed.address, 30, 60, False) for feed in mock_feeds[:2]]
    receipt = oracle.set_feeds(ETH, (2, 300, 7), listed, sender=owner)
    (event,) = receipt.events
    assert event.event_name == "FeedsSet"
    assert (event.id, tuple(event.terms)) == (ETH, (2, 300, 7))
    assert [(adapter.lower(), *rest) for adapter, *rest in event.feeds] == [
        (adapter.lower(), *rest) for adapter, *rest in listed
    ]


def test_set_feeds_fewer_feeds_replace_more(oracle: Any, set_feeds: Any, mock_feeds: Any) -> None:
    set_feeds(mock_feeds, quorum=5)
    set_feeds([mock_feeds[3]], quorum=1)
    terms, stored = oracle.feeds(ETH)
    assert (terms.quorum, [feed.adapter for feed in stored]) == (1, [mock_feeds[3].address])


@pytest.mark.parametrize("market_id", [0, 1, 127, 128, MAX_ID])
def test_set_feeds_id_in_range_is_stored(
    oracle: Any, set_feeds: Any, mock_feeds: Any, market_id: int
) -> None:
    set_feeds(mock_feeds[:1], market_id=market_id)
    assert oracle.feeds(market_id)[0].quorum == 1
    neighbours = {1, max(market_id - 1, 0), min(market_id + 1, MAX_ID), MAX_ID} - {market_id}
    assert all(oracle.feeds(i) == ((0, 0, 0), []) for i in neighbours)


@pytest.mark.parametrize("market_id", [MAX_ID + 1, 2**256 - 1])
def test_set_feeds_id_out_of_range_reverts(set_feeds: Any, mock_feeds: Any, market_id: int) -> None:
    with ape.reverts("feeds: id"):
        set_feeds(mock_feeds[:1], market_id=market_id)


@pytest.mark.parametrize("count, quorum", [(1, 0), (1, 2), (5, 6), (3, 2**256 - 1)])
def test_set_feeds_quorum_out_of_range_reverts(
    set_feeds: Any, mock_feeds: Any, count: int, quorum: int
) -> None:
    with ape.reverts("feeds: quorum"):
        set_feeds(mock_feeds[:count], quorum=quorum)


def test_set_feeds_without_feeds_reverts(set_feeds: Any) -> None:
    with ape.reverts("feeds: none"):
        set_feeds([], quorum=0)


def test_set_feeds_six_feeds_revert(set_feeds: Any, mock_feeds: Any, odd_source: Any) -> None:
    with ape.reverts():
        set_feeds([*mock_feeds, odd_source])


@pytest.mark.parametrize("places", [(0, 0), (0, 1, 0), (0, 1, 2, 3, 3)])
def test_set_feeds_same_adapter_twice_reverts(
    set_feeds: Any, mock_feeds: Any, places: tuple[int, ...]
) -> None:
    with ape.reverts("feeds: duplicate"):
        set_feeds([mock_feeds[i] for i in places])


def test_set_feeds_adapter_without_code_reverts(
    set_feeds: Any, mock_feeds: Any, stranger: Any
) -> None:
    with ape.reverts("feeds: not a contract"):
        set_feeds([mock_feeds[0], stranger])


@pytest.mark.parametrize("max_age", [0, MAX_MAX_AGE + 1, 2**32, 2**256 - 1])
def test_set_feeds_max_age_out_of_range_reverts(
    set_feeds: Any, mock_feeds: Any, max_age: int
) -> None:
    with ape.reverts("feeds: max age"):
        set_feeds(mock_feeds[:2], max_age=max_age)


@pytest.mark.parametrize("max_age", [MAX_PULL_AGE + 1, MAX_MAX_AGE])
def test_set_feeds_pull_feed_of_old_data_reverts(
    set_feeds: Any, mock_feeds: Any, max_age: int
) -> None:
    with ape.reverts("feeds: max age"):
        set_feeds(mock_feeds[:2], max_age=max_age, pulls=1)


@pytest.mark.parametrize("count, quorum, pulls", [(1, 1, 1), (3, 1, 3), (3, 2, 2), (5, 5, 1)])
def test_set_feeds_quorum_that_needs_a_pull_feed_reverts(
    set_feeds: Any, mock_feeds: Any, count: int, quorum: int, pulls: int
) -> None:
    with ape.reverts("feeds: too few push"):
        set_feeds(mock_feeds[:count], quorum=quorum, max_age=MAX_PULL_AGE, pulls=pulls)


@pytest.mark.parametrize("heartbeat", [0, 61, 2**256 - 1])
def test_set_feeds_heartbeat_out_of_range_reverts(
    set_feeds: Any, mock_feeds: Any, heartbeat: int
) -> None:
    with ape.reverts("feeds: heartbeat"):
        set_feeds(mock_feeds[:2], max_age=60, heartbeat=heartbeat)


@pytest.mark.parametrize(
    "terms, reason",
    [({"band": 2**16}, "feeds: spread band"), ({"floor": 2**24}, "feeds: volatility floor")],
)
def test_set_feeds_terms_out_of_range_revert(
    set_feeds: Any, mock_feeds: Any, terms: dict[str, int], reason: str
) -> None:
    with ape.reverts(reason):
        set_feeds(mock_feeds[:2], **terms)


@pytest.mark.parametrize("max_age", [MIN_MAX_AGE, MAX_MAX_AGE])
def test_set_feeds_max_age_at_its_bounds_is_stored(
    oracle: Any, set_feeds: Any, mock_feeds: Any, max_age: int
) -> None:
    set_feeds(mock_feeds[:1], max_age=max_age)
    assert oracle.feeds(ETH)[1][0].max_age == max_age


def test_set_feeds_by_stranger_reverts(oracle: Any, stranger: Any, mock_feeds: Any) -> None:
    with ape.reverts("ownable: caller is not the owner"):
        oracle.set_feeds(ETH, (1, 0, 0), [(mock_feeds[0].address, 9, 9, False)], sender=stranger)


def test_set_feeds_in_the_block_of_a_refresh_leaves_its_snapshot(
    oracle: Any, set_feeds: Any, mock_feeds: Any, refresh: Any, later: Callable[[int], int]
) -> None:
    set_feeds(mock_feeds[:1])
    mock_feeds[1].set_price(10**18, sender=oracle.owner())
    later(12)
    refresh()
    snapshot = oracle.price_word(ETH)
    later(0)
    set_feeds(mock_feeds[1:2])
    later(0)
    refresh()
    assert oracle.price_word(ETH) == snapshot != NO_PRICE


def test_feeds_of_an_unset_id_are_empty(oracle: Any) -> None:
    assert oracle.feeds(0) == ((0, 0, 0), [])
    assert oracle.feeds(99) == ((0, 0, 0), [])


def test_feeds_unknown_id_reverts(oracle: Any) -> None:
    with ape.reverts("oracle: unknown id"):
        oracle.feeds(MAX_ID + 1)

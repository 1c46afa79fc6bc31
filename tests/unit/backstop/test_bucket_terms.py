"""Terms of buckets: who sets them, what is refused, what stays."""

from __future__ import annotations

from typing import Any

import pytest

from seawall.spec.words import WAD
from tests.yard import ETH, TERMS, Yard


def test_set_bucket_by_another_is_refused(desk: Yard, stranger: Any) -> None:
    reason = desk.refusal_of(desk.set_bucket, ETH, *TERMS, sender=str(stranger.address))
    assert reason == "ownable: caller is not the owner"


@pytest.mark.parametrize("market_id", (0, 3, 127, 128, 2**96, 2**256 - 1))
def test_set_bucket_of_no_market_is_refused(desk: Yard, market_id: int) -> None:
    assert desk.refusal_of(desk.set_bucket, market_id, *TERMS) == "market: unknown"


@pytest.mark.parametrize("initial", (0, 10**6 + 1))
def test_set_bucket_initial_out_of_bounds_is_refused(desk: Yard, initial: int) -> None:
    assert desk.refusal_of(desk.set_bucket, ETH, 1, 1, 1, initial) == "backstop: initial"


def test_set_bucket_new_without_capital_is_refused(desk: Yard) -> None:
    assert desk.refusal_of(desk.set_bucket, ETH, 0, 1, 1, 1) == "backstop: no bucket"


@pytest.mark.parametrize("place", range(3))
def test_set_bucket_beyond_its_field_is_refused(desk: Yard, place: int) -> None:
    terms = [1, 1, 1]
    terms[place] = 2**34
    assert desk.refusal_of(desk.set_bucket, ETH, *terms, 1) == ""
    terms[place] = 2**34 - 1
    desk.set_bucket(ETH, *terms, 1)


def test_set_bucket_seventeenth_is_refused(desk: Yard) -> None:
    for market_id in range(3, 18):
        desk.list_market(market_id, 100)
    for market_id in range(1, 17):
        desk.set_bucket(market_id, *TERMS)
    assert desk.refusal_of(desk.set_bucket, 17, *TERMS) == "backstop: 16 buckets"
    desk.set_bucket(16, 0, 1, 1, 1)
    desk.release(16)
    desk.set_bucket(17, *TERMS)


def test_set_bucket_again_keeps_what_was_allotted(desk: Yard, maker: Any) -> None:
    desk.open_bucket(ETH)
    desk.hand(ETH, desk.account(maker), WAD)
    before = desk.stored(ETH)
    desk.set_bucket(ETH, 1, 2, 3, 4)
    assert desk.stored(ETH) == (1, 2, 3, 4, before.allotted, before.clock)
    (event,) = desk.backstop.events(desk.last_receipt["logs"], "BucketSet")
    assert tuple(event.values()) == (ETH, 1, 2, 3, 4)

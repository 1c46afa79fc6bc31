"""Chainlink, Pyth, a Uniswap v3 pool and a team's signed reports, each through its adapter."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import pytest
from eth_account import Account
from kinds import WINDOW, FeedRoom, FourKinds, all_four_kinds

from seawall.spec.words import WAD

PRICE = Fraction(3_000)
#: A pool's price lies anywhere in its tick.
TICK_SIZE = Fraction(1, 10_000)


@pytest.fixture
def feed_room(chain: Any, accounts: Any) -> Iterator[FeedRoom]:
    reporters = [str(accounts[number].address) for number in (5, 6, 7)]
    made = FeedRoom(chain.provider.http_uri, str(accounts[0].address), reporters)
    yield made
    made.close()


@pytest.fixture
def signers() -> list[Any]:
    """Three keys of a team's."""
    return [Account.from_key(number.to_bytes(32, "big")) for number in (11, 12, 13)]


@pytest.fixture(params=[True, False], ids=["base-token0", "base-token1"])
def kinds(request: Any, feed_room: FeedRoom, signers: list[Any]) -> FourKinds:
    """All four, at 3,000 dollars."""
    return all_four_kinds(feed_room, signers, PRICE, base_is_token0=request.param)


def test_latest_of_four_kinds_is_one_price(feed_room: FeedRoom, kinds: FourKinds) -> None:
    chainlink, pyth, pool, reports = (feed_room.latest(adapter) for adapter in kinds.adapters)
    assert chainlink.price == pyth.price == reports.price == PRICE * WAD
    assert abs(Fraction(pool.price) / (PRICE * WAD) - 1) <= TICK_SIZE
    now = feed_room.rpc.timestamp()
    assert pool.updated_at == now
    for reading in (chainlink, pyth, reports):
        assert now - 10 <= reading.updated_at <= now
    assert [one.half_width for one in (chainlink, pyth, pool, reports)] == [0, 0, 0, 0]


def test_latest_of_four_kinds_after_a_move_agrees_once_the_window_has_passed(
    feed_room: FeedRoom, kinds: FourKinds
) -> None:
    moved = PRICE * Fraction(110, 100)
    kinds.answer(moved)
    chainlink, pyth, pool, reports = (feed_room.latest(adapter) for adapter in kinds.adapters)
    assert chainlink.price == pyth.price == reports.price == moved * WAD
    # The average has seen seconds of the new price only, and says how far off it may be.
    assert pool.price < PRICE * WAD * Fraction(1_001, 1_000)
    assert pool.price * (1 + Fraction(pool.half_width, 10**5)) >= moved * WAD * (1 - 2 * TICK_SIZE)
    feed_room.rpc.warp(WINDOW)
    later = feed_room.latest(kinds.pool.adapter)
    assert abs(Fraction(later.price) / (moved * WAD) - 1) <= TICK_SIZE
    assert later.half_width == 0

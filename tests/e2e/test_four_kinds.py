"""Chainlink, Pyth, a Uniswap v3 pool and a team's signed reports, each through its adapter."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from eth_account import Account
from kinds import WINDOW, FourKinds, all_four_kinds, chainlink_kind

from seawall.spec.words import PRICE as WORD
from seawall.spec.words import WAD
from tests.e2e.rooms import IndexRoom

PRICE = Fraction(3_000)
ETH = 7
#: Heartbeat and greatest age, and whether a caller can withhold or silence it. So can a pool be.
PUSH, PULL = (3_600, 4_000, False), (10, 10, True)
#: A pool's price lies anywhere in its tick.
TICK_SIZE = Fraction(1, 10_000)


@pytest.fixture
def signers() -> list[Any]:
    """Three keys of a team's."""
    return [Account.from_key(number.to_bytes(32, "big")) for number in (11, 12, 13)]


@pytest.fixture(params=[True, False], ids=["base-token0", "base-token1"])
def kinds(request: Any, room: IndexRoom, signers: list[Any]) -> FourKinds:
    """All four, at 3,000 dollars."""
    return all_four_kinds(room, signers, PRICE, base_is_token0=request.param)


def test_latest_of_four_kinds_is_one_price(room: IndexRoom, kinds: FourKinds) -> None:
    chainlink, pyth, pool, reports = (room.latest(adapter) for adapter in kinds.adapters)
    assert chainlink.price == pyth.price == reports.price == PRICE * WAD
    assert abs(Fraction(pool.price) / (PRICE * WAD) - 1) <= TICK_SIZE
    now = room.rpc.timestamp()
    assert pool.updated_at == now
    for reading in (chainlink, pyth, reports):
        assert now - 10 <= reading.updated_at <= now
    assert [one.half_width for one in (chainlink, pyth, pool, reports)] == [0, 0, 0, 0]


def test_latest_of_four_kinds_after_a_move_agrees_once_the_window_has_passed(
    room: IndexRoom, kinds: FourKinds
) -> None:
    moved = PRICE * Fraction(110, 100)
    kinds.answer(moved)
    chainlink, pyth, pool, reports = (room.latest(adapter) for adapter in kinds.adapters)
    assert chainlink.price == pyth.price == reports.price == moved * WAD
    # The average has seen seconds of the new price only, and says how far off it may be.
    assert pool.price < PRICE * WAD * Fraction(1_001, 1_000)
    assert pool.price * (1 + Fraction(pool.half_width, 10**5)) >= moved * WAD * (1 - 2 * TICK_SIZE)
    room.rpc.warp(WINDOW)
    later = room.latest(kinds.pool.adapter)
    assert abs(Fraction(later.price) / (moved * WAD) - 1) <= TICK_SIZE
    assert later.half_width == 0


class FourKindsIndex:
    """An index whose feeds are the four adapters and one more of Chainlink's: two make a
    price, and two must be of the kind that nobody can withhold."""

    def __init__(self, room: IndexRoom, kinds: FourKinds) -> None:
        self.room = room
        self.second = chainlink_kind(room)
        self.second.answer(PRICE)
        rows = [(one.address, *PULL) for one in kinds.adapters]
        rows[0] = (kinds.adapters[0].address, *PUSH)
        rows.append((self.second.adapter.address, *PUSH))
        room.set_feeds(ETH, (2, 500, 30_000), rows)

    def refresh(self) -> dict[str, int]:
        """The word that a refresh stores."""
        return WORD.unpack(self.room.refresh(ETH))


def again(kinds: FourKinds) -> None:
    """The price of the start anew, which the pool has never left."""
    for kind in (kinds.chainlink, kinds.pyth, kinds.reports):
        kind.answer(PRICE)


@pytest.fixture
def index(room: IndexRoom, kinds: FourKinds) -> FourKindsIndex:
    return FourKindsIndex(room, kinds)


def test_refresh_four_kinds_feed_one_index(index: FourKindsIndex, kinds: FourKinds) -> None:
    again(kinds)
    word = index.refresh()
    assert word["price"] == PRICE * WAD
    # The pool is off by a part of its tick, the others agree.
    assert word["half_width"] == 0


def test_refresh_average_of_a_pool_that_lags_behind_is_outvoted(
    index: FourKindsIndex, kinds: FourKinds
) -> None:
    """All sources jump by a tenth; the pool's average is still where it was."""
    moved = PRICE * Fraction(110, 100)
    index.second.answer(moved)
    kinds.answer(moved)
    word = index.refresh()
    assert (word["price"], word["half_width"]) == (int(moved * WAD), 0)


def test_refresh_updates_that_nobody_brings_switch_nothing_off(
    room: IndexRoom, index: FourKindsIndex, kinds: FourKinds
) -> None:
    """Pull feeds age out in ten seconds: the push feeds are a quorum without them."""
    again(kinds)
    index.refresh()
    room.rpc.warp(20)
    word = index.refresh()
    assert word["price"] == PRICE * WAD
    assert word["half_width"] == 0


def test_refresh_doubt_of_a_minority_is_outvoted(index: FourKindsIndex, kinds: FourKinds) -> None:
    """Pyth and the reports say give or take 1 %: two of five."""
    again(kinds)
    kinds.pyth.answer(PRICE, PRICE / 100)
    kinds.reports.answer(PRICE, 1_000)
    # The middle doubt is the pool's place in its tick.
    assert index.refresh()["half_width"] <= TICK_SIZE * 10**5

"""What an epoch and a market get of the fund at most."""

from __future__ import annotations

from typing import Any

import pytest
from ape import chain
from ape.api import AccountAPI
from room import Room, build

from seawall.spec.insurance_fund import EPOCH_SECONDS

BANKRUPT = 1 << 96
WAD = 10**18
#: A third of the fund for a market, half of it for all.
SHARES = (333_333, 500_000)
START = 900 * WAD
FOR_MARKET = 299_999_700 * 10**12
FOR_EPOCH = 450 * WAD


@pytest.fixture
def capped(project: Any, deployer: AccountAPI, engine: AccountAPI, room: Room) -> Room:
    """A fund with caps and 900 dollars, at the start of a day."""
    capped = build(project, deployer, engine, room.token, SHARES)
    capped.deposit(deployer, 900 * room.unit)
    next_day(deployer)
    return capped


def next_day(anybody: AccountAPI) -> None:
    """The first second of the next epoch."""
    now: int = chain.blocks.head.timestamp
    chain.mine(timestamp=now - now % EPOCH_SECONDS + EPOCH_SECONDS)


def cover(room: Room, engine: AccountAPI, market_id: int, amount: int) -> int:
    """What the fund pays, as the call answers and as its cash falls."""
    before = room.cash_wad()
    room_left = room.fund.cover_room(market_id)
    [answer] = room.fund.cover.call(BANKRUPT, [market_id], [amount], sender=engine)
    room.fund.cover(BANKRUPT, [market_id], [amount], sender=engine)
    assert before - room.cash_wad() == answer == min(amount, room_left)
    return int(answer)


def test_cover_one_market_stops_at_its_share(capped: Room, engine: AccountAPI) -> None:
    paid = [cover(capped, engine, 7, 200 * WAD) for _ in range(3)]

    assert paid == [200 * WAD, FOR_MARKET - 200 * WAD, 0]


def test_cover_two_markets_stop_at_the_share_of_the_epoch(capped: Room, engine: AccountAPI) -> None:
    paid = [cover(capped, engine, market_id, 800 * WAD) for market_id in (7, 8, 9)]

    assert paid == [FOR_MARKET, FOR_EPOCH - FOR_MARKET, 0]


def test_cover_market_zero_has_a_cap_of_its_own(capped: Room, engine: AccountAPI) -> None:
    cover(capped, engine, 7, 300 * WAD)

    assert cover(capped, engine, 0, 100 * WAD) == 100 * WAD
    assert cover(capped, engine, 7, 100 * WAD) == 0


def test_cover_next_epoch_starts_from_what_is_left(capped: Room, engine: AccountAPI) -> None:
    cover(capped, engine, 7, 300 * WAD)
    left = START - FOR_MARKET
    next_day(engine)

    assert cover(capped, engine, 7, START) == left * SHARES[0] // 10**6


def test_cover_use_of_an_earlier_epoch_does_not_count_once_another_market_opened_this_one(
    capped: Room, engine: AccountAPI
) -> None:
    cover(capped, engine, 7, 300 * WAD)
    left = START - FOR_MARKET
    next_day(engine)
    cover(capped, engine, 8, WAD)

    assert cover(capped, engine, 7, START) == left * SHARES[0] // 10**6


def test_cover_last_second_of_the_epoch_is_still_capped(capped: Room, engine: AccountAPI) -> None:
    cover(capped, engine, 7, START)
    now: int = chain.blocks.head.timestamp
    chain.pending_timestamp = now - now % EPOCH_SECONDS + EPOCH_SECONDS - 1

    capped.fund.cover(BANKRUPT, [7], [START], sender=engine)

    assert capped.cash_wad() == START - FOR_MARKET


@pytest.mark.parametrize("gift", [1, 10_000])
def test_cover_gift_in_the_epoch_raises_no_cap(
    capped: Room, engine: AccountAPI, saver: AccountAPI, gift: int
) -> None:
    cover(capped, engine, 7, WAD)
    capped.donate(saver, gift * capped.unit)

    assert cover(capped, engine, 7, START) == FOR_MARKET - WAD


def test_cover_loss_of_cash_in_the_epoch_pays_what_there_is(
    capped: Room, engine: AccountAPI, saver: AccountAPI
) -> None:
    cover(capped, engine, 7, WAD)
    capped.set_cash_wad(5, saver)

    assert cover(capped, engine, 7, START) == 5


def test_cover_nothing_does_not_start_an_epoch(
    capped: Room, engine: AccountAPI, saver: AccountAPI
) -> None:
    cover(capped, engine, 7, 0)
    capped.donate(saver, 900 * capped.unit)

    assert cover(capped, engine, 7, 10 * START) == 2 * START * SHARES[0] // 10**6


def test_cover_share_of_one_pays_all_and_what_comes_in(
    room: Room, saver: AccountAPI, engine: AccountAPI
) -> None:
    room.deposit(saver, 100 * room.unit)
    next_day(saver)

    assert cover(room, engine, 7, 200 * WAD) == 100 * WAD
    room.donate(saver, 30 * room.unit)
    assert cover(room, engine, 7, 200 * WAD) == 30 * WAD


@pytest.mark.parametrize("shares", [(10_000, 10_000), (10_000, 10**6), (10**6, 10**6)])
def test_constructor_shares_at_bounds_deploys(
    project: Any, deployer: AccountAPI, engine: AccountAPI, room: Room, shares: tuple[int, int]
) -> None:
    fund = build(project, deployer, engine, room.token, shares).fund

    assert (fund.market_share_ppm(), fund.epoch_share_ppm()) == shares


@pytest.mark.parametrize("shares", [(9_999, 10**6), (10_001, 10_000), (10_000, 10**6 + 1)])
def test_constructor_shares_out_of_bounds_reverts(
    deploy_refusal: Any, room: Room, shares: tuple[int, int]
) -> None:
    arguments = (room.book, room.token, "Odd", "ODD", 3600)

    assert deploy_refusal("InsuranceFund", *arguments, *shares) == ""

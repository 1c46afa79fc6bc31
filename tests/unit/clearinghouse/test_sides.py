"""Whole sides as parties: charges, partial and full closes, epochs, and settling afterwards."""

from __future__ import annotations

from typing import Any

import pytest

from seawall.spec.clearinghouse import Change
from seawall.spec.ledger import MAX_DRIFT
from seawall.spec.words import GATE_NONE, LONG, SHORT, SIDE, WAD
from tests.unit.clearinghouse.mirror import BARE, Mirror

#: Money by which rounding may open a gap between assets and claims, WAD.
DUST = 10**6


def _change(account: int, size: int, money: int) -> Change:
    return Change(account, size, money, 0, GATE_NONE)


def _close_sides(mirror: Mirror, size: int, price: int, market_id: int = 1) -> Any:
    """Both sides close a size against each other at a dollar price."""
    money = size * price
    changes = [_change(LONG, -size, money), _change(SHORT, size, -money)]
    return mirror.act("trade", mirror.engine, market_id, changes)


@pytest.fixture
def crowd(mirror: Mirror, trader: Any, maker: Any, stranger: Any) -> tuple[int, int, int]:
    """Two longs of 1 and 3 against a short of 4, at 40,000."""
    first, second = mirror.fund(trader, 100_000), mirror.fund(stranger, 100_000)
    short = mirror.fund(maker, 500_000)
    mirror.open(first, short, WAD, 40_000)
    mirror.open(second, short, 3 * WAD, 40_000)
    return first, second, short


def _legs(mirror: Mirror, account: int) -> list[int]:
    with mirror.at("latest"):
        base, legs = mirror.spec.portfolio(account)
    _, seen_base, seen_legs = mirror.read(mirror.house, "portfolio", account)
    assert seen_base == base
    assert len(seen_legs) == len(legs)
    return [size for _, _, size in legs]


def test_trade_with_a_side_closes_it_pro_rata(mirror: Mirror, crowd: tuple[int, int, int]) -> None:
    receipt = _close_sides(mirror, WAD, 38_000)
    sides = mirror.events(receipt, "SideChanged")
    assert [event["side"] for event in sides] == [LONG, SHORT]
    assert [event["scale"] for event in sides] == [75 * 10**25] * 2
    assert [event["shares"] for event in sides] == [4 * WAD] * 2
    assert [_legs(mirror, account)[0] for account in crowd] == [
        75 * WAD // 100,
        225 * WAD // 100,
        -3 * WAD,
    ]
    assert 0 <= mirror.slack() <= DUST


def test_trade_with_a_scaled_side_keeps_everyones_share(
    mirror: Mirror, crowd: tuple[int, int, int]
) -> None:
    first, second, short = crowd
    _close_sides(mirror, WAD, 38_000)
    mirror.open(first, short, WAD, 40_000)
    mirror.open(short, second, WAD, 40_000)
    # Shares on a scaled side round down.
    assert 175 * WAD // 100 - _legs(mirror, first)[0] in (0, 1)
    assert 0 <= mirror.slack() <= DUST


def test_trade_charging_a_side_takes_from_all_pro_rata(
    mirror: Mirror, crowd: tuple[int, int, int]
) -> None:
    first, second, short = crowd
    changes = [_change(LONG, 0, -40 * WAD), _change(short, 0, 40 * WAD)]
    mirror.act("trade", mirror.engine, 1, changes)
    word = SIDE.unpack(mirror.read(mirror.house, "side_word", 1, LONG, 0))
    assert word == {"scale": 10**27, "charge": 10 * 10**27}
    for account, loss in ((first, 10), (second, 30)):
        _legs(mirror, account)
        with mirror.at("latest"):
            base, _ = mirror.spec.portfolio(account)
        assert base == mirror.cash(account) - 40_000 * mirror.size(account) - loss * WAD
    assert 0 <= mirror.slack() <= DUST


def test_trade_closing_whole_sides_ends_the_epoch_and_settle_makes_cash(
    mirror: Mirror, crowd: tuple[int, int, int]
) -> None:
    _close_sides(mirror, 4 * WAD, 39_000)
    assert [_legs(mirror, account) for account in crowd] == [[0], [0], [0]]
    assert [mirror.bitmap(account) for account in crowd] == [[1], [1], [1]]
    for account, cash in zip(crowd, (99_000, 97_000, 504_000), strict=True):
        receipt = mirror.act("settle", mirror.stage.owner, account, 1)
        assert mirror.bitmap(account) == []
        assert cash * WAD - 2 <= mirror.cash(account) <= cash * WAD
        assert mirror.events(receipt, "PositionChanged")[0]["size"] == 0
    assert 0 <= mirror.slack() <= DUST


def test_settle_twice_refused(mirror: Mirror, crowd: tuple[int, int, int]) -> None:
    _close_sides(mirror, 4 * WAD, 39_000)
    mirror.act("settle", mirror.stage.owner, crowd[0], 1)
    mirror.refuse("market: unknown", "settle", mirror.stage.owner, crowd[0], 1)


def test_settle_of_a_present_leg_changes_nothing(
    mirror: Mirror, crowd: tuple[int, int, int]
) -> None:
    before = mirror.read(mirror.house, "position_word", crowd[0], 1)
    mirror.act("settle", mirror.stage.owner, crowd[0], 1)
    assert mirror.read(mirror.house, "position_word", crowd[0], 1) == before


@pytest.mark.parametrize("market_id", [0, 2, 127, 128, 136, 255, 256, 2**255, 2**256 - 1])
def test_settle_of_a_market_without_leg_refused(
    mirror: Mirror, crowd: tuple[int, int, int], trader: Any, market_id: int
) -> None:
    mirror.act("deposit", trader, crowd[0], 1, 1)
    mirror.refuse("market: unknown", "settle", mirror.stage.owner, crowd[0], market_id)


@pytest.mark.parametrize("account", [0, 1, 2, 2**96 - 1, 2**256 - 1])
def test_settle_of_an_unknown_account_refused(mirror: Mirror, account: int) -> None:
    mirror.refuse("market: unknown", "settle", mirror.stage.owner, account, 1)


def test_trade_below_the_rebase_scale_starts_an_epoch_that_positions_follow(
    mirror: Mirror, crowd: tuple[int, int, int]
) -> None:
    first, second, short = crowd
    _close_sides(mirror, 4 * WAD - 10**14, 40_000)
    market = mirror.spec.ledger.markets[1]
    assert (market.long.epoch, market.short.epoch) == (1, 1)
    assert _legs(mirror, first)[0] == 25 * 10**12
    mirror.act("settle", mirror.stage.owner, second, 1)
    mirror.force(short, second, 75 * 10**12, 40_000)
    assert mirror.bitmap(second) == []
    mirror.force(first, short, WAD, 40_000)
    _close_sides(mirror, WAD, 40_000)
    assert 0 <= mirror.slack() <= DUST


def test_trade_through_many_epochs_carries_an_untouched_position(
    mirror: Mirror, crowd: tuple[int, int, int], trader: Any
) -> None:
    first, second, short = crowd
    for _ in range(5):
        market = mirror.spec.ledger.markets[1]
        size = min(market.long.size, market.short.size)
        if size == 0:
            break
        _close_sides(mirror, size - size // 20_000, 40_000)
        mirror.force(second, short, WAD, 40_000)
    assert mirror.spec.ledger.markets[1].long.epoch >= 4
    _legs(mirror, first)
    mirror.act("settle", mirror.stage.owner, first, 1)
    mirror.act("withdraw", trader, first, 0, 10**6, str(trader.address))
    assert 0 <= mirror.slack() <= 10 * DUST


def test_trade_touching_a_used_up_leg_turns_it_into_cash(
    mirror: Mirror, crowd: tuple[int, int, int]
) -> None:
    first, _, short = crowd
    _close_sides(mirror, 4 * WAD, 39_000)
    mirror.open(first, short, WAD, 40_000)
    assert 99_000 * WAD - 2 <= mirror.cash(first) <= 99_000 * WAD
    assert _legs(mirror, first) == [WAD]
    assert 0 <= mirror.slack() <= DUST


def test_trade_closing_more_than_a_side_refused(
    mirror: Mirror, crowd: tuple[int, int, int]
) -> None:
    size = 4 * WAD + MAX_DRIFT + 1
    money = size * 40_000
    changes = [_change(LONG, -size, money), _change(SHORT, size, -money)]
    mirror.refuse(BARE, "trade", mirror.engine, 1, changes)
    _close_sides(mirror, 4 * WAD, 40_000)
    assert mirror.spec.ledger.markets[1].long.shares == 0


def test_trade_closing_what_sides_may_have_parted_by_closes_them_whole(
    mirror: Mirror, crowd: tuple[int, int, int]
) -> None:
    _close_sides(mirror, 4 * WAD + MAX_DRIFT, 40_000)
    market = mirror.spec.ledger.markets[1]
    assert (market.long.epoch, market.long.shares) == (1, 0)
    assert (market.short.epoch, market.short.shares) == (1, 0)


def test_trade_side_against_an_account_takes_it_over(
    mirror: Mirror, crowd: tuple[int, int, int]
) -> None:
    # The short leaves at 41,000 against the whole long side.
    short = crowd[2]
    changes = [_change(LONG, -WAD, 41_000 * WAD), _change(short, WAD, -41_000 * WAD)]
    mirror.act("trade", mirror.engine, 1, changes)
    assert _legs(mirror, short) == [-3 * WAD]
    assert 0 <= mirror.slack() <= DUST


@pytest.mark.parametrize("which, size", [(LONG, WAD), (SHORT, -WAD)])
def test_trade_growing_a_side_refused(
    mirror: Mirror, crowd: tuple[int, int, int], which: int, size: int
) -> None:
    changes = [_change(which, size, 0), _change(crowd[0], -size, 0)]
    mirror.refuse(BARE, "trade", mirror.engine, 1, changes)


@pytest.mark.parametrize("which", [LONG, SHORT])
def test_trade_charging_a_side_a_fee_refused(
    mirror: Mirror, crowd: tuple[int, int, int], which: int
) -> None:
    size = -WAD if which == LONG else WAD
    changes = [_change(which, size, 0)._replace(fee=1), _change(crowd[2], -size, 0)]
    mirror.refuse(BARE, "trade", mirror.engine, 1, changes)


def test_trade_with_an_empty_side_refused(mirror: Mirror) -> None:
    for size, money in ((-WAD, 0), (-MAX_DRIFT - 1, 0), (-1, 1), (0, 1)):
        changes = [_change(LONG, size, money), _change(SHORT, -size, -money)]
        mirror.refuse(BARE, "trade", mirror.engine, 1, changes)


def test_trade_with_an_empty_side_for_nothing_changes_nothing(mirror: Mirror) -> None:
    before = mirror.spec.ledger.markets[1]
    changes = [_change(LONG, -MAX_DRIFT, 0), _change(SHORT, MAX_DRIFT, 0)]
    mirror.act("trade", mirror.engine, 1, changes)
    after = mirror.spec.ledger.markets[1]
    assert (after.long, after.short) == (before.long, before.short)


def test_trade_with_sides_under_funding_adds_up(
    mirror: Mirror, crowd: tuple[int, int, int]
) -> None:
    mirror.act("set_funding_rate", mirror.engine, 1, 10**14)
    mirror.later(10_000)
    _close_sides(mirror, WAD + 1, 40_123)
    mirror.later(5_000)
    for account in crowd:
        _legs(mirror, account)
        mirror.act("settle", mirror.stage.owner, account, 1)
    assert -DUST <= mirror.slack() <= DUST

"""Health where size, open interest, collateral and scenarios bind, against its definition."""

from __future__ import annotations

import random

import pytest

from seawall.spec.lens import Health, Reason
from seawall.spec.words import PORTFOLIO, WAD, account_id
from tests.unit.lens.wide import MINIMUM_EQUITY, PRICES, Room


def _seen(room: Room, accounts: list[int]) -> list[Health]:
    answers = room.read_all(room.lens, "health", [(account,) for account in accounts])
    return [Health(*answer) for answer in answers]


def _same(room: Room, accounts: list[int]) -> list[Health]:
    """The contract's answers, which must be what the specification derives."""
    seen = _seen(room, accounts)
    with room.mirror.at("latest"):
        for account, found in zip(accounts, seen, strict=True):
            assert found == room.expected.health(account)
    return seen


@pytest.mark.parametrize("seed", range(3))
def test_health_of_random_accounts_in_both_modes(room: Room, seed: int) -> None:
    accounts = room.populate(seed, 16)
    room.move(random.Random(seed), list(PRICES)[::2])
    found = _same(room, [*accounts, room.rich])
    assert {one.mode for one in found} == {0, PORTFOLIO}
    assert len({one.status for one in found}) > 3
    reasons = [Reason(one.reasons) for one in found]
    for reason in (Reason.INITIAL, Reason.MAINTENANCE, Reason.BALANCE, Reason.EXIT):
        assert any(reason in one for one in reasons)
        assert any(reason not in one for one in reasons)


def test_health_while_feeds_are_silent(room: Room) -> None:
    accounts = room.populate(7, 8)
    room.silence(1)
    room.silence(3)
    found = _same(room, accounts)
    assert any(Reason.PRICE in Reason(one.reasons) for one in found)


def test_health_on_charged_and_scaled_sides(room: Room) -> None:
    accounts = room.populate(8, 8)
    for market_id in (1, 2, 3, 4):
        room.deleverage(market_id)
    _same(room, accounts)


def test_health_with_sixteen_legs_and_eight_tokens(room: Room) -> None:
    account = room.full_account(PORTFOLIO)
    found = _same(room, [account])[0]
    assert found.reasons == 0
    assert found.notional > 15 * 1_000 * WAD


# -- withdrawable ----------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(3))
def test_withdrawable_is_what_the_gate_lets_go_to_the_unit(room: Room, seed: int) -> None:
    accounts = room.populate(100 + seed, 16)
    room.move(random.Random(seed), list(PRICES)[1::2], 0.04)
    other = account_id(str(room.maker.address), 5)
    some = 0
    for account, found in zip(accounts, _seen(room, accounts), strict=True):
        assert _transfer_reason(room, account, other, found.withdrawable + 1) is not None
        if found.withdrawable:
            assert _transfer_reason(room, account, other, found.withdrawable) is None
            some += 1
    assert some > 3


def _transfer_reason(room: Room, account: int, receiver: int, amount: int) -> str | None:
    house = room.mirror.house
    return room.mirror.reason_of(room.trader, house, "transfer", account, receiver, amount)


def test_withdrawable_of_a_hedge_stops_at_the_minimum_of_portfolio_mode(room: Room) -> None:
    account = room.account(300, PORTFOLIO)
    room.hold(account, 1, 1_100)
    room.hold(account, 2, -1_100)
    found = _same(room, [account])[0]
    # Two dollars are the keeper's.
    assert found.withdrawable == (300 - 2 - MINIMUM_EQUITY) * WAD
    room.spend(account, found.withdrawable + 1)
    found = _same(room, [account])[0]
    short = Reason.MINIMUM | Reason.INITIAL | Reason.EXIT | Reason.BALANCE
    assert Reason(found.reasons) == short
    assert found.withdrawable == 0


def test_withdrawable_below_the_minimum_is_what_standard_margin_leaves(room: Room) -> None:
    account = room.account(300, PORTFOLIO)
    room.hold(account, 2, 500)
    rich = _same(room, [account])[0]
    # A dollar is the keeper's, a tenth of the leg is margin.
    assert rich.withdrawable > (300 - 1 - 51) * WAD
    room.spend(account, (300 - 1 - MINIMUM_EQUITY) * WAD + 1)
    poor = _same(room, [account])[0]
    assert Reason(poor.reasons) == Reason.MINIMUM
    assert poor.withdrawable > (MINIMUM_EQUITY - 52) * WAD


def test_withdrawable_stops_at_the_notional_floor(room: Room) -> None:
    """In portfolio mode a matched pair needs little; what stays is the floor on its notional."""
    account = room.account(30_000, PORTFOLIO)
    room.hold(account, 1, 20_000)
    room.hold(account, 2, -20_000)
    free = _same(room, [account])[0]
    margin = room.spec.model.notional_floor
    assert free.withdrawable <= 30_000 * WAD - 2 * WAD - free.notional * margin // 10**6


def test_withdrawable_is_no_more_than_custody_holds(room: Room) -> None:
    """Profit can be cash while the loss that pays for it is still a position."""
    winner, loser = room.account(1_000), room.account(1_000)
    room.mirror.act("transfer", room.maker, room.rich, winner, 10**6 * WAD)
    held = room.mirror.totals()[0]
    room.spend(loser, 2 * held)
    room.mirror.act("pay", room.mirror.engine, room.rich, winner, 0, 2 * held)
    assert _same(room, [winner])[0].withdrawable == held


def test_withdrawable_with_cash_below_zero_is_nothing(room: Room) -> None:
    account = room.account(0)
    room.pledge(account, 2, 10_000)
    room.spend(account, 1)
    found = _same(room, [account])[0]
    assert found.equity > 0
    assert (found.withdrawable, Reason(found.reasons)) == (
        0, Reason.CASH | Reason.EXIT | Reason.BALANCE
    )  # fmt: skip

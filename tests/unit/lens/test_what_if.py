"""What-if answers are what doing it brings about."""

from __future__ import annotations

import random
from decimal import Decimal
from typing import Any

import pytest

from seawall.spec.lens import Health, Reason, Trade
from seawall.spec.words import PORTFOLIO, WAD
from tests.unit.clearinghouse.mirror import USDC, fill
from tests.unit.lens.wide import COLLATERAL, LOT, PRICES, Room, dollars

KEEP = 2**256 - 1
Pairs = list[tuple[int, int]]


def _price(market_id: int, percent: int = 100) -> int:
    return int(Decimal(PRICES[market_id]) * percent * WAD / 100)


def _ask(
    room: Room,
    account: int,
    trades: list[Trade] | None = None,
    cash: int = 0,
    collateral: Pairs | None = None,
    mode: int | None = None,
    prices: Pairs | None = None,
) -> Health:
    """The contract's answer, which must be the specification's, who does it and looks."""
    changes = (trades or [], cash, collateral or [], KEEP if mode is None else mode)
    seen = Health(*room.read(room.what_if, "what_if", account, changes, prices or []))
    with room.mirror.at("latest"):
        expected = room.expected.what_if(
            account, trades or [], cash, collateral or [], mode, prices or []
        )
    assert seen == expected
    return seen


def _health(room: Room, account: int) -> Health:
    return Health(*room.read(room.lens, "health", account))


def _refusal(room: Room, account: int, *changes: Any) -> str | None:
    args: tuple[Any, ...] = (account, changes, [])
    return room.mirror.reason_of(room.trader, room.what_if, "what_if", *args)


def test_what_if_nothing_is_health(room: Room) -> None:
    accounts = room.populate(400, 8)
    for account in [*accounts, 0]:
        assert _ask(room, account) == _health(room, account)


# -- done in the specification ---------------------------------------------------------------


@pytest.mark.parametrize("seed", range(4))
def test_what_if_of_random_changes(room: Room, seed: int) -> None:
    """Opens, closes, flips and new markets, payments, another mode, other prices."""
    rng = random.Random(seed)
    accounts = room.populate(500 + seed, 10)
    room.move(rng, list(PRICES)[::4], 0.1)
    for account in accounts:
        trades = [_random_trade(room, rng, account, one) for one in rng.sample(sorted(PRICES), 4)]
        collateral = [
            (token_id, rng.randint(0, 10 ** (COLLATERAL[token_id][0] + 1)))
            for token_id in rng.sample(sorted(COLLATERAL), rng.choice((0, 2)))
        ]
        prices = [
            (leg_id, _price((leg_id - 1) % 127 + 1, rng.randint(50, 150)))
            for leg_id in rng.sample([*PRICES, 128, 129, 130], rng.choice((0, 5)))
        ]
        mode = rng.choice((None, 0, PORTFOLIO))
        _ask(room, account, trades, rng.randint(-(10**21), 10**22), collateral, mode, prices)


def _random_trade(room: Room, rng: random.Random, account: int, market_id: int) -> Trade:
    position = room.spec.ledger.positions[account, market_id].shares
    price = _price(market_id, rng.randint(90, 110)) // 10**6 * 10**6
    fresh = rng.choice((-1, 1)) * int(rng.uniform(10, 30_000) * WAD * WAD / price) // LOT * LOT
    close = -position
    half = close // 2 // LOT * LOT
    return Trade(
        market_id, rng.choice((fresh, close, half, 2 * close)), price, rng.randint(0, 10**18)
    )


def test_what_if_with_funding(room: Room) -> None:
    account = room.account(10_000)
    room.hold(account, 1, 15_000)
    room.mirror.act("set_funding_rate", room.mirror.engine, 1, 10**15)
    room.mirror.later(1_000)
    for percent in (30, 100, 150):
        size = -room.spec.ledger.positions[account, 1].shares * percent // 100 // LOT * LOT
        _ask(room, account, [Trade(1, size, _price(1))])


def test_what_if_on_charged_and_scaled_sides_is_off_by_wei_alone(room: Room) -> None:
    account = room.account(10_000)
    size = room.hold(account, 1, 15_000)
    room.hold(account, 2, -15_000)
    for market_id in (1, 2):
        room.deleverage(market_id)
    for trades in ([Trade(1, size // 7, _price(1))], [Trade(1, -size // 3, _price(1))],
                   [Trade(2, size, _price(2))]):  # fmt: skip
        seen = Health(*room.read(room.what_if, "what_if", account, (trades, 0, [], KEEP), []))
        with room.mirror.at("latest"):
            expected = room.expected.what_if(account, trades)
        for one, other in zip(seen, expected, strict=True):
            assert abs(one - other) <= 10**6
        assert seen.reasons == expected.reasons


def test_what_if_of_an_ended_epoch(room: Room) -> None:
    """A leg of an ended epoch is carried before it is traded."""
    account = room.account(10_000)
    room.hold(account, 1, 15_000)
    room.hold(account, 2, -15_000)
    for market_id in (1, 2):
        for _ in range(3):
            room.deleverage(market_id, 99)
    assert room.spec.ledger.markets[1].long.epoch > 0
    assert room.spec.ledger.markets[2].short.epoch > 0
    for market_id in (1, 2):
        for size in (WAD, -WAD):
            trades = [Trade(market_id, size // 1000, _price(market_id))]
            changes: tuple[Any, ...] = (trades, 0, [], KEEP)
            seen = Health(*room.read(room.what_if, "what_if", account, changes, []))
            with room.mirror.at("latest"):
                expected = room.expected.what_if(account, trades)
            for name in ("equity", "cash", "maintenance", "initial", "notional"):
                assert abs(getattr(seen, name) - getattr(expected, name)) <= 10**6


# -- done on the chain -----------------------------------------------------------------------


@pytest.mark.parametrize("worth", [40_000, -40_000, 4_000, -10_000, -15_000])
@pytest.mark.parametrize("mode", [0, PORTFOLIO])
def test_what_if_of_a_fill_is_what_it_leaves(room: Room, worth: int, mode: int) -> None:
    """Opened, grown beyond depth and capacity, cut, closed and turned around."""
    account = room.account(30_000, mode)
    room.hold(account, 1, 15_000)
    size = worth * WAD // 40_000
    asked = _ask(room, account, [Trade(1, size, _price(1), 3 * WAD)])
    pair = (account, room.rich) if size > 0 else (room.rich, account)
    fees = (3 * WAD, 0) if size > 0 else (0, 3 * WAD)
    room.mirror.act("trade", room.mirror.venue, 1, fill(*pair, abs(size), _price(1), fees))
    assert _health(room, account) == asked


def test_what_if_of_a_new_market_is_what_it_leaves(room: Room) -> None:
    account = room.account(30_000)
    room.hold(account, 1, 15_000)
    asked = _ask(room, account, [Trade(2, WAD, _price(2))])
    room.mirror.act("trade", room.mirror.venue, 2, fill(account, room.rich, WAD, _price(2)))
    assert _health(room, account) == asked


def test_what_if_asks_for_the_open_interest_that_it_adds(room: Room) -> None:
    """20,000 on top of 300,000 where 100,000 is what the market bears: 3.1 times the base rate."""
    account, crowd = room.account(20_000), room.account(100_000)
    room.hold(crowd, 1, 300_000)
    asked = _ask(room, account, [Trade(1, WAD // 2, _price(1))])
    base = room.spec.model.risks[1].initial
    assert asked.initial // WAD == 20_000 * 31 * base // 10**7
    room.mirror.act("trade", room.mirror.venue, 1, fill(account, room.rich, WAD // 2, _price(1)))
    assert _health(room, account) == asked


def test_what_if_of_payments_is_what_they_leave(room: Room) -> None:
    account = room.account(30_000)
    room.hold(account, 1, 15_000)
    amount = 10 * 10 ** COLLATERAL[2][0]
    asked = _ask(room, account, cash=-5_000 * WAD, collateral=[(2, amount)])
    room.mirror.act("deposit", room.trader, account, 2, amount)
    receiver = str(room.trader.address)
    room.mirror.act("withdraw", room.trader, account, 0, 5_000 * USDC, receiver)
    assert _health(room, account) == asked
    without = _ask(room, account, collateral=[(2, -amount)])
    room.mirror.act("withdraw", room.trader, account, 2, amount, receiver)
    assert _health(room, account) == without


def test_what_if_of_another_mode_is_what_it_leaves(room: Room) -> None:
    account = room.account(30_000)
    room.hold(account, 1, 15_000)
    room.hold(account, 2, -15_000)
    asked = _ask(room, account, mode=PORTFOLIO)
    assert asked.initial < _health(room, account).initial
    room.mirror.act("set_mode", room.trader, account, PORTFOLIO)
    assert _health(room, account) == asked


def test_what_if_of_a_price_is_what_the_oracle_makes_of_it(room: Room) -> None:
    """The average stays behind: adverse equity falls with the price at once, rises slowly."""
    account = room.account(30_000)
    room.hold(account, 1, 15_000)
    room.hold(account, 2, -15_000)
    room.mirror.send(room.mirror.stage.owner, room.mirror.oracle, "refresh", 6)
    asked = _ask(room, account, prices=[(1, _price(1, 90)), (2, _price(2, 70)), (3, 1)])
    room.mirror.set_index(2, dollars(_price(2, 70) // 10**10))
    room.mirror.set_index(1, dollars(_price(1, 90) // 10**10))
    assert _health(room, account) == asked


@pytest.mark.parametrize("over", [0, 1])
def test_what_if_of_a_withdrawal_says_whether_it_passes(room: Room, over: int) -> None:
    account = room.account(10_000)
    room.hold(account, 1, 15_000)
    free = _health(room, account).withdrawable
    asked = _ask(room, account, cash=-free - over)
    assert bool(Reason(asked.reasons) & Reason.EXIT) == bool(over)


# -- refused ---------------------------------------------------------------------------------


def test_what_if_of_what_no_ledger_takes_refused(room: Room) -> None:
    account = room.account(1_000)
    once = (1, WAD, WAD, 0)
    for market_id in (0, 17, 127, 128, 2**255):
        assert _refusal(room, account, [(market_id, WAD, WAD, 0)], 0, [], KEEP) == "market: unknown"
    assert _refusal(room, account, [once, once], 0, [], KEEP) == "what-if: market twice"
    for token_id in (0, 9, 2**255):
        assert _refusal(room, account, [], 0, [(token_id, 1)], KEEP) == "token: unknown"
    assert _refusal(room, account, [], 0, [(1, -1)], KEEP) == "amount: too large"
    assert _refusal(room, account, [once], 0, [], KEEP) is None


def test_what_if_of_a_seventeenth_market_refused(room: Room) -> None:
    account = room.full_account(0)
    owner, mirror = room.mirror.stage.owner, room.mirror
    terms = mirror.read(mirror.house, "market_words", 1)[2]
    mirror.send(owner, mirror.house, "set_market", 17, terms)
    assert _refusal(room, account, [(17, WAD, WAD, 0)], 0, [], KEEP) == "account: 16 markets"

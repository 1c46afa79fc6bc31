"""Prices and moves at which an account passes a line: healthy there, not a tolerance further."""

from __future__ import annotations

import random
from typing import Any

import pytest

from seawall.spec.lens import NO_FALL, NO_RISE, Lens, Seen
from seawall.spec.words import MAX_UINT256, PORTFOLIO, WAD
from tests.unit.clearinghouse.mirror import USDC, Deployed, Mirror
from tests.unit.lens.wide import LINES, MAX_PRICE, PRICES, Room, dollars

SIZE = WAD // 10
BELOW_MAINTENANCE, MARGIN_CALL = 4, 3
#: line -> statuses above it
ABOVE = {"liquidation": range(MARGIN_CALL + 1), "margin_call": range(MARGIN_CALL)}
TOLERANCE = 10**6


def _is_above(expected: Lens, line: str, seen: Seen) -> bool:
    return expected.is_healthy(seen) if line == "liquidation" else not expected.is_called(seen)


def _further(level: int, by: int) -> list[int]:
    """Within a tolerance, towards the unhealthy side.

    A rate that size sets moves by whole parts per million: where it falls with the price, an
    account is healthy again for a while.
    """
    tolerance = max(level // TOLERANCE, 1)
    return [level + by * max(tolerance * part // 16, 1) for part in range(1, 17)]


# -- one price -------------------------------------------------------------------------------


@pytest.mark.parametrize("line", LINES)
@pytest.mark.parametrize("seed", range(3))
def test_price_is_the_last_on_the_healthy_side(room: Room, line: str, seed: int) -> None:
    """Of random accounts in both modes, above and below the line, each leg's."""
    accounts = room.populate(200 + seed, 12)
    room.move(random.Random(seed), list(PRICES)[::3], 0.1)
    calls = [
        (account, market_id)
        for account in accounts
        for market_id in sorted(PRICES)
        if room.spec.ledger.accounts[account].bitmap >> market_id & 1
    ]
    answers = room.read_all(room.lens, f"{line}_price", calls)
    kinds = set()
    with room.mirror.at("latest"):
        for (account, market_id), answer in zip(calls, answers, strict=True):
            seen = room.expected.seen(account)
            kinds.add(_check_price(room.expected, line, seen, market_id, answer))
    assert {"crossing", "no fall"} <= kinds


def _check_price(expected: Lens, line: str, seen: Seen, market_id: int, answer: int) -> str:
    pairs = zip(seen.legs, seen.prices, strict=True)
    size, price = next((leg[2], one.price) for leg, one in pairs if leg[0] == market_id)

    def above(price: int) -> bool:
        return _is_above(expected, line, expected.at_price(seen, market_id, price))

    now = _is_above(expected, line, seen)
    if answer == 0:
        assert above(0) == now
        return "no fall"
    if answer == MAX_UINT256:
        assert above(MAX_PRICE) == now
        return "no rise"
    assert above(answer)
    side = -1 if size > 0 else 1
    assert not all(above(level) for level in _further(answer, side))
    # And it lies on the side of the present price where the line is.
    assert (answer - price) * side >= 0 if now else (answer - price) * side <= 0
    return "crossing"


def test_price_of_a_pair_in_portfolio_mode(room: Room) -> None:
    """A hedge needs less, so that its price lies further away than in standard mode."""
    prices = []
    for mode in (0, PORTFOLIO):
        account = room.account(3_000, mode)
        room.hold(account, 1, 15_000)
        room.hold(account, 2, -15_000)
        prices.append(room.read(room.lens, "liquidation_price", account, 1))
    assert 0 < prices[1] < prices[0] < 40_000 * WAD


def test_price_follows_the_rate_that_grows_with_it(room: Room) -> None:
    """A short beyond the depth of its market: at the answer its rate is higher than now."""
    account = room.account(9_000)
    size = room.hold(account, 1, -30_000)
    price = room.read(room.lens, "liquidation_price", account, 1)
    seen = _seen(room, account)
    plan = room.expected.plan(room.expected.at_price(seen, 1, price))
    assert plan.legs[0].rate > room.expected.plan(seen).legs[0].rate
    # With the rate of now it would lie higher: (E + |s| P) / (|s| (1 + m)).
    rate = room.expected.plan(seen).legs[0].rate
    equity = room.expected.plan(seen).equity
    flat = (equity + -size * 40_000) * WAD * 10**6 // (-size * (10**6 + rate))
    assert 40_000 * WAD < price < flat


def _seen(room: Room, account: int) -> Seen:
    with room.mirror.at("latest"):
        return room.expected.seen(account)


@pytest.mark.parametrize("line", LINES)
@pytest.mark.parametrize("is_long", [True, False])
@pytest.mark.parametrize("with_second_leg", [True, False])
def test_price_is_where_the_status_turns(
    mirror: Mirror,
    lens: Deployed,
    trader: Any,
    maker: Any,
    line: str,
    is_long: bool,
    with_second_leg: bool,
) -> None:
    """The index moves there, and one tolerance on."""
    account, rich = mirror.fund(trader, 777), mirror.fund(maker, 1_000_000)
    pair = (account, rich) if is_long else (rich, account)
    mirror.open(*pair, SIZE + 10**12, 40_000)
    if with_second_leg:
        mirror.open(pair[1], pair[0], WAD // 3 // 10**12 * 10**12, 2_000, market_id=2)
    price = int(mirror.read(lens, f"{line}_price", account, 1))
    assert 0 < price < 40_000 * WAD if is_long else price > 40_000 * WAD
    # The feed answers in steps of 10**10.
    safe = -(-price // 10**10) if is_long else price // 10**10
    lost = _further(price, -1)[-1] // 10**10 if is_long else -(-_further(price, 1)[-1] // 10**10)
    mirror.set_index(1, dollars(safe))
    assert mirror.read(lens, "health", account)[0] in ABOVE[line]
    mirror.set_index(1, dollars(lost))
    assert mirror.read(lens, "health", account)[0] == ABOVE[line].stop


def test_price_below_the_line_is_where_it_ends(
    mirror: Mirror, lens: Deployed, trader: Any, maker: Any
) -> None:
    account, rich = mirror.fund(trader, 500), mirror.fund(maker, 1_000_000)
    mirror.open(account, rich, SIZE, 40_000)
    mirror.set_index(1, 37_000)
    price = mirror.read(lens, "liquidation_price", account, 1)
    assert price > 37_000 * WAD
    mirror.set_index(1, dollars(-(-price // 10**10)))
    assert mirror.read(lens, "health", account)[0] == MARGIN_CALL
    mirror.set_index(1, dollars(_further(price, -1)[-1] // 10**10))
    assert mirror.read(lens, "health", account)[0] == BELOW_MAINTENANCE


def test_price_while_the_feed_is_silent_is_of_the_favourable_end(room: Room) -> None:
    account = room.account(3_000)
    room.hold(account, 1, 15_000)
    fresh = room.read(room.lens, "liquidation_price", account, 1)
    room.silence(1)
    stale = room.read(room.lens, "liquidation_price", account, 1)
    assert 0 < stale < fresh
    with room.mirror.at("latest"):
        _check_price(room.expected, "liquidation", room.expected.seen(account), 1, stale)


@pytest.mark.parametrize("line", LINES)
def test_price_of_no_leg_or_a_covered_long_is_zero(room: Room, line: str) -> None:
    account = room.account(100_000)
    room.hold(account, 1, 15_000)
    for market_id in (0, 1, 2, 99, 127):
        assert room.read(room.lens, f"{line}_price", account, market_id) == 0
    assert room.read(room.lens, f"{line}_price", 0, 1) == 0


@pytest.mark.parametrize("line", LINES)
def test_price_of_a_short_that_the_highest_price_spares_is_none(room: Room, line: str) -> None:
    account = room.account(100_000)
    room.hold(account, 1, -1)
    assert room.read(room.lens, f"{line}_price", account, 1) == MAX_UINT256


@pytest.mark.parametrize("market_id", [128, 129, 255, 256, 2**255])
def test_price_of_an_id_that_is_no_market_refused(
    mirror: Mirror, lens: Deployed, trader: Any, market_id: int
) -> None:
    account = mirror.fund(trader, 500)
    mirror.act("deposit", trader, account, 1, USDC)
    for line in LINES:
        assert mirror.reason_of(trader, lens, f"{line}_price", account, market_id) == ""


# -- all prices ------------------------------------------------------------------------------


@pytest.mark.parametrize("line", LINES)
@pytest.mark.parametrize("seed", range(3))
def test_move_is_the_last_on_the_healthy_side(room: Room, line: str, seed: int) -> None:
    accounts = room.populate(300 + seed, 16)
    room.move(random.Random(seed), list(PRICES)[::3], 0.1)
    answers = room.read_all(room.lens, f"{line}_move", [(account,) for account in accounts])
    kinds = set()
    with room.mirror.at("latest"):
        for account, (down, up) in zip(accounts, answers, strict=True):
            seen = room.expected.seen(account)
            if not _is_above(room.expected, line, seen):
                assert (down, up) == (0, 0)
                kinds.add("below")
                continue
            assert down <= 0 <= up
            kinds.add("no fall" if down == NO_FALL else "fall")
            kinds.add("no rise" if up == NO_RISE else "rise")
            _check_move(room.expected, line, seen, down, -1)
            _check_move(room.expected, line, seen, up, 1)
    assert {"below", "fall", "rise"} <= kinds


def _check_move(expected: Lens, line: str, seen: Seen, move: int, side: int) -> None:
    def above(factor: int) -> bool:
        return _is_above(expected, line, expected.at_move(seen, factor - WAD))

    if move == NO_FALL:
        assert above(0)
    elif move == NO_RISE:
        assert above(MAX_PRICE * WAD // max(price.price for price in seen.prices))
    else:
        assert above(WAD + move)
        assert not all(above(level) for level in _further(WAD + move, side))


def test_move_of_a_long_alone_is_its_price(room: Room) -> None:
    account = room.account(3_000)
    room.hold(account, 1, 15_000)
    price = room.read(room.lens, "liquidation_price", account, 1)
    down, up = room.read(room.lens, "liquidation_move", account)
    assert abs(WAD + down - price // 40_000) <= 2 * WAD // TOLERANCE
    # A long that is worth more needs more: its rate stops growing at 100 %.
    assert up > 0


def test_move_counts_collateral(room: Room) -> None:
    """Collateral falls with the market, so that less of a fall is needed."""
    alone, pledged = room.account(3_000), room.account(0)
    room.pledge(pledged, 2, 3_000 * 100 // 82)
    for account in (alone, pledged):
        room.hold(account, 1, 15_000)
    first, second = (room.read(room.lens, "liquidation_move", one)[0] for one in (alone, pledged))
    assert first < second < 0


@pytest.mark.parametrize("line", LINES)
def test_move_without_legs_is_none(room: Room, line: str) -> None:
    account = room.account(10)
    room.pledge(account, 1, 1_000)
    for one in (account, 0):
        assert room.read(room.lens, f"{line}_move", one) == (NO_FALL, NO_RISE)


def test_move_of_a_bankrupt_is_zero(room: Room) -> None:
    account = room.account(1_000)
    room.hold(account, 1, 15_000, "50000")
    for line in LINES:
        assert room.read(room.lens, f"{line}_move", account) == (0, 0)

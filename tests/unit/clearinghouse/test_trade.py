"""The trade verb: balance, rights, terms of the market, what it writes and logs."""

from __future__ import annotations

from typing import Any

import pytest

from seawall.spec.clearinghouse import Change
from seawall.spec.words import (
    FUNDING,
    GATE_INITIAL,
    GATE_MARGIN_RULE,
    GATE_NONE,
    LISTED,
    LOSS,
    PAY,
    REDUCE_ONLY,
    RESTRICT,
    TERMS,
    TRADE,
    WAD,
    WATERFALL,
    account_id,
)
from tests.unit.clearinghouse.mirror import BARE, Mirror, fill

RULE = GATE_MARGIN_RULE
PRICE = 40_000 * WAD


@pytest.fixture
def pair(mirror: Mirror, trader: Any, maker: Any) -> tuple[int, int]:
    """Two rich accounts."""
    return mirror.fund(trader, 100_000), mirror.fund(maker, 100_000)


def _set_terms(mirror: Mirror, market_id: int = 1, **changes: int) -> None:
    terms = TERMS.unpack(mirror.read(mirror.house, "market_words", market_id)[2])
    mirror.act("set_market", mirror.stage.owner, market_id, TERMS.pack(**(terms | changes)))


def test_trade_opens_both_sides_and_charges_fees(mirror: Mirror, pair: tuple[int, int]) -> None:
    buyer, seller = pair
    receipt = mirror.act("trade", mirror.venue, 1, fill(buyer, seller, WAD, PRICE, (16, 4)))
    assert (mirror.size(buyer), mirror.size(seller)) == (WAD, -WAD)
    assert mirror.cash(buyer) == 100_000 * WAD - 16
    assert mirror.cash(mirror.stage.fee_account) == 20
    assert mirror.totals()[1] == 200_000 * WAD
    assert mirror.slack() == 0
    common = {"market_id": 1, "realised": 0}
    assert mirror.events(receipt, "PositionChanged") == [
        common | {"account": buyer, "size": WAD, "quote": -PRICE, "fee": 16},
        common | {"account": seller, "size": -WAD, "quote": PRICE, "fee": 4},
    ]


def test_trade_reducing_realises_its_fraction(mirror: Mirror, pair: tuple[int, int]) -> None:
    buyer, seller = pair
    mirror.open(buyer, seller, WAD, 40_000)
    mirror.set_index(1, 41_000)
    receipt = mirror.open(seller, buyer, WAD // 4, 41_000)
    assert mirror.cash(buyer) == 100_250 * WAD
    assert mirror.cash(seller) == 99_750 * WAD
    assert [event["realised"] for event in mirror.events(receipt, "PositionChanged")] == [
        -250 * WAD,
        250 * WAD,
    ]


def test_trade_full_close_clears_position_and_bit(mirror: Mirror, pair: tuple[int, int]) -> None:
    buyer, seller = pair
    mirror.open(buyer, seller, WAD, 40_000)
    assert mirror.bitmap(buyer) == [1]
    mirror.open(seller, buyer, WAD, 39_000)
    assert mirror.bitmap(buyer) == mirror.bitmap(seller) == []
    assert mirror.read(mirror.house, "position_word", buyer, 1) == 0
    assert mirror.cash(buyer) == 99_000 * WAD
    assert mirror.slack() == 0


def test_trade_flip_is_a_close_and_an_open(mirror: Mirror, pair: tuple[int, int]) -> None:
    buyer, seller = pair
    mirror.open(buyer, seller, WAD, 40_000)
    mirror.open(seller, buyer, 3 * WAD, 41_000)
    assert (mirror.size(buyer), mirror.size(seller)) == (-2 * WAD, 2 * WAD)
    assert mirror.cash(buyer) == 101_000 * WAD


def test_trade_off_the_lot_rounds_against_the_accounts(
    mirror: Mirror, pair: tuple[int, int]
) -> None:
    buyer, seller = pair
    price = 40_000 * WAD + 1
    size = WAD + 1
    money = -(-size * price // WAD)
    changes = [Change(buyer, size, -money, 0, RULE), Change(seller, -size, money, 0, RULE)]
    mirror.act("trade", mirror.venue, 1, changes)
    assert mirror.slack() >= 0


def test_trade_of_many_parties(mirror: Mirror, trader: Any, maker: Any) -> None:
    taker = mirror.fund(trader, 100_000)
    makers = [mirror.fund(maker, 10_000, sub) for sub in range(6)]
    money = PRICE // 10
    changes = [Change(one, -WAD // 10, money, 1, RULE) for one in makers]
    changes.append(Change(taker, 6 * WAD // 10, -6 * money, 7, RULE))
    mirror.act("trade", mirror.venue, 1, changes)
    assert mirror.cash(mirror.stage.fee_account) == 13
    assert mirror.size(taker) == 6 * WAD // 10


def test_trade_without_changes_only_accrues(mirror: Mirror, pair: tuple[int, int]) -> None:
    mirror.act("trade", mirror.venue, 1, [])


@pytest.mark.parametrize(
    "size, money", [(1, 0), (0, 1), (-1, 0), (0, -1), (10**12, -40_000 * 10**12)]
)
def test_trade_not_balanced_refused(
    mirror: Mirror, pair: tuple[int, int], size: int, money: int
) -> None:
    changes = fill(*pair, WAD, PRICE)
    first = changes[0]
    changes[0] = first._replace(size=first.size + size, money=first.money + money)
    mirror.refuse("trade: not balanced", "trade", mirror.venue, 1, changes)


@pytest.mark.parametrize("market_id", [0, 4, 127, 128, 255, 256, 2**255, 2**256 - 1])
def test_trade_in_an_unknown_market_refused(
    mirror: Mirror, pair: tuple[int, int], market_id: int
) -> None:
    for module in (mirror.venue, mirror.engine):
        mirror.refuse("market: unknown", "trade", module, market_id, fill(*pair, WAD, PRICE))


@pytest.mark.parametrize("account", [0, 1, 2, 3, 2**96 - 1])
def test_trade_of_owner_zero_by_a_venue_refused(
    mirror: Mirror, pair: tuple[int, int], account: int
) -> None:
    mirror.refuse("account: unknown", "trade", mirror.venue, 1, fill(pair[0], account, WAD, PRICE))


@pytest.mark.parametrize("account", [0, 3, 2**95, 2**96 - 1])
def test_trade_of_no_side_by_the_engine_refused(
    mirror: Mirror, pair: tuple[int, int], account: int
) -> None:
    changes = fill(pair[0], account, WAD, PRICE, gate=GATE_NONE)
    mirror.refuse("account: unknown", "trade", mirror.engine, 1, changes)


def test_trade_by_anyone_without_the_right_refused(
    mirror: Mirror, pair: tuple[int, int], trader: Any, guardian: Any
) -> None:
    changes = fill(*pair, WAD, PRICE)
    for caller in (trader, guardian, mirror.stage.owner):
        mirror.refuse("module: no right", "trade", caller, 1, changes)


def test_trade_with_every_other_right_refused(mirror: Mirror, pair: tuple[int, int]) -> None:
    others = PAY | FUNDING | LOSS | WATERFALL | RESTRICT
    mirror.act("set_module", mirror.stage.owner, mirror.venue, others)
    mirror.refuse("module: no right", "trade", mirror.venue, 1, fill(*pair, WAD, PRICE))


@pytest.mark.parametrize(
    "size, gate", [(WAD, GATE_NONE), (0, GATE_NONE), (0, RULE), (0, GATE_INITIAL)]
)
def test_trade_without_gate_or_size_by_a_venue_refused(
    mirror: Mirror, pair: tuple[int, int], size: int, gate: int
) -> None:
    changes = fill(*pair, size, PRICE, gate=gate)
    mirror.refuse("module: no right", "trade", mirror.venue, 1, changes)
    mixed = [changes[0], *fill(pair[1], pair[0], WAD, PRICE), changes[1]]
    mirror.refuse("module: no right", "trade", mirror.venue, 1, mixed)


def test_trade_of_money_alone_by_the_engine(mirror: Mirror, pair: tuple[int, int]) -> None:
    changes = fill(*pair, 0, PRICE, gate=GATE_NONE)
    changes = [changes[0]._replace(money=-7 * WAD), changes[1]._replace(money=7 * WAD)]
    mirror.act("trade", mirror.engine, 1, changes)
    assert mirror.cash(pair[0]) == 99_993 * WAD
    assert mirror.bitmap(pair[0]) == []


HUGE = (2**111, 2**255 - 1, -(2**111) - 1, -(2**255))


@pytest.mark.parametrize("amount", HUGE)
def test_trade_of_huge_size_or_money_refused(
    mirror: Mirror, pair: tuple[int, int], amount: int
) -> None:
    buyer, seller = pair
    sizes = [Change(buyer, amount, 0, 0, 0), Change(seller, WAD, 0, 0, 0)]
    moneys = [Change(buyer, WAD, amount, 0, 0), Change(seller, -WAD, 0, 0, 0)]
    for changes in (sizes, moneys):
        mirror.refuse(BARE, "trade", mirror.engine, 1, changes)


@pytest.mark.parametrize("fee", [2**111, 2**255, 2**256 - 1])
def test_trade_of_huge_fee_refused(mirror: Mirror, pair: tuple[int, int], fee: int) -> None:
    mirror.refuse(BARE, "trade", mirror.venue, 1, fill(*pair, WAD, PRICE, (fee, 0)))


def test_trade_of_the_largest_size_and_money_that_words_hold(
    mirror: Mirror, pair: tuple[int, int]
) -> None:
    buyer, seller = pair
    most = 2**111 - 1
    changes = [
        Change(buyer, most, -most, 0, GATE_NONE),
        Change(seller, -most, most, 0, GATE_NONE),
    ]
    mirror.act("trade", mirror.engine, 1, changes)
    assert (mirror.size(buyer), mirror.size(seller)) == (most, -most)
    mirror.refuse(BARE, "trade", mirror.engine, 1, fill(*pair, 1, WAD, gate=GATE_NONE))


def test_trade_of_more_than_twenty_two_changes_refused(
    mirror: Mirror, pair: tuple[int, int]
) -> None:
    changes = fill(*pair, WAD, PRICE) * 12
    assert len(changes) == 24
    mirror.refuse_unmodelled(BARE, "trade", mirror.venue, 1, changes)


# -- terms of the market ---------------------------------------------------------------------


def test_trade_up_to_the_oi_cap_and_not_one_unit_more(
    mirror: Mirror, pair: tuple[int, int]
) -> None:
    _set_terms(mirror, oi_cap=WAD)
    mirror.refuse("market: over OI cap", "trade", mirror.venue, 1, fill(*pair, WAD + 1, PRICE))
    mirror.open(*pair, WAD, 40_000)
    size = 10**15
    mirror.refuse("market: over OI cap", "trade", mirror.venue, 1, fill(*pair, size, PRICE))


def test_trade_above_a_lowered_cap_may_close_and_pass_on(
    mirror: Mirror, pair: tuple[int, int], stranger: Any
) -> None:
    buyer, seller = pair
    heir = mirror.fund(stranger, 100_000)
    mirror.open(buyer, seller, WAD, 40_000)
    _set_terms(mirror, oi_cap=WAD // 10)
    mirror.open(seller, buyer, WAD // 2, 40_000)
    mirror.open(heir, buyer, WAD // 2, 40_000)
    mirror.refuse("market: over OI cap", "trade", mirror.venue, 1, fill(buyer, heir, WAD, PRICE))
    mirror.open(seller, heir, WAD // 2, 40_000)


def test_trade_by_the_engine_ignores_cap_minimum_and_reduce_only(
    mirror: Mirror, pair: tuple[int, int]
) -> None:
    _set_terms(mirror, oi_cap=1, min_notional=10**9 * WAD, mode=LISTED | REDUCE_ONLY)
    mirror.force(*pair, WAD, 40_000)


def test_trade_at_the_minimum_notional_and_not_one_lot_less(
    mirror: Mirror, pair: tuple[int, int]
) -> None:
    smallest = 10 * WAD * WAD // PRICE
    lot = 10**12
    reason = "market: below minimum"
    mirror.refuse(reason, "trade", mirror.venue, 1, fill(*pair, smallest - lot, PRICE))
    mirror.open(*pair, smallest, 40_000)


def test_trade_may_not_leave_less_than_the_minimum_but_may_leave_nothing(
    mirror: Mirror, pair: tuple[int, int]
) -> None:
    buyer, seller = pair
    smallest = 10 * WAD * WAD // PRICE
    mirror.open(buyer, seller, 2 * smallest, 40_000)
    reason = "market: below minimum"
    mirror.refuse(reason, "trade", mirror.venue, 1, fill(seller, buyer, smallest + 10**12, PRICE))
    mirror.open(seller, buyer, smallest, 40_000)
    mirror.open(seller, buyer, smallest, 40_000)


def test_trade_flip_below_the_minimum_refused(mirror: Mirror, pair: tuple[int, int]) -> None:
    buyer, seller = pair
    mirror.open(buyer, seller, WAD, 40_000)
    reason = "market: below minimum"
    mirror.refuse(reason, "trade", mirror.venue, 1, fill(seller, buyer, WAD + 10**12, PRICE))


def test_trade_in_a_reduce_only_market_closes_and_nothing_else(
    mirror: Mirror, pair: tuple[int, int], stranger: Any
) -> None:
    buyer, seller = pair
    fresh = mirror.fund(stranger, 100_000)
    mirror.open(buyer, seller, 2 * WAD, 40_000)
    _set_terms(mirror, mode=LISTED | REDUCE_ONLY)
    reason = "market: reduce only"
    for changes in (
        fill(buyer, seller, WAD, PRICE),
        fill(fresh, buyer, WAD, PRICE),
        fill(seller, buyer, 3 * WAD, PRICE),
    ):
        mirror.refuse(reason, "trade", mirror.venue, 1, changes)
    mirror.open(seller, buyer, WAD, 40_000)
    mirror.open(seller, buyer, WAD, 40_000)
    assert mirror.bitmap(buyer) == []


def test_trade_delisting_is_impossible_and_a_market_stays_listed(mirror: Mirror) -> None:
    for mode in (0, REDUCE_ONLY):
        terms = TERMS.pack(oi_cap=WAD, min_notional=0, mode=mode)
        mirror.refuse(BARE, "set_market", mirror.stage.owner, 1, terms)


# -- funding ---------------------------------------------------------------------------------


def test_trade_after_funding_carries_it_inside_the_quote(
    mirror: Mirror, pair: tuple[int, int]
) -> None:
    buyer, seller = pair
    mirror.open(buyer, seller, WAD, 40_000)
    mirror.act("set_funding_rate", mirror.engine, 1, 10**12)
    mirror.later(1_000)
    mirror.open(seller, buyer, WAD, 40_000)
    paid = 100_000 * WAD - mirror.cash(buyer)
    assert paid >= 1_000 * 10**12
    assert paid % 10**12 == 0
    assert mirror.cash(seller) == 100_000 * WAD + paid
    assert mirror.slack() == 0


def test_trade_between_rates_accrues_at_the_old_one(mirror: Mirror, pair: tuple[int, int]) -> None:
    mirror.open(*pair, WAD, 40_000)
    mirror.act("set_funding_rate", mirror.engine, 1, -(10**9))
    mirror.later(500)
    receipt = mirror.act("set_funding_rate", mirror.engine, 1, 5 * 10**6)
    event = mirror.events(receipt, "FundingRateSet")[0]
    assert (event["old_rate"], event["new_rate"]) == (-(10**9), 5 * 10**6)
    assert event["funding_index"] == mirror.spec.ledger.markets[1].funding <= -500 * 10**9
    mirror.later(10)
    mirror.open(*pair, WAD, 40_000)


@pytest.mark.parametrize("rate", [1, 10**6 - 1, 10**6 + 1, -1])
def test_set_funding_rate_off_the_tick_refused(mirror: Mirror, rate: int) -> None:
    mirror.refuse(BARE, "set_funding_rate", mirror.engine, 1, rate)


@pytest.mark.parametrize(
    "rate", [2**63 // 10**6 * 10**6 + 10**6, -(2**63) // 10**6 * 10**6 - 10**6]
)
def test_set_funding_rate_beyond_its_word_refused(mirror: Mirror, rate: int) -> None:
    mirror.refuse(BARE, "set_funding_rate", mirror.engine, 1, rate)


@pytest.mark.parametrize("market_id", [0, 4, 128, 2**255])
def test_set_funding_rate_of_an_unknown_market_refused(mirror: Mirror, market_id: int) -> None:
    mirror.refuse("market: unknown", "set_funding_rate", mirror.engine, market_id, 0)


def test_set_funding_rate_without_the_right_refused(mirror: Mirror, trader: Any) -> None:
    for caller in (mirror.venue, trader, mirror.stage.owner):
        mirror.refuse("module: no right", "set_funding_rate", caller, 1, 0)


def test_trade_of_the_fee_account_itself_adds_up(mirror: Mirror, pair: tuple[int, int]) -> None:
    fee_account = mirror.stage.fee_account
    mirror.act("pay", mirror.engine, pair[0], fee_account, 0, 10_000 * WAD)
    mirror.act("trade", mirror.venue, 1, fill(pair[1], fee_account, WAD // 10, PRICE, (3, 4)))
    assert mirror.cash(fee_account) == 10_000 * WAD + 3


def test_trade_for_a_stranger_needs_no_consent_of_the_ledger_but_a_trusted_module(
    mirror: Mirror, pair: tuple[int, int], keeper: Any
) -> None:
    unfunded = account_id(keeper.address)
    reason = "margin: below initial"
    mirror.refuse(reason, "trade", mirror.venue, 1, fill(pair[0], unfunded, WAD, PRICE))
    assert mirror.stage.modules[mirror.venue] == TRADE

"""The margin gate (P6): who may open, who may only reduce, who may only deposit."""

from __future__ import annotations

from typing import Any

import pytest

from seawall.spec.clearinghouse import Change
from seawall.spec.risk import NOTICE, RAMP, Weight
from seawall.spec.words import GATE_INITIAL, GATE_MARGIN_RULE, WAD, WEIGHT, account_id
from tests.unit.clearinghouse.mirror import BARE, USDC, Mirror, fill

RULE = GATE_MARGIN_RULE
PRICE = 40_000 * WAD
BELOW = "margin: below initial"
SIZE = WAD // 10


def _fee(mirror: Mirror, account: int, other: int, size: int, price: int, fee: int) -> list[Change]:
    """A fill that sells for `account` at a dollar price, which pays the fee."""
    return fill(other, account, size, price * WAD, (0, fee))


@pytest.fixture
def rich(mirror: Mirror, maker: Any) -> int:
    return mirror.fund(maker, 1_000_000)


@pytest.fixture
def called(mirror: Mirror, trader: Any, rich: int) -> int:
    """A long of 0.1 at 40,000 that stands between maintenance and initial margin at 38,500.

    E = 500 - 150 - 1 = 349, M = 6.5 % of 3850 = 250.25, IM = 385.
    """
    account = mirror.fund(trader, 500)
    mirror.open(account, rich, SIZE, 40_000)
    mirror.set_index(1, 38_500)
    return account


@pytest.mark.parametrize("is_long", [True, False])
def test_trade_opens_with_exactly_initial_margin_and_not_one_unit_less(
    mirror: Mirror, trader: Any, rich: int, is_long: bool
) -> None:
    # IM 10 % of 4000 and the keeper reserve of 1.
    account = account_id(trader.address)
    mirror.act("deposit", trader, account, 0, 401 * USDC - 1)
    pair = (account, rich) if is_long else (rich, account)
    mirror.refuse(BELOW, "trade", mirror.venue, 1, fill(*pair, SIZE, PRICE))
    mirror.act("deposit", trader, account, 0, 1)
    mirror.open(*pair, SIZE, 40_000)


@pytest.mark.parametrize("gate", [GATE_MARGIN_RULE, GATE_INITIAL, 3, 77, 2**256 - 1])
def test_trade_any_gate_but_none_demands_initial_margin_to_open(
    mirror: Mirror, trader: Any, rich: int, gate: int
) -> None:
    account = mirror.fund(trader, 400)
    changes = fill(account, rich, SIZE, PRICE)
    changes[0] = changes[0]._replace(gate=gate)
    mirror.refuse(BELOW, "trade", mirror.venue, 1, changes)


def test_trade_fee_counts_against_initial_margin(mirror: Mirror, trader: Any, rich: int) -> None:
    account = mirror.fund(trader, 401)
    mirror.refuse(BELOW, "trade", mirror.venue, 1, fill(account, rich, SIZE, PRICE, (1, 0)))
    mirror.act("trade", mirror.venue, 1, fill(account, rich, SIZE, PRICE, (0, 1)))


def test_trade_at_a_bad_price_counts_the_loss(mirror: Mirror, trader: Any, rich: int) -> None:
    account = mirror.fund(trader, 401)
    changes = fill(account, rich, SIZE, PRICE + 10 * WAD)
    mirror.refuse(BELOW, "trade", mirror.venue, 1, changes)


def test_trade_at_a_good_price_counts_profit_at_its_weight(
    mirror: Mirror, trader: Any, rich: int
) -> None:
    # Bought 10 below the index: the profit of 1 counts 0.8.
    account = account_id(trader.address)
    mirror.act("deposit", trader, account, 0, 401 * USDC - 800_001)
    changes = fill(account, rich, SIZE, PRICE - 10 * WAD)
    mirror.refuse(BELOW, "trade", mirror.venue, 1, changes)
    mirror.act("deposit", trader, account, 0, 1)
    mirror.act("trade", mirror.venue, 1, changes)


def test_trade_passing_money_at_an_extreme_price_leaves_the_loser_refused(
    mirror: Mirror, trader: Any, rich: int
) -> None:
    account = mirror.fund(trader, 1_000)
    for price in (50_000 * WAD, 10**6 * WAD):
        mirror.refuse(BELOW, "trade", mirror.venue, 1, fill(account, rich, SIZE, price))
    for price in (1_000 * WAD, 30_000 * WAD):
        mirror.refuse(BELOW, "trade", mirror.venue, 1, fill(rich, account, SIZE, price))


def test_trade_between_maintenance_and_initial_may_reduce(
    mirror: Mirror, called: int, rich: int
) -> None:
    # A hundredth off: IM is 381.15 still, above the equity of 349.
    mirror.open(rich, called, SIZE // 100, 38_500)
    mirror.open(rich, called, SIZE - SIZE // 100, 38_500)
    assert mirror.bitmap(called) == []


def test_trade_between_maintenance_and_initial_may_reduce_with_a_fee(
    mirror: Mirror, called: int, rich: int
) -> None:
    # A tenth less M frees 25.025, h = 349 / 250.25 holds while the loss is below 34.9.
    changes = _fee(mirror, called, rich, SIZE // 10, 38_500, 34 * WAD)
    mirror.act("trade", mirror.venue, 1, changes)


def test_trade_reduction_whose_fee_lowers_the_ratio_refused(
    mirror: Mirror, called: int, rich: int
) -> None:
    most = 349 * WAD // 10
    changes = _fee(mirror, called, rich, SIZE // 10, 38_500, most + 1)
    mirror.refuse(BELOW, "trade", mirror.venue, 1, changes)
    changes = _fee(mirror, called, rich, SIZE // 10, 38_500, most)
    mirror.act("trade", mirror.venue, 1, changes)


def test_trade_reduction_at_a_price_that_lowers_the_ratio_refused(
    mirror: Mirror, called: int, rich: int
) -> None:
    changes = fill(rich, called, SIZE // 10, 35_000 * WAD)
    mirror.refuse(BELOW, "trade", mirror.venue, 1, changes)
    mirror.open(rich, called, SIZE // 10, 36_000)


def test_trade_reduction_under_gate_two_refused_below_initial(
    mirror: Mirror, called: int, rich: int
) -> None:
    changes = fill(rich, called, SIZE // 100, 38_500 * WAD)
    changes[1] = changes[1]._replace(gate=GATE_INITIAL)
    mirror.refuse(BELOW, "trade", mirror.venue, 1, changes)
    changes = fill(rich, called, SIZE // 10, 38_500 * WAD)
    changes[1] = changes[1]._replace(gate=GATE_INITIAL)
    mirror.act("trade", mirror.venue, 1, changes)


def test_trade_growth_and_flip_below_initial_refused(
    mirror: Mirror, called: int, rich: int
) -> None:
    grow = fill(called, rich, SIZE // 100, 38_500 * WAD)
    flip = fill(rich, called, 2 * SIZE, 38_500 * WAD)
    for changes in (grow, flip):
        mirror.refuse(BELOW, "trade", mirror.venue, 1, changes)


def test_trade_flip_that_ends_at_initial_margin_allowed(
    mirror: Mirror, called: int, rich: int
) -> None:
    mirror.open(rich, called, SIZE + SIZE // 2, 38_500)
    assert mirror.size(called) == -SIZE // 2


def test_trade_reduction_in_two_changes_of_one_account_cannot_hide_growth(
    mirror: Mirror, called: int, rich: int
) -> None:
    step = SIZE // 10
    up = fill(called, rich, step, 38_500 * WAD)
    down = fill(rich, called, step // 2, 38_500 * WAD)
    mirror.refuse(BELOW, "trade", mirror.venue, 1, up + down)
    # The first change alone looks like a reduction from a size that never was.
    mirror.refuse(BARE, "trade", mirror.venue, 1, down + up)


def test_trade_reduction_in_two_changes_of_one_account_is_for_those_at_initial_margin(
    mirror: Mirror, called: int, rich: int, trader: Any
) -> None:
    step = fill(rich, called, SIZE // 100, 38_500 * WAD)
    mirror.refuse(BARE, "trade", mirror.venue, 1, step + step)
    mirror.act("trade", mirror.venue, 1, step)
    mirror.act("deposit", trader, called, 0, 100 * USDC)
    mirror.act("trade", mirror.venue, 1, step + step)


def test_trade_opening_a_leg_that_shows_no_size_is_no_reduction(
    mirror: Mirror, called: int, rich: int, stranger: Any
) -> None:
    # Scaled to nine tenths, the one share of a long of one wei shows nothing: as if closed.
    other = mirror.fund(stranger, 10_000)
    mirror.open(other, rich, WAD, 2_000, market_id=2)
    money = WAD // 10 * 2_000
    sides = [Change(1, -WAD // 10, money, 0, 0), Change(2, WAD // 10, -money, 0, 0)]
    mirror.act("trade", mirror.engine, 2, sides)
    mirror.refuse(BELOW, "trade", mirror.venue, 2, fill(called, rich, 1, 2_000 * WAD))


def test_trade_below_maintenance_may_still_reduce(mirror: Mirror, called: int, rich: int) -> None:
    mirror.set_index(1, 36_000)
    mirror.open(rich, called, SIZE // 10, 36_000)


def test_trade_at_or_below_zero_equity_may_only_deposit(
    mirror: Mirror, called: int, rich: int, trader: Any
) -> None:
    mirror.set_index(1, 35_000)
    # E = 500 - 500 - 1 < 0
    for changes in (
        fill(rich, called, SIZE // 10, 35_000 * WAD),
        fill(called, rich, SIZE // 10, 35_000 * WAD),
        fill(rich, called, SIZE, 34_999 * WAD),
    ):
        mirror.refuse(BELOW, "trade", mirror.venue, 1, changes)
    mirror.refuse(BELOW, "withdraw", trader, called, 0, 1, str(trader.address))
    mirror.act("deposit", trader, called, 0, 2 * USDC)
    mirror.open(rich, called, SIZE // 10, 35_000)


def test_trade_at_zero_equity_may_not_reduce(mirror: Mirror, called: int, rich: int) -> None:
    # E = 500 - 499 - 1 = 0
    mirror.set_index(1, 35_010)
    mirror.refuse(BELOW, "trade", mirror.venue, 1, fill(rich, called, SIZE // 10, 35_010 * WAD))
    mirror.set_index(1, "35010.00001")
    mirror.open(rich, called, SIZE // 10, 35_011)


def test_trade_that_lifts_equity_from_below_zero_refused(
    mirror: Mirror, called: int, rich: int
) -> None:
    # E = -1 before, and 9 after a tenth is sold 1000 above the index.
    mirror.set_index(1, 35_000)
    mirror.refuse(BELOW, "trade", mirror.venue, 1, fill(rich, called, SIZE // 10, 36_000 * WAD))


def test_trade_close_that_leaves_cash_below_zero_refused(
    mirror: Mirror, called: int, rich: int
) -> None:
    changes = fill(rich, called, SIZE, 34_999 * WAD)
    mirror.refuse(BELOW, "trade", mirror.venue, 1, changes)
    mirror.open(rich, called, SIZE, 36_000)


def test_trade_reducing_one_leg_of_two_below_initial(
    mirror: Mirror, called: int, rich: int
) -> None:
    # The second leg stays; closing the first whole needs its price brought back.
    mirror.set_index(1, 40_000)
    mirror.act("pay", mirror.engine, rich, called, 0, 300 * WAD)
    mirror.open(called, rich, WAD, 2_000, market_id=2)
    mirror.set_index(1, 38_000)
    assert mirror.bitmap(called) == [1, 2]
    mirror.refuse(BELOW, "trade", mirror.venue, 1, fill(called, rich, SIZE // 10, 38_000 * WAD))
    mirror.open(rich, called, SIZE, 38_000)
    assert mirror.bitmap(called) == [2]


def test_trade_close_of_one_leg_that_lowers_the_ratio_refused(
    mirror: Mirror, called: int, rich: int
) -> None:
    mirror.set_index(1, 40_000)
    mirror.act("pay", mirror.engine, rich, called, 0, 300 * WAD)
    mirror.open(called, rich, WAD, 2_000, market_id=2)
    mirror.set_index(1, 38_000)
    mirror.refuse(BELOW, "trade", mirror.venue, 1, fill(rich, called, SIZE, 30_000 * WAD))


def test_trade_with_collateral_counts_its_initial_weight(
    mirror: Mirror, trader: Any, rich: int
) -> None:
    account = mirror.fund(trader, 250)
    enough = -(-151 * 10**8 // 28_000)
    mirror.act("deposit", trader, account, 1, enough - 1)
    mirror.refuse(BELOW, "trade", mirror.venue, 1, fill(account, rich, SIZE, PRICE))
    mirror.act("deposit", trader, account, 1, 1)
    mirror.open(account, rich, SIZE, 40_000)


def test_trade_without_half_of_initial_margin_in_the_settlement_token_refused(
    mirror: Mirror, trader: Any, rich: int
) -> None:
    account = mirror.fund(trader, 200)
    mirror.act("deposit", trader, account, 1, 10**8)
    # 400 of initial margin and 1 of reserve: 201 dollars are needed beside any collateral.
    mirror.refuse(BELOW, "trade", mirror.venue, 1, fill(account, rich, SIZE, PRICE))
    mirror.act("deposit", trader, account, 0, USDC)
    mirror.open(account, rich, SIZE, 40_000)


def test_trade_with_negative_cash_and_collateral_closes_whole(
    mirror: Mirror, trader: Any, rich: int
) -> None:
    account = mirror.fund(trader, 201)
    mirror.act("deposit", trader, account, 1, 10**7)
    mirror.open(account, rich, SIZE, 40_000)
    mirror.set_index(1, 36_000)
    mirror.open(rich, account, SIZE, 36_000)
    assert mirror.cash(account) == -199 * WAD
    assert mirror.bitmap(account) == []


# -- stale index -----------------------------------------------------------------------------


def test_trade_at_a_stale_index_opens_nothing(mirror: Mirror, trader: Any, rich: int) -> None:
    account = mirror.fund(trader, 100_000)
    mirror.open(account, rich, SIZE, 40_000)
    mirror.later(3_601)
    mirror.refuse(BELOW, "trade", mirror.venue, 1, fill(account, rich, SIZE, PRICE))
    mirror.refuse(BELOW, "trade", mirror.venue, 2, fill(account, rich, WAD, 2_000 * WAD))


def test_trade_at_a_stale_index_closes_everything(mirror: Mirror, trader: Any, maker: Any) -> None:
    account, other = mirror.fund(trader, 1_000), mirror.fund(maker, 1_000, sub=9)
    mirror.open(account, other, SIZE, 40_000)
    mirror.open(account, other, WAD, 2_000, market_id=2)
    mirror.later(3_601)
    mirror.open(other, account, SIZE, 40_000)
    mirror.open(other, account, WAD, 2_000, market_id=2)
    assert mirror.bitmap(account) == mirror.bitmap(other) == []


def test_trade_reducing_beside_a_stale_leg_makes_no_concession(
    mirror: Mirror, trader: Any, rich: int
) -> None:
    account = mirror.fund(trader, 1_000)
    mirror.open(account, rich, SIZE, 40_000)
    mirror.open(account, rich, WAD, 2_000, market_id=2)
    mirror.later(3_601)
    mirror.set_index(1, 40_000)
    half = SIZE // 2
    below = fill(rich, account, half, 39_999 * WAD)
    mirror.refuse(BELOW, "trade", mirror.venue, 1, below)
    # The other party stands beside a stale leg too, and pays no premium either.
    mirror.refuse(BELOW, "trade", mirror.venue, 1, fill(rich, account, half, 40_001 * WAD))
    mirror.act("trade", mirror.venue, 1, fill(rich, account, half, PRICE, fees=(0, WAD)))


def test_trade_at_a_stale_index_reduces_at_the_last_price(
    mirror: Mirror, trader: Any, rich: int
) -> None:
    account = mirror.fund(trader, 1_000)
    mirror.open(account, rich, SIZE, 40_000)
    mirror.later(3_601)
    mirror.open(rich, account, SIZE // 2, 40_000)
    reason = BELOW
    mirror.refuse(reason, "trade", mirror.venue, 1, fill(rich, account, SIZE // 4, 20_000 * WAD))


def test_trade_without_any_price_yet_opens_nothing(mirror: Mirror, trader: Any, rich: int) -> None:
    account = mirror.fund(trader, 1_000)
    mirror.later(3_601)
    mirror.refuse(BELOW, "trade", mirror.venue, 3, fill(account, rich, 100 * WAD, WAD))


# -- sixteen markets -------------------------------------------------------------------------


def test_trade_seventeenth_market_of_an_account_refused(
    mirror: Mirror, trader: Any, rich: int, list_market: Any
) -> None:
    account = mirror.fund(trader, 100_000)
    others = [*range(10, 23), 126, 127]
    with mirror.compared_once():
        for market_id in (3, *others[:15]):
            if market_id != 3:
                list_market(market_id)
            changes = fill(account, rich, 100 * WAD, WAD, gate=0)
            mirror.act("trade", mirror.engine, market_id, changes)
    assert len(mirror.bitmap(account)) == 16
    changes = fill(account, rich, WAD, 2_000 * WAD)
    mirror.refuse("account: 16 markets", "trade", mirror.venue, 2, changes)
    mirror.act("trade", mirror.venue, 127, fill(rich, account, 100 * WAD, WAD))
    mirror.act("trade", mirror.venue, 2, changes)
    assert mirror.bitmap(account) == [2, 3, *range(10, 23), 126]


def test_trade_of_a_full_portfolio_fits_in_a_quarter_of_a_block(
    mirror: Mirror, trader: Any, rich: int, list_market: Any, venue_system: Any
) -> None:
    account = mirror.fund(trader, 200)
    weth, decimals, cap = mirror.stage.tokens[2]
    feed = (str(venue_system.feeds[2][0].address), 3_600, 3_600, False)
    for token_id in range(3, 9):
        mirror.send(mirror.stage.owner, mirror.house, "set_token", token_id, weth, cap)
        weights = (token_id, 850_000, 900_000, 2**32 - 1)
        mirror.send(mirror.stage.owner, mirror.model, "set_token_risk", *weights)
        terms = (127 + token_id, (1, 0, 0), [feed])
        mirror.send(mirror.stage.owner, mirror.oracle, "set_feeds", *terms)
        mirror.spec.set_token(token_id, weth, decimals, cap)
        word = int(mirror.read(mirror.model, "weight_word", token_id))
        mirror.spec.model.weights[token_id] = Weight(**WEIGHT.unpack(word))
    mirror.later(NOTICE + RAMP)
    for market_id, dollars in ((1, 40_000), (2, 2_000), (3, 1)):
        mirror.set_index(market_id, dollars)
    with mirror.compared_once():
        for token_id in range(1, 9):
            mirror.act("deposit", trader, account, token_id, 10**4 if token_id == 1 else 10**15)
        mirror.force(account, rich, SIZE, 2_000, market_id=2)
        for market_id in (3, *range(10, 23), 127):
            if market_id != 3:
                list_market(market_id)
            mirror.force(account, rich, 100 * WAD, 1, market_id=market_id)
    mirror.act("withdraw", trader, account, 0, 1, str(trader.address))
    # A loss of 3 % in fifteen markets leaves about 153 against 165.5 of initial margin.
    mirror.set_index(3, "0.97")
    price = 97 * WAD // 100
    growth = fill(account, rich, 100 * WAD, price)
    mirror.refuse(BELOW, "trade", mirror.venue, 127, growth)
    receipt = mirror.act("trade", mirror.venue, 127, fill(rich, account, 100 * WAD, price))
    assert len(mirror.bitmap(account)) == 15
    assert int(receipt["gasUsed"], 16) < 30_000_000 // 4

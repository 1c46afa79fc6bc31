"""The settlement token off its peg: a sale is paid in it, so its price is dollars / s, not less."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from counter import Counter

from seawall.spec.conversion import Conversion
from seawall.spec.fixed_math import ceil_div
from seawall.spec.oracle import SETTLEMENT_ID
from seawall.spec.words import MAX_UINT256, PPM, WAD
from tests.desk import dollars

DEPEG = Fraction("0.95")
#: Parts per million, as in params/local.yaml.
LOWEST, HIGHEST = 5_000, 50_000
#: A haircut that caps the discounts below.
FLAT = 10_000
#: What 100 dollars are in settlement tokens, WAD.
SOLD_AT = ceil_div(100 * WAD * 100, 95)


def test_convert_below_par_costs_what_the_dollar_lacks_too(
    desk: Counter, trader: Any, maker: Any, keeper: Any
) -> None:
    """A whole token for 100 dollars' worth of tokens at 0.95, less the discount."""
    token = desk.token_of(1, 100)
    account = desk.debtor(trader, desk.account(maker), {token: 10 * WAD}, 200)
    desk.peg(DEPEG)
    sold, paid = desk.convert(account, token, WAD, desk.account(keeper, 1_000), keeper)
    # 200 of 1,052.63 tokens are 19 %.
    discount = LOWEST + (HIGHEST - LOWEST) * 19 // 100 - 1
    assert (sold, paid) == (WAD, ceil_div(SOLD_AT * (PPM - discount), PPM))


def test_convert_below_par_raises_equity_by_what_is_paid_above_the_index(
    desk: Counter, trader: Any, maker: Any, keeper: Any
) -> None:
    """A discount as large as the haircut costs no equity, and the index counts at par."""
    token = desk.token_of(1, 100, weight=PPM - FLAT)
    account = desk.debtor(trader, desk.account(maker), {token: 10 * WAD}, 200)
    desk.peg(DEPEG)
    before = desk.equity(account)
    _, paid = desk.convert(account, token, WAD, desk.account(keeper, 1_000), keeper)
    assert paid == ceil_div(SOLD_AT * 99, 100)
    assert desk.equity(account) == before + paid - 99 * WAD


def test_convert_below_par_sells_less_for_the_same_debt(
    desk: Counter, trader: Any, maker: Any, keeper: Any
) -> None:
    token = desk.token_of(1, 100, weight=PPM - FLAT)
    creditor, buyer = desk.account(maker), desk.account(keeper, 1_000)
    account = desk.debtor(trader, creditor, {token: 10 * WAD}, 200)
    desk.peg(1)
    at_par = desk.plan_conversion(account, token)
    desk.peg(DEPEG)
    sold, paid = desk.convert(account, token, MAX_UINT256, buyer, keeper)
    assert at_par.amount == ceil_div(200 * WAD, 99)
    assert sold == at_par.amount * 95 // 100
    assert desk.balance(account) == paid - dollars(200) >= 0


@pytest.mark.parametrize("price", ("0.5", "0.95", "0.999", "1"))
def test_convert_at_or_below_par_costs_its_buyer_the_same_dollars(
    desk: Counter, trader: Any, maker: Any, keeper: Any, price: str
) -> None:
    """As many dollars as at par but for the discount, which the account keeps more of."""
    token = desk.token_of(1, 100, weight=PPM - LOWEST)
    account = desk.debtor(trader, desk.account(maker), {token: 10 * WAD}, 200)
    desk.peg(price)
    _, paid = desk.convert(account, token, WAD, desk.account(keeper, 1_000), keeper)
    assert 0 <= paid * Fraction(price) - 100 * WAD * (PPM - LOWEST) // PPM < 2


def test_convert_above_par_costs_the_index_less_the_discount(
    desk: Counter, trader: Any, maker: Any, keeper: Any
) -> None:
    """The index has divided by it already: the token's ramp outlasts that of the first feeds."""
    desk.peg(1)
    token = desk.token_of(1, 100, weight=PPM - FLAT)
    account = desk.debtor(trader, desk.account(maker), {token: 10 * WAD}, 200)
    desk.peg("1.25")
    _, paid = desk.convert(account, token, WAD, desk.account(keeper, 1_000), keeper)
    assert paid == 80 * WAD * 99 // 100


def test_convert_while_the_settlement_token_is_silent_is_refused(
    desk: Counter, trader: Any, maker: Any, keeper: Any
) -> None:
    """Nobody knows what is paid: the collateral waits for a price."""
    token = desk.token_of(1, 100)
    account = desk.debtor(trader, desk.account(maker), {token: WAD}, 50)
    buyer = desk.account(keeper, 1_000)
    desk.peg(DEPEG)
    desk.silence(SETTLEMENT_ID)
    assert desk.refusal_of(account, token, 1, buyer, keeper) == "conversion: price stale"
    assert desk.plan_conversion(account, token) == Conversion()


def test_convert_follows_the_settlement_token_into_the_transaction(
    desk: Counter, trader: Any, maker: Any, keeper: Any
) -> None:
    """Nobody has refreshed since its feed moved: plan and sale read what it says now."""
    token = desk.token_of(1, 100, weight=PPM - FLAT)
    account = desk.debtor(trader, desk.account(maker), {token: 10 * WAD}, 200)
    buyer = desk.account(keeper, 1_000)
    desk.peg(1)
    (source,) = desk.sources[SETTLEMENT_ID]
    desk.send(desk.owner, source, "set_answer", 95 * 10**6)
    plan = Conversion(*desk.view(desk.converter, "plan_conversion", account, token.token_id))
    args = (account, token.token_id, MAX_UINT256, buyer, 0, MAX_UINT256)
    done = desk.view(desk.converter, "convert", *args, sender=str(keeper.address))
    assert tuple(done) == (plan.amount, plan.cash)
    assert plan.amount == ceil_div(200 * WAD, 99) * 95 // 100


def test_convert_below_par_while_losses_are_deferred_costs_both(
    desk: Counter, trader: Any, maker: Any, keeper: Any
) -> None:
    token = desk.token_of(1, 100, weight=PPM - FLAT)
    creditor, ruined = desk.account(maker), desk.account(trader, 0, 1)
    account = desk.debtor(trader, creditor, {token: 10 * WAD}, 200)
    buyer = desk.account(keeper, 1_000)
    desk.move_money(ruined, creditor, 250)
    desk.close_out(ruined, desk.fund_account)
    desk.peg(DEPEG)
    _, paid = desk.convert(account, token, WAD, buyer, keeper)
    assert paid == ceil_div(ceil_div(SOLD_AT * 99, 100) * 5, 4)

"""The settlement token off its peg, on the deployed system: USDC in March 2023, a premium, feeds
that fall silent. What collateral counts for changes, what a balance counts for does not."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest

from seawall.deployed import CONVERTER_RIGHTS
from seawall.spec.clearinghouse import Change
from seawall.spec.conversion import CollateralConverter, Conversion, ConversionParameters
from seawall.spec.oracle import SETTLEMENT_ID
from seawall.spec.risk import NOTICE, RAMP
from seawall.spec.step_plan import PARTIAL
from seawall.spec.words import GATE_MARGIN_RULE, MAX_UINT256, WAD
from tests.desk import Desk, Health, Refused, contract_at, dollars

BTC, WETH = 1, 1
BTC_PRICE = Fraction("42849.78")
#: Dollars, and how many: less than half of the initial margin, so that no other bound binds.
WETH_PRICE, WETH_HELD = 1_500, 1
WEIGHT = Fraction(9, 10)
COLLATERAL = WETH_PRICE * WETH_HELD * WEIGHT
MAINTENANCE = Fraction(65, 1_000)
#: The lowest hourly close of USDC against the dollar, on 2023-03-11.
LOWEST = Fraction("0.901")
PREMIUM = Fraction("1.05")
DEPEG = Fraction("0.95")
#: Of a worth: token price and weight are rounded down.
DUST = 10


@pytest.fixture
def pegged(desk: Desk) -> Desk:
    """The settlement token has three feeds, at par."""
    desk.set_feeds(SETTLEMENT_ID, 1, 3)
    return desk


@pytest.fixture
def holder(pegged: Desk, trader: Any, maker: Any) -> int:
    """An account with 20,000 dollars, one ether of collateral and one BTC long."""
    token = pegged.list_collateral(WETH, WETH_PRICE)
    account = pegged.account(trader, 20_000)
    pegged.pledge(trader, account, WETH, token, WETH_HELD)
    pegged.fill(account, pegged.account(maker, 10**6), BTC, WAD)
    return account


class Converter:
    """The system's converter beside its specification."""

    def __init__(self, desk: Desk) -> None:
        settings = desk.system.parameters.conversion
        parameters = ConversionParameters(settings.discount_min, settings.discount_max)
        self.desk, self.spec = desk, CollateralConverter(desk.spec, parameters)
        self.contract = contract_at(str(desk.system.converter.address), "CollateralConverter")
        desk.spec.set_module(CollateralConverter.ADDRESS, CONVERTER_RIGHTS)

    def balance(self, account: int) -> int:
        """Settlement balance, WAD."""
        return self.spec.settlement_balance(account)

    def plan(self, account: int, token_id: int) -> Conversion:
        """What both would sell."""
        self.desk.spec_now()
        plan = self.desk.read(self.contract, "plan_conversion", account, token_id)
        assert Conversion(*plan) == self.spec.plan_conversion(account, token_id)
        return Conversion(*plan)

    def buy(self, account: int, token_id: int, buyer: int, owner: Any) -> tuple[int, int]:
        """Native units sold and WAD paid for all that there is to buy."""
        done = self.spec.convert(account, token_id, MAX_UINT256, buyer)
        args = (account, token_id, MAX_UINT256, buyer, *done)
        self.desk.send(str(owner.address), self.contract, "convert", *args)
        return done


def health(desk: Desk, account: int) -> Health:
    """Lens and specification agree."""
    found = desk.health(account)
    plan = desk.plan(account)
    assert (found.equity, found.maintenance) == (plan.equity, plan.maintenance)
    return found


def lost(before: int, after: int) -> Fraction:
    """Dollars, WAD counted."""
    return Fraction(before - after, WAD)


def is_close(found: Fraction, wanted: Fraction) -> bool:
    return abs(found - wanted) * WAD <= DUST


def gated(desk: Desk, buyer: int, seller: int, size: Fraction) -> None:
    """A fill of BTC at the index that both must have the margin for."""
    amount = int(size * WAD)
    money = int(BTC_PRICE * amount)
    desk.trade(
        BTC,
        [
            Change(buyer, amount, -money, 0, GATE_MARGIN_RULE),
            Change(seller, -amount, money, 0, GATE_MARGIN_RULE),
        ],
    )


def set_ratio(desk: Desk, account: int, other: int, ratio: Fraction) -> None:
    """Move cash until equity is so many times the maintenance margin."""
    plan = desk.plan(account)
    desk.move_money(other, account, (ratio * plan.maintenance - plan.equity) / WAD)


def test_usdc_depeg_leaves_equity_and_maintenance_where_they_are(pegged: Desk, holder: int) -> None:
    before = health(pegged, holder)
    pegged.index(SETTLEMENT_ID, LOWEST)
    after = health(pegged, holder)
    assert (after.equity, after.maintenance) == (before.equity, before.maintenance)


def test_usdc_depeg_is_taken_from_what_collateral_counts_for_initial_margin(
    pegged: Desk, holder: int
) -> None:
    before = health(pegged, holder)
    pegged.index(SETTLEMENT_ID, LOWEST)
    after = health(pegged, holder)
    wanted = COLLATERAL * (1 - LOWEST)
    assert wanted == Fraction("133.65")
    assert is_close(lost(before.settled_equity, after.settled_equity), wanted)
    assert is_close(lost(before.adverse_equity, after.adverse_equity), wanted)
    assert after.initial == before.initial


def test_usdc_depeg_liquidates_nobody_and_lets_risk_shrink_alone(
    pegged: Desk, holder: int, maker: Any, keeper: Any
) -> None:
    """The account is a thousandth above maintenance margin."""
    other = pegged.account(maker)
    set_ratio(pegged, holder, other, Fraction(1_001, 1_000))
    pegged.index(SETTLEMENT_ID, LOWEST)
    taker = pegged.account(keeper, 100_000)

    assert pegged.refusal(holder, taker, keeper) == "liquidation: healthy"
    with pytest.raises(Refused, match="margin: below initial"):
        gated(pegged, holder, other, Fraction(1, 10))
    gated(pegged, other, holder, Fraction(1, 10))

    assert pegged.size(holder, BTC) == WAD * 9 // 10


def test_usdc_depeg_refuses_new_risk_that_was_allowed_at_par(
    pegged: Desk, holder: int, maker: Any
) -> None:
    """Equity for initial margin a dollar above what another tenth of a BTC needs."""
    other = pegged.account(maker)
    gap = pegged.health(holder)
    needed = Fraction(gap.initial, WAD) * Fraction(11, 10) + 1
    pegged.move_money(other, holder, needed - Fraction(gap.adverse_equity, WAD))
    pegged.index(SETTLEMENT_ID, LOWEST)
    with pytest.raises(Refused, match="margin: below initial"):
        gated(pegged, holder, other, Fraction(1, 10))
    pegged.index(SETTLEMENT_ID, 1)
    gated(pegged, holder, other, Fraction(1, 10))


def test_usdc_premium_makes_collateral_worth_fewer_of_them(pegged: Desk, holder: int) -> None:
    """Debts are in the settlement token: an ether pays for less of them."""
    before = health(pegged, holder)
    pegged.index(SETTLEMENT_ID, PREMIUM)
    after = health(pegged, holder)
    wanted = COLLATERAL * (1 - 1 / PREMIUM)
    assert is_close(lost(before.equity, after.equity), wanted)
    assert is_close(lost(before.settled_equity, after.settled_equity), wanted)
    assert after.maintenance == before.maintenance


def test_usdc_premium_liquidates_an_account_that_its_collateral_no_longer_carries(
    pegged: Desk, holder: int, maker: Any, keeper: Any
) -> None:
    set_ratio(pegged, holder, pegged.account(maker), Fraction(1_001, 1_000))
    taker = pegged.account(keeper, 100_000)
    assert pegged.refusal(holder, taker, keeper) == "liquidation: healthy"
    pegged.index(SETTLEMENT_ID, PREMIUM)

    step, _ = pegged.liquidate(holder, taker, keeper)

    assert step.stage == PARTIAL


def test_usdc_feeds_that_fall_silent_take_collateral_from_initial_margin_alone(
    pegged: Desk, holder: int
) -> None:
    before = health(pegged, holder)
    pegged.silence(SETTLEMENT_ID)
    after = health(pegged, holder)
    assert (after.equity, after.maintenance) == (before.equity, before.maintenance)
    assert is_close(lost(before.settled_equity, after.settled_equity), COLLATERAL)


@pytest.mark.parametrize("price", [LOWEST, PREMIUM, None])
def test_usdc_price_is_nothing_to_an_account_without_collateral(
    pegged: Desk, maker: Any, trader: Any, price: Fraction | None
) -> None:
    """Claims and debts are in the same token."""
    account = pegged.account(trader, 20_000)
    pegged.fill(account, pegged.account(maker, 10**6), BTC, WAD)
    before = health(pegged, account)
    if price is None:
        pegged.silence(SETTLEMENT_ID)
    else:
        pegged.index(SETTLEMENT_ID, price)
    assert health(pegged, account) == before
    assert before.equity > dollars(BTC_PRICE * MAINTENANCE)


def test_usdc_depeg_makes_the_buyer_of_collateral_pay_what_it_lacks(
    pegged: Desk, holder: int, maker: Any, keeper: Any
) -> None:
    """The ether of a debtor is sold for tokens at 0.95: for 1 / 0.95 of what it costs at par."""
    converter = Converter(pegged)
    balance = converter.balance(holder)
    pegged.move_money(holder, pegged.account(maker), Fraction(balance, WAD) + 600)
    buyer = pegged.account(keeper, 10_000)
    at_par = converter.plan(holder, WETH)
    pegged.index(SETTLEMENT_ID, DEPEG)
    before = health(pegged, holder)

    sold, paid = converter.buy(holder, WETH, buyer, keeper)

    # 600 of 1,500 tokens, 2.3 %; of 1,578.95, which is rounded up, a little less than 2.21 %.
    assert at_par.discount == 23_000
    discount = 22_099
    price = WETH_PRICE * Fraction(10**6 - discount, 10**6) / DEPEG
    assert is_close(Fraction(paid, sold), price)
    assert paid - dollars(600) == converter.balance(holder) >= 0
    after = health(pegged, holder)
    # It counted at 0.9 of 1,500.
    gained = Fraction(sold, WAD) * (price - WETH_PRICE * WEIGHT)
    assert is_close(lost(after.equity, before.equity), gained)
    assert gained > 0
    assert after.maintenance == before.maintenance
    assert pegged.cash(buyer) == dollars(10_000) - paid


def test_usdc_listed_at_a_premium_lowers_collateral_by_notice_and_ramp_alone(
    desk: Desk, trader: Any, maker: Any, keeper: Any
) -> None:
    """Its first feeds make nobody liquidatable, nor worth less, in the block of the change."""
    token = desk.list_collateral(WETH, WETH_PRICE)
    account, other = desk.account(trader, 20_000), desk.account(maker, 10**6)
    desk.pledge(trader, account, WETH, token, WETH_HELD)
    desk.fill(account, other, BTC, WAD)
    set_ratio(desk, account, other, Fraction(1_001, 1_000))
    taker = desk.account(keeper, 100_000)
    before = health(desk, account)

    desk.set_feeds(SETTLEMENT_ID, 1, 3)
    desk.index(SETTLEMENT_ID, PREMIUM)
    assert health(desk, account) == before
    assert desk.refusal(account, taker, keeper) == "liquidation: healthy"
    desk.warp(NOTICE - 60)
    assert health(desk, account) == before

    desk.warp(60 + RAMP // 2)
    half = COLLATERAL * (1 - 1 / ((PREMIUM + 1) / 2))
    # A second of the ramp costs less than a cent.
    assert abs(lost(before.equity, desk.health(account).equity) - half) < Fraction(1, 100)
    desk.warp(RAMP // 2)
    assert is_close(
        lost(before.equity, health(desk, account).equity), COLLATERAL * (1 - 1 / PREMIUM)
    )
    assert desk.liquidate(account, taker, keeper)[0].stage == PARTIAL

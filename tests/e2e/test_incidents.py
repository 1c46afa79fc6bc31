"""How other engines were broken, tried here; each test bears the incident's name."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest

from seawall.client.orders import Domain, SignedOrder, sign
from seawall.spec.clearinghouse import Change, Terms
from seawall.spec.liquidation import HEALTHY, INSOLVENT
from seawall.spec.risk import NOTICE
from seawall.spec.step_plan import PARTIAL, WHOLE
from seawall.spec.words import (
    FUNDING,
    GATE_NONE,
    LISTED,
    LOSS,
    PAY,
    REDUCE_ONLY,
    TERMS,
    TRADE,
    WAD,
    WATERFALL,
    account_id,
)
from tests.closing_desk import ClosingDesk
from tests.desk import Desk, Refused, dollars

BTC, ETH = 1, 2
ETH_PRICE = 3_375
RATE = Fraction(65, 1_000)


def standing(
    desk: Desk, owner: Any, maker: Any, ratio: int | str | Fraction, sign: int = 1, sub: int = 0
) -> int:
    """One ETH at the index and E / M as given, within a wei of margin."""
    account, other = desk.account(owner, 0, sub), desk.account(maker, 10_000)
    desk.fill(*((account, other) if sign > 0 else (other, account)), ETH, WAD)
    wanted = ETH_PRICE * RATE * Fraction(ratio)
    desk.move_money(other, account, wanted - Fraction(desk.equity(account), WAD))
    return account


# -- cannot be liquidated ----------------------------------------------------------------------


def test_01_empty_insurance_fund_does_not_block_a_liquidation(
    desk: ClosingDesk, trader: Any, maker: Any, keeper: Any
) -> None:
    account = standing(desk, trader, maker, "-0.5")
    assert desk.cash(desk.fund_account) == 0
    owed = -desk.equity(account)
    closed = desk.close_out(account, desk.account(keeper))
    assert (closed.fund, closed.total) == (0, owed)
    assert desk.cash(account) == 0


@pytest.mark.parametrize("sign", (1, -1))
@pytest.mark.parametrize("cash", (-500, 500))
@pytest.mark.parametrize("ratio", ("0.9", "0.4", "-0.4"))
def test_02_every_sign_of_position_and_cash_liquidates(
    desk: ClosingDesk, trader: Any, maker: Any, keeper: Any, sign: int, cash: int, ratio: str
) -> None:
    account, other = desk.account(trader), desk.account(maker, 10_000)
    # The entry price makes up for the cash.
    wanted = ETH_PRICE * RATE * Fraction(ratio) + 1 - cash
    price = dollars(ETH_PRICE - sign * wanted)
    buyer, seller = (account, other) if sign > 0 else (other, account)
    desk.fill(buyer, seller, ETH, WAD, price)
    desk.move_money(other, account, cash)
    assert desk.ratio(account) == Fraction(ratio)
    taker = desk.account(keeper, 1_000)
    if ratio == "-0.4":
        desk.close_out(account, taker)
    else:
        step, _ = desk.liquidate(account, taker, keeper)
        assert step.stage == (PARTIAL if ratio == "0.9" else WHOLE)
    assert abs(desk.size(account, ETH)) < WAD


def test_04_dust_is_never_left_open(desk: Desk, trader: Any, maker: Any, keeper: Any) -> None:
    account, other = desk.account(trader), desk.account(maker, 10_000)
    desk.fill(account, other, ETH, 35 * 10**14)
    wanted = ETH_PRICE * Fraction(35, 10**4) * RATE * Fraction(9, 10) + 1
    desk.move_money(other, account, wanted)
    desk.liquidate(account, desk.account(keeper, 100), keeper)
    assert desk.size(account, ETH) == 0


def test_05_keeper_of_an_insolvent_account_is_paid(
    desk: ClosingDesk, trader: Any, maker: Any, keeper: Any
) -> None:
    account = standing(desk, trader, maker, "-0.5")
    taker = desk.account(keeper)
    desk.close_out(account, taker)
    assert desk.cash(taker) == WAD


@pytest.mark.parametrize("wei", (1, 3, 10, 10**12, 10**17))
def test_06_penalty_above_what_is_left_is_cut(
    desk: Desk, trader: Any, maker: Any, keeper: Any, wei: int
) -> None:
    account = standing(desk, trader, maker, 0)
    desk.move_money(desk.account(maker), account, Fraction(wei, WAD))
    step, _ = desk.liquidate(account, desk.account(keeper, 1_000), keeper)
    assert step.fee <= wei
    assert desk.cash(account) == wei - step.fee


@pytest.mark.parametrize("ratio", ("0.9", "0.4", "-0.4"))
def test_07_caps_below_open_interest_do_not_stop_a_close(
    desk: ClosingDesk, trader: Any, maker: Any, keeper: Any, ratio: str
) -> None:
    account = standing(desk, trader, maker, ratio)
    terms = Terms(1, 10**9 * WAD, LISTED | REDUCE_ONLY)
    desk.send(desk.owner, desk.house, "set_market", ETH, TERMS.pack(**terms._asdict()))
    desk.spec.set_market(ETH, terms)
    taker = desk.account(keeper, 1_000)
    if ratio == "-0.4":
        desk.close_out(account, taker)
        assert desk.size(account, ETH) == 0
    else:
        step, _ = desk.liquidate(account, taker, keeper)
        assert step.notional > 0


def test_08_orders_and_salts_of_the_account_do_not_matter(
    desk: Desk, system: Any, trader: Any, maker: Any, keeper: Any
) -> None:
    account = standing(desk, trader, maker, "0.9")
    system.exchange.cancel_below(account, 2**255, sender=trader)
    desk.deposit(account, Fraction(1, 10**6))
    step, _ = desk.liquidate(account, desk.account(keeper, 1_000), keeper)
    assert step.stage == PARTIAL


def test_08_deposit_in_front_of_a_step_shrinks_it(
    desk: Desk, trader: Any, maker: Any, keeper: Any
) -> None:
    account = standing(desk, trader, maker, "0.9")
    planned = desk.plan_step(account)
    desk.deposit(account, 5)
    step, _ = desk.liquidate(account, desk.account(keeper, 1_000), keeper)
    assert 0 < step.notional < planned.notional


def test_09_owner_that_is_a_contract_without_receiver_is_liquidated(
    desk: Desk, system: Any, maker: Any, keeper: Any
) -> None:
    """No call reaches the owner: here one that would revert on every call."""
    other = desk.account(maker, 10_000)
    account = account_id(str(system.margin_model.address))
    desk.accounts.append(account)
    desk.fill(account, other, ETH, WAD)
    desk.move_money(other, account, 100)
    step, _ = desk.liquidate(account, desk.account(keeper, 1_000), keeper)
    assert step.stage == WHOLE


def test_10_stale_small_leg_does_not_freeze_the_account(
    desk: Desk, trader: Any, maker: Any, keeper: Any
) -> None:
    account = standing(desk, trader, maker, "0.3")
    desk.fill(account, desk.account(maker), BTC, WAD // 2_000)
    desk.silence(BTC)
    step, _ = desk.liquidate(account, desk.account(keeper, 1_000), keeper)
    assert step.stage == WHOLE
    assert desk.size(account, ETH) == 0
    assert desk.size(account, BTC) == WAD // 2_000


def test_14_account_of_a_module_is_liquidated_like_any_other(
    desk: Desk, broker: Any, maker: Any, keeper: Any
) -> None:
    account = standing(desk, broker, maker, "0.9")
    step, _ = desk.liquidate(account, desk.account(keeper, 1_000), keeper)
    assert step.stage == PARTIAL


# -- self-dealing ------------------------------------------------------------------------------


@pytest.mark.parametrize("ratio", ("0.99", "0.8", "0.67", "0.5", "0.01"))
def test_15_liquidating_oneself_until_the_end_loses_money(
    desk: Desk, trader: Any, maker: Any, ratio: str
) -> None:
    account = standing(desk, trader, maker, ratio)
    own = desk.account(trader, 1_000, sub=1)
    before = desk.wealth(account) + desk.wealth(own)
    for _ in range(4):
        if desk.waterfall.is_healthy(account):
            break
        slices = desk.plan_step(account).stage == PARTIAL
        desk.liquidate(account, own, trader, dollars(1_000) if slices else 2**255)
    after = desk.wealth(account) + desk.wealth(own)
    assert after < before


@pytest.mark.parametrize("ratio", ("0", "-0.5"))
def test_15_bankrupt_own_account_pays_no_more_than_its_reserve(
    desk: ClosingDesk, trader: Any, maker: Any, saver: Any, ratio: str
) -> None:
    desk.save(saver, 1_000)
    account = standing(desk, trader, maker, ratio)
    own = desk.account(trader, 1_000, sub=1)
    before = desk.wealth(account) + desk.wealth(own)
    desk.close_out(account, own)
    assert desk.wealth(account) + desk.wealth(own) == before


def test_16_second_step_at_one_price_finds_a_healthy_account(
    desk: Desk, trader: Any, maker: Any, keeper: Any
) -> None:
    account = standing(desk, trader, maker, "0.9")
    taker = desk.account(keeper, 1_000)
    desk.liquidate(account, taker, keeper)
    assert desk.refusal(account, taker, keeper) == "liquidation: healthy"
    statuses, _ = desk.liquidate_many([account] * 3, taker, keeper)
    assert statuses == [HEALTHY] * 3


def test_18_reduction_between_maintenance_and_initial_is_allowed(
    system: Any, market: Any, fund_account: Any, set_index: Any, trader: Any, maker: Any
) -> None:
    fund_account(trader, 400)
    fund_account(maker, 10_000)
    market.match(
        market.taker(trader, ETH, WAD, ETH_PRICE), [market.signed(maker, ETH, -WAD, ETH_PRICE)],
        trader,
    )  # fmt: skip
    set_index(ETH, 3_230)
    before = market.health(trader)
    assert before.maintenance < before.equity < before.initial
    market.match(
        market.taker(trader, ETH, -WAD // 10, 3_230),
        [market.signed(maker, ETH, WAD // 10, 3_230)],
        trader,
    )
    assert market.health(trader).ratio > before.ratio


def test_18_reduction_at_a_price_that_lowers_h_is_refused(
    refused: Any, market: Any, fund_account: Any, set_index: Any, trader: Any, maker: Any
) -> None:
    fund_account(trader, 400)
    fund_account(maker, 10_000)
    market.match(
        market.taker(trader, ETH, WAD, ETH_PRICE), [market.signed(maker, ETH, -WAD, ETH_PRICE)],
        trader,
    )  # fmt: skip
    set_index(ETH, 3_120)
    assert market.health(trader).ratio < WAD * 71 // 100
    # Inside the band of five per cent, but it gives a friend more than the margin released.
    with refused("margin: below initial"):
        market.match(
            market.taker(trader, ETH, -WAD // 2, 2_965),
            [market.signed(maker, ETH, WAD // 2, 2_965)],
            trader,
        )


@pytest.mark.parametrize("price", (1, 100_000))
def test_19_fill_far_from_the_index_is_refused(
    refused: Any, market: Any, fund_account: Any, trader: Any, maker: Any, price: int
) -> None:
    for owner in (trader, maker):
        fund_account(owner, 10_000)
    buying = price < ETH_PRICE
    size = WAD if buying else -WAD
    with refused("order: band"):
        market.match(
            market.taker(trader, ETH, size, price),
            [market.signed(maker, ETH, -size, price)],
            trader,
        )


def test_19_fill_inside_the_band_leaves_no_account_below_initial(
    refused: Any, market: Any, fund_account: Any, trader: Any, maker: Any
) -> None:
    for owner in (trader, maker):
        fund_account(owner, 400)
    # Enough at the index, not after a loss of 168 dollars at the fill.
    with refused("margin: below initial"):
        market.match(
            market.taker(trader, ETH, WAD, 3_543), [market.signed(maker, ETH, -WAD, 3_543)], trader
        )


def test_23_one_block_has_one_price(desk: Desk, trader: Any, maker: Any, keeper: Any) -> None:
    """After the block's first refresh a newer answer serves only from the next block on."""
    account = standing(desk, trader, maker, "1.2")
    taker = desk.account(keeper, 1_000)
    calls = [(desk.owner, desk.oracle, desk.oracle.encode("refresh", 1 << ETH))]
    for source in desk.sources[ETH]:
        calls.append((desk.owner, source, source.encode("set_answer", 3_200 * 10**8)))
    step = desk.engine.encode("liquidate", account, taker, 2**255)
    calls.append((str(keeper.address), desk.engine, step))
    desk.rpc.call("evm_setAutomine", False)
    try:
        hashes = [desk.rpc.submit(who, one.address, data, 3_000_000) for who, one, data in calls]
        desk.rpc.mine()
        receipts = [desk.rpc.wait(one) for one in hashes]
    finally:
        desk.rpc.call("evm_setAutomine", True)
    assert len({one["blockNumber"] for one in receipts}) == 1
    assert [int(one["status"], 16) for one in receipts] == [1] * (len(calls) - 1) + [0]
    desk.index(ETH, 3_200)
    desk.liquidate(account, taker, keeper)


def test_24_keeper_bounds_what_he_takes(desk: Desk, trader: Any, maker: Any, keeper: Any) -> None:
    account = standing(desk, trader, maker, "0.9")
    taker = desk.account(keeper, 1_000)
    limit = desk.plan_step(account).notional
    # Between his look and his transaction the account falls below close-out.
    desk.index(ETH, 3_250)
    step, _ = desk.liquidate(account, taker, keeper, limit)
    assert 0 < step.notional <= limit


# -- bad debt ----------------------------------------------------------------------------------


def test_25_deficit_is_booked_at_once_and_exits_are_cut_alike(
    desk: ClosingDesk, system: Any, trader: Any, maker: Any, keeper: Any, stranger: Any
) -> None:
    idle = desk.account(stranger, 1_000)
    debtor, other = desk.account(trader), desk.account(maker, 1_000)
    desk.move_money(debtor, other, 200)
    desk.close_out(debtor, desk.account(keeper))
    owed = dollars(200)
    held, deferred = desk.spec.totals.held, desk.spec.totals.deferred
    assert deferred == owed
    amount = 1_000 * 10**6
    system.clearinghouse.withdraw(idle, 0, amount, stranger, sender=stranger)
    paid = system.settlement.balanceOf(stranger)
    assert paid == amount * held // (held + deferred) < amount
    # The cut that was taken heals: the ratio of those who stay is the same.
    left, _, rest = system.clearinghouse.totals()
    assert abs(left * (held + deferred) - held * (left + rest)) <= 10**12 * (held + deferred)


@pytest.mark.parametrize("ratio", ("0", "-0.001", "-1"))
def test_26_no_fee_is_taken_from_an_insolvent_account(
    desk: ClosingDesk, trader: Any, maker: Any, keeper: Any, saver: Any, ratio: str
) -> None:
    desk.save(saver, 1_000)
    account = standing(desk, trader, maker, ratio)
    owed = -desk.equity(account)
    closed = desk.close_out(account, desk.account(keeper))
    assert [one["fee"] for one in closed.accounts] == [0]
    assert closed.total == closed.fund == owed
    assert desk.cash(desk.fund_account) == dollars(1_000) - owed


def test_27_every_path_records_the_deficit(
    desk: ClosingDesk, trader: Any, maker: Any, keeper: Any, saver: Any
) -> None:
    """There is one path: no keeper's call takes a bankrupt account, whatever it is called."""
    desk.save(saver, 100)
    accounts = [standing(desk, trader, maker, "-0.4", sub=sub) for sub in range(3)]
    taker = desk.account(keeper, 10_000)
    owed = -sum(desk.equity(account) for account in accounts)
    assert desk.refusal(accounts[0], taker, keeper) == "liquidation: bankrupt"
    assert desk.liquidate_many(accounts[:1], taker, keeper)[0] == [INSOLVENT]
    booked = [desk.close_out(accounts[0], taker), desk.close_many(accounts[1:2], taker)[1]]
    # The third one's leg is handed over by another module, the debt stays behind.
    money = ETH_PRICE * WAD
    desk.trade(
        ETH,
        [
            Change(accounts[2], -WAD, money, 0, GATE_NONE),
            Change(taker, WAD, -money, 0, GATE_NONE),
        ],
    )
    # Its reserve came back with the leg.
    owed -= WAD
    booked.append(desk.close_out(accounts[2], taker))
    assert sum(one.total for one in booked) == owed
    assert sum(one.fund for one in booked) == dollars(100)


def test_28_bystanders_pay_only_by_the_deferred_ledger(
    desk: ClosingDesk, trader: Any, maker: Any, keeper: Any, stranger: Any, saver: Any
) -> None:
    desk.save(saver, 10_000)
    idle = desk.account(stranger, 777)
    other_long = desk.account(stranger, 5_000, sub=1)
    desk.fill(other_long, desk.account(maker, 10_000), ETH, WAD)
    account = standing(desk, trader, maker, "-0.9")
    equities = [desk.equity(one) for one in (idle, other_long, desk.account(maker))]
    desk.close_out(account, desk.account(keeper))
    assert [desk.equity(one) for one in (idle, other_long, desk.account(maker))] == equities


def test_29_fund_pays_no_loss_that_a_colluding_pair_made_up(
    market: Any, system: Any, fund_account: Any, trader: Any, saver: Any
) -> None:
    """At any price the band allows a pair's loser keeps initial margin: no debt is made."""
    system.settlement.mint(saver, 10**9, sender=saver)
    system.settlement.approve(system.insurance_fund, 10**9, sender=saver)
    system.insurance_fund.deposit(10**9, saver, sender=saver)
    for sub in (0, 1):
        fund_account(trader, 600, sub)
    market.match(
        market.taker(trader, ETH, WAD, 3_540),
        [market.signed(trader, ETH, -WAD, 3_540, sub=1)],
        trader,
    )
    for sub in (0, 1):
        health = market.health(trader, sub)
        assert health.adverse_equity >= health.initial
        assert health.cash >= 0
    assert system.insurance_fund.totalAssets() >= 10**9


def test_31_insurance_fund_is_not_liquidated_and_takes_no_legs(
    desk: Desk, saver: Any, keeper: Any
) -> None:
    desk.save(saver, 100)
    taker = desk.account(keeper, 1_000)
    assert desk.refusal(desk.fund_account, taker, keeper) == "liquidation: healthy"
    with pytest.raises(Refused, match="liquidation: healthy"):
        desk.send(str(keeper.address), desk.engine, "liquidate", taker, desk.fund_account, 1)


def test_32_funding_is_accrued_before_health_is_judged(
    desk: Desk, trader: Any, maker: Any, keeper: Any
) -> None:
    account = standing(desk, trader, maker, "1.01")
    taker = desk.account(keeper, 1_000)
    desk.send(
        desk.owner, desk.house, "set_module", desk.broker, TRADE | PAY | LOSS | WATERFALL | FUNDING
    )
    desk.spec.set_module("broker", TRADE | PAY | LOSS | WATERFALL | FUNDING)
    assert desk.refusal(account, taker, keeper) == "liquidation: healthy"
    rate = 10**15
    desk.send(desk.broker, desk.house, "set_funding_rate", ETH, rate)
    desk.spec.set_funding_rate("broker", ETH, rate)
    desk.rpc.warp(1_800)
    desk.spec_now()
    # 1.80 dollars of funding an ETH, and nobody touched the market in between.
    assert desk.ratio(account) < Fraction("1.003")
    desk.rpc.warp(1_200)
    step, _ = desk.liquidate(account, taker, keeper)
    assert step.stage == PARTIAL


# -- tokens, keys, arithmetic --------------------------------------------------------------------


def test_44_raised_maintenance_rate_liquidates_nobody_at_once(
    desk: Desk, trader: Any, maker: Any, keeper: Any
) -> None:
    account = standing(desk, trader, maker, "1.001")
    taker = desk.account(keeper, 1_000)
    risk = desk.system.parameters.markets[1].risk
    desk.set_risk(ETH, risk._replace(initial=200_000, maintenance=130_000))
    assert desk.refusal(account, taker, keeper) == "liquidation: healthy"
    desk.warp(NOTICE - 3_600)
    assert desk.refusal(account, taker, keeper) == "liquidation: healthy"
    desk.warp(86_400)
    step, _ = desk.liquidate(account, taker, keeper)
    assert step.stage == PARTIAL


def test_45_signature_for_another_exchange_is_refused(
    refused: Any, market: Any, system: Any, fund_account: Any, trader: Any, maker: Any
) -> None:
    for owner in (trader, maker):
        fund_account(owner, 10_000)
    order = market.order(maker, ETH, -WAD, ETH_PRICE)
    foreign = Domain(market.domain.chain_id, str(system.engine.address))
    signed = sign(order, foreign, market.key_of(maker))
    with refused("order: signature"):
        market.match(market.taker(trader, ETH, WAD, ETH_PRICE), [signed], trader)


def test_45_keeper_account_of_somebody_else_is_refused(
    desk: Desk, trader: Any, maker: Any, keeper: Any, stranger: Any
) -> None:
    account = standing(desk, trader, maker, "0.9")
    taker = desk.account(keeper, 1_000)
    with pytest.raises(Refused, match="account: not yours"):
        desk.send(str(stranger.address), desk.engine, "liquidate", account, taker, 2**255)


def test_46_account_cannot_trade_with_or_liquidate_itself(
    refused: Any, desk: Desk, market: Any, fund_account: Any, trader: Any, maker: Any
) -> None:
    account = standing(desk, trader, maker, "0.9")
    assert desk.refusal(account, account, trader) == "liquidation: own account"
    order = market.signed(trader, ETH, -WAD, ETH_PRICE)
    with refused("order: self match"):
        market.match(market.taker(trader, ETH, WAD, ETH_PRICE), [order], trader)


def test_46_owner_zero_signs_nothing(
    refused: Any, market: Any, fund_account: Any, trader: Any
) -> None:
    fund_account(trader, 10_000)
    order = market.order(trader, ETH, -WAD, ETH_PRICE)
    nobody = SignedOrder(order.__class__(**{**order.__dict__, "account": 1}), bytes(65))
    with refused("order: signature"):
        market.match(market.taker(trader, ETH, WAD, ETH_PRICE), [nobody], trader)


def test_47_claims_equal_assets_after_a_day_of_liquidations(
    desk: Desk, trader: Any, maker: Any, keeper: Any, saver: Any
) -> None:
    desk.save(saver, 300)
    taker = desk.account(keeper, 50_000)
    accounts = [
        standing(desk, trader, maker, ratio, sign, sub)
        for sub, (ratio, sign) in enumerate(
            [("0.9", 1), ("0.5", -1), ("-0.2", 1), ("-0.7", -1), ("0.0001", 1)]
        )
    ]
    for price in (3_300, 3_500, 3_100):
        desk.index(ETH, price)
        desk.liquidate_many(accounts, taker, keeper)
        sizes = sum(desk.size(one, ETH) for one in desk.accounts)
        assert sizes == 0
        claims = sum(desk.equity(one) + _reserves(desk, one) for one in desk.accounts)
        assert claims == desk.spec.totals.held + desk.spec.totals.deferred


def _reserves(desk: Desk, account: int) -> int:
    return sum(leg.reserve for leg in desk.plan(account).legs)


@pytest.mark.parametrize("ppm", range(670_000, 1_000_000, 41_237))
def test_48_partial_step_never_lowers_h(
    desk: Desk, trader: Any, maker: Any, keeper: Any, ppm: int
) -> None:
    account = standing(desk, trader, maker, Fraction(ppm, 10**6))
    ratio, fund = desk.ratio(account), desk.cash(desk.fund_account)
    step, _ = desk.liquidate(account, desk.account(keeper, 1_000), keeper)
    assert step.stage == PARTIAL
    assert desk.ratio(account) >= max(ratio, Fraction(11, 10))
    assert desk.cash(desk.fund_account) - fund == step.fee - step.keeper_fee

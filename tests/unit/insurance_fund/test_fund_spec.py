"""Promises of the fund's arithmetic, on the specification alone."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seawall.spec.exit_vault import CLAIM_DELAY_SECONDS, exit_cut, to_assets, to_shares
from seawall.spec.insurance_fund import InsuranceFund

DECIMALS = st.sampled_from([6, 8, 18])
ASSETS = st.integers(0, 10**33)
SHARES = st.integers(0, 10**42)
DAY = 86400
DUE = DAY + CLAIM_DELAY_SECONDS


@settings(max_examples=300, deadline=None)
@given(ASSETS, ASSETS, SHARES)
def test_to_shares_there_and_back_never_gains(assets: int, total: int, supply: int) -> None:
    shares = to_shares(assets, total, supply)

    assert to_assets(shares, total, supply) <= assets
    assert to_assets(shares, total, supply, up=True) <= assets
    assert to_shares(assets, total, supply, up=True) - shares in (0, 1)


@settings(max_examples=300, deadline=None)
@given(SHARES, ASSETS, SHARES)
def test_to_assets_there_and_back_never_gains(shares: int, total: int, supply: int) -> None:
    assets = to_assets(shares, total, supply)

    assert to_shares(assets, total, supply, up=True) <= shares
    assert to_assets(shares, total, supply, up=True) - assets in (0, 1)


def _fund(decimals: int, cash: int, supply: int) -> InsuranceFund:
    balances = {"resident": supply}
    return InsuranceFund(decimals, DAY, cash=cash, supply=supply, balances=balances)


def _price_holds(fund: InsuranceFund, assets: int, supply: int) -> bool:
    """Whether the price is not below that of the given state, compared without division."""
    return (fund.total_assets + 1) * (supply + 10**6) >= (assets + 1) * (fund.supply + 10**6)


@settings(max_examples=300, deadline=None)
@given(DECIMALS, st.integers(0, 10**30), SHARES, st.integers(1, 10**24))
def test_deposit_any_amount_never_lowers_the_price(
    decimals: int, cash: int, supply: int, amount: int
) -> None:
    fund = _fund(decimals, cash, supply)
    assets = fund.total_assets

    if fund.preview_deposit(amount):
        fund.deposit("newcomer", amount)

    assert _price_holds(fund, assets, supply)


@settings(max_examples=300, deadline=None)
@given(DECIMALS, st.integers(0, 10**30), SHARES, st.integers(1, 10**30))
def test_mint_any_shares_never_lowers_the_price(
    decimals: int, cash: int, supply: int, shares: int
) -> None:
    fund = _fund(decimals, cash, supply)
    assets = fund.total_assets

    fund.mint("newcomer", shares)

    assert _price_holds(fund, assets, supply)


@settings(max_examples=300, deadline=None)
@given(DECIMALS, st.integers(0, 10**30), st.integers(1, 10**42), st.data())
def test_redeem_any_part_never_lowers_the_price(
    decimals: int, cash: int, supply: int, data: st.DataObject
) -> None:
    fund = _fund(decimals, cash, supply)
    assets = fund.total_assets
    shares = data.draw(st.integers(1, supply))
    fund.request_redeem("resident", shares, 0)
    fund.announce("resident", DAY)

    if fund.preview_redeem(shares):
        fund.redeem("resident", shares, DUE)

    assert fund.cash >= 0
    assert _price_holds(fund, assets, supply)


@settings(max_examples=300, deadline=None)
@given(DECIMALS, st.integers(0, 10**30), st.integers(1, 10**42), st.data())
def test_withdraw_up_to_the_maximum_always_fits_and_never_lowers_the_price(
    decimals: int, cash: int, supply: int, data: st.DataObject
) -> None:
    fund = _fund(decimals, cash, supply)
    assets = fund.total_assets
    fund.request_redeem("resident", supply, 0)
    fund.announce("resident", DAY)
    most = fund.max_withdraw("resident", DUE)

    if most:
        fund.withdraw("resident", data.draw(st.integers(1, most)), DUE)

    assert fund.cash >= 0
    assert _price_holds(fund, assets, supply)


@settings(max_examples=300, deadline=None)
@given(st.integers(1, 10**20), st.integers(1, 10**20), st.integers(0, 10**20))
def test_inflation_any_gift_the_thief_loses_a_million_times_more(
    sliver: int, stake: int, gift: int
) -> None:
    """Sliver in, gift, saver's stake in, everybody out."""
    fund = InsuranceFund(6, DAY)
    mine = fund.deposit("thief", sliver)
    fund.cash += gift * fund.scale
    shares = fund.deposit("saver", stake) if fund.preview_deposit(stake) else 0

    loss = stake - fund.preview_redeem(shares) if shares else 0
    gain = fund.preview_redeem(mine) - sliver - gift

    assert gain <= 0 or loss == 0
    # Rounding takes one unit of any stake at most, and one share's worth.
    assert loss <= 2 + (sliver + gift) // (sliver * 10**6)


def test_cover_any_amount_never_overdraws() -> None:
    fund = InsuranceFund(6, DAY, cash=5)

    assert [fund.cover(7, amount, DAY) for amount in (0, 3, 3, 3)] == [0, 3, 2, 0]
    fund.cash = -4
    assert fund.cover(7, 1, DAY) == 0


@settings(max_examples=300, deadline=None)
@given(st.integers(10**4, 10**6), st.integers(10**4, 10**6), st.data())
def test_cover_any_day_of_calls_stays_within_both_caps(
    one: int, other: int, data: st.DataObject
) -> None:
    market_share, epoch_share = sorted([one, other])
    start = data.draw(st.integers(1, 10**30))
    fund = InsuranceFund(6, DAY, cash=start, market_share=market_share, epoch_share=epoch_share)
    paid: dict[int, int] = {}

    for _ in range(12):
        market_id = data.draw(st.integers(0, 3))
        fund.cash += data.draw(st.sampled_from([0, start]))
        if not paid:
            start = fund.cash
        found = fund.cover(market_id, data.draw(st.integers(0, start)), DAY)
        if found:
            paid[market_id] = paid.get(market_id, 0) + found

    if market_share < 10**6:
        assert all(sum_ * 10**6 <= start * market_share for sum_ in paid.values())
    if epoch_share < 10**6:
        assert sum(paid.values()) * 10**6 <= start * epoch_share


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 10**24), st.integers(0, 10**24), st.integers(1, 10**24), st.data())
def test_redeem_announced_claim_pays_the_lower_of_two_prices(
    then: int, now: int, supply: int, data: st.DataObject
) -> None:
    shares = data.draw(st.integers(1, supply))
    fund = _fund(6, then * 10**12, supply)
    fund.request_redeem("resident", shares, 0)
    fund.announce("resident", DAY)
    fund.cash = now * 10**12

    found = fund.preview_redeem(shares, "resident")

    assert found == to_assets(shares, min(then, now), supply)


@pytest.mark.parametrize(
    "assets, held, deferred, paid", [(100, 80, 20, 80), (7, 1, 2, 2), (5, 0, 0, 5), (5, 0, 9, 0)]
)
def test_exit_cut_known_ratio_rounds_down(assets: int, held: int, deferred: int, paid: int) -> None:
    assert exit_cut(assets, held, deferred) == paid

"""Accounts of a chosen health, for the liquidation engine's tests."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from seawall.spec.words import WAD
from tests.desk import Desk, dollars

BTC, ETH = 1, 2
BTC_PRICE, ETH_PRICE = 40_000, 3_000
#: Maintenance rate of both markets.
RATE = Fraction(65, 1_000)
MAKER_MONEY = 10**6


def one_leg(
    desk: Desk,
    owner: Any,
    maker: Any,
    ratio: int | str | Fraction,
    size: int | str | Fraction = 10,
    sign: int = 1,
    sub: int = 0,
) -> int:
    """One leg in ETH at 3,000 dollars with E / M as given, the maker on the other side.

    A ratio of zero or less is a loss that has happened: the money goes to the maker.
    """
    desk.index(ETH, ETH_PRICE)
    reserve = Fraction(desk.system.parameters.markets[1].reserve, WAD)
    wanted: Fraction = Fraction(size) * ETH_PRICE * RATE * Fraction(ratio) + reserve
    account = desk.account(owner, max(wanted, Fraction(0)), sub)
    other = desk.account(maker, MAKER_MONEY)
    if wanted < 0:
        desk.move_money(account, other, -wanted)
    buyer, seller = (account, other) if sign > 0 else (other, account)
    desk.fill(buyer, seller, ETH, dollars(size))
    assert desk.ratio(account) == Fraction(ratio)
    return account


def two_legs(desk: Desk, owner: Any, maker: Any, ratio: int | str | Fraction) -> int:
    """Long one BTC at 40,000 and short ten ETH at 3,000, with E / M as given."""
    desk.index(BTC, BTC_PRICE)
    desk.index(ETH, ETH_PRICE)
    reserves = sum(Fraction(one.reserve, WAD) for one in desk.system.parameters.markets)
    wanted = (BTC_PRICE + 10 * ETH_PRICE) * RATE * Fraction(ratio) + reserves
    account, other = desk.account(owner, max(wanted, Fraction(0))), desk.account(maker, MAKER_MONEY)
    if wanted < 0:
        desk.move_money(account, other, -wanted)
    desk.fill(account, other, BTC, WAD)
    desk.fill(other, account, ETH, 10 * WAD)
    assert desk.ratio(account) == Fraction(ratio)
    return account

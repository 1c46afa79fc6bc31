"""Scenes of accounts that are closed without a keeper's capital: by fund and sides.

They start from the same venue as those of `scenes.py`. No side of a market has been charged or
scaled before; its slot was filled when the market was listed.
"""

from __future__ import annotations

from bench.actors import Actor
from bench.errors import BenchError
from bench.parts import HOUSE_SHORT, KEEPER, MARKET, TRADER, fall, let_fund_have_paid, make_due
from bench.setting import list_until
from bench.stand import MARKETS, Act, Stand
from seawall.rpc import succeeded

#: A batch is divided by it.
BATCH = 20
#: Of one account, over all.
MOST_LEGS = 16


def adl(stand: Stand) -> Act:
    """One leg, equity below zero, the fund is empty: the other side is charged what is missing and
    its part of the leg is closed, pro rata, for however many hold it. Who calls has cash alone."""
    _let_owe(stand, 1, "-20")
    _empty_fund(stand)
    stand.freshen([MARKET])
    return _closing(stand)


def bad_debt_1(stand: Stand) -> Act:
    """As `adl`, but the insurance fund pays what is missing."""
    _let_owe(stand, 1, "-20")
    stand.freshen([MARKET])
    return _closing(stand)


def close_out_8(stand: Stand) -> Act:
    """As `bad_debt_1`, of an account with eight legs."""
    _let_owe(stand, 8, "-15")
    stand.freshen()
    return _closing(stand)


def close_out_16(stand: Stand) -> Act:
    """As `close_out_8`, of an account with as many legs as one can have."""
    markets = list_until(stand, MOST_LEGS)
    stand.rpc.set_block_interval(1)
    let_fund_have_paid(stand, markets[len(MARKETS) :])
    stand.deposit(TRADER, 1_200 * MOST_LEGS)
    stand.deposit(KEEPER, 100)
    for market_id in markets:
        stand.open(TRADER, HOUSE_SHORT, market_id, 10_000)
    fall(stand, len(MARKETS), "-15")
    stand.freshen(markets)
    return _closing(stand)


def close_many_20(stand: Stand) -> Act:
    """Twenty accounts as in `bad_debt_1`, all in the same market, in one batch."""
    victims = [Actor(f"victim {number}") for number in range(BATCH)]
    for victim in victims:
        make_due(stand, victim, 1)
    stand.deposit(KEEPER, 100)
    fall(stand, 1, "-20")
    stand.freshen([MARKET])
    accounts = sorted(victim.account for victim in victims)
    return stand.act(KEEPER, stand.closer, "close_many", accounts, KEEPER.account)


def _let_owe(stand: Stand, legs: int, fallen: str) -> None:
    """The trader's legs fall below his money; who will call has cash alone."""
    make_due(stand, TRADER, legs)
    stand.deposit(KEEPER, 100)
    fall(stand, legs, fallen)


def _empty_fund(stand: Stand) -> None:
    """The fund's account pays all its cash out, but for less than a native unit."""
    cash = stand.read(stand.fund, "totalAssets")
    account = int(stand.fund.address, 16) << 96
    data = stand.house.encode("withdraw", account, 0, cash, KEEPER.address)
    if not succeeded(stand.rpc.send(stand.fund.address, stand.house.address, data)):
        raise BenchError("the fund could not be emptied")


def _closing(stand: Stand) -> Act:
    """Somebody closes the trader's account and earns its keeper reserves."""
    return stand.act(KEEPER, stand.closer, "close_out", TRADER.account, KEEPER.account)

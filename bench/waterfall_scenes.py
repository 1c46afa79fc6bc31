"""Scenes of accounts that are closed without a keeper's capital: by sides, fund and deferral."""

from __future__ import annotations

from bench.actors import Actor
from bench.parts import (
    HOUSE_SHORT,
    KEEPER,
    MARKET,
    TRADER,
    fall,
    make_due,
)
from bench.stand import MARKETS, Act, Stand

#: Settlement tokens in native units.
ALL = 2**111 - 1


def empty_fund(stand: Stand) -> None:
    """The insurance fund has nothing: its account pays all its cash out."""
    account = int(stand.fund.address, 16) << 96
    cash = stand.read(stand.fund, "totalAssets")
    args = (account, 0, cash, KEEPER.address)
    receipt = stand.rpc.send(
        stand.fund.address, stand.house.address, stand.house.encode("withdraw", *args)
    )
    assert receipt["status"] == "0x1", receipt


def closing(stand: Stand, victim: Actor = TRADER) -> Act:
    """Somebody without capital closes an account and earns its keeper reserves."""
    return stand.act(KEEPER, stand.closer, "close_out", victim.account, KEEPER.account)


def adl(stand: Stand) -> Act:
    """One leg, equity below zero, the fund is empty: the other side is charged what is missing and
    its part of the leg is closed, pro rata, for however many hold it."""
    make_due(stand, TRADER, 1)
    stand.deposit(KEEPER, 100)
    empty_fund(stand)
    fall(stand, 1, "-20")
    stand.freshen([MARKET])
    return closing(stand)


def bad_debt_closed_1(stand: Stand) -> Act:
    """One leg, equity below zero: the fund pays what is missing, the other side takes the leg."""
    make_due(stand, TRADER, 1)
    stand.deposit(KEEPER, 100)
    fall(stand, 1, "-20")
    stand.freshen([MARKET])
    return closing(stand)


def close_out_8(stand: Stand) -> Act:
    """Eight legs, equity below zero: the fund pays what is missing, other sides take the legs."""
    make_due(stand, TRADER, 8)
    stand.deposit(KEEPER, 100)
    fall(stand, 8, "-15")
    stand.freshen()
    return closing(stand)


def close_many_20(stand: Stand) -> Act:
    """Twenty accounts of one leg each with equity below zero, all in the same market."""
    victims = [Actor(f"victim {number}") for number in range(20)]
    for victim in victims:
        make_due(stand, victim, 1)
    stand.deposit(KEEPER, 100)
    fall(stand, 1, "-20")
    stand.freshen([MARKET])
    accounts = sorted(victim.account for victim in victims)
    return stand.act(KEEPER, stand.closer, "close_many", accounts, KEEPER.account)

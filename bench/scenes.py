"""The scenes: each prepares a state and returns the one transaction that is measured.

Every scene starts from the same standing venue: eight markets in which others hold positions, an
insurance fund with savings, and fees already earned. Money and sizes are in dollars of notional.
`stand.freshen()` is the last thing before the measured transaction: somebody refreshed the index at
the same timestamp. Storage is cold, because a transaction of its own starts with every slot cold.
"""

from __future__ import annotations

from collections.abc import Callable

from bench.actors import Actor
from bench.stand import MARKETS, Act, Stand
from seawall.client.orders import SignedOrder
from seawall.spec.words import MAX_UINT256

Scene = Callable[[Stand], Act]

TRADER, MAKER, KEEPER = Actor("trader"), Actor("maker"), Actor("keeper")
#: Who holds the other side of everything.
HOUSE_LONG, HOUSE_SHORT, SAVER = Actor("long"), Actor("short"), Actor("saver")

MARKET = 1
CAPITAL = 10_000_000


def furnish(stand: Stand) -> None:
    """Before every scene: two others hold positions in all markets, the fund has cash."""
    stand.refresh(sorted(stand.sources))
    stand.save(SAVER, 1_000_000)
    for actor in (HOUSE_LONG, HOUSE_SHORT):
        stand.deposit(actor, CAPITAL)
    for market_id in sorted(stand.sources):
        stand.open(HOUSE_LONG, HOUSE_SHORT, market_id, 100_000)


# -- fills -------------------------------------------------------------------------------------


def fill_open(stand: Stand) -> Act:
    """Two accounts with cash and no position match for the first time: one fresh signed order, one
    direct taker. Others hold positions in the market. Both parties' margin is checked."""
    stand.deposit(TRADER, 10_000)
    stand.deposit(MAKER, 10_000)
    order = _resting(stand, MAKER, 5_000)
    stand.freshen([MARKET])
    return stand.matching(TRADER, [order])


def fill_hold(stand: Stand) -> Act:
    """The two hold a leg of this market each and nothing else; the maker's resting order was filled
    in part before. Both positions grow."""
    _let_hold(stand, TRADER, [MAKER])
    order = _part_filled(stand, MAKER, 5_000)
    stand.freshen([MARKET])
    return stand.matching(TRADER, [order], stand.size(MARKET, 2_000))


# -- liquidations ------------------------------------------------------------------------------


def liquidate_1(stand: Stand) -> Act:
    """One leg, E between close-out and maintenance: a slice of it goes to the keeper, who holds a
    leg of that market and nothing else."""
    return _liquidate(stand, 1)


def liquidate_8(stand: Stand) -> Act:
    """As `liquidate_1`, of an account with eight legs."""
    return _liquidate(stand, 8)


# -- parts of scenes ---------------------------------------------------------------------------


def _resting(stand: Stand, maker: Actor, dollars: int) -> SignedOrder:
    """A signed order to buy, nobody has touched it."""
    return stand.order(maker, MARKET, stand.size(MARKET, dollars))


def _part_filled(stand: Stand, maker: Actor, dollars: int) -> SignedOrder:
    """A signed order to buy of which a third party took a tenth."""
    order = _resting(stand, maker, dollars)
    stand.send(stand.matching(HOUSE_SHORT, [order], stand.size(MARKET, dollars // 10)))
    return order


def _let_hold(stand: Stand, seller: Actor, buyers: list[Actor]) -> None:
    """Everyone has cash and a position in the first market."""
    stand.deposit(seller, 100_000)
    for buyer in buyers:
        stand.deposit(buyer, 10_000)
        stand.open(buyer, seller, MARKET, 5_000)


def _liquidate(stand: Stand, legs: int) -> Act:
    """An account of so many legs due for a slice, a keeper with one leg, a fresh index."""
    _make_due(stand, TRADER, legs)
    _let_keeper_hold(stand)
    _fall(stand, legs)
    stand.freshen(MARKETS[:legs])
    return _liquidating(stand)


def _make_due(stand: Stand, victim: Actor, legs: int) -> None:
    """Longs in the first markets, the first twice as large, on 12 % of their notional."""
    sizes = [20_000] + [10_000] * (legs - 1)
    stand.deposit(victim, sum(sizes) * 12 // 100)
    for market_id, dollars in zip(MARKETS, sizes, strict=False):
        stand.open(victim, HOUSE_SHORT, market_id, dollars)


def _fall(stand: Stand, legs: int) -> None:
    """Every market of the account falls by 6.2 %: of 12 % margin 6.1 % of the new notional are left."""
    for market_id in MARKETS[:legs]:
        stand.move(market_id, "-6.2")


def _let_keeper_hold(stand: Stand) -> None:
    """The keeper is long the first market."""
    stand.deposit(KEEPER, 100_000)
    stand.open(KEEPER, HOUSE_SHORT, MARKET, 5_000)


def _liquidating(stand: Stand) -> Act:
    args = (TRADER.account, KEEPER.account, MAX_UINT256)
    return stand.act(KEEPER, stand.engine, "liquidate", *args)


SCENES: dict[str, Scene] = {
    one.__name__: one for one in (fill_open, fill_hold, liquidate_1, liquidate_8)
}

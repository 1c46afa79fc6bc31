"""People of the scenes, what stands before every scene, and steps that several scenes share."""

from __future__ import annotations

from collections.abc import Sequence

from bench.actors import Actor
from bench.setting import activate_first
from bench.stand import MARKETS, Act, Stand
from seawall.client.orders import SignedOrder
from seawall.spec.words import (
    GATE_NONE,
    LOSS,
    LOT,
    MAX_UINT256,
    PRICE,
    TRADE,
    WAD,
    WATERFALL,
    account_id,
)

TRADER, MAKER, KEEPER = Actor("trader"), Actor("maker"), Actor("keeper")
#: Who holds the other side of everything, and who saved for the fund.
HOUSE_LONG, HOUSE_SHORT, SAVER = Actor("long"), Actor("short"), Actor("saver")

MARKET, TOKEN = 1, 1


def furnish(stand: Stand) -> None:
    """Before every scene: two others hold positions in all markets, the fund has cash and has paid
    for every market before, a matrix is in force and parameters have followed."""
    activate_first(stand)
    stand.save(SAVER, 1_000_000)
    for actor in (HOUSE_LONG, HOUSE_SHORT):
        stand.deposit(actor, 10_000_000)
    for market_id in sorted(stand.sources):
        stand.open(HOUSE_LONG, HOUSE_SHORT, market_id, 100_000)
    let_fund_have_paid(stand, sorted(stand.sources))
    stand.do(stand.operator, stand.monitor, "follow", sorted(stand.sources))


def let_fund_have_paid(stand: Stand, market_ids: Sequence[int]) -> None:
    """One wei of a shortfall of each market: a fund books its payments of a day in words that are
    zero only until the first one of all."""
    module = stand.operator
    stand.govern(stand.house, "set_module", module.address, LOSS)
    ones = [1] * len(market_ids)
    stand.do(module, stand.fund, "cover", HOUSE_LONG.account, list(market_ids), ones)
    stand.govern(stand.house, "set_module", module.address, 0)


def resting(stand: Stand, maker: Actor) -> SignedOrder:
    """A signed order to buy for 5,000; nobody has touched it."""
    return stand.order(maker, MARKET, stand.size(MARKET, 5_000))


def part_filled(stand: Stand, maker: Actor) -> SignedOrder:
    """The same, of which somebody else took a tenth."""
    order = resting(stand, maker)
    stand.send(stand.matching(HOUSE_SHORT, [order], tenth(order)))
    return order


def tenth(signed: SignedOrder) -> int:
    """A tenth of an order, on the lot."""
    part = signed.order.size // 10
    return part - part % LOT


def let_hold(stand: Stand, makers: Sequence[Actor]) -> None:
    """The trader is short and each maker long the first market."""
    stand.deposit(TRADER, 100_000)
    for maker in makers:
        stand.deposit(maker, 10_000)
        stand.open(maker, TRADER, MARKET, 5_000)


def slice_of(stand: Stand, legs: int, percent: int = 12, fallen: str = "-6.2") -> Act:
    """A slice of an account of so many legs by a keeper with a leg of that market."""
    make_due(stand, TRADER, legs, percent)
    let_keeper_hold(stand, 1)
    fall(stand, legs, fallen)
    stand.freshen(MARKETS[:legs])
    return liquidating(stand)


def make_due(stand: Stand, victim: Actor, legs: int, percent: int = 12) -> None:
    """Longs in the first markets, the first twice as large, on so much of their notional: of 12 % a
    fall of 6.2 % leaves 6.1 %, below maintenance; one of 9 % leaves less than close-out."""
    sizes = [20_000] + [10_000] * (legs - 1)
    stand.deposit(victim, sum(sizes) * percent // 100)
    for market_id, dollars in zip(MARKETS, sizes, strict=False):
        stand.open(victim, HOUSE_SHORT, market_id, dollars)


def fall(stand: Stand, legs: int, percent: str) -> None:
    """Every market of the account falls."""
    for market_id in MARKETS[:legs]:
        stand.move(market_id, percent)


def let_keeper_hold(stand: Stand, legs: int) -> None:
    """The keeper is long the first markets and can bear more."""
    stand.deposit(KEEPER, 100_000)
    for market_id in MARKETS[:legs]:
        stand.open(KEEPER, HOUSE_SHORT, market_id, 5_000)


def liquidating(stand: Stand) -> Act:
    """The keeper takes from the trader, without a limit."""
    args = (TRADER.account, KEEPER.account, MAX_UINT256)
    return stand.act(KEEPER, stand.engine, "liquidate", *args)


def stock_bucket(stand: Stand, dollars: int) -> None:
    """The first market's bucket has its capital and has taken so many dollars of a long."""
    free = account_id(stand.backstop.address)
    stand.mint(KEEPER, 2_000_000)
    stand.do(KEEPER, stand.token, "approve", stand.house.address, 10**30)
    stand.do(KEEPER, stand.house, "deposit", free, 0, 1_500_000 * stand.unit)
    stand.do(KEEPER, stand.backstop, "allot", MARKET)
    stand.govern(stand.house, "set_module", stand.operator.address, TRADE | WATERFALL)
    size, bucket = stand.size(MARKET, dollars), account_id(stand.backstop.address, MARKET)
    (word,) = stand.read(stand.oracle, "prices", 1 << MARKET)
    stand.do(stand.operator, stand.backstop, "take", MARKET, size, word)
    money = size * PRICE.unpack(word)["price"] // WAD
    changes = [
        (bucket, size, -money, 0, GATE_NONE),
        (HOUSE_LONG.account, -size, money, 0, GATE_NONE),
    ]
    stand.do(stand.operator, stand.house, "trade", MARKET, changes)


def margin_of(stand: Stand, legs: int) -> Act:
    """The view of the trader's margin, who is long so many markets."""
    stand.deposit(TRADER, 100_000)
    for market_id in MARKETS[:legs]:
        stand.open(TRADER, HOUSE_SHORT, market_id, 5_000)
    stand.freshen(MARKETS[:legs])
    return stand.act(TRADER, stand.lens, "margin", TRADER.account)

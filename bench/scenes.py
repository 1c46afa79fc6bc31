"""The scenes: each prepares a state and returns the one transaction that is measured.

Every scene starts from the same venue: eight markets in which two others hold positions, an
insurance fund with savings that has paid for every market before, fees already earned; parameters
have followed the market and the fund, and a scenario matrix is in force; every market is read from
three real Chainlink proxies. No size, open interest or volatility is beyond what rates hold for, as
is common; where all of that binds, and portfolio mode, see `risk_scenes.py`. Sums are dollars.
Unless a scene says otherwise the index is fresh: `stand.freshen()`, the last thing before the
measured transaction, refreshes it at the same timestamp. All other storage is cold, because a
transaction of its own starts with every slot cold.
"""

from __future__ import annotations

from bench.actors import Actor
from bench.parts import (
    HOUSE_SHORT,
    KEEPER,
    MAKER,
    MARKET,
    TOKEN,
    TRADER,
    fall,
    let_hold,
    let_keeper_hold,
    liquidating,
    make_due,
    margin_of,
    part_filled,
    resting,
    slice_of,
    stock_bucket,
    tenth,
)
from bench.stand import FIRST_TOKEN_ID, MARKETS, Act, Stand
from seawall.spec.words import MAX_UINT256

# -- money -------------------------------------------------------------------------------------


def deposit_topup(stand: Stand) -> Act:
    """The owner adds to an account with cash and no positions. Wallet and allowance stay above
    zero, the allowance is finite. No price is needed."""
    stand.deposit(TRADER, 10_000)
    args = (TRADER.account, 0, 500 * stand.unit)
    return stand.act(TRADER, stand.house, "deposit", *args)


def withdraw_with_leg(stand: Stand) -> Act:
    """The owner of an account with cash and one leg takes some cash out to his wallet, which is not
    empty. Margin is checked at the fresh index."""
    stand.deposit(TRADER, 10_000)
    stand.open(TRADER, HOUSE_SHORT, MARKET, 5_000)
    stand.freshen([MARKET])
    args = (TRADER.account, 0, 500 * stand.unit, TRADER.address)
    return stand.act(TRADER, stand.house, "withdraw", *args)


# -- fills -------------------------------------------------------------------------------------


def fill_open(stand: Stand) -> Act:
    """Two accounts with cash and no position meet: one fresh signed order to buy, one direct taker.
    Both positions are new, both parties' margin is checked."""
    stand.deposit(TRADER, 10_000)
    stand.deposit(MAKER, 10_000)
    order = resting(stand, MAKER)
    stand.freshen([MARKET])
    return stand.matching(TRADER, [order])


def fill_hold(stand: Stand) -> Act:
    """Each of the two holds a leg of this market and nothing else; the maker's resting order was
    filled in part before. Both positions grow."""
    let_hold(stand, [MAKER])
    order = part_filled(stand, MAKER)
    stand.freshen([MARKET])
    return stand.matching(TRADER, [order], stand.size(MARKET, 2_000))


def fill_hold_fresh(stand: Stand) -> Act:
    """As `fill_hold`, but nobody has touched the maker's order before."""
    let_hold(stand, [MAKER])
    order = resting(stand, MAKER)
    stand.freshen([MARKET])
    return stand.matching(TRADER, [order], stand.size(MARKET, 2_000))


def fill_batch10(stand: Stand) -> Act:
    """Ten makers and one taker in one match, all as in `fill_hold`: every party holds a leg of this
    market, every order was filled in part before, everyone's margin is checked."""
    makers = [Actor(f"maker {number}") for number in range(10)]
    let_hold(stand, makers)
    orders = [part_filled(stand, maker) for maker in makers]
    left = sum(one.order.size - tenth(one) for one in orders)
    stand.freshen([MARKET])
    return stand.matching(TRADER, orders, left)


# -- liquidations ------------------------------------------------------------------------------


def liquidate_1(stand: Stand) -> Act:
    """One leg, equity between close-out and maintenance: the keeper takes a slice of it. He holds a
    leg of that market and nothing else."""
    return slice_of(stand, 1)


def liquidate_2(stand: Stand) -> Act:
    """As `liquidate_1`, of an account with two legs."""
    return slice_of(stand, 2)


def liquidate_4(stand: Stand) -> Act:
    """As `liquidate_1`, of an account with four legs."""
    return slice_of(stand, 4)


def liquidate_8(stand: Stand) -> Act:
    """As `liquidate_1`, of an account with eight legs."""
    return slice_of(stand, 8)


def liquidate_1_new_keeper_leg(stand: Stand) -> Act:
    """As `liquidate_1`, but the keeper has cash alone: the slice opens a position of his."""
    make_due(stand, TRADER, 1)
    stand.deposit(KEEPER, 100_000)
    fall(stand, 1, "-6.2")
    stand.freshen([MARKET])
    return liquidating(stand)


def liquidate_matched_1(stand: Stand) -> Act:
    """As `liquidate_1`, but the slice goes to a signed order at the index, of which somebody else
    took a tenth. Its maker holds a leg of that market alone; the keeper has nothing but cash."""
    make_due(stand, TRADER, 1)
    stand.deposit(KEEPER, 100)
    stand.deposit(MAKER, 100_000)
    stand.open(MAKER, HOUSE_SHORT, MARKET, 5_000)
    fall(stand, 1, "-6.2")
    order = stand.order(MAKER, MARKET, stand.size(MARKET, 20_000))
    stand.send(stand.matching(HOUSE_SHORT, [order], tenth(order)))
    stand.freshen([MARKET])
    args = (TRADER.account, KEEPER.account, MAX_UINT256, [order.as_tuple()])
    return stand.act(KEEPER, stand.engine, "liquidate_matched", *args)


def liquidate_8_stale_index(stand: Stand) -> Act:
    """As `liquidate_8`, but nobody has refreshed for a minute: the transaction reads 24 feeds, all
    with a new round."""
    make_due(stand, TRADER, 8)
    let_keeper_hold(stand, 1)
    fall(stand, 8, "-6.2")
    stand.age()
    return liquidating(stand)


def liquidate_whole_8(stand: Stand) -> Act:
    """Eight legs, equity below close-out and above zero: the keeper takes all of them. He holds a
    leg of each of these markets."""
    make_due(stand, TRADER, 8)
    let_keeper_hold(stand, 8)
    fall(stand, 8, "-9")
    stand.freshen()
    return liquidating(stand)


def liquidate_many_20(stand: Stand) -> Act:
    """Twenty accounts of one leg each as in `liquidate_1`, all in the same market, in one batch."""
    victims = [Actor(f"victim {number}") for number in range(20)]
    for victim in victims:
        make_due(stand, victim, 1)
    let_keeper_hold(stand, 1)
    fall(stand, 1, "-6.2")
    stand.freshen([MARKET])
    args = ([victim.account for victim in victims], KEEPER.account)
    return stand.act(KEEPER, stand.engine, "liquidate_many", *args)


# -- backstop ----------------------------------------------------------------------------------


def backstop_room(stand: Stand) -> Act:
    """`Backstop.room` of a bucket that holds a leg, for more of the same. All is cold; after a
    liquidation has valued an account with a leg in that market, only the bucket's own slots are."""
    stock_bucket(stand, 100_000)
    stand.freshen([MARKET])
    (word,) = stand.read(stand.oracle, "prices", 1 << MARKET)
    args = (MARKET, stand.size(MARKET, 20_000), word)
    return stand.act(TRADER, stand.backstop, "room", *args)


def backstop_auction_buy(stand: Stand) -> Act:
    """A buyer who holds a leg of that market and nothing else takes a part of a bucket's leg, half
    an hour into its auction."""
    stock_bucket(stand, 100_000)
    let_keeper_hold(stand, 1)
    stand.rpc.warp(1_800)
    stand.report(MARKET)
    stand.freshen([MARKET])
    args = (KEEPER.account, MARKET, stand.size(MARKET, 20_000), MAX_UINT256)
    return stand.act(KEEPER, stand.backstop, "buy", *args)


# -- collateral --------------------------------------------------------------------------------


def convert_1(stand: Stand) -> Act:
    """Two legs have lost more than the account's cash, one collateral token pays: a buyer with cash
    and a leg takes what brings the settlement balance to zero."""
    token = stand.list_collateral(TOKEN, "100")
    stand.deposit(TRADER, 1_500)
    stand.pledge(TRADER, TOKEN, token, 100)
    for market_id in MARKETS[:2]:
        stand.open(TRADER, HOUSE_SHORT, market_id, 10_000)
    let_keeper_hold(stand, 1)
    fall(stand, 2, "-15")
    stand.freshen([*MARKETS[:2], FIRST_TOKEN_ID + TOKEN - 1])
    args = (TRADER.account, TOKEN, MAX_UINT256, KEEPER.account, 0, MAX_UINT256)
    return stand.act(KEEPER, stand.converter, "convert", *args)


# -- views -------------------------------------------------------------------------------------


def margin_view_1(stand: Stand) -> Act:
    """`Lens.margin` of a healthy account with one leg: three equities, both margins."""
    return margin_of(stand, 1)


def margin_view_4(stand: Stand) -> Act:
    """As `margin_view_1`, with four legs."""
    return margin_of(stand, 4)


def margin_view_8(stand: Stand) -> Act:
    """As `margin_view_1`, with eight legs."""
    return margin_of(stand, 8)


# -- index -------------------------------------------------------------------------------------


def index_update_3feeds(stand: Stand) -> Act:
    """`IndexOracle.refresh` of one market, whose three feeds have a new round each."""
    stand.move(MARKET, "0.4")
    stand.age()
    return stand.refreshing([MARKET])


def index_cached_read(stand: Stand) -> Act:
    """`IndexOracle.refresh` of one market that is fresh already, as every fill calls it."""
    stand.freshen([MARKET])
    return stand.refreshing([MARKET])

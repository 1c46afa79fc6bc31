# pragma version ==0.4.3
"""
@title Order rules
@notice What an order must be whenever it comes, and what a fill does to its maker. Part of the Exchange.
@dev `seawall/spec/orders.py` is the same in Python. Sizes, prices and money are WAD, fees parts per million.
"""

# ---------------------------------------------------------------
#                            MODULES
# ---------------------------------------------------------------

from interfaces import IClearinghouse
from interfaces import IExchange

# ---------------------------------------------------------------
#                           CONSTANTS
# ---------------------------------------------------------------

WAD: constant(uint256) = 10**18
PPM: constant(uint256) = 10**6
# On this grid size * price is a whole number of wei.
LOT: constant(uint256) = 10**12
TICK: constant(uint256) = 10**6
# The Clearinghouse keeps shares as int112.
MAX_SIZE: constant(int256) = 2**111 - 1
MARGIN_RULE: constant(uint256) = 1
# Bound of `trade`.
MAX_CHANGES: constant(uint256) = 22

# ---------------------------------------------------------------
#                            INTERNAL
# ---------------------------------------------------------------


@internal
@pure
def _check_form(order: IExchange.Order):
    """
    @notice What an order must be whoever sends it and whenever.
    """
    assert order.size != 0 and order.size <= MAX_SIZE and order.size >= -MAX_SIZE, "order: size"
    if not order.reduce_only:
        assert convert(abs(order.size), uint256) % LOT == 0, "order: size"
    assert order.limit_price != 0 and order.limit_price % TICK == 0, "order: price"
    assert order.trigger_price == 0, "order: has trigger"


@internal
@pure
def _check_pair(taker: IExchange.Order, maker: IExchange.Order):
    """
    @notice What is wrong with a maker's order in every block: whoever submits it could have known.
    """
    assert maker.market_id == taker.market_id, "order: market"
    self._check_form(maker)
    buying: bool = taker.size > 0
    assert (maker.size > 0) != buying, "order: side"
    assert maker.account != taker.account, "order: self match"
    if buying:
        assert maker.limit_price <= taker.limit_price, "order: price"
    else:
        assert maker.limit_price >= taker.limit_price, "order: price"


@internal
@pure
def _party(changes: DynArray[IClearinghouse.Change, MAX_CHANGES], account: uint256) -> uint256:
    """
    @notice Index of an account's change; their number where it has none.
    """
    index: uint256 = 0
    for change: IClearinghouse.Change in changes:
        if change.account == account:
            break
        index += 1
    return index


@internal
@pure
def _maker_change(order: IExchange.Order, fill: uint256, rate: uint256) -> IClearinghouse.Change:
    """
    @notice What a fill does to its maker. Rounding: against the maker, who pays up and receives down.
    """
    # Below 2**208, see `match`.
    product: uint256 = unsafe_mul(fill, order.limit_price)
    size: int256 = convert(fill, int256)
    money: int256 = 0
    if order.size > 0:
        money = unsafe_sub(0, convert(unsafe_div(unsafe_add(product, WAD - 1), WAD), int256))
    else:
        size = unsafe_sub(0, size)
        money = convert(unsafe_div(product, WAD), int256)
    fee: uint256 = self._fee(product, rate)
    return IClearinghouse.Change(account=order.account, size=size, money=money, fee=fee, gate=MARGIN_RULE)


@internal
@pure
def _conceded(index: uint256, price: uint256, size: uint256, buying: bool) -> uint256:
    """
    @notice What a taker's fill gives the maker beyond the index: WAD * WAD, 0 where it gives nothing.
    """
    if price == index or (price > index) != buying:
        return 0
    # A fill below 2**111 and prices below 2**97, see `match`.
    return unsafe_mul(size, unsafe_sub(max(price, index), min(price, index)))


@internal
@pure
def _fee(product: uint256, rate: uint256) -> uint256:
    """
    @notice `rate` parts per million of a sum of size * price, rounded up.
    """
    # 20 fills below 2**111 * 2**97, and a rate of at most 10**4: no overflow.
    scaled: uint256 = unsafe_mul(product, rate)
    fee: uint256 = unsafe_div(scaled, WAD * PPM)
    if unsafe_mul(fee, WAD * PPM) != scaled:
        fee = unsafe_add(fee, 1)
    return fee


@internal
@pure
def _room(position: int256, buying: bool) -> uint256:
    """
    @notice How much a trade in one direction can take off a position.
    """
    if (position < 0) != buying:
        return 0
    return convert(abs(position), uint256)

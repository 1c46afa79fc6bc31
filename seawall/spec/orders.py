"""Order matching: what the Exchange does with a taker and a list of makers, in exact integers.

Sizes, prices and money are WAD (10**18), fees and bands parts per million (10**6). The functions
change nothing: :func:`match` returns what to apply, or raises :class:`OrderRefused` with the reason
that the contract reverts with.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from seawall.spec.fixed_math import ceil_div
from seawall.spec.words import (
    GATE_MARGIN_RULE,
    LOT,
    MAX_HALF_WIDTH,
    MAX_UINT256,
    PPM,
    PRICE,
    TICK,
    WAD,
)

#: The Clearinghouse keeps shares as int112.
MAX_SIZE = 2**111 - 1
MAX_MARKET = 127
MAX_MAKERS = 20
MAX_FEE = 10_000
MIN_BAND = 1_000
MAX_BAND = 100_000
CANCELLED = MAX_UINT256


class OrderRefused(Exception):  # noqa: N818 - a refusal is an outcome of the rules, no error of ours
    """`reason` is the string of the contract's revert."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True)
class Order:
    """A limit order, field by field as it is signed.

    `size` > 0 buys, < 0 sells (WAD units); `limit_price` is WAD money per unit; `trigger_price` 0
    means none; `expiry` is the last unix second of its life.
    """

    account: int
    market_id: int
    size: int
    limit_price: int
    expiry: int
    salt: int
    trigger_price: int = 0
    reduce_only: bool = False
    post_only: bool = False


@dataclass(frozen=True)
class Submitted:
    """An order as it reaches the Exchange.

    `authorised`: its signer, or for a direct taker the caller, may act for the account.
    """

    order: Order
    digest: bytes
    authorised: bool = True
    direct: bool = False


@dataclass(frozen=True)
class Fees:
    """What a market charges and how far from the index it trades (parts per million)."""

    maker: int
    taker: int
    band: int


@dataclass(frozen=True)
class ExchangeState:
    """All that matching reads. `positions` are sizes by account in the market of the match."""

    now: int
    fees: Mapping[int, Fees]
    price_words: Mapping[int, int]
    filled: Mapping[bytes, int] = field(default_factory=dict)
    min_salt: Mapping[int, int] = field(default_factory=dict)
    positions: Mapping[int, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Change:
    """One party of a trade, as the Clearinghouse takes it."""

    account: int
    size: int
    money: int
    fee: int
    gate: int = GATE_MARGIN_RULE


@dataclass(frozen=True)
class Fill:
    """One OrderFilled event. `price` of a taker is its average, rounded down."""

    digest: bytes
    account: int
    market_id: int
    size: int
    price: int
    fee: int
    filled: int


@dataclass(frozen=True)
class Outcome:
    """What a match does: one change per account, one event per order, new entries of `filled`.

    Changes and events stand in the order of the makers' first fills, the taker's last. A direct
    taker has no order: the Clearinghouse's event tells of it.
    """

    size: int
    changes: tuple[Change, ...]
    fills: tuple[Fill, ...]
    filled: Mapping[bytes, int]


@dataclass(frozen=True)
class Taken:
    """What filling a slice does to makers: one change per account, one event per order.

    `money` is the sum of the changes'; `conceded` what fills worse than the index give to their
    makers (WAD, rounded up), for which better ones do not make up.
    """

    changes: tuple[Change, ...]
    fills: tuple[Fill, ...]
    filled: Mapping[bytes, int]
    money: int
    conceded: int


@dataclass
class _Progress:
    """The running sums of one match."""

    left: int
    room: int | None
    size: int = 0
    product: int = 0
    money: int = 0
    reason: str = "order: nothing filled"
    changes: dict[int, Change] = field(default_factory=dict)
    fills: list[Fill] = field(default_factory=list)
    filled: dict[bytes, int] = field(default_factory=dict)


def match(state: ExchangeState, taker: Submitted, makers: Sequence[Submitted]) -> Outcome:
    """Fill `taker` against `makers` in their order, each at the maker's limit price.

    Raises OrderRefused. A maker that time, its owner, the index or other fills have overtaken is
    left out; the reason of the last one left out is raised only when nothing at all was filled.
    """
    order = taker.order
    _check_form(order)
    left = _check_taker(state, taker)
    fees, prices = _terms(state, order.market_id)
    room = _room(state.positions.get(order.account, 0), order) if order.reduce_only else None
    if room == 0:
        raise OrderRefused("order: reduce only")
    progress = _Progress(left, room)
    for maker in makers:
        if progress.left == 0 or progress.room == 0:
            break
        _check_pair(order, maker.order)
        open_size = _open_maker(state, prices, maker, progress)
        if open_size:
            _fill_maker(state, fees, maker, open_size, progress)
    if progress.size == 0:
        raise OrderRefused(progress.reason)
    return _settle_taker(state, fees, taker, progress)


def take(
    state: ExchangeState,
    account: int,
    market_id: int,
    size: int,
    index: int,
    makers: Sequence[Submitted],
) -> Taken:
    """Fill `makers` in their order with a liquidated leg's slice, which must be filled whole.

    `size` is signed as an order's of the account. Raises OrderRefused. Makers stand as in
    :func:`match`, at any price within the band.
    """
    any_price = MAX_UINT256 if size > 0 else 0
    order = Order(account, market_id, size, any_price, state.now, 0)
    fees, prices = _terms(state, market_id)
    # A slice off the lot is all of its leg: what is left of it is closed by its last fill.
    progress = _Progress(abs(size), abs(size), reason="order: not filled")
    for maker in makers:
        if progress.left == 0:
            break
        _check_pair(order, maker.order)
        open_size = _open_maker(state, prices, maker, progress)
        if open_size:
            _fill_maker(state, fees, maker, open_size, progress)
    if progress.left:
        raise OrderRefused(progress.reason)
    conceded = sum(max(0, fill.size * (index - fill.price)) for fill in progress.fills)
    return Taken(
        tuple(progress.changes.values()),
        tuple(progress.fills),
        dict(progress.filled),
        -progress.money,
        ceil_div(conceded, WAD),
    )


def fee_of(product: int, fee_ppm: int) -> int:
    """Fee (WAD) on a sum of size * price (WAD * WAD), rounded up."""
    return -(-product * fee_ppm // (WAD * PPM))


def price_limits(index: int, band: int) -> range:
    """Prices with |price - index| * 10**6 <= band * index (band in parts per million)."""
    lowest = -(-index * (PPM - band) // PPM)
    return range(lowest, index * (PPM + band) // PPM + 1)


def _check_form(order: Order) -> None:
    """What an order must be whoever sends it and whenever."""
    if order.size == 0 or abs(order.size) > MAX_SIZE:
        raise OrderRefused("order: size")
    if abs(order.size) % LOT and not order.reduce_only:
        raise OrderRefused("order: size")
    if order.limit_price == 0 or order.limit_price % TICK:
        raise OrderRefused("order: price")
    if order.trigger_price:
        raise OrderRefused("order: has trigger")


def _check_taker(state: ExchangeState, taker: Submitted) -> int:
    """What is open of the taker's order. A direct one is neither stored nor looked up."""
    if taker.order.post_only:
        raise OrderRefused("order: post only")
    if taker.direct:
        return _check_direct(state, taker)
    left, refusal = _open_size(state, taker.order, state.filled.get(taker.digest, 0))
    if left == 0:
        raise OrderRefused(refusal)
    if not taker.authorised:
        raise OrderRefused("order: signature")
    return left


def _check_direct(state: ExchangeState, taker: Submitted) -> int:
    """The size of an order that its sender takes with at once; salts are of signed orders."""
    if state.now > taker.order.expiry:
        raise OrderRefused("order: expired")
    if not taker.authorised:
        raise OrderRefused("account: not yours")
    return abs(taker.order.size)


def _open_size(state: ExchangeState, order: Order, stored: int) -> tuple[int, str]:
    """What is left of a well-formed order, or 0 and why."""
    if state.now > order.expiry:
        return 0, "order: expired"
    if order.salt < state.min_salt.get(order.account, 0):
        return 0, "order: salt"
    if stored == CANCELLED:
        return 0, "order: cancelled"
    return abs(order.size) - stored, "order: filled"


def _terms(state: ExchangeState, market_id: int) -> tuple[Fees, range]:
    """Fees of the market and the prices that it may trade at now."""
    fees = state.fees.get(market_id)
    if fees is None:
        raise OrderRefused("order: market")
    word = PRICE.unpack(state.price_words[market_id])
    if word["half_width"] == MAX_HALF_WIDTH:
        raise OrderRefused("index: stale")
    return fees, price_limits(word["price"], fees.band)


def _check_pair(taker: Order, maker: Order) -> None:
    """What is wrong with a maker in every block."""
    if maker.market_id != taker.market_id:
        raise OrderRefused("order: market")
    _check_form(maker)
    if (maker.size > 0) == (taker.size > 0):
        raise OrderRefused("order: side")
    if maker.account == taker.account:
        raise OrderRefused("order: self match")
    worse = maker.limit_price - taker.limit_price
    if (worse if taker.size > 0 else -worse) > 0:
        raise OrderRefused("order: price")


def _open_maker(state: ExchangeState, prices: range, maker: Submitted, progress: _Progress) -> int:
    """What is open of a maker; 0 with the reason noted where the batch came too late for it."""
    if maker.order.limit_price not in prices:
        progress.reason = "order: band"
        return 0
    left, refusal = _open_size(state, maker.order, _stored(state, maker, progress))
    if left == 0:
        progress.reason = refusal
    elif not maker.authorised:
        raise OrderRefused("order: signature")
    return left


def _stored(state: ExchangeState, maker: Submitted, progress: _Progress) -> int:
    return progress.filled.get(maker.digest, state.filled.get(maker.digest, 0))


def _fill_maker(
    state: ExchangeState, fees: Fees, maker: Submitted, open_size: int, progress: _Progress
) -> None:
    """Add one fill: as much as is open on both sides, in whole lots unless it closes a position."""
    order = maker.order
    room = _room(_held(state, order.account, progress), order) if order.reduce_only else None
    if room == 0:
        progress.reason = "order: reduce only"
        return
    rooms = [limit for limit in (progress.room, room) if limit is not None]
    fill = min(progress.left, open_size, *rooms)
    if fill not in rooms:
        fill -= fill % LOT
    if fill == 0:
        return
    _book(fees, maker, fill, _stored(state, maker, progress) + fill, progress)


def _held(state: ExchangeState, account: int, progress: _Progress) -> int:
    """Position of an account including the fills of this match."""
    earlier = progress.changes.get(account)
    return state.positions.get(account, 0) + (earlier.size if earlier else 0)


def _room(position: int, order: Order) -> int:
    """How much of a position a reduce-only order can take off: 0 where it would add."""
    return abs(position) if position * order.size < 0 else 0


def _book(fees: Fees, maker: Submitted, fill: int, filled: int, progress: _Progress) -> None:
    """Book one fill of a maker. Rounding: its money toward minus infinity, its fee up."""
    order = maker.order
    size = fill if order.size > 0 else -fill
    money = -size * order.limit_price // WAD
    product = fill * order.limit_price
    fee = fee_of(product, fees.maker)
    progress.left -= fill
    if progress.room is not None:
        progress.room -= fill
    progress.size += fill
    progress.product += product
    progress.money -= money
    progress.filled[maker.digest] = filled
    earlier = progress.changes.get(order.account, Change(order.account, 0, 0, 0))
    progress.changes[order.account] = Change(
        order.account, earlier.size + size, earlier.money + money, earlier.fee + fee
    )
    progress.fills.append(
        Fill(maker.digest, order.account, order.market_id, size, order.limit_price, fee, filled)
    )


def _settle_taker(
    state: ExchangeState, fees: Fees, taker: Submitted, progress: _Progress
) -> Outcome:
    """The taker's change: the negative sums of the makers' sizes and money, one fee, rounded up."""
    order = taker.order
    size = progress.size if order.size > 0 else -progress.size
    fee = fee_of(progress.product, fees.taker)
    if not taker.direct:
        filled = progress.size + state.filled.get(taker.digest, 0)
        progress.filled[taker.digest] = filled
        average = progress.product // progress.size
        progress.fills.append(
            Fill(taker.digest, order.account, order.market_id, size, average, fee, filled)
        )
    return Outcome(
        size=progress.size,
        changes=(*progress.changes.values(), Change(order.account, size, progress.money, fee)),
        fills=tuple(progress.fills),
        filled=dict(progress.filled),
    )

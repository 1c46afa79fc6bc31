"""The ledger (protocol section 3): funding index, sides with scale and charge, epochs, positions.

Units: money, prices and funding are WAD, sizes and shares WAD units, scale and charge RAY.
Every division rounds towards minus infinity for the account, so that claims never exceed assets.
"""

from __future__ import annotations

from typing import NamedTuple

from seawall.spec.fixed_math import mul_ray_ceil, mul_ray_floor, wad_ceil
from seawall.spec.state import Journal, Table, require
from seawall.spec.words import (
    LONG,
    LOT,
    MAX_LEGS,
    RAY,
    SHORT,
    WAD,
    float30_up,
    float30_value,
    ids_of,
)

#: A side whose scale falls below this starts a new epoch (A_e, G_e) -> (1, 0).
REBASE_SCALE = RAY // 10**4
#: A rebase divides shares by 10**4 at least, so an int112 is used up after nine epochs.
MAX_EPOCH_STEPS = 10
#: Rounding lets the sides of a market part; a side that closes for more, but by less, closes whole.
MAX_DRIFT = LOT // 10
#: A leg word has room for this much open interest.
MAX_LEG_OPEN_INTEREST = 2**104 - 1


class Account(NamedTuple):
    """cash (WAD), mode, and one bitmap: markets in bits 0-127, collateral tokens in 128-135."""

    cash: int = 0
    mode: int = 0
    bitmap: int = 0


class Position(NamedTuple):
    """Signed shares, signed quote (money), the epoch of its side that it lives in."""

    shares: int = 0
    quote: int = 0
    epoch: int = 0


class Side(NamedTuple):
    """Absolute shares of a side, its scale and charge, its epoch, whether scale or charge moved."""

    shares: int = 0
    scale: int = RAY
    charge: int = 0
    epoch: int = 0
    touched: bool = False

    @property
    def size(self) -> int:
        """Absolute size, rounded down."""
        return self.shares * self.scale // RAY


class Market(NamedTuple):
    """Funding index with its rate per second, open interest as a float30, both sides."""

    funding: int = 0
    accrued_at: int = 0
    rate: int = 0
    open_interest: int = 0
    long: Side = Side()
    short: Side = Side()

    def side(self, which: int) -> Side:
        return self.long if which == LONG else self.short

    def with_side(self, which: int, side: Side) -> Market:
        return self._replace(long=side) if which == LONG else self._replace(short=side)


class Applied(NamedTuple):
    """What one change did: sizes before and after, and how far cash + quotes moved."""

    before: int
    after: int
    book: int


def accrued(market: Market, now: int) -> Market:
    """F += rate * dt, at the rate in force so far."""
    elapsed = now - market.accrued_at
    return market._replace(funding=market.funding + market.rate * elapsed, accrued_at=now)


def require_fits(value: int, bits: int) -> None:
    """Bare revert unless a signed field of that many bits holds `value`."""
    require(-(1 << (bits - 1)) <= value < 1 << (bits - 1))


def closable(shares: int, scale: int) -> int:
    """Absolute size of a position, rounded down."""
    return abs(shares) * scale // RAY


class Ledger:
    """Accounts, positions, markets and ended epochs, word for word as in the Clearinghouse."""

    def __init__(self, journal: Journal) -> None:
        self.accounts: Table[int, Account] = Table(journal, Account())
        self.positions: Table[tuple[int, int], Position] = Table(journal, Position())
        self.markets: Table[int, Market] = Table(journal, Market())
        #: (market, side, epoch) -> (scale, charge) at the epoch's end.
        self.ended: Table[tuple[int, int, int], tuple[int, int]] = Table(journal, (0, 0))

    def add_cash(self, account: int, amount: int) -> None:
        """Credit (or debit) cash; bare revert outside int112."""
        held = self.accounts[account]
        cash = held.cash + amount
        require_fits(cash, 112)
        self.accounts[account] = held._replace(cash=cash)

    def present(self, account: int, market_id: int, market: Market) -> tuple[int, int]:
        """Shares and quote of a position, carried through ended epochs into the present one.

        |shares| rounds down and a short gives one wei of quote per carry, so that no side gains.
        """
        shares, quote, epoch = self.positions[account, market_id]
        if shares == 0:
            return 0, quote
        which = LONG if shares > 0 else SHORT
        for _ in range(MAX_EPOCH_STEPS):
            if shares == 0 or epoch == market.side(which).epoch:
                break
            scale, charge = self.ended[market_id, which, epoch]
            quote -= mul_ray_ceil(shares, charge) + (which == SHORT)
            shares = closable(shares, scale) * (1 if shares > 0 else -1)
            epoch += 1
        return shares, quote

    def change(
        self, market: Market, market_id: int, account: int, size: int, money: int, fee: int
    ) -> tuple[Market, Applied]:
        """Apply one party's change of size and money; pure reductions realise, the rest opens."""
        shares, start = self.present(account, market_id, market)
        before = _signed_size(shares, market)
        # A leg that ended epochs have used up is money: it must not vanish with its position.
        left = start if shares == 0 else 0
        market, shares, quote, cash, rest, rest_money = _reduce(
            market, shares, start - left, size, money
        )
        cash += left
        if rest != 0:
            market, shares, quote = _open(market, shares, quote, rest, rest_money)
        after = _signed_size(shares, market)
        # What opens is kept even so: the margin rule must not take it for the close of something.
        if shares != 0 and after == 0 and (size == 0 or before != 0):
            # A leg without size would stand for ever: nothing of it can be closed.
            market, worth = _drop(market, shares, quote)
            shares, quote, cash = 0, 0, cash + worth
        self._store(account, market_id, market, shares, quote, cash - fee)
        return market, Applied(before, after, cash + quote - start)

    def settle(self, account: int, market_id: int, market: Market) -> None:
        """Store a position as `present` sees it; quote becomes cash when no shares are left."""
        shares, quote = self.present(account, market_id, market)
        cash = quote if shares == 0 else 0
        self._store(account, market_id, market, shares, quote - cash, cash)

    def _store(
        self, account: int, market_id: int, market: Market, shares: int, quote: int, cash: int
    ) -> None:
        held = self.accounts[account]
        bit = 1 << market_id
        if shares == 0:
            self.positions[account, market_id] = Position()
            bitmap = held.bitmap & ~bit
        else:
            epoch = market.side(LONG if shares > 0 else SHORT).epoch
            require_fits(shares, 112)
            require_fits(quote, 112)
            self.positions[account, market_id] = Position(shares, quote, epoch)
            bitmap = held.bitmap | bit
            if not held.bitmap & bit:
                markets = (bitmap & (2**128 - 1)).bit_count()
                require(markets <= MAX_LEGS, "account: 16 markets")
        self.accounts[account] = held._replace(bitmap=bitmap)
        self.add_cash(account, cash)

    def change_side(
        self, market: Market, market_id: int, which: int, size: int, money: int
    ) -> tuple[Market, int]:
        """Close `size` of a whole side for `money`, pro rata, or only charge it: O(1).

        With t = money + size * F per side, a long's charge per share rises by -t / shares, a
        short's by t / shares; the scale falls by the closed fraction. Returns the market and the
        change of the sum of cash and quotes (nonzero only when an epoch ends).
        """
        side = market.side(which)
        require(size == 0 or (size < 0) == (which == LONG))
        require(abs(size) <= side.size + MAX_DRIFT)
        if side.shares == 0:
            # Nobody is left to pay: only what the sides have parted by may close here.
            require(money == 0)
            return market, 0
        total = money + size * market.funding // WAD
        if which == LONG:
            charge = side.charge - (total * RAY // side.shares)
        else:
            charge = side.charge + (total * RAY // side.shares)
        if abs(size) >= side.size and size != 0:
            scale = 0
        else:
            scale = side.scale - -(-abs(size) * RAY // side.shares)
        require(scale >= 0)
        require_fits(charge, 160)
        side = side._replace(scale=scale, charge=charge, touched=True)
        book = 0
        if scale < REBASE_SCALE:
            self.ended[market_id, which, side.epoch] = (scale, charge)
            book = mul_ray_ceil(-side.shares if which == LONG else side.shares, charge)
            side = Side(shares=side.size, epoch=side.epoch + 1)
        return market.with_side(which, side), book

    def store_market(self, market_id: int, market: Market) -> None:
        """Write a market back with its open interest: the larger side, rounded up to a float30."""
        larger = max(market.long.size, market.short.size)
        require(larger < 2**127)
        for side in (market.long, market.short):
            require(side.shares < 2**128 and side.epoch < 2**16)
        require_fits(market.funding, 96)
        require_fits(market.rate, 64)
        self.markets[market_id] = market._replace(open_interest=float30_up(larger))

    def portfolio(self, account: int, now: int) -> tuple[int, list[tuple[int, int, int]]]:
        """(base, legs): everything that does not depend on price, and (id, OI, signed size) each.

        base = cash + sum(quote - shares * G) - sum(size * F); sizes round towards minus infinity,
        each charge and the sum of funding up.
        """
        held = self.accounts[account]
        base = held.cash
        carried = 0
        legs = []
        for market_id in ids_of(held.bitmap & (2**128 - 1)):
            market = accrued(self.markets[market_id], now)
            shares, quote = self.present(account, market_id, market)
            side = market.side(LONG if shares > 0 else SHORT)
            size = shares * side.scale // RAY
            base += quote - mul_ray_ceil(shares, side.charge)
            carried += size * market.funding
            open_interest = float30_value(market.open_interest)
            require(open_interest <= MAX_LEG_OPEN_INTEREST)
            legs.append((market_id, open_interest, size))
        return base - wad_ceil(carried), legs


def _signed_size(shares: int, market: Market) -> int:
    side = market.side(LONG if shares > 0 else SHORT)
    size = closable(shares, side.scale)
    return size if shares > 0 else -size


def _reduce(
    market: Market, shares: int, quote: int, size: int, money: int
) -> tuple[Market, int, int, int, int, int]:
    """Close what `size` closes: its fraction of quote and its money become cash.

    Returns market, shares, quote, cash and the size and money that are left to open. Removed
    shares round up, all of them when the size closes.
    """
    if size == 0:
        return market, shares, quote, money, 0, 0
    if shares == 0 or (shares > 0) == (size > 0):
        return market, shares, quote, 0, size, money
    which = LONG if shares > 0 else SHORT
    side = market.side(which)
    removed, closing, closing_money = abs(shares), abs(size), money
    if closing < closable(shares, side.scale):
        removed = min(removed, -(-closing * RAY // side.scale))
    else:
        whole = -(-abs(shares) * side.scale // RAY)
        if closing > whole:
            closing_money = money * whole // closing
            closing = whole
    portion = quote * removed // abs(shares)
    sign = 1 if size > 0 else -1
    cash = portion + _settled(closing_money, sign * closing, sign * removed, side, market)
    market = market.with_side(which, side._replace(shares=side.shares - removed))
    rest = size - sign * closing
    return market, shares + sign * removed, quote - portion, cash, rest, money - closing_money


def _open(
    market: Market, shares: int, quote: int, size: int, money: int
) -> tuple[Market, int, int]:
    """Add `size` at `money`; shares round down, value at the paid price is unchanged."""
    which = LONG if size > 0 else SHORT
    side = market.side(which)
    added = abs(size) * RAY // side.scale
    signed = added if size > 0 else -added
    quote += _settled(money, size, signed, side, market)
    market = market.with_side(which, side._replace(shares=side.shares + added))
    return market, shares + signed, quote


def _drop(market: Market, shares: int, quote: int) -> tuple[Market, int]:
    """Take shares without size off their side; returns their quote less their charge."""
    which = LONG if shares > 0 else SHORT
    side = market.side(which)
    market = market.with_side(which, side._replace(shares=side.shares - abs(shares)))
    return market, quote - mul_ray_ceil(shares, side.charge)


def _settled(money: int, size: int, shares: int, side: Side, market: Market) -> int:
    """Money as the ledger books it: what was paid, plus the funding and charge carried inside."""
    return money + size * market.funding // WAD + mul_ray_floor(shares, side.charge)

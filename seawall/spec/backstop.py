"""The Backstop's buckets and their auction: the specification of `contracts/Backstop.vy`.

A bucket is the account `backstop << 96 | market_id` with a capital of its own; what is not allotted
is in sub-account 0, and nothing moves between buckets. Money is WAD, what the owner sets whole
money, rates parts per million. Errors: Reverted with the contract's reason.
"""

from __future__ import annotations

from typing import NamedTuple

from seawall.spec.clearinghouse import MAX_TOKEN_DECIMALS, Change, Clearinghouse
from seawall.spec.dutch_auction import (
    AuctionTerms,
    clock_after,
    discount_at,
    price_at,
    run_of,
)
from seawall.spec.fixed_math import ceil_div, wad_ceil, wad_floor
from seawall.spec.margin import HALF_WIDTH_UNIT, Plan, Price
from seawall.spec.risk import RESERVE_UNIT
from seawall.spec.state import Table, require
from seawall.spec.words import (
    BUCKET,
    GATE_INITIAL,
    GATE_NONE,
    LISTED,
    LOT,
    MAX_HALF_WIDTH,
    PPM,
    RATIO,
    WAD,
    WATERFALL,
    ids_of,
)

MAX_BUCKETS = 16
MARKETS_MASK = 2**128 - 1
#: No position is as large.
MAX_SIZE = 2**113
#: The largest keeper reserve of a market.
MAX_RESERVE = (2**16 - 1) * RESERVE_UNIT
#: Parts per million in a unit of a half-width.
WIDTH_PPM = PPM // HALF_WIDTH_UNIT


class Bucket(NamedTuple):
    """What the owner set, what was allotted on balance (WAD), and the auction's clock."""

    capital: int = 0
    max_notional: int = 0
    loss_budget: int = 0
    initial: int = 0
    allotted: int = 0
    clock: int = 0

    @property
    def word(self) -> int:
        """As the contract stores it."""
        return BUCKET.pack(**self._asdict())

    @property
    def floor(self) -> int:
        """The equity at which the loss budget is used up, WAD."""
        return self.allotted - self.loss_budget * WAD


class Standing(NamedTuple):
    """A bucket at an index price: signed size, and what the margin model says of its one leg.

    `equity` counts the keeper reserve only where there is a leg.
    """

    held: int
    equity: int
    plan: Plan

    @property
    def usable(self) -> bool:
        """Whether the margin model takes the price for usable."""
        return self.plan.legs[0].usable


class Offer(NamedTuple):
    """Inventory for sale: signed size that a buyer takes over, price, discount."""

    size: int = 0
    price: int = 0
    discount: int = 0


class Backstop:
    """Executable specification on the specification's Clearinghouse."""

    #: Under which the Clearinghouse of the specification knows its rights.
    ADDRESS = "backstop"

    def __init__(
        self,
        clearinghouse: Clearinghouse,
        address: int,
        owner: int,
        terms: AuctionTerms,
        vault: int = 0,
    ) -> None:
        self.clearinghouse, self.vault = clearinghouse, vault
        self.address, self.owner, self.terms = address, owner, terms
        self.buckets: Table[int, Bucket] = Table(clearinghouse.journal, Bucket())

    def account(self, market_id: int) -> int:
        """The bucket of a market; 0 is what is not allotted."""
        return self.address << 96 | market_id

    @property
    def open(self) -> int:
        """Bitmap of the markets with buckets."""
        return sum(1 << market_id for market_id, one in self.buckets.items() if one.initial)

    # -- the owner ---------------------------------------------------------------------------

    def set_bucket(
        self,
        caller: int,
        market_id: int,
        capital: int,
        max_notional: int,
        loss_budget: int,
        initial: int,
    ) -> None:
        """Open the bucket of a listed market or change its terms."""
        house = self.clearinghouse
        with house.journal.transaction():
            require(caller == self.owner, "ownable: caller is not the owner")
            listed = 1 <= market_id <= 127 and house.terms[market_id].mode & LISTED
            require(bool(listed), "market: unknown")
            require(1 <= initial <= PPM, "backstop: initial")
            require(max(capital, max_notional, loss_budget) < 2**34)
            old = self.buckets[market_id]
            if old.initial == 0:
                require(capital > 0, "backstop: no bucket")
                require(self.open.bit_count() < MAX_BUCKETS, "backstop: 16 buckets")
            terms = (capital, max_notional, loss_budget, initial)
            self.buckets[market_id] = Bucket(*terms, old.allotted, old.clock)

    # -- capital -----------------------------------------------------------------------------

    def allot(self, market_id: int) -> int:
        """Bring a bucket's equity up to its capital, out of what is not allotted.

        A bucket whose loss budget is used up gets nothing: its owner has to raise the budget.
        """
        house = self.clearinghouse
        with house.journal.transaction():
            bucket = self.buckets[market_id]
            require(bucket.initial != 0, "backstop: no bucket")
            equity = self._standing(market_id, self._index(market_id)).equity
            free = house.ledger.accounts[self.account(0)].cash
            amount = min(bucket.capital * WAD - equity, free)
            if equity < bucket.floor or amount <= 0:
                return 0
            house.transfer(self.address, self.account(0), self.account(market_id), amount)
            allotted = bucket.allotted + amount
            require(allotted < 2**94)
            self.buckets[market_id] = bucket._replace(allotted=allotted)
            return amount

    def release(self, market_id: int) -> int:
        """Take back what a bucket has beyond its capital, as far as its margin allows.

        Profit leaves first: only what is more lowers what losses are counted from. An empty bucket
        whose capital is 0 is closed.
        """
        house = self.clearinghouse
        with house.journal.transaction():
            require(1 <= market_id <= 127, "market: unknown")
            bucket, account = self.buckets[market_id], self.account(market_id)
            equity, amount = self._beyond(market_id, bucket.capital * WAD, 0)
            if amount:
                bucket = self._take_back(market_id, equity, amount)
            held = house.ledger.accounts[account]
            if bucket.capital == 0 and held.cash == 0 and held.bitmap == 0:
                bucket = Bucket()
            self.buckets[market_id] = bucket
            return amount

    def _beyond(self, market_id: int, least: int, rate: int) -> tuple[int, int]:
        """A bucket's equity, and its cash beyond initial margin, a rate and a least amount.

        Unrealised profit does not count.
        """
        house, account = self.clearinghouse, self.account(market_id)
        found, held = house.assess(account), self._held(market_id)
        notional = abs(held) * self._index(market_id).price // WAD if held else 0
        kept = max(least, found.initial, notional * rate // PPM)
        free = min(house.ledger.accounts[account].cash, found.settled - kept)
        return found.equity, max(0, free)

    def _take_back(self, market_id: int, equity: int, amount: int) -> Bucket:
        """Cash of a bucket is no longer allotted; profit leaves first."""
        bucket = self.buckets[market_id]
        account = self.account(market_id)
        self.clearinghouse.transfer(self.address, account, self.account(0), amount)
        drawn = max(0, amount - max(0, equity - bucket.allotted))
        return bucket._replace(allotted=max(0, bucket.allotted - drawn))

    # -- the vault's savers ------------------------------------------------------------------

    def withdraw(self, caller: int, amount: int, receiver: int = 0) -> tuple[int, int]:
        """Pay so many native units out of sub-account 0, filled up from buckets by market.

        A bucket gives what it has beyond initial margin and its own rate of its notional. Nobody
        leaves while one is below zero: what it owes may fall to all. Returns what was paid and
        what waits in the exit queue.
        """
        house = self.clearinghouse
        with house.journal.transaction():
            require(caller == self.vault, "backstop: not the vault")
            scale = 10 ** (MAX_TOKEN_DECIMALS - house.tokens[0].decimals)
            missing = max(0, amount * scale - self._free)
            house.refresh(self.open)
            for market_id in ids_of(self.open):
                bucket = self.buckets[market_id]
                equity, beyond = self._beyond(market_id, 0, bucket.initial)
                require(equity >= 0, "backstop: below zero")
                given = min(missing, beyond)
                if given:
                    missing -= given
                    self.buckets[market_id] = self._take_back(market_id, equity, given)
            return house.withdraw(self.address, self.account(0), 0, amount, receiver)

    def exit_room(self) -> int:
        """The most (WAD) that `withdraw` can pay; 0 while a bucket is below zero."""
        room = self._free
        for market_id in ids_of(self.open):
            equity, beyond = self._beyond(market_id, 0, self.buckets[market_id].initial)
            if equity < 0:
                return 0
            room += beyond
        return room

    @property
    def _free(self) -> int:
        return max(0, self.clearinghouse.ledger.accounts[self.account(0)].cash)

    # -- the waterfall -----------------------------------------------------------------------

    def room(self, market_id: int, size: int, price: Price) -> int:
        """What of a signed size the bucket takes at an index price, on the lot; never reverts.

        What reduces its position always. What grows it as far as the notional after it is at most
        `max_notional`, and at most equity / max(initial, maintenance rate at `max_notional`): a
        bucket below its maintenance margin takes nothing, and none gets there by taking. Equity is
        counted after the largest keeper reserve that a market may have, and with all of the leg at
        the worse of spot and EMA: a side is charged up to what it won since the EMA, and who joins
        it after the gap is charged like the others without having won.
        """
        bucket = self.buckets[market_id]
        if bucket.initial == 0:
            return 0
        held = self._held(market_id)
        reduced = min(abs(size), abs(held)) if held * size < 0 else 0
        grown = min(abs(size) - reduced, MAX_SIZE)
        if grown:
            left = abs(held) - reduced
            grown = min(grown, max(0, self._capacity(market_id, price, size > 0) - left))
        taken = (reduced + grown) // LOT * LOT
        return taken if size > 0 else -taken

    def _capacity(self, market_id: int, price: Price, long: bool) -> int:
        """The size that the bucket may have at most if it grows on a side.

        Of the notional it keeps a rate of margin and as much again as the EMA is behind; of what
        was allotted the loss budget may be gone, and that.
        """
        house, bucket = self.clearinghouse, self.buckets[market_id]
        base, _ = house.portfolio(self.account(market_id))
        equity = base + wad_floor(self._held(market_id) * price.price) - MAX_RESERVE
        if bucket.capital == 0 or equity <= 0 or equity < bucket.floor:
            return 0
        if price.price == 0 or price.half_width == MAX_HALF_WIDTH:
            return 0
        most = bucket.max_notional * WAD
        leg = house.model.plan(0, [(market_id, 0, 0)], [price], house.now).legs[0]
        rate = max(bucket.initial, leg.rate_at(most * WAD))
        behind = _behind(price, long)
        if behind:
            most = min(most, (equity - bucket.floor) * PPM // behind)
        return min(most, equity * PPM // _kept(rate, behind, long)) * WAD // price.price

    def take(self, module: str, market_id: int, size: int, price: Price) -> int:
        """`room`, for a module that moves just so much in the same transaction: sets the clock."""
        house = self.clearinghouse
        with house.journal.transaction():
            require(house.rights[module] & WATERFALL != 0, "module: no right")
            taken = self.room(market_id, size, price)
            if taken:
                self._turn_clock(market_id, self._held(market_id), taken)
            return taken

    def _turn_clock(self, market_id: int, before: int, change: int) -> None:
        bucket = self.buckets[market_id]
        now = self.clearinghouse.now
        clock = clock_after(self.terms, bucket.clock, now, before, before + change)
        self.buckets[market_id] = bucket._replace(clock=clock)

    # -- the auction -------------------------------------------------------------------------

    def offer(self, market_id: int) -> Offer:
        """What `buy` sells now; zeros for nothing, or while the price is not usable."""
        if self.buckets[market_id].initial == 0:
            return Offer()
        price = self._index(market_id)
        standing = self._standing(market_id, price)
        if standing.held == 0 or not standing.usable:
            return Offer()
        return self._offered(market_id, standing, price)

    def buy(
        self, actor: int, account: int, market_id: int, size: int, limit_price: int
    ) -> tuple[int, int]:
        """Take over a part of the bucket's leg; returns signed size and price."""
        house = self.clearinghouse
        with house.journal.transaction():
            require(size != 0, "amount: zero")
            require(self.buckets[market_id].initial != 0, "backstop: no bucket")
            price = self._index(market_id)
            standing = self._standing(market_id, price)
            require(standing.held * size > 0, "auction: nothing for sale")
            require(standing.usable, "auction: price stale")
            bought = self._sold(market_id, size, standing.held, price.price)
            require(house.may_act(account, actor, market_id, bought), "account: not yours")
            offer = self._offered(market_id, standing, price)
            within = offer.price <= limit_price if size > 0 else offer.price >= limit_price
            require(within, "auction: over limit")
            money = wad_ceil(bought * offer.price)
            self._turn_clock(market_id, standing.held, -bought)
            changes = [
                Change(self.account(market_id), -bought, money, 0, GATE_NONE),
                Change(account, bought, -money, 0, GATE_INITIAL),
            ]
            house.trade(self.ADDRESS, market_id, changes)
            return bought, offer.price

    def _sold(self, market_id: int, size: int, held: int, index: int) -> int:
        """At most the leg, down to a lot, and no less than the minimum notional but for a rest."""
        if abs(size) >= abs(held):
            return held
        lots = abs(size) // LOT * LOT
        minimum = self.clearinghouse.terms[market_id].min_notional
        require(lots != 0 and lots * index >= minimum * WAD, "auction: below minimum")
        return lots if size > 0 else -lots

    def _offered(self, market_id: int, standing: Standing, price: Price) -> Offer:
        """The discount is at most what the loss budget allows on the whole leg.

        It is less by the half-width: whoever knows better than a doubtful index gains nothing.
        """
        bucket, held = self.buckets[market_id], standing.held
        discount = discount_at(self.terms, run_of(self.terms, bucket.clock, self.clearinghouse.now))
        left = max(0, standing.equity - bucket.floor)
        discount = min(discount, left * PPM * WAD // (abs(held) * price.price))
        discount -= price.half_width * WIDTH_PPM
        return Offer(held, price_at(price.price, held > 0, discount), discount)

    # -- what it is worth --------------------------------------------------------------------

    def nav(self) -> tuple[int, int]:
        """All buckets and what is not allotted at adverse and at favourable ends, WAD.

        A bucket below 0 counts as 0: its debt is the waterfall's. Adverse values are after keeper
        reserves, favourable ones before.
        """
        house = self.clearinghouse
        adverse = favourable = max(0, house.ledger.accounts[self.account(0)].cash)
        for market_id in ids_of(self.open):
            base, legs = house.portfolio(self.account(market_id))
            worst = best = base
            for _, _, size in legs:
                price = self._index(market_id)
                low, high = _low(price), _high(price)
                reserve = house.model.plan(0, legs, [price], house.now).legs[0].reserve
                worst += wad_floor(size * (low if size > 0 else high)) - reserve
                best += wad_ceil(size * (high if size > 0 else low))
            adverse += max(0, worst)
            favourable += max(0, best)
        return adverse, favourable

    # -- internals ---------------------------------------------------------------------------

    def _index(self, market_id: int) -> Price:
        return self.clearinghouse.refresh(1 << market_id)[0]

    def _held(self, market_id: int) -> int:
        legs = self.clearinghouse.portfolio(self.account(market_id))[1]
        return next((size for leg_id, _, size in legs if leg_id == market_id), 0)

    def _standing(self, market_id: int, price: Price) -> Standing:
        """The bucket with its one leg, of size 0 where there is none."""
        house = self.clearinghouse
        base, legs = house.portfolio(self.account(market_id))
        held = self._held(market_id)
        plan = house.model.plan(base, [(market_id, 0, held)], [price], house.now)
        equity = plan.equity if legs else plan.equity + plan.legs[0].reserve
        return Standing(held, equity, plan)


def _behind(price: Price, long: bool) -> int:
    """How far the EMA is on a side's worse side of spot, parts per million of it, rounded up."""
    gap = RATIO - price.ema_ratio if long else price.ema_ratio - RATIO
    return ceil_div(max(0, gap), RATIO // PPM)


def _kept(rate: int, behind: int, long: bool) -> int:
    """What a rate of the notional at the higher of spot and EMA and the way back to the EMA are.

    Parts per million of the notional at spot, rounded up.
    """
    return rate + behind + (0 if long else ceil_div(rate * behind, PPM))


def _low(price: Price) -> int:
    """The lower of spot and EMA, moved down by the half-width."""
    average = price.price * price.ema_ratio // RATIO
    return min(price.price, average) * (HALF_WIDTH_UNIT - price.half_width) // HALF_WIDTH_UNIT


def _high(price: Price) -> int:
    """The higher of spot and EMA, moved up by the half-width, rounded up."""
    average = price.price * price.ema_ratio // RATIO
    moved = max(price.price, average) * (HALF_WIDTH_UNIT + price.half_width)
    return ceil_div(moved, HALF_WIDTH_UNIT)

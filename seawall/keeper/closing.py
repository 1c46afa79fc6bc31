"""What to close without a margin of one's own, and whose clock to start: data in, data out.

Rows come from `Lens.health_many`, legs from `Clearinghouse.portfolio`, clocks from
`LiquidationEngine.flagged_at`, what buckets take from `Backstop.room`. Money and sizes are WAD,
times unix seconds. Accounts at or below zero are due at once, those below close-out when buckets
take all they hold or when their clock has run.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from seawall.keeper.planning import BANKRUPT, BELOW_CLOSE_OUT, BELOW_MAINTENANCE, Row
from seawall.spec.liquidation import BACKSTOP_AFTER, LONGEST_CLOCK
from seawall.spec.words import LOT, WAD

#: Most accounts and markets that `close_many` takes.
MAX_CLOSED = 20
MAX_MARKETS = 24
#: Legs of one batch: 320 in 24 markets cost 15.3 million gas, so these cost about half, and a third
#: more with a stale index is still below what one transaction may use on chains with EIP-7825.
MAX_LEGS = 160
#: The worst accounts that one round looks at: which go together is searched for in pairs.
MAX_DUE = 1_000
#: Most clocks that one round starts: each costs gas and pays nothing.
MAX_FLAGS = 16
#: Equity (WAD) that is as good as none: an account with so little is bankrupt but for roundings.
DUST = 10**12
#: Most accounts that one round hands slices of to buckets.
MAX_HANDED = 16


class Holding(NamedTuple):
    """A due account, the signed sizes it holds by market, and when its clock started (0: not)."""

    row: Row
    legs: Mapping[int, int]
    flagged_at: int = 0

    @property
    def account(self) -> int:
        """Its number."""
        return self.row.account


@dataclass(frozen=True)
class Close:
    """One transaction: `close_many` of an ascending list, or `close_out` of one account `alone`.

    `reserve` (WAD) is what the keeper gets for the legs, in cash.
    """

    accounts: tuple[int, ...]
    reserve: int = 0
    alone: bool = False

    @property
    def targets(self) -> tuple[int, ...]:
        """Accounts that it is for."""
        return self.accounts


@dataclass(frozen=True)
class Flag:
    """One transaction that starts an account's clock; `before` is what the clock says now."""

    account: int
    before: int = 0

    @property
    def targets(self) -> tuple[int, ...]:
        """The account."""
        return (self.account,)


@dataclass(frozen=True)
class Hand:
    """One transaction that hands a slice of an account to buckets."""

    account: int

    @property
    def targets(self) -> tuple[int, ...]:
        """The account."""
        return (self.account,)


@dataclass(frozen=True)
class Terms:
    """What does not depend on an account: the time, how long a clock runs, by market the index
    price and the keeper reserve of a leg (both WAD), and markets whose index is not usable."""

    now: int
    reduce_after: int
    prices: Mapping[int, int]
    reserves: Mapping[int, int]
    silent: frozenset[int] = frozenset()

    def has_run(self, flagged_at: int) -> bool:
        """Whether a clock has run long enough for a close against the other side."""
        return self.now >= flagged_at + self.reduce_after and not self.is_void(flagged_at)

    def is_ripe(self, flagged_at: int) -> bool:
        """Whether a clock has run long enough for a slice to buckets."""
        return self.now >= flagged_at + BACKSTOP_AFTER and not self.is_void(flagged_at)

    def is_void(self, flagged_at: int) -> bool:
        """Whether a clock may be started (again)."""
        return flagged_at == 0 or self.now > flagged_at + LONGEST_CLOCK

    def reserve(self, holding: Holding) -> int:
        """Keeper reserve (WAD) of all legs of an account that can go."""
        return sum(self.reserves.get(market_id, 0) for market_id in self.audible(holding))

    def audible(self, holding: Holding) -> set[int]:
        """Markets of its legs that can go."""
        return set(holding.legs) - self.silent


#: What buckets still take (WAD, at least 0), by market and whether it is long.
Rooms = dict[tuple[int, bool], int]


@dataclass
class Closing:
    """Transactions in the order to be sent."""

    closes: list[Close] = field(default_factory=list)
    hands: list[Hand] = field(default_factory=list)
    flags: list[Flag] = field(default_factory=list)


def is_bankrupt(row: Row) -> bool:
    """Whether an account is due for a close at once; a keeper's margin must not take it over."""
    return row.status == BANKRUPT or (row.status >= BELOW_MAINTENANCE and row.equity <= DUST)


def plan_closing(holdings: Iterable[Holding], rooms: Rooms, terms: Terms, batch: int) -> Closing:
    """Who is closed together, who alone, of whom buckets get a slice and whose clock is started,
    the worst first as given.

    `rooms` is what buckets would take of all that stands above zero; what is closed alone into them
    is not promised to the next, what a slice takes is found when it is tried.
    """
    found = Closing()
    together: list[Holding] = []
    left = dict(rooms)
    for holding in holdings:
        row = holding.row
        is_below = row.status >= BELOW_CLOSE_OUT
        if is_bankrupt(row) and terms.silent.intersection(holding.legs):
            # What it lacks is not all known yet. With silent legs only it does not go at all.
            if terms.audible(holding):
                reserve = terms.reserve(holding)
                found.closes.append(Close((holding.account,), reserve, alone=True))
            continue
        if is_bankrupt(row) or (is_below and terms.has_run(holding.flagged_at)):
            together.append(holding)
        elif is_below and _fits(holding, left):
            _take(holding, left)
            found.closes.append(Close((holding.account,), terms.reserve(holding), alone=True))
            continue
        elif terms.is_ripe(holding.flagged_at) and _has_room(holding, left):
            found.hands.append(Hand(holding.account))
        if not is_bankrupt(row) and terms.is_void(holding.flagged_at):
            found.flags.append(Flag(holding.account, holding.flagged_at))
    found.closes[:0] = batches(together[:MAX_DUE], terms, batch)
    del found.flags[MAX_FLAGS:], found.hands[MAX_HANDED:]
    return found


def wanted_of_buckets(holdings: Iterable[Holding]) -> dict[tuple[int, bool], int]:
    """Sizes (WAD) by market and whether they are long, of accounts above zero together."""
    found: dict[tuple[int, bool], int] = {}
    for holding in holdings:
        if not is_bankrupt(holding.row):
            for market_id, size in holding.legs.items():
                key = market_id, size > 0
                found[key] = found.get(key, 0) + abs(size)
    return found


def batches(holdings: Iterable[Holding], terms: Terms, batch: int) -> list[Close]:
    """Accounts put together so that as much as possible is netted between them: each batch begins
    with the worst that is left and grows by who takes most off its net notional.

    Where nobody does, by who adds the fewest markets, then by the order given.
    """
    rest = list(holdings)
    found = []
    while rest:
        group = _Group(terms)
        group.add(rest.pop(0))
        while rest and len(group.members) < batch:
            number = group.best(rest)
            if number is None:
                break
            group.add(rest.pop(number))
        found.append(group.close())
    return found


class _Group:
    """Accounts of one batch, with the net notional of each market."""

    def __init__(self, terms: Terms) -> None:
        self.members: list[Holding] = []
        self._terms = terms
        self._net: dict[int, int] = {}
        self._legs = 0

    def add(self, holding: Holding) -> None:
        self.members.append(holding)
        self._legs += len(holding.legs)
        for market_id, size in holding.legs.items():
            self._net[market_id] = self._net.get(market_id, 0) + self._notional(market_id, size)

    def best(self, rest: list[Holding]) -> int | None:
        """Index of who goes best with the group; None where nobody fits."""
        chosen: tuple[int, int, int] | None = None
        for number, holding in enumerate(rest):
            fresh = sum(market_id not in self._net for market_id in holding.legs)
            if len(self._net) + fresh > MAX_MARKETS or self._legs + len(holding.legs) > MAX_LEGS:
                continue
            key = min(self._change(holding), 0), fresh, number
            if chosen is None or key < chosen:
                chosen = key
        return None if chosen is None else chosen[2]

    def close(self) -> Close:
        reserve = sum(self._terms.reserve(one) for one in self.members)
        return Close(tuple(sorted(one.account for one in self.members)), reserve)

    def _change(self, holding: Holding) -> int:
        """By how much net notionals would grow; below 0 where they fall."""
        change = 0
        for market_id, size in holding.legs.items():
            net = self._net.get(market_id, 0)
            change += abs(net + self._notional(market_id, size)) - abs(net)
        return change

    def _notional(self, market_id: int, size: int) -> int:
        return size * self._terms.prices.get(market_id, 0) // WAD


def halves_of(close: Close) -> list[Close]:
    """A batch that failed, as two that may not; empty for a single account."""
    count = len(close.accounts)
    if count < 2:
        return []
    middle = count // 2
    parts = close.accounts[:middle], close.accounts[middle:]
    return [Close(part, close.reserve * len(part) // count) for part in parts]


def _fits(holding: Holding, rooms: Rooms) -> bool:
    """Whether buckets take every leg, but for less than a lot."""
    return bool(holding.legs) and all(
        rooms.get((market_id, size > 0), 0) > abs(size) - LOT
        for market_id, size in holding.legs.items()
    )


def _has_room(holding: Holding, rooms: Rooms) -> bool:
    """Whether a bucket takes at least a lot of one of its legs."""
    legs = holding.legs.items()
    return any(rooms.get((market_id, size > 0), 0) >= LOT for market_id, size in legs)


def _take(holding: Holding, rooms: Rooms) -> None:
    for market_id, size in holding.legs.items():
        rooms[market_id, size > 0] -= abs(size)

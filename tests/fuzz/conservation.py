"""How far rounding may carry the ledger: sizes of two sides, assets and claims (P2)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from seawall.spec.clearinghouse import Change, Clearinghouse
from seawall.spec.ledger import Market, accrued
from seawall.spec.margin import Price
from seawall.spec.state import Reverted
from seawall.spec.words import LONG, LOT, RAY, SHORT, WAD

Must = Callable[[str, bool, Any], None]


class Drift:
    """Units of size by which the sides of each market may part.

    A size on an untouched side is exact. On a scaled side shares round once per change, which
    moves the side by less than two units, and closing a part of a side of S shares rounds its
    scale up by less than one part in 10**27, which is S / 10**27 units.
    """

    def __init__(self, spec: Clearinghouse) -> None:
        self._spec = spec
        self._units: Counter[int] = Counter()
        self._carries: Counter[int] = Counter()
        self._off_lot: set[int] = set()

    def traded(self, market_id: int, changes: Sequence[Change], earlier: Market) -> None:
        """Count one trade that went through; `earlier` is the market that it found."""
        market = self._spec.ledger.markets[market_id]
        for which in (LONG, SHORT):
            self._carries[market_id] += market.side(which).epoch - earlier.side(which).epoch
        if any(change.size % LOT for change in changes):
            self._off_lot.add(market_id)
        for change in changes:
            if change.account in (LONG, SHORT):
                self._off_lot.add(market_id)
                found, left = earlier.side(change.account), market.side(change.account)
                self._units[market_id] += 3 + max(found.shares, left.shares) // RAY
            elif market_id in self._off_lot:
                self._units[market_id] += 2

    def is_exact(self, market_id: int, changes: Sequence[Change]) -> bool:
        """Whether a trade must leave assets minus claims as they were, to the wei."""
        sides = any(change.account in (LONG, SHORT) for change in changes)
        off = self.is_off(market_id) or any(change.size % LOT for change in changes)
        return not sides and not off

    def is_off(self, market_id: int) -> bool:
        """Whether sizes of a market may lie off the grid."""
        return market_id in self._off_lot

    def markets(self) -> list[int]:
        """Markets whose sizes may have been rounded."""
        return [market_id for market_id, units in self._units.items() if units]

    def parted(self, market_id: int) -> int:
        """How far long and short size part."""
        market = self._spec.ledger.markets[market_id]
        return abs(market.long.size - market.short.size)

    def bound(self, market_id: int) -> int:
        """How far they may."""
        return self._units[market_id]

    def account_bound(self, market_id: int, accounts: int) -> int:
        """The same for the sizes of all accounts: each loses less than a unit per ended epoch."""
        return self._units[market_id] + accounts * self._carries[market_id]


class Slack:
    """Assets minus claims, before and after each call."""

    def __init__(
        self,
        spec: Clearinghouse,
        prices: dict[int, Price],
        market_ids: list[int],
        drift: Drift,
    ) -> None:
        self._spec = spec
        self._prices = prices
        self._ids = market_ids
        self._drift = drift
        self._before = 0
        self._calls = 0
        #: The lowest seen (WAD), by side sums and by accounts.
        self.lowest = 0
        self.lowest_of_accounts = 0

    def now(self) -> int:
        """Assets minus claims at the present index."""
        markets = self._spec.ledger.markets
        # A market without shares adds nothing.
        alive = [i for i in self._ids if markets[i].long.shares or markets[i].short.shares]
        return self._spec.slack(lambda market_id: self._prices[market_id].price, alive)

    def count(self) -> None:
        """One more call, which may round."""
        self._calls += 1

    def before(self) -> None:
        """Remember the state that a call finds."""
        self._before = self.now()

    def moved(self) -> int:
        """What the call changed."""
        return self.now() - self._before

    def bound(self, accounts: int = 0) -> int:
        """Drift of sizes, at what a unit is worth and was charged, and a few wei per call."""
        total = 4 * self._calls
        for market_id in self._drift.markets():
            market = accrued(self._spec.ledger.markets[market_id], self._spec.now)
            worth = abs(self._prices[market_id].price - market.funding) // WAD
            charge = max(abs(market.long.charge), abs(market.short.charge)) // RAY
            total += self._drift.account_bound(market_id, accounts) * (worth + charge + 1)
        return total

    def check(self, must: Must) -> None:
        """Claims exceed assets by rounding at most."""
        slack = self.now()
        self.lowest = min(self.lowest, slack)
        must("P2 assets and claims", slack >= -self.bound(), (slack, self.bound()))

    def check_claims(self, accounts: Sequence[int], must: Must) -> None:
        """The same over all accounts one by one, with no help from side sums."""
        total = self._spec.totals
        claims = 0
        for account in accounts:
            try:
                base, legs = self._spec.portfolio(account)
            except (Reverted, ArithmeticError):
                return
            sizes = [(i, size) for i, _, size in legs if i < 128]
            claims += base + sum(size * self._prices[i].price // WAD for i, size in sizes)
        assets = total.held + total.deferred
        bound = self.bound(len(accounts))
        self.lowest_of_accounts = min(self.lowest_of_accounts, assets - claims)
        must("P2 accounts", claims <= assets + bound, (claims, assets, bound))

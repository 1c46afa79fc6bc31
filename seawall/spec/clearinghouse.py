"""The Clearinghouse (protocol sections 2, 3, 5): custody, the verbs of modules, the margin gate."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from seawall.spec.custody import MAX_TOKEN_DECIMALS, Custody, Token, Totals
from seawall.spec.ledger import accrued, require_fits
from seawall.spec.margin import Assessment, Leg, MarginModel, Price
from seawall.spec.state import Journal, Reverted, Table, require
from seawall.spec.words import (
    FUNDING,
    GATE_INITIAL,
    GATE_MARGIN_RULE,
    GATE_NONE,
    LISTED,
    LONG,
    LOSS,
    MARKET,
    MAX_UINT256,
    OPTING_IN,
    PAY,
    PORTFOLIO,
    REDUCE_ONLY,
    RESTRICT,
    SHARES,
    SHORT,
    TAKEOVER,
    TERMS,
    TICK,
    TRADE,
    WAD,
    WATERFALL,
    ids_of,
)

MAX_CHANGES = 24
MAX_MARKET_ID = 127
MARKETS_MASK = 2**128 - 1
ALL_VERBS = 127
#: Internal to the contract: the gate of a way out by value.
GATE_EXIT = 3


class Change(NamedTuple):
    """One party of a trade; account 1 or 2 stands for a whole side."""

    account: int
    size: int
    money: int
    fee: int
    gate: int


class Terms(NamedTuple):
    """oi_cap in WAD units, min_notional WAD money, mode bits."""

    oi_cap: int = 0
    min_notional: int = 0
    mode: int = 0


class Operator(NamedTuple):
    """Until when, up to which size (WAD) and in which markets an operator may trade."""

    until: int = 0
    max_size: int = 0
    markets: int = 0


#: Answers the oracle's `refresh(bitmap)`: one price per set bit, ascending.
Refresh = Callable[[int], list[Price]]
#: Writes a ticket: account, receiver, native units.
Enqueue = Callable[[int, int, int], None]


class Clearinghouse(Custody):
    """Executable specification; every public method is one external function of the contract.

    A method raises :class:`Reverted` with the contract's reason and then leaves no trace.
    `now` is the block's time, `refresh` the oracle.
    """

    def __init__(
        self,
        journal: Journal,
        model: MarginModel,
        refresh: Refresh,
        fee_account: int,
        queue_account: int = 0,
    ) -> None:
        super().__init__(journal, fee_account, queue_account)
        self.model = model
        self.refresh = refresh
        #: Set by the exit queue; without one what waits is cash of its account all the same.
        self.enqueue: Enqueue | None = None
        self.terms: Table[int, Terms] = Table(journal, Terms())
        #: (owner, operator), both as numbers
        self.operators: Table[tuple[int, int], Operator] = Table(journal, Operator())

    # -- totals ------------------------------------------------------------------------------

    def slack(self, price_of: Callable[[int], int], market_ids: list[int]) -> int:
        """Assets minus claims (WAD): held + deferred - book - what the sides' terms add to it."""
        total = self.totals
        slack = total.held + total.deferred - total.book
        for market_id in market_ids:
            market = self.ledger.markets[market_id]
            funding = market.funding + market.rate * (self.now - market.accrued_at)
            long, short = market.long, market.short
            net = long.size - short.size
            slack -= net * (price_of(market_id) - funding) // WAD
            slack += (long.shares * long.charge - short.shares * short.charge) // 10**27
        return slack

    # -- user actions ------------------------------------------------------------------------

    def deposit(self, owner_of_call: int, account: int, token_id: int, received: int) -> int:
        """Credit `received` native units; returns WAD cash for token 0, else native units."""
        with self.journal.transaction():
            token = self._listed(token_id)
            require(account >> 96 != 0, "account: unknown")
            require(received > 0, "amount: zero")
            if token_id == 0:
                return self._credit_settlement(account, token, received)
            require(account >> 96 == owner_of_call, "account: not yours")
            self.token_held[token_id] += received
            self._require_cap(self.token_held[token_id] * token.unit, token)
            self._set_collateral(account, token_id, self.collateral[account, token_id] + received)
            return received

    def withdraw(
        self, owner_of_call: int, account: int, token_id: int, amount: int, receiver: int = 0
    ) -> tuple[int, int]:
        """Debit `amount` native units, gate the account; native units that leave and that wait."""
        with self.journal.transaction():
            token = self._listed(token_id)
            self._require_owner(owner_of_call, account, amount)
            if token_id != 0:
                held = self.collateral[account, token_id]
                require(amount <= held, "amount: too large")
                self.token_held[token_id] -= amount
                self._set_collateral(account, token_id, held - amount)
                self._check_exit(account)
                return amount, 0
            free = self._lower_principal(account, amount * token.unit) // token.unit
            if self.is_exempt(owner_of_call):
                free = amount
            paid, debited = self._debit_settlement(account, token, free)
            queued = amount - debited
            # The queue's own withdrawals do not queue again.
            if queued and account != self.queue_account:
                self._move_cash(account, self.queue_account, queued * token.unit)
                if self.enqueue is not None:
                    self.enqueue(account, receiver, queued)
            self._check_exit(account)
            return paid, queued

    def transfer(self, owner_of_call: int, sender: int, receiver: int, amount: int) -> None:
        """Move WAD cash; the sender passes the gate of a withdrawal."""
        with self.journal.transaction():
            self._require_owner(owner_of_call, sender, amount)
            require(receiver >> 96 != 0 and receiver != sender, "account: unknown")
            self._move_cash(sender, receiver, amount)
            self._carry_principal(sender, receiver, amount)
            self._check_exit(sender)

    def settle(self, account: int, market_id: int) -> None:
        """Carry a leg of an ended epoch into the present one or into cash."""
        with self.journal.transaction():
            markets = self.ledger.accounts[account].bitmap & MARKETS_MASK
            require(markets >> market_id & 1 == 1, "market: unknown")
            self.ledger.settle(account, market_id, self.ledger.markets[market_id])

    def set_mode(self, owner_of_call: int, account: int, mode: int) -> None:
        """Standard (0) or portfolio (1) margin: the account meets initial margin in the new one.

        With legs it opts in with no less than the least equity of portfolio mode.
        """
        with self.journal.transaction():
            require(account >> 96 == owner_of_call, "account: not yours")
            require(mode <= PORTFOLIO)
            held = self.ledger.accounts[account]
            self.ledger.accounts[account] = held._replace(mode=mode)
            if held.bitmap != 0:
                found = self.assess(account, OPTING_IN if mode else 0)
                require(found.adverse >= found.initial, "margin: below initial")

    def set_operator(self, owner: int, operator: int, allowed: Operator) -> None:
        """Let an operator trade for all accounts of an owner."""
        require(operator != 0)
        require(allowed.until < 2**40 and allowed.max_size < 2**88 and allowed.markets < 2**128)
        self.operators[owner, operator] = allowed

    def may_act(self, account: int, actor: int, market_id: int, size: int) -> bool:
        """Whether an actor owns the account or is an operator for this market and size."""
        if actor == account >> 96:
            return True
        allowed = self.operators[account >> 96, actor]
        in_time = allowed.until >= self.now
        return in_time and allowed.markets >> market_id & 1 == 1 and abs(size) <= allowed.max_size

    # -- verbs of modules --------------------------------------------------------------------

    def trade(self, module: str, market_id: int, changes: list[Change]) -> None:
        """Sizes and money sum to zero; then each party's gate."""
        with self.journal.transaction():
            rights = self._require_right(module, TRADE)
            require(self.terms[market_id].mode & LISTED != 0, "market: unknown")
            self._apply_all(market_id, changes, bool(rights & WATERFALL))
            for change in changes:
                if change.gate == GATE_NONE:
                    continue
                # Whoever takes over what a liquidation closes adds no open interest.
                takeover = TAKEOVER if rights & WATERFALL else 0
                if self._check_margin(change, market_id, takeover):
                    # Two changes of one account could each look like a reduction of the other.
                    require(sum(other.account == change.account for other in changes) == 1)

    def pay(self, module: str, sender: int, receiver: int, token_id: int, amount: int) -> int:
        """Move cash, which may go negative, or collateral, clamped."""
        with self.journal.transaction():
            rights = self._require_right(module, PAY)
            require(receiver >> 96 != 0, "account: unknown")
            if token_id == 0:
                # Cash that buys collateral, which leaves at once, must not be free to leave again.
                # Whoever settles losses pays out of accounts that it closes.
                if rights & LOSS == 0:
                    self._lower_principal(sender, amount)
                self._move_cash(sender, receiver, amount)
                return amount
            self._listed(token_id)
            amount = min(amount, self.collateral[sender, token_id])
            if amount > 0:
                self._set_collateral(sender, token_id, self.collateral[sender, token_id] - amount)
                self._set_collateral(
                    receiver, token_id, self.collateral[receiver, token_id] + amount
                )
            return amount

    def set_funding_rate(self, module: str, market_id: int, rate: int) -> None:
        """Accrue at the old rate, then change it."""
        with self.journal.transaction():
            self._require_right(module, FUNDING)
            require(self.terms[market_id].mode & LISTED != 0, "market: unknown")
            require(rate % TICK == 0)
            market = accrued(self.ledger.markets[market_id], self.now)
            self.ledger.store_market(market_id, market._replace(rate=rate))

    def write_off(self, module: str, account: int) -> int:
        """Negative cash of an account without legs becomes a deferred loss."""
        with self.journal.transaction():
            self._require_right(module, LOSS)
            held = self.ledger.accounts[account]
            if held.bitmap != 0 or held.cash >= 0:
                return 0
            self.ledger.add_cash(account, -held.cash)
            self._move_totals(book=-held.cash, deferred=-held.cash)
            return -held.cash

    def heal(self, module: str, amount: int) -> int:
        """The insurance fund's cash pays deferred losses down, clamped to both."""
        with self.journal.transaction():
            self._require_right(module, LOSS)
            healed = self.healable(min(amount, self.totals.deferred))
            self.ledger.add_cash(self.fee_account, -healed)
            self._move_totals(book=-healed, deferred=-healed)
            return healed

    # -- admin -------------------------------------------------------------------------------

    def set_market(self, market_id: int, terms: Terms) -> None:
        """List a market or change its terms; a listed market stays listed."""
        require(1 <= market_id <= MAX_MARKET_ID and terms.mode & LISTED != 0)
        self.terms[market_id] = terms

    def set_module(self, module: str, verbs: int) -> None:
        """Grant or revoke verb rights."""
        require(verbs <= ALL_VERBS)
        self.rights[module] = verbs

    def restrict(self, guardian: str | None, market_id: int) -> None:
        """Make a market reduce-only; no guardian means the owner."""
        if guardian is not None:
            self._require_right(guardian, RESTRICT)
        terms = self.terms[market_id]
        require(terms.mode & LISTED != 0, "market: unknown")
        self.terms[market_id] = terms._replace(mode=terms.mode | REDUCE_ONLY)

    # -- internals ---------------------------------------------------------------------------

    def _require_owner(self, owner_of_call: int, account: int, amount: int) -> None:
        require(amount > 0, "amount: zero")
        require(amount >> 111 == 0, "amount: too large")
        require(account >> 96 == owner_of_call, "account: not yours")

    def _require_right(self, module: str, verb: int) -> int:
        rights = self.rights[module]
        require(rights & verb != 0, "module: no right")
        return rights

    def _apply_all(self, market_id: int, changes: list[Change], waterfall: bool) -> None:
        """Apply every change to ledger and market; voluntary ones obey the market's terms."""
        ledger = self.ledger
        market = accrued(ledger.markets[market_id], self.now)
        before = max(market.long.size, market.short.size)
        book = fees = 0
        for change in changes:
            require_fits(change.size, 112)
            require_fits(change.money, 112)
            require_fits(change.fee, 112)
            voluntary = change.gate != GATE_NONE and change.size != 0
            require(waterfall or voluntary, "module: no right")
            if change.account >> 96 == 0:
                require(waterfall and change.account in (LONG, SHORT), "account: unknown")
                require(change.fee == 0)
                market, moved = ledger.change_side(
                    market, market_id, change.account, change.size, change.money
                )
            else:
                market, applied = ledger.change(
                    market, market_id, change.account, change.size, change.money, change.fee
                )
                moved = applied.book
                if not waterfall:
                    self._check_terms(market_id, change, applied.before, applied.after)
            book += moved
            fees += change.fee
        require(
            sum(c.size for c in changes) == 0 and sum(c.money for c in changes) == 0,
            "trade: not balanced",
        )
        after = max(market.long.size, market.short.size)
        if not waterfall and after > before:
            require(after <= self.terms[market_id].oi_cap, "market: over OI cap")
        ledger.store_market(market_id, market)
        if fees:
            ledger.add_cash(self.fee_account, fees)
        if book:
            self._move_totals(book=book)

    def _check_terms(self, market_id: int, change: Change, before: int, after: int) -> None:
        terms = self.terms[market_id]
        if terms.mode & REDUCE_ONLY:
            require(_is_reduction(before, after), "market: reduce only")
        if after != 0:
            notional = abs(after) * abs(change.money)
            require(notional >= terms.min_notional * abs(change.size), "market: below minimum")

    def market_words(self, market_id: int) -> list[int]:
        """Market, shares and terms words, as the contract stores them."""
        market = self.ledger.markets[market_id]
        word = MARKET.pack(
            funding=market.funding,
            accrued_at=market.accrued_at,
            rate=market.rate,
            open_interest=market.open_interest,
            touched_short=int(market.short.touched),
            touched_long=int(market.long.touched),
            epoch_long=market.long.epoch,
            epoch_short=market.short.epoch,
        )
        shares = SHARES.pack(long=market.long.shares, short=market.short.shares)
        return [word, shares, TERMS.pack(**self.terms[market_id]._asdict())]

    def portfolio(self, account: int) -> tuple[int, list[Leg]]:
        """(base, legs) with collateral legs (id 127 + token, WAD amount) at the end."""
        base, legs = self.ledger.portfolio(account, self.now)
        for leg_id in ids_of(self.ledger.accounts[account].bitmap >> 128 << 128):
            token_id = leg_id - 127
            unit = 10 ** (MAX_TOKEN_DECIMALS - self.tokens[token_id].decimals)
            legs.append((leg_id, 0, self.collateral[account, token_id] * unit))
        return base, legs

    def assess(self, account: int, asked: int = 0) -> Assessment:
        """The account's margin at refreshed prices; `asked` is 0 or TAKEOVER or OPTING_IN."""
        base, legs = self.portfolio(account)
        held = self.ledger.accounts[account]
        prices = self.refresh(held.bitmap)
        return self.model.assess(held.cash, base, legs, prices, self.now, held.mode | asked)

    def _check_exit(self, account: int) -> None:
        """A way out by value: settled equity covers IM and cash is not below zero."""
        held = self.ledger.accounts[account]
        require(held.cash >= 0, "margin: cash below zero")
        if held.bitmap != 0:
            found = self.assess(account)
            require(found.settled >= found.initial, "margin: below initial")

    def _check_margin(self, change: Change, market_id: int, takeover: int) -> bool:
        """P6: at or above IM, or (gate 1) a pure reduction that does not lower h at spot.

        Returns whether it passed as a reduction alone.
        """
        held = self.ledger.accounts[change.account]
        if held.bitmap == 0:
            require(held.cash >= 0, "margin: below initial")
            return False
        found = self.assess(change.account, takeover)
        available = found.settled if change.gate == GATE_EXIT else found.adverse
        if available >= found.initial:
            return False
        if change.gate == GATE_MARGIN_RULE and self._reduces(change, market_id, found):
            return True
        raise Reverted("margin: below initial")

    def _reduces(self, change: Change, market_id: int, after: Assessment) -> bool:
        """Rebuild the portfolio before the change from the one after it and compare h at spot."""
        base, legs = self.portfolio(change.account)
        sizes = {leg_id: size for leg_id, _, size in legs}
        size_after = sizes.get(market_id, 0)
        size_before = size_after - change.size
        # A leg that shows no size is no proof of a reduction: it may just have been opened.
        if size_after == 0 and market_id in sizes:
            return False
        if change.size == 0 or not _is_reduction(size_before, size_after):
            return False
        sizes[market_id] = size_before
        earlier = [(leg_id, 0, sizes[leg_id]) for leg_id in sorted(sizes)]
        held = self.ledger.accounts[change.account]
        prices = self.refresh(held.bitmap | 1 << market_id)
        base_before = base - change.money + change.fee
        before = self.model.assess(held.cash, base_before, earlier, prices, self.now, held.mode)
        if before.equity <= 0 or after.equity < 0:
            return False
        # What a stale leg is worth is not known: then a reduction may cost its fee, but no
        # concession to a friend.
        if after.initial == MAX_UINT256 and before.equity - after.equity > change.fee:
            return False
        return after.equity * before.maintenance >= before.equity * after.maintenance


def _is_reduction(before: int, after: int) -> bool:
    """No growth, no flip."""
    return abs(after) <= abs(before) and before * after >= 0


__all__ = [
    "GATE_INITIAL",
    "MAX_UINT256",
    "Change",
    "Clearinghouse",
    "Terms",
    "Token",
    "Totals",
]

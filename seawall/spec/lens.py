"""What the lenses say of accounts (protocol section 5, "Views"), each answer by its definition.

Where the contracts search or fold, this does the thing itself: a withdrawal is tried to the unit, a
what-if trade is made and undone.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from enum import IntEnum, IntFlag
from typing import NamedTuple

from seawall.spec.clearinghouse import Change, Clearinghouse
from seawall.spec.fixed_math import ceil_div
from seawall.spec.margin import COLLATERAL_IDS, Assessment, Leg, Plan, Price
from seawall.spec.words import (
    GATE_NONE,
    MAX_UINT256,
    PORTFOLIO,
    PPM,
    RATIO,
    TRADE,
    WAD,
    WATERFALL,
)

#: More than any cash: an account whose every gain is cash already.
FAR = 2**111 - 1
MAX_RATIO = 2**28 - 1
NO_FALL, NO_RISE = -(2**255), 2**255 - 1
RISEN = 101 * 10**16
#: Somebody who holds nothing and opens whatever a what-if trade needs.
OTHER_PARTY = (2**160 - 1) << 96
#: The module that makes what-if trades.
PRETENDER = "what-if"


class Status(IntEnum):
    """The lowest line that an account is under."""

    FLAT = 0
    OPEN = 1
    BELOW_INITIAL = 2
    MARGIN_CALL = 3
    BELOW_MAINTENANCE = 4
    BELOW_CLOSE_OUT = 5
    BANKRUPT = 6


class Reason(IntFlag):
    """Every line that an account is under, and what else keeps it from acting."""

    INITIAL = 1
    MARGIN_CALL = 2
    MAINTENANCE = 4
    CLOSE_OUT = 8
    BANKRUPT = 16
    PRICE = 32
    CASH = 64
    BALANCE = 128
    MINIMUM = 256
    EXIT = 512


class Health(NamedTuple):
    """`Lens.health`: money and ratios WAD, MAX_UINT256 where a ratio has no value."""

    status: int
    equity: int
    adverse_equity: int
    settled_equity: int
    initial: int
    maintenance: int
    cash: int
    notional: int
    ratio: int
    leverage: int
    withdrawable: int
    to_cure: int
    reasons: int
    mode: int
    utilisation: int


class Seen(NamedTuple):
    """An account as the Clearinghouse folds it, with the prices of its legs."""

    cash: int
    mode: int
    base: int
    legs: tuple[Leg, ...]
    prices: tuple[Price, ...]

    @property
    def has_legs(self) -> bool:
        """Whether it holds a market leg; collateral is none."""
        return any(leg_id < COLLATERAL_IDS for leg_id, _, _ in self.legs)


class Trade(NamedTuple):
    """A trade that did not happen: WAD units at a WAD price, `fee` WAD money."""

    market_id: int
    size: int
    price: int
    fee: int = 0


class Cover(NamedTuple):
    """The two largest shortfalls, their sum, that of all, and the insurance fund's cash."""

    accounts: tuple[int, int]
    shortfalls: tuple[int, int]
    needed: int
    total: int
    fund: int


class Affected(NamedTuple):
    """An account that a later time's parameters bring under a line."""

    account: int
    status: int
    equity: int
    maintenance_now: int
    maintenance_then: int


def moved(price: Price, new: int) -> Price:
    """A price as if it had just moved: the average stays where it was, the half-width as wide."""
    ratio = price.ema_ratio
    if new and price.price:
        ratio = min((2 * price.price * ratio + new) // (2 * new), MAX_RATIO)
    elif new:
        ratio = RATIO
    return price._replace(price=new, ema_ratio=ratio)


def all_moved(prices: Sequence[Price], factor: int) -> tuple[Price, ...]:
    """All prices times a WAD factor, rounded down."""
    return tuple(moved(price, price.price * factor // WAD) for price in prices)


class Lens:
    """Answers about the accounts of one Clearinghouse; `close_out` in parts per million."""

    def __init__(self, house: Clearinghouse, close_out: int) -> None:
        self.house = house
        self.model = house.model
        self.close_out = close_out

    def seen(self, account: int) -> Seen:
        """An account at the prices of a refresh now."""
        base, legs = self.house.portfolio(account)
        held = self.house.ledger.accounts[account]
        prices = tuple(self.house.refresh(held.bitmap)) if held.bitmap else ()
        return Seen(held.cash, held.mode, base, tuple(legs), prices)

    # -- margin ------------------------------------------------------------------------------

    def assess(self, seen: Seen) -> Assessment:
        """Margin of a portfolio, now."""
        legs, prices = list(seen.legs), list(seen.prices)
        return self.model.assess(seen.cash, seen.base, legs, prices, self.house.now, seen.mode)

    def plan(self, seen: Seen, time: int | None = None) -> Plan:
        """Whether a portfolio may be liquidated, with the parameters of now or of another time."""
        when = self.house.now if time is None else time
        return self.model.plan(seen.base, list(seen.legs), list(seen.prices), when, seen.mode)

    def line(self, maintenance: int) -> int:
        """(1 + w_c) * MM, rounded up."""
        return ceil_div(maintenance * (PPM + self.model.margin_call), PPM)

    def is_healthy(self, seen: Seen, time: int | None = None) -> bool:
        """Whether an account may not be liquidated."""
        return _is_healthy(self.plan(seen, time))

    def is_called(self, seen: Seen) -> bool:
        """Whether an account is below the margin-call line, or further down."""
        plan = self.plan(seen)
        return not _is_healthy(plan) or plan.equity < self.line(plan.maintenance)

    def status(self, seen: Seen, plan: Plan, margin: Assessment) -> Status:
        """The lowest line that an account is under."""
        reasons = self._line_reasons(seen, plan, margin)
        steps = (
            (Reason.BANKRUPT, Status.BANKRUPT),
            (Reason.CLOSE_OUT, Status.BELOW_CLOSE_OUT),
            (Reason.MAINTENANCE, Status.BELOW_MAINTENANCE),
            (Reason.MARGIN_CALL, Status.MARGIN_CALL),
            (Reason.INITIAL, Status.BELOW_INITIAL),
        )
        for reason, status in steps:
            if reason in reasons:
                return status
        return Status.OPEN if seen.has_legs else Status.FLAT

    def _line_reasons(self, seen: Seen, plan: Plan, margin: Assessment) -> Reason:
        none = Reason(0)
        if not seen.has_legs:
            return Reason.BANKRUPT if plan.equity < 0 else none
        found = Reason.INITIAL if margin.adverse < margin.initial else none
        if plan.equity < self.line(plan.maintenance):
            found |= Reason.MARGIN_CALL
        if _is_healthy(plan):
            return found
        found |= Reason.MARGIN_CALL | Reason.MAINTENANCE
        if plan.equity * PPM < plan.maintenance * self.close_out:
            found |= Reason.CLOSE_OUT
        return found | Reason.BANKRUPT if plan.equity <= 0 else found

    # -- health ------------------------------------------------------------------------------

    def health(self, account: int) -> Health:
        """Everything about one account; no more may leave than custody holds."""
        found = self.health_of(self.seen(account))
        totals = self.house.totals
        till = totals.held + totals.deferred
        return found._replace(withdrawable=min(found.withdrawable, till))

    def health_of(self, seen: Seen) -> Health:
        """Everything about a portfolio."""
        margin, plan = self.assess(seen), self.plan(seen)
        notional = sum(leg.notional for leg in plan.legs)
        positive = max(0, margin.equity)
        return Health(
            status=self.status(seen, plan, margin),
            equity=margin.equity,
            adverse_equity=margin.adverse,
            settled_equity=margin.settled,
            initial=margin.initial,
            maintenance=margin.maintenance,
            cash=seen.cash,
            notional=notional,
            ratio=positive * WAD // margin.maintenance if margin.maintenance else MAX_UINT256,
            leverage=ceil_div(notional * WAD, positive) if positive else MAX_UINT256,
            withdrawable=self._withdrawable(seen),
            to_cure=max(0, self.line(margin.maintenance) - margin.equity),
            reasons=self._reasons(seen, plan, margin),
            mode=seen.mode,
            utilisation=_utilisation(margin),
        )

    def _reasons(self, seen: Seen, plan: Plan, margin: Assessment) -> Reason:
        poor = margin.equity < self.model.scenarios.matrix.minimum_equity * WAD
        known = {
            Reason.PRICE: not all(leg.usable for leg in plan.legs),
            Reason.CASH: seen.cash < 0,
            Reason.BALANCE: bool(seen.legs) and self._is_short(seen, margin.initial),
            Reason.MINIMUM: seen.has_legs and bool(seen.mode & PORTFOLIO) and poor,
            Reason.EXIT: not self._may_leave(seen, 0),
        }
        found = self._line_reasons(seen, plan, margin)
        for reason, holds in known.items():
            if holds:
                found |= reason
        return found

    def balance(self, seen: Seen) -> int:
        """Settlement balance: cash and net value at adverse ends, after keeper reserves."""
        pairs = zip(seen.legs, seen.prices, strict=True)
        markets = [pair for pair in pairs if pair[0][0] < COLLATERAL_IDS]
        legs, prices = tuple(leg for leg, _ in markets), tuple(price for _, price in markets)
        return self.assess(seen._replace(cash=FAR, legs=legs, prices=prices)).adverse

    def _is_short(self, seen: Seen, initial: int) -> bool:
        balance = self.balance(seen)
        return balance < 0 or (initial != MAX_UINT256 and 2 * balance < initial)

    def _may_leave(self, seen: Seen, amount: int) -> bool:
        """The gate of a withdrawal."""
        if seen.cash < amount:
            return False
        if not seen.legs:
            return True
        found = self.assess(seen._replace(cash=seen.cash - amount, base=seen.base - amount))
        return found.settled >= found.initial

    def _withdrawable(self, seen: Seen) -> int:
        if not self._may_leave(seen, 0):
            return 0
        low, high = 0, seen.cash + 1
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if self._may_leave(seen, middle) else (low, middle)
        return low

    # -- other prices ------------------------------------------------------------------------

    def at_price(self, seen: Seen, leg_id: int, price: int) -> Seen:
        """A portfolio with another price of one leg."""
        pairs = zip(seen.legs, seen.prices, strict=True)
        prices = tuple(moved(old, price) if leg[0] == leg_id else old for leg, old in pairs)
        return seen._replace(prices=prices)

    def at_move(self, seen: Seen, move: int) -> Seen:
        """A portfolio after all its prices moved by a WAD part of themselves."""
        return seen._replace(prices=all_moved(seen.prices, WAD + move))

    def sensitivities(self, account: int) -> tuple[list[tuple[int, int, int]], int, int]:
        """(id, dE/dP, dM/dP) per leg, and what a joint rise of 1 % changes of both."""
        seen = self.seen(account)
        now, rows = self.plan(seen), []
        for (leg_id, _, size), price in zip(seen.legs, seen.prices, strict=True):
            rise = ceil_div(price.price * RISEN, WAD) - price.price
            then = self.plan(self.at_price(seen, leg_id, price.price + rise))
            equity = size
            if leg_id >= COLLATERAL_IDS and rise:
                equity = (then.equity - now.equity) * WAD // rise
            required = (then.maintenance - now.maintenance) * WAD // rise if rise else 0
            rows.append((leg_id, equity, required))
        then = self.plan(self.at_move(seen, RISEN - WAD))
        return rows, then.equity - now.equity, then.maintenance - now.maintenance

    def cover(self, accounts: Sequence[int], move: int) -> Cover:
        """Shortfalls of accounts after a joint move."""
        found = []
        for account in accounts:
            equity = self.plan(self.at_move(self.seen(account), move)).equity
            found.append((max(0, -equity), account))
        # Of equal ones the first that was given, and none for a shortfall of nothing.
        ranked = sorted((pair for pair in found if pair[0]), key=lambda pair: -pair[0])
        (first, one), (second, two) = [*ranked, (0, 0), (0, 0)][:2]
        fund = self.house.ledger.accounts[self.house.fee_account].cash
        total = sum(shortfall for shortfall, _ in found)
        return Cover((one, two), (first, second), first + second, total, fund)

    def accounts_affected(self, accounts: Sequence[int], time: int) -> list[Affected]:
        """Accounts that are healthy now and under a lower line with the parameters of `time`."""
        rows = []
        for account in accounts:
            seen = self.seen(account)
            now, then = self.plan(seen), self.plan(seen, time)
            # Of the lines only those of maintenance: initial margin counts as met.
            met = Assessment(now.equity, 0, 0, 0, 0)
            before, after = self.status(seen, now, met), self.status(seen, then, met)
            if _is_healthy(now) and after > before and after >= Status.MARGIN_CALL:
                rows.append(
                    Affected(account, after, then.equity, now.maintenance, then.maintenance)
                )
        return rows

    # -- what did not happen -----------------------------------------------------------------

    def what_if(
        self,
        account: int,
        trades: Sequence[Trade] = (),
        cash: int = 0,
        collateral: Sequence[tuple[int, int]] = (),
        mode: int | None = None,
        prices: Sequence[tuple[int, int]] = (),
    ) -> Health:
        """`health` after changes: they are made, looked at and undone.

        `collateral` is (token, native units), `prices` (leg id, price). No gate is asked.
        """
        house = self.house
        with suppress(_UndoneError), house.journal.transaction():
            self._pretend(account, cash, collateral, mode)
            house.set_module(PRETENDER, TRADE | WATERFALL)
            for trade in trades:
                house.trade(PRETENDER, trade.market_id, _changes(account, trade))
            seen = self.seen(account)
            for leg_id, price in prices:
                seen = self.at_price(seen, leg_id, price)
            found = self.health_of(seen)
            raise _UndoneError
        till = max(0, house.totals.held + house.totals.deferred + cash)
        return found._replace(withdrawable=min(found.withdrawable, till))

    def _pretend(
        self, account: int, cash: int, collateral: Sequence[tuple[int, int]], mode: int | None
    ) -> None:
        """Payments in and out, and another mode, without gates."""
        house, accounts = self.house, self.house.ledger.accounts
        if mode is not None:
            accounts[account] = accounts[account]._replace(mode=mode)
        house.ledger.add_cash(account, cash)
        for token_id, change in collateral:
            amount = house.collateral[account, token_id] + change
            house.collateral[account, token_id] = amount
            held, bit = accounts[account], 1 << (127 + token_id)
            bitmap = held.bitmap | bit if amount else held.bitmap & ~bit
            accounts[account] = held._replace(bitmap=bitmap)


class _UndoneError(Exception):
    pass


def _is_healthy(plan: Plan) -> bool:
    return not plan.legs or plan.favourable_equity >= plan.favourable_maintenance


def _utilisation(margin: Assessment) -> int:
    if margin.initial == 0:
        return 0
    if margin.initial == MAX_UINT256 or margin.adverse <= 0:
        return MAX_UINT256
    return ceil_div(margin.initial * WAD, margin.adverse)


def _changes(account: int, trade: Trade) -> list[Change]:
    money = -trade.size * trade.price // WAD
    return [
        Change(account, trade.size, money, trade.fee, GATE_NONE),
        Change(OTHER_PARTY, -trade.size, -money, 0, GATE_NONE),
    ]

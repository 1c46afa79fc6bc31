"""Close-out of whole accounts without anybody's capital (protocol section 6, stages 2 to 6).

An account is *due* when its equity is at or below zero, or below close-out with a clock that has
run for `reduce_after`. All due accounts of a batch are valued first, then their legs are taken out
at the index, netted against each other, and what nobody takes is closed against the whole other
side of its market, pro rata, in O(1). A shortfall is paid by the insurance fund, then by the sides
that won in this move, up to a cap per unit, and the rest is deferred.

Rates are parts per million, money WAD. What a side is charged is booked before anything of it is
closed; members of the batch pay none of it: their legs are gone by then.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from seawall.spec.backstop import Backstop
from seawall.spec.clearinghouse import Change
from seawall.spec.fixed_math import ceil_div
from seawall.spec.liquidation import DEFERRED, FUND, LiquidationEngine, Step, plan_whole
from seawall.spec.margin import COLLATERAL_IDS, Leg, Plan, Price
from seawall.spec.state import require
from seawall.spec.words import (
    GATE_NONE,
    LONG,
    LOT,
    PORTFOLIO,
    PPM,
    RATIO,
    SHORT,
    WAD,
)

#: Stage of what sides are charged; the others stand in `seawall.spec.liquidation`.
CHARGED = 5
CLOSED, HEALTHY, STALE, OWN_ACCOUNT, WAITING = 0, 1, 2, 3, 4
MAX_BATCH = 20
#: A fund with less is empty: to ask it would cost more than it has (WAD).
LEAST_SAVINGS = 10**12
#: Markets that a batch may span.
MAX_MARKETS = 24
#: What a leg off the lot may lose besides, in wei, when it is closed.
ROUNDING_WEI = 4


#: (market, account, amount) -> paid.
Cover = Callable[[int, int, int], int]


class CloseOutParameters(NamedTuple):
    """Seconds on the clock after which positions above zero equity may be reduced."""

    reduce_after: int = 3_600


class Source(NamedTuple):
    """What one stage paid of a shortfall; market 0 where it stands for none."""

    stage: int
    market_id: int
    side: int
    amount: int


@dataclass
class Case:
    """An account of a batch as it was found."""

    account: int
    plan: Plan
    legs: list[Leg]
    prices: list[Price]
    step: Step

    @property
    def is_whole(self) -> bool:
        """Whether every leg has a usable price: only then is its shortfall known."""
        return all(leg.usable for leg in self.plan.legs)

    @property
    def shortfall(self) -> int:
        """-E where E < 0, with room for what legs off the lot may lose to rounding."""
        if not self.is_whole or self.plan.equity >= 0:
            return 0
        legs = list(zip(self.legs, self.prices, strict=True))[: len(self.plan.legs)]
        odd = any(size % LOT for (_, _, size), _ in legs)
        dust = sum(price.price // WAD + ROUNDING_WEI for _, price in legs) if odd else 0
        return dust - self.plan.equity

    @property
    def last(self) -> int:
        """Index of the last leg that goes: with it the shortfall is made good."""
        return max(index for index, leg in enumerate(self.plan.legs) if leg.usable)

    def fee_of(self, index: int) -> int:
        """A leg's part of the fee, by notional."""
        notionals = [leg.notional if leg.usable else 0 for leg in self.plan.legs]
        return split(self.step.fee, notionals)[index]

    def passed_on(self, index: int) -> int:
        """What a leg pays to the pivot: its keeper reserve, less the shortfall with the last."""
        shortfall = self.shortfall if index == self.last else 0
        return self.plan.legs[index].reserve - shortfall

    def weights(self) -> list[int]:
        """Who won in this move: max(0, -size * (P - EMA)) per leg; notionals where all are 0."""
        won = []
        for (_, _, size), price in zip(self.legs, self.prices, strict=True):
            average = price.price * price.ema_ratio // RATIO
            won.append(max(0, -size * (price.price - average)) // WAD)
        won = won[: len(self.plan.legs)]
        return won if any(won) else [leg.notional for leg in self.plan.legs]


@dataclass
class Claim:
    """What a side is asked for: `wanted` of it by weights, `paid` by the fund, `charge` by it."""

    market_id: int
    side: int
    price: Price
    base: int
    wanted: int = 0
    paid: int = 0
    room: int = 0
    charge: int = 0


@dataclass
class Batch:
    """Due accounts, and what sides are asked for, by market and side."""

    cases: list[Case] = field(default_factory=list)
    claims: dict[tuple[int, int], Claim] = field(default_factory=dict)

    @property
    def bankrupt(self) -> list[Case]:
        """Those with a shortfall."""
        return [case for case in self.cases if case.shortfall]

    @property
    def shortfall(self) -> int:
        """Of all."""
        return sum(case.shortfall for case in self.cases)

    @property
    def pivot(self) -> Case:
        """Who stands in for all: the first with a shortfall, else the first."""
        return (self.bankrupt or self.cases)[0]

    def charge(self, market_id: int, side: int) -> int:
        """What a side is charged."""
        claim = self.claims.get((market_id, side))
        return claim.charge if claim else 0

    @property
    def market_ids(self) -> list[int]:
        """Markets with something to close, ascending."""
        return sorted(
            {leg.market_id for case in self.cases for leg in case.plan.legs if leg.usable}
        )

    def sizes(self, market_id: int) -> list[tuple[Case, int, int]]:
        """Case, index of its leg and signed size, of every usable leg in a market."""
        return [
            (case, index, case.legs[index][2])
            for case in self.cases
            for index, leg in enumerate(case.plan.legs)
            if leg.usable and leg.market_id == market_id
        ]


def opposite(size: int) -> int:
    """The side that a leg stands against."""
    return SHORT if size > 0 else LONG


def split(amount: int, weights: list[int]) -> list[int]:
    """An amount by weights, rounded down, the rest to the last weight above zero."""
    total = sum(weights)
    if total == 0:
        return [0] * len(weights)
    parts = [amount * weight // total for weight in weights]
    last = max(index for index, weight in enumerate(weights) if weight)
    parts[last] += amount - sum(parts)
    return parts


class CloseOut:
    """Executable specification of the contract on the specification's Clearinghouse.

    `cover(market_id, account, amount)` is the insurance fund.
    """

    ADDRESS = "close_out"

    def __init__(
        self,
        engine: LiquidationEngine,
        parameters: CloseOutParameters,
        cover: Cover,
        backstop: Backstop | None = None,
    ) -> None:
        self.engine = engine
        self.house = engine.clearinghouse
        self.parameters = parameters
        self.cover = cover
        self.backstop = backstop
        #: Of the last call: its accounts, and which stage paid how much.
        self.batch = Batch()
        self.sources: list[Source] = []

    # -- calls -------------------------------------------------------------------------------

    def close_out(self, account: int, keeper: int) -> int:
        """Close one due account; raises what the contract reverts with."""
        with self.house.journal.transaction():
            self._check_keeper(keeper)
            status, case = self._look(account, keeper, alone=True)
            require(status != OWN_ACCOUNT, "closing: own account")
            require(status != HEALTHY, "closing: healthy")
            require(status != STALE, "closing: price stale")
            require(case is not None, "closing: not due")
            self._resolve([case] if case else [], keeper)
            return case.plan.equity if case else 0

    def close_many(self, accounts: list[int], keeper: int) -> list[int]:
        """Close all due accounts of an ascending list as one; a status each."""
        with self.house.journal.transaction():
            self._check_keeper(keeper)
            require(len(accounts) <= MAX_BATCH)
            require(accounts == sorted(set(accounts)), "closing: not ascending")
            found = [self._look(account, keeper) for account in accounts]
            cases = [case for _, case in found if case is not None]
            # A batch that spans too many markets waits for a smaller one.
            require(len(Batch(cases).market_ids) <= MAX_MARKETS, "closing: too many markets")
            self.batch = Batch()
            if cases:
                self._resolve(cases, keeper)
            return [status for status, _ in found]

    # -- what is due -------------------------------------------------------------------------

    def _check_keeper(self, keeper: int) -> None:
        require(keeper >> 96 != 0, "account: unknown")

    def _look(self, account: int, keeper: int, alone: bool = False) -> tuple[int, Case | None]:
        """The status of an account, and its case where it is due.

        One `alone` is due at once below close-out where buckets take all of it.
        """
        if account == keeper:
            return OWN_ACCOUNT, None
        engine = self.engine
        plan, legs, prices = engine.situation(account)
        if engine.is_healthy(account):
            return HEALTHY, None
        if not self.is_due(account, plan) and not (
            alone and self.fits(account, plan, legs, prices)
        ):
            return WAITING, None
        mode = self.house.ledger.accounts[account].mode

        def required(left: list[Leg]) -> int:
            return engine.plan(0, left, prices, PORTFOLIO).maintenance

        step = plan_whole(engine.parameters, plan, legs, prices, required, mode)
        if step.stage == 0:
            return STALE, None
        return CLOSED, Case(account, plan, legs, prices, step)

    def is_due(self, account: int, plan: Plan) -> bool:
        """At or below zero; or below close-out, with a clock that has run."""
        if plan.equity <= 0:
            return True
        if plan.equity * PPM >= plan.maintenance * self.engine.parameters.close_out:
            return False
        started = self.engine.flagged[account]
        return started != 0 and self.house.now >= started + self.parameters.reduce_after

    def fits(self, account: int, plan: Plan, legs: list[Leg], prices: list[Price]) -> bool:
        """Below close-out, and buckets take every leg that can go, but for less than a lot."""
        if self.backstop is None or self._is_bucket(account):
            return False
        if plan.equity * PPM >= plan.maintenance * self.engine.parameters.close_out:
            return False
        for leg, (_, _, size), price in zip(plan.legs, legs, prices, strict=False):
            taken = self.backstop.room(leg.market_id, size, price) if leg.usable else size
            if abs(size - taken) >= LOT:
                return False
        return True

    # -- resolution --------------------------------------------------------------------------

    def _resolve(self, cases: list[Case], keeper: int) -> None:
        """Close all cases as one."""
        batch = self.batch = Batch(cases)
        self.sources = []
        for case in batch.bankrupt:
            self._hand_collateral_over(case)
        if batch.shortfall:
            self._raise(batch)
        for market_id in batch.market_ids:
            self._close(batch, market_id)
        reserve = sum(case.step.reserve for case in cases)
        if reserve:
            self.house.pay(self.ADDRESS, batch.pivot.account, keeper, 0, reserve)
        if batch.shortfall:
            loss = self.house.write_off(self.ADDRESS, batch.pivot.account)
            if loss:
                self.sources.append(Source(DEFERRED, 0, 0, loss))
        for case in cases:
            if self.engine.flagged[case.account]:
                self.engine.flag(case.account)

    def _hand_collateral_over(self, case: Case) -> None:
        """The fund takes collateral and pays what it counts for in maintenance, from below zero."""
        house, account = self.house, case.account
        base, _ = house.portfolio(account)
        values = sum(
            size * price.price
            for (leg_id, _, size), price in zip(case.legs, case.prices, strict=True)
            if leg_id < COLLATERAL_IDS
        )
        reserve = sum(leg.reserve for leg in case.plan.legs)
        worth = case.plan.equity - (base + values // WAD - reserve)
        for token_id in (leg_id - 127 for leg_id, _, _ in case.legs if leg_id >= COLLATERAL_IDS):
            amount = house.collateral[account, token_id]
            house.pay(self.ADDRESS, account, house.fee_account, token_id, amount)
        if worth:
            house.pay(self.ADDRESS, house.fee_account, account, 0, worth)

    def _raise(self, batch: Batch) -> None:
        """Who pays the shortfall: the fund, then sides within their room; the rest is deferred."""
        self._claim(batch)
        claims = [batch.claims[key] for key in sorted(batch.claims)]
        total = batch.shortfall
        unclaimed = total - sum(claim.wanted for claim in claims)
        savings = self.house.ledger.accounts[self.house.fee_account].cash
        available = min(total, savings) if savings >= LEAST_SAVINGS else 0
        pivot = batch.pivot.account
        for market_id, claim in [(0, None), *((claim.market_id, claim) for claim in claims)]:
            wanted = claim.wanted if claim else unclaimed
            asked = wanted * available // total
            paid = self.cover(market_id, pivot, asked) if asked else 0
            if paid:
                self.sources.append(Source(FUND, market_id, claim.side if claim else 0, paid))
            if claim:
                claim.paid = paid
        missing = 0
        for claim in claims:
            claim.room = self._room_of(batch, claim)
            claim.charge = min(claim.wanted - claim.paid, claim.room)
            missing += claim.wanted - claim.paid - claim.charge
        for claim in claims:
            more = min(missing, claim.room - claim.charge)
            claim.charge += more
            missing -= more
            if claim.charge:
                self.sources.append(Source(CHARGED, claim.market_id, claim.side, claim.charge))

    def _claim(self, batch: Batch) -> None:
        """Split each shortfall over the sides that its legs stood against."""
        for case in batch.bankrupt:
            weights = case.weights()
            parts = split(case.shortfall, weights)
            for index, leg in enumerate(case.plan.legs):
                side = opposite(case.legs[index][2])
                claim = batch.claims.setdefault(
                    (leg.market_id, side),
                    Claim(leg.market_id, side, case.prices[index], leg.base),
                )
                claim.wanted += parts[index]

    def _room_of(self, batch: Batch, claim: Claim) -> int:
        """Gain since the EMA and base maintenance margin, of what is left of the side; or nothing.

        The lower of price and EMA sets the margin: a member that had its maintenance margin at the
        EMA keeps an equity of zero or more. A side below a minimum notional counts as empty.
        """
        left = self._left(batch, claim.market_id, claim.side)
        price = claim.price.price
        average = price * claim.price.ema_ratio // RATIO
        least = self.house.terms[claim.market_id].min_notional
        if left == 0 or left * price < least * WAD:
            return 0
        gain = max(0, price - average if claim.side == LONG else average - price)
        return left * gain // WAD + left * min(price, average) // WAD * claim.base // PPM

    # -- legs --------------------------------------------------------------------------------

    def _close(self, batch: Batch, market_id: int) -> None:
        """Take a market's legs out in one trade: accounts, then charged sides, then the bucket.

        Money is for size at the index, rounded down for who leaves; a batch member's shortfall and
        reserve pass through the pivot; whoever takes the rest gets what balances.
        """
        entries = batch.sizes(market_id)
        case, index, _ = entries[0]
        price = case.prices[index]
        net = sum(size for _, _, size in entries)
        taken = self._bucket_takes(batch, market_id, net, price)
        rest = net - taken
        against = opposite(net)
        # Where a bucket has taken all that the side has, the rest is what the sides parted by.
        reduces = rest != 0 and self._left(batch, market_id, against) > abs(taken)
        # The fee goes to who takes the legs, where all are netted to the fund.
        handed = bool(taken) or reduces
        fees = 0
        through_pivot = 0
        changes: list[Change] = []
        for case, index, size in entries:
            fee = case.fee_of(index)
            fees += fee
            passed = case.passed_on(index) if case is not batch.pivot else 0
            through_pivot += passed
            money = size * price.price // WAD - passed - (fee if handed else 0)
            changes.append(Change(case.account, -size, money, 0 if handed else fee, GATE_NONE))
        for side in (LONG, SHORT):
            charge = batch.charge(market_id, side)
            through_pivot += charge
            # Booked before the bucket buys anything back; with the reduction where there is none.
            if charge and not (reduces and taken == 0 and side == against):
                changes.append(Change(side, 0, -charge, 0, GATE_NONE))
        balance = -sum(change.money for change in changes) - through_pivot
        if taken:
            bucket = balance
            if reduces:
                bucket = fees * taken // net - ceil_div(taken * price.price, WAD)
            account = self.backstop.account(market_id) if self.backstop else 0
            changes.append(Change(account, taken, bucket, 0, GATE_NONE))
            balance -= bucket
        elif not reduces:
            # What netting rounded off, or what the sides have parted by, is the pivot's.
            through_pivot += balance
            balance = 0
        if rest:
            changes.append(Change(against, rest, balance, 0, GATE_NONE))
        self.house.trade(
            self.ADDRESS, market_id, self._with_pivot(changes, batch.pivot, through_pivot)
        )

    @staticmethod
    def _with_pivot(changes: list[Change], pivot: Case, money: int) -> list[Change]:
        """Money to the pivot, in its own change where it is a party."""
        for index, change in enumerate(changes):
            if change.account == pivot.account:
                given = change._replace(money=change.money + money)
                return [*changes[:index], given, *changes[index + 1 :]]
        return [*changes, Change(pivot.account, 0, money, 0, GATE_NONE)] if money else changes

    def _bucket_takes(self, batch: Batch, market_id: int, net: int, price: Price) -> int:
        """Of a signed size; a bucket does not take its own legs."""
        if net == 0 or self.backstop is None:
            return 0
        if any(self._is_bucket(case.account) for case, _, _ in batch.sizes(market_id)):
            return 0
        return self.backstop.take(self.ADDRESS, market_id, net, price)

    def _is_bucket(self, account: int) -> bool:
        return self.backstop is not None and account >> 96 == self.backstop.address

    def _left(self, batch: Batch, market_id: int, which: int) -> int:
        """Size of a side without the batch's own legs."""
        leaving = sum(
            abs(size) for _, _, size in batch.sizes(market_id) if (size > 0) == (which == LONG)
        )
        return max(0, self.house.ledger.markets[market_id].side(which).size - leaving)

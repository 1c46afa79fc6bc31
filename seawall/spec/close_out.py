"""Close-out of whole accounts without anybody's capital (protocol section 6, stages 2 to 6).

An account is *due* when it is bankrupt, with or without legs, or below close-out with a clock that
has run for `reduce_after`. All due accounts of a batch are valued first, then their legs are taken
out at the index, netted against each other, and what nobody takes is closed against the whole other
side of its market, pro rata, in O(1). A shortfall is paid by the insurance fund, then by the sides
that won in this move, up to a cap per unit, and the rest is deferred.

Rates are parts per million, money WAD. What a side is charged is booked before anything of it is
closed; members of the batch pay none of it: their legs are gone by then.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

from seawall.spec.backstop import Backstop
from seawall.spec.clearinghouse import Change
from seawall.spec.close_out_batch import Batch, Case, Claim, opposite
from seawall.spec.fixed_math import ceil_div
from seawall.spec.liquidation import LONGEST_CLOCK, LiquidationEngine
from seawall.spec.margin import COLLATERAL_IDS, Leg, Plan, Price
from seawall.spec.state import Table, require
from seawall.spec.step_plan import Step, dust_of, is_bankrupt, is_below_close_out, plan_whole
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

#: Stages: the insurance fund, what sides are charged, what is deferred.
FUND, CHARGED, DEFERRED = 4, 5, 6
CLOSED, HEALTHY, STALE, OWN_ACCOUNT, WAITING, ALONE = 0, 1, 2, 3, 4, 5
MAX_BATCH = 20
#: A fund with less is empty: to ask it would cost more than it has (WAD).
LEAST_SAVINGS = 10**12
#: Markets that a batch may span.
MAX_MARKETS = 24
#: Seconds: the fund's cash heals deferred losses at its size per period, a step's worth at once.
HEAL_PERIOD = 7 * 86_400
HEAL_STEP = 3_600
#: (account, [(market, amount)]) -> what was paid of each.
Cover = Callable[[int, list[tuple[int, int]]], list[int]]


class CloseOutParameters(NamedTuple):
    """Seconds on the clock after which positions above zero equity may be reduced."""

    reduce_after: int = 3_600


class Source(NamedTuple):
    """What one stage paid of a shortfall; market 0 where it stands for none."""

    stage: int
    market_id: int
    side: int
    amount: int


class CloseOut:
    """Executable specification of the contract on the specification's Clearinghouse.

    `cover(account, claims)` is the insurance fund.
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
        #: (account, most) -> what of its tickets is its cash again.
        self.recall: Callable[[int, int], int] = lambda account, most: 0
        self.healed_at: Table[int, int] = Table(self.house.journal, 0)
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

    def heal(self) -> int:
        """The fund's cash pays deferred losses down, at its size per week, an hour's worth at most.

        All at once, a deposit made for one transaction around a healing would take most of it.
        """
        house = self.house
        elapsed = min(house.now - self.healed_at[0], HEAL_STEP)
        healed = house.heal(self.ADDRESS, self._savings() * elapsed // HEAL_PERIOD)
        if healed:
            self.healed_at[0] = house.now
        return healed

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
        if not plan.legs:
            return self._look_at_debt(Case(account, plan, legs, prices, Step()))
        if engine.is_healthy(account):
            return HEALTHY, None
        if not self.is_due(account, plan, dust_of(plan, legs, prices)) and not (
            alone and self.fits(account, plan, legs, prices)
        ):
            return WAITING, None
        mode = self.house.ledger.accounts[account].mode

        def required(left: list[Leg]) -> int:
            return engine.plan(0, left, prices, PORTFOLIO).maintenance

        step = plan_whole(engine.parameters, plan, legs, prices, required, mode)
        if step.stage == 0:
            return STALE, None
        case = Case(account, plan, legs, prices, step)
        # What it lacks beside a silent leg is written off with that leg: until then it may stand in
        # for nobody, nor anybody for it.
        if not alone and case.is_bankrupt and not case.is_whole:
            return ALONE, None
        return CLOSED, self._recalled(case)

    def _look_at_debt(self, case: Case) -> tuple[int, Case | None]:
        """An account without legs is due below zero; the fund's own debt is its savers'.

        A silent feed counts at its last price: one wei of a token without a price hides no debt.
        """
        if case.plan.equity >= 0 or case.account == self.house.fee_account:
            return HEALTHY, None
        return CLOSED, self._recalled(case)

    def _recalled(self, case: Case) -> Case:
        """What it lacks is taken from what it wanted to take out first."""
        recalled = self.recall(case.account, case.shortfall) if case.shortfall else 0
        if not recalled:
            return case
        plan = case.plan
        better = plan._replace(
            equity=plan.equity + recalled, favourable_equity=plan.favourable_equity + recalled
        )
        return replace(case, plan=better)

    def is_due(self, account: int, plan: Plan, dust: int = 0) -> bool:
        """Below close-out, and bankrupt or with a clock that has run and is not void."""
        if not is_below_close_out(self.engine.parameters, plan):
            return False
        if is_bankrupt(plan, dust):
            return True
        started, now = self.engine.flagged[account], self.house.now
        return started + self.parameters.reduce_after <= now <= started + LONGEST_CLOCK

    def fits(self, account: int, plan: Plan, legs: list[Leg], prices: list[Price]) -> bool:
        """Below close-out, and buckets take every leg that can go, but for less than a lot."""
        if self.backstop is None or self._is_bucket(account):
            return False
        if not is_below_close_out(self.engine.parameters, plan):
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
        for case in batch.bankrupt:
            # Its debt passes to the pivot with its last leg; where it has none, so.
            if not case.plan.legs and case is not batch.pivot:
                debt = case.shortfall
                self.house.pay(self.ADDRESS, batch.pivot.account, case.account, 0, debt)
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
        available = min(total, self._savings())
        # Where its money is short, in proportion to all claims.
        asked = [(0, unclaimed)] + [(claim.market_id, claim.wanted) for claim in claims]
        asked = [(market_id, wanted * available // total) for market_id, wanted in asked]
        paid = self.cover(batch.pivot.account, asked) if available else [0] * len(asked)
        self._note(FUND, 0, 0, paid[0])
        for claim, amount in zip(claims, paid[1:], strict=True):
            claim.paid = amount
            self._note(FUND, claim.market_id, claim.side, amount)
        self._charge(batch, claims)

    def _savings(self) -> int:
        """What the fund can pay."""
        cash = self.house.ledger.accounts[self.house.fee_account].cash
        return cash if cash >= LEAST_SAVINGS else 0

    def _charge(self, batch: Batch, claims: list[Claim]) -> None:
        """Sides pay what the fund leaves, up to their caps.

        A side pays for as much size as bankrupt legs stood against it: nobody pays for a crash
        elsewhere because a dollar was bet against him, and all closes of one move together ask no
        more of a side than its cap. What a side cannot pay is asked of the others in proportion to
        what they have left.
        """
        missing, spare = 0, []
        for claim in claims:
            left = self._left(batch, claim.market_id, claim.side)
            wanted, cap = claim.wanted - claim.paid, self._cap_of(claim, left)
            claim.charge = min(wanted, cap)
            missing += wanted - claim.charge
            spare.append(cap - claim.charge)
        free = sum(spare)
        missing = min(missing, free)
        for claim, room in zip(claims, spare, strict=True):
            more = missing * room // free if free else 0
            missing, free = missing - more, free - room
            claim.charge += more
            self._note(CHARGED, claim.market_id, claim.side, claim.charge)

    def _note(self, stage: int, market_id: int, side: int, amount: int) -> None:
        if amount:
            self.sources.append(Source(stage, market_id, side, amount))

    def _claim(self, batch: Batch) -> None:
        """Split each shortfall over the sides that its legs stood against."""
        for case in batch.bankrupt:
            parts = case.claims()
            for index, leg in enumerate(case.plan.legs):
                if not leg.usable:
                    continue
                size = case.legs[index][2]
                side = opposite(size)
                claim = batch.claims.setdefault(
                    (leg.market_id, side),
                    Claim(leg.market_id, side, case.prices[index], leg.base),
                )
                claim.wanted += parts[index]
                claim.against += abs(size)

    def _cap_of(self, claim: Claim, left: int) -> int:
        """Gain since the EMA and base maintenance margin of the size that bankrupt legs stood
        against, at most all of the side.

        The lower of price and EMA sets the margin: a member that had its maintenance margin at the
        EMA keeps an equity of zero or more. A side below a minimum notional counts as empty.
        """
        price = claim.price.price
        average = price * claim.price.ema_ratio // RATIO
        least = self.house.terms[claim.market_id].min_notional
        if left == 0 or left * price < least * WAD:
            return 0
        size = min(claim.against, left)
        gain = max(0, price - average if claim.side == LONG else average - price)
        return size * gain // WAD + size * min(price, average) // WAD * claim.base // PPM

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
        # Fees go to who takes legs; of what is netted to the fund.
        gross = sum(abs(size) for _, _, size in entries)
        handed = abs(net) if taken or reduces else 0
        fees = 0
        through_pivot = 0
        changes: list[Change] = []
        for case, index, size in entries:
            fee = case.fee_of(index)
            to_taker = fee * handed // gross if gross else 0
            fees += to_taker
            passed = case.passed_on(index) if case is not batch.pivot else 0
            through_pivot += passed
            money = size * price.price // WAD - passed - to_taker
            changes.append(Change(case.account, -size, money, fee - to_taker, GATE_NONE))
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

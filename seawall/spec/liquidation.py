"""Liquidation of accounts above zero (protocol section 6, stage 1, and slices of stage 2).

To keepers with margin: a slice of one leg while close-out <= h < 1, all legs below. To buckets of
the Backstop, where no keeper came for a while: slices. What is at or below zero is
`seawall.spec.close_out`'s. Rates are parts per million, money WAD. Sizes of slices round up to a
lot, fees round down.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from seawall.spec.backstop import Backstop
from seawall.spec.clearinghouse import Change, Clearinghouse
from seawall.spec.margin import Leg, Plan, Price
from seawall.spec.state import Table, require
from seawall.spec.step_plan import (
    BANKRUPT,
    GRACE,
    NOTHING,
    PARTIAL,
    WHOLE,
    EngineParameters,
    Step,
    best_leg,
    dust_of,
    fraction_of,
    is_bankrupt,
    is_below_close_out,
    is_healthy,
    plan_partial,
    plan_slice_of_all,
    plan_whole,
    sign,
)
from seawall.spec.words import (
    GATE_INITIAL,
    GATE_MARGIN_RULE,
    GATE_NONE,
    IN_GRACE,
    MAX_UINT256,
    PORTFOLIO,
    WAD,
)

LIQUIDATED, HEALTHY, STALE, OWN_ACCOUNT, INSOLVENT, SPARED = 0, 1, 2, 3, 4, 5
#: Seconds after which a clock is void: what began it may be long over.
LONGEST_CLOCK = 86_400
#: Seconds on the clock before buckets take slices: keepers with margin come first.
BACKSTOP_AFTER = 600


_STATUS = {NOTHING: STALE, PARTIAL: LIQUIDATED, WHOLE: LIQUIDATED}
_STATUS |= {BANKRUPT: INSOLVENT, GRACE: SPARED}
#: Why a step that does nothing is refused.
REFUSALS = {
    NOTHING: "liquidation: price stale",
    BANKRUPT: "liquidation: bankrupt",
    GRACE: "liquidation: in grace",
}


class LiquidationEngine:
    """Executable specification of the engine on the specification's Clearinghouse."""

    ADDRESS = "engine"

    def __init__(self, clearinghouse: Clearinghouse, parameters: EngineParameters) -> None:
        self.clearinghouse = clearinghouse
        self.parameters = parameters
        self.flagged: Table[int, int] = Table(clearinghouse.journal, 0)
        #: Whose buckets take slices; given after it is made.
        self.backstop: Backstop | None = None
        self._caller = 0

    @contextmanager
    def _called_by(self, account: int) -> Iterator[None]:
        """One transaction of an account's owner."""
        self._caller = account >> 96
        with self.clearinghouse.journal.transaction():
            yield

    def situation(self, account: int) -> tuple[Plan, list[Leg], list[Price]]:
        base, legs = self.clearinghouse.portfolio(account)
        held = self.clearinghouse.ledger.accounts[account]
        prices = self.clearinghouse.refresh(held.bitmap)
        plan = self.plan(base, legs, prices, held.mode)
        return plan, legs, prices

    def plan(self, base: int, legs: list[Leg], prices: list[Price], mode: int) -> Plan:
        return self.clearinghouse.model.plan(base, legs, prices, self.clearinghouse.now, mode)

    def plan_step(self, account: int, limit: int = MAX_UINT256, whole: bool = True) -> Step:
        """What `liquidate` would do; stage 0 for a healthy account or one without usable legs.

        Not `whole`: a slice however far below maintenance margin the account is.
        """
        plan, legs, prices = self.situation(account)
        if is_healthy(plan):
            return Step()
        mode = self.clearinghouse.ledger.accounts[account].mode

        def required(left: list[Leg]) -> int:
            return self.plan(0, left, prices, PORTFOLIO).maintenance

        is_low = is_below_close_out(self.parameters, plan)
        if is_low and is_bankrupt(plan, dust_of(plan, legs, prices)):
            return Step(BANKRUPT)
        if is_low and whole:
            step = plan_whole(self.parameters, plan, legs, prices, required, mode)
            # A keeper who cannot take all takes a slice, and so does one where closing all beside a
            # leg without a usable price would not help.
            if step.stage and step.notional <= limit:
                return step
        if not is_low and any(price.flags & IN_GRACE for price in prices):
            # Deposits and reductions come first.
            return Step(GRACE)
        if mode & PORTFOLIO:
            return plan_slice_of_all(self.parameters, plan, legs, prices, required, limit)
        minimum = {
            leg.market_id: self.clearinghouse.terms[leg.market_id].min_notional for leg in plan.legs
        }
        return plan_partial(self.parameters, plan, legs, prices, minimum, limit)

    def is_healthy(self, account: int) -> bool:
        """Whether the favourable ends leave the account at or above maintenance margin."""
        plan, _, _ = self.situation(account)
        return is_healthy(plan)

    def liquidate(
        self, account: int, keeper: int, limit: int = MAX_UINT256, actor: int | None = None
    ) -> Step:
        """One step, the keeper's gate at its end; raises what the contract reverts with.

        `actor` is who calls, by default the keeper account's owner.
        """
        with self._called_by(keeper if actor is None else actor << 96):
            require(account != keeper, "liquidation: own account")
            require(not self.is_healthy(account), "liquidation: healthy")
            step = self.plan_step(account, limit)
            require(step.stage not in REFUSALS, REFUSALS.get(step.stage, ""))
            allowed = step.stage == WHOLE or step.notional != 0
            require(allowed and step.notional <= limit, "liquidation: over limit")
            self._execute(account, keeper, step, gated=True)
            return step

    def liquidate_many(
        self, accounts: list[int], keeper: int, actor: int | None = None
    ) -> list[int]:
        """A step each, the keeper's gate once at the end; a status each."""
        with self._called_by(keeper if actor is None else actor << 96):
            statuses, last_market = [], 0
            for account in accounts:
                step = Step()
                if account == keeper:
                    statuses.append(OWN_ACCOUNT)
                elif self.is_healthy(account):
                    statuses.append(HEALTHY)
                else:
                    step = self.plan_step(account)
                    statuses.append(_STATUS[step.stage])
                if step.stage in (PARTIAL, WHOLE):
                    last_market = self._execute(account, keeper, step, gated=False)
            if last_market:
                gate = Change(keeper, 0, 0, 0, GATE_INITIAL)
                self.clearinghouse.trade(self.ADDRESS, last_market, [gate])
            return statuses

    def hand_to_backstop(self, account: int, keeper: int) -> Step:
        """A slice to buckets of the Backstop, once its clock has run; returns what was done.

        The caller needs no margin; he gets the keeper's share of the fee and the reserve in cash,
        the buckets the rest of it. In standard mode the slice is what the best leg's bucket has
        room for, in portfolio mode all of it or nothing: hedges stay matched.
        """
        with self._called_by(keeper):
            require(account != keeper, "liquidation: own account")
            require(keeper >> 96 != 0, "account: unknown")
            plan, legs, prices = self.situation(account)
            require(not is_healthy(plan), "liquidation: healthy")
            require(self._waited(account), "liquidation: not due")
            step = self.plan_step(account, self._room_of_best(account, plan, legs, prices), False)
            require(step.stage not in REFUSALS, REFUSALS.get(step.stage, ""))
            sizes = self._sizes_of(account, step)
            fits = step.notional and all(
                self._room(one, size, price) == size for one, size, price in sizes
            )
            require(bool(fits), "liquidation: bucket full")
            self._hand_over(account, keeper, step, sizes)
            if self.flagged[account]:
                self.flag(account)
            return step

    def _waited(self, account: int) -> bool:
        """Whether a clock has run for BACKSTOP_AFTER and is not void."""
        started, now = self.flagged[account], self.clearinghouse.now
        return started + BACKSTOP_AFTER <= now <= started + LONGEST_CLOCK

    def _room(self, market_id: int, size: int, price: Price) -> int:
        return self.backstop.room(market_id, size, price) if self.backstop else 0

    def _room_of_best(self, account: int, plan: Plan, legs: list[Leg], prices: list[Price]) -> int:
        """Notional of the best leg that its bucket has room for; no limit in portfolio mode."""
        index = best_leg(plan.legs)
        if self.clearinghouse.ledger.accounts[account].mode & PORTFOLIO or index is None:
            return MAX_UINT256
        market_id, _, size = legs[index]
        return abs(self._room(market_id, size, prices[index])) * prices[index].price // WAD

    def _sizes_of(self, account: int, step: Step) -> list[tuple[int, int, Price]]:
        """Market, signed size and price of what a slice takes of each leg."""
        plan, legs, prices = self.situation(account)
        found = []
        for index, leg in enumerate(plan.legs):
            _, _, size = legs[index]
            if step.market_id:
                size = sign(size) * step.size if leg.market_id == step.market_id else 0
            else:
                size = fraction_of(size, step.size) if leg.usable else 0
            if size:
                found.append((leg.market_id, size, prices[index]))
        return found

    def _hand_over(
        self, account: int, keeper: int, step: Step, sizes: list[tuple[int, int, Price]]
    ) -> None:
        """A bucket takes each leg's slice for the index and its part of the fee, by notional."""
        assert self.backstop is not None
        plan, _, _ = self.situation(account)
        reserves = {leg.market_id: leg.reserve for leg in plan.legs}
        left, left_of_share = step.fee, step.keeper_fee
        for number, (market_id, size, price) in enumerate(sizes):
            notional = abs(size) * price.price // WAD
            fee = step.fee * notional // step.notional
            share = step.keeper_fee * notional // step.notional
            if number == len(sizes) - 1:
                fee, share = left, left_of_share
            left, left_of_share = left - fee, left_of_share - share
            reserve = reserves[market_id] if step.reserve else 0
            money = size * price.price // WAD
            self.backstop.take(self.ADDRESS, market_id, size, price)
            bucket = self.backstop.account(market_id)
            changes = [
                Change(account, -size, money - fee - reserve, 0, GATE_NONE),
                Change(bucket, size, fee - share - money, 0, GATE_NONE),
                Change(keeper, 0, share + reserve, 0, GATE_NONE),
            ]
            self.clearinghouse.trade(self.ADDRESS, market_id, changes)

    def _execute(self, account: int, keeper: int, step: Step, gated: bool) -> int:
        """Move the legs; the fee and the gate come with the last one. Returns its market."""
        if step.stage == PARTIAL and step.market_id:
            market_id = step.market_id
            sizes = {leg_id: size for leg_id, _, size in self.clearinghouse.portfolio(account)[1]}
            size = step.size if sizes[market_id] > 0 else -step.size
            gate = GATE_MARGIN_RULE if gated else GATE_NONE
            self._take(account, keeper, market_id, size, step.price, step, gate)
        else:
            fraction = step.size if step.stage == PARTIAL else WAD
            market_id = self._execute_all(account, keeper, step, fraction, gated)
        if self.flagged[account]:
            self.flag(account)
        return market_id

    def _execute_all(
        self, account: int, keeper: int, step: Step, fraction: int, gated: bool
    ) -> int:
        """Hand a fraction of all usable legs over; returns the market of the last."""
        plan, legs, prices = self.situation(account)
        sizes = [fraction_of(legs[index][2], fraction) for index in range(len(plan.legs))]
        moved = [
            index
            for index, leg in enumerate(plan.legs)
            if leg.usable and (sizes[index] or fraction == WAD)
        ]
        for index in moved:
            last = index == moved[-1]
            reserve = plan.legs[index].reserve if fraction == WAD else 0
            part = (step if last else Step())._replace(reserve=reserve)
            gate = GATE_INITIAL if gated and last else GATE_NONE
            market_id, _, _ = legs[index]
            self._take(account, keeper, market_id, sizes[index], prices[index].price, part, gate)
        return legs[moved[-1]][0]

    def _take(
        self,
        account: int,
        keeper: int,
        market_id: int,
        size: int,
        price: int,
        step: Step,
        gate: int,
    ) -> None:
        """Hand a signed size over at the index; the account pays fee and reserve."""
        allowed = self.clearinghouse.may_act(keeper, self._caller, market_id, size)
        require(allowed, "account: not yours")
        money = size * price // WAD
        to_keeper = step.keeper_fee + step.reserve
        changes = [
            Change(account, -size, money - to_keeper, step.fee - step.keeper_fee, GATE_NONE),
            Change(keeper, size, to_keeper - money, 0, gate),
        ]
        self.clearinghouse.trade(self.ADDRESS, market_id, changes)

    def flag(self, account: int) -> int:
        """Start the clock below MM at the favourable ends, clear it at or above MM at the index.

        Between the two, as while a feed is silent, a clock neither starts nor stops. One that is
        void starts anew: nobody needs to have stopped it when its account recovered.
        """
        plan, _, _ = self.situation(account)
        void = self.clearinghouse.now > self.flagged[account] + LONGEST_CLOCK
        if not plan.legs or plan.equity >= plan.maintenance:
            self.flagged[account] = 0
        elif void and not is_healthy(plan):
            self.flagged[account] = self.clearinghouse.now
        return self.flagged[account]

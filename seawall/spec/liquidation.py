"""Liquidation of accounts above zero (protocol section 6, stage 1, and slices of stage 2).

To keepers with margin: a slice of one leg while close-out <= h < 1, all legs below. To buckets of
the Backstop, where no keeper came for a while: slices. What is at or below zero is
`seawall.spec.close_out`'s. Rates are parts per million, money WAD. Sizes of slices round up to a
lot, fees round down.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

from seawall.spec.backstop import Backstop
from seawall.spec.clearinghouse import Change, Clearinghouse
from seawall.spec.fixed_math import ceil_div
from seawall.spec.margin import Leg, Plan, PlannedLeg, Price
from seawall.spec.risk import size_factor
from seawall.spec.state import Table, require
from seawall.spec.words import (
    GATE_INITIAL,
    GATE_MARGIN_RULE,
    GATE_NONE,
    IN_GRACE,
    LOT,
    MAX_UINT256,
    PORTFOLIO,
    PPM,
    WAD,
)

#: What a step does; nothing of it where an account is bankrupt, or a slice has to wait.
NOTHING, PARTIAL, WHOLE, BANKRUPT, GRACE = 0, 1, 2, 3, 4
LIQUIDATED, HEALTHY, STALE, OWN_ACCOUNT, INSOLVENT, SPARED = 0, 1, 2, 3, 4, 5
#: Off the grid a close may lose a few wei to rounding; the fee leaves room so that h never falls.
ROUNDING_WEI = 4
#: Seconds after which a clock is void: what began it may be long over.
LONGEST_CLOCK = 86_400
#: Seconds on the clock before buckets take slices: keepers with margin come first.
BACKSTOP_AFTER = 600
#: How often a slice beside a leg without a usable price is halved until it helps.
HALVINGS = 6
#: Newton steps towards the size of a slice; each doubles the digits.
NEWTON_STEPS = 5


class EngineParameters(NamedTuple):
    """Target buffer b, penalty at h = 1 and at close-out, kappa, the keeper's share."""

    target_buffer: int = 100_000
    penalty_min: int = 5_000
    penalty_max: int = 10_000
    close_out: int = 666_667
    keeper_share: int = 500_000


class Step(NamedTuple):
    """What one step does; market 0 and size 0 where it spans several markets."""

    stage: int = NOTHING
    market_id: int = 0
    size: int = 0
    price: int = 0
    notional: int = 0
    fee: int = 0
    keeper_fee: int = 0
    reserve: int = 0


def penalty(parameters: EngineParameters, equity: int, maintenance: int) -> int:
    """pi: linear in h from penalty_min at h = 1 to penalty_max at close-out, rounded down."""
    span = parameters.penalty_max - parameters.penalty_min
    depth = max(maintenance - equity, 0) * PPM
    slope = maintenance * (PPM - parameters.close_out)
    return parameters.penalty_min + min(span, span * depth // slope)


def eased(pi: int, plan: Plan) -> int:
    """pi in portfolio mode: pi * min(1, M / what its legs need in standard mode), rounded down.

    A hedge needs less margin than its notional: so a margin released costs at most what it costs in
    standard mode, with legs of the mean rate.
    """
    standard = sum(leg.notional * leg.rate for leg in plan.legs) // PPM
    return pi * plan.maintenance // standard if plan.maintenance < standard else pi


def needed_notional(
    parameters: EngineParameters, equity: int, maintenance: int, leg: PlannedLeg, pi: int
) -> int | None:
    """x = ((1 + b) M - E) / ((1 + b) m - pi), rounded up; None where no size reaches the target.

    m is what a notional of the slice releases. Where that falls with the size of the leg, Newton's
    steps from the left use the rate at the margin, which is larger than the mean over what is
    left to take: they never close more than the target needs.
    """
    goal = PPM + parameters.target_buffer
    taken = 0
    for _ in range(NEWTON_STEPS):
        left = leg.notional - taken
        released = leg.notional * leg.rate - left * leg.rate_at(left * WAD)
        missing = goal * (maintenance * PPM - released) - (equity * PPM - pi * taken) * PPM
        if missing <= 0:
            return taken
        divisor = goal * marginal_rate(leg, left) - pi * PPM
        if divisor <= 0:
            return None
        taken += ceil_div(missing, divisor)
        if taken >= leg.notional:
            return None
        if not is_sized(leg, left):
            return taken
    return taken


def is_sized(leg: PlannedLeg, notional: int) -> bool:
    """Whether the size of a leg sets its rate."""
    return size_factor(notional * WAD, leg.depth) > leg.flat


def marginal_rate(leg: PlannedLeg, notional: int) -> int:
    """d(margin) / d(notional), or above it: a square root's is three halves of its mean."""
    rate = leg.rate_at(notional * WAD)
    return ceil_div(rate * 3, 2) if is_sized(leg, notional) else rate


def capped_fee(
    pi: int, notional: int, equity: int, maintenance: int, left: int, legs: int = 1
) -> int:
    """min(pi * notional, E - ceil(E * M' / M)): the most that keeps E / M from falling."""
    if equity <= 0:
        return 0
    room = equity - -(-equity * left // maintenance) - ROUNDING_WEI * legs
    return max(0, min(pi * notional // PPM, room))


def dust_of(plan: Plan, legs: list[Leg], prices: list[Price]) -> int:
    """What a whole close may lose to rounding, WAD: legs off the lot lose up to a unit of size."""
    sized = list(zip(legs, prices, strict=True))[: len(plan.legs)]
    if all(size % LOT == 0 for (_, _, size), _ in sized):
        return 0
    return sum(price.price // WAD + ROUNDING_WEI for _, price in sized)


def is_below_close_out(parameters: EngineParameters, plan: Plan) -> bool:
    """h < kappa."""
    return plan.equity * PPM < plan.maintenance * parameters.close_out


def is_bankrupt(plan: Plan, dust: int) -> bool:
    """At or below zero once its legs are closed."""
    return plan.equity < max(1, dust)


def best_leg(planned: tuple[PlannedLeg, ...]) -> int | None:
    """The usable leg that releases most margin per notional, the larger one on a tie."""
    best: int | None = None
    for index, leg in enumerate(planned):
        if not leg.usable or leg.notional == 0:
            continue
        if best is None or (leg.rate, leg.notional) > (planned[best].rate, planned[best].notional):
            best = index
    return best


def slice_size(size: int, price: int, notional: int | None, minimum: int, limit: int) -> int:
    """Absolute size to close: the needed notional up to a lot, whole when the rest would be dust.

    0 where `limit` (notional) allows nothing.
    """
    held = abs(size)
    taken = held
    if notional is not None:
        taken = min(held, -(-notional * WAD // (price * LOT)) * LOT)
    if taken < held and (held - taken) * price < minimum * WAD:
        taken = held
    if taken * price > limit * WAD:
        taken = limit * WAD // (price * LOT) * LOT
        if taken == 0 or (held - taken) * price < minimum * WAD:
            return 0
    return taken


def plan_partial(
    parameters: EngineParameters,
    plan: Plan,
    legs: list[Leg],
    prices: list[Price],
    minimum_of: dict[int, int],
    limit: int,
) -> Step:
    """One slice of one leg; an empty step where no leg is usable or the limit allows nothing."""
    index = best_leg(plan.legs)
    if index is None:
        return Step()
    leg, (_, _, size), price = plan.legs[index], legs[index], prices[index].price
    pi = penalty(parameters, plan.equity, plan.maintenance)
    wanted = needed_notional(parameters, plan.equity, plan.maintenance, leg, pi)
    taken = slice_size(size, price, wanted, minimum_of[leg.market_id], limit)
    if taken == 0:
        return Step(stage=PARTIAL, market_id=leg.market_id)
    notional = taken * price // WAD
    # The model rounds the sum of legs up once: less what the slice releases is enough.
    rest = (abs(size) - taken) * price
    released = abs(size) * price * leg.rate - rest * leg.rate_at(rest)
    left = plan.maintenance - released // (WAD * PPM)
    fee = capped_fee(pi, notional, plan.equity, plan.maintenance, left)
    reserve = leg.reserve if taken == abs(size) else 0
    return Step(
        PARTIAL, leg.market_id, taken, price, notional, fee,
        fee * parameters.keeper_share // PPM, reserve,
    )  # fmt: skip


def needed_fraction(parameters: EngineParameters, plan: Plan, pi: int, limit: int) -> int:
    """phi = ((1 + b) M - E) / ((1 + b) (M + S / 2) - pi N), rounded up, within the limit: WAD.

    Margin falls in proportion to the legs, but for S, what legs need whose size sets their rate: a
    power of three halves. So this is Newton's step from the left: never more than the target needs.
    """
    usable = [leg for leg in plan.legs if leg.usable]
    notional = sum(leg.notional for leg in usable)
    sized = sum(leg.notional * leg.rate for leg in usable if is_sized(leg, leg.notional))
    goal = PPM + parameters.target_buffer
    steepest = plan.maintenance + ceil_div(sized, 2 * PPM)
    divisor = goal * steepest - pi * notional
    fraction = WAD
    if divisor > 0:
        missing = goal * plan.maintenance - PPM * plan.equity
        fraction = min(WAD, ceil_div(missing * WAD, divisor))
    return min(fraction, limit * WAD // notional) if notional else fraction


def fraction_of(size: int, fraction: int) -> int:
    """What a slice of a fraction takes of a leg, rounded down to a lot unless it takes all."""
    return size if fraction == WAD else abs(size) * fraction // WAD // LOT * LOT * sign(size)


def sign(number: int) -> int:
    """1, 0 or -1."""
    return (number > 0) - (number < 0)


def after_slice(plan: Plan, legs: list[Leg], fraction: int) -> list[Leg]:
    """The legs after a slice of all usable ones."""
    left = list(legs)
    for index, leg in enumerate(plan.legs):
        leg_id, interest, size = legs[index]
        if leg.usable:
            left[index] = (leg_id, interest, size - fraction_of(size, fraction))
    return left


def plan_slice_of_all(
    parameters: EngineParameters,
    plan: Plan,
    legs: list[Leg],
    prices: list[Price],
    required: Callable[[list[Leg]], int],
    limit: int,
) -> Step:
    """The same fraction of every leg, so that hedges stay matched; `size` is the fraction.

    Beside a leg without a usable price margin need not fall along the fraction: the half of it is
    tried, and its half, HALVINGS times. Where no slice helps: all legs, or nothing where that does
    not either. `required` answers what other legs need in portfolio mode.
    """
    usable = [leg for leg in plan.legs if leg.usable]
    if not usable:
        return Step()
    pi = eased(penalty(parameters, plan.equity, plan.maintenance), plan)
    fraction = needed_fraction(parameters, plan, pi, limit)
    halvings = HALVINGS if len(usable) < len(plan.legs) else 0
    for attempt in (*(fraction >> number for number in range(halvings + 1)), WAD):
        left = after_slice(plan, legs, attempt)
        taken = sum(
            abs(before[2] - after[2]) * price.price // WAD
            for before, after, price in zip(legs, left, prices, strict=True)
        )
        margin = required(left)
        if margin < plan.maintenance:
            break
    else:
        return Step()
    if taken > limit:
        taken = 0
    fee = capped_fee(pi, taken, plan.equity, plan.maintenance, margin, len(usable))
    reserve = sum(leg.reserve for leg in usable) if attempt == WAD else 0
    share = fee * parameters.keeper_share // PPM
    return Step(PARTIAL, 0, attempt, 0, taken, fee, share, reserve)


def plan_whole(
    parameters: EngineParameters,
    plan: Plan,
    legs: list[Leg],
    prices: list[Price],
    required: Callable[[list[Leg]], int],
    mode: int,
) -> Step:
    """All usable legs at once.

    Nothing where that leaves a solvent account with more margin to keep, which a hedge of a leg
    without a usable price does: h would fall.
    """
    usable = [leg for leg in plan.legs if leg.usable]
    if not usable:
        return Step()
    notional = sum(leg.notional for leg in usable)
    pi, left = parameters.penalty_max, 0
    if mode & PORTFOLIO:
        pi = eased(pi, plan)
    if len(usable) < len(plan.legs):
        # The model rounds the sum of legs up once: less what the close releases is enough.
        left = plan.maintenance - sum(leg.notional * leg.rate for leg in usable) // PPM
        if mode & PORTFOLIO:
            left = required(after_slice(plan, legs, WAD))
    if plan.equity > 0 and left > plan.maintenance:
        return Step()
    fee = capped_fee(pi, notional, plan.equity, plan.maintenance, left)
    fee = max(0, min(fee, plan.equity - dust_of(plan, legs, prices)))
    share = fee * parameters.keeper_share // PPM
    return Step(
        stage=WHOLE, notional=notional, fee=fee, keeper_fee=share,
        reserve=sum(leg.reserve for leg in usable),
    )  # fmt: skip


def _is_healthy(plan: Plan) -> bool:
    """Without market legs, or at or above maintenance margin at the favourable ends."""
    return not plan.legs or plan.favourable_equity >= plan.favourable_maintenance


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
        if _is_healthy(plan):
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
        return _is_healthy(plan)

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
            require(not _is_healthy(plan), "liquidation: healthy")
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
        elif void and not _is_healthy(plan):
            self.flagged[account] = self.clearinghouse.now
        return self.flagged[account]

"""The due accounts of one close-out, and what each leg brings (`modules/close_out_batch.vy`)."""

from __future__ import annotations

from dataclasses import dataclass, field

from seawall.spec.margin import Leg, Plan, Price
from seawall.spec.step_plan import Step, dust_of, is_bankrupt
from seawall.spec.words import LONG, RATIO, SHORT, WAD


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


@dataclass
class Case:
    """An account of a batch as it was found; without legs its step is empty."""

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
    def is_bankrupt(self) -> bool:
        """At or below zero once its legs are closed."""
        return is_bankrupt(self.plan, dust_of(self.plan, self.legs, self.prices))

    @property
    def shortfall(self) -> int:
        """What it lacks once its legs are closed, and what that may lose to rounding.

        Beside a leg that stays only what is missing at its favourable end is certain; the rest is
        known when that leg goes.
        """
        if not self.is_bankrupt:
            return 0
        if not self.is_whole:
            return max(0, -self.plan.favourable_equity)
        return dust_of(self.plan, self.legs, self.prices) - self.plan.equity

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

    def claims(self) -> list[int]:
        """The shortfall, split over the sides that the legs that go stood against.

        Who won in this move is asked first: weights max(0, -size * (P - EMA)), none for more than
        it won. What was missing before it is split by the notionals of the legs.
        """
        won = []
        for leg, (_, _, size), price in zip(self.plan.legs, self.legs, self.prices, strict=False):
            average = price.price * price.ema_ratio // RATIO
            won.append(max(0, -size * (price.price - average)) // WAD if leg.usable else 0)
        of_move = min(self.shortfall, sum(won))
        recent = split(of_move, won)
        notionals = [leg.notional if leg.usable else 0 for leg in self.plan.legs]
        older = split(self.shortfall - of_move, notionals)
        return [one + other for one, other in zip(recent, older, strict=True)]


@dataclass
class Claim:
    """What a side is asked for: `wanted` of it, `paid` by the fund, `charge` by it.

    `against` is the size of the bankrupt legs that stood against the side.
    """

    market_id: int
    side: int
    price: Price
    base: int
    against: int = 0
    wanted: int = 0
    paid: int = 0
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

"""P4 as a function: while an account is below maintenance margin a step is open; stepping ends.

`step_until_quiet` looks at the specification and acts through hands: on the specification alone
(:class:`SpecHands`), or on a chain beside it. Nothing is assumed of the fund, of buckets, of who is
on a side, of limits or of an operator: a keeper with margin takes slices, anybody closes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Protocol

from seawall.spec.close_out import CloseOut
from seawall.spec.margin import Plan
from seawall.spec.step_plan import dust_of, is_below_close_out

#: Rounds of one step for everybody below. One slice mostly does; where it closes a leg for its rest
#: or beside legs whose rates differ, the next follows; a price never moves in between.
ROUNDS = 24


class NotQuietError(Exception):
    """Accounts are below maintenance margin after all rounds."""


class Hands(Protocol):
    """Who acts; every call must succeed."""

    def flag(self, account: int) -> None:
        """Start an account's clock."""

    def wait(self, seconds: int) -> None:
        """Let clocks run; prices are known afterwards, and the same."""

    def close_out(self, account: int) -> None:
        """Close it whole."""

    def liquidate(self, account: int, plan: Plan) -> None:
        """Take a slice into an account with margin."""


class SpecHands:
    """Acts on the specification alone; `keeper` has margin for everything."""

    def __init__(self, closer: CloseOut, keeper: int) -> None:
        self._closer, self._keeper = closer, keeper

    def flag(self, account: int) -> None:
        """Start an account's clock."""
        self._closer.engine.flag(account)

    def wait(self, seconds: int) -> None:
        """The specification's time passes."""
        self._closer.house.now += seconds

    def close_out(self, account: int) -> None:
        """Close it whole."""
        self._closer.close_out(account, self._keeper)

    def liquidate(self, account: int, plan: Plan) -> None:
        """Take a slice."""
        self._closer.engine.liquidate(account, self._keeper)


def below(closer: CloseOut, accounts: Iterable[int], bears: Callable[[Plan], bool]) -> list[int]:
    """Accounts with legs below maintenance margin, or without legs below zero.

    Where nobody `bears` a slice there is no keeper with margin: such a book waits until it is below
    close-out.
    """
    found = []
    for account in accounts:
        plan, _, _ = closer.engine.situation(account)
        if not plan.legs:
            if plan.equity < 0 and account != closer.house.fee_account:
                found.append(account)
        elif not closer.engine.is_healthy(account) and (
            is_below_close_out(closer.engine.parameters, plan) or bears(plan)
        ):
            found.append(account)
    return found


def step_until_quiet(
    closer: CloseOut,
    accounts: Callable[[], Iterable[int]],
    hands: Hands,
    bears: Callable[[Plan], bool] = lambda plan: True,
    rounds: int = ROUNDS,
) -> int:
    """Take steps until nobody is below; how many it took. Errors: NotQuietError.

    `accounts` are asked for anew each round: keepers join them.
    """
    steps = 0
    for _ in range(rounds):
        low = below(closer, accounts(), bears)
        if not low:
            return steps
        _let_clocks_run(closer, low, hands)
        for account in low:
            # A step of somebody else may have helped.
            if below(closer, [account], bears):
                steps += _step(closer, account, hands)
    if low := below(closer, accounts(), bears):
        raise NotQuietError([hex(one) for one in low])
    return steps


def _is_waiting(closer: CloseOut, account: int) -> bool:
    """Below close-out, above zero, and its clock has not run."""
    plan, legs, prices = closer.engine.situation(account)
    if not plan.legs or not is_below_close_out(closer.engine.parameters, plan):
        return False
    return not closer.is_due(account, plan, dust_of(plan, legs, prices))


def _let_clocks_run(closer: CloseOut, low: list[int], hands: Hands) -> None:
    """Of whoever waits: all at once, so that none is void before the last has run."""
    waiting = [account for account in low if _is_waiting(closer, account)]
    for account in waiting:
        hands.flag(account)
    if waiting:
        hands.wait(closer.parameters.reduce_after + 1)


def _step(closer: CloseOut, account: int, hands: Hands) -> bool:
    """The step that is open: a close for who is due, else a slice to a keeper with margin.

    False where the clock has yet to run: a charge brought the account down in this round.
    """
    if _is_waiting(closer, account):
        return False
    plan, _, _ = closer.engine.situation(account)
    if plan.legs and not is_below_close_out(closer.engine.parameters, plan):
        hands.liquidate(account, plan)
    else:
        hands.close_out(account)
    return True

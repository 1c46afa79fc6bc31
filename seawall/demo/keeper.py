"""The keeper of the demo: the planning of `seawall.keeper`, sent through unlocked accounts."""

from __future__ import annotations

from collections.abc import Sequence

from seawall.demo.chain import Call, call
from seawall.demo.opening import Cast
from seawall.demo.venue import Venue
from seawall.keeper.closing import MAX_CLOSED, Close, batches, is_bankrupt
from seawall.keeper.planning import (
    Action,
    Candidate,
    KeeperMargin,
    Limits,
    Row,
    Step,
    due,
    plan,
    solvent,
)
from seawall.rpc import Receipt

#: Rounds per minute: a slice of one leg may leave a second leg to be cut, and each is one round.
MAX_ROUNDS = 8
_GAS_PER_ACCOUNT, _GAS_FLAT = 600_000, 1_000_000
_GAS_PER_CLOSE = 400_000
_ADVERSE, _INITIAL = 2, 4


class Keeper:
    """Finds accounts below maintenance margin and liquidates until none is left; those at or below
    zero are closed out, which needs no margin."""

    def __init__(self, venue: Venue, cast: Cast) -> None:
        """The keeper of the cast, over all open accounts but its own."""
        self._venue = venue
        self._actor = cast.keeper
        self._accounts = cast.open_accounts
        self._limits = Limits()
        self._seen = venue.keeper_chain(cast.keeper.account)

    def scan(self) -> list[Row]:
        """All open accounts at the latest block."""
        return self._venue.scan(self._accounts)

    def act(self, rows: Sequence[Row], time: int) -> list[Receipt]:
        """One round on what is due in `rows`, mined at `time`; empty when nothing could be sent."""
        todo = due(rows)
        calls = [self._liquidation(action) for action in self._liquidations(solvent(todo))]
        calls += [self._closing(close) for close in self._closings(todo)]
        return self._venue.chain.block(calls, time) if calls else []

    def _liquidations(self, rows: Sequence[Row]) -> list[Action]:
        engine, accounts = self._venue.engine, [row.account for row in rows]
        steps = self._venue.read_many(engine, "plan_step", accounts)
        candidates = [Candidate(row, Step(*step)) for row, step in zip(rows, steps, strict=True)]
        return plan(candidates, self._margin(), self._limits).actions

    def _closings(self, rows: Sequence[Row]) -> list[Close]:
        bankrupt = [row for row in rows if is_bankrupt(row)]
        block = self._venue.chain.rpc.block_number()
        terms = self._seen.terms(block, self._venue.market_ids)
        return batches(self._seen.holdings(bankrupt, block), terms, MAX_CLOSED)

    def _margin(self) -> KeeperMargin:
        health = self._venue.read(self._venue.lens, "health", self._actor.account)
        return KeeperMargin(health[_ADVERSE] - health[_INITIAL], self._venue.initial_rates())

    def _liquidation(self, action: Action) -> Call:
        sender, keeper, engine = self._actor.address, self._actor.account, self._venue.engine
        gas = _GAS_FLAT + _GAS_PER_ACCOUNT * len(action.accounts)
        if action.kind == "many":
            return call(engine, sender, gas, "liquidate_many", action.accounts, keeper)
        account = action.accounts[0]
        return call(engine, sender, gas, "liquidate", account, keeper, action.limit)

    def _closing(self, close: Close) -> Call:
        sender, keeper, closer = self._actor.address, self._actor.account, self._venue.closer
        gas = _GAS_FLAT + _GAS_PER_CLOSE * len(close.accounts)
        return call(closer, sender, gas, "close_many", list(close.accounts), keeper)

"""The keeper of the demo: the planning of `seawall.keeper`, sent through unlocked accounts."""

from __future__ import annotations

from collections.abc import Sequence

from seawall.demo.chain import Call, call
from seawall.demo.opening import Cast
from seawall.demo.venue import Venue
from seawall.keeper.planning import Action, Candidate, KeeperMargin, Limits, Row, Step, due, plan
from seawall.rpc import Receipt

#: Rounds per minute: a slice of one leg may leave a second leg to be cut, and each is one round.
MAX_ROUNDS = 8
_GAS_PER_ACCOUNT, _GAS_FLAT = 600_000, 1_000_000
_ADVERSE, _INITIAL = 2, 4


class Keeper:
    """Finds accounts below maintenance margin and liquidates until none is left."""

    def __init__(self, venue: Venue, cast: Cast) -> None:
        """The keeper of the cast, over all open accounts but its own."""
        self._venue = venue
        self._actor = cast.keeper
        self._accounts = cast.open_accounts
        self._limits = Limits()

    def scan(self) -> list[Row]:
        """All open accounts at the latest block."""
        return self._venue.scan(self._accounts)

    def act(self, rows: Sequence[Row], time: int) -> list[Receipt]:
        """One round on what is due in `rows`, mined at `time`; empty when nothing could be sent."""
        found = due(rows)
        steps = self._venue.read_many(
            self._venue.engine, "plan_step", [row.account for row in found]
        )
        candidates = [Candidate(row, Step(*step)) for row, step in zip(found, steps, strict=True)]
        actions = plan(candidates, self._margin(), self._limits).actions
        return self._venue.chain.block([self._call(action) for action in actions], time)

    def _margin(self) -> KeeperMargin:
        health = self._venue.read(self._venue.lens, "health", self._actor.account)
        return KeeperMargin(health[_ADVERSE] - health[_INITIAL], self._venue.initial_rates())

    def _call(self, action: Action) -> Call:
        sender, keeper, engine = self._actor.address, self._actor.account, self._venue.engine
        gas = _GAS_FLAT + _GAS_PER_ACCOUNT * len(action.accounts)
        if action.kind == "many":
            return call(engine, sender, gas, "liquidate_many", action.accounts, keeper)
        if action.kind == "one":
            account = action.accounts[0]
            return call(engine, sender, gas, "liquidate", account, keeper, action.limit)
        return call(engine, sender, gas, "absorb", action.accounts[0])

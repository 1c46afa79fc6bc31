"""The desk with the contract that closes whole accounts: predicted, sent and compared."""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest

from seawall.deployed import CLOSE_OUT_RIGHTS, System
from seawall.spec.close_out import CHARGED, DEFERRED, FUND, CloseOut, CloseOutParameters
from seawall.spec.words import account_id
from tests.desk import Refused, contract_at
from tests.yard import Yard


class Closed(NamedTuple):
    """What a close logged: each account's event, and what stages paid by market and side."""

    accounts: list[dict[str, Any]]
    paid: dict[tuple[int, int, int], int]

    def by_stage(self, stage: int) -> int:
        """Sum of one stage."""
        return sum(amount for (one, _, _), amount in self.paid.items() if one == stage)

    @property
    def total(self) -> int:
        """What all stages paid."""
        return sum(self.paid.values())

    @property
    def fund(self) -> int:
        """What the insurance fund paid."""
        return self.by_stage(FUND)

    @property
    def charged(self) -> int:
        """What sides were charged."""
        return self.by_stage(CHARGED)

    @property
    def deferred(self) -> int:
        """What was deferred."""
        return self.by_stage(DEFERRED)


class ClosingDesk(Yard):
    """Adds `close_out` and `close_many`."""

    def __init__(self, system: System, url: str, owner: Any, broker: Any) -> None:
        super().__init__(system, url, owner, broker)
        self.closer = contract_at(str(system.close_out.address), "CloseOut")
        seconds = CloseOutParameters(system.parameters.liquidation.reduce_after)
        self.closing = CloseOut(self.waterfall, seconds, self._cover, self.stop)
        # Under its name: it asks the Backstop, too.
        self.spec.set_module(CloseOut.ADDRESS, CLOSE_OUT_RIGHTS)

    def _cover(self, account: int, claims: list[tuple[int, int]]) -> list[int]:
        """The fund pays what it has."""
        cash = max(0, self.spec.ledger.accounts[self.fund_account].cash)
        paid = []
        for _, amount in claims:
            paid.append(min(amount, cash))
            cash -= paid[-1]
        self.spec.pay(CloseOut.ADDRESS, self.fund_account, account, 0, sum(paid))
        return paid

    def heal(self) -> int:
        """The fund pays deferred losses down."""
        healed = self.closing.heal()
        assert self.view(self.closer, "heal") == healed
        self.send(self.owner, self.closer, "heal")
        self.check()
        return healed

    def close_out(self, account: int, keeper: int) -> Closed:
        """Close one account, as the specification says. Errors: Refused."""
        return self._close("close_out", [account, keeper])

    def close_many(self, accounts: list[int], keeper: int) -> tuple[list[int], Closed]:
        """A batch, as the specification says; statuses and what was logged. Errors: Refused."""
        predicted: list[int] = []
        closed = self._close("close_many", [accounts, keeper], predicted)
        return predicted, closed

    def _close(self, function: str, args: list[Any], predicted: list[int] | None = None) -> Closed:
        """Anybody calls; every word of the state is as specified afterwards."""
        action = getattr(self.closing, function)
        self.ahead = True
        found = self._predict(lambda: action(*args))
        self.ahead = False
        if isinstance(found, Refused):
            with pytest.raises(Refused) as refused:
                self.send(self.owner, self.closer, function, *args)
            assert refused.value.reason == found.reason
            raise found
        seen = self.view(self.closer, function, *args)
        receipt = self.send(self.owner, self.closer, function, *args)
        assert (list(seen) if predicted is not None else seen) == found
        if predicted is not None:
            predicted += found
        self.check()
        accounts, paid = [], {}
        for log in receipt["logs"]:
            if log["address"].lower() != self.closer.address.lower():
                continue
            name, fields = self.closer.event(log)
            if name == "ClosedOut":
                accounts.append(fields)
            else:
                paid[fields["stage"], fields["market_id"], fields["side"]] = fields["amount"]
        sources = {(s.stage, s.market_id, s.side): s.amount for s in self.closing.sources}
        assert paid == sources
        return Closed(accounts, paid)

    def gap(self, market_id: int, price: Any) -> None:
        """The index jumps; its EMA stays behind."""
        self.index(market_id, price)

    def empty_fund(self) -> None:
        """The fund's account has no cash."""
        cash = self.cash(self.fund_account)
        if cash:
            other = account_id(self.broker, 99)
            if other not in self.accounts:
                self.accounts.append(other)
            self.send(self.broker, self.house, "pay", self.fund_account, other, 0, cash)
            self.spec.pay("broker", self.fund_account, other, 0, cash)

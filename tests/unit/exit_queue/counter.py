"""The exit queue beside its specification: every call is predicted, sent and compared."""

from __future__ import annotations

from typing import Any

from seawall.rpc import Receipt
from seawall.spec.words import account_id
from tests.unit.clearinghouse.mirror import Deployed, Mirror

WAIT = 3_600


class Counter:
    """A Clearinghouse with its queue; `wait` lets the clock of the front ticket run."""

    def __init__(self, mirror: Mirror) -> None:
        self.mirror = mirror
        self.queue: Deployed = mirror.queue
        self.account = account_id(self.queue.address)

    def withdraw(self, owner: Any, account: int, amount: int, receiver: Any = None) -> Receipt:
        """Native units of the settlement token."""
        target = str((receiver or owner).address)
        receipt = self.mirror.act("withdraw", owner, account, 0, amount, target)
        self.compare()
        return receipt

    def principal(self, account: int) -> int:
        """WAD cash of an account that was put in."""
        found: int = self.mirror.read(self.mirror.house, "collateral_of", account, 0)
        return found

    def earn(self, account: int, payer: int, dollars: int) -> None:
        """Profit: a fill far from the price that the counterparty loses on, closed again."""
        mirror = self.mirror
        size = dollars * 10**18 // 10_000
        mirror.force(account, payer, size, 40_000)
        mirror.force(payer, account, size, 50_000)

    def wait(self, seconds: int = WAIT) -> None:
        """Mine a block so much later."""
        self.mirror.later(seconds)

    def claim(self, caller: Any, count: int = 32, refused: tuple[Any, ...] = ()) -> list[Any]:
        """Serve the front; the events of the queue. `refused` are whom the token turns away."""
        self.mirror.exits.refused = {int(str(one.address), 16) for one in refused}
        receipt = self.mirror.send(caller, self.queue, "claim", count)
        with self.mirror.at(receipt["blockNumber"]):
            self.mirror.exits.claim(count)
        self.compare()
        return [*self.events(receipt, "TicketPaid"), *self.events(receipt, "TicketReturned")]

    def cancel(self, owner: Any, ticket_id: int) -> Receipt:
        """Take a withdrawal back."""
        receipt = self.mirror.send(owner, self.queue, "cancel", ticket_id)
        with self.mirror.at(receipt["blockNumber"]):
            self.mirror.exits.cancel(int(str(owner.address), 16), ticket_id)
        self.compare()
        return receipt

    def limit(self, outflow: int) -> None:
        """Whole tokens that may leave net within a day."""
        asset, decimals, cap = self.mirror.stage.tokens[0]
        owner, house = self.mirror.stage.owner, self.mirror.house
        self.mirror.send(owner, house, "set_token", 0, asset, outflow << 52 | cap)
        self.mirror.spec.set_token(0, asset, decimals, cap, outflow)

    def events(self, receipt: Receipt, name: str) -> list[dict[str, Any]]:
        """Events of the queue in a receipt."""
        return self.queue.events(receipt["logs"], name)

    def compare(self) -> None:
        """Words of the Clearinghouse, the queue's ends and every ticket."""
        mirror, exits = self.mirror, self.mirror.exits
        mirror.compare()
        front, end = exits.ends[0], exits.ends[1]
        assert list(mirror.read(self.queue, "ends")) == [front, end]
        for number in range(end):
            account, receiver, amount, ready_at = mirror.read(self.queue, "ticket", number)
            seen = (account, int(receiver, 16), amount, ready_at)
            assert seen == tuple(exits.tickets[number])

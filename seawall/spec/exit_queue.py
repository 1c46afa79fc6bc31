"""The exit queue (protocol section 5): withdrawals that cannot leave at once, first in, first out.

What waits is cash of the queue's own account. Before a payment the account is looked at again: one
that would not pass the gate of a way out as it stands gets the amount back. What an account that is
closed out lacks is called back from its tickets first.
"""

from __future__ import annotations

from typing import NamedTuple

from seawall.spec.clearinghouse import Clearinghouse, Refresh
from seawall.spec.fixed_math import ceil_div
from seawall.spec.state import Reverted, Table, require
from seawall.spec.words import LOSS

MAX_CLAIMS = 32
MAX_WAIT = 7 * 86_400
SETTLEMENT = 0


class Ticket(NamedTuple):
    """Account and receiver as numbers, native units, the time from which they may leave."""

    account: int = 0
    receiver: int = 0
    amount: int = 0
    ready_at: int = 0


class ExitQueue:
    """Executable specification; `prices` answers like the oracle's view, which stores nothing.

    `refused` are receivers that the token turns away. `paid` lists what the last claim sent:
    receiver and native units.
    """

    def __init__(self, house: Clearinghouse, wait_seconds: int, prices: Refresh) -> None:
        require(wait_seconds <= MAX_WAIT, "queue: wait")
        self.house = house
        self.wait_seconds = wait_seconds
        self.prices = prices
        self.account = house.queue_account
        self.tickets: Table[int, Ticket] = Table(house.journal, Ticket())
        #: 0: the front ticket's id, 1: the next one's.
        self.ends: Table[int, int] = Table(house.journal, 0)
        #: Account -> native units of its tickets that were not called back.
        self.waiting: Table[int, int] = Table(house.journal, 0)
        self.refused: set[int] = set()
        self.paid: list[tuple[int, int]] = []
        house.enqueue = self._enqueue

    def claim(self, count: int) -> int:
        """Pay or give back up to `count` tickets, strictly in order; how many are gone."""
        self.paid = []
        front, end = self.ends[0], min(self.ends[1], self.ends[0] + min(count, MAX_CLAIMS))
        start = front
        with self.house.journal.transaction():
            while front < end and self._serve(front):
                front += 1
            self.ends[0] = front
        return front - start

    def cancel(self, owner_of_call: int, ticket_id: int) -> None:
        """Give what waits back to the account."""
        ticket = self.tickets[ticket_id]
        require(ticket.account >> 96 == owner_of_call, "queue: not yours")
        with self.house.journal.transaction():
            self._give_back(ticket_id)

    def recall(self, module: str, account: int, most: int) -> int:
        """Up to so much WAD of what waits for an account is its cash again, rounded up to a native
        unit; returns WAD. For a module with the LOSS right: its tickets are worth that much less,
        the last ones first."""
        unit = self.house.tokens[SETTLEMENT].unit
        amount = min(self.waiting[account], ceil_div(most, unit))
        if amount == 0:
            return 0
        with self.house.journal.transaction():
            require(bool(self.house.rights[module] & LOSS), "module: no right")
            self.waiting[account] -= amount
            self.house.transfer(self.account >> 96, self.account, account, amount * unit)
        return amount * unit

    def is_covered(self, account: int) -> bool:
        """Whether an account would pass the gate of a way out as it stands."""
        house = self.house
        held = house.ledger.accounts[account]
        if house.is_exempt(account >> 96) or (held.cash >= 0 and held.bitmap == 0):
            return True
        if held.cash < 0:
            return False
        try:
            base, legs = house.portfolio(account)
            prices = self.prices(held.bitmap)
            found = house.model.assess(held.cash, base, legs, prices, house.now, held.mode)
        except (Reverted, ArithmeticError):
            # Nobody knows what it is worth, and it must not stop those behind it.
            return False
        return found.settled >= found.initial

    def _enqueue(self, account: int, receiver: int, amount: int) -> None:
        ready_at = self.house.now + self.wait_seconds
        self.tickets[self.ends[1]] = Ticket(account, receiver, amount, ready_at)
        self.ends[1] += 1
        self.waiting[account] += amount

    def _serve(self, ticket_id: int) -> bool:
        """Pay a ticket or give it back; whether it is gone."""
        ticket = self.tickets[ticket_id]
        if ticket.account == 0:
            return True
        if self.house.now < ticket.ready_at:
            return False
        if not self.is_covered(ticket.account):
            self._give_back(ticket_id)
            return True
        ticket = ticket._replace(amount=min(ticket.amount, self.waiting[ticket.account]))
        if ticket.amount == 0:
            # All of it was called back.
            self.tickets[ticket_id] = Ticket()
            return True
        try:
            with self.house.journal.transaction():
                paid, left = self._pay(ticket)
        except Reverted:
            self._give_back(ticket_id)
            return True
        if left == ticket.amount:
            return False
        if paid:
            self.paid.append((ticket.receiver, paid))
        self.waiting[ticket.account] -= ticket.amount - left
        self.tickets[ticket_id] = ticket._replace(amount=left) if left else Ticket()
        return left == 0

    def _pay(self, ticket: Ticket) -> tuple[int, int]:
        owner, amount = self.account >> 96, ticket.amount
        paid, left = self.house.withdraw(owner, self.account, SETTLEMENT, amount, ticket.receiver)
        require(not (paid and ticket.receiver in self.refused), "token: refused")
        return paid, left

    def _give_back(self, ticket_id: int) -> None:
        ticket = self.tickets[ticket_id]
        self.tickets[ticket_id] = Ticket()
        unit = self.house.tokens[SETTLEMENT].unit
        amount = min(ticket.amount, self.waiting[ticket.account])
        self.waiting[ticket.account] -= amount
        if amount:
            self.house.transfer(self.account >> 96, self.account, ticket.account, amount * unit)

"""Custody (protocol sections 3 and 5): tokens in and out, totals, principals, the outflow's limit.

The part of the Clearinghouse that its contract has in `contracts/modules/custody.vy`. The principal
of an account is what of its cash was put in: up to it a withdrawal leaves at once. Only deposits
create any, so all that leaves at once was put in before.
"""

from __future__ import annotations

from typing import NamedTuple

from seawall.spec.ledger import Ledger, require_fits
from seawall.spec.state import Journal, Table, require
from seawall.spec.words import EXIT, WAD

MAX_TOKEN_DECIMALS = 18
DAY = 86_400


class Token(NamedTuple):
    """A listed token; `cap` in whole tokens, `outflow` whole settlement tokens a day or 0."""

    asset: str = ""
    decimals: int = 0
    cap: int = 0
    outflow: int = 0

    @property
    def unit(self) -> int:
        """WAD value of a native unit."""
        return 10 ** (MAX_TOKEN_DECIMALS - self.decimals)


class Totals(NamedTuple):
    """Settlement tokens held, sum of cash and quotes, deferred losses: all WAD."""

    held: int = 0
    book: int = 0
    deferred: int = 0


class Custody:
    """What the Clearinghouse holds, and for whom."""

    def __init__(self, journal: Journal, fee_account: int, queue_account: int) -> None:
        self.journal = journal
        self.fee_account = fee_account
        self.queue_account = queue_account
        self.now = 0
        self.ledger = Ledger(journal)
        self.tokens: Table[int, Token] = Table(journal, Token())
        self.token_held: Table[int, int] = Table(journal, 0)
        self.collateral: Table[tuple[int, int], int] = Table(journal, 0)
        #: WAD cash that was put in, per account.
        self.principal: Table[int, int] = Table(journal, 0)
        #: Day -> settlement tokens that left less those that came in, WAD.
        self.outflow: Table[int, int] = Table(journal, 0)
        self.rights: Table[str, int] = Table(journal, 0)
        self._totals: Table[int, Totals] = Table(journal, Totals())

    @property
    def totals(self) -> Totals:
        """Held, book and deferred."""
        return self._totals[0]

    def set_token(
        self, token_id: int, asset: str, decimals: int, cap: int, outflow: int = 0
    ) -> None:
        """List a token or change its limits; `decimals` is the asset's own answer."""
        require(token_id <= 8 and decimals <= MAX_TOKEN_DECIMALS)
        require(cap < 2**52 and outflow < 2**36)
        require(self.tokens[token_id].asset in ("", asset))
        self.tokens[token_id] = Token(asset, decimals, cap, outflow)

    def is_exempt(self, owner: int) -> bool:
        """Whether the accounts of an owner withdraw beyond their principal at once."""
        named = (verbs for module, verbs in self.rights.items() if _number(module) == owner)
        return any(verbs & EXIT for verbs in named)

    # -- internals ---------------------------------------------------------------------------

    def _move_totals(self, held: int = 0, book: int = 0, deferred: int = 0) -> None:
        old = self.totals
        new = Totals(old.held + held, old.book + book, old.deferred + deferred)
        require(0 <= new.held < 2**120 and new.deferred >= 0)
        require_fits(new.book, 128)
        self._totals[0] = new

    def _listed(self, token_id: int) -> Token:
        token = self.tokens[token_id]
        require(0 <= token_id <= 8 and token.asset != "", "token: unknown")
        return token

    def _require_cap(self, held: int, token: Token) -> None:
        require(held <= token.cap * WAD, "token: over cap")

    def _set_collateral(self, account: int, token_id: int, amount: int) -> None:
        self.collateral[account, token_id] = amount
        held = self.ledger.accounts[account]
        bit = 1 << (127 + token_id)
        bitmap = held.bitmap | bit if amount else held.bitmap & ~bit
        self.ledger.accounts[account] = held._replace(bitmap=bitmap)

    def _credit_settlement(self, account: int, token: Token, received: int) -> int:
        """Cash for received native units, more than them while losses are deferred."""
        amount = received * token.unit
        total = self.totals
        self._require_cap(total.held + amount, token)
        credit = amount
        # As if the fund's cash had healed already: who comes before a healing gains nothing by it.
        owed = total.deferred - self.healable(total.deferred)
        if owed > 0 and total.held > 0:
            credit = amount * (total.held + owed) // total.held
        self._move_totals(held=amount, book=credit, deferred=credit - amount)
        self._note_outflow(token, -amount)
        self.ledger.add_cash(account, credit)
        # The fund's savers have a way out of their own.
        if account != self.fee_account:
            self.principal[account] += credit
        return credit

    def healable(self, most: int) -> int:
        """What of so many losses the fund's cash can pay."""
        return min(most, max(0, self.ledger.accounts[self.fee_account].cash))

    def _debit_settlement(self, account: int, token: Token, amount: int) -> tuple[int, int]:
        """Native units to pay and native units debited: what till and limit allow of an amount."""
        total = self.totals
        # An empty till pays nobody: a claim must not be cut to nothing.
        room = total.held + total.deferred if total.held else 0
        if token.outflow:
            room = min(room, self.outflow_room(token))
        debited = paid = min(amount, room // token.unit)
        if total.deferred > 0:
            paid = debited * total.held // (total.held + total.deferred)
        # Rounded to native units the cut may exceed what is left of the losses.
        cut = min((debited - paid) * token.unit, total.deferred)
        debit = debited * token.unit
        self._move_totals(held=-paid * token.unit, book=-debit, deferred=-cut)
        self._note_outflow(token, paid * token.unit)
        self.ledger.add_cash(account, -debit)
        return paid, debited

    def _move_cash(self, sender: int, receiver: int, amount: int) -> None:
        self.ledger.add_cash(sender, -amount)
        self.ledger.add_cash(receiver, amount)

    def _carry_principal(self, sender: int, receiver: int, amount: int) -> None:
        """What of an amount was put in comes along with it; the fund has put nothing in."""
        if sender != self.fee_account:
            carried = self._lower_principal(sender, amount)
            self.principal[receiver] += carried

    def _lower_principal(self, account: int, amount: int) -> int:
        taken = min(self.principal[account], amount)
        if taken:
            self.principal[account] -= taken
        return taken

    def outflow_room(self, token: Token) -> int:
        """WAD that may still leave today, where there is a limit."""
        return max(0, token.outflow * WAD - self.outflow[self.now // DAY])

    def _note_outflow(self, token: Token, amount: int) -> None:
        if token.outflow:
            self.outflow[self.now // DAY] += amount


def _number(module: str) -> int:
    """Address of a module; -1 for one that acts under a name."""
    return int(module, 16) if module.startswith("0x") else -1

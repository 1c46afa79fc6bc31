"""A keeper without capital that closes all that is bankrupt, block by block."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from seawall.demo.errors import DemoError
from seawall.demo.population import Actor
from seawall.demo.venue import Venue
from seawall.keeper.jobs import Keeper
from seawall.keeper.rounds import CLOSE_OUT, Policy
from seawall.keeper.sender import UnlockedSender
from seawall.rpc import Receipt, succeeded

#: Rounds in which it must be done: each sends all that the one before has left.
MAX_ROUNDS = 10


@dataclass(frozen=True)
class Cleared:
    """What it took: transactions in order, the blocks that hold them, the rounds that sent some,
    and the seconds of wall clock from the first look to the last receipt."""

    receipts: Sequence[Receipt]
    blocks: int
    rounds: int
    seconds: float

    @property
    def gas(self) -> int:
        """Gas of all transactions."""
        return sum(int(receipt["gasUsed"], 16) for receipt in self.receipts)


def clear(venue: Venue, keeper: Actor) -> Cleared:
    """Rounds until one sends nothing. Errors: DemoError where that takes too many."""
    started = time.monotonic()
    chain = venue.keeper_chain(keeper.account)
    sender = UnlockedSender(chain.rpc, keeper.address)
    bot = Keeper(chain, sender, Policy(), 0, [CLOSE_OUT])
    receipts: list[Receipt] = []
    blocks = 0
    for rounds in range(MAX_ROUNDS):
        bot.round()
        sent = _mine(venue)
        if not sent:
            return Cleared(receipts, blocks, rounds, time.monotonic() - started)
        blocks += len(sent)
        receipts += [receipt for block in sent for receipt in block]
    failed = sum(not succeeded(receipt) for receipt in receipts)
    raise DemoError(f"the keeper still sends after {MAX_ROUNDS} rounds; {failed} reverted")


def _mine(venue: Venue) -> list[list[Receipt]]:
    """Mine until nothing waits; receipts of each block that holds something."""
    chain, found = venue.chain, list[list[Receipt]]()
    while True:
        chain.block([], chain.time + 1)
        block = chain.rpc.call("eth_getBlockByNumber", "latest", False)
        hashes = block["transactions"]
        if not hashes:
            return found
        found.append(chain.rpc.batch([("eth_getTransactionReceipt", (one,)) for one in hashes]))

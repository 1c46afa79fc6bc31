"""Blocks of one's own making: transactions are queued, then mined together at a chosen time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from seawall.client.contract import Contract
from seawall.demo.errors import DemoError
from seawall.rpc import GAS_LIMIT, Receipt, Rpc, succeeded

_BLOCK_GAS = GAS_LIMIT


@dataclass(frozen=True)
class Call:
    """One transaction to be sent, its gas limit, and what it is for."""

    sender: str
    to: str
    data: bytes
    gas: int
    purpose: str


def call(contract: Contract, sender: str, gas: int, function: str, *args: object) -> Call:
    """A transaction that calls a function of a contract."""
    return Call(sender, contract.address, contract.encode(function, *args), gas, function)


class Chain:
    """A node that mines only when told, each block at the time it is told."""

    def __init__(self, rpc: Rpc) -> None:
        """Stop mining per transaction."""
        self.rpc = rpc
        self.time = rpc.timestamp()
        rpc.call("evm_setAutomine", False)

    def block(self, calls: Sequence[Call], time: int) -> list[Receipt]:
        """Mine the calls as one block stamped `time` (unix seconds).

        Errors: DemoError with the reason where one of them fails.
        """
        hashes = [self.rpc.submit(one.sender, one.to, one.data, one.gas) for one in calls]
        self.rpc.set_next_timestamp(time)
        self.rpc.call("evm_mine")
        self.time = time
        receipts = self.rpc.batch([("eth_getTransactionReceipt", (name,)) for name in hashes])
        for one, receipt in zip(calls, receipts, strict=True):
            if receipt is None:
                raise DemoError(f"{one.purpose}: not mined; is the block full?")
            if not succeeded(receipt):
                raise DemoError(f"{one.purpose}: {self.rpc.explain(receipt) or 'reverted'}")
        return receipts

    def blocks(self, calls: Iterable[Call]) -> list[Receipt]:
        """Mine the calls in as many blocks as their gas limits need, one second apart."""
        receipts: list[Receipt] = []
        queued: list[Call] = []
        for one in calls:
            if queued and sum(each.gas for each in queued) + one.gas > _BLOCK_GAS:
                receipts += self.block(queued, self.time + 1)
                queued = []
            queued.append(one)
        if queued:
            receipts += self.block(queued, self.time + 1)
        return receipts

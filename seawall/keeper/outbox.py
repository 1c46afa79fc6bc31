"""Transactions of one signer: tried, sent, waited for, outbid. All jobs of a keeper share one."""

from __future__ import annotations

import http.client
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import TypeVar

from seawall.keeper.chain import Chain, Task, Trial
from seawall.keeper.sender import GasPriceError, Sender, Sent
from seawall.rpc import Receipt, RpcError, succeeded

#: Gas beyond the estimate, in percent: prices may move between trial and block.
GAS_MARGIN = 30
#: Gas of reading one price's feeds (five at most). A trial on a block whose prices are refreshed
#: already does not see it; the transaction, in a later block, pays it.
REFRESH_GAS = 150_000
#: Most gas that a transaction may name on chains with EIP-7825.
MOST_GAS = 2**24


@dataclass(frozen=True)
class Tried:
    """A trial, with the gas price (wei) that it would be sent at now."""

    trial: Trial
    gas_price: int = 0

    @property
    def reason(self) -> str:
        """Why it would not work; empty where it would."""
        return self.trial.reason


@dataclass(frozen=True)
class Pending:
    """A transaction on its way: who sent it, for what, since which block; `money` (WAD) is what the
    keeper's account will need for it."""

    job: str
    targets: tuple[int, ...]
    sent: Sent
    block: int
    money: int


@dataclass(frozen=True)
class Mined:
    """A transaction that is over."""

    job: str
    targets: tuple[int, ...]
    worked: bool


def gas_limit(trial: Trial) -> int:
    """Gas that a transaction needs at most, as far as its trial tells."""
    return trial.gas * (100 + GAS_MARGIN) // 100 + REFRESH_GAS * trial.prices


class Outbox:
    """What is on its way, and the one place that sends."""

    def __init__(self, chain: Chain, sender: Sender, dry_run: bool, replace_blocks: int) -> None:
        """In a dry run everything but the sending happens."""
        self.chain = chain
        self.sender = sender
        self.dry_run = dry_run
        self._replace_blocks = replace_blocks
        self._pending: list[Pending] = []

    def targets(self, job: str) -> set[int]:
        """What transactions of a job on their way are for."""
        return {one for pending in self._pending if pending.job == job for one in pending.targets}

    def reserved(self) -> int:
        """Money (WAD) that transactions on their way will need and the chain does not show yet."""
        return sum(pending.money for pending in self._pending)

    def attempt(self, task: Task, block: int) -> Tried:
        """Try a task on the state of a block, and ask what gas costs."""
        trial = self.chain.attempt(task, self.sender.address, block)
        if trial.reason:
            return Tried(trial)
        if trial.gas > MOST_GAS or (len(task.targets) > 1 and gas_limit(trial) > MOST_GAS):
            return Tried(replace(trial, reason="more gas than a transaction may use"))
        try:
            return Tried(trial, self.sender.gas_price())
        except (GasPriceError, RpcError) as error:
            return Tried(replace(trial, reason=told(error)))

    def send(self, job: str, task: Task, tried: Tried, block: int, money: int = 0) -> str:
        """Send what was tried; the reason if that failed."""
        if self.dry_run:
            return ""
        gas = min(gas_limit(tried.trial), MOST_GAS)
        address = self.chain.contract_of(task).address
        try:
            sent = self.sender.send(address, self.chain.calldata(task), gas)
        except (GasPriceError, RpcError) as error:
            return told(error)
        self._pending.append(Pending(job, task.targets, sent, block, money))
        return ""

    def settle(self, block: int) -> list[Mined]:
        """Forget what was mined up to a block, which is returned, and outbid what is stuck."""
        mined, waiting = [], []
        for pending in self._pending:
            receipt = self._receipt(pending, block)
            if receipt is None:
                waiting.append(self._outbid(pending, block))
            else:
                mined.append(Mined(pending.job, pending.targets, succeeded(receipt)))
        self._pending = waiting
        return mined

    def _receipt(self, pending: Pending, block: int) -> Receipt | None:
        """Receipt of whichever of the hashes was mined, up to a block: rows are of that block."""
        for one in pending.sent.hashes:
            receipt = self.chain.rpc.call("eth_getTransactionReceipt", one)
            if receipt is not None and int(receipt["blockNumber"], 16) <= block:
                return dict(receipt)
        return None

    def _outbid(self, pending: Pending, block: int) -> Pending:
        if block - pending.block < self._replace_blocks:
            return pending
        try:
            again = self.sender.replace(pending.sent)
        except Exception:
            # Mined this moment, or refused by node or signer: the next round sees which, and one
            # stuck transaction stops no job.
            return pending
        return pending if again is None else replace(pending, sent=again, block=block)


AnyTask = TypeVar("AnyTask", bound=Task)


def work_off(
    tasks: Iterable[AnyTask],
    send: Callable[[AnyTask], str],
    halves: Callable[[AnyTask], list[AnyTask]],
) -> dict[int, str]:
    """Send tasks one by one; one that fails in halves, until what is to blame stands alone.

    `send` returns the reason if it failed; an error that nobody expected is one too. Returns the
    reasons by target. Errors: OSError, HTTPException, of the connection.
    """
    queue, failed = list(tasks), dict[int, str]()
    while queue:
        task = queue.pop(0)
        if not (reason := guarded(send, task)):
            continue
        smaller = halves(task)
        if not smaller:
            failed |= dict.fromkeys(task.targets, reason)
        queue[:0] = smaller
    return failed


def guarded(send: Callable[[AnyTask], str], task: AnyTask) -> str:
    """What `send` answers; an error of this one task, whatever it is, becomes the reason.

    Errors: OSError, HTTPException; without a connection the next task would fail as well.
    """
    try:
        return send(task)
    except (OSError, http.client.HTTPException):
        raise
    except Exception as error:
        return told(error)


def told(error: Exception) -> str:
    """An error in one line; of one that nobody expected its kind, too."""
    if isinstance(error, RpcError):
        return error.reason or error.message
    return str(error) if isinstance(error, GasPriceError) else f"{type(error).__name__}: {error}"

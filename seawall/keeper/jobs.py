"""What one keeper does: jobs that share a signer, a look at the accounts and a margin account."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from seawall.keeper.chain import Chain
from seawall.keeper.chores import CALL, CONVERT, FOLLOW, Caller, Converter, Follower
from seawall.keeper.closer import Closer
from seawall.keeper.outbox import Mined, Outbox, told
from seawall.keeper.rounds import CLOSE_OUT, LIQUIDATE, Liquidator, Policy, Watch
from seawall.keeper.sender import Sender
from seawall.rpc import RpcError


class Told(Protocol):
    """What a round of a job tells: a line for a log, empty where there is nothing to tell."""

    def summary(self) -> str:
        """The line."""


class Job(Protocol):
    """One kind of work. A round may be repeated, skipped or run late without harm."""

    name: str

    def round(self, block: int, mined: Sequence[Mined]) -> Told:
        """One pass on the state of a block; `mined` is what has come of earlier ones."""


@dataclass(frozen=True)
class GivenUp:
    """A job's round that an error ended; the next one tries again."""

    job: str
    reason: str

    def summary(self) -> str:
        """One line for a log."""
        return f"{self.job} given up: {self.reason}"


#: Every job in the order of its urgency: what comes first has the first use of the margin, and what
#: liquidations do not take is closed out.
_KINDS: dict[str, Callable[[Watch, Outbox, Policy], Job]] = {
    LIQUIDATE: Liquidator,
    CLOSE_OUT: Closer,
    CONVERT: Converter,
    CALL: Caller,
    FOLLOW: Follower,
}
JOBS = tuple(_KINDS)


class Keeper:
    """The jobs of one signer; their state between rounds is in them."""

    def __init__(
        self,
        chain: Chain,
        sender: Sender,
        policy: Policy,
        start_block: int,
        jobs: Sequence[str] = JOBS,
    ) -> None:
        """Read nothing yet: the first round, or `catch_up`, replays the events."""
        self.sender = sender
        self.policy = policy
        self.watch = Watch(chain, start_block)
        self.outbox = Outbox(chain, sender, policy.dry_run, policy.replace_blocks)
        self.jobs: list[Job] = [
            kind(self.watch, self.outbox, policy) for name, kind in _KINDS.items() if name in jobs
        ]

    def catch_up(self) -> int:
        """Read the events up to the head of the chain, which is returned."""
        return self.watch.catch_up()

    def round(self) -> list[Told]:
        """One round of every job. Errors: those of the node and its connection while the round
        begins; then nothing is lost.

        An error of one job, whatever it is, does not stop the others.
        """
        block = self.catch_up()
        mined = self.outbox.settle(block)
        found: list[Told] = []
        for job in self.jobs:
            try:
                found.append(job.round(block, [one for one in mined if one.job == job.name]))
            except RpcError as error:
                found.append(GivenUp(job.name, str(error)))
            except Exception as error:
                found.append(GivenUp(job.name, told(error)))
        return found

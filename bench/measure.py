"""Run scenes on a node of their own and read what the measured transaction cost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from bench.actors import Actor
from bench.errors import BenchError
from bench.figures import Figure
from bench.parts import MARKET, furnish
from bench.setting import report_all
from bench.stand import Act, Stand, build_stand
from bench.tracing import Step, trace
from seawall import build
from seawall.client.contract import ContractError
from seawall.node import Node
from seawall.published.artifacts import PublishedError
from seawall.published.usdc import deploy_usdc
from seawall.rpc import Receipt

#: Time of the first block, in seconds: the same in every run.
GENESIS = 1_800_000_000

TRANSACTION_GAS = 21_000
_ZERO_BYTE_GAS, _OTHER_BYTE_GAS = 4, 16


@dataclass(frozen=True)
class Measured:
    """A mined transaction that did what its figure says; `steps` only where they were asked for."""

    figure: Figure
    stand: Stand
    act: Act
    receipt: Receipt
    steps: list[Step]

    @property
    def gas(self) -> int:
        """Gas of the whole transaction, refunds taken off."""
        return int(self.receipt["gasUsed"], 16)

    @property
    def base(self) -> int:
        """What any transaction with this calldata costs: 21,000 and the bytes, by EIP-2028."""
        zeros = self.act.data.count(0)
        others = len(self.act.data) - zeros
        return TRANSACTION_GAS + zeros * _ZERO_BYTE_GAS + others * _OTHER_BYTE_GAS

    @property
    def value(self) -> int:
        """The figure itself, rounded up."""
        counted = self.gas - (self.base if self.figure.execution else 0)
        return -(-counted // self.figure.parts)


class Venue:
    """A node with two furnished systems: one settles in a plain token, one in real USDC."""

    def __init__(self, node: Node) -> None:
        """Deploy and furnish both; the second has one market."""
        self.plain = build_stand(node)
        furnish(self.plain)
        issuer = Actor("operator")
        usdc = deploy_usdc(node.rpc(), Actor("proxy admin").address, issuer.address)
        self.real = build_stand(node, [MARKET], usdc)
        furnish(self.real)
        # The first one's feeds fell silent while the ramp of the second one's matrix ran.
        report_all(self.plain)

    def stand(self, figure: Figure) -> Stand:
        """Where a figure's scene plays."""
        return self.real if figure.real_usdc else self.plain


@contextmanager
def standing() -> Iterator[Venue]:
    """A venue on a node of its own that ends with the context. Errors: BenchError."""
    if build.stale():
        raise BenchError("contracts changed since they were compiled: run make compile")
    with Node(timestamp=GENESIS, options=("--auto-impersonate",)) as node:
        try:
            yield Venue(node)
        except (ContractError, PublishedError) as error:
            raise BenchError(str(error)) from None


@contextmanager
def played(venue: Venue, figure: Figure, traced: bool = False) -> Iterator[Measured]:
    """One scene, measured; the chain is put back afterwards. Errors: BenchError."""
    stand = venue.stand(figure)
    kept, prices, salt = stand.rpc.snapshot(), dict(stand.prices), stand.salt
    stand.rpc.set_block_interval(1)
    act = figure.scene(stand)
    steps, foreseen = _traced(stand, act) if traced else ([], 0)
    measured = Measured(figure, stand, act, stand.send(act), steps)
    if traced and foreseen != measured.gas:
        raise BenchError(f"{figure.name}: {foreseen} gas in the trace, {measured.gas} when sent")
    _check_story(measured)
    yield measured
    stand.rpc.revert(kept)
    stand.prices, stand.salt = prices, salt


def _traced(stand: Stand, act: Act) -> tuple[list[Step], int]:
    return trace(stand.rpc, act.sender.address, act.contract.address, act.data)


def _check_story(measured: Measured) -> None:
    """Every event of the system, no more and no fewer than the figure says."""
    seen = Counter(story(measured))
    if seen != Counter(measured.figure.events):
        wanted = dict(measured.figure.events)
        raise BenchError(f"{measured.figure.name}: logged {dict(seen)}, expected {wanted}")


def story(measured: Measured) -> list[str]:
    """Names of the events of the system's contracts, with the stage where one has it."""
    stand = measured.stand
    contracts = (
        stand.house, stand.exchange, stand.engine, stand.closer, stand.oracle, stand.fund,
        stand.converter, stand.model, stand.monitor, stand.backstop,
    )  # fmt: skip
    by_address = {one.address.lower(): one for one in contracts}
    found = []
    for log in measured.receipt["logs"]:
        contract = by_address.get(log["address"].lower())
        if contract is None:
            continue
        name, fields = contract.event(log)
        found.append(f"{name} stage {fields['stage']}" if "stage" in fields else name)
    return found

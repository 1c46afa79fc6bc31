"""Price feeds of four kinds on contracts of others, and one asset in all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from eth_account.signers.local import LocalAccount

from seawall.client.contract import Contract
from seawall.client.reports import ReportDomain, submission
from seawall.published.artifacts import transact
from seawall.published.chainlink import ChainlinkSource
from seawall.published.pyth import PythSource, deploy_pyth
from seawall.published.uniswap import PoolSource
from seawall.spec.feeds import Report
from seawall.spec.words import WAD
from tests.e2e.rooms import IndexRoom

#: As Pyth names ETH / USD on every chain.
PRICE_ID = bytes.fromhex("ff61491a931112ddf1bd8147cd1b641375f79f5825126d665480874634fd0ace")
PYTH_EXPONENT = -8
CHAINLINK_UNIT = PYTH_UNIT = 10**8
#: Seconds.
WINDOW = 1_800
LIQUIDITY = 10**17
OBSERVATIONS = 64


@dataclass(frozen=True)
class ChainlinkKind:
    """A proxy, two of whose reporters make a round, and its adapter."""

    source: ChainlinkSource
    adapter: Contract

    def answer(self, dollars: Fraction) -> None:
        """A new round."""
        self.source.answer(int(dollars * CHAINLINK_UNIT))


@dataclass(frozen=True)
class PythKind:
    """A Pyth contract and the adapter of one of its prices."""

    source: PythSource
    adapter: Contract

    def answer(self, dollars: Fraction, confidence: Fraction = Fraction(0)) -> None:
        """An update published now, give or take `confidence` dollars."""
        price, width = int(dollars * PYTH_UNIT), int(confidence * PYTH_UNIT)
        now = self.source.rpc.timestamp()
        self.source.update(PRICE_ID, price, width, PYTH_EXPONENT, now)


@dataclass(frozen=True)
class PoolKind:
    """A pool with liquidity and the adapter of its average."""

    source: PoolSource
    adapter: Contract

    def answer(self, dollars: Fraction) -> None:
        """Trade to a price; the average follows over the window."""
        self.source.move(self.source.tick_of(dollars))


@dataclass(frozen=True)
class ReportKind:
    """A signed report feed, which is its own adapter, and the keys of its signers."""

    room: IndexRoom
    adapter: Contract
    signers: tuple[LocalAccount, ...]
    threshold: int

    def answer(self, dollars: Fraction, half_width: int = 0) -> None:
        """A report of now, signed by as many as it takes."""
        report = Report(int(dollars * WAD), half_width, self.room.rpc.timestamp())
        domain = ReportDomain(self.room.chain_id(), self.adapter.address)
        args = submission(report, domain, self.signers[: self.threshold])
        transact(self.room.rpc, self.room.owner, self.adapter, "submit", *args)


@dataclass(frozen=True)
class FourKinds:
    """One asset through four kinds of feeds."""

    chainlink: ChainlinkKind
    pyth: PythKind
    pool: PoolKind
    reports: ReportKind

    @property
    def adapters(self) -> list[Contract]:
        """In the order of the kinds; Pyth and the reports are brought by whoever wants (pull)."""
        kinds = (self.chainlink, self.pyth, self.pool, self.reports)
        return [kind.adapter for kind in kinds]

    def answer(self, dollars: Fraction) -> None:
        """Every source says this price; the pool's average follows over its window."""
        for kind in (self.pool, self.chainlink, self.pyth, self.reports):
            kind.answer(dollars)


def all_four_kinds(
    room: IndexRoom, signers: Sequence[LocalAccount], dollars: Fraction, base_is_token0: bool = True
) -> FourKinds:
    """Deploy all sources and adapters, the pool's window full at `dollars` whole dollars."""
    pool = pool_kind(room, dollars, base_is_token0)
    kinds = FourKinds(
        chainlink_kind(room), pyth_kind(room, dollars), pool, report_kind(room, signers)
    )
    # Not through the pool, which has this price since the start of its window.
    for kind in (kinds.chainlink, kinds.pyth, kinds.reports):
        kind.answer(dollars)
    return kinds


def chainlink_kind(room: IndexRoom) -> ChainlinkKind:
    """Proxy, aggregator and adapter, without a round."""
    source = room.source()
    return ChainlinkKind(source, room.adapter(source))


def pyth_kind(room: IndexRoom, dollars: Fraction) -> PythKind:
    """Contract and adapter; an adapter needs a first price."""
    source = deploy_pyth(room.rpc, room.owner)
    first = int(dollars * PYTH_UNIT)
    source.update(PRICE_ID, first, 0, PYTH_EXPONENT, room.rpc.timestamp() - 1)
    return PythKind(source, room.deploy("PythFeed", source.address, PRICE_ID, 0))


def pool_kind(room: IndexRoom, dollars: Fraction, base_is_token0: bool = True) -> PoolKind:
    """Pool and adapter, a window after the pool's first liquidity."""
    source = PoolSource(room.rpc, room.owner, base_is_token0)
    source.start(source.tick_of(dollars))
    source.remember(OBSERVATIONS)
    source.add(LIQUIDITY)
    terms = (source.address, source.base.address, WINDOW, 0, LIQUIDITY // 2)
    adapter = room.deploy("UniswapFeed", *terms)
    room.rpc.warp(WINDOW)
    return PoolKind(source, adapter)


def report_kind(room: IndexRoom, signers: Sequence[LocalAccount], threshold: int = 2) -> ReportKind:
    """A feed of these signers, owned by the room's owner, without a report."""
    ordered = tuple(sorted(signers, key=lambda one: int(str(one.address), 16)))
    addresses = [str(one.address) for one in ordered]
    adapter = room.deploy("SignedReportFeed", room.owner, addresses, threshold)
    return ReportKind(room, adapter, ordered, threshold)

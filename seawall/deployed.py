"""What one deployment consists of: its contracts, their rights, and what they were made from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from seawall.parameters import IndexParameters, Parameters
from seawall.spec.oracle import SETTLEMENT_ID
from seawall.spec.words import (
    EXIT,
    FUNDING,
    LOSS,
    PAY,
    RESTRICT,
    TRADE,
    WATERFALL,
)

ENGINE_RIGHTS = TRADE | WATERFALL
CLOSE_OUT_RIGHTS = TRADE | PAY | LOSS | WATERFALL
EXCHANGE_RIGHTS = TRADE
CONVERTER_RIGHTS = TRADE | PAY | WATERFALL
BACKSTOP_RIGHTS = TRADE | WATERFALL | EXIT
DELISTING_RIGHTS = TRADE | WATERFALL | FUNDING | RESTRICT
NOBODY = "0x" + "00" * 20
#: Names of the contracts of one system, in the order of deployment.
CORE = (
    "IndexOracle",
    "MarginModel",
    "InsuranceFund",
    "ExitQueue",
    "Clearinghouse",
    "Exchange",
    "LiquidationEngine",
    "Lens",
    "RiskMonitor",
    "CollateralConverter",
    "RiskLens",
    "WhatIfLens",
    "BackstopVault",
    "Backstop",
    "CloseOut",
    "Delisting",
)

#: Chain ids of development nodes, the only ones where test tokens and feeds are allowed.
DEVELOPMENT_CHAINS = (1337, 31337, 31338)


class DeploymentError(Exception):
    """What the chain holds is not what the parameters say."""


@dataclass(frozen=True)
class GivenFeed:
    """An adapter that somebody else deployed."""

    address: str


@dataclass(frozen=True)
class System:
    """Contract instances of one deployment; `aggregators[id]` are the sources of the index with
    that id: of a market, or of the settlement token if it has one."""

    parameters: Parameters
    settlement: Any
    index_oracle: Any
    margin_model: Any
    insurance_fund: Any
    exit_queue: Any
    clearinghouse: Any
    exchange: Any
    engine: Any
    lens: Any
    risk_monitor: Any
    converter: Any
    risk_lens: Any
    what_if_lens: Any
    backstop_vault: Any
    backstop: Any
    close_out: Any
    delisting: Any
    feeds: dict[int, list[Any]]
    aggregators: dict[int, list[str]]
    start_block: int

    def addresses(self) -> dict[str, str]:
        """Checksummed address of every core contract."""
        instances = (
            self.index_oracle, self.margin_model, self.insurance_fund, self.exit_queue,
            self.clearinghouse, self.exchange, self.engine, self.lens, self.risk_monitor,
            self.converter, self.risk_lens, self.what_if_lens, self.backstop_vault,
            self.backstop, self.close_out, self.delisting,
        )  # fmt: skip
        named = {name: str(one.address) for name, one in zip(CORE, instances, strict=True)}
        return {"SettlementToken": str(self.settlement.address), **named}


def index_name(index_id: int) -> str:
    """As messages call it."""
    return "settlement token" if index_id == SETTLEMENT_ID else f"market {index_id}"


def terms_of(index: IndexParameters) -> tuple[int, int, int]:
    """Quorum, spread band and volatility floor."""
    return index.quorum, index.spread_band, index.volatility_floor


def feed_tuples(
    system: System, index_id: int, index: IndexParameters
) -> list[tuple[str, int, int, bool]]:
    """Adapter, heartbeat, greatest age and pull of each feed."""
    return [
        (str(adapter.address), feed.heartbeat, feed.max_age, feed.pull)
        for adapter, feed in zip(system.feeds[index_id], index.feeds, strict=True)
    ]


def owned_by_timelock(system: System) -> list[Any]:
    """Contracts whose owner sets their parameters."""
    return [
        system.index_oracle, system.margin_model, system.clearinghouse, system.exchange,
        system.backstop, system.delisting,
    ]  # fmt: skip

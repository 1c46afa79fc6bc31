"""The system of params/local.yaml without what most tests do not need."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

from seawall.deployed import System
from seawall.deployment import deploy
from seawall.parameters import load

LOCAL = Path(__file__).resolve().parents[1] / "params" / "local.yaml"


def plain_system(project: Any, deployer: Any, prices: Sequence[int]) -> System:
    """One feed per market, at its price (dollars); no scenario matrix, no buckets."""
    parameters = load(LOCAL)
    markets = tuple(
        replace(one, feeds=(replace(one.feeds[0], price=Decimal(price)),), quorum=1, bucket=None)
        for one, price in zip(parameters.markets, prices, strict=True)
    )
    return deploy(project, deployer, replace(parameters, markets=markets, portfolio=None))

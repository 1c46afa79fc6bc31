"""What a parameter file says of the vaults."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class FundParameters:
    """The insurance fund's share token, its wait before an exit (seconds), and the shares (ppm) of
    its cash that one market and all markets get of it in a day."""

    name: str
    symbol: str
    cooldown: int
    market_share: int
    epoch_share: int


@dataclass(frozen=True)
class VaultParameters:
    """The share token of the Backstop's vault and its wait before an exit (seconds)."""

    name: str
    symbol: str
    cooldown: int

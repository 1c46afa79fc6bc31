"""Books for the tests of closing whole accounts: ETH at 3,000 dollars, BTC at 40,000."""

from __future__ import annotations

from typing import Any

from seawall.spec.words import WAD
from tests.closing_desk import ClosingDesk
from tests.desk import dollars

BTC, ETH = 1, 2
BTC_PRICE, ETH_PRICE = 40_000, 3_000
RESERVE = WAD


def long_eth(desk: ClosingDesk, owner: Any, other: int, size: int, money: int, sub: int = 0) -> int:
    """Long so many ETH on so many dollars, beside the keeper reserve."""
    account = desk.account(owner, money + 1, sub)
    desk.fill(account, other, ETH, size * WAD)
    return account


def short_eth(
    desk: ClosingDesk, owner: Any, other: int, size: int, money: Any, sub: int = 0
) -> int:
    """Short so many ETH on so many dollars, beside the keeper reserve."""
    account = desk.account(owner, money + 1, sub)
    desk.fill(other, account, ETH, size * WAD)
    return account


def rich(desk: ClosingDesk, owner: Any, sub: int = 0) -> int:
    """An account that bears everything."""
    return desk.account(owner, 10**6, sub)


def near(found: int, wanted: int) -> bool:
    """Equal but for what a scaled side rounds."""
    return abs(found - wanted) <= dollars(1) // 10**9

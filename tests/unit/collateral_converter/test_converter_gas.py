"""What the largest account costs to convert: caps of legs and tokens bound it."""

from __future__ import annotations

from typing import Any

import pytest
from counter import Counter

from seawall.spec.words import MAX_UINT256, WAD

#: A quarter of a block of thirty million.
BUDGET = 7_500_000
LEGS, TOKENS = 16, 8


@pytest.mark.parametrize("pegged", (False, True))
def test_convert_largest_account_to_largest_account_fits_the_budget(
    desk: Counter, trader: Any, maker: Any, keeper: Any, pegged: bool
) -> None:
    """Its legs fill the oracle's list: the settlement token's feeds come on top of them."""
    account, buyer = desk.account(trader), desk.account(keeper, 10_000)
    creditor = desk.account(maker, 10**6)
    for market_id in range(3, 3 + LEGS):
        desk.list_market(market_id, 100, 3)
        desk.fill(account, creditor, market_id, WAD if market_id % 2 else -WAD)
        desk.fill(buyer, creditor, market_id, WAD)
    for token_id in range(1, 1 + TOKENS):
        token = desk.token_of(token_id, 100)
        for owner, holder in ((trader, account), (keeper, buyer)):
            desk.pawn(owner, holder, token, WAD)
    desk.move_money(account, creditor, 50)
    if pegged:
        desk.peg("0.95")
    desk.warp(1)
    desk.convert(account, token, MAX_UINT256, buyer, keeper)
    print(f"gas of {LEGS} legs and {TOKENS} tokens on both sides, pegged {pegged}: {desk.last_gas}")
    assert desk.last_gas < BUDGET

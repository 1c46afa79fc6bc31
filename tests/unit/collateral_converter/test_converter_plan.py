"""The plan is what a conversion does, and the same computation."""

from __future__ import annotations

from typing import Any

import pytest
from counter import Counter

from seawall.spec.conversion import Conversion
from seawall.spec.words import MAX_UINT256, WAD
from tests.desk import dollars


@pytest.mark.parametrize("debt", ("0.000001", "1", "200", "999", "1000", "12345"))
def test_plan_conversion_is_what_convert_does(
    desk: Counter, trader: Any, maker: Any, keeper: Any, debt: str
) -> None:
    token = desk.token_of(1, 100, decimals=8)
    account = desk.debtor(trader, desk.account(maker), {token: 10 * 10**8}, debt)
    plan = desk.plan_conversion(account, token)
    assert plan.balance == -dollars(debt)
    done = desk.convert(account, token, MAX_UINT256, desk.account(keeper, 2_000), keeper)
    assert done == (plan.amount, plan.cash)


def test_plan_conversion_of_a_covered_account_is_zeros(desk: Counter, trader: Any) -> None:
    token = desk.token_of(1, 100)
    account = desk.account(trader, 1)
    desk.pawn(trader, account, token, WAD)
    assert desk.plan_conversion(account, token) == Conversion()


def test_plan_conversion_of_a_silent_token_is_zeros(desk: Counter, trader: Any, maker: Any) -> None:
    token = desk.token_of(1, 100)
    account = desk.debtor(trader, desk.account(maker), {token: WAD}, 50)
    desk.silence(token.leg_id)
    assert desk.plan_conversion(account, token) == Conversion()

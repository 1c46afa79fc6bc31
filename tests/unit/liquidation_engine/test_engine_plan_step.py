"""The preview is what the step does."""

from __future__ import annotations

from typing import Any

import pytest
from shapes import ETH, one_leg, two_legs

from seawall.spec.step_plan import BANKRUPT, Step
from tests.desk import Desk


@pytest.mark.parametrize("ratio", ("0.99", "0.9", "0.7", "0.5", "0.01"))
@pytest.mark.parametrize("shape", (one_leg, two_legs))
def test_plan_step_equals_what_liquidate_returns(
    desk: Desk, trader: Any, maker: Any, keeper: Any, ratio: str, shape: Any
) -> None:
    account = shape(desk, trader, maker, ratio)
    planned = desk.plan_step(account)
    step, _ = desk.liquidate(account, desk.account(keeper, 100_000), keeper)
    assert planned == step != Step()


def test_plan_step_healthy_is_all_zeros(desk: Desk, trader: Any, maker: Any) -> None:
    account = one_leg(desk, trader, maker, "1")
    assert desk.plan_step(account) == Step()
    assert desk.plan_step(desk.account(maker, sub=9)) == Step()


def test_plan_step_without_a_usable_leg_has_no_stage(desk: Desk, trader: Any, maker: Any) -> None:
    account = one_leg(desk, trader, maker, "0.3")
    desk.silence(ETH)
    assert desk.plan_step(account) == Step()


@pytest.mark.parametrize("ratio", ("0", "-1"))
def test_plan_step_of_a_bankrupt_account_says_that_it_is_no_keepers(
    desk: Desk, trader: Any, maker: Any, ratio: str
) -> None:
    account = one_leg(desk, trader, maker, ratio)
    assert desk.plan_step(account) == Step(BANKRUPT)

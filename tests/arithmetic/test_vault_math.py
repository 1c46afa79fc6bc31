"""`vault_math.vy` against its specification, and what its rounding promises."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from arithmetic_cases import MATH_CASES, VAULT_FUNCTIONS, Function, vault_cases

from seawall.spec.exit_vault import (
    MAX_SUPPLY,
    max_assets_in,
    max_shares_out,
    to_assets,
    to_shares,
)

Ask = Callable[[int, Any], list[int | None]]


@pytest.mark.parametrize("function", VAULT_FUNCTIONS, ids=lambda f: f.name)
def test_vault_math_any_case_equals_specification(ask_vault_math: Ask, function: Function) -> None:
    cases = vault_cases(function.name)

    answers = ask_vault_math(function.index, cases)

    expected = [function.answer(case) for case in cases]
    assert answers == expected
    assert len(answers) >= MATH_CASES


def test_max_assets_in_any_case_is_the_last_that_fits() -> None:
    for room, total_assets, supply in vault_cases("fits"):
        most = max_assets_in(room, total_assets, supply)

        assert to_shares(most, total_assets, supply) <= MAX_SUPPLY - supply
        assert most <= room


def test_max_shares_out_any_case_costs_no_more_than_the_room() -> None:
    for room, total_assets, supply in vault_cases("costs"):
        most = max_shares_out(room, total_assets, supply)

        assert to_assets(most, total_assets, supply, up=True) <= room
        assert most <= MAX_SUPPLY - supply

"""Discounts outside their bounds deploy nothing."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from seawall.deployed import System


@pytest.mark.parametrize("discounts", ((2, 1), (0, 100_001), (100_001, 100_001)))
def test_deploy_discount_out_of_bounds_is_refused(
    converter_system: System, deploy_refusal: Callable[..., str], discounts: tuple[int, int]
) -> None:
    one = converter_system
    contracts = (one.clearinghouse, one.index_oracle, one.margin_model)
    reason = deploy_refusal("CollateralConverter", *contracts, *discounts)
    assert reason == "converter: discount"


def test_deploy_discounts_can_be_read(converter_system: System) -> None:
    settings = converter_system.parameters.conversion
    assert converter_system.converter.DISCOUNT_MIN_PPM() == settings.discount_min == 5_000
    assert converter_system.converter.DISCOUNT_MAX_PPM() == settings.discount_max == 50_000

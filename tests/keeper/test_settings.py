"""Settings by environment variables."""

from __future__ import annotations

from pathlib import Path

import pytest

from seawall.keeper.jobs import JOBS
from seawall.keeper.settings import SettingError, read_settings

WAD = 10**18


def test_read_settings_nothing_given_is_the_networks_registry() -> None:
    settings = read_settings({"PATH": "/bin"}, "devnet", JOBS)
    assert settings.registry == Path("deployments/devnet.yaml")
    assert (settings.keeper_sub, settings.policy.dry_run, settings.max_gas_price) == (
        0,
        False,
        None,
    )


def test_read_settings_numbers_are_exact() -> None:
    given = {"SEAWALL_MAX_NOTIONAL": "0.1", "SEAWALL_MAX_GAS_GWEI": "2.5", "SEAWALL_DRY_RUN": "1"}
    settings = read_settings(given, "devnet", JOBS)
    assert settings.policy.limits.max_notional == WAD // 10
    assert (settings.max_gas_price, settings.policy.dry_run) == (2_500_000_000, True)


@pytest.mark.parametrize(
    "name, text",
    [
        ("BATCH", "33"),
        ("BATCH", "many"),
        ("KEEPER_SUB", "-1"),
        ("MARGIN_USE", "1.5"),
        ("MAX_NOTIONAL", "nan"),
        ("MAX_GAS_GWEI", "-1"),
        ("DRY_RUN", "yes"),
        ("SPEED", "9"),
    ],
)
def test_read_settings_bad_value_names_the_variable(name: str, text: str) -> None:
    with pytest.raises(SettingError, match=f"SEAWALL_{name}"):
        read_settings({f"SEAWALL_{name}": text}, "devnet", JOBS)


def test_read_settings_profit_without_native_price_is_refused() -> None:
    with pytest.raises(SettingError, match="SEAWALL_NATIVE_PRICE"):
        read_settings({"SEAWALL_MIN_PROFIT": "1"}, "devnet", JOBS)

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
        ("CLOSE_BATCH", "0"),
        ("CLOSE_BATCH", "21"),
        ("KEEPER_SUB", "-1"),
        ("MARGIN_USE", "1.5"),
        ("MAX_NOTIONAL", "nan"),
        ("MAX_GAS_GWEI", "-1"),
        ("DRY_RUN", "yes"),
        ("SPEED", "9"),
        ("JOBS", "liquidate,dance"),
        ("JOBS", "liquidate,"),
        ("FOLLOW_SECONDS", "3599"),
        ("FOLLOW_CHANGE", "1.1"),
        ("CALL_BLOCKS", "soon"),
        ("CALL_MIN", "-1"),
        ("CONVERT_DISCOUNT", "1"),
    ],
)
def test_read_settings_bad_value_names_the_variable(name: str, text: str) -> None:
    with pytest.raises(SettingError, match=f"SEAWALL_{name}"):
        read_settings({f"SEAWALL_{name}": text}, "devnet", JOBS)


def test_read_settings_profit_without_native_price_is_refused() -> None:
    with pytest.raises(SettingError, match="SEAWALL_NATIVE_PRICE"):
        read_settings({"SEAWALL_MIN_PROFIT": "1"}, "devnet", JOBS)


def test_read_settings_nothing_given_converts_nothing() -> None:
    jobs = read_settings({}, "devnet", JOBS).jobs
    assert jobs == ("liquidate", "close_out", "call", "follow")


def test_read_settings_cash_to_convert_with_turns_it_on() -> None:
    given = {"SEAWALL_CONVERT_MAX": "2500.5", "SEAWALL_NATIVE_PRICE": "3000"}
    settings = read_settings(given, "devnet", JOBS)
    assert settings.jobs == JOBS
    assert settings.policy.purchases.most == 2_500 * WAD + WAD // 2


def test_read_settings_jobs_given_are_the_ones_done() -> None:
    given = {"SEAWALL_JOBS": "follow, call"}
    assert read_settings(given, "devnet", JOBS).jobs == ("follow", "call")


@pytest.mark.parametrize(
    "given, named",
    [
        ({"JOBS": "convert", "NATIVE_PRICE": "1"}, "SEAWALL_CONVERT_MAX: needed"),
        ({"CONVERT_MAX": "5"}, "SEAWALL_NATIVE_PRICE: needed by SEAWALL_CONVERT_MAX"),
        ({"CONVERT_MAX": "0", "NATIVE_PRICE": "1"}, "SEAWALL_CONVERT_MAX: 0 is not above 0"),
    ],
)
def test_read_settings_conversions_need_cash_and_a_price(given: dict[str, str], named: str) -> None:
    with pytest.raises(SettingError, match=named):
        read_settings({f"SEAWALL_{name}": text for name, text in given.items()}, "devnet", JOBS)


def test_read_settings_rules_of_chores_are_exact() -> None:
    given = {"CALL_BLOCKS": "50", "CALL_MIN": "0.5"}
    given |= {"FOLLOW_SECONDS": "7200", "FOLLOW_CHANGE": "0.025"}
    policy = read_settings({f"SEAWALL_{k}": v for k, v in given.items()}, "devnet", JOBS).policy
    assert (policy.follows.seconds, policy.follows.change_ppm) == (7_200, 25_000)
    assert (policy.calls.blocks, policy.calls.minimum) == (50, WAD // 2)

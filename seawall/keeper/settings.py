"""A keeper's settings from environment variables; every name begins with SEAWALL_."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path

from seawall.keeper.planning import Limits
from seawall.keeper.rounds import Policy
from seawall.spec.words import PPM, WAD

PREFIX = "SEAWALL_"
GWEI = 10**9
_NAMES = (
    "REGISTRY",
    "KEEPER_SUB",
    "DRY_RUN",
    "BATCH",
    "MARGIN_USE",
    "MAX_NOTIONAL",
    "COOLDOWN_BLOCKS",
    "MAX_GAS_GWEI",
    "MIN_PROFIT",
    "NATIVE_PRICE",
    "REPLACE_BLOCKS",
)


class SettingError(ValueError):
    """A setting that cannot be used; the message names the variable and what is allowed."""


@dataclass(frozen=True)
class Settings:
    """Where the keeper works and how it acts; `max_gas_price` in wei, None: no maximum."""

    registry: Path
    keeper_sub: int
    policy: Policy
    max_gas_price: int | None


def read_settings(environment: Mapping[str, str], network: str) -> Settings:
    """Settings of a keeper on a network, whose name is the default registry's.

    Errors: SettingError, also for a variable with our prefix that no setting has.
    """
    given = {
        name.removeprefix(PREFIX): text
        for name, text in environment.items()
        if name.startswith(PREFIX) and text
    }
    if unknown := sorted(set(given) - set(_NAMES)):
        raise SettingError(f"{PREFIX}{unknown[0]}: no such setting; known: {', '.join(_NAMES)}")
    min_profit = _number(given, "MIN_PROFIT", WAD)
    native_price = _number(given, "NATIVE_PRICE", WAD)
    if min_profit is not None and native_price is None:
        raise SettingError(f"{PREFIX}NATIVE_PRICE: needed by {PREFIX}MIN_PROFIT")
    use = _number(given, "MARGIN_USE", PPM)
    try:
        limits = Limits(
            batch=_whole(given, "BATCH", Limits.batch),
            use_ppm=Limits.use_ppm if use is None else use,
            max_notional=_number(given, "MAX_NOTIONAL", WAD),
            cooldown_blocks=_whole(given, "COOLDOWN_BLOCKS", Limits.cooldown_blocks),
        )
    except ValueError as error:
        field, _, complaint = str(error).partition(":")
        raise SettingError(f"{PREFIX}{field.upper()}:{complaint}") from None
    policy = Policy(
        limits=limits,
        dry_run=_switch(given, "DRY_RUN"),
        min_profit=min_profit,
        native_price=native_price or 0,
        replace_blocks=_whole(given, "REPLACE_BLOCKS", Policy.replace_blocks),
    )
    return Settings(
        registry=Path(given.get("REGISTRY", f"deployments/{network}.yaml")),
        keeper_sub=_whole(given, "KEEPER_SUB", 0),
        policy=policy,
        max_gas_price=_number(given, "MAX_GAS_GWEI", GWEI),
    )


def _number(given: Mapping[str, str], name: str, unit: int) -> int | None:
    """A non-negative decimal number in smallest units, rounded down."""
    if name not in given:
        return None
    try:
        number = Decimal(given[name])
    except InvalidOperation:
        raise SettingError(f"{PREFIX}{name}: {given[name]!r} is not a number") from None
    if not number.is_finite() or number < 0:
        raise SettingError(f"{PREFIX}{name}: {given[name]} must be a number of at least 0")
    return int(number * unit)


def _whole(given: Mapping[str, str], name: str, default: int) -> int:
    text = given.get(name, str(default))
    if not text.isdecimal():
        raise SettingError(f"{PREFIX}{name}: {text!r} is not a whole number of at least 0")
    return int(text)


def _switch(given: Mapping[str, str], name: str) -> bool:
    text = given.get(name, "0").lower()
    if text not in ("0", "1", "true", "false"):
        raise SettingError(f"{PREFIX}{name}: {text!r} is neither 1 nor 0")
    return text in ("1", "true")

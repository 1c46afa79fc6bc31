"""A keeper's settings from environment variables; every name begins with SEAWALL_."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path

from seawall.keeper.chores import CONVERT
from seawall.keeper.jobs import JOBS
from seawall.keeper.planning import Limits
from seawall.keeper.purchases import PurchaseRules
from seawall.keeper.rounds import Policy
from seawall.keeper.upkeep import CallRules, FollowRules
from seawall.spec.words import PPM, WAD

PREFIX = "SEAWALL_"
GWEI = 10**9
_NAMES = (
    "REGISTRY",
    "JOBS",
    "KEEPER_SUB",
    "DRY_RUN",
    "BATCH",
    "CLOSE_BATCH",
    "MARGIN_USE",
    "MAX_NOTIONAL",
    "COOLDOWN_BLOCKS",
    "MAX_GAS_GWEI",
    "MIN_PROFIT",
    "NATIVE_PRICE",
    "REPLACE_BLOCKS",
    "FOLLOW_SECONDS",
    "FOLLOW_CHANGE",
    "CALL_BLOCKS",
    "CALL_MIN",
    "CONVERT_MAX",
    "CONVERT_DISCOUNT",
)


class SettingError(ValueError):
    """A setting that cannot be used; the message names the variable and what is allowed."""


@dataclass(frozen=True)
class Settings:
    """Where the keeper works, what it does and how; `max_gas_price` in wei, None: no maximum."""

    registry: Path
    jobs: tuple[str, ...]
    keeper_sub: int
    policy: Policy
    max_gas_price: int | None


def read_settings(environment: Mapping[str, str], network: str, jobs: Sequence[str]) -> Settings:
    """Settings of a keeper on a network, whose name is the default registry's.

    `jobs` are done by default, of which `convert` only with cash to do it with. Errors:
    SettingError, also for a variable with our prefix that no setting has.
    """
    given = {
        name.removeprefix(PREFIX): text
        for name, text in environment.items()
        if name.startswith(PREFIX) and text
    }
    if unknown := sorted(set(given) - set(_NAMES)):
        raise SettingError(f"{PREFIX}{unknown[0]}: no such setting; known: {', '.join(_NAMES)}")
    wanted = _jobs(given, jobs)
    min_profit = _number(given, "MIN_PROFIT", WAD)
    native_price = _number(given, "NATIVE_PRICE", WAD)
    if min_profit is not None and native_price is None:
        raise SettingError(f"{PREFIX}NATIVE_PRICE: needed by {PREFIX}MIN_PROFIT")
    if CONVERT in wanted:
        if native_price is None:
            raise SettingError(f"{PREFIX}NATIVE_PRICE: needed by {PREFIX}CONVERT_MAX")
        if not _number(given, "CONVERT_MAX", WAD):
            raise SettingError(f"{PREFIX}CONVERT_MAX: {given['CONVERT_MAX']} is not above 0")
    try:
        policy = _policy(given, min_profit, native_price or 0)
    except ValueError as error:
        if isinstance(error, SettingError):
            raise
        field, _, complaint = str(error).partition(":")
        raise SettingError(f"{PREFIX}{field.upper()}:{complaint}") from None
    return Settings(
        registry=Path(given.get("REGISTRY", f"deployments/{network}.yaml")),
        jobs=wanted,
        keeper_sub=_whole(given, "KEEPER_SUB", 0),
        policy=policy,
        max_gas_price=_number(given, "MAX_GAS_GWEI", GWEI),
    )


def _policy(given: Mapping[str, str], min_profit: int | None, native_price: int) -> Policy:
    """How to act; a ValueError of the rules begins with the setting's name in lower case."""
    limits = Limits(
        batch=_whole(given, "BATCH", Limits.batch),
        use_ppm=_or(_number(given, "MARGIN_USE", PPM), Limits.use_ppm),
        max_notional=_number(given, "MAX_NOTIONAL", WAD),
        cooldown_blocks=_whole(given, "COOLDOWN_BLOCKS", Limits.cooldown_blocks),
    )
    return Policy(
        limits=limits,
        dry_run=_switch(given, "DRY_RUN"),
        min_profit=min_profit,
        native_price=native_price,
        close_batch=_whole(given, "CLOSE_BATCH", Policy.close_batch),
        replace_blocks=_whole(given, "REPLACE_BLOCKS", Policy.replace_blocks),
        follows=FollowRules(
            seconds=_whole(given, "FOLLOW_SECONDS", FollowRules.seconds),
            change_ppm=_or(_number(given, "FOLLOW_CHANGE", PPM), FollowRules.change_ppm),
        ),
        calls=CallRules(
            minimum=_or(_number(given, "CALL_MIN", WAD), CallRules.minimum),
            blocks=_whole(given, "CALL_BLOCKS", CallRules.blocks),
        ),
        purchases=PurchaseRules(
            most=_or(_number(given, "CONVERT_MAX", WAD), PurchaseRules.most),
            discount_ppm=_or(_number(given, "CONVERT_DISCOUNT", PPM), PurchaseRules.discount_ppm),
        ),
    )


def _jobs(given: Mapping[str, str], default: Sequence[str]) -> tuple[str, ...]:
    """Names of jobs, as given or by default."""
    has_cash = "CONVERT_MAX" in given
    if "JOBS" not in given:
        return tuple(job for job in default if job != CONVERT or has_cash)
    wanted = tuple(name.strip() for name in given["JOBS"].split(","))
    for name in wanted:
        if name not in JOBS:
            raise SettingError(f"{PREFIX}JOBS: no job {name!r}; known: {', '.join(JOBS)}")
    if CONVERT in wanted and not has_cash:
        raise SettingError(f"{PREFIX}CONVERT_MAX: needed by {CONVERT} in {PREFIX}JOBS")
    return wanted


def _or(number: int | None, default: int) -> int:
    return default if number is None else number


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

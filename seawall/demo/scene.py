"""Scenes: which day is replayed, over whom, with how much behind it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from seawall.demo.errors import DemoError

ROOT = Path(__file__).resolve().parents[2]
DEFAULT_SCENE = "crash"


@dataclass(frozen=True)
class Crowd:
    """How the traders are drawn. Leverage is notional / collateral, collateral whole dollars.

    `kinds` are weights of what a trader holds; `long_share` is the chance of each direction.
    """

    accounts: int
    median_leverage: float
    leverage_spread: float
    lowest_leverage: float
    highest_leverage: float
    median_collateral: float
    collateral_spread: float
    lowest_collateral: int
    highest_collateral: int
    long_share: float
    kinds: Mapping[str, float]


@dataclass(frozen=True)
class Outage:
    """Minutes in which no keeper acts; `start` is unix seconds."""

    start: int
    minutes: int

    def covers(self, time: int) -> bool:
        """Whether a keeper is silent at this time."""
        return self.start <= time < self.start + 60 * self.minutes


@dataclass(frozen=True)
class Scene:
    """One story. Money in whole dollars; `outage` is when no keeper transaction gets through."""

    name: str
    title: str
    prices: Path
    parameters: Path
    seed: int
    crowd: Crowd
    market_makers: int
    maker_capital_share: float
    keeper_capital: int
    fund_deposits: tuple[int, ...]
    outage: Outage | None = None


CRASH = Scene(
    name="crash",
    title="19 May 2021, BTC and ETH",
    prices=ROOT / "data" / "2021-05-19_BTC_ETH_1m.csv",
    parameters=ROOT / "params" / "local.yaml",
    seed=20210519,
    crowd=Crowd(
        accounts=240,
        median_leverage=4.0,
        leverage_spread=0.55,
        lowest_leverage=1.0,
        highest_leverage=9.9,
        median_collateral=8_000.0,
        collateral_spread=1.2,
        lowest_collateral=500,
        highest_collateral=250_000,
        long_share=0.65,
        kinds={"BTC": 0.42, "ETH": 0.36, "both": 0.12, "hedged": 0.10},
    ),
    market_makers=3,
    maker_capital_share=0.5,
    keeper_capital=8_000_000,
    fund_deposits=(75_000, 50_000, 25_000),
    # 12:50 UTC, within the steepest fall of the day.
    outage=Outage(start=1_621_428_600, minutes=5),
)


@dataclass(frozen=True)
class Wipeout:
    """One gap in the first market, from the first price of a day. Money in whole dollars.

    The whale is long `whale_share_ppm` of open interest at `whale_leverage`; `pledged` of its money
    is a token of the second market's asset. `idle` accounts hold no position.
    """

    name: str
    title: str
    prices: Path
    parameters: Path
    seed: int
    gap_ppm: int
    whale_share_ppm: int
    whale_leverage: int
    pledged: int
    careful: Crowd
    bold: Crowd
    shorts: Crowd
    maker_capital: int
    fund_deposits: tuple[int, ...]
    backstop_capital: int
    idle: int


def _bitcoin(accounts: int, leverage: tuple[float, float, float], longs: bool) -> Crowd:
    """Traders of the first market alone: least, median and highest leverage."""
    lowest, median, highest = leverage
    return Crowd(
        accounts=accounts,
        median_leverage=median,
        leverage_spread=0.4,
        lowest_leverage=lowest,
        highest_leverage=highest,
        median_collateral=150_000.0,
        collateral_spread=1.0,
        lowest_collateral=5_000,
        highest_collateral=1_000_000,
        long_share=1.0 if longs else 0.0,
        kinds={"BTC": 1.0},
    )


WIPEOUT = Wipeout(
    name="wipeout",
    title="A gap of -35 % in BTC",
    prices=CRASH.prices,
    parameters=CRASH.parameters,
    seed=20200312,
    gap_ppm=350_000,
    whale_share_ppm=400_000,
    whale_leverage=8,
    pledged=150_000,
    # A long at 2.4 lives through the gap, one at 4 does not.
    careful=_bitcoin(24, (1.0, 1.8, 2.4), longs=True),
    bold=replace(_bitcoin(8, (4.0, 6.0, 9.0), longs=True), median_collateral=15_000.0),
    shorts=_bitcoin(24, (1.0, 1.8, 3.0), longs=False),
    maker_capital=20_000_000,
    fund_deposits=(150_000, 75_000, 25_000),
    backstop_capital=150_000,
    idle=12,
)

SCENES: dict[str, Scene | Wipeout] = {scene.name: scene for scene in (CRASH, WIPEOUT)}


def find_scene(name: str) -> Scene | Wipeout:
    """A scene by name, the default one for an empty name. Errors: DemoError listing all names."""
    wanted = name or DEFAULT_SCENE
    if wanted not in SCENES:
        raise DemoError(f"no scene {wanted!r}; there is: {', '.join(sorted(SCENES))}")
    return SCENES[wanted]

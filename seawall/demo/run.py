"""A whole demo: node, deployment, opening, replay, checks, files."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from seawall import build
from seawall.client.contract import ContractError
from seawall.demo import bankruptcies, market_data, series, summary, wipeout, wipeout_figures
from seawall.demo.checks import Check, audit, run_checks
from seawall.demo.errors import DemoError
from seawall.demo.market_data import MarketDay
from seawall.demo.opening import open_day
from seawall.demo.replay import Course, Replay, closes_at
from seawall.demo.scene import CRASH, ROOT, Scene, Wipeout
from seawall.demo.venue import deploy_venue
from seawall.deployed import DeploymentError
from seawall.node import Node, NodeError
from seawall.parameters import Parameters, load
from seawall.quantities import ParameterError
from seawall.report import write_report
from seawall.rpc import RpcError

#: The chain begins this long before the day, so that everything stands when it starts.
_LEAD_SECONDS = 3_600
#: Traders have keys of their own; the node sends for them all the same.
_NODE_OPTIONS = ("--auto-impersonate",)

WIPEOUT_FILE = "wipeout.json"
SUMMARY_FILE, SERIES_FILE, REPORT_FILE = "summary.json", "series.json", "report.html"


class Screen(Protocol):
    """Where the demo says what it is doing."""

    def phase(self, text: str, detail: str = "") -> None:
        """A new phase begins, or the present one has a new detail."""

    def minute(self, minute: int, course: Course) -> None:
        """One minute of the replay is done."""


@dataclass(frozen=True)
class Outcome:
    """Figures, what the report draws, and the promises."""

    summary: dict[str, Any]
    series: dict[str, Any]
    checks: Sequence[Check]


@dataclass(frozen=True)
class WipeoutOutcome:
    """Figures of a wipeout, and the promises."""

    summary: dict[str, Any]
    checks: Sequence[Check]


def replay_scene(scene: Scene, day: MarketDay, screen: Screen) -> Outcome:
    """Start a node, deploy, open, replay, audit and stop the node.

    Errors: DemoError with what to do.
    """
    started = time.monotonic()
    parameters = _parameters(scene, day)
    _check_artifacts()
    with _explained():
        screen.phase("starting a node")
        with Node(timestamp=day.times[0] - _LEAD_SECONDS, options=_NODE_OPTIONS) as node:
            node.rpc().set_block_interval(1)
            venue = deploy_venue(node, parameters, ROOT, partial(screen.phase, "deploying"))
            screen.phase("opening accounts", "signed orders")
            cast = open_day(venue, scene, closes_at(day, parameters, 0))
            ready = time.monotonic()
            screen.phase("replaying the day")
            replay = Replay(venue, scene, cast, day)
            replay.run(screen.minute)
            screen.phase("adding up every account")
            found = audit(venue, cast, replay.books)
            ended = time.monotonic()
    seconds = {
        "seconds": ended - started,
        "seconds_setup": ready - started,
        "seconds_replay": ended - ready,
    }
    checks = run_checks(replay.course, replay.books, found)
    figures = summary.summarise(scene, cast, replay.course, replay.books, found, seconds)
    drawn = series.build(scene, day, cast, replay.course, replay.books, parameters)
    return Outcome(summary.with_checks(figures, checks), drawn, checks)


def play_wipeout(scene: Wipeout, day: MarketDay, screen: Screen) -> WipeoutOutcome:
    """Start a node, deploy, open, gap, close and stop the node. Errors: DemoError."""
    started = time.monotonic()
    parameters = _parameters(scene, day)
    _check_artifacts()
    with _explained():
        screen.phase("starting a node")
        began = day.times[0] - wipeout.LEAD_SECONDS
        with Node(timestamp=began, options=_NODE_OPTIONS) as node:
            node.rpc().set_block_interval(1)
            venue = deploy_venue(node, parameters, ROOT, partial(screen.phase, "deploying"))
            stage = wipeout.Stage(venue, scene, closes_at(day, parameters, 0))
            screen.phase("opening accounts", "signed orders")
            story = wipeout.tell(stage, day.times[0], screen.phase)
            found = wipeout_figures.bill(venue, story)
    checks = wipeout_figures.run_checks(scene, story, found)
    seconds = time.monotonic() - started
    figures = wipeout_figures.summarise(scene, story, found, checks, seconds)
    return WipeoutOutcome(figures, checks)


def clear_bankruptcies(accounts: int, say: Callable[[str], None]) -> bankruptcies.Outcome:
    """Start a node, deploy, open so many accounts at the prices of the default scene's first
    minute, make them bankrupt, close them and stop the node. Errors: DemoError."""
    day = load_day(CRASH)
    parameters = _parameters(CRASH, day)
    _check_artifacts()
    with _explained(), Node(timestamp=day.times[0] - _LEAD_SECONDS, options=_NODE_OPTIONS) as node:
        node.rpc().set_block_interval(1)
        say("deploying")
        venue = deploy_venue(node, parameters, ROOT, lambda line: None)
        say(f"opening {accounts:,} accounts by signed orders")
        return bankruptcies.run(venue, accounts, closes_at(day, parameters, 0), day.times[0])


def load_day(scene: Scene | Wipeout) -> MarketDay:
    """The scene's prices. Errors: DemoError."""
    return market_data.load(scene.prices)


def write(outcome: Outcome, folder: Path) -> Path:
    """Write summary, series and report into a folder; returns the report's path."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / SUMMARY_FILE).write_text(json.dumps(outcome.summary, indent=1) + "\n")
    (folder / SERIES_FILE).write_text(json.dumps(outcome.series, separators=(",", ":")) + "\n")
    report = folder / REPORT_FILE
    write_report(outcome.summary, outcome.series, report)
    return report


@contextmanager
def _explained() -> Iterator[None]:
    """What goes wrong on the way, as a DemoError."""
    try:
        yield
    except (NodeError, ContractError, DeploymentError) as error:
        raise DemoError(str(error)) from None
    except (RpcError, OSError) as error:
        raise DemoError(f"the node stopped answering: {error}") from error


def write_figures(outcome: WipeoutOutcome, folder: Path) -> Path:
    """Write the figures of a wipeout into a folder; returns the file's path."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / WIPEOUT_FILE
    path.write_text(json.dumps(outcome.summary, indent=1) + "\n")
    return path


def _parameters(scene: Scene | Wipeout, day: MarketDay) -> Parameters:
    try:
        parameters = load(scene.parameters)
    except ParameterError as error:
        raise DemoError(str(error)) from None
    missing = {market.symbol for market in parameters.markets} - set(day.closes)
    if missing:
        raise DemoError(f"{scene.prices}: no prices for {', '.join(sorted(missing))}")
    if not parameters.uses_test_contracts:
        raise DemoError(f"{scene.parameters}: the demo needs test tokens and test aggregators")
    return parameters


def _check_artifacts() -> None:
    stale = build.stale()
    if stale:
        others = f" and {len(stale) - 1} more" if len(stale) > 1 else ""
        raise DemoError(f"not compiled since a change: {stale[0]}{others}; run make compile")

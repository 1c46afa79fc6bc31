"""A short replay of the worst half hour with twenty accounts, on a node of its own."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from seawall.demo.replay import Course
from seawall.demo.run import Outcome, load_day, replay_scene, write
from seawall.demo.scene import CRASH
from seawall.report.page import render

#: 12:36 to 13:05 UTC: the steepest fall and the keeper's outage are within.
FIRST, COUNT = 755, 30
ACCOUNTS = 20

KEYS = {
    "accounts", "liquidations", "accounts_liquidated", "notional_closed", "notional_needed",
    "fees_to_fund", "shortfall", "fund_before", "fund_after", "conservation_error_wei",
    "gas_per_liquidation", "seconds",
}  # fmt: skip


class Silent:
    """A screen that shows nothing and counts the minutes."""

    def __init__(self) -> None:
        self.minutes = 0

    def phase(self, text: str, detail: str = "") -> None:
        pass

    def minute(self, minute: int, course: Course) -> None:
        self.minutes += 1


@pytest.fixture(scope="module")
def screen() -> Silent:
    return Silent()


@pytest.fixture(scope="module")
def outcome(screen: Silent) -> Outcome:
    # Twenty cautious traders would live through half an hour; these are bold.
    crowd = replace(CRASH.crowd, accounts=ACCOUNTS, median_leverage=8.0)
    scene = replace(CRASH, crowd=crowd)
    return replay_scene(scene, load_day(scene).part(FIRST, COUNT), screen)


@pytest.fixture(scope="module")
def summary(outcome: Outcome) -> dict[str, Any]:
    return outcome.summary


def test_replay_summary_has_every_promised_key(summary: dict[str, Any]) -> None:
    assert set(summary) >= KEYS
    assert summary["accounts"] == ACCOUNTS
    assert summary["minutes"] == COUNT


def test_replay_shows_every_minute(outcome: Outcome, screen: Silent) -> None:
    assert screen.minutes == COUNT == len(outcome.series["fund"])


def test_replay_crash_liquidates_and_fund_pays(summary: dict[str, Any]) -> None:
    assert summary["accounts_liquidated"] >= 3
    assert summary["liquidations"] >= summary["accounts_liquidated"]
    assert summary["shortfall"] > 0
    assert summary["shortfall"] == pytest.approx(
        summary["shortfall_paid_by_fund"]
        + summary["shortfall_charged"]
        + summary["shortfall_deferred"]
    )


def test_replay_books_balance_to_the_dust(summary: dict[str, Any]) -> None:
    assert summary["conservation_error_wei"] <= summary["conservation_bound_wei"]


def test_replay_leaves_no_account_below_maintenance(summary: dict[str, Any]) -> None:
    assert summary["left_below_maintenance"] == 0


def test_replay_closes_no_more_than_needed(summary: dict[str, Any]) -> None:
    assert 0 < summary["notional_closed"] <= 1.25 * summary["notional_needed"]


def test_replay_fund_moves_by_fees_and_payments(summary: dict[str, Any]) -> None:
    moved = summary["fund_after"] - summary["fund_before"]
    explained = summary["fees_to_fund"] - summary["shortfall_paid_by_fund"]
    assert moved == pytest.approx(explained, abs=1e-5)


def test_replay_keeps_every_promise(outcome: Outcome) -> None:
    assert len(outcome.checks) == 7
    assert [check.promise for check in outcome.checks if not check.kept] == []


def test_replay_every_account_is_in_one_band_at_every_minute(outcome: Outcome) -> None:
    bands = outcome.series["bands"].values()
    assert {sum(counts) for counts in zip(*bands, strict=True)} == {ACCOUNTS}


def test_write_stored_summary_and_series_make_the_same_report(
    outcome: Outcome, tmp_path: Path
) -> None:
    report = write(outcome, tmp_path)
    stored = json.loads((tmp_path / "summary.json").read_text())
    drawn = json.loads((tmp_path / "series.json").read_text())
    assert render(stored, drawn) == report.read_text()

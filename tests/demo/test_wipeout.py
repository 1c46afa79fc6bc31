"""The wipeout on a node of its own: who pays, and that a broken promise is found."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from seawall.demo.clearing import Cleared
from seawall.demo.population import Actor, Trader
from seawall.demo.replay import Course
from seawall.demo.run import WipeoutOutcome, load_day, play_wipeout, write_figures
from seawall.demo.scene import WIPEOUT, find_scene
from seawall.demo.wipeout import Cast, Look, Story
from seawall.demo.wipeout_figures import ROUNDING_WEI, Bill, run_checks
from seawall.keeper.planning import Row
from seawall.spec.words import LONG, SHORT, WAD

STAGES = "paid_by_fund", "charged_to_longs", "charged_to_shorts", "deferred"


class Silent:
    """A screen that shows nothing."""

    def phase(self, text: str, detail: str = "") -> None:
        pass

    def minute(self, minute: int, course: Course) -> None:
        pass


@pytest.fixture(scope="module")
def outcome() -> WipeoutOutcome:
    """Half of the crowd, the same whale's share."""
    crowds = {
        name: replace(getattr(WIPEOUT, name), accounts=count)
        for name, count in (("careful", 8), ("bold", 4), ("shorts", 8))
    }
    scene = replace(WIPEOUT, **crowds, idle=4)
    return play_wipeout(scene, load_day(scene), Silent())


@pytest.fixture(scope="module")
def summary(outcome: WipeoutOutcome) -> dict[str, Any]:
    return outcome.summary


def test_find_scene_wipeout_is_a_scene_of_the_demo() -> None:
    assert find_scene("wipeout") is WIPEOUT


def test_wipeout_keeps_every_promise(outcome: WipeoutOutcome) -> None:
    assert len(outcome.checks) == 9
    assert [check.promise for check in outcome.checks if not check.kept] == []


def test_wipeout_gap_is_35_percent_of_the_days_first_price(summary: dict[str, Any]) -> None:
    first = load_day(WIPEOUT).closes["BTC"][0]
    assert summary["opening_price"] == float(first)
    assert summary["price"] == pytest.approx(0.65 * float(first), abs=1e-6)


def test_wipeout_whale_owes_more_than_all_that_stands_before_the_sides(
    summary: dict[str, Any],
) -> None:
    assert summary["whale_equity_after_gap"] < 0
    assert summary["size_to_bucket"] > 0
    assert summary["collateral_taken_by_fund"] > 0
    assert 0 < summary["paid_by_fund"] < summary["charged_to_shorts"]
    assert summary["fund_after"] == 0


def test_wipeout_stages_sum_to_the_shortfall(summary: dict[str, Any]) -> None:
    assert sum(summary[name] for name in STAGES) == pytest.approx(summary["shortfall"], abs=1e-5)


def test_wipeout_haircut_is_the_shortfall_that_the_fund_left(summary: dict[str, Any]) -> None:
    assert summary["haircut_to_shortfall_left"] == 1.0
    assert summary["least_charge_per_unit"] == summary["largest_charge_per_unit"] > 0


def test_write_figures_are_the_summary(outcome: WipeoutOutcome, tmp_path: Path) -> None:
    assert json.loads(write_figures(outcome, tmp_path).read_text()) == outcome.summary


# -- promises that are broken ------------------------------------------------------------------

SEED = 7
WHALE = Trader(Actor(SEED, "whale"), "BTC", 1, {1: 4 * WAD})
OTHER = Trader(Actor(SEED, "other"), "BTC", 1, {1: 6 * WAD})
SELLER = Trader(Actor(SEED, "seller"), "BTC", 1, {1: -8 * WAD})
CAST = Cast(
    WHALE, [OTHER], [SELLER], Actor(SEED, "market maker"), Actor(SEED, "keeper"),
    [Actor(SEED, "idle")],
)  # fmt: skip
LOSER, WINNER, MAKER = WHALE.actor.account, SELLER.actor.account, CAST.maker.account
IDLE = CAST.idle[0].account
BUCKET, FUND = 1 << 97, 1 << 98
CLEARED = Cleared([], 1, 1, 0.0)
SHARE, CLOSED, SUM, HAIRCUT, RATA, UNTOUCHED, SAVINGS, CAPITAL, BOOKS = range(9)


def look(equities: Mapping[int, int], sizes: Mapping[int, int], fund: int, keeper: int) -> Look:
    rows = {
        one: Row(one, 6 if equity < 0 else 1, equity * WAD, WAD) for one, equity in equities.items()
    }
    whole = {one: size * WAD for one, size in sizes.items()}
    return Look(rows, whole, {IDLE: 5 * WAD}, fund * WAD, keeper * WAD, 0, (0, 0))


def story() -> Story:
    """The whale lacks 30, of which the fund pays 10 and shorts of 10 pay 20."""
    sizes = {LOSER: 4, OTHER.actor.account: 6, WINNER: -8, MAKER: -2, BUCKET: 0}
    before = look({LOSER: -30, WINNER: 100, MAKER: 50}, sizes, 10, 0)
    left = {LOSER: 0, OTHER.actor.account: 6, WINNER: -6, MAKER: -1, BUCKET: 1}
    after = look({LOSER: 0, WINNER: 84, MAKER: 46}, left, 0, 1)
    return Story(CAST, BUCKET, FUND, 10 * WAD, 7 * WAD, before, before, after, CLEARED)


def paid(**changes: Any) -> Bill:
    given: dict[str, Any] = {
        "shortfalls": {LOSER: 30 * WAD},
        "reserve": WAD,
        "fees": 0,
        "collateral": 0,
    }
    given |= {"fund": 10 * WAD, "charged": {LONG: 0, SHORT: 20 * WAD}, "deferred": 0}
    return Bill(**(given | changes))


def broken(told: Story, found: Bill) -> list[int]:
    checks = run_checks(WIPEOUT, told, found)
    return [number for number, check in enumerate(checks) if not check.kept]


def changed(**after: Any) -> Story:
    told = story()
    return replace(told, after=replace(told.after, **after))


def with_equity(account: int, wei: int) -> Story:
    rows = dict(story().after.rows)
    rows[account] = rows[account]._replace(equity=rows[account].equity + wei)
    return changed(rows=rows)


def test_checks_story_that_adds_up_keeps_all() -> None:
    assert broken(story(), paid()) == []


def test_checks_smaller_whale_is_broken() -> None:
    told = story()
    sizes = {**told.opened.sizes, OTHER.actor.account: 7 * WAD}
    assert broken(replace(told, opened=replace(told.opened, sizes=sizes)), paid()) == [SHARE]


def test_checks_account_left_below_zero_is_broken() -> None:
    rows = dict(story().after.rows)
    rows[MAKER] = rows[MAKER]._replace(status=6)
    assert broken(changed(rows=rows), paid()) == [CLOSED]


def test_checks_account_closed_above_zero_is_broken() -> None:
    assert broken(story(), paid(shortfalls={LOSER: 30 * WAD, WINNER: 0})) == [CLOSED]


def test_checks_wei_that_no_stage_paid_is_broken() -> None:
    assert broken(story(), paid(deferred=1)) == [SUM]


@pytest.mark.parametrize("sign", (1, -1))
def test_checks_winners_who_lost_something_else_are_broken(sign: int) -> None:
    found = broken(with_equity(WINNER, sign * 10 * ROUNDING_WEI), paid())
    assert found == [HAIRCUT, RATA]


def test_checks_charge_shifted_from_winner_to_winner_is_broken() -> None:
    told = with_equity(WINNER, WAD)
    rows = dict(told.after.rows)
    rows[MAKER] = rows[MAKER]._replace(equity=rows[MAKER].equity - WAD)
    assert broken(replace(told, after=replace(told.after, rows=rows)), paid()) == [RATA]


def test_checks_bystander_who_paid_is_broken() -> None:
    assert broken(changed(idle={IDLE: 5 * WAD - 1}), paid()) == [UNTOUCHED]


def test_checks_fund_that_paid_beside_its_stage_is_broken() -> None:
    assert broken(story(), paid(collateral=1)) == [SAVINGS]


def test_checks_keeper_paid_other_than_reserves_is_broken() -> None:
    assert broken(story(), paid(reserve=2 * WAD)) == [CAPITAL]


@pytest.mark.parametrize(
    "after",
    [
        {"conservation": 10**12 + 1},
        {"custody_gaps": (0, -1)},
        {"custody_gaps": (-1, 0)},
        {"sizes": {LOSER: WAD, WINNER: 0}},
    ],
)
def test_checks_books_out_of_balance_are_broken(after: dict[str, Any]) -> None:
    assert broken(changed(**after), paid()) == [BOOKS]

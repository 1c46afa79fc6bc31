"""A broken promise is found, and says by how much."""

from __future__ import annotations

import pytest

from seawall.client.contract import Contract, load_abi
from seawall.demo.books import PARTIAL, WHOLE, Books, StepRecord
from seawall.demo.checks import CONSERVATION_BOUND_WEI, Audit, run_checks
from seawall.demo.replay import Course
from seawall.demo.scene import CRASH
from seawall.demo.venue import Handles
from seawall.keeper.planning import Row
from seawall.parameters import load
from seawall.spec.words import WAD

TRADER = 1 << 96
BTC = 1
PRICE = 40_000 * WAD
NOWHERE = "0x" + "00" * 20

CLEAN = Audit(0, 0, 0)

BALANCE, LEFT, EARLY, NEEDED, LOWERED, FUND, POSITIONS = range(7)


@pytest.fixture
def books() -> Books:
    names = "Clearinghouse", "LiquidationEngine", "CloseOut"
    handles = Handles(*(Contract(NOWHERE, load_abi(name)) for name in names))
    return Books(load(CRASH.parameters), handles, {TRADER: {BTC: 25 * WAD // 10}})


@pytest.fixture
def course() -> Course:
    return Course(fund=[100 * WAD], fund_before=100 * WAD, conservation=[0])


def row(equity: int, maintenance: int) -> Row:
    return Row(TRADER, 4, equity * WAD, maintenance * WAD)


def step(needed: int = 0, closed: int = 0, fee: int = 0, keeper_fee: int = 0) -> StepRecord:
    before = row(90, 100)
    return StepRecord(0, TRADER, PARTIAL, before, needed, closed, fee, keeper_fee)


def kept(course: Course, books: Books, found: Audit = CLEAN) -> list[bool]:
    return [check.kept for check in run_checks(course, books, found)]


def test_checks_quiet_day_keeps_all(course: Course, books: Books) -> None:
    assert all(kept(course, books))


@pytest.mark.parametrize("error", [CONSERVATION_BOUND_WEI + 1, -CONSERVATION_BOUND_WEI - 1])
def test_checks_minute_out_of_balance_is_broken(course: Course, books: Books, error: int) -> None:
    course.conservation.append(error)
    assert not kept(course, books)[BALANCE]


def test_checks_accounts_that_claim_more_are_broken(course: Course, books: Books) -> None:
    assert not kept(course, books, Audit(-CONSERVATION_BOUND_WEI - 1, 0, 0))[BALANCE]


def test_checks_missing_token_is_broken(course: Course, books: Books) -> None:
    assert not kept(course, books, Audit(0, -1, 0))[BALANCE]


def test_checks_account_left_below_is_named(course: Course, books: Books) -> None:
    course.left_below.append((7, TRADER))
    found = run_checks(course, books, CLEAN)[LEFT]
    assert not found.kept
    assert "minute 7: 0x0000000000000000000000000000000000000001" in found.detail


def test_checks_step_on_a_healthy_account_is_broken(course: Course, books: Books) -> None:
    books.steps.append(StepRecord(0, TRADER, PARTIAL, row(100, 100), needed=WAD, closed=WAD))
    assert not kept(course, books)[EARLY]


@pytest.mark.parametrize("closed, fine", [(125, True), (126, False)])
def test_checks_closing_more_than_a_quarter_beyond_need_is_broken(
    course: Course, books: Books, closed: int, fine: bool
) -> None:
    books.steps.append(step(needed=100 * WAD, closed=closed * WAD))
    assert kept(course, books)[NEEDED] is fine


def test_checks_unexplained_fund_money_is_broken(course: Course, books: Books) -> None:
    books.steps.append(step(fee=2 * WAD, keeper_fee=WAD))
    assert not kept(course, books)[FUND]
    course.fund.append(101 * WAD)
    assert kept(course, books)[FUND]


def test_checks_position_off_its_events_is_broken(course: Course, books: Books) -> None:
    assert not kept(course, books, Audit(0, 0, 1))[POSITIONS]


def test_compare_lower_ratio_after_a_partial_step_is_counted(course: Course, books: Books) -> None:
    books.compare([step()], {TRADER: row(44, 50)})
    assert not kept(course, books)[LOWERED]


def test_compare_whole_close_is_no_partial_step(course: Course, books: Books) -> None:
    books.compare([StepRecord(0, TRADER, WHOLE, row(9, 100))], {TRADER: row(0, 0)})
    assert kept(course, books)[LOWERED]


def test_needed_at_nine_tenths_is_a_fifth_of_the_notional(books: Books) -> None:
    # 2.5 BTC at 40,000: notional 100,000, maintenance 6,500. With pi of the default engine at
    # h = 0.9, 0.5 % + 0.5 % * 0.1 / (1 - 2/3): x = (1.1 * 6500 - 5850) / (1.1 * 0.065 - 0.0065).
    wanted = books.needed(row(5_850, 6_500), TRADER, BTC, PRICE)
    assert wanted == pytest.approx(20_000 * WAD, rel=1e-3)


def test_needed_below_close_out_is_the_whole_leg(books: Books) -> None:
    assert books.needed(row(4_300, 6_500), TRADER, BTC, PRICE) == 100_000 * WAD


def test_needed_is_never_above_the_leg(books: Books) -> None:
    books.positions[TRADER][BTC] = WAD // 10
    assert books.needed(row(5_850, 6_500), TRADER, BTC, PRICE) == 4_000 * WAD

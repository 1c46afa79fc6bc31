"""Order, batches and the keeper's own margin."""

from __future__ import annotations

from typing import Any

import pytest

from seawall.keeper.planning import (
    Action,
    Candidate,
    Cooldown,
    KeeperMargin,
    Limits,
    Row,
    due,
    gas_cost,
    halves,
    plan,
    solvent,
)
from seawall.spec.step_plan import PARTIAL, WHOLE, Step

WAD = 10**18
BTC, ETH = 1, 2
RATES = {BTC: 100_000, ETH: 200_000}
ALL = Limits(use_ppm=1_000_000)


def row(account: int, status: int, equity: int, maintenance: int = 100) -> Row:
    return Row(account, status, equity * WAD, maintenance * WAD)


def candidate(account: int, notional: int, stage: int = PARTIAL, market_id: int = BTC) -> Candidate:
    step = Step(stage, market_id, WAD, WAD, notional * WAD, notional * WAD // 100, WAD, 0)
    return Candidate(row(account, 4, 90), step)


def whole(account: int, notional: int, equity: int, *markets: int) -> Candidate:
    """All legs of an account, in these markets, close at once."""
    step = candidate(account, notional, WHOLE, 0).step
    return Candidate(row(account, 6 if equity < 0 else 5, equity), step, markets)


def keeper(free: int) -> KeeperMargin:
    return KeeperMargin(free * WAD, RATES)


def test_due_orders_by_severity() -> None:
    rows = [row(1, 4, 90), row(2, 5, 50), row(3, 6, -5), row(4, 4, 70), row(5, 6, -50)]
    assert [one.account for one in due(rows)] == [5, 3, 2, 4, 1]


@pytest.mark.parametrize("status", [0, 1, 2, 3])
def test_due_healthy_status_is_left_out(status: int) -> None:
    assert due([row(1, status, 500)]) == []


def test_due_compares_ratio_and_not_equity() -> None:
    rows = [row(1, 4, 95, 100), row(2, 4, 700, 1000)]
    assert [one.account for one in due(rows)] == [2, 1]


def test_plan_everything_fits_is_batches_in_order() -> None:
    found = plan([candidate(n, 100) for n in range(1, 6)], keeper(1000), Limits(batch=2))
    assert [action.accounts for action in found.actions] == [(1, 2), (3, 4), (5,)]
    assert {action.kind for action in found.actions} == {"many"}


def test_plan_batch_sums_notional_and_fee() -> None:
    (action,) = plan([candidate(1, 100), candidate(2, 300)], keeper(1000), ALL).actions
    assert (action.notional, action.keeper_fee) == (400 * WAD, 2 * WAD)


def test_plan_never_needs_more_than_the_free_margin() -> None:
    found = plan([candidate(n, 100) for n in range(1, 9)], keeper(35), ALL)
    taken = sum(action.notional for action in found.actions)
    assert taken * RATES[BTC] // 10**6 == 35 * WAD


def test_plan_partial_beyond_margin_is_cut_to_the_room_left() -> None:
    found = plan([candidate(1, 100), candidate(2, 100)], keeper(15), ALL)
    first, second = found.actions
    assert first.accounts == (1,)
    assert (second.kind, second.accounts, second.limit) == ("one", (2,), 50 * WAD)


@pytest.mark.parametrize("equity", (-5, 0))
def test_plan_whole_close_without_equity_beyond_margin_is_skipped_and_smaller_taken(
    equity: int,
) -> None:
    found = plan([whole(1, 1000, equity, BTC), candidate(2, 50)], keeper(15), ALL)
    assert [action.accounts for action in found.actions] == [(2,)]
    assert found.skipped == {1: "beyond the keeper's margin or limit"}


def test_plan_whole_close_of_a_solvent_account_beyond_margin_is_cut_to_the_room() -> None:
    found = plan([whole(1, 1000, 50, BTC, ETH)], keeper(15), ALL)
    (action,) = found.actions
    # The leg that the engine takes may be the one with the highest rate.
    assert (action.kind, action.accounts, action.limit) == ("one", (1,), 75 * WAD)
    assert action.keeper_fee == WAD * 75 // 1000


def test_plan_slice_of_a_whole_close_uses_up_its_room() -> None:
    found = plan([whole(1, 1000, 50, ETH), candidate(2, 50)], keeper(15), ALL)
    assert [action.accounts for action in found.actions] == [(1,)]


@pytest.mark.parametrize("markets", ((), (BTC, ETH), (ETH,)))
def test_plan_whole_close_uses_the_highest_rate_of_its_markets(markets: tuple[int, ...]) -> None:
    fits = plan([whole(1, 100, 50, *markets)], keeper(20), ALL)
    short = plan([whole(1, 100, 50, *markets)], KeeperMargin(20 * WAD - 1, RATES), ALL)
    assert ([one.kind for one in fits.actions], [one.kind for one in short.actions]) == (
        ["many"],
        ["one"],
    )


def test_plan_whole_close_counts_no_rate_of_other_markets() -> None:
    (action,) = plan([whole(1, 100, 50, BTC)], keeper(10), ALL).actions
    assert action.kind == "many"


@pytest.mark.parametrize("stranger", (candidate(1, 5, PARTIAL, 3), whole(1, 5, 50, BTC, 3)))
def test_plan_market_without_a_rate_is_skipped_and_the_others_taken(stranger: Candidate) -> None:
    found = plan([stranger, candidate(2, 50)], keeper(100), ALL)
    assert [action.accounts for action in found.actions] == [(2,)]
    assert found.skipped == {1: "no initial rate of a market"}


def test_plan_without_any_rate_skips_all() -> None:
    found = plan([candidate(1, 5), whole(2, 5, 50)], KeeperMargin(WAD, {}), ALL)
    assert (found.actions, set(found.skipped)) == ([], {1, 2})


def test_plan_keeps_part_of_the_margin_unused() -> None:
    found = plan([candidate(1, 100)], keeper(10), Limits(use_ppm=500_000))
    assert [action.limit for action in found.actions] == [50 * WAD]


def test_plan_keeper_below_its_own_margin_takes_nothing() -> None:
    found = plan([candidate(1, 100), candidate(2, 1)], keeper(-5), ALL)
    assert found.actions == []
    assert set(found.skipped) == {1, 2}


def test_plan_max_notional_bounds_the_round() -> None:
    limits = Limits(use_ppm=1_000_000, max_notional=130 * WAD)
    found = plan([candidate(1, 100), candidate(2, 100)], keeper(1000), limits)
    assert [action.notional for action in found.actions] == [100 * WAD, 30 * WAD]


def test_plan_slice_below_one_percent_is_not_worth_a_transaction() -> None:
    found = plan([candidate(1, 100_000)], keeper(99), ALL)
    assert found.actions == []


def test_solvent_leaves_out_who_is_at_or_below_zero() -> None:
    rows = [row(1, 4, 90), row(2, 5, 1), row(3, 6, 0), row(4, 6, -5), row(5, 6, -5, 0)]
    assert [one.account for one in solvent(rows)] == [1, 2]


def test_plan_account_without_usable_price_is_skipped() -> None:
    found = plan([Candidate(row(1, 4, 90), Step(0, 0, 0, 0, 0, 0, 0, 0))], keeper(100), ALL)
    assert found.skipped == {1: "no usable price"}


def test_halves_splits_a_batch_with_its_sums() -> None:
    candidates = [candidate(n, 100 * n) for n in (1, 2, 3)]
    steps = {one.row.account: one.step for one in candidates}
    (batch,) = plan(candidates, keeper(1000), ALL).actions
    first, second = halves(batch, steps)
    assert (first.accounts, first.notional) == ((1,), 100 * WAD)
    assert (second.accounts, second.notional, second.keeper_fee) == ((2, 3), 500 * WAD, 2 * WAD)


def test_halves_of_a_single_account_is_empty() -> None:
    assert halves(Action("many", (1,)), {}) == []


def test_gas_cost_is_rounded_up() -> None:
    assert gas_cost(100_000, 10**9, 3_000 * WAD) == 3 * WAD // 10
    assert gas_cost(1, 1, 1) == 1


def test_cooldown_rests_for_the_given_blocks() -> None:
    cooldown = Cooldown(blocks=5)
    cooldown.rest([7], block=100)
    assert cooldown.resting(104) == {7}
    assert cooldown.resting(105) == set()


@pytest.mark.parametrize(
    "change", [{"batch": 0}, {"batch": 33}, {"use_ppm": 0}, {"max_notional": 0}]
)
def test_limits_outside_their_range_are_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(change)).split("_")[0]):
        Limits(**change)

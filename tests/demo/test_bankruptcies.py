"""Some accounts bankrupt at once on a node of its own, cleared by the keeper."""

from __future__ import annotations

import pytest

from seawall.demo.bankruptcies import Outcome, lines
from seawall.demo.run import clear_bankruptcies
from seawall.keeper.closing import MAX_CLOSED

ACCOUNTS = 2 * MAX_CLOSED + 4


@pytest.fixture(scope="module")
def outcome() -> Outcome:
    return clear_bankruptcies(ACCOUNTS, lambda phase: None)


def test_bankruptcies_keeps_every_promise(outcome: Outcome) -> None:
    assert len(outcome.checks) == 6
    assert [check.promise for check in outcome.checks if not check.kept] == []


def test_bankruptcies_all_are_bankrupt_at_once_and_none_is_left(outcome: Outcome) -> None:
    assert (outcome.bankrupt, outcome.left) == (ACCOUNTS, 0)
    assert outcome.shortfall > 0


def test_bankruptcies_take_one_round_of_full_batches(outcome: Outcome) -> None:
    cleared = outcome.cleared
    assert (len(cleared.receipts), cleared.rounds, cleared.blocks) == (3, 1, 1)


def test_lines_tell_what_was_measured(outcome: Outcome) -> None:
    told = dict(lines(outcome))
    assert told["gas"] == f"{outcome.cleared.gas:,}"
    assert told["bankrupt at once"] == f"{ACCOUNTS} accounts, {ACCOUNTS * 5 // 4} legs"

"""docs/margin.md shows what the specification asks for; what it promises of pairs and splits."""

from __future__ import annotations

import pytest

from seawall.replay.tables import filled
from seawall.replay.windows import VARIABLE, folder
from seawall.risk.examples import (
    ACCOUNTS,
    PAGE,
    Book,
    books,
    drawn_returns,
    matrix,
    splits,
    tables,
)
from seawall.risk.history import hourly_returns, is_present

PAIRS = ("long 1, short 1", "short 1, long 1", "long 10, short 9")
ALONE = ("long 1 of the first", "short 1 of the second", "long 1, long 1", "short 10, short 1")

needs_history = pytest.mark.skipif(
    not is_present(), reason=f"no recorded hours in {folder()}: set {VARIABLE} to their folder"
)


@pytest.fixture(scope="module")
def drawn() -> dict[str, Book]:
    return {book.name: book for book in books(matrix(drawn_returns()))}


@pytest.fixture(scope="module")
def recorded() -> dict[str, Book]:
    return {book.name: book for book in books(matrix(hourly_returns()))}


def test_margin_page_tables_are_what_the_specification_gives() -> None:
    """That of recorded hours is compared where these are present."""
    assert PAGE.read_text() == filled(PAGE.read_text(), tables())


@pytest.mark.parametrize("name", PAIRS)
def test_hedged_pair_needs_at_most_two_fifths_of_standard(
    drawn: dict[str, Book], name: str
) -> None:
    assert drawn[name].initial_share <= 0.4
    assert drawn[name].maintenance_share <= 0.4


@needs_history
@pytest.mark.parametrize("name", PAIRS)
def test_recorded_pair_needs_at_most_two_fifths_of_standard(
    recorded: dict[str, Book], name: str
) -> None:
    assert recorded[name].initial_share <= 0.4
    assert recorded[name].maintenance_share <= 0.4


@pytest.mark.parametrize("name", ALONE)
def test_concentrated_book_needs_no_less_than_standard(drawn: dict[str, Book], name: str) -> None:
    assert drawn[name].portfolio.initial >= drawn[name].standard.initial
    assert drawn[name].portfolio.maintenance >= drawn[name].standard.maintenance


def test_splits_lower_initial_margin_by_at_most_a_hundredth() -> None:
    for split in splits():
        assert split.many * 100 >= split.one * 99
        # Open interest binds: more than the base rate of 10 %.
        assert split.one > split.size * 10**5 * 10**18
    assert ACCOUNTS == 100

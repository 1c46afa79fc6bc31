"""Reading recorded closes, on files made here."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from seawall.replay import windows as reading
from seawall.replay.feeds import broken, frozen, late, restamped, said
from seawall.replay.tables import PAGE, PageError, filled
from seawall.replay.windows import VARIABLE, Series, WindowError, closes, moment
from seawall.spec.oracle import NO_READING, Reading
from seawall.spec.words import WAD

HEAD = "ts,symbol,close,volume"


@pytest.fixture(scope="session", autouse=True)
def windows() -> None:
    """These need no recorded prices."""


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of windows is an empty one."""
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    return tmp_path


def put(folder: Path, *rows: str) -> None:
    """A file of such rows."""
    with gzip.open(folder / "venue.csv.gz", "wt") as file:
        file.write("\n".join([HEAD, *rows]) + "\n")


def test_closes_rows_of_a_symbol_are_stamped_at_their_end(write: Path) -> None:
    put(write, "2022-11-10T09:15:00Z,BTC,0.1,3", "2022-11-10T09:15:00Z,ETH,2,3")
    series = closes("venue.csv.gz", "venue", 300, symbol="BTC")
    assert series == Series("venue", (moment("2022-11-10T09:20"),), (WAD // 10,))


def test_closes_bar_without_a_trade_is_left_out(write: Path) -> None:
    put(write, "2022-11-10T09:15:00Z,BTC,1,3", "2022-11-10T09:20:00Z,BTC,1,0")
    assert len(closes("venue.csv.gz", "venue", 300).times) == 1


@pytest.mark.parametrize("price", ["nought", "-1", "0", "nan", "inf"])
def test_closes_of_no_price_are_refused_by_line(write: Path, price: str) -> None:
    put(write, "2022-11-10T09:15:00Z,BTC,1,3", f"2022-11-10T09:20:00Z,BTC,{price},3")
    with pytest.raises(WindowError, match=r"venue\.csv\.gz:3"):
        closes("venue.csv.gz", "venue", 300)


def test_closes_out_of_order_are_refused(write: Path) -> None:
    put(write, "2022-11-10T09:20:00Z,BTC,1,3", "2022-11-10T09:15:00Z,BTC,1,3")
    with pytest.raises(WindowError, match="not in order"):
        closes("venue.csv.gz", "venue", 300)


def test_closes_of_nobody_are_refused(write: Path) -> None:
    put(write, "2022-11-10T09:20:00Z,BTC,1,3")
    with pytest.raises(WindowError, match="no rows"):
        closes("venue.csv.gz", "venue", 300, symbol="SOL")


def test_closes_absent_file_names_the_variable(write: Path) -> None:
    with pytest.raises(WindowError, match=VARIABLE):
        closes("venue.csv.gz", "venue", 300)


def test_is_present_empty_folder_is_not(write: Path) -> None:
    assert not reading.is_present()


def test_said_before_the_first_close_has_no_price() -> None:
    answer = said(Series("venue", (100, 200), (5, 6)))
    assert [answer(now) for now in (99, 100, 199, 200)] == [
        NO_READING,
        Reading(5, 100),
        Reading(5, 100),
        Reading(6, 200),
    ]


def test_faults_change_what_a_feed_says() -> None:
    answer = said(Series("venue", (100, 200), (5, 6)))
    assert late(answer, 50)(210) == Reading(5, 100)
    assert restamped(answer)(150) == Reading(5, 150)
    assert restamped(answer)(50) == NO_READING
    assert frozen(answer, 150, 250)(240) == Reading(5, 100)
    assert frozen(answer, 150, 250)(250) == Reading(6, 200)
    assert broken(answer, 150, 250)(240) == NO_READING
    assert broken(answer, 150, 250)(140) == Reading(5, 100)


def test_filled_page_without_a_place_is_refused() -> None:
    with pytest.raises(PageError, match="no place"):
        filled(PAGE.read_text(), {"no such table": ""})

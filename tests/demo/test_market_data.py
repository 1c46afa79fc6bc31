"""The prices that the demo ships, and files that are not prices."""

from __future__ import annotations

import csv
import gzip
from decimal import Decimal
from pathlib import Path

import pytest

from seawall.demo.errors import DemoError
from seawall.demo.market_data import MarketDay, load
from seawall.demo.scene import CRASH, ROOT

SOURCE = ROOT.parent / "shared" / "data" / "windows" / "2021-05-19" / "binance_spot_1m.csv.gz"


@pytest.fixture(scope="module")
def day() -> MarketDay:
    return load(CRASH.prices)


def source_closes() -> dict[str, list[Decimal]]:
    closes: dict[str, list[Decimal]] = {"BTC": [], "ETH": []}
    with gzip.open(SOURCE, "rt") as file:
        for row in csv.DictReader(file):
            if row["symbol"] in closes and row["ts"].startswith("2021-05-19"):
                closes[row["symbol"]].append(Decimal(row["close"]))
    return closes


def test_load_shipped_day_has_every_minute_of_it(day: MarketDay) -> None:
    assert len(day) == 1440
    assert day.times[0] == 1_621_382_460
    assert day.times[-1] == 1_621_468_800


def test_load_shipped_day_equals_its_source(day: MarketDay) -> None:
    if not SOURCE.is_file():
        pytest.skip("no ../shared/data beside this checkout: the shipped closes are not compared")
    for symbol, closes in source_closes().items():
        assert list(day.closes[symbol]) == closes


def test_part_of_a_day_keeps_times_and_closes_together(day: MarketDay) -> None:
    part = day.part(789, 2)
    assert part.times == day.times[789:791]
    assert part.closes["BTC"][0] == Decimal("30101")


@pytest.mark.parametrize(
    "text, complaint",
    [
        ("ts,BTC\n", "no prices"),
        ("BTC\n1\n", "first line"),
        ("ts,BTC\nyesterday,1\n", "not a time"),
        ("ts,BTC\n2021-05-19T00:00:00Z,0\n", "not a positive price"),
        ("ts,BTC\n2021-05-19T00:00:00Z,NaN\n", "not a positive price"),
        ("ts,BTC\n2021-05-19T00:00:00Z,much\n", "not a price"),
        ("ts,BTC\n2021-05-19T00:00:00Z,1\n2021-05-19T00:02:00Z,1\n", "does not follow"),
    ],
)
def test_load_bad_file_says_what_is_wrong(tmp_path: Path, text: str, complaint: str) -> None:
    path = tmp_path / "day.csv"
    path.write_text(text)
    with pytest.raises(DemoError, match=complaint):
        load(path)


def test_load_missing_file_names_it() -> None:
    with pytest.raises(DemoError, match=r"nowhere\.csv: no such price file"):
        load(Path("nowhere.csv"))

"""docs/gas.md says what bench/gas.json says."""

from __future__ import annotations

import pytest

from bench import page, record
from bench.errors import BenchError
from bench.figures import BY_NAME, FIGURES
from bench.peers import ROWS


def test_page_shows_the_recorded_figures() -> None:
    text = page.PAGE.read_text()
    recorded, parts = record.read(record.GAS), record.read(record.BREAKDOWN)
    assert page.filled(text, recorded, parts) == text


def test_record_holds_every_figure_sorted_as_plain_integers() -> None:
    recorded = record.read(record.GAS)
    assert list(recorded) == sorted(one.name for one in FIGURES)
    assert {type(gas) for gas in recorded.values()} == {int}


def test_breakdown_kinds_add_up_to_the_figure() -> None:
    recorded, parts = record.read(record.GAS), record.read(record.BREAKDOWN)
    for name, part in parts.items():
        kinds = part["kinds"]
        whole = sum(kinds.values()) - 2 * kinds["refund"]
        taken = kinds["base"] if BY_NAME[name].execution else 0
        assert recorded[name] == whole - taken


def test_breakdown_contracts_add_up_to_the_execution() -> None:
    for part in record.read(record.BREAKDOWN).values():
        kinds = part["kinds"]
        execution = sum(kinds.values()) - kinds["refund"] - kinds["base"]
        assert sum(part["contracts"].values()) == execution


def test_peers_rows_name_figures_that_exist() -> None:
    assert {name for row in ROWS for name in row.figures} <= set(BY_NAME)


def test_filled_page_without_a_marker_is_refused() -> None:
    gas = {one.name: 1 for one in FIGURES}
    with pytest.raises(BenchError, match="no place for the table peers"):
        page.filled("<!-- figures -->\n<!-- end of figures -->\n", gas, {})

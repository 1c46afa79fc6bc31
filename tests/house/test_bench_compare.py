"""When a gas figure fails the check."""

from __future__ import annotations

import pytest

from bench.compare import (
    BETTER,
    GONE,
    NEW,
    SAME,
    WORSE,
    Change,
    check_same,
    compare,
    report,
    table,
)
from bench.errors import BenchError


@pytest.mark.parametrize(
    "recorded, measured, verdict",
    [
        (100_000, 100_000, SAME),
        (100_000, 101_000, SAME),
        (100_000, 101_001, WORSE),
        (100_000, 99_000, SAME),
        (100_000, 98_999, BETTER),
        (4_323, 4_366, SAME),
        (4_323, 4_367, WORSE),
        (None, 100_000, NEW),
        (100_000, None, GONE),
    ],
)
def test_verdict_one_percent_is_the_border(
    recorded: int | None, measured: int | None, verdict: str
) -> None:
    change = Change("fill", recorded, measured)
    assert change.verdict == verdict
    assert change.fails == (verdict in (WORSE, NEW, GONE))


def test_compare_figures_of_either_side_are_named_in_order() -> None:
    changes = compare({"b": 1, "a": 2}, {"c": 3, "a": 2})
    assert [(one.name, one.recorded, one.measured) for one in changes] == [
        ("a", 2, 2),
        ("b", 1, None),
        ("c", None, 3),
    ]


def test_report_worse_figure_fails_with_its_table_and_the_command() -> None:
    text, status = report(compare({"fill": 100_000, "step": 50_000}, {"fill": 102_500, "step": 1}))
    assert status == 1
    assert "fill" in text
    assert "+2.5 %  worse" in text
    assert "make bench" in text
    assert "step" not in text


def test_report_better_figure_passes_with_a_hint() -> None:
    text, status = report(compare({"fill": 100_000}, {"fill": 98_000}))
    assert status == 0
    assert "-2.0 %  better" in text
    assert "make bench" in text


def test_report_same_figures_pass_in_one_line() -> None:
    text, status = report(compare({"fill": 100_000}, {"fill": 100_900}))
    assert status == 0
    assert text.splitlines() == ["bench: OK (1 figures, none more than 1 % above bench/gas.json)"]


@pytest.mark.parametrize("recorded, measured", [({"fill": 1}, {}), ({}, {"fill": 1})])
def test_report_figure_of_one_side_alone_fails(
    recorded: dict[str, int], measured: dict[str, int]
) -> None:
    assert report(compare(recorded, measured))[1] == 1


def test_table_change_is_rounded_toward_zero() -> None:
    lines = table([Change("a", 100_000, 100_199), Change("b", 100_000, 99_801)]).splitlines()
    assert "+0.1 %" in lines[1]
    assert "-0.1 %" in lines[2]


def test_check_same_one_unit_apart_is_an_error_with_its_name() -> None:
    gas = {"fill": 100, "step": 50, "other": 7}
    check_same(gas, {"fill": 100, "step": 50}, "elsewhere")
    with pytest.raises(BenchError, match=r"elsewhere: step 50 -> 51$"):
        check_same(gas, {"fill": 100, "step": 51}, "elsewhere")

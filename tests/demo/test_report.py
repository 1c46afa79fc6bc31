"""The report: one file, complete, readable without a network."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from seawall.report import write_report
from seawall.report.figures import BIN_MINUTES, binned, figures
from seawall.report.page import fall, money, render

MINUTES = 12


@pytest.fixture
def series() -> dict[str, Any]:
    counts = {"h above 4": [2] * MINUTES, "closed": [0] * MINUTES}
    names = ("2 to 4", "1.2 to 2", "margin call, 1 to 1.2", "below maintenance")
    bands = {"h above 4": counts["h above 4"], **{name: [0] * MINUTES for name in names}}
    return {
        "times": [f"2021-05-19 00:{minute:02}" for minute in range(MINUTES)],
        "prices": {"BTC": [100.0] * 6 + [70.0] * 6, "ETH": [10.0] * MINUTES},
        "bands": bands | {"closed": counts["closed"]},
        "marks": {
            "BTC": {"partial": [[6, 400.0, 2]], "whole": [[7, 100.0, 1]]},
            "ETH": {"partial": [], "whole": []},
        },
        "flow": {
            "partial": [0.0] * 6 + [400.0] + [0.0] * 5,
            "whole": [0.0] * 7 + [100.0] + [0.0] * 4,
            "fees": [0.0] * 6 + [2.0] + [0.0] * 5,
            "paid": [0.0] * 7 + [5.0] + [0.0] * 4,
            "deferred": [0.0] * MINUTES,
        },
        "fund": [50.0] * 6 + [52.0] + [47.0] * 5,
        "outage": ["2021-05-19 00:03", "2021-05-19 00:05"],
        "story": None,
        "shortfalls": [
            {"name": "trader 1", "opened": "long 1 BTC", "time": "00:07", "closed": 100.0,
             "shortfall": 5.0, "from_fund": 5.0},
        ],
    }  # fmt: skip


@pytest.fixture
def written() -> dict[str, Any]:
    return {
        "title": "A day </script> with <tags>", "minutes": MINUTES, "accounts": 2,
        "liquidations": 3, "accounts_liquidated": 2, "accounts_with_shortfall": 1,
        "partial_liquidations": 2, "whole_closes": 1, "notional_closed": 500.0,
        "notional_needed": 499.0, "closed_to_needed": 1.002, "fees_to_fund": 2.0,
        "fees_to_keeper": 2.0, "shortfall": 5.0, "shortfall_paid_by_fund": 5.0,
        "shortfall_charged": 0.0, "shortfall_deferred": 0.0,
        "fund_before": 50.0, "fund_after": 47.0,
        "conservation_error_wei": 0, "gas_per_liquidation": 90_000,
        "gas_per_liquidation_median": 91_000, "keeper_outage_minutes": 2,
        "keeper_capital": 1000.0, "keeper_equity_after": 990.0, "market_makers": 1, "seed": 1,
        "seconds": 3.0,
        "checks": [{"promise": "Balanced", "kept": True, "detail": "0 wei"},
                   {"promise": "Complete", "kept": False, "detail": "1 left"}],
    }  # fmt: skip


def test_write_report_is_one_file_below_six_megabytes(
    written: dict[str, Any], series: dict[str, Any], tmp_path: Path
) -> None:
    path = tmp_path / "report.html"
    write_report(written, series, path)
    assert path.stat().st_size < 6_000_000


def test_render_loads_nothing_from_elsewhere(
    written: dict[str, Any], series: dict[str, Any]
) -> None:
    page = render(written, series)
    assert re.findall(r"<(?:script|link|img|iframe)[^>]*(?:src|href)=", page[:20_000]) == []
    assert re.findall(r"@import|url\(", page[:20_000]) == []


def test_render_leaves_no_place_open_and_escapes_the_title(
    written: dict[str, Any], series: dict[str, Any]
) -> None:
    page = render(written, series)
    assert not re.search(r"\{\{(title|lead|tiles|charts|checks|figures|plotly)\}\}", page)
    assert "A day &lt;/script&gt; with &lt;tags&gt;" in page
    assert "A day </script>" not in page


def test_render_says_what_happened_in_words(
    written: dict[str, Any], series: dict[str, Any]
) -> None:
    page = render(written, series)
    assert "BTC fell 30 % and ETH fell 0 %" in page
    assert "1 accounts lost more than they had" not in page
    assert "1 account lost more than it had" in page
    assert "the insurance fund paid $5.00" in page


def test_render_says_what_sides_were_charged(
    written: dict[str, Any], series: dict[str, Any]
) -> None:
    charged = written | {"shortfall_paid_by_fund": 3.0, "shortfall_charged": 2.0}
    assert "The sides that had won were charged $2.00." in render(charged, series)
    assert "charged" not in render(written, series)


def test_render_shows_kept_and_broken_promises(
    written: dict[str, Any], series: dict[str, Any]
) -> None:
    page = render(written, series)
    assert '<li class="kept"><b>Balanced</b>' in page
    assert '<li class="broken"><b>Complete</b>' in page


def test_render_without_shortfall_says_that_the_fund_paid_nothing(
    written: dict[str, Any], series: dict[str, Any]
) -> None:
    quiet = written | {"shortfall": 0.0, "shortfall_paid_by_fund": 0.0, "keeper_outage_minutes": 0}
    assert "the insurance fund paid nothing" in render(quiet, series | {"shortfalls": []})


def test_figures_use_only_colours_that_both_themes_have(
    written: dict[str, Any], series: dict[str, Any]
) -> None:
    page = render(written, series)
    used = set(re.findall(r'"@(\w+)"', json.dumps(figures(series))))
    for theme in ("light", "dark"):
        block = re.search(rf"\n  {theme}: \{{(.*?)\n  \}}", page, re.DOTALL)
        assert block is not None
        assert used <= set(re.findall(r"(\w+): \"", block[1]))


def test_figures_marks_grow_with_notional(series: dict[str, Any]) -> None:
    partial, whole = (
        trace for trace in figures(series)["price"]["data"][:3] if trace["mode"] == "markers"
    )
    assert partial["marker"]["size"][0] > whole["marker"]["size"][0]
    assert partial["y"] == [70.0]


def test_binned_keeps_the_sum() -> None:
    values = [1.0] * (2 * BIN_MINUTES + 3)
    assert binned(values) == [BIN_MINUTES, BIN_MINUTES, 3.0]


def test_fall_is_from_the_first_price_to_the_lowest() -> None:
    assert fall([100.0, 120.0, 60.0, 90.0]) == pytest.approx(40.0)


@pytest.mark.parametrize(
    "amount, text", [(7_328_402.08, "$7.33 M"), (46_283.9, "$46.3 k"), (830.434, "$830.43")]
)
def test_money_is_shortened(amount: float, text: str) -> None:
    assert money(amount) == text

"""The charts of the report as plain Plotly figures.

Colours are names with an @ before them: the page puts in those of the reader's light or dark theme.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import sqrt
from typing import Any

Figure = dict[str, Any]

#: Minutes that one bar spans.
BIN_MINUTES = 10

_BAND_COLOURS = ("@band0", "@band1", "@band2", "@band3", "@band4", "@closed")
_ASSET_COLOURS = ("@first", "@second")
_SMALLEST_MARK, _LARGEST_MARK = 5.0, 26.0
_STAGES = (
    ("partial", "partial liquidation", "circle", "@partial"),
    ("whole", "account closed whole", "diamond", "@whole"),
)


def figures(series: Mapping[str, Any]) -> dict[str, Figure]:
    """Every chart by the id of its place on the page."""
    found = {
        "price": price_figure(series),
        "bands": bands_figure(series),
        "flow": flow_figure(series),
        "fund": fund_figure(series),
    }
    if series["story"]:
        found["story"] = story_figure(series)
    return found


def price_figure(series: Mapping[str, Any]) -> Figure:
    """One panel per asset, a mark where accounts were liquidated, larger for more notional."""
    times = series["times"]
    traces: list[Figure] = []
    layout = _layout(series, height=520)
    symbols = list(series["prices"])
    largest = max(
        (mark[1] for stages in series["marks"].values() for marks in stages.values()
         for mark in marks), default=1.0,
    )  # fmt: skip
    for index, symbol in enumerate(symbols):
        prices = series["prices"][symbol]
        axis = _axis_name("y", index)
        traces.append(
            _line(times, prices, symbol, _ASSET_COLOURS[index % 2])
            | {
                "yaxis": axis,
                "showlegend": False,
                "hovertemplate": f"{symbol} $%{{y:,.0f}}<extra></extra>",
            }
        )
        for stage, name, shape, colour in _STAGES:
            marks = series["marks"][symbol][stage]
            traces.append(
                _marks(marks, times, prices, largest)
                | {
                    "name": name, "yaxis": axis, "legendgroup": stage, "showlegend": index == 0,
                    "hovertemplate": f"{name}: $%{{customdata[0]:,.0f}} in %{{customdata[1]}} "
                    "steps<extra></extra>",
                }
            )  # fmt: skip
            traces[-1]["marker"] |= {"symbol": shape, "color": colour}
        layout[_axis_key("yaxis", index)] = _panel(index, len(symbols), f"{symbol}, dollars")
    layout["xaxis"]["anchor"] = _axis_name("y", len(symbols) - 1)
    layout["annotations"] = _outage_label(series)
    return {"data": traces, "layout": layout}


def bands_figure(series: Mapping[str, Any]) -> Figure:
    """Number of accounts in each band of the margin ratio, stacked."""
    traces = [
        _line(series["times"], counts, name, colour)
        | {
            "stackgroup": "accounts",
            "fillcolor": colour,
            "line": {"width": 0, "color": colour, "shape": "hv"},
            "hovertemplate": f"{name}: %{{y}}<extra></extra>",
        }
        for (name, counts), colour in zip(series["bands"].items(), _BAND_COLOURS, strict=True)
    ]
    layout = _layout(series, height=400)
    total = sum(counts[0] for counts in series["bands"].values())
    layout["yaxis"] |= {"title": {"text": "accounts"}, "range": [0, total]}
    return {"data": traces, "layout": layout}


def flow_figure(series: Mapping[str, Any]) -> Figure:
    """Notional closed per ten minutes, partial and whole."""
    flow = series["flow"]
    traces = [
        _bars(series["times"], flow[stage], name, colour) for stage, name, _, colour in _STAGES
    ]
    layout = _layout(series, height=340) | {"barmode": "stack", "bargap": 0.05}
    layout["yaxis"] |= {"title": {"text": "closed per 10 minutes"}, "tickprefix": "$"}
    return {"data": traces, "layout": layout}


def fund_figure(series: Mapping[str, Any]) -> Figure:
    """The fund's money above, what came in and went out per ten minutes below."""
    flow, times = series["flow"], series["times"]
    value = _line(times, series["fund"], "insurance fund", "@fund") | {
        "fill": "tozeroy",
        "fillcolor": "@fundfill",
        "line": {"width": 2.5, "color": "@fund", "shape": "hv"},
        "hovertemplate": "fund $%{y:,.0f}<extra></extra>",
    }
    into = _bars(times, flow["fees"], "fees in", "@good") | {"yaxis": "y2"}
    out = _bars(times, [-paid for paid in flow["paid"]], "shortfalls paid", "@whole")
    layout = _layout(series, height=430) | {"barmode": "relative", "bargap": 0.05}
    layout["yaxis"] = _panel(0, 2, "in the fund") | {"rangemode": "tozero", "tickprefix": "$"}
    layout["yaxis2"] = _panel(1, 2, "in and out per 10 min") | {"tickprefix": "$"}
    layout["xaxis"]["anchor"] = "y2"
    return {"data": [value, into, out | {"yaxis": "y2"}], "layout": layout}


def story_figure(series: Mapping[str, Any]) -> Figure:
    """One account: its equity, the maintenance margin it had to keep, and each cut."""
    times, story = series["times"], series["story"]
    equity = _line(times, story["equity"], "equity", "@first") | {
        "hovertemplate": "equity $%{y:,.0f}<extra></extra>"
    }
    required = _line(times, story["maintenance"], "maintenance margin", "@whole") | {
        "fill": "tozeroy",
        "fillcolor": "@wholefill",
        "line": {"width": 1.5, "color": "@whole", "shape": "hv"},
        "hovertemplate": "maintenance $%{y:,.0f}<extra></extra>",
    }
    cuts = {
        "type": "scatter", "mode": "markers", "name": "position cut",
        "x": [times[minute] for minute, _, _ in story["cuts"]],
        "y": [equity for _, _, equity in story["cuts"]],
        "customdata": [closed for _, closed, _ in story["cuts"]],
        "marker": {"size": 9, "color": "@partial", "line": {"width": 1, "color": "@card"}},
        "hovertemplate": "$%{customdata:,.0f} closed<extra></extra>",
    }  # fmt: skip
    layout = _layout(series, height=340)
    layout["yaxis"] |= {"tickprefix": "$", "rangemode": "tozero"}
    return {"data": [required, equity, cuts], "layout": layout}


def binned(values: Sequence[float]) -> list[float]:
    """Sums over spans of ten minutes; the last one may be shorter."""
    return [
        round(sum(values[start : start + BIN_MINUTES]), 2)
        for start in range(0, len(values), BIN_MINUTES)
    ]


def _line(times: Sequence[str], values: Sequence[float], name: str, colour: str) -> Figure:
    return {
        "type": "scatter", "mode": "lines", "name": name, "x": list(times), "y": list(values),
        "line": {"width": 1.8, "color": colour},
    }  # fmt: skip


def _bars(times: Sequence[str], values: Sequence[float], name: str, colour: str) -> Figure:
    return {
        "type": "bar",
        "name": name,
        "x": list(times[::BIN_MINUTES]),
        "y": binned(values),
        "width": BIN_MINUTES * 60_000,
        "offset": 0,
        "marker": {"color": colour, "line": {"width": 0}},
        "hovertemplate": f"{name}: $%{{y:,.0f}}<extra></extra>",
    }


def _marks(
    marks: Sequence[Sequence[float]],
    times: Sequence[str],
    prices: Sequence[float],
    largest: float,
) -> Figure:
    """Marks on the price line whose area grows with the notional closed."""
    span = _LARGEST_MARK - _SMALLEST_MARK
    return {
        "type": "scatter", "mode": "markers",
        "x": [times[int(minute)] for minute, _, _ in marks],
        "y": [prices[int(minute)] for minute, _, _ in marks],
        "customdata": [[closed, steps] for _, closed, steps in marks],
        "marker": {
            "size": [round(_SMALLEST_MARK + span * sqrt(closed / largest), 1)
                     for _, closed, _ in marks],
            "opacity": 0.75, "line": {"width": 0.8, "color": "@card"},
        },
    }  # fmt: skip


def _layout(series: Mapping[str, Any], height: int) -> Figure:
    """What all charts share; the keeper's outage is shaded."""
    layout: Figure = {
        "height": height,
        "margin": {"l": 62, "r": 14, "t": 34, "b": 34},
        "paper_bgcolor": "@clear",
        "plot_bgcolor": "@clear",
        "font": {"family": "inherit", "size": 12, "color": "@ink"},
        "hovermode": "x unified",
        "hoverlabel": {"bgcolor": "@card", "bordercolor": "@grid", "font": {"color": "@ink"}},
        "dragmode": False,
        "showlegend": True,
        "legend": {
            "orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom", "traceorder": "normal",
            "itemsizing": "constant",
        },
        "xaxis": {
            "type": "date", "tickformat": "%H:%M", "hoverformat": "%H:%M UTC", "gridcolor": "@grid",
            "linecolor": "@grid", "fixedrange": True,
            "range": [series["times"][0], series["times"][-1]],
        },
        "yaxis": _axis(),
        "shapes": [],
    }  # fmt: skip
    if series["outage"]:
        start, end = series["outage"]
        layout["shapes"] = [
            {
                "type": "rect", "xref": "x", "yref": "paper", "x0": start, "x1": end,
                "y0": 0, "y1": 1, "fillcolor": "@outage", "line": {"width": 0}, "layer": "above",
            }
        ]  # fmt: skip
    return layout


def _outage_label(series: Mapping[str, Any]) -> list[Figure]:
    if not series["outage"]:
        return []
    return [
        {
            "xref": "x", "yref": "paper", "x": series["outage"][1], "y": 1, "text": "no keeper",
            "showarrow": False, "xanchor": "left", "yanchor": "top",
            "font": {"size": 11, "color": "@muted"},
        }
    ]  # fmt: skip


def _axis() -> Figure:
    return {
        "gridcolor": "@grid", "zerolinecolor": "@grid", "linecolor": "@clear", "fixedrange": True,
        "separatethousands": True, "automargin": True,
    }  # fmt: skip


def _panel(index: int, count: int, title: str) -> Figure:
    """A vertical part of the chart, the first on top."""
    height = 1 / count
    low = 1 - (index + 1) * height
    return _axis() | {
        "domain": [low + (0.04 if index < count - 1 else 0), low + height - (0.02 if index else 0)],
        "title": {"text": title, "standoff": 4},
    }


def _axis_name(letter: str, index: int) -> str:
    return letter if index == 0 else f"{letter}{index + 1}"


def _axis_key(name: str, index: int) -> str:
    return name if index == 0 else f"{name}{index + 1}"

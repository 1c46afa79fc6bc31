"""The tables of docs/gas.md, written between markers; the text around them is the page's own."""

from __future__ import annotations

import inspect
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.breakdown import KINDS
from bench.errors import BenchError
from bench.figures import BY_NAME, FIGURES, Figure
from bench.peers import PEERS, ROWS
from bench.setting import MOST_MARKETS

#: Columns that stand for several contracts of others.
COLUMNS = {
    "EACAggregatorProxy": "Chainlink",
    "FluxAggregator": "Chainlink",
    "FiatTokenProxy": "token",
    "FiatTokenV2_2": "token",
    "Token": "token",
}

PAGE = Path(__file__).resolve().parents[1] / "docs" / "gas.md"

Gas = Mapping[str, int]
Parts = Mapping[str, Any]


def write(gas: Gas, parts: Parts, path: Path = PAGE) -> None:
    """Put the present figures into the page. Errors: BenchError where a marker is missing."""
    path.write_text(filled(path.read_text(), gas, parts))


def filled(text: str, gas: Gas, parts: Parts) -> str:
    """The page with every table made anew. Errors: BenchError where a marker is missing."""
    tables: dict[str, Callable[[], str]] = {
        "figures": lambda: figures_table(gas),
        "peers": lambda: peers_table(gas),
        "kinds": lambda: kinds_table(parts),
        "contracts": lambda: contracts_table(parts),
    }
    for name, make in tables.items():
        begin, end = f"<!-- {name} -->\n", f"<!-- end of {name} -->"
        if begin not in text or end not in text:
            raise BenchError(f"docs/gas.md has no place for the table {name}")
        head, rest = text.split(begin, 1)
        text = head + begin + make() + end + rest.split(end, 1)[1]
    return text


def figures_table(gas: Gas) -> str:
    """Every figure with its goal and what exactly is measured."""
    rows = [
        (f"`{one.name}`", _number(gas[one.name]), _goal(one, gas), _meaning(one)) for one in FIGURES
    ]
    return _table(("figure", "gas", "goal", "what is measured"), rows)


def peers_table(gas: Gas) -> str:
    """The operations that others have measured too."""
    rows = []
    for row in ROWS:
        ours = " / ".join(_number(gas[name]) for name in row.figures)
        goals = " / ".join(_number(BY_NAME[name].goal) for name in row.figures)
        rows.append((row.operation, *row.peers, ours, goals))
    return _table(("operation", *PEERS, "Seawall", "goal"), rows)


def kinds_table(parts: Parts) -> str:
    """Gas by kind of instruction."""
    rows = [
        (f"`{name}`", *(_number(parts[name]["kinds"][kind]) for kind in KINDS))
        for name in _names(parts)
    ]
    return _table(("transaction", *KINDS), rows)


def contracts_table(parts: Parts) -> str:
    """Gas by contract, base share and refund left out."""
    spent = {name: _columns(parts[name]["contracts"]) for name in _names(parts)}
    totals = sum(spent.values(), Counter())
    columns = sorted(totals, key=lambda column: -totals[column])
    rows = [
        (f"`{name}`", *(_number(one[column]) for column in columns)) for name, one in spent.items()
    ]
    return _table(("transaction", *columns), rows)


def _columns(contracts: Gas) -> Counter[str]:
    found: Counter[str] = Counter()
    for contract, gas in contracts.items():
        found[COLUMNS.get(contract, contract)] += gas
    return found


def _names(parts: Parts) -> list[str]:
    return [one.name for one in FIGURES if one.name in parts]


def _goal(figure: Figure, gas: Gas) -> str:
    if not figure.goal:
        return ""
    return f"{_number(figure.goal)} {'met' if gas[figure.name] <= figure.goal else 'missed'}"


def _meaning(figure: Figure) -> str:
    """The scene's own words, and how the number is made from the receipt."""
    words = (inspect.getdoc(figure.scene) or "").split()
    notes = []
    if figure.real_usdc:
        notes.append("Settled in real USDC.")
    if figure.parts > 1:
        notes.append(f"One {figure.parts}th of the transaction.")
    if figure.execution:
        notes.append("Execution only.")
    if figure.counted:
        notes.append(f"The same with {MOST_MARKETS} markets listed.")
    return " ".join([*words, *notes])


def _number(gas: int) -> str:
    return f"{gas:,}"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)

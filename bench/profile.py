"""Where the gas of one figure goes: python -m bench.profile <figure> [--lines 30] [--storage].

Gas per contract and per Vyper function, internal ones too. `self` is a function's own instructions,
`all` includes what it calls, in other contracts too. Of `self`, `outward` is what calls of other
contracts and precompiles cost beyond the callee's instructions, `storage` loads and stores.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from bench.code_map import FOREIGN, CodeMap, code_map
from bench.errors import BenchError
from bench.figures import BY_NAME
from bench.measure import Measured, played, standing
from bench.tracing import CALLS, Step
from seawall.build import manifest

_COLD_LOAD = 2_100


@dataclass
class Tally:
    """Gas and counts of one function, line or contract."""

    calls: int = 0
    own: int = 0
    inclusive: int = 0
    outward: int = 0
    storage: int = 0
    cold_loads: int = 0
    warm_loads: int = 0
    stores: int = 0

    def add(self, step: Step) -> None:
        """Count one instruction's own cost."""
        self.own += step.gas
        if step.op == "SLOAD":
            cold = step.gas >= _COLD_LOAD
            self.cold_loads += cold
            self.warm_loads += not cold
        if step.op == "SSTORE":
            self.stores += 1
        if step.op in CALLS:
            self.outward += step.gas
        if step.slot >= 0:
            self.storage += step.gas


@dataclass
class Profile:
    """Tallies by name, and the storage accesses in order."""

    contracts: dict[str, Tally] = field(default_factory=dict)
    functions: dict[str, Tally] = field(default_factory=dict)
    lines: Counter[str] = field(default_factory=Counter)
    accesses: list[str] = field(default_factory=list)


class Profiler:
    """Follows the call stack of functions through a transaction's instructions."""

    def __init__(self, names: dict[str, str]) -> None:
        """`names`: contract name by address in lower case."""
        self._names = names
        self._maps: dict[str, CodeMap] = {}
        #: functions that are open, by frame
        self._stacks: dict[int, list[str]] = {}
        self.profile = Profile()

    def run(self, steps: list[Step]) -> Profile:
        """The tallies of a whole transaction."""
        for step in steps:
            self._place(step)
            open_functions = self._open(steps, step)
            self._count(step, open_functions)
        return self.profile

    def _map(self, code: str) -> CodeMap:
        name = self._name(code)
        if name not in self._maps:
            known = name in manifest().get("contractTypes", {})
            self._maps[name] = code_map(name) if known else FOREIGN
        return self._maps[name]

    def _name(self, code: str) -> str:
        return self._names.get(code, code)

    def _label(self, step: Step, function: str) -> str:
        return f"{self._name(step.code)}: {function}"

    def _place(self, step: Step) -> None:
        """Push a function where it begins, pop down to the present one where it returned."""
        places = self._map(step.code)
        label = self._label(step, places.function(step.pc))
        stack = self._stacks.setdefault(step.frame, [])
        if stack and stack[-1] == label:
            return
        if label in stack and step.pc not in places.entries:
            del stack[stack.index(label) + 1 :]
            return
        stack.append(label)
        self._tally(label).calls += 1

    def _open(self, steps: list[Step], step: Step) -> list[str]:
        """Functions that are on the stack, those of calling contracts too."""
        found = list(self._stacks[step.frame])
        while step.parent >= 0:
            step = steps[step.parent]
            found += self._stacks[step.frame]
        return found

    def _tally(self, label: str) -> Tally:
        return self.profile.functions.setdefault(label, Tally())

    def _count(self, step: Step, open_functions: list[str]) -> None:
        for label in set(open_functions):
            self._tally(label).inclusive += step.gas
        own = self._stacks[step.frame][-1]
        self._tally(own).add(step)
        name = self._name(step.code)
        self.profile.contracts.setdefault(name, Tally()).add(step)
        self.profile.lines[f"{name}: {self._map(step.code).line(step.pc)}"] += step.gas
        if step.slot >= 0:
            self.profile.accesses.append(f"{step.gas:7}  {step.op:6}  {step.slot:#066x}  {own}")


def table(title: str, tallies: dict[str, Tally], order: Callable[[Tally], int]) -> str:
    """Tallies as text, largest first."""
    lines = [
        f"{title:58} {'calls':>6} {'all':>8} {'self':>8} {'outward':>8} {'storage':>8} "
        f"{'cold':>5} {'warm':>5} {'store':>5}"
    ]
    for name, one in sorted(tallies.items(), key=lambda item: -order(item[1])):
        lines.append(
            f"{name:58} {one.calls:6} {one.inclusive:8} {one.own:8} {one.outward:8} "
            f"{one.storage:8} {one.cold_loads:5} {one.warm_loads:5} {one.stores:5}"
        )
    return "\n".join(lines)


def show(name: str, measured: Measured, profile: Profile, lines: int, storage: bool) -> None:
    """Print everything that was asked for."""
    inside = sum(tally.own for tally in profile.contracts.values())
    refund = measured.base + inside - measured.gas
    print(
        f"{name}: {measured.gas} gas = {measured.base} base and calldata + {inside} execution "
        f"- {refund} refund\n"
    )
    print(table("contract", profile.contracts, lambda one: one.own), end="\n\n")
    print(table("function, by self", profile.functions, lambda one: one.own))
    if lines:
        print(f"\n{'line':58} {'self':>8}")
        for line, gas in profile.lines.most_common(lines):
            print(f"{line:58} {gas:8}")
    if storage:
        print("\nstorage accesses, in order", *profile.accesses, sep="\n")


def main() -> int:
    """Profile one figure."""
    parser = argparse.ArgumentParser(prog="python -m bench.profile", description=__doc__)
    parser.add_argument("figure", choices=sorted(BY_NAME))
    parser.add_argument("--lines", type=int, default=0, help="how many source lines to list")
    parser.add_argument("--storage", action="store_true", help="list every storage access")
    typed = parser.parse_args()
    try:
        with standing() as venue, played(venue, BY_NAME[typed.figure], traced=True) as measured:
            profile = Profiler(measured.stand.names).run(measured.steps)
    except BenchError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    show(typed.figure, measured, profile, typed.lines, typed.storage)
    return 0


if __name__ == "__main__":
    sys.exit(main())

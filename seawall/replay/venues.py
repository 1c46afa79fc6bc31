"""2020-03-12: several venues of BTC at the same hours, as three, four and five feeds."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from seawall.replay.accounts import WIDEST
from seawall.replay.drive import Step, Workshop, apart, build, middle, terms
from seawall.replay.feeds import Answer, Feed, broken, frozen, late, restamped, said
from seawall.replay.windows import HOUR, MINUTE, Series, closes, moment
from seawall.spec.oracle import MAX_SPREAD_BAND, FeedTerms

PATH = "windows/2020-03-12/venues_spot_1h.csv.gz"
FIRST = moment("2020-03-11T01:00")
LAST = moment("2020-03-15T00:00")
END = LAST + 1
SPOT = ("binance", "coinbase", "kraken", "bitstamp")
PERPETUAL = "binance perpetual"
#: Feeds of each index, by their number.
SETS = {3: SPOT[:3], 4: SPOT, 5: (*SPOT, PERPETUAL)}
#: What was closed an hour ago is half an hour overdue.
TERMS = FeedTerms(heartbeat=30 * MINUTE, max_age=2 * HOUR)

Fault = Callable[[Answer], Answer]
#: What befalls one feed of the index, for the whole window.
FAULTS: dict[str, Fault] = {
    "an hour late": lambda answer: late(answer, HOUR),
    "an hour late, stamped now": lambda answer: restamped(late(answer, HOUR)),
    "broken": lambda answer: broken(answer, FIRST, END),
    "frozen at the start, stamped now": lambda answer: restamped(frozen(answer, FIRST, END)),
}
NONE = "none"


class Run(NamedTuple):
    """Hourly steps of one index and the venue that had the fault, if any."""

    steps: list[Step]
    faulty: str


class Cell(NamedTuple):
    """Error against the median of the four spot venues, in basis points, over all venues that had
    the fault in turn; half-widths likewise; share of hours in which the market was usable."""

    mean: float
    high: float
    worst: float
    half_width: float
    usable: float


class Venues:
    """The runs by number of feeds and fault, and what the venues themselves said."""

    def __init__(self, workshop: Workshop) -> None:
        self.answers = {name: said(_series(name)) for name in (*SPOT, PERPETUAL)}
        self.runs: dict[tuple[int, str], list[Run]] = {}
        self.unbanded: dict[int, Run] = {}
        for number, names in SETS.items():
            self.runs[number, NONE] = [Run(self._run(workshop, names), "")]
            self.unbanded[number] = Run(self._run(workshop, names, MAX_SPREAD_BAND), "")
            for fault, change in FAULTS.items():
                self.runs[number, fault] = [
                    Run(self._run(workshop, names, faulty=name, change=change), name)
                    for name in names
                ]

    def reference(self, now: int) -> int:
        """Median of what the spot venues truly said, WAD."""
        return middle(self.answers[name](now) for name in SPOT)

    def errors(self, run: Run) -> list[float]:
        """Index against the venues' median, in basis points, hour by hour."""
        return [apart(step.price.price, self.reference(step.now)) for step in run.steps]

    def cell(self, runs: list[Run]) -> Cell:
        """The figures of some runs together."""
        errors = np.abs([error for run in runs for error in self.errors(run)])
        widths = [step.price.half_width for run in runs for step in run.steps]
        return Cell(
            float(errors.mean()),
            float(np.quantile(errors, 0.99)),
            float(errors.max()),
            float(np.median(widths)) / 10,
            float(np.mean([width <= WIDEST for width in widths])),
        )

    def venue_errors(self) -> dict[str, list[float]]:
        """Each venue by itself against the median of the four, in basis points."""
        hours = range(FIRST, END, HOUR)
        return {
            name: [apart(answer(now).price, self.reference(now)) for now in hours]
            for name, answer in self.answers.items()
        }

    def _run(
        self,
        workshop: Workshop,
        names: tuple[str, ...],
        band: int | None = None,
        faulty: str = "",
        change: Fault | None = None,
    ) -> list[Step]:
        feeds = []
        for name in names:
            answer = self.answers[name]
            if change and name == faulty:
                answer = change(answer)
            feeds.append(Feed(TERMS, answer))
        agreed = terms(2) if band is None else terms(2, band)
        return build(workshop, agreed, *feeds).run(range(FIRST, END, HOUR))


def _series(name: str) -> Series:
    if name == PERPETUAL:
        path = "hourly/binance_perp_1h_BTC.csv.gz"
        return closes(path, name, HOUR).between(FIRST - HOUR, LAST)
    return closes(PATH, name, HOUR, venue=name, symbol="BTC")

"""2022-11-09: the perpetuals of SOL 8 to 24 % below its spot price, for a day.

The data holds one spot venue (Binance, recorded twice: bars of three and of five minutes) and two
perpetuals. Two feeds of one venue stand for two adapters that read the same market.
"""

from __future__ import annotations

from typing import NamedTuple

from seawall.replay.accounts import WIDEST
from seawall.replay.drive import Step, Workshop, apart, build, terms
from seawall.replay.feeds import Feed, said
from seawall.replay.windows import HOUR, MINUTE, Series, closes, moment
from seawall.spec.oracle import MAX_SPREAD_BAND, FeedTerms

WINDOW = "windows/2022-11-08"
FIRST = moment("2022-11-08T12:00")
LAST = moment("2022-11-11T00:00")
#: The hours in which both perpetuals stood more than the spread band below spot.
PARTED = moment("2022-11-09T09:00")
REJOINED = moment("2022-11-10T03:00")
#: Hours around the one in which the spread band took one of two and two.
CAMPS = (moment("2022-11-09T13:00"), moment("2022-11-09T17:00"))
TERMS = FeedTerms(heartbeat=HOUR, max_age=2 * HOUR)
#: What an index with such feeds is called, and its venues; the first is spot.
CASES = {
    "two spot, one perpetual": ("spot", "spot again", "okx"),
    "one spot, two perpetuals": ("spot", "okx", "binance"),
    "two and two": ("spot", "spot again", "okx", "binance"),
}


class Split(NamedTuple):
    """Hourly steps of one index with the spread band, and with none."""

    banded: list[Step]
    unbanded: list[Step]


def replay(workshop: Workshop) -> dict[str, Split]:
    """Refresh at every full hour, when all venues have just closed a bar."""
    feeds = {name: Feed(TERMS, said(venue)) for name, venue in series().items()}
    times = range(FIRST, LAST + 1, HOUR)
    found = {}
    for name, places in CASES.items():
        listed = [feeds[place] for place in places]
        banded = build(workshop, terms(2), *listed)
        unbanded = build(workshop, terms(2, MAX_SPREAD_BAND), *listed)
        found[name] = Split(banded.run(times), unbanded.run(times))
    return found


def series() -> dict[str, Series]:
    """Closes of SOL by venue."""
    files = {
        "spot": (f"{WINDOW}/binance_spot_5m.csv.gz", 5 * MINUTE, {"symbol": "SOL"}),
        "spot again": (f"{WINDOW}/binance_spot_3m_alts.csv.gz", 3 * MINUTE, {"symbol": "SOL"}),
        "okx": (f"{WINDOW}/okx_perp_5m.csv.gz", 5 * MINUTE, {"symbol": "SOL"}),
        "binance": ("hourly/binance_perp_1h_SOL.csv.gz", HOUR, {}),
    }
    return {
        name: closes(path, name, bar, **where).between(FIRST - HOUR, LAST)
        for name, (path, bar, where) in files.items()
    }


def parted(steps: list[Step]) -> list[Step]:
    """The hours of the split."""
    return [step for step in steps if PARTED <= step.now <= REJOINED]


def error(step: Step) -> float:
    """Index against the spot venue, in basis points."""
    return apart(step.price.price, step.readings[0].price)


def usable(steps: list[Step]) -> int:
    """In how many of some hours the market was usable."""
    return sum(step.price.half_width <= WIDEST for step in steps)

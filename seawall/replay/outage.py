"""2022-11-10: OKX without a trade for eleven bars of five minutes, while BTC moved elsewhere."""

from __future__ import annotations

from dataclasses import dataclass

from seawall.replay.accounts import Account, model, opened, plan
from seawall.replay.drive import Index, Step, Workshop, apart, build, doubt_of, terms
from seawall.replay.feeds import Feed, restamped, said
from seawall.replay.windows import MINUTE, Series, closes, moment
from seawall.spec.oracle import FeedTerms

WINDOW = "windows/2022-11-08"
BAR = 5 * MINUTE
#: A day before the outage, so that the volatility is that of the time; ends an hour after it.
FIRST = moment("2022-11-09T09:15")
FROZEN = moment("2022-11-10T09:15")
RESUMED = moment("2022-11-10T10:15")
LAST = moment("2022-11-10T11:15")
#: A feed of five-minute closes promises two bars and is given six.
TERMS = FeedTerms(heartbeat=2 * BAR, max_age=6 * BAR)
#: Place of the frozen feed among the three.
OKX = 2


@dataclass(frozen=True)
class Outage:
    """The three indices, minute by minute from the outage's first to an hour after it."""

    #: Binance spot, Binance perpetual, OKX perpetual.
    three: list[Step]
    #: The same, with an OKX feed that calls its last price one of now.
    posing: list[Step]
    #: OKX alone.
    alone: list[Step]


def replay(workshop: Workshop) -> Outage:
    """Refresh the three indices every minute."""
    venues = series()
    feeds = [Feed(TERMS, said(venue)) for venue in venues]
    posing = Feed(TERMS, restamped(said(venues[OKX])))
    return Outage(
        _run(build(workshop, terms(2), *feeds)),
        _run(build(workshop, terms(2), *feeds[:OKX], posing)),
        _run(build(workshop, terms(1), feeds[OKX])),
    )


def series() -> list[Series]:
    """Closes of BTC on the three venues."""
    names = ("binance_spot", "binance_perp", "okx_perp")
    return [closes(f"{WINDOW}/{name}_5m.csv.gz", name, BAR, symbol="BTC") for name in names]


def okx_doubt(step: Step) -> int | None:
    """How far off the frozen feed may be, 10**-5 of the index; None once it counts no more."""
    return doubt_of(step, OKX, TERMS)


def error(step: Step) -> float:
    """Index against the middle between the two venues that go on, in basis points."""
    spot, perp = (reading.price for reading in step.readings[:OKX])
    return apart(step.price.price, (spot + perp) // 2)


def during(steps: list[Step]) -> list[Step]:
    """The minutes in which OKX said nothing new."""
    return [step for step in steps if FROZEN < step.now < RESUMED]


def _run(index: Index) -> list[Step]:
    return [step for step in index.run(range(FIRST, LAST + 1, MINUTE)) if step.now >= FROZEN]


def holder(found: Outage) -> Account:
    """A 10x long that opened at the outage's first minute."""
    return opened(found.alone[0].price.price, 10, 1)


def ratios(found: Outage, step: Step) -> tuple[float, float, bool]:
    """Of that long: E / M at the index and at its favourable end, and whether its leg is usable."""
    made = plan(model(), holder(found), step.price, step.now)
    spot = made.equity / made.maintenance
    return spot, made.favourable_equity / made.favourable_maintenance, made.legs[0].usable

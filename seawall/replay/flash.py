"""2017-05-07: ETH from 89 to 30 dollars on Kraken within an hour, on one venue alone.

The data holds two venues of that night. So the crash is replayed twice: as it was, with Coinbase an
hour late as a third feed, and laid over a night of 2021 for which there are three.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from seawall.replay.accounts import Account, is_liquidatable, model, opened
from seawall.replay.drive import Step, Workshop, apart, build, middle, terms
from seawall.replay.feeds import Answer, Feed, late, said, scaled
from seawall.replay.windows import HOUR, closes, moment
from seawall.spec.oracle import FeedTerms

WARM = moment("2017-05-06T00:00")
#: The close before the crash, at which accounts open; Kraken was back beside Coinbase at the last.
BEFORE = moment("2017-05-07T22:00")
CRASH = moment("2017-05-07T23:00")
LAST = moment("2017-05-08T01:00")
#: To the same hour of a night with three venues.
SHIFT = moment("2021-05-18T22:00") - BEFORE
TERMS = FeedTerms(heartbeat=HOUR, max_age=2 * HOUR)
LEVERAGES = range(2, 11)
SIDES = (1, -1)


class Night(NamedTuple):
    """Hourly steps of one index; those after the first `BEFORE` are the crash and after."""

    steps: list[Step]
    #: Place of the venue that crashes among the readings.
    crashing: int

    @property
    def start(self) -> int:
        """Place of the step at which accounts open."""
        return len(self.steps) - 1 - (LAST - BEFORE) // HOUR

    @property
    def after(self) -> list[Step]:
        """The crash and the hours after it."""
        return self.steps[self.start + 1 :]


def replay(workshop: Workshop) -> dict[str, Night]:
    """Refresh at every full hour."""
    kraken = said(closes("hourly/kraken_spot_1h_ETH.csv.gz", "kraken", HOUR))
    coinbase = said(closes("hourly/coinbase_spot_1h_ETH.csv.gz", "coinbase", HOUR))
    slow = late(coinbase, HOUR)
    crashing = scaled(_of_2021("kraken"), _crash(kraken, coinbase))
    others = [_of_2021("coinbase"), _of_2021("binance")]
    return {
        "Kraken alone": _night(workshop, 1, 0, kraken),
        "Kraken and Coinbase": _night(workshop, 2, 0, kraken, coinbase),
        "Kraken, Coinbase, Coinbase an hour late": _night(workshop, 2, 0, kraken, coinbase, slow),
        "three venues of 2021, Kraken crashing": _night(workshop, 2, SHIFT, crashing, *others),
    }


def crowd(price: int) -> list[Account]:
    """Longs and shorts of 2x to 10x, opened at a price (WAD)."""
    return [opened(price, leverage, side) for side in SIDES for leverage in LEVERAGES]


def liquidatable(night: Night) -> list[int]:
    """How many of the crowd may be liquidated at each hour after it opened."""
    made = model()
    accounts = crowd(night.steps[night.start].price.price)
    return [
        sum(is_liquidatable(made, account, step.price, step.now) for account in accounts)
        for step in night.after
    ]


def deviation(night: Night, step: Step) -> float:
    """Index against the median of the venues that did not crash, in basis points."""
    others = [one for place, one in enumerate(step.readings) if place != night.crashing]
    return apart(step.price.price, middle(others))


def _night(workshop: Workshop, quorum: int, shift: int, *answers: Answer) -> Night:
    index = build(workshop, terms(quorum), *(Feed(TERMS, answer) for answer in answers))
    first = BEFORE if shift else WARM
    return Night(index.run(range(first + shift, LAST + shift + 1, HOUR)), 0)


def _of_2021(venue: str) -> Answer:
    path = "windows/2021-05-19/venues_spot_1h.csv.gz"
    return said(closes(path, venue, HOUR, venue=venue, symbol="ETH"))


def _crash(kraken: Answer, coinbase: Answer) -> Callable[[int], tuple[int, int]]:
    """What the crash did to Kraken beside Coinbase since the close before it."""

    def ratio(now: int) -> tuple[int, int]:
        then = now - SHIFT
        apart_then = kraken(then).price * coinbase(BEFORE).price
        return apart_then, coinbase(then).price * kraken(BEFORE).price

    return ratio

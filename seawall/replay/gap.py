"""A gap after silence: how far the average lags, and for how long.

The gap is that of ETH in the hour of 2021-05-19 in which it fell most.
"""

from __future__ import annotations

from typing import NamedTuple

from seawall.replay.accounts import Account, assess, model, opened
from seawall.replay.cadence import CRASH
from seawall.replay.drive import Step, Workshop, build, terms
from seawall.replay.feeds import Feed, restamped
from seawall.replay.windows import HOUR, MINUTE, closes, moment
from seawall.spec.oracle import FeedTerms, Reading
from seawall.spec.words import RATIO, WAD

START = moment("2021-05-19T00:00")
SILENCES = {"1 s": 1, "1 h": HOUR, "1 day": 86_400, "7 days": 604_800}
TERMS = FeedTerms(heartbeat=MINUTE, max_age=10 * MINUTE)
#: After the gap it is refreshed every ten seconds, as long as this.
CADENCE = 10
LATER = 3 * HOUR
#: The average counts as arrived within one per cent of the price.
NEAR = RATIO // 100


class Gap(NamedTuple):
    """The refresh before the silence, and those after it, the first of them at the gap."""

    before: Step
    after: list[Step]

    @property
    def arrival(self) -> int:
        """Seconds from the gap to the first refresh that finds the average near the price."""
        near = [step for step in self.after if abs(step.price.ema_ratio - RATIO) <= NEAR]
        return near[0].now - self.after[0].now


def replay(workshop: Workshop) -> dict[str, Gap]:
    """An hour at the high price, a silence, then the low price."""
    return {name: _gap(workshop, silence) for name, silence in SILENCES.items()}


def prices() -> tuple[int, int]:
    """The close an hour before the steepest fall of an hour, and that at its end; WAD."""
    series = closes(CRASH, "binance", MINUTE, symbol="ETH")
    hours = range(len(series.prices) - HOUR // MINUTE)
    end = HOUR // MINUTE
    steepest = min(hours, key=lambda i: series.prices[i + end] * WAD // series.prices[i])
    return series.prices[steepest], series.prices[steepest + end]


def heir(gap: Gap) -> tuple[int, int]:
    """Free initial margin (adverse equity less initial margin) of a short that wins by the gap, and
    what its unrealised profit is; opened before it at 10x, WAD."""
    account: Account = opened(gap.before.price.price, 10, -1)
    step = gap.after[0]
    found = assess(model(), account, step.price, None, step.now)
    profit = account.size * (step.price.price - account.entry) // WAD
    return found.adverse - found.initial, profit


def _gap(workshop: Workshop, silence: int) -> Gap:
    high, low = prices()
    gap_at = START + HOUR + silence
    answer = restamped(lambda now: Reading(low if now >= gap_at else high, now))
    index = build(workshop, terms(1), Feed(TERMS, answer))
    before = index.run(range(START, START + HOUR + 1, MINUTE))[-1]
    return Gap(before, index.run(range(gap_at, gap_at + LATER + 1, CADENCE)))

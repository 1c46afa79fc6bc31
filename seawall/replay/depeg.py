"""2023-03-10 to 13: USDC fell from its peg, as collateral and as the settlement token."""

from __future__ import annotations

from typing import NamedTuple

from seawall.replay.accounts import INITIAL_WEIGHT, Account, assess, model, weighted
from seawall.replay.drive import Step, Workshop, build, price_of, terms
from seawall.replay.feeds import Feed, said
from seawall.replay.windows import HOUR, MINUTE, closes
from seawall.spec.oracle import FeedTerms, in_settlement
from seawall.spec.words import PPM, PRICE, RATIO, WAD

PATH = "windows/2023-03-10/stablecoins_1h.csv.gz"
TOKENS = 100_000 * WAD
#: Money of its own beside the tokens, so that the settlement balance bounds nothing.
CASH = 100_000 * WAD
#: A feed of hourly closes promises an hour and is given two.
TERMS = FeedTerms(heartbeat=HOUR, max_age=2 * HOUR)
REFRESH = 10 * MINUTE
#: Ether as collateral where USDC is the settlement token, held at one price: WAD dollars.
ETHER_PRICE = 1_500 * WAD
ETHER = 50 * WAD


class Worth(NamedTuple):
    """What the tokens count for at one refresh, WAD money."""

    step: Step
    initial: int
    maintenance: int

    @property
    def is_new(self) -> bool:
        """Whether a close came with this refresh."""
        return self.step.now % HOUR == 0


class Fall(NamedTuple):
    """A price (WAD) that tokens counted with for an hour, and the lowest trade of that hour."""

    counted: int
    traded: int


class Depeg(NamedTuple):
    """The same days with one feed and, from its first close on, with a second one: USDC as
    collateral, and ether as collateral where USDC is the settlement token."""

    kraken: list[Worth]
    both: list[Worth]
    ether: list[Worth]
    ether_both: list[Worth]


def replay(workshop: Workshop) -> Depeg:
    """Refresh every ten minutes; an hourly close stands until the next."""
    kraken = closes(PATH, "kraken", HOUR, venue="kraken", symbol="USDC-USD")
    binance = closes(PATH, "binance", HOUR, venue="binance", symbol="USDC-USDT")
    feeds = [Feed(TERMS, said(venue)) for venue in (kraken, binance)]
    times = range(kraken.times[0], kraken.times[-1] + 1, REFRESH)
    alone = build(workshop, terms(1), feeds[0])
    both = build(workshop, terms(1), *feeds)
    steps, both_steps = alone.run(times), both.run(times)
    return Depeg(_worths(steps), _worths(both_steps), _ether(steps), _ether(both_steps))


def _worths(steps: list[Step]) -> list[Worth]:
    made = model()
    holder = Account(CASH, tokens=TOKENS)
    worths = []
    for step in steps:
        found = assess(made, holder, price_of(0), step.price, step.now)
        worths.append(Worth(step, found.settled - CASH, found.equity - CASH))
    return worths


def ether_word(now: int) -> int:
    """A price word of ether, in dollars, that is refreshed and has never moved."""
    return PRICE.pack(price=ETHER_PRICE, updated_at=now, ema_ratio=RATIO, refreshed_at=now)


def _ether(steps: list[Step]) -> list[Worth]:
    made = model()
    holder = Account(CASH, tokens=ETHER)
    worths = []
    for step in steps:
        settlement = PRICE.pack(**step.price._asdict())
        token = price_of(in_settlement(ether_word(step.now), settlement))
        found = assess(made, holder, price_of(0), token, step.now)
        worths.append(Worth(step, found.settled - CASH, found.equity - CASH))
    return worths


def at_spot(worth: Worth) -> int:
    """What the tokens would count for initial margin without the average and the half-width."""
    return weighted(TOKENS, worth.step.price.price, INITIAL_WEIGHT)


def unseen(worths: list[Worth]) -> list[Fall]:
    """For each close but the last: the price that tokens count with for initial margin right after
    it, and the lowest trade before the next one."""
    lows = said(closes(PATH, "lows", HOUR, column="low", venue="kraken", symbol="USDC-USD"))
    new = [worth for worth in worths if worth.is_new]
    return [
        Fall(
            worth.initial * PPM // INITIAL_WEIGHT * WAD // TOKENS,
            lows(worth.step.now + HOUR).price,
        )
        for worth in new[:-1]
    ]

"""When an index does not simply follow its feeds: outages, halts, and prices that are fixed.

The same as `contracts/modules/index_modes.vy`. Times are unix seconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from seawall.spec.oracle import MAX_PRICE, MIN_PRICE, Round
from seawall.spec.state import require
from seawall.spec.words import FIXED, IN_GRACE, MAX_HALF_WIDTH, PRICE, RATIO, TICK

#: A halt lasts so long at most,
HALT_SECONDS = 6 * 3_600
#: the next one, of whatever market, begins so long after it at the earliest,
HALT_PAUSE = 7 * 86_400
#: and partial liquidations and ways out by value wait so long after its end.
HALT_GRACE = 3_600
#: A price is fixed at an index that is at most so unsure, 10**-5.
MAX_FIXED_WIDTH = 1_000


class Resume(NamedTuple):
    """Data counts if stamped after `since`; whether that was lately."""

    since: int = 0
    in_grace: bool = False


@dataclass(frozen=True)
class Halt:
    """The latest halt: of which market, since when and until when."""

    market_id: int = 0
    started_at: int = 0
    until: int = 0

    def begun(self, market_id: int, now: int) -> Halt:
        """The next one. Errors: Reverted with "oracle: halted lately"."""
        require(now >= self.started_at + HALT_PAUSE, "oracle: halted lately")
        return Halt(market_id, now, now + HALT_SECONDS)

    def ended(self, market_id: int, now: int) -> Halt:
        """Lifted before its time. Errors: Reverted with "oracle: not halted"."""
        require(market_id == self.market_id and now < self.until, "oracle: not halted")
        return Halt(market_id, self.started_at, now)

    def resume(self, market_id: int, resume: Resume | None, now: int) -> Resume | None:
        """Since when a market's data counts, after an outage and this halt; None: none does."""
        if market_id != self.market_id or resume is None:
            return resume
        if now < self.until:
            return None
        in_grace = now - self.until <= HALT_GRACE
        return Resume(max(resume.since, self.until), resume.in_grace or in_grace)


def resumed_at(status: Round | None, grace: int, now: int) -> Resume | None:
    """Since when data counts, from a sequencer's uptime feed; None while nothing counts.

    The answer 0 stands for up, since `started_at`. Nothing counts while the feed fails (`status`
    None), is not initialised or reports anything else; `grace` seconds after a resume are flagged.
    """
    if status is None or status.answer != 0 or not 0 < status.started_at <= now:
        return None
    return Resume(status.started_at, now - status.started_at <= grace)


def standing_word(fixed: int, now: int) -> int:
    """The word of a market whose price is fixed, as of now."""
    return PRICE.pack(**{**PRICE.unpack(fixed), "refreshed_at": now})


def fixed_word(word: int, at_average: bool) -> int:
    """The word that fixes a market's price, from its word of this block.

    At the index as it is, whose average stays apart from it: who won in the last move pays first,
    as before. `at_average`: at the average of an index that is not usable.
    Errors: Reverted with "oracle: no sure price", "oracle: still usable".
    """
    fields = PRICE.unpack(word)
    if at_average:
        require(fields["half_width"] == MAX_HALF_WIDTH, "oracle: still usable")
        require(fields["price"] != 0, "oracle: no sure price")
        average = fields["price"] * fields["ema_ratio"] // RATIO // TICK * TICK
        fields["price"] = max(MIN_PRICE, min(MAX_PRICE, average))
        fields["ema_ratio"] = RATIO
    else:
        is_sure = fields["half_width"] <= MAX_FIXED_WIDTH and not fields["flags"] & IN_GRACE
        require(is_sure and fields["price"] != 0, "oracle: no sure price")
    return PRICE.pack(**{**fields, "half_width": 0, "flags": FIXED})


def released_word(fixed: int) -> int:
    """The word of a market whose legs are settled: the price stays, ways out are open."""
    return PRICE.pack(**{**PRICE.unpack(fixed), "flags": 0})

"""Dutch auctions that run by the second: the specification of `contracts/modules/dutch_auction.vy`.

The discount rises linearly from a premium to a largest discount. The clock counts 1/256 of a second
and goes back in proportion to how the inventory changes, by what is taken in as by what is sold:

    run after = run before * min(before, after) / max(before, after)

With inventory Q, start premium s and slope k, all of it sells now at a concession of
Q * (k * run - s). Taking q more in makes that Q * k * run - (Q + q) * s, which is q * s less:
whoever liquidates himself to buy the same in one transaction pays for it, whatever stood there
before. Selling n of Q leaves (Q - n) * (k * run * (1 - n / Q) - s): two purchases never gain more
than one of all, nor do a purchase, a take and another purchase. As it counts in proportion, a
small purchase hardly turns the clock back, so nobody halts an auction for the price of a lot; a
part of a tick is the bucket's.
"""

from __future__ import annotations

from typing import NamedTuple

from seawall.spec.fixed_math import ceil_div
from seawall.spec.words import PPM, TICK

#: Ticks of a clock in a second.
TICKS = 256
MAX_RATE = 100_000
MIN_SECONDS, MAX_SECONDS = 60, 7 * 86_400


class AuctionTerms(NamedTuple):
    """Premium at the start and discount at the end in parts per million, seconds between them."""

    premium: int = 5_000
    discount: int = 5_000
    duration: int = 3_600


def run_of(terms: AuctionTerms, clock: int, now: int) -> int:
    """Ticks that an auction has run, at most its duration."""
    return min(now * TICKS - clock, terms.duration * TICKS)


def discount_at(terms: AuctionTerms, run: int) -> int:
    """Parts per million off the index, below 0 a premium, rounded down."""
    span = terms.premium + terms.discount
    return span * run // (terms.duration * TICKS) - terms.premium


def clock_after(terms: AuctionTerms, clock: int, now: int, before: int, after: int) -> int:
    """The clock after the inventory (signed WAD size) has changed; a new one starts anew."""
    kept = 0
    if before * after > 0:
        small, large = sorted((abs(before), abs(after)))
        kept = run_of(terms, clock, now) * small // large
    return now * TICKS - kept


def price_at(index: int, is_long: bool, discount: int) -> int:
    """WAD price on the tick at which inventory is handed over, rounded in its owner's favour."""
    if is_long:
        return ceil_div(index * (PPM - discount), PPM * TICK) * TICK
    return index * (PPM + discount) // (PPM * TICK) * TICK

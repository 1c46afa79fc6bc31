"""The promises that a replay is held to; each is a yes or no with the figures behind it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from seawall.demo.books import Books
from seawall.demo.opening import Cast
from seawall.demo.replay import Course
from seawall.demo.venue import Venue
from seawall.spec.words import LEG, LOT, PPM, PRICE, WAD

#: The dust that stands behind the ledger: one millionth of a token (WAD).
CONSERVATION_BOUND_WEI = 10**12
#: A position may differ from what its events say by a millionth of a lot: an event's size is
#: rounded before a side that shrinks multiplies it.
POSITION_BOUND = LOT // PPM
#: Notional closed may exceed what was needed by a quarter.
MAX_CLOSED_PPM = 1_250_000


@dataclass(frozen=True)
class Check:
    """One promise, whether it was kept, and by how much."""

    promise: str
    kept: bool
    detail: str


@dataclass(frozen=True)
class Audit:
    """What the contracts say at the end. Money WAD, errors wei."""

    #: Held plus deferred, less the claims of all accounts one by one.
    accounts_gap: int
    #: Tokens in the Clearinghouse beyond what its ledger says.
    custody_gap: int
    #: Accounts whose positions are not those of the events.
    moved_positions: int


def audit(venue: Venue, cast: Cast, books: Books) -> Audit:
    """Add up every account by hand and compare with what the Clearinghouse holds."""
    house = venue.house
    accounts = [*cast.open_accounts, venue.read(venue.fund, "fund_account")]
    held, _, deferred = venue.read(house, "totals")
    prices = {id_: _price(venue, id_) for id_ in venue.market_ids}
    claims = 0
    differing = 0
    portfolios = venue.read_many(house, "portfolio", accounts)
    for account, (_, base, legs) in zip(accounts, portfolios, strict=True):
        sizes = {leg["id"]: leg["size"] for leg in map(LEG.unpack, legs)}
        claims += base + sum(size * prices[id_] // WAD for id_, size in sizes.items())
        written = {id_: books.size(account, id_) for id_ in books.positions[account]}
        differing += any(
            abs(sizes.get(id_, 0) - written.get(id_, 0)) > POSITION_BOUND
            for id_ in sizes.keys() | written.keys()
        )
    scale = 10 ** (18 - venue.parameters.settlement.decimals)
    balance = venue.read(venue.token, "balanceOf", house.address) * scale
    return Audit(held + deferred - claims, balance - held, differing)


def _price(venue: Venue, market_id: int) -> int:
    return PRICE.unpack(int(venue.read(venue.oracle, "prices", 1 << market_id)[0]))["price"]


def conservation_error(course: Course, found: Audit) -> int:
    """Largest error of any minute and of the final count by hand, in wei, without sign."""
    return max(abs(error) for error in (*course.conservation, found.accounts_gap))


def run_checks(course: Course, books: Books, found: Audit) -> list[Check]:
    """All promises, kept or not."""
    steps = books.steps
    error = conservation_error(course, found)
    closed = sum(step.closed for step in steps)
    needed = sum(step.needed for step in steps)
    early = sum(step.before.equity >= step.before.maintenance for step in steps)
    fees = sum(step.to_fund for step in steps)
    paid = sum(step.from_fund for step in steps)
    gap = course.fund[-1] - course.fund_before - fees + paid
    ratio = closed / needed if needed else 0.0
    return [
        Check(
            "The books balance at every minute",
            error <= CONSERVATION_BOUND_WEI and found.custody_gap >= 0,
            f"largest error {error} wei over {len(course.conservation)} minutes; summed account "
            f"by account: {found.accounts_gap} wei; tokens beyond the ledger: {found.custody_gap}",
        ),
        Check(
            "Every account below maintenance margin was liquidated",
            not course.left_below,
            _left_below(course.left_below),
        ),
        Check(
            "Nobody was liquidated at or above maintenance margin",
            early == 0,
            f"{early} of {len(steps)} steps began with equity at or above maintenance",
        ),
        Check(
            "No more was closed than needed",
            closed * PPM <= needed * MAX_CLOSED_PPM,
            f"notional closed is {ratio:.6f} of what was needed; up to 1.25 is allowed",
        ),
        Check(
            "No partial liquidation lowered a margin ratio",
            books.lowered == 0,
            f"{books.lowered} of {len(steps)} steps",
        ),
        Check(
            "The fund moved by its fees and payments alone",
            gap == 0,
            f"unexplained: {gap} wei",
        ),
        Check(
            "Positions agree with the events",
            found.moved_positions == 0,
            f"{found.moved_positions} accounts hold something else than their events say",
        ),
    ]


def _left_below(left: Sequence[tuple[int, int]]) -> str:
    if not left:
        return "none was left after any round of the keeper"
    minute, account = left[0]
    return (
        f"{len(left)} times an account was left below; first in minute {minute}: "
        f"{account >> 96:#042x}"
    )

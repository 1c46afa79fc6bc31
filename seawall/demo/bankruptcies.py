"""Many accounts bankrupt in one block, and what it takes to close them all.

Bitcoin falls and ether rises by the same part at once. Every trader has lost more than he had:
long bitcoin, short ether, or long both with too much bitcoin, so that legs of some stand against
others'.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from seawall.demo.checks import CONSERVATION_BOUND_WEI, Check
from seawall.demo.clearing import Cleared, clear
from seawall.demo.opening import deposit, save, trade
from seawall.demo.population import SIZE_STEP, Actor, Trader
from seawall.demo.venue import Venue
from seawall.keeper.planning import BANKRUPT
from seawall.rpc import GAS_LIMIT, Receipt, succeeded
from seawall.spec.words import LEG, PPM, WAD

BTC, ETH = 1, 2
GAP_PPM = 350_000
SEED = 1_000
#: Whole dollars of each trader at least and at most, of all makers per account, of the fund.
_LEAST_MONEY, _MOST_MONEY = 500, 5_000
_MAKERS, _MAKER_MONEY_PER_ACCOUNT = 3, 10_000
FUND_DEPOSIT = 100_000
#: Signed leverage by market, in tenths, one kind of trader after the other.
_KINDS: tuple[dict[int, int], ...] = ({BTC: 60}, {ETH: -60}, {BTC: 45, ETH: 10}, {BTC: 50})
#: Between the opening and the gap.
_PAUSE_SECONDS = 60


@dataclass(frozen=True)
class Outcome:
    """How many were bankrupt at once and are left, what it took, and the promises."""

    accounts: int
    bankrupt: int
    left: int
    legs: int
    shortfall: int
    cleared: Cleared
    checks: Sequence[Check]


def run(venue: Venue, accounts: int, closes: Mapping[int, Decimal], time: int) -> Outcome:
    """Open so many accounts at these closes, let the prices jump, close. Errors: DemoError."""
    source = random.Random(SEED)
    venue.chain.block(venue.price_calls(closes, source), time)
    traders, makers = _open(venue, accounts, closes)
    numbers = [trader.actor.account for trader in traders]
    jumped = {BTC: _moved(closes[BTC], -GAP_PPM), ETH: _moved(closes[ETH], GAP_PPM)}
    venue.chain.block(venue.price_calls(jumped, source), venue.chain.time + _PAUSE_SECONDS)
    keeper = Actor(SEED, "keeper")
    was_bankrupt = _bankrupt(venue, keeper, numbers)
    cleared = clear(venue, keeper)
    left = _bankrupt(venue, keeper, numbers)
    shortfall, off = _unpaid(venue, cleared.receipts)
    everyone = [*numbers, *(maker.account for maker in makers)]
    checks = [
        Check(
            "All accounts were bankrupt at once",
            was_bankrupt == accounts,
            f"{was_bankrupt} of {accounts}",
        ),
        Check("No account is left below zero", left == 0, f"{left} of {accounts}"),
        Check(
            "No transaction reverted",
            all(succeeded(receipt) for receipt in cleared.receipts),
            f"{len(cleared.receipts)} transactions",
        ),
        Check(
            "Stages sum to the shortfall in every transaction",
            not off,
            f"{len(off)} of {len(cleared.receipts)} do not",
        ),
        *_books(venue, everyone),
    ]
    legs = sum(len(trader.sizes) for trader in traders)
    return Outcome(accounts, was_bankrupt, left, legs, shortfall, cleared, checks)


def _open(
    venue: Venue, accounts: int, closes: Mapping[int, Decimal]
) -> tuple[list[Trader], list[Actor]]:
    prices = {market_id: int(close * WAD) for market_id, close in closes.items()}
    source = random.Random(SEED)
    traders = [_trader(number, source, prices) for number in range(accounts)]
    makers = [Actor(SEED, f"market maker {number}") for number in range(_MAKERS)]
    capital = _MAKER_MONEY_PER_ACCOUNT * max(accounts, 100) // _MAKERS
    deposits = [(trader.actor, trader.collateral) for trader in traders]
    deposit(venue, deposits + [(maker, capital) for maker in makers])
    save(venue, [(Actor(SEED, "saver"), FUND_DEPOSIT)])
    trade(venue, traders, makers, prices)
    return traders, makers


def _trader(number: int, source: random.Random, prices: Mapping[int, int]) -> Trader:
    money = source.randint(_LEAST_MONEY, _MOST_MONEY)
    sizes = {}
    for market_id, tenths in _KINDS[number % len(_KINDS)].items():
        size = money * abs(tenths) * WAD * WAD // (10 * prices[market_id]) // SIZE_STEP * SIZE_STEP
        sizes[market_id] = size if tenths > 0 else -size
    return Trader(Actor(SEED, f"trader {number}"), "", money, sizes)


def _moved(close: Decimal, ppm: int) -> Decimal:
    """As exact as the sources answer."""
    return (close * (PPM + ppm) / PPM).quantize(Decimal(10) ** -8)


def _bankrupt(venue: Venue, keeper: Actor, accounts: Sequence[int]) -> int:
    chain = venue.keeper_chain(keeper.account)
    rows = chain.rows(accounts, chain.rpc.block_number())
    return sum(row.status == BANKRUPT for row in rows)


def _unpaid(venue: Venue, receipts: Sequence[Receipt]) -> tuple[int, list[str]]:
    """All shortfalls (WAD), and the transactions whose stages do not sum to theirs."""
    total, off = 0, []
    for receipt in receipts:
        closed = venue.closer.events(receipt["logs"], "ClosedOut")
        stages = venue.closer.events(receipt["logs"], "ShortfallPaid")
        shortfall = sum(event["shortfall"] for event in closed)
        if shortfall != sum(event["amount"] for event in stages):
            off.append(receipt["transactionHash"])
        total += shortfall
    return total, off


def _books(venue: Venue, accounts: Sequence[int]) -> list[Check]:
    """Custody and zero sum, over all accounts one by one."""
    held, _, _ = venue.read(venue.house, "totals")
    scale = 10 ** (18 - venue.parameters.settlement.decimals)
    surplus = venue.read(venue.token, "balanceOf", venue.house.address) * scale - held
    conservation = venue.conservation()
    net = dict.fromkeys(venue.market_ids, 0)
    for _, _, legs in venue.read_many(venue.house, "portfolio", accounts):
        for leg in map(LEG.unpack, legs):
            net[leg["id"]] += leg["size"]
    apart = max(abs(size) for size in net.values())
    return [
        Check("Custody holds what the ledger says", surplus >= 0, f"{surplus} wei beyond"),
        Check(
            "Nothing was created, and both sides of each market have one size",
            abs(conservation) <= CONSERVATION_BOUND_WEI and apart <= CONSERVATION_BOUND_WEI,
            f"error {conservation} wei; sides differ by {apart} wei of a unit at most",
        ),
    ]


def lines(outcome: Outcome) -> list[tuple[str, str]]:
    """The measurement as a table's rows."""
    cleared, count = outcome.cleared, len(outcome.cleared.receipts)
    used = [int(receipt["gasUsed"], 16) for receipt in cleared.receipts]
    return [
        ("bankrupt at once", f"{outcome.bankrupt:,} accounts, {outcome.legs:,} legs"),
        ("left below zero", f"{outcome.left}"),
        ("shortfall", f"${outcome.shortfall / WAD:,.2f}"),
        ("transactions", f"{count} in {cleared.rounds} round of the keeper"),
        ("gas", f"{cleared.gas:,}"),
        ("gas per account", f"{cleared.gas // max(outcome.bankrupt, 1):,}"),
        ("largest transaction", f"{max(used, default=0):,} gas"),
        (f"blocks of {GAS_LIMIT // 10**6} M gas", f"{cleared.blocks}"),
        ("seconds", f"{cleared.seconds:.1f} from the first look to the last receipt"),
    ]

"""Which collateral to buy of accounts that owe the settlement token: data in, data out.

Offers come from `CollateralConverter.plan_conversion`. Money is WAD, amounts of tokens are native
units, rates parts per million. Worth and cash are both counted in settlement tokens, whatever one
is worth.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from seawall.spec.words import PPM, WAD, ids_of

#: How much dearer a purchase may become between trial and block: the index moves.
SLACK_PPM = 10_000
#: Conversions tried in one round, the best ones.
MOST_PURCHASES = 8
#: Why a purchase is left out whose discount the gas eats up.
TOO_DEAR = "discount too small after gas"


class Holder(NamedTuple):
    """What an account word says of an account: cash (WAD), ids of markets, ids of tokens held."""

    account: int
    cash: int
    markets: tuple[int, ...]
    tokens: tuple[int, ...]


class Offer(NamedTuple):
    """The largest conversion of an account's token: native units, their cash, and their worth at
    the market, both in settlement tokens."""

    account: int
    token_id: int
    amount: int
    cash: int
    worth: int

    @property
    def gain(self) -> int:
        """What the units are worth beyond their cash, before gas."""
        return self.worth - self.cash


@dataclass(frozen=True)
class PurchaseRules:
    """What a keeper buys: `most` cash in one round (0: nothing), and the discount that must be left
    after gas, in parts per million of the worth."""

    most: int = 0
    discount_ppm: int = 1_000

    def __post_init__(self) -> None:
        if not 0 <= self.discount_ppm < PPM:
            raise ValueError(f"convert_discount: {self.discount_ppm} of a million is not below 1")


@dataclass(frozen=True)
class Purchase:
    """One conversion: at most `amount` native units, about `cash` for `worth`; at least `least`
    units and at most `most` cash, or it reverts."""

    account: int
    token_id: int
    amount: int
    cash: int
    worth: int
    most: int
    least: int = 1

    @property
    def targets(self) -> tuple[int, ...]:
        """Accounts that it is for."""
        return (self.account,)


@dataclass
class Choice:
    """Purchases in the order to be sent, and the accounts left out with the reason."""

    purchases: list[Purchase] = field(default_factory=list)
    skipped: dict[int, str] = field(default_factory=dict)


def holder(account: int, cash: int, markets: int, collateral: int) -> Holder:
    """From the fields of an account word; both of the last are bitmaps."""
    tokens = tuple(one + 1 for one in ids_of(collateral))
    return Holder(account, cash, tuple(ids_of(markets)), tokens)


def market_price(index: int, settlement: int, counted: int) -> int:
    """Settlement tokens that a collateral token's dollars buy at the market, WAD, rounded down.

    `index` is what the oracle answers, dollars / max(1, counted), where of a settlement token above
    par only a part may count yet; `settlement` is what one is worth in WAD dollars, 0 without
    feeds, which is par. A sale asks for dollars / min(1, settlement), less the discount.
    """
    return index * max(counted, WAD) // (settlement or WAD)


def may_owe(one: Holder) -> bool:
    """Whether an account with collateral can have a settlement balance below zero at all."""
    return bool(one.tokens) and (one.cash < 0 or bool(one.markets))


def budget(cash: int, free: int, use_ppm: int, reserved: int, rules: PurchaseRules) -> int:
    """Cash that a round may spend: of what is free as margin too, for collateral may count little.

    `reserved` is what transactions on their way will need.
    """
    usable = min(cash, max(free, 0) * use_ppm // PPM) - reserved
    return max(min(usable, rules.most), 0)


def choose(offers: Iterable[Offer], room: int, least_cost: int, rules: PurchaseRules) -> Choice:
    """The best offer of each account, best first, while the room (WAD cash) lasts.

    The last one is cut to what is left; beyond MOST_PURCHASES they are left to a later round.
    `least_cost` is what no conversion's gas is below: what cannot bring that much is not tried.
    """
    found = Choice()
    for offer in sorted(_best(offers), key=lambda one: (-one.gain, one.account)):
        spendable = room * PPM // (PPM + SLACK_PPM)
        purchase = _cut(offer, spendable)
        if purchase is None:
            found.skipped[offer.account] = "beyond the keeper's cash or limit"
        elif least_worth_it(purchase, least_cost, rules) is None:
            found.skipped[offer.account] = TOO_DEAR
        elif len(found.purchases) < MOST_PURCHASES:
            room -= purchase.most
            found.purchases.append(purchase)
    return found


def least_worth_it(purchase: Purchase, cost: int, rules: PurchaseRules) -> int | None:
    """Fewest native units at this discount that leave enough after gas of `cost` (WAD money).

    None where not even the whole purchase does.
    """
    wanted = -(-purchase.worth * rules.discount_ppm // PPM)
    margin = purchase.worth - purchase.cash - wanted
    if margin <= 0 or cost > margin:
        return None
    return max(-(-purchase.amount * cost // margin), 1)


def at_least(purchase: Purchase, least: int) -> Purchase:
    """The same, which reverts where fewer native units are left to buy."""
    return replace(purchase, least=least)


def _best(offers: Iterable[Offer]) -> list[Offer]:
    """One offer an account: what it owes after the first is another round's."""
    best: dict[int, Offer] = {}
    for offer in offers:
        if offer.account not in best or offer.gain > best[offer.account].gain:
            best[offer.account] = offer
    return list(best.values())


def _cut(offer: Offer, spendable: int) -> Purchase | None:
    """As much of an offer as so much cash buys; None where that is no unit."""
    amount = offer.amount
    if offer.cash > spendable:
        amount = offer.amount * spendable // offer.cash
    if amount == 0:
        return None
    cash = -(-offer.cash * amount // offer.amount)
    worth = offer.worth * amount // offer.amount
    most = cash + cash * SLACK_PPM // PPM
    return Purchase(offer.account, offer.token_id, amount, cash, worth, most)

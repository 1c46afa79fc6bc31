"""Collateral sold for cash while an account owes the settlement token (protocol sections 5, 6.3).

Rates are parts per million, money WAD, amounts of tokens native units. What a buyer pays rounds up,
the discount rounds down.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from seawall.spec.clearinghouse import MARKETS_MASK, MAX_TOKEN_DECIMALS, Change, Clearinghouse
from seawall.spec.fixed_math import ceil_div, mul_div_up, ppm_up
from seawall.spec.margin import COLLATERAL_IDS, Leg, Price
from seawall.spec.oracle import SETTLEMENT_ID
from seawall.spec.state import Reverted, require
from seawall.spec.words import GATE_INITIAL, MAX_HALF_WIDTH, MAX_UINT256, PPM, WAD, ids_of

#: Bound of what `least` searches: no account's debt needs more native units.
MOST_UNITS = 2**255


class ConversionParameters(NamedTuple):
    """Discount while the debt is small beside the collateral, and where it is as large."""

    discount_min: int = 5_000
    discount_max: int = 50_000


class Conversion(NamedTuple):
    """Settlement balance, discount, native units and the cash for them; zeros for none."""

    balance: int = 0
    discount: int = 0
    amount: int = 0
    cash: int = 0


def sale_price(index: int, settlement: int) -> int:
    """Settlement tokens for a collateral token, WAD: what its dollars buy of them, rounded up.

    `index` is what margin counts, dollars / max(1, settlement): below par no more tokens than at
    par. A sale divides by what is left of the dollar too, or its buyer would gain the difference.
    `settlement` is the settlement token's price in WAD dollars, 0 without feeds, which is par.
    """
    return ceil_div(index * WAD, min(settlement, WAD) or WAD)


def cash_for(amount_wad: int, price: int, discount: int, claims: int, held: int) -> int:
    """Worth at a sale's price, less the discount, by the exit ratio held / claims, each rounded up.

    The first rounding covers the one of the equity's collateral, so that equity does not fall.
    """
    worth = mul_div_up(amount_wad, price, WAD)
    return ceil_div(ppm_up(worth, PPM - discount) * claims, held)


def least(reaches: Callable[[int], bool]) -> int:
    """The least number from 1 that reaches a goal which all larger ones reach too."""
    high = 1
    while high < MOST_UNITS and not reaches(high):
        high *= 2
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        if reaches(middle):
            high = middle
        else:
            low = middle
    return high


class CollateralConverter:
    """Executable specification of the converter on the specification's Clearinghouse."""

    ADDRESS = "converter"

    def __init__(self, clearinghouse: Clearinghouse, parameters: ConversionParameters) -> None:
        self.clearinghouse = clearinghouse
        self.parameters = parameters

    def settlement_balance(self, account: int) -> int:
        """B: equity at the index of the market legs alone (WAD)."""
        return self._balance(*self._situation(account))

    def discount(self, owed: int, worth: int, token_id: int) -> int:
        """Linear in debt / collateral up to 1, and never more than the maintenance haircut."""
        lowest, highest = self.parameters
        rise = min(highest - lowest, (highest - lowest) * owed // worth)
        return min(lowest + rise, self._haircut(token_id))

    def plan_conversion(self, account: int, token_id: int) -> Conversion:
        """The largest conversion now; zeros where there is nothing to convert."""
        base, legs, prices = self._situation(account)
        balance = self._balance(base, legs, prices)
        return self._plan(balance, legs, prices, token_id, MAX_UINT256) or Conversion()

    def convert(
        self,
        account: int,
        token_id: int,
        amount: int,
        buyer: int,
        min_sold: int = 0,
        max_paid: int = MAX_UINT256,
        actor: int | None = None,
    ) -> tuple[int, int]:
        """Native units sold and WAD cash paid; raises what the contract reverts with.

        `actor` is who calls, by default the buyer's owner.
        """
        house = self.clearinghouse
        with house.journal.transaction():
            require(account != buyer, "conversion: own account")
            require(actor is None or actor == buyer >> 96, "account: not yours")
            require(amount > 0, "amount: zero")
            base, legs, prices = self._situation(account)
            balance = self._balance(base, legs, prices)
            require(balance < 0, "conversion: balance covered")
            require(house.collateral[account, token_id] > 0, "conversion: not held")
            price = self._sale_prices(legs, prices)[COLLATERAL_IDS + token_id - 1]
            require(price > 0, "conversion: price stale")
            found = self._plan(balance, legs, prices, token_id, amount)
            if found is None:
                raise Reverted("custody: till short")
            allowed = found.amount >= min_sold and found.cash <= max_paid
            require(allowed, "conversion: over limit")
            house.pay(self.ADDRESS, buyer, account, 0, found.cash)
            house.pay(self.ADDRESS, account, buyer, token_id, found.amount)
            self._check_buyer(buyer)
            return found.amount, found.cash

    def _haircut(self, token_id: int) -> int:
        """What of a token's price never counts for maintenance margin."""
        _, weight, _ = self.clearinghouse.model.weights[token_id].at(self.clearinghouse.now)
        return PPM - weight

    def _situation(self, account: int) -> tuple[int, list[Leg], list[Price]]:
        base, legs = self.clearinghouse.portfolio(account)
        bitmap = self.clearinghouse.ledger.accounts[account].bitmap
        return base, legs, self.clearinghouse.refresh(bitmap)

    def _sale_prices(self, legs: list[Leg], prices: list[Price]) -> dict[int, int]:
        """What each collateral leg sells at, 0 where its price is not usable: none is while the
        settlement token's is not."""
        (settlement,) = self.clearinghouse.refresh(1 << SETTLEMENT_ID)
        return {
            leg_id: 0
            if price.half_width == MAX_HALF_WIDTH
            else sale_price(price.price, settlement.price)
            for (leg_id, _, _), price in zip(legs, prices, strict=True)
            if leg_id >= COLLATERAL_IDS
        }

    def _balance(self, base: int, legs: list[Leg], prices: list[Price]) -> int:
        count = sum(leg_id < COLLATERAL_IDS for leg_id, _, _ in legs)
        model, now = self.clearinghouse.model, self.clearinghouse.now
        return model.plan(base, legs[:count], prices[:count], now).equity

    def _plan(
        self, balance: int, legs: list[Leg], prices: list[Price], token_id: int, wanted: int
    ) -> Conversion | None:
        """At most `wanted` units, what is held, and what brings the balance to zero."""
        leg, sale = COLLATERAL_IDS + token_id - 1, self._sale_prices(legs, prices)
        price = sale.get(leg, 0)
        claims, held = self._exit_ratio()
        if balance >= 0 or price == 0 or held == 0:
            return None
        house, owed = self.clearinghouse, -balance
        worth = sum(
            mul_div_up(size, sale[leg_id], WAD)
            for leg_id, _, size in legs
            if leg_id >= COLLATERAL_IDS
        )
        discount = self.discount(owed, worth, token_id)
        unit = 10 ** (MAX_TOKEN_DECIMALS - house.tokens[token_id].decimals)
        tokens = next(size for leg_id, _, size in legs if leg_id == leg)

        def cash(amount: int) -> int:
            return cash_for(amount * unit, price, discount, claims, held)

        covering = least(lambda amount: cash(amount) >= owed)
        amount = min(wanted, tokens // unit, covering)
        return Conversion(balance, discount, amount, cash(amount))

    def _exit_ratio(self) -> tuple[int, int]:
        """Claims and what is held for them; one to one while no losses are deferred."""
        total = self.clearinghouse.totals
        if total.deferred == 0:
            return 1, 1
        return total.held + total.deferred, total.held

    def _check_buyer(self, buyer: int) -> None:
        """At or above initial margin where the buyer has legs; cash not below zero.

        The gate comes first: it settles what the leg still owes, which may cost the last cash.
        """
        markets = ids_of(self.clearinghouse.ledger.accounts[buyer].bitmap & MARKETS_MASK)
        if markets:
            gate = Change(buyer, 0, 0, 0, GATE_INITIAL)
            self.clearinghouse.trade(self.ADDRESS, markets[0], [gate])
        held = self.clearinghouse.ledger.accounts[buyer]
        require(held.cash >= 0, "conversion: buyer's cash")

"""The desk with a converter: conversions are predicted, sent, compared, held to their promises."""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest

from seawall.client.contract import Contract
from seawall.deployed import CONVERTER_RIGHTS, System
from seawall.spec.conversion import (
    CollateralConverter,
    Conversion,
    ConversionParameters,
    cash_for,
    sale_price,
)
from seawall.spec.margin import Plan
from seawall.spec.oracle import SETTLEMENT_ID
from seawall.spec.risk import NOTICE, RAMP
from seawall.spec.words import MAX_UINT256, PPM, PRICE, WAD
from tests.closing_desk import ClosingDesk
from tests.desk import ANY_DEPTH, FIRST_TOKEN_ID, Refused, contract_at


class Token(NamedTuple):
    """A collateral token with an id."""

    token_id: int
    contract: Contract
    decimals: int

    @property
    def leg_id(self) -> int:
        """Its id at the oracle."""
        return FIRST_TOKEN_ID + self.token_id - 1


class Counter(ClosingDesk):
    """One system with its converter, and the specification of both."""

    def __init__(self, system: System, url: str, owner: Any, broker: Any) -> None:
        super().__init__(system, url, owner, broker)
        self.converter = contract_at(str(system.converter.address), "CollateralConverter")
        settings = system.parameters.conversion
        parameters = ConversionParameters(settings.discount_min, settings.discount_max)
        self.seller = CollateralConverter(self.spec, parameters)
        self.spec.set_module(CollateralConverter.ADDRESS, CONVERTER_RIGHTS)
        self.tokens: list[Token] = []

    # -- accounts ----------------------------------------------------------------------------

    def token_of(
        self,
        token_id: int,
        price: int,
        decimals: int = 18,
        weight: int = 800_000,
        kind: str = "Token",
    ) -> Token:
        """List a collateral token with one feed; weight (parts per million) for both margins."""
        contract = self.deploy(kind, "Collateral", "COL", decimals)
        token = Token(token_id, contract, decimals)
        self.set_feeds(token.leg_id, price, 1)
        self.send(self.owner, self.house, "set_token", token_id, contract.address, 10**9)
        self.spec.set_token(token_id, contract.address, decimals, 10**9)
        if weight:
            weights = (weight, weight, ANY_DEPTH)
            self.send(self.owner, self.model, "set_token_risk", token_id, *weights)
            self.margin.set_token_risk(token_id, *weights, self.spec.now)
            # A new token counts for nothing until its ramp is over.
            self.warp(NOTICE + RAMP)
        self.tokens.append(token)
        return token

    def peg(self, price: Any) -> None:
        """The settlement token has a feed, which answers `price` dollars."""
        if SETTLEMENT_ID not in self.sources:
            self.set_feeds(SETTLEMENT_ID, 1, 1)
        self.index(SETTLEMENT_ID, price)

    def pawn(self, owner: Any, account: int, token: Token, units: int) -> None:
        """The owner pays native units of collateral in."""
        sender = str(owner.address)
        self.send(sender, token.contract, "mint", sender, units)
        self.send(sender, token.contract, "approve", self.house.address, units)
        self.send(sender, self.house, "deposit", account, token.token_id, units)
        self.spec.deposit(account >> 96, account, token.token_id, units)

    def debtor(self, owner: Any, creditor: int, holdings: dict[Token, int], debt: Any) -> int:
        """An account with native units of collateral that owes so many dollars, and no legs."""
        account = self.account(owner)
        for token, units in holdings.items():
            self.pawn(owner, account, token, units)
        self.move_money(account, creditor, debt)
        return account

    def held(self, account: int, token: Token) -> int:
        """Native units of collateral."""
        return self.spec.collateral[account, token.token_id]

    def balance(self, account: int) -> int:
        """Settlement balance B, WAD."""
        return self.seller.settlement_balance(account)

    # -- conversions -------------------------------------------------------------------------

    def plan_conversion(self, account: int, token: Token) -> Conversion:
        """The contract's plan, equal to the specification's."""
        self.spec_now()
        seen = self.read(self.converter, "plan_conversion", account, token.token_id)
        plan = Conversion(*seen)
        assert plan == self.seller.plan_conversion(account, token.token_id)
        return plan

    def convert(
        self,
        account: int,
        token: Token,
        amount: int,
        buyer: int,
        sender: Any,
        min_sold: int = 0,
        max_paid: int = MAX_UINT256,
    ) -> tuple[int, int]:
        """Native units sold and WAD paid, as the specification says. Errors: Refused."""
        before, owed = self.plan(account), -self.balance(account)
        held = self.held(account, token), self.held(buyer, token)
        args = (account, token.token_id, amount, buyer, min_sold, max_paid)
        actor = int(str(sender.address), 16)
        planned = self.seller.plan_conversion(account, token.token_id)
        predicted = self._predict(lambda: self.seller.convert(*args, actor=actor))
        receipt = self._send_to_converter(predicted, str(sender.address), *args)
        sold, paid = predicted
        assert self.converter.events(receipt["logs"], "Converted") == [
            {
                "account": account,
                "buyer": buyer,
                "token_id": token.token_id,
                "sold": sold,
                "paid": paid,
                "discount": planned.discount,
            }
        ]
        assert (held[0] - self.held(account, token), self.held(buyer, token) - held[1]) == (
            sold,
            sold,
        )
        self._check_conversion(before, owed, account, token, planned.discount, sold, paid)
        self.check()
        return sold, paid

    def refusal_of(self, *args: Any, **kwargs: Any) -> str:
        """Why a conversion reverts, the same in the specification; nothing has changed."""
        before = self.words()
        try:
            self.convert(*args, **kwargs)
        except Refused as refused:
            assert self.words() == before
            return refused.reason
        raise AssertionError("the conversion went through")

    def _send_to_converter(self, predicted: Any, sender: str, *args: Any) -> Any:
        if isinstance(predicted, Refused):
            with pytest.raises(Refused) as refused:
                self.send(sender, self.converter, "convert", *args)
            assert refused.value.reason == predicted.reason
            raise predicted
        seen = self.view(self.converter, "convert", *args, sender=sender)
        assert tuple(seen) == predicted
        return self.send(sender, self.converter, "convert", *args)

    def _check_conversion(
        self,
        before: Plan,
        owed: int,
        account: int,
        token: Token,
        discount: int,
        sold: int,
        paid: int,
    ) -> None:
        """The promises of one conversion, in exact numbers."""
        after = self.plan(account)
        (index,) = self.read(self.oracle, "prices", 1 << token.leg_id)
        settlement = PRICE.unpack(self.read(self.oracle, "price_word", SETTLEMENT_ID))["price"]
        price = sale_price(PRICE.unpack(index)["price"], settlement)
        unit = 10 ** (18 - token.decimals)
        assert after.equity >= before.equity
        assert after.maintenance == before.maintenance
        assert self.balance(account) == paid - owed
        total = self.spec.totals
        ratio = (total.held + total.deferred, total.held) if total.deferred else (1, 1)
        assert paid - owed < cash_for(unit, price, discount, *ratio)
        # What the buyer gains is a discount that the account's equity never counted.
        assert (sold * unit * price - paid * WAD) * PPM <= sold * unit * price * discount
        _, weight, _ = self.margin.weights[token.token_id].at(self.spec.now)
        assert discount <= PPM - weight

    def words(self) -> list[int]:
        """Every stored word that a conversion may change."""
        calls = [
            (self.house.address, self.house.encode("collateral_of", account, token.token_id))
            for account in self.accounts
            for token in self.tokens
        ]
        found = [int.from_bytes(data, "big") for data in self.rpc.views(calls)] if calls else []
        return super().words() + found

    def _predicted_words(self) -> list[int]:
        held = [self.held(account, token) for account in self.accounts for token in self.tokens]
        return super()._predicted_words() + held

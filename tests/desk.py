"""A deployed system beside its specification: every action is predicted, sent and compared."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from functools import cache
from typing import Any

import ape
import pytest
from eth_abi import encode

from seawall.client.contract import Contract, load_abi
from seawall.deployed import System
from seawall.rpc import Receipt, Rpc, RpcError, succeeded
from seawall.spec.clearinghouse import Change, Clearinghouse, Operator, Terms
from seawall.spec.lens import Health
from seawall.spec.liquidation import LiquidationEngine
from seawall.spec.margin import MarginModel, Plan, Price
from seawall.spec.risk import NOTICE, RAMP, MarketRisk
from seawall.spec.state import Journal, Reverted
from seawall.spec.step_plan import PARTIAL, EngineParameters, Step
from seawall.spec.words import (
    ACCOUNT,
    GATE_NONE,
    LISTED,
    LONG,
    LOSS,
    MAX_UINT256,
    PAY,
    POSITION,
    PRICE,
    SHORT,
    TRADE,
    WAD,
    WATERFALL,
    account_id,
)

#: Thousands of money: what no collateral reaches.
ANY_DEPTH = 2**32 - 1
FEED_UNIT = 10**8
MARKETS_MASK = 2**128 - 1
FIRST_TOKEN_ID = 128


@cache
def contract_at(address: str, name: str) -> Contract:
    """Coder of a deployed contract; the build file is read once per kind."""
    return Contract(address, _abi(name))


@cache
def _abi(name: str) -> Any:
    return load_abi(name)


def creation(name: str, *args: Any) -> bytes:
    """What a transaction carries that deploys a compiled contract."""
    kind = getattr(ape.project, name).contract_type
    kinds = [one.canonical_type for one in kind.constructor.inputs]
    code = bytes.fromhex(kind.deployment_bytecode.bytecode.removeprefix("0x"))
    return code + encode(kinds, args)


class Refused(Exception):  # noqa: N818 - an outcome of the rules, no error of ours
    """A transaction that reverted; `reason` is empty for a bare revert."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason or "(no reason)")
        self.reason = reason


def dollars(number: int | str | Fraction) -> int:
    """WAD of a number of dollars or units."""
    return int(Fraction(number) * WAD)


class Desk:
    """One system, its specification, and the promises that hold after every action.

    `broker` is a module with the engine's rights: it opens positions without orders or margin, so
    that a test may choose any ratio of equity to maintenance margin.
    """

    def __init__(self, system: System, url: str, owner: Any, broker: Any) -> None:
        self.system = system
        self.owner, self.broker = str(owner.address), str(broker.address)
        self.rpc = Rpc(url)
        # Blocks run ahead of the node's clock, which would date the calls before the last block.
        self.rpc.set_block_interval(1)
        self.house = contract_at(str(system.clearinghouse.address), "Clearinghouse")
        self.engine = contract_at(str(system.engine.address), "LiquidationEngine")
        self.oracle = contract_at(str(system.index_oracle.address), "IndexOracle")
        self.fund = contract_at(str(system.insurance_fund.address), "InsuranceFund")
        self.model = contract_at(str(system.margin_model.address), "MarginModel")
        self.lens = contract_at(str(system.lens.address), "Lens")
        self.exchange = contract_at(str(system.exchange.address), "Exchange")
        self.token = contract_at(str(system.settlement.address), "Token")
        self.fund_account = account_id(str(system.insurance_fund.address))
        self.markets = [market.market_id for market in system.parameters.markets]
        #: Sources by leg id, collateral tokens from 128 up.
        self.sources = {
            leg_id: [self.aggregator(source) for source in sources]
            for leg_id, sources in system.aggregators.items()
        }
        #: Dollars that the feeds of a leg id answer, None while they are silent.
        self.answers: dict[int, Fraction | None] = {}
        self.accounts = [self.fund_account]
        self._specify()
        rights = TRADE | PAY | LOSS | WATERFALL
        self.send(self.owner, self.house, "set_module", self.broker, rights)
        self.spec.set_module("broker", rights)
        for market in system.parameters.markets:
            self.index(market.market_id, market.feeds[0].price or 0)

    def _specify(self) -> None:
        parameters = self.system.parameters
        journal = Journal()
        self.margin = MarginModel(
            journal, parameters.profit_weight, parameters.margin_call, parameters.notional_floor
        )
        if parameters.portfolio is not None:
            portfolio, scenarios = parameters.portfolio, self.margin.scenarios
            for market_id, shocks in portfolio.shocks.items():
                scenarios.stage(market_id, shocks)
            scenarios.activate(
                portfolio.terms,
                portfolio.minimum_equity,
                self.rpc.timestamp(),
            )
        queue = account_id(str(self.system.exit_queue.address))
        self.spec = Clearinghouse(journal, self.margin, self._refresh, self.fund_account, queue)
        settlement = parameters.settlement
        self.spec.set_token(0, str(self.token.address), settlement.decimals, settlement.cap)
        for market in parameters.markets:
            terms = Terms(market.oi_cap, market.min_notional, LISTED)
            self.spec.set_market(market.market_id, terms)
            self.margin.set_risk(market.market_id, market.risk, self.rpc.timestamp())
        settings = parameters.liquidation
        self.waterfall = LiquidationEngine(
            self.spec,
            EngineParameters(
                settings.target_buffer,
                settings.penalty_min,
                settings.penalty_max,
                settings.close_out,
                settings.keeper_share,
            ),
        )
        self.spec.set_module(LiquidationEngine.ADDRESS, TRADE | PAY | LOSS | WATERFALL)

    def _refresh(self, bitmap: int) -> list[Price]:
        """What the index said in the latest block: the oracle has a specification of its own."""
        words = self.read(self.oracle, "prices", bitmap)
        return [Price(**PRICE.unpack(word)) for word in words]

    # -- the chain ---------------------------------------------------------------------------

    def send(self, sender: str, contract: Contract, function: str, *args: Any) -> Receipt:
        """Receipt of a transaction. Errors: Refused."""
        receipt = self.rpc.send(sender, contract.address, contract.encode(function, *args))
        self.last_gas = int(receipt["gasUsed"], 16)
        self.spec_now()
        if not succeeded(receipt):
            # It left no trace: the same call is refused again.
            self.view(contract, function, *args, sender=sender)
            raise AssertionError(f"{function} reverted, but its replay passes")
        return receipt

    def view(self, contract: Contract, function: str, *args: Any, sender: str | None = None) -> Any:
        """Answer of a call. Errors: Refused."""
        try:
            call = contract.encode(function, *args)
            data = self.rpc.view(contract.address, call, sender, "pending")
        except RpcError as error:
            raise Refused(error.reason) from None
        return contract.decode(function, data)

    def spec_now(self) -> None:
        """Give the specification the time of the latest block."""
        if hasattr(self, "spec"):
            self.spec.now = self.rpc.timestamp()

    def read(self, contract: Contract, function: str, *args: Any) -> Any:
        """Answer of a call in the latest block."""
        return contract.decode(
            function, self.rpc.view(contract.address, contract.encode(function, *args))
        )

    def close(self) -> None:
        """Give the node its clock back."""
        self.rpc.call("anvil_removeBlockTimestampInterval")
        self.rpc.close()

    def warp(self, seconds: int) -> None:
        """Let time pass, with feeds that answer the same anew."""
        self.rpc.warp(seconds)
        for leg_id, answer in list(self.answers.items()):
            if answer is not None:
                self.index(leg_id, answer)

    def aggregator(self, address: str) -> Contract:
        """A source of the system's feeds."""
        return contract_at(str(address), "MockAggregator")

    # -- prices ------------------------------------------------------------------------------

    def index(self, leg_id: int, price: Any) -> None:
        """All feeds of a market or token answer `price` dollars, and the oracle has read them."""
        answer = int(Fraction(str(price)) * FEED_UNIT)
        self.answers[leg_id] = Fraction(str(price))
        for source in self.sources[leg_id]:
            self.send(self.owner, source, "set_answer", answer)
        self.send(self.owner, self.oracle, "refresh", 1 << leg_id)

    def silence(self, leg_id: int) -> None:
        """The feeds of a market or token break: its last price stays, not usable."""
        for source in self.sources[leg_id]:
            self.send(self.owner, source, "set_answer", 0)
        self.send(self.owner, self.oracle, "refresh", 1 << leg_id)
        self.answers[leg_id] = None

    def price(self, leg_id: int) -> int:
        """The index, WAD."""
        return int(PRICE.unpack(self.read(self.oracle, "price_word", leg_id))["price"])

    # -- accounts ----------------------------------------------------------------------------

    def account(self, owner: Any, amount: int | str | Fraction = 0, sub: int = 0) -> int:
        """An account of an owner with so many dollars deposited."""
        account = account_id(str(owner.address), sub)
        if account not in self.accounts:
            self.accounts.append(account)
        if amount:
            self.deposit(account, amount)
        return account

    def deposit(self, account: int, amount: int | str | Fraction) -> None:
        """The broker pays so many dollars into an account."""
        unit = 10 ** (18 - self.system.parameters.settlement.decimals)
        native = dollars(amount) // unit
        self.send(self.broker, self.token, "mint", self.broker, native)
        self.send(self.broker, self.token, "approve", self.house.address, native)
        self.send(self.broker, self.house, "deposit", account, 0, native)
        self.spec.deposit(account >> 96, account, 0, native)

    def save(self, owner: Any, amount: int) -> None:
        """A saver puts so many dollars into the insurance fund."""
        native = amount * 10**self.system.parameters.settlement.decimals
        saver = str(owner.address)
        self.send(saver, self.token, "mint", saver, native)
        self.send(saver, self.token, "approve", self.fund.address, native)
        self.send(saver, self.fund, "deposit", native, saver)
        self.adopt_savings(amount)

    def adopt_savings(self, amount: int) -> None:
        """Tell the specification of so many dollars that somebody saved without the desk."""
        native = amount * 10**self.system.parameters.settlement.decimals
        self.spec.deposit(self.fund_account >> 96, self.fund_account, 0, native)

    def list_collateral(
        self, token_id: int, price: int, weight: int = 900_000, feeds: int = 1
    ) -> Contract:
        """List a collateral token of 18 decimals with feeds of its own; weight in ppm."""
        token = self.deploy("Token", "Collateral", "COL", 18)
        self.set_feeds(FIRST_TOKEN_ID + token_id - 1, price, feeds)
        self.send(self.owner, self.house, "set_token", token_id, token.address, 10**9)
        weights = (weight, weight, ANY_DEPTH)
        self.send(self.owner, self.model, "set_token_risk", token_id, *weights)
        self.spec.set_token(token_id, token.address, 18, 10**9)
        self.margin.set_token_risk(token_id, *weights, self.spec.now)
        # A new token counts for nothing until its ramp is over.
        self.warp(NOTICE + RAMP)
        return token

    def list_market(self, market_id: int, price: int, feeds: int = 1) -> None:
        """List another market on the terms of the first, with feeds of its own."""
        first = self.system.parameters.markets[0]
        self.set_risk(market_id, first.risk)
        self.set_feeds(market_id, price, feeds)
        self.send(self.owner, self.house, "set_market", market_id, first.terms_word)
        self.spec.set_market(market_id, Terms(first.oi_cap, first.min_notional, LISTED))
        self.markets.append(market_id)

    def set_risk(self, market_id: int, risk: MarketRisk) -> None:
        """The owner sets the risk parameters of a market."""
        self.send(self.owner, self.model, "set_risk", market_id, tuple(risk))
        self.margin.set_risk(market_id, risk, self.spec.now)

    def set_feeds(self, leg_id: int, price: int, count: int) -> None:
        """Give a market or token so many feeds, all of which must answer, and a first price."""
        sources = [self.deploy("MockAggregator", 8, price * FEED_UNIT) for _ in range(count)]
        adapters = [self.deploy("ChainlinkFeed", one.address, 0, 0, 0) for one in sources]
        feeds = [(one.address, 3_600, 3_600, False) for one in adapters]
        self.send(self.owner, self.oracle, "set_feeds", leg_id, (count, 5_000, 0), feeds)
        self.sources[leg_id] = sources
        self.index(leg_id, price)

    def deploy(self, name: str, *args: Any) -> Contract:
        """Deploy a compiled contract as the owner."""
        receipt = self.rpc.send(self.owner, None, creation(name, *args))
        return contract_at(receipt["contractAddress"], name)

    def pledge(self, owner: Any, account: int, token_id: int, token: Contract, amount: int) -> None:
        """The owner pays so many whole tokens of collateral in."""
        sender, native = str(owner.address), amount * WAD
        self.send(sender, token, "mint", sender, native)
        self.send(sender, token, "approve", self.house.address, native)
        self.send(sender, self.house, "deposit", account, token_id, native)
        self.spec.deposit(account >> 96, account, token_id, native)

    def allow(self, owner: Any, operator: Any, markets: list[int], max_size: int) -> None:
        """Let an operator trade for an owner for a day."""
        until = self.rpc.timestamp() + 86_400
        bitmap = sum(1 << market_id for market_id in markets)
        args = (str(operator.address), until, bitmap, max_size)
        self.send(str(owner.address), self.house, "set_operator", *args)
        allowed = Operator(until, max_size, bitmap)
        self.spec.set_operator(int(owner.address, 16), int(operator.address, 16), allowed)

    def fill(
        self, buyer: int, seller: int, market_id: int, size: int, price: int | None = None
    ) -> None:
        """A trade of `size` (WAD) at a price (WAD, default: the index), without margin checks."""
        money = size * (self.price(market_id) if price is None else price) // WAD
        changes = [
            Change(buyer, size, -money, 0, GATE_NONE),
            Change(seller, -size, money, 0, GATE_NONE),
        ]
        self.trade(market_id, changes)

    def trade(self, market_id: int, changes: list[Change]) -> None:
        """A trade of the broker's, side parties included."""
        self.send(self.broker, self.house, "trade", market_id, [tuple(c) for c in changes])
        self.spec.trade("broker", market_id, changes)

    def close_market(self, market_id: int, size: int, money: int) -> None:
        """The broker closes both sides of a market whole, pro rata, at `money` for `size` (WAD)."""
        changes = [
            Change(LONG, -size, money, 0, GATE_NONE),
            Change(SHORT, size, -money, 0, GATE_NONE),
        ]
        self.trade(market_id, changes)

    def move_money(self, sender: int, receiver: int, amount: int | str | Fraction) -> None:
        """The broker moves dollars of cash, back if negative; either may end below zero."""
        wad = dollars(amount)
        if wad < 0:
            sender, receiver, wad = receiver, sender, -wad
        self.send(self.broker, self.house, "pay", sender, receiver, 0, wad)
        self.spec.pay("broker", sender, receiver, 0, wad)

    # -- the waterfall -----------------------------------------------------------------------

    def liquidate(
        self, account: int, keeper: int, sender: Any, limit: int = MAX_UINT256
    ) -> tuple[Step, list[dict[str, Any]]]:
        """One step, as the specification says; the step and the events. Errors: Refused."""
        before = self._standing(account, keeper)
        predicted = self._predict(lambda: self.waterfall.liquidate(account, keeper, limit))
        args = (account, keeper, limit)
        seen = self._seen(predicted, "liquidate", *args, sender=str(sender.address))
        receipt = self._send_as(predicted, str(sender.address), "liquidate", *args)
        step = Step(*seen)
        assert step == predicted
        self._check_step(before, account, keeper, step)
        self.check()
        return step, self.events(receipt)

    def liquidate_many(
        self, accounts: list[int], keeper: int, sender: Any
    ) -> tuple[list[int], list[dict[str, Any]]]:
        """A batch, as the specification says; statuses and events. Errors: Refused."""
        predicted = self._predict(lambda: self.waterfall.liquidate_many(accounts, keeper))
        args = (accounts, keeper)
        seen = self._seen(predicted, "liquidate_many", *args, sender=str(sender.address))
        receipt = self._send_as(predicted, str(sender.address), "liquidate_many", *args)
        assert list(seen) == predicted
        self.check()
        return predicted, self.events(receipt)

    def flag(self, account: int) -> int:
        """Touch an account's clock."""
        self.send(self.broker, self.engine, "flag", account)
        predicted = self.waterfall.flag(account)
        assert self.view(self.engine, "flagged_at", account) == predicted
        return predicted

    def plan_step(self, account: int) -> Step:
        """The contract's plan, equal to the specification's."""
        step = Step(*self.view(self.engine, "plan_step", account))
        assert step == self.waterfall.plan_step(account)
        return step

    def refusal(self, account: int, keeper: int, sender: Any, limit: int = MAX_UINT256) -> str:
        """Why a step reverts, the same in the specification; nothing has changed."""
        before = self.words()
        try:
            self.liquidate(account, keeper, sender, limit)
        except Refused as refused:
            assert self.words() == before
            return refused.reason
        raise AssertionError("the step went through")

    def events(self, receipt: Receipt) -> list[dict[str, Any]]:
        """Events of the engine, each with its name."""
        found = []
        for log in receipt["logs"]:
            if log["address"].lower() == self.engine.address.lower():
                name, fields = self.engine.event(log)
                found.append({"event": name, **fields})
        return found

    def _predict(self, action: Callable[[], Any]) -> Any:
        self.spec.now = self.rpc.timestamp() + 1
        try:
            return action()
        except Reverted as refused:
            return Refused(refused.reason)

    def _seen(self, predicted: Any, function: str, *args: Any, sender: str) -> Any:
        """What the engine would answer; nothing where a refusal is expected."""
        if isinstance(predicted, Refused):
            return None
        return self.view(self.engine, function, *args, sender=sender)

    def _send_as(self, predicted: Any, sender: str, function: str, *args: Any) -> Receipt:
        if not isinstance(predicted, Refused):
            return self.send(sender, self.engine, function, *args)
        with pytest.raises(Refused) as refused:
            self.send(sender, self.engine, function, *args)
        assert refused.value.reason == predicted.reason
        raise predicted

    # -- what is true ------------------------------------------------------------------------

    def plan(self, account: int) -> Plan:
        """Equity and maintenance margin as the waterfall sees them."""
        base, legs = self.spec.portfolio(account)
        held = self.spec.ledger.accounts[account]
        return self.margin.plan(base, legs, self._refresh(held.bitmap), self.spec.now, held.mode)

    def health(self, account: int) -> Health:
        """What Lens says of an account."""
        return Health(*self.view(self.lens, "health", account))

    def equity(self, account: int) -> int:
        """E at the index, WAD."""
        return self.plan(account).equity

    def ratio(self, account: int) -> Fraction:
        """h = E / M, exact."""
        plan = self.plan(account)
        return Fraction(plan.equity, plan.maintenance)

    def wealth(self, account: int) -> int:
        """What an account is worth to its owner: equity, not below zero, and escrowed reserves."""
        plan = self.plan(account)
        return max(plan.equity, 0) + sum(leg.reserve for leg in plan.legs)

    def cash(self, account: int) -> int:
        """Cash, WAD."""
        return self.spec.ledger.accounts[account].cash

    def size(self, account: int, market_id: int) -> int:
        """Signed size, WAD."""
        legs = self.spec.portfolio(account)[1]
        return next((size for leg_id, _, size in legs if leg_id == market_id), 0)

    def _standing(self, account: int, keeper: int) -> tuple[Plan, dict[int, int], int]:
        sizes = {market_id: self.size(account, market_id) for market_id in self.markets}
        return self.plan(account), sizes, self.wealth(account) + self.wealth(keeper)

    def _check_step(
        self, before: tuple[Plan, dict[int, int], int], account: int, keeper: int, step: Step
    ) -> None:
        """P5 and P9 of one step, in exact numbers."""
        plan, sizes, wealth = before
        after = self.plan(account)
        for market_id, size in sizes.items():
            left = self.size(account, market_id)
            assert abs(left) <= abs(size)
            assert left * size >= 0
        if step.stage == PARTIAL:
            assert after.equity > 0
        if plan.equity > 0:
            assert after.equity >= 0
            assert after.equity * plan.maintenance >= plan.equity * after.maintenance
        else:
            assert step.fee == 0
        assert 0 <= step.keeper_fee <= step.fee
        assert self.wealth(account) + self.wealth(keeper) <= wealth

    def words(self) -> list[int]:
        """Every stored word that the waterfall may change."""
        house, engine = self.house, self.engine
        calls = []
        for account in self.accounts:
            calls.append((engine.address, engine.encode("flagged_at", account)))
            calls.append((house.address, house.encode("account_word", account)))
            for market_id in self.markets:
                call = house.encode("position_word", account, market_id)
                calls.append((house.address, call))
        for market_id in self.markets:
            calls.append((house.address, house.encode("market_words", market_id)))
        calls.append((house.address, house.encode("totals")))
        words = []
        for data in self.rpc.views(calls):
            words += [int.from_bytes(data[i : i + 32], "big") for i in range(0, len(data), 32)]
        return words

    def _predicted_words(self) -> list[int]:
        ledger = self.spec.ledger
        words = []
        for account in self.accounts:
            held = ledger.accounts[account]
            markets, collateral = held.bitmap & MARKETS_MASK, held.bitmap >> 128
            words.append(self.waterfall.flagged[account])
            words.append(
                ACCOUNT.pack(cash=held.cash, mode=held.mode, collateral=collateral, markets=markets)
            )
            words += [
                POSITION.pack(**ledger.positions[account, market_id]._asdict())
                for market_id in self.markets
            ]
        for market_id in self.markets:
            words += self.spec.market_words(market_id)
        return words + [number % 2**256 for number in self.spec.totals]

    def check(self) -> None:
        """State and clocks word for word as specified; assets minus claims exactly 0 (P2)."""
        assert self.words() == self._predicted_words()
        untouched = not any(
            self.spec.ledger.markets[m].long.touched or self.spec.ledger.markets[m].short.touched
            for m in self.markets
        )
        slack = self.view(self.lens, "conservation", self.markets)
        assert slack == 0 if untouched else slack >= 0

"""A Clearinghouse on the node with its specification: actions are predicted, sent and compared."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from seawall.client.contract import Contract, load_abi
from seawall.rpc import Receipt, Rpc, RpcError
from seawall.spec.clearinghouse import Change, Clearinghouse, Operator, Terms
from seawall.spec.exit_queue import ExitQueue
from seawall.spec.margin import MarginModel, Price
from seawall.spec.risk import Risk, Weight
from seawall.spec.scenarios import Matrix, unpack_shocks
from seawall.spec.scenarios import Terms as ScenarioTerms
from seawall.spec.state import Journal, Reverted
from seawall.spec.words import (
    ACCOUNT,
    EXIT,
    GATE_MARGIN_RULE,
    GATE_NONE,
    MATRIX,
    POSITION,
    PRICE,
    SIDE,
    TERMS,
    WAD,
    WEIGHT,
    account_id,
    ids_of,
)

USDC = 10**6
LONG_SIDE, SHORT_SIDE = 1, 2
#: What stands for "no reason": a bare revert.
BARE = ""
Word = dict[str, int]


@dataclass(frozen=True)
class Stage:
    """Addresses and terms of what was deployed; `tokens` maps id to (address, decimals, cap)."""

    url: str
    house: str
    model: str
    oracle: str
    owner: str
    fee_account: int
    queue: str
    tokens: dict[int, tuple[str, int, int]]
    markets: tuple[int, ...] = ()
    #: module address -> verbs
    modules: dict[str, int] = field(default_factory=dict)
    #: market -> source of its price
    sources: dict[int, str] = field(default_factory=dict)


@cache
def contract_type(name: str) -> Contract:
    """Coders of a compiled contract, whatever its address."""
    return Contract("", load_abi(name))


class Deployed:
    """A contract at an address, with the coders that all of its kind share."""

    def __init__(self, address: str, name: str) -> None:
        self.address = address
        self.kind = contract_type(name)

    def encode(self, function: str, *args: Any) -> bytes:
        """Calldata."""
        return self.kind.encode(function, *args)

    def decode(self, function: str, data: bytes) -> Any:
        """What a call returned."""
        return self.kind.decode(function, data)

    def events(self, logs: list[Any], name: str) -> list[dict[str, Any]]:
        """Fields of this contract's events of one name."""
        topic, address = self.kind.topic(name), self.address.lower()
        return [
            self.kind.event(log)[1]
            for log in logs
            if log["address"].lower() == address and log["topics"][:1] == [topic]
        ]


class Mirror:
    """`act` must go through as predicted, `refuse` must fail with one reason in both."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.rpc = Rpc(stage.url)
        self.house = Deployed(stage.house, "Clearinghouse")
        self.model = Deployed(stage.model, "MarginModel")
        self.oracle = Deployed(stage.oracle, "IndexOracle")
        self.token = self.token_of(0)
        self.venue, self.engine = [*stage.modules, "", ""][:2]
        self._block = "latest"
        self._comparing = True
        self._accounts = {stage.fee_account}
        self.spec = self._specification()

    def _specification(self) -> Clearinghouse:
        journal = Journal()
        model = MarginModel(
            journal,
            int(self.read(self.model, "PROFIT_WEIGHT_PPM")),
            int(self.read(self.model, "MARGIN_CALL_PPM")),
            int(self.read(self.model, "NOTIONAL_FLOOR_PPM")),
        )
        fund, queue = self.stage.fee_account, account_id(self.stage.queue)
        spec = Clearinghouse(journal, model, self._prices, fund, queue)
        exits = Deployed(self.stage.queue, "ExitQueue")
        self.queue, wait = exits, int(self.read(exits, "WAIT_SECONDS"))
        self.exits = ExitQueue(spec, wait, self._prices)
        spec.set_module(self.stage.queue, EXIT)
        self._accounts.add(queue)
        for token_id, (asset, decimals, cap) in self.stage.tokens.items():
            spec.set_token(token_id, asset, decimals, cap)
            weight = WEIGHT.unpack(int(self.read(self.model, "weight_word", token_id)))
            model.weights[token_id] = Weight(**weight)
        for market_id in self.stage.markets:
            self.adopt_market(spec, model, market_id)
        for module, verbs in self.stage.modules.items():
            spec.set_module(module, verbs)
        return spec

    def adopt_matrix(self) -> None:
        """Copy the scenario matrix in force and its shocks of all markets."""
        scenarios = self.spec.model.scenarios
        word = MATRIX.unpack(int(self.read(self.model, "matrix_word")))
        scenarios.adopt(
            Matrix(
                word["version"],
                word["earlier"],
                word["ramp_start"],
                ScenarioTerms(word["tail"], word["factor"], word["gross_floor"]),
                ScenarioTerms(
                    word["earlier_tail"], word["earlier_factor"], word["earlier_gross_floor"]
                ),
                word["minimum_equity"],
            )
        )
        for version in (word["version"], word["earlier"]):
            for market_id in self.stage.markets:
                first, second = self.read(self.model, "shocks", version, market_id)
                shocks = unpack_shocks(first, second) if first else ()
                scenarios.shocks[version, market_id] = shocks

    def adopt_market(self, spec: Clearinghouse, model: MarginModel, market_id: int) -> None:
        """Copy the terms and the risk of a listed market into the specification."""
        terms = TERMS.unpack(self.read(self.house, "market_words", market_id)[2])
        spec.set_market(market_id, Terms(terms["oi_cap"], terms["min_notional"], terms["mode"]))
        model.risks[market_id] = Risk.of_words(*self.read(self.model, "risk_words_of", market_id))

    # -- the node ----------------------------------------------------------------------------

    def read(self, contract: Deployed, function: str, *args: Any) -> Any:
        """Answer of a view at the latest block."""
        data = self.rpc.view(contract.address, contract.encode(function, *args))
        return contract.decode(function, data)

    def send(self, sender: Any, contract: Deployed, function: str, *args: Any) -> Receipt:
        """A transaction that must succeed, without prediction."""
        data = contract.encode(function, *args)
        receipt = self.rpc.send(_address(sender), contract.address, data)
        if receipt["status"] != "0x1":
            raise AssertionError(f"{function}{args}: {self.rpc.explain(receipt) or 'bare revert'}")
        return receipt

    def reason_of(self, sender: Any, contract: Deployed, function: str, *args: Any) -> str | None:
        """Reason with which a call fails, "" if bare; None if it would pass."""
        try:
            self.rpc.view(contract.address, contract.encode(function, *args), _address(sender))
        except RpcError as error:
            return error.reason
        return None

    def _prices(self, bitmap: int) -> list[Price]:
        data = self.rpc.view(
            self.stage.oracle, self.oracle.encode("prices", bitmap), block=self._block
        )
        words = [PRICE.unpack(word) for word in self.oracle.decode("prices", data)]
        return [Price(**word) for word in words]

    @contextmanager
    def at(self, block: str) -> Iterator[None]:
        """Let the specification see the time and the prices of one block."""
        self._block = block
        header = self.rpc.call("eth_getBlockByNumber", block, False)
        self.spec.now = int(header["timestamp"], 16)
        yield
        self._block = "latest"

    def later(self, seconds: int) -> None:
        """Mine a block some seconds after the latest."""
        self.rpc.set_next_timestamp(self.rpc.timestamp() + seconds)
        self.rpc.mine()

    def set_index(self, market_id: int, dollars: int | str) -> None:
        """Let the source of a market answer a price, now."""
        whole, _, fraction = str(dollars).partition(".")
        answer = int(whole + fraction.ljust(8, "0")[:8])
        source = Deployed(self.stage.sources[market_id], "MockAggregator")
        # The oracle answers once per second: its last answer must not stand for this one.
        self.rpc.set_next_timestamp(self.rpc.timestamp() + 1)
        self.send(self.stage.owner, source, "set_answer", answer)

    # -- predicted actions -------------------------------------------------------------------

    def act(self, function: str, sender: Any, *args: Any) -> Receipt:
        """Send; outcome, answer and every word must be as the specification says."""
        contract = self._target(sender)
        self._remember(function, sender, args)
        data = contract.encode(function, *args)
        origin = self.stage.owner if contract is not self.house else _address(sender)
        answer = self.rpc.view(contract.address, data, origin)
        receipt = self.rpc.send(origin, contract.address, data)
        assert receipt["status"] == "0x1", self.rpc.explain(receipt)
        with self.at(receipt["blockNumber"]):
            expected = self._predict(function, _address(sender), args)
        if expected is not None:
            seen = contract.decode(function, answer)
            assert _plain(seen) == _plain(expected), f"{function}: {seen}, not {expected}"
        self.compare()
        return receipt

    def refuse(self, reason: str, function: str, sender: Any, *args: Any) -> None:
        """Contract and specification refuse with this reason."""
        self.refuse_unmodelled(reason, function, sender, *args)
        with self.at("latest"):
            expected = self.spec_reason(function, sender, *args)
        assert expected == reason, f"{function}: the specification says {expected!r}"

    def refuse_unmodelled(self, reason: str, function: str, sender: Any, *args: Any) -> None:
        """The contract refuses with this reason; the specification does not know of such a call."""
        contract = self._target(sender)
        origin = self.stage.owner if contract is not self.house else sender
        seen = self.reason_of(origin, contract, function, *args)
        assert seen == reason, f"{function}: {seen!r}, not {reason!r}"

    def spec_reason(self, function: str, sender: Any, *args: Any) -> str | None:
        """Reason with which the specification refuses, None if it would not; nothing stays."""
        journal = self.spec.journal
        try:
            with journal.transaction():
                self._predict(function, _address(sender), args)
                raise _UndoneError
        except Reverted as error:
            return error.reason
        except ArithmeticError:
            return BARE
        except _UndoneError:
            return None

    def _target(self, sender: Any) -> Deployed:
        if _address(sender) in self.stage.modules:
            return Deployed(_address(sender), "TestModule")
        return self.house

    def _predict(self, function: str, sender: str, args: tuple[Any, ...]) -> int | None:
        spec, caller = self.spec, int(sender, 16)
        actions: dict[str, Callable[[], Any]] = {
            "deposit": lambda: spec.deposit(caller, *args),
            "withdraw": lambda: spec.withdraw(caller, args[0], args[1], args[2], int(args[3], 16)),
            "transfer": lambda: spec.transfer(caller, *args),
            "settle": lambda: spec.settle(*args),
            "set_mode": lambda: spec.set_mode(caller, *args),
            "set_operator": lambda: spec.set_operator(
                caller, int(args[0], 16), Operator(args[1], args[3], args[2])
            ),
            "trade": lambda: spec.trade(sender, args[0], list(args[1])),
            "pay": lambda: spec.pay(sender, *args),
            "set_funding_rate": lambda: spec.set_funding_rate(sender, *args),
            "write_off": lambda: spec.write_off(sender, *args),
            "heal": lambda: spec.heal(sender, *args),
            "set_market": lambda: spec.set_market(args[0], _terms(args[1])),
            "set_module": lambda: spec.set_module(*args),
            "restrict": lambda: spec.restrict(
                None if sender == self.stage.owner else sender, *args
            ),
        }
        return actions[function]()

    def _remember(self, function: str, sender: Any, args: tuple[Any, ...]) -> None:
        if function in ("deposit", "withdraw", "write_off", "settle", "set_mode"):
            self._accounts.add(args[0])
        if function in ("transfer", "pay"):
            self._accounts.update(args[:2])
        if function == "trade":
            self._accounts.update(change[0] for change in args[1] if change[0] >> 96)

    # -- comparison --------------------------------------------------------------------------

    @contextmanager
    def compared_once(self) -> Iterator[None]:
        """Compare words after a long preparation, not after each action of it."""
        self._comparing = False
        yield
        self._comparing = True
        self.compare()

    def compare(self) -> None:
        """Every word that the specification has touched stands in the contract."""
        if not self._comparing:
            return
        spec, ledger = self.spec, self.spec.ledger
        expected: list[tuple[str, tuple[int, ...], Any]] = []
        for account in sorted(self._accounts):
            cash, mode, bitmap = ledger.accounts[account]
            markets = bitmap & (2**128 - 1)
            word = ACCOUNT.pack(cash=cash, mode=mode, collateral=bitmap >> 128, markets=markets)
            expected.append(("account_word", (account,), word))
        for key, position in ledger.positions.items():
            expected.append(("position_word", key, POSITION.pack(**position._asdict())))
        for market_id in spec.terms:
            expected.append(("market_words", (market_id,), self.spec.market_words(market_id)))
        for account, amount in spec.principal.items():
            expected.append(("collateral_of", (account, 0), amount))
        for key, amount in spec.collateral.items():
            expected.append(("collateral_of", key, amount))
        for side_key, (scale, charge) in ledger.ended.items():
            expected.append(("side_word", side_key, SIDE.pack(scale=scale, charge=charge)))
        expected.extend(self._sides())
        expected.append(("totals", (), tuple(spec.totals)))
        calls = [(self.stage.house, self.house.encode(name, *args)) for name, args, _ in expected]
        for (name, args, wanted), data in zip(expected, self.rpc.views(calls), strict=True):
            seen = self.house.decode(name, data)
            assert _plain(seen) == _plain(wanted), f"{name}{args}: {seen}, not {wanted}"
        self._check_custody()

    def _check_custody(self) -> None:
        """P1: what is held of each token is at least what the accounts have of it."""
        calls, claims = [], []
        for token_id, (asset, decimals, _) in self.stage.tokens.items():
            cash = -(-self.spec.totals.held // 10 ** (18 - decimals))
            claims.append(self.spec.token_held[token_id] if token_id else cash)
            calls.append((asset, self.token.encode("balanceOf", self.stage.house)))
        for claim, data in zip(claims, self.rpc.views(calls), strict=True):
            assert int.from_bytes(data, "big") >= claim

    def _sides(self) -> Iterator[tuple[str, tuple[int, ...], int]]:
        for market_id, market in self.spec.ledger.markets.items():
            for which, side in ((LONG_SIDE, market.long), (SHORT_SIDE, market.short)):
                if side.touched:
                    word = SIDE.pack(scale=side.scale, charge=side.charge)
                    yield "side_word", (market_id, which, side.epoch), word

    # -- shortcuts ---------------------------------------------------------------------------

    def fund(self, owner: Any, dollars: int, sub: int = 0) -> int:
        """Deposit settlement money of 6 decimals; returns the account."""
        account = account_id(_address(owner), sub)
        self.act("deposit", owner, account, 0, dollars * USDC)
        return account

    def open(self, buyer: int, seller: int, size: int, price: int, market_id: int = 1) -> Receipt:
        """A fill between two accounts at a price in dollars, both through the margin rule."""
        return self.act("trade", self.venue, market_id, fill(buyer, seller, size, price * WAD))

    def force(self, buyer: int, seller: int, size: int, price: int, market_id: int = 1) -> Receipt:
        """A fill without gates."""
        changes = fill(buyer, seller, size, price * WAD, gate=GATE_NONE)
        return self.act("trade", self.engine, market_id, changes)

    def cash(self, account: int) -> int:
        """WAD cash on the chain."""
        return ACCOUNT.unpack(int(self.read(self.house, "account_word", account)))["cash"]

    def bitmap(self, account: int) -> list[int]:
        """Markets of an account on the chain."""
        word = int(self.read(self.house, "account_word", account))
        return ids_of(ACCOUNT.unpack(word)["markets"])

    def size(self, account: int, market_id: int = 1) -> int:
        """Signed size on the chain, of a side that was never scaled."""
        word = int(self.read(self.house, "position_word", account, market_id))
        return POSITION.unpack(word)["shares"]

    def totals(self) -> tuple[int, int, int]:
        """Held, book, deferred on the chain."""
        held, book, deferred = self.read(self.house, "totals")
        return int(held), int(book), int(deferred)

    def slack(self) -> int:
        """Assets minus claims of the specification at the present index."""
        markets = list(self.stage.markets)
        with self.at("latest"):
            prices = {market_id: self._prices(1 << market_id)[0].price for market_id in markets}
            return self.spec.slack(prices.__getitem__, markets)

    def token_of(self, token_id: int) -> Deployed:
        """A listed token."""
        return Deployed(self.stage.tokens[token_id][0], "Token")

    def balance(self, holder: Any, token_id: int = 0) -> int:
        """Tokens in a wallet, native units."""
        return int(self.read(self.token_of(token_id), "balanceOf", _address(holder)))

    def events(self, receipt: Receipt, name: str) -> list[dict[str, Any]]:
        """Events of the Clearinghouse in a receipt."""
        return self.house.events(receipt["logs"], name)


class _UndoneError(Exception):
    pass


def fill(
    buyer: int,
    seller: int,
    size: int,
    price: int,
    fees: tuple[int, int] = (0, 0),
    gate: int = GATE_MARGIN_RULE,
) -> list[Change]:
    """Changes of a fill: `size` WAD units at a WAD price; fees of buyer and seller."""
    money = size * price // WAD
    return [Change(buyer, size, -money, fees[0], gate), Change(seller, -size, money, fees[1], gate)]


def deploy_reason(rpc: Rpc, container: Any, *args: Any) -> str | None:
    """Reason with which a constructor fails, "" if bare; None if it would pass."""
    code = container.contract_type.deployment_bytecode.bytecode.removeprefix("0x")
    data = code + bytes(container.constructor.encode_input(*args)).hex()
    try:
        rpc.call("eth_call", {"data": "0x" + data}, "latest")
    except RpcError as error:
        return error.reason
    return None


def _terms(word: int) -> Terms:
    fields = TERMS.unpack(word)
    return Terms(fields["oi_cap"], fields["min_notional"], fields["mode"])


def _address(actor: Any) -> str:
    return actor if isinstance(actor, str) else str(actor.address)


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, (tuple, list)) else value

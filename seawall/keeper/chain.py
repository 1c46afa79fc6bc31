"""What a keeper asks of a node and sends to it: raw JSON-RPC, no planning.

Two ways to send stand behind one protocol: accounts the node signs for (development nodes), and raw
transactions signed by the caller.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from seawall.client.contract import Contract, load_abi
from seawall.keeper.index import PositionEvent, ranges
from seawall.keeper.planning import Action, Candidate, KeeperMargin, Row
from seawall.rpc import Rpc, RpcError
from seawall.spec.liquidation import LIQUIDATED, Step
from seawall.spec.words import PRICE

#: Accounts in one call of `health_many`; at 43,000 gas for one leg each they take 9 million. Halved
#: where the node refuses, as for accounts with many legs.
ROWS_PER_CALL = 200
#: Blocks in one request for logs; halved while the node refuses.
LOG_CHUNK = 5_000


@dataclass(frozen=True)
class Trial:
    """A transaction tried and not sent: accounts it would liquidate, its gas, or a reason."""

    works: tuple[int, ...]
    gas: int
    reason: str = ""


def initial_rates(
    rpc: Rpc, model: Contract, price_words: Mapping[int, int], time: int, block: str = "latest"
) -> dict[int, int]:
    """Rates (ppm) by market at its price word's volatility, for a leg too small to raise them."""
    calls = []
    for market_id, word in price_words.items():
        volatility = PRICE.unpack(word)["volatility"]
        call = model.encode("requirement_at", market_id, 0, 0, volatility, time)
        calls.append((model.address, call))
    rates = [model.decode("requirement_at", data)[0] for data in rpc.views(calls, block)]
    return dict(zip(price_words, rates, strict=True))


class Chain:
    """One deployment as seen by one keeper account."""

    def __init__(self, rpc: Rpc, registry: Mapping[str, Any], keeper_account: int) -> None:
        """`registry` as `seawall.deployment.read_registry` returns it."""
        contracts = registry["contracts"]
        self.rpc = rpc
        self.keeper_account = keeper_account
        self.market_ids = sorted(int(market_id) for market_id in registry["markets"])
        self.house = Contract(contracts["Clearinghouse"], load_abi("Clearinghouse"))
        self.lens = Contract(contracts["Lens"], load_abi("Lens"))
        self.engine = Contract(contracts["LiquidationEngine"], load_abi("LiquidationEngine"))
        self.oracle = Contract(contracts["IndexOracle"], load_abi("IndexOracle"))
        self.model = Contract(contracts["MarginModel"], load_abi("MarginModel"))

    def events(self, first: int, last: int, chunk: int = LOG_CHUNK) -> list[PositionEvent]:
        """Position changes of the blocks [first, last], in their order. Errors: RpcError."""
        found: list[PositionEvent] = []
        for start, end in ranges(first, last, chunk):
            try:
                found += self._events(start, end)
            except RpcError:
                # Nodes limit the blocks or the logs of one answer, each in its own words.
                if start == end:
                    raise
                found += self.events(start, end, (end - start + 1) // 2)
        return found

    def _events(self, first: int, last: int) -> list[PositionEvent]:
        wanted = {
            "address": self.house.address,
            "topics": [self.house.topic("PositionChanged")],
            "fromBlock": hex(first),
            "toBlock": hex(last),
        }
        found = []
        for log in self.rpc.call("eth_getLogs", wanted):
            _, fields = self.house.event(log)
            block = int(log["blockNumber"], 16)
            found.append(
                PositionEvent(block, fields["account"], fields["market_id"], fields["size"])
            )
        return found

    def rows(self, accounts: Sequence[int], block: int, per_call: int = ROWS_PER_CALL) -> list[Row]:
        """Status, equity and maintenance of accounts at the end of a block. Errors: RpcError.

        A number and not "latest": while a block is mined a node may answer for the state of the
        new block at the time of the old one.
        """
        rows: list[Row] = []
        for start in range(0, len(accounts), per_call):
            part = list(accounts[start : start + per_call])
            call = self.lens.encode("health_many", part)
            try:
                data = self.rpc.view(self.lens.address, call, block=hex(block))
            except RpcError:
                if len(part) == 1:
                    raise
                rows += self.rows(part, block, (len(part) + 1) // 2)
                continue
            answers = self.lens.decode("health_many", data)
            rows += [Row(one, *answer) for one, answer in zip(part, answers, strict=True)]
        return rows

    def candidates(self, rows: Sequence[Row], block: int) -> list[Candidate]:
        """Each row with the step that its account is due for at the end of a block."""
        calls = [
            (self.engine.address, self.engine.encode("plan_step", row.account)) for row in rows
        ]
        answers = self.rpc.views(calls, hex(block))
        steps = [Step(*self.engine.decode("plan_step", data)) for data in answers]
        return [Candidate(row, step) for row, step in zip(rows, steps, strict=True)]

    def margin(self, block: int) -> KeeperMargin:
        """Room of the keeper's account and the initial rates in force at the end of a block."""
        header = self.rpc.call("eth_getBlockByNumber", hex(block), False)
        time = int(header["timestamp"], 16)
        calls = [(self.lens.address, self.lens.encode("health", self.keeper_account))]
        bitmap = sum(1 << market_id for market_id in self.market_ids)
        calls += [(self.oracle.address, self.oracle.encode("prices", bitmap))]
        first, second = self.rpc.views(calls, hex(block))
        _, _, adverse_equity, _, initial, *_ = self.lens.decode("health", first)
        words = self.oracle.decode("prices", second)
        prices = dict(zip(self.market_ids, words, strict=True))
        rates = initial_rates(self.rpc, self.model, prices, time, hex(block))
        return KeeperMargin(adverse_equity - initial, rates)

    def calldata(self, action: Action) -> bytes:
        """Call of the engine that an action stands for."""
        if action.kind == "many":
            return self.engine.encode("liquidate_many", list(action.accounts), self.keeper_account)
        if action.kind == "one":
            (account,) = action.accounts
            return self.engine.encode("liquidate", account, self.keeper_account, action.limit)
        return self.engine.encode("absorb", *action.accounts)

    def attempt(self, action: Action, sender: str, block: int) -> Trial:
        """Run an action on the state of a block without sending it."""
        message = {
            "from": sender,
            "to": self.engine.address,
            "data": "0x" + self.calldata(action).hex(),
        }
        try:
            answer, gas = self.rpc.batch(
                [(method, (message, hex(block))) for method in ("eth_call", "eth_estimateGas")]
            )
        except RpcError as error:
            return Trial((), 0, error.reason or error.message)
        data = bytes.fromhex(answer.removeprefix("0x"))
        works = action.accounts
        if action.kind == "many":
            statuses = self.engine.decode("liquidate_many", data)
            works = tuple(
                account
                for account, status in zip(action.accounts, statuses, strict=True)
                if status == LIQUIDATED
            )
        elif action.kind == "absorb" and self.engine.decode("absorb", data) == 0:
            works = ()
        return Trial(works, int(gas, 16), "" if works else "nothing to do")


@dataclass(frozen=True)
class Sent:
    """A transaction on its way; all `hashes` share the nonce, one of them will be mined."""

    hashes: tuple[str, ...]
    to: str
    data: bytes
    gas: int
    nonce: int
    gas_price: int


class Sender(Protocol):
    """Who pays and signs."""

    address: str

    def gas_price(self) -> int:
        """What a transaction sent now would pay, in wei per gas."""

    def send(self, to: str, data: bytes, gas: int) -> Sent:
        """Send and do not wait. Errors: RpcError."""

    def replace(self, sent: Sent) -> Sent | None:
        """Send it again at a higher price; None where that is not possible."""


class UnlockedSender:
    """An account that a development node signs for."""

    def __init__(self, rpc: Rpc, address: str) -> None:
        """`address` is one of the node's, or impersonated."""
        self.address = address
        self._rpc = rpc

    def gas_price(self) -> int:
        """The price the connection was made with."""
        return self._rpc.gas_price

    def send(self, to: str, data: bytes, gas: int) -> Sent:
        """Let the node sign and number the transaction."""
        tx_hash = self._rpc.submit(self.address, to, data, gas)
        return Sent((tx_hash,), to, data, gas, -1, self._rpc.gas_price)

    def replace(self, sent: Sent) -> Sent | None:
        """A development node mines what it has: there is nothing to outbid."""
        return None


Sign = Callable[[dict[str, Any]], bytes]


class GasPriceError(Exception):
    """The gas price of the network is above the keeper's maximum."""


class SigningSender:
    """Raw transactions; numbers them itself and asks the node again when it disagrees."""

    def __init__(
        self, rpc: Rpc, address: str, chain_id: int, sign: Sign, max_gas_price: int | None = None
    ) -> None:
        """`sign` turns transaction fields into the signed bytes; `max_gas_price` in wei."""
        self.address = address
        self._rpc = rpc
        self._chain_id = chain_id
        self._sign = sign
        self._max_gas_price = max_gas_price
        self._next_nonce: int | None = None

    def gas_price(self) -> int:
        """A quarter above the node's proposal, up to the maximum. Errors: GasPriceError."""
        proposed = int(self._rpc.call("eth_gasPrice"), 16)
        if self._max_gas_price is None:
            return proposed * 5 // 4
        if proposed > self._max_gas_price:
            raise GasPriceError(f"gas price {proposed} wei is above {self._max_gas_price}")
        return min(proposed * 5 // 4, self._max_gas_price)

    def send(self, to: str, data: bytes, gas: int) -> Sent:
        """Sign and send with the next nonce. Errors: RpcError, GasPriceError."""
        price = self.gas_price()
        try:
            return self._send(to, data, gas, self._nonce(), price)
        except RpcError as error:
            self._next_nonce = None
            if "nonce" not in error.message.lower():
                raise
        return self._send(to, data, gas, self._nonce(), price)

    def replace(self, sent: Sent) -> Sent | None:
        """Same nonce, a quarter more per gas; None above the maximum."""
        price = sent.gas_price * 5 // 4 + 1
        if self._max_gas_price is not None and price > self._max_gas_price:
            return None
        again = self._submit(sent.to, sent.data, sent.gas, sent.nonce, price)
        return Sent((*sent.hashes, again), sent.to, sent.data, sent.gas, sent.nonce, price)

    def _nonce(self) -> int:
        if self._next_nonce is None:
            answer = self._rpc.call("eth_getTransactionCount", self.address, "pending")
            self._next_nonce = int(answer, 16)
        return self._next_nonce

    def _send(self, to: str, data: bytes, gas: int, nonce: int, price: int) -> Sent:
        tx_hash = self._submit(to, data, gas, nonce, price)
        self._next_nonce = nonce + 1
        return Sent((tx_hash,), to, data, gas, nonce, price)

    def _submit(self, to: str, data: bytes, gas: int, nonce: int, price: int) -> str:
        fields = {
            "chainId": self._chain_id,
            "to": to,
            "data": data,
            "gas": gas,
            "gasPrice": price,
            "nonce": nonce,
            "value": 0,
        }
        raw = "0x" + self._sign(fields).hex()
        return str(self._rpc.call("eth_sendRawTransaction", raw))

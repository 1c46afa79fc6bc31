"""A crash rehearsed on a development node: accounts opened, prices dropped, the keeper watched.

Raw JSON-RPC through accounts that the node signs for; traders are seeded keys that sign orders.
Money is whole dollars where a name says nothing else.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from eth_account import Account
from eth_account.signers.local import LocalAccount
from eth_utils import keccak

from seawall.client.contract import Contract, load_abi
from seawall.client.orders import Domain, Order, SignedOrder, direct, new_salt, sign
from seawall.keeper.chain import Chain
from seawall.keeper.index import AccountIndex
from seawall.keeper.planning import due
from seawall.rpc import Rpc, succeeded
from seawall.spec.words import LOT, PPM, PRICE, WAD, account_id

USDC = 10**6
MAKERS_PER_MATCH = 20
MAKER_MARGIN = 20_000_000
ORDER_SECONDS = 3600
GAS = 500_000
MATCH_GAS = 6_000_000
POLL_SECONDS = 0.25
#: Longest wait for a block; a node that mines per transaction makes none by itself.
BLOCK_SECONDS = 5


class CrashError(Exception):
    """The node refused something; the message says what."""


@dataclass(frozen=True)
class Trader:
    """A seeded account: margin in dollars, leverage in tenths, negative when short."""

    key: LocalAccount
    market_id: int
    margin: int
    leverage: int

    @property
    def account(self) -> int:
        return account_id(self.key.address)


def traders(count: int, market_ids: Sequence[int], skip: set[int]) -> list[Trader]:
    """The first `count` seeded traders not in `skip`: three of four long at 7.0x to 9.4x."""
    found: list[Trader] = []
    number = 0
    while len(found) < count:
        draw = keccak(text=f"seawall trader {number}")
        market_id = market_ids[number // 4 % len(market_ids)]
        leverage = 70 + draw[0] % 25 if number % 4 else -(20 + draw[0] % 20)
        trader = Trader(Account.from_key(draw), market_id, 1_000 + draw[1] * 50, leverage)
        if trader.account not in skip:
            found.append(trader)
        number += 1
    return found


@dataclass(frozen=True)
class Outcome:
    """Liquidations since a price drop, those `closed` out included; blocks and seconds run to the
    last of them."""

    accounts: int
    closed: int
    steps: int
    transactions: int
    gas: int
    blocks: int
    seconds: int


class Story:
    """The deployment, and an account of the node that plays market maker and everyone else."""

    def __init__(self, rpc: Rpc, registry: dict[str, Any]) -> None:
        rpc.gas_price = 2 * int(rpc.call("eth_gasPrice"), 16)
        contracts = registry["contracts"]
        self.rpc = rpc
        self.chain_id = int(registry["chain_id"])
        self.start_block = int(registry["start_block"])
        self.markets: dict[int, Any] = registry["markets"]
        self.maker = rpc.accounts()[2]
        self.token = Contract(contracts["SettlementToken"], load_abi("Token"))
        self.house = Contract(contracts["Clearinghouse"], load_abi("Clearinghouse"))
        self.exchange = Contract(contracts["Exchange"], load_abi("Exchange"))
        self.oracle = Contract(contracts["IndexOracle"], load_abi("IndexOracle"))
        self.engine = Contract(contracts["LiquidationEngine"], load_abi("LiquidationEngine"))
        self.closer = Contract(contracts["CloseOut"], load_abi("CloseOut"))
        self.aggregator = Contract("", load_abi("MockAggregator"))

    def ask(self, contract: Contract, function: str, *args: Any) -> Any:
        data = self.rpc.view(contract.address, contract.encode(function, *args))
        return contract.decode(function, data)

    def tell(self, contract: Contract, function: str, *args: Any, gas: int = GAS) -> str:
        data = contract.encode(function, *args)
        return self.rpc.submit(self.maker, contract.address, data, gas)

    def wait(self, hashes: Iterable[str], what: str) -> int:
        """Block of the last of these transactions. Errors: CrashError with the revert reason."""
        block = 0
        for tx_hash in hashes:
            receipt = self.rpc.wait(tx_hash)
            if not succeeded(receipt):
                raise CrashError(f"{what} reverted: {self.rpc.explain(receipt) or tx_hash}")
            block = max(block, int(receipt["blockNumber"], 16))
        return block

    def index(self, market_id: int) -> int:
        (word,) = self.ask(self.oracle, "prices", 1 << market_id)
        return PRICE.unpack(word)["price"]

    def fund(self, deposits: dict[int, int]) -> None:
        """Deposit dollars to accounts."""
        total = sum(deposits.values()) * USDC
        sent = [self.tell(self.token, "mint", self.maker, total)]
        sent.append(self.tell(self.token, "approve", self.house.address, total))
        for account, dollars in deposits.items():
            sent.append(self.tell(self.house, "deposit", account, 0, dollars * USDC))
        self.wait(sent, "deposit")

    def open(self, group: Sequence[Trader]) -> None:
        """Each trader's signed order is filled by the market maker, at most twenty a match."""
        domain = Domain(self.chain_id, self.exchange.address)
        sent = []
        for market_id in self.markets:
            price = self.index(market_id)
            for side in (1, -1):
                orders = [
                    self._order(trader, price, domain)
                    for trader in group
                    if trader.market_id == market_id and trader.leverage * side > 0
                ]
                for start in range(0, len(orders), MAKERS_PER_MATCH):
                    sent.append(self._match(orders[start : start + MAKERS_PER_MATCH], price))
        self.wait(sent, "match")

    def _order(self, trader: Trader, price: int, domain: Domain) -> SignedOrder:
        size = trader.margin * abs(trader.leverage) * WAD * WAD // (10 * price)
        size -= size % LOT
        signed = size if trader.leverage > 0 else -size
        order = self._limit(trader.account, trader.market_id, signed, price)
        return sign(order, domain, trader.key)

    def _match(self, makers: list[SignedOrder], price: int) -> str:
        size = -sum(one.order.size for one in makers)
        taker = direct(self._limit(account_id(self.maker), makers[0].order.market_id, size, price))
        orders = [one.as_tuple() for one in makers]
        return self.tell(self.exchange, "match", taker.as_tuple(), orders, gas=MATCH_GAS)

    def _limit(self, account: int, market_id: int, size: int, price: int) -> Order:
        return Order(
            account=account,
            market_id=market_id,
            size=size,
            limit_price=price,
            trigger_price=0,
            expiry=self.rpc.timestamp() + ORDER_SECONDS,
            reduce_only=False,
            post_only=False,
            salt=new_salt(),
        )

    def drop(self, fraction_ppm: int) -> int:
        """Every feed answers this much less. Returns the block of the new prices."""
        calls = []
        for market in self.markets.values():
            for address in market["aggregators"]:
                data = self.rpc.view(address, self.aggregator.encode("answer"))
                answer = self.aggregator.decode("answer", data) * (PPM - fraction_ppm) // PPM
                calls.append((address, self.aggregator.encode("set_answer", answer)))
        self._await_block()
        sent = [self.rpc.submit(self.maker, address, call, GAS) for address, call in calls]
        return self.wait(sent, "price")

    def _await_block(self) -> None:
        """Return right after a block, so that what is sent now goes into one and the same next."""
        before, deadline = self.rpc.block_number(), time.monotonic() + BLOCK_SECONDS
        while self.rpc.block_number() == before and time.monotonic() < deadline:
            time.sleep(0.01)

    def outcome(self, dropped: int) -> Outcome:
        """What was liquidated since the block of the price drop."""
        topics = [self.engine.topic("Liquidated"), self.closer.topic("ClosedOut")]
        addresses = [self.engine.address, self.closer.address]
        wanted = {"address": addresses, "topics": [topics], "fromBlock": hex(dropped)}
        logs = self.rpc.call("eth_getLogs", wanted)
        closed = [log for log in logs if log["topics"][0] == topics[1]]
        hashes = {log["transactionHash"] for log in logs}
        last = max((int(log["blockNumber"], 16) for log in logs), default=dropped)
        return Outcome(
            accounts=len({log["topics"][1] for log in logs}),
            closed=len({log["topics"][1] for log in closed}),
            steps=len({(log["topics"][1], log["transactionHash"]) for log in logs}),
            transactions=len(hashes),
            gas=sum(int(self.rpc.wait(one)["gasUsed"], 16) for one in hashes),
            blocks=last - dropped,
            seconds=self._time(last) - self._time(dropped),
        )

    def _time(self, block: int) -> int:
        answer = self.rpc.call("eth_getBlockByNumber", hex(block), False)
        return int(answer["timestamp"], 16)


def prepare(story: Story, chain: Chain, count: int, keeper_margin: int) -> list[int]:
    """Fund the keeper and open accounts until `count` are open. Returns all that are open."""
    everyone = AccountIndex(story.start_block)
    head = story.rpc.block_number()
    everyone.advance(chain.events(story.start_block, head), head)
    others = {chain.keeper_account, account_id(story.maker)}
    before = [account for account in everyone.accounts() if account not in others]
    fresh = traders(max(count - len(before), 0), chain.market_ids, known_traders(story, chain))
    deposits = {trader.account: trader.margin for trader in fresh}
    missing = keeper_margin - chain.purse(head).free // WAD
    if missing > 0:
        deposits[chain.keeper_account] = missing
    if fresh:
        deposits[account_id(story.maker)] = MAKER_MARGIN
    if deposits:
        story.fund(deposits)
    story.open(fresh)
    return before + [trader.account for trader in fresh]


def known_traders(story: Story, chain: Chain) -> set[int]:
    """Accounts that ever had a leg: a seeded trader opens one position only."""
    events = chain.events(story.start_block, story.rpc.block_number())
    return {event.account for event in events}


def watch(chain: Chain, accounts: Sequence[int], timeout: int) -> int:
    """Wait until no account is below maintenance margin. Returns how many still are."""
    deadline = time.monotonic() + timeout
    while True:
        left = count_due(chain, accounts, chain.rpc.block_number())
        if not left or time.monotonic() > deadline:
            return left
        time.sleep(POLL_SECONDS)


def count_due(chain: Chain, accounts: Sequence[int], block: int) -> int:
    """How many accounts were below maintenance margin at the end of a block."""
    return len(due(chain.rows(accounts, block)))

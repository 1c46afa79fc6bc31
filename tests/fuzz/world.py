"""Contracts and specification side by side: every call is predicted, sent and compared."""

from __future__ import annotations

import copy
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

from seawall.client.orders import Domain
from seawall.spec.backstop import Backstop
from seawall.spec.clearinghouse import Change, Clearinghouse, Refresh, Terms
from seawall.spec.close_out import CloseOut
from seawall.spec.conversion import CollateralConverter
from seawall.spec.delisting import Delisting
from seawall.spec.exchange import Exchange
from seawall.spec.exit_queue import ExitQueue
from seawall.spec.fixed_math import MAX_UINT256
from seawall.spec.ledger import Market
from seawall.spec.liquidation import LiquidationEngine
from seawall.spec.margin import MarginModel, Price
from seawall.spec.oracle import NO_PRICE
from seawall.spec.orders import Fees
from seawall.spec.savings import BackstopSavings, Savings
from seawall.spec.state import Journal, Reverted, Table
from seawall.spec.step_plan import EngineParameters, Step
from seawall.spec.words import (
    LISTED,
    PRICE,
    RAY,
    TERMS,
    TOKEN,
    account_id,
    ids_of,
)
from tests.fuzz import parameters
from tests.fuzz.backend import CHAIN_ID, UINT256, Argument, Backend, Call, Refused, words_of
from tests.fuzz.conservation import Drift, Slack
from tests.fuzz.index import FED, FeedIndex, Prices
from tests.fuzz.stage import (
    ANCHORS,
    AUCTION,
    CAP,
    CLOSE_OUT,
    COLLATERAL,
    COLLECTOR,
    CONTRACT_RIGHTS,
    CONVERSION,
    COOLDOWN_SECONDS,
    DECIMALS,
    ENGINE,
    FEES,
    FUND_SHARES,
    MAIN_MARKETS,
    MARGIN_CALL,
    MIN_NOTIONAL,
    NOTIONAL_FLOOR,
    OI_CAP,
    OWNERS,
    PROFIT_WEIGHT,
    ROLES,
    SAVERS,
    SUB_ACCOUNTS,
    WAIT_SECONDS,
)

KEPT_STEPS = 60

#: None for nothing, a word, or all words of the answer.
Answer = int | list[int] | None


class MismatchError(AssertionError):
    """Contract and specification part, or a promise is broken."""


def _shown(item: Any) -> str:
    """A part of a noted step; encoded orders are noted beside their call."""
    if isinstance(item, list):
        return f"[{', '.join(map(_shown, item))}]"
    return f"({len(item)} bytes)" if isinstance(item, bytes) else str(item)


class Watched(Clearinghouse):
    """The specification, with a list of the trades of the present call, and what was put in.

    Each trade is a market, its changes, and the market that it found. `put_in` is WAD cash that was
    deposited, less what has left at once without the EXIT right, `sent` the native units of token 0
    that the latest withdrawal paid.
    """

    def __init__(
        self,
        journal: Journal,
        model: MarginModel,
        refresh: Refresh,
        fee_account: int,
        queue_account: int,
    ) -> None:
        super().__init__(journal, model, refresh, fee_account, queue_account)
        self.trades: list[tuple[int, list[Change], Market]] = []
        self.put_in: Table[int, int] = Table(journal, 0)
        self.sent = 0

    def deposit(self, owner_of_call: int, account: int, token_id: int, received: int) -> int:
        """Credit received native units."""
        credit = super().deposit(owner_of_call, account, token_id, received)
        if token_id == 0:
            self.put_in[0] += credit
        return credit

    def withdraw(
        self, owner_of_call: int, account: int, token_id: int, amount: int, receiver: int = 0
    ) -> tuple[int, int]:
        """Native units that leave at once and that wait."""
        paid, queued = super().withdraw(owner_of_call, account, token_id, amount, receiver)
        if token_id == 0:
            self.sent = paid
        if token_id == 0 and not self.is_exempt(owner_of_call):
            self.put_in[0] -= (amount - queued) * self.tokens[0].unit
        return paid, queued

    def trade(self, module: str, market_id: int, changes: list[Change]) -> None:
        """Sizes and money sum to zero; then each party's gate."""
        earlier = self.ledger.markets[market_id]
        super().trade(module, market_id, changes)
        self.trades.append((market_id, changes, earlier))


class WatchedEngine(LiquidationEngine):
    """The specification, with a list of the steps of the present call: account and step."""

    def __init__(self, clearinghouse: Clearinghouse, parameters: EngineParameters) -> None:
        super().__init__(clearinghouse, parameters)
        self.steps: list[tuple[int, Step]] = []

    def _execute(self, account: int, keeper: int, step: Step, gated: bool) -> int:
        market_id = super()._execute(account, keeper, step, gated)
        self.steps.append((account, step))
        return market_id

    def _hand_over(
        self, account: int, keeper: int, step: Step, sizes: list[tuple[int, int, Price]]
    ) -> None:
        super()._hand_over(account, keeper, step, sizes)
        self.steps.append((account, step))


class Backers(BackstopSavings):
    """The specification; what it reads of the index for the price of a share is not stored."""

    def __init__(self, world: World) -> None:
        super().__init__(world.stop, DECIMALS[0], COOLDOWN_SECONDS)
        self._world = world

    def see(self) -> None:
        """By views."""
        with self._world.viewing():
            super().see()


class FedIndex:
    """What the delisting module asks of the index that follows feeds."""

    def __init__(self, world: World) -> None:
        self._world = world

    def refreshed(self, market_id: int) -> int:
        """The market's word of this block; of one without feeds it has no price."""
        return self._world.refreshed(market_id) if market_id in FED else NO_PRICE

    def fix_price(self, market_id: int, at_average: bool) -> int:
        """Errors: Reverted with the oracle's reason."""
        return self._world.index.fix_price(market_id, at_average, self._world.spec.now)

    def release_exits(self, market_id: int) -> None:
        """Open the ways out again."""
        self._world.index.release_exits(market_id)

    def resumed_at(self) -> int | None:
        """There is no sequencer."""
        return 0


class World:
    """A deployed system with its specification; `send` predicts, calls, compares.

    `expect` notes what a view must answer and `verify` asks all of them at once. `transactions`
    counts what `send` sent: reverts that were predicted too, prices and the set-up not.
    """

    def __init__(self, chain: Backend) -> None:
        self.chain = chain
        self.house, self.model_address = chain.addr("house"), chain.addr("model")
        self.engine, self.exchange = chain.addr("engine"), chain.addr("exchange")
        self.fund, self.oracle = chain.addr("fund"), chain.addr("oracle")
        self.converter, self.closer_address = chain.addr("converter"), chain.addr("close_out")
        self.backstop = chain.addr("backstop")
        self.delisting_address = chain.addr("delisting")
        self.domain = Domain(CHAIN_ID, self.exchange)
        self.owner = chain.actor("timelock")
        self.steps: deque[tuple[Any, ...]] = deque(maxlen=KEPT_STEPS)
        self.trace = False
        self.counts: Counter[str] = Counter()
        self.transactions = 0
        #: Successful calls, and what the outside world did.
        self.passed = 0
        self.owners = {name: chain.actor(name) for name in (*OWNERS, COLLECTOR)}
        self.savers = {name: chain.actor(name) for name in SAVERS}
        self.accounts = [
            account_id(self.owners[name], sub) for name in OWNERS for sub in range(SUB_ACCOUNTS)
        ]
        #: One opens market after market, the other is its first counterparty.
        self.collector, self.counterparty = (
            account_id(self.owners[COLLECTOR], sub) for sub in range(2)
        )
        #: Keepers with money that bring a state to rest at a sequence's end.
        self.rescuers: list[int] = []
        self.queue = chain.addr("queue")
        self.fee_account, self.queue_account = account_id(self.fund), account_id(self.queue)
        self.index = FeedIndex(chain)
        #: Whether the specification's refreshes are stored: those of a transaction are.
        self._stores = False
        self.wallets: Counter[tuple[int, str]] = Counter()
        #: Orders that a maker has signed and that may be filled, see the Exchange's actions.
        self.orders: list[Any] = []
        self._expected: list[tuple[str, list[int] | None, Call]] = []
        self._specify()
        self._list_all()
        self._fill_wallets()
        self.verify()

    # -- setup -------------------------------------------------------------------------------

    def _specify(self) -> None:
        journal = Journal()
        self.model = MarginModel(journal, PROFIT_WEIGHT, MARGIN_CALL, NOTIONAL_FLOOR)
        accounts = self.fee_account, self.queue_account
        self.spec = Watched(journal, self.model, self._refresh, *accounts)
        self.exits = ExitQueue(self.spec, WAIT_SECONDS, self._view)
        self.spec.set_token(0, self.chain.addr("token 0"), DECIMALS[0], CAP)
        self.waterfall = WatchedEngine(self.spec, ENGINE)
        self.seller = CollateralConverter(self.spec, CONVERSION)
        self.venue = Exchange(self.spec, self.exchange)
        numbers = int(self.backstop, 16), int(self.owner, 16)
        self.backstop_vault = self.chain.addr("backstop_vault")
        self.stop = Backstop(self.spec, *numbers, AUCTION, int(self.backstop_vault, 16))
        self.buckets = [self.stop.account(market_id) for market_id in (0, *MAIN_MARKETS)]
        self.backers = Backers(self)
        self.savings = Savings(self.spec, DECIMALS[0], COOLDOWN_SECONDS, *FUND_SHARES)
        self.waterfall.backstop = self.stop
        self.closer = CloseOut(self.waterfall, CLOSE_OUT, self._cover, self.stop)
        self.closer.recall = partial(self.exits.recall, CloseOut.ADDRESS)
        self.delister = Delisting(self.spec, FedIndex(self))
        self.prices = Prices(self.index, self.spec)
        self.drift = Drift(self.spec)
        self.slack = Slack(self.spec, self.prices, list(ANCHORS), self.drift)

    def _refresh(self, bitmap: int) -> list[Price]:
        ids = ids_of(bitmap)
        if self._stores:
            self.index.store(ids, self.spec.now)
        return [self.prices[leg_id] for leg_id in ids]

    def refreshed(self, market_id: int) -> int:
        """The word of a market whose index follows feeds, stored with the call."""
        if self._stores:
            self.index.store([market_id], self.spec.now)
        return self.index.word(market_id, self.spec.now)

    def _view(self, bitmap: int) -> list[Price]:
        return [self.prices[leg_id] for leg_id in ids_of(bitmap)]

    @contextmanager
    def viewing(self) -> Iterator[None]:
        """What is refreshed in here is not stored."""
        stores, self._stores = self._stores, False
        try:
            yield
        finally:
            self._stores = stores

    def _cover(self, account: int, claims: list[tuple[int, int]]) -> list[int]:
        return self.savings.cover(CloseOut.ADDRESS, account, claims)

    def _list_all(self) -> None:
        for name, verbs in ROLES.items():
            self.set_module(self.chain.actor(name), verbs)
        for name, verbs in CONTRACT_RIGHTS.items():
            self.set_module(self.chain.addr(name), verbs)
        # The specification's contracts act under a name instead of an address.
        self.spec.set_module(LiquidationEngine.ADDRESS, CONTRACT_RIGHTS["engine"])
        self.spec.set_module(CollateralConverter.ADDRESS, CONTRACT_RIGHTS["converter"])
        self.spec.set_module(CloseOut.ADDRESS, CONTRACT_RIGHTS["close_out"])
        self.spec.set_module(Backstop.ADDRESS, CONTRACT_RIGHTS["backstop"])
        self.spec.set_module(Delisting.ADDRESS, CONTRACT_RIGHTS["delisting"])
        for token_id in COLLATERAL:
            self.set_token(token_id, CAP)
        parameters.list_all(self)
        for token_id, (price, _) in COLLATERAL.items():
            self.set_price(127 + token_id, Price(price))
        for market_id, price in ANCHORS.items():
            self.set_price(market_id, Price(price))
            self.set_market(market_id, Terms(OI_CAP, MIN_NOTIONAL, LISTED))
        for market_id, fees in FEES.items():
            self.set_fees(market_id, fees)

    def _fill_wallets(self) -> None:
        for address in sorted({*self.owners.values(), *self.savers.values()}):
            for token_id, decimals in DECIMALS.items():
                amount = 10 ** (decimals + 12)
                token = self.chain.addr(f"token {token_id}")
                self.chain.send(address, token, "mint(address,uint256)", address, amount)
                for spender in (self.house, self.fund, self.backstop_vault):
                    approve = "approve(address,uint256)"
                    self.chain.send(address, token, approve, spender, MAX_UINT256)
                self.wallets[token_id, address] = amount

    def restart(self) -> None:
        """Count from here on, and remember the chain as it is now for `fork`."""
        self.counts.clear()
        self.steps.clear()
        self.transactions = self.passed = 0
        self.chain.reset()

    def fork(self) -> World:
        """A copy of this world, with the chain as it was at `restart`."""
        self.chain.reset()
        return copy.deepcopy(self, {id(self.chain): self.chain})

    @property
    def everyone(self) -> list[int]:
        """All accounts that ever hold anything."""
        house = self.collector, self.counterparty, self.fee_account, self.queue_account
        return [*self.accounts, *self.rescuers, *house, *self.buckets]

    def name_of(self, account: int) -> str:
        """Who owns an account; a thief would, if nobody does."""
        owner = account >> 96
        return next((name for name, who in self.owners.items() if int(who, 16) == owner), "thief")

    # -- the one way to call -----------------------------------------------------------------

    def send(
        self,
        action: str,
        sender: str,
        signature: str,
        arguments: Sequence[Argument],
        predict: Callable[[], Answer],
        target: str | None = None,
    ) -> tuple[bool, int]:
        """Predict, call, compare outcome and answer; whether it went through, and the first word.

        Errors: MismatchError, with the steps that led there.
        """
        # What was noted holds now, not after the call.
        self.verify()
        # A transaction is a block of its own.
        self.spec.now = self.chain.time + 1
        target = target or self.house
        self.note(f"{action}:", self.spec.now, sender, signature, arguments)
        self.transactions += 1
        self.slack.count()
        self.slack.before()
        self.spec.trades.clear()
        self.waterfall.steps.clear()
        expected, reason = self._predicted_and_stored(predict)
        try:
            data = self.chain.send(sender, target, signature, *arguments)
            refused = None
        except Refused as error:
            data, refused = b"", error.reason
        if refused != reason:
            self.fail(f"outcome: specification {reason!r}, contract {refused!r}")
        self.counts[action if refused is None else f"{action}! {refused}"] += 1
        if refused is not None:
            return False, 0
        self.passed += 1
        answer = [word % UINT256 for word in expected]
        self.same("answer", answer, words_of(data))
        self._note_trades()
        return True, answer[0] if answer else 0

    def _predicted_and_stored(self, predict: Callable[[], Answer]) -> tuple[list[int], str | None]:
        """The outcome; index words that it refreshed stay unless all is reverted."""
        before = self.index.saved()
        self._stores = True
        expected, reason = self._predicted(predict)
        self._stores = False
        if reason is not None:
            self.index.restore(before)
        return expected, reason

    def _note_trades(self) -> None:
        """Count what the call's trades may round; on the grid they move no value at all (P2)."""
        trades = self.spec.trades
        if not trades:
            return
        exact = all(self.drift.is_exact(market_id, changes) for market_id, changes, _ in trades)
        for market_id, changes, earlier in trades:
            self.drift.traded(market_id, changes, earlier)
            self._note_scale(market_id)
        if exact:
            self.must("P2 exact trade", self.slack.moved() == 0, self.slack.moved())

    def _note_scale(self, market_id: int) -> None:
        """Count a trade at each decade of a side's scale, and epochs that have passed."""
        market = self.spec.ledger.markets[market_id]
        lower = min(market.long.scale, market.short.scale)
        decade = next(k for k in range(1, 28) if lower * 10**k > RAY or k == 27) - 1
        self.count(f"scale 1e-{decade}")
        if market.long.epoch or market.short.epoch:
            self.count("after an epoch")

    @staticmethod
    def _predicted(predict: Callable[[], Answer]) -> tuple[list[int], str | None]:
        try:
            answer = predict()
        except Reverted as error:
            return [], error.reason
        except ArithmeticError:
            return [], ""
        if answer is None:
            return [], None
        return [answer] if isinstance(answer, int) else answer, None

    def note(self, *step: Any) -> None:
        """Keep a line for the report of a failure."""
        self.steps.append(step)
        if self.trace:
            print(*map(_shown, step))

    def fail(self, what: str) -> None:
        """Raise with the last steps."""
        steps = "\n  ".join(" ".join(map(_shown, step)) for step in self.steps)
        raise MismatchError(f"{what}\nafter {self.transactions} transactions\n  {steps}")

    def same(self, what: str, expected: Any, found: Any) -> None:
        """Fail unless both are equal."""
        if expected != found:
            self.fail(f"{what}: specification {expected}, contract {found}")

    def must(self, what: str, holds: bool, values: Any) -> None:
        """Fail unless a promise holds."""
        if not holds:
            self.fail(f"promise {what}: {values}")

    def count(self, what: str, number: int = 1) -> None:
        """Note that something happened that the runs must have seen."""
        self.counts[what] += number

    # -- comparison --------------------------------------------------------------------------

    def expect(
        self,
        what: str,
        expected: int | Sequence[int] | None,
        signature: str,
        *arguments: Argument,
        target: str | None = None,
    ) -> None:
        """Note what a view must answer: words, or None for a revert."""
        words = [expected] if isinstance(expected, int) else expected
        wanted = None if words is None else [word % UINT256 for word in words]
        self._expected.append((what, wanted, Call(target or self.house, signature, arguments)))

    def verify(self) -> None:
        """Ask all that was noted. Errors: MismatchError at the first difference."""
        expected, self._expected = self._expected, []
        if not expected:
            return
        answers = self.chain.view([call for _, _, call in expected])
        for (what, wanted, call), data in zip(expected, answers, strict=True):
            found = None if data is None else words_of(data)
            if found != wanted:
                self.same(f"{what}, {call.signature}", wanted, found)

    # -- admin -------------------------------------------------------------------------------

    def set_module(self, module: str, verbs: int) -> None:
        """Grant rights to a role or a contract."""
        self.send(
            "set_module",
            self.owner,
            "set_module(address,uint256)",
            [module, verbs],
            lambda: self.spec.set_module(module, verbs),
        )

    def set_token(self, token_id: int, cap: int, outflow: int = 0) -> None:
        """List a token or change its limits."""
        asset = self.chain.addr(f"token {token_id}")
        self.send(
            "set_token",
            self.owner,
            "set_token(uint256,address,uint256)",
            [token_id, asset, outflow << 52 | cap],
            lambda: self.spec.set_token(token_id, asset, DECIMALS[token_id], cap, outflow),
        )
        token = self.spec.tokens[token_id]
        packed = TOKEN.pack(**token._asdict() | {"asset": int(asset, 16)})
        self.expect(f"token {token_id}", packed, "token_word(uint256)", token_id)

    def set_market(self, market_id: int, terms: Terms) -> None:
        """List a market or change its terms."""
        self.send(
            "set_market",
            self.owner,
            "set_market(uint256,uint256)",
            [market_id, TERMS.pack(**terms._asdict())],
            lambda: self.spec.set_market(market_id, terms),
        )

    def set_fees(self, market_id: int, fees: Fees) -> None:
        """Open a market at the Exchange or change its fees and band."""
        self.send(
            "set_fees",
            self.owner,
            "set_fees(uint256,uint256,uint256,uint256)",
            [market_id, fees.maker, fees.taker, fees.band],
            lambda: self.venue.set_fees(market_id, fees),
            self.exchange,
        )
        found = self.venue.fees.get(market_id, Fees(0, 0, 0))
        words = (found.maker, found.taker, found.band)
        self.expect(f"fees {market_id}", words, "fees(uint256)", market_id, target=self.exchange)

    def set_price(self, leg_id: int, price: Price) -> None:
        """What the oracle answers from now on."""
        if leg_id in FED:
            self.index.agree(leg_id, price)
        else:
            self.prices[leg_id] = price
            word = PRICE.pack(**price._asdict())
            set_word = "set_word(uint256,uint256)"
            self.chain.send(self.owner, self.oracle, set_word, leg_id, word)
        self.spec.now = self.chain.time
        self.note("price", leg_id, price)

    def warp(self, seconds: int) -> None:
        """Let time pass."""
        self.chain.warp(seconds)
        self.spec.now = self.chain.time
        self.passed += 1
        self.note(seconds, "seconds")

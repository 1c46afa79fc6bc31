"""What a keeper asks of a node: raw JSON-RPC, no planning."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from seawall.client.contract import Contract, load_abi
from seawall.keeper.closing import Close, Flag, Hand, Holding, Rooms, Terms
from seawall.keeper.index import PositionEvent, ranges
from seawall.keeper.planning import Action, Candidate, KeeperMargin, Row
from seawall.keeper.purchases import Holder, Offer, Purchase, holder, market_price, may_owe
from seawall.keeper.upkeep import CallEvent, Follow, MarginCall, Market
from seawall.rpc import Rpc, RpcError
from seawall.spec.close_out import CLOSED
from seawall.spec.consensus import HALF_WIDTH_UNIT
from seawall.spec.liquidation import LIQUIDATED
from seawall.spec.margin import COLLATERAL_IDS
from seawall.spec.oracle import MAX_IDS, SETTLEMENT_ID, phased_in
from seawall.spec.risk import RESERVE_UNIT, RISK, Risk
from seawall.spec.step_plan import Step
from seawall.spec.words import ACCOUNT, LEG, MAX_HALF_WIDTH, PPM, PRICE, TOKEN, WAD, account_id

#: Accounts in one call of `health_many`; at 43,000 gas for one leg each they take 9 million. Halved
#: where the node refuses, as for accounts with many legs.
ROWS_PER_CALL = 200
#: Blocks in one request for logs; halved while the node refuses.
LOG_CHUNK = 5_000
#: Views in one exchange.
VIEWS_PER_BATCH = 500

#: What a keeper sends.
Task = Action | Close | Flag | Hand | Follow | MarginCall | Purchase


@dataclass(frozen=True)
class Trial:
    """A transaction tried and not sent: targets it would work on, its gas, or a reason.

    `prices` counts the ids whose feeds it may have to read; `step` is what a `liquidate`
    or a `hand_to_backstop` would do.
    """

    works: tuple[int, ...]
    gas: int
    reason: str = ""
    prices: int = 0
    step: Step | None = None


@dataclass(frozen=True)
class Purse:
    """The keeper's cash, and its adverse equity above initial margin (WAD)."""

    cash: int
    free: int


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
        self.monitor = Contract(contracts["RiskMonitor"], load_abi("RiskMonitor"))
        self.converter = Contract(contracts["CollateralConverter"], load_abi("CollateralConverter"))
        self.closer = Contract(contracts["CloseOut"], load_abi("CloseOut"))
        self.backstop = Contract(contracts["Backstop"], load_abi("Backstop"))
        self.fund_account = account_id(contracts["InsuranceFund"])
        self._units: dict[int, int] = {}
        self._reduce_after: int | None = None

    def events(self, first: int, last: int, chunk: int = LOG_CHUNK) -> list[PositionEvent]:
        """Position changes of the blocks [first, last], in their order. Errors: RpcError."""
        found = []
        for block, _, fields in self._logs(self.house, ["PositionChanged"], first, last, chunk):
            market_id, size = fields["market_id"], fields["size"]
            found.append(PositionEvent(block, fields["account"], market_id, size))
        return found

    def calls(self, first: int, last: int) -> list[CallEvent]:
        """Margin calls of the blocks [first, last], whoever made them. Errors: RpcError."""
        logs = self._logs(self.monitor, ["MarginCall"], first, last)
        return [CallEvent(block, fields["account"]) for block, _, fields in logs]

    def receivers(self, first: int, last: int) -> set[int]:
        """Accounts that collateral came to in the blocks [first, last]. Errors: RpcError."""
        found = set()
        for _, name, fields in self._logs(self.house, ["Deposited", "Moved"], first, last):
            if fields["token_id"] != 0:
                found.add(fields["account" if name == "Deposited" else "receiver"])
        return found

    def _logs(
        self,
        contract: Contract,
        names: Sequence[str],
        first: int,
        last: int,
        chunk: int = LOG_CHUNK,
    ) -> list[tuple[int, str, dict[str, Any]]]:
        """Block, name and fields of a contract's events of these names."""
        found = []
        for start, end in ranges(first, last, chunk):
            wanted = {
                "address": contract.address,
                "topics": [[contract.topic(name) for name in names]],
                "fromBlock": hex(start),
                "toBlock": hex(end),
            }
            try:
                logs = self.rpc.call("eth_getLogs", wanted)
            except RpcError:
                # Nodes limit the blocks or the logs of one answer, each in its own words.
                if start == end:
                    raise
                found += self._logs(contract, names, start, end, (end - start + 1) // 2)
                continue
            found += [(int(log["blockNumber"], 16), *contract.event(log)) for log in logs]
        return found

    def rows(self, accounts: Sequence[int], block: int, per_call: int = ROWS_PER_CALL) -> list[Row]:
        """Status, equity and maintenance of accounts at the end of a block. Errors: RpcError.

        An account whose health reverts is left out. A number and not "latest": while a block is
        mined a node may answer for the state of the new block at the time of the old one.
        """
        rows: list[Row] = []
        for start in range(0, len(accounts), per_call):
            part = list(accounts[start : start + per_call])
            call = self.lens.encode("health_many", part)
            try:
                data = self.rpc.view(self.lens.address, call, block=hex(block))
            except RpcError as error:
                if len(part) == 1:
                    if error.is_revert:
                        continue
                    raise
                rows += self.rows(part, block, (len(part) + 1) // 2)
                continue
            answers = self.lens.decode("health_many", data)
            rows += [Row(one, *answer) for one, answer in zip(part, answers, strict=True)]
        return rows

    def candidates(self, rows: Sequence[Row], block: int) -> list[Candidate]:
        """Rows with the step that their account is due for at the end of a block, and its markets.

        An account whose plan reverts is left out.
        """
        accounts = [row.account for row in rows]
        steps = self._try_views(block, self.engine, [("plan_step", one) for one in accounts])
        held = self._holders(accounts, block)
        return [
            Candidate(row, Step(*step), one.markets)
            for row, step, one in zip(rows, steps, held, strict=True)
            if step is not None
        ]

    def holdings(self, rows: Sequence[Row], block: int) -> list[Holding]:
        """Rows with the legs and the clock of their account at the end of a block."""
        accounts = [row.account for row in rows]
        portfolios = self._try_views(block, self.house, [("portfolio", one) for one in accounts])
        clocks = self._try_views(block, self.engine, [("flagged_at", one) for one in accounts])
        found = []
        for row, portfolio, clock in zip(rows, portfolios, clocks, strict=True):
            if portfolio is not None and clock is not None:
                legs = [LEG.unpack(word) for word in portfolio[2]]
                sizes = {leg["id"]: leg["size"] for leg in legs if leg["id"] < COLLATERAL_IDS}
                found.append(Holding(row, sizes, clock))
        return found

    def terms(self, block: int, market_ids: Collection[int]) -> Terms:
        """Time, prices and keeper reserves of these markets at the end of a block."""
        if self._reduce_after is None:
            data = self.rpc.view(self.closer.address, self.closer.encode("REDUCE_AFTER_SECONDS"))
            self._reduce_after = int(self.closer.decode("REDUCE_AFTER_SECONDS", data))
        found = self._prices(market_ids, block)
        prices = {one: word["price"] for one, word in found.items()}
        words = self._try_views(block, self.model, [("risk_words_of", one) for one in prices])
        risks = {
            market_id: RISK.unpack(stored[0])
            for market_id, stored in zip(prices, words, strict=True)
            if stored is not None
        }
        reserves = {one: risk["reserve"] * RESERVE_UNIT for one, risk in risks.items()}
        # A market is usable while its half-width is at most half its maintenance rate.
        silent = frozenset(
            one
            for one, risk in risks.items()
            if 2 * found[one]["half_width"] * PPM > risk["maintenance"] * HALF_WIDTH_UNIT
        )
        return Terms(self.time(block), self._reduce_after, prices, reserves, silent)

    def rooms(self, block: int, wanted: Mapping[tuple[int, bool], int]) -> Rooms:
        """What buckets take at the end of a block of these sizes, by market and whether long."""
        prices = self._prices((market_id for market_id, _ in wanted), block)
        asked = [
            ("room", market_id, size if long else -size, PRICE.pack(**prices[market_id]))
            for (market_id, long), size in wanted.items()
        ]
        answers = self._try_views(block, self.backstop, asked)
        return {one: abs(taken or 0) for one, taken in zip(wanted, answers, strict=True)}

    def owing(self, accounts: Collection[int], block: int) -> list[int]:
        """Those of these accounts whose cash is below 0 at the end of a block, ascending."""
        wanted = sorted(accounts)
        words = self._try_views(block, self.house, [("account_word", one) for one in wanted])
        pairs = zip(wanted, words, strict=True)
        return [one for one, word in pairs if ACCOUNT.unpack(word or 0)["cash"] < 0]

    def margin(self, block: int, market_ids: Collection[int]) -> KeeperMargin:
        """Room of the keeper's account, and the initial rates of these markets that are in force at
        the end of a block; a market without one is left out."""
        time, prices = self.time(block), self._prices(market_ids, block)
        asked = [
            ("requirement_at", market_id, 0, 0, price["volatility"], time)
            for market_id, price in prices.items()
        ]
        answers = self._try_views(block, self.model, asked)
        rates = {
            market_id: answer[0]
            for market_id, answer in zip(prices, answers, strict=True)
            if answer is not None and answer[0]
        }
        return KeeperMargin(self.purse(block).free, rates)

    def _prices(self, ids: Iterable[int], block: int) -> dict[int, dict[str, int]]:
        """Fields of the price words at the end of a block, by id, in as many calls as needed."""
        wanted = sorted(set(ids))
        parts = [wanted[start : start + MAX_IDS] for start in range(0, len(wanted), MAX_IDS)]
        bitmaps = [sum(1 << one for one in part) for part in parts]
        calls = [(self.oracle.address, self.oracle.encode("prices", one)) for one in bitmaps]
        words: list[int] = []
        for data in self.rpc.views(calls, hex(block)):
            words += self.oracle.decode("prices", data)
        return {one: PRICE.unpack(word) for one, word in zip(wanted, words, strict=True)}

    def time(self, block: int) -> int:
        """Time of a block, in seconds."""
        header = self.rpc.call("eth_getBlockByNumber", hex(block), False)
        return int(header["timestamp"], 16)

    def purse(self, block: int) -> Purse:
        """What the keeper's account could pay at the end of a block."""
        call = self.lens.encode("health", self.keeper_account)
        data = self.rpc.view(self.lens.address, call, block=hex(block))
        _, _, adverse_equity, _, initial, _, cash, *_ = self.lens.decode("health", data)
        return Purse(cash, adverse_equity - initial)

    def markets(self, block: int, open_ids: Collection[int] = ()) -> tuple[list[Market], int]:
        """What a follow would look at, at the end of a block; and the insurance fund's cash.

        Markets are those of the registry and those that somebody holds a leg of.
        """
        prices = self._prices({*self.market_ids, *open_ids}, block)
        words = self._try_views(block, self.model, [("risk_words_of", one) for one in prices])
        found = [
            Market(market_id, Risk.of_words(*stored), price["volatility"])
            for (market_id, price), stored in zip(prices.items(), words, strict=True)
            if stored is not None
        ]
        call = self.house.encode("account_word", self.fund_account)
        data = self.rpc.view(self.house.address, call, block=hex(block))
        return found, ACCOUNT.unpack(self.house.decode("account_word", data))["cash"]

    def offers(self, accounts: Sequence[int], block: int) -> list[Offer]:
        """The largest conversion of each token of these accounts at the end of a block.

        What cannot be planned, for a price or parameters that are missing, is left out.
        """
        holders = [one for one in self._holders(accounts, block) if may_owe(one)]
        pairs = [(one.account, token_id) for one in holders for token_id in one.tokens]
        plans = self._try_views(
            block, self.converter, [("plan_conversion", *pair) for pair in pairs]
        )
        found = []
        for (account, token_id), plan in zip(pairs, plans, strict=True):
            if plan is not None and plan[2] != 0:
                found.append((account, token_id, plan[2], plan[3]))
        prices = self._token_prices({token_id for _, token_id, _, _ in found}, block)
        return [
            Offer(account, token_id, amount, cash, amount * prices[token_id] // WAD)
            for account, token_id, amount, cash in found
            if prices[token_id]
        ]

    def _holders(self, accounts: Sequence[int], block: int) -> list[Holder]:
        words = self._try_views(block, self.house, [("account_word", one) for one in accounts])
        found = []
        for account, word in zip(accounts, words, strict=True):
            fields = ACCOUNT.unpack(word or 0)
            found.append(holder(account, fields["cash"], fields["markets"], fields["collateral"]))
        return found

    def _token_prices(self, token_ids: Iterable[int], block: int) -> dict[int, int]:
        """Settlement tokens (WAD) that a native unit buys at the market, times WAD; 0 where a price
        is not usable."""
        wanted = sorted(token_ids)
        if not wanted:
            return {}
        for token_id in wanted:
            if token_id not in self._units:
                call = self.house.encode("token_word", token_id)
                data = self.rpc.view(self.house.address, call, block=hex(block))
                decimals = TOKEN.unpack(self.house.decode("token_word", data))["decimals"]
                self._units[token_id] = 10 ** (18 - decimals)
        leg_ids = {token_id: COLLATERAL_IDS + token_id - 1 for token_id in wanted}
        prices = self._prices([SETTLEMENT_ID, *leg_ids.values()], block)
        settlement = prices[SETTLEMENT_ID]
        counted = self._counted(settlement, block)
        found = {}
        for token_id, leg_id in leg_ids.items():
            price = market_price(prices[leg_id]["price"], settlement["price"], counted)
            usable = _is_usable(prices[leg_id]) and (_is_usable(settlement) or not counted)
            found[token_id] = price * self._units[token_id] if usable else 0
        return found

    def _counted(self, settlement: Mapping[str, int], block: int) -> int:
        """What collateral is priced with of a settlement token's dollars (WAD): first feeds above
        par come by a ramp; 0 without feeds."""
        if settlement["price"] <= WAD:
            return settlement["price"]
        call = self.oracle.encode("premium_start")
        data = self.rpc.view(self.oracle.address, call, block=hex(block))
        start = self.oracle.decode("premium_start", data)
        phased = phased_in(PRICE.pack(**settlement), start, self.time(block))
        return PRICE.unpack(phased)["price"]

    def _try_views(
        self, block: int, contract: Contract, asked: Sequence[tuple[Any, ...]]
    ) -> list[Any]:
        """Answers of many views of a contract, None for each that reverts."""
        found: list[Any] = []
        for start in range(0, len(asked), VIEWS_PER_BATCH):
            part = asked[start : start + VIEWS_PER_BATCH]
            calls = [(contract.address, contract.encode(*one)) for one in part]
            answers = self.rpc.try_views(calls, hex(block))
            for (function, *_), data in zip(part, answers, strict=True):
                found.append(None if data is None else contract.decode(function, data))
        return found

    def contract_of(self, task: Task) -> Contract:
        """Where a task is sent to."""
        if isinstance(task, Action | Flag | Hand):
            return self.engine
        if isinstance(task, Close):
            return self.closer
        return self.converter if isinstance(task, Purchase) else self.monitor

    def calldata(self, task: Task) -> bytes:
        """The call that a task stands for."""
        function, *args = self._call(task)
        return self.contract_of(task).encode(function, *args)

    def _call(self, task: Task) -> tuple[Any, ...]:
        """Function and arguments."""
        if isinstance(task, Follow):
            return "follow", list(task.targets)
        if isinstance(task, MarginCall):
            return "call_margin", list(task.targets)
        if isinstance(task, Purchase):
            bounds = task.amount, self.keeper_account, task.least, task.most
            return "convert", task.account, task.token_id, *bounds
        if isinstance(task, Flag):
            return "flag", task.account
        if isinstance(task, Hand):
            return "hand_to_backstop", task.account, self.keeper_account
        if isinstance(task, Close):
            if task.alone:
                return "close_out", *task.accounts, self.keeper_account
            return "close_many", list(task.accounts), self.keeper_account
        if task.kind == "many":
            return "liquidate_many", list(task.accounts), self.keeper_account
        (account,) = task.accounts
        return "liquidate", account, self.keeper_account, task.limit

    def attempt(self, task: Task, sender: str, block: int) -> Trial:
        """Run a task on the state of a block without sending it."""
        contract = self.contract_of(task)
        function, *args = self._call(task)
        call = "0x" + contract.encode(function, *args).hex()
        message = {"from": sender, "to": contract.address, "data": call}
        try:
            answer, gas = self.rpc.batch(
                [(method, (message, hex(block))) for method in ("eth_call", "eth_estimateGas")]
            )
        except RpcError as error:
            return Trial((), 0, error.reason or error.message)
        works, step = task.targets, None
        data = bytes.fromhex(answer.removeprefix("0x"))
        if function in _EFFECTS:
            works = _EFFECTS[function](works, contract.decode(function, data))
        elif isinstance(task, Flag):
            works = () if contract.decode(function, data) in (0, task.before) else works
        elif function in ("liquidate", "hand_to_backstop"):
            step = Step(*contract.decode(function, data))
        reason = "" if works else "nothing to do"
        return Trial(works, int(gas, 16), reason, len(self.priced(task, block)), step)

    def priced(self, task: Task, block: int) -> set[int]:
        """Ids at the oracle that a task may refresh: of its markets, or of what its accounts hold,
        and the keeper's where its margin counts; with a collateral token the settlement token too.
        """
        if isinstance(task, Follow):
            return set(task.targets)
        accounts = list(task.targets)
        if isinstance(task, Action | Purchase):
            accounts.append(self.keeper_account)
        found: set[int] = set()
        for one in self._holders(accounts, block):
            found |= {*one.markets, *(COLLATERAL_IDS + token_id - 1 for token_id in one.tokens)}
            found |= {SETTLEMENT_ID} if one.tokens else set()
        return found


def _is_usable(price: Mapping[str, int]) -> bool:
    return price["half_width"] != MAX_HALF_WIDTH


def _liquidated(targets: tuple[int, ...], statuses: Sequence[int]) -> tuple[int, ...]:
    pairs = zip(targets, statuses, strict=True)
    return tuple(account for account, status in pairs if status == LIQUIDATED)


def _called(targets: tuple[int, ...], cures: Sequence[int]) -> tuple[int, ...]:
    return tuple(account for account, cure in zip(targets, cures, strict=True) if cure)


def _closed(targets: tuple[int, ...], statuses: Sequence[int]) -> tuple[int, ...]:
    pairs = zip(targets, statuses, strict=True)
    return tuple(account for account, status in pairs if status == CLOSED)


#: Which targets a call works on, by what it answers; the others work whole or revert.
_EFFECTS: dict[str, Callable[[tuple[int, ...], Any], tuple[int, ...]]] = {
    "liquidate_many": _liquidated,
    "call_margin": _called,
    "close_many": _closed,
}

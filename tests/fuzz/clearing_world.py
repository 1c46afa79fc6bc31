"""Contracts and specification side by side: every call is predicted, sent and compared."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Sequence
from typing import Any

from clearing_ledger import Drift, Slack
from revm import Argument, Refused, Revm, signed, words_of

from seawall.spec.clearinghouse import MAX_UINT256, Change, Clearinghouse, Terms
from seawall.spec.margin import Assessment, MarginModel, Plan, Price
from seawall.spec.state import Journal, Reverted
from seawall.spec.words import (
    ACCOUNT,
    FUNDING,
    GATE_INITIAL,
    GATE_NONE,
    LEG,
    LISTED,
    LONG,
    LOSS,
    PAY,
    PLAN,
    POSITION,
    PPM,
    PRICE,
    RESTRICT,
    RISK,
    SHORT,
    SIDE,
    TERMS,
    TOKEN,
    TRADE,
    WAD,
    WATERFALL,
    WEIGHT,
    account_id,
    ids_of,
)

#: id -> price at the start, WAD: from 1e-8 to 1e6, and enough others to exceed sixteen markets.
ANCHORS = {1: 2_000 * WAD, 2: 10**10, 3: 10**24, 127: 15 * WAD // 10}
ANCHORS |= {market_id: market_id * WAD for market_id in range(40, 54)}
#: token -> (price per whole token, decimals); the settlement token has no price.
COLLATERAL = {1: (60_000 * WAD, 8), 2: (2_000 * WAD, 18)}
DECIMALS = {0: 6} | {token_id: decimals for token_id, (_, decimals) in COLLATERAL.items()}
#: Initial and maintenance weight, parts per million.
WEIGHTS = {1: (700_000, 800_000), 2: (850_000, 900_000)}
PROFIT_WEIGHT = 500_000
MARGIN_CALL = 100_000
CAP = 10**9
#: Below what a leg word carries, 2**104 - 1.
OI_CAP = 10**31
MODULES = {
    "exchange": TRADE,
    "funder": FUNDING,
    "engine": TRADE | PAY | LOSS | WATERFALL,
    "guardian": RESTRICT,
}
OWNERS = ("trader", "maker", "hedger", "whale", "pauper")
SUB_ACCOUNTS = 2
KEPT_STEPS = 60


class MismatchError(AssertionError):
    """Contract and specification part."""


def pack_price(price: Price) -> int:
    """The oracle's word."""
    return PRICE.pack(**price._asdict())


def deploy(types: dict[str, Any]) -> Revm:
    """A chain with tokens, oracle, margin model and Clearinghouse."""
    chain = Revm(types)
    owner = chain.actor("timelock")
    for token_id, decimals in DECIMALS.items():
        chain.deploy(f"token {token_id}", "Token", f"Token {token_id}", "TOK", decimals)
    chain.deploy("oracle", "FixedOracle")
    chain.deploy("model", "MarginModel", PROFIT_WEIGHT, MARGIN_CALL, owner)
    settlement, model, oracle = (chain.addr(name) for name in ("token 0", "model", "oracle"))
    fund = chain.actor("fund")
    chain.deploy("house", "Clearinghouse", settlement, CAP, model, oracle, fund, owner)
    return chain


class World:
    """A fresh deployment with its specification; `send` predicts, calls, compares."""

    def __init__(self, chain: Revm, seed: str, trace: bool = False) -> None:
        chain.reset()
        self.chain = chain
        self.house, self.model_address = chain.addr("house"), chain.addr("model")
        self.owner = chain.actor("timelock")
        self.seed = seed
        self.trace = trace
        self.steps: deque[str] = deque(maxlen=KEPT_STEPS)
        self.counts: Counter[str] = Counter()
        self.transactions = 0
        self.prices: dict[int, Price] = {}
        self._price_words: dict[int, int] = {}
        self.owners = {name: self.chain.actor(name) for name in (*OWNERS, "collector")}
        self.accounts = [
            account_id(self.owners[name], sub) for name in OWNERS for sub in range(SUB_ACCOUNTS)
        ]
        self.collector = account_id(self.owners["collector"])
        self.fee_account = account_id(self.chain.actor("fund"))
        for market_id, price in ANCHORS.items():
            self.prices[market_id] = Price(price)
        self.spec = self._specification()
        self.drift = Drift(self.spec)
        self.slack = Slack(self.spec, self.prices, list(ANCHORS), self.drift)
        self._list_all()
        self._fund_wallets()

    # -- setup -------------------------------------------------------------------------------

    def _specification(self) -> Clearinghouse:
        journal = Journal()
        self.model = MarginModel(journal, PROFIT_WEIGHT, MARGIN_CALL)

        def refresh(bitmap: int) -> list[Price]:
            return [self.prices[leg_id] for leg_id in ids_of(bitmap)]

        spec = Clearinghouse(journal, self.model, refresh, self.fee_account)
        spec.set_token(0, self.chain.addr("token 0"), DECIMALS[0], CAP)
        return spec

    def _list_all(self) -> None:
        for name, verbs in MODULES.items():
            self.set_module(name, verbs)
        for token_id, (price, _) in COLLATERAL.items():
            self.set_token(token_id, CAP)
            self.set_weight(token_id, *WEIGHTS[token_id])
            self.set_price(127 + token_id, Price(price))
        for market_id, price in ANCHORS.items():
            self.set_price(market_id, Price(price))
            self.set_market(market_id, Terms(OI_CAP, 10 * WAD, LISTED))
            reserve = (market_id % 3) * WAD // 2
            self.set_risk(market_id, 50_000, 30_000, reserve)

    def _fund_wallets(self) -> None:
        self.wallets: Counter[tuple[int, str]] = Counter()
        for address in self.owners.values():
            for token_id, decimals in DECIMALS.items():
                amount = 10 ** (decimals + 12)
                token = self.chain.addr(f"token {token_id}")
                self.chain.send(address, token, "mint(address,uint256)", address, amount)
                self.chain.send(address, token, "approve(address,uint256)", self.house, MAX_UINT256)
                self.wallets[token_id, address] = amount

    # -- the one way to call -----------------------------------------------------------------

    def send(
        self,
        action: str,
        sender: str,
        signature: str,
        arguments: Sequence[Argument],
        predict: Callable[[], Any],
        target: str | None = None,
    ) -> tuple[bool, int]:
        """Predict, call, compare outcome and returned word; whether it went through, and the word.

        Errors: MismatchError, with the steps that led there.
        """
        self.spec.now = self.chain.time
        step = f"{self.transactions} t={self.chain.time} {action}: {sender} {signature} {arguments}"
        self.steps.append(step)
        if self.trace:
            print(step)
        self.transactions += 1
        self.slack.count()
        expected, reason = self._predicted(predict)
        try:
            data = self.chain.send(sender, target or self.house, signature, *arguments)
            refused = None
        except Refused as error:
            data, refused = b"", error.reason
        if refused != reason:
            self.fail(f"outcome: specification {reason!r}, contract {refused!r}")
        self.counts[action if refused is None else f"{action}! {refused}"] += 1
        if refused is not None:
            return False, 0
        answer = words_of(data)[0] if data else 0
        if expected is not None and answer != expected:
            self.fail(f"answer: specification {expected}, contract {answer}")
        return True, answer

    @staticmethod
    def _predicted(predict: Callable[[], Any]) -> tuple[int | None, str | None]:
        try:
            return predict(), None
        except Reverted as error:
            return None, error.reason
        except ArithmeticError:
            return None, ""

    def fail(self, what: str) -> None:
        """Raise with the seed and the last steps."""
        steps = "\n  ".join(self.steps)
        raise MismatchError(f"{what}\nseed {self.seed}, step {self.transactions}\n  {steps}")

    def same(self, what: str, expected: Any, found: Any) -> None:
        """Fail unless both are equal."""
        if expected != found:
            self.fail(f"{what}: specification {expected}, contract {found}")

    def must(self, what: str, holds: bool, values: Any) -> None:
        """Fail unless an invariant holds."""
        if not holds:
            self.fail(f"invariant {what}: {values}")

    # -- admin -------------------------------------------------------------------------------

    def set_module(self, name: str, verbs: int) -> None:
        """Grant rights to a role."""
        module = self.chain.actor(name)
        self.send(
            "set_module",
            self.owner,
            "set_module(address,uint256)",
            [module, verbs],
            lambda: self.spec.set_module(module, verbs),
        )

    def set_token(self, token_id: int, cap: int) -> None:
        """List a token or change its cap."""
        asset = self.chain.addr(f"token {token_id}")
        self.send(
            "set_token",
            self.owner,
            "set_token(uint256,address,uint256)",
            [token_id, asset, cap],
            lambda: self.spec.set_token(token_id, asset, DECIMALS[token_id], cap),
        )
        token = self.spec.tokens[token_id]
        packed = TOKEN.pack(asset=int(asset, 16), decimals=token.decimals, cap=token.cap)
        self.same(f"token {token_id}", packed, self.view_word("token_word(uint256)", token_id))

    def set_weight(self, token_id: int, initial: int, maintenance: int) -> None:
        """Set a collateral weight."""
        self.send(
            "set_token_weight",
            self.owner,
            "set_token_weight(uint256,uint256,uint256)",
            [token_id, initial, maintenance],
            lambda: self.model.set_token_weight(token_id, initial, maintenance),
            self.model_address,
        )
        initial, maintenance = self.model.weights[token_id]
        packed = WEIGHT.pack(initial=initial, maintenance=maintenance)
        found = self.view_word("token_weight_word(uint256)", token_id, target=self.model_address)
        self.same(f"weight {token_id}", packed, found)

    def set_risk(self, market_id: int, initial: int, maintenance: int, reserve: int) -> None:
        """Set rates of a market."""
        self.send(
            "set_risk",
            self.owner,
            "set_risk(uint256,uint256,uint256,uint256)",
            [market_id, initial, maintenance, reserve],
            lambda: self.model.set_risk(market_id, initial, maintenance, reserve, self.chain.time),
            self.model_address,
        )
        if market_id not in ANCHORS:
            return
        packed = RISK.pack(**self.model.risks[market_id]._asdict())
        found = self.view_word("risk_word(uint256)", market_id, target=self.model_address)
        self.same(f"risk {market_id}", packed, found)

    def set_market(self, market_id: int, terms: Terms) -> None:
        """List a market or change its terms."""
        self.send(
            "set_market",
            self.owner,
            "set_market(uint256,uint256)",
            [market_id, TERMS.pack(**terms._asdict())],
            lambda: self.spec.set_market(market_id, terms),
        )

    def set_price(self, leg_id: int, price: Price) -> None:
        """What the oracle answers from now on."""
        word = pack_price(price)
        self.prices[leg_id], self._price_words[leg_id] = price, word
        oracle = self.chain.addr("oracle")
        self.chain.send(self.owner, oracle, "set_word(uint256,uint256)", leg_id, word)
        self.steps.append(f"price {leg_id}: {price}")
        if self.trace:
            print(self.steps[-1])

    # -- trades ------------------------------------------------------------------------------

    def trade(self, action: str, module: str, market_id: int, changes: list[Change]) -> bool:
        """A trade by a role, compared in everything that it touches; P6 for each gated party."""
        self.spec.now = self.chain.time
        parties = list(dict.fromkeys(change.account for change in changes))
        gated = [c for c in changes if c.gate != GATE_NONE and c.account >> 96]
        earlier = {c.account: self._standing(c.account, market_id) for c in gated}
        exact = self.drift.is_exact(market_id, changes)
        if exact:
            self.slack.before()
        found = self.spec.ledger.markets[market_id]
        sender = self.chain.actor(module)
        passed, _ = self.send(
            action,
            sender,
            "trade(uint256,(uint256,int256,int256,uint256,uint256)[])",
            [market_id, changes],
            lambda: self.spec.trade(sender, market_id, changes),
        )
        if not passed:
            return False
        self.drift.traded(market_id, changes, found)
        for change in gated:
            self._check_gate(change, market_id, earlier[change.account])
        # Fees of side parties would be money from nowhere: the fund's account is checked too.
        touched = [account for account in parties if account >> 96] + [self.fee_account]
        self.check(touched, [market_id])
        if exact:
            self.must("exact trade", self.slack.moved() == 0, self.slack.moved())
        return True

    def _standing(self, account: int, market_id: int) -> tuple[Assessment, int] | None:
        try:
            _, legs = self.spec.portfolio(account)
            sizes = {leg_id: size for leg_id, _, size in legs}
            return self.spec.assess(account), sizes.get(market_id, 0)
        except (Reverted, ArithmeticError):
            return None

    def _check_gate(
        self, change: Change, market_id: int, earlier: tuple[Assessment, int] | None
    ) -> None:
        """P6 in its own words: enough margin, or less risk."""
        later = self._standing(change.account, market_id)
        if earlier is None or later is None:
            return
        (before, size_before), (after, size_after) = earlier, later
        if after.adverse >= after.initial:
            return
        values = (change, earlier, later)
        self.must("P6 gate 2", change.gate != GATE_INITIAL, values)
        # Rounding of shares may show one unit of size more or less than was traded.
        smaller = abs(size_after) <= abs(size_before) and size_after * size_before >= 0
        self.must("P6 smaller", smaller, values)
        self.must("P6 solvent", before.equity > 0 and after.equity >= 0, values)
        dust = (after.equity + before.equity + PPM) * (self.prices[market_id].price // WAD + 1)
        risk = before.equity * after.maintenance - after.equity * before.maintenance
        self.must("P6 ratio", risk <= 4 * dust, values)

    # -- comparison --------------------------------------------------------------------------

    def view_word(self, signature: str, *arguments: Argument, target: str | None = None) -> int:
        """First word of a view."""
        return words_of(self.chain.view(target or self.house, signature, *arguments))[0]

    def check(self, accounts: Sequence[int], market_ids: Sequence[int] = ()) -> None:
        """Compare accounts, markets, totals and invariants after a call."""
        for account in accounts:
            self.check_account(account, market_ids)
        for market_id in market_ids:
            self.check_market(market_id)
        self.check_totals()
        self.slack.check(self.must)

    def check_account(self, account: int, market_ids: Sequence[int]) -> None:
        """Word, positions, portfolio, and what the margin model makes of it."""
        held = self.spec.ledger.accounts[account]
        word = ACCOUNT.pack(
            cash=held.cash,
            mode=held.mode,
            collateral=held.bitmap >> 128,
            markets=held.bitmap & (2**128 - 1),
        )
        for market_id in market_ids:
            position = POSITION.pack(**self.spec.ledger.positions[account, market_id]._asdict())
            found = self.view_word("position_word(uint256,uint256)", account, market_id)
            self.same(f"position {account:#x} in {market_id}", position, found)
        self._check_portfolio(account, word)

    def _check_portfolio(self, account: int, word: int) -> None:
        name = f"{account:#x}"
        try:
            found = words_of(self.chain.view(self.house, "portfolio(uint256)", account))
        except Refused:
            found = []
        try:
            base, legs = self.spec.portfolio(account)
        except (Reverted, ArithmeticError):
            self.same(f"portfolio of {name}", [], found)
            return
        packed = [LEG.pack(id=i, open_interest=oi, size=size) for i, oi, size in legs]
        expected = [word, base % 2**256, 96, len(packed), *packed]
        self.same(f"portfolio of {name}", expected, found)
        prices = [self.prices[leg_id] for leg_id, _, _ in legs]
        price_words = [self._price_words[leg_id] for leg_id, _, _ in legs]
        cash, now = self.spec.ledger.accounts[account].cash, self.chain.time
        arguments = (word, base, packed, price_words)
        kinds = "(uint256,int256,uint256[],uint256[])"
        answer = words_of(self.chain.view(self.model_address, f"assess{kinds}", *arguments))
        assessed = Assessment(*(signed(w) for w in answer[:3]), *answer[3:])
        self.same(f"assess {name}", self.model.assess(cash, base, legs, prices, now), assessed)
        answer = words_of(self.chain.view(self.model_address, f"plan{kinds}", *arguments))
        self.same(f"plan {name}", _plan_words(self.model.plan(base, legs, prices, now)), answer)

    def _check_views(self, account: int) -> None:
        """The views that repeat a part of the portfolio."""
        word = words_of(self.chain.view(self.house, "portfolio(uint256)", account))[0]
        self.same(f"account {account:#x}", word, self.view_word("account_word(uint256)", account))
        for token_id in COLLATERAL:
            found = self.view_word("collateral_of(uint256,uint256)", account, token_id)
            amount = self.spec.collateral[account, token_id]
            self.same(f"collateral {token_id} of {account:#x}", amount, found)

    def _check_rates(self, market_id: int) -> None:
        """Rates in force now and in the middle of a ramp from now."""
        risk = self.model.risks[market_id]
        for time in (self.chain.time, self.chain.time + 300_000):
            view = "rates_at(uint256,uint256)"
            found = words_of(self.chain.view(self.model_address, view, market_id, time))
            self.same(f"rates of {market_id}", [risk.initial, risk.maintenance(time)], found)

    def check_market(self, market_id: int) -> None:
        """Market, shares and terms words, both sides now and as their last epoch ended."""
        spec = self.spec
        market = spec.ledger.markets[market_id]
        expected = spec.market_words(market_id)
        found = words_of(self.chain.view(self.house, "market_words(uint256)", market_id))
        self.same(f"market {market_id}", expected, found)
        for which in (LONG, SHORT):
            epoch = market.side(which).epoch
            for number in range(max(0, epoch - 1), epoch + 1):
                self.check_side(market_id, which, number)
        values = (market.long, market.short, self.drift.bound(market_id))
        self.must("P2 sizes", self.drift.parted(market_id) <= self.drift.bound(market_id), values)

    def check_side(self, market_id: int, which: int, epoch: int) -> None:
        """One side in one epoch."""
        side = self.spec.ledger.markets[market_id].side(which)
        if epoch < side.epoch:
            scale, charge = self.spec.ledger.ended[market_id, which, epoch]
            expected = SIDE.pack(scale=scale, charge=charge)
        else:
            expected = SIDE.pack(scale=side.scale, charge=side.charge) if side.touched else 0
        found = self.view_word("side_word(uint256,uint256,uint256)", market_id, which, epoch)
        self.same(f"side {which} of {market_id} in epoch {epoch}", expected, found)

    def check_totals(self) -> None:
        """Totals word by word."""
        held, book, deferred = words_of(self.chain.view(self.house, "totals()"))
        self.same("totals", tuple(self.spec.totals), (held, signed(book), deferred))

    def check_wallet(self, token_id: int, holder: str) -> None:
        """A wallet, and the custody of that token (P1): what the house has is accounted for."""
        token = self.chain.addr(f"token {token_id}")
        for address in (holder, self.house):
            found = self.view_word("balanceOf(address)", address, target=token)
            self.same(f"token {token_id} of {address}", self.wallets[token_id, address], found)
        unit = 10 ** (18 - DECIMALS[token_id])
        held = self.spec.totals.held if token_id == 0 else self.spec.token_held[token_id] * unit
        values = (token_id, held, self.wallets[token_id, self.house])
        self.must("P1 custody", self.wallets[token_id, self.house] * unit >= held, values)

    def sweep(self) -> None:
        """Compare everything there is."""
        self.spec.now = self.chain.time
        everyone = [*self.accounts, self.collector, self.fee_account]
        self.check(everyone, list(ANCHORS))
        for account in everyone:
            self._check_views(account)
        for market_id in ANCHORS:
            self._check_rates(market_id)
            market = self.spec.ledger.markets[market_id]
            for which in (LONG, SHORT):
                for epoch in range(market.side(which).epoch):
                    self.check_side(market_id, which, epoch)
        for token_id in DECIMALS:
            for address in self.owners.values():
                self.check_wallet(token_id, address)
            amounts = [self.spec.collateral[account, token_id] for account in everyone]
            if token_id:
                self.must("P1 sum", sum(amounts) == self.spec.token_held[token_id], amounts)
        self.slack.check_claims(everyone, self.must)


def _plan_words(plan: Plan) -> list[int]:
    legs = [
        PLAN.pack(
            id=leg.market_id,
            usable=int(leg.usable),
            reserve=leg.reserve,
            rate=leg.rate,
            notional=leg.notional,
        )
        for leg in plan.legs
    ]
    head = [
        plan.equity % 2**256,
        plan.maintenance,
        plan.favourable_equity % 2**256,
        plan.favourable_maintenance,
    ]
    return [*head, 160, len(legs), *legs]

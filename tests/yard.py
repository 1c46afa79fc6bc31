"""The desk with a Backstop: its actions are predicted, sent, compared, held to their promises."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from seawall.deployed import BACKSTOP_RIGHTS, System
from seawall.rpc import Receipt
from seawall.spec.backstop import Backstop, Bucket, Offer
from seawall.spec.margin import Price
from seawall.spec.step_plan import Step
from seawall.spec.words import BUCKET, PRICE, WAD
from tests.desk import Desk, Refused, contract_at

BTC, ETH = 1, 2
#: capital, max_notional, loss_budget, initial: the bucket of most tests.
TERMS = (10_000, 30_000, 4_000, 250_000)
ANY_PRICE = 2**256 - 1
#: WAD by which claims may exceed assets after so few trades of scaled sizes.
DRIFT = 10**8


class Yard(Desk):
    """One system with its Backstop, and the specification of both."""

    def __init__(self, system: System, url: str, owner: Any, broker: Any) -> None:
        #: Whether prices are those of the next block.
        self.ahead = False
        super().__init__(system, url, owner, broker)
        self.backstop = contract_at(str(system.backstop.address), "Backstop")
        address, owner_number = int(self.backstop.address, 16), int(self.owner, 16)
        self.vault = contract_at(str(system.backstop_vault.address), "BackstopVault")
        terms, vault = system.parameters.auction, int(self.vault.address, 16)
        self.stop = Backstop(self.spec, address, owner_number, terms, vault)
        self.spec.set_module(Backstop.ADDRESS, BACKSTOP_RIGHTS)
        self.waterfall.backstop = self.stop
        for market_id in self.markets:
            word = self.view(self.backstop, "bucket_word", market_id)
            if word:
                self.stop.buckets[market_id] = Bucket(**BUCKET.unpack(word))
        self.free = self.stop.account(0)
        self.accounts += [self.free, *(self.stop.account(one) for one in self.markets)]

    def _refresh(self, bitmap: int) -> list[Price]:
        ask = self.view if self.ahead else self.read
        return [Price(**PRICE.unpack(word)) for word in ask(self.oracle, "prices", bitmap)]

    # -- setting the scene -------------------------------------------------------------------

    def list_market(self, market_id: int, price: int, feeds: int = 1) -> None:
        """List another market; its bucket's account is watched, too."""
        super().list_market(market_id, price, feeds)
        self.accounts.append(self.stop.account(market_id))

    def bucket(self, market_id: int) -> int:
        """The account of a market's bucket."""
        return self.stop.account(market_id)

    def open_bucket(self, market_id: int, terms: tuple[int, ...] = TERMS) -> int:
        """A bucket with its capital in it."""
        self.deposit(self.free, terms[0])
        self.set_bucket(market_id, *terms)
        assert self.allot(market_id) == terms[0] * WAD
        return self.bucket(market_id)

    def hand(self, market_id: int, seller: int, size: int) -> int:
        """The bucket takes what it has room for of a size that another account gets rid of."""
        taken = self.take(market_id, size)
        if taken:
            self.fill(self.bucket(market_id), seller, market_id, taken)
        return taken

    def stored(self, market_id: int) -> Bucket:
        """A bucket as it is stored, equal on both sides."""
        bucket = self.stop.buckets[market_id]
        assert self.read(self.backstop, "bucket_word", market_id) == bucket.word
        return bucket

    # -- actions -----------------------------------------------------------------------------

    def set_bucket(self, market_id: int, *terms: int, sender: str | None = None) -> None:
        """The owner sets terms. Errors: Refused."""
        caller = sender or self.owner
        self._do(
            lambda: self.stop.set_bucket(int(caller, 16), market_id, *terms),
            caller, "set_bucket", market_id, *terms,
        )  # fmt: skip

    def allot(self, market_id: int) -> int:
        """WAD that moved to the bucket. Errors: Refused."""
        return self._do(
            lambda: self.stop.allot(market_id), self.broker, "allot", market_id
        )  # fmt: skip

    def release(self, market_id: int) -> int:
        """WAD that moved back. Errors: Refused."""
        return self._do(lambda: self.stop.release(market_id), self.broker, "release", market_id)

    def room(self, market_id: int, size: int) -> int:
        """What the bucket would take at the index of the latest block."""
        self.spec_now()
        (word,) = self.read(self.oracle, "prices", 1 << market_id)
        taken = self.stop.room(market_id, size, Price(**PRICE.unpack(word)))
        assert self.read(self.backstop, "room", market_id, size, word) == taken
        assert abs(taken) <= abs(size)
        assert taken * size >= 0
        return taken

    def take(self, market_id: int, size: int, sender: str | None = None) -> int:
        """The same, by a module that means it. Errors: Refused."""
        (word,) = self.read(self.oracle, "prices", 1 << market_id)
        module = "broker" if sender is None else "nobody"
        return self._do(
            lambda: self.stop.take(module, market_id, size, Price(**PRICE.unpack(word))),
            sender or self.broker, "take", market_id, size, word,
        )  # fmt: skip

    def hand_to_backstop(self, account: int, keeper: int) -> Step:
        """A slice to buckets, called by anybody, as the specification says. Errors: Refused."""
        self.ahead = True
        predicted = self._predict(lambda: self.waterfall.hand_to_backstop(account, keeper))
        self.ahead = False
        args = account, keeper
        seen = self._seen(predicted, "hand_to_backstop", *args, sender=self.owner)
        self._send_as(predicted, self.owner, "hand_to_backstop", *args)
        assert Step(*seen) == predicted
        self.check()
        return Step(*seen)

    def offer(self, market_id: int) -> Offer:
        """What is for sale in the latest block."""
        self.spec_now()
        offer = Offer(*self.read(self.backstop, "offer", market_id))
        assert offer == self.stop.offer(market_id)
        return offer

    def nav(self) -> tuple[int, int]:
        """Adverse and favourable worth in the latest block."""
        self.spec_now()
        adverse, favourable = self.read(self.backstop, "nav")
        assert (adverse, favourable) == self.stop.nav()
        assert adverse <= favourable
        return adverse, favourable

    def buy(
        self, account: int, market_id: int, size: int, sender: Any, limit: int | None = None
    ) -> tuple[int, int]:
        """Signed size bought and its price, as the specification says. Errors: Refused."""
        limit_price = limit if limit is not None else (ANY_PRICE if size > 0 else 0)
        caller = str(sender.address)
        bucket = self.bucket(market_id)
        held, equity = self.size(bucket, market_id), self.equity(bucket)
        floor = self.stop.buckets[market_id].floor
        args = (account, market_id, size, limit_price)
        bought, price = self._do(
            lambda: self.stop.buy(int(caller, 16), *args), caller, "buy", *args, first=True
        )
        left = self.size(bucket, market_id)
        assert held * left >= 0
        assert abs(bought) <= abs(size)
        # A scaled size rounds by a wei or two.
        assert abs(abs(held) - abs(left) - abs(bought)) <= 2
        event = self.backstop.events(self.last_receipt["logs"], "Bought")[0]
        assert (event["size"], event["price"]) == (bought, price)
        # A sale uses up no more than what is left of the loss budget, to rounding of scaled shares.
        assert self.equity(bucket) >= min(equity, floor) - 10**4
        return bought, price

    def refusal_of(self, action: Callable[..., Any], *args: Any, **kwargs: Any) -> str:
        """Why an action reverts, the same in the specification; nothing has changed."""
        before = self.words()
        try:
            action(*args, **kwargs)
        except Refused as refused:
            assert self.words() == before
            return refused.reason
        raise AssertionError("the action went through")

    def _do(
        self, act: Callable[[], Any], sender: str, function: str, *args: Any, first: bool = False
    ) -> Any:
        self.ahead = True
        predicted = self._predict(act)
        self.ahead = False
        if isinstance(predicted, Refused):
            with pytest.raises(Refused) as refused:
                self.send(sender, self.backstop, function, *args)
            assert refused.value.reason == predicted.reason
            raise predicted
        seen = self.view(self.backstop, function, *args, sender=sender)
        if predicted is not None:
            assert seen == (predicted[0] if first else predicted)
        self.last_receipt: Receipt = self.send(sender, self.backstop, function, *args)
        self.check()
        return predicted

    # -- what is true ------------------------------------------------------------------------

    def check(self) -> None:
        """Word for word as specified; assets minus claims 0, or what scaled sizes may round."""
        assert self.words() == self._predicted_words()
        markets = [self.spec.ledger.markets[one] for one in self.markets]
        sides = [side for one in markets for side in (one.long, one.short)]
        touched = any(side.touched or side.epoch for side in sides)
        slack = self.view(self.lens, "conservation", self.markets)
        assert slack >= -DRIFT if touched else slack == 0

    def words(self) -> list[int]:
        """Every stored word that the Backstop may change."""
        calls = [
            (self.backstop.address, self.backstop.encode("bucket_word", one))
            for one in self.markets
        ]
        calls.append((self.backstop.address, self.backstop.encode("open_buckets")))
        found = [int.from_bytes(data, "big") for data in self.rpc.views(calls)]
        return super().words() + found

    def _predicted_words(self) -> list[int]:
        words = [self.stop.buckets[one].word for one in self.markets]
        return [*super()._predicted_words(), *words, self.stop.open]

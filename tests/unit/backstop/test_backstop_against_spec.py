"""Random owners, keepers, buyers and prices: contract and specification end in the same words."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable
from random import Random
from typing import Any

import pytest

from seawall.spec.clearinghouse import Change
from seawall.spec.words import GATE_NONE, LONG, LOT, SHORT, WAD
from tests.desk import Refused
from tests.yard import BTC, ETH, Yard

#: Set to a larger number for a longer run.
STEPS = int(os.environ.get("SEAWALL_BACKSTOP_STEPS", "200"))
PRICES = {BTC: 40_000, ETH: 2_000}


class Crowd:
    """Everybody who has to do with buckets, at random."""

    def __init__(self, desk: Yard, seed: int, accounts: Any) -> None:
        self.desk, self.dice = desk, Random(seed)
        self.counts: Counter[str] = Counter()
        self.maker = desk.account(accounts[3], 10**6)
        self.buyers = [(one, desk.account(one, 20_000)) for one in accounts[4:6]]
        desk.deposit(desk.free, 50_000)
        for market_id in PRICES:
            desk.set_bucket(market_id, *self._terms())
            desk.allot(market_id)

    def _terms(self) -> tuple[int, int, int, int]:
        dice = self.dice
        return (
            dice.choice((0, 5_000, 20_000, 20_000)) or 1,
            dice.choice((9_000, 60_000, 10**6)),
            dice.choice((100, 4_000, 50_000)),
            dice.choice((1, 50_000, 250_000, 10**6)),
        )

    def step(self) -> None:
        """One action."""
        often: dict[Callable[[int], Any], int] = {
            self.take: 5, self.buy: 7, self.move: 3, self.allot: 2, self.release: 2,
            self.terms: 1, self.money: 2, self.scale: 1, self.look: 2,
        }  # fmt: skip
        action = self.dice.choices(list(often), list(often.values()))[0]
        try:
            done = action(self.dice.choice((BTC, ETH)))
        except Refused as refused:
            self.counts[refused.reason] += 1
        else:
            self.counts[action.__name__ if done else f"no {action.__name__}"] += 1

    def _size(self, market_id: int) -> int:
        worth = int(10 ** self.dice.uniform(1, 5))
        size = worth * WAD * WAD // self.desk.price(market_id) // LOT * LOT
        return size * self.dice.choice((1, -1))

    def take(self, market_id: int) -> Any:
        """A liquidation that the bucket has room for or not, mostly of its side."""
        size, bucket = self._size(market_id), self.desk.bucket(market_id)
        held = self.desk.size(bucket, market_id)
        if held and self.dice.random() < 0.7:
            size = abs(size) if held > 0 else -abs(size)
        return self.desk.hand(market_id, self.maker, size)

    def buy(self, market_id: int) -> Any:
        """All, a part, the wrong side, beyond a limit."""
        desk, dice = self.desk, self.dice
        held = desk.size(desk.bucket(market_id), market_id)
        if held == 0:
            self.take(market_id)
            held = desk.size(desk.bucket(market_id), market_id)
        owner, account = dice.choice(self.buyers)
        size = dice.choice((held, 2 * held, held // 3, held // 7 + 1, -held)) or LOT
        limit = None if dice.random() < 0.8 else desk.price(market_id)
        return desk.buy(account, market_id, size, owner, limit)

    def move(self, market_id: int) -> Any:
        """Prices walk and time passes, some feeds fall silent."""
        desk, dice = self.desk, self.dice
        if dice.random() < 0.3:
            desk.silence(market_id)
            return True
        desk.rpc.warp(dice.choice((1, 60, 900, 3_000)))
        for one, anchor in PRICES.items():
            cents = int(anchor * 100 * (1 + dice.uniform(-0.1, 0.1)))
            desk.index(one, f"{cents // 100}.{cents % 100:02}")
        return True

    def allot(self, market_id: int) -> Any:
        """A keeper fills it up."""
        return self.desk.allot(market_id)

    def release(self, market_id: int) -> Any:
        """A keeper takes back what is too much."""
        return self.desk.release(market_id)

    def terms(self, market_id: int) -> Any:
        """The owner thinks again."""
        self.desk.set_bucket(market_id, *self._terms())
        return True

    def money(self, market_id: int) -> Any:
        """Fees come in, or losses go out, up to bankruptcy."""
        amount = self.dice.choice((500, 2_000, 20_000)) * self.dice.choice((1, -1))
        self.desk.move_money(self.maker, self.desk.bucket(market_id), amount)
        return True

    def scale(self, market_id: int) -> Any:
        """Both sides are deleveraged, a little or nearly all."""
        desk = self.desk
        market = desk.spec.ledger.markets[market_id]
        least = min(market.long.size, market.short.size)
        size = least * self.dice.choice((1, 300, 999)) // 1_000
        if size == 0:
            return False
        money = size * desk.price(market_id) // WAD
        changes = [
            Change(LONG, -size, money, 0, GATE_NONE),
            Change(SHORT, size, -money, 0, GATE_NONE),
        ]
        desk.trade(market_id, changes)
        return True

    def look(self, market_id: int) -> Any:
        """All views agree."""
        self.desk.nav()
        self.desk.offer(market_id)
        return self.desk.room(market_id, self._size(market_id))


@pytest.mark.parametrize("seed", (1, 2))
def test_backstop_any_sequence_ends_in_the_words_of_the_specification(
    desk: Yard, accounts: Any, seed: int
) -> None:
    crowd = Crowd(desk, seed, accounts)
    for _ in range(STEPS):
        crowd.step()
    desk.check()
    print(dict(crowd.counts))
    missed = {
        "take", "no take", "buy", "move", "allot", "no allot", "release", "no release", "look",
        "scale", "auction: over limit", "auction: price stale", "auction: nothing for sale",
    } - set(crowd.counts)  # fmt: skip
    assert not missed

"""Contract and specification side by side through random days, to the unit and to the reason."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from ape import chain
from ape.api import AccountAPI
from ape.exceptions import ContractLogicError
from room import COOLDOWN, WINDOW, Room, build

from seawall.spec.exit_vault import CLAIM_DELAY_SECONDS, VaultError
from seawall.spec.insurance_fund import InsuranceFund

STEPS = 40
SHARES = (300_000, 500_000)
BANKRUPT = 1 << 96


def _refusal(action: Callable[[], Any], kind: type[Exception]) -> str:
    """The reason that an action is refused for; empty where it is not."""
    try:
        action()
    except kind as refusal:
        return str(refusal)
    return ""


class Day:
    """One fund and its mirror; each step does the same to both."""

    def __init__(self, room: Room, savers: list[AccountAPI], engine: AccountAPI, seed: int) -> None:
        self.room = room
        self.mirror = InsuranceFund(
            room.decimals, COOLDOWN, market_share=SHARES[0], epoch_share=SHARES[1]
        )
        self.savers = savers
        self.engine = engine
        self.rng = random.Random(seed)
        self.accepted: dict[str, int] = {}
        self.refused: dict[str, int] = {}
        for saver in savers:
            room.give(saver, 10**15 * room.unit)
        # Tokens of others, so that the till holds more than the fund's cash.
        room.token.approve(room.book, 10 * room.unit, sender=savers[0])
        room.book.deposit(BANKRUPT + 1, 0, 10 * room.unit, sender=savers[0])

    def step(self) -> None:
        """One random action; raises where the two disagree."""
        now = self._next_time()
        chain.pending_timestamp = now
        saver = self.rng.choice(self.savers)
        if self.mirror.claimable(saver.address, now) and self.rng.random() < 0.7:
            self.rng.choice([self._redeem, self._withdraw])(saver, now)
        else:
            actions = [self._deposit, self._mint, self._request, self._announce, self._cancel]
            actions += [self._redeem, self._withdraw, self._cover, self._fee]
            self.rng.choices(actions, [4, 3, 4, 6, 1, 1, 1, 2, 2])[0](saver, now)
        self._compare()

    def _next_time(self) -> int:
        """A while later, or when some request matures or lapses."""
        now: int = chain.blocks.head.timestamp
        ends = [request.matures_at for request in self.mirror.queue.values()]
        ends += [end + WINDOW - CLAIM_DELAY_SECONDS for end in ends] + [
            end + WINDOW for end in ends
        ]
        ends += [request.due_at for request in self.mirror.queue.values()]
        later = [end + step for end in ends for step in (-1, 0) if end + step > now]
        if later and self.rng.random() < 0.4:
            return min(later) if self.rng.random() < 0.7 else self.rng.choice(later)
        return now + self.rng.choice([1, 60, 3600])

    def _both(self, name: str, model: Callable[[], Any], contract: Callable[[], Any]) -> None:
        reason = _refusal(model, VaultError)
        assert _refusal(contract, ContractLogicError) == reason
        counts = self.refused if reason else self.accepted
        counts[name] = counts.get(name, 0) + 1

    def _amount(self) -> int:
        """Native units of every length up to a hundred thousand tokens."""
        return self.rng.randrange(10 ** self.rng.randint(1, 5 + self.room.decimals))

    def _part(self, whole: int) -> int:
        """Some of it, all of it, or too much of it."""
        return self.rng.choice([whole // 3, whole, whole + 1, self.rng.randint(0, whole)])

    def _deposit(self, saver: AccountAPI, now: int) -> None:
        assets = self._amount()
        self._both(
            "deposit",
            lambda: self.mirror.deposit(saver.address, assets),
            lambda: self.room.fund.deposit(assets, saver, sender=saver),
        )

    def _mint(self, saver: AccountAPI, now: int) -> None:
        most = self.mirror.preview_deposit(10**6 * self.room.unit)
        shares = min(self._amount() * self.rng.randint(1, 10**6), most)
        self._both(
            "mint",
            lambda: self.mirror.mint(saver.address, shares),
            lambda: self.room.fund.mint(shares, saver, sender=saver),
        )

    def _request(self, saver: AccountAPI, now: int) -> None:
        shares = self._part(self.mirror.balances.get(saver.address, 0))
        self._both(
            "request",
            lambda: self.mirror.request_redeem(saver.address, shares, now),
            lambda: self.room.fund.request_redeem(shares, sender=saver),
        )

    def _announce(self, saver: AccountAPI, now: int) -> None:
        self._both(
            "announce",
            lambda: self.mirror.announce(saver.address, now),
            lambda: self.room.fund.announce(sender=saver),
        )

    def _cancel(self, saver: AccountAPI, now: int) -> None:
        self._both(
            "cancel",
            lambda: self.mirror.cancel_redeem(saver.address),
            lambda: self.room.fund.cancel_redeem(sender=saver),
        )

    def _redeem(self, saver: AccountAPI, now: int) -> None:
        shares = self._part(self.mirror.claimable(saver.address, now))
        self._both(
            "redeem",
            lambda: self.mirror.redeem(saver.address, shares, now),
            lambda: self.room.fund.redeem(shares, saver, saver, sender=saver),
        )

    def _withdraw(self, saver: AccountAPI, now: int) -> None:
        assets = self._part(self.mirror.max_withdraw(saver.address, now))
        self._both(
            "withdraw",
            lambda: self.mirror.withdraw(saver.address, assets, now),
            lambda: self.room.fund.withdraw(assets, saver, saver, sender=saver),
        )

    def _cover(self, saver: AccountAPI, now: int) -> None:
        amount = self.rng.randrange(max(1, self.mirror.cash)) // self.rng.choice([1, 3, 50])
        market_id = self.rng.choice([0, 1, 127])
        self._both(
            "cover",
            lambda: [self.mirror.cover(market_id, amount, now)],
            lambda: self.room.fund.cover(BANKRUPT, [market_id], [amount], sender=self.engine),
        )
        assert self.room.fund.cover_room(market_id) == self.mirror.cover_room(market_id, now)

    def _fee(self, saver: AccountAPI, now: int) -> None:
        """Less than one native unit of WAD dust comes with it."""
        assets = self._amount() + 1
        self.room.donate(saver, assets)
        dust = self.rng.randrange(self.room.scale)
        self.room.set_cash_wad(self.room.cash_wad() + dust, saver)
        self.mirror.cash += assets * self.room.scale + dust

    def _compare(self) -> None:
        fund, mirror = self.room.fund, self.mirror
        assert self.room.cash_wad() == mirror.cash
        assert fund.totalSupply() == mirror.supply
        assert fund.totalAssets() == mirror.total_assets
        for saver in self.savers:
            assert fund.balanceOf(saver) == mirror.balances.get(saver.address, 0)
            queued = mirror.queue.get(saver.address)
            expected = (queued.shares, queued.matures_at) if queued else (0, 0)
            noted = (queued.due_at, queued.worth, queued.supply) if queued else (0, 0, 0)
            assert tuple(fund.redeem_request(saver))[:2] == expected
            assert tuple(fund.announcement(saver)) == noted


def test_random_days_contract_equals_specification(
    project: Any,
    rooms: dict[int, Room],
    deployer: AccountAPI,
    saver: AccountAPI,
    newcomer: AccountAPI,
    engine: AccountAPI,
) -> None:
    capped = [build(project, deployer, engine, room.token, SHARES) for room in rooms.values()]
    days = [Day(room, [saver, newcomer], engine, seed) for seed, room in enumerate(capped)]

    for day in days:
        for _ in range(STEPS):
            day.step()

    accepted = set().union(*(day.accepted for day in days))
    exits = {"request", "announce", "cancel", "redeem", "withdraw"}
    assert accepted == {"deposit", "mint", "cover", *exits}
    assert sum(sum(day.refused.values()) for day in days) >= 5

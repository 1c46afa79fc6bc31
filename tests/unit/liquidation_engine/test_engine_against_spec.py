"""Random markets and random keepers: contracts and specification end in the same words."""

from __future__ import annotations

import os
import random
from collections import Counter
from fractions import Fraction
from typing import Any

import pytest
from shapes import BTC, ETH

from seawall.spec.close_out import CHARGED, FUND
from seawall.spec.scenarios import Terms
from seawall.spec.step_plan import PARTIAL
from seawall.spec.words import LOT, MAX_UINT256, PPM, WAD
from tests.closing_desk import ClosingDesk
from tests.desk import Refused
from tests.risk_desk import PORTFOLIO, activate, choose_mode, rising

#: Set to a larger number for a longer run.
STEPS = int(os.environ.get("SEAWALL_ENGINE_STEPS", "240"))
PRICES = {BTC: 40_000, ETH: 3_000}
TOKEN, TOKEN_LEG = 1, 128
#: Where E / M is moved to, in thousandths: bankrupt or below close-out, and twice as often partial.
RATIOS = ((-300, 1), (1, 667), (668, 1_000), (668, 1_000))


class Crowd:
    """Traders, a maker and two keepers who act at random."""

    def __init__(self, desk: ClosingDesk, seed: int, accounts: Any) -> None:
        self.desk, self.random = desk, random.Random(seed)
        self.counts: Counter[str] = Counter()
        self.owners = accounts[1:3]
        self.traders = [desk.account(owner, 4_000, sub) for owner in self.owners for sub in (0, 1)]
        #: In portfolio mode from the start.
        self.hedgers = self.traders[1::2]
        self.maker = desk.account(accounts[3], 100_000)
        self.keeper_owner = accounts[4]
        self.keepers = [
            desk.account(self.keeper_owner, money, i) for i, money in enumerate((3_000, 500_000))
        ]
        desk.move_money(self.maker, desk.fund_account, 700)
        self.token = desk.list_collateral(TOKEN, 100)
        desk.pledge(self.owners[0], self.traders[0], TOKEN, self.token, 20)
        for leg_id, price in PRICES.items():
            desk.index(leg_id, price)
        activate(desk, {BTC: rising(10), ETH: rising(15)}, Terms(3, 650_000, 15_000), PPM)
        for owner, account in zip(self.owners, self.hedgers, strict=True):
            choose_mode(desk, owner, account, PORTFOLIO)

    def step(self) -> None:
        """One action."""
        often = {
            self.open: 4, self.hedge: 2, self.move: 3, self.squeeze: 3, self.liquidate: 6,
            self.batch: 1, self.other: 2,
        }  # fmt: skip
        self.random.choices(list(often), list(often.values()))[0]()

    def hedge(self) -> None:
        """A long and a short of like worth, for an account in portfolio mode."""
        chance, desk = self.random, self.desk
        account, worth = chance.choice(self.hedgers), chance.choice((3_000, 30_000))
        for market_id, sign in zip((BTC, ETH), chance.choice(((1, -1), (-1, 1))), strict=True):
            size = worth * WAD * WAD // desk.price(market_id) // LOT * LOT
            desk.fill(account, self.maker, market_id, sign * size)
        self.counts["hedge"] += 1

    def open(self) -> None:
        """A position of up to 30,000 dollars, against the maker or another trader."""
        chance, desk = self.random, self.desk
        market_id = chance.choice((BTC, ETH))
        account = chance.choice(self.traders)
        other = chance.choice([one for one in (*self.traders, self.maker) if one != account])
        worth = chance.choice((11, 100, 3_000, 30_000))
        size = worth * WAD * WAD // desk.price(market_id) // LOT * LOT
        desk.fill(account, other, market_id, chance.choice((-size, size)))
        self.counts["open"] += 1

    def move(self) -> None:
        """Prices walk, sometimes jump, sometimes fall silent."""
        chance, desk = self.random, self.desk
        leg_id = chance.choice((BTC, ETH, TOKEN_LEG))
        if chance.random() < 0.12:
            desk.silence(leg_id)
            self.counts["silence"] += 1
            return
        anchor = PRICES.get(leg_id, 100)
        width = 0.25 if chance.random() < 0.2 else 0.04
        factor = 1 + chance.uniform(-width, width)
        cents = int(anchor * 100 * factor)
        desk.index(leg_id, f"{cents // 100}.{cents % 100:02}")
        self.counts["move"] += 1

    def squeeze(self) -> None:
        """Money moves until an account with legs lacks margin, and a keeper looks at it."""
        chance, desk = self.random, self.desk
        account = chance.choice(self.traders)
        plan = desk.plan(account)
        if not plan.maintenance:
            return
        wanted = plan.maintenance * chance.randrange(*chance.choice(RATIOS)) // 1_000
        if (excess := plan.equity - wanted) > 0:
            desk.move_money(account, self.maker, Fraction(excess, WAD))
        else:
            desk.move_money(self.maker, account, Fraction(-excess, WAD))
        self.counts["squeeze"] += 1
        if wanted > 0:
            self.liquidate()
        else:
            self.close_out()

    def liquidate(self) -> None:
        """Anyone, with any limit."""
        chance, desk = self.random, self.desk
        below = [one for one in self.traders if not desk.waterfall.is_healthy(one)]
        solvent = [one for one in below if desk.equity(one) > 0]
        account = chance.choice(solvent or below or self.traders)
        keeper = chance.choice(self.keepers)
        limit = chance.choices((MAX_UINT256, 20_000 * WAD, 500 * WAD, 1), (4, 1, 1, 1))[0]
        try:
            step, _ = desk.liquidate(account, keeper, self.keeper_owner, limit)
        except Refused as refused:
            self.counts[refused.reason] += 1
            return
        name = "partial" if step.stage == PARTIAL else "whole"
        self.counts[name] += 1
        if account in self.hedgers:
            self.counts[f"{name} of all"] += 1

    def batch(self) -> None:
        """Everyone at once."""
        chance = self.random
        accounts = chance.choices((*self.traders, *self.keepers), k=chance.randrange(1, 6))
        try:
            self.desk.liquidate_many(accounts, chance.choice(self.keepers), self.keeper_owner)
        except Refused as refused:
            self.counts[f"batch: {refused.reason}"] += 1
            return
        self.counts["batch"] += 1

    def close_out(self) -> None:
        """Anyone who is due, and who is not."""
        chance, desk = self.random, self.desk
        low = [one for one in self.traders if desk.equity(one) <= 0]
        account = chance.choice(low or self.traders)
        try:
            closed = desk.close_out(account, chance.choice(self.keepers))
        except Refused as refused:
            self.counts[refused.reason] += 1
            return
        self.counts["closed out"] += 1
        for stage, _, _ in closed.paid:
            self.counts[f"stage {stage}"] += 1

    def other(self) -> None:
        """Clocks, debts, savings, fresh money."""
        chance, desk = self.random, self.desk
        account = chance.choice(self.traders)
        name = chance.choice(("flag", "close", "close", "close", "heal", "deposit", "save"))
        if name == "flag":
            desk.flag(account)
        elif name == "close":
            self.close_out()
        elif name == "heal":
            desk.heal()
        elif name == "deposit":
            desk.deposit(account, chance.randrange(1, 3_000))
        else:
            desk.move_money(self.maker, desk.fund_account, chance.randrange(1, 500))
        self.counts[name] += 1


@pytest.mark.parametrize("seed", (1, 2))
def test_random_steps_end_word_for_word_as_specified(
    desk: ClosingDesk, accounts: Any, seed: int
) -> None:
    crowd = Crowd(desk, seed, accounts)
    for _ in range(STEPS):
        crowd.step()
    desk.check()
    counts = crowd.counts
    print(sorted(counts.items()))
    assert counts["partial"] > STEPS // 40
    assert counts["whole"] > STEPS // 40
    assert counts["batch"] > STEPS // 80
    assert counts["partial of all"] > 0
    assert counts["whole of all"] > 0
    for name in ("liquidation: healthy", "liquidation: over limit", "margin: below initial"):
        assert counts[name] > 0
    for name in ("closed out", f"stage {FUND}", f"stage {CHARGED}"):
        assert counts[name] > 0

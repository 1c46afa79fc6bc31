"""The world that every sequence starts from: money in accounts and fund."""

from __future__ import annotations

from seawall.spec.clearinghouse import Change
from seawall.spec.words import GATE_MARGIN_RULE, MAX_LEGS, PORTFOLIO, WAD
from tests.fuzz import compare, fund_actions
from tests.fuzz.backend import Deployable
from tests.fuzz.clearing_actions import deposit_to, owner_name, paid
from tests.fuzz.risk_actions import choose_mode
from tests.fuzz.stage import ANCHORS, COLLATERAL, MAIN_MARKETS, SUB_ACCOUNTS, deploy
from tests.fuzz.trading import trade
from tests.fuzz.world import World

#: Native units that each account has at the start, by its owner's name: dollars with 6 decimals.
CASH = {"trader": 10**11, "maker": 10**12, "hedger": 10**10, "whale": 10**13, "pauper": 10**8}
SAVINGS = 10**11


def furnished(chain: Deployable) -> World:
    """A world with money in it, to be forked for each sequence."""
    deploy(chain)
    world = World(chain)
    for account in world.accounts:
        deposit_to(world, account, 0, CASH[world.name_of(account)])
    for token_id in COLLATERAL:
        deposit_to(world, world.accounts[0], token_id, 10**6)
    # The second account of each owner.
    for account in world.accounts[1::SUB_ACCOUNTS]:
        choose_mode(world, owner_name(world, account), account, PORTFOLIO)
    fund_actions.save_assets(world, world.savers["saver"], SAVINGS)
    _collect(world)
    compare.everything(world)
    world.restart()
    return world


def _collect(world: World) -> None:
    """The collector opens all but two of the markets that an account may have."""
    for account in (world.collector, world.counterparty):
        deposit_to(world, account, 0, CASH["maker"])
    others = [market_id for market_id in ANCHORS if market_id not in MAIN_MARKETS]
    for market_id in others[: MAX_LEGS - 2]:
        money = paid(WAD, ANCHORS[market_id])
        changes = [
            Change(world.collector, WAD, money, 0, GATE_MARGIN_RULE),
            Change(world.counterparty, -WAD, -money, 0, GATE_MARGIN_RULE),
        ]
        trade(world, "collect", "dealer", market_id, changes)

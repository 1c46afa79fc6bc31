"""Calls that trade, compared in everything that they touch."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from seawall.spec.clearinghouse import Change
from seawall.spec.words import GATE_NONE, TAKEOVER, WATERFALL
from tests.fuzz import compare, promises, seen
from tests.fuzz.backend import Argument
from tests.fuzz.promises import Standing
from tests.fuzz.world import Answer, World


def trade(world: World, action: str, module: str, market_id: int, changes: list[Change]) -> bool:
    """A trade by a role; whether it went through."""
    sender = world.chain.actor(module)
    gated = {c.account for c in changes if c.gate != GATE_NONE and c.account >> 96}
    return send_trades(
        world,
        action,
        sender,
        "trade(uint256,(uint256,int256,int256,uint256,uint256)[])",
        [market_id, changes],
        lambda: world.spec.trade(sender, market_id, changes),
        gated,
    )


def send_trades(
    world: World,
    action: str,
    sender: str,
    signature: str,
    arguments: Sequence[Argument],
    predict: Callable[[], Answer],
    gated: Iterable[int],
    target: str | None = None,
) -> bool:
    """Send a call that trades; P6 for each of the accounts that may be gated in it."""
    earlier = standings(world, gated)
    passed, _ = world.send(action, sender, signature, arguments, predict, target)
    if not passed:
        return False
    takeover = TAKEOVER if world.spec.rights[target or sender] & WATERFALL else 0
    for market_id, changes, _ in world.spec.trades:
        for change in changes:
            if change.account in earlier and change.gate != GATE_NONE:
                found = earlier[change.account]
                promises.check_gate(world, change, market_id, found, takeover)
                seen.count_gate(world, change.account, market_id, takeover)
    market_ids = list(dict.fromkeys(market_id for market_id, _, _ in world.spec.trades))
    # Fees of side parties would be money from nowhere: the fund's account is checked too.
    compare.touched(world, list(dict.fromkeys([*parties(world), world.fee_account])), market_ids)
    return True


def parties(world: World) -> list[int]:
    """Accounts that the latest call traded for."""
    changes = [change for _, made, _ in world.spec.trades for change in made]
    return list(dict.fromkeys(change.account for change in changes if change.account >> 96))


def holders_changed(world: World) -> list[int]:
    """Accounts whose size the latest call changed; who is only paid may have had a debt before."""
    changes = [change for _, made, _ in world.spec.trades for change in made if change.size]
    return list(dict.fromkeys(change.account for change in changes if change.account >> 96))


def standings(world: World, accounts: Iterable[int]) -> dict[int, Standing | None]:
    """How accounts will stand when the next call finds them."""
    world.spec.now = world.chain.time + 1
    return {account: promises.standing(world, account) for account in accounts}

"""What people do: one function per action, each drawing from the random source it is given."""

from __future__ import annotations

from random import Random

from seawall.spec.clearinghouse import Change, Operator
from seawall.spec.state import Reverted
from seawall.spec.words import GATE_INITIAL, GATE_MARGIN_RULE, LOT, PORTFOLIO, TICK, WAD
from tests.fuzz import compare
from tests.fuzz.promises import check_exit
from tests.fuzz.stage import ANCHORS, CAP, COLLATERAL, DECIMALS, MAIN_MARKETS
from tests.fuzz.trading import trade
from tests.fuzz.world import MismatchError, World


class _UndoError(Exception):
    """Leaves a trial without a trace."""


# -- draws ---------------------------------------------------------------------------------------


def draw_market(dice: Random) -> int:
    """Mostly one of the four with the widest prices."""
    return dice.choice(MAIN_MARKETS)


def draw_size(world: World, dice: Random, market_id: int, top: float = 5) -> int:
    """A size of 1 to 10**top money at the index, mostly on the lot."""
    notional = int(10 ** dice.uniform(1, top)) * WAD
    price = max(world.prices[market_id].price, ANCHORS[market_id] // 100)
    size = max(1, notional * WAD // price)
    if dice.random() < 0.85:
        return max(LOT, size // LOT * LOT)
    return size + dice.randrange(LOT)


def draw_price(world: World, dice: Random, market_id: int) -> int:
    """Near the index, on the tick."""
    index = world.prices[market_id].price
    offset = dice.choice([0, 0, 1, -1]) * dice.randrange(30_000)
    if dice.random() < 0.03:
        offset = dice.randrange(-900_000, 2_000_000)
    return max(TICK, index * (10**6 + offset) // 10**6 // TICK * TICK)


def paid(size: int, price: int) -> int:
    """Money that a party receives for a change of size."""
    return -(size * price // WAD)


def draw_fee(dice: Random, money: int) -> int:
    """Nothing, or up to a thousandth of the money."""
    return dice.choice([0, abs(money) // dice.randrange(1_000, 10_000)])


def size_of(world: World, account: int, market_id: int) -> int:
    """Signed size that an account has."""
    try:
        _, legs = world.spec.portfolio(account)
    except (Reverted, ArithmeticError):
        return 0
    return next((size for leg_id, _, size in legs if leg_id == market_id), 0)


def holders(world: World, market_id: int) -> list[int]:
    """Accounts with a leg in a market."""
    positions = world.spec.ledger.positions
    return [account for account in world.accounts if positions[account, market_id].shares]


def owner_name(world: World, account: int) -> str:
    """Address of an account's owner."""
    return f"0x{account >> 96:040x}"


# -- tokens --------------------------------------------------------------------------------------


def _deposit(
    world: World, action: str, sender: str, account: int, token_id: int, amount: int
) -> None:
    passed, _ = world.send(
        action,
        sender,
        "deposit(uint256,uint256,uint256)",
        [account, token_id, amount],
        lambda: world.spec.deposit(int(sender, 16), account, token_id, amount),
    )
    if passed:
        world.wallets[token_id, sender] -= amount
        world.wallets[token_id, world.house] += amount
        compare.touched(world, [account])
        compare.expect_wallet(world, token_id, sender)


def deposit_to(world: World, account: int, token_id: int, amount: int) -> None:
    """So many native units of a token, by the account's owner."""
    _deposit(world, "deposit", owner_name(world, account), account, token_id, amount)


def deposit(world: World, dice: Random) -> None:
    """Settlement tokens, mostly to one's own account."""
    account = dice.choice(world.accounts)
    sender = owner_name(world, account)
    if dice.random() < 0.1:
        sender = world.owners["whale"]
        account = dice.choice([*world.accounts, world.fee_account])
    poor = account >> 96 == int(world.owners["pauper"], 16)
    amount = int(10 ** (dice.uniform(0, 9) if poor else dice.uniform(9, 12)))
    _deposit(world, "deposit", sender, account, 0, amount)


def deposit_collateral(world: World, dice: Random) -> None:
    """Another token to one's own account."""
    account = dice.choice(world.accounts)
    token_id = dice.choice(list(COLLATERAL))
    amount = int(10 ** dice.uniform(0, DECIMALS[token_id] + 1))
    _deposit(world, "deposit_collateral", owner_name(world, account), account, token_id, amount)


def deposit_refused(world: World, dice: Random) -> None:
    """Nothing, to nobody, an unknown token, a stranger's collateral, above the cap."""
    account = dice.choice(world.accounts)
    sender = owner_name(world, account)
    stranger = next(a for a in world.accounts if a >> 96 != account >> 96)
    cases = [
        (account, 0, 0),
        (account, 1, 0),
        (stranger, 1, 0),
        (dice.randrange(2**96), 0, 5),
        (account, dice.choice([3, 8, 9, 2**255]), 5),
        (stranger, dice.choice(list(COLLATERAL)), 5),
        (account, 0, 2 * CAP * 10**6 // 2),
    ]
    _deposit(world, "deposit_refused", sender, *dice.choice(cases))


def withdrawable(world: World, account: int) -> int:
    """WAD cash that the exit gate lets go, as the specification sees it."""
    held = world.spec.ledger.accounts[account]
    if held.bitmap == 0:
        return max(0, held.cash)
    try:
        base, legs = world.spec.portfolio(account)
        prices, now = world.spec.refresh(held.bitmap), world.spec.now
        found = world.model.assess(held.cash, base, legs, prices, now, held.mode)
    except (Reverted, ArithmeticError):
        return 0
    room = min(held.cash, found.settled - found.initial)
    above = found.equity - world.model.scenarios.matrix.minimum_equity * WAD
    if held.mode & PORTFOLIO and above >= 0:
        # Below the minimum of portfolio mode more is asked for: not beyond it here.
        room = min(room, above)
    if room <= 0:
        return 0
    found = world.model.assess(held.cash - room, base - room, legs, prices, now, held.mode)
    # Where the settlement balance binds, settled equity falls twice as fast as cash.
    short = max(0, found.initial - found.settled)
    return max(0, room - (short + 1) // 2)


def withdraw(world: World, dice: Random) -> None:
    """A part of what is free, all of it, or one unit more."""
    two = dice.sample(world.accounts, 2)
    account = max(two, key=lambda one: withdrawable(world, one))
    free = withdrawable(world, account) // 10**12
    amount = dice.choice([free // dice.randrange(1, 9), free, free, free + 1, free * 2 + 3])
    _withdraw(world, "withdraw", dice, account, 0, amount)


def withdraw_profit(world: World, dice: Random) -> None:
    """All that is free of the account with the most that nobody put in."""
    spec = world.spec
    free = {account: withdrawable(world, account) for account in world.accounts}
    account = max(free, key=lambda one: free[one] - spec.principal[one])
    part = dice.choice([1, 1, 1, 2])
    _withdraw(world, "withdraw", dice, account, 0, free[account] // 10**12 // part)


def withdraw_collateral(world: World, dice: Random) -> None:
    """Some, all, or more than there is."""
    fund = world.fee_account
    holding = [key for key, amount in world.spec.collateral.items() if amount and key[0] != fund]
    if not holding:
        return
    account, token_id = dice.choice(holding)
    amount = world.spec.collateral[account, token_id]
    amount = dice.choice([1, amount // 3 + 1, amount, amount + 1, amount // 50 + 1])
    _withdraw(world, "withdraw_collateral", dice, account, token_id, amount)


def withdraw_refused(world: World, dice: Random) -> None:
    """Nothing, too much, not mine, unknown, to nobody."""
    account = dice.choice(world.accounts)
    token_id, amount = dice.choice(
        [(0, 0), (0, 2**111), (0, 2**255), (1, 2**200), (5, 1), (9, 1), (0, 2**100)]
    )
    sender = owner_name(world, account)
    if dice.random() < 0.3:
        sender, amount = world.chain.actor("thief"), 10**6
    _withdraw(world, "withdraw_refused", dice, account, token_id, amount, sender)


def _withdraw(
    world: World,
    action: str,
    dice: Random,
    account: int,
    token_id: int,
    amount: int,
    sender: str = "",
) -> None:
    sender = sender or owner_name(world, account)
    receiver = dice.choice(list(world.owners.values()))
    passed, sent = world.send(
        action,
        sender,
        "withdraw(uint256,uint256,uint256,address)",
        [account, token_id, amount, receiver],
        lambda: list(
            world.spec.withdraw(int(sender, 16), account, token_id, amount, int(receiver, 16))
        ),
    )
    if not passed:
        return
    world.wallets[token_id, receiver] += sent
    world.wallets[token_id, world.house] -= sent
    compare.touched(world, [account, world.queue_account])
    compare.expect_wallet(world, token_id, receiver)
    compare.expect_exits(world)
    check_exit(world, account)


def transfer(world: World, dice: Random) -> None:
    """Cash to another account: free, all, one wei more; or refused in one of five ways."""
    sender, receiver = dice.sample(world.accounts, 2)
    if withdrawable(world, sender) == 0:
        sender, receiver = receiver, sender
    receiver = dice.choice([receiver] * 9 + [world.fee_account])
    free = withdrawable(world, sender)
    amount = dice.choice([free // 7, free // 2, free, free, free + 1])
    caller = owner_name(world, sender)
    oddity = dice.random()
    if oddity < 0.05:
        receiver = dice.choice([sender, 1, 2, 7])
    elif oddity < 0.1:
        amount = dice.choice([0, 2**111, 2**111 - 1])
    elif oddity < 0.13:
        caller = world.chain.actor("thief")
    passed, _ = world.send(
        "transfer",
        caller,
        "transfer(uint256,uint256,uint256)",
        [sender, receiver, amount],
        lambda: world.spec.transfer(int(caller, 16), sender, receiver, amount),
    )
    if passed:
        compare.touched(world, [sender, receiver])
        check_exit(world, sender)


def donate(world: World, dice: Random) -> None:
    """Tokens sent without a word must change nothing."""
    token_id = dice.choice(list(DECIMALS))
    sender, amount = world.owners["whale"], dice.randrange(1, 10**6)
    token = world.chain.addr(f"token {token_id}")
    world.send(
        "donate", sender, "transfer(address,uint256)", [world.house, amount], lambda: 1, token
    )
    world.wallets[token_id, sender] -= amount
    world.wallets[token_id, world.house] += amount
    compare.touched(world, [])
    compare.expect_wallet(world, token_id, sender)


# -- operators -----------------------------------------------------------------------------------


def set_operator(world: World, owner: str, name: str, allowed: Operator) -> None:
    """Grant or revoke the rights of a person (by name)."""
    operator = world.chain.actor(name)
    world.send(
        "operate",
        owner,
        "set_operator(address,uint256,uint256,uint256)",
        [operator, allowed.until, allowed.markets, allowed.max_size],
        lambda: world.spec.set_operator(int(owner, 16), int(operator, 16), allowed),
    )


def operate(world: World, dice: Random) -> None:
    """Grant or revoke an operator, and ask who may act."""
    owner = dice.choice(list(world.owners.values()))
    name = dice.choice(["bot", "desk"])
    operator = world.chain.actor(name)
    until = world.chain.time + dice.randrange(10**6)
    allowed = Operator(
        dice.choice([0, until, until, until, 2**40 - 1, 2**40]),
        dice.choice([0, 10**18, 10**18, 10**18, 2**88 - 1, 2**88]),
        dice.choice([0, 2, 2**128 - 1, 2**127 | 8]),
    )
    set_operator(world, owner, name, allowed)
    for _ in range(4):
        account = dice.choice(world.accounts)
        actor = dice.choice([operator, owner, world.chain.actor("bot")])
        market_id = dice.choice([0, 1, 3, 127, 128, 300])
        size = dice.choice([1, -1]) * dice.choice([0, 10**18, 10**18 + 1, 2**88 - 1, 2**88])
        expected = world.spec.may_act(account, int(actor, 16), market_id, size)
        name, view = f"may_act {size}", "may_act(uint256,address,uint256,int256)"
        world.expect(name, int(expected), view, account, actor, market_id, size)


# -- fills ---------------------------------------------------------------------------------------


def _pair(
    world: World, dice: Random, market_id: int, taker: int, maker: int, size: int
) -> list[Change]:
    money = paid(size, draw_price(world, dice, market_id))
    gates = [dice.choice([GATE_MARGIN_RULE, GATE_MARGIN_RULE, GATE_INITIAL]) for _ in range(2)]
    return [
        Change(taker, size, money, draw_fee(dice, money), gates[0]),
        Change(maker, -size, -money, draw_fee(dice, money), gates[1]),
    ]


def fill(world: World, dice: Random) -> None:
    """Two parties, any direction."""
    fill_market(world, dice, draw_market(dice))


def fill_market(world: World, dice: Random, market_id: int) -> None:
    """The same in one market."""
    taker, maker = dice.sample(world.accounts, 2)
    size = dice.choice([1, -1]) * draw_size(world, dice, market_id)
    trade(world, "fill", "dealer", market_id, _pair(world, dice, market_id, taker, maker, size))


def close(world: World, dice: Random) -> None:
    """Close a leg: exactly, in part, one unit short, or through zero to the other side."""
    market_id = draw_market(dice)
    held = holders(world, market_id)
    if not held:
        return
    taker = dice.choice(held)
    maker = dice.choice([account for account in world.accounts if account != taker])
    opposite = [
        a for a in held if size_of(world, a, market_id) * size_of(world, taker, market_id) < 0
    ]
    if opposite and dice.random() < 0.5:
        maker = dice.choice(opposite)
    have = size_of(world, taker, market_id)
    size = -dice.choice(
        [have, have, have // 2, have // 3 // LOT * LOT, have - 1, have + 1, have * 2, have * 3 // 2]
    )
    if size:
        changes = _pair(world, dice, market_id, taker, maker, size)
        trade(world, "close", "dealer", market_id, changes)


def distressed_close(world: World, dice: Random) -> None:
    """An account below initial margin reduces at prices around what keeps its margin ratio."""
    short = {account for account in world.accounts if is_distressed(world, account)}
    legs = [(m, a) for m in MAIN_MARKETS for a in holders(world, m) if a in short]
    if not legs:
        return
    market_id, taker = dice.choice(legs)
    maker = dice.choice([account for account in world.accounts if account != taker])
    have = size_of(world, taker, market_id)
    size = -dice.choice([have, have, have // 2, have // 5, have * 11 // 10, have // -5])
    index = world.prices[market_id].price
    price = index * (10**6 + dice.randrange(-60_000, 60_001)) // 10**6 // TICK * TICK
    if size == 0:
        return
    money = paid(size, price)
    gate = dice.choice([GATE_MARGIN_RULE, GATE_MARGIN_RULE, GATE_MARGIN_RULE, GATE_INITIAL])
    changes = [
        Change(taker, size, money, draw_fee(dice, money), gate),
        Change(maker, -size, -money, 0, 0),
    ]
    # By the engine: the maker's own margin is not the question here.
    trade(world, "distressed_close", "broker", market_id, changes)


def is_distressed(world: World, account: int) -> bool:
    """Solvent, but below initial margin."""
    try:
        found = world.spec.assess(account)
    except (Reverted, ArithmeticError):
        return False
    return found.equity > 0 and found.adverse < found.initial


def small_fill(world: World, dice: Random) -> None:
    """At, just above and just below the minimum notional."""
    market_id = draw_market(dice)
    taker, maker = dice.sample(world.accounts, 2)
    minimum = world.spec.terms[market_id].min_notional
    price = draw_price(world, dice, market_id)
    aim = -(-minimum * WAD // price)
    have = size_of(world, taker, market_id)
    target = dice.choice([1, -1]) * (aim + dice.choice([0, 0, 1, -1, LOT, -LOT]))
    size = target - have if dice.random() < 0.5 else target
    if size == 0:
        return
    money = paid(size, price)
    changes = [
        Change(taker, size, money, 0, GATE_MARGIN_RULE),
        Change(maker, -size, -money, 0, GATE_MARGIN_RULE),
    ]
    trade(world, "small_fill", "dealer", market_id, changes)


def many_fill(world: World, dice: Random) -> None:
    """Three to six parties, sometimes one of them twice."""
    market_id = draw_market(dice)
    parties = dice.sample(world.accounts, dice.randrange(3, 7))
    twice = dice.random() < 0.3
    if twice:
        parties[-1] = dice.choice(parties[:-1])
    sizes = [dice.choice([1, -1]) * draw_size(world, dice, market_id, 3.5) for _ in parties]
    sizes[0] -= sum(sizes)
    if 0 in sizes:
        return
    moneys = [paid(size, draw_price(world, dice, market_id)) for size in sizes]
    moneys[0] -= sum(moneys)
    changes = [
        Change(account, size, money, draw_fee(dice, money), dice.choice([1, 1, 2]))
        for account, size, money in zip(parties, sizes, moneys, strict=True)
    ]
    trade(world, "twice_fill" if twice else "many_fill", "dealer", market_id, changes)


def edge_fill(world: World, dice: Random) -> None:
    """The largest fill that the margin rule lets through, and one lot more."""
    market_id = draw_market(dice)
    taker, maker = dice.sample(world.accounts, 2)
    direction = dice.choice([1, -1])
    price = draw_price(world, dice, market_id)

    def changes(lots: int) -> list[Change]:
        size = direction * lots * LOT
        money = paid(size, price)
        return [Change(taker, size, money, 0, 1), Change(maker, -size, -money, 0, 1)]

    low = 1 + 2 * world.spec.terms[market_id].min_notional * WAD // (price * LOT)
    high = low + draw_size(world, dice, market_id, 9) // LOT
    if not _would_pass(world, market_id, changes(low)):
        trade(world, "edge_fill", "dealer", market_id, changes(low))
        return
    if _would_pass(world, market_id, changes(high)):
        trade(world, "edge_fill", "dealer", market_id, changes(high))
        return
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (
            (middle, high) if _would_pass(world, market_id, changes(middle)) else (low, middle)
        )
    if trade(world, "edge_fill", "dealer", market_id, changes(high)):
        raise MismatchError(f"a fill of {high} lots must fail")
    trade(world, "edge_fill", "dealer", market_id, changes(low))


def _would_pass(world: World, market_id: int, changes: list[Change]) -> bool:
    world.spec.now = world.chain.time + 1
    try:
        with world.spec.journal.transaction():
            world.spec.trade(world.chain.actor("dealer"), market_id, changes)
            raise _UndoError
    except _UndoError:
        return True
    except (Reverted, ArithmeticError):
        return False


def collect(world: World, dice: Random) -> None:
    """One account opens market after market; the seventeenth is refused."""
    bitmap = world.spec.ledger.accounts[world.collector].bitmap
    missing = [market_id for market_id in world.spec.terms if not bitmap >> market_id & 1]
    if world.spec.ledger.accounts[world.collector].cash < 10**5 * WAD:
        _deposit(world, "deposit", world.owners["collector"], world.collector, 0, 10**12)
    market_id = dice.choice(missing)
    size = dice.choice([1, -1]) * draw_size(world, dice, market_id, 3)
    maker = dice.choice(world.accounts)
    changes = _pair(world, dice, market_id, world.collector, maker, size)
    trade(world, "collect", "dealer", market_id, changes)


def fill_refused(world: World, dice: Random) -> None:
    """One rule broken at a time."""
    market_id = draw_market(dice)
    taker, maker = dice.sample(world.accounts, 2)
    size = dice.choice([1, -1]) * draw_size(world, dice, market_id, 3)
    first, second = _pair(world, dice, market_id, taker, maker, size)
    module = "dealer"
    case = dice.randrange(12)
    if case == 0:
        second = second._replace(size=second.size + dice.choice([1, -1]))
    elif case == 1:
        second = second._replace(money=second.money + dice.choice([1, -1]))
    elif case == 2:
        first = first._replace(gate=0)
    elif case == 3:
        first, second = first._replace(size=0), second._replace(size=0)
    elif case == 4:
        first = first._replace(account=dice.choice([1, 2]))
    elif case == 5:
        first = first._replace(account=dice.choice([0, 3, 2**96 - 1]))
    elif case == 6:
        module = dice.choice(["funder", "guardian", "stranger"])
    elif case == 7:
        market_id = dice.choice([0, 20, 128, 255, 2**255])
    elif case == 8:
        field = dice.choice(["size", "money"])
        value = dice.choice([2**111, -(2**111) - 1, 2**254])
        first = first._replace(**{field: value})
        second = second._replace(**{field: -value})
    elif case == 9:
        first = first._replace(fee=dice.choice([2**111, 2**111 - 1, 2**255]))
    elif case == 10:
        module = "broker"
        first = first._replace(account=dice.choice([0, 3, 2**96 - 1]))
    else:
        first, second = first._replace(gate=3), second._replace(gate=dice.choice([3, 4]))
    trade(world, "fill_refused", module, market_id, [first, second])


def settle(world: World, dice: Random) -> None:
    """Carry a leg, mostly one of an ended epoch."""
    account = dice.choice(world.accounts)
    market_id = dice.choice([*MAIN_MARKETS, 0, 128, 129, 300])
    if dice.random() < 0.7:
        stale = [
            (holder, market_id)
            for (holder, market_id), position in world.spec.ledger.positions.items()
            if position.shares
            and position.epoch
            < world.spec.ledger.markets[market_id].side(1 if position.shares > 0 else 2).epoch
        ]
        if stale:
            account, market_id = dice.choice(stale)
    passed, _ = world.send(
        "settle",
        world.chain.actor("keeper"),
        "settle(uint256,uint256)",
        [account, market_id],
        lambda: world.spec.settle(account, market_id),
    )
    if passed:
        compare.touched(world, [account], [market_id])

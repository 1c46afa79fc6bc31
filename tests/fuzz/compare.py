"""State word by word: what each view of the contracts must answer after a call."""

from __future__ import annotations

from collections.abc import Sequence

from seawall.spec.exit_vault import ExitVault
from seawall.spec.margin import Plan
from seawall.spec.state import Reverted
from seawall.spec.words import ACCOUNT, LEG, LONG, POSITION, PRICE, SHORT, SIDE, ids_of
from tests.fuzz import parameters, seen
from tests.fuzz.stage import ANCHORS, COLLATERAL, DECIMALS
from tests.fuzz.world import World

MARKETS_MASK = 2**128 - 1
WORDS_AND_PRICES = "(uint256,int256,uint256[],uint256[])"


def touched(world: World, accounts: Sequence[int], market_ids: Sequence[int] = ()) -> None:
    """Compare accounts, markets and totals after a call."""
    for account in accounts:
        expect_account(world, account, market_ids)
    for market_id in market_ids:
        expect_market(world, market_id)
    world.expect("totals", tuple(world.spec.totals), "totals()")
    world.verify()


def expect_account(world: World, account: int, market_ids: Sequence[int]) -> None:
    """Word, positions, clock, portfolio, and what the margin model makes of it."""
    word = _account_word(world, account)
    principal, view = world.spec.principal[account], "collateral_of(uint256,uint256)"
    world.expect(f"principal of {account:#x}", principal, view, account, 0)
    for market_id in market_ids:
        position = POSITION.pack(**world.spec.ledger.positions[account, market_id]._asdict())
        name = f"position {account:#x} in {market_id}"
        world.expect(name, position, "position_word(uint256,uint256)", account, market_id)
    name, started = f"clock of {account:#x}", world.waterfall.flagged[account]
    world.expect(name, started, "flagged_at(uint256)", account, target=world.engine)
    _expect_portfolio(world, account, word)


def expect_exits(world: World) -> None:
    """Both ends of the exit queue, and each ticket in it."""
    exits, queue = world.exits, world.queue
    front, end = exits.ends[0], exits.ends[1]
    world.expect("ends of the queue", (front, end), "ends()", target=queue)
    for ticket_id in range(max(0, front - 1), end):
        ticket = exits.tickets[ticket_id]
        world.expect(f"ticket {ticket_id}", ticket, "ticket(uint256)", ticket_id, target=queue)
        expect_waiting(world, ticket.account)


def expect_waiting(world: World, account: int) -> None:
    """What of an account's tickets was not called back."""
    waits = world.exits.waiting[account]
    world.expect("waiting", waits, "waiting(uint256)", account, target=world.queue)


def _account_word(world: World, account: int) -> int:
    held = world.spec.ledger.accounts[account]
    return ACCOUNT.pack(
        cash=held.cash,
        mode=held.mode,
        collateral=held.bitmap >> 128,
        markets=held.bitmap & MARKETS_MASK,
    )


def _expect_portfolio(world: World, account: int, word: int) -> None:
    name, view = f"portfolio of {account:#x}", "portfolio(uint256)"
    try:
        base, legs = world.spec.portfolio(account)
    except (Reverted, ArithmeticError):
        world.expect(name, None, view, account)
        return
    packed = [LEG.pack(id=i, open_interest=oi, size=size) for i, oi, size in legs]
    world.expect(name, [word, base, 96, len(packed), *packed], view, account)
    prices = [world.prices[leg_id] for leg_id, _, _ in legs]
    price_words = [PRICE.pack(**price._asdict()) for price in prices]
    held, now = world.spec.ledger.accounts[account], world.spec.now
    arguments, model = (word, base, packed, price_words), world.model_address
    assessed = world.model.assess(held.cash, base, legs, prices, now, held.mode)
    seen.count_margin(world, held, base, legs, prices)
    view = f"assess{WORDS_AND_PRICES}"
    world.expect(f"margin of {account:#x}", tuple(assessed), view, *arguments, target=model)
    words = _plan_words(world.model.plan(base, legs, prices, now, held.mode))
    view = f"plan{WORDS_AND_PRICES}"
    world.expect(f"plan of {account:#x}", words, view, *arguments, target=model)


def _plan_words(plan: Plan) -> list[int]:
    legs = [leg.word for leg in plan.legs]
    head = [
        plan.equity,
        plan.maintenance,
        plan.favourable_equity,
        plan.favourable_maintenance,
    ]
    return [*head, 160, len(legs), *legs]


def expect_market(world: World, market_id: int) -> None:
    """Market, shares and terms words, both sides now and as their last epoch ended."""
    words = world.spec.market_words(market_id)
    world.expect(f"market {market_id}", words, "market_words(uint256)", market_id)
    market = world.spec.ledger.markets[market_id]
    for which in (LONG, SHORT):
        epoch = market.side(which).epoch
        for number in range(max(0, epoch - 1), epoch + 1):
            _expect_side(world, market_id, which, number)


def _expect_side(world: World, market_id: int, which: int, epoch: int) -> None:
    """One side in one epoch."""
    side = world.spec.ledger.markets[market_id].side(which)
    if epoch < side.epoch:
        scale, charge = world.spec.ledger.ended[market_id, which, epoch]
        expected = SIDE.pack(scale=scale, charge=charge)
    else:
        # The first epoch's is written when the market is listed.
        stands = side.touched or epoch == 0
        expected = SIDE.pack(scale=side.scale, charge=side.charge) if stands else 0
    name = f"side {which} of {market_id} in epoch {epoch}"
    world.expect(name, expected, "side_word(uint256,uint256,uint256)", market_id, which, epoch)


def expect_wallet(world: World, token_id: int, holder: str) -> None:
    """Tokens of an address."""
    token, amount = world.chain.addr(f"token {token_id}"), world.wallets[token_id, holder]
    name, view = f"token {token_id} of {holder}", "balanceOf(address)"
    world.expect(name, amount, view, holder, target=token)


def expect_saver(world: World, saver: str) -> None:
    """Shares of a saver of the fund, those that wait, and the supply."""
    _expect_shares(world, saver, world.savings.fund, world.fund)


def expect_backer(world: World, saver: str) -> None:
    """The same of a saver of the Backstop."""
    _expect_shares(world, saver, world.backers.fund, world.backstop_vault)


def _expect_shares(world: World, saver: str, fund: ExitVault, chain: str) -> None:
    queued = fund.queue.get(saver)
    request = noted = (0, 0, 0)
    if queued is not None:
        lapses = queued.matures_at + 48 * 3_600
        request = (queued.shares, queued.matures_at, lapses)
        noted = (queued.due_at, queued.worth, queued.supply)
    balance = fund.balances.get(saver, 0)
    world.expect("supply", fund.supply, "totalSupply()", target=chain)
    world.expect(f"shares of {saver}", balance, "balanceOf(address)", saver, target=chain)
    world.expect(f"request of {saver}", request, "redeem_request(address)", saver, target=chain)
    world.expect(f"claim of {saver}", noted, "announcement(address)", saver, target=chain)


def expect_uses(world: World, market_id: int) -> None:
    """What the fund may still pay for a market in the present epoch."""
    fund = world.savings.fund
    fund.cash = world.spec.ledger.accounts[world.fee_account].cash
    room = fund.cover_room(market_id, world.chain.time)
    name = f"room of {market_id}"
    world.expect(name, room, "cover_room(uint256)", market_id, target=world.fund)


def everything(world: World) -> None:
    """Compare all there is: each account in each market, each side of each epoch, each wallet."""
    world.spec.now = world.chain.time
    for account in world.everyone:
        _expect_views(world, account)
    for market_id in ANCHORS:
        market = world.spec.ledger.markets[market_id]
        for which in (LONG, SHORT):
            for epoch in range(market.side(which).epoch):
                _expect_side(world, market_id, which, epoch)
    for token_id in DECIMALS:
        for address in (*world.owners.values(), *world.savers.values(), world.house):
            expect_wallet(world, token_id, address)
    for saver in world.savers.values():
        expect_saver(world, saver)
        expect_backer(world, saver)
    for market_id in (0, *ANCHORS):
        expect_uses(world, market_id)
    parameters.everything(world)
    expect_exits(world)
    healed_at = world.closer.healed_at[0]
    world.expect("healed at", healed_at, "healed_at()", target=world.closer_address)
    for digest, filled in world.venue.filled.items():
        number = int.from_bytes(digest, "big")
        world.expect("filled", filled, "filled(bytes32)", number, target=world.exchange)
    touched(world, world.everyone, list(ANCHORS))


def _expect_views(world: World, account: int) -> None:
    """What no other comparison asks of an account."""
    for token_id in COLLATERAL:
        amount = world.spec.collateral[account, token_id]
        name = f"collateral {token_id} of {account:#x}"
        world.expect(name, amount, "collateral_of(uint256,uint256)", account, token_id)
    word = _account_word(world, account)
    world.expect(f"account {account:#x}", word, "account_word(uint256)", account)
    expect_later(world, account)
    salt = world.venue.min_salt[account]
    world.expect("salt", salt, "min_salt(uint256)", account, target=world.exchange)


def expect_later(world: World, account: int) -> None:
    """Margin and plan of an account at a time within the ramps that begin now."""
    held, later = world.spec.ledger.accounts[account], world.spec.now + parameters.RAMP_AHEAD
    try:
        base, legs = world.spec.portfolio(account)
    except (Reverted, ArithmeticError):
        return
    prices = [world.prices[leg_id] for leg_id, _, _ in legs]
    arguments = (
        _account_word(world, account),
        base,
        [LEG.pack(id=i, open_interest=oi, size=size) for i, oi, size in legs],
        [PRICE.pack(**price._asdict()) for price in prices],
        later,
    )
    model, kinds = world.model_address, WORDS_AND_PRICES.replace(")", ",uint256)")
    assessed = world.model.assess(held.cash, base, legs, prices, later, held.mode)
    name = f"later margin of {account:#x}"
    world.expect(name, tuple(assessed), f"assess{kinds}", *arguments, target=model)
    words = _plan_words(world.model.plan(base, legs, prices, later, held.mode))
    name = f"later plan of {account:#x}"
    world.expect(name, words, f"plan{kinds}", *arguments, target=model)


def market_ids_of(world: World, account: int) -> list[int]:
    """Markets in which an account has a leg."""
    return ids_of(world.spec.ledger.accounts[account].bitmap & MARKETS_MASK)

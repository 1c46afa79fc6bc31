"""What is promised of slices to orders fails on a state that breaks it, whatever contracts say."""

from __future__ import annotations

from typing import NamedTuple

import pytest

from seawall.spec.clearinghouse import Change
from seawall.spec.margin import Price
from seawall.spec.orders import Order
from seawall.spec.slices import Matched, liquidate_matched
from seawall.spec.words import GATE_MARGIN_RULE, PPM, TICK, WAD
from tests.fuzz import promises, waterfall_actions
from tests.fuzz.clearing_actions import paid
from tests.fuzz.creation import compiled
from tests.fuzz.furnish import furnished
from tests.fuzz.promises import Standing
from tests.fuzz.revm import Revm
from tests.fuzz.signing import offer
from tests.fuzz.slice_orders_actions import check_cost
from tests.fuzz.stage import ANCHORS
from tests.fuzz.trading import trade
from tests.fuzz.world import MismatchError, World

MARKET = 1
PRICE = ANCHORS[MARKET]


class Slice(NamedTuple):
    """What a slice to one order found, did and filled."""

    account: int
    before: Standing
    done: Matched
    order: Order

    def check(self, world: World, done: Matched | None = None, price: int | None = None) -> None:
        """Hold it to what is promised, perhaps told of otherwise or at another price."""
        order = self.order if price is None else self._at(price)
        fills = [(order, self.done.step.size)]
        check_cost(world, self.account, self.before, done or self.done, fills, exact=True)

    def _at(self, price: int) -> Order:
        made = self.order
        return Order(made.account, made.market_id, made.size, price, made.expiry, made.salt)


@pytest.fixture(scope="module")
def base() -> World:
    return furnished(Revm(compiled()))


@pytest.fixture
def world(base: World) -> World:
    return base.fork()


@pytest.fixture
def done(world: World) -> Slice:
    """A long just below maintenance margin gave a slice to an order at the index."""
    account, maker, rival = world.accounts[0], world.accounts[2], world.accounts[4]
    size = 100 * WAD
    changes = [
        Change(account, size, paid(size, PRICE), 0, GATE_MARGIN_RULE),
        Change(maker, -size, -paid(size, PRICE), 0, GATE_MARGIN_RULE),
    ]
    assert trade(world, "fill", "dealer", MARKET, changes)
    bounds = waterfall_actions.line(world, account, MARKET, PPM)
    assert bounds is not None
    price = bounds[1] // TICK * TICK
    world.prices[MARKET] = Price(price)
    before = promises.standing(world, account)
    assert before is not None
    order = Order(rival, MARKET, size, price, world.chain.time + 9, 1)
    made = offer(world, order, world.name_of(rival))
    found = liquidate_matched(world.waterfall, world.venue, account, maker, [made.signed])
    assert found.step.fee > 0
    told = Slice(account, before, found, order)
    told.check(world)
    return told


def test_slice_whose_orders_take_more_than_the_penalty_fails(world: World, done: Slice) -> None:
    step = done.done.step
    beyond = step.price - step.fee * WAD // step.size - TICK
    with pytest.raises(MismatchError, match="P5 concession"):
        done.check(world, price=beyond)


def test_slice_whose_concession_is_not_told_fails(world: World, done: Slice) -> None:
    told = done.done._replace(conceded=1)
    with pytest.raises(MismatchError, match="concession told"):
        done.check(world, told)


def test_slice_that_keeps_a_better_price_from_the_account_fails(world: World, done: Slice) -> None:
    with pytest.raises(MismatchError, match="P5 gain of the account"):
        done.check(world, price=done.done.step.price + 1_000 * TICK)


def test_slice_that_is_not_filled_whole_fails(world: World, done: Slice) -> None:
    step = done.done.step
    told = done.done._replace(step=step._replace(size=step.size + 1))
    with pytest.raises(MismatchError, match="slice filled"):
        done.check(world, told)

"""The deployed system with every contract in its place, and signed orders."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import pytest
from eth_account import Account
from eth_account.signers.local import LocalAccount

from seawall.client.orders import Domain, Order, SignedOrder, direct, sign
from seawall.deployed import System
from seawall.node import MNEMONIC
from seawall.spec.words import WAD, account_id
from tests.closing_desk import ClosingDesk
from tests.desk import Desk, Health, Refused, contract_at
from tests.e2e.rooms import IndexRoom

HOUR = 3_600


@pytest.fixture(scope="session")
def broker(accounts: Any) -> Any:
    """A module with the engine's rights, for positions without orders."""
    return accounts[8]


@pytest.fixture(scope="session")
def saver(accounts: Any) -> Any:
    return accounts[5]


@pytest.fixture
def desk(system: System, chain: Any, deployer: Any, broker: Any) -> Iterator[ClosingDesk]:
    """The system beside its specification."""
    made = ClosingDesk(system, chain.provider.http_uri, deployer, broker)
    yield made
    made.close()


@contextmanager
def _refused(reason: str) -> Iterator[None]:
    with pytest.raises(Refused) as found:
        yield
    assert found.value.reason == reason


@pytest.fixture
def refused() -> Callable[[str], AbstractContextManager[None]]:
    """with refused(reason): a transaction of the desk's that reverts with it."""
    return _refused


@pytest.fixture
def fund_account(desk: Desk) -> Callable[..., int]:
    """fund_account(owner, dollars, sub=0): the account id."""
    return desk.account


@pytest.fixture
def set_index(desk: Desk) -> Callable[[int, Any], None]:
    """set_index(market_id, dollars): every feed answers this price."""
    return desk.index


class Market:
    """Orders on the Exchange: whole dollars and WAD sizes in, the Clearinghouse's state out."""

    def __init__(self, desk: Desk, chain_id: int, key_of: Callable[[Any], LocalAccount]) -> None:
        self.desk, self.key_of = desk, key_of
        self.domain = Domain(chain_id, desk.exchange.address)
        self._salt = 0

    def order(self, owner: Any, market_id: int, size: int, price: int, **over: Any) -> Order:
        """An order of the owner's first account; size in WAD, price in dollars."""
        self._salt += 1
        account = account_id(str(owner.address), over.pop("sub", 0))
        expiry = self.desk.rpc.timestamp() + HOUR
        return Order(account, market_id, size, price * WAD, expiry, self._salt, **over)

    def signed(self, owner: Any, market_id: int, size: int, price: int, **over: Any) -> SignedOrder:
        """The same with its owner's signature."""
        order = self.order(owner, market_id, size, price, **over)
        return sign(order, self.domain, self.key_of(owner))

    def taker(self, owner: Any, market_id: int, size: int, price: int, **over: Any) -> SignedOrder:
        """An order that its owner sends."""
        return direct(self.order(owner, market_id, size, price, **over))

    def match(self, taker: SignedOrder, makers: list[SignedOrder], sender: Any) -> None:
        """Match. Errors: Refused."""
        orders = [one.as_tuple() for one in makers]
        args = (taker.as_tuple(), orders)
        self.desk.send(str(sender.address), self.desk.exchange, "match", *args)

    def size(self, owner: Any, market_id: int, sub: int = 0) -> int:
        """Signed size, WAD."""
        account = account_id(str(owner.address), sub)
        return int(self.desk.view(self.desk.lens, "size_of", account, market_id))

    def health(self, owner: Any, sub: int = 0) -> Health:
        """What Lens says of an account."""
        return self.desk.health(account_id(str(owner.address), sub))

    def withdraw(self, owner: Any, native: int) -> None:
        """The owner takes token units out of his first account. Errors: Refused."""
        sender = str(owner.address)
        args = (account_id(sender), 0, native, sender)
        self.desk.send(sender, self.desk.house, "withdraw", *args)

    def claim(self) -> None:
        """An hour later anybody has what waits paid."""
        self.desk.warp(3_600)
        queue = contract_at(str(self.desk.system.exit_queue.address), "ExitQueue")
        self.desk.send(self.desk.broker, queue, "claim", 32)

    def conservation(self) -> int:
        """Assets minus claims, WAD."""
        return int(self.desk.view(self.desk.lens, "conservation", self.desk.markets))


@pytest.fixture
def room(chain: Any, accounts: Any) -> Iterator[IndexRoom]:
    """An index oracle without a system, its owner and three reporters."""
    reporters = [str(accounts[number].address) for number in (5, 6, 7)]
    made = IndexRoom(chain.provider.http_uri, str(accounts[0].address), reporters)
    yield made
    made.close()


@pytest.fixture
def market(desk: Desk, chain: Any) -> Market:
    """Signed orders of the test accounts."""
    Account.enable_unaudited_hdwallet_features()
    keys = [Account.from_mnemonic(MNEMONIC, account_path=f"m/44'/60'/0'/0/{i}") for i in range(10)]
    by_address = {key.address: key for key in keys}
    return Market(desk, chain.chain_id, lambda owner: by_address[owner.address])

"""A vault with a queue, a Clearinghouse of cash behind it, and what people do with both.

A vault joins the suite by an entry in `VAULTS`: how it is deployed, and how it loses.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from seawall.deployment import create_address
from seawall.spec.exit_vault import CLAIM_DELAY_SECONDS, VIRTUAL_ASSETS, VIRTUAL_SHARES
from seawall.spec.words import ACCOUNT, LOSS, PPM, account_id
from tests.fuzz.backend import Refused, words_of
from tests.fuzz.creation import compiled
from tests.fuzz.revm import Revm

DECIMALS = 6
UNIT = 10**DECIMALS
SCALE = 10 ** (18 - DECIMALS)
COOLDOWN = 3_600
WALLET = 10**40
BANKRUPT = 1 << 96
SAVERS = ("saver", "thief", "newcomer", "resident")


@dataclass
class VaultRoom:
    """Amounts are native units unless a name says WAD; prices are (worth + 1, supply + 10**6)."""

    chain: Revm
    vault: str
    book: str
    token: str
    take: Callable[[VaultRoom, int], None]
    #: At the Clearinghouse, of what savers pay in.
    account: int

    def who(self, name: str) -> str:
        """Address of a person."""
        return self.chain.actor(name)

    # -- calls -------------------------------------------------------------------------------

    def ask(self, view: str, *arguments: int | str, name: str = "viewer") -> int:
        """First word that a view answers a person, of the vault."""
        return words_of(self.chain.send(self.who(name), self.vault, view, *arguments))[0]

    def act(self, name: str, signature: str, *arguments: int | str) -> int:
        """A person's transaction with the vault; the first word of its answer. Errors: Refused."""
        answer = words_of(self.chain.send(self.who(name), self.vault, signature, *arguments))
        return answer[0] if answer else 0

    def refused(self, name: str, signature: str, *arguments: int | str) -> str | None:
        """The reason that a transaction is refused for; None if it goes through."""
        try:
            self.act(name, signature, *arguments)
        except Refused as refusal:
            return refusal.reason
        return None

    # -- state -------------------------------------------------------------------------------

    def shares(self, name: str) -> int:
        """Free shares of a person."""
        return self.ask("balanceOf(address)", self.who(name))

    def price(self) -> tuple[int, int]:
        """What a share is worth now, by the standard's own views."""
        worth, supply = self.ask("totalAssets()"), self.ask("totalSupply()")
        return worth + VIRTUAL_ASSETS, supply + VIRTUAL_SHARES

    def tokens(self, name: str) -> int:
        """Native units in a person's wallet."""
        answer = self.chain.send(self.who(name), self.token, "balanceOf(address)", self.who(name))
        return words_of(answer)[0]

    def set_cash_wad(self, cash: int) -> None:
        """Let the account's cash be so much, by fees or losses; the till stays full."""
        self.book_send("set_cash(uint256,int256)", self.account, cash)

    def book_send(self, signature: str, *arguments: int) -> None:
        """What happens at the Clearinghouse."""
        self.chain.send(self.who("engine"), self.book, signature, *arguments)

    def donate(self, name: str, assets: int) -> None:
        """A person's deposit to the vault's account at the Clearinghouse."""
        self.chain.send(
            self.who(name), self.book, "deposit(uint256,uint256,uint256)", self.account, 0, assets
        )

    # -- moves -------------------------------------------------------------------------------

    def deposit(self, name: str, assets: int) -> int:
        """The shares issued."""
        return self.act(name, "deposit(uint256,address)", assets, self.who(name))

    def request(self, name: str, shares: int) -> None:
        """Lock shares."""
        self.act(name, "request_redeem(uint256)", shares)

    def announced(self, name: str, shares: int) -> None:
        """Lock shares, wait and announce."""
        self.request(name, shares)
        self.chain.warp(COOLDOWN)
        self.act(name, "announce()")

    def due(self, name: str, shares: int) -> None:
        """Lock shares, wait, announce and wait until the claim is due."""
        self.announced(name, shares)
        self.chain.warp(CLAIM_DELAY_SECONDS)

    def redeem(self, name: str, shares: int) -> int:
        """Claim; the native units paid. Errors: Refused."""
        who = self.who(name)
        return self.act(name, "redeem(uint256,address,address)", shares, who, who)

    def leave(self, name: str) -> int:
        """All free shares by the whole way out; native units paid, none for a worthless rest."""
        shares = self.shares(name)
        if shares == 0:
            return 0
        self.due(name, shares)
        if self.ask("maxRedeem(address)", self.who(name)) == 0:
            return 0
        return self.redeem(name, shares)


def _take_by_cover(room: VaultRoom, amount: int) -> None:
    cover = "cover(uint256,uint256[],uint256[])"
    room.chain.send(room.who("engine"), room.vault, cover, BANKRUPT, [7], [amount])


def open_insurance_fund(chain: Revm) -> VaultRoom:
    """A fund without caps."""
    token, book = chain.addr("token"), chain.addr("book")
    vault = chain.deploy(
        "vault", "InsuranceFund", book, token, "Savings", "SAVE", COOLDOWN, PPM, PPM
    )
    engine = chain.actor("engine")
    chain.send(engine, book, "set_module(address,uint256)", engine, LOSS)
    return VaultRoom(chain, vault, book, token, _take_by_cover, account_id(vault))


def _lose_cash(room: VaultRoom, amount: int) -> None:
    """A bucket's loss, as the vault sees it: less cash, never below zero."""
    words = words_of(
        room.chain.send(room.who("viewer"), room.book, "account_word(uint256)", room.account)
    )
    cash = ACCOUNT.unpack(words[0])["cash"]
    room.set_cash_wad(max(0, cash - amount))


def open_backstop(chain: Revm) -> VaultRoom:
    """A Backstop without buckets: all is cash that is not allotted."""
    token, book = chain.addr("token"), chain.addr("book")
    oracle = chain.deploy("oracle", "FixedOracle")
    model = chain.deploy("model", "MarginModel", PPM, 0, 0, chain.actor("engine"))
    # Vault and Backstop name each other; four contracts stand before them.
    backstop = create_address(chain.actor("deployer"), 5).lower()
    vault = chain.deploy(
        "vault", "BackstopVault", book, token, backstop, "Backstop", "BACK", COOLDOWN
    )
    owner = chain.actor("engine")
    found = chain.deploy("backstop", "Backstop", book, oracle, model, vault, 0, 0, 3_600, owner)
    if found != backstop:
        raise RuntimeError(f"the Backstop is at {found}, its vault expects it at {backstop}")
    return VaultRoom(chain, vault, book, token, _lose_cash, account_id(backstop))


#: Vaults that the suite holds to the standard, by name.
VAULTS: dict[str, Callable[[Revm], VaultRoom]] = {
    "Backstop": open_backstop,
    "InsuranceFund": open_insurance_fund,
}


def open_room(vault: str) -> VaultRoom:
    """A vault without savers; people have tokens, and others filled the till."""
    chain = Revm(compiled())
    token = chain.deploy("token", "Token", "Settlement", "SET", DECIMALS)
    book = chain.deploy("book", "CashBook")
    chain.send(chain.actor("engine"), book, "set_asset(address)", token)
    room = VAULTS[vault](chain)
    for name in (*SAVERS, "others"):
        who = chain.actor(name)
        chain.send(who, token, "mint(address,uint256)", who, WALLET)
        for spender in (room.vault, book):
            chain.send(who, token, "approve(address,uint256)", spender, 2**256 - 1)
    chain.send(
        room.who("others"), book, "deposit(uint256,uint256,uint256)", BANKRUPT + 1, 0, 10**21
    )
    chain.reset()
    return room
